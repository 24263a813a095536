"""`handoff_tool`: the tool with which a model hands over, and how its calls are recognised.

The tool itself moves nobody: the turn it was called in reads the call, decides, and writes the
answer in the place of the tool's own.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, Field

from langgraph_orchestra.nodes.checks import usable_name
from langgraph_orchestra.state import ConfigurationError, Handoff, Priority

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage, ToolCall
    from langchain_core.tools import BaseTool

__all__ = [
    "REQUESTED",
    "handoff_from",
    "handoff_tool",
    "handoff_tool_name",
    "hands_over",
    "is_handoff_result",
    "is_handoff_tool",
    "is_handoff_tool_name",
    "target_of",
]

_PREFIX = "handoff_to_"

_LONGEST_TOOL_NAME = 64  # what chat APIs accept

_MARK = "hands_over_to"  # in a tool's metadata

REQUESTED = "Handoff requested."
"""What the tool answers until the turn has decided."""


class HandoffArguments(BaseModel):
    """What a model says when it hands over."""

    reason: str = Field(description="Why you hand over, in one sentence.")
    context: str = Field(
        default="", description="What they must know that the conversation does not say."
    )
    instructions: str = Field(default="", description="What they are to do.")
    priority: Priority = Field(default="normal", description="How urgent it is.")


def handoff_tool(name: str, description: str | None = None) -> "BaseTool":
    """A tool with which an agent built elsewhere hands over, in a `create_handoff` graph.

    An `Agent` needs none: it is given one for each of its routes, unless it brings one of its own.
    Where an agent built elsewhere calls another tool in the same answer, that runs too, and its
    model is asked once more before the handoff is taken; alone, the handoff ends its turn at once.

    Args:
        name: Who is to take over.
        description: When to hand over to them; None says only that it does.

    Returns:
        The tool `handoff_to_<name>`, with `reason`, `context`, `instructions` and `priority`.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: The name cannot be used.
    """
    from langchain_core.tools import StructuredTool

    if not (description is None or isinstance(description, str)):
        raise TypeError(f"`description` of `handoff_tool` is a str or None, not {description!r}")

    def requested(**_: Any) -> str:
        return REQUESTED

    async def requested_async(**_: Any) -> str:
        return REQUESTED

    return StructuredTool.from_function(
        requested,
        requested_async,
        name=handoff_tool_name(name),
        description=description or f"Hand the conversation over to `{name}`.",
        args_schema=HandoffArguments,
        return_direct=True,
        metadata={_MARK: name},
    )


def handoff_tool_name(target: str) -> str:
    """Name of the tool that hands over to `target`.

    Raises:
        ConfigurationError: Chat APIs would not accept it.
    """
    name = f"{_PREFIX}{usable_name(target)}"
    if len(name) > _LONGEST_TOOL_NAME:
        raise ConfigurationError(
            f"`{target}` cannot be handed over to: chat APIs accept tool names of "
            f"{_LONGEST_TOOL_NAME} characters, and `{name}` has {len(name)}; shorten the name to "
            f"{_LONGEST_TOOL_NAME - len(_PREFIX)} characters"
        )
    return name


def is_handoff_tool(tool: Any) -> bool:
    """Whether a tool was made by `handoff_tool`."""
    return _MARK in (getattr(tool, "metadata", None) or {})


def is_handoff_tool_name(name: str | None) -> bool:
    """Whether a tool of this name hands over."""
    return name is not None and name.startswith(_PREFIX)


def hands_over(message: "AnyMessage", besides: Iterable[str] = ()) -> bool:
    """Whether a message calls for a handoff.

    Args:
        message: Any message.
        besides: Names of tools that are the agent's own, whatever they are called.
    """
    calls = message.tool_calls if message.type == "ai" else ()
    return any(is_handoff_tool_name(c["name"]) and c["name"] not in besides for c in calls)


def is_handoff_result(message: "AnyMessage") -> bool:
    """Whether a message is what a handoff was answered with."""
    return message.type == "tool" and is_handoff_tool_name(message.name)


def target_of(tool_name: str) -> str:
    """Who a tool hands over to."""
    return tool_name.removeprefix(_PREFIX)


def handoff_from(call: "ToolCall", source: str) -> Handoff:
    """What a call asks for; what a model got wrong in its arguments is left out.

    Args:
        call: The call.
        source: Who hands over.
    """
    arguments: Mapping[str, Any] = call["args"] if isinstance(call["args"], Mapping) else {}
    said: dict[str, Any] = {
        key: str(arguments[key])
        for key in ("reason", "context", "instructions")
        if arguments.get(key) is not None
    }
    priority = arguments.get("priority")
    if priority in get_args(Priority):
        said["priority"] = priority
    return Handoff.model_validate({**said, "source": source, "target": target_of(call["name"])})
