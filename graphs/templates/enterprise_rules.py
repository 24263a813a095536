"""A project by rules, where no model manages it: its parts, what they cost, what to cut."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, Field

from langgraph_orchestra.graphs.templates.reading import NUMBER, figure, matches, money, number

__all__ = [
    "DEPARTMENTS",
    "EVERYBODY",
    "Estimate",
    "Line",
    "Owner",
    "Part",
    "Worker",
    "assignment",
    "budget_in",
    "day_rate_in",
    "estimate_of",
    "missing_in",
    "owner_of",
    "parts_in",
    "to_cut",
    "total",
    "tree_of",
    "within",
]

DAY_RATE = 800.0
"""What a day costs, where the project does not say."""

RISK_RESERVE = 0.2
"""What is added for what has never been done before."""


class Worker(NamedTuple):
    """Somebody at the lowest level."""

    field: str
    words: str
    """What parts of the project are called that are theirs, a regular expression."""


DEPARTMENTS: Mapping[str, Mapping[str, Mapping[str, Worker]]] = {
    "engineering": {
        "backend": {
            "data_developer": Worker(
                "databases, imports and reports", r"data(?:base)?|migration|imports?|reports?"
            ),
            "api_developer": Worker("APIs and services", r"apis?|services?|interfaces?|endpoints?"),
        },
        "web": {
            "web_developer": Worker(
                "pages and apps", r"pages?|dashboards?|portal|app|screens?|web|mode|forms?"
            )
        },
    },
    "quality": {
        "testing": {"tester": Worker("tests and audits", r"tests?|testing|audits?|checks?")}
    },
}
"""Who works where, by department and team."""

EVERYBODY = [
    *DEPARTMENTS,
    *(team for teams in DEPARTMENTS.values() for team in teams),
    *(one for teams in DEPARTMENTS.values() for team in teams.values() for one in team),
]
"""Departments, teams and workers; a step of a plan is called after who does it."""

RISKY = "new|first|migration|unknown"

PART = re.compile(
    rf"(?:^|[-*•;:] ?)(?P<name>[^\W\d_][^:;()\n]*?)(?:: | \()(?P<days>{NUMBER}) days?"
    r"(?P<optional>[^;\n]*?\boptional\b)?",
    re.MULTILINE | re.IGNORECASE,
)


class Part(NamedTuple):
    """A part of a project."""

    name: str
    days: float
    is_optional: bool

    def __str__(self) -> str:
        optional = ", optional" if self.is_optional else ""
        return f"{self.name} ({number(self.days)} days{optional})"


class Owner(NamedTuple):
    """Whose a part is."""

    department: str
    team: str
    worker: str


class Line(BaseModel):
    """What a part of the project costs."""

    part: str = Field(description="The part, as it was named.")
    who: str = Field(description="Whose estimate it is, with their teams: `backend/api_developer`.")
    days: float = Field(description="Working days, with the reserve for risk.")
    cost: float = Field(description="Days times the day rate.")
    optional: bool = Field(description="Whether the project can do without it.")


class Estimate(BaseModel):
    """What a worker, a team or a department will take for its parts."""

    lines: list[Line] = Field(description="One for each part; those below are taken over as given.")
    days: float = Field(description="Sum of the days.")
    cost: float = Field(description="Sum of the costs.")


def parts_in(text: str) -> list[Part]:
    """The parts in a project, or in an assignment: `- Order API: 12 days (optional)`."""
    parts = [
        Part(
            found["name"].strip(),
            float(found["days"].replace(",", "")),
            is_optional=bool(found["optional"]),
        )
        for found in PART.finditer(text)
    ]
    return list({part.name: part for part in parts}.values())


def assignment(parts: Iterable[Part], day_rate: float) -> str:
    """What somebody is told to estimate, complete in itself."""
    return f"Estimate at a day rate of {number(day_rate)}: {'; '.join(map(str, parts))}"


def day_rate_in(text: str) -> float:
    """What a day costs."""
    found = figure("day rate|rate per day|daily rate", text)
    return found.value if found else DAY_RATE


def budget_in(text: str) -> float | None:
    """What the project may cost; None if that is not said."""
    found = figure("budget", text)
    return found.value if found else None


def owner_of(part: Part) -> Owner:
    """Whose a part is; what no word gives away is for the API's developer."""
    owners = [
        Owner(department, team, worker)
        for department, teams in reversed([*DEPARTMENTS.items()])  # a test of an API is a test
        for team, workers in teams.items()
        for worker, theirs in workers.items()
        if matches(theirs.words, part.name)
    ]
    return owners[0] if owners else Owner("engineering", "backend", "api_developer")


def missing_in(estimate: Estimate, parts: Iterable[Part]) -> list[str]:
    """Parts that an estimate does not have."""
    estimated = [line.part for line in estimate.lines]
    return [part.name for part in parts if part.name not in estimated]


def within(name: str, estimates: Iterable[Estimate]) -> Estimate:
    """The estimate of all who work in a team or department."""
    return total(
        line.model_copy(update={"who": f"{name}/{line.who}"})
        for estimate in estimates
        for line in estimate.lines
    )


def tree_of(lines: Iterable[Line]) -> Iterator[str]:
    """Who costs what: departments, their teams, and in these each part, with sums at all levels."""
    kept = list(lines)
    for level in dict.fromkeys(place for line in kept for place in _levels_of(line)):
        inside = [line for line in kept if level in _levels_of(line)]
        depth, name = level.count("/"), level.rpartition("/")[2]
        yield f"{'  ' * depth}- {name}: {money(sum(line.cost for line in inside))}"
        if level == _levels_of(inside[0])[-1] and depth:
            for line in inside:
                days, who = number(line.days), line.who.rpartition("/")[2]
                yield f"{'  ' * (depth + 1)}- {line.part}: {money(line.cost)} ({days} days, {who})"


def _levels_of(line: Line) -> Sequence[str]:
    """Department and team of a line: `engineering`, `engineering/backend`."""
    *groups, _ = line.who.split("/")
    return ["/".join(groups[: depth + 1]) for depth in range(len(groups))]


def estimate_of(parts: Iterable[Part], day_rate: float, who: str) -> Estimate:
    """A worker's estimate: the days as planned, and a reserve for what is risky."""
    lines = []
    for part in parts:
        days = part.days * (1 + RISK_RESERVE if matches(RISKY, part.name) else 1)
        lines.append(
            Line(
                part=part.name,
                who=who,
                days=round(days, 1),
                cost=round(days * day_rate),
                optional=part.is_optional,
            )
        )
    return total(lines)


def total(lines: Iterable[Line]) -> Estimate:
    """An estimate of all these."""
    kept = list(lines)
    return Estimate(
        lines=kept,
        days=round(sum(line.days for line in kept), 1),
        cost=sum(line.cost for line in kept),
    )


def to_cut(lines: Sequence[Line], budget: float | None) -> list[Line]:
    """What a project over its budget can do without: the dearest first, no more than needed."""
    over = sum(line.cost for line in lines) - (budget if budget is not None else float("inf"))
    cut: list[Line] = []
    for line in sorted(lines, key=lambda one: -one.cost):
        if line.optional and sum(one.cost for one in cut) < over:
            cut.append(line)
    return cut
