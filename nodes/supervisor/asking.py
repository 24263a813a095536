"""The supervisor's own model: asked for plans and reviews, and what it means if it gives none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel

from langgraph_orchestra.nodes.decider import Decider, DeciderLike, decider_from
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.history import everything, read
from langgraph_orchestra.nodes.participant import Scene, answer_text
from langgraph_orchestra.nodes.planning import wrong_with_steps
from langgraph_orchestra.nodes.policy import is_retried
from langgraph_orchestra.nodes.prompt import addressed_to
from langgraph_orchestra.nodes.supervisor.assignment import Brought, told
from langgraph_orchestra.nodes.supervisor.plan import fresh
from langgraph_orchestra.nodes.supervisor.prompts import PLAN_PROMPT, REVIEW_PROMPT
from langgraph_orchestra.nodes.supervisor.review import accept_all, in_words, wrong_with_review
from langgraph_orchestra.nodes.turn import entry
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import (
    ConfigurationError,
    DecisionError,
    Plan,
    PlanStep,
    Review,
    Stop,
    Turn,
)

__all__ = ["Supervisor", "supervisor_from"]

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Supervisor:
    """Who plans and reviews."""

    decider: Decider
    """The model; its prompt comes before ours."""

    scene: Scene
    """The graph."""

    def plan(self, view: View, execution: Execution) -> Steps[tuple[Plan | Stop, Turn]]:
        """Ask for a plan of the task.

        Returns:
            The plan, or why there is none; and the trail's entry.
        """
        work = Work("planner", view, execution, self.scene.budget)
        return (yield from self._asked(work, self._planned(work), _plan_in_words))

    def review(
        self,
        wave: Mapping[str, tuple[PlanStep, Brought]],
        objections: Mapping[str, str],
        view: View,
        execution: Execution,
    ) -> Steps[tuple[Review | Stop, Turn]]:
        """Ask for a review of what a wave of steps has brought.

        Three unusable reviews accept everything; the trail says `fallback`.

        Args:
            wave: The steps, and what was brought.
            objections: What was to be changed, by the step's id.
            view: The run so far.
            execution: The node it happens in.

        Returns:
            The review, or why there is none; and the trail's entry.
        """
        work = Work("review", view, execution, self.scene.budget)
        parts = [f"Task: {view.task}"]
        parts += [_reviewed(step, new, objections) for step, new in wave.values()]
        workers = _listed(view.speakers) if len(view.speakers) > 1 else ""
        asking = self.decider.decide(
            work,
            Review,
            [self._told(REVIEW_PROMPT, workers), HumanMessage("\n\n".join(parts))],
            check=lambda review: wrong_with_review(review, list(wave), view.speakers),
        )
        return (yield from self._asked(work, asking, in_words, accept_all(list(wave))))

    def _planned(self, work: Work) -> Steps[Plan]:
        """A plan made of the whole thread, so that a task may refer to earlier ones."""
        picked = yield from read(self.decider.history or everything(), work)
        workers = work.view.speakers
        prompt = self._told(PLAN_PROMPT, _listed(workers))
        plan = yield from self.decider.decide(
            work,
            Plan,
            [prompt, *addressed_to(work.name, picked)],
            check=lambda plan: wrong_with_steps(plan.steps, workers),
        )
        return fresh(plan)

    def _told(self, *parts: str) -> SystemMessage:
        return SystemMessage("\n\n".join(filter(None, [self.decider.prompt, *parts])))

    def _asked(
        self,
        work: Work,
        asking: Steps[M],
        words: Callable[[M], str],
        otherwise: M | None = None,
    ) -> Steps[tuple[M | Stop, Turn]]:
        """Ask, and make what goes wrong an entry of the trail.

        Args:
            work: The decision in progress.
            asking: Asks for it.
            words: An answer as the trail tells it.
            otherwise: What is decided where no answer was usable; None ends the run.
        """

        def decision(outcome: Any, detail: str) -> Turn:
            step = work.view.turn_number + 1
            return entry(work, kind="decision", step=step, outcome=outcome, detail=detail)

        try:
            answer = yield from asking
        except BudgetSpent as spent:
            if spent.work is not work:
                raise
            return spent.stop, decision("cancelled", spent.stop.detail)
        except (GraphBubbleUp, ConfigurationError):
            raise
        except Exception as error:
            if is_retried(self.decider.policy, error, work.execution.attempt):
                raise
            why = f"{type(error).__name__}: {error}"
            if otherwise is not None and isinstance(error, DecisionError):
                return otherwise, decision("fallback", why)
            return Stop(reason="failed", detail=why, by=work.name), decision("failed", why)
        return answer, decision("ok", words(answer))


def supervisor_from(model: DeciderLike, scene: Scene) -> Supervisor:
    """Who plans and reviews, from what a user gave.

    Raises:
        TypeError: It is no chat model, name or `Agent`.
        ConfigurationError: An `Agent` brings what a decision has no use for.
    """
    if model is None:
        raise TypeError("`model` plans and reviews: a chat model, its name or an `Agent`, not None")
    return Supervisor(decider_from(model, ""), scene)


def _listed(workers: Mapping[str, str]) -> str:
    return "\n".join(
        f"- {name}: {about}" if about else f"- {name}" for name, about in workers.items()
    )


def _plan_in_words(plan: Plan) -> str:
    return "; ".join(f"{_place_of(step)}: {step.task}" for step in plan.steps)


def _place_of(step: PlanStep) -> str:
    after = f", after {', '.join(step.depends_on)}" if step.depends_on else ""
    return f"{step.id} ({step.worker}{after})"


def _reviewed(step: PlanStep, new: Brought, objections: Mapping[str, str]) -> str:
    """A step and its result, as the reviewer reads them."""
    lines = [f"{told(new.result)}: {step.task}"]
    if step.expected:
        lines.append(f"Expected: {step.expected}")
    if objection := objections.get(step.id):
        lines.append(f"To be changed: {objection}")
    failure = new.result.failure
    if failure:
        lines.append(f"Failed: {failure.type}: {failure.message}")
    else:
        lines.append(f"Result: {answer_text(new.result.output)}")
    return "\n".join(lines)
