"""How the work was planned and followed: plans, ledgers, and what came of the steps."""

from collections.abc import Iterable, Sequence

from langgraph_orchestra.reports.page.html import Html, element, joined
from langgraph_orchestra.reports.page.parts import folded, section, spoken, table
from langgraph_orchestra.reports.recording import Recording
from langgraph_orchestra.reports.wording import as_text
from langgraph_orchestra.state import Finding, PlanStep, ProgressLedger, StepResult, TaskLedger

__all__ = ["plan", "progress"]


def plan(recording: Recording) -> Html:
    """The plan, and the ledgers of facts and plans, the newest first."""
    planned = recording.plan
    return section(
        "plan",
        "Plan",
        _steps(planned.steps) if planned else Html(),
        *_ledgers(recording.task_ledgers),
        _step_results(recording.step_results),
    )


def progress(recording: Recording) -> Html:
    """What the manager has found of the progress, round by round."""
    headings = ["round", "done", "in a loop", "progress", "next", "instruction"]
    rows = [
        [str(number), *_findings(ledger)]
        for number, ledger in enumerate(recording.progress_ledgers, 1)
    ]
    return section("progress", "Progress", table(headings, rows))


def _steps(steps: Iterable[PlanStep]) -> Html:
    rows = [
        (
            step.id,
            step.worker,
            _with_note(step.task, step.expected),
            ", ".join(step.depends_on),
            element("span", step.status, class_=f"badge {_STATUS[step.status]}"),
        )
        for step in steps
    ]
    return table(["step", "who", "task", "needs", "status"], rows)


_STATUS = {"pending": "open", "running": "open", "done": "well", "failed": "badly"}


def _ledgers(ledgers: Sequence[TaskLedger]) -> Iterable[Html]:
    for number, ledger in reversed(list(enumerate(ledgers, 1))):
        is_newest = number == len(ledgers)
        yield folded(
            f"facts and plan, version {number}",
            *_facts(ledger),
            _steps(ledger.plan),
            is_open=is_newest,
        )


def _facts(ledger: TaskLedger) -> Iterable[Html]:
    groups = {
        "given": ledger.facts_given,
        "to look up": ledger.facts_to_look_up,
        "to derive": ledger.facts_to_derive,
        "guesses": ledger.guesses,
    }
    for name, known in groups.items():
        if known:
            yield element("h3", name)
            yield element("ul", *(element("li", fact, dir="auto") for fact in known))


def _findings(ledger: ProgressLedger) -> Sequence[Html]:
    speaker = ledger.next_speaker.answer
    names = speaker if isinstance(speaker, str) else ", ".join(speaker)
    instruction = ledger.instruction_or_question
    return [
        *map(
            _finding,
            (ledger.is_request_satisfied, ledger.is_in_loop, ledger.is_progress_being_made),
        ),
        _with_note(names, ledger.next_speaker.reason),
        _with_note(instruction.answer, instruction.reason),
    ]


def _finding(finding: Finding) -> Html:
    return _with_note("yes" if finding.answer else "no", finding.reason)


def _step_results(results: Sequence[StepResult]) -> Html:
    rows = [
        (
            result.step,
            result.worker,
            spoken(as_text(result.output))
            if result.failure is None
            else f"{result.failure.type}: {result.failure.message}",
            "yes" if result.accepted else "no",
            str(result.attempts),
        )
        for result in results
    ]
    return table(["step", "who", "result", "accepted", "attempts"], rows, numbers=1)


def _with_note(text: str, note: str) -> Html:
    return joined(text, element("div", note, class_="note") if note else "")
