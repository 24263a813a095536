"""The picture of a graph: its nodes, its routes, and the graphs inside its participants."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from langgraph_orchestra.reports.pictures.layers import Link
from langgraph_orchestra.reports.pictures.layout import Size, laid_out
from langgraph_orchestra.reports.pictures.measure import fitting, width_of
from langgraph_orchestra.reports.pictures.shapes import (
    Box,
    Head,
    Label,
    Line,
    Picture,
    Point,
    Shape,
    head_at,
)
from langgraph_orchestra.reports.text import counted, one_line

if TYPE_CHECKING:
    from langchain_core.runnables.graph import Graph

__all__ = ["graph_picture"]

_MARGIN = 20.0
_PADDING = 18.0
_TITLE = 26.0
_WIDEST = 200.0
_MECHANICAL = frozenset({"intake", "join", "finish", "__start__", "__end__"})
"""Nodes in which nobody works."""


@dataclass
class _Part:
    """A node, or a graph inside a node with parts of its own."""

    name: str
    description: str = ""
    parts: "dict[str, _Part]" = field(default_factory=dict)
    edges: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Pairs of parts, and whether it is decided at run time if that way is taken."""


def graph_picture(graph: "Graph", *, fold_agents: bool = False) -> Picture:
    """A graph from top to bottom; a graph inside a node stands in a frame.

    An edge into a frame, or out of it, ends at the frame; one that leads there and back has two
    heads. A way that is chosen at run time is dashed, as in Mermaid.

    Args:
        graph: As `get_graph` of a compiled graph gives it.
        fold_agents: Whether to leave out how an agent goes between its model and its tools, which
            is the same for all of them.
    """
    top = _Part("")
    for name, node in graph.nodes.items():
        metadata = node.metadata or {}
        description = str(metadata.get("description") or "")
        _put(top, name.split(":"), description)
    for edge in graph.edges:
        _link(top, edge.source.split(":"), edge.target.split(":"), edge.conditional)
    if fold_agents:
        _fold_agents(top)
    shapes, (width, height) = _inside(top)
    told = f"Graph of {counted(len(graph.nodes), 'node')}: {', '.join(graph.nodes)}"
    moved = [_moved(shape, _MARGIN, _MARGIN) for shape in shapes]
    return Picture(width + 2 * _MARGIN, height + 2 * _MARGIN, one_line(told, 400), moved)


def _put(part: _Part, path: Sequence[str], description: str) -> None:
    for name in path[:-1]:
        part = part.parts.setdefault(name, _Part(name))
    part.parts[path[-1]] = _Part(path[-1], description)


def _fold_agents(part: _Part) -> None:
    for inner in part.parts.values():
        own = inner.parts.keys() - {"__start__", "__end__", "tools"}
        if "model" in own and all(name == "model" or "." in name for name in own):
            inner.parts, inner.edges = {}, {}
        _fold_agents(inner)


def _link(part: _Part, source: Sequence[str], target: Sequence[str], is_choice: bool) -> None:
    """Keep an edge where its ends part: in the innermost graph that has both."""
    depth = 0
    while source[depth] == target[depth] and min(len(source), len(target)) > depth + 1:
        part = part.parts[source[depth]]
        depth += 1
    pair = (source[depth], target[depth])
    part.edges[pair] = part.edges.get(pair, True) and is_choice


def _inside(part: _Part) -> tuple[Sequence[Shape], Size]:
    """The parts of a graph, drawn from its own top left corner."""
    drawn = {
        name: _team(inner) if inner.parts else _node(inner, _room_for_edges(name, part.edges))
        for name, inner in part.parts.items()
    }
    layout = laid_out({name: size for name, (_, size) in drawn.items()}, part.edges)
    shapes: list[Shape] = []
    for name, (own, size) in drawn.items():
        x, y = layout.corners[name]
        shapes += [_moved(shape, x, y) for shape in own]
        if (name, name) in part.edges:
            shapes += _loop(x + size[0], y + size[1] / 2, part.edges[(name, name)])
    for link, line in layout.ways.items():
        shapes += _arrows(link, line, part.edges)
    return shapes, (layout.width, layout.height)


def _room_for_edges(name: str, edges: Iterable[tuple[str, str]]) -> float:
    """How wide a node must be, so that the heads of the arrows at one of its sides stand apart."""
    outward, inward = Counter(s for s, _ in edges), Counter(t for _, t in edges)
    return 10.0 * max(outward[name], inward[name]) + 20


def _team(part: _Part) -> tuple[Sequence[Shape], Size]:
    inside, (inner_width, inner_height) = _inside(part)
    width = max(inner_width, width_of(part.name, 12, bold=True)) + 2 * _PADDING
    top = _TITLE + 10
    height = top + inner_height + _PADDING
    frame = Box(0, 0, width, height, "team", "team_border", radius=10)
    title = Label(_PADDING, _TITLE / 2 + 4, part.name, "muted", 12, bold=True)
    moved = [_moved(shape, (width - inner_width) / 2, top) for shape in inside]
    return [frame, title, *moved], (width, height)


def _node(part: _Part, narrowest: float) -> tuple[Sequence[Shape], Size]:
    name = part.name.strip("_") if part.name in ("__start__", "__end__") else part.name
    if part.name in _MECHANICAL:
        width, height = max(width_of(name, 11) + 24, narrowest), 24.0
        box = Box(0, 0, width, height, "machinery", "machinery_border", radius=12)
        return [box, Label(width / 2, height / 2, name, "muted", 11, "middle")], (width, height)
    shown = fitting(name, _WIDEST, 13, bold=True)
    told = fitting(one_line(part.description), _WIDEST, 10)
    width = max(width_of(shown, 13, bold=True) + 28, width_of(told, 10) + 28, narrowest)
    height = 48.0 if told else 36.0
    box = Box(0, 0, width, height, "node", "node_border", 8, part.description)
    lines = [Label(width / 2, 16 if told else 18, shown, "ink", 13, "middle", bold=True, hint=name)]
    if told:
        lines.append(Label(width / 2, 34, told, "muted", 10, "middle", hint=part.description))
    return [box, *lines], (width, height)


def _arrows(link: Link, line: Line, edges: Mapping[tuple[str, str], bool]) -> Iterator[Shape]:
    ways = [(link.upper, link.lower)] * link.down + [(link.lower, link.upper)] * link.up
    yield replace(line, dashed=all(edges[way] for way in ways))
    if link.down:
        tip = line.curves[-1][2]
        yield head_at(tip, (tip[0], tip[1] - 10), line.colour)
    if link.up:
        yield head_at(line.start, (line.start[0], line.start[1] + 10), line.colour)


def _loop(x: float, y: float, is_choice: bool) -> tuple[Line, Head]:
    way = Line((x, y - 8), [((x + 20, y - 14), (x + 20, y + 14), (x + 4, y + 7))], dashed=is_choice)
    return way, head_at((x, y + 6), (x + 10, y + 10), way.colour)


def _moved(shape: Shape, x: float, y: float) -> Shape:
    def by(point: Point) -> Point:
        return point[0] + x, point[1] + y

    match shape:
        case Line(start=start, curves=curves):
            moved = [(by(first), by(second), by(end)) for first, second, end in curves]
            return replace(shape, start=by(start), curves=moved)
        case Head(points=points):
            return replace(shape, points=list(map(by, points)))
        case Box() | Label():
            return replace(shape, x=shape.x + x, y=shape.y + y)
