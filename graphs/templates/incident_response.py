"""Incident response: a manager plans, four agents find out, repair and inform, a person approves.

    intake -> manager <-> diagnostics, infrastructure, rollback, communication
                 |
                 +-> END, with the report

The plan follows from what is found: a release shortly before the first failure is suspected, so the
first plan rolls it back; where logs and metrics say otherwise, the manager writes the plan anew.
Before `rollback` or `infrastructure` change anything, a person approves it. What no agent can mend,
or a person does not want changed, goes to the engineers on call. All versions of the plan and of
the manager's assessments are kept, for the review afterwards.
"""

import re
from collections.abc import Sequence
from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_orchestra.graphs import PatternGraph, create_magentic
from langgraph_orchestra.graphs.templates import incident_manager
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.incident_data import (
    IncidentState,
    list_releases,
    notify,
    read_logs,
    read_metrics,
    replace_instances,
    restore_connections,
    roll_back,
)
from langgraph_orchestra.graphs.templates.incident_rules import Diagnosis, alert_in, diagnosis_of
from langgraph_orchestra.graphs.templates.managing import Decisions, ManagerStandIn
from langgraph_orchestra.graphs.templates.reading import matches, said_by
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, this_run
from langgraph_orchestra.state import ProgressLedger, TaskLedger

__all__ = [
    "COMMUNICATION_PROMPT",
    "DIAGNOSTICS_PROMPT",
    "INFRASTRUCTURE_PROMPT",
    "MANAGER_PROMPT",
    "ROLLBACK_PROMPT",
    "graph",
    "reviewed_graph",
]

MANAGER_PROMPT = """\
You lead the response to an incident of a web shop. The goal: the service works again, its cause is
known, and all who are affected know how it stands.

At the start, have `diagnostics` find the cause and `communication` tell those affected, at once: if
a quarter of the requests or more fail, customers and management, else support. Suspect a release if
it went out within the hour before. Nothing is changed before the cause is known. As soon as a
finding contradicts the plan, no progress is being made: say so, and plan anew by what was found. A
release is rolled back by `rollback`; database connections and instances are mended by
`infrastructure`. After each change `diagnostics` checks whether the service works. If a person does
not approve a change, or nothing helps, have `communication` tell `on-call`, with all that was
found. The last step is always to tell those affected how it stands."""

DIAGNOSTICS_PROMPT = """\
You find out why a service of a web shop fails. Read its logs and its metrics, always both, and
anew each time you are asked: they change. Judge by them alone. `release`: errors that the logs tie
to a release. `database`: connections or queries. `capacity`: memory, or instances that are gone.
`none`: not more than 1% of the requests fail. `unknown`: they show none of these."""

INFRASTRUCTURE_PROMPT = """\
You change the infrastructure of a web shop: database connections and instances. Do the one thing
that you were told to do, once, and say what you did. Never change anything on a guess."""

ROLLBACK_PROMPT = """\
You take releases of a web shop back. Look up which release is running and which came before, roll
back the service you were told, once, and say what runs now."""

COMMUNICATION_PROMPT = """\
You tell people about incidents of a web shop. Tell exactly those you were told to, in two
sentences at most: what does not work and since when, then what happens next. No guesses about
causes, no promises of a time. Then say whom you told what."""


def graph() -> PatternGraph:
    """Build the graph; the plan is carried out as the manager makes it."""
    return _graph(plan_review=None)


def reviewed_graph() -> PatternGraph:
    """Build the graph with a person who reviews the plan, and each new one, before work begins."""
    return _graph(plan_review="always")


def _graph(*, plan_review: Literal["always"] | None) -> PatternGraph:
    rules: Decisions = {TaskLedger: incident_manager.plan, ProgressLedger: incident_manager.assess}
    return create_magentic(
        [
            Agent(
                "diagnostics",
                DIAGNOSTICS_PROMPT,
                description="finds out why a service fails, and whether it works again",
                model=StandIn(diagnose),
                tools=[read_logs, read_metrics],
                output=Diagnosis,
            ),
            Agent(
                "infrastructure",
                INFRASTRUCTURE_PROMPT,
                description="restores database connections, replaces instances",
                model=StandIn(change_infrastructure),
                tools=[restore_connections, replace_instances],
            ),
            Agent(
                "rollback",
                ROLLBACK_PROMPT,
                description="takes a release back",
                model=StandIn(take_back),
                tools=[list_releases, roll_back],
            ),
            Agent(
                "communication",
                COMMUNICATION_PROMPT,
                description="tells customers, management, support or on-call",
                model=StandIn(communicate),
                tools=[notify],
            ),
        ],
        model=Agent(
            "commander",
            MANAGER_PROMPT,
            model=ManagerStandIn(rules, incident_manager.report),
            history=this_run(),
        ),
        max_stalls=0,  # a plan that was proved wrong is not carried on with
        max_resets=3,
        approve_before=("infrastructure", "rollback"),
        plan_review=plan_review,
        state_schema=IncidentState,
    )


def diagnose(messages: Sequence[BaseMessage]) -> AIMessage | Diagnosis:
    """Stand in for diagnostics: read both, and go by the figures."""
    service = service_in(messages)
    *_, last = messages
    if last.type != "tool":
        return calling("read_logs", service=service)
    if last.name == "read_logs":
        return calling("read_metrics", service=service)
    *_, logs = [m.text for m in messages if m.type == "tool" and m.name == "read_logs"]
    return diagnosis_of(service, logs, last.text)


def change_infrastructure(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for infrastructure: do what the manager has said."""
    *_, last = messages
    if last.type == "tool":
        return last.text
    told = said_by("manager", messages)[-1]
    tool = "restore_connections" if matches("connections", told) else "replace_instances"
    return calling(tool, service=service_in(messages))


def take_back(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for rollback: look up what runs, and take it back."""
    *_, last = messages
    if last.type != "tool":
        return calling("list_releases", service=service_in(messages))
    if last.name == "list_releases":
        return calling("roll_back", service=service_in(messages))
    return last.text


def communicate(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for communication: tell those the manager names what the manager says."""
    *_, last = messages
    found = re.search(r"\bTell ([^:]+): (.+)", said_by("manager", messages)[-1])
    audience, text = found.groups() if found else ("on-call", "The manager named nobody.")
    if last.type == "tool":
        return f"{last.text[:-1]}: “{text}”"
    return calling("notify", audiences=re.split(r", | and ", audience), message=text)


def service_in(messages: Sequence[BaseMessage]) -> str:
    """The service that the task is about."""
    return alert_in(next(m.text for m in messages if m.type == "human" and not m.name)).service
