"""What the official SQLite saver does, taken apart from when and where it does it.

Its methods say which rows make up a checkpoint, in which tables, and how they are read again. Here
they run on whatever cursor they are given: that of a read, or one that only takes notes.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, cast

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.base import SerializerProtocol

from langgraph_orchestra.checkpoints.sealing import SealingSaver

__all__ = ["Notes", "OfficialSaver"]


class Notes:
    """Statements that were given instead of run, with values that are bytes already."""

    def __init__(self) -> None:
        self._statements: list[tuple[str, Sequence[Sequence[Any]]]] = []

    def execute(self, statement: str, row: Sequence[Any]) -> None:
        """Note a statement."""
        self._statements.append((statement, [row]))

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Note a statement for several rows."""
        self._statements.append((statement, rows))

    def run(self, cursor: sqlite3.Cursor) -> None:
        """Run what was noted, in its order."""
        for statement, rows in self._statements:
            cursor.executemany(statement, rows)


class OfficialSaver(SealingSaver):
    """The official saver without a connection, a lock and a set-up of its own.

    Args:
        serde: Serializer of the values.
    """

    _used: sqlite3.Cursor

    def __init__(self, serde: SerializerProtocol) -> None:
        BaseCheckpointSaver.__init__(self, serde=serde)

    def on(self, cursor: sqlite3.Cursor | Notes, serde: SerializerProtocol) -> Self:
        """The same for one call; what is shared is taken over, as `copy` takes half of the time."""
        used = object.__new__(type(self))
        vars(used).update(vars(self))
        used.serde = serde
        used._used = cast("sqlite3.Cursor", cursor)
        return used

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:  # noqa: ARG002
        """Give the cursor of this call, whose transaction is not the saver's business."""
        yield self._used
