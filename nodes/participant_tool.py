"""`as_tool`: any participant as a tool of an agent, a graph of its own that is run for one task.

What the participant leaves in the trail travels with the tool's result, as its artifact: so it is
saved with the calling agent's own steps, and is there when the agent goes on in another process.

Loading LangGraph's tools takes longer than most of ours, so this module is imported only when an
agent has such a tool.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, get_type_hints

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, set_config_context
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolRuntime
from langgraph.types import Command
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from langgraph_orchestra.nodes.agent import AgentParticipant
from langgraph_orchestra.nodes.called import as_artifact
from langgraph_orchestra.nodes.checks import usable_name
from langgraph_orchestra.nodes.driver import Execution, Node, Steps, unsaved
from langgraph_orchestra.nodes.history import task_only
from langgraph_orchestra.nodes.human import HumanParticipant
from langgraph_orchestra.nodes.member import Member, ParticipantLike, as_participant
from langgraph_orchestra.nodes.participant import (
    Participant,
    Scene,
    answer_text,
    refuse_when,
    speakers,
)
from langgraph_orchestra.nodes.policy import retry_policy_of
from langgraph_orchestra.nodes.shared import given, state_changes
from langgraph_orchestra.nodes.turn import take_turn
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import aside
from langgraph_orchestra.state import (
    ConfigurationError,
    OrchestrationContext,
    OrchestrationState,
    RunInfo,
    Stop,
)

__all__ = ["ParticipantTool", "as_tool"]


class Task(BaseModel):
    """A task to be done."""

    task: str = Field(description="What is to be done, complete in itself.")

    @field_validator("task")
    @classmethod
    def _says_something(cls, task: str) -> str:
        if not task.strip():
            raise ValueError("the task is blank; say what is to be done")
        return task


@dataclass(frozen=True)
class Seat:
    """Where a participant does what it is asked for: a graph of its own, in an agent's turn."""

    participant: Participant
    """Who is asked."""

    scene: Scene
    """What it knows of the graph that the agent takes part in."""

    graph: CompiledStateGraph[Any, Any, Any, Any]
    """The participant's graph; LangGraph makes its retries, and saves how far it is."""

    @classmethod
    def of(cls, member: Member, scene: Scene) -> "Seat":
        """A seat for a participant.

        Raises:
            TypeError: It is nothing that can take part.
            ConfigurationError: It lacks a name, or can take no part here.
        """
        participant = as_participant(member, scene)
        usable_name(participant.name)
        refuse_when([participant], "a tool is called when its agent calls it")
        if isinstance(participant, HumanParticipant) and participant.reviews:
            raise ConfigurationError(
                f'`{participant.name}` has `role="review"`, and a tool has no draft to review; '
                f"leave the role out"
            )
        graph: StateGraph[Any, Any, Any, Any] = StateGraph(
            _state_with(scene), context_schema=OrchestrationContext
        )
        steps = partial(_turn, participant, scene)
        graph.add_node(
            participant.name,
            Node(participant.name, steps, participant.inner),
            retry_policy=retry_policy_of(participant.policy),
        )
        graph.add_edge(START, participant.name)
        graph.add_edge(participant.name, END)
        saves = None if may_interrupt(participant) else False
        return cls(participant, scene, graph.compile(saves, name=participant.name))

    # LangChain puts in what it knows of the call; called by hand, a tool knows nothing of that.
    def call(self, task: str, runtime: ToolRuntime = None) -> Any:  # type: ignore[assignment]
        """Have the task done."""
        argument, config = self._asked(task, runtime)
        # LangGraph adds the callbacks of the context to those it is given; here, some are left out.
        with set_config_context(config) as context:
            result = context.run(self.graph.invoke, argument, config)
        return self._answered(result, runtime)

    async def acall(self, task: str, runtime: ToolRuntime = None) -> Any:  # type: ignore[assignment]
        """Have the task done, in an event loop."""
        argument, config = self._asked(task, runtime)
        with set_config_context(config) as context:
            asked = self.graph.ainvoke(argument, config)
            result = await asyncio.create_task(asked, context=context)
        return self._answered(result, runtime)

    def _asked(
        self, task: str, runtime: ToolRuntime | None
    ) -> tuple[Mapping[str, Any], RunnableConfig]:
        shared = given(_state_of(runtime), self.scene.shared_keys, self.graph)
        argument = {**shared, "messages": [HumanMessage(task)]}
        config = aside(ensure_config(), runtime.tool_call_id if runtime else None)
        return argument, unsaved(config) if self.graph.checkpointer is False else config

    def _answered(self, result: Mapping[str, Any], runtime: ToolRuntime | None) -> Any:
        if "__interrupt__" in result:  # inside a run, it would have surfaced there
            raise ConfigurationError(
                f"`{self.participant.name}` waits for a person, whose answer only a run can take: "
                f"give the tool to an agent"
            )
        stop = result.get("stop")
        text = answer_text(result.get("output", ""))
        if stop and stop.reason == "failed":
            text = f"`{self.participant.name}` has failed: {stop.detail}"
        if runtime is None or runtime.tool_call_id is None:
            return text
        message = ToolMessage(
            text,
            artifact=as_artifact(result["trail"]),
            tool_call_id=runtime.tool_call_id,
            name=self.participant.name,
            status="error" if stop and stop.reason == "failed" else "success",
        )
        changes = state_changes(_state_of(runtime), result, self.scene)
        return Command(update={**changes, "messages": [message]}) if changes else message


