"""Functions and Runnables answer in every form they may, and are told what they may not return."""

import operator
from typing import Annotated, Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Member, View, everything
from langgraph_orchestra.nodes.function import returned_types
from langgraph_orchestra.state import ConfigurationError, Handoff, SequentialState
from support.ids import shown
from support.pairs import unpaired


class Find(BaseModel):
    """A typed answer."""

    place: str


class NotesState(SequentialState, total=False):
    """A user's own keys."""

    notes: Annotated[list[str], operator.add]
    mood: str


CALL = AIMessage("Let me look.", tool_calls=[{"name": "look", "args": {}, "id": "1"}])
FOUND = ToolMessage("a cave", tool_call_id="1", name="look")


def seen(messages: list[BaseMessage]) -> list[tuple[str, str | None, str]]:
    """What was said in a run, without its task."""
    return [(message.type, message.name, message.text) for message in messages[1:]]


def app_of(*participants: Any) -> Any:
    return create_sequential(participants, state_schema=NotesState).compile()


def answering(returned: Any) -> Any:
    def ada(view: View) -> Any:
        return returned

    async def ada_async(view: View) -> Any:
        return returned

    ada_async.__name__ = "ada"
    return ada, ada_async


SAID = [("ai", "ada", "hello")]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("returned", "output", "messages"),
    [
        ("hello", "hello", SAID),
        ("", "", [("ai", "ada", "")]),
        (Find(place="cave"), Find(place="cave"), [("ai", "ada", '{"place":"cave"}')]),
        (AIMessage("hello"), "hello", SAID),
        (AIMessage("hello", name="bob"), "hello", SAID),
        (HumanMessage("hello"), "hello", [("human", "ada", "hello")]),
        ([AIMessage("one"), AIMessage("hello")], "hello", [("ai", "ada", "one"), *SAID]),
        ([], "", []),
        ({}, "", []),
        ({"messages": "hello"}, "hello", SAID),
        ({"messages": AIMessage("hello")}, "hello", SAID),
        ({"messages": ["one", AIMessage("hello")]}, "hello", [("ai", "ada", "one"), *SAID]),
        ({"output": "hello"}, "hello", SAID),
        ({"output": Find(place="cave")}, Find(place="cave"), [("ai", "ada", '{"place":"cave"}')]),
        ({"output": AIMessage("hello")}, "hello", SAID),
        ({"output": None}, "", []),
        ({"output": None, "messages": "hello"}, "hello", SAID),
        ({"output": Find(place="cave"), "messages": "hello"}, Find(place="cave"), SAID),
        ({"mood": "good"}, "", []),
        (
            [CALL, FOUND, AIMessage("hello")],
            "hello",
            [("ai", "ada", "Let me look."), ("tool", "look", "a cave"), *SAID],
        ),
        (
            [CALL, FOUND],
            "a cave",
            [("ai", "ada", "Let me look."), ("tool", "look", "a cave"), ("ai", "ada", "a cave")],
        ),
        (CALL, "Let me look.", [("ai", "ada", "Let me look.")]),
        ([FOUND, AIMessage("hello")], "hello", SAID),
    ],
    ids=repr,
)
def test_what_a_function_returns_is_its_answer(run, returned, output, messages, is_async):
    result = run(app_of(answering(returned)[is_async]))
    assert result["output"] == output
    assert seen(result["messages"]) == messages
    assert unpaired(result["messages"]) == []


def test_a_function_changes_the_state_by_its_keys(run):
    def ada(view: View) -> dict[str, Any]:
        return {"notes": ["ada"], "mood": "good", "output": "hello"}

    result = run(app_of(ada), {"messages": "go", "notes": ["mine"]})
    assert (result["notes"], result["mood"]) == (["mine", "ada"], "good")
    assert result["output"] == "hello"


def test_a_function_that_says_nothing_leaves_the_answer_before_it(run):
    def ada(view: View) -> str:
        return "hello"

    def bob(view: View) -> dict[str, Any]:
        return {"mood": "good"}

    result = run(app_of(ada, bob))
    assert result["output"] == "hello"
    assert seen(result["messages"]) == SAID


def early(view: View) -> str:
    return "an early word"


def with_all(view: View) -> list[AnyMessage]:
    return [*view.messages, AIMessage("hello")]


def with_all_by_key(view: View) -> dict[str, Any]:
    return {"messages": with_all(view)}


def with_copies(messages: list[AnyMessage]) -> list[AnyMessage]:
    return [*(message.model_copy() for message in messages), AIMessage("hello")]


def appended(messages: list[AnyMessage]) -> list[AnyMessage]:
    messages.append(AIMessage("hello"))
    return messages


@pytest.mark.parametrize(
    "participant",
    [
        with_all,
        with_all_by_key,
        RunnableLambda(lambda messages: [*messages, AIMessage("hello")]),
        RunnableLambda(with_copies),
        RunnableLambda(appended),
    ],
    ids=["list", "key", "runnable", "copies", "same list"],
)
def test_who_gives_the_conversation_back_takes_nobodys_words_over(run, saver, participant):
    stages = [early, Member(participant, name="ada")]
    app = create_sequential(stages, history=everything()).compile(checkpointer=saver)
    result = run(app, "one", thread="1")
    assert result["output"] == "hello"
    assert [(m.name, m.text) for m in result["messages"]] == [
        (None, "one"),
        ("early", "an early word"),
        ("ada", "hello"),
    ]
    assert len(run(app, "two", thread="1")["messages"]) == 6


