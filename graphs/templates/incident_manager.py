"""Rules that stand in for the manager of an incident: its plans, its assessments and its report.

All go by one list, of what is still to be done as things stand. A plan that holds another change
than this list has been proved wrong.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs.templates.incident_rules import (
    REMEDIES,
    Alert,
    Diagnosis,
    Remedy,
    alert_in,
)
from langgraph_orchestra.graphs.templates.reading import listed, said_by, typed_in
from langgraph_orchestra.nodes import MagenticPrompts
from langgraph_orchestra.state import (
    Finding,
    Instruction,
    NextSpeaker,
    PlanStep,
    ProgressLedger,
    TaskLedger,
)

__all__ = ["assess", "plan", "report"]

ON_CALL = "on-call"
PLAN = MagenticPrompts().steps
NOT_ALLOWED = MagenticPrompts().refused


class Situation(NamedTuple):
    """What is known of an incident."""

    alert: Alert
    diagnoses: Sequence[Diagnosis]
    """In order."""

    tried: Sequence[Remedy]
    """What was done."""

    refusal: str
    """What the person said who did not approve a change; empty if nobody has refused."""

    told: str
    """All that communication has said."""

    planned: str
    """The plan that holds."""

    is_to_verify: bool
    """Whether something was done since the latest diagnosis."""

    @property
    def is_mended(self) -> bool:
        """Whether the service was found to work."""
        return bool(self.diagnoses) and self.diagnoses[-1].cause == "none"

    @property
    def remedy(self) -> Remedy | None:
        """What mends the cause that was found, else the one suspected; None if nothing new does."""
        cause = self.diagnoses[-1].cause if self.diagnoses else self.alert.suspect
        remedy = REMEDIES.get(cause)
        return None if self.refusal or remedy in self.tried else remedy


def plan(messages: Sequence[BaseMessage]) -> TaskLedger:
    """Stand in for the plan: go by what was found, else by what is suspected."""
    now = situation_in(messages)
    alert, is_open = now.alert, not now.diagnoses and bool(now.alert.service)
    suspicion = f"Release {alert.release}, shortly before the first failure, is the cause"
    return TaskLedger(
        facts_given=[alert.symptom, *([stand_of(now)] if now.diagnoses else [])],
        facts_to_look_up=[f"Logs and metrics of {alert.service}"] if is_open else [],
        facts_to_derive=["Why it fails"] if is_open else [],
        guesses=[suspicion] if is_open and alert.suspect == "release" else [],
        plan=list(steps_for(now)),
    )


def assess(messages: Sequence[BaseMessage]) -> ProgressLedger:
    """Stand in for the assessment: compare what is still to be done with the plan."""
    now = situation_in(messages)
    steps, stand = list(steps_for(now)), stand_of(now)
    wave = [step for step in steps if not step.depends_on]
    wrong = wrong_in(now, steps)
    # Whoever is asked to approve a change reads why it is to be made.
    reasons = [stand for step in wave if step.id == "mend"]
    instructions = [*(step.task for step in wave), *reasons]
    return ProgressLedger(
        is_request_satisfied=Finding(reason=stand, answer=not steps),
        is_in_loop=Finding(reason="Every step is taken once.", answer=False),
        is_progress_being_made=Finding(reason=wrong or stand, answer=not wrong),
        next_speaker=NextSpeaker(reason=stand, answer=[step.worker for step in wave]),
        instruction_or_question=Instruction(
            reason="It comes next in the plan.",
            answer=" ".join(f"{one.rstrip('.')}." for one in instructions),
        ),
    )


def wrong_in(now: Situation, steps: Sequence[PlanStep]) -> str:
    """What the plan that holds would change though it should not, or the reverse; empty if none."""
    service = now.alert.service
    due = [step.task for step in steps if step.id == "mend"]
    open_changes = [
        task
        for task in (remedy.for_service(service) for remedy in REMEDIES.values())
        if task in now.planned and task not in [one.for_service(service) for one in now.tried]
    ]
    if due == open_changes:
        return ""
    planned, needed = open_changes or ["no change"], due or ["no change"]
    return f"{stand_of(now)} The plan holds: {listed(planned)}. Needed: {listed(needed)}."


def report(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the closing report: what was found, done and told."""
    now = situation_in(messages)
    service = now.alert.service.capitalize() or "The incident"
    lines = [stand_of(now) if now.is_mended else f"{service} is left to {ON_CALL}."]
    lines.append(f"- Reported: {now.alert.symptom}.")
    for first in now.diagnoses[:1]:
        lines.append(f"- Found: {first.cause} ({'; '.join(first.evidence)}).")
        if now.alert.suspect not in ("unknown", first.cause):
            lines.append(f"- Suspected before that, wrongly: {now.alert.suspect}.")
    done = [*said_by("rollback", messages), *said_by("infrastructure", messages)]
    lines += [f"- Done: {text}" for text in done]
    lines += [f"- Not approved: {now.refusal}"] if now.refusal else []
    lines += [f"- {text}" for text in said_by("communication", messages)]
    return "\n".join(lines)


