"""People in a maker-checker: what they are shown, what they decide, and several of them at once."""

from collections import Counter

import pytest
from langchain_core.messages import HumanMessage
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_maker_checker, create_sequential
from langgraph_orchestra.nodes import Human, Member, Policy, approval, mentions
from langgraph_orchestra.state import AnswerError, Verdict
from support.members import team
from support.results import asked, calls, ended, outcomes, readings, spoken
from support.verdicts import YES, checker, no, writer


class Note(BaseModel):
    """A typed draft."""

    title: str
    price: int = 0


EDIT = {"type": "edit", "edited_action": {"name": "review_draft", "args": {"draft": "better"}}}


def reviewed(saver, *drafts, boss=None, **options):
    """A writer whose drafts a person checks, and the writer."""
    author = options.pop("maker", None) or writer(*drafts)
    graph = create_maker_checker(author, boss or Human("boss"), **options)
    return graph.compile(checkpointer=saver), author


def waiting(result):
    """Ids of the open interrupts by the person who is asked."""
    return {one.value["node"]: one.id for one in result.get("__interrupt__", ())}


# One person


def test_a_person_is_shown_the_draft_its_author_and_the_round(run, saver):
    app, _ = reviewed(saver, "long", "short", boss=approval("boss", "Has the last word."))
    shown = asked(run(app, "Write a verse", thread="1")).value
    assert shown == {
        "action_requests": [
            {
                "name": "review_draft",
                "args": {"participant": "writer", "draft": "long", "round": 1},
                "description": "Has the last word.\n\nlong",
            }
        ],
        "review_configs": [
            {"action_name": "review_draft", "allowed_decisions": ["approve", "edit", "reject"]}
        ],
        "pattern": "maker_checker",
        "node": "boss",
        "path": "boss",
        "thread_task": "Write a verse",
    }
    again = asked(run(app, Command(resume="Too long"), thread="1")).value
    assert again["action_requests"][0]["args"] == {
        "participant": "writer",
        "draft": "short",
        "round": 2,
    }


@pytest.mark.parametrize("answer", ["approve", True, {"decisions": [{"type": "approve"}]}])
def test_approve_ends_with_the_draft_and_leaves_no_message(run, saver, answer):
    app, _ = reviewed(saver, "draft")
    run(app, thread="1")
    result = run(app, Command(resume=answer), thread="1")
    assert ended(result) == ("draft", "approved")
    assert spoken(result) == [("writer", "draft")]
    assert result["verdicts"] == [{"boss": YES}]
    (_, turn) = result["trail"]
    assert (turn.kind, turn.outcome, turn.detail) == ("human", "ok", "approved")


def test_edit_approves_the_edited_text_and_the_draft_stays_on_record(run, saver):
    app, _ = reviewed(saver, "draft")
    run(app, thread="1")
    result = run(app, Command(resume={"decisions": [EDIT]}), thread="1")
    assert ended(result) == ("better", "approved")
    assert spoken(result) == [("writer", "draft"), ("boss", "better")]
    assert (result["drafts"], result["verdicts"]) == (["draft"], [{"boss": YES}])
    assert result["trail"][-1].detail == "edited"


def test_an_edit_of_a_typed_draft_is_typed(run, saver):
    author = writer(Note(title="Lamp"), output=Note)
    app, _ = reviewed(saver, maker=author)
    shown = asked(run(app, thread="1")).value["action_requests"][0]["args"]
    assert shown["draft"] == '{"title":"Lamp","price":0}'
    edit = {"type": "edit", "args": {"draft": '{"title": "Lamp", "price": 9}'}}
    result = run(app, Command(resume=edit), thread="1")
    assert ended(result) == (Note(title="Lamp", price=9), "approved")


def test_an_edit_of_a_typed_draft_that_does_not_fit_is_refused_and_can_be_given_again(run, saver):
    app, _ = reviewed(saver, maker=writer(Note(title="Lamp"), output=Note))
    before = asked(run(app, thread="1")).id
    with pytest.raises(AnswerError, match="title"):
        run(app, Command(resume={"type": "edit", "args": {"draft": '{"price": 9}'}}), thread="1")
    (task,) = app.get_state({"configurable": {"thread_id": "1"}}).tasks
    assert [one.id for one in task.interrupts] == [before]
    assert ended(run(app, Command(resume="yes"), thread="1"))[1] == "approved"


