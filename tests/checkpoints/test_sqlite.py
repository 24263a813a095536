"""The SQLite saver: what shares a commit, who waits for whom, and how it ends."""

import asyncio
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from langgraph_orchestra.checkpoints import OrchestraSqliteSaver, open_checkpointer
from langgraph_orchestra.state import CheckpointError

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def saver(path: Path) -> Iterator[OrchestraSqliteSaver]:
    """An open saver, whose file has a table of notes besides."""
    with opened(path) as saver:
        saver.write(lambda cursor: cursor.execute("CREATE TABLE notes (text TEXT UNIQUE)"))
        yield saver


@contextmanager
def opened(path: Path) -> Iterator[OrchestraSqliteSaver]:
    with open_checkpointer(path) as saver:
        assert isinstance(saver, OrchestraSqliteSaver)
        yield saver


def place(thread_id: str = "1") -> Any:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}


def checkpoint(number: int = 0) -> Checkpoint:
    """A checkpoint whose id sorts by its number."""
    return {**empty_checkpoint(), "id": f"{number:06}", "channel_values": {"number": number}}


def put(saver: OrchestraSqliteSaver, thread_id: str, number: int = 0) -> None:
    saver.put(place(thread_id), checkpoint(number), {"step": number}, {})


async def aput(saver: OrchestraSqliteSaver, thread_id: str, number: int = 0) -> None:
    await saver.aput(place(thread_id), checkpoint(number), {"step": number}, {})


def numbers(found: Any) -> list[int]:
    return [item.checkpoint["channel_values"]["number"] for item in found]


def noting(text: str) -> Callable[[sqlite3.Cursor], str]:
    def job(cursor: sqlite3.Cursor) -> str:
        cursor.execute("INSERT INTO notes VALUES (?)", [text])
        return f"noted {text}"

    return job


def notes(path: Path) -> list[str]:
    """The notes that are committed, as another connection sees them."""
    with closing(sqlite3.connect(path)) as other:
        return [text for (text,) in other.execute("SELECT text FROM notes ORDER BY text")]


class Gate:
    """Keeps the writer busy with a job of its own, so that all others gather behind it."""

    def __init__(self, saver: OrchestraSqliteSaver) -> None:
        self._saver = saver
        self._begun = threading.Event()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=saver.write, args=[self._hold])

    def __enter__(self) -> "Gate":
        self._thread.start()
        assert self._begun.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._thread.join()

    def open(self) -> None:
        self._opened.set()

    def _hold(self, cursor: sqlite3.Cursor) -> None:
        cursor.execute("CREATE TABLE IF NOT EXISTS held (id)")
        self._begun.set()
        assert self._opened.wait(30)


async def gathered(saver: OrchestraSqliteSaver, *jobs: Callable[[sqlite3.Cursor], Any]) -> Any:
    """What becomes of jobs that wait at the same moment."""
    with Gate(saver) as gate:
        tasks = [asyncio.create_task(saver.awrite(job)) for job in jobs]
        await asyncio.sleep(0)
        gate.open()
        return await asyncio.gather(*tasks, return_exceptions=True)


