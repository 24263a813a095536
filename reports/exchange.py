"""Who passed what to whom: what a sequence diagram shows."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from langchain_core.messages import AnyMessage, HumanMessage

from langgraph_orchestra.reports.flow import Branch, Wave, waves_of
from langgraph_orchestra.reports.recording import Recording
from langgraph_orchestra.reports.usage import worker_of
from langgraph_orchestra.reports.wording import gist_of, outcome_of
from langgraph_orchestra.state import Turn

__all__ = ["USER", "Passing", "exchange_in"]

USER = "user"
"""Who gives the task, and gets the answer."""

_WITHOUT_WORDS = frozenset({"failed", "timed_out", "skipped", "cancelled"})


@dataclass(frozen=True)
class Passing:
    """One thing said or done, and who went on with it."""

    run: int
    """Number of the run, from 1."""

    source: str
    """Who passed it."""

    targets: Sequence[str]
    """Who went on with it; empty if nobody has yet."""

    text: str
    """What was said, or why it was decided so."""

    turn: Turn | None = None
    """The entry of the trail; None for the task."""


def exchange_in(recording: Recording) -> Sequence[Passing]:
    """Who passed what to whom, in order, over all runs of a thread.

    Args:
        recording: What was left behind.
    """
    parallel = {result.name for result in recording.results}
    parallel |= {name for verdicts in recording.verdicts for name in verdicts}
    said = _messages_by_run(recording)
    passings: list[Passing] = []
    for number, (trail, messages) in enumerate(zip(recording.runs, said, strict=True), 1):
        has_ended = number < len(recording.runs) or recording.stop is not None
        waves = waves_of(trail, parallel)
        words = _words(waves, messages)
        passings += _passings(number, waves, _task_of(messages), words, has_ended)
    return passings


def _passings(
    number: int, waves: Sequence[Wave], task: str, words: Mapping[int, str], has_ended: bool
) -> Iterator[Passing]:
    yield Passing(number, USER, _names(turn for b in waves[0] for turn in b.first), task)
    end = [USER] if has_ended else []
    yield from _of_waves(number, waves, words, end)


def _of_waves(
    number: int, waves: Sequence[Wave], words: Mapping[int, str], end: Sequence[str]
) -> Iterator[Passing]:
    for place, wave in enumerate(waves):
        following = waves[place + 1] if place + 1 < len(waves) else None
        targets = _names(t for b in following for t in b.first) if following else end
        for branch in wave:
            if branch.waves:
                yield from _of_waves(number, branch.waves, words, targets)
            else:
                (turn,) = branch.turns
                text = words.get(id(turn), "")
                yield Passing(number, worker_of(turn), targets, text, turn)


def _names(turns: Iterator[Turn]) -> Sequence[str]:
    return list(dict.fromkeys(worker_of(turn) for turn in turns))


def _words(waves: Sequence[Wave], messages: Sequence[AnyMessage]) -> Mapping[int, str]:
    """What was said in each turn, by the identity of its entry.

    A message has a speaker and no number: the first that a speaker has left is that of their first
    turn. What a team said is what the last of its members brought.
    """
    said: dict[str | None, deque[str]] = {}
    for message in messages:
        if message.type != "tool" and not getattr(message, "tool_calls", None):
            said.setdefault(message.name, deque()).append(gist_of(message))
    words: dict[int, str] = {}
    for branch in (branch for wave in waves for branch in wave):
        queue = said.get(_speaker(branch))
        spoke = branch.turns[-1].outcome not in _WITHOUT_WORDS
        text = queue.popleft() if queue and spoke and _may_speak(branch) else ""
        for turn in branch.turns:
            words[id(turn)] = outcome_of(turn)
        for turn in branch.last:
            is_told = turn.detail and turn.kind != "aggregate"
            words[id(turn)] = outcome_of(turn) if is_told else text or outcome_of(turn)
    return words


def _speaker(branch: Branch) -> str:
    return branch.name.partition("[")[0]


def _may_speak(branch: Branch) -> bool:
    return bool(branch.waves) or branch.turns[0].kind != "decision"


def _task_of(messages: Sequence[AnyMessage]) -> str:
    """The last of what a run was given, as `View.task` has it."""
    given = list(takewhile(_is_task, messages))
    return given[-1].text if given else ""


def _messages_by_run(recording: Recording) -> Sequence[Sequence[AnyMessage]]:
    """The messages of each run; a run begins with what somebody without a name asks.

    Where that does not tell as many runs as there are, the messages are left out: what was said in
    which of them is not known.
    """
    if len(recording.runs) == 1:
        return [recording.messages]
    groups: list[list[AnyMessage]] = []
    for message in recording.messages:
        if not groups or (_is_task(message) and not _is_task(groups[-1][-1])):
            groups.append([])
        groups[-1].append(message)
    known = len(groups) == len(recording.runs)
    return groups if known else [[] for _ in recording.runs]


def _is_task(message: AnyMessage) -> bool:
    return isinstance(message, HumanMessage) and not message.name
