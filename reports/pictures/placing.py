"""The third step of a layout: how far to the right each place stands, with straight links."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from langgraph_orchestra.reports.pictures.layers import Layered, Place

__all__ = ["placed"]

_SWEEPS = 40

Width = Callable[[Place], float]


def placed(
    graph: Layered, layers: Sequence[Sequence[Place]], width: Width, gap: float
) -> Mapping[Place, float]:
    """The middle of each place, from 0 at the left of all.

    Every layer moves as near to its neighbours as its order and widths let it, down and up again;
    what is nearest, in the sum of squares, is found exactly.

    Args:
        graph: The graph.
        layers: Its layers in order.
        width: Of a place.
        gap: Between two places.
    """
    neighbours = graph.neighbours()
    middle: dict[Place, float] = {}
    for layer in layers:
        x = 0.0
        for place in layer:
            middle[place] = x + width(place) / 2
            x += width(place) + gap
        for place in layer:
            middle[place] -= (x - gap) / 2
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        settles = sweep >= _SWEEPS - 4  # at the end, both sides are heeded
        for layer in layers if down else layers[::-1]:
            wanted, weights = [], []
            for place in layer:
                above, below = neighbours[place]
                heeded = [*above, *below] if settles else above if down else below
                pulls = [(middle[other], _weight(place, other)) for other in heeded]
                weight = sum(pull for _, pull in pulls)
                wanted.append(
                    sum(x * pull for x, pull in pulls) / weight if weight else middle[place]
                )
                weights.append(weight or 0.1)
            widths = [width(place) for place in layer]
            middle.update(zip(layer, _nearest(wanted, weights, widths, gap), strict=True))
    left = min((middle[place] - width(place) / 2 for place in middle), default=0.0)
    return {place: x - left for place, x in middle.items()}


def _weight(one: Place, other: Place) -> float:
    """How much a link pulls: the parts of a long edge must not wind."""
    passes = (not isinstance(one, str)) + (not isinstance(other, str))
    return (1.0, 2.0, 16.0)[passes]


def _nearest(
    wanted: Sequence[float], weights: Sequence[float], widths: Sequence[float], gap: float
) -> Sequence[float]:
    """Places as near to those wanted as possible that keep their order and distance.

    Without the distances, places are only not to fall: that is isotonic regression, by pooling
    neighbours that are in each other's way.
    """
    offsets = [0.0]
    for left, right in pairwise(widths):
        offsets.append(offsets[-1] + (left + right) / 2 + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for want, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, members = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, others_weight, others = pools.pop()
            mean = (mean * weight + other * others_weight) / (weight + others_weight)
            weight, members = weight + others_weight, members + others
        pools.append((mean, weight, members))
    means = [mean for mean, _, members in pools for _ in range(members)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]
