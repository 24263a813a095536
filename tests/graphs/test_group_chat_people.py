"""Group chat: people who have a seat, review, choose the next speaker, or observe."""

import pytest
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Human,
    approval,
    by_model,
    by_person,
    mentions,
    question,
)
from langgraph_orchestra.state import AnswerError
from support.chats import decisions, finished, in_order, order, says, talkers
from support.members import agent
from support.results import asked, calls, ended, outcomes, readings, spoken

BLANK = ["", "  ", [], {"decisions": []}]


class Form(BaseModel):
    """What a person fills in."""

    points: int


def action(result):
    """What a person is asked: the kind, its arguments, what may be decided."""
    (request,) = asked(result).value["action_requests"]
    (config,) = asked(result).value["review_configs"]
    assert config["action_name"] == request["name"]
    return request["name"], request["args"], config["allowed_decisions"]


def answers(app, run, *given, thread="1", task="the task"):
    """Run, and answer one request after another."""
    result = run(app, task, thread=thread)
    for answer in given:
        result = run(app, Command(resume={asked(result).id: answer}), thread=thread)
    return result


# A seat


def test_a_person_has_a_seat_and_is_asked_in_their_turn(run, saver):
    ann = agent("ann", "ann 1", "ann 2")
    app = create_group_chat([ann, Human("pat")], max_turns=3).compile(checkpointer=saver)
    waiting = answers(app, run)
    assert action(waiting) == (
        "answer",
        {"participant": "pat", "message": "ann 1", "task": "the task"},
        ["respond"],
    )
    value = asked(waiting).value
    assert (value["pattern"], value["node"], value["path"]) == ("group_chat", "pat", "pat")
    result = run(app, Command(resume="hello"), thread="1")
    assert spoken(result) == [("ann", "ann 1"), ("pat", "hello"), ("ann", "ann 2")]
    assert [(t.agent, t.kind, t.step) for t in result["trail"]] == [
        ("ann", "agent", 1),
        ("pat", "human", 2),
        ("ann", "agent", 3),
    ]
    assert readings(ann)[1] == ["the task", "ann 1", "pat: hello"]


def test_a_persons_words_are_the_output_only_if_nobody_else_has_spoken(run, saver):
    app = create_group_chat([Human("pat"), agent("ann")], max_turns=1).compile(checkpointer=saver)
    assert ended(answers(app, run, "hello")) == ("hello", "turn_limit")
    app = create_group_chat([agent("ann"), Human("pat")], max_turns=2).compile(checkpointer=saver)
    assert ended(answers(app, run, "hello", thread="2")) == ("ann", "turn_limit")


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_answer_is_refused_and_the_same_question_stays_open(blank, run, saver):
    app = create_group_chat([Human("pat")], max_turns=1).compile(checkpointer=saver)
    waiting = answers(app, run)
    with pytest.raises(AnswerError, match="blank"):
        run(app, Command(resume={asked(waiting).id: blank}), thread="1")
    open_ = app.get_state({"configurable": {"thread_id": "1"}}).interrupts
    assert [one.id for one in open_] == [asked(waiting).id]
    assert ended(run(app, Command(resume="hello"), thread="1")) == ("hello", "turn_limit")


@pytest.mark.parametrize("blank", BLANK)
def test_a_default_is_what_a_blank_answer_means(blank, run, saver):
    app = create_group_chat([Human("pat", default="go on")], max_turns=1)
    result = answers(app.compile(checkpointer=saver), run, blank)
    assert spoken(result) == [("pat", "go on")]


def test_a_person_is_asked_what_they_are_to_be_asked(run, saver):
    pat = question("pat", lambda view: f"After {view.last_text}?")
    app = create_group_chat([agent("ann"), pat], max_turns=2).compile(checkpointer=saver)
    assert action(answers(app, run))[1]["message"] == "After ann?"


def test_a_persons_typed_answer_is_read_as_json(run, saver):
    bob = agent("bob", "fine")
    app = create_group_chat([Human("pat", schema=Form), bob], max_turns=2)
    result = answers(app.compile(checkpointer=saver), run, {"points": 3})
    assert readings(bob) == [["the task", 'pat: {"points": 3}']]
    assert result["output"] == "fine"


def test_a_persons_typed_answer_alone_is_the_typed_output(run, saver):
    app = create_group_chat([Human("pat", schema=Form)], max_turns=1)
    assert answers(app.compile(checkpointer=saver), run, {"points": 3})["output"] == Form(points=3)


# A seat that reviews


def reviewed(saver, *replies, boss=None, **options):
    """A writer and a person who reviews."""
    writer = agent("writer", *replies)
    graph = create_group_chat([writer, boss or approval("boss")], **options)
    return graph.compile(checkpointer=saver), writer


