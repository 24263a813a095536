"""Keeping some checkpoints of a thread and dropping the others, without loss to those kept.

A `DeltaChannel` is not stored as a whole in each checkpoint: it is put together from the last
whole value among its ancestors and what was written since. So an ancestor cannot just go. What
would be missing moves, as the bytes that it is, to a stub in the place of the parent:

    snapshot --> step --> step --> kept         becomes        stub --> kept

Who writes it needs no reducer and knows no types. LangGraph itself leaves such stubs with
`durability="exit"`, so every saver reads them.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langgraph.checkpoint.base import empty_checkpoint

from langgraph_orchestra.checkpoints.rows import (
    OWN_KEYS,
    STUB_MARK,
    STUB_STEP,
    Place,
    Row,
    SavedThread,
    deltas_by_namespace,
)

__all__ = ["STUB_TASK", "Part", "keep_only", "part_of"]

STUB_TASK = str(UUID(int=1))
"""Task under which a stub's writes stand: one, so that their index alone orders them."""

# Channel, type and bytes of a value that was written.
_Write = tuple[str, str, bytes]


@dataclass(frozen=True)
class _Stub:
    """What takes the place of a dropped checkpoint."""

    place: Place
    checkpoint: tuple[str, bytes]
    metadata: bytes
    writes: Sequence[_Write]


@dataclass(frozen=True)
class Part:
    """Some checkpoints of a thread, and what they need to be whole without the others."""

    places: Collection[Place]
    """The checkpoints, with stubs that there were already."""

    stubs: Sequence[_Stub]
    """What takes the places of those that they need something of."""

    orphans: Collection[Place]
    """Those of the checkpoints whose parent is lost."""

    def complete(self, thread: SavedThread) -> None:
        """Save the stubs in a thread that has the checkpoints and no others."""
        _unlink(thread, self.orphans)
        for stub in self.stubs:
            _insert(thread, stub)


def part_of(thread: SavedThread, kept: Collection[Place]) -> Part:
    """Gather what some checkpoints need to be whole without the others.

    Args:
        thread: The thread.
        kept: The checkpoints.

    Raises:
        CheckpointError: If a value of unknown type would have to be moved.
    """
    places = {*kept, *_stubs_above(thread, kept)}
    parents = {
        place: parent
        for place in places
        if (parent := thread.rows[place].parent) is not None and parent not in places
    }
    needs = _needs(thread, parents)
    stubs = [_stub(thread, place, channels) for place, channels in needs.items()]
    return Part(places, stubs, [place for place in parents if parents[place] not in needs])


def keep_only(thread: SavedThread, kept: Collection[Place]) -> None:
    """Drop all checkpoints of a thread but some, which keep their whole state.

    Args:
        thread: The thread, in the transaction that shall do it.
        kept: Those that stay, with their pending writes.

    Raises:
        CheckpointError: If a value of unknown type would have to be moved.
    """
    part = part_of(thread, kept)
    thread.delete(thread.rows.keys() - part.places)
    part.complete(thread)


def _stubs_above(thread: SavedThread, kept: Iterable[Place]) -> Iterator[Place]:
    for place in kept:
        parent = thread.rows[place].parent
        if parent is not None and parent in thread.rows and thread.rows[parent].is_stub:
            yield parent


def _needs(thread: SavedThread, parents: Mapping[Place, Place]) -> Mapping[Place, Collection[str]]:
    """The channels that checkpoints are put together from, by the places of their lost parents."""
    deltas = deltas_by_namespace(thread.rows.values())
    needs: dict[Place, set[str]] = defaultdict(set)
    for place, parent in parents.items():
        if parent not in thread.rows or not deltas[place.ns]:
            continue
        checkpoint = thread.look_at(place)
        written = deltas[place.ns] & checkpoint["channel_versions"].keys()
        if missing := written - checkpoint["channel_values"].keys():
            needs[parent] |= missing
    return needs


def _stub(thread: SavedThread, place: Place, channels: Collection[str]) -> _Stub:
    """Gather what the channels are put together from, up to and with this checkpoint."""
    checkpoint = empty_checkpoint()
    checkpoint["id"] = place.id
    checkpoint["ts"] = thread.look_at(place)["ts"]
    newest_first: list[Sequence[_Write]] = []
    missing = set(channels)
    for row in thread.ancestors(place):
        newest_first.append(_writes_since(thread, row.place, missing))
        if whole := missing & thread.look_at(row.place)["channel_values"].keys():
            # Read once more: what is only looked at must not be written.
            ancestor = thread.load(row.place)
            for name in whole:
                checkpoint["channel_values"][name] = ancestor["channel_values"][name]
                checkpoint["channel_versions"][name] = ancestor["channel_versions"][name]
            missing -= whole
            if not missing:
                break
    return _Stub(
        place,
        thread.serde.dumps_typed(checkpoint),
        _stub_metadata(thread.rows[place]),
        [write for writes in reversed(newest_first) for write in writes],
    )


def _writes_since(thread: SavedThread, place: Place, channels: Collection[str]) -> Sequence[_Write]:
    """What was written to the channels since a checkpoint, in the order in which it counts."""
    return thread.cursor.execute(
        "SELECT channel, type, value FROM writes"
        " WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?"
        " AND channel IN (SELECT value FROM json_each(?))"
        " ORDER BY task_path, task_id, idx",
        (thread.id, *place, json.dumps([*channels])),
    ).fetchall()


def _stub_metadata(row: Row) -> bytes:
    """What configs gave it, such as an owner, but nothing of the step and the run it was of."""
    given: dict[str, Any] = {k: v for k, v in row.metadata.items() if k not in OWN_KEYS}
    stub = {**given, "step": STUB_STEP, STUB_MARK: True}
    return json.dumps(stub, ensure_ascii=False).encode()


def _unlink(thread: SavedThread, places: Iterable[Place]) -> None:
    thread.cursor.executemany(
        "UPDATE checkpoints SET parent_checkpoint_id = NULL"
        " WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?",
        [(thread.id, *place) for place in places],
    )


def _insert(thread: SavedThread, stub: _Stub) -> None:
    thread.cursor.execute(
        "INSERT INTO checkpoints"
        " (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, metadata)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (thread.id, *stub.place, *stub.checkpoint, stub.metadata),
    )
    thread.cursor.executemany(
        "INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type,"
        " value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (thread.id, *stub.place, STUB_TASK, index, *write)
            for index, write in enumerate(stub.writes)
        ],
    )
