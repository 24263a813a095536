"""Saver for a PostgreSQL database: one object for sync and async callers, on many machines.

The tables and the statements are those of `langgraph-checkpoint-postgres`, so either can go on
with the other's threads. On one machine a SQLite file is faster and needs no server.

    node --> put / aput (worker thread) --> a connection of the pool --> server
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any, LiteralString, NamedTuple, ParamSpec, Self, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg import Connection, Error, ProgrammingError, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from langgraph_orchestra.checkpoints.connections import Synchronous, check_synchronous
from langgraph_orchestra.checkpoints.postgres_upkeep import (
    chooser,
    copy_thread,
    delete_runs,
    delete_threads,
    prune_thread,
)
from langgraph_orchestra.checkpoints.pruning import Pruning, checked_ids
from langgraph_orchestra.checkpoints.serializer import looking_only
from langgraph_orchestra.state import CheckpointError, ConfigurationError

__all__ = ["OrchestraPostgresSaver"]

POOL_SIZE = 10
"""How many connections one saver holds at most, and how many async calls it works on at once."""

WAIT_SECONDS = 30.0
"""How long a call waits for a connection, and a process for another that sets the tables up."""

CONNECT_SECONDS = 10
"""How long a server may take to answer, where the URL has no `connect_timeout`."""

SETUP_LOCK = 0x6F72636865737472
"""Number of the lock under which the tables are made; any that nobody else uses would do."""

P = ParamSpec("P")
T = TypeVar("T")


class OrchestraPostgresSaver(BaseCheckpointSaver[str]):
    """Checkpoints in a PostgreSQL database, for sync and async callers alike.

    What it adds to the official savers: both kinds of caller from one object, in any number of
    threads and event loops; a set-up that several processes may race; connections that are
    replaced when the server was restarted; values that all go through the serializer (the official
    savers store texts and numbers as plain JSON: unencrypted, without the type of an enum, and not
    at all if they hold a NUL character); and errors that name the database. Open one with
    `open_checkpointer`.

    Args:
        pool: Pool of connections in autocommit mode whose rows are dicts; it is closed with the
            saver.
        name: What errors call the database.
        serde: Serializer; None means LangGraph's default.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        name: str,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self.pool = pool
        self.name = name
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="checkpoints")

    @classmethod
    def open(cls, url: str, *, serde: SerializerProtocol, synchronous: Synchronous) -> Self:
        """Connect to a database, and make the tables if they are not there yet.

        Args:
            url: A connection URL as PostgreSQL's own programs take it.
            serde: Serializer of the values.
            synchronous: `FULL` commits as the server is set to do; `NORMAL` does not wait for the
                server's disk, and may lose the last moments when the server crashes.

        Returns:
            A saver whose database has proved usable; the caller closes it.

        Raises:
            CheckpointError: If the database cannot be used; the message names it.
            ConfigurationError: If the URL cannot be read or `synchronous` has another value.
        """
        check_synchronous(synchronous)
        parts = _parts(url)
        name = _name_of(parts)
        settings: dict[str, Any] = {
            "autocommit": True,
            "prepare_threshold": 0,
            "row_factory": dict_row,
            "connect_timeout": parts.get("connect_timeout", CONNECT_SECONDS),
        }
        with _named_errors(name):
            # The pool would try again and again, and tell no more than that it took too long.
            with Connection[DictRow].connect(url, **settings) as connection:
                _set_up(connection, name)
                _check_key(connection, serde, name)
            pool = ConnectionPool(
                url,
                connection_class=Connection[DictRow],
                kwargs=settings,
                min_size=1,
                max_size=POOL_SIZE,
                timeout=WAIT_SECONDS,
                configure=_commit_without_waiting if synchronous == "NORMAL" else None,
                check=ConnectionPool.check_connection,
                open=True,
            )
        return cls(pool, name=name, serde=serde)

    def close(self) -> None:
        """Close all connections, after the calls that other threads have begun."""
        self._threads.shutdown()
        self.pool.close()

    def get_next_version(self, current: str | None, channel: None) -> str:
        """The official saver's version: values are stored under it, so forks must not share it."""
        return self._official().get_next_version(current, channel)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Give the checkpoint that is named, or the newest of the thread; None if there is none."""
        with _named_errors(self.name):
            return self._official().get_tuple(_with_text_id(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """List checkpoints, newest first, as they are at this moment.

        They are read at once, so that no connection is held while the consumer iterates.
        """
        place = config and _with_text_id(config)
        with _named_errors(self.name):
            return iter([*self._official().list(place, filter=filter, before=before, limit=limit)])

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint; what it shares with its parent is not stored again."""
        versions = checkpoint["channel_versions"]
        values = checkpoint["channel_values"]
        boxed = {
            key: _Boxed(value)
            for key, value in values.items()
            if key in versions and isinstance(value, str | int | float)
        }
        # One that is not new has its row already, unless an official saver put it into its JSON.
        stored = {key: versions[key] for key in boxed}
        whole = Checkpoint(**{**checkpoint, "channel_values": {**values, **boxed}})
        with _named_errors(self.name):
            return self._official().put(
                _with_text_id(config), whole, metadata, {**stored, **new_versions}
            )

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task has written, beside the checkpoint from which it started."""
        with _named_errors(self.name):
            self._official().put_writes(_with_text_id(config), writes, task_id, task_path)

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        with _named_errors(self.name):
            self._official().delete_thread(thread_id)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete what some runs have saved; a later checkpoint keeps what it is made from."""
        with _named_errors(self.name), self.pool.connection() as connection:
            delete_runs(connection, checked_ids("run_ids", run_ids))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with all its checkpoints, writes and nested graphs.

        Args:
            source_thread_id: The thread; if there is none, nothing is copied.
            target_thread_id: Its new name.

        Raises:
            ValueError: If there is a thread of that name already.
        """
        with _named_errors(self.name), self.pool.connection() as connection:
            copy_thread(connection, str(source_thread_id), str(target_thread_id))

    def prune(
        self,
        thread_ids: Sequence[str],
        *,
        strategy: str = "keep_latest",
        keep: int = 1,
        age: timedelta | None = None,
    ) -> None:
        """Delete old checkpoints of threads, each thread in a transaction of its own.

        What a kept checkpoint's `DeltaChannel` keys are made from is kept with it: its ancestors
        up to where those are stored in full, which is at most `snapshot_frequency` updates back.
        Of nested graphs the newest state is kept, and what belongs to a kept checkpoint. A run may
        go on meanwhile; one that begins from an older checkpoint may not.

        Args:
            thread_ids: The threads; unknown ones are passed over.
            strategy: `keep_latest`, `keep_last` (the newest `keep`), `younger_than` (those made
                within `age`, and the newest in any case), or `delete`.
            keep: How many, for `keep_last`.
            age: How long ago, for `younger_than`.

        Raises:
            ConfigurationError: If there is no such strategy, or its `keep` or `age` cannot be.
            TypeError: If an argument has the wrong type.
        """
        choose = chooser(Pruning(strategy, keep, age))
        threads = checked_ids("thread_ids", thread_ids)
        with _named_errors(self.name):
            if strategy == "delete":
                with self.pool.connection() as connection:
                    delete_threads(connection, threads)
                return
            for thread_id in threads:
                with self.pool.connection() as connection:
                    prune_thread(connection, thread_id, choose)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Give what was written to the channels since their last stored values."""
        with _named_errors(self.name):
            return self._official().get_delta_channel_history(
                config=_with_text_id(config), channels=channels
            )

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """`get_tuple` in a worker thread."""
        return await self._in_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """`list` in a worker thread."""
        for found in await self._in_thread(
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
        return await self._in_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """`put_writes` in a worker thread."""
        await self._in_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """`delete_thread` in a worker thread."""
        await self._in_thread(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """`delete_for_runs` in a worker thread."""
        await self._in_thread(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """`copy_thread` in a worker thread."""
        await self._in_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(
        self,
        thread_ids: Sequence[str],
        *,
        strategy: str = "keep_latest",
        keep: int = 1,
        age: timedelta | None = None,
    ) -> None:
        """`prune` in a worker thread."""
        await self._in_thread(self.prune, thread_ids, strategy=strategy, keep=keep, age=age)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """`get_delta_channel_history` in a worker thread."""
        return await self._in_thread(
            self.get_delta_channel_history, config=config, channels=channels
        )

    def _official(self) -> PostgresSaver:
        """An official saver for one call: each has a lock, under which calls would queue up."""
        return PostgresSaver(self.pool, serde=_Unboxing(self.serde))

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it in a thread of the saver's own: nodes may keep those of the loop busy."""
        bound = partial(copy_context().run, call, *args, **kwargs)
        try:
            result = asyncio.get_running_loop().run_in_executor(self._threads, bound)
        except RuntimeError as error:
            raise CheckpointError(f"checkpoint database {self.name} is closed") from error
        return await result


class _Boxed(NamedTuple):
    """A value that the official saver is to serialize, and not to put into its JSON."""

    value: Any


class _Unboxing:
    """Serializer that takes values out of their boxes."""

    def __init__(self, inner: SerializerProtocol) -> None:
        self._inner = inner

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return self._inner.dumps_typed(obj.value if isinstance(obj, _Boxed) else obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return self._inner.loads_typed(data)


def _with_text_id(config: RunnableConfig) -> RunnableConfig:
    """Thread ids are text in the database, which compares no numbers with it."""
    place = config["configurable"]
    return {**config, "configurable": {**place, "thread_id": str(place["thread_id"])}}


def _set_up(connection: Connection[DictRow], name: str) -> None:
    """Make the tables, or bring them up to date, while no other process does."""
    wanted = len(PostgresSaver.MIGRATIONS) - 1
    # A lock is asked for again and again, not waited for: an index that is made concurrently
    # waits for all who wait.
    deadline = time.monotonic() + WAIT_SECONDS
    while (present := _schema_of(connection)) < wanted:
        if _value(connection, f"SELECT pg_try_advisory_lock({SETUP_LOCK})"):
            PostgresSaver(connection).setup()
            _value(connection, f"SELECT pg_advisory_unlock({SETUP_LOCK})")
        elif time.monotonic() > deadline:
            raise CheckpointError(
                f"checkpoint database {name}: another process has been setting it up "
                f"for more than {WAIT_SECONDS:.0f} seconds"
            )
        else:
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311
    if present > wanted:
        raise CheckpointError(
            f"checkpoint database {name} has tables of a newer version ({present}, where "
            f"{wanted} is known); upgrade `langgraph-checkpoint-postgres`"
        )


def _check_key(connection: Connection[DictRow], serde: SerializerProtocol, name: str) -> None:
    """Fail now, not in the middle of a run, if the values cannot be read."""
    sample = connection.execute(
        "SELECT type, blob FROM checkpoint_blobs WHERE type <> 'empty' LIMIT 1"
    ).fetchone()
    if sample is None:
        return
    try:
        with looking_only():
            serde.loads_typed((sample["type"], sample["blob"]))
    except (ValueError, NotImplementedError) as error:
        raise CheckpointError(
            f"checkpoint database {name} cannot be read ({error}); if its values are "
            "encrypted, open it with their `key`"
        ) from error


def _schema_of(connection: Connection[DictRow]) -> int:
    """Version of the tables; -1 if there are none."""
    try:
        return int(_value(connection, "SELECT coalesce(max(v), -1) FROM checkpoint_migrations"))
    except errors.UndefinedTable:
        return -1


def _value(connection: Connection[DictRow], query: LiteralString) -> Any:
    """The one value that a query gives."""
    row = connection.execute(query).fetchone()
    return row and next(iter(row.values()))


def _commit_without_waiting(connection: Connection[DictRow]) -> None:
    connection.execute("SET synchronous_commit TO off")


def _parts(url: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(url)
    except ProgrammingError:
        # What PostgreSQL says of the URL may repeat the password.
        raise ConfigurationError(
            "a `postgresql://` URL cannot be read; write "
            "`postgresql://user:password@host:5432/database`, with `%25` for a `%` in it, and only "
            "options that PostgreSQL knows after `?`"
        ) from None


def _name_of(parts: Mapping[str, Any]) -> str:
    """The database as errors call it: without its password."""
    user = f"{parts['user']}@" if "user" in parts else ""
    port = f":{parts['port']}" if "port" in parts else ""
    return f"`postgresql://{user}{parts.get('host', '')}{port}/{parts.get('dbname', '')}`"


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise CheckpointError(
            f"checkpoint database {name}: {' '.join(str(error).split())}"
        ) from error
