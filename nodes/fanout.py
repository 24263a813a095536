"""One of several branches that run side by side: deadline, race, and which error comes first."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from langgraph.errors import GraphBubbleUp

from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.nodes.policy import is_retried
from langgraph_orchestra.nodes.turn import Bounds, Taken, take_turn
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import Failure

__all__ = ["Fanout"]


@dataclass(frozen=True)
class Fanout:
    """How the branches of a graph run."""

    scene: Scene
    """The graph."""

    deadline: float | None = None
    """Seconds from the branches' start after which late ones are given up; None waits."""

    race: bool = False
    """Whether the first success cancels the others."""

    def run(
        self,
        branch: Participant,
        view: View,
        execution: Execution,
        *,
        label: str,
        order: Sequence[str],
    ) -> Steps[Taken]:
        """Let a branch take its turn.

        Args:
            branch: Who runs in it.
            view: The run so far; a branch never sees its siblings.
            execution: The node it happens in.
            label: Name of the branch.
            order: Names of the branches as declared, at least up to this one.

        Raises:
            Exception: What the branch raised, if that is not to be recorded; in a sync run, where
                the others cannot be cancelled, what the first declared of the failed ones raised.
        """
        invocation = self.scene.budget.invocations.of(execution)
        began = invocation.begin_branch(label)
        ends = None if self.deadline is None else began + self.deadline
        bounds = Bounds(
            None if ends is None else lambda: ends - time.monotonic(),
            invocation.winner if self.race else None,
        )
        try:
            taken = yield from take_turn(
                branch, view, execution, self.scene, step=0, label=label, bounds=bounds
            )
        except GraphBubbleUp:
            invocation.end_branch(label)
            raise
        except Exception as error:
            if is_retried(branch.policy, error, execution.attempt):
                raise
            invocation.end_branch(label, error)
            if execution.is_async:
                raise
            first = invocation.first_error(label, order)
            if first is error:
                raise
            raise first from None
        invocation.end_branch(label, taken.error)
        if self.race and taken.failure is None and not invocation.win(label):
            return _beaten(taken, label)
        return taken


def _beaten(taken: Taken, label: str) -> Taken:
    """A success that came too late."""
    why = "another branch was first"
    turns = [t.model_copy(update={"outcome": "cancelled", "detail": why}) for t in taken.trail]
    failure = Failure(agent=label, type="Cancelled", message=why)
    return Taken(trail=turns, failure=failure, seconds=taken.seconds)
