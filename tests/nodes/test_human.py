"""A person's seat: what they are shown, what becomes of their answer, and what they cannot be."""

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.errors import is_invalid_resume
from langgraph.types import Command, Interrupt
from pydantic import BaseModel

from langgraph_orchestra.graphs import (
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_maker_checker,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Member, Policy, View, approval, question
from langgraph_orchestra.state import AnswerError, ConfigurationError


class Visit(BaseModel):
    """What may be asked for."""

    city: str


def writer(*replies: str) -> Agent:
    return Agent("ada", "Write.", model=ScriptedModel(list(replies) or ["draft"]))


def asked(result: dict[str, Any]) -> Any:
    """What the one person who is asked is shown."""
    (interrupt,) = result["__interrupt__"]
    assert isinstance(interrupt, Interrupt)
    return interrupt.value


def test_a_review_shows_exactly_this(run, saver):
    app = create_sequential([writer(), approval("boss", "Checks the tone.")])
    assert asked(run(app.compile(checkpointer=saver), "the task", thread="1")) == {
        "action_requests": [
            {
                "name": "review_draft",
                "args": {"participant": "ada", "draft": "draft", "round": 1},
                "description": "Checks the tone.\n\ndraft",
            }
        ],
        "review_configs": [
            {"action_name": "review_draft", "allowed_decisions": ["approve", "edit", "reject"]}
        ],
        "pattern": "sequential",
        "node": "boss",
        "path": "boss",
        "thread_task": "the task",
    }


def test_a_question_shows_exactly_this(run, saver):
    app = create_sequential([writer(), question("boss", "Which city?")])
    assert asked(run(app.compile(checkpointer=saver), "the task", thread="1")) == {
        "action_requests": [
            {
                "name": "answer",
                "args": {"participant": "boss", "message": "Which city?", "task": "the task"},
                "description": "Which city?",
            }
        ],
        "review_configs": [{"action_name": "answer", "allowed_decisions": ["respond"]}],
        "pattern": "sequential",
        "node": "boss",
        "path": "boss",
        "thread_task": "the task",
    }


def test_without_words_of_its_own_a_question_is_about_what_was_said_last(run, saver):
    app = create_sequential([writer(), Human("boss", role="answer")])
    (request,) = asked(run(app.compile(checkpointer=saver), "the task", thread="1"))[
        "action_requests"
    ]
    assert request["args"]["message"] == "draft"
    assert request["description"] == "Your answer is needed.\n\ndraft"


ASKED = {
    "to answer": lambda person: create_group_chat([person, writer()]),
    "to review": lambda person: create_maker_checker(writer(), person),
    "to observe": lambda person: create_group_chat([writer()], observer=person),
    "to go on": lambda person: create_handoff([writer()], human=person),
}


@pytest.mark.parametrize("build", ASKED.values(), ids=list(ASKED))
def test_what_is_asked_is_a_text_or_the_function_is_named(build, run):
    def how_many(view: View) -> Any:
        return len(view.messages)

    app = build(Human("boss", ask=how_many)).compile()
    with pytest.raises(
        ConfigurationError, match=r"`ask` of `boss` returned [12]; it returns a text"
    ):
        run(app)


def test_what_is_asked_may_depend_on_the_run_sync_or_async(run, saver):
    async def about(view: View) -> str:
        return f"Is {view.last_text!r} an answer to {view.task!r}?"

    app = create_sequential([writer(), Human("boss", ask=about)])
    (request,) = asked(run(app.compile(checkpointer=saver), "the task", thread="1"))[
        "action_requests"
    ]
    assert request["description"] == "Is 'draft' an answer to 'the task'?"


def test_the_round_counts_the_drafts_that_were_shown(run, saver):
    app = create_sequential([writer("one", "two"), approval("boss")]).compile(checkpointer=saver)
    run(app, "the task", thread="1")
    (request,) = asked(run(app, Command(resume="shorter"), thread="1"))["action_requests"]
    assert request["args"] == {"participant": "ada", "draft": "two", "round": 2}


def test_a_person_in_a_team_in_a_team_is_shown_where_they_sit(run, saver):
    inner = create_sequential([writer(), approval("boss")]).compile(name="inner")
    team = create_sequential([inner]).compile(name="team")
    shown = asked(run(create_sequential([team]).compile(checkpointer=saver), thread="1"))
    assert (shown["path"], shown["node"]) == ("team/inner/boss", "boss")
    assert shown["thread_task"] == "the task"


def test_under_another_name_a_person_is_that_one_everywhere(run, saver):
    app = create_sequential([Member(Human("boss", ask="?"), name="chief")])
    app = app.compile(checkpointer=saver)
    shown = asked(run(app, thread="1"))
    assert (shown["node"], shown["path"]) == ("chief", "chief")
    (request,) = shown["action_requests"]
    assert request["args"]["participant"] == "chief"
    result = run(app, Command(resume="Lisbon"), thread="1")
    assert [message.name for message in result["messages"]] == [None, "chief"]
    assert [turn.agent for turn in result["trail"]] == ["chief"]


def test_an_answer_is_a_message_and_a_turn_of_the_person(run, saver):
    app = create_sequential([question("boss", "Which city?")]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="Lisbon"), thread="1")
    answer = result["messages"][-1]
    assert (type(answer), answer.name, answer.text) == (HumanMessage, "boss", "Lisbon")
    (turn,) = result["trail"]
    assert (turn.kind, turn.outcome, turn.agent) == ("human", "ok", "boss")
    assert result["output"] == "Lisbon"


