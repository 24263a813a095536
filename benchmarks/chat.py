"""A group chat: what a turn costs, on the clock, on disk and in prompts, up to 300 turns."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from langchain_core.messages import SystemMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from measure import (
    ANSWER,
    PROMPT,
    TASK,
    Mark,
    aalternate,
    alternate,
    fake,
    median,
    named,
    per_piece,
    thread,
)

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import PatternGraph, create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent

SPEAKERS = ("ann", "bob", "carol", "dan")
TURNS = 300
SHORT = 12


class CountedState(MessagesState):
    """What a hand-written chat keeps."""

    turns: int


def our_chat(turns: int) -> PatternGraph:
    """Four agents in turn, as the library builds them."""
    speakers = [Agent(name, PROMPT, model=fake()) for name in SPEAKERS]
    return create_group_chat(speakers, max_turns=turns)


def hand_written_chat(turns: int, *, is_async: bool) -> Any:
    """Four agents in turn, as one writes them with LangGraph: each reads everything as it is."""
    graph = StateGraph(CountedState)
    for place, name in enumerate(SPEAKERS):
        after = SPEAKERS[(place + 1) % len(SPEAKERS)]
        speaker = _async_speaker if is_async else _sync_speaker
        graph.add_node(name, speaker(name, after, turns), destinations=(after, END))
    graph.add_edge(START, SPEAKERS[0])
    return graph


def _sync_speaker(name: str, after: str, turns: int) -> Any:
    model = fake()

    def speaker(state: CountedState) -> Command[Any]:
        answer = model.invoke([SystemMessage(PROMPT), *state["messages"]])
        return _given(name, answer, state, after, turns)

    return speaker


def _async_speaker(name: str, after: str, turns: int) -> Any:
    model = fake()

    async def speaker(state: CountedState) -> Command[Any]:
        answer = await model.ainvoke([SystemMessage(PROMPT), *state["messages"]])
        return _given(name, answer, state, after, turns)

    return speaker


def _given(name: str, answer: Any, state: CountedState, after: str, turns: int) -> Command[Any]:
    taken = state.get("turns", 0) + 1
    update = {"messages": [named(name, answer)], "turns": taken}
    return Command(update=update, goto=END if taken >= turns else after)


def chat_turn_sync(rounds: int = 30) -> Mark:
    """One turn of a chat of 40 turns, sync."""
    ours, theirs = our_chat(40).compile(), hand_written_chat(40, is_async=False).compile()
    times = alternate(lambda: ours.invoke(TASK), lambda: theirs.invoke(TASK), rounds)
    return per_piece("chat turn, 40 turns, sync", *times, 1.15, pieces=40)


def chat_turn_async(rounds: int = 30) -> Mark:
    """One turn of a chat of 40 turns, async."""
    ours, theirs = our_chat(40).compile(), hand_written_chat(40, is_async=True).compile()

    async def measure() -> tuple[float, float]:
        return await aalternate(lambda: ours.ainvoke(TASK), lambda: theirs.ainvoke(TASK), rounds)

    return per_piece("chat turn, 40 turns, async", *asyncio.run(measure()), 1.15, pieces=40)


def chat_growth(rounds: int = 7) -> Mark:
    """One turn of a chat of 300 turns; each reads everything before it."""
    ours, theirs = our_chat(TURNS).compile(), hand_written_chat(TURNS, is_async=False).compile()
    times = alternate(lambda: ours.invoke(TASK), lambda: theirs.invoke(TASK), rounds)
    return per_piece(f"chat turn, {TURNS} turns, sync", *times, 1.15, pieces=TURNS)


def chat_prompts() -> Mark:
    """Characters in the prompts of a chat of 12 turns, against the words that must be read."""
    model = ScriptedModel([ANSWER] * SHORT)
    graph = create_group_chat([Agent(n, PROMPT, model=model) for n in SPEAKERS], max_turns=SHORT)
    graph.compile().invoke(TASK)
    ours = sum(len(message.text) for call in model.calls for message in call.messages)
    spoken = sum(range(SHORT)) * len(ANSWER)
    needed = SHORT * (len(PROMPT) + len("The task.")) + spoken
    return Mark("prompt characters, 12 turns", f"{ours:,}", f"{needed:,}", ours / needed, 1.05)


def chat_disk() -> Mark:
    """What a saved turn takes on disk in a chat of 300 turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        with open_checkpointer(f"sqlite:///{path}") as saver:
            our_chat(TURNS).compile(saver).invoke(TASK, thread(0))
        size = path.stat().st_size / TURNS / 1e3
    return Mark(f"disk per turn, chat of {TURNS}", f"{size:.2f} kB", "4.1 kB", size / 4.1, 1.0)


def chat_resume(rounds: int = 30) -> Mark:
    """Loading a saved chat of 300 turns."""
    with tempfile.TemporaryDirectory() as folder:  # noqa: SIM117 - the saver's file is in it
        with open_checkpointer(f"sqlite:///{folder}/bench.db") as saver:
            app = our_chat(TURNS).compile(saver)
            app.invoke(TASK, thread(0))
            seconds = median(lambda: app.invoke(None, thread(0)), rounds)
    return Mark(f"resume of {TURNS} turns", f"{seconds * 1e3:.1f} ms", "7 ms", seconds / 7e-3, 1.0)
