"""Measure what orchestration costs, as ratios against hand-written LangGraph in the same run.

Every number is the median of repetitions that alternate between the two, so that a busy machine
slows both. The model is a LangChain fake that answers at once with 400 characters.

    make bench
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, SystemMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from rich.console import Console
from rich.table import Table

from langgraph_orchestra.checkpoints import aopen_checkpointer, open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.nodes import Agent, Member, View, concatenate

ANSWER = "x" * 400
PROMPT = "You are an agent."
STAGES = 20
AGENTS = 100
NAP = 0.1
TURNS = 300
TASK = {"messages": [("user", "The task.")]}


class Mark(NamedTuple):
    """One measurement."""

    what: str
    ours: str
    theirs: str
    ratio: float
    at_most: float

    @property
    def met(self) -> bool:
        """Whether it is within its budget."""
        return self.ratio <= self.at_most


def fake() -> FakeListChatModel:
    """A model that answers at once."""
    return FakeListChatModel(responses=[ANSWER])


def our_chain() -> Any:
    """Twenty agents in a row, as the library builds them."""
    return create_sequential([Agent(f"agent_{n}", PROMPT, model=fake()) for n in range(STAGES)])


def hand_written_graph(*, is_async: bool) -> Any:
    """Twenty agents in a row, as one writes them with LangGraph: task and last answer are read."""
    graph = StateGraph(MessagesState)
    before = START
    for n in range(STAGES):
        name = f"agent_{n}"
        graph.add_node(name, _async_stage(name) if is_async else _sync_stage(name))
        graph.add_edge(before, name)
        before = name
    graph.add_edge(before, END)
    return graph


def _read(state: MessagesState) -> list[Any]:
    first, last = state["messages"][0], state["messages"][-1]
    return [SystemMessage(PROMPT), first, *([last] if last is not first else [])]


def _sync_stage(name: str) -> Callable[[MessagesState], dict[str, Any]]:
    model = fake()

    def stage(state: MessagesState) -> dict[str, Any]:
        return {"messages": [_named(name, model.invoke(_read(state)))]}

    return stage


def _async_stage(name: str) -> Callable[[MessagesState], Awaitable[dict[str, Any]]]:
    model = fake()

    async def stage(state: MessagesState) -> dict[str, Any]:
        return {"messages": [_named(name, await model.ainvoke(_read(state)))]}

    return stage


def _named(name: str, answer: AIMessage) -> AIMessage:
    return answer.model_copy(update={"name": name})


def step_sync(rounds: int = 60) -> Mark:
    """One agent step in a chain of 20, sync."""
    ours, theirs = our_chain().compile(), hand_written_graph(is_async=False).compile()
    times = _alternate(lambda: ours.invoke(TASK), lambda: theirs.invoke(TASK), rounds)
    return _mark("agent step, chain of 20, sync", *times, 1.15, per=STAGES)


def step_async(rounds: int = 60) -> Mark:
    """One agent step in a chain of 20, async."""
    ours, theirs = our_chain().compile(), hand_written_graph(is_async=True).compile()

    async def measure() -> tuple[float, float]:
        return await _aalternate(lambda: ours.ainvoke(TASK), lambda: theirs.ainvoke(TASK), rounds)

    return _mark("agent step, chain of 20, async", *asyncio.run(measure()), 1.15, per=STAGES)


def _fan(function: Callable[[View], Any]) -> Any:
    branches = [Member(function, name=f"agent_{n}") for n in range(AGENTS)]
    return create_concurrent(branches, aggregate=concatenate())


def fan_out_sync() -> Mark:
    """100 agents of 100 ms at once, in threads."""

    def nap(_: View) -> str:
        time.sleep(NAP)
        return ANSWER

    app = _fan(nap).compile()
    return _against_nap("100 agents of 100 ms, sync", _median(lambda: app.invoke(TASK), 5), 1.35)


def fan_out_async() -> Mark:
    """100 agents of 100 ms at once, in an event loop."""
    app = _fan(_anap).compile()
    seconds = asyncio.run(_amedian(lambda: app.ainvoke(TASK), 5))
    return _against_nap("100 agents of 100 ms, async", seconds, 1.35)


def fan_out_saved() -> Mark:
    """100 agents of 100 ms at once, saved to SQLite."""

    async def measure(folder: str) -> float:
        async with aopen_checkpointer(f"sqlite:///{folder}/bench.db") as saver:
            app = _fan(_anap).compile(saver)
            threads = iter(range(1000))
            return await _amedian(lambda: app.ainvoke(TASK, _thread(next(threads))), 5)

    with tempfile.TemporaryDirectory() as folder:
        seconds = asyncio.run(measure(folder))
    return _against_nap("100 agents of 100 ms, SQLite", seconds, 1.6)


async def _anap(_: View) -> str:
    await asyncio.sleep(NAP)
    return ANSWER


def import_time(rounds: int = 9) -> Mark:
    """What `import langgraph_orchestra.graphs` adds to `import langgraph.graph`."""
    code = (
        "import time, langgraph.graph; began = time.perf_counter(); "
        "import langgraph_orchestra.graphs; print(time.perf_counter() - began)"
    )
    seconds = statistics.median(
        float(
            subprocess.run(  # noqa: S603 - our own code
                [sys.executable, "-c", code], capture_output=True, check=True
            ).stdout
        )
        for _ in range(rounds)
    )
    shown = f"{seconds * 1e3:.0f} ms"
    return Mark("import over langgraph.graph", shown, "50 ms", seconds / 0.05, 1.0)


def disk_per_turn() -> Mark:
    """What a saved turn takes on disk after 300 turns on one thread."""
    ours = _disk(our_chain())
    theirs = _disk(hand_written_graph(is_async=False))
    shown = [f"{size / TURNS / 1e3:.1f} kB" for size in (ours, theirs)]
    return Mark("disk per turn, 300 on one thread", shown[0], shown[1], ours / theirs, 1.0)


def _disk(graph: Any) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        with open_checkpointer(f"sqlite:///{path}") as saver:
            app = graph.compile(saver)
            for _ in range(TURNS // STAGES):
                app.invoke(TASK, _thread(0))
        return path.stat().st_size


def _thread(number: int) -> dict[str, Any]:
    return {"configurable": {"thread_id": str(number)}}


def _against_nap(what: str, seconds: float, at_most: float) -> Mark:
    return Mark(what, f"{seconds * 1e3:.0f} ms", f"{NAP * 1e3:.0f} ms", seconds / NAP, at_most)


def _mark(what: str, ours: float, theirs: float, at_most: float, *, per: int) -> Mark:
    shown = [f"{seconds / per * 1e3:.3f} ms" for seconds in (ours, theirs)]
    return Mark(what, shown[0], shown[1], ours / theirs, at_most)


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


async def _atimed(call: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


def _alternate(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int
) -> tuple[float, float]:
    for call in (ours, theirs) * 3:
        call()
    gc.collect()
    pairs = [(_timed(ours), _timed(theirs)) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


async def _aalternate(
    ours: Callable[[], Awaitable[Any]], theirs: Callable[[], Awaitable[Any]], rounds: int
) -> tuple[float, float]:
    for call in (ours, theirs) * 3:
        await call()
    gc.collect()
    pairs = [(await _atimed(ours), await _atimed(theirs)) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def _median(call: Callable[[], Any], rounds: int) -> float:
    call()
    return statistics.median(_timed(call) for _ in range(rounds))


async def _amedian(call: Callable[[], Awaitable[Any]], rounds: int) -> float:
    await call()
    return statistics.median([await _atimed(call) for _ in range(rounds)])


MEASUREMENTS: list[Callable[[], Mark]] = [
    step_async,
    step_sync,
    fan_out_async,
    fan_out_sync,
    fan_out_saved,
    import_time,
    disk_per_turn,
]


def main() -> None:
    """Measure everything and print a table."""
    console = Console()
    table = Table("what", "ours", "against", "ratio", "budget", "", title="langgraph-orchestra")
    for measure in MEASUREMENTS:
        with console.status(measure.__doc__ or ""):
            mark = measure()
        verdict = "[green]met[/]" if mark.met else "[red]missed[/]"
        table.add_row(
            mark.what, mark.ours, mark.theirs, f"{mark.ratio:.2f}", f"{mark.at_most:.2f}", verdict
        )
    console.print(table)


if __name__ == "__main__":
    main()
