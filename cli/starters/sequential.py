"""An article in three stages: facts, a draft, an editor's hand."""

from typing import Any

from langgraph_orchestra.graphs import PatternGraph, create_sequential
from langgraph_orchestra.nodes import Agent

RESEARCHER = "Collect the facts that the task gives or that you are sure of, as a list."
WRITER = "Write a short article from the facts. Add none."
EDITOR = "Tighten the article. Answer with the article alone."


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agents take the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    return create_sequential(
        [
            Agent("researcher", RESEARCHER, model=model),
            Agent("writer", WRITER, model=model),
            Agent("editor", EDITOR, model=model),
        ]
    )
