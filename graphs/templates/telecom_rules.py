"""What a customer of a telecom company wants, by the words of what they write."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs.templates.reading import matches
from langgraph_orchestra.graphs.templates.telecom_data import AREAS, CUSTOMERS

__all__ = [
    "FAQ",
    "Wish",
    "area_in",
    "customer_in",
    "customer_says",
    "faq_answer",
    "names_invoice",
    "wishes_in",
]

Wish = Literal["network", "money", "access", "stolen"]

WORDS: Mapping[Wish, str] = {
    "stolen": r"stolen|sim swap|hacked|somebody else|not me|fraud",
    "network": r"internet|line|fibre|connection|outage|offline|down|network|slow|signal",
    "money": r"bill(?:ed|ing)?|invoices?|charged?|credit|refund|money|pay(?:ing|ment)?|fee",
    "access": r"password|log ?in|locked out|sign ?in|account|pin|portal",
}

FAQ: Mapping[str, str] = {
    r"opening hours|when are you open|office hours": "We are here from 8 to 20, every day.",
    r"restart (?:the |my )?(?:router|modem)": "Unplug it, wait ten seconds, and plug it in "
    "again; it needs two minutes.",
    r"(?:move|moving) (?:house|home|to)": "Tell us the new address three weeks before you move, in "
    "the portal under “Moving”.",
}
"""What is asked so often that it needs nobody else."""

TOOL_RESULT = re.compile(r"^\w+ returned: ")


def customer_says(messages: Iterable[BaseMessage]) -> Sequence[str]:
    """What the customer has written, in order; colleagues' tool results have no name either."""
    texts = [message.text for message in messages if message.type == "human" and not message.name]
    return [text for text in texts if not TOOL_RESULT.match(text)] or texts[:1]


def wishes_in(text: str) -> Sequence[Wish]:
    """What a customer wants, most urgent first."""
    return [wish for wish, words in WORDS.items() if matches(words, text)]


def names_invoice(text: str) -> bool:
    """Whether a text is about an invoice itself, and not about a credit for something else."""
    return bool(matches("twice|invoices?|charged?|fee", text))


def faq_answer(text: str) -> str:
    """The answer to a common question; empty if it is none."""
    return next((answer for words, answer in FAQ.items() if matches(words, text)), "")


def customer_in(texts: Sequence[str]) -> str:
    """The customer's number; empty if they have not given one that we know."""
    numbers = re.findall(r"\b\d{4}\b", "\n".join(reversed(texts)))
    return next((one for one in numbers if one in CUSTOMERS), "")


def area_in(texts: Sequence[str]) -> str:
    """The area they write about, else that of their line; empty if neither is known."""
    named = next((area for area in AREAS if matches(area, "\n".join(texts))), "")
    number = customer_in(texts)
    return named or (CUSTOMERS[number].area if number else "")
