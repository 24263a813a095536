"""The connection that writes a checkpoint file: who waits at the same moment shares one commit.

A commit waits for the disk, and takes about as long for one row as for a hundred.

    put, aput, ... --> Gathering --> one thread: BEGIN, every job, COMMIT
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from langgraph_orchestra.checkpoints.connections import Job
from langgraph_orchestra.checkpoints.gathering import Gathering, Waiting

__all__ = ["Writer"]

T = TypeVar("T")


class Writer:
    """Runs the jobs of all callers on one connection, in the order in which they came.

    Args:
        conn: Connection without transactions of its own; the writer closes it.
        path: Its file.
    """

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self._conn = conn
        self._callers = Gathering(path, self._commit, name=f"writer of {path}", at_end=conn.close)

    def write(self, job: Job[T]) -> T:
        """Run a job in a transaction, and return what it returned once that is committed.

        Args:
            job: Gets a cursor. If it raises, what it did is undone, and no other job's work.
                It may be run again after others failed or raised, and so does nothing but SQL.

        Raises:
            CheckpointError: If SQLite reports an error, or the file is closed.
        """
        return self._callers.run(job)

    async def awrite(self, job: Job[T]) -> T:
        """Do what `write` does without holding up the event loop.

        A call that is cancelled leaves its job where it is: it is written all the same.
        """
        return await self._callers.arun(job)

    def close(self) -> None:
        """Write what was handed in, and close the connection; later jobs are refused.

        In a process that was forked from the one which opened the file, nothing happens.
        """
        self._callers.close()

    def _commit(self, batch: Sequence[Waiting]) -> None:
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


def _fail(batch: Sequence[Waiting], error: BaseException) -> None:
    for waiting in batch:
        waiting.error = error
