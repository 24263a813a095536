"""PostgreSQL: the official conformance suite, and what our saver adds to the official ones."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypedDict

import psycopg
import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import START, StateGraph
from psycopg.rows import dict_row

from langgraph_orchestra.checkpoints import aopen_checkpointer, history, open_checkpointer, threads
from langgraph_orchestra.checkpoints.postgres import OrchestraPostgresSaver
from langgraph_orchestra.state import CheckpointError, ConfigurationError
from support.postgres_server import PASSWORD, USER, PostgresServer

Compile = Callable[[Any], Any]

CONFIG: Any = {"configurable": {"thread_id": "1"}}


class Secrets(TypedDict, total=False):
    """State of each kind that the official saver stores in its own way."""

    name: str
    number: int
    ratio: float
    seen: list[str]


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """A store without tables."""
    return postgres.new_store()


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def value_of(url: str, query: str) -> Any:
    with connected(url) as connection:
        (value,) = connection.execute(query.encode()).fetchone().values()
    return value


async def test_it_conforms_in_all_that_a_checkpointer_must_and_may_do(
    postgres: PostgresServer,
) -> None:
    @checkpointer_test(name="postgres")
    async def fresh():
        async with aopen_checkpointer(postgres.new_store()) as saver:
            yield saver

    report = await validate(fresh)

    assert report.passed_all(), [result.failures for result in report.results.values()]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+psycopg"])
def test_other_spellings_of_the_scheme_name_the_same_store(
    url: str, scheme: str, growing: Compile
) -> None:
    with open_checkpointer(url) as saver:
        growing(saver).invoke({"wanted": 2}, CONFIG)
    with open_checkpointer(url.replace("postgresql", scheme)) as saver:
        assert isinstance(saver, OrchestraPostgresSaver)
        assert [info.thread_id for info in threads(saver)] == ["1"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:se@cret/word@host/db", "write `%40` for `@`, `%2F` for `/`"),
        ("postgresql://me:se@cret@host/db", "write `%40` for `@`"),
        ("postgresql://me:se/cret@host/db", "`%2F` for `/`"),
        ("postgresql://me:se%cret@host/db", "`%25` for a `%`"),
        ("postgresql://host/db?password=secret&colour=red", "only options that PostgreSQL knows"),
        ("postgresql+asyncpg://me:secret@host/db", "`postgresql://user:password@host:5432/"),
        ("mysql://host/db?password=secret", "unknown checkpointer URL"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught, open_checkpointer(url):
        pass
    assert message in str(caught.value)
    assert "cret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_what_goes_wrong_in_connecting_names_the_database_without_its_password(
    postgres: PostgresServer, calls: Any
) -> None:
    place = f"`postgresql://{USER}@127.0.0.1:{postgres.port}"
    wrong = {
        postgres.url("nowhere"): f'{place}/nowhere`: .*database "nowhere" does not exist',
        postgres.url("postgres", password="gue%ss"): f"{place}/postgres`: .*password auth",
        postgres.url("postgres").replace(str(postgres.port), "1"): ":1/postgres`: .*refused",
    }
    for url, message in wrong.items():
        with pytest.raises(CheckpointError, match=message) as caught:
            async with calls.opened(url):
                pass
        assert PASSWORD not in str(caught.value)
        assert "gue" not in str(caught.value)


def test_a_missing_driver_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "langgraph_orchestra.checkpoints.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg_pool", None)
    with (
        pytest.raises(ConfigurationError, match=r'pip install "langgraph-orchestra\[postgres\]"'),
        open_checkpointer("postgresql://host/db"),
    ):
        pass


def test_a_synchronous_value_is_taken_by_the_server_or_refused(url: str) -> None:
    for given, setting in (("FULL", "on"), ("NORMAL", "off")):
        chosen: Any = given
        with open_checkpointer(url, synchronous=chosen) as saver:
            assert isinstance(saver, OrchestraPostgresSaver)
            with saver.pool.connection() as connection:
                [found] = connection.execute("SHOW synchronous_commit").fetchall()
            assert found == {"synchronous_commit": setting}
    wrong: Any = "OFF"
    with (
        pytest.raises(ConfigurationError, match="`synchronous` is `FULL` or `NORMAL`, not `OFF`"),
        open_checkpointer(url, synchronous=wrong),
    ):
        pass


def test_a_new_store_may_be_opened_by_many_threads_at_once(url: str) -> None:
    together = Barrier(12)

    def open_and_look(_: int) -> int:
        together.wait()
        with open_checkpointer(url) as saver:
            return len(threads(saver))

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(open_and_look, range(12))) == [0] * 12


def test_a_new_store_may_be_opened_by_several_processes_at_once(url: str) -> None:
    script = """
