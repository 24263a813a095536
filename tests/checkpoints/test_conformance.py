"""What LangGraph asks of every checkpointer, by its own suite, which calls the async methods."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import BASE_CAPABILITIES, Capability

from langgraph_orchestra.checkpoints import OrchestraSqliteSaver, aopen_checkpointer
from langgraph_orchestra.checkpoints.serializer import open_serializer


class ThroughSyncMethods(OrchestraSqliteSaver):
    """Answers async calls by the sync methods, so that these pass the suite too."""

    async def alist(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        for found in self.list(*args, **options):
            yield found


def through(name: str) -> Callable[..., Any]:
    async def call(self: ThroughSyncMethods, *args: Any, **options: Any) -> Any:
        return getattr(self, name)(*args, **options)

    return call


def is_implemented(method: str) -> bool:
    return getattr(OrchestraSqliteSaver, method) is not getattr(BaseCheckpointSaver, method)


IMPLEMENTED = [one.value for one in Capability if is_implemented(one.value)]

# The suite tells by what is overridden what it has to ask.
for method in set(IMPLEMENTED) - {"list"}:
    setattr(ThroughSyncMethods, f"a{method}", through(method))


async def async_methods(path: Path) -> AsyncIterator[BaseCheckpointSaver[str]]:
    async with aopen_checkpointer(path) as saver:
        yield saver


async def sync_methods(path: Path) -> AsyncIterator[BaseCheckpointSaver[str]]:
    serde = open_serializer(key=None, types=())
    saver = ThroughSyncMethods.open(path, serde=serde, synchronous="FULL")
    yield saver
    saver.close()


def test_all_that_every_checkpointer_must_have_is_implemented() -> None:
    assert {one.value for one in BASE_CAPABILITIES} <= set(IMPLEMENTED)


@pytest.mark.parametrize("capability", IMPLEMENTED)
@pytest.mark.parametrize("opened", [async_methods, sync_methods])
async def test_the_saver_conforms(opened: Any, capability: str, tmp_path: Path) -> None:
    @checkpointer_test(name=f"{opened.__name__} of a SQLite file")
    async def checkpointer() -> AsyncIterator[BaseCheckpointSaver[str]]:
        async for saver in opened(tmp_path / "runs.db"):
            yield saver

    report = await validate(checkpointer, capabilities={capability})

    result = report.results[capability]
    assert result.failures == []
    assert result.tests_passed > 0
