"""Product descriptions by rules, where no model writes or checks: drafts, and what they lack."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from langgraph_orchestra.graphs.templates.reading import NUMBER, listed, matches, sentences

__all__ = ["Brief", "brief_in", "draft_of", "flaws_in"]

FACT = re.compile(r"(?P<label>[A-Z][\w /-]{1,24}): *(?P<value>\S.*?)[.;!]?")
SUBJECT = re.compile(
    r"\b(?:describe|for|of|about|describing) (?:(?:the|our|an?|my) )?(?P<name>[^.:,;\n]+)", re.I
)
LIMIT = re.compile(r"\b(?:in|under|up to|at most|within|no more than) (\d+) words", re.I)
WORD_LIMIT = 60
"""Words of a description, where the brief sets no limit."""

PUFFERY = (
    r"best(?: of its kind)?|perfect|unbeatable|unrivalled|revolutionary|amazing|incredible"
    r"|world-class|number one|guaranteed|risk-free"
)
"""Claims that nobody can prove."""


class Brief(NamedTuple):
    """What is to be described."""

    product: str
    features: Sequence[str]
    terms: Mapping[str, str]
    """What has to be said word for word, by its label: price, warranty, delivery ..."""

    most_words: int


def brief_in(task: str) -> Brief:
    """The brief that a task gives: `Label: value` a line or sentence, or just what it is about."""
    said = sentences(task)
    facts = {f["label"]: f["value"] for f in map(FACT.fullmatch, said) if f}
    rest = " ".join(sentence for sentence in said if not FACT.fullmatch(sentence))
    subject, limit = SUBJECT.search(rest), LIMIT.search(task)
    name = f"the {subject['name'].strip()}" if subject else "this product"
    product, features = facts.pop("Product", name), facts.pop("Features", "")
    for about_the_text in ("Length", "Audience", "Tone"):
        facts.pop(about_the_text, None)
    return Brief(
        product,
        [part.strip() for part in re.split(r"[,;]", features) if part.strip()],
        facts,
        int(limit[1]) if limit else WORD_LIMIT,
    )


def draft_of(brief: Brief, notes: str) -> str:
    """A description: of what sounds good at first, then with what the notes ask for.

    Args:
        brief: What is described.
        notes: What was said of earlier drafts.
    """
    struck = "strike it" in notes
    lead = f"Meet {brief.product}{'' if struck else ', the best of its kind'}."
    terms = [f"{label}: {value}." for label, value in brief.terms.items() if f"“{value}”" in notes]
    features = list(brief.features)
    while features and "too long" in notes:
        if len(" ".join([lead, *_told(features), *terms]).split()) <= brief.most_words:
            break
        features.pop()
    return " ".join([lead, *_told(features), *terms])


def flaws_in(draft: str, brief: Brief, task: str) -> Iterator[str]:
    """What a draft lacks, says too much or wrongly, each with its remedy.

    Args:
        draft: The description.
        brief: What was to be described.
        task: The brief as it was given: a figure that is not in it was made up.
    """
    if brief.product.casefold() not in draft.casefold():
        yield f"The product is not named: say “{brief.product}”."
    for label, value in brief.terms.items():
        if _plain(value) not in _plain(draft):
            yield f"The {label.lower()} is missing: say “{value}”."
    known = {figure.rstrip(".,") for figure in re.findall(NUMBER, task)}
    for figure in dict.fromkeys(re.findall(NUMBER, draft)):
        if figure not in known:
            yield f"The figure “{figure}” is not in the brief: leave it out, or give the right one."
    for claim in matches(PUFFERY, draft):
        yield f"Nobody can prove “{claim}”: strike it."
    if (words := len(draft.split())) > brief.most_words:
        yield f"With {words} words it is too long: cut it to {brief.most_words}."


def _told(features: Sequence[str]) -> Sequence[str]:
    """Features in a sentence: things that it does, or has."""
    does = [f for f in features if f.split()[0].endswith("s") and not f[:1].isdigit()]
    has = [f for f in features if f not in does]
    return [f"It {verb}{listed(some)}." for verb, some in (("", does), ("has ", has)) if some]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
