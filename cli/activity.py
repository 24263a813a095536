"""Who is at work in a run, told from its stream.

Streamed are `tasks` (a node begins or ends) and `messages` (what models say, in pieces), of the
graph and of those inside it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from langgraph_orchestra.nodes.handoff.desk import summary
from langgraph_orchestra.state import Handoff, Plan, PlanStep, TaskLedger, Turn

__all__ = ["STREAM_MODES", "Activity", "Worker", "steps_planned", "untold_handoffs"]

STREAM_MODES = ["tasks", "messages"]

_MECHANICAL = frozenset({"intake", "join"})
"""Nodes in which nobody works."""


@dataclass
class Worker:
    """Someone at work."""

    path: str
    """As the trail will name them."""

    began: float
    """When, by the clock of their `Activity`."""

    said: str = ""
    """What they have said so far in their latest message."""

    message_id: str | None = None
    """Of that message."""


class Activity:
    """Follows the stream of a run.

    Args:
        clock: Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.began = clock()
        self._workers: dict[str, Worker] = {}
        self._seen: set[Any] = set()

    @property
    def workers(self) -> Sequence[Worker]:
        """Those at work now; of a team, its members."""
        present = list(self._workers.values())
        teams = {team for one in present for team in _teams_of(one.path)}
        return [one for one in present if one.path not in teams]

    def follow(self, part: tuple[Sequence[str], str, Any]) -> Sequence[Turn]:
        """Take in a part of the stream.

        Args:
            part: Namespace, mode and data, as `astream(subgraphs=True)` gives them.

        Returns:
            Turns that have ended, each reported once.
        """
        namespace, mode, data = part
        if mode == "messages":
            message, metadata = data
            self._hear(message, metadata.get("langgraph_checkpoint_ns", ""))
            return ()
        if "result" not in data:
            self._begin(namespace, data)
            return ()
        self._workers.pop(data["id"], None)
        return [turn for turn in _turns_in(data["result"]) if self._is_new(turn)]

    def _begin(self, namespace: Sequence[str], task: Mapping[str, Any]) -> None:
        # The nodes of an agent's own graph, its model and its tools, are that agent at work.
        if task["name"] in _MECHANICAL or "lc_agent_name" in task.get("metadata", {}):
            return
        path = "/".join([*(place.partition(":")[0] for place in namespace), task["name"]])
        self._workers[task["id"]] = Worker(path, self.clock())

    def _hear(self, message: BaseMessage, namespace: str) -> None:
        if not isinstance(message, AIMessage) or not (worker := self._worker_in(namespace)):
            return
        if message.id != worker.message_id or not isinstance(message, AIMessageChunk):
            worker.said, worker.message_id = "", message.id
        worker.said += message.text
        chunks = message.tool_call_chunks if isinstance(message, AIMessageChunk) else ()
        if calls := [call["name"] for call in chunks if call["name"]]:
            worker.said = f"{worker.said} calls {', '.join(calls)}".strip()

    def _worker_in(self, namespace: str) -> Worker | None:
        """The innermost worker of a namespace such as `team:<task>|writer:<task>`."""
        tasks = (place.split(":")[1:2] for place in reversed(namespace.split("|")))
        return next((self._workers[task] for [task] in tasks if task in self._workers), None)

    def _is_new(self, turn: Turn) -> bool:
        """Whether a turn has not been reported: a team's members stand in its own update too."""
        key = (turn.path, turn.started_at)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _teams_of(path: str) -> Iterator[str]:
    """The teams around somebody: `a` and `a/b` of `a/b/c`."""
    while path := path.rpartition("/")[0]:
        yield path


def _turns_in(update: Any) -> Iterator[Turn]:
    """The trail's entries in a node's update; branches keep theirs for the join."""
    if not isinstance(update, Mapping):
        return
    branches = update.get("branch_records")
    records = branches.values() if isinstance(branches, Mapping) else ()
    for holder in (update, *records):
        yield from (turn for turn in holder.get("trail") or () if isinstance(turn, Turn))


def steps_planned(part: tuple[Sequence[str], str, Any]) -> Sequence[PlanStep]:
    """The steps of a plan that has been made in a part of the stream; empty if none has."""
    _, mode, data = part
    update = data.get("result") if mode == "tasks" and data["name"] == "planner" else None
    if not isinstance(update, Mapping):
        return ()
    if isinstance(plan := update.get("plan"), Plan):
        return plan.steps
    ledgers = update.get("task_ledgers")
    latest = ledgers[-1] if isinstance(ledgers, list) and ledgers else None
    return latest.plan if isinstance(latest, TaskLedger) else ()


def untold_handoffs(part: tuple[Sequence[str], str, Any]) -> Sequence[Handoff]:
    """Handoffs in a part of the stream that no turn in it tells of: those that moved nobody."""
    _, mode, data = part
    update = data.get("result") if mode == "tasks" else None
    written = update.get("handoffs") if isinstance(update, Mapping) else None
    if not isinstance(written, list):  # a new run overwrites them
        return ()
    told = {turn.detail for turn in _turns_in(update) if turn.outcome == "handed_off"}
    handoffs = [one for one in written if isinstance(one, Handoff)]
    return [one for one in handoffs if one.outcome != "accepted" or summary(one) not in told]
