"""What a new thread takes over of another one when it begins at one of its checkpoints.

A checkpoint where a thread stands is taken over as it is: what tasks have written since, open
questions, and the nested graphs that asked them. One that the thread has moved past is taken over
as it was before: the step that followed is to be done again. If that step asked people, it is as
it was when it last waited for them: the questions are open, and what was done beside is done.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from langgraph.checkpoint.serde.types import INTERRUPT, RESUME

from langgraph_orchestra.checkpoints.rows import NO_TASK, Place, Row, remembered_before
from langgraph_orchestra.state import ConfigurationError

__all__ = ["Branch", "Fate", "Written", "branch_at", "checked_place", "fates"]

Written = tuple[str, str]
"""Task and channel of a value that was written."""

Fate = Literal["kept", "dropped", "shortened"]
"""What becomes of a written value: `shortened` is a list of answers without the last."""


@dataclass(frozen=True)
class Branch:
    """What a new thread takes over."""

    kept: Collection[Place]
    """Checkpoints."""

    reopened: Collection[Place]
    """Those of them whose questions are open again, or whose step is to be done again."""

    is_done: bool
    """Whether the step was done, and so all that was asked had been answered."""


def checked_place(rows: Mapping[Place, Row], thread_id: str, checkpoint_id: str) -> Place:
    """The place of a checkpoint to begin at.

    Raises:
        ConfigurationError: If the thread has none of this id that holds a state.
    """
    if not rows:
        raise ConfigurationError(f"there is no thread `{thread_id}`")
    place = Place("", str(checkpoint_id))
    if place not in rows or rows[place].is_stub:
        raise ConfigurationError(
            f"thread `{thread_id}` has no checkpoint `{checkpoint_id}`; `history` lists them"
        )
    return place


def branch_at(
    rows: Mapping[Place, Row],
    place: Place,
    written: Callable[[Place], Iterable[Written]],
) -> Branch:
    """Decide what a thread that begins at a checkpoint takes over.

    Args:
        rows: All checkpoints of the thread that it is taken from.
        place: The checkpoint, of the thread's own graph.
        written: Gives what was written since a checkpoint.
    """
    nested = [row for row in rows.values() if row.place.ns and not row.is_stub]
    before = remembered_before(nested, place.id)
    called = [row for row in nested if row.step == place.id]
    children = [row for row in rows.values() if row.parent == place]
    is_done = any(row.metadata.get("source") == "loop" for row in children)
    asks = _asks(written(place))
    if not children or (asks and not is_done):
        taken = {row.place for row in called}
        return Branch({place, *before, *taken}, {place} if children else (), is_done)
    if not asks:
        return Branch({place, *before}, {place}, is_done)
    kept, asking = _until_asked(called, written)
    return Branch({place, *before, *kept}, {place, *asking}, is_done)


def fates(written: Sequence[Written], *, is_done: bool, can_shorten: bool = True) -> Sequence[Fate]:
    """What becomes of each written value so that the questions are open again.

    Args:
        written: What was written since a checkpoint.
        is_done: Whether all that was asked had been answered.
        can_shorten: Whether it is known how many answers there were. If not, a task that was done
            starts anew: its last question must not be shown where the first is the next to come.
    """
    asking = {task for task, channel in written if channel == INTERRUPT}
    again = asking if is_done and not can_shorten else ()
    return [
        "dropped" if task in again else _fate(task, channel, asking, is_done)
        for task, channel in written
    ]


def _fate(task: str, channel: str, asking: Collection[str], is_done: bool) -> Fate:
    if not asking or task == NO_TASK:
        return "dropped"
    if task not in asking or channel == INTERRUPT:
        return "kept"
    if channel == RESUME:
        return "shortened" if is_done else "kept"
    return "dropped"


def _asks(written: Iterable[Written]) -> bool:
    return any(channel == INTERRUPT for _, channel in written)


def _until_asked(
    called: Iterable[Row], written: Callable[[Place], Iterable[Written]]
) -> tuple[set[Place], set[Place]]:
    """Checkpoints of nested graphs up to the one at which each last asked, and these."""
    kept: set[Place] = set()
    asking: set[Place] = set()
    ordered = sorted(called, key=lambda row: row.place)
    for _, those in groupby(ordered, key=lambda row: row.place.ns):
        places = [row.place for row in those if _is_called_from(row, kept)]
        asked = [place for place in places if _asks(written(place))]
        kept.update(place for place in places if not asked or place <= asked[-1])
        asking.update(asked[-1:])
    return kept, asking


def _is_called_from(row: Row, kept: Collection[Place]) -> bool:
    """Whether the nested graphs around it are at a checkpoint that is taken over."""
    around: Mapping[str, str] = row.metadata.get("parents") or {}
    return all(Place(ns, id_) in kept for ns, id_ in around.items() if ns)
