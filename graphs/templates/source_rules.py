"""What texts say of what is compared, and where they agree, by rules where no model reads them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from langgraph_orchestra.graphs.templates.reading import listed, matches, sentences
from langgraph_orchestra.graphs.templates.source_data import MAKES, Document

__all__ = ["Finding", "Standing", "findings_in", "standings_of", "wanted_aspects"]

Tone = Literal["good", "bad", "mixed"]


class Finding(BaseModel):
    """What a text says of something."""

    about: str = Field(description="Of what: a product, a company, a group of people.")
    aspect: str = Field(description="Which side of it, in one word: price, service, range ...")
    tone: Tone = Field(description="Whether that speaks for it.")
    claim: str = Field(description="What it says, in one sentence, with its figures.")
    reference: str = Field(description="The text's reference, as the search gives it: W1.")


class Standing(NamedTuple):
    """What several sources say of one aspect."""

    about: str
    aspect: str
    sources: Mapping[Tone, Sequence[str]]
    """Who says what."""

    claims: Sequence[str]
    """Each with its reference."""

    @property
    def is_disputed(self) -> bool:
        """Whether they contradict each other."""
        return len(self.sources) > 1

    @property
    def has_several_sources(self) -> bool:
        """Whether more than one has said something."""
        return sum(map(len, self.sources.values())) > 1

    def __str__(self) -> str:
        said = "; ".join(f"{tone} ({listed(names)})" for tone, names in self.sources.items())
        return f"{self.about}, {self.aspect}: {said}."


ASPECTS: Mapping[str, str] = {
    "price": r"prices?|costs?|cheap(?:er)?|expensive",
    "range": r"ranges?|battery|batteries|charges?",
    "service": r"services?|parts?|repairs?",
    "brakes": r"brakes?|braking",
    "motor": r"motors?|noise",
}
GOOD = r"good|love|excellent|low|strong|reliable|stable|quiet|easy"
BAD = r"slow|high|weak|terrible|poor|loud|fell"


def wanted_aspects(task: str) -> Sequence[str]:
    """The aspects that a task asks about; all of them if it names none."""
    return [name for name, words in ASPECTS.items() if matches(words, task)] or [*ASPECTS]


def findings_in(documents: Mapping[str, Document], task: str) -> Iterator[Finding]:
    """What texts say of the makes and the aspects that a task asks about."""
    makes = [make for make in MAKES if matches(make, task)] or MAKES
    aspects = wanted_aspects(task)
    for reference, document in documents.items():
        for sentence in sentences(document.text):
            for make in (make for make in makes if matches(make, sentence)):
                for aspect in (name for name in aspects if matches(ASPECTS[name], sentence)):
                    yield Finding(
                        about=make,
                        aspect=aspect,
                        tone=_tone_of(sentence),
                        claim=sentence,
                        reference=reference,
                    )


def standings_of(findings: Mapping[str, Sequence[Finding]]) -> Sequence[Standing]:
    """How each aspect stands, in the order in which it was first named.

    Args:
        findings: Of each source.
    """
    sources: dict[tuple[str, str], dict[Tone, list[str]]] = {}
    claims: dict[tuple[str, str], list[str]] = {}
    for source, own in findings.items():
        for one in own:
            about = (one.about, one.aspect)
            names = sources.setdefault(about, {}).setdefault(one.tone, [])
            names += [source] if source not in names else []
            claims.setdefault(about, []).append(f"{one.claim} [{one.reference}]")
    return [Standing(*about, sources[about], claims[about]) for about in sources]


def _tone_of(sentence: str) -> Tone:
    good, bad = matches(GOOD, sentence), matches(BAD, sentence)
    if bool(good) == bool(bad):
        return "mixed"
    return "good" if good else "bad"
