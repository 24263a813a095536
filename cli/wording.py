"""How times, amounts and what somebody said are written for a reader."""

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from pydantic import BaseModel

from langgraph_orchestra.cli.errors import one_line
from langgraph_orchestra.cli.thread import Standing
from langgraph_orchestra.nodes.limits import Spent

__all__ = [
    "as_text",
    "calls_in",
    "clean",
    "duration",
    "speaker_of",
    "spending",
    "summary",
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
    detail = f" ({one_line(clean(stop.detail), 200)})" if stop and stop.detail else ""
    return " · ".join([f"{why_it_stands(standing)}{detail}", *spending(standing.spent)])


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


def calls_in(message: AnyMessage) -> Sequence[str]:
    """The tool calls of a message, as `search(query='octopus')`."""
    if not isinstance(message, AIMessage):
        return ()
    return [
        f"{call['name']}({', '.join(f'{name}={value!r}' for name, value in call['args'].items())})"
        for call in message.tool_calls
    ]