def situation_in(messages: Sequence[BaseMessage]) -> Situation:
    """What is known of an incident, by what its manager reads."""
    task = next(m.text for m in messages if m.type == "human" and not m.name)
    alert = alert_in(task)
    everything = "\n".join(m.text for m in messages)
    ordered = "\n".join(m.text for m in messages if m.type == "ai")
    refused = re.search(rf"{re.escape(NOT_ALLOWED)} (.+)", everything)
    worked = [m.name for m in messages if m.name in ("diagnostics", "infrastructure", "rollback")]
    return Situation(
        alert=alert,
        diagnoses=typed_in(Diagnosis, messages),
        tried=[
            remedy
            for remedy in REMEDIES.values()
            if remedy.worker in worked and remedy.for_service(alert.service) in ordered
        ],
        refusal=refused[1] if refused else "",
        told="\n".join(said_by("communication", messages)),
        planned=everything.rpartition(PLAN)[2],
        is_to_verify=bool(worked) and worked[-1] != "diagnostics",
    )


def steps_for(now: Situation) -> Iterator[PlanStep]:
    """What is still to be done, as things stand."""
    service, remedy, everybody = now.alert.service, now.remedy, listed(now.alert.audiences)
    if not service or (now.diagnoses and not (now.is_mended or now.is_to_verify or remedy)):
        yield from _notice(
            now, ON_CALL, f"{service.capitalize() or 'An incident'} needs you. {stand_of(now)}"
        )
        return
    if now.is_mended and not now.is_to_verify:
        yield from _notice(now, everybody, f"{service.capitalize()} works again.")
        return
    after: list[str] = []
    if not now.diagnoses:
        yield PlanStep(id="find", worker="diagnostics", task=f"Find out why {service} fails")
        yield from _notice(now, everybody, f"{now.alert.symptom}. We work on it.")
        after = ["find"]
    if remedy and not now.is_to_verify:
        task = remedy.for_service(service)
        yield PlanStep(id="mend", worker=remedy.worker, task=task, depends_on=after)
        after = ["mend"]
    if remedy or now.is_to_verify:
        task = f"Check whether {service} works"
        yield PlanStep(id="check", worker="diagnostics", task=task, depends_on=after)
        after = ["check"]
    task = f"Tell {everybody} how it stands"
    yield PlanStep(id="close", worker="communication", task=task, depends_on=after)


def _notice(now: Situation, audience: str, text: str) -> Iterator[PlanStep]:
    if text not in now.told:
        yield PlanStep(id="tell", worker="communication", task=f"Tell {audience}: {text}")


def stand_of(now: Situation) -> str:
    """Where things stand, in a sentence or two."""
    if not now.alert.service:
        return f"No service that we watch is named: {now.alert.symptom}."
    if not now.diagnoses:
        return "Nobody has looked yet."
    latest = now.diagnoses[-1]
    found = f"Diagnostics found: {latest.cause} ({'; '.join(latest.evidence)})."
    if now.refusal:
        return f"{found} A person did not approve the change: {now.refusal}"
    if now.is_to_verify:
        return f"{found} A change was made since."
    if now.is_mended:
        return f"{now.alert.service.capitalize()} works: {'; '.join(latest.evidence)}."
    if now.remedy:
        return found
    return f"{found} No agent can do more about it."
