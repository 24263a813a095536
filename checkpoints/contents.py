"""What a checkpoint file must hold to be used: checked once, when it is opened."""

import sqlite3
from pathlib import Path

from langgraph.checkpoint.serde.base import SerializerProtocol

from langgraph_orchestra.checkpoints.serializer import looking_only
from langgraph_orchestra.state import CheckpointError

__all__ = ["check_contents"]


def check_contents(conn: sqlite3.Connection, path: Path, serde: SerializerProtocol) -> None:
    """Fail now, not in the middle of a run, if the file cannot be written or read.

    Args:
        conn: Connection to the file, whose tables are there.
        path: The file, for messages.
        serde: Serializer of its values.

    Raises:
        CheckpointError: If its values cannot be read with this serializer.
        sqlite3.Error: If it cannot be written, or has other tables of these names.
    """
    _check_tables(conn)
    _check_values(conn, path, serde)


def _check_tables(conn: sqlite3.Connection) -> None:
    conn.execute("BEGIN IMMEDIATE")
    try:
        conn.execute("SELECT task_id, task_path, idx, channel, type, value FROM writes")
        conn.execute("SELECT parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints")
    finally:
        conn.rollback()


def _check_values(conn: sqlite3.Connection, path: Path, serde: SerializerProtocol) -> None:
    newest = conn.execute(
        "SELECT type, checkpoint FROM checkpoints ORDER BY rowid DESC LIMIT 1"
    ).fetchone()
    if newest is None:
        return
    try:
        with looking_only():
            serde.loads_typed(newest)
    except (ValueError, NotImplementedError) as error:
        raise CheckpointError(
            f"checkpoint file `{path}` cannot be read ({error}); if its values are "
            "encrypted, open it with their `key`"
        ) from error
