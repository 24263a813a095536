"""Connections to a checkpoint file: how it is made and opened, and the ones that reading uses.

In SQLite's WAL mode readers see what was committed when they began, and neither wait for the
writer nor hold it up. So each read has a connection for itself as long as it lasts.

    read --> Readers (idle connections, a new one if all are in use) --> runs.db (WAL)
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from langgraph_orchestra.state import CheckpointError

__all__ = ["Readers", "Synchronous", "closed_error", "connect", "ensure_file", "named_errors"]

Synchronous = Literal["FULL", "NORMAL"]
"""When SQLite waits for the disk: at every commit, or only now and then."""

BUSY_SECONDS = 30.0
MOST_IDLE = 8

# SQLite's file locks belong to the process, and closing any other handle of the file drops them:
# so a file is opened here only to make it, and by one thread at a time.
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL
_creation = threading.Lock()


class Readers:
    """Connections of one file for reading, each used by one caller at a time.

    Args:
        path: The file, which has been set up.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def cursor(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor that sees one state of the file until the block ends.

        Raises:
            CheckpointError: If SQLite reports an error, or the file is closed.
        """
        with named_errors(self._path), self._borrowed() as conn, closing(conn.cursor()) as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            finally:
                conn.rollback()

    def close(self) -> None:
        """Close the connections; one that is in use is closed when its read ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        conn = self._take()
        try:
            yield conn
        finally:
            self._give_back(conn)

    def _take(self) -> sqlite3.Connection:
        check_process(self._process, self._path)
        with self._lock:
            if self._closed:
                raise closed_error(self._path)
            if self._idle:
                return self._idle.pop()
        conn = _open(self._path)
        conn.execute("PRAGMA query_only=ON")
        return conn

    def _give_back(self, conn: sqlite3.Connection) -> None:
        with self._lock:
            is_kept = not self._closed and len(self._idle) < MOST_IDLE
            if is_kept:
                self._idle.append(conn)
        if not is_kept:
            conn.close()


def connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """Open a file for writing, in WAL mode and without transactions that begin by themselves."""
    conn = _open(path)
    try:
        conn.execute(f"PRAGMA synchronous={synchronous}")
        _switch_to_wal(conn)
    except BaseException:
        conn.close()
        raise
    return conn


def ensure_file(path: Path) -> None:
    """Make the file with mode 600, which SQLite copies to its side files."""
    try:
        with _creation:
            os.close(os.open(os.path.realpath(path), _NEW_FILE, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise CheckpointError(f"checkpoint file `{path}` is a folder; name a file") from None
    except FileNotFoundError as error:
        raise CheckpointError(
            f"checkpoint file `{path}` cannot be made: "
            f"there is no folder `{path.parent}`; create it first"
        ) from error
    except OSError as error:
        raise CheckpointError(
            f"checkpoint file `{path}` cannot be made: {error.strerror}"
        ) from error


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite in this block into a `CheckpointError` that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise CheckpointError(f"checkpoint file `{path}`: {error}") from error


def closed_error(path: Path) -> CheckpointError:
    """What a call gets that comes after the file was closed."""
    return CheckpointError(
        f"checkpoint file `{path}` is a closed database; use the saver within the block of "
        "`open_checkpointer`"
    )


def check_process(opened_in: int, path: Path) -> None:
    """Refuse a saver that came along with a fork, whose locks and threads are the parent's.

    Raises:
        CheckpointError: If this is not the process that opened the file.
    """
    if os.getpid() != opened_in:
        raise CheckpointError(
            f"checkpoint file `{path}` was opened before the process was forked; "
            "call `open_checkpointer` in the new process"
        )


def _open(path: Path) -> sqlite3.Connection:
    """Connect to a file that is there: should it have been removed, none is made in its place."""
    return sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _switch_to_wal(conn: sqlite3.Connection) -> None:
    """Set the journal mode; SQLite's own `timeout` does not hold for this when others do it too."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            conn.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311
        else:
            return
