"""Two who disagree, and a chair who gives them the floor until they agree."""

from typing import Any

from langgraph_orchestra.graphs import PatternGraph, create_group_chat
from langgraph_orchestra.nodes import Agent, by_model, mentions

DREAMER = "You want the boldest version. Give way to good reasons. Say AGREED when you do."
REALIST = "You want what can be paid and built this year. Say AGREED when you have that."
CHAIR = "You chair a discussion. Give the floor to whoever has something to answer."


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agents take the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    return create_group_chat(
        [
            Agent("dreamer", DREAMER, model=model, description="thinks big"),
            Agent("realist", REALIST, model=model, description="counts the cost"),
        ],
        select=by_model(model, prompt=CHAIR, may_finish=False),
        stop_when=mentions("AGREED"),
        max_turns=10,
    )
