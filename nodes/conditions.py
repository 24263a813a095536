"""Stop conditions: pure functions of the view, so they survive saving, resuming and forking.

They look at what was said and done in this run, never at the task's text; combine them with `&`
and `|`. `stop.by` names the part that fired: both parts of an `&`.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel, Field, StrictBool

from langgraph_orchestra.nodes.checks import natural_number, positive_number
from langgraph_orchestra.nodes.decision import decide
from langgraph_orchestra.nodes.driver import Steps, apply
from langgraph_orchestra.nodes.handoff.tool import is_handoff_result
from langgraph_orchestra.nodes.limits import Limits, limit_reached
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.view import View, text_of
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "Condition",
    "as_condition",
    "cost",
    "idle",
    "judged",
    "mentions",
    "seconds",
    "tokens",
    "turns",
    "when",
]

Predicate = Callable[[View], bool | Awaitable[bool]]


class Condition(ABC):
    """A stop condition; `a & b` fires when both do, `a | b` when one does."""

    @property
    def deciders(self) -> Sequence[ModelSource]:
        """Models that it asks."""
        return ()

    @abstractmethod
    def fired(self, work: Work) -> Steps[str]:
        """Name of the part that fires on the view of `work`; empty if none does."""

    def __and__(self, other: "Condition | Predicate") -> "Condition":
        return _Both(self, as_condition(other))

    def __or__(self, other: "Condition | Predicate") -> "Condition":
        return _Either(self, as_condition(other))


def turns(n: int) -> Condition:
    """Fire after so many turns of this run."""
    natural_number("n", n)
    return _Spent(f"turns({n})", Limits(turns=n))


def mentions(text: str, by: str | Sequence[str] | None = None) -> Condition:
    """Fire when somebody has said a text, in any message of this run but the task.

    Args:
        text: What to look for; upper and lower case differ.
        by: Who must have said it, one name or several; None is anybody, people included.
    """
    if not isinstance(text, str):
        raise TypeError(f"`mentions` looks for a text, not {text!r}")
    if not text:
        raise ConfigurationError("`mentions` needs a text to look for")
    names = {by} if isinstance(by, str) else set(by or ())

    def said(view: View) -> bool:
        return any(
            text in text_of(m)
            for m in view.said
            if (by is None or m.name in names) and not is_handoff_result(m)
        )

    return _When(f"mentions({text!r})" if by is None else f"mentions({text!r}, by={by!r})", said)


def tokens(n: int) -> Condition:
    """Fire when this run has used so many tokens."""
    natural_number("n", n)
    return _Spent(f"tokens({n})", Limits(tokens=n))


def cost(usd: float) -> Condition:
    """Fire when this run has cost so many USD, as far as the models' prices are known."""
    positive_number("usd", usd, optional=False)
    return _Spent(f"cost({usd})", Limits(cost=usd))


def seconds(n: float) -> Condition:
    """Fire when this run has been at work for so long; waiting for a person does not count."""
    positive_number("n", n, optional=False)
    return _Spent(f"seconds({n})", Limits(seconds=n))


def idle(n: int) -> Condition:
    """Fire after so many answers in a row that are empty or repeat an earlier one of this run.

    What is said for the first time is new, a word such as "Pass." too: it takes n + 1 of them.
    A turn that has brought no answer counts as an empty one, unless a person has approved or
    rejected in it, or it has handed over.
    """
    natural_number("n", n)
    return _When(f"idle({n})", lambda view: list(islice(_idle_turns(view), n)) == [True] * n)


def when(func: Predicate) -> Condition:
    """Fire when a function of the `View`, sync or async, says so."""
    if not callable(func):
        raise TypeError(f"`when` takes a function of a `View`, not {func!r}")
    return _When(f"when({getattr(func, '__name__', type(func).__name__)})", func)


def judged(model: "str | BaseChatModel | None", question: str) -> Condition:
    """Fire when a model answers a question about this run with yes.

    Args:
        model: Who judges; None takes the context's `model`, then `ORCHESTRA_MODEL`.
        question: A yes-or-no question, such as "Has the customer's problem been solved?".
    """
    if not isinstance(question, str):
        raise TypeError(f"`judged` asks a question in words, not {question!r}")
    if not question:
        raise ConfigurationError("`judged` needs a question")
    return _Judged(ModelSource(model), question)


def as_condition(given: Any) -> Condition:
    """A condition, or a function made one.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(given, Condition):
        return given
    if callable(given):
        return when(given)
    raise TypeError(f"`stop_when` is a stop condition or a function of a `View`, not {given!r}")


@dataclass(frozen=True)
class _When(Condition):
    name: str
    predicate: Predicate

    def fired(self, work: Work) -> Steps[str]:
        verdict = yield apply(self.predicate, work.view)
        return self.name if verdict else ""


@dataclass(frozen=True)
class _Spent(Condition):
    name: str
    limits: Limits

    def fired(self, work: Work) -> Steps[str]:
        yield from ()
        return self.name if limit_reached(self.limits, work.before) else ""


@dataclass(frozen=True)
class _Both(Condition):
    left: Condition
    right: Condition

    @property
    def deciders(self) -> Sequence[ModelSource]:
        return (*self.left.deciders, *self.right.deciders)

    def fired(self, work: Work) -> Steps[str]:
        if not (left := (yield from self.left.fired(work))):
            return ""
        right = yield from self.right.fired(work)
        return f"{left} & {right}" if right else ""


@dataclass(frozen=True)
class _Either(Condition):
    left: Condition
    right: Condition

    @property
    def deciders(self) -> Sequence[ModelSource]:
        return (*self.left.deciders, *self.right.deciders)

    def fired(self, work: Work) -> Steps[str]:
        return (yield from self.left.fired(work)) or (yield from self.right.fired(work))


class Judgement(BaseModel):
    """Your answer to a yes-or-no question about a conversation."""

    reason: str = Field(default="", description="Why, in one sentence.")
    answer: StrictBool = Field(description="True for yes, false for no.")


@dataclass(frozen=True)
class _Judged(Condition):
    model: ModelSource
    question: str

    @property
    def deciders(self) -> Sequence[ModelSource]:
        return (self.model,)

    def fired(self, work: Work) -> Steps[str]:
        conversation = "\n\n".join(
            f"{m.name or m.type}: {m.text}"
            for m in work.view.said
            if m.text and not is_handoff_result(m)
        )
        judgement = yield from decide(
            work,
            self.model,
            Judgement,
            [SystemMessage(self.question), HumanMessage(conversation)],
        )
        if judgement.reason:
            work.reasons = (*work.reasons, judgement.reason)
        return f"judged({self.question!r})" if judgement.answer else ""


def _idle_turns(view: View) -> Iterator[bool]:
    """Whether each turn, the latest first, has brought nothing new."""
    texts = [text_of(message).strip() for message in view.answers]
    places: dict[str | None, list[int]] = {}
    for place, message in enumerate(view.answers):
        places.setdefault(message.name, []).append(place)
    for turn in reversed(view.turns):
        if turn.outcome in ("refused", "handed_off") or turn.detail == "approved":
            continue
        if turn.outcome in _WITHOUT_ANSWER or not places.get(turn.agent):
            yield True
        else:
            place = places[turn.agent].pop()
            yield not texts[place] or texts[place] in texts[:place]


_WITHOUT_ANSWER = frozenset({"failed", "timed_out", "cancelled"})
