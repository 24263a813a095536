"""Tokens, cost and time by participant."""

from typing import TYPE_CHECKING, Any

from langgraph_orchestra.reports.pictures.bars import spending_picture
from langgraph_orchestra.reports.pictures.figure import figure_of
from langgraph_orchestra.reports.recording import recording_of
from langgraph_orchestra.reports.text import amount, duration
from langgraph_orchestra.reports.usage import usage_by_participant, usage_in_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

__all__ = ["spending", "spending_table"]


def spending(result: Any) -> "Figure":
    """What each participant has used, as a picture: tokens as bars, with cost and time.

    Where no model has counted tokens, the bars are of time.

    Args:
        result: What `invoke` gave, or the values of a saved thread.

    Returns:
        A matplotlib figure of its own, as `timeline` gives.

    Raises:
        TypeError: `result` is something else.
        ConfigurationError: matplotlib is not installed.
    """
    trail = recording_of(result).trail
    return figure_of(spending_picture(usage_by_participant(trail), usage_in_all(trail)))


def spending_table(result: Any) -> "Table":
    """What a thread has used by participant, for the terminal, with the sum in the last row.

    Args:
        result: What `invoke` gave, or the values of a saved thread.

    Raises:
        TypeError: `result` is something else.
    """
    from langgraph_orchestra.reports.tables import add_row, lean_table

    trail = recording_of(result).trail
    table = lean_table("participant", ">entries", ">tokens in", ">tokens out", ">cost", ">time")
    for one in (*usage_by_participant(trail), usage_in_all(trail)):
        add_row(
            table,
            one.name,
            f"{one.entries:,}",
            f"{one.input_tokens:,}",
            f"{one.output_tokens:,}",
            amount(one.cost),
            duration(one.seconds),
        )
    return table
