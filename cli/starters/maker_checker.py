"""A product text that is written again until a rule and an editor let it go out."""

from typing import Any

from langgraph_orchestra.graphs import PatternGraph, create_maker_checker
from langgraph_orchestra.nodes import Agent, View

WRITER = "Describe the product in at most 40 words, from the brief alone."
EDITOR = "Approve the text if it says all that the brief does and nothing more."
AT_MOST = 40  # words


def length(view: View) -> bool | str:
    """A checker that needs no model: approved, or what must change."""
    words = len(view.last_text.split())
    return words <= AT_MOST or f"{words} words; at most {AT_MOST} are allowed."


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agents take the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    return create_maker_checker(
        Agent("writer", WRITER, model=model),
        [Agent("editor", EDITOR, model=model), length],
        max_rounds=4,
    )
