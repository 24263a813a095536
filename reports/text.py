"""How texts, times and amounts are written for a reader; light, since every command loads it."""

import re

__all__ = ["amount", "clean", "counted", "duration", "one_line"]

_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # what a terminal obeys
    r"\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    r"\ud800-\udfff\ufffe\uffff]"  # halves of characters, and none
)


def clean(text: str) -> str:
    """A text without what only a machine would read.

    A model's answer must not move a terminal's cursor, turn around what stands beside it, or be
    something that cannot be written to a file.
    """
    return _CONTROLS.sub("", text)


def one_line(text: str, width: int = 600) -> str:
    """A text without its line breaks, cut where it is too long.

    Args:
        text: Any text.
        width: Characters that it may have; some providers answer with whole pages.
    """
    joined = " ".join(text.split())
    return joined if len(joined) <= width else f"{joined[: width - 1]}…"


def duration(seconds: float) -> str:
    """A time: `40 ms`, `12.3 s`, `2 min 05 s`, `3 h 20 min`, `2 d 04 h`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 24:
        return f"{hours} h {minutes:02} min"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours:02} h"


def amount(cost: float | None) -> str:
    """A cost in USD: `$0.0012`, `$12.50`; empty where it is unknown."""
    if cost is None:
        return ""
    return f"${cost:.4f}" if cost < 1 else f"${cost:,.2f}"


def counted(number: int, noun: str, nouns: str = "") -> str:
    """A number of things: `1 turn`, `2 turns`; `nouns` are several of them, if not by an `s`."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"
