"""What the handoff tests are made of: answers that hand over, and what became of them."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import ToolCall

Result = Mapping[str, Any]


def to(*targets: str, text: str = "", beside: AIMessage | None = None, **payload: Any) -> AIMessage:
    """An answer that hands over, to several at once if several are named.

    Args:
        targets: To whom.
        text: What is said beside it.
        beside: An answer whose tool calls come before these.
        payload: The handoff's arguments; the reason is `because` unless another is given.
    """
    arguments = {"reason": "because", **payload}
    own = [
        ToolCall(name=f"handoff_to_{target}", args=arguments, id=f"handoff-{number}")
        for number, target in enumerate(targets)
    ]
    return AIMessage(text, tool_calls=[*(beside.tool_calls if beside else ()), *own])


def records(result: Result) -> list[tuple[str, str, str]]:
    """Who asked to hand over to whom, and what became of it."""
    return [(h.source, h.target, h.outcome) for h in result["handoffs"]]


def told(result: Result) -> list[tuple[str | None, str]]:
    """What tools have answered."""
    return [(m.name, m.text) for m in result["messages"] if m.type == "tool"]


def edges(graph: Any) -> set[tuple[str, str]]:
    """The drawn edges of a graph that is not compiled yet."""
    return {(edge.source, edge.target) for edge in graph.compile().get_graph().edges}