def test_an_approval_is_a_turn_without_a_message(run, saver):
    app, _ = reviewed(saver, "draft", max_turns=2)
    waiting = answers(app, run)
    assert action(waiting) == (
        "review_draft",
        {"participant": "writer", "draft": "draft", "round": 1},
        ["approve", "edit", "reject"],
    )
    result = run(app, Command(resume="approve"), thread="1")
    assert spoken(result) == [("writer", "draft")]
    assert ended(result) == ("draft", "turn_limit")
    assert [(t.agent, t.detail) for t in result["trail"]] == [("writer", ""), ("boss", "approved")]


def test_a_rejection_with_words_goes_to_the_writer(run, saver):
    app, writer = reviewed(saver, "draft", "better", max_turns=4)
    waiting = answers(app, run, {"type": "reject", "message": "shorter"})
    assert readings(writer)[1] == ["the task", "draft", "boss: shorter"]
    assert action(waiting)[1] == {"participant": "writer", "draft": "better", "round": 2}
    result = run(app, Command(resume=True), thread="1")
    assert ended(result) == ("better", "turn_limit")
    assert outcomes(result)[1] == ("boss", "refused")


def test_a_rejection_without_words_ends_the_chat(run, saver):
    app, _ = reviewed(saver, "draft")
    result = answers(app, run, "reject")
    assert ended(result) == ("draft", "rejected")
    assert result["stop"].by == "boss"


def test_the_last_rejection_ends_the_chat_with_the_last_draft(run, saver):
    boss = Human("boss", role="review", max_rejections=2)
    app, _ = reviewed(saver, "one", "two", boss=boss)
    result = answers(app, run, "no, shorter", "still too long")
    assert ended(result) == ("two", "rejected")


def test_an_edit_is_the_draft_from_there_on(run, saver):
    app, _ = reviewed(saver, "draft", "thanks", max_turns=2)
    result = answers(app, run, {"type": "edit", "args": {"draft": "edited"}})
    assert ended(result) == ("edited", "turn_limit")
    assert spoken(result) == [("writer", "draft"), ("boss", "edited")]


def test_rejected_chats_have_no_summary(run, saver):
    closing = agent("closing", "short")
    app, _ = reviewed(saver, "draft", summary=closing)
    assert ended(answers(app, run, "reject")) == ("draft", "rejected")
    assert calls(closing) == [0]


# A person who chooses


def led(saver, *names, **options):
    """A chat in which a person chooses who speaks."""
    members = talkers(*(names or ("ann", "bob")))
    return create_group_chat(members, select=by_person(), **options).compile(checkpointer=saver)


def test_a_person_chooses_who_speaks_until_they_choose_nobody(run, saver):
    app = led(saver)
    waiting = answers(app, run)
    kind, arguments, allowed = action(waiting)
    assert (kind, arguments, allowed) == (
        "choose_speaker",
        {"candidates": ["ann", "bob"]},
        ["respond"],
    )
    result = answers(app, run, "bob", "bob", "ann", "", thread="2")
    assert order(result) == ["bob", "bob", "ann"]
    assert ended(result) == ("ann 1", "completed")
    assert result["stop"].by == "chooser"
    assert [detail for *_, detail in decisions(result)] == [
        "chose bob",
        "chose bob",
        "chose ann",
        "chose nobody",
    ]
    assert [step for _, step, *_ in decisions(result)] == [1, 2, 3, 4]


@pytest.mark.parametrize("blank", BLANK)
def test_any_blank_choice_ends_the_chat(blank, run, saver):
    assert ended(answers(led(saver), run, blank)) == ("", "completed")


@pytest.mark.parametrize(
    "choice",
    ["BOB", " bob ", {"type": "respond", "message": "Bob"}, [{"type": "response", "args": "bob"}]],
)
def test_a_choice_is_understood_whatever_its_form(choice, run, saver):
    assert order(answers(led(saver, max_turns=1), run, choice)) == ["bob"]


@pytest.mark.parametrize("wrong", ["eve", "ann bob", True, 3, {"type": "approve"}, ["ann", "bob"]])
def test_a_wrong_choice_is_refused_and_the_same_request_stays_open(wrong, run, saver):
    app = led(saver, max_turns=1)
    waiting = answers(app, run)
    with pytest.raises(AnswerError, match=r"choose one of `ann`|exactly one"):
        run(app, Command(resume={asked(waiting).id: wrong}), thread="1")
    open_ = app.get_state({"configurable": {"thread_id": "1"}}).interrupts
    assert [one.id for one in open_] == [asked(waiting).id]
    assert order(run(app, Command(resume="ann"), thread="1")) == ["ann"]