def test_a_typed_draft_is_rejected_or_approved_as_any_other(run, saver):
    author = writer(Note(title="Lamp"), Note(title="Lamp", price=9), output=Note)
    app, _ = reviewed(saver, maker=author)
    run(app, thread="1")
    run(app, Command(resume={"approved": False, "feedback": "Name the price"}), thread="1")
    assert readings(author)[1][-1] == "boss: Name the price"
    result = run(app, Command(resume={"approved": True}), thread="1")
    assert ended(result) == (Note(title="Lamp", price=9), "approved")


def test_reject_with_feedback_is_a_verdict_and_sends_the_draft_back(run, saver):
    app, author = reviewed(saver, "long", "short")
    run(app, "Write", thread="1")
    run(app, Command(resume={"type": "reject", "message": "Too long"}), thread="1")
    result = run(app, Command(resume="ok"), thread="1")
    assert ended(result) == ("short", "approved")
    assert readings(author)[1] == ["Write", "long", "boss: Too long"]
    assert result["verdicts"] == [{"boss": no("Too long")}, {"boss": YES}]
    feedback = result["messages"][2]
    assert (type(feedback), feedback.name, feedback.text) == (HumanMessage, "boss", "Too long")
    assert outcomes(result) == [
        ("writer", "ok"),
        ("boss", "refused"),
        ("writer", "ok"),
        ("boss", "ok"),
    ]


@pytest.mark.parametrize("answer", ["no", False, {"decisions": [{"type": "reject"}]}])
def test_reject_without_feedback_ends_rejected_with_the_last_draft(run, saver, answer):
    app, author = reviewed(saver, "one", "two")
    run(app, thread="1")
    run(app, Command(resume="Again"), thread="1")
    result = run(app, Command(resume=answer), thread="1")
    assert ended(result) == ("two", "rejected")
    assert (result["stop"].by, result["stop"].detail) == ("boss", "rejected")
    assert result["verdicts"][-1] == {"boss": no()}
    assert calls(author) == [2]


@pytest.mark.parametrize("rounds", [2, 5])
def test_the_last_rejection_a_person_may_make_ends_rejected(run, saver, rounds):
    app, _ = reviewed(saver, "1", "2", boss=Human("boss", max_rejections=2), max_rounds=rounds)
    run(app, thread="1")
    run(app, Command(resume="Again"), thread="1")
    result = run(app, Command(resume="And again"), thread="1")
    assert ended(result) == ("2", "rejected")
    assert (result["stop"].by, result["stop"].detail) == ("boss", "And again")


def test_rounds_that_are_used_up_before_the_persons_patience_are_a_round_limit(run, saver):
    app, _ = reviewed(saver, "1", "2", boss=Human("boss", max_rejections=9), max_rounds=2)
    run(app, thread="1")
    run(app, Command(resume="Again"), thread="1")
    assert ended(run(app, Command(resume="Again"), thread="1")) == ("2", "round_limit")


def test_a_bad_answer_is_refused_and_can_be_given_again(run, saver):
    app, author = reviewed(saver, "draft")
    run(app, thread="1")
    for bad in ("", " ", {"type": "maybe"}, ["approve", "reject"], {"type": "edit"}):
        with pytest.raises(AnswerError, match="`boss`"):
            run(app, Command(resume=bad), thread="1")
    assert ended(run(app, Command(resume="approve"), thread="1")) == ("draft", "approved")
    assert calls(author) == [1]


def test_a_blank_answer_is_the_default_if_there_is_one(run, saver):
    app, _ = reviewed(saver, "1", "2", boss=Human("boss", default="Shorter"), max_rounds=2)
    run(app, thread="1")
    run(app, Command(resume=""), thread="1")
    result = run(app, Command(resume="yes"), thread="1")
    assert result["verdicts"] == [{"boss": no("Shorter")}, {"boss": YES}]


def what_to_ask(view):
    return f"{view.state['drafts'][-1]}, right?"


def test_ask_is_what_the_person_reads(run, saver):
    app, _ = reviewed(saver, "draft", boss=Human("boss", ask=what_to_ask))
    (request,) = asked(run(app, thread="1")).value["action_requests"]
    assert request["description"] == "draft, right?"


