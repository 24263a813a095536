"""What a turn that may hand over has brought, and what is made of it."""

from collections.abc import Iterable, Sequence
from typing import Any

from langgraph_orchestra.nodes.handoff.desk import summary, taken_text
from langgraph_orchestra.nodes.handoff.tool import hands_over, is_handoff_result
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.nodes.view import View, best_so_far, is_answer
from langgraph_orchestra.state import Handoff, Turn

__all__ = ["best_answer", "overruled", "taken_in", "with_records"]


def taken_in(handoffs: Iterable[Handoff]) -> Handoff | None:
    """The handoff that was taken."""
    return next((handoff for handoff in handoffs if handoff.outcome == "accepted"), None)


def best_answer(view: View) -> Any:
    """The best a run has that ends early: words beside a handoff only where nobody has answered."""
    if (output := view.state.get("output")) not in ("", None):
        return output
    spoken = [m for m in view.said if m.type == "ai" and m.text.strip()]
    answers = [m for m in spoken if is_answer(m)] or [m for m in spoken if hands_over(m)]
    return answers[-1].text if answers else best_so_far(view)


def overruled(taken: Taken, by: Handoff) -> Taken:
    """A turn whose handoff, if it asked for one, was not taken because another came first."""
    why = f"a rule handed over to `{by.target}` first"
    own = taken_in(taken.reply.handoffs)
    ignored = {"outcome": "ignored", "detail": why}
    handoffs = [h.model_copy(update=ignored) if h is own else h for h in taken.reply.handoffs]
    messages = [
        message.model_copy(update={"content": f"ignored: {why}"})
        if own and is_handoff_result(message) and message.text == taken_text(own.target)
        else message
        for message in taken.reply.messages
    ]
    reply = taken.reply._replace(messages=messages, handoffs=tuple(handoffs), stop=None)
    trail = list(taken.trail)
    if trail and not reply.inside and _moves_control(trail[-1]):
        new = {"outcome": "handed_off", "detail": summary(by)}
        trail[-1] = trail[-1].model_copy(update=new)
    return taken._replace(reply=reply, trail=trail)


def _moves_control(turn: Turn) -> bool:
    """Whether the trail shows of a turn that control has moved with it, and not how it failed."""
    return turn.kind != "human" and turn.outcome in ("ok", "handed_off", "refused")


def with_records(taken: Taken, records: Sequence[Handoff]) -> Taken:
    """A turn with handoffs beside its own."""
    reply = taken.reply
    return taken._replace(reply=reply._replace(handoffs=(*reply.handoffs, *records)))
