"""What a shop's customer wants, by the words of what they write."""

from collections.abc import Mapping, Sequence
from typing import Literal

from langgraph_orchestra.graphs.templates.reading import matches

__all__ = ["Wish", "wishes_in"]

Wish = Literal["money", "goods", "news"]
"""Something back that was paid; something sent again; where an order is."""

WORDS: Mapping[Wish, str] = {
    "money": r"charged|refund|money back|twice|paid|invoice",
    "goods": r"broken|damaged|defective|faulty|lost|never (?:arrived|came)|replace(?:ment)?",
    "news": r"where|when|delivery|delivered|tracking",
}


def wishes_in(text: str) -> Sequence[Wish]:
    """What a customer wants, in the order in which it is dealt with."""
    return [wish for wish, words in WORDS.items() if matches(words, text)]
