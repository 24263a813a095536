"""What may be typed in answer to a request, and what a blank line means there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langgraph_orchestra.cli.thread import Request

__all__ = ["how_to"]

_WORDS = {
    "review_draft": "other words send it back",
    "plan_review": "other words ask for another plan",
    "observe": "other words are said to everybody",
    "escalation": "other words let it go on",
}
"""What words do that are no decision, by the kind of request."""

_BLANKS = {
    "refused": "a blank line is refused",
    "goes_on": "a blank line goes on",
    "ends": "a blank line ends the conversation",
}


def how_to(request: Request, action: Mapping[str, Any] | None = None) -> str:
    """What may be typed, in a line.

    Args:
        request: What a person is asked.
        action: Which of its actions; None where it has none.
    """
    if action is None:
        parts = [_object(request.fields) if request.fields else "your answer, in text or JSON"]
    else:
        parts = [*_choices(request, action), *_words(request, action)]
    return "; ".join([*parts, *_blank(request)])


def _choices(request: Request, action: Mapping[str, Any]) -> Iterator[str]:
    """The decisions that have a word of their own."""
    allowed = request.allowed(action)
    words = [kind for kind in ("approve", "edit", "reject") if kind in allowed]
    if request.asks_for_tools and "respond" in allowed:
        words.append("respond")
    if not words:
        return
    listed = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    ends = "reject" in allowed and not (request.asks_for_tools or _is_instruction(action))
    yield f"{listed}, which ends the run" if ends else listed


def _words(request: Request, action: Mapping[str, Any]) -> Iterator[str]:
    """What all other words mean."""
    allowed = request.allowed(action)
    if _is_instruction(action):
        yield "other words reject it and say why"
    elif action["name"] == "choose_speaker":
        yield "a name or its number"
    elif request.asks_for_tools:
        if "reject" in allowed:
            yield "other words reject it and say why"
        elif "respond" in allowed:
            yield "other words are taken for the tool's result"
    elif request.fields:
        yield _object(request.fields)
    else:
        yield _WORDS.get(action["name"], "your answer")


def _is_instruction(action: Mapping[str, Any]) -> bool:
    """Whether it is what a participant is to do; such an action has the participant's name."""
    return set(action.get("args") or ()) == {"instruction"}


def _blank(request: Request) -> Iterator[str]:
    if request.default is not None:
        words = request.default.strip()
        yield f"a blank line means `{words}`" if words else "a blank line says nothing"
    elif request.blank in _BLANKS:
        yield _BLANKS[request.blank]
    elif request.asks_for_tools:
        yield _BLANKS["refused"]


def _object(fields: Sequence[str]) -> str:
    return f"your answer, as a JSON object with {', '.join(f'`{field}`' for field in fields)}"
