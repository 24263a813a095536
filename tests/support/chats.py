"""What the group chat tests are made of: choices of a model, bids, and what became of them."""

from collections.abc import Callable, Mapping
from typing import Any

from langgraph_orchestra.nodes import Agent, View
from langgraph_orchestra.state import Bid
from support.members import agent

Result = Mapping[str, Any]


def talkers(*names: str, words: int = 9, **options: Any) -> list[Agent]:
    """Agents who say their name and how often they have spoken: `ann 1`, `ann 2` ..."""
    return [
        agent(name, *(f"{name} {number + 1}" for number in range(words)), **options)
        for name in names
    ]


def says(name: Any, **fields: Any) -> dict[str, Any]:
    """A model's choice of the next speaker."""
    return {"next_speaker": name, "reason": "because", **fields}


def finished(answer: str, **fields: Any) -> dict[str, Any]:
    """A model's choice to end the conversation with an answer."""
    return says(None, finished=True, final_answer=answer, **fields)


def bids(confidence: float) -> Callable[[View], Bid]:
    """A function that always bids so much."""
    return lambda view: Bid(confidence=confidence)


def in_order(*names: str | None) -> Callable[[View], str | None]:
    """A selector that gives the floor in this order, then ends the conversation."""

    def select(view: View) -> str | None:
        return (*names, *[None] * 99)[len(view.turns)]

    return select


def order(result: Result) -> list[str]:
    """Who took a turn in this thread, in order."""
    return [turn.agent for turn in result["trail"] if turn.kind in ("agent", "human", "function")]


def decisions(result: Result) -> list[tuple[str, int, str, str]]:
    """What was decided between turns: by whom, before which turn, how it went, and what."""
    return [
        (turn.path, turn.step, turn.outcome, turn.detail)
        for turn in result["trail"]
        if turn.kind == "decision"
    ]


def edges(graph: Any) -> set[tuple[str, str]]:
    """The drawn edges of a graph that is not compiled yet."""
    return {(edge.source, edge.target) for edge in graph.compile().get_graph().edges}


def routes_of(names: str) -> set[tuple[str, str]]:
    """Edges written shortly: `a:b,c` leads from `a` to `b` and to `c`; `START` and `END`."""
    ends = {"START": "__start__", "END": "__end__"}
    pairs = [one.split(":") for one in names.split()]
    return {
        (ends.get(source, source), ends.get(target, target))
        for source, targets in pairs
        for target in targets.split(",")
    }
