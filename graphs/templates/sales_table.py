"""A table of sales: where it is found in a task, and what its rows say."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

from langgraph_orchestra.state import InputError

__all__ = ["SAMPLE", "sales_in", "table_in"]

SAMPLE = Path(__file__).with_name("regional_sales.csv")
"""The table that the example names."""

COLUMNS: Mapping[str, str] = {
    "region": "region|country|territory|market",
    "period": "period|quarter|month|year|date",
    "product": "product|item|category",
    "revenue": "revenue|sales|amount|turnover",
}
"""What the columns may be called; region and revenue must be there."""


def table_in(task: str) -> list[str]:
    """The lines of the table, its header first.

    Raises:
        InputError: The task holds no table and names no file, or the file cannot be read.
    """
    lines = [line for line in task.splitlines() if not line.startswith("```")]
    for start, (line, following) in enumerate(pairwise(lines)):
        columns, width = columns_of(line), len(cells_of(line, line))
        known = columns.keys() & COLUMNS.keys()
        if "region" in known and len(known) > 1 and width == len(cells_of(following, line)):
            return list(takewhile(str.strip, lines[start:]))
    named = re.search(r"[\"'`“]([^\"'`”\n]+\.csv)\b|([^\s(]+\.csv)\b", task)
    if named is None:
        raise InputError(
            "the task holds no table of sales: give CSV text with the columns `region` and "
            "`revenue` (and `period` and `product`), or the path of a CSV file"
        )
    path = Path(named[1] or named[2]).expanduser()
    if path == Path(SAMPLE.name) and not path.exists():
        path = SAMPLE
    try:
        return path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise InputError(f"the table `{path}` cannot be read: {reason}") from error


def sales_in(table: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a table.

    Raises:
        InputError: A column is missing, or a row lacks its region or revenue; the message says so.
    """
    header, *lines = table or [""]
    columns = columns_of(header)
    if missing := [name for name in ("region", "revenue") if name not in columns]:
        names = ", ".join(f"`{cell}`" for cell in cells_of(header, header)) or "none"
        raise InputError(f"the table has no column `{missing[0]}`; its columns are {names}")
    sales = []
    for number, line in enumerate(lines, start=2):
        if line.strip():
            cells = dict(enumerate(cells_of(line, header)))
            sale: dict[str, Any] = {name: cells.get(columns.get(name, -1), "") for name in COLUMNS}
            if not sale["region"]:
                raise InputError(f"line {number} of the table names no region: `{line}`")
            sales.append({**sale, "revenue": revenue_of(sale["revenue"], number, line)})
    if not sales:
        raise InputError("the table has a header, but no rows")
    return sales


def columns_of(header: str) -> dict[str, int]:
    """Where the columns stand, by our names for them."""
    places: dict[str, int] = {}
    for place, cell in enumerate(cells_of(header, header)):
        named = (
            name
            for name, synonyms in COLUMNS.items()
            if re.fullmatch(rf"(?:.*[^a-z])?(?:{synonyms})(?:[^a-z].*)?", cell.lower())
        )
        places.setdefault(next(named, cell), place)
    return places


def cells_of(line: str, header: str) -> list[str]:
    """The cells of a line, parted as the header's are."""
    delimiter = max(",;\t", key=header.count)
    [cells] = csv.reader([line], delimiter=delimiter, skipinitialspace=True) if line else [[]]
    return [cell.strip() for cell in cells]


def revenue_of(cell: str, number: int, line: str) -> float:
    """The revenue in a cell.

    Raises:
        InputError: There is none.
    """
    try:
        revenue = float(re.sub(r"[,\s$€£]", "", cell))
    except ValueError:
        revenue = math.nan
    if not math.isfinite(revenue):
        raise InputError(f"line {number} of the table gives no revenue: `{line}`")
    return revenue
