"""Reducers of the shared channels: tiny, deterministic, and the same for any batching of writes.

`DeltaChannel` stores what each step wrote and replays it in batches of any size, so each of them
holds `reducer(reducer(state, a), b) == reducer(state, a + b)`.
"""

import json
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID, uuid5

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    message_chunk_to_message,
    messages_from_dict,
)
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from langgraph_orchestra.state.errors import InputError
from langgraph_orchestra.state.records import Handoff, Record, Result, Turn

__all__ = [
    "append_entries",
    "append_handoffs",
    "append_messages",
    "append_turns",
    "merge_branches",
    "merge_results",
    "merge_steps",
]

R = TypeVar("R", bound=Record)

_NAMESPACE = UUID("5f0c7a35-3b0f-4b6c-9a53-0a8c4f1d2f6e")
_READY = frozenset({AIMessage, HumanMessage, SystemMessage, ToolMessage})
"""Messages to be kept as they are; their exact type is the cheapest thing to ask for."""

_id_of = attrgetter("id")
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
_ROLES = frozenset({"user", "human", "assistant", "ai", "system", "developer"})


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
    written = _flat(writes)
    if _are_new(thread, written):
        return [*thread, *written]
    places = {message.id: place for place, message in enumerate(thread) if message}
    for message in written:
        if type(message) not in _READY:
            message = _message_from(message)
            if isinstance(message, RemoveMessage):
                if message.id == REMOVE_ALL_MESSAGES:
                    thread, places = [], {}
                elif (place := places.pop(message.id, None)) is not None:
                    thread[place] = None
                continue
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
    new = [_turn_from(turn) for write in writes for turn in write]
    return [*_as_records(Turn, trail), *new]


def append_handoffs(handoffs: list[Handoff], writes: Sequence[Any]) -> list[Handoff]:
    """Append to a run's handoffs.

    Args:
        handoffs: The handoffs so far.
        writes: What was written since, each a list of handoffs (or of their dumps).
    """
    new = (Handoff.model_validate(handoff) for write in writes for handoff in write)
    return [*_as_records(Handoff, handoffs), *new]


def append_entries(entries: list[Any], writes: Sequence[Any]) -> list[Any]:
    """Append to a run's drafts, verdicts and the like, which are kept as they are.

    Args:
        entries: What there is so far.
        writes: What was written since, each a list.
    """
    return [*entries, *(entry for write in writes for entry in write)]


def _turn_from(written: Any) -> Turn:
    return written if type(written) is Turn else Turn.model_validate(written)


def merge_branches(branches: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Put what parallel branches bring side by side, by name."""
    return {**branches, **new}


def merge_steps(results: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put results of steps in the place of earlier ones of the same step; new ones come last.

    Args:
        results: What there is so far, by the step's id.
        writes: What was written since, each a mapping of the same kind.
    """
    return {**results, **{step: one for write in writes for step, one in write.items()}}


def merge_results(results: Sequence[Result], new: Sequence[Result]) -> list[Result]:
    """Merge the results of a map-reduce; the order is that of the items."""
    results, new = _as_records(Result, results), _as_records(Result, new)
    if len(new) == 1 and (not results or (results[-1].index or 0) < (new[0].index or 0)):
        return [*results, *new]  # as LangGraph applies them; sorting each time would be quadratic
    by_index = {result.index: result for result in (*results, *new)}
    return sorted(by_index.values(), key=lambda result: result.index or 0)


def _as_records(kind: type[R], values: Sequence[Any]) -> Sequence[R]:
    """Records that a strict saver gave back as plain data, as records again."""
    if not values or isinstance(values[0], kind):
        return values
    return [kind.model_validate(value) for value in values]


def _typed(messages: Sequence[Any]) -> Sequence[BaseMessage]:
    """Messages as objects; what this reducer has returned is typed throughout: one look will do."""
    if not messages or isinstance(messages[0], BaseMessage):
        return messages
    return convert_to_messages([_whole(message) for message in messages])


def _flat(writes: Sequence[Any]) -> list[Any]:
    return [_whole(m) for write in writes for m in (write if _is_list(write) else [write])]


def _are_new(thread: Sequence[Any], written: Sequence[Any]) -> bool:
    """Whether only new messages were written, as in most turns: they need no table of places."""
    if not _READY.issuperset(map(type, written)):
        return False
    ids = set(map(_id_of, written))
    if len(ids) != len(written) or None in ids or "" in ids:
        return False
    return ids.isdisjoint(map(_id_of, thread))


def _message_from(written: Any) -> BaseMessage:
    """A message of what was written as one.

    Raises:
        InputError: It is none.
    """
    try:
        message = convert_to_messages([written])[0]
    except (NotImplementedError, ValueError) as error:
        raise InputError(
            f"`messages` holds {written!r}, which is no message: give a text, a message, or a pair "
            f'such as `("user", "Write about octopuses")`'
        ) from error
    return message_chunk_to_message(message) if message.type.endswith("Chunk") else message


def _whole(message: Any) -> Any:
    """A dumped message made whole again: `convert_to_messages` would lose its usage.

    LangGraph's API server reads states as JSON, and hands such dumps to the reducers.
    """
    if isinstance(message, dict) and "response_metadata" in message:
        return messages_from_dict([{"type": message["type"], "data": message}])[0]
    return message


def _is_list(write: Any) -> bool:
    """Tell a list of messages from one `(role, content)` pair, which a reload makes a list."""
    return isinstance(write, list) and not _is_pair(write)


def _is_pair(write: Any) -> bool:
    if not (isinstance(write, list) and len(write) == 2):
        return False
    role, content = write
    if not (isinstance(role, str) and role in _ROLES):
        return False
    return isinstance(content, str) or (isinstance(content, list) and not _is_pair(content))


def _id_for(message: BaseMessage, places: Mapping[str | None, int]) -> str:
    # From the content as a reload gives it back: tuples as lists, broken surrogates replaced.
    content = _ENCODER.encode(message.content)
    told = f"{message.type}:{content}".encode(errors="replace").decode()
    number = len(places)
    while (made := str(uuid5(_NAMESPACE, f"{number}:{told}"))) in places:
        number += 1
    return made
