"""A person approves tool calls: asked in the shape of all requests, answered in any known form.

LangChain's middleware for it saves an answer before it looks at it, and a thread with a wrong one
can never go on. Here it is checked first, as everywhere else: one that cannot be used is refused,
and can be given again.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NotRequired, get_args

from langchain.agents.middleware import AgentMiddleware, AgentState, ToolCallRequest
from langchain.agents.middleware.types import OmitFromSchema
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.runtime import Runtime
from pydantic import model_validator

from langgraph_orchestra.nodes.answers import (
    Answer,
    Decision,
    DecisionType,
    answered,
    decision_in_words,
)

__all__ = ["ToolApproval"]


class ToolAnswers(Answer):
    """What a person answers: a decision on each call, in their order; for one, it may come alone.

    An edit holds the tool's new arguments.
    """

    decisions: list[Decision]

    tools: ClassVar[Sequence[str]] = ()
    """Names of the tools that are called."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        given = raw["decisions"] if isinstance(raw, Mapping) and "decisions" in raw else raw
        each = given if isinstance(given, list | tuple) else [given]
        if len(each) != len(cls.tools):
            raise ValueError(
                f"{len(cls.tools)} tool calls wait for a decision, {len(each)} were given; answer "
                f"as [{{'type': 'approve'}}, {{'type': 'reject', 'message': '...'}}]"
            )
        return {"decisions": [cls._on(*one) for one in zip(cls.tools, each, strict=True)]}

    @classmethod
    def _on(cls, tool: str, raw: Any) -> dict[str, Any]:
        """The decision on a call of one tool."""
        decision = cls._decision(raw)
        if decision is None:
            raise ValueError(f"the answer is blank; {cls._wanted()}")
        if decision["type"] == "edit" and decision["edited_action"].get("name", tool) != tool:
            raise ValueError(f"an `edit` changes the arguments of `{tool}`, not the tool")
        return decision

    @classmethod
    def _decision(cls, raw: Any) -> dict[str, Any] | None:
        if not isinstance(raw, str):
            return super()._decision(raw)
        if raw.strip().casefold() == "edit":
            raise ValueError(_NO_ARGUMENTS)
        # Other words are why a call is rejected: they would pass for what the tool has returned.
        return decision_in_words(raw, ("approve", "reject"))

    @classmethod
    def _from_mapping(cls, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        if raw.get("type") != "edit":
            return super()._from_mapping(raw)
        edited = raw.get("edited_action") or _in_inbox(raw.get("args"))
        is_action = isinstance(edited, Mapping) and isinstance(edited.get("args"), Mapping)
        if not is_action:
            raise ValueError(_NO_ARGUMENTS)
        return {"type": "edit", "edited_action": dict(edited)}


_NO_ARGUMENTS = "an `edit` needs the tool's new arguments, as `args: {...}`"


def _in_inbox(args: Any) -> Any:
    """An edited action: Agent Inbox tells the tool beside its arguments, others these alone."""
    if isinstance(args, Mapping) and args.keys() == {"action", "args"}:
        return {"name": args["action"], "args": args["args"]}
    return {"args": args}


class _Edits(AgentState[Any]):
    edited_calls: NotRequired[
        Annotated[dict[str, dict[str, Any]], OmitFromSchema(input=True, output=True)]
    ]
    """Arguments that a person has given, by the id of the call."""


class ToolApproval(AgentMiddleware[Any, Any, Any]):
    """Lets a person decide on an agent's calls of some tools before they run.

    The model's message stays as it is. A call that was not approved has its result at once, and
    one that was edited runs with the person's arguments, of which its result tells the model.

    Args:
        agent: Name of the agent.
        tools: Names of the tools.
    """

    state_schema = _Edits

    def __init__(self, agent: str, tools: Sequence[str]) -> None:
        super().__init__()
        self._agent = agent
        self._gated = frozenset(tools)

    def after_model(
        self,
        state: AgentState[Any],
        runtime: Runtime[Any],  # noqa: ARG002 - LangChain's signature
    ) -> dict[str, Any]:
        """Ask for a decision on each call that waits for one, and note what was decided."""
        said = next((m for m in reversed(state["messages"]) if isinstance(m, AIMessage)), None)
        calls = [call for call in (said.tool_calls if said else ()) if call["name"] in self._gated]
        if not calls:  # edits of a former step must not meet a call that has the same id
            return {"edited_calls": {}}
        decided = list(zip(calls, self._asked(calls), strict=True))
        results = [_result(call, on) for call, on in decided if on.type in ("reject", "respond")]
        edited = {call["id"]: on.edited_action["args"] for call, on in decided if on.edited_action}
        return {"messages": results, "edited_calls": edited}

    async def aafter_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any]:
        """Do what `after_model` does."""
        return self.after_model(state, runtime)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]
    ) -> Any:
        """Run a call as it was decided."""
        edited = _edited(request)
        if edited is None:
            return handler(request)
        return _noted(handler(_with(request, edited)), edited)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> Any:
        """Run a call as it was decided."""
        edited = _edited(request)
        if edited is None:
            return await handler(request)
        return _noted(await handler(_with(request, edited)), edited)

    def _asked(self, calls: Sequence[ToolCall]) -> Sequence[Decision]:
        """What a person has decided on each."""
        names = tuple(call["name"] for call in calls)
        request = {
            "action_requests": [
                {
                    "name": call["name"],
                    "args": call["args"],
                    "description": f"May {self._agent} call `{call['name']}`?\n\n"
                    f"{_shown(call['args'])}",
                }
                for call in calls
            ],
            "review_configs": [
                {"action_name": name, "allowed_decisions": [*get_args(DecisionType)]}
                for name in names
            ],
        }
        answers: type[ToolAnswers] = type(
            "ToolAnswers",
            (ToolAnswers,),
            {"__module__": __name__, "__doc__": ToolAnswers.__doc__, "tools": names},
        )
        return answered(request, answers, self._agent).decisions


def _result(call: ToolCall, decision: Decision) -> ToolMessage:
    """What the model reads of a call that does not run."""
    is_answer, words = decision.type == "respond", decision.message
    if not is_answer:
        words = f"A person has rejected this call of `{call['name']}`" + (
            f", with the reason: {words}" if words else ", without a reason. Do not repeat it."
        )
    return ToolMessage(
        words,
        name=call["name"],
        tool_call_id=call["id"],
        status="success" if is_answer else "error",
    )


def _edited(request: ToolCallRequest) -> dict[str, Any] | None:
    """The arguments that a person has given in place of the model's."""
    edits: Mapping[str | None, dict[str, Any]] = request.state.get("edited_calls") or {}
    return edits.get(request.tool_call["id"])


def _with(request: ToolCallRequest, args: dict[str, Any]) -> ToolCallRequest:
    return request.override(tool_call={**request.tool_call, "args": args})


def _noted(result: Any, args: Mapping[str, Any]) -> Any:
    """A result that begins with what has run: in the model's message stands another call."""
    if not isinstance(result, ToolMessage):
        return result
    note = f"A person has changed this call before it ran, to {_shown(args)}. Do not repeat yours."
    content: Any = (
        f"{note}\n\n{result.content}"
        if isinstance(result.content, str)
        else [{"type": "text", "text": note}, *result.content]
    )
    return result.model_copy(update={"content": content})


def _shown(args: Mapping[str, Any]) -> str:
    return json.dumps(args, ensure_ascii=False, default=str)
