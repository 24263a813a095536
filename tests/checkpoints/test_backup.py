"""Care for a file as a whole: copies of it, its size, its soundness."""

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.state import CheckpointError, ConfigurationError

from .noting import noted, notes, noting, numbered


@pytest.fixture
def saver(file_saver: Any) -> Any:
    return file_saver


def size(path: Path) -> int:
    return path.stat().st_size


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def kept_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_backup_holds_what_the_file_held(calls: Any, saver: Any, tmp_path: Path) -> None:
    app = await noted(calls, saver, 9)
    await calls.of(saver, "backup", tmp_path / "copy.db")
    await calls.invoke(app, {"turn": 9}, "1")
    async with calls.opened(str(tmp_path / "copy.db")) as copy:
        assert notes(noting(copy)) == numbered(9)
        assert copy.integrity_check() == []
    assert mode(tmp_path / "copy.db") == 0o600


async def test_a_backup_leaves_nothing_else_behind(calls: Any, saver: Any, tmp_path: Path) -> None:
    await noted(calls, saver, 1)
    (tmp_path / "copies").mkdir()
    await calls.of(saver, "backup", tmp_path / "copies" / "copy.db")
    assert kept_in(tmp_path / "copies") == ["copy.db"]


async def test_a_backup_never_takes_the_place_of_a_file(
    calls: Any, saver: Any, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"runs\.db` is there already"):
        await calls.of(saver, "backup", tmp_path / "runs.db")


async def test_a_backup_in_a_home_of_somebody_unknown_is_refused(calls: Any, saver: Any) -> None:
    with pytest.raises(ConfigurationError, match="there is no home for the `~`"):
        await calls.of(saver, "backup", "~no-such-user/copy.db")


async def test_a_backup_into_a_folder_that_is_not_there_is_refused(
    calls: Any, saver: Any, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"backup `.*copy\.db` cannot be made: No such file"):
        await calls.of(saver, "backup", tmp_path / "nowhere" / "copy.db")


def test_a_backup_is_of_one_moment_while_runs_go_on(saver: Any, tmp_path: Path) -> None:
    app = noting(saver)
    app.invoke({"turn": 0}, {"configurable": {"thread_id": "1"}})
    stopped = threading.Event()

    def go_on() -> None:
        for turn in range(1, 1000):
            if stopped.is_set():
                return
            app.invoke({"turn": turn}, {"configurable": {"thread_id": "1"}})

    worker = threading.Thread(target=go_on)
    worker.start()
    try:
        for number in range(5):
            saver.backup(tmp_path / f"{number}.db")
    finally:
        stopped.set()
        worker.join()
    for number in range(5):
        with open_checkpointer(tmp_path / f"{number}.db") as copy:
            found = notes(noting(copy))
            assert found == numbered(len(found))
            assert copy.integrity_check() == []  # type: ignore[attr-defined]


async def test_space_is_used_again_and_given_back_by_vacuum(
    calls: Any, saver: Any, tmp_path: Path
) -> None:
    path = tmp_path / "runs.db"
    await noted(calls, saver, 40)
    await calls.of(saver, "vacuum")
    full = size(path)
    await calls.of(saver, "prune", ["1"])
    await noted(calls, saver, 20, "2")
    await calls.of(saver, "prune", ["2"])
    assert size(path) == full
    await calls.of(saver, "vacuum")
    assert size(path) < full / 2
    assert notes(noting(saver)) == numbered(40)


async def test_a_sound_file_has_no_damage(calls: Any, saver: Any) -> None:
    await noted(calls, saver, 3)
    assert await calls.of(saver, "integrity_check") == []


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.db"
    with open_checkpointer(path) as saver:
        for turn in range(20):
            noting(saver).invoke({"turn": turn}, {"configurable": {"thread_id": "1"}})
    with closing(sqlite3.connect(path)) as conn:
        page = conn.execute("PRAGMA page_size").fetchone()[0]
        roots = conn.execute("SELECT rootpage FROM sqlite_master WHERE name LIKE '%index%'")
        broken = max(root for (root,) in roots)
    with path.open("r+b") as file:
        file.seek((broken - 1) * page)
        file.write(b"\xff" * page)
    return path


async def test_damage_is_found(calls: Any, damaged: Path) -> None:
    async with calls.opened(str(damaged)) as saver:
        assert await calls.of(saver, "integrity_check") != []
