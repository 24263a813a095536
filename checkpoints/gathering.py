"""A thread that serves its callers together: what waits at the same moment is done in one go.

To hand a job to another thread and be woken by it costs more than most jobs here: two threads
take turns at the interpreter each time, and event loop and disk are visited anew. So callers hand
in, and while one round is under way the next one gathers. Nobody waits for company: a job that
comes alone is served alone, at once.

    run  --+
    arun --+-> queue --> one thread: serve all who wait --> wakes them
    arun --+
"""

import asyncio
import atexit
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from langgraph_orchestra.checkpoints.connections import (
    Job,
    check_process,
    closed_error,
    named_errors,
)

__all__ = ["Gathering", "Waiting"]

T = TypeVar("T")


@dataclass(slots=True)
class Waiting:
    """A job and who waits for it; whoever serves it sets its result or its error."""

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


class Gathering:
    """Has the jobs of all callers served by one thread, in the order in which they came.

    The thread starts with the first job.

    Args:
        path: The checkpoint file, for messages.
        serve: Serves all who wait: gives each its result or its error, and raises nothing.
        name: What the thread is called.
        at_end: Called once by `close`, after the last job.
    """

    def __init__(
        self,
        path: Path,
        serve: Callable[[Sequence[Waiting]], None],
        *,
        name: str,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._serve = serve
        self._name = name
        self._at_end = at_end
        self._process = os.getpid()
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, job: Job[T]) -> T:
        """Hand a job in, and return what it returned.

        Raises:
            CheckpointError: If SQLite reports an error, or the file is closed.
        """
        waiter: Future[T] = Future()
        self._submit(Waiting(job, waiter))
        with named_errors(self._path):
            return waiter.result()

    async def arun(self, job: Job[T]) -> T:
        """Do what `run` does without holding up the event loop.

        A call that is cancelled leaves its job where it is: it is done all the same.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        self._submit(Waiting(job, waiter, loop))
        with named_errors(self._path):
            return await waiter

    def close(self) -> None:
        """Have what was handed in served, and refuse later jobs.

        In a process that was forked from the one which opened the file, nothing happens.
        """
        if os.getpid() != self._process:
            return
        with self._lock:
            is_first, self._closed = not self._closed, True
        if self._thread is None:
            if is_first:
                self._at_end()
        else:
            if is_first:
                self._queue.put(None)
            # What is garbage may be closed by any thread, even by this one.
            if threading.current_thread() is not self._thread:
                self._thread.join()
        atexit.unregister(self.close)

    def _submit(self, waiting: Waiting) -> None:
        check_process(self._process, self._path)
        with self._lock:
            if self._closed:
                raise closed_error(self._path)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
                # A daemon thread does not keep the interpreter from ending, but one that is
                # stopped at some point while it ends can no longer be waited for.
                atexit.register(self.close)
            self._queue.put(waiting)

    def _work(self) -> None:
        while self._serve_next():
            pass
        self._at_end()

    def _serve_next(self) -> bool:
        """Serve who waits, and tell whether more may come."""
        taken = [self._queue.get(), *(self._queue.get() for _ in range(self._queue.qsize()))]
        waiting = [one for one in taken if one is not None]
        if waiting:
            self._serve(waiting)
        _wake(waiting)
        return len(waiting) == len(taken)


def _wake(served: Iterable[Waiting]) -> None:
    """Settle all, with one call into each event loop, since each call costs it a turn."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Waiting]] = defaultdict(list)
    for waiting in served:
        if waiting.loop is None:
            waiting.settle()
        else:
            by_loop[waiting.loop].append(waiting)
    for loop, those in by_loop.items():
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(_settle, those)


def _settle(served: Iterable[Waiting]) -> None:
    for waiting in served:
        waiting.settle()
