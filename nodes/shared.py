"""Custom state keys on their way into a participant's own graph and back."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from numbers import Number
from typing import Any

from langchain_core.runnables import Runnable
from langgraph.channels.base import BaseChannel
from langgraph.graph import StateGraph
from langgraph.types import Overwrite

from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.nodes.view import View

__all__ = ["after_update", "given", "state_changes"]


def given(
    state: Mapping[str, Any], keys: Iterable[str], graph: Runnable[Any, Any] | None = None
) -> dict[str, Any]:
    """The custom keys that an inner graph shares, as an input that leaves it with their values.

    The inner graph's reducers are applied to its input, too.
    """
    channels = getattr(graph, "channels", {})
    remembers = getattr(graph, "checkpointer", None) is True  # what an earlier turn gave, too
    return {
        key: _input(channels.get(key), state[key], replaces=remembers)
        for key in sorted(keys)
        if key in state
    }


def state_changes(
    state: Mapping[str, Any], result: Mapping[str, Any], scene: Scene
) -> dict[str, Any]:
    """What an inner graph has changed in the custom keys, as updates for the outer one.

    An inner graph returns whole values, and the outer reducer would apply them on top of what it
    has: two entries would become four. So only what is new is given back.
    """
    schema: Any = scene.state_schema
    channels = _channels(schema) if schema else {}
    changes = {}
    for key in sorted(scene.shared_keys & result.keys()):
        new = result[key]
        if key not in state:
            changes[key] = new
        elif state[key] != new:
            changes[key] = _update(channels[key], state[key], new) if key in channels else new
    return changes


def after_update(view: View, update: Mapping[str, Any], scene: Scene) -> View:
    """The view that the next step will have: with messages, trail and custom keys of an update.

    Callbacks that follow a turn in its own step see what it has written, as its reducers keep it.
    """
    schema: Any = scene.state_schema
    written = sorted(scene.shared_keys & update.keys())
    channels = _channels(schema) if written else {}
    values = {key: _value(channels[key], view.state, key, update[key]) for key in written}
    return view.after(update.get("messages", ()), update.get("trail", ()), values)


def _value(
    channel: BaseChannel[Any, Any, Any], state: Mapping[str, Any], key: str, update: Any
) -> Any:
    """What a key will hold."""
    # A copy, since some reducers change what they are given.
    trial = channel.from_checkpoint(copy.copy(state[key])) if key in state else channel.copy()
    trial.update([update])
    return trial.get()


def _input(channel: BaseChannel[Any, Any, Any] | None, value: Any, *, replaces: bool) -> Any:
    """What to write so that a channel, still empty unless it `replaces`, holds `value`."""
    if channel is None:
        return value
    for form in (Overwrite(value), value) if replaces else (value, Overwrite(value)):
        trial = channel.copy()
        trial.update([form])
        if trial.get() == value:
            return form
    return value


def _update(channel: BaseChannel[Any, Any, Any], old: Any, new: Any) -> Any:
    """What to write so that the key's reducer, whichever it is, makes `new` of `old`."""
    for update in (*_differences(old, new), new):
        trial = channel.from_checkpoint(copy.copy(old))  # some reducers change what they are given
        trial.update([update])
        if trial.get() == new:
            return update
    return Overwrite(new)


def _differences(old: Any, new: Any) -> Iterator[Any]:
    """What is new, by kind of value: small, so that updates of parallel branches can be merged."""
    if isinstance(old, Sequence) and isinstance(new, Sequence) and new[: len(old)] == old:
        yield new[len(old) :]
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield {key: value for key, value in new.items() if key not in old or old[key] != value}
    elif isinstance(old, Set) and isinstance(new, Set):
        yield new - old
    elif isinstance(old, Number) and isinstance(new, Number):
        yield new - old  # type: ignore[operator]  # abstract numbers declare no operators


@lru_cache(maxsize=256)
def _channels(schema: Any) -> Mapping[str, BaseChannel[Any, Any, Any]]:
    return StateGraph(schema).channels
