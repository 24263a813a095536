"""Market research: four kinds of source are searched side by side, then one report is written.

              +-> web ------+
    intake ---+-> social ---+-> join -> aggregate
              +-> academic -+
              +-> forum ----+

A source that fails leaves the others' findings as they are, and the report says that it is missing.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_concurrent
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.reading import said_by, task_in
from langgraph_orchestra.graphs.templates.source_data import (
    documents_in,
    search_forums,
    search_papers,
    search_social,
    search_web,
)
from langgraph_orchestra.graphs.templates.source_rules import (
    Finding,
    Standing,
    findings_in,
    standings_of,
)
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, synthesise

__all__ = [
    "ACADEMIC_PROMPT",
    "FORUM_PROMPT",
    "SOCIAL_PROMPT",
    "SYNTHESIS_PROMPT",
    "WEB_PROMPT",
    "MarketReport",
    "SourceReport",
    "graph",
]

RULES = """\
Search with your tool, more than once if it helps, and report only what it has returned: nothing
from memory. One finding for each thing that is said of something, with its figures and the
reference of the text. What the task asks and your source does not answer stands in the gaps. Weigh
nothing; a colleague compares all sources."""

WEB_PROMPT = f"""\
You search the web for a market study: tests, news, prices. Facts count for more than adjectives.
{RULES}"""

SOCIAL_PROMPT = f"""\
You search social media for a market study: what people like and complain about, in their words.
{RULES}"""

ACADEMIC_PROMPT = f"""\
You search academic papers for a market study: what was measured, on how many, under which
conditions.
{RULES}"""

FORUM_PROMPT = f"""\
You search forums for a market study: what owners report after months, and how many agree.
{RULES}"""

SYNTHESIS_PROMPT = """\
You write a market study from what four kinds of source have brought. They are before you with their
findings; use nothing else.

Sort every point by what holds it: `agreed` if several sources say the same, `disputed` if they
contradict each other, with who says what, and `single` if only one source says it. Quote figures
and references. In `missing`, name each source without a result or without findings, and what the
task asks that nobody has answered. The summary answers the task in at most three sentences, and
claims no more than the points hold."""


class SourceReport(BaseModel):
    """What one kind of source has brought."""

    findings: list[Finding] = Field(description="What its texts say; empty if nothing was found.")
    gaps: list[str] = Field(description="What the task asks and the source does not answer.")


class MarketReport(BaseModel):
    """What all sources say together."""

    summary: str = Field(description="The answer to the task, in at most three sentences.")
    agreed: list[str] = Field(description="What several sources say, with references.")
    disputed: list[str] = Field(description="Where sources differ: who says what.")
    single: list[str] = Field(description="What rests on one source alone.")
    missing: list[str] = Field(description="Sources and answers that are missing.")

    def __str__(self) -> str:
        parts = {
            "Agreed": self.agreed,
            "Disputed": self.disputed,
            "From one source alone": self.single,
            "Missing": self.missing,
        }
        listed = [
            "\n".join([t, *(f"- {one}" for one in said)]) for t, said in parts.items() if said
        ]
        return "\n\n".join([self.summary, *listed])


def graph() -> PatternGraph:
    """Build the graph."""
    return create_concurrent(
        [
            source("web", WEB_PROMPT, search_web),
            source("social", SOCIAL_PROMPT, search_social),
            source("academic", ACADEMIC_PROMPT, search_papers),
            source("forum", FORUM_PROMPT, search_forums),
        ],
        aggregate=synthesise(
            Agent("synthesis", SYNTHESIS_PROMPT, model=StandIn(write_report), output=MarketReport)
        ),
    )


def source(name: str, prompt: str, search: Callable[..., str]) -> Agent:
    """Who searches a kind of source, and the rules that stand in for their model."""

    def report(messages: Sequence[BaseMessage]) -> AIMessage | SourceReport:
        *_, latest = messages
        task = task_in(messages)
        if not isinstance(latest, ToolMessage):
            return calling(search.__name__, query=task)
        findings = list(findings_in(dict(documents_in(latest.text)), task))
        return SourceReport(findings=findings, gaps=[] if findings else [NOTHING])

    return Agent(name, prompt, tools=[search], model=StandIn(report), output=SourceReport)


NOTHING = "nothing on this was found."
SOURCES = ("web", "social", "academic", "forum")


def write_report(messages: Sequence[BaseMessage]) -> MarketReport:
    """Stand in for the synthesis: sort what is said by how many say it, and who does not agree."""
    reports = {
        name: SourceReport.model_validate_json(said)
        for name in SOURCES
        for said in said_by(name, messages)
    }
    standings = standings_of({name: one.findings for name, one in reports.items()})
    several = [one for one in standings if one.has_several_sources]
    return MarketReport(
        summary=summary_of(standings),
        agreed=[with_claims(one) for one in several if not one.is_disputed],
        disputed=[with_claims(one) for one in several if one.is_disputed],
        single=[with_claims(one) for one in standings if one not in several],
        missing=[*failures_in(messages), *silent(reports)],
    )


def summary_of(standings: Sequence[Standing]) -> str:
    """How each thing stands in a sentence."""
    told: dict[str, list[str]] = {}
    for one in standings:
        verdict = "disputed" if one.is_disputed else next(iter(one.sources))
        told.setdefault(one.about, []).append(f"{one.aspect} {verdict}")
    sentences = [f"{about}: {', '.join(verdicts)}." for about, verdicts in told.items()]
    return " ".join(sentences) or "No source says anything on this."


def with_claims(standing: Standing) -> str:
    """A point with what was said, word for word."""
    return " ".join([str(standing), *standing.claims])


def silent(reports: Mapping[str, SourceReport]) -> list[str]:
    """Sources that have found nothing."""
    return [f"{name}: {NOTHING}" for name, one in reports.items() if not one.findings]


def failures_in(messages: Sequence[BaseMessage]) -> list[str]:
    """Sources without a result, with the reason, as the synthesis is told."""
    told = re.findall(r"^No result from (.+)\.$", "\n".join(m.text for m in messages), re.MULTILINE)
    return [f"{name}: no result." for one in told for name in one.split(", ")]
