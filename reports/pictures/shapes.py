"""What a picture is made of: boxes, lines, arrow heads and labels, in pixels from the top left.

A picture is laid out once, and becomes SVG in `svg.py` and a matplotlib figure in `figure.py`.
Colours are given by what is shown (`agent`, `failed`); `theme.py` knows how they look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot
from typing import Literal

__all__ = [
    "Box",
    "Head",
    "Label",
    "Line",
    "Picture",
    "Point",
    "Shape",
    "head_at",
    "straight",
]

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    fill: str = "none"
    """What it shows, which gives its colour; `none` leaves it open."""

    edge: str = "none"
    """The same of its border."""

    radius: float = 0.0
    """How round its corners are."""

    hint: str = ""
    """What a reader is told who points at it."""

    dashed: bool = False
    """Whether its border is."""


@dataclass(frozen=True)
class Line:
    """A line of cubic curves, one joined to the other."""

    start: Point

    curves: Sequence[tuple[Point, Point, Point]]
    """For each of them two control points and its end."""

    colour: str = "edge"
    """What it shows."""

    dashed: bool = False
    width: float = 1.5


@dataclass(frozen=True)
class Head:
    """The head of an arrow, a triangle."""

    points: Sequence[Point]

    colour: str = "edge"
    """What it shows."""


@dataclass(frozen=True)
class Label:
    """A text in one line."""

    x: float

    y: float
    """Of its middle line."""

    text: str

    colour: str = "ink"
    """What it shows."""

    size: float = 12.0
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False

    hint: str = ""
    """What a reader is told who points at it: the whole of a text that was cut."""


Shape = Box | Line | Head | Label


@dataclass(frozen=True)
class Picture:
    """A picture."""

    width: float
    height: float

    description: str
    """What it shows, for those who cannot see it."""

    shapes: Sequence[Shape] = field(default_factory=tuple)
    """What it is made of, the undermost first."""


def straight(
    *points: Point, colour: str = "edge", dashed: bool = False, width: float = 1.5
) -> Line:
    """A line through points."""
    curves = [(point, point, point) for point in points[1:]]
    return Line(points[0], curves, colour, dashed, width)


def head_at(tip: Point, before: Point, colour: str, size: float = 7.0) -> Head:
    """An arrow's head at a tip to which the line comes from a point before."""
    bottom = _towards(tip, before, size)
    across = ((bottom[1] - tip[1]) * 0.45, (tip[0] - bottom[0]) * 0.45)
    left = (bottom[0] + across[0], bottom[1] + across[1])
    right = (bottom[0] - across[0], bottom[1] - across[1])
    return Head((tip, left, right), colour)


def _towards(tip: Point, before: Point, by: float) -> Point:
    """The point at a distance from the tip, on the way to a point before."""
    length = hypot(before[0] - tip[0], before[1] - tip[1]) or 1.0
    return (
        tip[0] + (before[0] - tip[0]) * by / length,
        tip[1] + (before[1] - tip[1]) * by / length,
    )
