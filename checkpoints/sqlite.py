"""Saver for a SQLite file: one object for sync and async callers, many threads, several processes.

The tables and what stands in them are those of `langgraph-checkpoint-sqlite`, whose code says what
is written and read; here is decided where and when. So either can open the other's file. For more
than one machine, or thousands of runs at once, a SQLite file is the wrong store.

    put, aput       --> Writer: one thread, one commit for all who wait --> runs.db (WAL)
    get_tuple, list --> Readers: a connection each, no waiting ----------->
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite import SqliteSaver

from langgraph_orchestra.checkpoints.connections import (
    Job,
    Synchronous,
    check_synchronous,
    connect,
    ensure_file,
    named_errors,
)
from langgraph_orchestra.checkpoints.contents import check_contents
from langgraph_orchestra.checkpoints.official import Notes, OfficialSaver
from langgraph_orchestra.checkpoints.readers import Readers
from langgraph_orchestra.checkpoints.schema import check_schema
from langgraph_orchestra.checkpoints.sealing import find_places
from langgraph_orchestra.checkpoints.upkeep import Upkeep
from langgraph_orchestra.checkpoints.writer import Writer

__all__ = ["OrchestraSqliteSaver", "Synchronous"]

T = TypeVar("T")

LISTED_AT_ONCE = 20


class OrchestraSqliteSaver(Upkeep):
    """Checkpoints in a SQLite file, for sync and async callers alike.

    What it adds to the official savers: both ways of calling in one object, on any thread and any
    event loop; one commit for all who write at the same moment; reads that neither wait for
    writes nor hold them up; lists that lock nothing while their consumer works; errors that name
    the file. A call that writes returns when its data is committed.

    It belongs to the process that opened it. One that was forked later opens the file anew.
    Open one with `open_checkpointer`.

    Args:
        path: The file, which has been set up.
        writer: Writes to it.
        serde: Serializer of the values.
    """

    def __init__(self, path: Path, writer: Writer, *, serde: SerializerProtocol) -> None:
        super().__init__(serde=serde)
        self.path = path
        self._writer = writer
        self._readers = Readers(path)
        self._official = OfficialSaver(serde)

    @classmethod
    def open(cls, path: Path, *, serde: SerializerProtocol, synchronous: Synchronous) -> Self:
        """Open a SQLite file, made with mode 600 if it is not there yet.

        Args:
            path: The file. Its folder must exist.
            serde: Serializer of the values.
            synchronous: `FULL` loses nothing when the power fails; `NORMAL` may lose the last
                moments, never the file, and is faster.

        Returns:
            A saver whose file has proved usable; the caller closes it.

        Raises:
            CheckpointError: If the file cannot be used; the message names it.
            ConfigurationError: If `synchronous` has another value.
        """
        check_synchronous(synchronous)
        ensure_file(path)
        with named_errors(path):
            conn = connect(path, synchronous)
            try:
                check_schema(conn, path)
                SqliteSaver(conn).setup()
                check_contents(conn, path, serde)
            except BaseException:
                conn.close()
                raise
        # The current folder may be another one when the next connection is made.
        lasting = path.absolute()
        return cls(lasting, Writer(conn, lasting), serde=serde)

    def close(self) -> None:
        """Close the file, after everything that was handed in is committed."""
        self._writer.close()
        self._readers.close()

    def write(self, job: Job[T]) -> T:
        """Run a job in a transaction of the writer, which other jobs may share.

        Args:
            job: Gets a cursor and does nothing but SQL with it, without `BEGIN` or `COMMIT`. If
                it raises, what it did is undone, and no other job's work. It may be run once
                more when the transaction it was in could not be committed.

        Returns:
            What the job returned, once that is committed.

        Raises:
            CheckpointError: If SQLite reports an error, or the saver is closed.
        """
        return self._writer.write(job)

    async def awrite(self, job: Job[T]) -> T:
        """Do what `write` does, without holding up the event loop.

        The job runs in another thread, and also when the call is cancelled meanwhile.
        """
        return await self._writer.awrite(job)

    def read(self, job: Job[T]) -> T:
        """Run a job on a connection for reading, which sees one state of the file all along.

        Args:
            job: Gets a cursor; `cursor.connection` is its connection. It can change nothing.

        Returns:
            What the job returned.

        Raises:
            CheckpointError: If SQLite reports an error, or the saver is closed.
        """
        return self._readers.read(job)

    async def aread(self, job: Job[T]) -> T:
        """Do what `read` does in a worker thread, which has the caller's context variables."""
        return await self._readers.aread(job)

    def get_next_version(self, current: str | None, channel: None = None) -> str:  # noqa: ARG002
        """The official saver's version without its random part, which makes up most of a row.

        It tells versions of forks apart where values are stored under their version; here each
        checkpoint holds its own. Versions of either kind are compared alike.
        """
        number = 0 if current is None else int(str(current).partition(".")[0])
        return f"{number + 1:032}"

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Get a checkpoint, the newest of its thread if `config` names none."""
        return self.read(lambda cursor: self._on(cursor).get_tuple(config))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Get a checkpoint, as `get_tuple` does."""
        return await self._readers.aread_shortly(lambda cursor: self._on(cursor).get_tuple(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """List the checkpoints that there are at this moment, newest first.

        They are read a few at a time, and nothing is locked in between: the consumer may take its
        time, stop, and use the saver. What is deleted before its turn comes is left out.
        """
        places = self.read(self._finding(config, filter, before, limit))
        return chain.from_iterable(self.read(self._getting(those)) for those in _in_batches(places))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """List checkpoints, as `list` does."""
        places = await self.aread(self._finding(config, filter, before, limit))
        for those in _in_batches(places):
            for found in await self.aread(self._getting(those)):
                yield found

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint."""
        notes = Notes()
        saved = self._on(notes).put(config, checkpoint, metadata, new_versions)
        self.write(notes.run)
        return saved

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, as `put` does."""
        notes = Notes()
        saved = self._on(notes).put(config, checkpoint, metadata, new_versions)
        await self.awrite(notes.run)
        return saved

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task has written since a checkpoint."""
        notes = Notes()
        self._on(notes).put_writes(config, writes, task_id, task_path)
        self.write(notes.run)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task has written, as `put_writes` does."""
        notes = Notes()
        self._on(notes).put_writes(config, writes, task_id, task_path)
        await self.awrite(notes.run)

    def delete_thread(self, thread_id: str) -> None:
        """Delete all that is saved of a thread."""
        notes = Notes()
        self._on(notes).delete_thread(thread_id)
        self.write(notes.run)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all that is saved of a thread, as `delete_thread` does."""
        notes = Notes()
        self._on(notes).delete_thread(thread_id)
        await self.awrite(notes.run)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Get what `DeltaChannel`s are to be put together from, up to a checkpoint."""
        return self.read(
            lambda cursor: self._on(cursor).get_delta_channel_history(
                config=config, channels=channels
            )
        )

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Get what `DeltaChannel`s are put together from, as `get_delta_channel_history` does."""
        return await self._readers.aread_shortly(
            lambda cursor: self._on(cursor).get_delta_channel_history(
                config=config, channels=channels
            )
        )

    def _on(self, cursor: sqlite3.Cursor | Notes) -> OfficialSaver:
        return self._official.on(cursor, self.serde)

    def _finding(
        self,
        config: RunnableConfig | None,
        metadata: dict[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> Job[Sequence[RunnableConfig]]:
        """A job that finds the checkpoints asked for, newest first, without reading them."""
        return lambda cursor: find_places(cursor, self.serde, config, metadata, before, limit)

    def _getting(self, places: Sequence[RunnableConfig]) -> Job[Sequence[CheckpointTuple]]:
        """A job that gets the checkpoints that are still there."""

        def job(cursor: sqlite3.Cursor) -> Sequence[CheckpointTuple]:
            official = self._on(cursor)
            found = [official.get_tuple(place) for place in places]
            return [item for item in found if item is not None]

        return job


def _in_batches(places: Sequence[RunnableConfig]) -> Iterator[Sequence[RunnableConfig]]:
    rest = iter(places)
    while those := list(islice(rest, LISTED_AT_ONCE)):
        yield those
