"""`report`: one page of HTML that shows all of a run, in a file that needs nothing else."""

from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from langgraph_orchestra.reports.drawing import drawable_graph
from langgraph_orchestra.reports.page import overview, plans, records, said, work
from langgraph_orchestra.reports.page.html import Html, element, joined
from langgraph_orchestra.reports.page.parts import picture, section
from langgraph_orchestra.reports.pictures.diagram import graph_picture
from langgraph_orchestra.reports.pictures.theme import dark_style, variables
from langgraph_orchestra.reports.recording import Recording, recording_of
from langgraph_orchestra.reports.text import clean

__all__ = ["report"]


def report(result: Any, *, graph: Any = None, title: str = "A run") -> str:
    """A run as a page of HTML: how it ended, who did what, what was said, decided and spent.

    The page opens from a file, on a phone and in the dark too. It has no scripts, loads nothing,
    and forbids both; whatever participants, models or tools have said stands there as text. For a
    thread with several runs, transcript and timeline are the thread's; plans, drafts and handoffs
    are the latest run's, as in the state.

        Path("run.html").write_text(report(result, graph=graph), encoding="utf-8")

    Args:
        result: What `invoke` gave, or the values of a saved thread.
        graph: The graph that ran, compiled or not, to be drawn with the teams in it; None leaves it
            out.
        title: What the page is called.

    Raises:
        TypeError: `result` or `graph` is something else.
    """
    recording = recording_of(result)
    sections = _sections(recording, graph)
    body = joined(overview.heading(recording, title), _index(sections), *sections.values())
    return Template(_read("page.html")).substitute(
        title=escape(clean(title)),
        style="\n".join([variables(), _read("page.css"), dark_style()]),
        body=body,
    )


def _sections(recording: Recording, graph: Any) -> dict[str, Html]:
    """The parts of the page that have something to show, by what its index calls them."""
    every = {
        "waiting": overview.waiting(recording),
        "answer": overview.answer(recording),
        "graph": Html() if graph is None else _graph(graph),
        "timeline": work.timeline(recording),
        "conversation": work.conversation(recording),
        "plan": plans.plan(recording),
        "progress": plans.progress(recording),
        "results": records.results(recording),
        "drafts": records.drafts(recording),
        "handoffs": records.handoffs(recording),
        "decisions": work.decisions(recording),
        "transcript": said.transcript(recording),
        "costs": work.costs(recording),
    }
    return {name: content for name, content in every.items() if content}


def _graph(graph: Any) -> Html:
    drawn = graph_picture(drawable_graph(graph, xray=True), fold_agents=True)
    return section("graph", "Graph", picture(drawn))


def _index(sections: dict[str, Html]) -> Html:
    return element("nav", *(element("a", name, href=f"#{name}") for name in sections))


def _read(name: str) -> str:
    return files("langgraph_orchestra.reports.page").joinpath(name).read_text(encoding="utf-8")
