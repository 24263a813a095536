"""What is saved is there again: for sync and async callers, in memory and in a file."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver

from langgraph_orchestra.checkpoints import OrchestraSqliteSaver, open_checkpointer, threads
from langgraph_orchestra.state import CheckpointError

Compile = Callable[[Any], Any]

EXPECTED = [f"item {number}" for number in range(130)]

# A graph like that of the `growing` fixture, in a process of its own.
OTHER_PROCESS = """
import sys
from typing import Annotated, TypedDict
from langgraph.channels import DeltaChannel
from langgraph.graph import END, START, StateGraph
from langgraph_orchestra.checkpoints import open_checkpointer

def extend(items, batches):
    return [*items, *(item for batch in batches for item in batch)]

class State(TypedDict, total=False):
    items: Annotated[list[str], DeltaChannel(extend)]
    wanted: int

graph = StateGraph(State)
graph.add_node("grow", lambda state: {"items": [f"item {len(state['items'])}"]})
graph.add_edge(START, "grow")
graph.add_conditional_edges(
    "grow", lambda state: END if len(state["items"]) >= state["wanted"] else "grow"
)
path, prefix, runs, wanted = sys.argv[1:]
with open_checkpointer(path) as saver:
    app = graph.compile(checkpointer=saver)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(runs)):
        config = {"configurable": {"thread_id": f"{prefix}{number}"}, "recursion_limit": 1000}
        app.invoke({"wanted": int(wanted)}, config)
        print(len(app.get_state(config).values["items"]), flush=True)
