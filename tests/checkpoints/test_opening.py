"""Opening: which URLs name which store, what a new file is like, and what goes wrong."""

import asyncio
import os
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from langgraph_orchestra.checkpoints import (
    OrchestraSqliteSaver,
    aopen_checkpointer,
    open_checkpointer,
    threads,
)
from langgraph_orchestra.state import CheckpointError, ConfigurationError


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def pragma(saver: Any, name: str) -> Any:
    assert isinstance(saver, OrchestraSqliteSaver)
    return saver.write(lambda cursor: cursor.execute(f"PRAGMA {name}").fetchone()[0])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, which is also the current one's parent."""
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///runs.db", "work/runs.db"),
        ("sqlite:///../runs.db", "runs.db"),
        ("sqlite:///~/runs.db", "runs.db"),
        ("sqlite:////{home}/runs.db", "runs.db"),
        ("runs.db", "work/runs.db"),
        ("./runs.db", "work/runs.db"),
        ("~/runs.db", "runs.db"),
        ("{home}/with space.db", "with space.db"),
        (Path("runs.db"), "work/runs.db"),
        (Path("~/runs.db"), "runs.db"),
    ],
)
def test_a_url_names_a_file(home: Path, url: str | Path, file: str) -> None:
    if isinstance(url, str):
        url = url.format(home=str(home))
    with open_checkpointer(url):
        pass
    assert list(home.rglob("*.db")) == [home / file]


@pytest.mark.usefixtures("home")
def test_the_default_is_orchestra_db_in_the_current_folder() -> None:
    with open_checkpointer():
        assert Path("orchestra.db").exists()


def test_memory_is_langgraphs_own_saver_and_makes_no_file(home: Path) -> None:
    with open_checkpointer("memory://") as saver:
        assert isinstance(saver, InMemorySaver)
    assert list(home.rglob("*.db")) == []


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/db",
        "postgresql+asyncpg://me:secret@host/db",
        "postgresql:runs",
        "sqlite://runs.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "memory:",
        "",
    ],
)
def test_an_unknown_url_is_refused_with_the_valid_forms(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught, open_checkpointer(url):
        pass
    message = str(caught.value)
    assert f"`{url.replace('me:secret', '***')}`" in message
    assert "`memory://`, `sqlite:///relative.db`, `sqlite:////absolute.db`" in message


def test_options_in_the_url_are_refused() -> None:
    with (
        pytest.raises(ConfigurationError, match="takes no options"),
        open_checkpointer("sqlite:///runs.db?mode=ro"),
    ):
        pass


@pytest.mark.parametrize(
    "url", ["~no-such-user/runs.db", "sqlite:///~no-such-user/runs.db", Path("~no-such-user")]
)
def test_a_home_of_somebody_unknown_is_refused(url: str | Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="there is no home for the `~` of `~no-such-user"),
        open_checkpointer(url),
    ):
        pass


@pytest.mark.parametrize("url", [None, 3, b"runs.db"])
def test_a_url_of_another_type_is_a_type_error(url: Any) -> None:
    with pytest.raises(TypeError), open_checkpointer(url):
        pass


def test_a_new_file_and_its_side_files_are_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with open_checkpointer(path):
        modes = {file.name: mode_of(file) for file in tmp_path.iterdir()}
    assert modes == {"runs.db": 0o600, "runs.db-wal": 0o600, "runs.db-shm": 0o600}


def test_a_link_to_a_file_that_is_not_there_yet_makes_it_for_the_user_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "runs.db")
    with open_checkpointer(tmp_path / "link.db"):
        pass
    assert mode_of(tmp_path / "runs.db") == 0o600


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.touch()
    path.chmod(0o640)
    with open_checkpointer(path):
        pass
    assert mode_of(path) == 0o640


@pytest.mark.parametrize(("synchronous", "number"), [("FULL", 2), ("NORMAL", 1)])
def test_the_file_is_in_wal_mode_waits_for_locks_and_syncs_as_told(
    tmp_path: Path, synchronous: Any, number: int
) -> None:
    with open_checkpointer(tmp_path / "runs.db", synchronous=synchronous) as saver:
        assert pragma(saver, "journal_mode") == "wal"
        assert pragma(saver, "busy_timeout") == 30_000
        assert pragma(saver, "synchronous") == number


