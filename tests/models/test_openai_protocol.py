"""Models behind `OPENAI_BASE_URL`, over real HTTP: their answers and their failures."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import APIConnectionError, APITimeoutError, BadRequestError, NotFoundError
from pydantic import BaseModel, ValidationError

from langgraph_orchestra.models import resolve_model
from support.openai_server import (
    Answer,
    Dropped,
    Malformed,
    OpenAIServer,
    Slow,
    Structured,
    ToolCall,
    Usage,
    rate_limited,
    server_error,
)

Ask = Callable[..., Awaitable[Any]]


class Verdict(BaseModel):
    approved: bool
    feedback: str


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


def use(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    @contextlib.contextmanager
    def serve(*replies: Any) -> Iterator[OpenAIServer]:
        with OpenAIServer(replies) as server:
            use(server, monkeypatch)
            yield server

    return serve


async def invoked(runnable: Any, given: Any = "go on") -> Any:
    return runnable.invoke(given)


async def awaited(runnable: Any, given: Any = "go on") -> Any:
    return await runnable.ainvoke(given)


async def streamed(runnable: Any, given: Any = "go on") -> Any:
    first, *others = runnable.stream(given)
    return first + others


async def streamed_async(runnable: Any, given: Any = "go on") -> Any:
    first, *others = [chunk async for chunk in runnable.astream(given)]
    return first + others


@pytest.fixture(params=[invoked, awaited])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask for an answer in one piece."""
    return cast("Ask", request.param)


@pytest.fixture(params=[invoked, awaited, streamed, streamed_async])
def answer_of(request: pytest.FixtureRequest) -> Ask:
    """Ask for an answer in one piece or merged from a stream."""
    return cast("Ask", request.param)


@pytest.fixture(params=[streamed, streamed_async])
def answer_from_stream(request: pytest.FixtureRequest) -> Ask:
    """Ask for an answer merged from a stream."""
    return cast("Ask", request.param)


async def test_a_question_reaches_the_server_and_its_answer_comes_back(
    serve: Any, ask: Ask
) -> None:
    with serve(Answer("Eight.")) as server:
        answer = await ask(
            resolve_model("openai:some-model"), [SystemMessage("Be brief."), HumanMessage("Arms?")]
        )

    (request,) = server.requests
    assert answer.text == "Eight."
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-test"
    assert request.body["model"] == "some-model"
    assert request.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Arms?"},
    ]


def test_a_stream_comes_in_pieces(serve: Any) -> None:
    with serve(Answer("Eight arms, three hearts.")) as server:
        texts = [chunk.text for chunk in resolve_model("openai:some-model").stream("go")]

    assert server.requests[0].body["stream"] is True
    assert [text for text in texts if text] == ["Eight ", "arms, ", "three ", "hearts."]


async def test_an_async_stream_comes_in_pieces(serve: Any) -> None:
    with serve(Answer("Eight arms.")):
        stream = resolve_model("openai:some-model").astream("go")
        texts = [chunk.text async for chunk in stream]

    assert [text for text in texts if text] == ["Eight ", "arms."]


async def test_usage_and_model_name_are_reported(serve: Any, answer_of: Ask) -> None:
    with serve(Answer("Eight.", usage=Usage(120, 30))):
        answer = await answer_of(resolve_model("openai:some-model"))

    assert answer.usage_metadata["input_tokens"] == 120
    assert answer.usage_metadata["output_tokens"] == 30
    assert answer.usage_metadata["total_tokens"] == 150
    assert answer.response_metadata["model_name"] == "some-model"
    assert answer.response_metadata["finish_reason"] == "stop"


async def test_an_answer_without_usage_has_none(serve: Any, answer_of: Ask) -> None:
    with serve(Answer("Eight.", usage=None)):
        answer = await answer_of(resolve_model("openai:some-model"))

    assert answer.usage_metadata is None


async def test_parallel_tool_calls_arrive_complete(serve: Any, answer_of: Ask) -> None:
    calls = (
        ToolCall("lookup", {"word": "arm"}, id="call_1"),
        ToolCall("lookup", {"word": "heart"}, id="call_2"),
        ToolCall("rest", {}, id="call_3"),
    )
    with serve(Answer("Let me look.", calls)) as server:
        answer = await answer_of(resolve_model("openai:some-model").bind_tools([lookup]))

    assert answer.text == "Let me look."
    assert [(call["id"], call["name"], call["args"]) for call in answer.tool_calls] == [
        ("call_1", "lookup", {"word": "arm"}),
        ("call_2", "lookup", {"word": "heart"}),
        ("call_3", "rest", {}),
    ]
    assert answer.response_metadata["finish_reason"] == "tool_calls"
    assert [schema["function"]["name"] for schema in server.requests[0].body["tools"]] == ["lookup"]


async def test_an_agent_works_against_the_server(serve: Any, ask: Ask) -> None:
    call = ToolCall("lookup", {"word": "arm"}, id="call_1")
    with serve(
        Answer(tool_calls=(call,)), Structured({"approved": True, "feedback": ""})
    ) as server:
        agent = create_agent(resolve_model("openai:some-model"), [lookup], response_format=Verdict)
        result = await ask(agent, {"messages": [HumanMessage("arm?")]})

    assert result["structured_response"] == Verdict(approved=True, feedback="")
    assert server.requests[1].body["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": "arm: found",
    }


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
async def test_structured_output_is_parsed_by_every_method(
    method: str, serve: Any, ask: Ask
) -> None:
    with serve(Structured({"approved": False, "feedback": "too long"})) as server:
        model = resolve_model("openai:some-model")
        decide = model.with_structured_output(Verdict, method=method, include_raw=True)
        result = await ask(decide)

    body = server.requests[0].body
    assert result["parsed"] == Verdict(approved=False, feedback="too long")
    assert result["parsing_error"] is None
    assert result["raw"].usage_metadata["total_tokens"] == 15
    assert ("tools" in body) == (method == "function_calling")
    assert ("response_format" in body) == (method != "function_calling")


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_a_structured_answer_that_misses_a_key_does_not_fit(
    method: str, serve: Any, ask: Ask
) -> None:
    with serve(Structured({"approved": True})):
        decide = resolve_model("openai:some-model").with_structured_output(Verdict, method=method)
        with pytest.raises(ValidationError, match="feedback"):
            await ask(decide)


