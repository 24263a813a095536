"""Contract generation: a template, the negotiated terms in it, a check by law, and its risks.

    intake -> select -> customise -> comply -> assess -> propose
                 |
                 +-> END, where no template fits

What is proposed follows from the reviews by a rule, so a function says it, with or without a model:
a contract with a breach is never called ready.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_sequential
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.contract_data import LIBRARY, Contract, base_template
from langgraph_orchestra.graphs.templates.contract_law import OPEN, Level, breaches_of, risks_of
from langgraph_orchestra.graphs.templates.contract_terms import customised, template_for, terms_in
from langgraph_orchestra.graphs.templates.reading import listed, said_by, task_in, typed_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, View, this_run

__all__ = [
    "ASSESS_PROMPT",
    "COMPLY_PROMPT",
    "CUSTOMISE_PROMPT",
    "SELECT_PROMPT",
    "ComplianceReview",
    "Proposal",
    "RiskAssessment",
    "Selection",
    "graph",
]

SELECT_PROMPT = f"""\
You choose the base template for a contract, by the client's specifications. The law firm's library
has these: {listed([*LIBRARY])}. If none of them fits, leave `template` empty,
and say in the reason what would be needed. Name the parties and the jurisdiction as the client
does; what the client does not say stays empty. Draft nothing."""

CUSTOMISE_PROMPT = """\
You customise a contract. Read the selected base template with the tool, once, then put in what the
client has negotiated: payment, liability, term, disputes, and everything else. Fill every blank in
braces. Keep the clauses that nothing was negotiated for word for word; change the wording of a
clause only where a term demands it, and add a clause only for a term that has none. Where the
client has given no term, write `[<term> to be agreed]`: never invent one. Judge neither law nor
risk; colleagues do that after you."""

COMPLY_PROMPT = """\
You review a customised contract against the law of its jurisdiction and the rules of its industry.
Go clause by clause. Name each clause as `4. Liability`, with its place in the contract. `breach` is
what the law does not allow or demands in vain; `check` is what a lawyer has to look at. Name the
rule so that it can be looked up, and only one you are sure of; if you do not know the law of the
place, say so as a `check`. Give the remedy as words for the contract. An empty list is a good
answer. Leave business risks to your colleague."""

ASSESS_PROMPT = """\
You assess the risks of a complete contract, for both parties: liability, payment, term, disputes,
and every open point. Give one rating for each, with the clause as `4. Liability`, who risks what
and how much, with the figures of the contract, and, unless it is low, language for the contract
that would protect them. The compliance review is before you: do not repeat it."""

Severity = Literal["breach", "check"]
Status = Literal["not compliant", "incomplete", "risky", "to be checked", "ready to sign"]


class Selection(BaseModel):
    """The template that was selected."""

    template: str = Field(description="Its name in the library; empty if none fits.")
    parties: list[str] = Field(description="Who the parties are.")
    jurisdiction: str = Field(description="Whose law is to apply; empty if the client is silent.")
    reason: str = Field(description="Why this template, in one sentence.")

    def __str__(self) -> str:
        return f"{self.template or 'NO TEMPLATE'}: {self.reason}"


class Finding(BaseModel):
    """Where a contract is at odds with the law, or may be."""

    clause: str = Field(description="Number and heading of the clause.")
    severity: Severity = Field(description="Whether the law does not allow it.")
    rule: str = Field(description="The rule, so that it can be looked up; empty if none.")
    problem: str = Field(description="What is wrong, in one sentence.")
    remedy: str = Field(description="How to mend it, in one sentence.")

    def __str__(self) -> str:
        rule = f" ({self.rule})" if self.rule else ""
        return f"{self.severity}, {self.clause}: {self.problem}{rule} {self.remedy}"


class ComplianceReview(BaseModel):
    """What the law has against a contract."""

    findings: list[Finding] = Field(description="What is wrong; empty if nothing is.")


class Rating(BaseModel):
    """How much a party risks."""

    area: str = Field(description="`liability`, `payment`, `term`, `disputes` or `open point`.")
    level: Level = Field(description="How high the risk is.")
    clause: str = Field(description="Number and heading of the clause.")
    reason: str = Field(description="Who risks what, with the figure; one or two sentences.")
    language: str = Field(description="Words for the contract that would protect; may be empty.")

    def __str__(self) -> str:
        language = f" Better: “{self.language}”" if self.language else ""
        return f"{self.level}, {self.clause or self.area}: {self.reason}{language}"


class RiskAssessment(BaseModel):
    """The risks of a contract."""

    ratings: list[Rating] = Field(description="One for each area and each open point.")


class Proposal(BaseModel):
    """A contract, and what has to be known before it is signed."""

    status: Status
    contract: Contract
    findings: list[Finding]
    ratings: list[Rating]

    def __str__(self) -> str:
        notes = [
            "\n".join([title, *(f"- {one}" for one in listing)])
            for title, listing in (("Compliance", self.findings), ("Risks", self.ratings))
            if listing
        ]
        return "\n\n".join([self.status.upper(), *notes, str(self.contract)])


def graph() -> PatternGraph:
    """Build the graph."""
    return create_sequential(
        [
            Agent("select", SELECT_PROMPT, model=StandIn(select), output=Selection),
            Agent(
                "customise",
                CUSTOMISE_PROMPT,
                tools=[base_template],
                model=StandIn(customise),
                output=Contract,
            ),
            Agent("comply", COMPLY_PROMPT, model=StandIn(comply), output=ComplianceReview),
            Agent("assess", ASSESS_PROMPT, model=StandIn(assess), output=RiskAssessment),
            propose,
        ],
        stop_when=no_template_fits,
        history=this_run(),
    )


def no_template_fits(view: View) -> bool:
    """Whether the selection has come to nothing: there is nothing to customise then."""
    return any(one.template not in LIBRARY for one in typed_in(Selection, view.answers))


def propose(view: View) -> Proposal:
    """Put contract and reviews together, under the gravest thing that is to be said of them."""
    contract = contract_in(view.answers)
    findings = ComplianceReview.model_validate_json(said_by("comply", view.answers)[-1]).findings
    ratings = RiskAssessment.model_validate_json(said_by("assess", view.answers)[-1]).ratings
    severities = {finding.severity for finding in findings}
    grave: Mapping[Status, bool] = {
        "not compliant": "breach" in severities,
        "incomplete": bool(re.search(OPEN, str(contract))),
        "risky": any(rating.level == "high" for rating in ratings),
        "to be checked": "check" in severities,
    }
    status: Status = next((status for status, holds in grave.items() if holds), "ready to sign")
    return Proposal(status=status, contract=contract, findings=findings, ratings=ratings)


def contract_in(messages: Sequence[BaseMessage]) -> Contract:
    """The customised contract."""
    return Contract.model_validate_json(said_by("customise", messages)[-1])


def select(messages: Sequence[BaseMessage]) -> Selection:
    """Stand in for the selection: the words of the request, and the parties it names."""
    request = task_in(messages)
    terms, template = terms_in(request), template_for(request)
    fits = f"The request asks for a {template}."
    return Selection(
        template=template,
        parties=[terms[role] for role in ("provider", "customer") if role in terms],
        jurisdiction=terms.get("jurisdiction", ""),
        reason=fits if template else f"The library has only: {listed([*LIBRARY])}.",
    )


def customise(messages: Sequence[BaseMessage]) -> AIMessage | Contract:
    """Stand in for the customising: read the template, then put the given terms in."""
    *_, latest = messages
    if isinstance(latest, ToolMessage):
        template = Contract.model_validate_json(latest.text)
        return customised(template, terms_in(task_in(messages)))
    selection = Selection.model_validate_json(said_by("select", messages)[-1])
    return calling("base_template", name=selection.template)


def comply(messages: Sequence[BaseMessage]) -> ComplianceReview:
    """Stand in for the review: a checklist of law, for the places that it has."""
    breaches = breaches_of(contract_in(messages))
    return ComplianceReview(findings=[Finding.model_validate(one._asdict()) for one in breaches])


def assess(messages: Sequence[BaseMessage]) -> RiskAssessment:
    """Stand in for the assessment: the figures and words of the contract's clauses."""
    risks = risks_of(contract_in(messages))
    return RiskAssessment(ratings=[Rating.model_validate(one._asdict()) for one in risks])
