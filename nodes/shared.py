"""Custom state keys on their way into a participant's own graph and back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_type_hints

from langgraph.channels.base import BaseChannel
from langgraph.types import Overwrite

from langgraph_orchestra.nodes.participant import Scene

__all__ = ["given", "state_changes"]


def given(state: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The custom keys that an inner graph shares, with their values."""
    return {key: state[key] for key in keys if key in state}


def state_changes(
    state: Mapping[str, Any], result: Mapping[str, Any], scene: Scene
) -> dict[str, Any]:
    """What an inner graph has changed in the custom keys, as updates for the outer one.

    An inner graph returns whole values, and the outer reducer would apply them on top of what it
    has: two entries would become four. So only what is new is given back.
    """
    changes = {}
    for key in scene.shared_keys:
        if key not in result:
            continue
        old, new = state.get(key), result[key]
        if key in state and old == new:
            continue
        changes[key] = _difference(old, new) if _has_reducer(scene, key) else new
    return changes


def _difference(old: Any, new: Any) -> Any:
    if isinstance(old, Sequence) and isinstance(new, Sequence) and new[: len(old)] == old:
        return new[len(old) :]
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old.keys() <= new.keys():
        return {k: v for k, v in new.items() if k not in old or old[k] != v}
    if isinstance(old, set | frozenset) and isinstance(new, set | frozenset) and old <= new:
        return new - old
    return Overwrite(new)


def _has_reducer(scene: Scene, key: str) -> bool:
    if scene.state_schema is None:
        return False
    hint = get_type_hints(scene.state_schema, include_extras=True).get(key)
    metadata: tuple[Any, ...] = getattr(hint, "__metadata__", ())
    return any(callable(one) or isinstance(one, BaseChannel) for one in metadata[-1:])
