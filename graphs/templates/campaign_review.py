"""Campaign review: four reviewers read a campaign side by side, and it goes out or does not.

              +-> branding ---+
    intake ---+-> legal ------+-> join -> aggregate
              +-> compliance -+
              +-> quality ----+

Go or no-go follows from the verdicts by a rule, so a function says it, with or without a model.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_concurrent
from langgraph_orchestra.graphs.templates.campaign_rules import (
    Flaw,
    branding_flaws,
    compliance_flaws,
    legal_flaws,
    quality_flaws,
)
from langgraph_orchestra.graphs.templates.reading import task_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, View

__all__ = [
    "BRANDING_PROMPT",
    "COMPLIANCE_PROMPT",
    "LEGAL_PROMPT",
    "QUALITY_PROMPT",
    "CampaignVerdict",
    "Issue",
    "graph",
]

RULES = """\
Judge the text of the campaign as it stands, for your field alone; colleagues look after the rest.
Quote the words each issue is about, and say how to mend it in one sentence. `must fix` is what
would do harm if it went out; `should fix` is what would be better otherwise. Approve if nothing
must be fixed. Do not make up issues: an empty list is a good answer."""

BRANDING_PROMPT = f"""\
You review marketing campaigns for branding: whether the brand is named, and spelled the same way
throughout; whether the tone is that of a company people trust, without shouting.
{RULES}"""

LEGAL_PROMPT = f"""\
You review marketing campaigns as a lawyer: promises nobody can keep (`guaranteed`, `risk-free`),
superlatives and claims of fact without proof (`best`, `cheapest`), attacks on named competitors,
rights of others.
{RULES}"""

COMPLIANCE_PROMPT = f"""\
You review marketing campaigns for compliance: offers and discounts need their terms, e-mail needs a
way to unsubscribe, investments and loans a warning of their risk, prize draws their rules.
{RULES}"""

QUALITY_PROMPT = f"""\
You review marketing campaigns for quality: spelling and grammar, repetition, length (a headline has
up to 60 characters, the whole up to 150 words), and a clear call to act.
{RULES}"""


class Issue(BaseModel):
    """Something in a campaign that is not right."""

    severity: Literal["must fix", "should fix"] = Field(description="Whether it stops the launch.")
    quote: str = Field(description="The words it is about; empty if something is missing.")
    problem: str = Field(description="What is wrong, in one sentence.")
    remedy: str = Field(description="How to mend it, in one sentence.")

    def __str__(self) -> str:
        quote = f" “{self.quote}”" if self.quote else ""
        return f"{self.severity}{quote}: {self.problem} {self.remedy}"


class CampaignVerdict(BaseModel):
    """A reviewer's verdict."""

    approved: bool = Field(description="Whether the campaign may go out as it is.")
    issues: list[Issue] = Field(description="What is wrong; empty if nothing is.")


def graph() -> PatternGraph:
    """Build the graph."""
    return create_concurrent(
        [
            reviewer("branding", BRANDING_PROMPT, branding_flaws),
            reviewer("legal", LEGAL_PROMPT, legal_flaws),
            reviewer("compliance", COMPLIANCE_PROMPT, compliance_flaws),
            reviewer("quality", QUALITY_PROMPT, quality_flaws),
        ],
        aggregate=launch_decision,
    )


def reviewer(name: str, prompt: str, rules: Callable[[str], Iterable[Flaw]]) -> Agent:
    """A reviewer, and the rules that stand in for its model."""

    def review(messages: Sequence[BaseMessage]) -> CampaignVerdict:
        flaws = list(rules(task_in(messages)))
        return CampaignVerdict(
            approved=all(flaw.severity != "must fix" for flaw in flaws),
            issues=[Issue.model_validate(flaw._asdict()) for flaw in flaws],
        )

    return Agent(name, prompt, model=StandIn(review), output=CampaignVerdict)


def launch_decision(view: View) -> str:
    """Go if every reviewer approves; a review that failed is no approval."""
    verdicts: dict[str, CampaignVerdict] = {n: r.output for n, r in view.results.items()}
    standpoints = {
        "objecting": [name for name, verdict in verdicts.items() if not verdict.approved],
        "no review from": [result.name for result in view.failures],
        "approving": [name for name, verdict in verdicts.items() if verdict.approved],
    }
    stopped = standpoints["objecting"] or standpoints["no review from"]
    who = [f"{what}: {', '.join(names)}" for what, names in standpoints.items() if names]
    listed = [
        "\n".join([name, *(f"- {issue}" for issue in verdict.issues)])
        for name, verdict in verdicts.items()
        if verdict.issues
    ]
    return "\n\n".join([f"{'NO-GO' if stopped else 'GO'} ({'; '.join(who)})", *listed])
