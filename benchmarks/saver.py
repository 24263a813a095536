"""Conversations a second on a SQLite file, against LangGraph's own savers.

Two kinds of conversation, each on a thread of its own:

- of LangGraph alone: three nodes that return at once, so that nearly all the work is the saver's.
  Compared with the official saver at equal durability: both wait for the disk at every commit
  (`synchronous=FULL`).
- of three agents: most of the work is theirs. Compared with LangGraph's in-memory saver, the
  fastest there is; beside it stands the official one.

Runs save as LangGraph does by default (`durability="async"`).
"""

import asyncio
import itertools
import operator
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import StateGraph
from measure import PROMPT, TASK, Mark, fake, thread

from langgraph_orchestra.checkpoints import aopen_checkpointer, open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.nodes import Agent

ROUNDS = 9
CONVERSATIONS = 60

_threads = itertools.count()


class Rates(NamedTuple):
    """Seconds that a conversation takes with each saver; one entry a round."""

    ours: list[float]
    official: list[float]
    memory: list[float]
    none: list[float]


def saver_async_1() -> Mark:
    """One async conversation of LangGraph alone at a time."""
    return _against_official(asyncio.run(_rates(_nodes, 1)), "1 async", 1 / 1.6)


def saver_async_10() -> Mark:
    """Ten of them in flight."""
    return _against_official(asyncio.run(_rates(_nodes, 10)), "10 async", 1 / 3)


def saver_async_100() -> Mark:
    """A hundred of them in flight."""
    return _against_official(asyncio.run(_rates(_nodes, 100)), "100 async", 1 / 3)


def saver_agents_async_1() -> Mark:
    """One async conversation of agents at a time."""
    return _against_memory(asyncio.run(_rates(_agents, 1)), "1 async", 2.0)


def saver_agents_async_10() -> Mark:
    """Ten of them in flight."""
    return _against_memory(asyncio.run(_rates(_agents, 10)), "10 async", 1.4)


def saver_agents_async_100() -> Mark:
    """A hundred of them in flight."""
    return _against_memory(asyncio.run(_rates(_agents, 100)), "100 async", 1.4)


def saver_agents_sync_1() -> Mark:
    """One sync conversation of agents at a time."""
    return _against_official(_sync_rates(1), "agents, 1 sync", 1.1)


def saver_agents_sync_10() -> Mark:
    """Ten of them, each on a thread."""
    return _against_official(_sync_rates(10), "agents, 10 sync", 1.0)


class _Said(TypedDict):
    words: Annotated[list[str], operator.add]


async def _say(_: _Said) -> _Said:
    return {"words": ["a word"]}


def _nodes() -> tuple[Any, Any]:
    """Three nodes in a row without a model, and what they are given."""
    graph = StateGraph(_Said)
    graph.add_sequence([(f"node_{n}", _say) for n in range(3)])
    graph.set_entry_point("node_0")
    return graph, {"words": ["the first"]}


def _agents() -> tuple[Any, Any]:
    """Three agents in a row, and their task."""
    agents = [Agent(f"agent_{n}", PROMPT, model=fake()) for n in range(3)]
    return create_sequential(agents), TASK


async def _rates(conversation: Callable[[], tuple[Any, Any]], in_flight: int) -> Rates:
    graph, given = conversation()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            aopen_checkpointer(Path(folder) / "ours.db") as ours,
            AsyncSqliteSaver.from_conn_string(f"{folder}/theirs.db") as theirs,
        ):
            apps = [graph.compile(saver) for saver in (ours, theirs, InMemorySaver(), None)]
            for app in apps:
                await _hold_async(app, given, in_flight, in_flight)
            rounds = [
                [
                    await _hold_async(app, given, in_flight, CONVERSATIONS + in_flight)
                    for app in apps
                ]
                for _ in range(ROUNDS)
            ]
    return Rates(*zip(*rounds, strict=True))


def _sync_rates(in_flight: int) -> Rates:
    graph, given = _agents()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_checkpointer(Path(folder) / "ours.db") as ours,
        SqliteSaver.from_conn_string(f"{folder}/theirs.db") as theirs,
        ThreadPoolExecutor(in_flight) as pool,
    ):
        apps = [graph.compile(saver) for saver in (ours, theirs, InMemorySaver(), None)]
        for app in apps:
            _hold_sync(app, given, pool, in_flight)
        rounds = [
            [_hold_sync(app, given, pool, CONVERSATIONS) for app in apps] for _ in range(ROUNDS)
        ]
    return Rates(*zip(*rounds, strict=True))


async def _hold_async(app: Any, given: Any, in_flight: int, conversations: int) -> float:
    """Seconds that a conversation takes, when so many run at once."""
    free = asyncio.Semaphore(in_flight)

    async def hold() -> None:
        async with free:
            await app.ainvoke(given, thread(next(_threads)))

    began = time.perf_counter()
    await asyncio.gather(*(hold() for _ in range(conversations)))
    return (time.perf_counter() - began) / conversations


def _hold_sync(app: Any, given: Any, pool: ThreadPoolExecutor, conversations: int) -> float:
    configs = [thread(next(_threads)) for _ in range(conversations)]
    began = time.perf_counter()
    list(pool.map(lambda config: app.invoke(given, config), configs))
    return (time.perf_counter() - began) / conversations


def _against_official(rates: Rates, how: str, at_most: float) -> Mark:
    against = f"{_a_second(rates.official)}; no saver {_a_second(rates.none)}"
    ratio = _ratio(rates.ours, rates.official)
    return Mark(f"conversations on SQLite, {how}", _a_second(rates.ours), against, ratio, at_most)


def _against_memory(rates: Rates, how: str, at_most: float) -> Mark:
    against = f"memory {_a_second(rates.memory)}; official {_a_second(rates.official)}"
    ratio = _ratio(rates.ours, rates.memory)
    return Mark(f"the same of agents, {how}", _a_second(rates.ours), against, ratio, at_most)


def _a_second(taken: list[float]) -> str:
    return f"{1 / statistics.median(taken):.0f}/s"


def _ratio(taken: list[float], other: list[float]) -> float:
    """The median of the ratios of neighbours, as a disk that others use changes its pace."""
    return statistics.median(mine / its for mine, its in zip(taken, other, strict=True))
