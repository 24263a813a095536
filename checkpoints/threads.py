"""Looking into a checkpointer: which threads it holds, and the checkpoints of one.

These work over any saver, and never fail for a value whose type this program does not know: it
is shown as plain data.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, PendingWrite
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, RESUME, TASKS
from langgraph.constants import START

from langgraph_orchestra.checkpoints.calls import Call, Work, ado, do
from langgraph_orchestra.checkpoints.rows import NO_TASK, STUB_STEP, count_checkpoints
from langgraph_orchestra.checkpoints.serializer import looking_only
from langgraph_orchestra.checkpoints.upkeep import Upkeep
from langgraph_orchestra.state import ConfigurationError

__all__ = ["ThreadInfo", "ThreadStatus", "ahistory", "athreads", "history", "nodes_due", "threads"]

ThreadStatus = Literal["interrupted", "failed", "unfinished", "finished"]
"""How a thread's latest run stands."""


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

    In a SQLite file the newest checkpoint of each thread is read; in other stores every checkpoint,
    which takes time in proportion to what is stored.

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
        return do(saver, _overview(saver, limit))


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
        return await ado(saver, _overview(saver, limit))


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
        return do(saver, _states(thread_id, limit))


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
        return await ado(saver, _states(thread_id, limit))


def _root_of(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": str(thread_id), "checkpoint_ns": ""}}


def _check_limit(limit: int | None) -> None:
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(f"`limit` is an int or None, not `{limit!r}`")
    if limit < 1:
        raise ConfigurationError(f"`limit` is at least 1, not {limit}")


def _overview(saver: BaseCheckpointSaver[Any], limit: int | None) -> Work[list[ThreadInfo]]:
    if isinstance(saver, Upkeep):
        infos = yield from _from_file(limit)
    else:
        infos = _from_all((yield Call("list", (None,))))
    return sorted(infos, key=lambda info: info.updated_at, reverse=True)[:limit]


def _from_file(limit: int | None) -> Work[list[ThreadInfo]]:
    counted = yield Call("read", (partial(count_checkpoints, limit=limit),))
    infos = []
    for thread_id, checkpoints in counted:
        # It may have been deleted meanwhile.
        if newest := (yield Call("get_tuple", (_root_of(thread_id),))):
            infos.append(_describe(thread_id, newest, checkpoints))
    return infos


def _from_all(found: Iterable[CheckpointTuple]) -> list[ThreadInfo]:
    by_thread: dict[str, list[CheckpointTuple]] = defaultdict(list)
    for item in found:
        place = item.config["configurable"]
        if not place.get("checkpoint_ns") and not _is_stub(item):
            by_thread[place["thread_id"]].append(item)
    return [
        _describe(thread_id, max(items, key=lambda item: item.checkpoint["id"]), len(items))
        for thread_id, items in by_thread.items()
    ]


def _states(thread_id: str, limit: int | None) -> Work[list[CheckpointTuple]]:
    """The checkpoints that hold a state, without what only anchors the writes of later ones."""
    found = yield Call("list", (_root_of(thread_id),), (("limit", limit),))
    states = [item for item in found if not _is_stub(item)]
    if len(states) < len(found) == limit:
        found = yield Call("list", (_root_of(thread_id),))
        states = [item for item in found if not _is_stub(item)]
    return states[:limit]


def _is_stub(item: CheckpointTuple) -> bool:
    return item.metadata.get("step") == STUB_STEP


def _describe(thread_id: str, newest: CheckpointTuple, checkpoints: int) -> ThreadInfo:
    return ThreadInfo(
        thread_id=thread_id,
        updated_at=datetime.fromisoformat(newest.checkpoint["ts"]),
        checkpoints=checkpoints,
        status=_status(newest),
    )


def _status(newest: CheckpointTuple) -> ThreadStatus:
    if not nodes_due(newest.checkpoint["channel_values"]):
        return "finished"
    writes = newest.pending_writes or []
    if _open_questions(writes):
        return "interrupted"
    if any(channel == ERROR for task, channel, _ in writes if task != NO_TASK):
        return "failed"
    return "unfinished"


def nodes_due(values: Mapping[str, Any]) -> Sequence[str]:
    """Names of the nodes that are due: what starts nodes is emptied by the step in which they run.

    These are the input, `Send`s, edges (`branch:to:<node>`) and joins (`join:<a>+<b>:<node>`).

    Args:
        values: The `channel_values` of a checkpoint.

    Returns:
        The names; `__start__` stands for an input that has not been taken yet.
    """
    edges = [name.removeprefix("branch:to:") for name in values if name.startswith("branch:to:")]
    joins = [name.rpartition(":")[2] for name, value in values.items() if _is_complete(name, value)]
    sends = [str(getattr(send, "node", send)) for send in values.get(TASKS) or ()]
    return [*([START] if START in values else ()), *edges, *joins, *sends]


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
