"""Stock analysis: four analysts look at the same data side by side, then one decides.

          +-> fundamental -+      fundamental is a team: financials and competitive
intake ---+-> technical ---+-> join -> aggregate
          +-> sentiment ---+
          +-> esg ---------+
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_concurrent
from langgraph_orchestra.graphs.templates.reading import said_by, task_in
from langgraph_orchestra.graphs.templates.stock_rules import (
    Finding,
    compared,
    competitive_findings,
    esg_findings,
    financial_findings,
    news_findings,
    price_findings,
)
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, View, synthesise

__all__ = [
    "COMPETITIVE_PROMPT",
    "DECISION_PROMPT",
    "ESG_PROMPT",
    "FINANCIALS_PROMPT",
    "SENTIMENT_PROMPT",
    "TECHNICAL_PROMPT",
    "Assessment",
    "Recommendation",
    "graph",
]

RULES = """\
Judge by the data in the task alone: use no figure from memory, and estimate none. Each piece of
evidence names the figure or the headline it rests on and what that means. If the data holds
nothing for your field, the outlook is `unknown`, and the evidence says what is missing. Leave all
other fields to your colleagues."""

FINANCIALS_PROMPT = f"""\
You are the analyst of financials and revenue in a team that assesses a stock. Your field:
valuation against the sector or the stock's past, growth of revenue and earnings, margins, cash
flow, debt.
{RULES}"""

COMPETITIVE_PROMPT = f"""\
You are the analyst of competition in a team that assesses a stock. Your field: market share and
where it is going, pricing power, what competitors do, how well the business is protected.
{RULES}"""

TECHNICAL_PROMPT = f"""\
You are the technical analyst in a team that assesses a stock. Your field: the history of prices and
volumes: trend, momentum, moving averages, support and resistance.
{RULES}"""

SENTIMENT_PROMPT = f"""\
You are the analyst of sentiment in a team that assesses a stock. Your field: headlines, analysts'
ratings, what customers and the public say. Weigh what is new and weighty over what is loud.
{RULES}"""

ESG_PROMPT = f"""\
You are the analyst of environment, social affairs and governance in a team that assesses a stock.
Your field: emissions, safety and staff, the board's independence, controversies, ratings.
{RULES}"""

DECISION_PROMPT = """\
You decide on a stock: buy, hold or sell. Your analysts' assessments of the same data are before
you.

Weigh the strength of their evidence, do not just count them; where they contradict each other, say
which evidence you go by and why. An `unknown` outlook, or an analyst without a result, lowers your
confidence. Give one reason for each analyst, beginning with their name, with the figure that
matters most. Use no data besides theirs."""

Outlook = Literal["positive", "neutral", "negative", "unknown"]
Action = Literal["buy", "hold", "sell"]


class Assessment(BaseModel):
    """What an analyst makes of the data."""

    outlook: Outlook = Field(description="What the evidence says about the stock's next year.")
    evidence: list[str] = Field(description="Up to four short sentences, each with its figure.")


class Recommendation(BaseModel):
    """The decision on a stock."""

    action: Action = Field(description="What to do.")
    confidence: float = Field(ge=0, le=1, description="How sure the decision is.")
    reasons: list[str] = Field(
        description="One sentence for each analyst, beginning with their name."
    )

    def __str__(self) -> str:
        reasons = "\n".join(f"- {reason}" for reason in self.reasons)
        return f"{self.action.upper()}, confidence {self.confidence:.0%}\n{reasons}"


def graph() -> PatternGraph:
    """Build the graph."""
    team = create_concurrent(
        [
            analyst("financials", FINANCIALS_PROMPT, financial_findings),
            analyst("competitive", COMPETITIVE_PROMPT, competitive_findings),
        ],
        aggregate=joint_assessment,
    )
    return create_concurrent(
        [
            team.compile(name="fundamental"),
            analyst("technical", TECHNICAL_PROMPT, price_findings),
            analyst("sentiment", SENTIMENT_PROMPT, news_findings),
            analyst("esg", ESG_PROMPT, esg_findings),
        ],
        aggregate=synthesise(
            Agent("decision", DECISION_PROMPT, model=StandIn(decide), output=Recommendation)
        ),
    )


def joint_assessment(view: View) -> Assessment:
    """The team's assessment: the outlook its members lean to, and all of their evidence."""
    assessments = [result.output for result in view.results.values()]
    return Assessment(
        outlook=leaning([SIGNS[one.outlook] for one in assessments if one.outlook in SIGNS]),
        evidence=[evidence for one in assessments for evidence in one.evidence],
    )


SIGNS: Mapping[Outlook, int] = {"positive": 1, "neutral": 0, "negative": -1}


def leaning(signs: Sequence[int]) -> Outlook:
    """Where signs point together."""
    if not signs:
        return "unknown"
    return "positive" if sum(signs) > 0 else "negative" if sum(signs) < 0 else "neutral"


def analyst(name: str, prompt: str, rules: Callable[[str], Iterable[Finding]]) -> Agent:
    """An analyst, and the rules that stand in for its model."""

    def assess(messages: Sequence[BaseMessage]) -> Assessment:
        findings = list(rules(task_in(messages)))
        return Assessment(
            outlook=leaning([finding.sign for finding in findings]),
            evidence=[finding.evidence for finding in findings]
            or [f"The task gives nothing that rules on {name} can judge."],
        )

    return Agent(name, prompt, model=StandIn(assess), output=Assessment)


def decide(messages: Sequence[BaseMessage]) -> Recommendation:
    """Stand in for the decision: buy or sell where more than a third of the outlooks agree."""
    analysts = {
        name: Assessment.model_validate_json(said)
        for name in ("fundamental", "technical", "sentiment", "esg")
        for said in said_by(name, messages)
    }
    signs = [SIGNS[one.outlook] for one in analysts.values() if one.outlook in SIGNS]
    sign = compared(sum(signs) / len(signs), 1 / 3, -1 / 3) if signs else 0
    actions: Mapping[int, Action] = {1: "buy", 0: "hold", -1: "sell"}
    return Recommendation(
        action=actions[sign],
        confidence=signs.count(sign) / (len(analysts) + 1),  # agreement is never quite certainty
        reasons=[
            f"{name} ({one.outlook}): {' '.join(one.evidence)}" for name, one in analysts.items()
        ],
    )
