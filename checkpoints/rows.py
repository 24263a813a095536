"""The checkpoints of a thread as rows of a file, without their values."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, Self

from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata
from langgraph.checkpoint.serde.base import SerializerProtocol

from langgraph_orchestra.checkpoints.serializer import looking_only

__all__ = [
    "NO_TASK",
    "OWN_KEYS",
    "STUB_MARK",
    "STUB_STEP",
    "Place",
    "Row",
    "SavedThread",
    "as_written",
    "count_checkpoints",
    "deltas_by_namespace",
    "latest_of_each_namespace",
    "remembered_before",
]

NO_TASK = "00000000-0000-0000-0000-000000000000"
"""Task id of what was put in from outside: input, answers, updates."""

OWN_KEYS = frozenset(CheckpointMetadata.__annotations__)
"""Metadata that LangGraph writes and reads itself; what else there is, comes from configs."""

STUB_STEP = -2
"""Step of a checkpoint that only anchors the writes of those after it.

LangGraph makes such ones with `durability="exit"`.
"""

STUB_MARK = "__stub__"
"""Metadata key that tells our stubs from those of LangGraph; no config can bring such a key."""


_ONE_WRITE = (
    "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ? AND task_id = ? AND idx = ?"
)


class Place(NamedTuple):
    """Where a checkpoint stands in its thread."""

    ns: str
    """Namespace: empty for the thread's own graph, else the path of a nested one."""

    id: str
    """Id of the checkpoint, later ones being greater."""


@dataclass(frozen=True)
class Row:
    """A checkpoint without its values."""

    place: Place
    parent: Place | None
    metadata: Mapping[str, Any]
    """As it is stored; keys besides `OWN_KEYS` may be sealed."""

    @property
    def is_stub(self) -> bool:
        """Whether it holds no state of its own, but what its children are put together from."""
        return self.metadata.get("step") == STUB_STEP

    @property
    def step(self) -> str | None:
        """For a nested graph: id of the thread's own checkpoint from which it was called."""
        called_from = (self.metadata.get("parents") or {}).get("")
        return None if called_from is None else str(called_from)

    @property
    def is_remembered(self) -> bool:
        """Whether it is of a nested graph that goes on from here when it is called again.

        The namespace of one that starts afresh has the id of the task that called it.
        """
        return bool(self.place.ns) and (":" not in self.place.ns or self.step is None)

    @property
    def deltas(self) -> Iterable[str]:
        """Names of the `DeltaChannel`s that were not stored as a whole here."""
        return self.metadata.get("counters_since_delta_snapshot") or ()


