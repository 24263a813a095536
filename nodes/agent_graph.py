"""The inner graph of an agent with tools or middleware.

Loading `langchain.agents` takes longer than everything else of ours together, so this module is
imported only when an agent needs it.
"""

import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from inspect import iscoroutinefunction
from types import CodeType, FunctionType, ModuleType
from typing import Any, get_type_hints

from langchain.agents import AgentState, create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    ModelRequest,
    ModelResponse,
)
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AnyMessage
from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.tools import tool as as_tool
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from langgraph_orchestra.models import is_chat_model, is_stand_in
from langgraph_orchestra.nodes.agent import Agent, tool_name
from langgraph_orchestra.nodes.decision import ATTEMPTS
from langgraph_orchestra.nodes.driver import Execution, run_to_end
from langgraph_orchestra.nodes.handoff.middleware import EndsWithHandoff
from langgraph_orchestra.nodes.handoff.tool import is_handoff_tool
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.nodes.participant_tool import ParticipantTool, may_interrupt
from langgraph_orchestra.nodes.tool_approval import ToolApproval
from langgraph_orchestra.state import ConfigurationError, DecisionError

__all__ = ["build_agent_graph"]


def build_agent_graph(
    name: str, agent: Agent, model: ModelSource, scene: Scene
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Build an agent's inner graph.

    Args:
        name: The participant's name, which LangSmith and Studio show.
        agent: What the user described.
        model: Finds the model when the run is known.
        scene: The graph it takes part in; its custom state keys are the inner graph's too.

    Raises:
        TypeError: Something that is no tool, or no middleware, was given as one.
        ConfigurationError: A tool does not say what it does.
    """
    for tool in agent.tools:
        _check_tool(name, tool)
    for one in agent.middleware:
        if not isinstance(one, AgentMiddleware):
            raise TypeError(
                f"`middleware` of agent `{name}` holds {one!r}; each is an instance of LangChain's "
                f"`AgentMiddleware`"
            )
    middleware = list(agent.middleware)
    if agent.approve_tools:
        middleware.append(ToolApproval(name, agent.approve_tools))
    concrete = is_chat_model(agent.model) and not is_stand_in(agent.model)
    if not concrete:
        middleware.append(ModelOfTheRun(model))
    if agent.output:
        middleware.insert(0, BoundedAttempts(agent.output.__name__))
    handoffs = _handoff_tools(name, agent, middleware, scene)
    if handoffs or any(is_handoff_tool(tool) for tool in agent.tools):
        own = {tool_name(tool) for tool in agent.tools if not is_handoff_tool(tool)}
        middleware.insert(0, EndsWithHandoff(own))
    build: Callable[..., Any] = create_agent  # its overloads split on our options
    agent_graph: CompiledStateGraph[Any, Any, Any, Any] = build(
        agent.model if concrete else FakeListChatModel(responses=["no model was resolved"]),
        [*(_seated(_for_sync_runs_too(tool), agent, scene) for tool in agent.tools), *handoffs],
        system_prompt=agent.prompt or None,
        middleware=middleware,
        response_format=agent.output,
        state_schema=agent.state_schema or _state_with(scene),
        name=name,
        checkpointer=None if _saves_its_steps(agent) else False,
    )
    return agent_graph


def _check_tool(name: str, tool: Any) -> None:
    """Refuse what cannot be a tool of agent `name`.

    Raises:
        TypeError: It is none.
        ConfigurationError: It is a function that does not say what it does.
    """
    if isinstance(tool, BaseTool | Mapping):
        return
    if not (callable(tool) and hasattr(tool, "__name__")):
        raise TypeError(
            f"`tools` of agent `{name}` holds {tool!r}; a tool is a function with a docstring, a "
            f"LangChain tool, a provider's own as a dict, or a participant as "
            f"`as_tool(participant)`"
        )
    if not tool.__doc__:
        raise ConfigurationError(
            f"tool `{tool.__name__}` of agent `{name}` has no docstring, from which models learn "
            f"what it does: write one"
        )


def _handoff_tools(
    name: str, agent: Agent, middleware: Sequence[Any], scene: Scene
) -> Sequence[BaseTool]:
    """The tools with which the agent hands over, if the pattern knows handoffs."""
    if scene.handoffs is None:
        return ()
    brought = [tool for one in middleware for tool in getattr(one, "tools", None) or ()]
    return scene.handoffs.tools_for(name, [*agent.tools, *brought])


def _for_sync_runs_too(given: Any) -> Any:
    """A tool that is async only, as one that sync runs can call; any other as it is."""
    made = as_tool(given) if iscoroutinefunction(given) else given
    if not isinstance(made, StructuredTool) or made.func or not made.coroutine:
        return given
    coroutine = made.coroutine

    @wraps(coroutine)  # LangChain looks at the signature for what it is to put in
    def to_end(*args: Any, **kwargs: Any) -> Any:
        return run_to_end(coroutine(*args, **kwargs))

    return made.model_copy(update={"func": to_end})


def _seated(tool: Any, agent: Agent, scene: Scene) -> Any:
    """A participant's tool, as one that shares the custom keys; any other as it is."""
    if not isinstance(tool, ParticipantTool):
        return tool
    if agent.state_schema is not None:
        own = get_type_hints(agent.state_schema)
        scene = replace(scene, shared_keys=scene.shared_keys & own.keys())
    return tool.taking_part(scene)


class ModelOfTheRun(AgentMiddleware[Any, Any, Any]):
    """Puts in the model that the run's context or the environment names."""

    def __init__(self, model: ModelSource) -> None:
        super().__init__()
        self._model = model

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the run's model."""
        return handler(request.override(model=self._model.resolve(Execution({}))))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the run's model."""
        return await handler(request.override(model=self._model.resolve(Execution({}))))


class BoundedAttempts(AgentMiddleware[Any, Any, Any]):
    """Ends an agent whose typed answer never fits: LangChain would ask for it without end.

    Args:
        kind: Name of the answer's type, and of the tool it is given with.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model, unless it has had all its attempts."""
        self._check(request.messages)
        return handler(request)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model, unless it has had all its attempts."""
        self._check(request.messages)
        return await handler(request)

    def _check(self, messages: Sequence[AnyMessage]) -> None:
        """Look at what follows the latest question: an answer in it is one that was refused."""
        attempts, reason = 0, ""
        for message in reversed(messages):
            if message.type == "human":
                return
            if message.type == "tool" and message.name == self._kind:
                reason = reason or message.text
            elif message.type == "ai" and self._kind in (c["name"] for c in message.tool_calls):
                attempts += 1
                if attempts == ATTEMPTS:
                    raise DecisionError(attempts, reason)


def _state_with(scene: Scene) -> type[Any] | None:
    """The agent's own state and the pattern's custom keys."""
    if not scene.shared_keys or scene.state_schema is None:
        return None
    hints = get_type_hints(scene.state_schema, include_extras=True)
    custom = {key: hint for key, hint in hints.items() if key in scene.shared_keys}
    base = get_type_hints(AgentState, include_extras=True)
    return TypedDict("AgentStateWithSharedKeys", {**base, **custom}, total=False)  # type: ignore[operator,no-any-return]


def _saves_its_steps(agent: Agent) -> bool:
    """Whether an interrupt may come up inside; then the inner steps must be there on resume."""
    if agent.can_interrupt is not None:
        return agent.can_interrupt
    middleware = (type(m) for m in agent.middleware)
    return (
        bool(agent.approve_tools)
        or any(
            may_interrupt(tool.participant)
            for tool in agent.tools
            if isinstance(tool, ParticipantTool)
        )
        or any(issubclass(kind, HumanInTheLoopMiddleware) for kind in middleware)
        or any(_calls_interrupt(f) for f in _functions_of(agent))
    )


def _functions_of(agent: Agent) -> Iterator[Any]:
    for tool in agent.tools:
        yield tool
        for attribute in ("func", "coroutine", "_run", "_arun"):
            yield getattr(tool, attribute, None)
    for middleware in agent.middleware:
        for attribute in dir(type(middleware)):
            if "wrap_" in attribute or "before_" in attribute or "after_" in attribute:
                yield getattr(middleware, attribute)


def _calls_interrupt(function: Any, depth: int = 3) -> bool:
    """Whether a function reaches LangGraph's `interrupt`, itself or through what it calls."""
    function = getattr(function, "__func__", function)
    if function is interrupt:
        return True
    if not isinstance(function, FunctionType) or depth == 0:
        return False
    return any(_calls_interrupt(reached, depth - 1) for reached in _reached_by(function))


def _reached_by(function: FunctionType) -> Iterable[Any]:
    """What a function names: globals, captured values, modules, and attributes of these."""
    names = set(_names_in(function.__code__))
    waiting = [function.__globals__[name] for name in names if name in function.__globals__]
    waiting += [sys.modules[name] for name in names if name in sys.modules]  # imported inside
    for cell in function.__closure__ or ():
        try:
            waiting.append(cell.cell_contents)
        except ValueError:  # captured, but not bound yet
            continue
    reached: dict[int, Any] = {}
    while waiting:
        one = waiting.pop()
        if isinstance(one, ModuleType) and id(one) not in reached:
            waiting += [vars(one)[name] for name in names if name in vars(one)]
        reached[id(one)] = one
    return reached.values()


def _names_in(code: CodeType) -> Sequence[str]:
    """Names a piece of code uses, and those of the functions defined in it."""
    nested = [c for c in code.co_consts if isinstance(c, CodeType)]
    return [*code.co_names, *(name for c in nested for name in _names_in(c))]
