"""What a model is sent: its own answers as its own, everybody else's under their names."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langgraph_orchestra.nodes.prompt import Heard, addressed_to

IMAGE = {"type": "image", "url": "https://example.com/octopus.png"}
OLD_IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/octopus.png"}}
TASK = HumanMessage("the task")


def call(name: str | None, *ids: str, text: str = "") -> AIMessage:
    calls = [{"name": "look", "args": {}, "id": one} for one in ids]
    return AIMessage(text, name=name, tool_calls=calls)


def found(call_id: str, text: str = "a cave") -> ToolMessage:
    return ToolMessage(text, tool_call_id=call_id, name="look")


def seen(messages: list[AnyMessage]) -> list[tuple[str, str | None, str]]:
    return [(message.type, message.name, message.text) for message in messages]


def test_own_answers_are_ones_own_and_others_are_people_with_a_name():
    thread: list[AnyMessage] = [
        TASK,
        AIMessage("mine", name="ada"),
        AIMessage("theirs", name="bob"),
        HumanMessage("shorter", name="boss"),
    ]
    assert seen(addressed_to("ada", thread)) == [
        ("human", None, "the task"),
        ("ai", "ada", "mine"),
        ("human", "bob", "bob: theirs"),
        ("human", "boss", "boss: shorter"),
    ]


def test_a_conversation_given_as_the_task_keeps_its_roles():
    task: list[AnyMessage] = [
        SystemMessage("be brief"),
        HumanMessage("asked"),
        AIMessage("answered"),
        HumanMessage("and?"),
    ]
    assert addressed_to("ada", task) == task


def test_own_answers_are_sent_as_they_are_with_all_their_blocks():
    own = AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "so"}])
    own.name = "ada"
    assert addressed_to("ada", [TASK, own, HumanMessage("go on")])[1] is own


@pytest.mark.parametrize("image", [IMAGE, OLD_IMAGE])
def test_images_of_the_task_are_kept_as_they_are(image):
    task = HumanMessage([{"type": "text", "text": "what is this?"}, image])
    assert addressed_to("ada", [task]) == [task]


@pytest.mark.parametrize("kind", [AIMessage, HumanMessage])
@pytest.mark.parametrize("image", [IMAGE, OLD_IMAGE])
def test_images_of_others_are_kept_beside_their_words(image, kind):
    shown = kind([{"type": "text", "text": "look"}, image], name="bob")
    assert addressed_to("ada", [shown]) == [
        HumanMessage([{"type": "text", "text": "bob: look"}, image], name="bob")
    ]


def test_reasoning_of_others_is_left_out():
    thought = AIMessage(
        [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "so"}], name="bob"
    )
    assert addressed_to("ada", [thought]) == [HumanMessage("bob: so", name="bob")]


@pytest.mark.parametrize("name", ["ada", None])
def test_one_who_would_have_the_last_word_is_asked_to_go_on(name):
    prompt = addressed_to("ada", [TASK, AIMessage("mine", name=name)])
    assert seen(prompt) == [
        ("human", None, "the task"),
        ("ai", name, "mine"),
        ("human", None, "Please continue."),
    ]


@pytest.mark.parametrize("last", [TASK, AIMessage("theirs", name="bob"), SystemMessage("brief")])
def test_nobody_else_is_asked_to_go_on(last):
    texts = [message.text for message in addressed_to("ada", [last])]
    assert "Please continue." not in texts


def test_nothing_to_read_stays_nothing():
    assert addressed_to("ada", []) == []


OWN_AND_OTHERS: list[AnyMessage] = [
    TASK,
    call("ada", "1"),
    found("1", "own"),
    AIMessage("mine", name="ada"),
    call("bob", "2"),
    found("2", "theirs"),
    AIMessage("theirs", name="bob"),
]


def test_own_calls_are_sent_with_their_results_and_others_are_not():
    assert seen(addressed_to("ada", OWN_AND_OTHERS)) == [
        ("human", None, "the task"),
        ("ai", "ada", ""),
        ("tool", "look", "own"),
        ("ai", "ada", "mine"),
        ("human", "bob", "bob: theirs"),
    ]


def test_what_others_have_found_is_a_line_of_text_where_all_tools_are_read():
    assert seen(addressed_to("ada", OWN_AND_OTHERS, tools="all")) == [
        ("human", None, "the task"),
        ("ai", "ada", ""),
        ("tool", "look", "own"),
        ("ai", "ada", "mine"),
        ("human", "look", "look returned: theirs"),
        ("human", "bob", "bob: theirs"),
    ]


def test_not_even_own_calls_are_sent_where_no_tools_are_read():
    assert seen(addressed_to("ada", OWN_AND_OTHERS, tools="none")) == [
        ("human", None, "the task"),
        ("ai", "ada", "mine"),
        ("human", "bob", "bob: theirs"),
    ]


def test_a_call_id_that_another_has_used_too_does_not_bring_in_their_result():
    thread: list[AnyMessage] = [
        TASK,
        call("ada", "1"),
        found("1", "own"),
        call("bob", "1"),
        found("1", "theirs"),
        AIMessage("theirs", name="bob"),
    ]
    assert seen(addressed_to("ada", thread))[1:] == [
        ("ai", "ada", ""),
        ("tool", "look", "own"),
        ("human", "bob", "bob: theirs"),
    ]


def test_what_is_sent_is_not_stored():
    thread: list[AnyMessage] = [TASK, AIMessage("theirs", name="bob")]
    addressed_to("ada", thread)
    assert seen(thread) == [("human", None, "the task"), ("ai", "bob", "theirs")]


TURNS_OF_A_THREAD = st.lists(
    st.one_of(
        st.just([TASK]),
        st.sampled_from(["ada", "bob"]).map(lambda name: [AIMessage("said", name=name)]),
        st.sampled_from(["ada", "bob"]).map(
            lambda name: [call(name, "1", "2"), found("1"), found("2")]
        ),
    ),
    max_size=8,
).map(lambda turns: [message for turn in turns for message in turn])


@given(TURNS_OF_A_THREAD, st.sampled_from(["own", "all", "none"]))
def test_only_ones_own_answers_are_ever_sent_as_those_of_an_assistant(thread, tools):
    prompt = addressed_to("ada", thread, tools=tools)
    assert {message.name for message in prompt if message.type == "ai"} <= {"ada"}


@given(TURNS_OF_A_THREAD, st.sampled_from(["own", "all", "none"]))
def test_every_call_that_is_sent_is_followed_by_its_results_and_by_no_others(thread, tools):
    waiting: set[str | None] = set()
    for message in addressed_to("ada", thread, tools=tools):
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in waiting
            waiting.remove(message.tool_call_id)
            continue
        assert not waiting
        if isinstance(message, AIMessage):
            waiting = {one["id"] for one in message.tool_calls}
    assert not waiting


@given(TURNS_OF_A_THREAD, st.lists(st.sampled_from(["ada", "bob", "carl"]), max_size=4))
def test_what_was_heard_before_is_read_as_if_for_the_first_time(thread, readers):
    heard = Heard()
    for reader in readers:
        assert addressed_to(reader, thread, heard=heard) == addressed_to(reader, thread)


def test_what_was_said_is_put_into_words_once_for_all_who_read_it():
    thread: list[AnyMessage] = [TASK, AIMessage("theirs", name="bob")]
    heard = Heard()
    prompts = [addressed_to(reader, thread, heard=heard) for reader in ("ada", "carl")]
    assert prompts[0][-1] is prompts[1][-1]


def test_words_are_forgotten_with_the_message_they_are_of():
    heard = Heard()
    addressed_to("ada", [AIMessage("theirs", name="bob")], heard=heard)
    gc.collect()
    assert not heard.words
