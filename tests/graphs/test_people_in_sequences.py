"""People in a sequence: seats, reviews, all forms of answers, refused ones, tool approvals."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Limits,
    Member,
    Policy,
    approval,
    everything,
    mentions,
    question,
)
from langgraph_orchestra.state import AnswerError, ConfigurationError
from support.members import AT_ONCE, RECORDED, agent
from support.results import asked, outcomes, readings, spoken


class Ticket(BaseModel):
    """What a person fills in."""

    title: str
    urgent: bool


class Form(BaseModel):
    """A form with a field of the name that a decision has, too."""

    type: str
    text: str


def ended(result):
    """How a run ended, in short."""
    return result["output"], result["stop"].reason, result["stop"].by


def reviewed(saver, *drafts, boss=None, after=("published",), **options):
    """A writer, a person who reviews, and a publisher."""
    writer, publisher = agent("writer", *(drafts or ["draft"])), agent("publisher", *after)
    graph = create_sequential([writer, boss or Human("boss"), publisher], **options)
    return graph.compile(checkpointer=saver), writer, publisher


# What a person is shown


def test_a_review_shows_the_draft_its_author_and_the_round(run, saver):
    app, _, _ = reviewed(saver)
    shown = asked(run(app, "Write a verse", thread="1")).value
    assert shown == {
        "action_requests": [
            {
                "name": "review_draft",
                "args": {"participant": "writer", "draft": "draft", "round": 1},
                "description": "Approve, edit or reject the draft of writer.\n\ndraft",
            }
        ],
        "review_configs": [
            {"action_name": "review_draft", "allowed_decisions": ["approve", "edit", "reject"]}
        ],
        "pattern": "sequential",
        "node": "boss",
        "path": "boss",
        "thread_task": "Write a verse",
    }


def test_a_seat_is_shown_what_was_said_last_and_the_task(run, saver):
    stages = [agent("guide", "Sea or sky?"), Human("guest", role="answer")]
    app = create_sequential(stages).compile(checkpointer=saver)
    shown = asked(run(app, "Plan a trip", thread="1")).value
    assert shown["action_requests"] == [
        {
            "name": "answer",
            "args": {"participant": "guest", "message": "Sea or sky?", "task": "Plan a trip"},
            "description": "Your answer is needed.\n\nSea or sky?",
        }
    ]
    assert shown["review_configs"] == [{"action_name": "answer", "allowed_decisions": ["respond"]}]


def what_to_ask(view):
    return f"{view.last_text}, right?"


async def what_to_ask_later(view):
    return f"{view.last_text}, right?"


@pytest.mark.parametrize("ask", ["draft, right?", what_to_ask, what_to_ask_later])
@pytest.mark.parametrize("role", ["answer", "review"])
def test_ask_is_what_the_person_reads(run, saver, ask, role):
    app, _, _ = reviewed(saver, boss=Human("boss", "Has the last word.", role=role, ask=ask))
    (request,) = asked(run(app, thread="1")).value["action_requests"]
    assert request["description"] == "draft, right?"


def test_without_ask_the_person_reads_what_they_are_there_for(run, saver):
    app, _, _ = reviewed(saver, boss=approval("boss", "Checks the facts."))
    (request,) = asked(run(app, thread="1")).value["action_requests"]
    assert request["description"] == "Checks the facts.\n\ndraft"


def test_clients_see_the_json_schema_of_an_answer(run, saver):
    app, _, _ = reviewed(saver)
    schema: Any = asked(run(app, thread="1")).response_schema
    assert schema["properties"]["decisions"]["type"] == "array"


# Seats


def test_a_person_as_first_stage_answers(run, saver):
    reader = agent("reader", "read")
    app = create_sequential([Human("guest"), reader]).compile(checkpointer=saver)
    assert asked(run(app, "Where to?", thread="1")).value["action_requests"][0]["name"] == "answer"
    result = run(app, Command(resume="To the sea"), thread="1")
    assert spoken(result) == [("guest", "To the sea"), ("reader", "read")]
    assert readings(reader) == [["Where to?", "guest: To the sea"]]
    assert [(t.agent, t.kind, t.outcome) for t in result["trail"]] == [
        ("guest", "human", "ok"),
        ("reader", "agent", "ok"),
    ]


def test_an_answer_at_the_end_is_the_output(run, saver):
    stages = [agent("guide"), question("guest", "Well?")]
    app = create_sequential(stages).compile(checkpointer=saver)
    run(app, thread="1")
    assert ended(run(app, Command(resume="Fine"), thread="1")) == ("Fine", "completed", None)


def test_a_person_after_the_first_reviews_unless_they_say_otherwise(run, saver):
    app = create_sequential([Human("first"), Human("second")]).compile(checkpointer=saver)
    run(app, thread="1")
    shown = asked(run(app, Command(resume="my words"), thread="1")).value
    (request,) = shown["action_requests"]
    assert (request["name"], request["args"]["participant"]) == ("review_draft", "first")


AFTER_A_PERSON = {
    "a stage that is skipped": Member(agent("c"), when=lambda view: False),
    "a stage that fails": agent("c", ValueError("no"), policy=RECORDED),
    "an approval": Human("boss"),
}


@pytest.mark.parametrize("before", [[], ["a"]], ids=["first", "after an agent"])
@pytest.mark.parametrize("schema", [None, Ticket])
@pytest.mark.parametrize("after", AFTER_A_PERSON)
def test_a_persons_answer_that_nothing_follows_is_the_output(memory, before, schema, after):
    stages = [*map(agent, before), Human("guest", role="answer", schema=schema)]
    app = create_sequential([*stages, AFTER_A_PERSON[after]]).compile(checkpointer=memory.saver)
    memory.run(app)
    result = memory.run(app, Command(resume='{"title": "Leak", "urgent": true}'))
    if after == "an approval":
        result = memory.run(app, Command(resume="yes"))
    given = Ticket(title="Leak", urgent=True) if schema else '{"title": "Leak", "urgent": true}'
    assert ended(result) == (given, "completed", None)


def test_one_person_alone_may_be_a_whole_sequence(run, saver):
    app = create_sequential([Human("guest")]).compile(checkpointer=saver)
    run(app, thread="1")
    assert ended(run(app, Command(resume="Fine"), thread="1")) == ("Fine", "completed", None)


def test_a_person_may_sit_under_another_name(run, saver):
    boss = Member(Human("boss"), name="chief", description="Decides.")
    app, _, _ = reviewed(saver, boss=boss)
    assert asked(run(app, thread="1")).value["node"] == "chief"
    assert outcomes(run(app, Command(resume="yes"), thread="1")) == [
        ("writer", "ok"),
        ("chief", "ok"),
        ("publisher", "ok"),
    ]


# Approve, edit, reject


def test_approve_passes_the_draft_on(run, saver):
    app, _, publisher = reviewed(saver)
    run(app, "the task", thread="1")
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert readings(publisher) == [["the task", "writer: draft"]]
    assert spoken(result) == [("writer", "draft"), ("publisher", "published")]
    (turn,) = [turn for turn in result["trail"] if turn.kind == "human"]
    assert (turn.agent, turn.outcome, turn.detail) == ("boss", "ok", "approved")


def test_approval_at_the_last_stage_completes_with_the_draft(run, saver):
    app = create_sequential([agent("writer", "draft"), Human("boss")]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="approve"), thread="1")
    assert ended(result) == ("draft", "completed", None)


def test_edit_replaces_the_draft_for_later_stages_and_the_original_stays_on_record(run, saver):
    app, _, publisher = reviewed(saver)
    run(app, "the task", thread="1")
    edit = {"type": "edit", "edited_action": {"name": "review_draft", "args": {"draft": "better"}}}
    result = run(app, Command(resume={"decisions": [edit]}), thread="1")
    assert readings(publisher) == [["the task", "boss: better"]]
    assert spoken(result) == [("writer", "draft"), ("boss", "better"), ("publisher", "published")]


def test_an_edit_at_the_last_stage_is_the_output(run, saver):
    app = create_sequential([agent("writer", "draft"), Human("boss")]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume={"type": "edit", "args": {"draft": "better"}}), thread="1")
    assert ended(result) == ("better", "completed", None)


TICKET = Ticket(title="Leak", urgent=False)


def test_an_edit_of_a_typed_draft_stays_typed_for_later_stages_and_reviews(run, saver):
    stages = [agent("clerk", TICKET, output=Ticket), Human("boss"), Human("chief")]
    app = create_sequential(stages).compile(checkpointer=saver)
    run(app, thread="1")
    edit = {"type": "edit", "args": {"draft": '{"title": "Flood", "urgent": true}'}}
    shown = asked(run(app, Command(resume=edit), thread="1")).value["action_requests"][0]
    assert shown["args"]["draft"] == '{"title":"Flood","urgent":true}'
    edit = {"type": "edit", "args": {"draft": {"title": "Flood", "urgent": False}}}
    result = run(app, Command(resume=edit), thread="1")
    assert ended(result)[:2] == (Ticket(title="Flood", urgent=False), "completed")


def test_an_edit_of_a_typed_draft_that_does_not_fit_is_refused_and_can_be_given_again(run, saver):
    app = create_sequential([agent("clerk", TICKET, output=Ticket), Human("boss")])
    app = app.compile(checkpointer=saver)
    before = asked(run(app, thread="1")).id
    for unfit in ("Flood", '{"title": "Flood"}'):
        with pytest.raises(AnswerError, match=r"JSON|urgent"):
            run(app, Command(resume={"type": "edit", "args": {"draft": unfit}}), thread="1")
    (task,) = app.get_state({"configurable": {"thread_id": "1"}}).tasks
    assert [one.id for one in task.interrupts] == [before]
    assert ended(run(app, Command(resume="approve"), thread="1"))[:2] == (TICKET, "completed")


def test_a_text_after_a_typed_answer_is_edited_as_text(run, saver):
    stages = [agent("clerk", TICKET, output=Ticket), agent("writer", "A leak."), Human("boss")]
    app = create_sequential(stages).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume={"type": "edit", "args": "A flood."}), thread="1")
    assert ended(result)[:2] == ("A flood.", "completed")


def test_reject_with_feedback_sends_the_draft_back_to_the_stage_before(run, saver):
    app, writer, publisher = reviewed(saver, "long draft", "short draft")
    run(app, "the task", thread="1")
    again = run(app, Command(resume="too long"), thread="1")
    (request,) = asked(again).value["action_requests"]
    assert request["args"] == {"participant": "writer", "draft": "short draft", "round": 2}
    result = run(app, Command(resume="yes"), thread="1")
    assert readings(writer) == [
        ["the task"],
        ["the task", "long draft", "boss: too long"],
    ]
    assert readings(publisher) == [["the task", "writer: short draft"]]
    assert spoken(result) == [
        ("writer", "long draft"),
        ("boss", "too long"),
        ("writer", "short draft"),
        ("publisher", "published"),
    ]
    assert outcomes(result) == [
        ("writer", "ok"),
        ("boss", "refused"),
        ("writer", "ok"),
        ("boss", "ok"),
        ("publisher", "ok"),
    ]


@pytest.mark.parametrize("history", [None, everything()])
def test_the_author_reads_draft_and_feedback_once_whatever_it_reads_otherwise(saver, run, history):
    app, writer, _ = reviewed(saver, "long", "short", history=history)
    run(app, "the task", thread="1")
    run(app, Command(resume="too long"), thread="1")
    _, second = readings(writer)
    assert second == ["the task", "long", "boss: too long"]


def test_the_author_reads_again_what_the_draft_was_written_from(run, saver):
    writer = agent("writer", "one", "two", "three")
    stages = [agent("researcher", "notes"), writer, Human("boss")]
    app = create_sequential(stages).compile(checkpointer=saver)
    run(app, "the task", thread="1")
    run(app, Command(resume="too long"), thread="1")
    run(app, Command(resume="too short"), thread="1")
    _, second, third = readings(writer)
    assert second == ["the task", "researcher: notes", "one", "boss: too long"]
    assert third == ["the task", "researcher: notes", "two", "boss: too short"]


def test_a_draft_is_sent_back_over_other_reviewers_to_its_author(run, saver):
    writer = agent("writer", "one", "two")
    stages = [writer, Human("editor"), Human("boss"), agent("publisher")]
    app = create_sequential(stages).compile(checkpointer=saver)
    run(app, thread="1")
    assert asked(run(app, Command(resume="yes"), thread="1")).value["node"] == "boss"
    assert asked(run(app, Command(resume="again"), thread="1")).value["node"] == "editor"
    run(app, Command(resume="yes"), thread="1")
    result = run(app, Command(resume="yes"), thread="1")
    assert ended(result) == ("publisher", "completed", None)


def test_the_author_reads_the_edited_text_that_the_feedback_is_about(run, saver):
    writer = agent("writer", "one", "two")
    app = create_sequential([writer, Human("editor"), Human("boss")]).compile(checkpointer=saver)
    run(app, "the task", thread="1")
    run(app, Command(resume={"type": "edit", "args": {"draft": "one, edited"}}), thread="1")
    run(app, Command(resume="not like this"), thread="1")
    _, second = readings(writer)
    assert second == ["the task", "one", "editor: one, edited", "boss: not like this"]


def test_reject_without_a_message_ends_rejected_with_the_draft(run, saver):
    app, _, publisher = reviewed(saver)
    run(app, thread="1")
    result = run(app, Command(resume={"decisions": [{"type": "reject"}]}), thread="1")
    assert ended(result) == ("draft", "rejected", "boss")
    assert publisher.model.calls == []


def test_rejections_are_bounded_and_the_last_draft_is_the_output(run, saver):
    app, writer, publisher = reviewed(saver, "one", "two", boss=Human("boss", max_rejections=2))
    run(app, thread="1")
    run(app, Command(resume="again"), thread="1")
    result = run(app, Command(resume="still bad"), thread="1")
    assert ended(result) == ("two", "rejected", "boss")
    assert result["stop"].detail == "still bad"
    assert len(writer.model.calls) == 2
    assert publisher.model.calls == []


def test_three_rejections_end_a_run_by_default(run, saver):
    app, _, _ = reviewed(saver, "one", "two", "three")
    run(app, thread="1")
    for feedback in ("first", "second"):
        assert "__interrupt__" in run(app, Command(resume=feedback), thread="1")
    assert ended(run(app, Command(resume="third"), thread="1")) == ("three", "rejected", "boss")


def test_rejections_count_afresh_in_each_run(run, saver):
    app, _, _ = reviewed(saver, "one", "two", "three", boss=Human("boss", max_rejections=2))
    run(app, thread="1")
    run(app, Command(resume="again"), thread="1")
    run(app, Command(resume="again"), thread="1")
    (request,) = asked(run(app, "second task", thread="1")).value["action_requests"]
    assert request["args"] == {"participant": "writer", "draft": "three", "round": 1}


def test_what_a_namesake_in_a_team_has_sent_back_is_not_counted(run, saver):
    writer = agent("writer", "draft 1", "draft 2", "draft 3", "draft 4")
    desk = create_sequential([writer, Human("boss")]).compile(name="desk")
    app = create_sequential([desk, Human("boss")]).compile(checkpointer=saver)
    waiting = run(app, thread="1")
    for answer in ("shorter", "funnier", "approve"):
        waiting = run(app, Command(resume={asked(waiting).id: answer}), thread="1")
    assert asked(waiting).value["action_requests"][0]["args"]["round"] == 1
    waiting = run(app, Command(resume={asked(waiting).id: "kinder"}), thread="1")
    assert asked(waiting).value["path"] == "desk/boss"
    assert asked(waiting).value["action_requests"][0]["args"]["draft"] == "draft 4"


def test_a_rejected_typed_draft_stays_typed_in_output(run, saver):
    ticket = Ticket(title="Leak", urgent=True)
    stages = [agent("clerk", ticket, output=Ticket), Human("boss")]
    app = create_sequential(stages).compile(checkpointer=saver)
    run(app, thread="1")
    assert ended(run(app, Command(resume=False), thread="1")) == (ticket, "rejected", "boss")


def test_a_limit_after_a_rejection_keeps_the_typed_draft(run, saver):
    ticket = Ticket(title="Leak", urgent=True)
    stages = [agent("clerk", ticket, output=Ticket), Human("boss")]
    app = create_sequential(stages, limits=Limits(turns=2)).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="not urgent"), thread="1")
    assert ended(result) == (ticket, "turn_limit", None)


def test_a_limit_after_an_edit_and_a_rejection_keeps_the_edited_draft(run, saver):
    stages = [agent("writer", "draft"), Human("editor"), Human("boss")]
    app = create_sequential(stages, limits=Limits(turns=3)).compile(checkpointer=saver)
    run(app, thread="1")
    run(app, Command(resume={"type": "edit", "args": {"draft": "better"}}), thread="1")
    result = run(app, Command(resume="again"), thread="1")
    assert ended(result) == ("better", "turn_limit", None)


def test_when_the_author_fails_on_the_feedback_the_person_sees_the_draft_again(run, saver):
    writer = agent("writer", "draft", ValueError("no ink"), policy=RECORDED)
    publisher = agent("publisher")
    app = create_sequential([writer, Human("boss"), publisher]).compile(checkpointer=saver)
    run(app, "the task", thread="1")
    again = run(app, Command(resume="too long"), thread="1")
    (request,) = asked(again).value["action_requests"]
    assert (request["args"]["participant"], request["args"]["draft"]) == ("writer", "draft")
    run(app, Command(resume="yes"), thread="1")
    assert readings(publisher) == [["the task", "writer: draft"]]


@pytest.mark.parametrize("after", [(), ("publisher",)], ids=["at the end", "in the middle"])
def test_stop_conditions_are_checked_after_a_rejection_too(run, saver, after):
    stages = [agent("writer", "one", "two"), Human("boss"), *map(agent, after)]
    app = create_sequential(stages, stop_when=mentions("STOP", by="boss"))
    app = app.compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="STOP this"), thread="1")
    assert ended(result) == ("one", "terminated", "mentions('STOP', by='boss')")


def test_a_refused_answer_is_never_recorded_as_a_failure(run, saver):
    policy = Policy(on_failure="record", fallback=agent("other"))
    app, _, _ = reviewed(saver, boss=Member(Human("boss"), policy=policy))
    run(app, thread="1")
    with pytest.raises(AnswerError):
        run(app, Command(resume={"type": "fly"}), thread="1")
    result = run(app, Command(resume="yes"), thread="1")
    assert ended(result) == ("published", "completed", None)


async def ask_in_words(view):
    return f"answered {interrupt('Well?')}"


def ask_in_words_sync(view):
    return f"answered {interrupt('Well?')}"


@pytest.mark.parametrize("function", [ask_in_words, ask_in_words_sync])
@pytest.mark.parametrize("timeout", [None, 30])
def test_a_function_may_interrupt_the_run_itself(run, saver, function, timeout):
    stage = Member(function, name="f", policy=Policy(timeout=timeout))
    app = create_sequential([agent("a"), stage]).compile(checkpointer=saver)
    assert asked(run(app, thread="1")).value == "Well?"
    result = run(app, Command(resume="fine"), thread="1")
    assert ended(result) == ("answered fine", "completed", None)


# Forms of answers

APPROVALS = [
    {"decisions": [{"type": "approve"}]},
    {"type": "approve"},
    {"approved": True},
    [{"type": "accept", "args": None}],
    [{"type": "approve"}],
    {"type": "accept"},
    True,
    "approve",
    "Yes",
    " ok ",
    "OK.",
]

EDITS = [
    {"decisions": [{"type": "edit", "edited_action": {"name": "x", "args": {"draft": "new"}}}]},
    {"decisions": [{"type": "edit", "args": {"draft": "new"}}]},
    {"type": "edit", "args": "new"},
    [{"type": "edit", "args": {"action": "review_draft", "args": {"draft": "new"}}}],
    {
        "type": "edit",
        "edited_action": {
            "name": "review_draft",
            "args": {"participant": "writer", "draft": "new", "round": 1},
        },
    },
]

FEEDBACK = [
    {"decisions": [{"type": "reject", "message": "shorter"}]},
    {"decisions": [{"type": "reject", "feedback": "shorter"}]},
    {"type": "reject", "message": "shorter"},
    {"approved": False, "feedback": "shorter"},
    [{"type": "response", "args": "shorter"}],
    {"type": "respond", "message": "shorter"},
    "shorter",
]

REJECTIONS = [
    {"decisions": [{"type": "reject"}]},
    {"type": "reject", "message": ""},
    {"type": "reject", "message": None},
    {"type": "reject", "message": "  "},
    {"approved": False},
    [{"type": "ignore", "args": None}],
    False,
    "reject",
    "No",
]

WORDS = [
    {"decisions": [{"type": "respond", "message": "to the sea"}]},
    {"decisions": [{"type": "respond", "feedback": "to the sea"}]},
    {"type": "respond", "message": "to the sea"},
    [{"type": "response", "args": "to the sea"}],
    "to the sea",
]


@pytest.mark.parametrize("answer", APPROVALS, ids=repr)
def test_every_form_of_an_approval_is_understood(memory, answer):
    app, _, _ = reviewed(memory.saver)
    memory.run(app)
    assert ended(memory.run(app, Command(resume=answer))) == ("published", "completed", None)


@pytest.mark.parametrize("answer", EDITS, ids=repr)
def test_every_form_of_an_edit_is_understood(memory, answer):
    app, _, publisher = reviewed(memory.saver)
    memory.run(app)
    memory.run(app, Command(resume=answer))
    assert readings(publisher) == [["the task", "boss: new"]]


@pytest.mark.parametrize("answer", FEEDBACK, ids=repr)
def test_every_form_of_feedback_is_understood(memory, answer):
    app, writer, _ = reviewed(memory.saver, "one", "two")
    memory.run(app)
    memory.run(app, Command(resume=answer))
    _, second = readings(writer)
    assert second == ["the task", "one", "boss: shorter"]


@pytest.mark.parametrize("answer", REJECTIONS, ids=repr)
def test_every_form_of_a_bare_rejection_is_understood(memory, answer):
    app, _, _ = reviewed(memory.saver)
    memory.run(app)
    assert ended(memory.run(app, Command(resume=answer))) == ("draft", "rejected", "boss")


@pytest.mark.parametrize("answer", WORDS, ids=repr)
def test_every_form_of_words_is_understood(memory, answer):
    app = create_sequential([Human("guest")]).compile(checkpointer=memory.saver)
    memory.run(app)
    assert ended(memory.run(app, Command(resume=answer))) == ("to the sea", "completed", None)


def test_the_words_of_an_approval_are_words_where_an_answer_is_due(memory):
    app = create_sequential([Human("guest")]).compile(checkpointer=memory.saver)
    memory.run(app)
    assert memory.run(app, Command(resume="yes"))["output"] == "yes"


def test_an_answer_keeps_its_line_breaks_and_blanks(memory):
    app = create_sequential([Human("guest")]).compile(checkpointer=memory.saver)
    memory.run(app)
    assert memory.run(app, Command(resume=" two\n lines "))["output"] == " two\n lines "


# Answers that cannot be used

BLANKS = ["", "  \n", [], {"decisions": []}]

BAD_REVIEWS = [
    *BLANKS,
    3,
    1.5,
    b"yes",
    {"type": "fly"},
    {"type": None},
    {"type": ["approve"]},
    {"type": {"name": "approve"}},
    {"verdict": "fine"},
    {"approved": "yes"},
    {"type": "edit"},
    {"type": "edit", "args": {"draft": "  "}},
    {"type": "edit", "args": 5},
    {"decisions": [{"type": "approve"}, {"type": "approve"}]},
    {"decisions": 3},
    [None],
]

BAD_WORDS = [*BLANKS, 3, True, {"type": "approve"}, {"type": "reject", "message": "no"}, {"a": 1}]


@pytest.mark.parametrize("answer", BAD_REVIEWS, ids=repr)
def test_a_bad_review_is_refused_and_can_be_given_again(memory, answer):
    app, _, _ = reviewed(memory.saver)
    interrupt = asked(memory.run(app))
    with pytest.raises(AnswerError, match="`boss`"):
        memory.run(app, Command(resume=answer))
    assert memory.pending(app) == [interrupt.id]
    assert ended(memory.run(app, Command(resume="yes"))) == ("published", "completed", None)


@pytest.mark.parametrize("answer", BAD_WORDS, ids=repr)
def test_bad_words_are_refused_and_can_be_given_again(memory, answer):
    app = create_sequential([Human("guest")]).compile(checkpointer=memory.saver)
    interrupt = asked(memory.run(app))
    with pytest.raises(AnswerError, match="`guest`"):
        memory.run(app, Command(resume=answer))
    assert memory.pending(app) == [interrupt.id]
    assert memory.run(app, Command(resume={interrupt.id: "Fine"}))["output"] == "Fine"


def test_a_refused_answer_leaves_the_same_interrupt_open_in_every_way_to_run(run, saver):
    app, writer, _ = reviewed(saver)
    before = asked(run(app, thread="1"))
    for _ in range(2):
        with pytest.raises(
            AnswerError, match=r"fly. is not possible here; decide one of `approve`"
        ):
            run(app, Command(resume={"type": "fly"}), thread="1")
    state = app.get_state({"configurable": {"thread_id": "1"}})
    assert [interrupt.id for interrupt in state.interrupts] == [before.id]
    assert ended(run(app, Command(resume={before.id: True}), thread="1")) == (
        "published",
        "completed",
        None,
    )
    assert len(writer.model.calls) == 1


# Blank answers and defaults


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_a_blank_answer_means_the_default(memory, blank):
    app = create_sequential([Human("guest", default="anywhere")]).compile(checkpointer=memory.saver)
    memory.run(app)
    result = memory.run(app, Command(resume=blank))
    assert ended(result) == ("anywhere", "completed", None)
    assert spoken(result) == [("guest", "anywhere")]


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_a_blank_review_means_the_default_decision(memory, blank):
    app, _, _ = reviewed(memory.saver, boss=Human("boss", default="approve"))
    memory.run(app)
    assert ended(memory.run(app, Command(resume=blank))) == ("published", "completed", None)


def test_a_default_in_other_words_is_feedback_at_a_review(memory):
    app, writer, _ = reviewed(memory.saver, "one", "two", boss=Human("boss", default="shorter"))
    memory.run(app)
    memory.run(app, Command(resume=""))
    _, second = readings(writer)
    assert second == ["the task", "one", "boss: shorter"]


def test_an_empty_default_is_an_empty_answer(memory):
    stages = [agent("guide", "Anything else?"), Human("guest", role="answer", default="")]
    app = create_sequential(stages).compile(checkpointer=memory.saver)
    memory.run(app)
    result = memory.run(app, Command(resume=""))
    assert ended(result) == ("Anything else?", "completed", None)
    assert outcomes(result) == [("guide", "ok"), ("guest", "ok")]


# Typed answers of people


@pytest.mark.parametrize(
    "answer",
    [
        '{"title": "Leak", "urgent": true}',
        {"title": "Leak", "urgent": True},
        {"decisions": [{"type": "respond", "message": '{"title": "Leak", "urgent": true}'}]},
        {"type": "respond", "message": {"title": "Leak", "urgent": True}},
        [{"type": "response", "args": {"title": "Leak", "urgent": True}}],
    ],
    ids=repr,
)
def test_a_schema_makes_the_answer_typed(run, saver, answer):
    app = create_sequential([Human("guest", schema=Ticket)]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume=answer), thread="1")
    assert ended(result) == (Ticket(title="Leak", urgent=True), "completed", None)


@pytest.mark.parametrize("answer", ["a leak", {"title": "Leak"}, '{"urgent": "perhaps"}', 7])
def test_an_answer_that_does_not_fit_the_schema_is_refused_and_can_be_given_again(memory, answer):
    app = create_sequential([Human("guest", schema=Ticket)]).compile(checkpointer=memory.saver)
    interrupt = asked(memory.run(app))
    with pytest.raises(AnswerError, match="`guest`"):
        memory.run(app, Command(resume=answer))
    assert memory.pending(app) == [interrupt.id]
    result = memory.run(app, Command(resume={"title": "Leak", "urgent": False}))
    assert result["output"] == Ticket(title="Leak", urgent=False)


def test_a_schema_may_have_a_field_named_type(memory):
    app = create_sequential([Human("guest", schema=Form)]).compile(checkpointer=memory.saver)
    memory.run(app)
    result = memory.run(app, Command(resume={"type": "bug", "text": "It leaks"}))
    assert result["output"] == Form(type="bug", text="It leaks")


def test_a_persons_typed_answer_is_typed_after_a_reload_from_disk(tmp_path):
    url, thread = f"sqlite:///{tmp_path}/runs.db", {"configurable": {"thread_id": "1"}}
    with open_checkpointer(url) as saver:
        app = create_sequential([Human("guest", schema=Ticket)]).compile(checkpointer=saver)
        app.invoke({"messages": "go"}, thread)
        app.invoke(Command(resume={"title": "Leak", "urgent": True}), thread)
    with open_checkpointer(url) as saver:
        app = create_sequential([Human("guest", schema=Ticket)]).compile(checkpointer=saver)
        assert app.get_state(thread).values["output"] == Ticket(title="Leak", urgent=True)


def test_a_default_that_does_not_fit_the_schema_is_refused_at_construction():
    with pytest.raises(ConfigurationError, match="`default` of `guest`"):
        create_sequential([Human("guest", schema=Ticket, default="nothing")])


# A new process


def test_a_review_is_answered_after_a_restart_with_newly_built_objects(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as saver:
        app, _, _ = reviewed(saver, "one")
        before = asked(run(app, "the task", thread="1"))
    with open_checkpointer(url) as saver:
        app, writer, _ = reviewed(saver, "two")
        (request,) = asked(run(app, Command(resume="shorter"), thread="1")).value["action_requests"]
        assert request["args"] == {"participant": "writer", "draft": "two", "round": 2}
        assert readings(writer) == [["the task", "one", "boss: shorter"]]
    with open_checkpointer(url) as saver:
        app, writer, _ = reviewed(saver, "three")
        result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
        assert ended(result) == ("published", "completed", None)
        assert writer.model.calls == []
    assert before.id


def test_waiting_for_a_person_is_no_time_of_their_turn(run, saver):
    app, _, _ = reviewed(saver)
    run(app, thread="1")
    result = run(app, Command(resume="yes"), thread="1")
    writer, boss, publisher = result["trail"]
    assert writer.started_at < boss.started_at < publisher.started_at
    assert boss.seconds < 1


# Tools that a person must approve


PAYMENT = {"name": "pay", "args": {"euros": 5}, "id": "call-1"}


class Bank:
    """Counts what was paid."""

    def __init__(self):
        self.paid = []

    def tool(self):
        def pay(euros: int) -> str:
            """Pay somebody."""
            self.paid.append(euros)
            return f"paid {euros}"

        return pay


def paying(bank, *replies):
    """An agent whose one tool must be approved, and a clerk who notes what came of it."""
    model = ScriptedModel([AIMessage("", tool_calls=[PAYMENT]), *replies])
    agent_ = Agent("payer", "Pay.", model=model, tools=[bank.tool()], approve_tools=["pay"])
    return [agent_, agent("clerk", "noted")]


def test_a_tool_runs_once_after_its_approval(run, saver):
    bank = Bank()
    app = create_sequential(paying(bank, "done")).compile(checkpointer=saver)
    interrupt = asked(run(app, thread="1"))
    (request,) = interrupt.value["action_requests"]
    assert (request["name"], request["args"]) == ("pay", {"euros": 5})
    assert bank.paid == []
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert bank.paid == [5]
    assert ended(result) == ("noted", "completed", None)
    assert spoken(result) == [("payer", ""), ("payer", "done"), ("clerk", "noted")]


def test_a_rejected_tool_does_not_run_and_the_agent_is_told(run, saver):
    bank = Bank()
    payer, clerk = paying(bank, "I did not pay")
    app = create_sequential([payer, clerk]).compile(checkpointer=saver)
    run(app, thread="1")
    reject = {"type": "reject", "message": "too much"}
    run(app, Command(resume={"decisions": [reject]}), thread="1")
    assert bank.paid == []
    _, second = readings(payer)
    assert "A person has rejected this call of `pay`, with the reason: too much" in second


def test_an_approval_asked_for_after_a_retry_is_heeded(run, saver):
    bank, attempts = Bank(), []

    def look_up(euros: int) -> str:
        """Look up an account, in vain at first."""
        attempts.append(euros)
        if len(attempts) == 1:
            raise ConnectionError("down")
        return "found"

    look = {"name": "look_up", "args": {"euros": 5}, "id": "call-0"}
    model = ScriptedModel(
        [AIMessage("", tool_calls=[look]), AIMessage("", tool_calls=[PAYMENT]), "done"]
    )
    payer = Agent(
        "payer",
        "Pay.",
        model=model,
        tools=[look_up, bank.tool()],
        approve_tools=["pay"],
        policy=Policy(retry=AT_ONCE),
    )
    app = create_sequential([payer]).compile(checkpointer=saver)
    interrupt = asked(run(app, thread="1"))
    approve = {"decisions": [{"type": "approve"}]}
    result = run(app, Command(resume={interrupt.id: approve}), thread="1")
    assert (bank.paid, attempts) == ([5], [5, 5])
    assert ended(result) == ("done", "completed", None)
    (turn,) = result["trail"]
    assert turn.input_tokens == 30
    model.assert_complete()


def test_an_approved_tool_call_counts_the_calls_before_and_after_the_approval(run, saver):
    app = create_sequential(paying(Bank(), "done")).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    used = {turn.agent: (turn.input_tokens, turn.output_tokens) for turn in result["trail"]}
    assert used == {"payer": (20, 10), "clerk": (10, 5)}


def test_a_tool_is_approved_after_a_restart_with_newly_built_objects(run, tmp_path):
    url, bank = f"sqlite:///{tmp_path}/runs.db", Bank()
    with open_checkpointer(url) as saver:
        run(create_sequential(paying(bank)).compile(checkpointer=saver), thread="1")
    with open_checkpointer(url) as saver:
        payer, clerk = paying(bank)
        after = Agent(
            "payer", "Pay.", model=ScriptedModel(["done"]), tools=payer.tools, approve_tools=["pay"]
        )
        app = create_sequential([after, clerk]).compile(checkpointer=saver)
        result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert bank.paid == [5]
    assert ended(result) == ("noted", "completed", None)


class Memory:
    """Runs a graph on one thread in memory: for matrices of answers, not of ways to run."""

    def __init__(self, saver):
        self.saver = saver
        self.config = {"configurable": {"thread_id": "1"}}

    def run(self, app, task=None):
        return app.invoke(task or {"messages": "the task"}, self.config)

    def pending(self, app):
        return [interrupt.id for interrupt in app.get_state(self.config).interrupts]


@pytest.fixture
def memory():
    with open_checkpointer("memory://") as saver:
        yield Memory(saver)
