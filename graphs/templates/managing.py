"""How stand-ins manage, and are managed: what they are asked for, and what they read."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel, PrivateAttr
from typing_extensions import override

from langgraph_orchestra.models import StandIn

__all__ = [
    "Decisions",
    "Delivered",
    "ManagerStandIn",
    "Rule",
    "feedback_in",
    "goal_in",
    "step_in",
    "under_review",
]

Rule = Callable[[Sequence[BaseMessage]], str | BaseModel]
"""From the messages sent to an answer."""

Decisions = Mapping[type[BaseModel], Rule]
"""The rule for each typed decision."""

GOAL = "Task: "
STEP = "Your step: "
RESULT = "\nResult: "
EXPECTED = "\nExpected: "
FEEDBACK = "What must change: "


class Delivered(NamedTuple):
    """What a worker has brought, as a supervisor reads it."""

    step: str
    """Id of the step."""

    worker: str
    task: str
    result: str
    """As text; empty if the step has failed."""


def goal_in(messages: Iterable[BaseMessage]) -> str:
    """The task that a supervisor was set, where it plans or closes."""
    return next(message.text for message in messages if message.type == "human")


def under_review(
    messages: Iterable[BaseMessage], steps: Iterable[str]
) -> tuple[str, list[Delivered]]:
    """What a supervisor reads when it reviews: the task, and the results.

    Args:
        messages: What it reads.
        steps: Ids of the steps that its plans have: only these are looked for, as a task may well
            hold something that looks like a result.
    """
    text, ids = goal_in(messages), "|".join(map(re.escape, steps))
    beginnings = [*re.finditer(rf"\n\n({ids}) by ([\w-]+): ", text)]
    ends = [*(one.start() for one in beginnings), len(text)]
    delivered = []
    for beginning, end in zip(beginnings, ends[1:], strict=True):
        task, _, result = text[beginning.end() : end].partition(RESULT)
        step, worker = beginning.groups()
        delivered.append(Delivered(step, worker, task, result))
    return text[: ends[0]].removeprefix(GOAL), delivered


def step_in(messages: Iterable[BaseMessage]) -> str:
    """The step that a worker was given, be it alone or a team, without what is expected of it."""
    return _paragraph(STEP, messages).partition(EXPECTED)[0]


def feedback_in(messages: Iterable[BaseMessage]) -> str:
    """What must change in the former answer; empty if there is none."""
    return _paragraph(FEEDBACK, messages)


def _paragraph(title: str, messages: Iterable[BaseMessage]) -> str:
    """What stands under a title, which begins a paragraph, in what was read first."""
    return f"\n\n{goal_in(messages)}".partition(f"\n\n{title}")[2].partition("\n\n")[0]


class ManagerStandIn(StandIn):
    """Answers by the rule for what it is asked for, and gives way to a model that the run names.

    Args:
        decisions: The rule for each typed decision it is asked for.
        text: The rule for everything else: the closing words.
    """

    gives_way: ClassVar[bool] = True

    _decisions: Decisions = PrivateAttr()

    def __init__(self, decisions: Decisions, text: Rule) -> None:
        super().__init__(text)
        self._decisions = decisions

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools, of which a decision is one: its rule answers then."""
        asked_for = (rule for kind, rule in self._decisions.items() if kind in tools)
        if (rule := next(asked_for, None)) is not None:
            return StandIn(rule).bind_tools(tools, tool_choice=tool_choice, **kwargs)
        return super().bind_tools(tools, tool_choice=tool_choice, **kwargs)
