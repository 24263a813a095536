"""The node that makes one answer of the branches' results, for every pattern that has one."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage
from pydantic import BaseModel

from langgraph_orchestra.nodes.driver import Execution, Steps, apply
from langgraph_orchestra.nodes.function import newly_said, reply_from, returned_types
from langgraph_orchestra.nodes.history import Reading
from langgraph_orchestra.nodes.intake import end_run
from langgraph_orchestra.nodes.member import as_internal
from langgraph_orchestra.nodes.participant import (
    Participant,
    Reply,
    Scene,
    answer_text,
)
from langgraph_orchestra.nodes.turn import Taken, entry, take_turn
from langgraph_orchestra.nodes.view import View, best_so_far
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import (
    ConfigurationError,
    NotEnoughResultsError,
    Stop,
)

__all__ = ["Aggregate", "aggregate_of"]

NODE = "aggregate"


@dataclass(frozen=True)
class Aggregate:
    """Makes one answer of the results."""

    scene: Scene
    """The graph."""

    min_results: int
    """How many branches must have succeeded."""

    function: Callable[[View], Any] | None
    """The aggregator, where it is a function."""

    participant: Participant | None
    """The aggregator, where it is a participant."""

    @property
    def participants(self) -> Sequence[Participant]:
        """The participant that aggregates, if one does."""
        return [self.participant] if self.participant else []

    @property
    def outputs(self) -> Sequence[type[BaseModel]]:
        """Typed answers that it may give."""
        if self.participant is not None:
            return self.participant.outputs
        return returned_types(self.function) if self.function else ()

    def run(self, view: View, execution: Execution) -> Steps[dict[str, Any]]:
        """Aggregate, and end the run.

        Raises:
            NotEnoughResultsError: Too few branches have succeeded, and no limit is the cause.
        """
        limit = self._limit(view, execution)
        if not limit and len(view.results) < self.min_results:
            error = self._not_enough(view, execution)
            self.scene.budget.invocations.forget(execution)
            raise error
        taken = yield from self._aggregate(view, execution, limit)
        self.scene.budget.invocations.forget(execution)
        stop = taken.stop or limit or Stop(reason="completed")
        if taken.failure and not taken.stop:
            stop = Stop(reason="failed", detail=taken.trail[-1].detail, by=NODE)
        reply = taken.reply
        output = best_so_far(view) if taken.failure else reply.output
        messages = _unsaid(reply.messages, view)
        return {
            "messages": messages,
            "trail": [turn.model_copy(update={"kind": "aggregate"}) for turn in taken.trail],
            "output": output,
            **reply.changes,
            **end_run(view.state, stop, messages),
        }

    def _aggregate(self, view: View, execution: Execution, limit: Stop | None) -> Steps[Taken]:
        too_few = len(view.results) < max(self.min_results, 1)
        if limit and (self.participant is not None or too_few):
            return Taken(Reply(output=best_so_far(view)), stop=limit)
        if self.participant is not None:
            return (
                yield from take_turn(
                    self.participant, view, execution, self.scene, step=view.next_step
                )
            )
        work = Work(NODE, view, execution, self.scene.budget)
        assert self.function is not None  # noqa: S101 - for the type checker
        returned = yield apply(self.function, view, blocking=True)
        if returned is None:
            raise ConfigurationError(
                f"the aggregator `{_name_of(self.function)}` returned None; it returns the answer "
                f"as text, a message, a pydantic object or a dict of state keys"
            )
        allowed = replace(self.scene, shared_keys=self.scene.shared_keys | {"votes"})
        reply = reply_from(NODE, newly_said(returned, view.messages), allowed)
        turn = entry(work, kind="aggregate", step=view.next_step, detail=_name_of(self.function))
        return Taken(reply, [turn])

    def _limit(self, view: View, execution: Execution) -> Stop | None:
        """The limit, here or further out, that kept branches from finishing."""
        failures = (result.failure for result in view.failures)
        if not any(failure and failure.type == "BudgetSpent" for failure in failures):
            return None
        try:
            Work(NODE, view, execution, self.scene.budget).check()
        except BudgetSpent as spent:
            return spent.stop
        return None

    def _not_enough(self, view: View, execution: Execution) -> NotEnoughResultsError:
        """The error, with every cause."""
        raised = self.scene.budget.invocations.of(execution).recorded
        failed = [(result.name, result.failure) for result in view.failures if result.failure]
        causes = "; ".join(f"`{name}`: {f.type}: {f.message}" for name, f in failed)
        total = len(view.results) + len(failed)
        error = NotEnoughResultsError(
            f"{len(view.results)} of {total} branches succeeded, `min_results` is "
            f"{self.min_results}: {causes or 'no other branch has run'}"
        )
        if failed:
            error.__cause__ = ExceptionGroup(
                "failed branches",
                [
                    raised.get(name) or RuntimeError(f"{f.agent}: {f.type}: {f.message}")
                    for name, f in failed
                ],
            )
        return error


def aggregate_of(given: Any, scene: Scene, min_results: int) -> Aggregate:
    """The aggregate node for what a user gave: a function, or a participant.

    Raises:
        TypeError: It is neither, or a function that takes no `View`.
    """
    if callable(given) and not isinstance(given, type) and not hasattr(given, "invoke"):
        _check_takes_view(given)
        return Aggregate(scene, min_results, given, None)
    participant = as_internal(given, scene, NODE)
    participant.history = participant.history or Reading(_results_to_read)
    return Aggregate(scene, min_results, None, participant)


def _check_takes_view(function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # Some that are written in C do not tell.
        return
    try:
        signature.bind(None)
    except TypeError:
        name = _name_of(function)
        raise TypeError(
            f"the aggregator `{name}` is called with a `View`, and takes `{signature}`; an "
            f"aggregator of the library is called first: `aggregate={name}(...)`"
        ) from None


def _results_to_read(view: View, _: str) -> Sequence[AnyMessage]:
    """The task, every result under its name, and who has brought none."""
    brought = view.answers
    if isinstance(view.results, list):  # the items of a map-reduce all have one speaker
        brought = tuple(
            HumanMessage(f"{result.name}: {answer_text(result.output)}") for result in view.results
        )
    missing = [f"{r.name} ({r.failure.type})" for r in view.failures if r.failure]
    note = [HumanMessage(f"No result from {', '.join(missing)}.")] if missing else []
    return [*view.task_messages, *brought, *note]


def _unsaid(messages: Sequence[AnyMessage], view: View) -> list[AnyMessage]:
    """The aggregate, unless a branch has said the same."""
    if not messages:
        return []
    *before, answer = messages
    said = {message.text for message in view.answers}
    return before if answer.text in said else [*before, answer]


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__)).casefold()
