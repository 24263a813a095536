"""The first step of a layout: which node stands in which layer, with all edges pointing down.

Layers after Sugiyama, Tagawa and Toda (1981): cycles are broken, every node stands below all that
lead to it, and an edge over several layers passes through a place of its own in each of them.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Layered", "Link", "layered"]

Place = Hashable
"""A node's name, or where an edge passes through a layer."""


@dataclass(frozen=True)
class Link:
    """A line between two nodes, in one direction or in both."""

    upper: str
    lower: str

    down: bool
    """Whether there is an edge from the upper to the lower node."""

    up: bool
    """Whether there is one from the lower to the upper node."""


@dataclass(frozen=True)
class Layered:
    """A graph in layers."""

    layers: Sequence[Sequence[Place]]
    """The nodes, and the places where edges pass through, from the top; in no order yet."""

    ways: Mapping[Link, Sequence[Place]]
    """For each link the places it goes through, from its upper to its lower node."""

    def neighbours(self) -> Mapping[Place, tuple[Sequence[Place], Sequence[Place]]]:
        """For each place those in the layer above and in the layer below to which it is linked."""
        found: dict[Place, tuple[list[Place], list[Place]]] = {
            place: ([], []) for layer in self.layers for place in layer
        }
        for way in self.ways.values():
            for upper, lower in pairwise(way):
                found[upper][1].append(lower)
                found[lower][0].append(upper)
        return found


def layered(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Layered:
    """Put a graph into layers.

    Args:
        nodes: Names of the nodes; where nothing else decides, the first stands on top.
        edges: Pairs of them; an edge from a node to itself has no part in it.
    """
    between_nodes = [edge for edge in edges if edge[0] != edge[1]]
    order = _depth_first(nodes, between_nodes)
    links = _links(order, between_nodes)
    level = _levels(order, links)
    layers: list[list[Place]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for node in nodes:
        layers[level[node]].append(node)
    ways: dict[Link, Sequence[Place]] = {}
    for link in links:
        passed = range(level[link.upper] + 1, level[link.lower])
        through: list[Place] = [(link, number) for number in passed]
        for number, place in zip(passed, through, strict=True):
            layers[number].append(place)
        ways[link] = [link.upper, *through, link.lower]
    return Layered(layers, ways)


def _links(order: Sequence[str], edges: Sequence[tuple[str, str]]) -> Sequence[Link]:
    """The edges without a cycle; those that lead to an earlier node point up."""
    rank = {node: place for place, node in enumerate(order)}
    given = dict.fromkeys(edges)
    links: dict[tuple[str, str], Link] = {}
    for source, target in given:
        upper, lower = sorted((source, target), key=rank.__getitem__)
        down, up = (upper, lower) in given, (lower, upper) in given
        links[(upper, lower)] = Link(upper, lower, down, up)
    return list(links.values())


def _depth_first(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Sequence[str]:
    """The nodes so that as many edges as possible lead from an earlier to a later one.

    In reverse order of leaving them in a depth-first walk: without cycles, that is all edges.
    """
    following: dict[str, list[str]] = {node: [] for node in nodes}
    reached = {target for _, target in edges}
    for source, target in edges:
        following[source].append(target)
    place = {node: number for number, node in enumerate(nodes)}
    seen: set[str] = set()
    left: list[str] = []
    for start in sorted(nodes, key=lambda node: (node in reached, place[node])):
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            node, is_done = waiting.pop()
            if is_done:
                left.append(node)
            elif node not in seen:
                seen.add(node)
                waiting.append((node, True))
                # The first comes last, and so out first: in a ring, it is to stand on top.
                inward = sorted(following[node], key=place.__getitem__, reverse=True)
                waiting += [(other, False) for other in inward]
    return left[::-1]


def _levels(order: Sequence[str], links: Sequence[Link]) -> Mapping[str, int]:
    """How far down each node stands: below all that lead to it, and no further."""
    below: dict[str, list[str]] = {node: [] for node in order}
    for link in links:
        below[link.upper].append(link.lower)
    level = dict.fromkeys(order, 0)
    for node in order:
        for lower in below[node]:
            level[lower] = max(level[lower], level[node] + 1)
    return level
