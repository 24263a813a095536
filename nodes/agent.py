"""`Agent`: a model with a prompt, and with tools, middleware or a typed answer if it has any."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AnyMessage, SystemMessage, ToolMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langgraph_orchestra.models import is_chat_model
from langgraph_orchestra.nodes.checks import usable_name
from langgraph_orchestra.nodes.decision import decide
from langgraph_orchestra.nodes.driver import Execution, Steps, invoke
from langgraph_orchestra.nodes.history import History, Summarised
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import (
    Participant,
    Reply,
    Scene,
    answer_from,
    said_by,
    with_answer,
)
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.nodes.prompt import Tools, addressed_to
from langgraph_orchestra.nodes.shared import given, state_changes
from langgraph_orchestra.nodes.view import text_of
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["Agent", "AgentParticipant"]


_A_FEW = 6  # messages


@dataclass(frozen=True)
class Agent:
    """A participant that a model speaks for.

    Without tools and middleware the model is called directly; with them, an inner
    `langchain.agents.create_agent` graph does the work.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: The name cannot be used, or an approval names a tool there is none of.
    """

    name: str
    """Unique in its graph; letters, digits, `_` and `-`."""

    prompt: str
    """The system prompt: who it is and what it does."""

    _: KW_ONLY

    model: "str | BaseChatModel | None" = None
    """A chat model or its name (`provider:name`); None takes the context's `model`, then the
    environment variable `ORCHESTRA_MODEL`."""

    description: str = ""
    """What it does, for those who choose between participants."""

    tools: Sequence[Any] = ()
    """Tools it may call: functions or LangChain tools."""

    output: type[BaseModel] | None = None
    """Type of its answer, kept typed in `output`; None answers in text."""

    middleware: Sequence[Any] = ()
    """LangChain agent middleware."""

    history: History | None = None
    """What it reads; None takes the graph's policy."""

    policy: Policy = field(default_factory=Policy)
    """What happens when it is slow or fails."""

    approve_tools: Sequence[str] = ()
    """Names of tools that a person must approve before they run."""

    state_schema: type[Any] | None = None
    """State of its inner graph; None knows the pattern's custom keys."""

    can_interrupt: bool | None = None
    """Whether its tools or middleware call `interrupt()`: then its inner steps are saved, so that
    an answer continues where it was asked. None looks for such calls in the tools' code."""

    def __post_init__(self) -> None:
        usable_name(self.name)
        for attribute, kind in (("prompt", str), ("description", str), ("policy", Policy)):
            if not isinstance(getattr(self, attribute), kind):
                raise TypeError(
                    f"`{attribute}` of agent `{self.name}` is a {kind.__name__}, not "
                    f"{getattr(self, attribute)!r}"
                )
        if self.model is not None and not (
            isinstance(self.model, str) or is_chat_model(self.model)
        ):
            raise TypeError(
                f"`model` of agent `{self.name}` is a chat model, its name, or None, not "
                f"{self.model!r}"
            )
        if self.output is not None and not (
            isinstance(self.output, type) and issubclass(self.output, BaseModel)
        ):
            raise TypeError(
                f"`output` of agent `{self.name}` is a pydantic model class, not {self.output!r}"
            )
        if self.history is not None and not callable(self.history):
            raise TypeError(
                f"`history` of agent `{self.name}` is a function of a `View`, not {self.history!r}"
            )
        for attribute in ("tools", "middleware", "approve_tools"):
            several = getattr(self, attribute)
            if isinstance(several, str) or not isinstance(several, Sequence | Set):
                raise TypeError(f"`{attribute}` of agent `{self.name}` is a list, not {several!r}")
        tools = [tool_name(tool) for tool in self.tools]
        if unknown := [name for name in self.approve_tools if name not in tools]:
            raise ConfigurationError(
                f"`approve_tools` of agent `{self.name}` names `{unknown[0]}`; its tools are "
                f"{', '.join(f'`{name}`' for name in tools) or 'none'}"
            )