@pytest.mark.parametrize("url", ["sqlite:///runs.db", "memory://"])
def test_another_synchronous_value_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong: Any = "OFF"
    with (
        pytest.raises(ConfigurationError, match="`synchronous` is `FULL` or `NORMAL`, not `OFF`"),
        open_checkpointer(url, synchronous=wrong),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    together = Barrier(12)

    def open_and_look(_: int) -> int:
        together.wait()
        with open_checkpointer(tmp_path / "runs.db") as saver:
            return len(threads(saver))

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(open_and_look, range(12))) == [0] * 12


def test_opening_waits_until_another_has_finished_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "runs.db")) as other:
        other.execute("CREATE TABLE notes (text TEXT)")
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(time, "sleep", lambda _: other.rollback())
        with open_checkpointer(tmp_path / "runs.db") as saver:
            assert pragma(saver, "journal_mode") == "wal"


def test_the_file_is_closed_after_an_error_in_the_block(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="in the block"),
        open_checkpointer(tmp_path / "runs.db") as saver,
    ):
        raise RuntimeError("in the block")
    with pytest.raises(CheckpointError, match=r"runs\.db.*closed database"):
        threads(saver)
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


async def test_the_file_is_closed_after_an_async_block(tmp_path: Path) -> None:
    async with aopen_checkpointer(tmp_path / "runs.db") as saver:
        pass
    with pytest.raises(CheckpointError, match="closed database"):
        await saver.aget_tuple({"configurable": {"thread_id": "1"}})


async def test_what_is_still_being_opened_when_its_caller_is_cancelled_is_closed(
    tmp_path: Path,
) -> None:
    there_before = {*threading.enumerate()}
    with closing(sqlite3.connect(tmp_path / "runs.db")) as other:
        other.execute("CREATE TABLE notes (text TEXT)")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), aopen_checkpointer(tmp_path / "runs.db"):
                pass
        opening = {*threading.enumerate()} - there_before
        other.rollback()
        for thread in opening:
            thread.join(timeout=10)
    assert opening
    assert {*threading.enumerate()} <= there_before


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with (
        pytest.raises(CheckpointError, match=r"there is no folder `.*/missing`; create it first"),
        open_checkpointer(tmp_path / "missing" / "runs.db"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(CheckpointError, match=f"`{tmp_path}` is a folder"),
        open_checkpointer(tmp_path),
    ):
        pass


async def test_a_file_that_is_no_database_is_refused_with_its_name(
    calls: Any, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 100)
    with pytest.raises(CheckpointError, match=r"notes\.txt`: file is not a database") as caught:
        async with calls.opened(str(path)):
            pass
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)
    assert path.read_text().startswith("Dear diary")


def test_a_database_with_other_tables_of_these_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE checkpoints (id INTEGER, place TEXT)")
    with (
        pytest.raises(CheckpointError, match=r"runs\.db`: no such column"),
        open_checkpointer(path),
    ):
        pass


def test_damaged_values_are_found_at_opening(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with open_checkpointer(path) as saver:
        assert isinstance(saver, OrchestraSqliteSaver)
        saver.write(
            lambda cursor: cursor.execute(
                "INSERT INTO checkpoints (thread_id, checkpoint_id, type, checkpoint)"
                " VALUES ('1', '1', 'msgpack', x'c1')"
            )
        )
    with pytest.raises(CheckpointError, match=r"runs\.db` cannot be read"), open_checkpointer(path):
        pass


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A folder with a checkpoint file of another user's, seen as a user without rights to it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_checkpointer(folder / "runs.db"):
            pass
        folder.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
            yield folder
            os.seteuid(0)
        else:
            yield folder
        folder.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX systems")
@pytest.mark.parametrize(
    ("mode", "message"),
    [(0o000, "unable to open database file"), (0o444, "readonly database|unable to open")],
    ids=["unreadable", "read-only"],
)
def test_a_file_without_the_right_to_use_it_is_refused_at_opening(
    guarded: Path, mode: int, message: str
) -> None:
    path = guarded / "runs.db"
    user = os.geteuid()
    os.seteuid(path.stat().st_uid)
    path.chmod(mode)
    os.seteuid(user)
    with (
        pytest.raises(CheckpointError, match=rf"runs\.db`: .*({message})"),
        open_checkpointer(path),
    ):
        pass


@pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX systems")
def test_a_folder_without_the_right_to_write_is_refused_at_opening(guarded: Path) -> None:
    with (
        pytest.raises(CheckpointError, match=r"new\.db` cannot be made: Permission denied"),
        open_checkpointer(guarded / "new.db"),
    ):
        pass
