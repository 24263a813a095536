"""The offline systems of a web shop: services, their logs and metrics, and the tools on them.

The tools act on these tables whether a real model calls them or a stand-in. What has been done to a
service is kept in the run's `changes`: only a change that mends its fault brings its metrics back.
"""

from collections.abc import Mapping, Sequence
from operator import add
from typing import Annotated, Any, Literal, NamedTuple

from langchain_core.messages import ToolMessage
from langgraph.prebuilt import ToolRuntime
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs.templates.reading import listed, number
from langgraph_orchestra.state import MagenticState

__all__ = [
    "SERVICES",
    "Action",
    "Change",
    "IncidentState",
    "Notice",
    "list_releases",
    "notify",
    "read_logs",
    "read_metrics",
    "replace_instances",
    "restore_connections",
    "roll_back",
]

Action = Literal["roll back", "restore connections", "replace instances"]


class Change(BaseModel):
    """What was done to a service."""

    service: str
    action: Action


class Notice(BaseModel):
    """What somebody was told."""

    audience: str
    text: str


class IncidentState(MagenticState, total=False):
    """The state of the response, with what was done and who was told; only tools write there."""

    changes: Annotated[list[Change], add]
    notices: Annotated[list[Notice], add]


class Service(NamedTuple):
    """A service with its fault."""

    release: str
    release_before: str
    released: str
    """When; empty if long ago."""

    logs: Sequence[str]
    error_rate: float
    """Share of requests that fail, in percent."""

    connections: float
    """Database connections in use, in percent."""

    memory: float
    """In use, in percent."""

    instances: tuple[int, int]
    """Healthy ones, and all."""

    mended_by: Action | None
    """What mends its fault; None if nothing that the tools can do."""


SERVICES: Mapping[str, Service] = {
    "checkout": Service(
        "2.14.0",
        "2.13.4",
        "13:55",
        [
            "14:01 WARN nightly report holds 180 connections since 13:58",
            "14:02 ERROR timeout while waiting for a database connection",
            "14:03 ERROR timeout while waiting for a database connection",
        ],
        error_rate=31,
        connections=100,
        memory=61,
        instances=(6, 6),
        mended_by="restore connections",
    ),
    "search": Service(
        "5.2.0",
        "5.1.7",
        "09:10",
        [
            "09:12 ERROR KeyError: 'locale' in ranking, first seen in 5.2.0",
            "09:12 ERROR KeyError: 'locale' in ranking, first seen in 5.2.0",
        ],
        error_rate=18,
        connections=22,
        memory=48,
        instances=(4, 4),
        mended_by="roll back",
    ),
    "login": Service(
        "1.9.3",
        "1.9.2",
        "",
        ["11:40 ERROR out of memory: instance 3 killed", "11:41 ERROR no healthy instance"],
        error_rate=64,
        connections=35,
        memory=98,
        instances=(1, 4),
        mended_by="replace instances",
    ),
    "payments": Service(
        "3.0.1",
        "3.0.0",
        "",
        ["16:20 ERROR 502 from the bank's gateway", "16:21 ERROR 502 from the bank's gateway"],
        error_rate=44,
        connections=30,
        memory=52,
        instances=(5, 5),
        mended_by=None,
    ),
}
HEALTHY_ERROR_RATE = 0.2
HEALTHY_CONNECTIONS = 40
HEALTHY_MEMORY = 55


def read_logs(service: str) -> str:
    """Read the latest lines in the log of a service."""
    known = SERVICES.get(service)
    return "\n".join(known.logs) if known else _unknown(service)


def read_metrics(service: str, runtime: ToolRuntime[Any, Any]) -> str:
    """Read how a service is doing at this moment."""
    known = SERVICES.get(service)
    if known is None:
        return _unknown(service)
    done = [one.action for one in runtime.state.get("changes") or () if one.service == service]
    healthy, all_instances = known.instances
    if known.mended_by in done:
        error_rate, healthy = HEALTHY_ERROR_RATE, all_instances
        connections = min(known.connections, HEALTHY_CONNECTIONS)
        memory = min(known.memory, HEALTHY_MEMORY)
    else:
        error_rate, connections, memory = known.error_rate, known.connections, known.memory
    return (
        f"error rate {number(error_rate)}%, database connections in use "
        f"{number(connections)}%, memory {number(memory)}%, healthy instances {healthy} of "
        f"{all_instances}"
    )


def list_releases(service: str) -> str:
    """List the release of a service that runs, and the one before."""
    known = SERVICES.get(service)
    if known is None:
        return _unknown(service)
    when = f"at {known.released} today" if known.released else "weeks ago"
    return f"{service} {known.release}, released {when}; before it {known.release_before}"


def roll_back(service: str, runtime: ToolRuntime[Any, Any]) -> str | Command[Any]:
    """Put the release of a service before the latest one back to work."""
    before = SERVICES[service].release_before if service in SERVICES else ""
    return _done(runtime, service, "roll back", f"{service} runs on {before} again.")


def restore_connections(service: str, runtime: ToolRuntime[Any, Any]) -> str | Command[Any]:
    """Close what holds a service's database connections, and open its pool anew."""
    text = f"The database connections of {service} were closed and opened anew."
    return _done(runtime, service, "restore connections", text)


def replace_instances(service: str, runtime: ToolRuntime[Any, Any]) -> str | Command[Any]:
    """Replace the instances of a service by new ones."""
    text = f"All instances of {service} were replaced."
    return _done(runtime, service, "replace instances", text)


def notify(audiences: list[str], message: str, runtime: ToolRuntime[Any, Any]) -> Command[Any]:
    """Send a message to each of the audiences: customers, management, support, on-call."""
    notices = [Notice(audience=audience, text=message) for audience in audiences]
    answer = ToolMessage(f"Told {listed(audiences)}.", tool_call_id=runtime.tool_call_id or "")
    return Command(update={"notices": notices, "messages": [answer]})


def _done(
    runtime: ToolRuntime[Any, Any], service: str, action: Action, text: str
) -> str | Command[Any]:
    """What a change answers, and what it leaves for all to see."""
    if service not in SERVICES:
        return _unknown(service)
    answer = ToolMessage(text, tool_call_id=runtime.tool_call_id or "")
    change = Change(service=service, action=action)
    return Command(update={"changes": [change], "messages": [answer]})


def _unknown(service: str) -> str:
    return f"There is no service {service}; there are {listed([*SERVICES])}."
