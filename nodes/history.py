"""History policies: what of the conversation a participant reads.

A policy picks messages of the thread, as they are stored; how they look to the one who reads them
is `prompt.py`'s business. Any function from a `View` to a list of messages is a policy too, sync or
async. Tool calls and their results are kept or left out together, whatever a policy picks.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.messages import (
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.messages.utils import count_tokens_approximately

from langgraph_orchestra.nodes.checks import natural_number
from langgraph_orchestra.nodes.driver import Steps, apply
from langgraph_orchestra.nodes.handoff.tool import is_handoff_result
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.prompt import Tools
from langgraph_orchestra.nodes.view import View, is_answer
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "History",
    "Reading",
    "Summarised",
    "everything",
    "last_only",
    "own_and_task",
    "read",
    "recent",
    "summarised",
    "task_and_last",
    "task_only",
    "this_run",
    "whole",
    "within",
]

Messages = Sequence[AnyMessage]


class History(Protocol):
    """What a participant reads: a function from a `View` to messages of the thread."""

    def __call__(self, view: View, /) -> Messages | Awaitable[Messages]:
        """Pick messages."""


@dataclass(frozen=True)
class Reading:
    """A policy of ours."""

    pick: Callable[[View, str], Messages]
    """Which messages, from the view and the reader's name."""

    tools: Tools = "own"
    """Whose tool calls and results are read: one's `own`, `all` (another's as a line of text), or
    `none`."""

    def __post_init__(self) -> None:
        if self.tools not in ("own", "all", "none"):
            raise ConfigurationError(f"`tools` is {self.tools!r}; it is 'own', 'all' or 'none'")

    def __call__(self, view: View, /) -> Messages:
        """Pick for a reader without a name."""
        return self.pick(view, "")


def everything(*, tools: Tools = "own") -> History:
    """Read the whole thread, earlier runs included.

    Args:
        tools: Whose tool calls and results are read, here and in the other policies: one's `own`,
            `all` (another's as a line of text), or `none`.
    """
    return Reading(lambda view, _: view.messages, tools)


def this_run(*, tools: Tools = "own") -> History:
    """Read this run's task and everything said since, but nothing of earlier runs."""
    return Reading(lambda view, _: view.run_messages, tools)


def task_and_last(*, tools: Tools = "own") -> History:
    """Read this run's task and the latest answer: a fresh context for each stage."""
    return Reading(lambda view, _: [*view.task_messages, *_last_with_tools(view)], tools)


def task_only(*, tools: Tools = "own") -> History:
    """Read this run's task, with its images, and nothing that was said since."""
    return Reading(lambda view, _: view.task_messages, tools)


def last_only(*, tools: Tools = "own") -> History:
    """Read the latest answer of this run; the task where nobody has answered yet."""
    return Reading(lambda view, _: _last_with_tools(view) or view.task_messages, tools)


def own_and_task(*, tools: Tools = "own") -> History:
    """Read this run's task and what the reader said itself."""

    def pick(view: View, reader: str) -> Messages:
        own = [m for group in _with_results(view.said) if group[0].name == reader for m in group]
        return [*view.task_messages, *own]

    return Reading(pick, tools)


def recent(n: int, *, tools: Tools = "own") -> History:
    """Read the last messages of the thread.

    Args:
        n: How many; more where a tool call and its result would be torn apart.
        tools: Whose tool calls and results are read.
    """
    natural_number("n", n)
    return Reading(lambda view, _: _latest(view.messages, n), tools)


def within(
    tokens: int,
    *,
    counter: Callable[[list[Any]], int] = count_tokens_approximately,
    tools: Tools = "own",
) -> History:
    """Read as many of the thread's last messages as fit, by LangChain's `trim_messages`.

    Args:
        tokens: How many tokens may be read.
        counter: Counts the tokens of messages; LangChain's approximation by default.
        tools: Whose tool calls and results are read.
    """
    natural_number("tokens", tokens)

    def pick(view: View, _: str) -> Messages:
        kept: Any = trim_messages(list(view.messages), max_tokens=tokens, token_counter=counter)
        return whole(kept)

    return Reading(pick, tools)


