"""`Agent`: a model with a prompt, and with tools, middleware or a typed answer if it has any."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AnyMessage, SystemMessage, ToolMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langgraph_orchestra.models import is_chat_model
from langgraph_orchestra.nodes.called import entries_in, without_entries
from langgraph_orchestra.nodes.checks import usable_name
from langgraph_orchestra.nodes.decision import decide
from langgraph_orchestra.nodes.driver import Execution, Steps, invoke
from langgraph_orchestra.nodes.handoff.desk import Desk
from langgraph_orchestra.nodes.handoff.turn import (
    RunGraph,
    answer_or_hand_over,
    run_until_decided,
)
from langgraph_orchestra.nodes.history import History, Summarised, whole
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
from langgraph_orchestra.nodes.view import is_answer, text_of
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import ConfigurationError, Turn
from langgraph_orchestra.state.context import Setting, prompt_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["Agent", "AgentParticipant"]


_A_FEW = 6  # messages
_PROMPTS_AT_ONCE = 16  # that callers have set for their runs; a graph is kept for each of them


@dataclass(frozen=True)
class Agent:
    """A participant that a model speaks for.

    Without tools and middleware the model is called directly; with them, an inner
    `langchain.agents.create_agent` graph does the work.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: The name cannot be used, two tools have the same one, or an approval
            names a tool there is none of.
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
        if not isinstance(self.state_schema, type | None):
            raise TypeError(
                f"`state_schema` of agent `{self.name}` is a class or None, not "
                f"{self.state_schema!r}"
            )
        for attribute in ("tools", "middleware", "approve_tools"):
            several = getattr(self, attribute)
            if isinstance(several, str) or not isinstance(several, Sequence | Set):
                raise TypeError(f"`{attribute}` of agent `{self.name}` is a list, not {several!r}")
        tools = [tool_name(tool) for tool in self.tools]
        if twice := [name for name in tools if tools.count(name) > 1]:
            raise ConfigurationError(
                f"agent `{self.name}` has {tools.count(twice[0])} tools named `{twice[0]}`; models "
                f"tell tools apart by their names: rename one"
            )
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
        self._handoffs = scene.handoffs.tools_for(self.name, agent.tools) if scene.handoffs else ()
        self._bound: tuple[BaseChatModel, Runnable[Any, Any]] | None = None
        if agent.tools or agent.middleware or (agent.output and self._handoffs):
            from langgraph_orchestra.nodes.agent_graph import build_agent_graph

            name = self.name

            def build(prompt: str) -> "CompiledStateGraph[Any, Any, Any, Any]":
                return build_agent_graph(name, replace(agent, prompt=prompt), self.model, scene)

            self.graph = build(agent.prompt)
            self._told_otherwise = lru_cache(_PROMPTS_AT_ONCE)(build)

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

    @property
    def settings(self) -> Sequence[Setting]:
        """Its prompt."""
        about = f"System prompt of `{self.name}`."
        return (Setting(prompt_of(self.name), self.agent.prompt, about, (self.name,)),)

    @property
    def takes_model_of_run(self) -> bool:
        """Whether it has no model of its own."""
        return self.model.is_of_the_run

    def check(self, execution: Execution) -> "Sequence[BaseChatModel]":
        """Find the model, and the one that summarises what it reads.

        Raises:
            ConfigurationError: There is none, or it can call no tools and is to hand over.
        """
        history, found = self.history or self._default_history, self.model.check(execution)
        if self._handoffs and self.graph is None:
            self._able_to_hand_over(self.model.resolve(execution))
        if isinstance(history, Summarised):
            found = [*found, *history.model.check(execution)]
        called = (getattr(tool, "participant", None) for tool in self.agent.tools)
        for one in called:
            found = [*found, *(one.check(execution) if isinstance(one, Participant) else ())]
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
        messages = [*self._told(work.execution), *prompt]
        if self.agent.output:
            answer = yield from decide(work, self.model, self.agent.output, messages)
            return Reply([answer_from(self.name, answer)], answer)
        model = self.model.resolve(work.execution)
        if self._handoffs and scene.handoffs:
            bound = self._able_to_hand_over(model)
            return (
                yield from answer_or_hand_over(self.name, bound, messages, work, scene.handoffs)
            )
        said = yield from work.ask(model, messages)
        return Reply([said_by(self.name, said)], text_of(said))

    def prompt_in(self, execution: Execution) -> str:
        """Its prompt in this run."""
        return execution.setting(prompt_of(self.name), self.agent.prompt)

    def _told(self, execution: Execution) -> Sequence[SystemMessage]:
        """The message that tells it."""
        prompt = self.prompt_in(execution)
        if prompt == self.agent.prompt:
            return self._system
        return [SystemMessage(prompt)] if prompt else []

    def _run_graph(self, work: Work, prompt: Sequence[AnyMessage], scene: Scene) -> Steps[Reply]:
        graph, prompt_now = self.graph, self.prompt_in(work.execution)
        assert graph is not None  # noqa: S101 - for the type checker
        if prompt_now != self.agent.prompt:
            graph = self._told_otherwise(prompt_now)

        def run(messages: Sequence[AnyMessage], changes: Mapping[str, Any]) -> Steps[Any]:
            state = {**work.view.state, **changes}
            shared = given(state, scene.shared_keys, graph)
            config = work.metered(work.execution.within(work.name), messages)
            result = yield invoke(graph, {**shared, "messages": list(messages)}, config)
            if work.stopped:  # a middleware has swallowed the limit
                raise BudgetSpent(work.stopped, work)
            return result

        result = yield from run(prompt, {})
        if self.agent.output and scene.handoffs is None:
            result = yield from self._typed(result, self.agent.output, work)
        return (yield from reply_of_agent_graph(self.name, result, run, prompt, work, scene))

    def _typed(
        self, result: Mapping[str, Any], kind: type[BaseModel], work: Work
    ) -> Steps[Mapping[str, Any]]:
        """The result with a typed answer, also where the model has ended with a text instead.

        Args:
            result: The inner graph's output.
            kind: Type of the answer.
            work: The turn in progress.
        """
        if result.get("structured_response") is not None:
            return result
        messages, said = list(result["messages"]), None
        if isinstance(messages[-1], AIMessage) and is_answer(messages[-1]):
            said = messages.pop()
            work.count(said)
        prompt = [*self._told(work.execution), *messages]
        answer = yield from decide(work, self.model, kind, prompt, given=said)
        return {**result, "messages": messages, "structured_response": answer}

    def _able_to_hand_over(self, model: "BaseChatModel") -> Runnable[Any, Any]:
        """The model with the handoff tools; bound once, as long as it stays the same.

        Raises:
            ConfigurationError: It can call no tools.
        """
        if self._bound is None or self._bound[0] is not model:
            try:
                self._bound = model, model.bind_tools(self._handoffs)
            except NotImplementedError as error:
                raise ConfigurationError(
                    f"`{self.name}` cannot hand over: its model, a {type(model).__name__}, cannot "
                    f"call tools; give it another `model`, or no way out in `routes`"
                ) from error
        return self._bound[1]


