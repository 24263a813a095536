"""The picture of what was spent: a bar of tokens for each participant, with cost and time."""

from collections.abc import Iterator, Sequence

from langgraph_orchestra.reports.pictures.measure import fitting, width_of
from langgraph_orchestra.reports.pictures.shapes import Box, Label, Picture, Shape, straight
from langgraph_orchestra.reports.text import amount, counted, duration
from langgraph_orchestra.reports.usage import Usage

__all__ = ["spending_picture"]

WIDTH = 860.0
_MARGIN = 16.0
_TOP = 40.0
_ROW = 26.0
_COLUMNS = (("entries", 56.0), ("tokens", 84.0), ("cost", 78.0), ("time", 86.0))
_SMALLEST = 1.5


def spending_picture(spent: Sequence[Usage], whole: Usage) -> Picture:
    """What was spent.

    Args:
        spent: By participant.
        whole: By all of them.
    """
    if not spent:
        nothing = Label(WIDTH / 2, 30, "Nothing was spent yet.", "muted", 13, "middle")
        return Picture(WIDTH, 60, "Nothing was spent", [nothing])
    names = min(max(max(width_of(one.name) for one in spent), 60.0), 220.0)
    left, right = _MARGIN + names + 14, WIDTH - _MARGIN - sum(width for _, width in _COLUMNS)
    most = max(_size(one, whole) for one in spent) or 1.0
    shapes: list[Shape] = list(_headings(right))
    y = _TOP
    for one in spent:
        hint = _told(one)
        shapes.append(Label(_MARGIN, y + _ROW / 2, fitting(one.name, names), hint=one.name))
        shapes += _bar(one, whole, left, y + 6, (right - left) / most, hint)
        shapes += _cells(one, right, y)
        y += _ROW
    line = straight((_MARGIN, y + 4), (WIDTH - _MARGIN, y + 4), colour="grid", width=1)
    shapes += [
        line,
        Label(_MARGIN, y + 8 + _ROW / 2, "all", bold=True),
        *_cells(whole, right, y + 8),
    ]
    shapes += _legend(whole, left, y + 8 + _ROW / 2)
    told = f"What {counted(len(spent), 'participant')} spent: {_told(whole)}"
    return Picture(WIDTH, y + 8 + _ROW + 14, told, shapes)


def _size(one: Usage, whole: Usage) -> float:
    """How long a bar is: in tokens, or in seconds where no model has counted any."""
    return one.tokens if whole.tokens else one.seconds


def _bar(one: Usage, whole: Usage, left: float, y: float, scale: float, hint: str) -> Iterator[Box]:
    if not whole.tokens:
        yield Box(left, y, max(one.seconds * scale, _SMALLEST), 14, "aggregate", "none", 2, hint)
        return
    if one.tokens:
        read = one.input_tokens * scale
        yield Box(left, y, read, 14, "read", hint=hint)
        yield Box(
            left + read, y, max(one.output_tokens * scale, _SMALLEST), 14, "written", hint=hint
        )


def _headings(right: float) -> Iterator[Label]:
    for (heading, _), x in zip(_COLUMNS, _ends(right), strict=True):
        yield Label(x, _TOP - 14, heading, "muted", 11, "end")


def _cells(one: Usage, right: float, y: float) -> Iterator[Label]:
    tokens = f"{one.tokens:,}" if one.tokens else "-"
    cells = (f"{one.entries:,}", tokens, amount(one.cost) or "-", duration(one.seconds))
    for cell, x in zip(cells, _ends(right), strict=True):
        yield Label(x, y + _ROW / 2, cell, "muted", 11, "end")


def _ends(right: float) -> Iterator[float]:
    """Where the columns end."""
    for _, width in _COLUMNS:
        right += width
        yield right


def _legend(whole: Usage, left: float, y: float) -> Iterator[Shape]:
    kinds = {"read": "tokens read", "written": "tokens written"}
    for colour, text in kinds.items() if whole.tokens else [("aggregate", "time")]:
        yield Box(left, y - 5, 10, 10, colour, radius=2)
        yield Label(left + 15, y, text, "muted", 11)
        left += 34 + width_of(text, 11)


def _told(one: Usage) -> str:
    parts = [
        counted(one.entries, "entry", "entries"),
        f"{one.input_tokens:,} tokens read, {one.output_tokens:,} written" if one.tokens else "",
        amount(one.cost),
        duration(one.seconds),
    ]
    return " · ".join(part for part in parts if part)
