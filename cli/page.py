"""A thread as a page for a browser."""

from langgraph_orchestra.cli.catalog import template_named
from langgraph_orchestra.cli.thread import Standing
from langgraph_orchestra.reports import report

__all__ = ["page_of"]


def page_of(standing: Standing) -> str:
    """All of a thread as a page of HTML, with the graph of its template."""
    asked = [request.value for request in standing.requests]
    graph = template_named(standing.template).build() if standing.template else None
    title = " · ".join(filter(None, [standing.template, f"thread {standing.thread_id}"]))
    return report({**standing.values, "__interrupt__": asked}, graph=graph, title=title)
