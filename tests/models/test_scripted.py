"""Behaviour of `ScriptedModel`: what is answered, what is recorded, how it streams and shares."""

import asyncio
import copy
import doctest
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel, ConfigDict, Field

from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.models.scripted import Reply
from langgraph_orchestra.state import ScriptExhaustedError

Ask = Callable[..., Awaitable[Any]]


class Verdict(BaseModel):
    approved: bool
    feedback: str = ""


class Titled(BaseModel):
    model_config = ConfigDict(title="Renamed")

    value: int


class Aliased(BaseModel):
    kind: str = Field(alias="type")


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


@tool
def count(word: str) -> int:
    """Count the letters of a word."""
    return len(word)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    async def ask(runnable: Any, given: Any = "go on") -> Any:
        if request.param == "sync":
            return runnable.invoke(given)
        return await runnable.ainvoke(given)

    return ask


@pytest.fixture(params=["sync", "async"])
def chunks_of(request: pytest.FixtureRequest) -> Ask:
    async def chunks_of(runnable: Any, given: Any = "go on", **kwargs: Any) -> list[Any]:
        if request.param == "sync":
            return list(runnable.stream(given, **kwargs))
        return [chunk async for chunk in runnable.astream(given, **kwargs)]

    return chunks_of


def everything_but_the_id(message: AIMessage) -> dict[str, Any]:
    return {
        "content": message.content,
        "tool_calls": message.tool_calls,
        "invalid_tool_calls": [
            {"name": call["name"], "args": call["args"], "id": call["id"]}
            for call in message.invalid_tool_calls
        ],
        "usage_metadata": message.usage_metadata,
        "response_metadata": message.response_metadata,
        "additional_kwargs": message.additional_kwargs,
    }


def merged(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    first, *others = chunks
    return first + others


def calls_of(message: AIMessage) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["args"]) for call in message.tool_calls]


async def test_texts_are_answered_in_order(ask: Ask) -> None:
    model = ScriptedModel(["one", "two"])

    assert [(await ask(model)).content, (await ask(model)).content] == ["one", "two"]


async def test_an_answer_reports_usage_and_model_name(ask: Ask) -> None:
    answer = await ask(ScriptedModel(["one"], usage=(7, 2), model_name="octopus-1"))

    assert answer.usage_metadata == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
    assert answer.response_metadata == {"model_name": "octopus-1"}


async def test_usage_none_reports_no_usage(ask: Ask) -> None:
    assert (await ask(ScriptedModel(["one"], usage=None))).usage_metadata is None


async def test_a_message_is_answered_whole_and_left_untouched(ask: Ask) -> None:
    reply = AIMessage(
        content=[{"type": "text", "text": "see"}, {"type": "image", "url": "https://x.test/a.png"}],
        tool_calls=[{"name": "lookup", "args": {"word": "arm"}, "id": "call_1"}],
        additional_kwargs={"refusal": None},
        response_metadata={"finish_reason": "stop"},
    )
    before = copy.deepcopy(reply)

    answer = await ask(ScriptedModel([reply]))

    assert answer.content == before.content
    assert answer.tool_calls == before.tool_calls
    assert answer.additional_kwargs == before.additional_kwargs
    assert answer.response_metadata == {"finish_reason": "stop", "model_name": "scripted"}
    assert reply == before


async def test_a_message_without_an_id_gets_a_new_one_each_time(ask: Ask) -> None:
    reply = AIMessage("same")
    model = ScriptedModel([reply, reply])

    ids = {(await ask(model)).id, (await ask(model)).id}

    assert len(ids) == 2
    assert None not in ids


async def test_a_message_keeps_its_own_id_usage_and_model_name(ask: Ask) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    reply = AIMessage(
        "x", id="mine", usage_metadata=usage, response_metadata={"model_name": "real-1"}
    )

    answer = await ask(ScriptedModel([reply]))

    assert answer.id == "mine"
    assert answer.usage_metadata == usage
    assert answer.response_metadata == {"model_name": "real-1"}


async def test_a_chunk_is_answered_as_a_plain_message(ask: Ask) -> None:
    answer = await ask(ScriptedModel([AIMessageChunk(content="merged")]))

    assert type(answer) is AIMessage
    assert answer.content == "merged"


async def test_a_pydantic_object_calls_the_bound_tool_of_its_class(ask: Ask) -> None:
    model = ScriptedModel([Verdict(approved=True, feedback="fine")])

    answer = await ask(model.bind_tools([lookup, Verdict]))

    assert calls_of(answer) == [("Verdict", {"approved": True, "feedback": "fine"})]
    assert answer.content == ""


