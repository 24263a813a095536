"""Reducers of the shared channels: tiny, deterministic, and the same for any batching of writes.

`DeltaChannel` stores what each step wrote and replays it in batches of any size, so each of them
holds `reducer(reducer(state, a), b) == reducer(state, a + b)`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from langchain_core.messages import (
    BaseMessage,
    RemoveMessage,
    convert_to_messages,
    message_chunk_to_message,
)
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from langgraph_orchestra.state.records import Result, Turn

__all__ = ["append_messages", "append_turns", "merge_branches", "merge_results"]

_NAMESPACE = UUID("5f0c7a35-3b0f-4b6c-9a53-0a8c4f1d2f6e")
_ROLES = frozenset({"user", "human", "assistant", "ai", "system", "tool", "developer"})


def append_messages(messages: list[Any], writes: Sequence[Any]) -> list[BaseMessage]:
    """Append messages; one with a known id replaces its namesake, a `RemoveMessage` removes it.

    A message without an id gets one made of its place and content: a replay gives the same.

    Args:
        messages: The thread so far.
        writes: What was written since, each a message-like or a list of them.

    Returns:
        The new thread; the old list is not changed.
    """
    thread: list[BaseMessage | None] = list(_typed(messages))
    places = {message.id: place for place, message in enumerate(thread) if message}
    for message in convert_to_messages(_flat(writes)):
        if isinstance(message, RemoveMessage):
            if message.id == REMOVE_ALL_MESSAGES:
                thread, places = [], {}
            elif (place := places.pop(message.id, None)) is not None:
                thread[place] = None
            continue
        if message.type.endswith("Chunk"):
            message = message_chunk_to_message(message)
        if not message.id:
            message = message.model_copy(update={"id": _id_for(message, places)})
        place = places.get(message.id)
        if place is None:
            places[message.id] = len(thread)
            thread.append(message)
        else:
            thread[place] = message
    return [message for message in thread if message is not None]


def append_turns(trail: list[Turn], writes: Sequence[Any]) -> list[Turn]:
    """Append entries to the trail.

    Args:
        trail: The trail so far.
        writes: What was written since, each a list of turns (or of their dumps).
    """
    return [*trail, *(Turn.model_validate(turn) for write in writes for turn in write)]


def merge_branches(branches: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Put what parallel branches bring side by side, by name."""
    return {**branches, **new}


def merge_results(results: Sequence[Result], new: Sequence[Result]) -> list[Result]:
    """Merge the results of a map-reduce; the order is that of the items."""
    by_index = {result.index: result for result in (*results, *new)}
    return sorted(by_index.values(), key=lambda result: result.index or 0)


def _typed(messages: Sequence[Any]) -> Sequence[BaseMessage]:
    """Messages as objects; what this reducer has returned is typed throughout: one look will do."""
    if not messages or isinstance(messages[0], BaseMessage):
        return messages
    return convert_to_messages(messages)


def _flat(writes: Sequence[Any]) -> list[Any]:
    return [message for write in writes for message in (write if _is_list(write) else [write])]


def _is_list(write: Any) -> bool:
    """Tell a list of messages from one `(role, text)` pair, which a reload turns into a list."""
    if not isinstance(write, list):
        return False
    pair = len(write) == 2 and all(isinstance(part, str) for part in write)
    return not (pair and write[0] in _ROLES)


def _id_for(message: BaseMessage, places: Mapping[str | None, int]) -> str:
    number = len(places)
    while (made := str(uuid5(_NAMESPACE, f"{number}:{message.type}:{message.content}"))) in places:
        number += 1
    return made
