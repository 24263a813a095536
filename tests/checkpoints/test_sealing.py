"""Metadata is as secret as values where there is a key, and found without becoming SQL."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver

from langgraph_orchestra.checkpoints import history, open_checkpointer, threads
from langgraph_orchestra.state import CheckpointError

from .conftest import config_of
from .noting import notes, noting, numbered

KEY = b"k" * 32
THREAD: Any = config_of("1")
HOSTILE = [
    "user') OR 1=1 --",
    'user" = \'\' OR "1" = "1',
    "'; DROP TABLE checkpoints; --",
    "$.user",
    "a.b",
    "",
    "%",
    "\x00",
    "user\n",
    "é",
]


def config(**metadata: Any) -> dict[str, Any]:
    return {
        "configurable": {"thread_id": "1", "colour": "crimson"},
        "metadata": {"user": "annabelle", "run_id": "run-1", **metadata},
    }


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def key(request: pytest.FixtureRequest) -> bytes | None:
    chosen: bytes | None = request.param
    return chosen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def stored_metadata(path: Path) -> str:
    with closing(sqlite3.connect(path)) as conn:
        return " ".join(str(text) for (text,) in conn.execute("SELECT metadata FROM checkpoints"))


def test_what_configs_bring_is_there_again(path: Path, key: bytes | None) -> None:
    with open_checkpointer(path, key=key) as saver:
        noting(saver).invoke({"turn": 0}, config())
    with open_checkpointer(path, key=key) as saver:
        newest, *_ = history(saver, "1")
        assert newest.metadata.items() >= {
            "user": "annabelle", "colour": "crimson", "run_id": "run-1",
            "source": "loop", "step": 1,
        }.items()  # fmt: skip
        assert saver.get_tuple(newest.config) == newest


def test_an_encrypted_file_does_not_tell_what_configs_bring(path: Path) -> None:
    with open_checkpointer(path, key=KEY) as saver:
        noting(saver).invoke({"turn": 0}, config(password="swordfish"))
        stored = path.read_bytes() + path.with_name("runs.db-wal").read_bytes()
    for secret in (b"annabelle", b"crimson", b"swordfish", b"password", b"colour"):
        assert secret not in stored
    readable = stored_metadata(path)
    assert "annabelle" not in readable
    assert "run-1" in readable


def test_a_pruned_encrypted_file_does_not_tell_either(path: Path) -> None:
    with open_checkpointer(path, key=KEY) as saver:
        for turn in range(9):
            noting(saver).invoke({"turn": turn}, config(run_id=f"run-{turn}"))
        saver.prune(["1"])
        saver.vacuum()  # type: ignore[attr-defined]
        assert notes(noting(saver)) == numbered(9)
        assert dict(history(saver, "1")[0].metadata)["user"] == "annabelle"
        assert "annabelle" not in stored_metadata(path)


def test_metadata_is_found_by_equality(path: Path, key: bytes | None) -> None:
    with open_checkpointer(path, key=key) as saver:
        app = noting(saver)
        app.invoke({"turn": 0}, config(**{"a.b": "dotted", "number": 1, "yes": True}))
        app.invoke({"turn": 1}, config(user="bertram", run_id="run-2"))

        def count(**wanted: Any) -> int:
            return len([*saver.list(THREAD, filter=wanted)])

        assert count(user="annabelle") == count(user="bertram") == 3
        assert count(**{"a.b": "dotted"}) == 3
        assert count(number=1, yes=True) == 3
        assert count(number=2) == count(user=None) == 0
        assert count(user="bertram", step=2) == 1
        assert len([*saver.list(None, filter={"user": "bertram"}, limit=2)]) == 2


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_filter_becomes_sql(path: Path, key: bytes | None, hostile: str) -> None:
    with open_checkpointer(path, key=key) as saver:
        noting(saver).invoke({"turn": 0}, config())
        assert [*saver.list(THREAD, filter={hostile: "x"})] == []
        assert [*saver.list(THREAD, filter={"user": hostile})] == []
        assert [*saver.list(None, filter={hostile: hostile})] == []
        assert [info.thread_id for info in threads(saver)] == ["1"]


def test_an_encrypted_file_of_the_official_saver_opens(path: Path) -> None:
    with open_checkpointer(path, key=KEY) as saver:
        serde = saver.serde
    with SqliteSaver.from_conn_string(str(path)) as official:
        official.serde = serde
        noting(official).invoke({"turn": 0}, config())
    with open_checkpointer(path, key=KEY) as saver:
        assert len([*saver.list(None, filter={"user": "annabelle"})]) == 3
        assert notes(noting(saver)) == numbered(1)


def test_the_official_saver_reads_an_encrypted_file(path: Path) -> None:
    with open_checkpointer(path, key=KEY) as saver:
        serde = saver.serde
        noting(saver).invoke({"turn": 0}, config())
    with SqliteSaver.from_conn_string(str(path)) as official:
        official.serde = serde
        assert notes(noting(official)) == numbered(1)


def test_a_file_with_newer_tables_is_refused_by_name(path: Path) -> None:
    with open_checkpointer(path) as saver:
        noting(saver).invoke({"turn": 0}, config())
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA user_version = 7")
    newer = pytest.raises(CheckpointError, match=r"runs\.db` has schema version 7.*update it")
    with newer, open_checkpointer(path):
        pass
    with SqliteSaver.from_conn_string(str(path)) as official:
        assert notes(noting(official)) == numbered(1)
