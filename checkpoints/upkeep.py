"""Upkeep of saved threads: what a saver for a SQLite file offers besides saving.

Each call does its work in one transaction for each thread: it happens as a whole or not at all,
and other threads are held up only briefly.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from langgraph.checkpoint.base import BaseCheckpointSaver

from langgraph_orchestra.checkpoints.connections import Job
from langgraph_orchestra.checkpoints.copying import copy_rows
from langgraph_orchestra.checkpoints.files import back_up, find_damage, give_back_space
from langgraph_orchestra.checkpoints.pruning import (
    Pruning,
    checked_ids,
    delete_runs_of,
    prune_thread,
    threads_of_runs,
)

__all__ = ["Upkeep"]

T = TypeVar("T")


class Upkeep(BaseCheckpointSaver[str]):
    """What a saver can do with threads besides saving them.

    A class that has it provides `path`, `write`, `read` and their async twins.
    """

    path: Path | str

    def write(self, job: Job[T]) -> T:
        """Run a job in a transaction; if it raises, nothing of it stays."""
        raise NotImplementedError

    async def awrite(self, job: Job[T]) -> T:
        """Do what `write` does, without holding up the event loop."""
        raise NotImplementedError

    def read(self, job: Job[T]) -> T:
        """Run a job that only reads, on one state of the file."""
        raise NotImplementedError

    async def aread(self, job: Job[T]) -> T:
        """Do what `read` does, without holding up the event loop."""
        raise NotImplementedError

    def prune(
        self,
        thread_ids: Sequence[str],
        *,
        strategy: str = "keep_latest",
        keep: int = 1,
        age: timedelta | None = None,
    ) -> None:
        """Drop old checkpoints of threads, whose newest state stays as it is.

        What stays is whole, also where the state has `DeltaChannel`s: what they are put together
        from moves to a stub before the oldest checkpoint that stays, which lists do not show. Open
        questions can still be answered. The space is used for what is saved next; `vacuum` gives
        it back.

        Args:
            thread_ids: The threads; one that is not there is left alone.
            strategy: `keep_latest` keeps the newest checkpoint of the thread and of each nested
                graph; `keep_last` the newest `keep` of the thread, and of nested graphs those that
                belong to them; `younger_than` likewise those that are younger than `age`, and the
                newest in any case; `delete` keeps nothing.
            keep: How many checkpoints `keep_last` keeps.
            age: How old a checkpoint may be for `younger_than`.

        Raises:
            CheckpointError: If the file cannot be used, or values of a type that the saver was not
                told about would have to be moved; that thread stays as it is.
            ConfigurationError: If the strategy is unknown, or `keep` and `age` do not go with it.
            TypeError: If an argument is of the wrong type.
        """
        for job in self._prunings(thread_ids, Pruning(strategy, keep, age)):
            self.write(job)

    async def aprune(
        self,
        thread_ids: Sequence[str],
        *,
        strategy: str = "keep_latest",
        keep: int = 1,
        age: timedelta | None = None,
    ) -> None:
        """Drop old checkpoints of threads, as `prune` does."""
        for job in self._prunings(thread_ids, Pruning(strategy, keep, age)):
            await self.awrite(job)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with its whole history to a new one; both go on by themselves.

        Of a thread on which nothing has run yet there is nothing to copy.

        Args:
            source_thread_id: The thread.
            target_thread_id: Id of the new one.

        Raises:
            CheckpointError: If the file cannot be used.
            ConfigurationError: If the new thread is there already.
        """
        self.write(_copying(source_thread_id, target_thread_id))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with its whole history, as `copy_thread` does."""
        await self.awrite(_copying(source_thread_id, target_thread_id))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of runs, whatever threads they are in.

        Checkpoints of later runs stay, with all that their state has from the deleted ones.

        Args:
            run_ids: The runs, by the `run_id` in the metadata of their checkpoints.

        Raises:
            CheckpointError: If the file cannot be used, or values of a type that the saver was not
                told about would have to be moved; that thread stays as it is.
            TypeError: If it is a single text.
        """
        runs = checked_ids("run_ids", run_ids)
        for thread_id in self.read(partial(threads_of_runs, run_ids=runs)):
            self.write(self._deleting(thread_id, runs))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of runs, as `delete_for_runs` does."""
        runs = checked_ids("run_ids", run_ids)
        for thread_id in await self.aread(partial(threads_of_runs, run_ids=runs)):
            await self.awrite(self._deleting(thread_id, runs))

    def vacuum(self) -> None:
        """Give the space of what was deleted back to the file system.

        It rewrites the file, which takes as much space again meanwhile, and makes writers wait.

        Raises:
            CheckpointError: If the file cannot be used, or another program keeps it busy.
        """
        give_back_space(self.path)

    async def avacuum(self) -> None:
        """Give the space of what was deleted back, as `vacuum` does."""
        await asyncio.to_thread(self.vacuum)

    def integrity_check(self) -> list[str]:
        """Look for damage in the file.

        Returns:
            What is damaged, a line each; empty if the file is sound.

        Raises:
            CheckpointError: If the file cannot be used at all.
        """
        return find_damage(self.path)

    async def aintegrity_check(self) -> list[str]:
        """Look for damage in the file, as `integrity_check` does."""
        return await asyncio.to_thread(self.integrity_check)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the file as it is at this moment, while runs go on.

        Args:
            path: The new file; it gets mode 600. `~` is the home.

        Raises:
            CheckpointError: If either file cannot be used.
            ConfigurationError: If there is a file of this name already.
        """
        back_up(self.path, path)

    async def abackup(self, path: str | os.PathLike[str]) -> None:
        """Copy the file as it is at this moment, as `backup` does."""
        await asyncio.to_thread(self.backup, path)

    def _prunings(self, thread_ids: Sequence[str], pruning: Pruning) -> Iterator[Job[None]]:
        for thread_id in checked_ids("thread_ids", thread_ids):
            yield partial(prune_thread, serde=self.serde, thread_id=thread_id, pruning=pruning)

    def _deleting(self, thread_id: str, run_ids: Sequence[str]) -> Job[None]:
        return partial(delete_runs_of, serde=self.serde, thread_id=thread_id, run_ids=run_ids)


def _copying(source: Any, target: Any) -> Job[None]:
    return partial(copy_rows, source=str(source), target=str(target))
