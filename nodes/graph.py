"""Compiled graphs as participants: teams of ours, agents built elsewhere, remote graphs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langgraph_orchestra.nodes.agent import reply_of_agent_graph
from langgraph_orchestra.nodes.driver import Execution, Steps, invoke
from langgraph_orchestra.nodes.handoff.desk import Desk
from langgraph_orchestra.nodes.participant import (
    Participant,
    Reply,
    Scene,
    answer_from,
    answer_text,
)
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.nodes.prompt import addressed_to
from langgraph_orchestra.nodes.shared import given, state_changes
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import Handoff, Stop, Turn, append_messages
from langgraph_orchestra.state.context import Setting

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["GraphParticipant", "TeamFailed"]


class TeamFailed(Exception):  # noqa: N818 - named for what the trail shows
    """A nested team ended without an answer."""

    def __init__(self, team: str, stop: Stop) -> None:
        super().__init__(f"team `{team}` ended `{stop.reason}`: {stop.detail or 'no answer'}")
        self.stop = stop


class GraphParticipant(Participant):
    """A compiled graph: it answers with its result, and its interrupts surface on the outer run."""

    def __init__(
        self, graph: Runnable[Any, Any], name: str, policy: Policy | None = None, **options: Any
    ) -> None:
        channels = getattr(graph, "channels", {})
        self.is_team = {"messages", "trail", "run_info"} <= set(channels)
        if self.is_team and policy is None:
            policy = Policy(retry=None)  # its members have retries of their own
        super().__init__(name, policy=policy, **options)
        self.graph = graph
        self._inputs = _input_keys(graph)

    @property
    def inner(self) -> Sequence[Runnable[Any, Any]]:
        """The graph."""
        return (self.graph,)

    @property
    def outputs(self) -> Sequence[type[BaseModel]]:
        """Typed answers the members of a team may give."""
        return tuple(getattr(getattr(self.graph, "builder", None), "outputs", ()))

    @property
    def threads(self) -> int:
        """What the graph itself needs."""
        bound: int | None = (getattr(self.graph, "config", None) or {}).get("max_concurrency")
        own: int = getattr(getattr(self.graph, "builder", None), "threads", 1)
        return bound or own

    @property
    def settings(self) -> Sequence[Setting]:
        """What may be set for the members of a team."""
        inside: Sequence[Setting] = getattr(getattr(self.graph, "builder", None), "settings", ())
        return tuple(setting.inside(self.name) for setting in inside)

    @property
    def takes_model_of_run(self) -> bool:
        """Whether the run names the model of a team's member."""
        builder = getattr(self.graph, "builder", None)
        return bool(getattr(builder, "takes_model_of_run", False))

    def check(self, execution: Execution) -> "Sequence[BaseChatModel]":
        """Find the models of a team's members."""
        models_of_team = getattr(getattr(self.graph, "builder", None), "models", None)
        return models_of_team(execution) if self.is_team and models_of_team else ()

    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Run the graph on what it reads and the custom keys both know."""
        messages = yield from self.reads(work, scene)
        if not self.is_team:
            messages = addressed_to(self.name, messages)

        def run(read: Sequence[AnyMessage], changes: Mapping[str, Any]) -> Steps[Any]:
            state = {**work.view.state, **changes}
            argument = given(state, self._shared(scene), self.graph)
            if self._inputs is None or "messages" in self._inputs:
                argument["messages"] = list(read)
            within = work.execution.within(work.name)
            config = work.metered(within, read, is_team=self.is_team)
            result = yield invoke(self.graph, argument, config)
            if not isinstance(result, Mapping):
                return {"output": result}
            said = append_messages([], [result.get("messages") or []])
            return {**result, "messages": said} if "messages" in result else result

        result = yield from run(messages, {})
        if result.get("stop") is None and result.get("output") is None:
            reply = yield from reply_of_agent_graph(self.name, result, run, messages, work, scene)
        else:
            reply = yield from self._reply(result, work, scene)
        if not work.stopped or (self.is_team and reply.output not in ("", None)):
            return reply
        if not reply.inside:
            raise BudgetSpent(work.stopped, work)
        return reply._replace(messages=())  # it has no answer, but its members stand in the trail

    def _reply(self, result: Mapping[str, Any], work: Work, scene: Scene) -> Steps[Reply]:
        said = result.get("messages") or ()
        stop = Stop.model_validate(result["stop"]) if result.get("stop") else None
        if stop and stop.reason in ("failed", "no_bids", "rejected"):
            raise TeamFailed(self.name, stop)
        output = result.get("output", "")
        changes = state_changes(work.view.state, result, scene)
        inside = self._new_turns(result, work)
        if stop is None or stop.reason != "handed_off" or scene.handoffs is None:
            return Reply([self._answer(said, output)], output, changes, inside)
        # The team's handoff outwards is this participant's: it cannot be asked again.
        handoffs = [Handoff.model_validate(handoff) for handoff in result.get("handoffs") or ()]
        desk = Desk(self.name, work.view, scene.handoffs)
        yield from desk.ask(next(h for h in reversed(handoffs) if h.outcome == "accepted"))
        desk.give_up()
        messages = [self._answer(said, output)] if output != "" else []
        return desk.reply(messages, output, changes, inside)

    def _new_turns(self, result: Mapping[str, Any], work: Work) -> Sequence[Turn]:
        """The trail's entries of this turn; a graph with a memory of its own returns older ones."""
        known = {(turn.path, turn.started_at) for turn in work.view.state.get("trail") or ()}
        turns = [Turn.model_validate(turn) for turn in result.get("trail") or ()]
        return [turn for turn in turns if (turn.path, turn.started_at) not in known]

    def _answer(self, said: Sequence[Any], output: Any) -> AIMessage:
        """The team's one message, under the id of its member's: a stream shows it once."""
        text = answer_text(output)
        for message in reversed(said):
            if isinstance(message, AIMessage) and message.text == text:
                return AIMessage(message.content, name=self.name, id=message.id)
        return answer_from(self.name, output)

    def _shared(self, scene: Scene) -> frozenset[str]:
        return scene.shared_keys if self._inputs is None else scene.shared_keys & self._inputs


def _input_keys(graph: Runnable[Any, Any]) -> frozenset[str] | None:
    """Keys of a compiled graph's input; None where they cannot be known, as of a remote one."""
    builder = getattr(graph, "builder", None)
    schemas = getattr(builder, "schemas", None)
    if builder is None or schemas is None:
        return None
    return frozenset(schemas[builder.input_schema])
