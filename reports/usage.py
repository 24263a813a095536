"""What was used, by participant: entries, tokens, cost, time."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from langgraph_orchestra.state import Turn

__all__ = ["Usage", "tokens_of", "usage_by_participant", "usage_in_all", "worker_of"]

_ITEM = re.compile(r"\[\d+\](?=/|$)")
"""Number of an item of a map-reduce, in a path."""


@dataclass(frozen=True)
class Usage:
    """What a participant has used, or all of them."""

    name: str
    """Where they stand, as the trail names it; the items of a map-reduce have one worker."""

    entries: int
    """How many entries of the trail they have: turns, and decisions between them."""

    input_tokens: int
    """Tokens read."""

    output_tokens: int
    """Tokens written."""

    cost: float | None
    """What it cost in USD; None if no price is known."""

    seconds: float
    """How long they worked; what they did side by side counts each time."""

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


def usage_by_participant(trail: Iterable[Turn]) -> Sequence[Usage]:
    """What each participant has used, in the order in which they first worked."""
    by_name: dict[str, list[Turn]] = {}
    for turn in trail:
        by_name.setdefault(worker_of(turn), []).append(turn)
    return [_sum(name, turns) for name, turns in by_name.items()]


def usage_in_all(trail: Iterable[Turn]) -> Usage:
    """What all of them have used."""
    return _sum("all", list(trail))


def tokens_of(turn: Turn) -> int:
    """Tokens that a turn has read and written."""
    return turn.input_tokens + turn.output_tokens


def worker_of(turn: Turn) -> str:
    """Who worked: the path, without the number of an item of a map-reduce."""
    return _ITEM.sub("", turn.path or turn.agent)


def _sum(name: str, turns: Sequence[Turn]) -> Usage:
    costs = [turn.cost for turn in turns if turn.cost is not None]
    return Usage(
        name,
        entries=len(turns),
        input_tokens=sum(turn.input_tokens for turn in turns),
        output_tokens=sum(turn.output_tokens for turn in turns),
        cost=sum(costs) if costs else None,
        seconds=sum(turn.seconds for turn in turns),
    )
