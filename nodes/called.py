"""Entries of the trail that participants leave who were called as tools.

They travel as the artifact of the tool's result, as plain data: any checkpointer keeps that, a
strict one of somebody else's too. In the thread's messages, they are left out again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AnyMessage, ToolMessage

from langgraph_orchestra.state import Turn

__all__ = ["as_artifact", "entries_in", "without_entries"]

_TRAIL = "orchestra_trail"


def as_artifact(trail: Iterable[Any]) -> dict[str, Any]:
    """Entries as the artifact of a tool's result."""
    return {_TRAIL: [Turn.model_validate(turn).model_dump(mode="json") for turn in trail]}


def entries_in(messages: Iterable[Any]) -> Sequence[Turn]:
    """The entries that the results of tools carry."""
    return [Turn.model_validate(turn) for message in messages for turn in _carried(message)]


def without_entries(message: AnyMessage) -> AnyMessage:
    """A message as it is stored in the thread."""
    return message.model_copy(update={"artifact": None}) if _carried(message) else message


def _carried(message: Any) -> Sequence[Any]:
    artifact = message.artifact if isinstance(message, ToolMessage) else None
    return artifact.get(_TRAIL, ()) if isinstance(artifact, dict) else ()
