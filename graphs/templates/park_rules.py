"""What a park proposal is measured by where no model does it, and what agents say to each other."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from langgraph_orchestra.graphs.templates.reading import figure, money, number

__all__ = [
    "AGENTS",
    "Finding",
    "figure_in",
    "findings_of",
    "proposal_name",
    "reactions_to",
]

AGENTS = ("community", "environment", "budget")
"""Who debates, in the order in which they speak."""


class Finding(NamedTuple):
    """What a figure says, or that it is missing."""

    topic: str
    """What it is about; a concern begins with it."""

    text: str
    """The figure and its bar, or what has to be asked."""

    kind: Literal["met", "concern", "question"]


class Bar(NamedTuple):
    """What a figure has to reach."""

    topic: str
    label: str
    """What the figure is called, a regular expression."""

    least: float | None = None
    most: float | None = None
    unit: str = ""
    price: float = 0
    """What one unit of change costs, as far as the budget knows."""


BARS: Mapping[str, Sequence[Bar]] = {
    "community": (
        Bar(
            "Accessible paths",
            r"accessible paths?|paths? accessible|accessibility",
            least=90,
            unit="%",
            price=3_000,
        ),
        Bar("Toilets", r"toilets?|restrooms?", least=1, price=60_000),
    ),
    "environment": (
        Bar(
            "Wetlands built on",
            r"wetlands? built on|built on wetlands?|wetlands? lost",
            most=0,
            unit=" ha",
            price=250_000,
        ),
        Bar("Native planting", r"native (?:planting|plants|species)", least=60, unit="%"),
    ),
    "budget": (),
}
TREES_FOR_ONE = 2
"""How many trees have to be planted for one that is felled."""

TREE_PRICE = 400
FELLED = r"trees? (?:felled|removed)"
PLANTED = r"trees? planted|new trees?"
COST = r"construction costs?|costs? of construction|building costs?"
FUNDING = r"funding|funded with|grant|capital budget"
MAINTENANCE = r"maintenance costs?|maintenance(?! budget)|upkeep"
MAINTENANCE_BUDGET = r"maintenance budget|budget for maintenance"

REACTIONS: Mapping[tuple[str, str], str] = {
    ("community", "Trees"): "I back {who} on the trees: shade is what residents ask for first.",
    ("community", "Wetlands built on"): "A boardwalk beside the wetlands would let residents see "
    "what {who} wants kept.",
    ("environment", "Accessible paths"): "More accessible paths, as {who} asks, are fine with me "
    "on bound gravel that lets rain through.",
    (
        "environment",
        "Construction cost",
    ): "Before {who} saves on planting: cut hard surfaces first.",
    ("budget", "Toilets"): "Toilets, as {who} wants them, need cleaning: that is maintenance.",
}
"""What an agent, the first of each pair, says to a colleague's concern."""


def findings_of(agent: str, texts: Sequence[str], demands: Iterable[str] = ()) -> list[Finding]:
    """What an agent finds in a proposal.

    Args:
        agent: Who reads it.
        texts: The proposal, then what the employee has said; a later figure replaces an earlier.
        demands: Concerns of colleagues, which cost something too.
    """
    found = [_measured(bar, texts) for bar in BARS[agent]]
    if agent == "environment":
        found += _trees(texts)
    if agent == "budget":
        found += [*_construction(texts, demands), _maintenance(texts)]
    return found


def figure_in(label: str, texts: Sequence[str]) -> float | None:
    """The latest figure with a label; an amount for a month as one for a year."""
    for text in reversed(texts):
        if found := figure(label, text):
            return found.value * (12 if found.unit == "month" else 1)
        if re.search(rf"\b(?:no|without) (?:{label})", text, re.IGNORECASE):
            return 0
    return None