"""


def start_process(path: Path, prefix: str, *, runs: int, wanted: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OTHER_PROCESS, str(path), prefix, str(runs), str(wanted)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_a_list_of_130_differences_is_whole_within_the_run_and_after_it(
    calls: Any, store: str, growing: Compile
) -> None:
    async with calls.opened(store) as saver:
        app = growing(saver)
        result = await calls.invoke(app, {"wanted": 130}, "1")
        saved = await calls.state(growing(saver), "1")
    assert result["items"] == EXPECTED
    assert saved.values["items"] == EXPECTED


async def test_a_thread_goes_on_where_it_was_after_the_file_is_opened_again(
    calls: Any, tmp_path: Path, growing: Compile
) -> None:
    url = str(tmp_path / "runs.db")
    async with calls.opened(url) as saver:
        await calls.invoke(growing(saver), {"wanted": 120}, "1")
    async with calls.opened(url) as saver:
        result = await calls.invoke(growing(saver), {"wanted": 130}, "1")
    assert result["items"] == EXPECTED


def test_another_process_goes_on_with_the_thread(tmp_path: Path, growing: Compile) -> None:
    path = tmp_path / "runs.db"
    with open_checkpointer(path) as saver:
        growing(saver).invoke(
            {"wanted": 120}, {"configurable": {"thread_id": "t0"}, "recursion_limit": 1000}
        )
    output, errors = start_process(path, "t", runs=1, wanted=130).communicate("go\n", timeout=60)
    assert output.split() == ["ready", "130"], errors


def test_two_processes_write_to_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    processes = [start_process(path, name, runs=10, wanted=20) for name in ("a", "b")]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate(timeout=100)
        assert output.split() == ["20"] * 10, errors
    with open_checkpointer(path) as saver:
        found = threads(saver)
    assert len(found) == 20
    assert {info.status for info in found} == {"finished"}


def test_twenty_threads_use_one_saver_at_once(store: str, growing: Compile) -> None:
    def run(number: int) -> list[str]:
        config = {"configurable": {"thread_id": str(number)}}
        app.invoke({"wanted": 12}, config)
        return list(app.get_state(config).values["items"])

    with open_checkpointer(store) as saver:
        app = growing(saver)
        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(run, range(20)))
        assert results == [EXPECTED[:12]] * 20
        assert len(threads(saver)) == 20


async def test_twenty_async_runs_use_one_saver_at_once(store: str, growing: Compile) -> None:
    with open_checkpointer(store) as saver:
        app = growing(saver)
        results = await asyncio.gather(
            *(
                app.ainvoke({"wanted": 12}, {"configurable": {"thread_id": str(number)}})
                for number in range(20)
            )
        )
    assert [result["items"] for result in results] == [EXPECTED[:12]] * 20


async def test_sync_and_async_callers_share_one_saver_and_one_thread(
    store: str, growing: Compile
) -> None:
    with open_checkpointer(store) as saver:
        app = growing(saver)
        config: Any = {"configurable": {"thread_id": "1"}}
        app.invoke({"wanted": 3}, config)
        await app.ainvoke({"wanted": 6}, config)
        result = app.invoke({"wanted": 9}, config)
        steps = [state.metadata["step"] async for state in app.aget_state_history(config)]
    assert result["items"] == EXPECTED[:9]
    assert steps == sorted(steps, reverse=True)


async def test_a_deleted_thread_is_gone(calls: Any, store: str, growing: Compile) -> None:
    async with calls.opened(store) as saver:
        app = growing(saver)
        for thread_id in ("kept", "deleted"):
            await calls.invoke(app, {"wanted": 2}, thread_id)
        await calls.delete(saver, "deleted")
        assert [info.thread_id for info in await calls.threads(saver)] == ["kept"]
        assert (await calls.state(app, "deleted")).values == {}


async def test_a_thread_can_be_deleted_from_a_new_file(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        await calls.delete(saver, "never was")
        assert await calls.threads(saver) == []


@pytest.mark.timeout(20)
def test_the_saver_may_be_used_while_its_list_is_read(tmp_path: Path, growing: Compile) -> None:
    with open_checkpointer(tmp_path / "runs.db") as saver:
        config: Any = {"configurable": {"thread_id": "1"}}
        growing(saver).invoke({"wanted": 3}, config)
        read_again = [
            saver.get_tuple(listed.config) == listed
            for listed in saver.list({"configurable": {"thread_id": "1"}})
        ]
    assert read_again == [True] * 5


@pytest.mark.timeout(20)
async def test_a_run_does_not_wait_for_the_consumer_of_an_async_list(
    tmp_path: Path, growing: Compile
) -> None:
    with open_checkpointer(tmp_path / "runs.db") as saver:
        app = growing(saver)
        await app.ainvoke({"wanted": 2}, {"configurable": {"thread_id": "1"}})
        async for _ in saver.alist(None):
            await app.ainvoke({"wanted": 2}, {"configurable": {"thread_id": "2"}})
            break
        assert len(threads(saver)) == 2


def test_the_official_saver_reads_our_file_and_we_read_its(
    tmp_path: Path, growing: Compile
) -> None:
    path = tmp_path / "runs.db"
    config: Any = {"configurable": {"thread_id": "1"}}
    with open_checkpointer(path) as ours:
        growing(ours).invoke({"wanted": 3}, config)
    with SqliteSaver.from_conn_string(str(path)) as official:
        growing(official).invoke({"wanted": 6}, config)
    with open_checkpointer(path) as ours:
        assert growing(ours).get_state(config).values["items"] == EXPECTED[:6]


def test_a_deletion_that_fails_half_way_deletes_nothing(tmp_path: Path, growing: Compile) -> None:
    with open_checkpointer(tmp_path / "runs.db") as saver:
        assert isinstance(saver, OrchestraSqliteSaver)
        growing(saver).invoke({"wanted": 2}, {"configurable": {"thread_id": "1"}})
        saver.write(
            lambda cursor: cursor.execute(
                "CREATE TRIGGER stop BEFORE DELETE ON writes"
                " BEGIN SELECT RAISE(ABORT, 'not these'); END"
            )
        )
        with pytest.raises(CheckpointError, match=r"runs\.db`: not these"):
            saver.delete_thread("1")
        assert len(threads(saver)) == 1
