"""Upkeep of a database: forks, pruning, copies."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.serde.types import INTERRUPT
from langgraph.constants import START
from rich.console import Console

from langgraph_orchestra import checkpoints
from langgraph_orchestra.checkpoints import OrchestraSqliteSaver, ThreadInfo, history
from langgraph_orchestra.checkpoints.threads import nodes_due
from langgraph_orchestra.checkpoints.urls import database_path
from langgraph_orchestra.cli.database import Database
from langgraph_orchestra.cli.errors import CommandError
from langgraph_orchestra.cli.thread import unknown_thread

__all__ = [
    "Fork",
    "Pruned",
    "PruningPlan",
    "Step",
    "back_up",
    "confirmed",
    "fork_thread",
    "prune_threads",
    "pruning_plan",
    "steps_of",
]

_AGE = re.compile(r"(\d+)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Step:
    """A checkpoint of a thread, at which another may begin."""

    checkpoint_id: str
    number: int
    made_at: datetime
    due: Sequence[str]
    """Names of the nodes that come next; empty at the end of a run."""

    asks: bool
    """Whether people were asked in what came next."""

    @property
    def what_follows(self) -> str:
        """What comes next, in a few words."""
        if not self.due:
            return "the end"
        names = ", ".join("the task" if name == START else name for name in self.due)
        return f"{names} (asks)" if self.asks else names


@dataclass(frozen=True)
class Fork:
    """A new thread."""

    thread_id: str
    source: str
    step: Step

    def what_next(self, database: Database) -> str:
        """What a user may do with it."""
        if self.step.due:
            return f"Continue it: {database.command('resume', self.thread_id)}"
        return f"Look at it: {database.command('show', self.thread_id)}"


@dataclass(frozen=True)
class PruningPlan:
    """What is to be dropped."""

    threads: Sequence[ThreadInfo]
    strategy: str
    keep: int = 1
    age: timedelta | None = None

    @property
    def question(self) -> str:
        """What a person is asked first."""
        threads = _counted(len(self.threads), "thread")
        steps = f"{sum(info.checkpoints for info in self.threads):,} checkpoints"
        match self.strategy:
            case "delete":
                return f"Delete {threads} with {steps}?"
            case "younger_than":
                return f"Drop the old ones of {steps} in {threads}?"
            case _:
                return f"Drop all but the last {self.keep} of {steps} in {threads}?"


@dataclass(frozen=True)
class Pruned:
    """What was dropped."""

    threads: Sequence[str]
    before: int
    after: int
    size: int | None
    """Bytes of the file afterwards; None if there is none."""

    @property
    def told(self) -> str:
        """It in a sentence."""
        if not self.threads:
            return "There are no threads to prune."
        size = "" if self.size is None else f" The file has {self.size:,} bytes."
        return (
            f"Dropped {self.before - self.after:,} of {self.before:,} checkpoints in "
            f"{_counted(len(self.threads), 'thread')}.{size}"
        )


def steps_of(saver: BaseCheckpointSaver[Any], thread_id: str) -> Sequence[Step]:
    """The steps of a thread, newest first.

    Raises:
        CommandError: There is no such thread.
    """
    found = history(saver, thread_id)
    if not found:
        raise unknown_thread(thread_id)
    return [_step(item) for item in found]


def fork_thread(
    saver: BaseCheckpointSaver[Any], thread_id: str, at: str, new_id: str | None
) -> Fork:
    """Begin a new thread at a step of another.

    Args:
        saver: Where they are kept.
        thread_id: The other thread.
        at: Number of the step, or id of the checkpoint.
        new_id: Id of the new thread; None makes one.

    Raises:
        CommandError: There is no such thread or step, or the id is empty.
        ConfigurationError: The new thread is there already.
    """
    if new_id is not None and not new_id.strip():
        raise CommandError("`--as` is empty; leave it out, and an id is made")
    step = _named(steps_of(saver, thread_id), thread_id, at)
    return Fork(checkpoints.fork(saver, thread_id, step.checkpoint_id, new_id), thread_id, step)


def pruning_plan(
    saver: BaseCheckpointSaver[Any],
    thread_ids: Sequence[str],
    *,
    every: bool,
    keep: int | None,
    age: str | None,
    delete: bool,
) -> PruningPlan:
    """Find out what is to be dropped.

    Args:
        saver: Where the threads are kept.
        thread_ids: The threads.
        every: Whether all threads are meant.
        keep: How many steps stay.
        age: How old steps may be that stay.
        delete: Whether nothing stays.

    Raises:
        CommandError: It is not said what is to be pruned, or more than one thing about what stays.
    """
    if bool(thread_ids) == every:
        raise CommandError(
            "name the threads to prune, or `--all`; `orchestra threads` lists them"
            if not every
            else "name threads or `--all`, not both"
        )
    if (keep is not None) + (age is not None) + delete > 1:
        raise CommandError("`--keep`, `--older-than` and `--delete` exclude each other")
    if keep is not None and keep < 1:
        raise CommandError(f"`--keep` is at least 1, not {keep}; `--delete` leaves nothing")
    how_old = None if age is None else _age(age)
    known = {info.thread_id: info for info in checkpoints.threads(saver)}
    for thread_id in thread_ids:
        if thread_id not in known:
            raise unknown_thread(thread_id)
    chosen = [*known.values()] if every else [known[name] for name in dict.fromkeys(thread_ids)]
    if delete:
        return PruningPlan(chosen, "delete")
    if how_old is not None:
        return PruningPlan(chosen, "younger_than", age=how_old)
    return PruningPlan(chosen, "keep_last", keep=keep or 1)


def confirmed(plan: PruningPlan, console: Console, attended: bool) -> bool:
    """Ask the person at the terminal.

    Raises:
        CommandError: There is none.
    """
    if not attended:
        raise CommandError("what is dropped is gone: say `--yes` where nobody can be asked")
    try:
        answer = console.input(f"{plan.question} [y/N] ", markup=False)
    except EOFError:
        return False
    return answer.strip().casefold() in ("y", "yes")


def prune_threads(
    saver: BaseCheckpointSaver[Any], plan: PruningPlan, database: Database, *, vacuum: bool
) -> Pruned:
    """Do what was planned.

    Args:
        saver: Where the threads are kept.
        plan: What is to be dropped.
        database: The same place.
        vacuum: Whether to make the file smaller.

    Raises:
        CommandError: This cannot be done in such a database; then nothing is.
    """
    file = _file_of(saver, "made smaller") if vacuum else None
    ids = [info.thread_id for info in plan.threads]
    if plan.strategy == "delete":
        for thread_id in ids:
            saver.delete_thread(thread_id)
    elif ids:
        keeper: Any = saver  # one in memory has nothing to prune, all others know these words
        keeper.prune(ids, strategy=plan.strategy, keep=plan.keep, age=plan.age)
    if file is not None:
        file.vacuum()
    left = {info.thread_id: info.checkpoints for info in checkpoints.threads(saver)}
    path = database_path(database.url)
    return Pruned(
        threads=ids,
        before=sum(info.checkpoints for info in plan.threads),
        after=sum(left.get(thread_id, 0) for thread_id in ids),
        size=None if path is None else path.stat().st_size,
    )


def back_up(saver: BaseCheckpointSaver[Any], database: Database, target: Path) -> int:
    """Copy a database file.

    Returns:
        How many bytes it has.

    Raises:
        CommandError: It is no file.
        ConfigurationError: There is a file of this name already.
    """
    _file_of(saver, f"copied: `{database.shown}` is no SQLite file").backup(target)
    return target.expanduser().stat().st_size


def _step(item: CheckpointTuple) -> Step:
    return Step(
        checkpoint_id=item.checkpoint["id"],
        number=item.metadata.get("step", 0),
        made_at=datetime.fromisoformat(item.checkpoint["ts"]),
        due=nodes_due(item.checkpoint["channel_values"]),
        asks=any(channel == INTERRUPT for _, channel, _ in item.pending_writes or ()),
    )


def _named(steps: Sequence[Step], thread_id: str, at: str) -> Step:
    found = [step for step in steps if at in (step.checkpoint_id, str(step.number))]
    if not found:
        raise CommandError(
            f"thread `{thread_id}` has no step or checkpoint `{at}`; "
            f"`orchestra fork {thread_id}` lists them"
        )
    if len(found) > 1:
        ids = ", ".join(f"`{step.checkpoint_id}`" for step in found)
        raise CommandError(f"thread `{thread_id}` has several steps {at}: name one of {ids}")
    return found[0]


def _age(text: str) -> timedelta:
    if (match := _AGE.fullmatch(text.strip().casefold())) is None:
        raise CommandError(
            f"`--older-than` is a number of minutes, hours, days or weeks, such as `90m`, `12h`, "
            f"`30d` or `4w`, not `{text}`"
        )
    number, unit = match.groups()
    try:
        return timedelta(**{_UNITS[unit]: int(number)})
    except OverflowError as error:
        raise CommandError(f"`--older-than` is too long: `{text}`") from error


def _file_of(saver: BaseCheckpointSaver[Any], what: str) -> OrchestraSqliteSaver:
    if not isinstance(saver, OrchestraSqliteSaver):
        raise CommandError(f"this database cannot be {what}; use its own tools")
    return saver


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
