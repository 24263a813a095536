"""An incident by rules, where no model responds: what is suspected, found, and to be done about it.

What comes in is in the task: the service, since when, how many requests fail, and what changed
before. The first guess goes by that alone; the diagnosis, by logs and metrics, may prove it wrong.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from langgraph_orchestra.graphs.templates.incident_data import SERVICES
from langgraph_orchestra.graphs.templates.reading import NUMBER, figure, matches, number, sentences

__all__ = [
    "REMEDIES",
    "Alert",
    "Cause",
    "Diagnosis",
    "Remedy",
    "alert_in",
    "diagnosis_of",
]

Cause = Literal["release", "database", "capacity", "none", "unknown"]
"""Why a service fails; `none` if it does not."""

SUSPICIOUS_MINUTES = 60
"""For how long after a release it is the first suspect."""

GRAVE_ERROR_RATE = 25.0
"""From which percentage of failing requests on customers and management are told."""

HEALTHY_ERROR_RATE = 1.0
"""Up to which percentage of failing requests a service counts as well."""

FULL = 95.0
"""From which percentage in use on there is nothing left."""


class Diagnosis(BaseModel):
    """Why a service fails."""

    service: str = Field(description="The service, by its name.")
    cause: Cause = Field(description="Why it fails; `none` if it does not fail any more.")
    error_rate: float | None = Field(description="Percentage of requests that fail now.")
    evidence: list[str] = Field(description="The figures and lines that show it, word for word.")


class Remedy(NamedTuple):
    """What is done about a cause."""

    worker: str
    task: str
    """With the place of the service's name."""

    def for_service(self, service: str) -> str:
        """The task, of a service."""
        return self.task.format(service=service)


REMEDIES: Mapping[Cause, Remedy] = {
    "release": Remedy("rollback", "Roll {service} back to the release before"),
    "database": Remedy("infrastructure", "Restore the database connections of {service}"),
    "capacity": Remedy("infrastructure", "Replace the instances of {service}"),
}
"""By cause; what is not here, no agent can mend."""


class Alert(NamedTuple):
    """What an incident's first report says."""

    service: str
    """Empty if it names none that is known."""

    symptom: str
    """Its first sentence."""

    error_rate: float | None
    """Share of requests that fail, in percent."""

    release: str
    """The version it says was released; empty if none."""

    minutes_since_release: float | None
    """From the release to the first failure; None if the report does not say."""

    @property
    def suspect(self) -> Cause:
        """What is suspected before anybody has looked."""
        minutes = self.minutes_since_release
        is_close = minutes is None or 0 <= minutes <= SUSPICIOUS_MINUTES
        return "release" if self.release and is_close else "unknown"

    @property
    def audiences(self) -> Sequence[str]:
        """Who is told."""
        is_grave = self.error_rate is None or self.error_rate >= GRAVE_ERROR_RATE
        return ["customers", "management"] if is_grave else ["support"]


def alert_in(task: str) -> Alert:
    """What a report says."""
    share = re.search(rf"({NUMBER}) ?(?:%|percent)", task)
    release = re.search(r"\b(?:release|version)s? v?(\d+(?:\.\d+)+)", task, re.IGNORECASE)
    since = re.search(r"\b(?:since|from|at) (\d{1,2}):(\d\d)", _before_release(task))
    released = release and re.search(r"(\d{1,2}):(\d\d)", task[release.end() :])
    minutes = _minutes(since) - _minutes(released) if since and released else None
    [named, *_] = [*matches("|".join(SERVICES), task), ""]
    return Alert(
        service=named.lower(),
        symptom=next(iter(sentences(task)), "").rstrip(".!"),
        error_rate=float(share[1].replace(",", "")) if share else None,
        release=release[1] if release else "",
        minutes_since_release=minutes,
    )


def diagnosis_of(service: str, logs: str, metrics: str) -> Diagnosis:
    """Why a service fails, by what its logs and metrics say now."""
    cause = _cause_of(logs, metrics)
    return Diagnosis(
        service=service,
        cause=cause,
        error_rate=_percent("error rate", metrics),
        evidence=list(_evidence_for(cause, logs, metrics)) or [logs],
    )


def _cause_of(logs: str, metrics: str) -> Cause:
    error_rate = _percent("error rate", metrics)
    if error_rate is not None and error_rate <= HEALTHY_ERROR_RATE:
        return "none"
    if (_percent("connections in use", metrics) or 0) >= FULL:
        return "database"
    if (_percent("memory", metrics) or 0) >= FULL:
        return "capacity"
    return "release" if matches("first seen in", logs) else "unknown"


def _evidence_for(cause: Cause, logs: str, metrics: str) -> Iterator[str]:
    """What speaks for a cause: the figure that shows it, and the first line that does."""
    shown: Mapping[Cause, tuple[str, str]] = {
        "database": ("connections in use", "connection"),
        "capacity": ("memory", "memory"),
    }
    label, word = shown.get(cause, ("error rate", "ERROR"))
    value = _percent(label, metrics)
    if value is not None:
        yield f"{label}: {number(value)}%"
    if cause != "none":
        yield from [line for line in logs.splitlines() if word in line][:1]


def _percent(label: str, text: str) -> float | None:
    found = figure(label, text)
    return found.value if found else None


def _before_release(task: str) -> str:
    """The sentences that do not speak of a release: its time is not that of the failure."""
    return " ".join(
        one for one in sentences(task) if not matches("releases?|released|versions?", one)
    )


def _minutes(time: re.Match[str]) -> int:
    return int(time[1]) * 60 + int(time[2])
