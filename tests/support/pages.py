"""What tests look at in a page: what a browser would make of it."""

from collections.abc import Sequence
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})


class Page(HTMLParser):
    """A page taken apart.

    Args:
        source: Its HTML.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self._ids: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == [], "an element was not closed"

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self._open.append(tag)
            self._ids.append(dict(attrs).get("id") or "")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"`{tag}` is closed where another is open"
        self._ids.pop()

    def handle_data(self, data: str) -> None:
        where = next((name for name in self._ids if name), "")
        self.texts[where] = self.texts.get(where, "") + data

    @property
    def text(self) -> str:
        """All its text."""
        return "".join(self.texts.values())
