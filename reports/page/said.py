"""The transcript: what was said, in order, with tool calls and their results folded."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from langgraph_orchestra.reports.page.html import Html, element, joined, paragraph
from langgraph_orchestra.reports.page.parts import folded, section, spoken
from langgraph_orchestra.reports.recording import Recording
from langgraph_orchestra.reports.text import one_line
from langgraph_orchestra.reports.wording import as_text, speaker_of, words_of

__all__ = ["transcript"]

_SHORT = 30
"""Messages of a transcript that is shown without being asked for."""


def transcript(recording: Recording) -> Html:
    """What was said on the thread."""
    said = joined(*map(_message, recording.messages))
    if len(recording.messages) > _SHORT:
        said = folded(f"{len(recording.messages)} messages", said)
    return section("transcript", "Transcript", said)


def _message(message: AnyMessage) -> Html:
    if message.type == "tool":
        name = message.name or "tool"
        returned = joined(element("b", name), f" returned {one_line(message.text, 80)}")
        return element("div", folded(returned, paragraph(message.text)), class_="tool")
    text = words_of(message)
    kind = "task" if _is_task(message) else "person" if message.type == "human" else "agent"
    return element(
        "article",
        element("p", speaker_of(message), class_="name"),
        spoken(text) if text.strip() else "",
        *_others(message),
        *_calls(message),
        class_=f"message {kind}",
    )


def _calls(message: AnyMessage) -> Sequence[Html]:
    calls = message.tool_calls if isinstance(message, AIMessage) else ()
    return [
        element(
            "div",
            folded(joined("calls ", element("b", call["name"])), paragraph(as_text(call["args"]))),
            class_="tool",
        )
        for call in calls
    ]


def _others(message: AnyMessage) -> Sequence[Html]:
    """What a message has besides text, by its kind: a page of text does not show an image."""
    if isinstance(message.content, str):
        return []
    kinds = [block.get("type", "") for block in message.content if isinstance(block, dict)]
    told = (kind for kind in kinds if kind not in ("text", "tool_use", "tool_call"))
    return [element("p", f"with {kind}", class_="muted") for kind in told]


def _is_task(message: AnyMessage) -> bool:
    return isinstance(message, HumanMessage) and not message.name
