"""Copying a thread within a file, all of it or some checkpoints, byte for byte."""

import sqlite3
from collections.abc import Iterable

from langgraph_orchestra.checkpoints.rows import Place
from langgraph_orchestra.state import ConfigurationError

__all__ = ["copy_rows"]

COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value",
}


def copy_rows(
    cursor: sqlite3.Cursor, source: str, target: str, places: Iterable[Place] | None = None
) -> None:
    """Copy checkpoints and what was written since them to a new thread.

    Args:
        cursor: In the transaction that shall do it.
        source: The thread.
        target: Id of the new one.
        places: The checkpoints; None means all.

    Raises:
        ConfigurationError: If the new thread is there already.
    """
    if _exists(cursor, target):
        raise ConfigurationError(
            f"thread `{target}` is there already; take another id, or delete it first"
        )
    for table, columns in COLUMNS.items():
        statement = (
            f"INSERT INTO {table} (thread_id, {columns})"  # noqa: S608
            f" SELECT ?, {columns} FROM {table} WHERE thread_id = ?"
        )
        if places is None:
            cursor.execute(statement, (target, source))
        else:
            cursor.executemany(
                f"{statement} AND checkpoint_ns = ? AND checkpoint_id = ?",
                [(target, source, *place) for place in places],
            )


def _exists(cursor: sqlite3.Cursor, thread_id: str) -> bool:
    query = "SELECT 1 FROM checkpoints WHERE thread_id = ? LIMIT 1"
    return cursor.execute(query, (thread_id,)).fetchone() is not None
