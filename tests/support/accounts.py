"""Drives graphs on a checkpointer, and keeps an account of all that came back.

Two accounts of the same scenario are equal if both checkpointers mean the same: ids and times,
which differ from run to run, are left out.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from enum import Enum
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from langchain_core.messages import BaseMessage
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.types import Interrupt, PregelTask, StateSnapshot
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import aopen_checkpointer, open_checkpointer

__all__ = ["Accountant", "Way"]

Durability = Literal["sync", "async", "exit"]


class Way(NamedTuple):
    """How a graph is run."""

    is_async: bool
    durability: Durability

    def __str__(self) -> str:
        return f"{'async' if self.is_async else 'sync'} calls, {self.durability}"


class Accountant:
    """Runs graphs in one way on one store, inside `async with`.

    Args:
        url: The store.
        way: How the graphs are run.
        types: Classes that the state holds.
    """

    def __init__(self, url: str, way: Way, types: Iterable[type] = ()) -> None:
        self.account: list[Any] = []
        self.way = way
        self._url, self._types = url, tuple(types)
        self._prefix = uuid.uuid4().hex
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def reopen(self) -> None:
        """Go on with a new checkpointer, as another process would; memory has but one."""
        if self._url != "memory://":
            await self._stack.aclose()
            await self._open()

    def config(self, thread: str = "1", **place: Any) -> dict[str, Any]:
        """Config of a thread of this accountant's own."""
        return {"configurable": {"thread_id": f"{self._prefix}-{thread}", **place}}

    async def run(self, graph: Any, value: Any, config: Any = None, **options: Any) -> Any:
        """Run a graph; what it returns, or raises, goes into the account."""
        app = graph.compile(checkpointer=self.saver)
        options = {"durability": self.way.durability, **options}
        place = config or self.config()
        try:
            if self.way.is_async:
                result = await app.ainvoke(value, place, **options)
            else:
                result = app.invoke(value, place, **options)
        except ZeroDivisionError as error:
            self.account.append(repr(error))
            raise
        self.account.append(plain(result))
        return result

    async def update(self, graph: Any, values: Any, config: Any = None, **options: Any) -> Any:
        """Update the state; gives the config of the new checkpoint."""
        app = graph.compile(checkpointer=self.saver)
        place = config or self.config()
        if self.way.is_async:
            return await app.aupdate_state(place, values, **options)
        return app.update_state(place, values, **options)

    async def state(self, graph: Any, config: Any = None) -> StateSnapshot:
        """Look at the state, and at that of nested graphs."""
        app = graph.compile(checkpointer=self.saver)
        place = config or self.config()
        if self.way.is_async:
            found: StateSnapshot = await app.aget_state(place, subgraphs=True)
        else:
            found = app.get_state(place, subgraphs=True)
        self.account.append(_snapshots([found]))
        return found

    async def history(self, graph: Any, config: Any = None) -> list[StateSnapshot]:
        """Look at all states that the thread had, newest first."""
        app = graph.compile(checkpointer=self.saver)
        place = config or self.config()
        if self.way.is_async:
            found = [item async for item in app.aget_state_history(place)]
        else:
            found = [*app.get_state_history(place)]
        self.account.append(_snapshots(found))
        return found

    async def stored(self, config: Any, **options: Any) -> list[CheckpointTuple]:
        """List what the checkpointer itself holds, newest first."""
        if self.way.is_async:
            found = [item async for item in self.saver.alist(config, **options)]
        else:
            found = [*self.saver.list(config, **options)]
        self.account.append([_metadata(item.metadata) for item in found])
        return found

    async def delete(self, config: dict[str, Any]) -> None:
        """Delete a thread."""
        thread_id = config["configurable"]["thread_id"]
        if self.way.is_async:
            await self.saver.adelete_thread(thread_id)
        else:
            self.saver.delete_thread(thread_id)

    async def _open(self) -> None:
        opened: Any
        if self.way.is_async:
            opened = aopen_checkpointer(self._url, types=self._types)
            self.saver: BaseCheckpointSaver[str] = await self._stack.enter_async_context(opened)
        else:
            opened = open_checkpointer(self._url, types=self._types)
            self.saver = self._stack.enter_context(opened)


def plain(value: Any) -> Any:
    """A value with its types, without ids."""
    match value:
        case Interrupt():
            return {"asked": value.value}
        case BaseMessage():
            return [type(value).__name__, value.name, value.content]
        case BaseModel():
            return [type(value).__name__, plain(dict(value))]
        case Enum():
            return repr(value)
        case dict():
            return {
                key: _sorted(item) if key == "__interrupt__" else plain(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return [type(value).__name__, *sorted(map(repr, value))]
    return [type(value).__name__, repr(value)]


def _sorted(interrupts: Iterable[Interrupt]) -> list[Any]:
    """Interrupts of parallel tasks, whose order is not defined."""
    return sorted((plain(item) for item in interrupts), key=json.dumps)


def _snapshots(found: Sequence[StateSnapshot]) -> list[dict[str, Any]]:
    numbers = {_id_of(item.config): number for number, item in enumerate(reversed(found))}
    return [
        {
            "values": plain(item.values),
            "next": [*item.next],
            "parent": _parent(item, numbers),
            "metadata": _metadata(item.metadata),
            "tasks": [_task(task) for task in item.tasks],
            "interrupts": _sorted(item.interrupts),
        }
        for item in found
    ]


def _parent(item: StateSnapshot, numbers: dict[str, int]) -> int | str | None:
    if item.parent_config is None:
        return None
    return numbers.get(_id_of(item.parent_config), "elsewhere")


def _task(task: PregelTask) -> dict[str, Any]:
    return {
        "name": task.name,
        "kind": task.path[0],
        "error": task.error and repr(task.error),
        "interrupts": _sorted(task.interrupts),
        "result": plain(task.result),
        "state": _snapshots([task.state]) if isinstance(task.state, StateSnapshot) else None,
    }


def _metadata(metadata: Any) -> dict[str, Any]:
    ids = ("run_id", "parents")
    return {key: plain(value) for key, value in (metadata or {}).items() if key not in ids}


def _id_of(config: Any) -> str:
    return str(config["configurable"]["checkpoint_id"])
