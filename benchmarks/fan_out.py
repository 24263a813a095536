"""100 agents of 100 ms at once: how near the whole comes to 100 ms."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from typing import Any

from measure import ANSWER, TASK, Mark, amedian, median, thread

from langgraph_orchestra.checkpoints import aopen_checkpointer
from langgraph_orchestra.graphs import create_concurrent
from langgraph_orchestra.nodes import Member, View, concatenate

AGENTS = 100
NAP = 0.1


def _fan(function: Callable[[View], Any]) -> Any:
    branches = [Member(function, name=f"agent_{n}") for n in range(AGENTS)]
    return create_concurrent(branches, aggregate=concatenate())


def fan_out_sync() -> Mark:
    """100 agents of 100 ms at once, in threads."""

    def nap(_: View) -> str:
        time.sleep(NAP)
        return ANSWER

    app = _fan(nap).compile()
    return _against_nap("100 agents of 100 ms, sync", median(lambda: app.invoke(TASK), 5), 1.35)


def fan_out_async() -> Mark:
    """100 agents of 100 ms at once, in an event loop."""
    app = _fan(_anap).compile()
    seconds = asyncio.run(amedian(lambda: app.ainvoke(TASK), 5))
    return _against_nap("100 agents of 100 ms, async", seconds, 1.35)


def fan_out_saved() -> Mark:
    """100 agents of 100 ms at once, saved to SQLite."""

    async def measure(folder: str) -> float:
        async with aopen_checkpointer(f"sqlite:///{folder}/bench.db") as saver:
            app = _fan(_anap).compile(saver)
            threads = iter(range(1000))
            return await amedian(lambda: app.ainvoke(TASK, thread(next(threads))), 5)

    with tempfile.TemporaryDirectory() as folder:
        seconds = asyncio.run(measure(folder))
    return _against_nap("100 agents of 100 ms, SQLite", seconds, 1.6)


async def _anap(_: View) -> str:
    await asyncio.sleep(NAP)
    return ANSWER


def _against_nap(what: str, seconds: float, at_most: float) -> Mark:
    return Mark(what, f"{seconds * 1e3:.0f} ms", f"{NAP * 1e3:.0f} ms", seconds / NAP, at_most)
