"""The thread that writes a checkpoint file: what waits at the same moment shares one commit.

A commit waits for the disk, and takes about as long for one row as for a hundred. So callers hand
in what they have to write, and while one commit is under way the next one gathers. Nobody waits
for company: a job that comes alone is committed alone, at once.

    put --+
    aput -+-> queue --> one thread: BEGIN, every job, COMMIT --> wakes those that waited
    aput -+
"""

import asyncio
import atexit
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from langgraph_orchestra.checkpoints.connections import check_process, closed_error, named_errors

__all__ = ["Writer"]

T = TypeVar("T")
Job = Callable[[sqlite3.Cursor], T]


@dataclass(slots=True)
class _Waiting:
    """A job, and who waits for it."""

    job: Job[Any]
    waiter: Future[Any] | asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Tell the waiter, unless it was cancelled meanwhile."""
        if self.waiter.done():
            return
        if self.error is None:
            self.waiter.set_result(self.result)
        else:
            self.waiter.set_exception(self.error)


class Writer:
    """Runs the jobs of all callers on one connection, in the order in which they came.

    Args:
        conn: Connection without transactions of its own; the writer closes it.
        path: Its file.
    """

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self._conn = conn
        self._path = path
        self._process = os.getpid()
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=f"writer of {path}", daemon=True)
        self._thread.start()
        # A daemon thread does not keep the interpreter from ending, but one that is stopped at
        # some point while it ends can no longer be waited for.
        atexit.register(self.close)

    def write(self, job: Job[T]) -> T:
        """Run a job in a transaction, and return what it returned once that is committed.

        Args:
            job: Gets a cursor. If it raises, what it did is undone, and no other job's work.
                It may be run again after others failed or raised, and so does nothing but SQL.

        Raises:
            CheckpointError: If SQLite reports an error, or the file is closed.
        """
        waiter: Future[T] = Future()
        self._submit(_Waiting(job, waiter))
        with named_errors(self._path):
            return waiter.result()

    async def awrite(self, job: Job[T]) -> T:
        """Do what `write` does without holding up the event loop.

        A call that is cancelled leaves its job where it is: it is written all the same.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        self._submit(_Waiting(job, waiter, loop))
        with named_errors(self._path):
            return await waiter

    def close(self) -> None:
        """Write what was handed in, and close the connection; later jobs are refused.

        In a process that was forked from the one which opened the file, nothing happens.
        """
        if os.getpid() != self._process:
            return
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        # What is garbage may be closed by any thread, even by this one.
        if threading.current_thread() is not self._thread:
            self._thread.join()
        atexit.unregister(self.close)

    def _submit(self, waiting: _Waiting) -> None:
        check_process(self._process, self._path)
        with self._lock:
            if self._closed:
                raise closed_error(self._path)
            self._queue.put(waiting)

    def _serve(self) -> None:
        while self._serve_next():
            pass
        self._conn.close()

    def _serve_next(self) -> bool:
        """Commit what waits, and tell whether more may come."""
        taken = [self._queue.get(), *(self._queue.get() for _ in range(self._queue.qsize()))]
        batch = [waiting for waiting in taken if waiting is not None]
        if batch:
            self._commit(batch)
        _wake(batch)
        return len(batch) == len(taken)

    def _commit(self, batch: list[_Waiting]) -> None:
        """Run jobs in one transaction, or each in its own if one of them cannot be done."""
        try:
            self._conn.rollback()  # What could not be undone when it failed: mostly nothing.
            self._conn.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            _fail(batch, error)
            return
        try:
            # Closed also because an error that somebody keeps would keep it, and so the file, open.
            with closing(self._conn.cursor()) as cursor:
                for waiting in batch:
                    waiting.result = waiting.job(cursor)
            self._conn.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            with suppress(sqlite3.Error):
                self._conn.rollback()
            if len(batch) == 1:
                _fail(batch, error)
                return
            for waiting in batch:
                self._commit([waiting])


def _fail(batch: Iterable[_Waiting], error: BaseException) -> None:
    for waiting in batch:
        waiting.error = error


def _wake(batch: Iterable[_Waiting]) -> None:
    """Settle all, with one call into each event loop, since each call costs it a turn."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = defaultdict(list)
    for waiting in batch:
        if waiting.loop is None:
            waiting.settle()
        else:
            by_loop[waiting.loop].append(waiting)
    for loop, those in by_loop.items():
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(_settle, those)


def _settle(batch: Iterable[_Waiting]) -> None:
    for waiting in batch:
        waiting.settle()
