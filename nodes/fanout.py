"""One of several branches that run side by side: deadline, race, and which error comes first."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.errors import GraphBubbleUp

from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.invocation import Invocation
from langgraph_orchestra.nodes.participant import Participant, Reply, Scene
from langgraph_orchestra.nodes.policy import is_tried_again
from langgraph_orchestra.nodes.turn import Bounds, Taken, take_turn
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import Failure, Turn

__all__ = ["Fanout", "beaten", "ended_at", "in_order"]


@dataclass(frozen=True)
class Fanout:
    """How the branches of a graph run."""

    scene: Scene
    """The graph."""

    deadline: float | None = None
    """Seconds from the branches' start after which late ones are given up; None waits."""

    race: bool = False
    """Whether the first success cancels the others."""

    takes_best: bool = False
    """Whether the best that a team has at a limit is taken for its answer; else it has failed."""

    def run(
        self,
        branch: Participant,
        view: View,
        execution: Execution,
        *,
        label: str,
        earlier: Iterable[str],
        key: str = "",
        is_out: bool = False,
        besides: Sequence[AnyMessage] = (),
    ) -> Steps[Taken]:
        """Let a branch take its turn.

        Args:
            branch: Who runs in it.
            view: The run so far; a branch never sees its siblings.
            execution: The node it happens in.
            label: Name of the branch, as the trail has it.
            earlier: Names of the branches declared before it; read only if it fails.
            key: What tells it from other branches of the same name; the name itself by default.
            is_out: Whether its breaker is known to be open.
            besides: Messages it must read, whatever its history policy picks.

        Raises:
            Exception: What the branch raised, if that is not to be recorded; in a sync run, where
                the others cannot be cancelled, what the first declared of the failed ones raised.
        """
        invocation, key = self.scene.budget.invocations.of(execution), key or label
        began = invocation.begin_branch(key)
        ends = None if self.deadline is None else began + self.deadline
        bounds = Bounds(
            None if ends is None else lambda: ends - time.monotonic(),
            invocation.winner if self.race else None,
        )
        try:
            taken = yield from take_turn(
                branch,
                view,
                execution,
                self.scene,
                step=0,
                label=label,
                besides=besides,
                bounds=bounds,
                is_out=is_out
                or invocation.failures.get(branch.name, 0) >= (branch.policy.breaker or inf),
            )
        except GraphBubbleUp:
            invocation.end_branch(key)
            raise
        except Exception as error:
            if is_tried_again(error):
                raise
            invocation.end_branch(key, None if execution.is_async else error)
            if execution.is_async or (first := invocation.first_error(key, earlier)) is error:
                raise
        except BaseException:  # given up from outside: nobody may wait for this branch
            invocation.end_branch(key)
            raise
        else:
            return self._ended(taken, label, key, branch, invocation)
        raise first  # outside of the handler, which would make it the cause of another's error

    def _ended(
        self, taken: Taken, label: str, key: str, branch: Participant, invocation: Invocation
    ) -> Taken:
        """What a branch that has not raised brings, unless another one was first."""
        is_answer = self.takes_best and taken.answered
        if taken.stop and taken.failure is None and not is_answer:
            failure = Failure(agent=label, type="BudgetSpent", message=taken.stop.detail)
            said = taken.reply.messages if taken.answered else ()
            taken = taken._replace(reply=Reply(said), failure=failure)
        invocation.end_branch(key, recorded=taken.error)
        if not taken.failure or taken.error or taken.failure.timed_out:
            invocation.note(branch.name, failed=taken.failure is not None)
        if self.race and taken.failure is None and not invocation.win(label):
            return beaten(label, taken.trail, taken.seconds)
        return taken


def in_order(records: Sequence[Mapping[str, Any]], step: int) -> dict[str, Any]:
    """The messages and trail of branches, one after another however they finished.

    Args:
        records: What each branch has brought, in declared order.
        step: Number of the first one's turn.
    """
    return {
        "messages": [message for record in records for message in record["messages"]],
        "trail": [
            turn.model_copy(update={"step": step + place})
            for place, record in enumerate(records)
            for turn in record["trail"]
        ],
    }


def beaten(label: str, trail: Sequence[Turn], seconds: float) -> Taken:
    """What is left of a success that came too late.

    Args:
        label: Name of the branch.
        trail: Its entries in the trail.
        seconds: How long it took.
    """
    why = "another branch was first"
    turns = [turn.model_copy(update={"outcome": "cancelled", "detail": why}) for turn in trail]
    failure = Failure(agent=label, type="Cancelled", message=why)
    return Taken(trail=turns, failure=failure, seconds=seconds)


def ended_at(trail: Sequence[Turn]) -> datetime:
    """When the last of these turns ended."""
    return max(turn.started_at + timedelta(seconds=turn.seconds) for turn in trail)
