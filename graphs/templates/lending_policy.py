"""The policy by which loans are decided, and the arithmetic it rests on."""

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel

from langgraph_orchestra.graphs.templates.reading import money, percent

__all__ = [
    "COMFORTABLE",
    "GOOD_SCORE",
    "HIGHEST",
    "LOWEST_SCORE",
    "Affordability",
    "Verdict",
    "affordability_findings",
    "affordability_of",
    "score_finding",
    "strictest",
]

YEARLY_RATE = 0.08
"""Interest that loans are priced with."""

COMFORTABLE, HIGHEST = 0.36, 0.50
"""Debt-to-income: up to the first a loan is approved, above the second it is rejected."""

GOOD_SCORE, LOWEST_SCORE = 670, 580
"""Credit score: from the first on a loan is approved, below the second it is rejected."""

Verdict = Literal["approve", "refer", "reject"]

Finding = tuple[Verdict, str]
"""What a figure means for the decision, and the reason to give."""


class Affordability(BaseModel):
    """What a loan would mean for the applicant."""

    monthly_payment: float
    left_each_month: float
    debt_to_income: float | None
    """None without an income."""
    affordable_amount: float
    """The amount that would keep debt-to-income comfortable over the same term."""


def affordability_of(
    *, yearly_income: float, monthly_debt: float, amount: float, term_months: int
) -> Affordability:
    """Work out what a loan, paid back in equal monthly payments, would mean.

    Args:
        yearly_income: Before tax.
        monthly_debt: Payments on other debts.
        amount: What is borrowed.
        term_months: In how many payments it is paid back.
    """
    income, rate = yearly_income / 12, YEARLY_RATE / 12
    present_value = (1 - (1 + rate) ** -term_months) / rate  # of 1 paid in every month
    payment = amount / present_value
    return Affordability(
        monthly_payment=round(payment, 2),
        left_each_month=round(income - monthly_debt - payment, 2),
        debt_to_income=round((monthly_debt + payment) / income, 4) if income else None,
        affordable_amount=round(max(0.0, COMFORTABLE * income - monthly_debt) * present_value, 2),
    )


def affordability_findings(affordability: Affordability) -> Iterator[Finding]:
    """What the payments mean for the decision."""
    paying = f"The loan costs {money(affordability.monthly_payment)} a month"
    left, ratio = affordability.left_each_month, affordability.debt_to_income
    if left < 0 or ratio is None:
        yield "reject", f"{paying}, and payments exceed the income by {money(-left)}."
        return
    yield "approve", f"{paying}, which leaves {money(left)} of the income after all debts."
    said = f"Debt-to-income is {percent(ratio)}"
    if ratio > HIGHEST:
        yield "reject", f"{said}, above {HIGHEST:.0%}."
    elif ratio > COMFORTABLE:
        yield "refer", f"{said}, above {COMFORTABLE:.0%}."
    else:
        yield "approve", f"{said}, within {COMFORTABLE:.0%}."


def score_finding(score: int | None) -> Finding:
    """What the credit score means for the decision."""
    if score is None:
        return "approve", "There is no credit score, so affordability alone decides."
    if score < LOWEST_SCORE:
        return "reject", f"The credit score of {score} is below {LOWEST_SCORE}."
    if score < GOOD_SCORE:
        return "refer", f"The credit score of {score} is below {GOOD_SCORE}."
    return "approve", f"The credit score of {score} is at least {GOOD_SCORE}."


def strictest(findings: list[Finding]) -> Verdict:
    """The strictest of the findings, which decides."""
    order: tuple[Verdict, ...] = ("approve", "refer", "reject")
    return max((verdict for verdict, _ in findings), key=order.index)