def reactions_to(agent: str, concerns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What an agent says to its colleagues' concerns.

    Args:
        agent: Who reacts.
        concerns: By colleague.
    """
    for colleague, theirs in concerns.items():
        for concern in theirs:
            if said := REACTIONS.get((agent, topic_of(concern))):
                yield said.format(who=colleague)


def proposal_name(proposal: str) -> str:
    """What the proposal calls the park."""
    named = re.search(r"\b(?:proposal|park|project):\s*([^\n.;]+)", proposal, re.IGNORECASE)
    called = named or re.search(r"\b((?:[A-Z][\w']+ )+Park)\b", proposal)
    return called[1].strip() if called else "the proposal"


def topic_of(concern: str) -> str:
    """What a concern is about."""
    return concern.partition(":")[0]


def _measured(bar: Bar, texts: Sequence[str]) -> Finding:
    value = figure_in(bar.label, texts)
    if value is None:
        return Finding(bar.topic, f"{bar.topic}: the proposal does not say. How much?", "question")
    goal, side = (bar.least, "at least") if bar.least is not None else (bar.most, "at most")
    assert goal is not None  # noqa: S101 - every bar has one of the two
    is_met = value >= goal if bar.least is not None else value <= goal
    text = f"{bar.topic}: {number(value)}{bar.unit}"
    return _judged(bar.topic, text, f"{side} {number(goal)}{bar.unit}", is_met=is_met)


def _judged(topic: str, text: str, bar: str, *, is_met: bool) -> Finding:
    if is_met:
        return Finding(topic, f"{text} is fine ({bar}).", "met")
    return Finding(topic, f"{text}, but it should be {bar}.", "concern")


def _trees(texts: Sequence[str]) -> Iterator[Finding]:
    felled, planted = figure_in(FELLED, texts), figure_in(PLANTED, texts) or 0
    if felled:
        needed = TREES_FOR_ONE * felled
        text = f"Trees: {number(planted)} planted for {number(felled)} felled"
        yield _judged("Trees", text, f"at least {number(needed)}", is_met=planted >= needed)


def _construction(texts: Sequence[str], demands: Iterable[str]) -> Iterator[Finding]:
    stated, funding = figure_in(COST, texts), figure_in(FUNDING, texts)
    if stated is None or funding is None:
        missing = "what it costs to build" if stated is None else "how much funding there is"
        yield Finding(
            "Construction cost",
            f"Construction cost: the proposal does not say {missing}. How much?",
            "question",
        )
        return
    changes = _price_of_changes(texts)
    asked_for = sum(_price_of(topic_of(demand), texts) for demand in demands)
    cost = stated + changes
    added = f" with {money(changes)} for the amendments" if changes else ""
    text = f"Construction cost: {money(cost)}{added} against funding of {money(funding)}."
    yield Finding("Construction cost", text, "met" if cost <= funding else "concern")
    if asked_for:
        total = cost + asked_for
        fits = "within" if total <= funding else f"{money(total - funding)} above"
        yield Finding(
            "Demands",
            f"What my colleagues ask for costs about {money(asked_for)}: {money(total)} in all, "
            f"{fits} the funding.",
            "met",
        )


def _maintenance(texts: Sequence[str]) -> Finding:
    cost, budget = figure_in(MAINTENANCE, texts), figure_in(MAINTENANCE_BUDGET, texts)
    if cost is None or budget is None:
        missing = "what upkeep costs a year" if cost is None else "what budget there is for it"
        return Finding(
            "Maintenance",
            f"Maintenance: the proposal does not say {missing}. How much?",
            "question",
        )
    text = f"Maintenance: {money(cost)} a year against a budget of {money(budget)}."
    return Finding("Maintenance", text, "met" if cost <= budget else "concern")


def _price_of(topic: str, texts: Sequence[str]) -> float:
    """What it would cost to do away with a concern."""
    if topic == "Trees":
        felled, planted = figure_in(FELLED, texts) or 0, figure_in(PLANTED, texts) or 0
        return TREE_PRICE * (TREES_FOR_ONE * felled - planted)
    for bar in (bar for bars in BARS.values() for bar in bars if bar.topic == topic):
        goal = bar.least if bar.least is not None else bar.most
        return bar.price * abs((goal or 0) - (figure_in(bar.label, texts) or 0))
    return 0


def _price_of_changes(texts: Sequence[str]) -> float:
    """What amendments cost that came without a new construction cost."""
    stated_in = max(place for place, text in enumerate(texts) if figure(COST, text))
    before = texts[: stated_in + 1]
    better = [
        (bar.label, bar.price if bar.least is not None else -bar.price)
        for bars in BARS.values()
        for bar in bars
    ]
    changes = 0.0
    for label, price in [*better, (PLANTED, TREE_PRICE)]:
        old, new = figure_in(label, before), figure_in(label, texts)
        if old is not None and new is not None:
            changes += max(0, price * (new - old))  # what is done without saves nothing for certain
    return changes
