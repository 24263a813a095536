"""How amounts, ends and calls are written for a reader, besides what `reports` has words for."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.messages.tool import ToolCall

from langgraph_orchestra.cli.thread import Standing
from langgraph_orchestra.nodes.handoff.tool import handoff_from, is_handoff_tool_name
from langgraph_orchestra.nodes.limits import Spent
from langgraph_orchestra.reports.text import amount, clean, counted, duration, one_line
from langgraph_orchestra.reports.wording import (
    as_text,
    outcome_of,
    speaker_of,
    why_handed_over,
    words_of,
)
from langgraph_orchestra.state import PlanStep

__all__ = [
    "as_text",
    "calls_in",
    "clean",
    "duration",
    "outcome_of",
    "speaker_of",
    "spending",
    "summary",
    "task_of",
    "why_handed_over",
    "why_it_stands",
    "words_of",
]


def spending(spent: Spent) -> Sequence[str]:
    """Turns, tokens, cost and time, each in words; what is unknown is left out."""
    tokens = f"{spent.tokens:,} tokens" if spent.tokens else ""
    cost = amount(spent.cost or None)
    parts = (counted(spent.turns, "turn"), tokens, cost, duration(spent.seconds))
    return [part for part in parts if part]


def why_it_stands(standing: Standing) -> str:
    """In a word or two, why a thread does not go on."""
    if standing.status == "interrupted":
        return "waiting"
    if standing.status == "finished" and standing.stop:
        return standing.stop.reason
    return standing.status


def summary(standing: Standing) -> str:
    """How the latest run ended, and what it has used, in a line."""
    stop = standing.stop
    told = stop is not None and stop.detail not in ("", stop.reason)
    detail = f" ({one_line(clean(stop.detail), 200)})" if stop and told else ""
    return " · ".join([f"{why_it_stands(standing)}{detail}", *spending(standing.spent)])


def task_of(step: PlanStep) -> str:
    """What is to be done in a step of a plan, and after which others."""
    after = f" (after {', '.join(step.depends_on)})" if step.depends_on else ""
    return f"{step.task}{after}"


def calls_in(message: AnyMessage, *, hands_over: bool = False) -> Sequence[str]:
    """The tool calls of a message, as `calls search(query='octopus')`.

    Args:
        message: Any message.
        hands_over: Whether calls to hand over are told as what they are: `hands over to billing`.
    """
    if not isinstance(message, AIMessage):
        return ()
    return [
        _handoff(call) if hands_over and is_handoff_tool_name(call["name"]) else _call(call)
        for call in message.tool_calls
    ]


def _call(call: ToolCall) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
    return f"calls {one_line(call['name'] + f'({arguments})', 300)}"


def _handoff(call: ToolCall) -> str:
    """A handoff with its reason, and what else the target is told in lines of their own."""
    asked = handoff_from(call, "")
    urgency = f" ({asked.priority})" if asked.priority != "normal" else ""
    reason = f": {one_line(asked.reason, 300)}" if asked.reason else ""
    told = {"context": asked.context, "instructions": asked.instructions}
    lines = [f"{name}: {one_line(words, 300)}" for name, words in told.items() if words]
    return "\n".join([f"hands over to {asked.target}{urgency}{reason}", *lines])
