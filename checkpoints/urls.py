"""Which store a URL names."""

import os
import re
from pathlib import Path

from langgraph_orchestra.state import ConfigurationError

__all__ = ["database_path"]

VALID_FORMS = (
    "`memory://`, `sqlite:///relative.db`, `sqlite:////absolute.db`, "
    "or the path of a SQLite file such as `runs.db`"
)


def database_path(url: str | os.PathLike[str]) -> Path | None:
    """Tell where the store of a URL is.

    Args:
        url: `memory://`, a SQLite URL as SQLAlchemy writes it, or a bare path; `~` is the home.

    Returns:
        Path of the SQLite file; None for `memory://`.

    Raises:
        ConfigurationError: If the URL has another form, or its store is not supported yet.
        TypeError: If it is neither text nor a path.
    """
    text = os.fspath(url)
    if not isinstance(text, str):
        raise TypeError(f"a checkpointer URL is a str or a path, not {type(url).__name__}")
    if text == "memory://":
        return None
    if isinstance(url, os.PathLike):
        return Path(text).expanduser()
    if re.match(r"postgres(ql)?(\+\w+)?:", text):
        raise ConfigurationError(
            f"PostgreSQL is not supported yet by this version: `{_shown(text)}`; use {VALID_FORMS}"
        )
    name = text.removeprefix("sqlite:///")
    # A scheme has at least two letters, so that a Windows drive is not taken for one.
    if not name or name == ":memory:" or re.match(r"[A-Za-z][\w+.-]+:", name):
        raise ConfigurationError(f"unknown checkpointer URL `{_shown(text)}`; use {VALID_FORMS}")
    if name != text and "?" in name:
        raise ConfigurationError(
            f"a checkpointer URL takes no options after `?`: `{_shown(text)}`; "
            "use the keywords of `open_checkpointer`"
        )
    return Path(name).expanduser()


def _shown(url: str) -> str:
    """The URL without the credentials, which must not reach a log."""
    return re.sub(r"//.*@", "//***@", url)
