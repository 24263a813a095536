"""Ledgers of a managed team: the latest ones, who is named in them, and how far the steps are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from langgraph_orchestra.state import PlanStep, ProgressLedger, StepStatus, TaskLedger

__all__ = [
    "latest_plan",
    "latest_progress",
    "named_speakers",
    "speaker_problem",
    "steps_after_round",
    "steps_given_out",
]


def latest_plan(state: Mapping[str, Any]) -> TaskLedger | None:
    """The facts and the plan that hold; None before there are any."""
    ledgers = state.get("task_ledgers")
    return TaskLedger.model_validate(ledgers[-1]) if ledgers else None


def latest_progress(state: Mapping[str, Any]) -> ProgressLedger | None:
    """What the manager has found last; None before it was asked."""
    ledgers = state.get("progress_ledgers")
    return ProgressLedger.model_validate(ledgers[-1]) if ledgers else None


def named_speakers(ledger: ProgressLedger, names: Sequence[str]) -> Sequence[str]:
    """Who is to work next, in declared order.

    Args:
        ledger: What the manager has found.
        names: Everybody, in declared order.
    """
    named = ledger.next_speaker.answer
    wanted = [named] if isinstance(named, str) else named
    return [name for name in names if name in wanted]


def speaker_problem(ledger: ProgressLedger, names: Sequence[str]) -> str | None:
    """What is wrong with who is to work next, and what they are told; None if nothing is.

    Where the task is done, nobody works: what a ledger says of it then means nothing.
    """
    if ledger.is_request_satisfied.answer:
        return None
    named = ledger.next_speaker.answer
    wanted = [named] if isinstance(named, str) else named
    valid = _listed(names)
    if not wanted:
        return f"`next_speaker` names nobody; name at least one of {valid}"
    if unknown := [name for name in wanted if name not in names]:
        return f"`next_speaker` names {unknown[0]!r}, who is not there; name some of {valid}"
    if not ledger.instruction_or_question.answer.strip():
        return "`instruction_or_question` is blank; say what they are to do"
    return None


def steps_given_out(plan: Sequence[PlanStep], speakers: Collection[str]) -> list[PlanStep]:
    """The plan once these are at work: of each, the first step that is not done is `running`."""
    given, waiting = [], set(speakers)
    for step in plan:
        is_next = step.worker in waiting and step.status != "done"
        waiting -= {step.worker} if is_next else set()
        given.append(_with_status(step, "running") if is_next else step)
    return given


def steps_after_round(
    plan: Sequence[PlanStep], ledger: ProgressLedger, unanswered: Mapping[str, StepStatus]
) -> list[PlanStep]:
    """The plan as the manager finds it after a round.

    A step is `done` when its worker has answered and the manager has found that the work got
    further by it; without that, it is left `running`.

    Args:
        plan: Its steps.
        ledger: What the manager has found.
        unanswered: What became of the steps of those who have not answered.
    """
    got_further = ledger.is_request_satisfied.answer or ledger.is_progress_being_made.answer
    found: StepStatus = "done" if got_further else "running"
    return [
        _with_status(step, unanswered.get(step.worker, found)) if step.status == "running" else step
        for step in plan
    ]


def _with_status(step: PlanStep, status: StepStatus) -> PlanStep:
    return step if step.status == status else step.model_copy(update={"status": status})


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
