"""A support desk: triage hands over to billing or to the technicians, who may hand back."""

from typing import Any

from langgraph_orchestra.graphs import PatternGraph, create_handoff
from langgraph_orchestra.nodes import Agent

TRIAGE = "Find out what the customer needs, and hand over to whoever can help."
BILLING = "You solve questions about invoices. Look the invoice up before you answer."
TECHNICIAN = "You solve technical trouble, one step at a time."


def invoice(number: str) -> str:
    """Look an invoice up.

    Args:
        number: Its number.
    """
    return f"Invoice {number}: 49.00 EUR, paid twice."  # ask your own system here


def graph() -> PatternGraph:
    """The graph that `langgraph dev` serves; its agents take the model of the run."""
    return build()


def build(model: Any = None) -> PatternGraph:
    """The graph, uncompiled.

    Args:
        model: A chat model or its name; None takes that of the run: `ORCHESTRA_MODEL`, or the
            context's `model`.
    """
    return create_handoff(
        [
            Agent("triage", TRIAGE, model=model),
            Agent("billing", BILLING, model=model, tools=[invoice], description="invoices"),
            Agent("technician", TECHNICIAN, model=model, description="devices and connections"),
        ],
        routes={
            "triage": ["billing", "technician"],
            "billing": ["triage"],
            "technician": ["triage"],
        },
        max_handoffs=6,
    )