@pytest.mark.parametrize("changed", [{}, {"content": "a late word"}], ids=["as it is", "edited"])
def test_who_answers_with_anothers_message_says_it_anew(run, changed):
    def ada(view: View) -> AnyMessage:
        return view.messages[-1].model_copy(update=changed)

    result = run(app_of(early, ada))
    assert seen(result["messages"]) == [
        ("ai", "early", "an early word"),
        ("ai", "ada", changed.get("content", "an early word")),
    ]


@pytest.mark.parametrize(
    "returned", [None, 5, True, object(), ("hello",), ["hello"], {"a"}, b"hello"], ids=shown
)
def test_what_no_participant_may_return_is_refused_with_what_it_may(run, returned):
    with pytest.raises(ConfigurationError, match=r"participant `ada` returned .*; a function ret"):
        run(app_of(answering(returned)[0]))


@pytest.mark.parametrize("key", ["moood", "trail", "stop", "run_info", 5])
def test_an_unknown_key_is_refused_with_the_known_ones(run, key):
    with pytest.raises(ConfigurationError, match=f"returned the key `{key}`") as refused:
        run(app_of(answering({key: 1, "output": "x"})[0]))
    assert "`messages`, `mood`, `notes`, `output`" in str(refused.value)
    assert "state_schema=" in str(refused.value)


@pytest.mark.parametrize("said", [5, [5], [("user", "hi")], {"role": "user", "content": "hi"}])
def test_messages_of_another_kind_are_refused(run, said):
    with pytest.raises(ConfigurationError, match="neither messages nor texts"):
        run(app_of(answering({"messages": said})[0]))


def test_a_function_is_a_turn_of_its_own_kind(run):
    (turn,) = run(app_of(answering("hello")[0]))["trail"]
    assert (turn.agent, turn.kind, turn.model, turn.input_tokens) == ("ada", "function", "", 0)


def test_a_function_sees_the_whole_view(run):
    views = []

    def ada(view: View) -> str:
        views.append(view)
        return "hello"

    run(app_of(Member(ada, description="says hello")), {"messages": "go", "mood": "good"})
    (view,) = views
    assert (view.task, view.state["mood"]) == ("go", "good")
    assert view.speakers == {"ada": "says hello"}


@pytest.mark.parametrize(
    ("runnable", "output"),
    [
        (RunnableLambda(lambda messages: messages[-1].text.upper()), "THE TASK"),
        (RunnableLambda(lambda messages: AIMessage("hello")), "hello"),
        (ScriptedModel(lambda _: "hello"), "hello"),
        (ScriptedModel(lambda _: "hello") | StrOutputParser(), "hello"),
        (ScriptedModel(lambda _: "hello").with_retry(), "hello"),
        (ScriptedModel(lambda _: "hello").bind(stop=["x"]), "hello"),
    ],
    ids=["function", "message", "model", "chain", "retrying model", "bound model"],
)
def test_a_runnable_is_given_messages_and_its_result_is_its_answer(run, runnable, output):
    result = run(app_of(Member(runnable, name="ada")))
    assert result["output"] == output
    assert seen(result["messages"]) == [("ai", "ada", output)]


def test_model_calls_inside_a_runnable_are_counted(run):
    model = ScriptedModel(["one", "two"], usage=(10, 5))
    chain = model | (lambda message: [message]) | model | StrOutputParser()
    (turn,) = run(app_of(Member(chain, name="ada")))["trail"]
    assert (turn.input_tokens, turn.output_tokens, turn.model) == (20, 10, "scripted")


def test_a_model_that_calls_tools_nobody_runs_is_never_sent_half_a_call(run, saver):
    model = ScriptedModel([CALL, CALL.model_copy(update={"content": ""}), "hello"])
    member = Member(model.bind_tools([Find]), name="ada", history=everything())
    app = create_sequential([member]).compile(checkpointer=saver)
    assert run(app, "one", thread="1")["output"] == "Let me look."
    assert run(app, "two", thread="1")["output"] == ""
    assert run(app, "three", thread="1")["output"] == "hello"
    *_, last = model.calls
    assert [m.text for m in last.messages] == ["one", "Let me look.", "two", "", "three"]


async def finds() -> Find:
    return Find(place="cave")


def says() -> str | AIMessage | list[AnyMessage]:
    return SystemMessage("x").text


def maybe_finds() -> "list[Find] | None":
    return None


def returns_what_is_unknown() -> "Missing":  # type: ignore[name-defined]  # noqa: F821
    return None


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (finds, (Find,)),
        (maybe_finds, (Find,)),
        (says, ()),
        (returns_what_is_unknown, ()),
        (lambda view: Find(place="x"), ()),
        (ScriptedModel(["x"]), ()),
    ],
)
def test_typed_answers_are_known_from_a_functions_annotation(function, kinds):
    assert returned_types(function) == kinds


def test_a_handoff_is_refused_where_the_pattern_knows_none(run):
    def ada(view):
        return Handoff(target="bob")

    wanted = "`ada` returned a `Handoff`, but `sequential` hands nothing over"
    with pytest.raises(ConfigurationError, match=wanted):
        run(create_sequential([ada]).compile())
