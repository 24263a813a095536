"""Opening a checkpointer by its URL, and closing it again."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from langgraph_orchestra.checkpoints.connections import Synchronous, check_synchronous
from langgraph_orchestra.checkpoints.serializer import open_serializer
from langgraph_orchestra.checkpoints.sqlite import OrchestraSqliteSaver
from langgraph_orchestra.checkpoints.urls import database_path, postgres_url
from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from langgraph_orchestra.checkpoints.postgres import OrchestraPostgresSaver

__all__ = ["aopen_checkpointer", "open_checkpointer"]

_Saver: TypeAlias = "InMemorySaver | OrchestraSqliteSaver | OrchestraPostgresSaver"


@contextmanager
def open_checkpointer(
    url: str | os.PathLike[str] = "sqlite:///orchestra.db",
    *,
    key: bytes | str | None = None,
    synchronous: Synchronous = "FULL",
    types: Iterable[type] = (),
) -> Iterator[BaseCheckpointSaver[str]]:
    """Open a checkpointer that serves `invoke` and `ainvoke`; it is closed when the block ends.

    Any number of threads and event loops may use it at once, and any number of processes one
    SQLite file. A process that was forked while it was open opens the file anew.

    Values come back as what they were: messages, the records of `langgraph_orchestra.state`, and
    `types`. A run that meets a value of any other class raises `CheckpointError` naming it,
    instead of going on with a plain dict; what is saved stays as it is, and can be read once the
    class is given. `saver.with_allowlist` gives a view of the same store with more classes, as
    `compile` does for those of a graph's schemas in LangGraph's strict mode.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or the path of a SQLite file (`~`
            is the home; the file is made with mode 600, its folder must exist),
            `postgresql://user:password@host:5432/database` (needs the extra `postgres`; the
            tables are made in it), or `memory://`, which ends with the block.
        key: AES key of 16, 24 or 32 bytes for all values (needs `pycryptodome`); None means the
            variable `LANGGRAPH_AES_KEY`, or no encryption. In a SQLite file, metadata that configs
            bring is encrypted too; ids, names of nodes and channels, and step numbers stay
            readable.
        synchronous: `FULL` has every step on disk before the run goes on; `NORMAL` is faster and
            may lose the last steps, never the whole, when the power fails.
        types: Classes of yours that the state holds: pydantic models, dataclasses, enums. Those
            of their fields are included.

    Yields:
        An `OrchestraSqliteSaver`, an `OrchestraPostgresSaver`, or LangGraph's `InMemorySaver` for
        `memory://`.

    Raises:
        ConfigurationError: If the URL, the key, `synchronous` or a type cannot be used.
        CheckpointError: If the file or database cannot be used; the message names it.

    Example:
        >>> with open_checkpointer("memory://") as saver:
        ...     app = graph.compile(checkpointer=saver)
        ...     result = app.invoke(task, {"configurable": {"thread_id": "1"}})
    """
    saver = _open(url, key, synchronous, types)
    try:
        yield saver
    finally:
        _close(saver)


@asynccontextmanager
async def aopen_checkpointer(
    url: str | os.PathLike[str] = "sqlite:///orchestra.db",
    *,
    key: bytes | str | None = None,
    synchronous: Synchronous = "FULL",
    types: Iterable[type] = (),
) -> AsyncIterator[BaseCheckpointSaver[str]]:
    """Do what `open_checkpointer` does, without holding up the event loop.

    The saver is the same: either call gives one that serves sync and async callers.

    Args:
        url: As for `open_checkpointer`.
        key: As for `open_checkpointer`.
        synchronous: As for `open_checkpointer`.
        types: As for `open_checkpointer`.

    Yields:
        An `OrchestraSqliteSaver`, an `OrchestraPostgresSaver`, or LangGraph's `InMemorySaver` for
        `memory://`.

    Raises:
        ConfigurationError: If the URL, the key, `synchronous` or a type cannot be used.
        CheckpointError: If the file or database cannot be used; the message names it.
    """
    saver = await _aopen(url, key, synchronous, types)
    try:
        yield saver
    finally:
        await asyncio.to_thread(_close, saver)


def _open(
    url: str | os.PathLike[str],
    key: bytes | str | None,
    synchronous: Synchronous,
    types: Iterable[type],
) -> _Saver:
    database = postgres_url(url)
    path = None if database else database_path(url)
    serde = open_serializer(key=key, types=types)
    if database:
        return _postgres().open(database, serde=serde, synchronous=synchronous)
    if path is None:
        check_synchronous(synchronous)
        return InMemorySaver(serde=serde)
    return OrchestraSqliteSaver.open(path, serde=serde, synchronous=synchronous)


async def _aopen(
    url: str | os.PathLike[str],
    key: bytes | str | None,
    synchronous: Synchronous,
    types: Iterable[type],
) -> _Saver:
    pool = ThreadPoolExecutor(1, thread_name_prefix="opening a checkpointer")
    opening = pool.submit(_open, url, key, synchronous, types)
    pool.shutdown(wait=False)
    try:
        return await asyncio.wrap_future(opening)
    except asyncio.CancelledError:
        # Its thread goes on, and opens what nobody would close.
        opening.add_done_callback(_close_opened)
        raise


def _close_opened(opening: Future[_Saver]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        _close(opening.result())


def _close(saver: _Saver) -> None:
    if not isinstance(saver, InMemorySaver):
        saver.close()


def _postgres() -> "type[OrchestraPostgresSaver]":
    """The saver for PostgreSQL, whose driver is not installed everywhere."""
    try:
        from langgraph_orchestra.checkpoints.postgres import OrchestraPostgresSaver
    except ImportError as error:
        raise ConfigurationError(
            f"PostgreSQL needs packages that are not here ({error}): "
            'pip install "langgraph-orchestra[postgres]"'
        ) from error
    return OrchestraPostgresSaver
