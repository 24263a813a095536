"""A writing workshop where no model writes: a draft from the words of the task, and notes on it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from langgraph_orchestra.graphs.templates.reading import matches

__all__ = [
    "Premise",
    "draft_of",
    "edited",
    "editor_notes",
    "line_edits",
    "line_edits_in",
    "premise_in",
    "researcher_notes",
]

REQUEST = re.compile(
    r"^(?:please )?(?:write|tell|draft)\b[^.!?]*?\b(?:about|in which|where):? ", re.IGNORECASE
)
HERO = re.compile(
    r"(?P<hero>(?:an?|the|two|three) .+?),? (?:who |that )?"
    r"(?P<event>(?:\w+s|has|must|want|find|meet|have)\b.+)",
    re.IGNORECASE | re.DOTALL,
)
YEAR = re.compile(r"\b1\d{3}\b|\b20\d\d\b")
PLACE = re.compile(r"\b(?:[Ii]n|[Ss]et in|[Aa]t) ((?:[A-Z][\w'-]+ ?)+)")
LIMIT = re.compile(r"\b(?:in|under|up to|at most|within) (\d+) words", re.IGNORECASE)
FILLER = "suddenly|very|really|just|quite"

INVENTED: Mapping[str, int] = {
    "railway|train": 1825,
    "telegraph": 1837,
    "telephone": 1876,
    "aeroplane|airplane": 1903,
    "radio": 1895,
    "television": 1927,
    "computer": 1945,
    "internet": 1983,
    "smartphone": 2007,
    "AI assistant|chatbot": 2011,
}
"""Since when there are things that stories like to have too early."""

IMAGES: Mapping[str, str] = {
    "It is early": "The windows are still grey",
    "Nothing is as it was before.": "Outside, the morning goes on as if it did not know.",
    "Nobody answers at once.": "The silence has a colour.",
}
"""What a poet makes of plain words."""


class Premise(NamedTuple):
    """What a story is to be about."""

    hero: str
    event: str
    places: Sequence[str]
    years: Sequence[str]
    most_words: int | None

    @property
    def key(self) -> str:
        """The word of the event that says most."""
        return max(re.findall(r"[\w'-]+", self.event), key=len, default="it")


def premise_in(task: str) -> Premise:
    """Take the premise from a task."""
    story = LIMIT.sub("", REQUEST.sub("", task.strip()))
    first = re.split(r"(?<=[.!?])\s|\n", story)[0].rstrip(" .!?,")
    found = HERO.match(first)
    hero = found["hero"] if found else "somebody"
    limit = LIMIT.search(task)
    return Premise(
        hero=re.sub(r"^(?:an?|the) ", "the ", hero, flags=re.IGNORECASE),
        event=" ".join(found["event"].split())
        if found
        else f"meets {first[:1].lower()}{first[1:]}",
        places=[place.strip() for place in PLACE.findall(story)],
        years=YEAR.findall(story),
        most_words=int(limit[1]) if limit else None,
    )


def draft_of(premise: Premise, notes: Sequence[str], edits: Mapping[str, str]) -> str:
    """A draft that takes the notes in.

    Args:
        premise: What it is about.
        notes: What colleagues want changed.
        edits: Words to be replaced, and by what.
    """
    hero, wanted = premise.hero, "\n".join(notes)
    setting = ", ".join([*premise.places, *premise.years])
    opening = [f"{setting}."] if "setting is missing" in wanted else []
    opening.append(f"It is early, and {hero} is very much alone.")
    if "Nothing prepares" in wanted:
        opening.append(f"For days there have been signs: {premise.key}, says a note on the wall.")
    middle = [f"Then, suddenly, it is out: {hero} {premise.event}."]
    middle += [
        f"Nobody here knows the word {one} yet." for one in re.findall(r"“(.+?)” did", wanted)
    ]
    if "Nobody speaks" in wanted:
        middle += [f"“Since when?” asks {hero}.", "Nobody answers at once."]
    closing = ["Nothing is as it was before."]

    def text() -> str:
        told = edited(_joined(opening, middle, closing), edits)
        cut = "Cut the filler" in wanted
        return re.sub(rf",? (?:{FILLER})\b,?(?: much\b)?", "", told) if cut else told

    if "too long" in wanted and premise.most_words:
        optional = [*closing, *middle[:0:-1], *opening[::-1]]
        while optional and len(text().split()) > premise.most_words:
            left_out = optional.pop(0)
            opening, middle, closing = (
                [one for one in part if one != left_out] for part in (opening, middle, closing)
            )
    return text()


def researcher_notes(premise: Premise, draft: str) -> Iterator[str]:
    """What the facts of the task ask of the draft."""
    missing = [fact for fact in (*premise.places, *premise.years) if fact not in draft]
    if missing:
        yield f"The setting is missing: {', '.join(missing)}."
    for things, since in INVENTED.items():
        for thing in matches(f"(?:{things})s?", draft):
            explained = f"the word {thing} yet" in draft
            if any(int(year) < since for year in premise.years) and not explained:
                yield f"“{thing}” did not exist yet: it came in {since}. Explain it."


def line_edits(draft: str) -> Mapping[str, str]:
    """The lines of a draft that a poet would have otherwise."""
    return {plain: image for plain, image in IMAGES.items() if plain in draft}


def line_edits_in(said: Iterable[str]) -> Mapping[str, str]:
    """The line edits in what a poet has said."""
    return dict(re.findall(r"“(.+?)” -> “(.+?)”", "\n".join(said)))


def edited(text: str, edits: Mapping[str, str]) -> str:
    """A text with line edits made."""
    for plain, image in edits.items():
        text = text.replace(plain, image)
    return text


def editor_notes(premise: Premise, draft: str) -> Iterator[str]:
    """What has to change before a draft can be printed."""
    opening = draft.partition("\n\n")[0].partition(premise.event)[0]
    words, limit = len(draft.split()), premise.most_words
    is_short = limit is not None and limit < words + 15
    if premise.key not in opening and not is_short:
        yield f"Nothing prepares the turn: hint at “{premise.key}” in the opening."
    if "“" not in draft and not is_short:
        yield "Nobody speaks: add a line of dialogue."
    if filler := matches(FILLER, draft):
        yield f"Cut the filler: {', '.join(filler)}."
    if limit is not None and words > limit:
        yield f"It is too long: {words} words of {limit}."


def _joined(*paragraphs: Sequence[str]) -> str:
    return "\n\n".join(" ".join(sentences) for sentences in paragraphs if sentences)