def two_people(saver: Any) -> Any:
    seats = [question(name, f"{name}?") for name in ("ann", "ben")]
    return create_concurrent(seats).compile(checkpointer=saver)


def waiting_for(app: Any) -> dict[str, str]:
    """Who is waited for, and under which id."""
    state = app.get_state({"configurable": {"thread_id": "1"}})
    return {interrupt.value["node"]: interrupt.id for interrupt in state.interrupts}


def test_people_who_are_asked_at_once_answer_one_by_one(run, saver):
    app = two_people(saver)
    run(app, thread="1")
    open_ones = waiting_for(app)
    assert open_ones.keys() == {"ann", "ben"}
    run(app, Command(resume={open_ones["ben"]: "b"}), thread="1")
    assert waiting_for(app) == {"ann": open_ones["ann"]}
    result = run(app, Command(resume={open_ones["ann"]: "a"}), thread="1")
    assert {name: r.output for name, r in result["results"].items()} == {"ann": "a", "ben": "b"}


def test_a_bad_answer_of_one_keeps_the_good_one_that_came_with_it(run, saver):
    app = two_people(saver)
    run(app, thread="1")
    open_ones = waiting_for(app)
    both = {open_ones["ann"]: {"type": "approve"}, open_ones["ben"]: "b"}
    with pytest.raises(AnswerError, match="`ann` cannot be used") as refused:
        run(app, Command(resume=both), thread="1")
    assert is_invalid_resume(refused.value)
    result = run(app, Command(resume={open_ones["ann"]: "a"}), thread="1")
    assert {name: r.output for name, r in result["results"].items()} == {"ann": "a", "ben": "b"}


@pytest.mark.parametrize(
    ("seat", "bad", "told"),
    [
        (question("boss", "?"), True, "`approve` is not possible here; decide one of `respond`"),
        (question("boss", "?"), " ", "the answer is blank; decide one of `respond`"),
        (approval("boss"), 5, "an answer is text, a bool or a decision, not int"),
        (approval("boss"), {"type": "edit"}, "an `edit` needs the new text"),
        (Human("boss", role="answer", schema=Visit), "{}", "`city`: Field required"),
    ],
)
def test_a_bad_answer_is_refused_in_words_and_the_same_interrupt_stays_open(
    run, saver, seat, bad, told
):
    app = create_sequential([writer(), seat]).compile(checkpointer=saver)
    run(app, thread="1")
    before = waiting_for(app)
    with pytest.raises(AnswerError, match="the answer of `boss` cannot be used") as refused:
        run(app, Command(resume=bad), thread="1")
    assert told in str(refused.value)
    assert waiting_for(app) == before


def test_a_refused_answer_is_never_tried_again(run, saver):
    asked_for = []

    def ask(view: View) -> str:
        asked_for.append(view.task)
        return "Which city?"

    seat = Member(Human("boss", role="answer", ask=ask), policy=Policy())
    app = create_sequential([seat]).compile(checkpointer=saver)
    run(app, thread="1")
    with pytest.raises(AnswerError):
        run(app, Command(resume=True), thread="1")
    assert len(asked_for) == 2


def test_a_typed_answer_is_an_object_and_its_words_are_a_message(run, saver):
    seat = Human("boss", role="answer", schema=Visit)
    app = create_sequential([seat]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume={"city": "Lisbon"}), thread="1")
    assert result["output"] == Visit(city="Lisbon")
    assert result["messages"][-1].text == '{"city": "Lisbon"}'


def test_approval_and_question_are_people_with_a_role():
    assert approval("boss", "Checks.") == Human("boss", "Checks.", role="review")
    assert question("boss", "Why?") == Human("boss", role="answer", ask="Why?")


@pytest.mark.parametrize(
    ("settings", "error", "told"),
    [
        ({"name": "the boss"}, ConfigurationError, "try `the_boss`"),
        ({"name": "review"}, ConfigurationError, "internal node"),
        ({"name": 5}, TypeError, "`name` is a str"),
        ({"description": None}, TypeError, "`description` of `boss`"),
        ({"role": "judge"}, ConfigurationError, "it is 'answer', 'review' or None"),
        ({"ask": 5}, TypeError, "`ask` of `boss`"),
        ({"default": 5}, TypeError, "`default` of `boss`"),
        ({"schema": dict}, TypeError, "`schema` of `boss`"),
        ({"schema": Visit(city="Rome")}, TypeError, "`schema` of `boss`"),
        ({"max_rejections": 0}, ConfigurationError, "at least 1"),
        ({"max_rejections": True}, TypeError, "is an int"),
        ({"mood": "good"}, TypeError, "mood"),
    ],
    ids=repr,
)
def test_a_person_who_cannot_be_is_refused(settings, error, told):
    with pytest.raises(error, match=told):
        Human(**{"name": "boss", **settings})


@pytest.mark.parametrize(
    "seat",
    [
        Human("boss", role="review", default=" "),
        Human("boss", role="answer", default="Lisbon", schema=Visit),
    ],
    ids=["blank review", "wrong type"],
)
def test_a_default_that_is_no_answer_is_refused_before_anything_is_spent(seat):
    with pytest.raises(ConfigurationError, match="`default` of `boss`"):
        create_sequential([writer(), seat])
