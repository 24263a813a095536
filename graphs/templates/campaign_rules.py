"""What is wrong with a campaign, by rules on its words, where no model reviews it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, NamedTuple

from langgraph_orchestra.graphs.templates.reading import matches

__all__ = ["Flaw", "branding_flaws", "compliance_flaws", "legal_flaws", "quality_flaws"]


class Flaw(NamedTuple):
    """Something that is not right."""

    severity: Literal["must fix", "should fix"]
    quote: str
    problem: str
    remedy: str


PROMISES: Mapping[str, str] = {
    r"guarantee[ds]?|100 ?%|risk[- ]free|never fails|no side effects": "Nobody can promise this.",
    r"best|cheapest|fastest|number one|no\. ?1|world's \w+est": "This claim has no proof.",
    r"(?:unlike|better than) \w+": "A comparison needs a proof that holds in court.",
}
PROOF = r"according to|source:|tested by|study|survey|award"
"""With one of these in the text, its claims are taken for proven."""


class Duty(NamedTuple):
    """What a campaign must say when it says something else."""

    when: str
    needs: str
    problem: str
    remedy: str


DUTIES = (
    Duty(
        r"(?<!-)free|discount|\d+ ?% off|offer|trial|voucher",
        r"terms|t&cs?|conditions",
        "An offer needs its terms.",
        "Add “Terms apply” and where to read them.",
    ),
    Duty(
        r"e-?mail|newsletter",
        r"unsubscribe|opt out",
        "E-mail needs a way out.",
        "Add a link to unsubscribe.",
    ),
    Duty(
        r"invest(?:ments?|ing)?|loans?|interest rates?|returns of",
        r"at risk|risk of loss|representative",
        "A financial product needs a warning.",
        "Add the warning of its risk or cost.",
    ),
    Duty(
        r"win|prizes?|prize draw|raffle",
        r"rules|terms|conditions",
        "A prize draw needs its rules.",
        "Add where to read the rules.",
    ),
)
MISSPELLED: Mapping[str, str] = {
    "accomodate": "accommodate",
    "definately": "definitely",
    "garantee": "guarantee",
    "occured": "occurred",
    "recieve": "receive",
    "seperate": "separate",
    "teh": "the",
    "untill": "until",
}
CALL_TO_ACT = (
    r"buy|order|try|join|sign up|visit|book|get|start|discover|download|call|register|subscribe"
)
HEADLINE_LIMIT, WORD_LIMIT = 60, 150
"""Characters of a headline, and words of the whole."""


def branding_flaws(campaign: str) -> Iterator[Flaw]:
    """The brand's name and its spelling; capitals and exclamation marks."""
    brand, copy = brand_and_copy(campaign)
    if not brand:
        yield Flaw("must fix", "", "The campaign names no brand.", "Add a line “Brand: ...”.")
    elif brand not in copy:
        yield Flaw("must fix", "", f"The copy never says {brand}.", "Name the brand early on.")
    for word in dict.fromkeys(re.findall(r"\w+", copy)):
        if is_misspelled(word, brand.split()):
            yield Flaw(
                "must fix", word, f"The brand is spelled {brand}.", "Spell it so throughout."
            )
        elif len(word) > 3 and word.isupper() and word not in brand:
            yield Flaw("should fix", word, "Capitals shout.", "Use small letters.")
    if copy.count("!") > 1:
        yield Flaw("should fix", "!", "One exclamation mark is plenty.", "Keep one at most.")


def legal_flaws(campaign: str) -> Iterator[Flaw]:
    """Promises, superlatives and comparisons without a proof."""
    _, copy = brand_and_copy(campaign)
    for words, problem in PROMISES.items():
        for claim in [] if matches(PROOF, copy) else matches(words, copy):
            yield Flaw("must fix", claim, problem, "Say what the product does instead.")


def compliance_flaws(campaign: str) -> Iterator[Flaw]:
    """Terms and warnings that offers need."""
    _, copy = brand_and_copy(campaign)
    for duty in DUTIES:
        said = matches(duty.when, copy)
        if said and not matches(duty.needs, copy):
            yield Flaw("must fix", said[0], duty.problem, duty.remedy)


def quality_flaws(campaign: str) -> Iterator[Flaw]:
    """Spelling, repetition, length, and a call to act."""
    _, copy = brand_and_copy(campaign)
    for wrong in matches("|".join(MISSPELLED), copy):
        right = MISSPELLED[wrong.lower()]
        yield Flaw("must fix", wrong, "This is misspelled.", f"Write “{right}”.")
    for repeated in re.finditer(r"\b(\w+) \1\b", copy, re.IGNORECASE):
        yield Flaw("must fix", repeated[0], "A word is repeated.", "Strike one.")
    headline = re.search(
        r"\b(?:headline|subject|title):\s*(.+?)(?=[.!?]\s|\n|\Z)", copy, re.IGNORECASE
    )
    if headline and len(headline[1]) > HEADLINE_LIMIT:
        length = f"The headline has {len(headline[1])} characters."
        yield Flaw("should fix", headline[1], length, f"Cut it to {HEADLINE_LIMIT}.")
    if (words := len(copy.split())) > WORD_LIMIT:
        yield Flaw("should fix", "", f"The text has {words} words.", f"Cut it to {WORD_LIMIT}.")
    if not matches(CALL_TO_ACT, copy):
        yield Flaw("should fix", "", "There is no call to act.", "Say what to do next.")


def brand_and_copy(campaign: str) -> tuple[str, str]:
    """The brand, if the campaign names it as `Brand: ...`, and the rest of the text."""
    named = re.search(r"\bbrand(?: name)?:\s*([^\n.;,]+)[.;,]?", campaign, re.IGNORECASE)
    return (named[1].strip(), campaign.replace(named[0], "")) if named else ("", campaign)


def is_misspelled(word: str, names: Sequence[str]) -> bool:
    """Whether a word is nearly one of the names, but not quite."""
    near = get_close_matches(word.lower(), [n.lower() for n in names if len(n) > 3], cutoff=0.8)
    return bool(near) and word not in names
