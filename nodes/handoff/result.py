"""What a turn that may hand over has brought, and what is made of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langgraph_orchestra.nodes.handoff.desk import summary, taken_text
from langgraph_orchestra.nodes.handoff.tool import hands_over, is_handoff_result
from langgraph_orchestra.nodes.participant import Reply
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.nodes.view import View, best_so_far, is_answer
from langgraph_orchestra.state import Failure, Handoff, Stop, Turn

__all__ = [
    "best_answer",
    "never_decided",
    "overruled",
    "restored",
    "taken_in",
    "undecided",
    "with_records",
]


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


def undecided(taken: Taken, view: View) -> dict[str, Any]:
    """What is kept of a turn, besides what it has said, until it is decided what follows.

    Args:
        taken: The turn.
        view: The run before it.
    """
    reply = taken.reply
    return {
        "first_message": len(view.messages),
        "trail": list(taken.trail),
        "output": reply.output,
        "is_team": bool(reply.inside),
        "decision": reply.decision,
        "handoffs": list(reply.handoffs),
        "stop": reply.stop,
        "failure": taken.failure,
    }


def restored(state: Mapping[str, Any]) -> tuple[dict[str, Any], Taken]:
    """The state before such a turn, with the keys it has changed; and the turn."""
    info = {**state["handoff_info"]}
    kept = info.pop("undecided")
    messages, place = state["messages"], kept["first_message"]
    trail = [Turn.model_validate(turn) for turn in kept["trail"]]
    reply = Reply(
        messages[place:],
        kept["output"],
        inside=trail if kept["is_team"] else (),
        decision=kept["decision"],
        handoffs=[Handoff.model_validate(handoff) for handoff in kept["handoffs"]],
        stop=kept["stop"] and Stop.model_validate(kept["stop"]),
    )
    failure = kept["failure"] and Failure.model_validate(kept["failure"])
    before = {**state, "messages": messages[:place], "handoff_info": info}
    return before, Taken(reply, trail, failure)


def never_decided(state: Mapping[str, Any]) -> list[Turn]:
    """The entries of such a turn, where a new run has begun instead."""
    kept = (state.get("handoff_info") or {}).get("undecided") or {}
    return [Turn.model_validate(turn) for turn in kept.get("trail", ())]
