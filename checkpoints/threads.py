"""Looking into a checkpointer: which threads it holds, and the checkpoints of one.

These work over any saver, and never fail for a value whose type this program does not know: it
is shown as plain data.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, PendingWrite
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, RESUME, TASKS
from langgraph.constants import START

from langgraph_orchestra.checkpoints.serializer import looking_only
from langgraph_orchestra.state import ConfigurationError

__all__ = ["ThreadInfo", "ThreadStatus", "ahistory", "athreads", "history", "threads"]

ThreadStatus = Literal["interrupted", "failed", "unfinished", "finished"]
"""How a thread's latest run stands."""

# Task id of what was put in from outside: input, answers, updates.
_NO_TASK = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """One thread of a checkpointer, seen from outside."""

    thread_id: str
    """The id under which it runs."""

    updated_at: datetime
    """When its newest checkpoint was made, in UTC."""

    checkpoints: int
    """How many checkpoints it has, those of nested graphs not counted."""

    status: ThreadStatus
    """`interrupted`: it waits for an answer. `failed`: a participant raised, and will be tried
    again when the run is resumed. `unfinished`: it is running now, stopped at a breakpoint, or
    its process ended. `finished`: nothing is left to do."""


def threads(saver: BaseCheckpointSaver[Any], *, limit: int | None = None) -> list[ThreadInfo]:
    """List the threads of a checkpointer, the latest used first.

    Every checkpoint is read, so this takes time in proportion to what is stored.

    Args:
        saver: Any checkpointer with sync methods.
        limit: How many threads to give at most; None means all.

    Returns:
        One `ThreadInfo` for each thread.

    Raises:
        ConfigurationError: If `limit` is less than 1.
        TypeError: If `limit` is not an int.
    """
    _check_limit(limit)
    with looking_only():
        return _by_thread(saver.list(None))[:limit]


async def athreads(
    saver: BaseCheckpointSaver[Any], *, limit: int | None = None
) -> list[ThreadInfo]:
    """List the threads of a checkpointer, as `threads` does.

    Args:
        saver: Any checkpointer with async methods.
        limit: How many threads to give at most; None means all.

    Returns:
        One `ThreadInfo` for each thread.

    Raises:
        ConfigurationError: If `limit` is less than 1.
        TypeError: If `limit` is not an int.
    """
    _check_limit(limit)
    with looking_only():
        return _by_thread([found async for found in saver.alist(None)])[:limit]


def history(
    saver: BaseCheckpointSaver[Any], thread_id: str, *, limit: int | None = None
) -> list[CheckpointTuple]:
    """List the checkpoints of a thread, newest first, without those of nested graphs.

    A `DeltaChannel` stores differences, so its key is missing from most `channel_values`; the
    whole state at each step is what the graph's own `get_state_history` gives.

    Args:
        saver: Any checkpointer with sync methods.
        thread_id: The thread.
        limit: How many checkpoints to give at most; None means all.

    Returns:
        The checkpoints with their metadata and pending writes; none for an unknown thread.

    Raises:
        ConfigurationError: If `limit` is less than 1.
        TypeError: If `limit` is not an int.
    """
    _check_limit(limit)
    with looking_only():
        return list(saver.list(_root_of(thread_id), limit=limit))


async def ahistory(
    saver: BaseCheckpointSaver[Any], thread_id: str, *, limit: int | None = None
) -> list[CheckpointTuple]:
    """List the checkpoints of a thread, as `history` does.

    Args:
        saver: Any checkpointer with async methods.
        thread_id: The thread.
        limit: How many checkpoints to give at most; None means all.

    Returns:
        The checkpoints with their metadata and pending writes; none for an unknown thread.

    Raises:
        ConfigurationError: If `limit` is less than 1.
        TypeError: If `limit` is not an int.
    """
    _check_limit(limit)
    with looking_only():
        return [found async for found in saver.alist(_root_of(thread_id), limit=limit)]


def _root_of(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": str(thread_id), "checkpoint_ns": ""}}


def _check_limit(limit: int | None) -> None:
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(f"`limit` is an int or None, not `{limit!r}`")
    if limit < 1:
        raise ConfigurationError(f"`limit` is at least 1, not {limit}")


def _by_thread(found: Iterable[CheckpointTuple]) -> list[ThreadInfo]:
    by_thread: dict[str, list[CheckpointTuple]] = defaultdict(list)
    for item in found:
        place = item.config["configurable"]
        if not place.get("checkpoint_ns"):
            by_thread[place["thread_id"]].append(item)
    infos = [_describe(thread_id, items) for thread_id, items in by_thread.items()]
    return sorted(infos, key=lambda info: info.updated_at, reverse=True)


def _describe(thread_id: str, items: list[CheckpointTuple]) -> ThreadInfo:
    newest = max(items, key=lambda item: item.checkpoint["id"])
    return ThreadInfo(
        thread_id=thread_id,
        updated_at=datetime.fromisoformat(newest.checkpoint["ts"]),
        checkpoints=len(items),
        status=_status(newest),
    )


def _status(newest: CheckpointTuple) -> ThreadStatus:
    if not _has_next(newest.checkpoint["channel_values"]):
        return "finished"
    writes = newest.pending_writes or []
    if _open_questions(writes):
        return "interrupted"
    if any(channel == ERROR for task, channel, _ in writes if task != _NO_TASK):
        return "failed"
    return "unfinished"


def _has_next(values: dict[str, Any]) -> bool:
    """Whether a node is due: what starts nodes is emptied by the step in which they run.

    These are the input, `Send`s, edges (`branch:to:<node>`) and joins (`join:<a>+<b>:<node>`).
    """
    return bool(
        START in values
        or values.get(TASKS)
        or any(name.startswith("branch:to:") for name in values)
        or any(_is_complete(name, value) for name, value in values.items())
    )


def _is_complete(name: str, value: Any) -> bool:
    """Whether a join has seen all its sources, whose names stand in its own."""
    if not name.startswith("join:"):
        return False
    sources, _, _ = name.removeprefix("join:").rpartition(":")
    # A deferred node's join is stored as a pair: what was seen, and whether the rest is done.
    seen = value[0] if isinstance(value, list) else value
    return len("+".join(seen)) == len(sources)


def _open_questions(writes: list[PendingWrite]) -> bool:
    """Whether a task asked and has not finished: one that has, wrote something of its own."""
    asked = {task for task, channel, _ in writes if channel == INTERRUPT}
    control = (INTERRUPT, RESUME, ERROR)
    finished = {task for task, channel, _ in writes if channel not in control}
    return bool(asked - finished)
