"""A chat model that answers from a script, for offline runs, demonstrations and tests.

Use it to try a graph without a key, and to test one without a network: every answer, tool call,
structured decision and failure is yours, in the order you give. It says nothing about how good a
prompt is; for that, ask a real model.
"""

import asyncio
import inspect
import json
import math
import re
import threading
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard, cast
from uuid import uuid4

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ToolCall,
    message_chunk_to_message,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, PrivateAttr
from typing_extensions import override

from langgraph_orchestra.state import ScriptExhaustedError

__all__ = ["Reply", "ReplyFunction", "ScriptedCall", "ScriptedModel"]

Reply: TypeAlias = (
    str | AIMessage | BaseModel | Mapping[str, Any] | BaseException | type[BaseException]
)
"""What a script may hold; `ScriptedModel` says what becomes of each."""

ReplyFunction: TypeAlias = Callable[[list[BaseMessage]], Reply | Awaitable[Reply]]
"""A reply that depends on the messages sent; async ones serve async runs only."""

REPLY_KINDS = (
    "a str, an `AIMessage`, a pydantic object, a dict, an exception, or a function of the messages"
)
WORDS = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class ScriptedCall:
    """One call of a `ScriptedModel`, as it arrived."""

    messages: list[BaseMessage]
    """The messages sent, in order."""

    tools: list[dict[str, Any]]
    """Schemas of the tools bound at this call, in OpenAI's format; empty if none were."""


