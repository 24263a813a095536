"""The last step of a layout: the way of each edge, which passes through no box."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from langgraph_orchestra.reports.pictures.layers import Layered, Link, Place
from langgraph_orchestra.reports.pictures.shapes import Line, Point

__all__ = ["Frame", "ways_of"]

_PORTS = 16.0
"""Pixels between two edges at the same side of a box, if there is room."""

_LEAN = 8.0
"""How far to the side an edge may go where it passes between boxes."""


class Frame(NamedTuple):
    """Where a box stands, or a place where an edge passes through a layer."""

    middle: float
    width: float
    top: float
    bottom: float

    ceiling: float
    """Where its layer begins."""

    floor: float
    """Where its layer ends."""


Ports = Mapping[tuple[Place, Link], float]
"""Where at a box each of its links begins or ends."""


def ways_of(graph: Layered, frames: Mapping[Place, Frame]) -> Mapping[Link, Line]:
    """The way of each link, from its upper to its lower box."""
    out: dict[Place, list[tuple[float, Link]]] = {}
    into: dict[Place, list[tuple[float, Link]]] = {}
    for link, way in graph.ways.items():
        out.setdefault(link.upper, []).append((frames[way[1]].middle, link))
        into.setdefault(link.lower, []).append((frames[way[-2]].middle, link))
    below, above = dict(_ports(out, frames)), dict(_ports(into, frames))
    return {link: _way(link, way, frames, below, above) for link, way in graph.ways.items()}


def _ports(
    links: Mapping[Place, Sequence[tuple[float, Link]]], frames: Mapping[Place, Frame]
) -> Iterator[tuple[tuple[Place, Link], float]]:
    """Side by side, in the order of where they lead, so that none crosses another."""
    for place, led in links.items():
        frame = frames[place]
        step = min(_PORTS, max(frame.width - 20, 0.0) / len(led))
        first = frame.middle - step * (len(led) - 1) / 2
        for number, (_, link) in enumerate(sorted(led, key=lambda one: one[0])):
            yield (place, link), first + step * number


def _way(
    link: Link, way: Sequence[Place], frames: Mapping[Place, Frame], below: Ports, above: Ports
) -> Line:
    """Down out of the layer of the upper box, through those between, and into the lower box."""
    upper, lower = frames[link.upper], frames[link.lower]
    start, end = below[(link.upper, link)], above[(link.lower, link)]
    points: list[tuple[Point, float]] = [((start, upper.bottom), 0.0)]
    if upper.bottom < upper.floor:
        points.append(((start, upper.floor), 0.0))
    stations = [start, *(frames[place].middle for place in way[1:-1]), end]
    for place, before, after in zip(way[1:-1], stations, stations[2:], strict=False):
        frame = frames[place]
        # As a whole, it leans as far as there is room beside the boxes that it passes.
        lean = min(max((after - before) / 8, -_LEAN), _LEAN)
        slope = 2 * lean / max(frame.floor - frame.ceiling, 1.0)
        points.append(((frame.middle - lean, frame.ceiling), slope))
        points.append(((frame.middle + lean, frame.floor), slope))
    if lower.top > lower.ceiling:
        points.append(((end, lower.ceiling), 0.0))
    points.append(((end, lower.top), 0.0))
    return Line(points[0][0], list(_smooth(points)))


def _smooth(points: Sequence[tuple[Point, float]]) -> Iterator[tuple[Point, Point, Point]]:
    """A smooth line from top to bottom through points, each with the line's slope there."""
    for (start, slope), (end, end_slope) in pairwise(points):
        reach = (end[1] - start[1]) / 2
        first = (start[0] + slope * reach, start[1] + reach)
        second = (end[0] - end_slope * reach, end[1] - reach)
        yield first, second, end
