"""What sections are made of: tables, foldings, pictures."""

from collections.abc import Iterable, Sequence
from typing import Any

from langgraph_orchestra.reports.page.html import Html, element, joined, paragraph
from langgraph_orchestra.reports.pictures.shapes import Picture
from langgraph_orchestra.reports.pictures.svg import svg_of

__all__ = ["facts", "folded", "picture", "section", "spoken", "table"]

_LONG = 1200
"""Characters of a text above which it is folded."""

_BEGINNING = 240
"""How many of them are shown then."""

_SMALLEST = 0.65
"""To how much of its size a picture may be made smaller."""


def section(name: str, heading: str, *content: Html) -> Html:
    """A part of the page that its index names; empty where there is no content."""
    inside = joined(*content)
    return element("section", element("h2", heading), inside, id=name) if inside else Html()


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: int = 0) -> Html:
    """A table; empty where it has no rows.

    On a phone, its rows become blocks, each cell beside its heading; a table of numbers stays one.

    Args:
        headings: Of its columns.
        rows: Their cells, HTML or text.
        numbers: How many of the last columns hold numbers.
    """
    classes = [None] * (len(headings) - numbers) + ["number"] * numbers
    columns = list(zip(headings, classes, strict=True))
    body = [
        element("tr", *(_cell(*column, cell) for column, cell in zip(columns, row, strict=True)))
        for row in rows
    ]
    if not body:
        return Html()
    head = element("tr", *(element("th", name, class_=kind) for name, kind in columns))
    whole = element("table", element("thead", head), element("tbody", *body))
    return element("div", whole, class_="scroll" if numbers > 2 else "scroll blocks")


def _cell(heading: str, kind: str | None, content: Any) -> Html:
    inside = element("div", content, dir="auto")
    return element("td", inside, class_=kind, data_heading=heading)


def folded(summary: Any, *content: Html, is_open: bool = False) -> Html:
    """Content below a line that shows and hides it."""
    return element("details", element("summary", summary), *content, open=is_open)


def spoken(text: str) -> Html:
    """What somebody has said; a long text is folded below its beginning."""
    if len(text) <= _LONG:
        return paragraph(text)
    beginning = f"{text[:_BEGINNING].rstrip()}…"
    return folded(element("span", beginning, class_="said", dir="auto"), paragraph(text))


def picture(drawn: Picture, place: str = "fitting") -> Html:
    """A picture.

    Args:
        drawn: The picture.
        place: `wide` or `narrow`, on screens of that kind only; `fitting` on all of them: made
            smaller as long as it can be read, then scrolled.
    """
    least = f"--least: {drawn.width * _SMALLEST:.0f}px"
    content = Html(svg_of(drawn, part_of_page=True))
    return element("div", content, class_=f"scroll {place}", style=least)


def facts(pairs: Iterable[tuple[str, Any]]) -> Html:
    """Names with what they stand for; those that stand for nothing are left out."""
    items = [
        element("div", element("dt", name), element("dd", value)) for name, value in pairs if value
    ]
    return element("dl", *items) if items else Html()
