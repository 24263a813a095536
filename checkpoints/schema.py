"""Which version a checkpoint file's tables have.

They are those of the official savers, which know no versions, so that either opens the other's
files: version 0, as SQLite has it in every new file. Should the tables ever change, the number in
the file's header (`PRAGMA user_version`) says so, and does not keep the official savers from it.
"""

import sqlite3
from pathlib import Path

from langgraph_orchestra.state import CheckpointError

__all__ = ["SCHEMA_VERSION", "check_schema"]

SCHEMA_VERSION = 0
"""The newest version that this code reads and writes."""


def check_schema(conn: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that a newer version of this library has changed.

    Args:
        conn: Connection to the file.
        path: The file, for messages.

    Raises:
        CheckpointError: If its tables are newer than this code.
    """
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise CheckpointError(
            f"checkpoint file `{path}` has schema version {version}, and this version of "
            f"`langgraph-orchestra` knows {SCHEMA_VERSION} at most; update it"
        )
