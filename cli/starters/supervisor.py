"""A feature: a tech lead plans it, and reviews what architect, developer and tester bring."""

from typing import Any

from langgraph_orchestra.graphs import PatternGraph, create_supervisor
from langgraph_orchestra.nodes import Agent

LEAD = "You lead a small team of developers. Keep plans short; a step needs a reason."
TEAM = {
    "architect": "Decide on interfaces and data. Give reasons in a sentence each.",
    "developer": "Write the code for your step, and nothing else.",
    "tester": "Write the tests that would show the step to be wrong.",
}


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agents take the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    return create_supervisor(
        [Agent(name, prompt, model=model) for name, prompt in TEAM.items()],
        model=Agent("lead", LEAD, model=model),
        max_revisions=2,
    )