def counted_wakes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The calls that other threads make into the running loop, from now on."""
    loop = asyncio.get_running_loop()
    wakes: list[object] = []
    wake = loop.call_soon_threadsafe

    def counted(*args: Any, **options: Any) -> Any:
        wakes.append(args)
        return wake(*args, **options)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    return wakes


def names_of_threads(path: Path) -> list[str]:
    """The threads that work on a file."""
    return [thread.name for thread in threading.enumerate() if str(path) in thread.name]


class TestSharedCommits:
    """Jobs that wait at the same moment are committed together, and fail each for itself."""

    async def test_what_waits_at_the_same_moment_is_committed_at_once(
        self, saver: OrchestraSqliteSaver, path: Path
    ) -> None:
        seen = await gathered(saver, noting("a"), noting("b"), lambda _: notes(path))
        assert seen == ["noted a", "noted b", []]
        assert notes(path) == ["a", "b"]

    async def test_an_event_loop_is_woken_once_for_all_that_waited_in_it(
        self, saver: OrchestraSqliteSaver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wakes = counted_wakes(monkeypatch)
        await gathered(saver, *(noting(str(number)) for number in range(20)))
        assert len(wakes) == 1

    async def test_a_job_that_raises_is_undone_and_no_other(
        self, saver: OrchestraSqliteSaver, path: Path
    ) -> None:
        def failing(cursor: sqlite3.Cursor) -> None:
            noting("half")(cursor)
            raise ValueError("no luck")

        first, error, last = await gathered(saver, noting("a"), failing, noting("b"))
        assert (first, last) == ("noted a", "noted b")
        assert isinstance(error, ValueError)
        assert notes(path) == ["a", "b"]

    @pytest.mark.parametrize("resolution", ["ABORT", "ROLLBACK", "FAIL"])
    async def test_a_statement_that_fails_is_undone_with_its_job_and_no_other(
        self, saver: OrchestraSqliteSaver, path: Path, resolution: str
    ) -> None:
        def failing(cursor: sqlite3.Cursor) -> None:
            cursor.executemany(f"INSERT OR {resolution} INTO notes VALUES (?)", [["half"], ["a"]])

        first, error, last = await gathered(saver, noting("a"), failing, noting("b"))
        assert (first, last) == ("noted a", "noted b")
        assert isinstance(error, CheckpointError)
        assert str(error) == f"checkpoint file `{path}`: UNIQUE constraint failed: notes.text"
        assert notes(path) == ["a", "b"]

    async def test_all_are_told_when_the_file_stays_locked(
        self, saver: OrchestraSqliteSaver, path: Path
    ) -> None:
        saver.write(lambda cursor: cursor.execute("PRAGMA busy_timeout=50"))
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            writes = (saver.awrite(noting(text)) for text in "ab")
            errors = await asyncio.gather(*writes, return_exceptions=True)
        assert [str(error) for error in errors] == [
            f"checkpoint file `{path}`: database is locked"
        ] * 2
        assert notes(path) == []
        assert await saver.awrite(noting("a")) == "noted a"

    async def test_jobs_run_in_the_order_in_which_they_came(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        order: list[int] = []
        await gathered(saver, *(lambda _, n=n: order.append(n) for n in range(50)))
        assert order == list(range(50))

    async def test_what_cannot_be_serialised_costs_the_others_nothing(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        wrong: Any = {"step": object()}
        with pytest.raises(TypeError):
            await saver.aput(place(), checkpoint(), wrong, {})
        with pytest.raises(TypeError):
            saver.put(place(), checkpoint(), wrong, {})
        assert list(saver.list(None)) == []

    async def test_a_cancelled_call_is_written_all_the_same(
        self, saver: OrchestraSqliteSaver, path: Path
    ) -> None:
        with Gate(saver) as gate:
            cancelled = asyncio.create_task(saver.awrite(noting("a")))
            other = asyncio.create_task(saver.awrite(noting("b")))
            await asyncio.sleep(0)
            cancelled.cancel()
            gate.open()
            assert await other == "noted b"
        assert cancelled.cancelled()
        assert notes(path) == ["a", "b"]

    def test_a_loop_that_ends_while_its_job_waits_disturbs_nobody(
        self, saver: OrchestraSqliteSaver, path: Path
    ) -> None:
        async def give_up() -> None:
            asyncio.create_task(saver.awrite(noting("a")))  # noqa: RUF006
            await asyncio.sleep(0)

        with Gate(saver):
            asyncio.run(give_up())
        assert saver.write(noting("b")) == "noted b"
        assert notes(path) == ["a", "b"]


class TestReads:
    """Reading sees what is committed, waits for nobody, and holds nobody up."""

    async def test_reads_do_not_wait_for_a_transaction_that_is_being_written(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        put(saver, "1", 1)
        with Gate(saver):
            writing = asyncio.create_task(aput(saver, "1", 2))
            await asyncio.sleep(0)
            assert numbers([saver.get_tuple(place()), await saver.aget_tuple(place())]) == [1, 1]
            assert numbers(saver.list(None)) == [1]
            assert numbers([found async for found in saver.alist(None)]) == [1]
            history = {"number": {"writes": []}}
            assert history == saver.get_delta_channel_history(config=place(), channels=["number"])
            assert history == await saver.aget_delta_channel_history(
                config=place(), channels=["number"]
            )
        await writing
        assert numbers([saver.get_tuple(place())]) == [2]

    async def test_a_read_that_is_open_does_not_hold_up_writing(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        count = "SELECT count(*) FROM checkpoints"

        def reading(cursor: sqlite3.Cursor) -> list[int]:
            before = cursor.execute(count).fetchone()
            put(saver, "1")
            return [*before, *cursor.execute(count).fetchone()]

        assert saver.read(reading) == [0, 0]
        assert await saver.aread(reading) == [1, 1]
        assert saver.read(lambda cursor: cursor.execute(count).fetchone()) == (1,)

    def test_a_read_can_change_nothing(self, saver: OrchestraSqliteSaver, path: Path) -> None:
        with pytest.raises(CheckpointError, match=r"runs\.db`: attempt to write a readonly"):
            saver.read(noting("a"))
        assert notes(path) == []

    async def test_a_list_that_is_paused_or_left_holds_nobody_up(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        for number in range(60):
            put(saver, "1", number)
        paused, left = saver.list(None), saver.list(None)
        apaused, aleft = saver.alist(None), saver.alist(None)
        assert numbers([next(paused), next(left)]) == [59, 59]
        assert numbers([await anext(apaused), await anext(aleft)]) == [59, 59]
        await aleft.aclose()  # type: ignore[attr-defined]
        del left

        put(saver, "2", 100)
        await aput(saver, "2", 101)
        saver.delete_thread("2")

        assert numbers(paused) == [*reversed(range(59))]
        assert numbers([found async for found in apaused]) == [*reversed(range(59))]

    async def test_lists_within_lists_within_lists_end(self, saver: OrchestraSqliteSaver) -> None:
        for number in range(3):
            put(saver, "1", number)
        met = [
            (outer.checkpoint["id"], inner.checkpoint["id"], found.checkpoint["id"])
            for outer in saver.list(None)
            for inner in saver.list(None)
            if (found := saver.get_tuple(inner.config)) is not None
        ]
        amet = [
            (outer.checkpoint["id"], inner.checkpoint["id"], found.checkpoint["id"])
            async for outer in saver.alist(None)
            async for inner in saver.alist(None)
            if (found := await saver.aget_tuple(inner.config)) is not None
        ]
        ids = ["000002", "000001", "000000"]
        assert met == amet == [(outer, inner, inner) for outer in ids for inner in ids]

    def test_a_list_leaves_out_what_is_deleted_before_its_turn(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        for thread_id, number in itertools.product("12", range(40)):
            put(saver, thread_id, number)
        found = saver.list(None)
        next(found)
        saver.delete_thread("1")
        assert {item.config["configurable"]["thread_id"] for item in list(found)[40:]} == {"2"}

    def test_a_list_is_what_the_official_saver_gives(
        self, saver: OrchestraSqliteSaver, path: Path
    ) -> None:
        for thread_id, number in itertools.product("12", range(30)):
            saved = saver.put(place(thread_id), checkpoint(number), {"step": number % 2}, {})
            saver.put_writes(saved, [("number", number), ("other", "x")], "task")
        questions: list[dict[str, Any]] = [
            {"config": None},
            {"config": {"configurable": {"thread_id": "1"}}},
            {"config": place("2"), "limit": 25},
            {"config": None, "filter": {"step": 1}, "limit": 0},
            {"config": None, "filter": {"step": 1}},
            {"config": place(), "before": {"configurable": {"checkpoint_id": "000010"}}},
        ]
        with SqliteSaver.from_conn_string(str(path)) as official:
            for question in questions:
                assert list(saver.list(**question)) == list(official.list(**question))

    async def test_a_filter_cannot_reach_the_sql(self, saver: OrchestraSqliteSaver) -> None:
        saver.put(place(), checkpoint(), {}, {})
        assert list(saver.list(None, filter={"x') OR 1=1 --": 1})) == []

    async def test_async_reads_do_not_need_the_threads_of_the_event_loop(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        put(saver, "1")
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        has_read = threading.Event()
        node = asyncio.create_task(asyncio.to_thread(has_read.wait, 30))
        await asyncio.sleep(0)
        assert await saver.aget_tuple(place()) is not None
        has_read.set()
        assert await node


class TestSharedReads:
    """Checkpoints that are asked for at the same moment are read together, and fail alone."""

    async def test_an_event_loop_is_woken_at_most_once_for_each_round_of_reads(
        self, saver: OrchestraSqliteSaver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(20):
            put(saver, str(number), number)
        wakes = counted_wakes(monkeypatch)
        found = await asyncio.gather(*(saver.aget_tuple(place(str(n))) for n in range(20)))
        assert numbers(found) == [*range(20)]
        # One that came first is read alone; while it is, the others gather.
        assert len(wakes) <= 3

    async def test_a_checkpoint_that_cannot_be_read_costs_the_others_nothing(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        put(saver, "1", 1)
        put(saver, "2", 2)
        saver.write(
            lambda cursor: cursor.execute(
                "UPDATE checkpoints SET checkpoint = x'c1' WHERE thread_id = '1'"
            )
        )
        broken, whole, none = await asyncio.gather(
            *(saver.aget_tuple(place(name)) for name in ("1", "2", "3")), return_exceptions=True
        )
        assert isinstance(broken, Exception)
        assert numbers([whole]) == [2]
        assert none is None

    async def test_a_read_that_takes_long_holds_no_checkpoint_up(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        put(saver, "1")
        may_end = threading.Event()
        long = [asyncio.create_task(saver.aread(lambda _: may_end.wait(30))) for _ in range(10)]
        await asyncio.sleep(0)
        assert await saver.aget_tuple(place()) is not None
        may_end.set()
        assert all(await asyncio.gather(*long))

    async def test_what_a_write_returned_for_is_read(self, saver: OrchestraSqliteSaver) -> None:
        async def write_and_read(name: str) -> None:
            for number in range(20):
                await aput(saver, name, number)
                assert numbers([await saver.aget_tuple(place(name))]) == [number]

        await asyncio.gather(*(write_and_read(str(name)) for name in range(10)))

    async def test_a_read_that_is_cancelled_disturbs_nobody(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        put(saver, "1", 1)
        reads = [asyncio.create_task(saver.aget_tuple(place())) for _ in range(10)]
        await asyncio.sleep(0)
        reads[0].cancel()
        found = await asyncio.gather(*reads, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert numbers(found[1:]) == [1] * 9

    def test_all_are_told_when_the_file_is_gone(self, tmp_path: Path) -> None:
        async def read(saver: OrchestraSqliteSaver) -> Any:
            reads = (saver.aget_tuple(place(str(number))) for number in range(5))
            return await asyncio.gather(*reads, return_exceptions=True)

        with opened(tmp_path / "gone.db") as saver:
            for file in tmp_path.iterdir():
                file.unlink()
            found = asyncio.run(read(saver))
        assert {type(error) for error in found} == {CheckpointError}
        assert all("gone.db" in str(error) for error in found)

    def test_threads_start_when_they_are_needed(self, path: Path) -> None:
        with opened(path) as saver:
            assert saver.get_tuple(place()) is None
            assert names_of_threads(path) == []
            put(saver, "1")
            assert names_of_threads(path) == [f"writer of {path}"]


class TestSyncCallsInALoop:
    """The sync methods may be called where a loop is running, and several loops share a saver."""

    async def test_sync_and_async_calls_in_one_loop_do_not_wait_for_each_other(
        self, saver: OrchestraSqliteSaver
    ) -> None:
        async def both(number: int) -> None:
            await aput(saver, "1", number)
            put(saver, "2", number)
            assert saver.get_tuple(place("2")) is not None
            await saver.adelete_thread("3")

        await asyncio.gather(*(both(number) for number in range(20)))
        assert len(list(saver.list(None))) == 40

    def test_several_loops_and_threads_share_one_saver(self, saver: OrchestraSqliteSaver) -> None:
        async def in_loop(name: str) -> None:
            await asyncio.gather(*(aput(saver, name, number) for number in range(20)))

        def in_thread(name: str) -> None:
            for number in range(20):
                put(saver, name, number)

        with ThreadPoolExecutor(8) as pool:
            loops = [pool.submit(asyncio.run, in_loop(f"loop {n}")) for n in range(4)]
            threads = [pool.submit(in_thread, f"thread {n}") for n in range(4)]
        assert [one.result() for one in (*loops, *threads)] == [None] * 8
        for name in (f"{kind} {n}" for kind in ("loop", "thread") for n in range(4)):
            assert numbers(saver.list(place(name))) == [*reversed(range(20))]


class TestClosing:
    """Closing commits what was handed in; afterwards a call says that the file is closed."""

    async def test_what_waits_is_committed_before_the_file_is_closed(self, path: Path) -> None:
        with opened(path) as saver:
            saver.write(lambda cursor: cursor.execute("CREATE TABLE notes (text TEXT)"))
            with Gate(saver) as gate:
                writes = [asyncio.create_task(saver.awrite(noting(str(n)))) for n in range(10)]
                await asyncio.sleep(0)
                closing_it = asyncio.create_task(asyncio.to_thread(saver.close))
                await asyncio.sleep(0)
                gate.open()
            await closing_it
            assert await asyncio.gather(*writes) == [f"noted {n}" for n in range(10)]
        assert len(notes(path)) == 10

    @pytest.mark.parametrize(
        "call",
        [
            lambda saver: saver.get_tuple(place()),
            lambda saver: next(saver.list(None)),
            lambda saver: saver.put(place(), checkpoint(), {}, {}),
            lambda saver: saver.put_writes(
                {"configurable": {**place()["configurable"], "checkpoint_id": "1"}}, [], "task"
            ),
            lambda saver: saver.delete_thread("1"),
            lambda saver: saver.get_delta_channel_history(config=place(), channels=["number"]),
            lambda saver: asyncio.run(saver.aget_tuple(place())),
            lambda saver: asyncio.run(anext(saver.alist(None))),
            lambda saver: asyncio.run(saver.aput(place(), checkpoint(), {}, {})),
            lambda saver: asyncio.run(saver.adelete_thread("1")),
        ],
    )
    def test_a_call_after_closing_is_refused(self, path: Path, call: Any) -> None:
        with opened(path) as saver:
            put(saver, "1")
        with pytest.raises(CheckpointError, match=r"runs\.db` is a closed database; use"):
            call(saver)
        assert [file.name for file in path.parent.iterdir()] == ["runs.db"]

    def test_a_list_that_is_open_when_the_file_is_closed_is_refused_its_rest(
        self, path: Path
    ) -> None:
        with opened(path) as saver:
            for number in range(60):
                put(saver, "1", number)
            found = saver.list(None)
            next(found)
        with pytest.raises(CheckpointError, match="closed"):
            list(found)

    def test_closing_twice_and_from_many_threads_is_harmless(self, path: Path) -> None:
        with opened(path) as saver, ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda _: saver.close(), range(8))) == [None] * 8

    def test_a_clone_with_more_types_shares_the_store_and_its_end(self, path: Path) -> None:
        with opened(path) as saver:
            clone = saver.with_allowlist({("somewhere", "Type")})
            assert isinstance(clone, OrchestraSqliteSaver)
            assert clone is not saver
            put(clone, "1")
            assert numbers(saver.list(None)) == [0]
        with pytest.raises(CheckpointError, match="closed"):
            clone.get_tuple(place())

    def test_a_reader_that_is_busy_while_the_file_is_closed_finishes(self, path: Path) -> None:
        with opened(path) as saver:
            put(saver, "1")

            def reading(cursor: sqlite3.Cursor) -> Any:
                cursor.execute("SELECT count(*) FROM checkpoints").fetchone()
                saver.close()
                return cursor.execute("SELECT count(*) FROM checkpoints").fetchone()

            assert saver.read(reading) == (1,)
        assert [file.name for file in path.parent.iterdir()] == ["runs.db"]


class TestTheFile:
    """The saver stays with the file it opened."""

    def test_it_is_found_after_the_current_folder_has_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        with opened(Path("runs.db")) as saver:
            monkeypatch.chdir(tmp_path / "elsewhere")
            put(saver, "1")
            assert numbers(saver.list(None)) == [0]

    async def test_the_official_async_saver_writes_to_it_and_reads_it_at_the_same_time(
        self, saver: OrchestraSqliteSaver, path: Path
    ) -> None:
        async with AsyncSqliteSaver.from_conn_string(str(path)) as official:
            saved = saver.put(place("1"), checkpoint(1), {"step": 1}, {})
            assert await official.aget_tuple(saved) == saver.get_tuple(saved)
            saved = await official.aput(place("2"), checkpoint(2), {"step": 2}, {})
            await official.aput_writes(saved, [("number", 2)], "task")
            assert saver.get_tuple(saved) == await official.aget_tuple(saved)

    def test_one_of_before_tasks_had_paths_is_brought_up_to_date(self, path: Path) -> None:
        with opened(path) as saver:
            put(saver, "1")
        with closing(sqlite3.connect(path)) as older:
            older.execute("ALTER TABLE writes DROP COLUMN task_path")
        with opened(path) as saver:
            saved = saver.put(place("2"), checkpoint(), {}, {})
            saver.put_writes(saved, [("number", 1)], "task", "~path")
            assert numbers(saver.list(None)) == [0, 0]

    def test_one_that_is_removed_is_not_made_anew_by_reading(self, path: Path) -> None:
        with opened(path) as saver:
            for file in list(path.parent.iterdir()):
                file.unlink()
            with pytest.raises(CheckpointError, match=r"runs\.db`: unable to open"):
                saver.get_tuple(place())
            assert list(path.parent.iterdir()) == []

    @pytest.mark.parametrize("name", ["a b.db", "50%25.db", "what?.db", "#1.db", "ü.db"])
    def test_its_name_may_have_any_characters(self, tmp_path: Path, name: str) -> None:
        with opened(tmp_path / name) as saver:
            put(saver, "1")
            assert numbers(saver.list(None)) == [0]
        assert [file.name for file in tmp_path.iterdir()] == [name]


class Disk:
    """A folder with little room, some of which is taken by ballast."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "runs.db"
        self._ballast = folder / "ballast"
        self._ballast.write_bytes(bytes(300_000))

    def make_room(self, saver: OrchestraSqliteSaver) -> None:
        self._ballast.unlink()

    def is_in_use(self) -> bool:
        return self.path.with_name("runs.db-wal").exists()


