"""Trails as runs leave them, without a run: what is drawn of them can be told in advance."""

from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph_orchestra.state import Turn

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def turn(path: str, step: int, at: float = 0.0, seconds: float = 1.0, **fields: Any) -> Turn:
    """An entry.

    Args:
        path: Whose it is.
        step: Its number in the run.
        at: When it began, in seconds after noon.
        seconds: How long it took.
        fields: As `Turn` takes them.
    """
    agent = path.rpartition("/")[2].partition("[")[0]
    began = NOON + timedelta(seconds=at)
    return Turn(agent=agent, path=path, step=step, started_at=began, seconds=seconds, **fields)


def chain(*paths: str, at: float = 0.0, **fields: Any) -> list[Turn]:
    """A run in which one turn of a second follows the other."""
    return [turn(path, step, at + step - 1, **fields) for step, path in enumerate(paths, 1)]
