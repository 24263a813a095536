"""Where threads are kept, and how a command that uses them is written."""

import shlex
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langgraph_orchestra.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langgraph.checkpoint.base import BaseCheckpointSaver

__all__ = ["DEFAULT_URL", "Database"]

DEFAULT_URL = "orchestra.db"


@dataclass(frozen=True)
class Database:
    """The place that `--db` names."""

    url: str
    """As `open_checkpointer` takes it."""

    @property
    def shown(self) -> str:
        """The URL as it may be printed: without the password of a PostgreSQL database."""
        from langgraph_orchestra.checkpoints.urls import postgres_url, without_credentials

        return without_credentials(self.url) if postgres_url(self.url) else self.url

    @property
    def lasts(self) -> bool:
        """Whether threads are there after the command has ended."""
        return self.url != "memory://"

    def open(self) -> "AbstractContextManager[BaseCheckpointSaver[str]]":
        """Open it; a SQLite file is made if it is not there."""
        from langgraph_orchestra.checkpoints import open_checkpointer

        return open_checkpointer(self.url)

    @contextmanager
    def open_existing(self) -> "Iterator[BaseCheckpointSaver[str]]":
        """Open it to look for threads: a mistyped path must not become a new file.

        Raises:
            CommandError: There is no such file.
        """
        from langgraph_orchestra.checkpoints.urls import database_path

        path = database_path(self.url)
        if path is not None and not path.exists():
            raise CommandError(
                f"there is no database `{path}`; `orchestra demo` or `orchestra run` makes one, "
                f"and `--db` names another"
            )
        with self.open() as saver:
            yield saver

    def command(self, *words: str) -> str:
        """A command line for the user to type, on this database."""
        return shlex.join(
            ["orchestra", *words, *(["--db", self.shown] if self.url != DEFAULT_URL else [])]
        )
