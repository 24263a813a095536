"""Which store a URL names."""

import os
import re
from pathlib import Path

from langgraph_orchestra.state import ConfigurationError

__all__ = ["database_path", "expanded", "postgres_url", "without_credentials"]

VALID_FORMS = (
    "`memory://`, `sqlite:///relative.db`, `sqlite:////absolute.db`, "
    "`postgresql://user:password@host:5432/database`, "
    "or the path of a SQLite file such as `runs.db`"
)

POSTGRES = re.compile(r"postgres(ql)?(\+psycopg)?://")


def database_path(url: str | os.PathLike[str]) -> Path | None:
    """Tell where the store of a URL is.

    Args:
        url: `memory://`, a SQLite URL as SQLAlchemy writes it, a PostgreSQL URL, or a bare path;
            `~` is the home.

    Returns:
        Path of the SQLite file; None if it names another kind of store.

    Raises:
        ConfigurationError: If the URL has another form, or its `~` no home.
        TypeError: If it is neither text nor a path.
    """
    text = os.fspath(url)
    if not isinstance(text, str):
        raise TypeError(f"a checkpointer URL is a str or a path, not {type(url).__name__}")
    if text == "memory://" or POSTGRES.match(text):
        return None
    if isinstance(url, os.PathLike):
        return expanded(Path(text))
    name = text.removeprefix("sqlite:///")
    # A scheme has at least two letters, so that a Windows drive is not taken for one.
    if not name or name == ":memory:" or re.match(r"[A-Za-z][\w+.-]+:", name):
        raise ConfigurationError(
            f"unknown checkpointer URL `{without_credentials(text)}`; use {VALID_FORMS}"
        )
    if name != text and "?" in name:
        raise ConfigurationError(
            f"a checkpointer URL takes no options after `?`: `{without_credentials(text)}`; "
            "use the keywords of `open_checkpointer`"
        )
    return expanded(Path(name))


def expanded(path: Path) -> Path:
    """A path with the home in place of `~`.

    Raises:
        ConfigurationError: If it is the home of somebody who is not known here.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ConfigurationError(
            f"there is no home for the `~` of `{path}`; write the whole path"
        ) from error


def postgres_url(url: str | os.PathLike[str]) -> str | None:
    """Tell which PostgreSQL database a URL names.

    Args:
        url: `postgresql://...` as PostgreSQL takes it; `postgres://` and SQLAlchemy's
            `postgresql+psycopg://` mean the same.

    Returns:
        The URL, beginning with `postgresql://`; None if it names another kind of store.

    Raises:
        ConfigurationError: If its password has characters that must be written otherwise.
    """
    if not isinstance(url, str) or not (found := POSTGRES.match(url)):
        return None
    rest = url[found.end() :]
    place, _, path = rest.partition("/")
    # PostgreSQL would take a part of the password for the host, and show it in its errors.
    if place.count("@") > 1 or "@" in path.partition("?")[0]:
        raise ConfigurationError(
            f"`{without_credentials(url)}` has an `@` or a `/` in its user, password or database; "
            "write `%40` for `@`, `%2F` for `/`"
        )
    return f"postgresql://{rest}"


def without_credentials(url: str) -> str:
    """The URL as it may be shown: credentials must not reach a log."""
    return re.sub(r"//.*@", "//***@", re.sub(r"password=[^&]*", "password=***", url))