async def test_a_pydantic_object_is_json_text_where_its_tool_is_not_bound(ask: Ask) -> None:
    model = ScriptedModel([Verdict(approved=True)] * 2)

    unbound = await ask(model)
    other_tool = await ask(model.bind_tools([lookup]))

    assert Verdict.model_validate_json(unbound.text) == Verdict(approved=True)
    assert other_tool.text == unbound.text
    assert not other_tool.tool_calls


@pytest.mark.parametrize("decision", [Titled(value=3), Aliased(type="b")])
async def test_a_class_with_a_title_or_aliases_is_a_structured_decision_too(
    decision: BaseModel, ask: Ask
) -> None:
    model = ScriptedModel([decision])

    assert await ask(model.with_structured_output(type(decision))) == decision


async def test_a_dict_calls_the_only_bound_tool(ask: Ask) -> None:
    model = ScriptedModel([{"word": "arm"}])

    assert calls_of(await ask(model.bind_tools([lookup]))) == [("lookup", {"word": "arm"})]


@pytest.mark.parametrize("tools", [[], [lookup, count]], ids=["no tool", "two tools"])
async def test_a_dict_is_json_text_unless_exactly_one_tool_is_bound(
    tools: list[Any], ask: Ask
) -> None:
    answer = await ask(ScriptedModel([{"word": "Ärm"}]).bind_tools(tools))

    assert answer.text == '{"word": "Ärm"}'
    assert not answer.tool_calls


@pytest.mark.parametrize("failure", [TimeoutError("slow"), TimeoutError])
async def test_an_exception_is_raised(failure: Any, ask: Ask) -> None:
    with pytest.raises(TimeoutError):
        await ask(ScriptedModel([failure]))


def test_a_keyboard_interrupt_can_be_scripted() -> None:
    with pytest.raises(KeyboardInterrupt):
        ScriptedModel([KeyboardInterrupt]).invoke("go on")


def test_one_exception_raised_often_does_not_gather_tracebacks() -> None:
    failure = TimeoutError("slow")
    model = ScriptedModel(lambda _: failure)
    depths = []

    for _ in range(3):
        with pytest.raises(TimeoutError):
            model.invoke("go on")
        depths.append(len(traceback.extract_tb(failure.__traceback__)))

    assert len(set(depths)) == 1


async def test_a_function_in_the_script_is_given_the_messages(ask: Ask) -> None:
    model = ScriptedModel(["first", lambda messages: f"you said {messages[-1].text}"])

    await ask(model, "a")

    assert (await ask(model, "b")).text == "you said b"


