"""The second step of a layout: in which order the places of a layer stand, with few crossings."""

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence

from langgraph_orchestra.reports.pictures.layers import Layered, Place

__all__ = ["ordered"]

_SWEEPS = 12


def ordered(graph: Layered) -> Sequence[Sequence[Place]]:
    """The layers in an order with few crossings.

    Each layer is sorted by where its neighbours stand on average, down and up again; then
    neighbours change places as long as that helps. The best of all orders is taken.
    """
    neighbours = graph.neighbours()
    layers = [list(layer) for layer in graph.layers]
    best, fewest = layers, _crossings(layers, neighbours)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        layers = [list(layer) for layer in layers]
        _sort(layers, neighbours, down=sweep % 2 == 0)
        _exchange(layers, neighbours)
        if (crossings := _crossings(layers, neighbours)) < fewest:
            best, fewest = layers, crossings
    return best


Neighbours = Mapping[Place, tuple[Sequence[Place], Sequence[Place]]]


def _sort(layers: list[list[Place]], neighbours: Neighbours, *, down: bool) -> None:
    places = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
    for number in places:
        fixed = {p: x for x, p in enumerate(layers[number - 1 if down else number + 1])}
        layer = layers[number]
        now = {place: x for x, place in enumerate(layer)}

        def wanted(
            place: Place, fixed: Mapping[Place, int] = fixed, now: Mapping[Place, int] = now
        ) -> float:
            linked = [fixed[other] for other in neighbours[place][0 if down else 1]]
            return sum(linked) / len(linked) if linked else now[place]

        layer.sort(key=wanted)


def _exchange(layers: list[list[Place]], neighbours: Neighbours) -> None:
    """Let neighbours change places where that saves crossings."""
    for number, layer in enumerate(layers):
        sides = [
            ({p: x for x, p in enumerate(layers[other])}, side)
            for other, side in ((number - 1, 0), (number + 1, 1))
            if 0 <= other < len(layers)
        ]
        for place in range(len(layer) - 1):
            left, right = layer[place], layer[place + 1]
            kept = changed = 0
            for x, side in sides:
                lefts = sorted(x[other] for other in neighbours[left][side])
                rights = sorted(x[other] for other in neighbours[right][side])
                kept += _inversions(lefts, rights)
                changed += _inversions(rights, lefts)
            if changed < kept:
                layer[place], layer[place + 1] = right, left


def _inversions(lefts: Sequence[int], rights: Sequence[int]) -> int:
    """Crossings of the links of two places, the left one's and the right one's ends in order."""
    return sum(len(lefts) - bisect_right(lefts, right) for right in rights)


def _crossings(layers: Sequence[Sequence[Place]], neighbours: Neighbours) -> int:
    crossings = 0
    for number, layer in enumerate(layers[:-1]):
        below = {place: x for x, place in enumerate(layers[number + 1])}
        ends: list[int] = []
        for place in layer:
            linked = sorted(below[other] for other in neighbours[place][1])
            crossings += sum(len(ends) - bisect_right(ends, end) for end in linked)
            for end in linked:
                insort(ends, end)
    return crossings
