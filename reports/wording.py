"""What somebody said or did, in words for a reader."""

import json
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage
from pydantic import BaseModel

from langgraph_orchestra.reports.text import clean, one_line
from langgraph_orchestra.state import Handoff, Turn

__all__ = ["as_text", "gist_of", "outcome_of", "speaker_of", "why_handed_over", "words_of"]


def as_text(value: Any) -> str:
    """An answer as text: typed objects in words of their own or as JSON, other things as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, BaseModel):
        has_words = type(value).__str__ is not BaseModel.__str__
        return str(value) if has_words else value.model_dump_json(indent=2)
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def outcome_of(turn: Turn) -> str:
    """What there is to say of how a turn went, each thing once; empty where nothing is."""
    detail = one_line(clean(turn.detail), 300)
    if turn.outcome in ("ok", "handed_off") or detail.startswith(turn.outcome):
        return detail
    return ": ".join(filter(None, [turn.outcome, detail]))


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


def gist_of(message: AnyMessage) -> str:
    """What a message says in a line; a typed answer as its fields, `action: buy · sure: 0.6`."""
    if message.text.startswith("{"):
        try:
            fields = json.loads(message.text)
        except ValueError:
            return message.text
        return " · ".join(f"{name}: {_gist(value)}" for name, value in fields.items())
    return message.text


def _gist(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_gist, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def words_of(message: AnyMessage) -> str:
    """What a message says; a typed answer, stored as JSON in one line, in many."""
    if message.text.startswith(("{", "[")):
        try:
            return as_text(json.loads(message.text))
        except ValueError:
            pass
    return message.text
