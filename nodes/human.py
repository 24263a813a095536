"""People as participants: a seat that answers, or one that reviews what was said before it.

Either is an `interrupt()`: the run pauses, is saved, and continues when the answer comes, in this
process or another.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, NamedTuple

from langchain_core.messages import AnyMessage, HumanMessage
from pydantic import BaseModel, ValidationError

from langgraph_orchestra.nodes.answers import Decision, DecisionType, answer_type, ask_person
from langgraph_orchestra.nodes.checks import natural_number, usable_name
from langgraph_orchestra.nodes.driver import Steps, apply
from langgraph_orchestra.nodes.participant import Participant, Reply, Scene, answer_text
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.nodes.requests import request_from
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, Stop

__all__ = [
    "Draft",
    "Human",
    "HumanParticipant",
    "approval",
    "draft_in",
    "question",
    "refuse_reviewers",
]

Ask = str | Callable[[View], str | Awaitable[str]]

_REVIEW: Sequence[DecisionType] = ("approve", "edit", "reject")
_RESPOND: Sequence[DecisionType] = ("respond",)


@dataclass(frozen=True)
class Human:
    """A person in a seat: the run pauses for them with an interrupt.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: The name or role cannot be used.
    """

    name: str
    """Unique in the graph; letters, digits, `_` and `-`."""

    description: str = ""
    """What they are there for; they read it, and so do those who choose between participants."""

    _: KW_ONLY

    role: Literal["answer", "review"] | None = None
    """`answer` says something; `review` approves, edits or rejects the answer before. None is the
    pattern's natural one: in a sequence `review`, except at its start."""

    ask: Ask | None = None
    """What the person is asked, as text or a function of the `View`; None asks in general words."""

    default: str | None = None
    """What a blank answer means; None refuses a blank one."""

    schema: type[BaseModel] | None = None
    """Type of their answer, given as JSON; None takes any words."""

    max_rejections: int = 3
    """How often they may send a draft back in one run; the last one ends it `rejected`."""

    def __post_init__(self) -> None:
        usable_name(self.name)
        natural_number("max_rejections", self.max_rejections)
        if not isinstance(self.description, str):
            raise TypeError(f"`description` of `{self.name}` is a str, not {self.description!r}")
        if self.role not in (None, "answer", "review"):
            raise ConfigurationError(
                f"`role` of `{self.name}` is {self.role!r}; it is 'answer', 'review' or None"
            )
        if self.ask is not None and not (isinstance(self.ask, str) or callable(self.ask)):
            raise TypeError(f"`ask` of `{self.name}` is a str or a function of a `View`")
        if self.default is not None and not isinstance(self.default, str):
            raise TypeError(f"`default` of `{self.name}` is a str or None, not {self.default!r}")
        if self.schema is not None and not (
            isinstance(self.schema, type) and issubclass(self.schema, BaseModel)
        ):
            raise TypeError(f"`schema` of `{self.name}` is a pydantic model class")


def approval(name: str, description: str = "") -> Human:
    """A person who approves, edits or rejects the answer before them."""
    return Human(name, description, role="review")


def question(name: str, ask: Ask) -> Human:
    """A person who is asked something."""
    return Human(name, role="answer", ask=ask)


class Draft(NamedTuple):
    """What a person reviews."""

    author: str
    """Whose it is."""

    text: str
    """It as text; a typed object as its JSON."""

    round: int
    """How often the author has had a draft reviewed, with this one."""

    kind: type[BaseModel] | None = None
    """What an edit must be, as JSON; None takes any text."""


def draft_in(view: View) -> AnyMessage | None:
    """What a reviewing person is shown: a participant's latest answer, never another's feedback.

    Nor is it the remark of somebody who does not take part.
    """
    drafts = reversed(view.drafts)
    return next((m for m in drafts if not view.speakers or m.name in view.speakers), None)


def _type_of(draft: str, view: View) -> type[BaseModel] | None:
    """The type of a draft that is a typed object's JSON."""
    output = view.state.get("output")
    if isinstance(output, BaseModel) and answer_text(output) == draft:
        return type(output)
    return None


