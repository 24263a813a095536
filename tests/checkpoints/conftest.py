"""What the checkpointer tests share: both ways of calling, both stores, a growing graph."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.graph import END, START, StateGraph

from langgraph_orchestra.checkpoints import (
    ThreadInfo,
    afork,
    ahistory,
    aopen_checkpointer,
    athreads,
    fork,
    history,
    open_checkpointer,
    threads,
)


class SyncCalls:
    """Drives everything through the sync methods."""

    @asynccontextmanager
    async def opened(self, url: str, **options: Any) -> AsyncIterator[BaseCheckpointSaver[str]]:
        with open_checkpointer(url, **options) as saver:
            yield saver

    async def invoke(self, app: Any, value: Any, thread_id: str) -> Any:
        return app.invoke(value, config_of(thread_id))

    async def state(self, app: Any, thread_id: str) -> Any:
        return app.get_state(config_of(thread_id))

    async def of(self, saver: Any, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of a saver, or its async twin."""
        return getattr(saver, method)(*args, **options)

    async def delete(self, saver: BaseCheckpointSaver[str], thread_id: str) -> None:
        saver.delete_thread(thread_id)

    async def threads(self, saver: BaseCheckpointSaver[str], **options: Any) -> list[ThreadInfo]:
        return threads(saver, **options)

    async def history(
        self, saver: BaseCheckpointSaver[str], thread_id: str, **options: Any
    ) -> list[CheckpointTuple]:
        return history(saver, thread_id, **options)

    async def fork(self, saver: BaseCheckpointSaver[str], *place: str) -> str:
        return fork(saver, *place)


class AsyncCalls(SyncCalls):
    """Drives everything through the async methods."""

    @asynccontextmanager
    async def opened(self, url: str, **options: Any) -> AsyncIterator[BaseCheckpointSaver[str]]:
        async with aopen_checkpointer(url, **options) as saver:
            yield saver

    async def invoke(self, app: Any, value: Any, thread_id: str) -> Any:
        return await app.ainvoke(value, config_of(thread_id))

    async def state(self, app: Any, thread_id: str) -> Any:
        return await app.aget_state(config_of(thread_id))

    async def of(self, saver: Any, method: str, *args: Any, **options: Any) -> Any:
        return await getattr(saver, f"a{method}")(*args, **options)

    async def delete(self, saver: BaseCheckpointSaver[str], thread_id: str) -> None:
        await saver.adelete_thread(thread_id)

    async def threads(self, saver: BaseCheckpointSaver[str], **options: Any) -> list[ThreadInfo]:
        return await athreads(saver, **options)

    async def history(
        self, saver: BaseCheckpointSaver[str], thread_id: str, **options: Any
    ) -> list[CheckpointTuple]:
        return await ahistory(saver, thread_id, **options)

    async def fork(self, saver: BaseCheckpointSaver[str], *place: str) -> str:
        return await afork(saver, *place)


def config_of(thread_id: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread_id}, "recursion_limit": 1000}


@pytest.fixture(params=[SyncCalls, AsyncCalls], ids=["sync", "async"])
def calls(request: pytest.FixtureRequest) -> SyncCalls:
    chosen: SyncCalls = request.param()
    return chosen


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of each kind of store, which is empty."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").new_store())
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture
async def file_saver(calls: SyncCalls, tmp_path: Path) -> AsyncIterator[Any]:
    """A saver for a SQLite file."""
    async with calls.opened(str(tmp_path / "runs.db")) as opened:
        yield opened


def extend(items: list[str], batches: Sequence[list[str]]) -> list[str]:
    return [*items, *(item for batch in batches for item in batch)]


class Growing(TypedDict, total=False):
    """State whose list is stored as differences."""

    items: Annotated[list[str], DeltaChannel(extend)]
    wanted: int


@pytest.fixture
def growing() -> Callable[[BaseCheckpointSaver[str]], Any]:
    """Compile a graph that adds one item in each step until there are `wanted`."""

    def grow(state: Growing) -> dict[str, Any]:
        return {"items": [f"item {len(state['items'])}"]}

    def compiled(saver: BaseCheckpointSaver[str]) -> Any:
        graph = StateGraph(Growing)
        graph.add_node("grow", grow)
        graph.add_edge(START, "grow")
        graph.add_conditional_edges(
            "grow", lambda state: END if len(state["items"]) >= state["wanted"] else "grow"
        )
        return graph.compile(checkpointer=saver)

    return compiled