class ScriptedModel(BaseChatModel):
    """A chat model whose answers are given in advance.

    Each reply of the script becomes one answer:

    - `str`: the text of the answer;
    - `AIMessage`: the answer itself, with its tool calls and content blocks (a copy is sent);
    - a pydantic object: a structured decision, that is a call of the bound tool named after its
      class, or its JSON text if no such tool is bound;
    - `dict`: a call with these arguments if exactly one tool is bound, else its JSON text;
    - an exception, or a class of exceptions: raised;
    - a function of the messages that returns one of these.

    One model may serve many agents, threads and event loops at once. It and all that is made from
    it by `bind`, `bind_tools` or `with_structured_output` read on in the same script.

    Example:
        >>> model = ScriptedModel(["Eight.", TimeoutError("the model is slow")])
        >>> model.invoke("How many arms has an octopus?").text
        'Eight.'
        >>> model.calls[0].messages[0].text
        'How many arms has an octopus?'
        >>> model.invoke("And hearts?")
        Traceback (most recent call last):
        TimeoutError: the model is slow
        >>> model.assert_complete()

    Args:
        replies: The replies, used in order, one per call; read at once, so it must be finite. Or
            one lone function, which answers every call.
        delay: Seconds to wait before each answer; async callers wait side by side.
        usage: Input and output tokens to report for each answer that has no usage of its own;
            None reports none.
        model_name: Reported as `response_metadata["model_name"]`, unless an `AIMessage` of the
            script has its own.

    Raises:
        TypeError: An argument or a reply is of a kind that cannot be used.
        ValueError: There are no replies, or a number is out of range.
    """

    model_name: str
    """Name reported with every answer."""

    delay: float
    """Seconds before each answer."""

    usage: tuple[int, int] | None
    """Input and output tokens reported for each answer; None reports none."""

    _script: "_Script" = PrivateAttr()

    def __init__(
        self,
        replies: Iterable[Reply | ReplyFunction] | ReplyFunction,
        *,
        delay: float = 0.0,
        usage: tuple[int, int] | None = (10, 5),
        model_name: str = "scripted",
    ) -> None:
        _check_delay(delay)
        _check_usage(usage)
        script = _Script(_checked_replies(replies))
        fields: dict[str, Any] = {"model_name": model_name, "delay": delay, "usage": usage}
        # A cache, which LangChain keeps for the whole process, would answer in our place.
        super().__init__(cache=False, **fields)
        self._script = script

    @property
    def calls(self) -> list[ScriptedCall]:
        """Every call so far, in order, those whose reply was an exception included."""
        return list(self._script.calls)

    def assert_complete(self) -> None:
        """Check that the script was used up.

        Raises:
            AssertionError: Replies are left over, or a lone function was never called.
        """
        self._script.assert_complete()

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools, as on any chat model; `ScriptedCall.tools` shows them.

        Args:
            tools: Tools, functions, pydantic classes or schemas.
            tool_choice: Accepted and passed on; the script alone decides what is called.
            **kwargs: Passed on.

        Returns:
            The model with these tools, reading on in the same script.
        """
        schemas = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=schemas, tool_choice=tool_choice, **kwargs)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _result(self._answer(_call(messages, kwargs)))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _result(await self._aanswer(_call(messages, kwargs)))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from _chunks(self._answer(_call(messages, kwargs)))

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _chunks(await self._aanswer(_call(messages, kwargs))):
            yield chunk

    def _answer(self, call: ScriptedCall) -> AIMessage:
        reply: object = self._script.take(call)
        if self.delay:
            time.sleep(self.delay)
        if _is_function(reply):
            reply = reply(list(call.messages))
            if inspect.iscoroutine(reply):
                reply.close()
                raise TypeError("an async function in a script answers async calls only")
        return self._message(reply, call.tools)

    async def _aanswer(self, call: ScriptedCall) -> AIMessage:
        reply: object = self._script.take(call)
        if self.delay:
            await asyncio.sleep(self.delay)
        if _is_function(reply):
            reply = reply(list(call.messages))
            if inspect.isawaitable(reply):
                reply = await reply
        return self._message(reply, call.tools)

    def _message(self, reply: object, tools: list[dict[str, Any]]) -> AIMessage:
        message = _spoken(reply, tools)
        message.response_metadata = {"model_name": self.model_name, **message.response_metadata}
        if message.usage_metadata is None and self.usage is not None:
            asked, answered = self.usage
            message.usage_metadata = UsageMetadata(
                input_tokens=asked, output_tokens=answered, total_tokens=asked + answered
            )
        return message

    @property
    @override
    def _llm_type(self) -> str:
        return "scripted"

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = LangSmithParams(
            ls_provider="scripted", ls_model_name=self.model_name, ls_model_type="chat"
        )
        if stop:
            params["ls_stop"] = stop
        return params


class _Script:
    """The replies and how far they are used, shared by all threads and copies of the model."""

    def __init__(self, replies: tuple[Reply | ReplyFunction, ...] | ReplyFunction) -> None:
        self.calls: list[ScriptedCall] = []
        self._replies = replies
        self._used = 0
        self._lock = threading.Lock()

    def take(self, call: ScriptedCall) -> Reply | ReplyFunction:
        with self._lock:
            self.calls.append(call)
            if not isinstance(self._replies, tuple):
                return self._replies
            if self._used < len(self._replies):
                self._used += 1
                return self._replies[self._used - 1]
        last = call.messages[-1].text if call.messages else ""
        raise ScriptExhaustedError(
            f"all {len(self._replies)} replies of the script are used up, and one more was asked "
            f"for by `{_shortened(last)}`; add a reply, or find out who calls once too often"
        )

    def assert_complete(self) -> None:
        with self._lock:
            if not isinstance(self._replies, tuple):
                if not self.calls:
                    raise AssertionError("the function that answers every call was never called")
                return
            left = self._replies[self._used :]
        if left:
            raise AssertionError(
                f"{len(left)} of {len(self._replies)} replies of the script were never used; "
                f"the next is `{_shortened(repr(left[0]))}`"
            )


def _call(messages: list[BaseMessage], options: Mapping[str, Any]) -> ScriptedCall:
    return ScriptedCall(messages, list(options.get("tools") or ()))


def _result(message: AIMessage) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message)])


def _spoken(reply: object, tools: list[dict[str, Any]]) -> AIMessage:
    """Make a new message of `reply`, or raise it."""
    match reply:
        case str():
            return AIMessage(content=reply)
        case AIMessage():
            return cast("AIMessage", message_chunk_to_message(reply)).model_copy()
        case BaseException():
            # Without the traceback of an earlier call that raised this very object.
            raise reply.with_traceback(None)
        case type() if issubclass(reply, BaseException):
            raise reply
        case BaseModel() if not isinstance(reply, BaseMessage):
            return _decision(reply, tools)
        case Mapping():
            names = _tool_names(tools)
            if len(names) == 1:
                return _tool_call(names[0], dict(reply))
            return AIMessage(content=json.dumps(dict(reply), ensure_ascii=False))
        case _:
            raise TypeError(f"a function of the script gave {_kind(reply)}; give {REPLY_KINDS}")


def _decision(reply: BaseModel, tools: list[dict[str, Any]]) -> AIMessage:
    # A schema's title, where it has one, is the name LangChain gives its tool.
    own_names = {type(reply).__name__, type(reply).model_config.get("title")}
    for name in _tool_names(tools):
        if name in own_names:
            return _tool_call(name, reply.model_dump(mode="json", by_alias=True))
    return AIMessage(content=reply.model_dump_json(by_alias=True))


def _tool_call(name: str, args: dict[str, Any]) -> AIMessage:
    return AIMessage(
        content="", tool_calls=[ToolCall(name=name, args=args, id=f"call_{uuid4().hex}")]
    )


def _tool_names(tools: list[dict[str, Any]]) -> list[str]:
    return [tool.get("function", tool).get("name", "") for tool in tools]


def _chunks(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """Cut a message into pieces that merge into its equal; the last one carries the metadata."""
    content = message.content
    words = WORDS.findall(content) if isinstance(content, str) else [[part] for part in content]
    for piece in words:
        yield _chunk(message, content=piece)
    for index, call in enumerate([*message.tool_calls, *message.invalid_tool_calls]):
        args = call["args"] if isinstance(call["args"], str) else json.dumps(call["args"])
        piece = tool_call_chunk(name=call["name"], args=args, id=call["id"], index=index)
        yield _chunk(message, content="", tool_call_chunks=[piece])
    yield _chunk(
        message,
        content="" if isinstance(content, str) else [],
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        chunk_position="last",
    )


def _chunk(message: AIMessage, **fields: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(id=message.id, **fields))


def _is_function(reply: object) -> TypeGuard[ReplyFunction]:
    return callable(reply) and not isinstance(reply, type | BaseModel)


def _checked_replies(
    replies: Iterable[Reply | ReplyFunction] | ReplyFunction,
) -> tuple[Reply | ReplyFunction, ...] | ReplyFunction:
    if _is_function(replies):
        return replies
    # These can be iterated over, but the parts are not what was meant.
    if isinstance(replies, str | bytes | BaseModel | Mapping) or not isinstance(replies, Iterable):
        raise TypeError(
            f"`replies` is {_kind(replies)}: give a list of replies, or one function that answers "
            "every call"
        )
    script = tuple(replies)
    if not script:
        raise ValueError("`replies` is empty: a script needs at least one reply")
    for place, reply in enumerate(script, start=1):
        _check_reply(reply, place)
    return script


def _check_reply(reply: object, place: int) -> None:
    if isinstance(reply, str | AIMessage | Mapping | BaseException) or _is_function(reply):
        return
    if isinstance(reply, BaseModel) and not isinstance(reply, BaseMessage):
        return
    if isinstance(reply, type) and issubclass(reply, BaseException):
        return
    raise TypeError(f"reply {place} of the script is {_kind(reply)}; give {REPLY_KINDS}")


def _check_delay(delay: object) -> None:
    if isinstance(delay, bool) or not isinstance(delay, int | float):
        raise TypeError(f"`delay` is {_kind(delay)}: give seconds as a number")
    if not math.isfinite(delay) or delay < 0:
        raise ValueError(f"`delay` is `{delay}`: give seconds, 0 or more")


def _check_usage(usage: object) -> None:
    if usage is None:
        return
    if not isinstance(usage, tuple | list) or not all(type(tokens) is int for tokens in usage):
        raise TypeError("`usage` must be `(input_tokens, output_tokens)`, two ints, or None")
    if len(usage) != 2 or min(usage) < 0:
        raise ValueError(f"`usage` is `{usage}`: give two token counts, 0 or more, or None")


def _kind(value: object) -> str:
    if isinstance(value, type):
        return f"the class `{value.__name__}`"
    return f"a `{type(value).__name__}`"


def _shortened(text: str, width: int = 80) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
