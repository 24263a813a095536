"""The scale of a timeline: where times stand, and which of them are named."""

from collections.abc import Iterator
from dataclasses import dataclass

from langgraph_orchestra.reports.clock import Clock, span_of
from langgraph_orchestra.reports.text import duration
from langgraph_orchestra.state import Turn

__all__ = ["Scale"]

_SHORTEST = 2.5
"""Pixels of a turn that took no time."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400)
"""Seconds in which people count."""

_TICK = 80.0
"""Pixels that a tick takes at the least."""


@dataclass(frozen=True)
class Scale:
    """Where times stand in a picture."""

    clock: Clock
    left: float
    right: float

    def x(self, shown: float) -> float:
        """Where seconds of the clock stand."""
        return self.left + shown / self.clock.length * (self.right - self.left)

    def span(self, turn: Turn) -> tuple[float, float]:
        """Where a turn begins and ends; every turn can be seen."""
        start, end = (self.x(self.clock.at(time)) for time in span_of(turn))
        start = min(start, self.right - _SHORTEST)
        return start, max(end, start + _SHORTEST)

    def ticks(self) -> Iterator[tuple[str, float]]:
        """Times of work with where they stand; pauses do not count."""
        pauses = list(self.clock.pauses)
        work = self.clock.length - sum(pause.end - pause.start for pause in pauses)
        step = _step(work * _TICK / (self.right - self.left))
        worked = skipped = 0.0
        while worked <= work * 1.0001:
            while pauses and worked + skipped > pauses[0].start:
                pause = pauses.pop(0)
                skipped += pause.end - pause.start
            yield _named(worked), self.x(min(worked + skipped, self.clock.length))
            worked += step


def _step(wanted: float) -> float:
    """Seconds between two ticks, a number that people count in, a millisecond at the least."""
    if wanted <= _STEPS[0]:
        steps = [digit * 10.0**power for power in (-3, -2, -1) for digit in (1, 2, 5)]
        return next((step for step in steps if step >= wanted), 1.0)
    return next((step for step in _STEPS if step >= wanted), wanted)


def _named(seconds: float) -> str:
    if seconds >= 60 and seconds % 60 == 0:
        minutes = round(seconds / 60)
        return f"{minutes} min" if minutes < 60 or minutes % 60 else f"{minutes // 60} h"
    if seconds >= 60:
        return duration(seconds)
    return f"{seconds * 1000:.0f} ms" if 0 < seconds < 0.9995 else f"{seconds:g} s"