class ParticipantTool(StructuredTool):
    """A participant as a tool."""

    member: Any = Field(exclude=True, repr=False)
    """What the user gave, as a `Member`."""

    seat: Any = Field(exclude=True, repr=False)
    """Where it does what it is asked for."""

    @classmethod
    def of(cls, member: Member, description: str, scene: Scene) -> "ParticipantTool":
        """The tool for a participant.

        Args:
            member: The participant.
            description: What the calling model is told; empty for the participant's own.
            scene: What it knows of the graph that the agent takes part in.
        """
        seat = Seat.of(member, scene)
        name = seat.participant.name
        return cls(
            name=name,
            description=description or seat.participant.description or f"Give `{name}` a task.",
            args_schema=Task,
            func=seat.call,
            coroutine=seat.acall,
            member=member,
            seat=seat,
        )

    @property
    def participant(self) -> Participant:
        """Who is asked."""
        return self.seat.participant  # type: ignore[no-any-return]

    def taking_part(self, scene: Scene) -> "ParticipantTool":
        """The same tool for an agent that takes part in a graph, whose custom keys it shares."""
        here = replace(alone(), shared_keys=scene.shared_keys, state_schema=scene.state_schema)
        return self.of(self.member, self.description, here)


def as_tool(
    participant: ParticipantLike, *, name: str | None = None, description: str | None = None
) -> BaseTool:
    """Make a LangChain tool of a participant; its one argument is `task`, a text.

    Use it where an agent itself is to decide when another is asked, and goes on with the answer. Do
    not use it to pass the whole conversation on (`create_handoff`), or where the order is known.

    In an `Agent` of a pattern, what the participant does stands in the trail under the agent's
    path (`agent/participant`), its interrupts surface on the outermost run, the run's limits hold
    inside, and it shares the pattern's custom keys. In an agent built elsewhere it only answers.

    If the participant fails, its exception goes through the calling agent, as with any other tool,
    and that agent's policy decides what becomes of it. With `Policy(on_failure="record")` of the
    participant, the agent is told of the failure instead, and goes on.

    Args:
        participant: An `Agent`, a person, a function, a compiled graph or pattern, or a `Member`
            with settings for one of these.
        name: The tool's name; None is the participant's.
        description: What the calling model is told of it; None is the participant's own.

    Raises:
        TypeError: It is nothing that can take part.
        ConfigurationError: The name cannot be used; or, when the tool is called by hand, somebody
            waits for a person.
    """
    if not isinstance(description, str | None):
        raise TypeError(f"`description` of a tool is a str or None, not {description!r}")
    member = participant if isinstance(participant, Member) else Member(participant)
    member = replace(member, name=member.name if name is None else name)
    return ParticipantTool.of(member, description or "", alone())


def alone() -> Scene:
    """What is known where an agent takes part in no pattern."""
    return Scene("tool", task_only())


def may_interrupt(participant: Participant) -> bool:
    """Whether it may wait for a person: then its steps are saved, and those of who calls it."""
    if participant.fallback and may_interrupt(participant.fallback):
        return True
    graph = participant.graph if isinstance(participant, AgentParticipant) else participant
    return graph is not None and getattr(graph, "checkpointer", None) is not False


def _turn(
    participant: Participant, scene: Scene, state: Mapping[str, Any], execution: Execution
) -> Steps[dict[str, Any]]:
    """The participant's one turn."""
    info = RunInfo(first_message=0, input_messages=len(state["messages"]), first_turn=0)
    view = View({**state, "run_info": info}, speakers([participant]), execution.prefix)
    taken = yield from take_turn(participant, view, execution, scene, step=1)
    scene.budget.invocations.forget(execution)
    stop = taken.stop
    if taken.failure and not stop:
        stop = Stop(reason="failed", detail=taken.trail[-1].detail)
    return {**taken.written(), "output": taken.reply.output, "stop": stop}


def _state_of(runtime: ToolRuntime | None) -> Mapping[str, Any]:
    state = runtime.state if runtime else None
    return state if isinstance(state, Mapping) else {}


def _state_with(scene: Scene) -> Any:
    """The state of a graph of ours, with the custom keys that are shared."""
    hints = get_type_hints(OrchestrationState, include_extras=True)
    if scene.state_schema is not None:
        own = get_type_hints(scene.state_schema, include_extras=True)
        hints |= {key: hint for key, hint in own.items() if key in scene.shared_keys}
    return TypedDict("ToolState", hints, total=False)  # type: ignore[operator]
