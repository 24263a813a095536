"""What an agent's inner graph does at a handoff: it ends, once the other tools have run.

Whether the handoff is taken, the turn decides. If it is not, the graph runs again on its messages,
with the reason in the place of the tool's result.

Loaded by `agent_graph.py` alone, as it needs `langchain.agents`.
"""

from collections.abc import Awaitable, Callable, Set
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ToolCallRequest, hook_config
from langchain_core.messages import AnyMessage, ToolMessage
from langgraph.errors import GraphBubbleUp, is_invalid_resume
from langgraph.types import Command

from langgraph_orchestra.nodes.handoff.tool import REQUESTED, hands_over, is_handoff_tool_name

__all__ = ["EndsWithHandoff"]

Result = ToolMessage | Command[Any]


class EndsWithHandoff(AgentMiddleware[Any, Any, Any]):
    """Ends the agent's loop after an answer that hands over.

    A tool that fails beside a handoff does not fail the agent: its error is its result.

    Args:
        own_tools: Names of tools that hand nothing over, whatever they are called.
    """

    def __init__(self, own_tools: Set[str]) -> None:
        super().__init__()
        self._own = own_tools

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]
    ) -> Result:
        """Answer a handoff for the time being; run any other tool."""
        if self._is_handoff(request):
            return _result(request, REQUESTED)
        try:
            return handler(request)
        except GraphBubbleUp:
            raise
        except Exception as error:
            if is_invalid_resume(error) or not self._stands_beside_handoff(request):
                raise
            return _error(request, error)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        """Answer a handoff for the time being; run any other tool."""
        if self._is_handoff(request):
            return _result(request, REQUESTED)
        try:
            return await handler(request)
        except GraphBubbleUp:
            raise
        except Exception as error:
            if is_invalid_resume(error) or not self._stands_beside_handoff(request):
                raise
            return _error(request, error)

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """End if a handoff is waiting for its decision."""
        return {"jump_to": "end"} if _awaits_decision(state["messages"]) else None

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """End if a handoff is waiting for its decision."""
        return self.before_model(state, runtime)

    def _is_handoff(self, request: ToolCallRequest) -> bool:
        name = request.tool_call["name"]
        return is_handoff_tool_name(name) and name not in self._own

    def _stands_beside_handoff(self, request: ToolCallRequest) -> bool:
        answers = [m for m in request.state["messages"] if m.type == "ai"]
        return bool(answers) and hands_over(answers[-1], self._own)


def _awaits_decision(messages: list[AnyMessage]) -> bool:
    """Whether the latest results hold a handoff that nobody has decided on yet."""
    for message in reversed(messages):
        if message.type != "tool":
            return False
        if message.text == REQUESTED and is_handoff_tool_name(message.name):
            return True
    return False


def _result(request: ToolCallRequest, text: str, **options: Any) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"], **options)


def _error(request: ToolCallRequest, error: Exception) -> ToolMessage:
    return _result(request, f"{type(error).__name__}: {error}", status="error")
