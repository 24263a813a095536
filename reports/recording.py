"""`Recording`: what a run has left behind, read from its result, whoever stored it in between."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

from langchain_core.messages import AnyMessage
from pydantic import ValidationError

from langgraph_orchestra.reports.runs import starts_of_runs
from langgraph_orchestra.state import (
    Handoff,
    Plan,
    ProgressLedger,
    Result,
    StepResult,
    Stop,
    TaskLedger,
    Turn,
    Verdict,
    Votes,
    append_messages,
)
from langgraph_orchestra.state.records import Record

__all__ = ["Recording", "recording_of"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Recording:
    """What a thread holds, with the types it was written with.

    A strict server gives plain data back, and a pattern leaves out what it has no use for: both
    are made good here, once for all who show a run.
    """

    values: Mapping[str, Any]
    """The result of a run, or the values of a saved thread."""

    @cached_property
    def trail(self) -> Sequence[Turn]:
        """Who did what, over all runs of the thread."""
        return _turns(self.values.get("trail"))

    @cached_property
    def runs(self) -> Sequence[Sequence[Turn]]:
        """The trail, run by run."""
        info = self.values.get("run_info") or {}
        starts = starts_of_runs(self.trail, info.get("first_turn"))
        return [self.trail[start:end] for start, end in pairwise([*starts, len(self.trail)])]

    @cached_property
    def messages(self) -> Sequence[AnyMessage]:
        """What was said, over all runs of the thread."""
        said: Sequence[Any] = append_messages([], [list(self.values.get("messages") or ())])
        return said

    @property
    def output(self) -> Any:
        """The answer of the latest run; empty before there is one."""
        return self.values.get("output", "")

    @property
    def stop(self) -> Stop | None:
        """Why the latest run ended; None while it has not."""
        return _read(Stop, self.values.get("stop"))

    @property
    def requests(self) -> Sequence[Any]:
        """What people are asked now: the values of the interrupts in a result."""
        return [getattr(one, "value", one) for one in self.values.get("__interrupt__") or ()]

    @property
    def handoffs(self) -> Sequence[Handoff]:
        """The latest run's handoffs."""
        return _read_all(Handoff, self.values.get("handoffs"))

    @property
    def drafts(self) -> Sequence[Any]:
        """The latest run's drafts."""
        return self.values.get("drafts") or ()

    @property
    def verdicts(self) -> Sequence[Mapping[str, Verdict]]:
        """How they were judged, by the checker's name, round by round."""
        rounds = self.values.get("verdicts") or ()
        return [
            {name: verdict for name, one in given.items() if (verdict := _read(Verdict, one))}
            for given in rounds
            if isinstance(given, Mapping)
        ]

    @property
    def plan(self) -> Plan | None:
        """The latest run's plan."""
        return _read(Plan, self.values.get("plan"))

    @property
    def task_ledgers(self) -> Sequence[TaskLedger]:
        """All versions of the latest run's facts and plan."""
        return _read_all(TaskLedger, self.values.get("task_ledgers"))

    @property
    def progress_ledgers(self) -> Sequence[ProgressLedger]:
        """What was found of the latest run's progress."""
        return _read_all(ProgressLedger, self.values.get("progress_ledgers"))

    @cached_property
    def results(self) -> Sequence[Result]:
        """What each branch brought, in declared order, or in that of the items."""
        return _read_all(Result, self.values.get("results"))

    @cached_property
    def step_results(self) -> Sequence[StepResult]:
        """What came of each step of a plan."""
        return _read_all(StepResult, self.values.get("results"))

    @property
    def votes(self) -> Votes | None:
        """How a majority came about."""
        return _read(Votes, self.values.get("votes"))


def recording_of(result: Any) -> Recording:
    """What a run has left behind.

    Args:
        result: What `invoke` gave, or the values of a saved thread.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(result, Recording):
        return result
    if not isinstance(result, Mapping):
        raise TypeError(
            f"`result` is the mapping that a graph's `invoke` gives, or "
            f"`graph.get_state(config).values`, not `{type(result).__name__}`"
        )
    return Recording(result)


def _turns(trail: Any) -> Sequence[Turn]:
    try:
        return [one if type(one) is Turn else Turn.model_validate(one) for one in trail or ()]
    except (TypeError, ValidationError):
        raise TypeError(
            "the `trail` of this result is none that a pattern has written: it holds no `Turn`s"
        ) from None


def _read(kind: type[R], value: Any) -> R | None:
    """A record, if it is one: under the same name, a user's graph may keep something of its own."""
    if value is None or isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        return None
    try:
        return kind.model_validate(value)
    except ValidationError:
        return None


def _read_all(kind: type[R], values: Any) -> Sequence[R]:
    if isinstance(values, Mapping):
        values = values.values()
    if not isinstance(values, Iterable) or isinstance(values, str):
        return ()
    return [record for value in values if (record := _read(kind, value))]
