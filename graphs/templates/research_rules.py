"""What to search for, and what follows from what was found, by rules where no model does it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from langgraph_orchestra.graphs.templates.reading import listed, matches
from langgraph_orchestra.graphs.templates.source_data import (
    Document,
    Kind,
    search_forums,
    search_papers,
    search_social,
    search_web,
)
from langgraph_orchestra.graphs.templates.source_rules import (
    Standing,
    findings_in,
    standings_of,
    wanted_aspects,
)

__all__ = [
    "SEARCHES",
    "Search",
    "conflicts_in",
    "gaps_in",
    "implications_of",
    "label_in",
    "searches_for",
    "standings_in",
    "topic_of",
    "trends_in",
    "unknown_sources",
    "year_from",
]

Search = Callable[..., str]

SEARCHES: Mapping[Kind, Search] = {
    "academic": search_papers,
    "web": search_web,
    "forum": search_forums,
    "social": search_social,
}
"""Where it can be searched, what is most reliable first."""

NAMES: Mapping[Kind, str] = {
    "academic": "academic|academia|papers?|studies|science",
    "web": "web|industry|articles?|tests?|news|press",
    "forum": "forums?|owners",
    "social": "social media|social|posts?",
}
"""What people call these sources."""

REQUEST = re.compile(
    r"^(?:please )?(?:write|prepare|research|report|study)\b[^.:\n]*?\b(?:about|on) ", re.IGNORECASE
)


def label_in(task: str, label: str) -> str:
    """What a task gives behind a label, on a line or in a sentence; empty if nothing."""
    found = re.search(rf"\b{label}:[ \t]*([^\n.]+)", task, re.IGNORECASE)
    return found[1].strip() if found else ""


def topic_of(task: str) -> str:
    """What the research is about."""
    first = re.split(r"[.\n]", task.strip())[0]
    return label_in(task, "topic") or REQUEST.sub("", first).rstrip(" ?!")


def year_from(task: str) -> int:
    """From which year on texts count; 0 if the task does not say."""
    found = re.search(r"\bsince:? (\d{4})\b", task, re.IGNORECASE)
    return int(found[1]) if found else 0


def searches_for(task: str) -> Sequence[Search]:
    """The searches that a task names; all of them if it names none."""
    named = label_in(task, "sources")
    return [search for kind, search in SEARCHES.items() if not named or matches(NAMES[kind], named)]


def unknown_sources(task: str) -> Sequence[str]:
    """The sources that a task names and nobody here can search."""
    named = [name.strip() for name in label_in(task, "sources").split(",") if name.strip()]
    return [name for name in named if not matches("|".join(NAMES.values()), name)]


def standings_in(documents: Mapping[str, Document], task: str) -> Sequence[Standing]:
    """How each aspect stands, text by text."""
    return standings_of(
        {
            f"[{reference}]": list(findings_in({reference: document}, task))
            for reference, document in documents.items()
        }
    )


def trends_in(standings: Sequence[Standing]) -> list[str]:
    """What several texts say alike."""
    return [told(one) for one in standings if one.has_several_sources and not one.is_disputed]


def conflicts_in(standings: Sequence[Standing]) -> list[str]:
    """Where texts contradict each other."""
    return [told(one) for one in standings if one.is_disputed]


def gaps_in(standings: Sequence[Standing], task: str) -> list[str]:
    """What rests on one text alone, and what no text says."""
    single = [f"Only one text says this: {told(s)}" for s in standings if not s.has_several_sources]
    known = {standing.aspect for standing in standings}
    unknown = [aspect for aspect in wanted_aspects(task) if aspect not in known]
    return [*single, *([f"No text says anything on: {listed(unknown)}."] if unknown else [])]


def implications_of(standings: Sequence[Standing]) -> Iterator[str]:
    """Which of two does better where texts do not contradict each other."""
    settled = [one for one in standings if not one.is_disputed]
    for good in (one for one in settled if "good" in one.sources):
        for bad in (one for one in settled if "bad" in one.sources):
            if good.aspect == bad.aspect:
                proof = " ".join(dict.fromkeys([*good.sources["good"], *bad.sources["bad"]]))
                yield f"For {good.aspect}, {good.about} does better than {bad.about} {proof}."


def told(standing: Standing) -> str:
    """How an aspect stands, with what each text says."""
    tones = " or ".join(standing.sources)
    return f"{standing.about}, {standing.aspect} ({tones}): {' '.join(standing.claims)}"
