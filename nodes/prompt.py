"""How the conversation looks to the one who reads it.

One's own answers are `AIMessage`s, everybody else's are `HumanMessage`s that begin with the
speaker's name: chat APIs know one assistant only, and a model takes what stands there for its own.
"""

import weakref
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Literal, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.messages.tool import ToolCall

from langgraph_orchestra.nodes.handoff.tool import is_handoff_result, is_handoff_tool_name
from langgraph_orchestra.nodes.view import text_of

__all__ = ["Heard", "Tools", "addressed_to", "shown_to_people"]

Tools = Literal["own", "all", "none"]
"""Whose tool calls and results are read; another's are read as lines of text, not as calls."""

_PLEASE_CONTINUE = "Please continue."

_NO_CALLS: Set[str | None] = frozenset()


class Words(NamedTuple):
    """What somebody has said, as everybody else reads it."""

    author: str | None
    """Whose answer it is, who reads it as it was said; None if it is a person's."""

    own: AIMessage | None
    """How its author reads it; None for the message itself."""

    message: HumanMessage | None
    """How everybody else reads it; None if nobody does."""

    said: "weakref.ref[AnyMessage]"


class Heard:
    """What was said, as others read it, by the identity of the message of the thread.

    In a chat every speaker reads everything again; each message is put into these words once, not
    once in each turn that follows. They are forgotten with the message itself.
    """

    def __init__(self) -> None:
        self.words: dict[int, Words] = {}

    def put(
        self, speaker: str, said: AIMessage | HumanMessage, own: AIMessage | None = None
    ) -> HumanMessage:
        """Put into words what somebody has said, and keep them."""
        message = _spoken_by(speaker, said)
        self._keep(said, speaker if said.type == "ai" else None, own, message)
        return message

    def leave_out(self, said: AnyMessage) -> None:
        """Keep in mind that a message is read by nobody."""
        self._keep(said, None, None, None)

    def _keep(
        self,
        said: AnyMessage,
        author: str | None,
        own: AIMessage | None,
        message: HumanMessage | None,
    ) -> None:
        words, key = self.words, id(said)
        alive: weakref.ref[AnyMessage] = weakref.ref(said, lambda _: words.pop(key, None))
        words[key] = Words(author, own, message, alive)


def addressed_to(
    reader: str,
    messages: Iterable[AnyMessage],
    *,
    tools: Tools = "own",
    heard: Heard | None = None,
) -> list[AnyMessage]:
    """Turn messages of the thread into what `reader`'s model is sent; nothing of it is stored.

    Args:
        reader: Name of the participant.
        messages: Messages of the thread, in its order.
        tools: Whose tool calls and results are read.
        heard: What is kept of earlier turns, where nobody who is given messages changes them.
    """
    known = {} if heard is None else heard.words
    prompt: list[AnyMessage] = []
    own_calls = _NO_CALLS  # of the latest call only: ids come more than once
    for message in messages:  # told apart by `type`, which is much cheaper than `isinstance` here
        if words := known.get(id(message)):
            if words.message is not None:
                own_calls = _NO_CALLS
                prompt.append(words.own or message if words.author == reader else words.message)
            continue
        if message.type == "tool":
            if is_handoff_result(message):
                if heard is not None:
                    heard.leave_out(message)
                continue
            if message.tool_call_id in own_calls:
                prompt.append(message)
            elif tools == "all":
                # Under the tool's name, so that nobody's words can pass for a tool's result.
                tool = message.name or "tool"
                prompt.append(HumanMessage(f"{tool} returned: {message.text}", name=tool))
            continue
        calls = message.tool_calls if message.type == "ai" else ()
        own = message.type == "ai" and message.name == reader
        stripped = None
        # Whom control went to is the graph's business: the next model would imitate what it reads
        # of it.
        others = [call for call in calls if not is_handoff_tool_name(call["name"])]
        if len(others) < len(calls) and message.type == "ai":
            calls = others if own and tools != "none" else []
            if not calls and not text_of(message).strip():
                continue
            stripped = _with_calls(message, calls)
            if heard is not None and message.name and not others:
                for_others = heard.put(message.name, message, stripped)
                prompt.append(stripped if own else for_others)
                own_calls = _NO_CALLS
                continue
        own_calls = {call["id"] for call in calls} if own and tools != "none" else _NO_CALLS
        if calls and not own_calls:
            continue
        if message.name and not own and message.type in ("ai", "human"):
            if heard is None or stripped:
                prompt.append(_spoken_by(message.name, message))
            else:
                prompt.append(heard.put(message.name, message))
        else:
            prompt.append(stripped or message)
    if prompt and prompt[-1].type == "ai":
        prompt.append(HumanMessage(_PLEASE_CONTINUE))
    return prompt


def _with_calls(message: AIMessage, kept: Sequence[ToolCall]) -> AIMessage:
    """A message with some of its calls only, or as mere speech."""
    update: dict[str, Any] = {"tool_calls": list(kept)}
    if not isinstance(message.content, str):  # some providers repeat the calls there
        dropped = {call["id"] for call in message.tool_calls} - {call["id"] for call in kept}
        blocks: list[Any] = message.content
        update["content"] = [
            b for b in blocks if not (isinstance(b, dict) and _ids_in(b) & dropped)
        ]
    if "tool_calls" in message.additional_kwargs:
        others = {key: v for key, v in message.additional_kwargs.items() if key != "tool_calls"}
        update["additional_kwargs"] = others
    return message.model_copy(update=update)


def _ids_in(block: Mapping[str, Any]) -> set[Any]:
    """Ids of the call that a block of content stands for."""
    if block.get("type") not in ("tool_use", "tool_call", "function_call"):
        return set()
    return {block.get("id"), block.get("call_id")} - {None}


def _spoken_by(speaker: str, message: AIMessage | HumanMessage) -> HumanMessage:
    """Another's message: its text after the speaker's name, its images and files as they are."""
    if isinstance(message.content, str):
        return HumanMessage(f"{speaker}: {message.content}", name=speaker)
    text = f"{speaker}: {message.text}"
    shown = shown_to_people(message.content)
    return HumanMessage([{"type": "text", "text": text}, *shown] if shown else text, name=speaker)


def shown_to_people(content: Sequence[Any]) -> list[Any]:
    """The blocks another model can read; reasoning and calls are the speaker's own affair."""
    kinds = {"image", "image_url", "audio", "input_audio", "file", "video"}
    return [block for block in content if isinstance(block, dict) and block.get("type") in kinds]
