"""Who worked after whom, and who side by side: a run as waves, told from its trail.

The trail has the entries of a run in order, those of parallel branches too. What tells branches
apart from a chain is that their times overlap, or that the state names them: the results of a
concurrent run, the checkers of a draft.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from langgraph_orchestra.reports.clock import span_of
from langgraph_orchestra.state import Turn

__all__ = ["Branch", "Wave", "waves_of"]

_OVERLAP = 0.1
"""How much of the shorter of two turns must be common: clocks differ by a little."""


@dataclass(frozen=True)
class Branch:
    """A turn, or a team at work."""

    name: str
    """Name in its graph, with the number of the item in a map-reduce."""

    turns: Sequence[Turn]
    """The turn; of a team, those of its members."""

    waves: "Sequence[Wave]" = ()
    """How the members of a team worked; empty for a turn."""

    @property
    def first(self) -> Sequence[Turn]:
        """Those who get what the branch gets."""
        return [t for b in self.waves[0] for t in b.first] if self.waves else self.turns

    @property
    def last(self) -> Sequence[Turn]:
        """Those who bring what the branch brings."""
        return [t for b in self.waves[-1] for t in b.last] if self.waves else self.turns


Wave = Sequence[Branch]
"""Branches that worked side by side; most have one."""


def waves_of(
    trail: Sequence[Turn], parallel: Container[str] = (), depth: int = 0
) -> Sequence[Wave]:
    """A run as waves, each of which got what the one before had brought.

    Args:
        trail: The run's entries, or those of a team in it.
        parallel: Names of those who are known to work side by side.
        depth: How many teams the graph is in.
    """
    waves: list[list[Branch]] = []
    for branch in _branches(trail, depth):
        if waves and all(_are_side_by_side(other, branch, parallel) for other in waves[-1]):
            waves[-1].append(branch)
        else:
            waves.append([branch])
    return waves


def _branches(trail: Sequence[Turn], depth: int) -> Iterator[Branch]:
    for (name, _, is_team), group in groupby(trail, lambda turn: _place(turn, depth)):
        turns = list(group)
        if is_team:
            yield Branch(name, turns, waves_of(turns, (), depth + 1))
        else:
            yield from (Branch(name, [turn]) for turn in turns)


def _place(turn: Turn, depth: int) -> tuple[str, int, bool]:
    """Which branch of a graph an entry belongs to, and whether that is a team."""
    parts = (turn.path or turn.agent).split("/")[depth:]
    return parts[0], turn.step, len(parts) > 1


def _are_side_by_side(one: Branch, other: Branch, parallel: Container[str]) -> bool:
    if one.name == other.name or not (_takes_part(one) and _takes_part(other)):
        return False
    if one.name in parallel and other.name in parallel:
        return True
    start, end = _span(one)
    began, ended = _span(other)
    common = min(end, ended) - max(start, began)
    return common > _OVERLAP * min(end - start, ended - began)


def _takes_part(branch: Branch) -> bool:
    return bool(branch.waves) or branch.turns[0].kind not in ("decision", "aggregate")


def _span(branch: Branch) -> tuple[float, float]:
    spans = [span_of(turn) for turn in branch.turns]
    return min(start for start, _ in spans), max(end for _, end in spans)
