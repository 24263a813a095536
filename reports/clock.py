"""`Clock`: when things happened, without the times in which nobody worked."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from langgraph_orchestra.state import Turn

__all__ = ["Clock", "Pause", "clock_of", "span_of"]

Span = tuple[float, float]

_PAUSE_SHOWN = 0.04
"""How much of the whole a pause takes, however long it was."""


@dataclass(frozen=True)
class Pause:
    """A time in which nobody worked: a person was waited for, or the next run."""

    start: float
    """Where it stands, in seconds shown."""

    end: float
    """Where the work goes on, in seconds shown."""

    seconds: float
    """How long it really was."""


@dataclass(frozen=True)
class Clock:
    """Times of day as seconds since the first work, long pauses shortened.

    A thread whose person answered after two days would otherwise show two days and nothing else.
    """

    stretches: Sequence[Span]
    """When there was work, with short pauses in it, as timestamps in order."""

    shown: Sequence[float]
    """Where each of them begins, in seconds shown."""

    length: float
    """Seconds shown in all; never 0."""

    def at(self, timestamp: float) -> float:
        """Where a time stands, in seconds shown."""
        place = max(bisect_right([start for start, _ in self.stretches], timestamp) - 1, 0)
        start, end = self.stretches[place]
        return self.shown[place] + min(max(timestamp, start), end) - start

    @property
    def pauses(self) -> Sequence[Pause]:
        """What was shortened."""
        ends = [end for _, end in self.stretches]
        return [
            Pause(self.at(end), shown, start - end)
            for end, (start, _), shown in zip(
                ends, self.stretches[1:], self.shown[1:], strict=False
            )
        ]


def clock_of(trail: Iterable[Turn]) -> Clock:
    """The clock of a trail; it has at least one entry.

    A pause is shortened if it takes more than a second, and more than a third of all the work.
    """
    spans = sorted(map(span_of, trail))
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    work = sum(end - start for start, end in merged)
    longest = max(1.0, work / 3)
    stretches = merged[:1]
    for start, end in merged[1:]:
        if start - stretches[-1][1] > longest:
            stretches.append((start, end))
        else:
            stretches[-1] = (stretches[-1][0], end)
    pause = _PAUSE_SHOWN * sum(end - start for start, end in stretches)
    shown = [0.0]
    for start, end in stretches[:-1]:
        shown.append(shown[-1] + end - start + pause)
    first, last = stretches[-1]
    return Clock(stretches, shown, max(shown[-1] + last - first, 1e-6))


def span_of(turn: Turn) -> Span:
    """When an entry began and ended, as timestamps."""
    start = turn.started_at.timestamp()
    return start, start + turn.seconds
