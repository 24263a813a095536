"""A graph whose state has differences that are written often and seldom, and a plain list."""

import operator
from typing import Annotated, Any, TypedDict

from langgraph.channels import DeltaChannel
from langgraph.graph import END, START, StateGraph

from .conftest import config_of, extend


class Notes(TypedDict, total=False):
    """State that grows by a note in each turn."""

    often: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=7)]
    seldom: Annotated[list[str], DeltaChannel(extend)]
    plain: Annotated[list[str], operator.add]
    turn: int


def noting(saver: Any) -> Any:
    """Compile the graph."""

    def note(state: Notes) -> dict[str, Any]:
        turn = state["turn"]
        update: dict[str, Any] = {"often": [f"turn {turn}"], "plain": [f"turn {turn}"]}
        return {**update, "seldom": [f"turn {turn}"]} if turn in (0, 4) else update

    graph = StateGraph(Notes)
    graph.add_node("note", note)
    graph.add_edge(START, "note")
    graph.add_edge("note", END)
    return graph.compile(checkpointer=saver)


async def noted(calls: Any, saver: Any, turns: int, thread_id: str = "1") -> Any:
    """Run it for several turns."""
    app = noting(saver)
    for turn in range(turns):
        await calls.invoke(app, {"turn": turn}, thread_id)
    return app


def notes(app: Any, thread_id: str = "1") -> Any:
    """What it has noted in a thread."""
    return app.get_state(config_of(thread_id)).values["often"]


def numbered(count: int) -> list[str]:
    """What it notes in so many turns."""
    return [f"turn {turn}" for turn in range(count)]
