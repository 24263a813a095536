"""Care for a checkpoint file as a whole: its size, its soundness, a copy of it.

Each opens the file for itself, since none of this can be done in a transaction.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from langgraph_orchestra.checkpoints.connections import BUSY_SECONDS, named_errors
from langgraph_orchestra.checkpoints.urls import expanded
from langgraph_orchestra.state import CheckpointError, ConfigurationError

__all__ = ["back_up", "find_damage", "give_back_space"]

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def give_back_space(path: Path | str) -> None:
    """Give the pages that nothing uses back to the file system.

    Raises:
        CheckpointError: If the file cannot be used, or another program keeps it busy.
    """
    with _opened(path) as conn:
        conn.execute("VACUUM")
        # In WAL mode the file shrinks only now.
        busy, *_ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise CheckpointError(
                f"checkpoint file `{path}`: another program reads it, so that the space cannot be "
                "given back yet; it will be when all have closed the file"
            )


def find_damage(path: Path | str) -> list[str]:
    """Look for damage in the file.

    Returns:
        What SQLite reports, a line each; empty if the file is sound.

    Raises:
        CheckpointError: If the file cannot be used at all.
    """
    with _opened(path) as conn:
        try:
            found = [str(line) for (line,) in conn.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in _DAMAGED:
                raise
            return [str(error)]
    return [] if found == ["ok"] else found


def back_up(path: Path | str, target: str | os.PathLike[str]) -> None:
    """Copy the file as it is at this moment, while others go on writing to it.

    The copy gets mode 600, and its name only when it is complete.

    Raises:
        CheckpointError: If either file cannot be used.
        ConfigurationError: If there is a file of the copy's name already.
    """
    destination = expanded(Path(target))
    if destination.exists():
        raise ConfigurationError(f"file `{destination}` is there already; name another")
    partial = destination.with_name(f"{destination.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise CheckpointError(f"backup `{destination}` cannot be made: {error.strerror}") from error
    try:
        with _opened(path) as conn, named_errors(partial), closing(sqlite3.connect(partial)) as to:
            conn.backup(to)
        partial.rename(destination)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path | str) -> Iterator[sqlite3.Connection]:
    if not str(path):
        raise CheckpointError("a database in memory has no file to care for")
    file = Path(path)
    uri = f"{file.absolute().as_uri()}?mode=rw"
    with (
        named_errors(file),
        closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as conn,
    ):
        yield conn
