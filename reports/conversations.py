"""Who passed what to whom."""

from typing import TYPE_CHECKING, Any

from langgraph_orchestra.reports.exchange import exchange_in
from langgraph_orchestra.reports.pictures.figure import figure_of
from langgraph_orchestra.reports.pictures.sequence import sequence_picture
from langgraph_orchestra.reports.pictures.shapes import Picture
from langgraph_orchestra.reports.recording import Recording, recording_of
from langgraph_orchestra.reports.text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

__all__ = ["MOST_ROWS", "conversation", "conversation_picture", "conversation_table"]

MOST_ROWS = 80
"""Rows of a picture that can still be looked at."""


def conversation(result: Any, *, most: int = MOST_ROWS) -> "Figure":
    """Who passed what to whom, as a sequence diagram.

    It is told from the trail: a turn is passed on to those who went on with it, a decision with its
    reason, the answer to the user. A member of a team stands under `team/member`.

    Args:
        result: What `invoke` gave, or the values of a saved thread.
        most: How many rows there may be; of a longer conversation its beginning and end are shown,
            and how much is left out between them.

    Returns:
        A matplotlib figure of its own, as `timeline` gives.

    Raises:
        TypeError: `result` is something else.
        ValueError: `most` is less than 2.
        ConfigurationError: matplotlib is not installed.
    """
    return figure_of(conversation_picture(recording_of(result), most))


def conversation_table(result: Any) -> "Table":
    """Who passed what to whom, for the terminal: one row for each thing that was passed on.

    Args:
        result: What `invoke` gave, or the values of a saved thread.

    Raises:
        TypeError: `result` is something else.
    """
    from langgraph_orchestra.reports.tables import add_row, lean_table

    table = lean_table("from", "to", "what")
    for passing in exchange_in(recording_of(result)):
        add_row(table, passing.source, ", ".join(passing.targets), one_line(passing.text, 200))
    return table


def conversation_picture(recording: Recording, most: int = MOST_ROWS) -> Picture:
    """The sequence diagram, shortened to a number of rows."""
    if isinstance(most, bool) or not isinstance(most, int):
        raise TypeError(f"`most` is a number of rows, not {most!r}")
    if most < 2:
        raise ValueError(f"`most` is 2 rows or more, not {most}")
    passings = exchange_in(recording)
    left_out = max(len(passings) - most, 0)
    if left_out:
        half = most // 2
        passings = [*passings[:half], *passings[len(passings) - (most - half) :]]
    return sequence_picture(passings, left_out)
