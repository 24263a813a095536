"""How far a plan is, and what can be done next; decisions only, without a model or a state."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from langgraph_orchestra.state import Failure, Plan, PlanStep, StepResult, StepStatus

__all__ = [
    "CutOff",
    "cut_off",
    "fresh",
    "in_plan_order",
    "leaves",
    "ready",
    "with_steps",
]


def fresh(plan: Plan) -> Plan:
    """A plan none of whose steps has begun, whatever the model says of them."""
    return with_steps(plan, {step.id: {"status": "pending"} for step in plan.steps})


def with_steps(plan: Plan, changes: Mapping[str, Mapping[str, str]]) -> Plan:
    """A plan with changed steps.

    Args:
        plan: As it was.
        changes: New values of fields, by the step's id.
    """
    steps = [
        step.model_copy(update=dict(changes[step.id])) if step.id in changes else step
        for step in plan.steps
    ]
    return Plan(steps=steps)


def ready(plan: Plan) -> list[PlanStep]:
    """The steps that can begin: not begun yet, and all they depend on is done."""
    done = _having(plan, "done")
    return [s for s in plan.steps if s.status == "pending" and done.issuperset(s.depends_on)]


class CutOff(NamedTuple):
    """A step that cannot be done."""

    step: PlanStep
    """The step."""

    failed: str
    """Id of the step that it depends on and that has failed."""

    @property
    def why(self) -> str:
        """Why."""
        return f"step `{self.step.id}` depends on `{self.failed}`, which has failed"

    @property
    def result(self) -> StepResult:
        """What is recorded of it."""
        failure = Failure(
            agent=self.step.worker, type="DependencyFailed", message=self.why, attempts=0
        )
        return StepResult(step=self.step.id, worker=self.step.worker, failure=failure, attempts=0)


def cut_off(plan: Plan) -> list[CutOff]:
    """The steps that a failed one keeps from being done, directly or through others."""
    failed, found = _having(plan, "failed"), list[CutOff]()
    while new := list(_cut_off_by(plan, failed)):
        found += new
        failed |= {one.step.id for one in new}
    return found


def leaves(plan: Plan, answered: Collection[str]) -> list[str]:
    """Ids of the answered steps on whose results no other answered step depends.

    Args:
        plan: The plan.
        answered: Ids of the steps that have an answer.
    """
    used = {needed for s in plan.steps if s.id in answered for needed in s.depends_on}
    return [s.id for s in plan.steps if s.id in answered and s.id not in used]


def in_plan_order(plan: Plan, results: Mapping[str, StepResult]) -> dict[str, StepResult]:
    """Results in the order of the plan, whenever they came."""
    return {step.id: results[step.id] for step in plan.steps if step.id in results}


def _having(plan: Plan, status: StepStatus) -> set[str]:
    return {step.id for step in plan.steps if step.status == status}


def _cut_off_by(plan: Plan, failed: Collection[str]) -> Iterator[CutOff]:
    for step in plan.steps:
        if step.status == "pending" and step.id not in failed:
            reasons = [needed for needed in step.depends_on if needed in failed]
            yield from (CutOff(step, needed) for needed in reasons[:1])
