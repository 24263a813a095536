"""What the nodes of one graph share while one call of it runs, and never longer.

The checkpointed state is the truth; this holds what cannot be in it yet: what turns in progress
have spent, when parallel branches began, which of them came first.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from langgraph_orchestra.nodes.driver import Execution

__all__ = ["Invocation", "Invocations", "Usage"]


@dataclass
class Usage:
    """Tokens and cost of model calls."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None

    def add(self, input_tokens: int, output_tokens: int, cost: float | None) -> None:
        """Count one more call."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        if cost is not None:
            self.cost = (self.cost or 0.0) + cost

    def add_all(self, other: "Usage") -> None:
        """Count another's calls too."""
        self.add(other.input_tokens, other.output_tokens, other.cost)


@dataclass
class Invocation:
    """One call of a graph, from its `invoke` to its return."""

    lock: threading.Condition = field(default_factory=threading.Condition)
    in_progress: dict[str, Usage] = field(default_factory=dict)
    """Spending of the tasks of this superstep, by task id: not in the trail yet."""

    superstep: str = ""
    wasted: dict[str, Usage] = field(default_factory=dict)
    """Spending of a task's earlier attempts, by task id."""

    counted: dict[str, set[str | None]] = field(default_factory=dict)
    """Ids of the answers that a task's earlier attempts have counted, by task id."""

    branches_began: float | None = None
    """When the first parallel branch began, by the monotonic clock."""

    winner: "Future[str]" = field(default_factory=Future)
    """Done as soon as one of racing branches has succeeded."""

    running: set[str] = field(default_factory=set)
    """Parallel branches that have begun and not ended."""

    ended: set[str] = field(default_factory=set)
    """Parallel branches that have ended, well or badly."""

    errors: dict[str, Exception] = field(default_factory=dict)
    """What failed branches raised, by name."""

    recorded: dict[str, Exception] = field(default_factory=dict)
    """What was raised in branches whose failure is recorded, by name."""

    failures: dict[str, int] = field(default_factory=dict)
    """How often a participant with several branches has failed in a row, by name."""

    def spending(self, superstep: str, task: str) -> Usage:
        """The account of a task of this superstep."""
        with self.lock:
            if superstep != self.superstep:
                self.superstep, self.in_progress = superstep, {}
            return self.in_progress.setdefault(task, Usage())

    def being_spent(self, superstep: str) -> Usage:
        """What all tasks of this superstep have spent so far; earlier ones are in the trail."""
        total = Usage()
        with self.lock:
            for usage in self.in_progress.values() if superstep == self.superstep else ():
                total.add_all(usage)
        return total

    def settle(self, task: str) -> None:
        """Close a task's account: what it has spent stands in the trail that it looks at now."""
        with self.lock:
            self.in_progress.pop(task, None)

    def begin_branches(self) -> None:
        """Forget the branches of an earlier round: the same ones are to begin anew."""
        with self.lock:
            for kept in (self.running, self.ended, self.errors, self.recorded):
                kept.clear()
            self.branches_began = None

    def begin_branch(self, name: str) -> float:
        """Note that a branch begins; return when the first one did."""
        with self.lock:
            self.running.add(name)
            self.ended.discard(name)
            if self.branches_began is None:
                self.branches_began = time.monotonic()
            return self.branches_began

    def end_branch(
        self, name: str, error: Exception | None = None, recorded: Exception | None = None
    ) -> None:
        """Note that a branch has ended, and with which error, raised or recorded."""
        with self.lock:
            self.running.discard(name)
            self.ended.add(name)
            if error is not None:
                self.errors[name] = error
            if recorded is not None:
                self.recorded[name] = recorded
            self.lock.notify_all()

    def note(self, participant: str, *, failed: bool) -> None:
        """Count failures in a row of a participant that has several branches."""
        with self.lock:
            self.failures[participant] = self.failures.get(participant, 0) + 1 if failed else 0

    def win(self, name: str) -> bool:
        """Claim the race; False if another branch was first."""
        with self.lock:
            if not self.winner.done():
                self.winner.set_result(name)
            return self.winner.result() == name

    def first_error(self, name: str, earlier: Iterable[str]) -> Exception:
        """Wait until the branches declared before `name` have ended; return the first error.

        Which branches will run at all is not known here (on a resume, only the unfinished ones do;
        with few threads, some begin late), so one that has not begun after a moment is not waited
        for: its thread may be this one.

        Args:
            name: A branch that has failed.
            earlier: The branches declared before it, in order.
        """
        earlier = list(earlier)
        with self.lock:
            self.lock.wait_for(lambda: self.ended.issuperset(earlier), timeout=_GRACE)
            self.lock.wait_for(lambda: self.running.isdisjoint(earlier))
            failed = next((b for b in earlier if b in self.errors), name)
            return self.errors[failed]


_GRACE = 0.25  # seconds in which LangGraph hands all branches of a step to its threads


class Invocations:
    """Finds the `Invocation` a node belongs to.

    LangGraph gives each call of an outermost graph a `RunControl` of its own, and each nested graph
    a namespace. The latest `capacity` are kept, since nothing says when a call is over.
    """

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, Invocation]] = OrderedDict()

    def of(self, execution: Execution) -> Invocation:
        """The invocation that `execution` is part of."""
        key = _key(execution)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (execution.runtime.control, Invocation())
                if len(self._kept) > self._capacity:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key][1]

    def forget(self, execution: Execution) -> None:
        """Keep nothing of a run: it has ended, or begins where one before it was cut off.

        A team that is tried again has the namespace it had; and the errors that are kept hold on to
        everything in the frames they came from.
        """
        with self._lock:
            self._kept.pop(_key(execution), None)


def _key(execution: Execution) -> Hashable:
    info = execution.runtime.execution_info
    namespace = info.checkpoint_ns.rpartition("|")[0] if info else ""
    thread = info.thread_id if info else None  # where a caller shares one control among runs
    # What is kept under the key holds `control`, so that its id is not given again meanwhile.
    return id(execution.runtime.control), thread, namespace