def reply_of_agent_graph(
    name: str,
    result: Mapping[str, Any],
    run: RunGraph,
    prompt: Sequence[AnyMessage],
    work: Work,
    scene: Scene,
) -> Steps[Reply]:
    """What a graph of the `create_agent` kind has brought, once it has answered or handed over.

    Args:
        name: Name of the participant.
        result: The graph's output.
        run: Runs the graph again.
        prompt: The messages it is given.
        work: The turn in progress; model calls from before an interrupt are counted now.
        scene: The graph it takes part in.
    """
    if scene.handoffs is None:
        return _answered(name, result, prompt, work, scene)
    desk = Desk(name, work.view, scene.handoffs)
    known = _known_ids(prompt, work)
    result = yield from run_until_decided(desk, result, run, known, scene.shared_keys)
    if not desk.is_done:
        reply = _answered(name, result, prompt, work, scene)
        return reply._replace(handoffs=tuple(desk.records))
    new = _new_messages(name, result, prompt, work)
    said = whole([without_entries(message) for message in new])
    spoken = [message.text for message in said if message.type == "ai"]
    changes = state_changes(work.view.state, result, scene)
    reply = desk.reply(said, spoken[-1] if spoken else "", changes)
    return reply._replace(called=_entries_of_called(new, work))


def _answered(
    name: str,
    result: Mapping[str, Any],
    prompt: Sequence[AnyMessage],
    work: Work,
    scene: Scene,
) -> Reply:
    new = _new_messages(name, result, prompt, work)
    output = result.get("structured_response")
    if output is None:
        output = new[-1].text if new else ""
    said = [without_entries(message) for message in new]
    messages = with_answer(name, said, output) if new or output != "" else ()
    changes = state_changes(work.view.state, result, scene)
    return Reply(messages, output, changes, called=_entries_of_called(new, work))


def _new_messages(
    name: str, result: Mapping[str, Any], prompt: Sequence[AnyMessage], work: Work
) -> list[AnyMessage]:
    """What the agent and its tools have said; calls of its model are counted."""
    known = _known_ids(prompt, work)
    new: list[AnyMessage] = [
        said_by(name, message) if isinstance(message, AIMessage) else message
        for message in result.get("messages", ())
        if isinstance(message, AIMessage | ToolMessage) and message.id not in known
    ]
    for message in new:
        work.count(message)
    return new


def _entries_of_called(new: Sequence[AnyMessage], work: Work) -> Sequence[Turn]:
    """The trail's entries of the tools, each once: a team with a memory brings older ones, too."""
    known = {(turn.path, turn.started_at) for turn in work.view.state.get("trail") or ()}
    told = {(turn.path, turn.started_at): turn for turn in entries_in(new)}
    return [turn for key, turn in told.items() if key not in known]


def _known_ids(prompt: Sequence[AnyMessage], work: Work) -> Set[str]:
    return {message.id for message in (*prompt, *work.view.messages) if message.id}


def tool_name(tool: Any) -> str:
    """Name of a tool, whichever way it was given."""
    if isinstance(tool, Mapping):
        return str(tool.get("name") or tool.get("function", {}).get("name", ""))
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", ""))
