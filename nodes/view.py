"""`View`: the one thing every callback is given, a frozen snapshot of the run."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage
from pydantic_core import to_json

from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.state import Result, RunInfo, StepResult, Turn, append_messages

__all__ = [
    "WHOLE_TASK",
    "View",
    "best_answer",
    "best_so_far",
    "is_answer",
    "is_turn",
    "text_of",
    "this_run",
]

WHOLE_TASK = "__orchestra_whole_task"
"""Key of the run's task, in the state of a node whose own is a part of it."""

_NOBODY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class View:
    """What selectors, conditions, histories, aggregators and plain-function participants see.

    Everything is derived from `state`, when asked for. To test a callback of your own, build one
    from a state: `View({"messages": [HumanMessage("Write about octopuses")]})`.
    """

    state: Mapping[str, Any]
    """The whole state, read-only; custom keys are here."""

    speakers: Mapping[str, str] = field(default_factory=lambda: _NOBODY)
    """Names of the participants, with their descriptions, in declared order."""

    prefix: str = ""
    """Path of this graph in the outermost one; empty there."""

    def __post_init__(self) -> None:
        self.__dict__["state"] = MappingProxyType(self.state)

    @lazy
    def task(self) -> str:
        """Text of the last human message of this run's input; in a map-reduce worker, the item."""
        asked = [m for m in self.task_messages if isinstance(m, HumanMessage)]
        if not asked and "item" in self.state and "index" in self.state:
            return _item_text(self.state["item"])
        return asked[-1].text if asked else ""

    @property
    def whole_task(self) -> str:
        """The task of the whole run; for who does one step of a plan, that of the plan."""
        return str(self.state.get(WHOLE_TASK) or self.task)

    @lazy
    def messages(self) -> Sequence[AnyMessage]:
        """The whole thread."""
        return tuple(self.state.get("messages") or ())

    @property
    def run_messages(self) -> Sequence[AnyMessage]:
        """This run's part of the thread, from the first message of its input."""
        return self.messages[self._bounds[0] :]

    @property
    def task_messages(self) -> Sequence[AnyMessage]:
        """The messages this run was given, in order."""
        began, answered = self._bounds
        return self.messages[began:answered]

    @lazy
    def said(self) -> Sequence[AnyMessage]:
        """What was said in this run: its messages without the task."""
        return self.messages[self._bounds[1] :]

    @lazy
    def answers(self) -> Sequence[AnyMessage]:
        """What participants answered in this run: `said` without tool calls and their results."""
        return tuple(m for m in self.said if is_answer(m))

    @lazy
    def drafts(self) -> Sequence[AnyMessage]:
        """`answers` without the words with which a person sent one of them back."""
        feedback = {(t.agent, t.detail) for t in self.turns if t.outcome == "refused"}
        return tuple(m for m in self.answers if (m.name, m.text) not in feedback)

    @lazy
    def turns(self) -> tuple[Turn, ...]:
        """The turns of this run: one for each participant's answer, a team's members folded."""
        steps = groupby(filter(is_turn, self.trail), key=attrgetter("step"))
        return tuple(_folded(list(turns), self.prefix) for _, turns in steps)

    @lazy
    def trail(self) -> tuple[Turn, ...]:
        """This run's entries in the trail: turns, decisions and aggregates."""
        return this_run(self.state)

    @property
    def last(self) -> Turn | None:
        """The latest turn; None before the first."""
        latest = groupby(filter(is_turn, reversed(self.trail)), key=attrgetter("step"))
        turns = next((list(turns) for _, turns in latest), None)
        return _folded(turns[::-1], self.prefix) if turns else None

    @lazy
    def turn_number(self) -> int:
        """Number of this run's latest turn, 0 before the first.

        In a conversation, that is how many there have been; a decision has the number of the turn
        it leads to.
        """
        entries = self.state.get("trail") or ()
        for place in range(len(entries) - 1, self._run.get("first_turn", 0) - 1, -1):
            if is_turn(entries[place]):
                step: int = entries[place].step
                return step
        return 0

    @property
    def last_speaker(self) -> str | None:
        """Who spoke last on this thread, in earlier runs too; None before anybody has.

        A turn that a limit has cut short does not count; a failed one does.
        """
        return next(self.latest_speakers(), None)

    def latest_speakers(self) -> Iterator[str]:
        """Who took the turns on this thread, the latest first, in earlier runs too."""
        trail = reversed(self.state.get("trail") or ())
        taken = (turn for turn in trail if is_turn(turn) and turn.outcome != "cancelled")
        for _, turns in groupby(taken, key=attrgetter("step")):
            turn = next(turns)
            name: str = (turn.path.split("/")[_depth(self.prefix) :] or [turn.agent])[0]
            yield name.partition("[")[0]

    @lazy
    def last_answer(self) -> AnyMessage | None:
        """The latest answer in this run; None before the first.

        A person's feedback is the latest only until somebody has tried to heed it: where they have
        failed, the draft is it again.
        """
        for latest in reversed(self.said):
            if is_answer(latest):
                break
        else:
            return None
        if latest.type != "human" or latest in self.drafts:
            return latest
        if self.last is None or self.last.outcome == "refused":
            return latest
        return self.drafts[-1] if self.drafts else None

    @property
    def last_text(self) -> str:
        """Text of the latest answer in this run; empty before the first."""
        return self.last_answer.text if self.last_answer else ""

    @lazy
    def results(self) -> Any:
        """The successes among `state["results"]`: a mapping by name, or a list in a map-reduce.

        In a supervisor's graph, a mapping by the ids of the steps.
        """
        results: Any = self.state.get("results") or {}
        if not isinstance(results, Mapping):
            return [result for result in self._every_result if result.ok]
        named = zip(results, self._every_result, strict=True)
        return {name: result for name, result in named if result.ok}

    @property
    def failures(self) -> Sequence[Any]:
        """The results without an output."""
        return [result for result in self._every_result if not result.ok]

    @lazy
    def _every_result(self) -> Sequence[Result | StepResult]:
        """All results, as records again where a strict server gives plain data back."""
        results: Any = self.state.get("results") or {}
        every = results.values() if isinstance(results, Mapping) else results
        return [_record_of(result) for result in every]

    @property
    def next_step(self) -> int:
        """Number of the next turn in this run."""
        return self.trail[-1].step + 1 if self.trail else 1

    def after(
        self,
        messages: Sequence[AnyMessage],
        trail: Sequence[Turn],
        values: Mapping[str, Any] = MappingProxyType({}),
    ) -> "View":
        """The view after a turn that has written these messages, entries and values of keys."""
        state = {
            **self.state,
            **values,
            "messages": append_messages(list(self.messages), [list(messages)]),
            "trail": [*(self.state.get("trail") or ()), *trail],
        }
        return View(state, self.speakers, self.prefix)

    @property
    def _run(self) -> RunInfo:
        return self.state.get("run_info") or RunInfo()

    @lazy
    def _bounds(self) -> tuple[int, int]:
        """Places of this run's first message and of the first one after its input."""
        run, every = self._run, len(self.messages)
        began = run.get("first_message", 0)
        given = run.get("input_messages")
        return began, every if given is None else began + given


