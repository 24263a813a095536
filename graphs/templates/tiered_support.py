"""Tiered support: each tier solves what it can, and hands the rest on to one that can do more.

    intake -> tier1 -> tier2 -> engineering
                |
                +----> billing               whoever solves it answers, and the run ends

Every message is a ticket of its own: it begins at the first tier, whoever answered the last one.
"""

from collections.abc import Sequence
from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_handoff
from langgraph_orchestra.graphs.templates.acting import handing_over
from langgraph_orchestra.graphs.templates.reading import note_in, task_in
from langgraph_orchestra.graphs.templates.tier_rules import (
    RATE_LIMIT,
    affected_in,
    diagnosis_of,
    first_sentence,
    is_about_money,
    known_solution,
    overcharged,
    severity_of,
    version_in,
)
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, this_run

__all__ = [
    "BILLING_PROMPT",
    "ENGINEERING_PROMPT",
    "TIER_1_PROMPT",
    "TIER_2_PROMPT",
    "Incident",
    "graph",
]

TIER_1_PROMPT = """\
You are the first tier of a support line for a web application. Solve what is common: passwords,
second factors, profile settings, inviting people, exports. Give the steps, in at most three
sentences. Hand everything about bills and charges over to `billing`, and everything technical that
you know no solution for (APIs, sign-in by SSO, synchronisation, error codes, crashes, lost data) to
`tier2`. In `context`, quote error codes, versions, what was tried and who is affected. Do not
guess."""

TIER_2_PROMPT = f"""\
You are the second tier of a support line for a web application: technical problems. Find the cause
from error codes and symptoms, and give the remedy. The API answers {RATE_LIMIT} requests a minute.
What can only be a defect of ours (errors 5xx, crashes, lost or corrupt data) goes to `engineering`:
urgent if data is lost or everybody is affected, with your diagnosis as `context`. If you cannot
tell, ask for the error code and the version, and hand nothing over."""

BILLING_PROMPT = """\
You handle bills of a support line for a web application. Work out what was charged too much from
the amounts in the ticket, and say what is paid back. If an amount is missing, ask for it. Promise
nothing else."""

ENGINEERING_PROMPT = """\
You take over defects from the second tier of a support line and open an incident. `sev1` if data is
lost or corrupt or everybody is affected, else `sev2`. Take facts from the ticket and the diagnosis
alone; a version nobody has named stays empty. First steps: what limits the damage first, then what
finds the cause. The reply is for the customer: what happens now, and what they should not do until
then."""


class Incident(BaseModel):
    """A defect that engineering works on."""

    severity: Literal["sev1", "sev2"] = Field(description="How grave it is.")
    title: str = Field(description="What is wrong, in one line.")
    affected: str = Field(description="Who is affected.")
    version: str = Field(description="Version of the application; empty if unknown.")
    first_steps: list[str] = Field(description="What is done first, in order.")
    reply: str = Field(description="What the customer is told.")

    def __str__(self) -> str:
        version = f", version {self.version}" if self.version else ""
        steps = "\n".join(f"{place}. {step}" for place, step in enumerate(self.first_steps, 1))
        return f"[{self.severity}] {self.title} ({self.affected}{version})\n{steps}\n\n{self.reply}"


def graph() -> PatternGraph:
    """Build the graph."""
    return create_handoff(
        [
            Agent("tier1", TIER_1_PROMPT, model=StandIn(tier1)),
            Agent("tier2", TIER_2_PROMPT, description="technical problems", model=StandIn(tier2)),
            Agent("billing", BILLING_PROMPT, description="bills", model=StandIn(billing)),
            Agent(
                "engineering",
                ENGINEERING_PROMPT,
                description="defects of the application",
                model=StandIn(engineering),
                output=Incident,
            ),
        ],
        routes={"tier1": ["tier2", "billing"], "tier2": ["engineering"]},
        resume_at="start",
        history=this_run(),
    )


def tier1(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for the first tier: a known solution, or whose ticket it is."""
    ticket = task_in(messages)
    if is_about_money(ticket):
        return handing_over("billing", "It is about a bill.")
    return known_solution(ticket) or handing_over(
        "tier2",
        "I know no solution.",
        context=f"Affected: {affected_in(ticket)}. Version: {version_in(ticket) or 'not named'}.",
    )


def tier2(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for the second tier: a cause, or a defect."""
    ticket = task_in(messages)
    found = diagnosis_of(ticket)
    if found.kind != "defect":
        return found.text
    return handing_over(
        "engineering",
        "It is a defect of ours.",
        context=found.text,
        priority="urgent" if severity_of(ticket) == "sev1" else "high",
    )


def billing(messages: Sequence[BaseMessage]) -> str:
    """Stand in for billing: the difference between the amounts."""
    return overcharged(task_in(messages))


def engineering(messages: Sequence[BaseMessage]) -> Incident:
    """Stand in for engineering: an incident from the ticket and the second tier's diagnosis."""
    ticket = task_in(messages)
    severity, diagnosis = severity_of(ticket), note_in(messages, "Context")
    is_loss = diagnosis.startswith("Data is lost")
    version = version_in(ticket)
    reproduced = f"Reproduce it in version {version}." if version else "Ask for the version."
    protect = (
        "Stop writes, and keep the latest backups." if is_loss else "Compare the latest releases."
    )
    do_not = "Please change nothing until then." if is_loss else "Please try again after that."
    wait = "one hour" if severity == "sev1" else "one working day"
    return Incident(
        severity=severity,
        title=first_sentence(ticket).rstrip(".!"),
        affected=affected_in(ticket),
        version=version,
        first_steps=[protect, reproduced, f"Follow the diagnosis of tier 2: {diagnosis}"],
        reply=f"Our engineers work on it and write to you within {wait}. {do_not}",
    )
