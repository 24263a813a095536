"""An incident: a manager has the cause found and mended, and changes the plan as facts come in."""

from typing import Any

from langgraph_orchestra.graphs import PatternGraph, create_magentic
from langgraph_orchestra.nodes import Agent

DIAGNOSTICS = "You read logs and metrics. Say what you found, and how sure you are."
OPERATIONS = "You change the running system, one thing at a time, and say what came of it."
PRESS = "You write to customers: plainly, without blame, and only what is known."


def log(service: str) -> str:
    """Read the latest lines of a service's log.

    Args:
        service: Its name.
    """
    return f"{service}: connection pool exhausted"  # ask your own system here


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agents take the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    return create_magentic(
        [
            Agent("diagnostics", DIAGNOSTICS, model=model, tools=[log], description="reads logs"),
            Agent("operations", OPERATIONS, model=model, description="changes the system"),
            Agent("press", PRESS, model=model, description="writes to customers"),
        ],
        model=model,
        max_rounds=12,
    )
