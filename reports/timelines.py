"""Who worked when, side by side, how long, and with how many tokens."""

from typing import TYPE_CHECKING, Any

from langgraph_orchestra.reports.clock import Clock, clock_of, span_of
from langgraph_orchestra.reports.pictures.figure import figure_of
from langgraph_orchestra.reports.pictures.gantt import timeline_picture
from langgraph_orchestra.reports.recording import recording_of
from langgraph_orchestra.reports.text import duration
from langgraph_orchestra.reports.usage import tokens_of
from langgraph_orchestra.reports.wording import outcome_of
from langgraph_orchestra.state import Turn

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

__all__ = ["timeline", "timeline_table"]

_BAR = 16
"""Columns of a bar in the terminal."""


def timeline(result: Any) -> "Figure":
    """Who worked when, side by side, how long, and with how many tokens, as a picture.

    Each participant has a lane, each turn a bar in the colour of its kind, what failed in red.
    Pauses are shortened, and say how long they were. In a notebook, `%matplotlib inline` shows what
    a cell ends with; `figure.savefig("timeline.png")` keeps it.

    Args:
        result: What `invoke` gave, or the values of a saved thread.

    Returns:
        A matplotlib figure of its own; pyplot knows nothing of it.

    Raises:
        TypeError: `result` is something else.
        ConfigurationError: matplotlib is not installed.
    """
    return figure_of(timeline_picture(recording_of(result).runs))


def timeline_table(result: Any) -> "Table":
    """Who worked when, for the terminal: one row for each entry of the trail.

    Args:
        result: What `invoke` gave, or the values of a saved thread.

    Returns:
        A rich table that fits into 80 columns.

    Raises:
        TypeError: `result` is something else.
    """
    from langgraph_orchestra.reports.tables import add_row, lean_table

    recording = recording_of(result)
    run_heading = [">run"] if len(recording.runs) > 1 else []
    token_heading = [">tokens"] if any(map(tokens_of, recording.trail)) else []
    table = lean_table(*run_heading, ">step", "path", "when", ">time", *token_heading, "detail")
    for column in table.columns:
        column.no_wrap = column.header == "when"
    for number, run in enumerate(recording.runs, 1):
        clock = clock_of(run)
        for turn in run:
            add_row(
                table,
                *(str(number) for _ in run_heading),
                str(turn.step),
                turn.path or turn.agent,
                _bar(turn, clock),
                duration(turn.seconds),
                *(f"{tokens_of(turn):,}" for _ in token_heading),
                outcome_of(turn),
            )
    return table


def _bar(turn: Turn, clock: Clock) -> str:
    """A turn as a bar; what took no time is a bar of one column."""
    start, end = (round(clock.at(time) / clock.length * _BAR) for time in span_of(turn))
    start = min(start, _BAR - 1)
    return " " * start + "━" * max(end - start, 1)
