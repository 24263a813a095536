"""How stand-ins act as a model does: they call a tool, or hand the conversation over."""

from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import ToolCall

__all__ = ["calling", "handing_over"]


def calling(tool: str, text: str = "", **arguments: Any) -> AIMessage:
    """An answer that calls a tool.

    Args:
        tool: Its name.
        text: What is said beside the call.
        arguments: The tool's.
    """
    call = ToolCall(name=tool, args=arguments, id=f"call_{uuid4().hex}")
    return AIMessage(text, tool_calls=[call])


def handing_over(target: str, reason: str, text: str = "", **payload: str) -> AIMessage:
    """An answer that hands the conversation over.

    Args:
        target: To whom.
        reason: Why.
        text: What is said beside it.
        payload: `context`, `instructions` and `priority` of the handoff.
    """
    return calling(f"handoff_to_{target}", text, reason=reason, **payload)