def summarised(
    model: "str | BaseChatModel | None" = None, *, keep: int = 6, tools: Tools = "own"
) -> History:
    """Read a summary of the older part of the thread, written by a model, and its last messages.

    The summary is asked for each time the policy is applied, and is not stored.

    Args:
        model: Who summarises; None takes the context's `model`, then `ORCHESTRA_MODEL`.
        keep: How many of the last messages are read as they are.
        tools: Whose tool calls and results are read.
    """
    natural_number("keep", keep)
    return Summarised(lambda view, _: _latest(view.messages, keep), tools, ModelSource(model))


SUMMARY_PROMPT = (
    "Summarise this conversation for someone who joins it now. Keep the task, every decision, "
    "figure, name and open question; leave out what has been superseded."
)
"""Instruction of the model that writes the summary of `summarised`."""


@dataclass(frozen=True)
class Summarised(Reading):
    """The policy `summarised`: its model call belongs to the reader's turn."""

    model: ModelSource = field(default_factory=lambda: ModelSource(None))

    def steps(self, work: Work) -> Steps[Messages]:
        """Ask for the summary, if there is anything older than what is read as it is."""
        kept = self.pick(work.view, work.name)
        read_as_it_is = {id(message) for message in kept}
        older = [
            m
            for m in work.view.messages
            if id(m) not in read_as_it_is and m.text and not is_handoff_result(m)
        ]
        if not older:
            return kept
        transcript = "\n\n".join(f"{m.name or m.type}: {m.text}" for m in older)
        summary = yield from work.ask(
            self.model.resolve(work.execution),
            [SystemMessage(SUMMARY_PROMPT), HumanMessage(transcript)],
            work.quietly(),
        )
        return [HumanMessage(f"Summary of the conversation so far:\n{summary.text}"), *kept]


def read(history: History, work: Work) -> Steps[Messages]:
    """What the one at work reads by a policy, and last what they must read whatever it picks.

    Raises:
        ConfigurationError: A user's policy returned something else than messages.
    """
    if isinstance(history, Summarised):
        picked = yield from history.steps(work)
    elif isinstance(history, Reading):
        picked = history.pick(work.view, work.name)
    else:
        picked = yield from _picked(history, work)
    if not work.besides:
        return picked
    besides = set(map(id, work.besides))
    if besides.isdisjoint(map(id, picked)):
        return [*picked, *work.besides]
    return [*[message for message in picked if id(message) not in besides], *work.besides]


def _picked(history: History, work: Work) -> Steps[Messages]:
    """What a user's policy picks."""
    picked = yield apply(history, work.view)
    if not isinstance(picked, Sequence) or not all(
        issubclass(kind, BaseMessage) for kind in set(map(type, picked))
    ):
        raise ConfigurationError(
            f"the history policy of `{work.name}` returned {picked!r}, not a list of messages"
        )
    return whole(picked)


def _latest(messages: Messages, n: int) -> Messages:
    """The last messages; more of them where a tool's result would come without its call."""
    start = max(0, len(messages) - n)
    while start > 0 and messages[start].type == "tool":
        start -= 1
    return messages[start:]


def _last_with_tools(view: View) -> Messages:
    """The latest answer, and the tool calls and results before it."""
    messages, last = view.said, view.last_answer
    if last is None:
        return ()
    end = len(messages)
    while messages[end - 1] is not last:
        end -= 1
    start = end - 1
    while start > 0 and not is_answer(messages[start - 1]):
        start -= 1
    return messages[start:end]


def _with_results(messages: Messages) -> Iterator[Sequence[AnyMessage]]:
    """Each message with the tools' results that follow it; ids of calls come more than once."""
    group: list[AnyMessage] = []
    for message in messages:
        if group and message.type != "tool":
            yield group
            group = []
        group.append(message)
    if group:
        yield group


def whole(messages: Messages) -> list[AnyMessage]:
    """Leave out tool calls that lack a result right after them, and results without their call."""
    kept: list[AnyMessage] = []
    for first, *results in _with_results(messages):
        calls = () if first.type == "human" else getattr(first, "tool_calls", ())
        if not calls and not results and first.type != "tool":
            kept.append(first)
            continue
        called = {call["id"] for call in calls}
        answered = {m.tool_call_id: m for m in results if isinstance(m, ToolMessage)}
        if first.type != "tool" and called <= answered.keys():
            kept += [first, *(answered[one] for one in answered if one in called)]
    return kept
