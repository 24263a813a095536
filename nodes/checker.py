"""A checker: a participant whose turn is a verdict on the latest draft.

Anybody can be one. An agent is asked for a `Verdict`, a person for a decision on the draft; a
function, a graph or a Runnable answers with a verdict, a bool or a text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langgraph_orchestra.models import is_chat_model
from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.function import (
    FunctionParticipant,
    RunnableParticipant,
    reply_from,
)
from langgraph_orchestra.nodes.human import Draft, HumanParticipant
from langgraph_orchestra.nodes.member import Member, ParticipantLike
from langgraph_orchestra.nodes.participant import Participant, Reply, Scene, answer_text
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.nodes.verdict import told, unusable, verdict_from
from langgraph_orchestra.nodes.view import is_answer
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, Stop, Turn, Verdict
from langgraph_orchestra.state.context import Setting

__all__ = ["Check", "Checker", "asked_for_verdict"]


class Check(NamedTuple):
    """What a checker brings to a round."""

    name: str
    """Who has checked."""

    verdict: Verdict | None
    """What they said; None if they failed, were skipped, or a limit left them nothing."""

    decision: str = ""
    """What a person decided: `approve`, `edit` or `reject`."""

    messages: Sequence[AnyMessage] = ()
    """What is new for the thread: the feedback, after tool calls and their results."""

    trail: Sequence[Turn] = ()
    """Its entries in the trail."""

    rejected: Stop | None = None
    """Why the run ends, where a person has had enough of the drafts."""

    limit: Stop | None = None
    """The limit that stopped it."""

    @classmethod
    def of(cls, name: str, taken: Taken) -> "Check":
        """What a turn has brought."""
        reply = taken.reply
        verdict = None if taken.failure else reply.output
        return cls(
            name,
            verdict,
            reply.decision,
            list(reply.messages),
            list(taken.trail),
            reply.stop,
            taken.stop,
        )

    @classmethod
    def restored(cls, record: Mapping[str, Any], kind: type[Verdict]) -> "Check":
        """What was kept of it, as records again where a strict server gives plain data back."""
        check = cls(**record)
        return check._replace(
            verdict=check.verdict and kind.model_validate(check.verdict),
            trail=[Turn.model_validate(turn) for turn in check.trail],
            rejected=check.rejected and Stop.model_validate(check.rejected),
            limit=check.limit and Stop.model_validate(check.limit),
        )

    def approved_draft(self, draft: Any) -> Any:
        """The draft as they approve it: what a person has edited is approved as edited."""
        if self.decision != "edit":
            return draft
        text = self.messages[-1].text
        return type(draft).model_validate_json(text) if isinstance(draft, BaseModel) else text


class Checker(Participant):
    """A participant in the seat of a checker.

    Args:
        who: The participant.
        author: Who makes the drafts.
        keyword: What a text says to approve; None takes every text for feedback.

    Raises:
        ConfigurationError: It can never approve.
    """

    def __init__(self, who: Participant, author: str, keyword: str | None = None) -> None:
        super().__init__(
            who.name,
            description=who.description,
            history=who.history,
            policy=who.policy,
            when=who.when,
            fallback=who.fallback and Checker(who.fallback, author, keyword),
        )
        self.kind = who.kind
        self.who = who
        self._author = author
        self._keyword = keyword
        given = [kind for kind in who.outputs if issubclass(kind, Verdict)]
        self.verdict_type: type[Verdict] = given[0] if len(given) == 1 else Verdict
        if isinstance(who, HumanParticipant) and not (who.reviews or keyword or given):
            raise ConfigurationError(
                f'`{who.name}` has `role="answer"`, and words alone approve nothing; leave the '
                f"role out, or say with `approve_on` which word approves"
            )

    @property
    def inner(self) -> Sequence[Runnable[Any, Any]]:
        """Graphs inside the participant."""
        return self.who.inner

    @property
    def threads(self) -> int:
        """How many things the participant may do at once."""
        return self.who.threads

    @property
    def outputs(self) -> Sequence[type[BaseModel]]:
        """Verdicts of a class of the user's own, which checkpoints must know."""
        return tuple(kind for kind in self.who.outputs if kind is not Verdict)

    @property
    def settings(self) -> Sequence[Setting]:
        """What of the participant may be set for one run."""
        return self.who.settings

    @property
    def takes_model_of_run(self) -> bool:
        """Whether the run names the participant's model."""
        return self.who.takes_model_of_run

    def check(self, execution: Execution) -> Any:
        """Find the participant's models."""
        return self.who.check(execution)

    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Let the participant answer, and understand the answer as a verdict."""
        reply = yield from self._answered(work, scene)
        if reply.decision in _DECISIONS:
            said = "".join(m.text for m in reply.messages) if reply.decision == "reject" else ""
            verdict = Verdict(approved=reply.decision != "reject", feedback=said)
            assert isinstance(self.who, HumanParticipant)  # noqa: S101 - only people decide
            return reply._replace(output=verdict, stop=self.who.rejected(work.view, reply))
        verdict = verdict_from(self.name, reply.output, self._keyword)
        messages = [*_tool_pairs(reply.messages, type(verdict).__name__)]
        if verdict.feedback.strip():
            messages.append(self._feedback(reply, verdict.feedback))
        return reply._replace(messages=messages, output=verdict, detail=told(verdict))

    def _answered(self, work: Work, scene: Scene) -> Steps[Reply]:
        who = self.who
        if isinstance(who, HumanParticipant) and who.reviews:
            return (yield from who.review(self._draft(work), work, scene))
        if not isinstance(who, FunctionParticipant | RunnableParticipant):
            return (yield from who.speak(work, scene))
        returned = yield from who.called(work, scene)
        if isinstance(returned, bool | Verdict):
            return Reply(output=returned)
        if not _is_speech(returned, scene):
            raise unusable(self.name, returned)
        return reply_from(self.name, returned, scene)

    def _draft(self, work: Work) -> Draft:
        draft, state = work.view.state["drafts"][-1], work.view.state
        kind = type(draft) if isinstance(draft, BaseModel) else None
        return Draft(self._author, answer_text(draft), state["rounds"] + 1, kind)

    def _feedback(self, reply: Reply, text: str) -> AnyMessage:
        """The feedback as a message; that of a text keeps its id: a stream shows it once."""
        if isinstance(reply.output, str) and reply.messages:
            said = reply.messages[-1]
            return said if said.text == text else said.model_copy(update={"content": text})
        kind = HumanMessage if self.kind == "human" else AIMessage
        return kind(text, name=self.name)


_DECISIONS = frozenset({"approve", "edit", "reject"})


def asked_for_verdict(given: ParticipantLike, keyword: str | None = None) -> ParticipantLike:
    """A participant as a checker; an agent as one that is asked for a verdict.

    Args:
        given: What the user gave, which is not changed.
        keyword: What a text says to approve: agents answer in words then.

    Raises:
        ConfigurationError: An agent has another type of answer.
    """
    if isinstance(given, Member):
        who = asked_for_verdict(given.participant, keyword)
        return replace(given, participant=who, policy=_judged_by_fallback(given.policy, keyword))
    if not isinstance(given, Agent):
        return given
    if given.output is not None and not issubclass(given.output, Verdict):
        raise ConfigurationError(
            f"`output` of checker `{given.name}` is `{given.output.__name__}`; a checker answers "
            f"with a `Verdict` or a subclass of it: leave `output` out, or extend `Verdict`"
        )
    kind = given.output or (None if keyword else Verdict)
    return replace(given, output=kind, policy=_judged_by_fallback(given.policy, keyword))


def _judged_by_fallback(policy: Policy | None, keyword: str | None) -> Any:
    """The policy, whose fallback is asked for a verdict too."""
    if policy is None or policy.fallback is None or is_chat_model(policy.fallback):
        return policy
    return replace(policy, fallback=asked_for_verdict(policy.fallback, keyword))


def _is_speech(returned: Any, scene: Scene) -> bool:
    """Whether a function has returned something said, not a verdict in a form of its own."""
    if isinstance(returned, Mapping):
        return not ({"approved", "feedback"} - scene.shared_keys) & set(returned)
    if isinstance(returned, list):
        return all(isinstance(message, BaseMessage) for message in returned)
    return isinstance(returned, str | BaseMessage)


def _tool_pairs(messages: Sequence[AnyMessage], verdict: str) -> Sequence[AnyMessage]:
    """Tool calls and results among messages, without those by which a verdict was given."""
    pairs = [message for message in messages if not is_answer(message)]
    giving: set[str | None] = set()
    for message in pairs:
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        if all(call["name"] == verdict for call in calls):
            giving.update(call["id"] for call in calls)
    return [message for message in pairs if not _call_ids(message) & giving]


def _call_ids(message: AnyMessage) -> set[str | None]:
    if isinstance(message, AIMessage):
        return {call["id"] for call in message.tool_calls}
    return {getattr(message, "tool_call_id", None)}
