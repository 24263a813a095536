"""The patterns' factories under one signature, for what holds for all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_maker_checker,
    create_map_reduce,
    create_sequential,
)
from langgraph_orchestra.nodes import View

Factory = Callable[..., PatternGraph]


def the_task(view: View) -> list[str]:
    """The items of a map-reduce with one item, the task itself."""
    return [view.task]


def map_the_task(participants: Sequence[Any], **options: Any) -> PatternGraph:
    """A map-reduce over the task; its one participant is the worker."""
    return create_map_reduce(the_task, *participants, **options)


def next_of_one_round(view: View) -> str | None:
    """Who speaks next where everybody speaks once."""
    return (*view.speakers, None)[len(view.turns)]


def chat_of_one_round(participants: Sequence[Any], **options: Any) -> PatternGraph:
    """A group chat in which everybody speaks once; it is completed then."""
    return create_group_chat(participants, **{"select": next_of_one_round, **options})


def approving(view: View) -> bool:
    """A checker who approves every draft."""
    return True


def check_the_task(participants: Sequence[Any], **options: Any) -> PatternGraph:
    """A maker-checker that approves the first draft; its one participant is the maker."""
    (maker,) = participants
    return create_maker_checker(maker, approving, **options)


SEVERAL: Mapping[str, Factory] = {
    "sequential": create_sequential,
    "concurrent": create_concurrent,
    "handoff": create_handoff,
    "group_chat": chat_of_one_round,
}
"""Patterns of any number of participants."""

PATTERNS: Mapping[str, Factory] = {
    **SEVERAL,
    "map_reduce": map_the_task,
    "maker_checker": check_the_task,
}
"""All patterns, for graphs of one participant."""

RAISING: Mapping[str, Mapping[str, Any]] = {
    "concurrent": {"on_failure": "raise"},
    "map_reduce": {"on_failure": "raise"},
}
"""Options with which a pattern raises errors that it would record."""

FINISHED = frozenset({"completed", "approved"})
"""Reasons with which the patterns end when all has gone well."""
