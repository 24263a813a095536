"""What the target of a handoff is told of it: a message for its prompt, never stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage

from langgraph_orchestra.nodes.history import History, Reading
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import Handoff

__all__ = ["conversation", "note_for", "note_text"]


def conversation() -> History:
    """Read the whole conversation, others' tool results as lines of text.

    In its later turns, a target finds what it was told at the handoff where control came to it.
    """
    return Reading(_with_note, "all")


def note_for(view: View, reader: str) -> Sequence[AnyMessage]:
    """What a participant is told last, in its first turn after it was handed over to."""
    handoff = _latest(view.state, reader)
    return () if handoff is None or _has_spoken(view, reader) else (_note(handoff),)


def note_text(handoff: Handoff) -> str:
    """A handoff in words: why, and what the target must know and do."""
    parts = {
        "Over to you": handoff.reason if handoff.reason.strip() else "please go on.",
        "Context": handoff.context,
        "Instructions": handoff.instructions,
        "Priority": "" if handoff.priority == "normal" else handoff.priority,
    }
    return "\n".join(f"{title}: {text}" for title, text in parts.items() if text.strip())


def _with_note(view: View, reader: str) -> Sequence[AnyMessage]:
    handoff = _latest(view.state, reader)
    if handoff is None or not _has_spoken(view, reader):
        return view.messages
    place = _began_at(view.state)
    return [*view.messages[:place], _note(handoff), *view.messages[place:]]


def _note(handoff: Handoff) -> AIMessage:
    """As the sender's words: a prompt shows them under its name."""
    return AIMessage(note_text(handoff), name=handoff.source)


def _latest(state: Mapping[str, Any], reader: str) -> Handoff | None:
    """The handoff by which a participant has control; None if it has it otherwise."""
    place = (state.get("handoff_info") or {}).get("control_by")
    handoff: Handoff | None = None if place is None else state["handoffs"][place]
    return handoff if handoff and handoff.target == reader else None


def _has_spoken(view: View, reader: str) -> bool:
    """Whether a participant has said something since control came to it."""
    return any(message.name == reader for message in view.messages[_began_at(view.state) :])


def _began_at(state: Mapping[str, Any]) -> int:
    """Place in the thread where the latest handoff was taken."""
    began: int = (state.get("handoff_info") or {}).get("control_began", 0)
    return began