class AgentParticipant(Participant):
    """An agent in its graph.

    Args:
        agent: What the user described.
        scene: The graph it takes part in.
    """

    def __init__(self, agent: Agent, scene: Scene, **options: Any) -> None:
        super().__init__(
            options.pop("name", None) or agent.name,
            description=options.pop("description", "") or agent.description,
            history=options.pop("history", None) or agent.history,
            policy=options.pop("policy", None) or agent.policy,
            **options,
        )
        self.agent = agent
        self.model = ModelSource(agent.model)
        self._default_history = scene.history
        self._system = [SystemMessage(agent.prompt)] if agent.prompt else []
        self.graph: CompiledStateGraph[Any, Any, Any, Any] | None = None
        if agent.tools or agent.middleware:
            from langgraph_orchestra.nodes.agent_graph import build_agent_graph

            self.graph = build_agent_graph(self.name, agent, self.model, scene)

    @property
    def inner(self) -> Sequence[Runnable[Any, Any]]:
        """The inner graph of an agent with tools, for drawings.

        LangGraph leaves graphs that save nothing out of its drawings, so it is shown one that may.
        """
        return (self.graph.copy({"checkpointer": None}),) if self.graph else ()

    @property
    def outputs(self) -> Sequence[type[BaseModel]]:
        """The type of its answer."""
        return (self.agent.output,) if self.agent.output else ()

    def check(self, execution: Execution) -> "Sequence[BaseChatModel]":
        """Find the model, and the one that summarises what it reads."""
        history, found = self.history or self._default_history, self.model.check(execution)
        if isinstance(history, Summarised):
            found = [*found, *history.model.check(execution)]
        return found

    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Ask the model, or run the inner graph."""
        tools: Tools = getattr(self.history or scene.history, "tools", "own")
        read = yield from self.reads(work, scene)
        # A graph gives the messages it is handed ids, and a few are as soon put into words anew.
        heard = scene.heard if self.graph is None and len(read) > _A_FEW else None
        prompt = addressed_to(self.name, read, tools=tools, heard=heard)
        if self.graph is not None:
            return (yield from self._run_graph(work, prompt, scene))
        model = self.model.resolve(work.execution)
        messages = [*self._system, *prompt]
        if self.agent.output:
            answer = yield from decide(work, model, self.agent.output, messages)
            return Reply([answer_from(self.name, answer)], answer)
        said = yield from work.ask(model, messages)
        return Reply([said_by(self.name, said)], text_of(said))

    def _run_graph(self, work: Work, prompt: Sequence[AnyMessage], scene: Scene) -> Steps[Reply]:
        assert self.graph is not None  # noqa: S101 - for the type checker
        shared = given(work.view.state, scene.shared_keys, self.graph)
        config = work.metered(work.execution.within(work.name), prompt)
        result = yield invoke(self.graph, {**shared, "messages": list(prompt)}, config)
        if work.stopped:  # a middleware has swallowed the limit
            raise BudgetSpent(work.stopped, work)
        return reply_of_agent_graph(self.name, result, prompt, work, scene)


def reply_of_agent_graph(
    name: str,
    result: Mapping[str, Any],
    prompt: Sequence[AnyMessage],
    work: Work,
    scene: Scene,
) -> Reply:
    """What a graph of the `create_agent` kind has brought.

    Args:
        name: Name of the participant.
        result: The graph's output.
        prompt: The messages it was given.
        work: The turn in progress; model calls from before an interrupt are counted now.
        scene: The graph it takes part in.
    """
    known = {message.id for message in (*prompt, *work.view.messages) if message.id}
    new = [
        said_by(name, message) if isinstance(message, AIMessage) else message
        for message in result.get("messages", ())
        if isinstance(message, AIMessage | ToolMessage) and message.id not in known
    ]
    for message in new:
        work.count(message)
    output = result.get("structured_response")
    if output is None:
        output = new[-1].text if new else ""
    messages = with_answer(name, new, output) if new or output != "" else ()
    return Reply(messages, output, state_changes(work.view.state, result, scene))


def tool_name(tool: Any) -> str:
    """Name of a tool, whichever way it was given."""
    if isinstance(tool, Mapping):
        return str(tool.get("name") or tool.get("function", {}).get("name", ""))
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", ""))
