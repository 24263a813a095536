"""Loan approval: what an application says, what the loan would cost each month, and the decision.

    intake -> verify -> credit -> decide

Arithmetic is a function's work, with or without a model.
"""

import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_sequential
from langgraph_orchestra.graphs.templates.lending_policy import (
    COMFORTABLE,
    GOOD_SCORE,
    HIGHEST,
    LOWEST_SCORE,
    Affordability,
    Verdict,
    affordability_findings,
    affordability_of,
    score_finding,
    strictest,
)
from langgraph_orchestra.graphs.templates.reading import (
    NUMBER,
    Figure,
    figure,
    money,
    said_by,
    task_in,
)
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, View

__all__ = [
    "DECIDE_PROMPT",
    "VERIFY_PROMPT",
    "Application",
    "CreditAssessment",
    "Decision",
    "graph",
]

VERIFY_PROMPT = """\
You verify loan applications. Take from the application what it says: the applicant's name, income
before tax for a year, payments on other debts for a month, the amount asked for, the term in
months, and the credit score. Convert between months and years; sum up several incomes or debts.
What the application does not say is null: never estimate, and never take zero for a silence. Name
as a doubt whatever is contradictory or implausible, and every assumption you had to make. Decide
nothing."""

DECIDE_PROMPT = f"""\
You decide on loans from a credit assessment, by this policy and nothing else:
- refer, if anything is missing: name it, and ask the applicant for it;
- reject, if nothing is left of the income after payments, if debt-to-income is above
  {HIGHEST:.0%}, or if the credit score is below {LOWEST_SCORE};
- refer, if debt-to-income is above {COMFORTABLE:.0%} or the credit score below {GOOD_SCORE};
- approve otherwise. Without a credit score, affordability alone decides; say so.
The first rule that applies decides. Give every reason with its figure as the assessment has it, and
calculate nothing anew. Pass on the doubts. Never consider anything about the person but these
figures."""


class Application(BaseModel):
    """What an application says; null is what it does not say."""

    applicant: str | None = Field(description="The applicant's name.")
    yearly_income: float | None = Field(ge=0, description="Income before tax, for a year.")
    monthly_debt: float | None = Field(ge=0, description="Payments on other debts, for a month.")
    amount: float | None = Field(gt=0, description="The amount asked for.")
    term_months: int | None = Field(gt=0, description="Months in which it is to be paid back.")
    credit_score: int | None = Field(description="The credit score, 300 to 850.")
    doubts: list[str] = Field(
        description="What is contradictory, implausible or assumed; one short sentence each."
    )


class CreditAssessment(BaseModel):
    """What the decision rests on; no `affordability` where data is missing."""

    applicant: str
    amount: float | None
    term_months: int | None
    credit_score: int | None
    affordability: Affordability | None
    missing: list[str]
    doubts: list[str]


class Decision(BaseModel):
    """The decision on a loan."""

    applicant: str = Field(description="The applicant's name, or `the applicant`.")
    decision: Verdict = Field(description="The decision.")
    reasons: list[str] = Field(description="Every reason, with its figure; one sentence each.")
    next_step: str = Field(description="What is to be done next, in one sentence.")

    def __str__(self) -> str:
        reasons = "\n".join(f"- {reason}" for reason in self.reasons)
        return f"{self.decision.upper()}: {self.applicant}\n{reasons}\nNext: {self.next_step}"


def graph() -> PatternGraph:
    """Build the graph."""
    return create_sequential(
        [
            Agent("verify", VERIFY_PROMPT, model=StandIn(verify), output=Application),
            credit,
            Agent("decide", DECIDE_PROMPT, model=StandIn(decide), output=Decision),
        ]
    )


NEEDED: Mapping[str, str] = {
    "yearly_income": "income",
    "monthly_debt": "debt payments",
    "amount": "amount",
    "term_months": "term",
}
"""Without which figures no loan can be assessed, and what applicants call them."""


def credit(view: View) -> CreditAssessment:
    """Work out what the loan would mean, if nothing is missing for that."""
    asked = Application.model_validate_json(view.last_text)
    figures = asked.model_dump(include=set(NEEDED), exclude_none=True)
    missing = [name for field, name in NEEDED.items() if field not in figures]
    return CreditAssessment(
        applicant=asked.applicant or "the applicant",
        amount=asked.amount,
        term_months=asked.term_months,
        credit_score=asked.credit_score,
        affordability=None if missing else affordability_of(**figures),
        missing=missing,
        doubts=asked.doubts,
    )


