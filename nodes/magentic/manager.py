"""Who leads a team: a model, or a manager of the user's own.

Either is asked for facts and a plan, for the progress, for another plan, and for the final answer.
What it answers is checked in the same way, and what becomes of a question is told in one form.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel, ValidationError

from langgraph_orchestra.nodes.decider import Decider, DeciderLike, decider_from
from langgraph_orchestra.nodes.decision import decide
from langgraph_orchestra.nodes.driver import Steps, apply
from langgraph_orchestra.nodes.history import everything, read
from langgraph_orchestra.nodes.magentic.plans import latest_plan, speaker_problem
from langgraph_orchestra.nodes.magentic.prompts import MagenticPrompts
from langgraph_orchestra.nodes.magentic.views import MANAGER, Briefing, with_notes
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.planning import wrong_with_steps
from langgraph_orchestra.nodes.policy import Policy, decide_retry, is_retried
from langgraph_orchestra.nodes.prompt import Heard, addressed_to
from langgraph_orchestra.nodes.turn import bounded
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import (
    AnswerError,
    ConfigurationError,
    DecisionError,
    ProgressLedger,
    Stop,
    TaskLedger,
    TurnOutcome,
)

__all__ = ["Asked", "Lead", "Manager", "ask", "lead_from", "limit_of"]

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Manager(Protocol):
    """A manager of one's own, whose methods may be sync or async.

    What they return is checked as a model's answer is. As they would be asked the same again, they
    are asked once: a ledger that cannot be used is a stall, a plan that cannot be used ends the run
    `failed`, and so does an exception, after the retries of LangGraph's `RetryPolicy()`.
    """

    def plan(self, view: View, /) -> Any:
        """The first facts and plan: a `TaskLedger`, or a mapping of its fields."""

    def assess(self, view: View, /) -> Any:
        """How far the work is: a `ProgressLedger`, or a mapping of its fields."""

    def replan(self, view: View, /) -> Any:
        """Other facts and another plan: a `TaskLedger`, or a mapping of its fields.

        It is asked for when the work has stalled, and where a person has sent a plan back; then
        `view.trail[-1].detail` is what they have said.
        """

    def conclude(self, view: View, /) -> Any:
        """The final answer: text, or an `AIMessage`."""


class Asked(NamedTuple):
    """What has become of a question to the manager."""

    answer: Any = None
    """What was answered; None if nothing usable was."""

    outcome: TurnOutcome = "ok"
    """For the trail: `fallback` if no answer was valid, `failed` or `cancelled` if none came."""

    detail: str = ""
    """Why there is none."""

    limit: Stop | None = None
    """The limit that left nothing to ask with."""


class Lead(ABC):
    """Leads a team.

    Args:
        names: The team, in declared order.
    """

    policy: Policy
    """What happens when a question is slow or fails."""

    sources: Sequence[ModelSource] = ()
    """Models it asks."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    @abstractmethod
    def plan(self, work: Work) -> Steps[TaskLedger]:
        """Take stock, and make the first plan."""

    @abstractmethod
    def replan(self, work: Work, feedback: str | None) -> Steps[TaskLedger]:
        """Take stock again, and make another plan.

        Args:
            work: The question in progress.
            feedback: What a person wants changed; None where the work has stalled.
        """

    @abstractmethod
    def assess(self, work: Work) -> Steps[ProgressLedger]:
        """Find out how far the work is, and who is to do what next."""

    @abstractmethod
    def conclude(self, work: Work) -> Steps[AIMessage]:
        """Write the final answer."""

    def wrong_plan(self, ledger: TaskLedger) -> str | None:
        """What is wrong with a plan."""
        return wrong_with_steps(ledger.plan, self.names)

    def wrong_speaker(self, ledger: ProgressLedger) -> str | None:
        """What is wrong with who is to work next."""
        return speaker_problem(ledger, self.names)


class ModelLead(Lead):
    """A model that leads a team; it reads the whole thread.

    Args:
        decider: The model, and its system prompt.
        speakers: The team: names and descriptions.
        prompts: What it is told.
    """

    def __init__(
        self, decider: Decider, speakers: dict[str, str], prompts: MagenticPrompts
    ) -> None:
        super().__init__(list(speakers))
        self.policy = decider.policy
        self.sources = (decider.model,)
        self._decider = decider
        self._history = decider.history or everything()
        self._prompts = prompts
        self._briefing = Briefing(prompts)
        self._heard = Heard()
        team = "\n".join(f"- {n}: {about}" if about else f"- {n}" for n, about in speakers.items())
        self._system = SystemMessage(f"{decider.prompt}\n\n{prompts.team}\n{team}")

    def plan(self, work: Work) -> Steps[TaskLedger]:
        """Take stock, and make the first plan."""
        return (yield from self._ledger(work, TaskLedger, self._prompts.plan, self.wrong_plan))

    def replan(self, work: Work, feedback: str | None) -> Steps[TaskLedger]:
        """Take stock again, and make another plan."""
        asked = self._prompts.replan
        if feedback is not None:
            asked = f"{self._prompts.revise}\n{feedback}"
        return (yield from self._ledger(work, TaskLedger, asked, self.wrong_plan))

    def assess(self, work: Work) -> Steps[ProgressLedger]:
        """Find out how far the work is, and who is to do what next."""
        asked = self._prompts.assess
        return (yield from self._ledger(work, ProgressLedger, asked, self.wrong_speaker))

    def conclude(self, work: Work) -> Steps[AIMessage]:
        """Write the final answer."""
        messages = yield from self._told(work, self._prompts.conclude)
        said: AIMessage = yield from work.ask(self._decider.model.resolve(work.execution), messages)
        return said

    def _ledger(
        self, work: Work, schema: type[M], asked: str, wrong: Callable[[M], str | None]
    ) -> Steps[M]:
        """Ask for a ledger, after the facts and the plan that hold."""
        known = latest_plan(work.view.state)
        question = f"{self._briefing.facts_and_plan(known)}\n\n{asked}" if known else asked
        messages = yield from self._told(work, question)
        return (yield from decide(work, self._decider.model, schema, messages, check=wrong))

    def _told(self, work: Work, question: str) -> Steps[list[AnyMessage]]:
        """The prompt: the team, the thread with what was noted in it, and the question."""
        picked = yield from read(self._history, work)
        told = [*with_notes(picked, work.view), HumanMessage(question)]
        return [self._system, *addressed_to(MANAGER, told, heard=self._heard)]


