"""Conversations a second on a SQLite file, against the official savers at equal durability.

A conversation is a chain of three agents on a thread of its own. Both savers wait for the disk at
every commit (`synchronous=FULL`), and runs save as LangGraph does by default
(`durability="async"`). Beside them stands what the same graph does without any saver: how many
times the official one that is, and so what a saver can reach, depends on processor and disk.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from measure import PROMPT, TASK, Mark, fake, thread

from langgraph_orchestra.checkpoints import aopen_checkpointer, open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.nodes import Agent

ROUNDS = 9
CONVERSATIONS = 60

_threads = itertools.count()


def saver_async_1() -> Mark:
    """One async conversation at a time."""
    return asyncio.run(_async_mark(1, 1 / 1.6))


def saver_async_10() -> Mark:
    """Ten async conversations in flight."""
    return asyncio.run(_async_mark(10, 1 / 3))


def saver_async_100() -> Mark:
    """A hundred async conversations in flight."""
    return asyncio.run(_async_mark(100, 1 / 3))


def saver_sync_1() -> Mark:
    """One sync conversation at a time."""
    return _sync_mark(1, 1.1)


def saver_sync_10() -> Mark:
    """Ten sync conversations, each on a thread."""
    return _sync_mark(10, 1.0)


async def _async_mark(in_flight: int, at_most: float) -> Mark:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            aopen_checkpointer(Path(folder) / "ours.db") as ours,
            AsyncSqliteSaver.from_conn_string(f"{folder}/theirs.db") as theirs,
        ):
            apps = _chain().compile(ours), _chain().compile(theirs), _chain().compile()
            for app in apps:
                await _hold_async(app, in_flight, in_flight)
            timed = [
                [await _hold_async(app, in_flight, CONVERSATIONS + in_flight) for app in apps]
                for _ in range(ROUNDS)
            ]
    return _mark(f"{in_flight} async", timed, at_most)


def _sync_mark(in_flight: int, at_most: float) -> Mark:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_checkpointer(Path(folder) / "ours.db") as ours,
        SqliteSaver.from_conn_string(f"{folder}/theirs.db") as theirs,
        ThreadPoolExecutor(in_flight) as pool,
    ):
        apps = _chain().compile(ours), _chain().compile(theirs), _chain().compile()
        for app in apps:
            _hold_sync(app, pool, in_flight)
        timed = [[_hold_sync(app, pool, CONVERSATIONS) for app in apps] for _ in range(ROUNDS)]
    return _mark(f"{in_flight} sync", timed, at_most)


def _chain() -> Any:
    return create_sequential([Agent(f"agent_{n}", PROMPT, model=fake()) for n in range(3)])


async def _hold_async(app: Any, in_flight: int, conversations: int) -> float:
    """Seconds that a conversation takes, when so many run at once."""
    free = asyncio.Semaphore(in_flight)

    async def hold() -> None:
        async with free:
            await app.ainvoke(TASK, thread(next(_threads)))

    began = time.perf_counter()
    await asyncio.gather(*(hold() for _ in range(conversations)))
    return (time.perf_counter() - began) / conversations


def _hold_sync(app: Any, pool: ThreadPoolExecutor, conversations: int) -> float:
    configs = [thread(next(_threads)) for _ in range(conversations)]
    began = time.perf_counter()
    list(pool.map(lambda config: app.invoke(TASK, config), configs))
    return (time.perf_counter() - began) / conversations


def _mark(how: str, timed: list[list[float]], at_most: float) -> Mark:
    """The median of the ratios of neighbours, as a disk that others use changes its pace."""
    ours, theirs, free = (f"{1 / statistics.median(one):.0f}/s" for one in zip(*timed, strict=True))
    ratio = statistics.median(mine / official for mine, official, _ in timed)
    against = f"{theirs}; no saver {free}"
    return Mark(f"conversations on SQLite, {how}", ours, against, ratio, at_most)
