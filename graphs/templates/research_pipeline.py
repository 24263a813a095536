"""Research pipeline: texts are retrieved, analysed, and written up with their references.

    intake -> retrieve -> analyse -> write -> references
                 |
                 +-> END, where nothing is found

The list of references is a function's work, with or without a model: what is cited and was never
retrieved is named there.
"""

import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_sequential
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.reading import matches, said_by, task_in, typed_in
from langgraph_orchestra.graphs.templates.research_rules import (
    SEARCHES,
    conflicts_in,
    gaps_in,
    implications_of,
    label_in,
    searches_for,
    standings_in,
    topic_of,
    trends_in,
    unknown_sources,
    year_from,
)
from langgraph_orchestra.graphs.templates.source_data import Document, documents_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, View, this_run

__all__ = [
    "ANALYSE_PROMPT",
    "RETRIEVE_PROMPT",
    "WRITE_PROMPT",
    "Analysis",
    "Retrieved",
    "Source",
    "graph",
]

RETRIEVE_PROMPT = """\
You gather the texts for a report. Search with your tools in the sources that the task names, or in
all of them if it names none, and from the year on that it gives; search again in other words where
you find little. Give every text that bears on the topic, word for word with its reference: nothing
from memory. In `missing`, name what the task wants searched and you cannot search, and where
nothing was found. Judge nothing; that comes next."""

ANALYSE_PROMPT = """\
You analyse the texts that were retrieved for a report, and nothing else. `trends` is what several
texts say alike; `conflicts` is where they contradict each other, with who says what; `gaps` is what
rests on one text alone, what the task asks and no text answers, and what could not be searched;
`implications` is what follows for the reader from trends and conflicts. Each point is one sentence
with its figures and the references in brackets, as `[W1]`. Count independent texts, not adjectives;
something measured weighs more than something felt."""

WRITE_PROMPT = """\
You write a report from an analysis, in the format and the length that the task asks for; in
Markdown with headings, and under 500 words, if it asks for none. Say first what it comes to, then
what holds, what is disputed, and what is not known. Every statement keeps its references in
brackets, as `[W1]`; cite none that the analysis does not have, and make no list of them: that is
added. Use nothing but the analysis."""


class Source(BaseModel):
    """A text that was found."""

    reference: str = Field(description="Its reference, as the search gives it: W1.")
    title: str = Field(description="Its title.")
    by: str = Field(description="Who wrote or published it.")
    year: int = Field(description="When.")
    text: str = Field(description="What it says, word for word.")


class Retrieved(BaseModel):
    """What was found."""

    sources: list[Source] = Field(description="The texts; empty if nothing was found.")
    missing: list[str] = Field(description="What could not be searched or found, in sentences.")

    def __str__(self) -> str:
        found = [f"[{one.reference}] {one.title} ({one.by}, {one.year})" for one in self.sources]
        return "\n".join([*(found or ["No report: nothing was found."]), *self.missing])


class Analysis(BaseModel):
    """What the texts come to."""

    trends: list[str] = Field(description="What several texts say alike.")
    conflicts: list[str] = Field(description="Where texts contradict each other.")
    gaps: list[str] = Field(description="What is not known, or rests on one text alone.")
    implications: list[str] = Field(description="What follows for the reader.")


def graph() -> PatternGraph:
    """Build the graph."""
    return create_sequential(
        [
            Agent(
                "retrieve",
                RETRIEVE_PROMPT,
                tools=[*SEARCHES.values()],
                model=StandIn(retrieve),
                output=Retrieved,
            ),
            Agent("analyse", ANALYSE_PROMPT, model=StandIn(analyse), output=Analysis),
            Agent("write", WRITE_PROMPT, model=StandIn(write)),
            references,
        ],
        stop_when=nothing_was_found,
        history=this_run(),
    )


def nothing_was_found(view: View) -> bool:
    """Whether there is nothing to analyse."""
    return any(not one.sources for one in typed_in(Retrieved, view.answers))


def references(view: View) -> str:
    """Put the list of references under the report: all that it cites, and nothing else."""
    report = said_by("write", view.answers)[-1]
    found = {one.reference: one for one in retrieved_in(view.answers).sources}
    cited = dict.fromkeys(re.findall(r"\[([A-Z]+\d+)\]", report))
    lines = [
        f"- [{one}] {found[one].by}: {found[one].title} ({found[one].year})"
        if one in found
        else f"- [{one}] is none of the texts that were retrieved."
        for one in cited
    ]
    return "\n".join([report, "", "## References", "", *(lines or ["The report cites nothing."])])


def retrieved_in(messages: Sequence[BaseMessage]) -> Retrieved:
    """What was found."""
    return Retrieved.model_validate_json(said_by("retrieve", messages)[-1])


def retrieve(messages: Sequence[BaseMessage]) -> AIMessage | Retrieved:
    """Stand in for the retrieval: search the sources that the task names, one after another."""
    task = task_in(messages)
    searches = searches_for(task)
    found = [message.text for message in messages if isinstance(message, ToolMessage)]
    if len(found) < len(searches):
        search, since = searches[len(found)], year_from(task)
        return calling(search.__name__, query=task, since=since)
    documents = {ref: one for text in found for ref, one in documents_in(text)}
    without = [
        f"{search.__name__} has found nothing."
        for search, text in zip(searches, found, strict=True)
        if not any(documents_in(text))
    ]
    unknown = [f"There is no search for {name}." for name in unknown_sources(task)]
    return Retrieved(
        sources=[Source(reference=ref, **one._asdict()) for ref, one in documents.items()],
        missing=[*without, *unknown],
    )


def analyse(messages: Sequence[BaseMessage]) -> Analysis:
    """Stand in for the analysis: count the texts that say the same, and those that do not."""
    task, retrieved = task_in(messages), retrieved_in(messages)
    documents: Mapping[str, Document] = {
        one.reference: Document(one.title, one.by, one.year, one.text) for one in retrieved.sources
    }
    standings = standings_in(documents, task)
    return Analysis(
        trends=trends_in(standings),
        conflicts=conflicts_in(standings),
        gaps=[*gaps_in(standings, task), *retrieved.missing],
        implications=list(implications_of(standings)),
    )


def write(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the writer: put the analysis under headings, as bullet points or as text."""
    task = task_in(messages)
    analysis = Analysis.model_validate_json(said_by("analyse", messages)[-1])
    sections = {
        "What follows": analysis.implications,
        "What holds": analysis.trends,
        "What is disputed": analysis.conflicts,
        "What is not known": analysis.gaps,
    }
    as_text = matches("article|prose|text", label_in(task, "format"))
    told = {
        title: " ".join(said) if as_text else "\n".join(f"- {one}" for one in said)
        for title, said in sections.items()
        if said
    }
    topic = topic_of(task)
    heading = f"# {topic[:1].upper()}{topic[1:]}"
    return "\n\n".join([heading, *(f"## {title}\n\n{text}" for title, text in told.items())])
