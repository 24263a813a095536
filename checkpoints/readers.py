"""Reading a checkpoint file: each read has a connection for itself as long as it lasts.

In SQLite's WAL mode a reader sees what was committed when it began. It neither waits for the
writer nor holds it up, and reads within reads are nothing special.

    get_tuple  --> caller's thread --------------+
    aget_tuple --> Gathering --> one thread -----+-> an idle connection, or a new one --> runs.db
    alist      --> one of a few worker threads --+
"""

import asyncio
import contextvars
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from langgraph_orchestra.checkpoints.connections import (
    Job,
    check_process,
    closed_error,
    connect_for_reading,
    named_errors,
)
from langgraph_orchestra.checkpoints.gathering import Gathering, Waiting
from langgraph_orchestra.state import CheckpointError

__all__ = ["Readers"]

T = TypeVar("T")

MOST_IDLE = 8
MOST_WORKERS = 4


class Readers:
    """Connections of one file for reading.

    Async callers have worker threads of this file's own: those of the event loop may all be busy
    with nodes, even with ones that wait for a read.

    Args:
        path: The file, which has been set up.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._workers = ThreadPoolExecutor(MOST_WORKERS, thread_name_prefix=f"reader of {path}")
        self._together = Gathering(path, self._read_all, name=f"short reader of {path}")
        self._closed = False

    def read(self, job: Job[T]) -> T:
        """Run a job, for which the file stays as it is when the job begins.

        Raises:
            CheckpointError: If SQLite reports an error, or the file is closed.
        """
        with named_errors(self._path), self._unchanging() as cursor:
            return job(cursor)

    async def aread(self, job: Job[T]) -> T:
        """Do what `read` does in a worker thread, with the caller's context variables."""
        check_process(self._process, self._path)
        context = contextvars.copy_context()
        with self._lock:
            if self._closed:
                raise closed_error(self._path)
            reading = self._workers.submit(context.run, self.read, job)
        return await asyncio.wrap_future(reading)

    async def aread_shortly(self, job: Job[T]) -> T:
        """Do what `aread` does for a job that takes no longer than to be handed over.

        All that wait at the same moment are done one after another, on one state of the file.
        """
        context = contextvars.copy_context()
        return await self._together.arun(lambda cursor: context.run(job, cursor))

    def close(self) -> None:
        """Close the connections; one that is in use is closed when its read ends."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        self._workers.shutdown()
        self._together.close()
        for conn in idle:
            conn.close()

    def _read_all(self, batch: Sequence[Waiting]) -> None:
        try:
            with self._unchanging() as cursor:
                for waiting in batch:
                    try:
                        waiting.result = waiting.job(cursor)
                    except BaseException as error:  # noqa: BLE001  raised where it is waited for
                        waiting.error = error
        except (sqlite3.Error, CheckpointError) as error:
            for waiting in batch:
                waiting.error = error

    @contextmanager
    def _unchanging(self) -> Iterator[sqlite3.Cursor]:
        """A cursor for which the file stays as it is."""
        with self._borrowed() as conn, closing(conn.cursor()) as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            finally:
                conn.rollback()

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
        return connect_for_reading(self._path)

    def _give_back(self, conn: sqlite3.Connection) -> None:
        with self._lock:
            is_kept = not self._closed and len(self._idle) < MOST_IDLE
            if is_kept:
                self._idle.append(conn)
        if not is_kept:
            conn.close()
