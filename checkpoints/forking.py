"""Time travel: a new thread that begins at a checkpoint of another one."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    CheckpointTuple,
    DeltaChannelHistory,
    PendingWrite,
    empty_checkpoint,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.base import SerializerProtocol

from langgraph_orchestra.checkpoints.branching import branch_at, checked_place, fates
from langgraph_orchestra.checkpoints.calls import Call, Work, ado, do
from langgraph_orchestra.checkpoints.copying import copy_rows
from langgraph_orchestra.checkpoints.keeping import STUB_TASK, part_of
from langgraph_orchestra.checkpoints.rows import (
    OWN_KEYS,
    STUB_MARK,
    STUB_STEP,
    Place,
    Row,
    SavedThread,
    deltas_by_namespace,
)
from langgraph_orchestra.checkpoints.upkeep import Upkeep
from langgraph_orchestra.state import ConfigurationError

__all__ = ["afork", "fork"]

AT_ONCE = 1_000_000
"""Updates of a `DeltaChannel` after which every graph stores it as a whole."""


def fork(
    saver: BaseCheckpointSaver[Any],
    thread_id: str,
    checkpoint_id: str,
    new_thread_id: str | None = None,
) -> str:
    """Begin a new thread at a checkpoint of another one; both go on by themselves.

    The new thread stands where the other one stood, with its whole state. If the other has moved
    on since, what followed is to be done again: `invoke(None, ...)` does it, and questions that
    were answered are open, so that `Command(resume=...)` may answer differently. In memory and in
    SQLite files they are there at once, as the thread last waited for them; in other stores
    `invoke(None, ...)` asks them, of a node that asks several the first one first.

    Args:
        saver: Any checkpointer with sync methods.
        thread_id: The thread.
        checkpoint_id: Its checkpoint, one that `history` lists.
        new_thread_id: Id of the new thread; None makes one.

    Returns:
        Id of the new thread.

    Raises:
        CheckpointError: If the store cannot be used, or values of a type that the saver was not
            told about would have to be copied.
        ConfigurationError: If there is no such checkpoint, or the new thread is there already.
    """
    new_id = _new_id(new_thread_id)
    if isinstance(saver, Upkeep):
        saver.write(_branching_off(saver, thread_id, checkpoint_id, new_id))
    else:
        do(saver, _fork(saver, str(thread_id), str(checkpoint_id), new_id))
    return new_id


async def afork(
    saver: BaseCheckpointSaver[Any],
    thread_id: str,
    checkpoint_id: str,
    new_thread_id: str | None = None,
) -> str:
    """Begin a new thread at a checkpoint of another one, as `fork` does.

    Args:
        saver: Any checkpointer with async methods.
        thread_id: The thread.
        checkpoint_id: Its checkpoint, one that `history` lists.
        new_thread_id: Id of the new thread; None makes one.

    Returns:
        Id of the new thread.

    Raises:
        CheckpointError: If the store cannot be used, or values of a type that the saver was not
            told about would have to be copied.
        ConfigurationError: If there is no such checkpoint, or the new thread is there already.
    """
    new_id = _new_id(new_thread_id)
    if isinstance(saver, Upkeep):
        await saver.awrite(_branching_off(saver, thread_id, checkpoint_id, new_id))
    else:
        await ado(saver, _fork(saver, str(thread_id), str(checkpoint_id), new_id))
    return new_id


def _new_id(new_thread_id: str | None) -> str:
    if new_thread_id is None:
        return uuid4().hex
    if not str(new_thread_id).strip():
        raise ConfigurationError("`new_thread_id` is empty; None makes an id")
    return str(new_thread_id)


# In a SQLite file: rows are copied as the bytes that they are.


def _branching_off(
    saver: Upkeep, thread_id: str, checkpoint_id: str, new_id: str
) -> "partial[None]":
    return partial(
        _branch_off,
        serde=saver.serde,
        thread_id=str(thread_id),
        checkpoint_id=str(checkpoint_id),
        new_id=new_id,
    )


def _branch_off(
    cursor: sqlite3.Cursor,
    serde: SerializerProtocol,
    thread_id: str,
    checkpoint_id: str,
    new_id: str,
) -> None:
    source = SavedThread.find(cursor, serde, thread_id)
    place = checked_place(source.rows, thread_id, checkpoint_id)
    branch = branch_at(
        source.rows,
        place,
        lambda at: [(task, channel) for task, _, channel in source.writes(at)],
    )
    part = part_of(source, branch.kept)
    copy_rows(cursor, thread_id, new_id, part.places)
    target = replace(source, id=new_id)
    part.complete(target)
    for reopened in branch.reopened:
        _reopen(target, reopened, is_done=branch.is_done)


def _reopen(thread: SavedThread, place: Place, *, is_done: bool) -> None:
    writes = thread.writes(place)
    what = fates([(task, channel) for task, _, channel in writes], is_done=is_done)
    for (task, index, _), fate in zip(writes, what, strict=True):
        if fate == "shortened":
            thread.shorten_write(place, task, index, _answers_before_the_last(task, writes))
        elif fate == "dropped":
            thread.delete_write(place, task, index)


def _answers_before_the_last(task: str, writes: Iterable[tuple[str, int, str]]) -> int:
    """How many questions a task that came to its end had been answered when it asked its last.

    Their list is not always saved anew with the last answer, but each answer takes an index.
    """
    indices = [index for of, index, _ in writes if of == task and index >= 0]
    return min(indices) - 1 if indices else -1


# In any other store: what is needed is read and saved anew, through the methods of all savers.


def _fork(
    saver: BaseCheckpointSaver[Any], thread_id: str, checkpoint_id: str, new_id: str
) -> Work[None]:
    found: Sequence[CheckpointTuple] = yield Call("list", (_config(thread_id),))
    taken = {_place(item): item for item in found}
    rows = {place: _row(item) for place, item in taken.items()}
    place = checked_place(rows, thread_id, checkpoint_id)
    if (yield Call("list", (_config(new_id),), (("limit", 1),))):
        raise ConfigurationError(f"thread `{new_id}` is there already; name another")
    branch = branch_at(
        rows,
        place,
        lambda at: [(task, channel) for task, channel, _ in taken[at].pending_writes or ()],
    )
    deltas = deltas_by_namespace(rows.values())
    try:
        for at in sorted(branch.kept):
            item = taken[at]
            missing = deltas[at.ns] & item.checkpoint["channel_versions"].keys()
            missing -= item.checkpoint["channel_values"].keys()
            parent = rows[at].parent
            if parent is not None and parent not in branch.kept:
                parent = yield from _put_stub(saver, item, parent, new_id, missing)
            writes = list(item.pending_writes or ())
            if at in branch.reopened:
                writes = _reopened(saver, writes, is_done=branch.is_done)
            yield from _put(item, parent, new_id, missing, writes)
    except BaseException:
        yield Call("delete_thread", (new_id,))
        raise


def _put_stub(
    saver: BaseCheckpointSaver[Any],
    item: CheckpointTuple,
    parent: Place,
    new_id: str,
    channels: Collection[str],
) -> Work[Place | None]:
    """Save what channels are put together from in the place of the parent, if there are any."""
    if not channels:
        return None
    histories: Mapping[str, DeltaChannelHistory] = yield Call(
        "get_delta_channel_history", (), (("config", item.config), ("channels", sorted(channels)))
    )
    stub = empty_checkpoint()
    stub["id"] = parent.id
    for name, history in histories.items():
        if "seed" in history:
            stub["channel_values"][name] = history["seed"]
            stub["channel_versions"][name] = saver.get_next_version(None, None)
    given = {key: value for key, value in item.metadata.items() if key not in OWN_KEYS}
    metadata = {**given, "step": STUB_STEP, STUB_MARK: True}
    config = yield Call(
        "put", (_config(new_id, parent.ns), stub, metadata, stub["channel_versions"])
    )
    writes = [(name, value) for name in histories for _, _, value in histories[name]["writes"]]
    yield Call("put_writes", (config, writes, STUB_TASK))
    return parent


def _put(
    item: CheckpointTuple,
    parent: Place | None,
    new_id: str,
    missing: Collection[str],
    writes: Iterable[PendingWrite],
) -> Work[None]:
    metadata = dict(item.metadata)
    if missing:
        # A saver does not tell how the writes of a step are ordered among those that follow. With
        # a whole value in the next checkpoint, nobody has to know.
        metadata["counters_since_delta_snapshot"] = dict.fromkeys(missing, (AT_ONCE, AT_ONCE))
    versions = item.checkpoint["channel_versions"]
    config = yield Call(
        "put",
        (
            _config(new_id, _place(item).ns, parent.id if parent else None),
            item.checkpoint,
            metadata,
            versions,
        ),
    )
    for number, (task, those) in enumerate(groupby(writes, lambda write: write[0])):
        values = [(channel, value) for _, channel, value in those]
        yield Call("put_writes", (config, values, task, f"{number:06}"))


def _reopened(
    saver: BaseCheckpointSaver[Any], writes: Sequence[PendingWrite], *, is_done: bool
) -> list[PendingWrite]:
    kept: list[PendingWrite] = []
    what = fates(
        [(task, channel) for task, channel, _ in writes],
        is_done=is_done,
        # Others keep a list of answers without the last if values were written along with it.
        can_shorten=isinstance(saver, InMemorySaver),
    )
    for (task, channel, value), fate in zip(writes, what, strict=True):
        if fate == "kept":
            kept.append((task, channel, value))
        elif fate == "shortened" and value[:-1]:
            kept.append((task, channel, value[:-1]))
    return kept


def _config(thread_id: str, ns: str | None = None, checkpoint_id: str | None = None) -> Any:
    place = {"thread_id": thread_id, "checkpoint_ns": ns, "checkpoint_id": checkpoint_id}
    return {"configurable": {name: value for name, value in place.items() if value is not None}}


def _place(item: CheckpointTuple) -> Place:
    configurable = item.config["configurable"]
    return Place(configurable.get("checkpoint_ns", ""), item.checkpoint["id"])


def _row(item: CheckpointTuple) -> Row:
    place = _place(item)
    parent = (item.parent_config or {}).get("configurable", {}).get("checkpoint_id")
    return Row(place, Place(place.ns, parent) if parent else None, dict(item.metadata))
