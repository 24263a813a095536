"""A model's decision is one valid object, or it is asked again with what was wrong."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.prompt_values import PromptValue
from langgraph.graph import START, StateGraph
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from langgraph_orchestra.graphs import (
    create_group_chat,
    create_magentic,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, View, by_model, judged
from langgraph_orchestra.nodes.decision import decide
from langgraph_orchestra.nodes.driver import Execution, Node, Steps
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.work import Budget, Work
from langgraph_orchestra.state import DecisionError


class Review(BaseModel):
    """What is asked of the model."""

    approved: StrictBool
    score: float = Field(default=0.5, ge=0, le=1)
    reason: str = ""


class Contract(BaseModel):
    """A schema that takes nothing but what it says."""

    model_config = ConfigDict(strict=True)

    due: date
    level: Literal["low", "high"]
    parties: tuple[str, str]


YES, NO = Review(approved=True), Review(approved=False)
QUESTION: list[AnyMessage] = [SystemMessage("Review it."), HumanMessage("A draft.")]


class Request(TypedDict, total=False):
    """Who is to decide what; and what was decided, at what cost."""

    model: Any
    schema: type[BaseModel]
    check: Any
    decision: BaseModel
    tokens: int


def ask(request: Any, execution: Execution) -> Steps[dict[str, Any]]:
    work = Work("judge", View({}), execution, Budget())
    options = {"check": request["check"]} if "check" in request else {}
    decision = yield from decide(
        work, ModelSource(request["model"]), request["schema"], QUESTION, **options
    )
    return {"decision": decision, "tokens": work.usage.input_tokens}


ASKER = StateGraph(Request).add_node("ask", Node("ask", ask)).add_edge(START, "ask").compile()


def decided(run: Any, model: Any, schema: type[BaseModel] = Review, **options: Any) -> Any:
    return run(ASKER, {"model": model, "schema": schema, **options})["decision"]


def calls(*arguments: dict[str, Any], broken: Sequence[str] = (), text: str = "") -> AIMessage:
    """An answer that calls the tool named after the schema, with broken arguments if told so."""
    good = [{"name": "Review", "args": args, "id": f"{n}"} for n, args in enumerate(arguments)]
    bad = [
        {"name": "Review", "args": args, "id": f"x{n}", "error": None, "type": "invalid_tool_call"}
        for n, args in enumerate(broken)
    ]
    return AIMessage(text, tool_calls=good, invalid_tool_calls=bad)


@pytest.mark.parametrize(
    "reply",
    [
        YES,
        {"approved": True},
        calls({"approved": True}),
        calls({"approved": True, "mood": "cheerful"}),
        calls({"approved": True}, text="Here you are."),
        '{"approved": true}',
        ' {"approved": true, "mood": "cheerful"}\n',
        '```json\n{"approved": true}\n```',
        'I looked at it.\n{"approved": true}\nThat is all.',
        'Set {braces} aside: {"approved": true}',
        '{"approved": true, "reason": ""}'.replace('""', '"a {nested} \\" brace"'),
        AIMessage([{"type": "text", "text": '{"approved": true}'}]),
    ],
    ids=repr,
)
def test_one_object_is_understood_in_every_form(run, reply):
    model = ScriptedModel([reply])
    assert decided(run, model).approved is True
    model.assert_complete()


BAD = {
    "no JSON": "I approve.",
    "nothing": "",
    "text for a bool": '{"approved": "false"}',
    "text for a bool in a call": calls({"approved": "true"}),
    "a number for a bool": calls({"approved": 1}),
    "a field is missing": calls({"reason": "fine"}),
    "out of range": calls({"approved": True, "score": 7}),
    "several objects": '{"approved": true} or {"approved": false}',
    "the same object twice": '{"approved": true}\n{"approved": true}',
    "several calls": calls({"approved": True}, {"approved": False}),
    "a good and a broken call": calls({"approved": True}, broken=['{"approved": tr']),
    "a broken call": calls(broken=['{"approved": tru']),
    "a broken call beside text": calls(broken=['{"approved": tru'], text="Hm."),
    "cut off": '{"approved": true',
    "cut off in a text": '{"approved": true, "reason": "it is',
    "cut off, an inner object whole": '{"review": {"approved": true}, "and":',
    "cut off after an inner object": '{"review": {"approved": true}',
    "cut off in a word after an inner object": '{"review": {"approved": true}, "fine": fal',
    "cut off in a number after an inner object": '{"review": {"approved": true}, "score": 0.',
    "a list": '[{"approved": true}, {"approved": false}]',
    "a bare value": "true",
    "endless": '{"a":' * 5000,
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_answer_is_asked_again_with_the_reason(run, bad):
    model = ScriptedModel([bad, NO])
    assert decided(run, model) == NO
    model.assert_complete()
    first, second = model.calls
    assert first.messages == QUESTION
    assert second.messages[:2] == QUESTION
    last = second.messages[-1]
    assert last.text.startswith("That answer cannot be used: ")
    assert last.text.endswith(". Answer again.")


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_sent_back_is_a_conversation_that_chat_apis_take(run, bad):
    model = ScriptedModel([bad, bad, NO])
    decided(run, model)
    for call in model.calls:
        check_conversation(call.messages)


def check_conversation(messages: Sequence[BaseMessage]) -> None:
    """Every call is answered at once, none has broken arguments, and no answer is empty."""
    waiting: set[str | None] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            waiting.remove(message.tool_call_id)
            continue
        assert not waiting
        if isinstance(message, AIMessage):
            assert not message.invalid_tool_calls
            assert message.text or message.tool_calls
            waiting = {call["id"] for call in message.tool_calls}
    assert not waiting


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("I approve.", "the answer holds no JSON objects; give exactly one"),
        ('{"approved": true} {"approved": false}', "the answer holds 2 JSON objects"),
        ('{"approved": tr', "the answer's JSON object is cut off"),
        (calls({"approved": True}, {"approved": True}), "2 answers were given; give exactly one"),
        (calls({}), "`approved`: Field required"),
        (calls({"approved": "yes"}), "`approved`: Input should be a valid boolean"),
    ],
)
def test_the_reason_says_what_was_wrong(run, bad, reason):
    model = ScriptedModel([bad, NO])
    decided(run, model)
    *_, last = model.calls
    assert reason in last.messages[-1].text


def test_broken_arguments_are_told_as_such():
    model = ScriptedModel([calls(broken=['{"approved": tru']), NO])
    ASKER.invoke({"model": model, "schema": Review})
    *_, last = model.calls
    assert "`Review`: Invalid JSON: EOF while parsing" in last.messages[-1].text


def test_after_three_bad_answers_it_is_an_error_with_the_last_reason(run):
    model = ScriptedModel(["one", "two", '{"approved": "maybe"}'])
    with pytest.raises(DecisionError) as failed:
        decided(run, model)
    assert failed.value.attempts == 3
    assert "`approved`" in failed.value.last_error
    model.assert_complete()


def test_a_check_may_refuse_a_valid_object_with_a_reason(run):
    def check(review: Review) -> str | None:
        return None if review.reason else "give a reason"

    model = ScriptedModel([YES, Review(approved=True, reason="It is short.")])
    assert decided(run, model, check=check).reason == "It is short."
    _, second = model.calls
    assert "cannot be used: give a reason." in second.messages[-1].text


def test_an_object_that_every_check_refuses_is_an_error(run):
    with pytest.raises(DecisionError, match="never good enough"):
        decided(run, ScriptedModel([YES] * 3), check=lambda _: "never good enough")


def test_an_error_of_the_model_is_no_bad_answer(run):
    model = ScriptedModel([ConnectionError("the line is dead"), YES])
    with pytest.raises(ConnectionError, match="the line is dead"):
        decided(run, model)


def test_tokens_of_refused_answers_count(run):
    model = ScriptedModel(["hm", "hm", YES], usage=(100, 7))
    assert run(ASKER, {"model": model, "schema": Review})["tokens"] == 300


@pytest.mark.parametrize(
    "reply",
    [
        {"due": "2026-11-20", "level": "high", "parties": ["a", "b"]},
        '{"due": "2026-11-20", "level": "high", "parties": ["a", "b"]}',
    ],
)
def test_a_strict_schema_is_read_as_the_json_that_it_came_as(run, reply):
    contract = decided(run, ScriptedModel([reply]), Contract)
    assert contract == Contract(due=date(2026, 11, 20), level="high", parties=("a", "b"))


def test_a_model_without_tools_is_told_the_schema_and_its_text_is_read(run):
    seen: list[list[AnyMessage]] = []

    class Plain(FakeListChatModel):
        """A model that can do nothing but talk."""

        def _call(self, messages: Any, *args: Any, **options: Any) -> str:
            seen.append(list(messages))
            return super()._call(messages, *args, **options)

    model = Plain(responses=["Well.", 'Sure: {"approved": true}'], disable_streaming=True)
    assert decided(run, model).approved is True
    first, second = seen
    assert first[:2] == QUESTION
    assert '"approved"' in first[2].text
    assert [message.text for message in second[3:]] == [
        "Well.",
        "That answer cannot be used: the answer holds no JSON objects; give exactly one. "
        "Answer again.",
    ]


def test_no_tokens_of_a_decision_are_streamed():
    model = ScriptedModel([YES])
    parts = list(ASKER.stream({"model": model, "schema": Review}, stream_mode="messages"))
    assert parts == []


PIECES = st.lists(
    st.one_of(
        st.sampled_from(['{"approved": true}', "{", "}", '"', "[", "]", ":", ",", "true", "\\"]),
        st.text(max_size=4),
    ),
    max_size=8,
).map("".join)


@settings(deadline=None)
@given(PIECES)
def test_whatever_a_model_says_is_an_object_or_the_error(text):
    model = ScriptedModel([text, text, text])
    try:
        decision = ASKER.invoke({"model": model, "schema": Review})["decision"]
    except DecisionError:
        return
    assert decision == YES
    assert text.count('{"approved": true}') == 1


class Binding(ScriptedModel):
    """A scripted model that counts how often it is bound to a schema."""

    def __init__(self, replies: Sequence[Any]) -> None:
        super().__init__(replies)
        self._schemas: list[Any] = []

    def with_structured_output(self, schema: Any = None, **options: Any) -> Any:
        self._schemas.append(schema)
        return super().with_structured_output(schema, **options)


def talker(name: str) -> Agent:
    return Agent(name, "Talk.", model=ScriptedModel(lambda _: "Words."))


CHOICE = {"next_speaker": "ann", "reason": "It is their turn."}
FACTS = ("facts_given", "facts_to_look_up", "facts_to_derive", "guesses")
PLAN = {**{kind: [] for kind in FACTS}, "plan": [{"id": "s1", "worker": "ann", "task": "Talk."}]}
LEDGER = {
    "is_request_satisfied": {"reason": "", "answer": False},
    "is_in_loop": {"reason": "", "answer": False},
    "is_progress_being_made": {"reason": "", "answer": True},
    "next_speaker": {"reason": "", "answer": "ann"},
    "instruction_or_question": {"reason": "", "answer": "Go on."},
}
JUDGEMENT = {"reason": "", "answer": False}
DECIDING: dict[str, tuple[list[Any], int, Any]] = {
    "an agent with a typed answer": (
        [YES],
        1,
        lambda model: create_sequential([Agent("ann", "", model=model, output=Review)]),
    ),
    "a selector": (
        [CHOICE, CHOICE],
        1,
        lambda model: create_group_chat(
            [talker("ann"), talker("bob")], select=by_model(model), allow_repeat=True, max_turns=2
        ),
    ),
    "a judge": (
        [JUDGEMENT],
        1,
        lambda model: create_sequential(
            [talker("ann"), talker("bob")], stop_when=judged(model, "Enough?")
        ),
    ),
    "a manager": (
        [PLAN, LEDGER, LEDGER, "Done."],
        2,
        lambda model: create_magentic([talker("ann")], model=model, max_rounds=2),
    ),
}


@pytest.mark.parametrize("who", DECIDING)
def test_a_model_is_bound_once_to_what_it_is_asked_for_again_and_again(run, who):
    replies, schemas, graph_with = DECIDING[who]
    model = Binding([*replies, *replies])
    app = graph_with(model).compile()
    for _ in range(2):
        run(app)
    model.assert_complete()
    assert len(model._schemas) == schemas


def test_what_was_asked_is_not_changed_by_asking_again(run):
    asked: list[Any] = []

    class Listening(BaseCallbackHandler):
        def on_chain_start(self, serialized: Any, inputs: Any, **_: Any) -> None:
            if isinstance(inputs, PromptValue):
                asked.append((inputs, len(inputs.to_messages())))

    model = ScriptedModel([{"score": "high"}, YES])
    run(ASKER, {"model": model, "schema": Review}, config={"callbacks": [Listening()]})
    assert {count for _, count in asked} == {len(QUESTION), len(QUESTION) + 2}
    assert [len(prompt.to_messages()) for prompt, _ in asked] == [count for _, count in asked]