def test_a_review_is_answered_in_a_new_process(tmp_path):
    config = {"configurable": {"thread_id": "1"}}

    def process(argument, *drafts):
        with open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver:
            app, author = reviewed(saver, *drafts)
            return app.invoke(argument, config), author

    process({"messages": "Write"}, "long")
    again, author = process(Command(resume="Too long"), "short")
    assert readings(author) == [["Write", "long", "boss: Too long"]]
    assert asked(again).value["action_requests"][0]["args"]["round"] == 2
    result, author = process(Command(resume="approve"), "never asked for")
    assert ended(result) == ("short", "approved")
    assert calls(author) == [0]
    assert result["verdicts"] == [{"boss": no("Too long")}, {"boss": YES}]


# Words as verdicts


def test_a_person_who_only_says_words_approves_with_the_keyword(run, saver):
    boss = Human("boss", role="answer")
    app, author = reviewed(saver, "long", "short", boss=boss, approve_on="OK")
    run(app, "Write", thread="1")
    run(app, Command(resume="Too long"), thread="1")
    result = run(app, Command(resume="OK"), thread="1")
    assert ended(result) == ("short", "approved")
    assert readings(author)[1] == ["Write", "long", "boss: Too long"]
    assert [type(m) for m in result["messages"] if m.name == "boss"] == [HumanMessage]


def test_a_person_may_fill_in_a_verdict(run, saver):
    boss = Human("boss", role="answer", schema=Verdict)
    app, _ = reviewed(saver, "long", "short", boss=boss)
    run(app, thread="1")
    run(app, Command(resume={"approved": False, "feedback": "Cut.", "score": 3}), thread="1")
    result = run(app, Command(resume='{"approved": true}'), thread="1")
    assert result["verdicts"] == [{"boss": no("Cut.", 3)}, {"boss": YES}]
    assert spoken(result) == [("writer", "long"), ("boss", "Cut."), ("writer", "short")]


# A person as the maker


def test_a_person_makes_drafts_by_answering(run, saver):
    boss = checker(no("Too long."), YES)
    app, _ = reviewed(saver, maker=Human("poet"), boss=boss)
    request = asked(run(app, "Write", thread="1")).value["action_requests"][0]
    assert (request["name"], request["args"]["message"]) == ("answer", "Write")
    again = asked(run(app, Command(resume="long"), thread="1")).value["action_requests"][0]
    assert (again["name"], again["args"]["message"]) == ("answer", "Too long.")
    result = run(app, Command(resume="short"), thread="1")
    assert ended(result) == ("short", "approved")
    assert readings(boss) == [["Write", "poet: long"], ["Write", "poet: short"]]


def test_two_people_make_and_check(run, saver):
    app, _ = reviewed(saver, maker=Human("poet"))
    run(app, thread="1")
    shown = asked(run(app, Command(resume="a verse"), thread="1")).value
    assert shown["action_requests"][0]["args"] == {
        "participant": "poet",
        "draft": "a verse",
        "round": 1,
    }
    assert ended(run(app, Command(resume="yes"), thread="1")) == ("a verse", "approved")


# Several people


class Desk:
    """Two people and a machine who check, and how often each machine has worked."""

    def __init__(self, saver, *drafts, **options):
        self.calls = Counter()
        self.author = writer(*(drafts or ["one", "two"]))

        def rules(view):
            self.calls["rules"] += 1
            return True

        people = [Human("zoe"), rules, Human("adam")]
        self.app = create_maker_checker(self.author, people, **options).compile(checkpointer=saver)


def test_two_people_are_asked_at_once_with_ids_of_their_own(run, saver):
    desk = Desk(saver)
    result = run(desk.app, thread="1")
    ids = waiting(result)
    assert set(ids) == {"zoe", "adam"}
    assert ids["zoe"] != ids["adam"]
    requests = [one.value["action_requests"][0] for one in result["__interrupt__"]]
    assert {r["name"] for r in requests} == {"review_draft"}
    assert {r["args"]["draft"] for r in requests} == {"one"}


@pytest.mark.parametrize("order", [("zoe", "adam"), ("adam", "zoe")], ids=" ".join)
def test_two_people_answer_in_either_order_and_nobody_else_works_again(run, saver, order):
    desk = Desk(saver)
    ids = waiting(run(desk.app, "Write", thread="1"))
    for place, person in enumerate(order):
        result = run(desk.app, Command(resume={ids[person]: f"{person} objects"}), thread="1")
        if place == 0:
            assert waiting(result) == {order[1]: ids[order[1]]}
    assert readings(desk.author)[1] == ["Write", "one", "zoe: zoe objects", "adam: adam objects"]
    assert (calls(desk.author), desk.calls["rules"]) == ([2], 2)
    result = run(
        desk.app, Command(resume=dict.fromkeys(waiting(result).values(), "yes")), thread="1"
    )
    assert ended(result) == ("two", "approved")
    assert (result["stop"].by, result["rounds"]) == ("zoe, rules, adam", 2)


