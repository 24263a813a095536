"""Seeing a run, and comparing orchestrations: pictures, tables and a page of what happened.

What is asked for is loaded then: a program that prints a table does not wait for matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langgraph_orchestra.reports.accounts import spending, spending_table
    from langgraph_orchestra.reports.comparing import acompare, compare
    from langgraph_orchestra.reports.comparison import Comparison
    from langgraph_orchestra.reports.conversations import conversation, conversation_table
    from langgraph_orchestra.reports.drawing import draw
    from langgraph_orchestra.reports.page.document import report
    from langgraph_orchestra.reports.timelines import timeline, timeline_table

__all__ = [
    "Comparison",
    "acompare",
    "compare",
    "conversation",
    "conversation_table",
    "draw",
    "report",
    "spending",
    "spending_table",
    "timeline",
    "timeline_table",
]


# No module has the name of what it gives: once loaded, it would stand in its place here.
_MODULES = {
    "Comparison": "comparison",
    "acompare": "comparing",
    "compare": "comparing",
    "conversation": "conversations",
    "conversation_table": "conversations",
    "draw": "drawing",
    "report": "page.document",
    "spending": "accounts",
    "spending_table": "accounts",
    "timeline": "timelines",
    "timeline_table": "timelines",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
