"""How times, amounts and what somebody said are written for a reader."""

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.messages.tool import ToolCall
from pydantic import BaseModel

from langgraph_orchestra.cli.errors import one_line
from langgraph_orchestra.cli.thread import Standing
from langgraph_orchestra.nodes.handoff.tool import handoff_from, is_handoff_tool_name
from langgraph_orchestra.nodes.limits import Spent
from langgraph_orchestra.state import Handoff, PlanStep, Turn

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

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """A text without what a terminal would obey: a model's answer must not move the cursor."""
    return _CONTROLS.sub("", text)


def as_text(value: Any) -> str:
    """An answer as text: typed objects in words of their own or as JSON, other things as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, BaseModel):
        has_words = type(value).__str__ is not BaseModel.__str__
        return str(value) if has_words else value.model_dump_json(indent=2)
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def duration(seconds: float) -> str:
    """A time: `40 ms`, `12.3 s`, `2 min 05 s`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def spending(spent: Spent) -> Sequence[str]:
    """Turns, tokens, cost and time, each in words; what is unknown is left out."""
    turns = "1 turn" if spent.turns == 1 else f"{spent.turns:,} turns"
    tokens = f"{spent.tokens:,} tokens" if spent.tokens else ""
    cost = f"${spent.cost:.4f}" if spent.cost else ""
    return [part for part in (turns, tokens, cost, duration(spent.seconds)) if part]


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


def outcome_of(turn: Turn) -> str:
    """What there is to say of how a turn went, each thing once; empty where nothing is."""
    detail = one_line(clean(turn.detail), 300)
    if turn.outcome in ("ok", "handed_off") or detail.startswith(turn.outcome):
        return detail
    return ": ".join(filter(None, [turn.outcome, detail]))


def task_of(step: PlanStep) -> str:
    """What is to be done in a step of a plan, and after which others."""
    after = f" (after {', '.join(step.depends_on)})" if step.depends_on else ""
    return f"{step.task}{after}"


def why_handed_over(handoff: Handoff) -> str:
    """The reason of a handoff, and why it was not taken if it was not."""
    reason = one_line(clean(handoff.reason), 200)
    if handoff.outcome == "accepted":
        return reason
    untaken = ": ".join(filter(None, [handoff.outcome, one_line(clean(handoff.detail), 200)]))
    return f"{reason} ({untaken})" if reason else untaken


def speaker_of(message: AnyMessage) -> str:
    """Whose words a message holds: `task` for what a run was given."""
    if message.name:
        return message.name
    return "task" if isinstance(message, HumanMessage) else message.type


def words_of(message: AnyMessage) -> str:
    """What a message says; a typed answer, stored as JSON in one line, in many."""
    if message.text.startswith(("{", "[")):
        try:
            return as_text(json.loads(message.text))
        except ValueError:
            pass
    return message.text


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