async def test_a_lone_function_answers_every_call(ask: Ask) -> None:
    model = ScriptedModel(lambda messages: Verdict(approved=messages[-1].text == "good"))
    decide = model.with_structured_output(Verdict)

    assert [(await ask(decide, text)).approved for text in ("good", "bad", "good")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("wrong", [3, None, HumanMessage("x"), lambda _: "nested"])
async def test_a_function_that_gives_no_reply_is_told_so(wrong: Any, ask: Ask) -> None:
    model = ScriptedModel(lambda _: wrong)

    with pytest.raises(TypeError, match=f"function of the script gave a `{type(wrong).__name__}`"):
        await ask(model)


async def test_an_async_function_answers_async_calls() -> None:
    async def answer(messages: list[BaseMessage]) -> str:
        await asyncio.sleep(0)
        return f"heard {messages[-1].text}"

    assert (await ScriptedModel([answer]).ainvoke("you")).text == "heard you"


def test_an_async_function_is_refused_in_a_sync_call() -> None:
    async def answer(messages: list[BaseMessage]) -> str:
        return "never"

    with pytest.raises(TypeError, match="async calls only"):
        ScriptedModel([answer]).invoke("you")


async def test_calls_record_messages_and_tools(ask: Ask) -> None:
    model = ScriptedModel(["a", "b"])
    asked = [SystemMessage("Be brief."), HumanMessage("Go.")]

    await ask(model.bind_tools([lookup]), asked)
    await ask(model, "again")

    with_tools, without = model.calls
    assert with_tools.messages == asked
    assert [schema["function"]["name"] for schema in with_tools.tools] == ["lookup"]
    assert with_tools.tools[0]["function"]["parameters"]["required"] == ["word"]
    assert without.messages == [HumanMessage("again")]
    assert without.tools == []


async def test_calls_that_raise_are_recorded(ask: Ask) -> None:
    model = ScriptedModel([TimeoutError])

    with pytest.raises(TimeoutError):
        await ask(model, "first")
    with pytest.raises(ScriptExhaustedError):
        await ask(model, "second")

    assert [call.messages[-1].text for call in model.calls] == ["first", "second"]


async def test_a_recorded_call_is_not_changed_by_what_happens_to_the_prompt_later(ask: Ask) -> None:
    def forget(messages: list[BaseMessage]) -> str:
        messages.clear()
        return "forgotten"

    model = ScriptedModel(forget)
    prompt = [HumanMessage("keep me")]

    await ask(model, prompt)
    prompt.clear()

    assert [message.text for message in model.calls[0].messages] == ["keep me"]


async def test_a_used_up_script_says_how_many_replies_and_who_asked(ask: Ask) -> None:
    model = ScriptedModel(["one", "two"])
    await ask(model)
    await ask(model)

    with pytest.raises(ScriptExhaustedError) as caught:
        await ask(model, f"third question {'x' * 500}")

    assert "all 2 replies" in str(caught.value)
    assert "third question" in str(caught.value)
    assert len(str(caught.value)) < 300


async def test_assert_complete_counts_the_replies_left_over(ask: Ask) -> None:
    model = ScriptedModel(["one", "two", "three"])
    await ask(model)

    with pytest.raises(AssertionError, match=r"2 of 3 replies.*'two'"):
        model.assert_complete()

    await ask(model)
    await ask(model)
    model.assert_complete()


def test_assert_complete_wants_a_lone_function_called_once() -> None:
    model = ScriptedModel(lambda _: "yes")

    with pytest.raises(AssertionError, match="never called"):
        model.assert_complete()

    model.invoke("go")
    model.assert_complete()


async def test_all_wrappers_and_copies_read_on_in_the_same_script(ask: Ask) -> None:
    model = ScriptedModel(["one", "two", Verdict(approved=True), "four"])

    assert (await ask(model.bind(stop=["."]))).text == "one"
    assert (await ask(model.bind_tools([lookup]))).text == "two"
    assert await ask(model.with_structured_output(Verdict)) == Verdict(approved=True)
    assert (await ask(model.model_copy())).text == "four"
    model.assert_complete()


def test_threads_share_the_script_and_every_reply_is_given_once() -> None:
    texts = [str(number) for number in range(200)]
    model = ScriptedModel(texts)
    start = threading.Barrier(8)

    def take_25(_: int) -> list[str]:
        start.wait()
        return [model.invoke("next").text for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        answers = [text for taken in pool.map(take_25, range(8)) for text in taken]

    assert sorted(answers, key=int) == texts
    assert len(model.calls) == 200


def test_one_model_serves_several_event_loops() -> None:
    model = ScriptedModel(["a", "b"], delay=0.001)

    answers = [asyncio.run(model.ainvoke("go")).text for _ in range(2)]

    assert answers == ["a", "b"]


async def test_the_delay_comes_before_the_answer(ask: Ask) -> None:
    model = ScriptedModel(["late"], delay=0.05)
    started = time.perf_counter()

    await ask(model)

    assert time.perf_counter() - started >= 0.05


async def test_async_delays_run_side_by_side() -> None:
    model = ScriptedModel(lambda _: "late", delay=0.2)
    started = time.perf_counter()

    await asyncio.gather(*(model.ainvoke("go") for _ in range(100)))

    assert time.perf_counter() - started < 2.0


WHOLE_MESSAGES = {
    "text": AIMessage("Eight  arms,\nthree hearts. "),
    "empty": AIMessage(""),
    "tool calls": AIMessage(
        "Let me look.",
        tool_calls=[
            {"name": "lookup", "args": {"word": "arm", "deep": [1, {"a": None}]}, "id": "call_1"},
            {"name": "lookup", "args": {}, "id": "call_2"},
        ],
    ),
    "tool calls without ids": AIMessage(
        "",
        tool_calls=[
            {"name": "lookup", "args": {"word": "arm"}, "id": None},
            {"name": "lookup", "args": {"word": "leg"}, "id": None},
        ],
    ),
    "invalid tool call": AIMessage(
        "", invalid_tool_calls=[{"name": "lookup", "args": "not json", "id": "c", "error": None}]
    ),
    "content blocks": AIMessage(
        [{"type": "text", "text": "see "}, {"type": "text", "text": "this"}, {"type": "image"}]
    ),
    "metadata": AIMessage(
        "x y",
        additional_kwargs={"refusal": "no"},
        response_metadata={"finish_reason": "stop", "nested": {"a": 1}},
        usage_metadata={
            "input_tokens": 3,
            "output_tokens": 4,
            "total_tokens": 7,
            "output_token_details": {"reasoning": 2},
        },
    ),
}


@pytest.mark.parametrize("name", WHOLE_MESSAGES)
async def test_merged_chunks_equal_the_answer_of_a_plain_call(name: str, chunks_of: Ask) -> None:
    reply = WHOLE_MESSAGES[name]
    plain = ScriptedModel([reply]).invoke("go")

    streamed = merged(await chunks_of(ScriptedModel([reply])))

    assert everything_but_the_id(streamed) == everything_but_the_id(plain)


@given(text=st.text())
def test_every_text_survives_streaming(text: str) -> None:
    chunks = list(ScriptedModel([text]).stream("go"))

    assert "".join(str(chunk.content) for chunk in chunks) == text


async def test_text_comes_word_by_word_under_one_id(chunks_of: Ask) -> None:
    chunks = await chunks_of(ScriptedModel(["Eight arms, three hearts."]))

    assert [chunk.content for chunk in chunks] == ["Eight ", "arms, ", "three ", "hearts.", ""]
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_streamed_message_keeps_its_own_id(chunks_of: Ask) -> None:
    chunks = await chunks_of(ScriptedModel([AIMessage("Eight arms.", id="mine")]))

    assert {chunk.id for chunk in chunks} == {"mine"}


async def test_a_streamed_exception_comes_before_any_chunk(chunks_of: Ask) -> None:
    model = ScriptedModel([TimeoutError("slow"), "then this"])

    with pytest.raises(TimeoutError):
        await chunks_of(model)

    assert merged(await chunks_of(model)).content == "then this"


async def test_streamed_calls_are_recorded_once(chunks_of: Ask) -> None:
    model = ScriptedModel(["one two"])

    await chunks_of(model.bind_tools([lookup]), "go")

    assert [len(call.tools) for call in model.calls] == [1]


async def test_a_graph_streams_the_tokens_of_an_invoked_model(chunks_of: Ask) -> None:
    model = ScriptedModel(["Eight arms, three hearts."], usage=(10, 5))

    def speak(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    app = StateGraph(MessagesState).add_node(speak).add_edge(START, "speak").compile()

    streamed = await chunks_of(
        app, {"messages": [HumanMessage("go")]}, stream_mode=["messages", "values"]
    )

    tokens = [part[0] for mode, part in streamed if mode == "messages"]
    states = [part for mode, part in streamed if mode == "values"]
    answer = states[-1]["messages"][-1]
    assert [token.content for token in tokens] == ["Eight ", "arms, ", "three ", "hearts.", ""]
    assert {token.id for token in tokens} == {answer.id}
    assert merged(tokens).usage_metadata == answer.usage_metadata
    assert answer.usage_metadata["total_tokens"] == 15
    assert answer.content == "Eight arms, three hearts."


async def test_a_graph_streams_the_tokens_of_an_awaited_model() -> None:
    model = ScriptedModel(["Eight arms."])

    async def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    app = StateGraph(MessagesState).add_node(node).add_edge(START, "node").compile()

    parts: Any = app.astream({"messages": [HumanMessage("go")]}, stream_mode="messages")

    assert [token.content async for token, _ in parts] == ["Eight ", "arms.", ""]


async def test_an_agent_calls_its_tools(ask: Ask) -> None:
    model = ScriptedModel(
        [
            AIMessage(
                "",
                tool_calls=[
                    {"name": "lookup", "args": {"word": "arm"}, "id": "1"},
                    {"name": "count", "args": {"word": "arm"}, "id": "2"},
                ],
            ),
            lambda messages: "; ".join(m.text for m in messages if isinstance(m, ToolMessage)),
        ]
    )
    agent = create_agent(model, [lookup, count], system_prompt="Use your tools.")

    result = await ask(agent, {"messages": [HumanMessage("arm?")]})

    assert result["messages"][-1].text == "arm: found; 3"
    assert [len(call.tools) for call in model.calls] == [2, 2]
    model.assert_complete()


@pytest.mark.parametrize(
    ("model_name", "bound"),
    [("scripted", ["lookup", "Verdict"]), ("gpt-5-mini", ["lookup"])],
    ids=["by tool call", "by JSON text"],
)
async def test_an_agent_gives_a_structured_response(
    model_name: str, bound: list[str], ask: Ask
) -> None:
    call = AIMessage("", tool_calls=[{"name": "lookup", "args": {"word": "arm"}, "id": "1"}])
    verdict = Verdict(approved=False, feedback="too long")
    model = ScriptedModel([call, verdict], model_name=model_name)
    agent = create_agent(model, [lookup], response_format=Verdict)

    result = await ask(agent, {"messages": [HumanMessage("judge")]})

    assert result["structured_response"] == verdict
    assert [schema["function"]["name"] for schema in model.calls[-1].tools] == bound
    model.assert_complete()


async def test_structured_output_includes_the_raw_message(ask: Ask) -> None:
    model = ScriptedModel([Verdict(approved=True)])

    result = await ask(model.with_structured_output(Verdict, include_raw=True), "judge")

    assert result["parsed"] == Verdict(approved=True)
    assert result["parsing_error"] is None
    assert result["raw"].usage_metadata["total_tokens"] == 15


async def test_a_bad_decision_is_a_parsing_error(ask: Ask) -> None:
    model = ScriptedModel([{"approved": "perhaps"}])

    result = await ask(model.with_structured_output(Verdict, include_raw=True), "judge")

    assert result["parsed"] is None
    assert "approved" in str(result["parsing_error"])


async def test_two_runs_of_one_script_say_the_same(ask: Ask) -> None:
    script: list[Reply] = ["one", WHOLE_MESSAGES["tool calls"], {"a": 1}, Verdict(approved=True)]
    first, second = ScriptedModel(script), ScriptedModel(script)

    for _ in script:
        assert everything_but_the_id(await ask(first)) == everything_but_the_id(await ask(second))


async def test_a_cache_of_the_process_does_not_answer_for_the_script(ask: Ask) -> None:
    set_llm_cache(InMemoryCache())
    try:
        model = ScriptedModel(["one", "two"])
        answers = [(await ask(model, "same")).text, (await ask(model, "same")).text]
    finally:
        set_llm_cache(None)

    assert answers == ["one", "two"]


@pytest.mark.parametrize(
    "replies",
    [
        "one text",
        b"bytes",
        {"a": 1},
        Verdict(approved=True),
        AIMessage("x"),
        TimeoutError("x"),
        TimeoutError,
        None,
        3,
    ],
)
def test_replies_that_are_no_list_are_refused(replies: Any) -> None:
    with pytest.raises(TypeError, match="give a list of replies"):
        ScriptedModel(replies)


@pytest.mark.parametrize("reply", [None, 3, HumanMessage("x"), Verdict, ["nested"]])
def test_a_reply_of_no_known_kind_is_named_with_its_place(reply: Any) -> None:
    with pytest.raises(TypeError, match="reply 2 of the script is"):
        ScriptedModel(["fine", reply])


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(ValueError, match="`replies` is empty"):
        ScriptedModel([])


def test_an_iterator_is_read_once_and_for_all() -> None:
    model = ScriptedModel(str(number) for number in range(2))

    assert [model.invoke("go").text, model.invoke("go").text] == ["0", "1"]


@pytest.mark.parametrize("delay", ["1", None, True])
def test_a_delay_that_is_no_number_is_refused(delay: Any) -> None:
    with pytest.raises(TypeError, match="`delay`"):
        ScriptedModel(["x"], delay=delay)


@pytest.mark.parametrize("delay", [-0.1, float("nan"), float("inf")])
def test_a_delay_out_of_range_is_refused(delay: float) -> None:
    with pytest.raises(ValueError, match="`delay`"):
        ScriptedModel(["x"], delay=delay)


@pytest.mark.parametrize("usage", [5, "10", (1.0, 2), (True, 2), {"input_tokens": 1}])
def test_usage_of_another_kind_is_refused(usage: Any) -> None:
    with pytest.raises(TypeError, match="`usage`"):
        ScriptedModel(["x"], usage=usage)


@pytest.mark.parametrize("usage", [(), (1,), (1, 2, 3), (-1, 2)])
def test_usage_out_of_range_is_refused(usage: Any) -> None:
    with pytest.raises(ValueError, match="`usage`"):
        ScriptedModel(["x"], usage=usage)


def test_the_example_in_the_docstring_runs() -> None:
    result = doctest.testmod(sys.modules[ScriptedModel.__module__])

    assert result.attempted > 0
    assert result.failed == 0