import sys
from langgraph_orchestra.checkpoints import open_checkpointer, threads
print("ready", flush=True)
sys.stdin.readline()
with open_checkpointer(sys.argv[1]) as saver:
    print(len(threads(saver)))
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate(timeout=60)
        assert (output, errors) == ("0\n", "")


def test_a_user_who_may_not_make_tables_uses_those_that_are_there(
    postgres: PostgresServer, url: str, growing: Compile
) -> None:
    with open_checkpointer(url) as saver:
        growing(saver).invoke({"wanted": 2}, CONFIG)
    schema = value_of(url, "SELECT current_schema()")
    postgres.execute(
        f"CREATE ROLE guest_of_{schema} LOGIN PASSWORD 'guest';"
        f"GRANT USAGE ON SCHEMA {schema} TO guest_of_{schema};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}"
        f" TO guest_of_{schema}"
    )
    place = postgres.url("postgres", user=f"guest_of_{schema}", password="guest")
    with open_checkpointer(f"{place}?options=-csearch_path%3D{schema}") as saver:
        result = growing(saver).invoke({"wanted": 4}, CONFIG)
    assert result["items"] == [f"item {number}" for number in range(4)]


def test_tables_of_a_newer_version_are_refused(url: str) -> None:
    with open_checkpointer(url):
        pass
    with connected(url) as connection:
        connection.execute("INSERT INTO checkpoint_migrations (v) VALUES (999)")
    with (
        pytest.raises(CheckpointError, match=r"tables of a newer version .999, .* upgrade"),
        open_checkpointer(url),
    ):
        pass


async def test_a_saver_outlives_a_restart_of_the_server(
    postgres: PostgresServer, url: str, calls: Any, growing: Compile
) -> None:
    async with calls.opened(url) as saver:
        app = growing(saver)
        await calls.invoke(app, {"wanted": 3}, "1")
        postgres.stop()
        postgres.start()
        result = await calls.invoke(app, {"wanted": 5}, "1")
    assert len(result["items"]) == 5


async def test_a_closed_saver_says_so(url: str) -> None:
    async with aopen_checkpointer(url) as saver:
        pass
    with pytest.raises(CheckpointError, match=r"postgresql://.*closed"):
        saver.get_tuple(CONFIG)
    with pytest.raises(CheckpointError, match=r"postgresql://.*closed"):
        await saver.aget_tuple(CONFIG)


def test_one_saver_serves_many_event_loops_and_threads(url: str, growing: Compile) -> None:
    with open_checkpointer(url) as saver:
        app = growing(saver)

        def run(number: int) -> int:
            config: Any = {"configurable": {"thread_id": f"{number}"}}
            if number % 2:
                return len(app.invoke({"wanted": 5}, config)["items"])

            async def all_at_once() -> int:
                configs: list[Any] = [
                    {"configurable": {"thread_id": f"{number}-{task}"}} for task in range(5)
                ]
                runs = [app.ainvoke({"wanted": 5}, config) for config in configs]
                return min(len(result["items"]) for result in await asyncio.gather(*runs))

            return asyncio.run(all_at_once())

        with ThreadPoolExecutor(8) as pool:
            assert [*pool.map(run, range(8))] == [5] * 8
        assert {info.status for info in threads(saver)} == {"finished"}


async def test_nodes_that_keep_all_threads_of_the_loop_busy_hold_up_no_checkpoint(url: str) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    release = threading.Event()
    async with aopen_checkpointer(url) as saver:
        busy = loop.run_in_executor(None, release.wait)
        assert await saver.aget_tuple(CONFIG) is None
        assert not busy.done()
        release.set()
        await busy


