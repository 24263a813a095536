"""The factories: each builds one pattern as an uncompiled `StateGraph`.

A pattern is loaded when it is first asked for: a program that uses one does not wait for the
others.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.concurrent import create_concurrent
    from langgraph_orchestra.graphs.group_chat import create_group_chat
    from langgraph_orchestra.graphs.handoff import create_handoff
    from langgraph_orchestra.graphs.magentic import create_magentic
    from langgraph_orchestra.graphs.maker_checker import create_maker_checker
    from langgraph_orchestra.graphs.map_reduce import create_map_reduce
    from langgraph_orchestra.graphs.pattern import PatternGraph
    from langgraph_orchestra.graphs.sequential import create_sequential
    from langgraph_orchestra.graphs.supervisor import create_supervisor

__all__ = [
    "PatternGraph",
    "create_concurrent",
    "create_group_chat",
    "create_handoff",
    "create_magentic",
    "create_maker_checker",
    "create_map_reduce",
    "create_sequential",
    "create_supervisor",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    module = "pattern" if name == "PatternGraph" else name.removeprefix("create_")
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
