"""A chain of 20 agents: what one step costs, and what a turn takes on disk."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from langchain_core.messages import SystemMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from measure import PROMPT, TASK, Mark, aalternate, alternate, fake, named, per_piece, thread

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.nodes import Agent

STAGES = 20
TURNS = 300


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
        return {"messages": [named(name, model.invoke(_read(state)))]}

    return stage


def _async_stage(name: str) -> Callable[[MessagesState], Awaitable[dict[str, Any]]]:
    model = fake()

    async def stage(state: MessagesState) -> dict[str, Any]:
        return {"messages": [named(name, await model.ainvoke(_read(state)))]}

    return stage


def step_sync(rounds: int = 60) -> Mark:
    """One agent step in a chain of 20, sync."""
    ours, theirs = our_chain().compile(), hand_written_graph(is_async=False).compile()
    times = alternate(lambda: ours.invoke(TASK), lambda: theirs.invoke(TASK), rounds)
    return per_piece("agent step, chain of 20, sync", *times, 1.15, pieces=STAGES)


def step_async(rounds: int = 60) -> Mark:
    """One agent step in a chain of 20, async."""
    ours, theirs = our_chain().compile(), hand_written_graph(is_async=True).compile()

    async def measure() -> tuple[float, float]:
        return await aalternate(lambda: ours.ainvoke(TASK), lambda: theirs.ainvoke(TASK), rounds)

    return per_piece("agent step, chain of 20, async", *asyncio.run(measure()), 1.15, pieces=STAGES)


def disk_of_chain() -> Mark:
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
                app.invoke(TASK, thread(0))
        return path.stat().st_size