def test_the_saver_may_be_used_while_its_list_is_read(url: str, growing: Compile) -> None:
    with open_checkpointer(url) as saver:
        growing(saver).invoke({"wanted": 15}, CONFIG)
        # More lists are begun and left alone than there are connections.
        begun = [saver.list(CONFIG) for _ in range(15)]
        assert all(saver.get_tuple(item.config) for item in saver.list(CONFIG))
        assert len({next(found).config["configurable"]["checkpoint_id"] for found in begun}) == 1


def test_the_official_saver_goes_on_with_our_threads_and_we_with_its(
    url: str, growing: Compile
) -> None:
    with open_checkpointer(url) as saver:
        growing(saver).invoke({"wanted": 3}, CONFIG)
    with PostgresSaver.from_conn_string(url) as official:
        official.setup()
        growing(official).invoke({"wanted": 6}, CONFIG)
    with open_checkpointer(url) as saver:
        app = growing(saver)
        result = app.invoke({"wanted": 9}, CONFIG)
        assert result["items"] == [f"item {number}" for number in range(9)]
        lengths = [len(item.values["items"]) for item in app.get_state_history(CONFIG)]
        assert {*lengths} == {*range(10)}


def test_what_the_official_saver_has_put_inline_outlives_our_checkpoints(
    url: str, growing: Compile
) -> None:
    with open_checkpointer(url), PostgresSaver.from_conn_string(url) as official:
        growing(official).invoke({"wanted": 3}, CONFIG)
    with open_checkpointer(url) as saver:
        app = growing(saver)
        app.invoke({"items": ["more"]}, CONFIG)
        assert app.get_state(CONFIG).values["wanted"] == 3


def test_a_thread_id_may_be_a_number(url: str, growing: Compile) -> None:
    config: Any = {"configurable": {"thread_id": 7}}
    with open_checkpointer(url) as saver:
        app = growing(saver)
        app.invoke({"wanted": 3}, config)
        assert len(app.get_state(config).values["items"]) == 3
        assert len(history(saver, "7")) == 5
        saver.delete_thread("7")
        assert app.get_state(config).values == {}


def test_with_a_key_no_value_is_readable_in_the_database(url: str) -> None:
    key = b"0123456789abcdef"
    graph = StateGraph(Secrets)
    graph.add_node("double", lambda state: {"number": 2 * state["number"]})
    graph.add_edge(START, "double")
    secrets: Secrets = {
        "name": "octopus",
        "number": 123454321,
        "ratio": 0.987656789,
        "seen": ["squid"],
    }
    with open_checkpointer(url, key=key) as saver:
        graph.compile(checkpointer=saver).invoke(secrets, CONFIG)
    with connected(url) as connection:
        tables = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
        queries = [f"SELECT * FROM {table}".encode() for table in tables]
        rows = [str(row) for query in queries for row in connection.execute(query)]
    assert len(rows) > 10
    for secret in ("octopus", "123454321", "246908642", "0.98765", "squid"):
        assert [row for row in rows if secret in row] == []
    with open_checkpointer(url, key=key) as saver:
        found = graph.compile(checkpointer=saver).get_state(CONFIG).values
        assert found == {**secrets, "number": 246908642}


@pytest.mark.parametrize("key", [None, b"another key 16 b"])
def test_a_wrong_key_is_found_at_opening(url: str, key: bytes | None, growing: Compile) -> None:
    with open_checkpointer(url, key=b"0123456789abcdef") as saver:
        growing(saver).invoke({"wanted": 2}, CONFIG)
    with (
        pytest.raises(CheckpointError, match=r"postgresql://.* cannot be read .* with their `key`"),
        open_checkpointer(url, key=key),
    ):
        pass


def test_channels_that_older_savers_stored_without_a_value_are_no_wrong_key(url: str) -> None:
    with open_checkpointer(url):
        pass
    with connected(url) as connection:
        connection.execute(
            "INSERT INTO checkpoint_blobs (thread_id, channel, version, type)"
            " VALUES ('1', 'old', '1', 'empty')"
        )
    with open_checkpointer(url) as saver:
        assert threads(saver) == []
