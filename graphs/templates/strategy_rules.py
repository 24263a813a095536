"""What each department works out about a product where no model does it, and whom it asks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, inf
from typing import NamedTuple

from langgraph_orchestra.graphs.templates.reading import NUMBER, figure, listed, money, number

__all__ = [
    "DEPARTMENTS",
    "Feature",
    "Plan",
    "contribution_of",
    "decision",
    "open_questions",
    "paid_back_after",
    "plan_in",
    "question_for",
]

DEPARTMENTS = ("engineering", "design", "marketing", "business")
"""Who takes part, in the order in which they speak where nobody was asked."""

PAYBACK_BAR = 18
"""Months in which a product should have earned what it costs."""

PRICE_STRETCH = 1.5
"""How many times the planned price customers might pay."""

QUESTION = re.compile(rf"^Question for ({'|'.join(DEPARTMENTS)}): *(.+)$", re.MULTILINE)


class Feature(NamedTuple):
    """A part of the product."""

    name: str
    weeks: float
    is_must: bool


class Plan(NamedTuple):
    """What the task says; None is what it does not say."""

    features: Sequence[Feature]
    deadline: float | None
    week_cost: float | None
    customers: float | None
    interest: float | None
    """Share of the customers who ask for it."""
    price: float | None
    """For a month."""

    @property
    def scope(self) -> Sequence[Feature]:
        """The features that fit before the deadline: the musts, then what there is time for."""
        kept = [feature for feature in self.features if feature.is_must]
        for feature in self.features:
            fits = self.deadline is None or weeks_of([*kept, feature]) <= self.deadline
            if not feature.is_must and fits:
                kept.append(feature)
        return [feature for feature in self.features if feature in kept]

    @property
    def fits(self) -> bool:
        """Whether the scope can be done in time."""
        return self.deadline is None or weeks_of(self.scope) <= self.deadline

    @property
    def buyers(self) -> float | None:
        """How many customers ask for it."""
        known = self.customers is not None and self.interest is not None
        return self.customers * self.interest if known else None  # type: ignore[operator]

    @property
    def cost(self) -> float | None:
        """What the scope costs to build."""
        return None if self.week_cost is None else weeks_of(self.scope) * self.week_cost

    @property
    def payback(self) -> float | None:
        """Months until it has earned its costs, `inf` if it never does; None if unknown."""
        if self.cost is None or self.buyers is None or self.price is None:
            return None
        income = self.buyers * self.price
        return self.cost / income if income else inf

    @property
    def price_needed(self) -> float | None:
        """The monthly price at which it pays back in time."""
        return ceil(self.cost / PAYBACK_BAR / self.buyers) if self.cost and self.buyers else None


def plan_in(task: str) -> Plan:
    """What a task says of the product."""
    listed_features = re.search(r"features?:(.+?)(?:\.\s|\n|$)", task, re.IGNORECASE)
    found = re.finditer(
        rf"([^\d,;()]+?)[\s:(]*({NUMBER}) weeks?\)?(\s*\(?must\b\)?)?",
        listed_features[1] if listed_features else "",
        re.IGNORECASE,
    )
    features = [
        Feature(one[1].strip(" .:-"), float(one[2].replace(",", "")), bool(one[3])) for one in found
    ]
    deadline = figure("deadline|due in|within", task)
    interest = figure(r"asking for it|ask for it|interest(?:ed)?|want it", task)
    share = interest.value / 100 if interest and interest.unit == "%" else None
    return Plan(
        features,
        deadline.value if deadline else None,
        _value(r"cost of a week|a week costs|weekly cost|cost per week", task),
        _value("customers|users", task),
        share,
        _value("price", task),
    )


def weeks_of(features: Sequence[Feature]) -> float:
    """How long features take, one after another."""
    return sum(feature.weeks for feature in features)


def contribution_of(department: str, plan: Plan, asked: Sequence[str], *, is_first: bool) -> str:
    """What a department says next.

    Args:
        department: Who speaks.
        plan: What the task says.
        asked: The questions it was asked and has not answered.
        is_first: Whether it has not spoken yet.
    """
    said = [*VOICES[department](plan)] if is_first else []
    for question in asked:
        said += ANSWERS[department](plan, question)
    return "\n".join(said) or "I have nothing to add."


def question_for(department: str, question: str) -> str:
    """A question, in the form in which it is found again."""
    return f"Question for {department}: {question}"


def open_questions(said: Sequence[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    """What departments were asked, and have not spoken since.

    Args:
        said: Who said what, in order.
    """
    waiting: dict[str, list[str]] = {}
    for speaker, text in said:
        waiting.pop(speaker, None)
        for asked, question in QUESTION.findall(text):
            waiting.setdefault(asked, []).append(question)
    return waiting


def decision(plan: Plan) -> str:
    """What follows from what the departments have worked out."""
    missing = {
        "the features and their weeks": bool(plan.features),
        "the cost of a week": plan.week_cost is not None,
        "the customers and the share that asks for it": plan.buyers is not None,
        "the price": plan.price is not None,
    }
    if unknown := [what for what, is_known in missing.items() if not is_known]:
        return f"Find out first: {listed(unknown)}."
    scope = listed([feature.name for feature in plan.scope])
    waiting = [feature.name for feature in plan.features if feature not in plan.scope]
    weeks = f"{number(weeks_of(plan.scope))} weeks"
    paid_back = paid_back_after(plan.payback or 0)
    if not plan.fits:
        return f"Do not build now: {scope} cannot wait, and takes {weeks} (engineering, design)."
    price = plan.price or 0
    if (plan.payback or 0) > PAYBACK_BAR:
        if (plan.price_needed or inf) > PRICE_STRETCH * price:
            return f"Do not build now: {paid_back}, and nobody would pay what it takes (business)."
        price, paid_back = plan.price_needed or 0, f"{paid_back_after(PAYBACK_BAR)} then"
    begin = f"Build in part: {scope}" if waiting else f"Build: {scope}"
    lines = [
        f"{begin}, at {number(price)} a month.",
        f"- Time: {weeks}{_against(plan.deadline)} (engineering).",
        f"- Demand: {money(plan.buyers or 0)} customers (marketing).",
        f"- Money: {money(plan.cost or 0)} to build; {paid_back} (business).",
    ]
    return "\n".join([*lines, *([f"- Later: {listed(waiting)} (design)."] if waiting else [])])


def paid_back_after(months: float) -> str:
    """When the costs have come back, in words."""
    if months == inf:
        return "it never pays back"
    return f"it pays back in {number(round(months, 1))} months"


def _against(deadline: float | None) -> str:
    return "" if deadline is None else f" of {number(deadline)}"


def _engineering(plan: Plan) -> Iterator[str]:
    if not plan.features:
        yield "The task lists no features with their weeks: how long it takes is not known."
        return
    total = weeks_of(plan.features)
    if plan.deadline is None:
        yield f"All features take {number(total)} weeks; there is no deadline."
    elif total <= plan.deadline:
        yield f"All features take {number(total)} weeks: they fit in {number(plan.deadline)}."
    else:
        over = number(total - plan.deadline)
        yield f"All features take {number(total)} weeks, {over} more than there are."
        yield question_for("design", "what can wait without hurting those who use it?")


def _design(plan: Plan) -> Iterator[str]:
    musts = [feature.name for feature in plan.features if feature.is_must]
    if musts:
        yield f"Without {listed(musts)} nobody can do their work with it."
    elif plan.features:
        yield "The task marks no feature as a must: I take none for one."
    else:
        yield "There is nothing to draw yet: the features are not listed."


def _what_can_wait(plan: Plan, _: str) -> Iterator[str]:
    waiting = [feature.name for feature in plan.features if feature not in plan.scope]
    if waiting:
        yield f"What can wait: {listed(waiting)}."
    if not plan.fits:
        weeks = number(weeks_of(plan.scope))
        yield question_for(
            "engineering", f"the musts alone take {weeks} weeks; when could they be done?"
        )


def _engineering_answers(plan: Plan, _: str) -> Iterator[str]:
    late = number(weeks_of(plan.scope) - (plan.deadline or 0))
    yield f"Not before week {number(weeks_of(plan.scope))}: {late} weeks after the deadline."


def _marketing(plan: Plan) -> Iterator[str]:
    if plan.buyers is None:
        yield "The task does not say how many customers there are and what share asks for it."
        return
    yield f"{money(plan.buyers)} of {money(plan.customers or 0)} customers ask for it."
    if plan.price is not None:
        price = number(plan.price)
        yield question_for("business", f"does it pay at {price} a month from {money(plan.buyers)}?")


def _marketing_answers(plan: Plan, _: str) -> Iterator[str]:
    if plan.price_needed and plan.price:
        more = plan.price_needed / plan.price - 1
        yield (
            f"It would take {number(plan.price_needed)} a month, {more:.0%} more. "
            + (
                "That can be tried."
                if plan.price_needed <= PRICE_STRETCH * plan.price
                else "Nobody pays that much more for it."
            )
        )


def _business(plan: Plan) -> Iterator[str]:
    if plan.cost is None:
        yield "The task does not say what a week of work costs."
    else:
        yield f"Building it costs {money(plan.cost)} for {number(weeks_of(plan.scope))} weeks."


def _business_answers(plan: Plan, _: str) -> Iterator[str]:
    if plan.payback is None:
        yield "Whether it pays cannot be said without the cost of a week."
        return
    said = paid_back_after(plan.payback).capitalize()
    if plan.payback <= PAYBACK_BAR:
        yield f"{said} (bar: {PAYBACK_BAR})."
    else:
        yield f"{said}: too late ({PAYBACK_BAR})."
        yield question_for("marketing", "could it carry a higher price?")


VOICES = {
    "engineering": _engineering,
    "design": _design,
    "marketing": _marketing,
    "business": _business,
}
ANSWERS = {
    "engineering": _engineering_answers,
    "design": _what_can_wait,
    "marketing": _marketing_answers,
    "business": _business_answers,
}


def _value(label: str, task: str) -> float | None:
    found = figure(label, task)
    return found.value if found else None
