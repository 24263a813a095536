"""A small collection of texts on two makes of cargo bike, and the searches that look into it.

Makes, authors and texts are made up: put searches of your own in their place.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

__all__ = [
    "COLLECTION",
    "MAKES",
    "Document",
    "Kind",
    "documents_in",
    "search_forums",
    "search_papers",
    "search_social",
    "search_web",
]

Kind = Literal["web", "social", "academic", "forum"]

MAKES = ("Voltra", "Ambera")
"""What the collection is about."""

MOST_FOUND = 6
"""How many documents a search returns at most."""

COMMON = (
    "about academic compare does format forum from have make more people report research should "
    "since social sources than that their them they this topic what which with would write your"
)
"""Words of a query that say nothing of what is looked for."""


class Document(NamedTuple):
    """A text of the collection."""

    title: str
    by: str
    year: int
    text: str


COLLECTION: Mapping[Kind, Mapping[str, Document]] = {
    "web": {
        "W1": Document(
            "A year with the Voltra C3 cargo bike",
            "Cargo Weekly",
            2025,
            "The Voltra range is good for 70 km with a full box. Voltra service is slow: a spare "
            "part took five weeks. At 5,900 the Voltra price is high.",
        ),
        "W2": Document(
            "Ambera cuts its prices",
            "Velo Market",
            2025,
            "At 4,400 the Ambera price is low after the cut. Ambera service is excellent where "
            "there is a shop.",
        ),
        "W3": Document(
            "Nine family cargo bikes in the rain",
            "City Mobility",
            2023,
            "Ambera brakes are weak in the wet. Voltra brakes are strong, and easy to adjust.",
        ),
    },
    "social": {
        "S1": Document(
            "Post on the school run",
            "@hilltop_dad",
            2025,
            "Love the Voltra range: twelve school runs by cargo bike on one charge.",
        ),
        "S2": Document(
            "Post on a broken display",
            "@sofie_rides",
            2025,
            "Ambera service is terrible, three weeks and no answer about my cargo bike.",
        ),
        "S3": Document(
            "Post on neighbours",
            "@quietstreet",
            2024,
            "The Ambera motor is quiet. The neighbours' Voltra motor is loud.",
        ),
    },
    "academic": {
        "A1": Document(
            "Battery ageing of cargo bikes in daily use",
            "Lindqvist and Mora",
            2025,
            "After 500 charges, the Voltra range fell to a poor 48 km. The Ambera range was stable "
            "at 52 km.",
        ),
        "A2": Document(
            "Braking distances of loaded cargo bikes",
            "Okafor",
            2024,
            "Ambera brakes were weak when wet: 9.1 m from 25 km/h. Voltra brakes were reliable at "
            "6.8 m.",
        ),
    },
    "forum": {
        "F1": Document(
            "Voltra: where are the parts?",
            "boxbike forum, 48 replies",
            2025,
            "Voltra service is slow, most of us waited four weeks or more.",
        ),
        "F2": Document(
            "Ambera cargo bike after two winters",
            "boxbike forum, 21 replies",
            2024,
            "Ambera service is good if you live near a shop. The Ambera range is reliable in the "
            "cold.",
        ),
    },
}
"""The documents of each kind of source, by their reference."""

ENTRY = re.compile(r"^\[(?P<reference>\w+)\] (?P<title>.+) \((?P<by>.+), (?P<year>\d{4})\): ")


def search_web(query: str, since: int = 0) -> str:
    """Search articles and tests on the web, from a year on."""
    return _search("web", query, since)


def search_social(query: str, since: int = 0) -> str:
    """Search posts on social media, from a year on."""
    return _search("social", query, since)


def search_papers(query: str, since: int = 0) -> str:
    """Search academic papers, from a year on."""
    return _search("academic", query, since)


def search_forums(query: str, since: int = 0) -> str:
    """Search discussions in forums, from a year on."""
    return _search("forum", query, since)


def documents_in(found: str) -> Iterator[tuple[str, Document]]:
    """The documents in what a search has returned, with their references."""
    for line in found.splitlines():
        if entry := ENTRY.match(line):
            _, title, by, year = entry.groups()
            yield entry["reference"], Document(title, by, int(year), line[entry.end() :])


def _search(kind: Kind, query: str, since: int) -> str:
    wanted = _words(query) - _words(COMMON)
    matching = {
        reference: len(wanted & _words(f"{document.title} {document.text}"))
        for reference, document in COLLECTION[kind].items()
        if document.year >= since
    }
    best = sorted((one for one in matching if matching[one]), key=lambda one: -matching[one])
    entries = ((reference, COLLECTION[kind][reference]) for reference in best[:MOST_FOUND])
    lines = [f"[{ref}] {one.title} ({one.by}, {one.year}): {one.text}" for ref, one in entries]
    return "\n".join(lines) or "Nothing was found."


def _words(text: str) -> set[str]:
    """Words of at least four letters, a plural like its singular."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]{4,}", text.lower())}