@dataclass(frozen=True)
class SavedThread:
    """A thread as it stands in a file, seen within a transaction."""

    cursor: sqlite3.Cursor
    serde: SerializerProtocol
    id: str
    rows: Mapping[Place, Row]
    """All of its checkpoints, the oldest of each namespace first."""

    @classmethod
    def find(cls, cursor: sqlite3.Cursor, serde: SerializerProtocol, thread_id: str) -> Self:
        """Read which checkpoints there are; none for a thread that is not there."""
        found = cursor.execute(
            "SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id, metadata FROM checkpoints"
            " WHERE thread_id = ? ORDER BY checkpoint_ns, checkpoint_id",
            (thread_id,),
        )
        rows = (
            Row(
                Place(ns, id_),
                Place(ns, parent) if parent else None,
                json.loads(metadata) if metadata else {},
            )
            for ns, id_, parent, metadata in found
        )
        return cls(cursor, serde, thread_id, {row.place: row for row in rows})

    @property
    def states(self) -> Sequence[Row]:
        """The checkpoints that hold a state of their own."""
        return [row for row in self.rows.values() if not row.is_stub]

    def load(self, place: Place) -> Checkpoint:
        """A checkpoint with its values."""
        stored = self.cursor.execute(
            "SELECT type, checkpoint FROM checkpoints"
            " WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?",
            (self.id, *place),
        ).fetchone()
        checkpoint: Checkpoint = self.serde.loads_typed(stored)
        return checkpoint

    def look_at(self, place: Place) -> Checkpoint:
        """A checkpoint whose values are only looked at, and may be of unknown types."""
        with looking_only():
            return self.load(place)

    def writes(self, place: Place) -> Sequence[tuple[str, int, str]]:
        """What was written since a checkpoint: task, index and channel."""
        return self.cursor.execute(
            "SELECT task_id, idx, channel FROM writes"
            " WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?",
            (self.id, *place),
        ).fetchall()

    def delete_write(self, place: Place, task: str, index: int) -> None:
        """Delete a written value."""
        statement = f"DELETE FROM writes {_ONE_WRITE}"  # noqa: S608
        self.cursor.execute(statement, (self.id, *place, task, index))

    def shorten_write(self, place: Place, task: str, index: int, length: int) -> None:
        """Leave so many items of a list that was written; one without any goes."""
        key = (self.id, *place, task, index)
        select = f"SELECT type, value FROM writes {_ONE_WRITE}"  # noqa: S608
        if rest := self.serde.loads_typed(self.cursor.execute(select, key).fetchone())[:length]:
            update = f"UPDATE writes SET type = ?, value = ? {_ONE_WRITE}"  # noqa: S608
            self.cursor.execute(update, (*self.serde.dumps_typed(rest), *key))
        else:
            self.delete_write(place, task, index)

    def ancestors(self, place: Place) -> Iterator[Row]:
        """A checkpoint, its parent and so on, as far as they are there."""
        above: Place | None = place
        # Saved anew under a descendant, a checkpoint makes its chain a loop.
        walked: set[Place] = set()
        while above is not None and above in self.rows and above not in walked:
            walked.add(above)
            yield self.rows[above]
            above = self.rows[above].parent

    def delete(self, places: Iterable[Place]) -> None:
        """Delete checkpoints, with what was written since each."""
        keys = [(self.id, *place) for place in places]
        for table in ("checkpoints", "writes"):
            self.cursor.executemany(
                f"DELETE FROM {table}"  # noqa: S608
                " WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?",
                keys,
            )


def count_checkpoints(cursor: sqlite3.Cursor, limit: int | None) -> Sequence[tuple[str, int]]:
    """The threads with how many checkpoints that hold a state each has, the latest used first."""
    return cursor.execute(
        "SELECT thread_id, COUNT(*) FROM checkpoints"
        " WHERE checkpoint_ns = '' AND NOT ifnull(instr(CAST(metadata AS TEXT), ?), 0)"
        " GROUP BY thread_id ORDER BY MAX(checkpoint_id) DESC LIMIT ?",
        (as_written("step", STUB_STEP), -1 if limit is None else limit),
    ).fetchall()


def as_written(key: str, value: str | int) -> str:
    """How an entry stands in the text of metadata, as the savers write it.

    SQLite can look for this text, but not always for the entry: a config may bring NaN, which
    Python's JSON has and SQLite's has not.
    """
    return json.dumps({key: value}, ensure_ascii=False)[1:-1]


def deltas_by_namespace(rows: Iterable[Row]) -> Mapping[str, set[str]]:
    """Names of `DeltaChannel`s, also of those that the graph of later runs has no more."""
    deltas: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        deltas[row.place.ns].update(row.deltas)
    return deltas


def latest_of_each_namespace(
    rows: Iterable[Row], is_candidate: Callable[[Row], bool]
) -> set[Place]:
    """The newest candidate of each namespace that has one."""
    ordered = sorted((row for row in rows if is_candidate(row)), key=lambda row: row.place)
    return {max(row.place for row in those) for _, those in groupby(ordered, _namespace)}


def remembered_before(rows: Iterable[Row], step: str) -> set[Place]:
    """What nested graphs would go on from if they were called from a step: the newest before."""
    return latest_of_each_namespace(rows, lambda row: row.is_remembered and row.place.id < step)


def _namespace(row: Row) -> str:
    return row.place.ns
