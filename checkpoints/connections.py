"""Connections to a checkpoint file, how it is made, and what goes wrong with it."""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar, get_args

from langgraph_orchestra.state import CheckpointError, ConfigurationError

__all__ = [
    "Job",
    "Synchronous",
    "check_process",
    "check_synchronous",
    "closed_error",
    "connect",
    "connect_for_reading",
    "ensure_file",
    "named_errors",
]

T = TypeVar("T")
Job = Callable[[sqlite3.Cursor], T]
"""Work on a file, which is given a cursor."""

Synchronous = Literal["FULL", "NORMAL"]
"""When SQLite waits for the disk: at every commit, or only now and then."""

BUSY_SECONDS = 30.0

# SQLite's file locks belong to the process, and closing any other handle of the file drops them:
# so a file is opened here only to make it, and by one thread at a time.
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL
_creation = threading.Lock()


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


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """Open a file that has been set up, so that nothing can be changed in it."""
    conn = _open(path)
    conn.execute("PRAGMA query_only=ON")
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


def check_synchronous(given: str) -> None:
    """Refuse what is no `Synchronous`.

    Raises:
        ConfigurationError: It is neither `FULL` nor `NORMAL`.
    """
    if given not in get_args(Synchronous):
        raise ConfigurationError(f"`synchronous` is `FULL` or `NORMAL`, not `{given}`")


def _open(path: Path) -> sqlite3.Connection:
    """Connect to a file that is there: should it have been removed, none is made in its place."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
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
