"""The picture of a comparison: a row for each graph, a column of bars for each measure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph_orchestra.reports.pictures.measure import fitting, width_of
from langgraph_orchestra.reports.pictures.shapes import Box, Label, Picture, Shape, straight
from langgraph_orchestra.reports.text import counted

__all__ = ["Meter", "meters_picture"]

_MARGIN = 16.0
_COLUMN = 128.0
_BAR = 62.0
_TOP = 40.0
_ROW = 34.0
_NOTE = 16.0


@dataclass(frozen=True)
class Meter:
    """A measure of all that are compared."""

    heading: str
    values: Sequence[float | None]
    """In their order; None where it is not known."""

    written: Callable[[Any], str]
    """How a value is written."""


def meters_picture(names: Sequence[str], meters: Sequence[Meter], notes: Sequence[str]) -> Picture:
    """A comparison.

    Args:
        names: What is compared.
        meters: By what.
        notes: What else there is to say of each: an error; empty if nothing.
    """
    room = min(max([width_of(name, 12, bold=True) for name in names], default=60.0), 260.0)
    left = _MARGIN + room + 24
    width = left + _COLUMN * len(meters) + _MARGIN
    shapes: list[Shape] = []
    for number, meter in enumerate(meters):
        x = left + _COLUMN * number
        shapes.append(Label(x, _TOP - 16, fitting(meter.heading, _COLUMN - 12, 11), "muted", 11))
    y = _TOP
    for place, (name, note) in enumerate(zip(names, notes, strict=True)):
        shapes.append(straight((_MARGIN, y), (width - _MARGIN, y), colour="grid", width=1))
        shown = fitting(name, room, bold=True)
        shapes.append(Label(_MARGIN, y + _ROW / 2, shown, bold=True, hint=name))
        for number, meter in enumerate(meters):
            shapes += _bar(meter, place, left + _COLUMN * number, y + _ROW / 2)
        y += _ROW
        if note:
            told = fitting(note, width - 2 * _MARGIN, 11)
            shapes.append(Label(_MARGIN, y + 2, told, "failed", 11, hint=note))
            y += _NOTE
    told = f"Comparison of {counted(len(names), 'orchestration')}, means over the tasks"
    shapes.append(Label(_MARGIN, y + 20, "means over the tasks", "muted", 10))
    return Picture(width, y + 36, told, shapes)


def _bar(meter: Meter, place: int, x: float, middle: float) -> Iterator[Shape]:
    value = meter.values[place]
    if value is None:
        yield Label(x, middle, "-", "muted", 11)
        return
    most = max((abs(one) for one in meter.values if one is not None), default=0.0)
    long = abs(value) / most * _BAR if most else 0.0
    if long:
        yield Box(x, middle - 6, max(long, 1.5), 12, "agent" if value > 0 else "failed", radius=2)
    yield Label(x + long + 6, middle, meter.written(value), "ink", 11)