def test_a_person_who_has_approved_is_shown_the_round_of_the_loop(run, saver):
    desk = Desk(saver)
    ids = waiting(run(desk.app, thread="1"))
    again = run(desk.app, Command(resume={ids["zoe"]: "Cut", ids["adam"]: "yes"}), thread="1")
    rounds = [one.value["action_requests"][0]["args"]["round"] for one in again["__interrupt__"]]
    assert rounds == [2, 2]


@pytest.mark.parametrize(("quorum", "reason"), [(None, "rejected"), (2, "approved")])
def test_a_final_no_ends_the_run_unless_enough_others_approve(run, saver, quorum, reason):
    desk = Desk(saver, quorum=quorum)
    ids = waiting(run(desk.app, thread="1"))
    result = run(desk.app, Command(resume={ids["zoe"]: "yes", ids["adam"]: "no"}), thread="1")
    assert ended(result) == ("one", reason)
    assert result["stop"].by == ("adam" if reason == "rejected" else "zoe, rules")


def test_of_two_edits_that_of_the_first_declared_goes_out(run, saver):
    desk = Desk(saver)
    ids = waiting(run(desk.app, thread="1"))
    edits = {
        ids[name]: {"type": "edit", "args": {"draft": f"{name}'s words"}}
        for name in ("adam", "zoe")
    }
    assert ended(run(desk.app, Command(resume=edits), thread="1")) == ("zoe's words", "approved")


def test_an_edit_that_others_do_not_approve_is_read_by_the_maker(run, saver):
    desk = Desk(saver)
    ids = waiting(run(desk.app, "Write", thread="1"))
    answers = {ids["zoe"]: {"type": "edit", "args": {"draft": "her words"}}, ids["adam"]: "Cut"}
    run(desk.app, Command(resume=answers), thread="1")
    assert readings(desk.author)[1] == ["Write", "one", "zoe: her words", "adam: Cut"]


def test_a_bad_answer_beside_a_good_one_is_refused_and_the_good_one_is_kept(run, saver):
    desk = Desk(saver)
    ids = waiting(run(desk.app, thread="1"))
    with pytest.raises(AnswerError, match="`zoe`"):
        run(desk.app, Command(resume={ids["zoe"]: "", ids["adam"]: "yes"}), thread="1")
    result = run(desk.app, Command(resume={ids["zoe"]: "yes"}), thread="1")
    assert ended(result) == ("one", "approved")
    assert desk.calls["rules"] == 1


# Elsewhere


def test_a_person_in_a_checking_team_is_asked(run, saver):
    panel = team(checker("I have read it.", name="reader"), Human("boss", role="answer"))
    app, _ = reviewed(saver, "draft", boss=panel, approve_on="OK")
    assert asked(run(app, thread="1")).value["path"] == "team/boss"
    assert ended(run(app, Command(resume="OK"), thread="1")) == ("draft", "approved")


def test_a_rejection_inside_a_team_is_a_failure_of_the_outer_participant(run, saver):
    inner, _ = reviewed(None, "draft")
    recorded = Member(inner, policy=Policy(retry=None, on_failure="record"))
    app = create_sequential([recorded]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="no"), thread="1")
    assert result["stop"].reason == "failed"
    assert "ended `rejected`" in result["trail"][-1].detail


def test_a_person_steps_in_for_a_checker_that_fails(run, saver):
    boss = checker(
        ValueError("down"), ValueError("down"), policy=Policy(retry=None, fallback=Human("chief"))
    )
    app, _ = reviewed(saver, "draft", boss=boss)
    assert asked(run(app, thread="1")).value["action_requests"][0]["name"] == "review_draft"
    result = run(app, Command(resume="yes"), thread="1")
    assert ended(result) == ("draft", "approved")
    assert outcomes(result) == [("writer", "ok"), ("boss", "fallback")]


def test_a_stop_condition_hears_a_persons_feedback(run, saver):
    app, _ = reviewed(saver, "draft", stop_when=mentions("never mind"))
    run(app, thread="1")
    result = run(app, Command(resume="Oh, never mind."), thread="1")
    assert ended(result) == ("draft", "terminated")
