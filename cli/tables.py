"""Lists for people: templates, threads, runs, handoffs and verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table

from langgraph_orchestra.checkpoints import ThreadInfo
from langgraph_orchestra.cli.errors import one_line
from langgraph_orchestra.cli.thread import Standing
from langgraph_orchestra.cli.upkeep import Step
from langgraph_orchestra.cli.wording import duration, task_of, why_handed_over, why_it_stands
from langgraph_orchestra.reports.tables import add_row, lean_table
from langgraph_orchestra.state import (
    Handoff,
    PlanStep,
    ProgressLedger,
    StepResult,
    TaskLedger,
    Verdict,
)

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.templates import Template

__all__ = [
    "facts_table",
    "handoff_table",
    "plan_table",
    "plans_made",
    "progress_table",
    "results_table",
    "run_table",
    "step_table",
    "template_table",
    "thread_table",
    "verdict_table",
]


def template_table(templates: "Iterable[Template]") -> Table:
    """What there is to run."""
    table = lean_table("template", "pattern", "summary")
    for template in templates:
        add_row(table, template.name, template.pattern, template.summary)
    return table


def thread_table(infos: Iterable[tuple[ThreadInfo, str]]) -> Table:
    """Saved threads, each with the name of its template."""
    table = lean_table("thread", "template", "status", ">checkpoints", "updated")
    for info, template in infos:
        updated = f"{info.updated_at.astimezone():%Y-%m-%d %H:%M}"
        add_row(table, info.thread_id, template, info.status, f"{info.checkpoints:,}", updated)
    return table


def step_table(steps: Iterable[Step]) -> Table:
    """The steps of a thread, at which a new one may begin."""
    table = lean_table(">step", "made", "next", "checkpoint")
    for step in steps:
        made = f"{step.made_at.astimezone():%Y-%m-%d %H:%M}"
        add_row(table, str(step.number), made, step.what_follows, step.checkpoint_id)
    return table


def run_table(runs: Iterable[Standing]) -> Table:
    """What has been run."""
    table = lean_table("template", "pattern", "thread", "stop", ">turns", ">tokens", ">time")
    for run in runs:
        spent = run.spent
        add_row(
            table,
            run.template,
            run.pattern,
            run.thread_id,
            why_it_stands(run),
            f"{spent.turns:,}",
            f"{spent.tokens:,}" if spent.tokens else "",
            duration(spent.seconds),
        )
    return table


def handoff_table(handoffs: Sequence[Handoff]) -> Table:
    """Who handed over to whom, why, and what became of it."""
    table = lean_table("handoff", "outcome", "by", "why")
    for handoff in handoffs:
        path = f"{handoff.source} → {handoff.target}"
        add_row(table, path, handoff.outcome, handoff.by, why_handed_over(handoff))
    return table


def verdict_table(rounds: Sequence[Mapping[str, Verdict]]) -> Table:
    """How the drafts were judged, round by round."""
    table = lean_table(">round", "checker", "verdict", ">score", "feedback")
    for number, verdicts in enumerate(rounds, 1):
        for checker, verdict in verdicts.items():
            add_row(
                table,
                str(number),
                checker,
                "approved" if verdict.approved else "sent back",
                "" if verdict.score is None else f"{verdict.score:g}",
                one_line(verdict.feedback, 200),
            )
    return table


def plans_made(ledgers: Sequence[TaskLedger]) -> Sequence[TaskLedger]:
    """The plans of a manager as they ended: versions that differ in the status of steps are one."""
    versions = [list(same) for _, same in groupby(ledgers, key=_as_made)]
    return [latest for *_, latest in versions]


def _as_made(ledger: TaskLedger) -> TaskLedger:
    """A plan before any of its steps was taken."""
    steps = [step.model_copy(update={"status": "pending"}) for step in ledger.plan]
    return ledger.model_copy(update={"plan": steps})


def plan_table(plans: Sequence[Sequence[PlanStep]]) -> Table:
    """Who does what, and how far it is; of several plans, which are numbered, the latest holds."""
    numbers = [">plan"] if len(plans) > 1 else []
    table = lean_table(*numbers, "step", "owner", "status", "task")
    for number, steps in enumerate(plans, 1):
        for step in steps:
            task = one_line(task_of(step), 200)
            add_row(table, *[str(number) for _ in numbers], step.id, step.worker, step.status, task)
    return table


def facts_table(plans: Sequence[TaskLedger]) -> Table:
    """What each plan of a manager went by."""
    table = lean_table(">plan", "kind", "fact")
    for number, ledger in enumerate(plans, 1):
        kinds = {
            "given": ledger.facts_given,
            "to look up": ledger.facts_to_look_up,
            "to work out": ledger.facts_to_derive,
            "guess": ledger.guesses,
        }
        for kind, facts in kinds.items():
            for fact in facts:
                add_row(table, str(number), kind, one_line(fact, 200))
    return table


def progress_table(ledgers: Sequence[ProgressLedger]) -> Table:
    """What a manager found each time it looked, and whom it had work next."""
    table = lean_table(">look", "found", "next", "why")
    for number, ledger in enumerate(ledgers, 1):
        found, why = _found(ledger)
        named = ledger.next_speaker.answer
        names = [named] if isinstance(named, str) else named
        next_ = "" if ledger.is_request_satisfied.answer else ", ".join(names)
        add_row(table, str(number), found, next_, one_line(why, 200))
    return table


def _found(ledger: ProgressLedger) -> tuple[str, str]:
    """How far the work is, in a word or two, and why."""
    if ledger.is_request_satisfied.answer:
        return "satisfied", ledger.is_request_satisfied.reason
    if ledger.is_in_loop.answer:
        return "in a loop", ledger.is_in_loop.reason
    if not ledger.is_progress_being_made.answer:
        return "no progress", ledger.is_progress_being_made.reason
    return "progress", ledger.next_speaker.reason


def results_table(results: Mapping[str, StepResult]) -> Table:
    """What came of the steps of a plan, and what the review made of it."""
    table = lean_table("step", "worker", "result", ">attempts")
    for step, result in results.items():
        judged = "accepted" if result.accepted else "not accepted"
        failed = result.failure
        told = f"{failed.type}: {one_line(failed.message, 200)}" if failed else judged
        add_row(table, step, result.worker, told, str(result.attempts))
    return table