def test_of_names_that_differ_in_case_alone_the_exact_one_is_chosen(run, saver):
    app = led(saver, "ann", "Ann", max_turns=1)
    assert order(answers(app, run, "Ann")) == ["Ann"]
    with pytest.raises(AnswerError, match="'ANN' cannot be chosen"):
        answers(app, run, "ANN", thread="2")


def test_who_may_not_speak_cannot_be_chosen(run, saver):
    app = led(saver, allow_repeat=False)
    waiting = answers(app, run, "ann")
    assert action(waiting)[1] == {"candidates": ["bob"]}
    with pytest.raises(AnswerError):
        run(app, Command(resume="ann"), thread="1")


# An observer


def observed(saver, *members, **options):
    """A chat of ann and bob, with an observer."""
    graph = create_group_chat(members or talkers("ann", "bob"), observer=Human("guide"), **options)
    return graph.compile(checkpointer=saver)


def test_an_observer_is_asked_before_every_turn_and_a_remark_is_no_turn(run, saver):
    ann, bob = talkers("ann", "bob")
    app = observed(saver, ann, bob, max_turns=2)
    waiting = answers(app, run)
    assert action(waiting) == (
        "observe",
        {"candidates": ["ann", "bob"], "message": "the task"},
        ["approve", "respond"],
    )
    result = answers(app, run, "be brief", "approve", thread="2")
    assert order(result) == ["ann", "bob"]
    assert spoken(result) == [("guide", "be brief"), ("ann", "ann 1"), ("bob", "bob 1")]
    assert ended(result) == ("bob 1", "turn_limit")
    assert decisions(result) == [("guide", 1, "ok", "be brief"), ("guide", 2, "ok", "went on")]
    assert readings(ann) == [["the task", "guide: be brief"]]


@pytest.mark.parametrize(
    "nothing",
    [
        *BLANK,
        "approve",
        "ok",
        True,
        {"type": "approve"},
        [{"type": "accept"}],
        [{"type": "ignore"}],
    ],
)
def test_an_approval_or_a_blank_goes_on(nothing, run, saver):
    result = answers(observed(saver, max_turns=1), run, nothing)
    assert spoken(result) == [("ann", "ann 1")]


def test_a_remark_may_change_the_choice_of_a_function_and_of_a_model(run, saver):
    def as_told(view):
        return "bob" if "bob" in view.run_messages[-1].text else "ann"

    def model(messages):
        return says("bob" if "bob" in messages[-2].text else "ann")

    for number, select in enumerate((as_told, by_model(ScriptedModel(model)))):
        app = observed(saver, select=select, max_turns=2)
        result = answers(app, run, "approve", "let bob speak", thread=str(number))
        assert order(result) == ["ann", "bob"]


def test_round_robin_goes_on_after_the_last_speaker_whatever_was_remarked(run, saver):
    result = answers(observed(saver, max_turns=4), run, "one", "two", "", "four")
    assert order(result) == ["ann", "bob", "ann", "bob"]


def test_a_remark_can_end_the_chat_with_the_turn_after_it(run, saver):
    app = observed(saver, stop_when=mentions("STOP", by="guide"))
    assert order(answers(app, run, "go", "STOP")) == ["ann", "bob"]


def test_one_may_observe_a_chat_that_a_person_leads(run, saver):
    graph = create_group_chat(
        talkers("ann", "bob"), select=by_person("boss"), observer=Human("guide"), max_turns=1
    )
    result = answers(graph.compile(checkpointer=saver), run, "hm", "bob")
    assert spoken(result) == [("guide", "hm"), ("bob", "bob 1")]


def test_a_model_may_end_an_observed_chat(run, saver):
    select = by_model(ScriptedModel([says("ann"), finished("42")]))
    assert ended(answers(observed(saver, select=select), run, "", "")) == ("42", "completed")


def test_an_observers_default_is_said_where_they_leave_it_blank(run, saver):
    graph = create_group_chat(
        talkers("ann"), observer=Human("guide", default="go on", ask="Well?"), max_turns=1
    )
    app = graph.compile(checkpointer=saver)
    waiting = answers(app, run)
    assert asked(waiting).value["action_requests"][0]["description"] == "Well?"
    assert spoken(answers(app, run, "", thread="2")) == [("guide", "go on"), ("ann", "ann 1")]
    assert spoken(answers(app, run, "ok", thread="3")) == [("ann", "ann 2")]


def test_an_observers_words_of_an_earlier_run_are_no_task(run, saver):
    app = observed(saver, select=in_order("ann"))
    answers(app, run, "well", "that is all")
    second = answers(app, run, "", "", task="a new task")
    assert [m.text for m in second["messages"] if m.type == "human"] == [
        "the task",
        "well",
        "that is all",
        "a new task",
    ]
    assert second["output"] == "ann 2"
