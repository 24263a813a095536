"""Building HTML so that nothing can be forgotten to be escaped: a text is text unless made here."""

from html import escape
from typing import Any

from langgraph_orchestra.reports.text import clean

__all__ = ["Html", "element", "joined", "paragraph"]


class Html(str):
    """HTML that is safe to be part of a page; any other `str` is a text for a reader."""

    __slots__ = ()


def element(tag: str, *children: Any, **attributes: Any) -> Html:
    """An element.

    Args:
        tag: Its name.
        children: What it holds: HTML as it is, everything else as text.
        attributes: Its attributes, `class_` for `class` and `data_name` for `data-name`. True is an
            attribute without a value, None and False are none.
    """
    given = "".join(
        _attribute(name.rstrip("_").replace("_", "-"), value)
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{given}>{joined(*children)}</{tag}>")


def joined(*children: Any) -> Html:
    """HTML and texts, one after the other."""
    return Html("".join(c if isinstance(c, Html) else escape(clean(str(c))) for c in children))


def paragraph(text: str) -> Html:
    """What somebody has said, with its lines, in the direction in which it is written."""
    return element("div", text, class_="said", dir="auto")


def _attribute(name: str, value: Any) -> str:
    return f" {name}" if value is True else f' {name}="{escape(clean(str(value)))}"'
