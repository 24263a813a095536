"""What a ticket is about and how urgent it is, by its words, where no model reads it."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from langgraph_orchestra.graphs.templates.reading import matches

__all__ = ["Category", "Level", "category_of", "level_of"]

Category = Literal["outage", "technical", "billing", "account", "general"]
Level = Literal["critical", "high", "normal", "low"]

KEYWORDS: Mapping[Category, str] = {
    "outage": r"outages?|(?:is|are|was|been|went|goes|site|server|service|system|production) down"
    r"|down (?:since|for|again)|offline|unreachable|unavailable|503|not (?:loading|responding)",
    "billing": r"bill(?:ed|ing)?|invoices?|charged?|charges|refunds?|payments?|price|subscription",
    "account": r"account|password|log ?in|sign ?in|locked out|permissions?|hacked|two-factor|2fa",
    "technical": r"errors?|bugs?|crash(?:es|ed)?|slow|fails?|broken|export|api|integration|sync",
}
MANY = (
    r"(?:all|every|many|most) (?:of )?(?:our |the )?(?:customers?|users?|staff|sites?|teams?)"
    r"|everyone|everybody|nobody|no one|company-wide"
)
LOSS = r"losing (?:money|sales|orders|data)|data loss|hacked|breach(?:ed)?|stolen|leak(?:ed)?"
URGENT = r"urgent(?:ly)?|asap|immediately|right now|critical|emergency|blocked|deadline|cannot work"
NO_HURRY = r"(?:not|\w+n't|nothing) (?:\w+ )?(?:urgent|critical)|no rush|whenever"
MINOR = rf"{NO_HURRY}|minor|cosmetic|typo|feature request|suggestion|how (?:do|can) (?:i|we)"


def category_of(ticket: str) -> Category:
    """The category with most words in a ticket; an outage comes before all."""
    counts = {category: len(matches(words, ticket)) for category, words in KEYWORDS.items()}
    if counts["outage"]:
        return "outage"
    likeliest = max(counts, key=lambda category: counts[category])
    return likeliest if counts[likeliest] else "general"


def level_of(ticket: str, category: Category) -> tuple[Level, Sequence[str]]:
    """The priority of a ticket, and the words it follows from."""
    outage = matches(KEYWORDS["outage"], ticket) if category == "outage" else []
    many, loss, minor = (matches(words, ticket) for words in (MANY, LOSS, MINOR))
    urgent = matches(URGENT, re.sub(NO_HURRY, "", ticket, flags=re.IGNORECASE))
    if loss or (many and (outage or urgent)):
        return "critical", [*outage, *many, *loss, *urgent]
    if outage or urgent:
        return "high", [*outage, *urgent]
    return ("low", minor) if minor else ("normal", [])
