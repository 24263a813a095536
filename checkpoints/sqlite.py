"""Saver for a SQLite file: one object for sync and async callers, many threads, several processes.

The tables are those of `langgraph-checkpoint-sqlite`, so either can open the other's file. For
more than one machine, or hundreds of runs a second, a SQLite file is the wrong store.

    node --> put / aput (worker thread) --> one connection, one lock --> runs.db (WAL)
"""

import asyncio
import os
import random
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, Self

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

from langgraph_orchestra.checkpoints.serializer import looking_only
from langgraph_orchestra.state import CheckpointError, ConfigurationError

__all__ = ["OrchestraSqliteSaver", "Synchronous"]

Synchronous = Literal["FULL", "NORMAL"]
"""When SQLite waits for the disk: at every commit, or only now and then."""

BUSY_SECONDS = 30.0

# SQLite's file locks belong to the process, and closing any other handle of the file drops them:
# so a file is opened here only to make it, and by one thread at a time.
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL
_creation = threading.Lock()


class OrchestraSqliteSaver(SqliteSaver):
    """Checkpoints in a SQLite file, for sync and async callers alike.

    What it adds to the official `SqliteSaver`: async methods (they run the sync ones in worker
    threads), lists that hold no lock while their consumer works, a rollback where a statement
    failed, and errors that name the file. Open one with `open_checkpointer`.

    Args:
        conn: Connection made with `check_same_thread=False`.
        serde: Serializer; None means LangGraph's default.
    """

    def __init__(
        self, conn: sqlite3.Connection, *, serde: SerializerProtocol | None = None
    ) -> None:
        super().__init__(conn, serde=serde)
        self.path = _file_of(conn)

    def get_next_version(self, current: str | None, channel: None = None) -> str:  # noqa: ARG002
        """The official saver's version without its random part, which makes up most of a row.

        It tells versions of forks apart where values are stored under their version; here each
        checkpoint holds its own. Versions of either kind are compared alike.
        """
        number = 0 if current is None else int(str(current).partition(".")[0])
        return f"{number + 1:032}"

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
        if synchronous not in ("FULL", "NORMAL"):
            raise ConfigurationError(f"`synchronous` is `FULL` or `NORMAL`, not `{synchronous}`")
        _ensure_file(path)
        with _named_errors(path):
            conn = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
            try:
                conn.execute(f"PRAGMA synchronous={synchronous}")
                _switch_to_wal(conn)
                saver = cls(conn, serde=serde)
                saver._check_contents()
            except BaseException:
                conn.close()
                raise
        return saver

    def close(self) -> None:
        """Close the file, after the statement that another thread may be running."""
        with self.lock:
            self.conn.close()

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:  # noqa: ARG002
        """Give the one cursor at a time; what it changed is committed, or undone after an error.

        Args:
            transaction: Kept for the official class; a read leaves nothing to commit.

        Yields:
            A cursor of the saver's connection.

        Raises:
            CheckpointError: If SQLite reports an error.
        """
        with self.lock, _named_errors(self.path):
            self.setup()
            with self.conn, closing(self.conn.cursor()) as cursor:
                yield cursor

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """List checkpoints, newest first, as they are at this moment.

        They are read at once, so that the consumer may use the saver while it iterates.
        """
        return iter([*super().list(config, filter=filter, before=before, limit=limit)])

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """`get_tuple` in a worker thread."""
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """`list` in a worker thread."""
        for found in await asyncio.to_thread(
            self.list, config, filter=filter, before=before, limit=limit
        ):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """`put` in a worker thread."""
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """`put_writes` in a worker thread."""
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """`delete_thread` in a worker thread."""
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """`get_delta_channel_history` in a worker thread."""
        return await asyncio.to_thread(
            self.get_delta_channel_history, config=config, channels=channels
        )

    def _check_contents(self) -> None:
        """Fail now, not in the middle of a run, if the file cannot be written or read."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("SELECT task_id, task_path, idx, channel, type, value FROM writes")
            newest = cursor.execute(
                "SELECT type, checkpoint, metadata, parent_checkpoint_id FROM checkpoints"
                " ORDER BY rowid DESC LIMIT 1"
            ).fetchone()
        if newest is None:
            return
        try:
            with looking_only():
                self.serde.loads_typed((newest[0], newest[1]))
        except (ValueError, NotImplementedError) as error:
            raise CheckpointError(
                f"checkpoint file `{self.path}` cannot be read ({error}); if its values are "
                "encrypted, open it with their `key`"
            ) from error


def _ensure_file(path: Path) -> None:
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


@contextmanager
def _named_errors(path: Path | str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise CheckpointError(f"checkpoint file `{path}`: {error}") from error


def _file_of(conn: sqlite3.Connection) -> str:
    databases = conn.execute("PRAGMA database_list")
    return next(str(file) for _, name, file in databases if name == "main")
