"""A verdict on each line of a text, and a summary of the verdicts."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel

from langgraph_orchestra.graphs import PatternGraph, create_map_reduce
from langgraph_orchestra.nodes import Agent, View

READER = "Say whether this customer is happy."


class Mood(BaseModel):
    """How a customer feels."""

    mood: Literal["happy", "unhappy", "neither"]
    why: str


def lines(view: View) -> Sequence[str]:
    """The items: the lines of the task that say something."""
    return [line for line in view.task.splitlines() if line.strip()]


def summary(view: View) -> str:
    """One answer of all results; those that failed are told, not hidden."""
    moods = [result.output.mood for result in view.results]
    counts = ", ".join(f"{moods.count(mood)} {mood}" for mood in dict.fromkeys(moods))
    return f"{counts or 'nobody'}; {len(view.failures)} could not be read"


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agent takes the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    reader = Agent("reader", READER, model=model, output=Mood)
    return create_map_reduce(lines, reader, summary, max_items=200)