class LimitedFile(Disk):
    """The same where no file system can be mounted: SQLite itself refuses to go on."""

    def make_room(self, saver: OrchestraSqliteSaver) -> None:
        saver.write(lambda cursor: cursor.execute("PRAGMA max_page_count=1000000"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    yield Disk(tmp_path)
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def limited_file(tmp_path: Path) -> Disk:
    return LimitedFile(tmp_path)


class TestFullDisk:
    """When there is no room, every call says so, and what was acknowledged stays."""

    @pytest.fixture(params=["small_disk", "limited_file"])
    def disk(self, request: pytest.FixtureRequest) -> Disk:
        chosen: Disk = request.getfixturevalue(request.param)
        return chosen

    async def test_a_full_disk_is_named_loses_nothing_and_writing_goes_on_when_there_is_room(
        self, disk: Disk
    ) -> None:
        acknowledged: list[str] = []

        async def fill(saver: OrchestraSqliteSaver, thread_id: str) -> None:
            for number in itertools.count():
                await saver.aput(place(thread_id), large(number), {"step": number}, {})
                acknowledged.append(f"{thread_id} {number}")

        with opened(disk.path) as saver:
            if isinstance(disk, LimitedFile):
                saver.write(lambda cursor: cursor.execute("PRAGMA max_page_count=100"))
            fillings = (fill(saver, thread_id) for thread_id in "abc")
            errors = await asyncio.gather(*fillings, return_exceptions=True)
            for error in errors:
                assert isinstance(error, CheckpointError)
                assert f"checkpoint file `{disk.path}`: database or disk is full" in str(error)
            assert len(acknowledged) > 10
            assert sorted(acknowledged) == sorted(saved(saver))

            disk.make_room(saver)
            put(saver, "d")
        # The errors that are kept here do not keep the file open.
        assert errors
        assert not disk.is_in_use()
        with opened(disk.path) as saver:
            assert sorted([*acknowledged, "d 0"]) == sorted(saved(saver))
            check = saver.read(lambda cursor: cursor.execute("PRAGMA integrity_check").fetchone())
            assert check == ("ok",)


def large(number: int) -> Checkpoint:
    return {**checkpoint(number), "channel_values": {"number": number, "text": "x" * 5000}}


def saved(saver: OrchestraSqliteSaver) -> list[str]:
    return [
        f"{item.config['configurable']['thread_id']} {item.checkpoint['channel_values']['number']}"
        for item in saver.list(None)
    ]


OPENING = """
import asyncio, json, os, sys, threading
from langgraph.checkpoint.base import empty_checkpoint
from langgraph_orchestra.checkpoints import open_checkpointer

def place(thread_id):
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}

opening = open_checkpointer(sys.argv[1])
saver = opening.__enter__()
saver.put(place("1"), empty_checkpoint(), {}, {})
saver.get_tuple(place("1"))
"""

ENDINGS = {
    "at once": "",
    "with an error": "raise SystemExit(0)",
    "after async calls": "asyncio.run(saver.aput(place('2'), empty_checkpoint(), {}, {}));"
    "asyncio.run(saver.aget_tuple(place('2')))",
    "while others write": """
def write():
    while True:
        saver.put(place("2"), empty_checkpoint(), {}, {})

for _ in range(4):
    threading.Thread(target=write, daemon=True).start()
""",
    "when it is garbage": "del opening",
}


def run_script(script: str, path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_an_interpreter_ends_without_closing_and_loses_nothing(path: Path, ending: str) -> None:
    run_script(OPENING + ending, path)
    with opened(path) as saver:
        assert saver.get_tuple(place()) is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_is_told_to_open_the_file_itself(path: Path) -> None:
    forking = """
def refused(call):
    try:
        call()
    except Exception as error:
        return str(error)

child = os.fork()
if child == 0:
    with open(sys.argv[1] + ".json", "w") as answers:
        json.dump([
            refused(lambda: saver.put(place("2"), empty_checkpoint(), {}, {})),
            refused(lambda: saver.get_tuple(place("1"))),
            refused(lambda: asyncio.run(saver.aget_tuple(place("1")))),
            refused(saver.close),
        ], answers)
    with open_checkpointer(sys.argv[1]) as own:
        own.put(place("child"), empty_checkpoint(), {}, {})
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
saver.put(place("parent"), empty_checkpoint(), {}, {})
opening.__exit__(None, None, None)
"""
    run_script(OPENING + forking, path)
    *refusals, closed = json.loads(Path(f"{path}.json").read_text())
    for message in refusals:
        assert "runs.db` was opened before the process was forked; call `open_che" in message
    assert closed is None
    with opened(path) as saver:
        for thread_id in ("1", "child", "parent"):
            assert saver.get_tuple(place(thread_id)) is not None
