"""How stand-ins and rules read: the task, what colleagues said, and the figures in a text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from json import JSONDecoder
from typing import NamedTuple, TypeVar

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ValidationError

__all__ = [
    "NUMBER",
    "REASON",
    "Figure",
    "figure",
    "listed",
    "matches",
    "money",
    "note_in",
    "number",
    "percent",
    "said_by",
    "sentences",
    "task_in",
    "typed_in",
]

M = TypeVar("M", bound=BaseModel)

NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
"""A number as people write it: `1,250`, `1250.5`, `-8`."""

REASON = "Over to you"
"""What the reason of a handoff stands under in the note to its target."""

_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}
_UNIT = (
    r"%|(?:-|/|an?\b|per\b|each\b|every\b)? ?(?:months?|mo|years?|yr|annum)\b"
    r"|monthly|yearly|annually"
)
_PERIOD = r"(?:(?P<period>monthly|annual|yearly) (?:\w+ )?)?"


class Figure(NamedTuple):
    """A number in a text."""

    value: float
    unit: str
    """`month`, `year` or `%`; empty if the text gives none of these."""


def task_in(messages: Iterable[BaseMessage]) -> str:
    """The task: what the person wrote, as no colleague's name stands before it."""
    return "\n".join(m.text for m in messages if m.type == "human" and not m.name)


def said_by(speaker: str, messages: Iterable[BaseMessage]) -> list[str]:
    """What a colleague, or each worker of that name in a map-reduce, has answered.

    Args:
        speaker: The colleague's name.
        messages: A model's prompt, where the name stands before the text, or those of a `View`.
    """
    worker = re.compile(rf"{re.escape(speaker)}\[\d+\]: ")
    said = []
    for message in messages:
        if message.name == speaker:
            said.append(message.text.removeprefix(f"{speaker}: "))
        elif found := worker.match(message.text):
            said.append(message.text[found.end() :])
    return said


def typed_in(kind: type[M], messages: Iterable[BaseMessage]) -> list[M]:
    """The typed answers of a kind in what was said, in order, whatever stands around them."""
    found = []
    for text in (message.text for message in messages):
        for value in _objects_in(text):
            try:
                found.append(kind.model_validate_json(value))
            except ValidationError:  # an answer of another kind
                continue
    return found


def note_in(messages: Iterable[BaseMessage], title: str = REASON) -> str:
    """What the latest handoff says under a title; empty if nothing.

    Args:
        messages: A model's prompt.
        title: `Context`, `Instructions`, or what the reason stands under.
    """
    notes = [m.text for m in messages if m.name and f": {REASON}: " in m.text]
    found = re.search(rf"^(?:.*: )?{title}: (.+)$", notes[-1], re.MULTILINE) if notes else None
    return found[1] if found else ""


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `ann, bob and carol`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def matches(words: str, text: str) -> list[str]:
    """The words of a text that match a regular expression, each once, in their order."""
    found = re.findall(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE)
    return list(dict.fromkeys(found))


def sentences(text: str) -> list[str]:
    """The sentences of a text; a line of its own is one too, without its bullet."""
    parts = re.split(r"(?<=[.!?])\s+|\n+", text)
    return [part for part in (raw.strip().lstrip("-*• ") for raw in parts) if part]


def figure(label: str, text: str) -> Figure | None:
    """The number after a label: `P/E: 18.4`, `| P/E | 18.4 |`, `monthly income of $4,000`.

    Args:
        label: What stands before it, a regular expression; upper and lower case are alike.
        text: Where to look.
    """
    found = re.search(
        rf"\b{_PERIOD}(?:{label})(?![^\W\d])(?:[^\d\n;,.]|\.(?!\s)){{0,24}}?(?P<number>{NUMBER})"
        rf" ?(?:(?P<scale>k|m|thousand|million)\b)? ?(?P<unit>{_UNIT})?",
        text,
        re.IGNORECASE,
    )
    if found is None:
        return None
    value = float(found["number"].replace(",", "")) * _SCALES.get((found["scale"] or "").lower(), 1)
    return Figure(value, _unit(f"{found['unit'] or ''} {found['period'] or ''}".lower()))


def number(value: float) -> str:
    """A number with up to two decimals: `1,250.5`."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def money(value: float) -> str:
    """An amount of money, to the nearest whole: `1,250`."""
    return f"{value:,.0f}"


def percent(share: float, *, signed: bool = False) -> str:
    """A share or, signed, a change, with one decimal: `12.5%`, `+12.5%`."""
    return f"{share:+.1%}" if signed else f"{share:.1%}"


def _objects_in(text: str) -> Iterator[str]:
    """The JSON objects in a text, as text."""
    place = text.find("{")
    while place >= 0:
        try:
            _, end = JSONDecoder().raw_decode(text, place)
            yield text[place:end]
        except ValueError:  # a brace of another kind
            end = place + 1
        place = text.find("{", end)


def _unit(words: str) -> str:
    if "%" in words:
        return "%"
    if "mo" in words:
        return "month"
    return "year" if words.strip() else ""