def _record_of(result: Any) -> Result | StepResult:
    """A result as a record: of a step, or of a branch."""
    if isinstance(result, Result | StepResult):
        return result
    return (StepResult if "step" in result else Result).model_validate(result)


_TURNS = frozenset({"agent", "human", "function"})


def this_run(state: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The trail's entries of the current run."""
    return tuple((state.get("trail") or ())[(state.get("run_info") or {}).get("first_turn", 0) :])


def best_so_far(view: View) -> Any:
    """What a run that ends early has to show: the last non-empty answer.

    A person's answer counts only if nobody else has spoken; a draft they have edited counts as the
    draft.
    """
    output = view.state.get("output")
    if output not in ("", None):
        return output
    best = best_answer(view)
    return best.text if best else ""


def best_answer(view: View) -> AnyMessage | None:
    """The message that holds the last non-empty answer, by the same rules; None without one."""
    editors = {turn.agent for turn in view.turns if turn.detail == "edited"}
    spoken = [message for message in view.drafts if message.text.strip()]
    by_others = [message for message in spoken if not _is_personal([message], editors)]
    return (by_others or spoken)[-1] if spoken else None


def _is_personal(answer: Sequence[AnyMessage], editors: Container[str | None]) -> bool:
    """Whether an answer, if there is one, is a person's own and not a draft they have edited."""
    return any(message.type == "human" and message.name not in editors for message in answer)


def is_answer(message: AnyMessage) -> bool:
    """Whether a message is what somebody said, not a tool call or a tool's result."""
    return message.type == "human" or (message.type == "ai" and not message.tool_calls)


def text_of(message: AnyMessage) -> str:
    """Text of a message, as `message.text`, which makes a special string of every plain one."""
    content = message.content
    return content if isinstance(content, str) else message.text


def is_turn(entry: Turn) -> bool:
    """Whether an entry of the trail is of a turn that was taken."""
    return entry.kind in _TURNS and entry.outcome != "skipped"


def _depth(prefix: str) -> int:
    """How many teams a graph is in."""
    return prefix.count("/") + 1 if prefix else 0


def _folded(members: Sequence[Turn], prefix: str) -> Turn:
    """One turn for a team: its members' entries share a step."""
    first, depth = members[0], _depth(prefix)
    if first.path.count("/") <= depth:  # a participant's own
        return first
    team = first.path.split("/")[depth]
    last = max(members, key=lambda turn: turn.started_at)
    began = min(turn.started_at for turn in members)
    costs = [turn.cost for turn in members if turn.cost is not None]
    return first.model_copy(
        update={
            "agent": team.partition("[")[0],
            "path": f"{prefix}/{team}" if prefix else team,
            "started_at": began,
            "seconds": max((t.started_at - began).total_seconds() + t.seconds for t in members),
            "input_tokens": sum(turn.input_tokens for turn in members),
            "output_tokens": sum(turn.output_tokens for turn in members),
            "cost": sum(costs) if costs else None,
            # Its members stand in the trail because it has answered, whatever failed inside.
            "outcome": "handed_off" if last.outcome == "handed_off" else "ok",
            "kind": "agent",
            "detail": "",
        }
    )


def _item_text(item: Any) -> str:
    return item if isinstance(item, str) else to_json(item).decode()