class HumanParticipant(Participant):
    """A person in their graph."""

    kind = "human"

    def __init__(self, human: Human, scene: Scene, **options: Any) -> None:
        options.update(
            name=options.get("name") or human.name,
            description=options.get("description") or human.description,
            policy=options.get("policy") or Policy(retry=None),
        )
        super().__init__(**options)
        self.human = human
        self.reviews = (human.role or scene.human_role) == "review"
        self._answers = answer_type(
            _REVIEW if self.reviews else _RESPOND,
            default=human.default,
            value_type=None if self.reviews else human.schema,
        )
        self._default = None if human.default is None else self._understood(human.default)

    @property
    def outputs(self) -> Sequence[type[BaseModel]]:
        """The type of their answer."""
        return (self.human.schema,) if self.human.schema and not self.reviews else ()

    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Pause for the person, and understand the answer."""
        if self.reviews:
            view = work.view
            latest, round_ = draft_in(view), self.rejections(view) + 1
            text, author = (latest.text, latest.name or "") if latest else ("", "")
            kind = _type_of(text, view) if scene.edits_keep_type else None
            return (yield from self.review(Draft(author, text, round_, kind), work, scene))
        asked = yield from self.asked(work)
        return self._reply(ask_person(self._question(work, scene, asked), self._answers))

    def review(self, draft: Draft, work: Work, scene: Scene) -> Steps[Reply]:
        """Pause for what the person decides on a draft.

        Args:
            draft: What they review.
            work: The turn in progress.
            scene: The graph it takes part in.
        """
        answers = self._answers
        if draft.kind is not None:
            answers = answer_type(_REVIEW, default=self.human.default, value_type=draft.kind)
        asked = yield from self.asked(work)
        about = asked or (
            f"{self.description or f'Approve, edit or reject the draft of {draft.author}.'}"
            f"\n\n{draft.text}"
        )
        args = {"participant": draft.author, "draft": draft.text, "round": draft.round}
        request = request_from("review_draft", args, about, answers, work, scene)
        return self._reply(ask_person(request, answers))

    def asked(self, work: Work) -> Steps[str | None]:
        """What the person is to read; None for general words.

        Raises:
            ConfigurationError: The function that says so returned something else than a text.
        """
        ask = self.human.ask
        said = (yield apply(ask, work.view)) if callable(ask) else ask
        if not isinstance(said, str | None):
            raise ConfigurationError(f"`ask` of `{self.name}` returned {said!r}; it returns a text")
        return said

    def answer_in(self, message: AnyMessage) -> Any:
        """The answer that a message of theirs holds: words, or an object of the type asked for."""
        schema = self.human.schema
        return message.text if schema is None else schema.model_validate_json(message.text)

    def rejections(self, view: View) -> int:
        """How often the person has sent a draft back in this run."""
        return sum(t.agent == self.name and t.outcome == "refused" for t in view.turns)

    def rejected(self, view: View, reply: Reply) -> Stop | None:
        """Why the run ends with what they said of a draft; None if it goes on.

        Args:
            view: The run before.
            reply: What they said.
        """
        if reply.decision != "reject":
            return None
        final = self.rejections(view) + 1 >= self.human.max_rejections
        if not final and reply.messages:
            return None
        return Stop(reason="rejected", detail=reply.detail, by=self.name)

    def _question(self, work: Work, scene: Scene, asked: str | None) -> dict[str, Any]:
        view = work.view
        message = asked or view.last_text or view.task
        args = {"participant": self.name, "message": message, "task": view.whole_task}
        said = [asked or f"{self.description or 'Your answer is needed.'}\n\n{message}"]
        if scene.handoffs and work.besides:  # they come in new: who has handed over, and what for
            if not asked:
                latest = [m.text for m in view.said if m.type != "tool" and m.text.strip()][-1:]
                said = [self.description or "Your answer is needed.", view.task, *latest]
            said += [f"{m.name}: {m.text}" for m in work.besides]
        about = "\n\n".join(said)
        return request_from("answer", args, about, self._answers, work, scene)

    def _understood(self, default: str) -> Decision:
        """What a blank answer means: words, or at a review a decision in words."""
        try:
            decision = self._answers.model_validate(default).decision
        except ValidationError as invalid:
            raise ConfigurationError(
                f"`default` of `{self.name}` cannot be an answer: {invalid}"
            ) from invalid
        if decision is None and self.reviews:
            raise ConfigurationError(
                f"`default` of `{self.name}` is blank; at a review it is a decision, such as "
                f"`approve`, or feedback"
            )
        return decision or Decision(type="respond")

    def _reply(self, decision: Decision | None) -> Reply:
        decision = decision or self._default
        assert decision is not None  # noqa: S101 - a blank answer is refused without a default
        value = decision.text if decision.value is None else decision.value
        # An edit stands where the draft did, and so in its form.
        text = answer_text(value) if decision.type == "edit" else decision.text
        said = [HumanMessage(text, name=self.name)] if text else []
        if decision.type == "reject":
            return Reply(said, "", outcome="refused", detail=text or "rejected", decision="reject")
        if decision.type == "approve":
            return Reply([], "", detail="approved", decision="approve")
        detail = "edited" if decision.type == "edit" else ""
        return Reply(said, value, detail=detail, decision=decision.type)


def refuse_reviewers(participants: Sequence[Participant], instead: str) -> None:
    """Refuse people who review where there is no draft before them.

    Args:
        participants: Who takes part.
        instead: What a person does there.

    Raises:
        ConfigurationError: One of them reviews.
    """
    for participant in participants:
        if isinstance(participant, HumanParticipant) and participant.reviews:
            raise ConfigurationError(
                f"`{participant.name}` reviews, but {instead}; leave out their `role`"
            )
