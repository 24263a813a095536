"""Which checkpoints of a thread stay when it is pruned, and which go with a run.

The newest one always stays, with what was written since: a thread that waits for an answer can
still be answered.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from langgraph.checkpoint.serde.base import SerializerProtocol

from langgraph_orchestra.checkpoints.keeping import keep_only
from langgraph_orchestra.checkpoints.rows import (
    Place,
    Row,
    SavedThread,
    as_written,
    latest_of_each_namespace,
    remembered_before,
)
from langgraph_orchestra.state import ConfigurationError

__all__ = [
    "Pruning",
    "Strategy",
    "checked_ids",
    "delete_runs_of",
    "prune_thread",
    "threads_of_runs",
]

Strategy = Literal["keep_latest", "keep_last", "younger_than", "delete"]
"""What stays: the newest checkpoint of each graph, the newest few steps, the steps of late, or
nothing."""


@dataclass(frozen=True)
class Pruning:
    """What shall stay of a thread. Checked when it is made.

    Raises:
        ConfigurationError: If the strategy is unknown, or `keep` and `age` do not go with it.
        TypeError: If `keep` is not an int, or `age` not a `timedelta`.
    """

    strategy: str = "keep_latest"
    keep: int = 1
    age: timedelta | None = None

    def __post_init__(self) -> None:
        _check_strategy(self.strategy)
        _check_keep(self.strategy, self.keep)
        _check_age(self.strategy, self.age)


def prune_thread(
    cursor: sqlite3.Cursor, serde: SerializerProtocol, thread_id: str, pruning: Pruning
) -> None:
    """Drop what shall not stay of a thread; one that is not there is left alone.

    Args:
        cursor: In the transaction that shall do it.
        serde: Serializer of the file's values.
        thread_id: The thread.
        pruning: What shall stay.

    Raises:
        CheckpointError: If a value of unknown type would have to be moved.
    """
    thread = SavedThread.find(cursor, serde, thread_id)
    if pruning.strategy == "delete":
        thread.delete(thread.rows)
    elif thread.states:
        keep_only(thread, _kept(thread, pruning))


def threads_of_runs(cursor: sqlite3.Cursor, run_ids: Sequence[str]) -> list[str]:
    """The threads that have checkpoints of these runs."""
    found = cursor.execute(
        "SELECT DISTINCT thread_id FROM checkpoints, json_each(?) AS run"
        " WHERE instr(CAST(metadata AS TEXT), run.value)",
        (json.dumps([as_written("run_id", run_id) for run_id in run_ids]),),
    )
    return [thread_id for (thread_id,) in found]


def delete_runs_of(
    cursor: sqlite3.Cursor, serde: SerializerProtocol, thread_id: str, run_ids: Sequence[str]
) -> None:
    """Drop the checkpoints of runs from a thread; later ones keep their whole state.

    Args:
        cursor: In the transaction that shall do it.
        serde: Serializer of the file's values.
        thread_id: The thread.
        run_ids: The runs, as their metadata names them.

    Raises:
        CheckpointError: If a value of unknown type would have to be moved.
    """
    thread = SavedThread.find(cursor, serde, thread_id)
    keep_only(
        thread, {row.place for row in thread.states if row.metadata.get("run_id") not in run_ids}
    )


def checked_ids(name: str, ids: Iterable[str]) -> list[str]:
    """Several ids as a list of texts.

    Raises:
        TypeError: If it is a single text, whose letters are no ids.
    """
    if isinstance(ids, str | bytes):
        raise TypeError(f"`{name}` is a sequence of ids: `[{ids!r}]`")
    return [str(id_) for id_ in ids]


def _kept(thread: SavedThread, pruning: Pruning) -> set[Place]:
    steps = sorted((row.place for row in thread.states if not row.place.ns), reverse=True)
    if pruning.strategy == "keep_latest" or not steps:
        return latest_of_each_namespace(thread.states, lambda _: True)
    if pruning.strategy == "keep_last":
        return _with_nested(thread.states, steps[: pruning.keep])
    since = datetime.now(UTC) - (pruning.age or timedelta())
    return _with_nested(thread.states, [*_young(thread, steps, since)] or steps[:1])


def _young(thread: SavedThread, newest_first: Iterable[Place], since: datetime) -> Iterator[Place]:
    for place in newest_first:
        made_at = datetime.fromisoformat(thread.look_at(place)["ts"])
        if made_at.astimezone(UTC) < since:
            return
        yield place


def _with_nested(states: Iterable[Row], steps: Iterable[Place]) -> set[Place]:
    """The steps, and the checkpoints of nested graphs that belong to them."""
    kept = {*steps}
    oldest = min(kept).id
    nested = [row for row in states if row.place.ns]
    gone = {row.place.id for row in states if not row.place.ns and row.place not in kept}
    # A step may be saved after what it calls, or with `durability="exit"` not at all.
    belonging = {
        row.place
        for row in nested
        if row.place.id > oldest and (row.is_remembered or row.step not in gone)
    }
    return {*kept, *belonging, *remembered_before(nested, oldest)}


def _check_strategy(strategy: str) -> None:
    if strategy not in get_args(Strategy):
        valid = ", ".join(f"`{name}`" for name in get_args(Strategy))
        raise ConfigurationError(f"unknown `strategy` `{strategy}`; valid are {valid}")


def _check_keep(strategy: str, keep: int) -> None:
    if isinstance(keep, bool) or not isinstance(keep, int):
        raise TypeError(f"`keep` is an int, not `{keep!r}`")
    if keep < 1:
        raise ConfigurationError(
            f"`keep` is at least 1, not {keep}; `strategy='delete'` leaves nothing"
        )
    if keep != 1 and strategy != "keep_last":
        raise ConfigurationError(f"`keep` goes with `strategy='keep_last'`, not `{strategy}`")


def _check_age(strategy: str, age: timedelta | None) -> None:
    if strategy != "younger_than":
        if age is not None:
            raise ConfigurationError(f"`age` goes with `strategy='younger_than'`, not `{strategy}`")
        return
    if age is None:
        raise ConfigurationError(
            "`strategy='younger_than'` needs an `age`, such as `timedelta(days=30)`"
        )
    if not isinstance(age, timedelta):
        raise TypeError(f"`age` is a `timedelta`, not `{age!r}`")
    if age < timedelta():
        raise ConfigurationError(f"`age` is not negative: {age}")
