"""A layout: where the boxes of a graph stand, and which way its edges take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from langgraph_orchestra.reports.pictures.layers import Link, Place, layered
from langgraph_orchestra.reports.pictures.ordering import ordered
from langgraph_orchestra.reports.pictures.placing import placed
from langgraph_orchestra.reports.pictures.shapes import Line, Point
from langgraph_orchestra.reports.pictures.ways import Frame, ways_of

__all__ = ["Layout", "Size", "laid_out"]

Size = tuple[float, float]
"""Width and height."""

_GAP = 26.0
_LEVEL = 46.0
_PASSAGE = 10.0
"""Width that an edge takes where it passes through a layer."""


@dataclass(frozen=True)
class Layout:
    """Where everything stands."""

    width: float
    height: float

    corners: Mapping[str, Point]
    """Top left corner of each box."""

    ways: Mapping[Link, Line]
    """The way of each link, from its upper to its lower box."""


def laid_out(sizes: Mapping[str, Size], edges: Iterable[tuple[str, str]]) -> Layout:
    """Lay a graph out from top to bottom.

    Args:
        sizes: Width and height of each box, in the order in which they come.
        edges: Pairs of them.
    """
    graph = layered(list(sizes), edges)
    layers = ordered(graph)

    def size(place: Place) -> Size:
        return sizes[place] if isinstance(place, str) else (_PASSAGE, 0.0)

    middle = placed(graph, layers, lambda place: size(place)[0], _GAP)
    frames: dict[Place, Frame] = {}
    ceiling = right = bottom = 0.0
    for layer in layers:
        floor = bottom = ceiling + max(size(place)[1] for place in layer)
        for place in layer:
            width, height = size(place)
            top = (ceiling + floor - height) / 2
            frames[place] = Frame(middle[place], width, top, top + height, ceiling, floor)
            right = max(right, middle[place] + width / 2)
        ceiling = floor + _LEVEL
    corners = {name: (frames[name].middle - sizes[name][0] / 2, frames[name].top) for name in sizes}
    return Layout(right, bottom, corners, ways_of(graph, frames))