async def test_a_rate_limit_is_waited_for_and_tried_again(serve: Any, answer_of: Ask) -> None:
    with serve(rate_limited(retry_after=0.01), Answer("Eight.")) as server:
        answer = await answer_of(resolve_model("openai:some-model"))

    assert answer.text == "Eight."
    assert len(server.requests) == 2


async def test_a_server_error_is_tried_again(serve: Any, answer_of: Ask) -> None:
    with serve(server_error(), server_error(), Answer("Eight.")) as server:
        answer = await answer_of(resolve_model("openai:some-model"))

    assert answer.text == "Eight."
    assert len(server.requests) == 3


async def test_malformed_json_is_an_error_and_not_tried_again(serve: Any, answer_of: Ask) -> None:
    with serve(Malformed(), Answer("never")) as server:
        model = resolve_model("openai:some-model")
        with pytest.raises(json.JSONDecodeError):
            await answer_of(model)

    assert len(server.requests) == 1


async def test_a_connection_dropped_before_the_answer_is_tried_again(serve: Any, ask: Ask) -> None:
    with serve(Dropped(), Answer("Eight.")) as server:
        answer = await ask(resolve_model("openai:some-model"))

    assert answer.text == "Eight."
    assert len(server.requests) == 2


async def test_an_answer_dropped_in_the_middle_is_an_error(serve: Any, ask: Ask) -> None:
    with serve(Dropped(Answer("Eight arms."), after=1)) as server:
        model = ChatOpenAI(model="some-model", max_retries=0)
        with pytest.raises(APIConnectionError):
            await ask(model)

    assert len(server.requests) == 1


def test_a_stream_dropped_in_the_middle_is_an_error_after_its_first_chunks(serve: Any) -> None:
    with serve(Dropped(Answer("Eight arms, three hearts."), after=3)) as server:
        stream = resolve_model("openai:some-model").stream("go")
        texts = [next(stream).text for _ in range(3)]
        with pytest.raises(APIConnectionError):
            next(stream)

    assert texts == ["", "Eight ", "arms, "]
    assert len(server.requests) == 1


async def test_a_dropped_stream_is_never_taken_for_an_answer(
    serve: Any, answer_from_stream: Ask
) -> None:
    with serve(Dropped(Answer("Eight arms, three hearts."), after=3)):
        model = resolve_model("openai:some-model")
        with pytest.raises(APIConnectionError):
            await answer_from_stream(model)


async def test_a_slow_answer_meets_the_timeout_of_the_client(serve: Any, answer_of: Ask) -> None:
    with serve(Slow(30, Answer("never"))):
        model = ChatOpenAI(model="some-model", timeout=0.1, max_retries=0)
        with pytest.raises(APITimeoutError):
            await answer_of(model)


async def test_a_slow_answer_comes_when_there_is_time(serve: Any, answer_of: Ask) -> None:
    with serve(Slow(0.05, Answer("Eight."))):
        assert (await answer_of(resolve_model("openai:some-model"))).text == "Eight."


async def test_requests_are_answered_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = threading.Barrier(20, timeout=10)

    def once_all_have_asked(body: dict[str, Any]) -> Answer:
        everyone.wait()
        return Answer(body["messages"][-1]["content"])

    with OpenAIServer(once_all_have_asked) as server:
        use(server, monkeypatch)
        model = resolve_model("openai:some-model")
        answers = await asyncio.gather(*(model.ainvoke(str(number)) for number in range(20)))

    assert [answer.text for answer in answers] == [str(number) for number in range(20)]
    assert len(server.requests) == 20


def test_a_server_without_replies_left_says_so(serve: Any) -> None:
    with serve(Answer("one")):
        model = resolve_model("openai:some-model")
        assert isinstance(model.invoke("go"), AIMessage)
        with pytest.raises(BadRequestError, match="no more replies"):
            model.invoke("go")


def test_another_path_is_not_found(serve: Any) -> None:
    with serve() as server, pytest.raises(NotFoundError, match="/v1/responses"):
        ChatOpenAI(model="some-model", use_responses_api=True).invoke("go")

    assert server.requests[0].path == "/v1/responses"


def test_a_failing_behaviour_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: dict[str, Any]) -> Answer:
        raise LookupError("wrong test")

    def ask_once() -> None:
        with OpenAIServer(fail) as server, contextlib.suppress(APIConnectionError):
            use(server, monkeypatch)
            ChatOpenAI(model="some-model", max_retries=0).invoke("go")

    with pytest.raises(ExceptionGroup) as caught:
        ask_once()

    assert caught.group_contains(LookupError, match="wrong test")


def test_a_closed_server_leaves_no_thread_and_no_port_behind(serve: Any) -> None:
    before = threading.active_count()

    with serve(Answer("Eight."), Slow(30, Answer("never"))) as server:
        resolve_model("openai:some-model").invoke("go")
        with pytest.raises(APITimeoutError):
            ChatOpenAI(model="some-model", timeout=0.05, max_retries=0).invoke("go")

    assert threading.active_count() == before
    address = urlsplit(server.base_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))
