"""What every kind of participant has in common."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from langgraph_orchestra.nodes import Agent, Human, Member, everything, task_only
from langgraph_orchestra.nodes.member import as_participant, as_participants
from langgraph_orchestra.nodes.participant import (
    Reply,
    Scene,
    answer_from,
    answer_text,
    said_by,
    speakers,
    with_answer,
)
from langgraph_orchestra.nodes.view import View

SCENE = Scene("test", everything())


class Find(BaseModel):
    """A typed answer."""

    place: str


CALL = AIMessage("Let me look.", tool_calls=[{"name": "look", "args": {}, "id": "1"}])
FOUND = ToolMessage("a cave", tool_call_id="1", name="look")


def seen(messages: Any) -> list[tuple[str, str]]:
    return [(message.type, message.text) for message in messages]


def test_a_message_is_said_under_its_speakers_name_and_keeps_its_id():
    message = AIMessage("hello", id="1", name="model")
    said = said_by("ada", message)
    assert (said.name, said.id, said.text) == ("ada", "1", "hello")
    assert message.name == "model"
    assert said_by("ada", said) is said


@pytest.mark.parametrize(
    ("output", "text"),
    [("hello", "hello"), ("", ""), (Find(place="a cave"), '{"place":"a cave"}'), (8, "8")],
)
def test_an_answer_is_text_and_a_typed_one_is_its_json(output, text):
    assert answer_text(output) == text
    assert answer_from("ada", output) == AIMessage(text, name="ada")


@pytest.mark.parametrize(
    ("messages", "output", "stored"),
    [
        ([AIMessage("hello")], "hello", [("ai", "hello")]),
        ([], "hello", [("ai", "hello")]),
        ([CALL, FOUND], "a cave", [("ai", "Let me look."), ("tool", "a cave"), ("ai", "a cave")]),
        ([CALL], "Let me look.", [("ai", "Let me look.")]),
        ([FOUND, AIMessage("hello")], "hello", [("ai", "hello")]),
        ([AIMessage("hm")], Find(place="x"), [("ai", "hm"), ("ai", '{"place":"x"}')]),
        ([HumanMessage("hello")], "hello", [("human", "hello")]),
    ],
)
def test_what_is_stored_ends_with_the_answer_and_holds_no_half_a_tool_call(
    messages: list[AnyMessage], output, stored
):
    before = list(messages)
    assert seen(with_answer("ada", messages, output)) == stored
    assert messages == before


def test_speakers_are_in_declared_order_with_what_they_do():
    participants = as_participants(
        [Human("zoe", "decides"), Agent("ada", "", description="writes"), Agent("bob", "")], SCENE
    )
    assert list(speakers(participants).items()) == [
        ("zoe", "decides"),
        ("ada", "writes"),
        ("bob", ""),
    ]


def test_a_reply_of_nothing_changes_nothing():
    reply = Reply()
    assert (reply.messages, reply.output, reply.changes, reply.inside) == ((), "", {}, ())
    with pytest.raises(TypeError):
        reply.changes["notes"] = 1  # type: ignore[index]


def never(view: View) -> bool:
    return False


def test_what_nobody_has_set_is_the_same_for_all_kinds():
    for given in (Agent("ada", ""), Member(never), Human("boss")):
        participant = as_participant(given, SCENE)
        assert (participant.history, participant.when, participant.fallback) == (None, None, None)
        assert (participant.inner, participant.threads) == ((), 1)


def test_a_history_of_ones_own_is_kept():
    history = task_only()
    assert as_participant(Member(never, history=history), SCENE).history is history
