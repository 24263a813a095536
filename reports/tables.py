"""Tables for the terminal: without lines, in 80 columns, with what was said as it was said."""

from rich.table import Table
from rich.text import Text

from langgraph_orchestra.reports.text import clean

__all__ = ["add_row", "lean_table"]


def lean_table(*headings: str) -> Table:
    """A table without lines; `>` before a heading puts its column to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(
            heading.removeprefix(">"),
            justify="right" if heading.startswith(">") else "left",
            overflow="fold",
        )
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of texts, one for each column; none is taken for markup."""
    table.add_row(*(Text(clean(cell)) for cell in cells))
