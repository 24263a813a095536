"""A store of ours behind `langgraph dev`: threads and open questions outlive the server."""

from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from langgraph_orchestra.checkpoints import aopen_checkpointer, athreads
from langgraph_orchestra.checkpoints.server import checkpointer
from support.studio_graphs import GRAPHS
from support.studio_runs import begun, interrupts_of, result_of
from support.studio_server import StudioServer

SAVER = {"checkpointer": {"path": "langgraph_orchestra.checkpoints.server.checkpointer"}}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of each kind of store."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").new_store())
    return f"sqlite:///{tmp_path / 'runs.db'}"


def server_on(url: str, folder: Path) -> StudioServer:
    return StudioServer(folder, GRAPHS, {"ORCHESTRA_DB": url}, SAVER)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of this machine is reached directly."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def status_of(url: str) -> dict[str, str]:
    """The threads in the store, and how they stand."""
    async with aopen_checkpointer(url) as saver:
        return {info.thread_id: info.status for info in await athreads(saver)}


async def test_a_thread_is_there_after_a_restart_and_its_question_can_be_answered(
    url: str, tmp_path: Path
) -> None:
    with server_on(url, tmp_path) as server:
        async with get_client(url=server.url) as client:
            thread = await begun(client, "reviewed")
            before = await client.threads.get_state(thread)
    assert await status_of(url) == {thread: "interrupted"}

    with server_on(url, tmp_path) as server:
        async with get_client(url=server.url) as client:
            after = await client.threads.get_state(thread)
            assert after["values"] == before["values"]
            assert set(await interrupts_of(client, thread)) == {"editor"}
            answer = {"decisions": [{"type": "approve"}]}
            result = await result_of(client, thread, "reviewed", command={"resume": answer})
            history = await client.threads.get_history(thread)
    assert result["output"].startswith("published: ")
    newest: Any = history[0]["values"]
    assert newest["output"] == result["output"]
    assert await status_of(url) == {thread: "finished"}


async def test_a_thread_of_the_server_is_copied_and_deleted_in_the_store(
    url: str, tmp_path: Path
) -> None:
    with server_on(url, tmp_path) as server:
        async with get_client(url=server.url) as client:
            thread = await begun(client, "quick")
            values = (await client.threads.get_state(thread))["values"]
            await client.threads.copy(thread)
            found = await client.threads.search()
            (copy,) = {str(item["thread_id"]) for item in found} - {thread}
            await client.threads.delete(thread)
            assert (await client.threads.get_state(copy))["values"] == values
    assert await status_of(url) == {copy: "finished"}


async def test_the_store_is_orchestra_db_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with checkpointer() as saver:
        assert await athreads(saver) == []
    assert (tmp_path / "orchestra.db").exists()
