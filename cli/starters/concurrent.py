"""Three views of one question, side by side, and one answer made of them."""

from typing import Any

from langgraph_orchestra.graphs import PatternGraph, create_concurrent
from langgraph_orchestra.nodes import Agent, synthesise

VIEWS = {
    "customer": "Answer as a customer would: what is it good for, what annoys you?",
    "engineer": "Answer as an engineer would: what does it take, what can break?",
    "lawyer": "Answer as a lawyer would: what is allowed, what must be said?",
}
CHAIR = "Weigh what the others say, and recommend one thing to do."


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agents take the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    return create_concurrent(
        [Agent(name, prompt, model=model) for name, prompt in VIEWS.items()],
        aggregate=synthesise(Agent("chair", CHAIR, model=model)),
        min_results=2,
    )