INCOME = r"income|earns|earning|salary"
DEBT = r"debt(?: payment| repayment)?s?|obligations|owes|repays|existing loans?"
NO_DEBT = r"\b(?:no|without|zero) debts?\b|\bdebt-free\b"
AMOUNT = rf"amount|asks for|asking for|requests|borrow|loan of|wants|needs|(?={NUMBER}k? loan)"
TERM = r"term|over|duration|for(?= \d+ months)|(?=\d+[- ](?:month|year)s? (?:term|loan))"
CAPITALISED = r"[^\W\d_a-zß-ÿ][\w'\u2019-]+"
LABELLED_NAME = rf"(?:[Aa]pplicant|[Nn]ame)(?: is|:|) ({CAPITALISED}(?: {CAPITALISED})*)"
INTRODUCED_NAME = rf"(?:^|\b(?:for|from|by|on) )({CAPITALISED}(?: {CAPITALISED})+)"


def verify(messages: Sequence[BaseMessage]) -> Application:
    """Stand in for the check: find the figures after their usual labels."""
    text = task_in(messages)
    income, debt, term = figure(INCOME, text), figure(DEBT, text), figure(TERM, text)
    amounts, score = (figure(AMOUNT, text), figure("loan", text)), figure("score", text)
    name = re.search(LABELLED_NAME, text) or re.search(INTRODUCED_NAME, text, re.MULTILINE)
    if debt is None and re.search(NO_DEBT, text, re.IGNORECASE):
        debt = Figure(0, "month")
    doubts = [
        f"The {what} is taken as one for a {period}, since the application does not say."
        for what, period, given in (("income", "year", income), ("debt payment", "month", debt))
        if given and not given.unit
    ]
    if score and not 300 <= score.value <= 850:
        doubts.append(f"A credit score of {score.value:.0f} is not between 300 and 850: ignored.")
        score = None
    return Application(
        applicant=name[1] if name else None,
        yearly_income=value_of(income, month=12),
        monthly_debt=value_of(debt, year=1 / 12),
        amount=next((one.value for one in amounts if one and one.value > 0 and not one.unit), None),
        term_months=round(value_of(term, year=12) or 0) or None,
        credit_score=int(score.value) if score else None,
        doubts=doubts,
    )


def value_of(found: Figure | None, **factors: float) -> float | None:
    """A figure's value, times the factor of its unit; None if there is none, or a negative one."""
    if found is None or found.value < 0:
        return None
    return found.value * factors.get(found.unit, 1)


def decide(messages: Sequence[BaseMessage]) -> Decision:
    """Stand in for the decision: apply the policy."""
    assessed = CreditAssessment.model_validate_json(said_by("credit", messages)[-1])
    if assessed.affordability is None:
        missing = ", ".join(assessed.missing)
        return Decision(
            applicant=assessed.applicant,
            decision="refer",
            reasons=[f"The application does not give: {missing}.", *assessed.doubts],
            next_step=f"Ask {assessed.applicant} for: {missing}.",
        )
    findings = [
        *affordability_findings(assessed.affordability),
        score_finding(assessed.credit_score),
    ]
    decision = strictest(findings)
    return Decision(
        applicant=assessed.applicant,
        decision=decision,
        reasons=[*(reason for _, reason in findings), *assessed.doubts],
        next_step=next_step(decision, assessed, assessed.affordability),
    )


def next_step(decision: Verdict, assessed: CreditAssessment, affordability: Affordability) -> str:
    """What is to be done after a decision."""
    months, affordable = assessed.term_months, affordability.affordable_amount
    if decision == "approve":
        payment = money(affordability.monthly_payment)
        return f"Prepare the contract: {payment} a month for {months} months."
    if decision == "reject":
        return f"Tell {assessed.applicant} the reasons."
    if affordable < (assessed.amount or 0):
        return f"Offer up to {money(affordable)} over {months} months, or ask an underwriter."
    return "Ask an underwriter."