class OwnLead(Lead):
    """A manager of the user's own.

    Args:
        manager: Their manager.
        names: The team.
    """

    policy = Policy()

    def __init__(self, manager: Manager, names: Sequence[str]) -> None:
        super().__init__(names)
        self._manager = manager

    def plan(self, work: Work) -> Steps[TaskLedger]:
        """Let it make the first plan."""
        returned = yield from self._ask(self._manager.plan, work)
        return _checked("plan", TaskLedger, returned, self.wrong_plan)

    def replan(self, work: Work, feedback: str | None) -> Steps[TaskLedger]:  # noqa: ARG002 - it finds that in the view
        """Let it make another plan."""
        returned = yield from self._ask(self._manager.replan, work)
        return _checked("replan", TaskLedger, returned, self.wrong_plan)

    def assess(self, work: Work) -> Steps[ProgressLedger]:
        """Let it find out how far the work is."""
        returned = yield from self._ask(self._manager.assess, work)
        return _checked("assess", ProgressLedger, returned, self.wrong_speaker)

    def conclude(self, work: Work) -> Steps[AIMessage]:
        """Let it write the final answer.

        Raises:
            TypeError: It returned neither text nor an `AIMessage`.
        """
        returned = yield from self._ask(self._manager.conclude, work)
        if isinstance(returned, str):
            return AIMessage(returned)
        if not isinstance(returned, AIMessage):
            raise TypeError(
                f"`conclude` of the manager returned {returned!r}, and neither text nor an "
                f"`AIMessage`"
            )
        return returned

    def _ask(self, method: Callable[[View], Any], work: Work) -> Steps[Any]:
        work.check()
        return (yield apply(method, work.view, blocking=True))


def ask(steps: Steps[T], work: Work, policy: Policy) -> Steps[Asked]:
    """Ask the manager something.

    Args:
        steps: The question.
        work: The question in progress.
        policy: How long it may take, and how often it is tried.

    Raises:
        Exception: It is to be tried again, by LangGraph.
    """
    try:
        return Asked((yield from bounded(steps, work, policy.timeout)))
    except BudgetSpent as spent:
        if spent.work is not work:
            raise
        return Asked(None, "cancelled", spent.stop.detail, spent.stop)
    except DecisionError as error:
        return Asked(None, "fallback", str(error))
    except (GraphBubbleUp, AnswerError):
        raise
    except Exception as error:
        if is_retried(policy, error, work.execution.attempt):
            work.keep_for_next_attempt()
            decide_retry(error, again=True)
            raise
        return Asked(None, "failed", f"{type(error).__name__}: {error}")


def limit_of(work: Work) -> Stop | None:
    """The limit, here or further out, that leaves nothing to ask with; None if none is reached."""
    try:
        work.check()
    except BudgetSpent as spent:
        return spent.stop
    return None


def lead_from(
    model: DeciderLike | None, manager: Any, speakers: dict[str, str], prompts: MagenticPrompts
) -> Lead:
    """Who leads, from what a user gave.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: Both are given, or something that would not be used.
    """
    if not isinstance(prompts, MagenticPrompts):
        raise TypeError(f"`prompts` is a `MagenticPrompts`, not {prompts!r}")
    if manager is None:
        return ModelLead(decider_from(model, prompts.manager), speakers, prompts)
    if model is not None:
        raise ConfigurationError(
            "`model` would not be used: `manager` leads the team; leave one of them out"
        )
    missing = [name for name in _METHODS if not callable(getattr(manager, name, None))]
    if isinstance(manager, type) or missing:
        raise TypeError(
            f"`manager` is an object with {', '.join(f'`{name}(view)`' for name in _METHODS)}, "
            f"not {manager!r}"
        )
    return OwnLead(manager, list(speakers))


_METHODS = ("plan", "assess", "replan", "conclude")


def _checked(method: str, schema: type[M], returned: Any, wrong: Callable[[M], str | None]) -> M:
    """What a user's manager returned, as the ledger it should be.

    Raises:
        DecisionError: It is none, or cannot be used.
    """
    # Validated also where it is a ledger already: one may be made without.
    given = returned.model_dump(warnings=False) if isinstance(returned, BaseModel) else returned
    try:
        ledger = schema.model_validate(given)
    except ValidationError as invalid:
        raise DecisionError(1, f"`{method}` of the manager: {invalid}") from invalid
    if error := wrong(ledger):
        raise DecisionError(1, f"`{method}` of the manager: {error}")
    return ledger
