"""Magentic with people: plans that are reviewed, and approvals before somebody or a tool works."""

import json
from typing import Any

import pytest
from langgraph.types import Command

from langgraph_orchestra.graphs import create_magentic
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, MagenticPrompts, Member, Policy
from langgraph_orchestra.state import AnswerError, ConfigurationError
from support.chats import decisions
from support.ledgers import DONE, ScriptedManager, counters, plan, progress, stuck
from support.members import AT_ONCE, agent, look_up, named, team, wants
from support.results import asked, calls, ended, readings, spoken

REVISE = MagenticPrompts().revise


def steps_of(result):
    """Who does what, by each version of the plan."""
    return [[(s.worker, s.task) for s in one.plan] for one in result["task_ledgers"]]


def attempt(result):
    """The number of times a plan has been brought, as the request tells it."""
    return asked(result).value["action_requests"][0]["args"]["attempt"]


def kind_of(result):
    """What the one request is about."""
    return asked(result).value["action_requests"][0]["name"]


# Reviews of plans


def test_an_approved_plan_is_followed(run, saver):
    manager = ScriptedManager([progress(), DONE], [plan("ann: look")])
    app = create_magentic([agent("ann")], manager=manager, plan_review="initial")
    app = app.compile(checkpointer=saver)
    result = run(app, thread="1")
    assert manager.asked == ["plan"]
    result = run(app, Command(resume="yes"), thread="1")
    assert (ended(result), steps_of(result)) == (("the end", "completed"), [[("ann", "look")]])
    assert ("plan_review", 1, "ok", "approved") in decisions(result)


def test_a_person_reads_facts_and_plan(run, saver):
    ledger = plan("ann: look", "bob: write", facts_given=["It is Monday."], guesses=["It rains."])
    manager = ScriptedManager([], [ledger])
    app = create_magentic([agent("ann"), agent("bob")], manager=manager, plan_review="always")
    request = asked(run(app.compile(checkpointer=saver), thread="1")).value["action_requests"][0]
    assert request["description"] == (
        "Approve the plan, edit its steps, say what is to change, or reject it.\n\n"
        "Given:\n- It is Monday.\nGuesses:\n- It rains.\n"
        "Plan:\ns1 (ann): look\ns2 (bob): write"
    )


def test_an_edited_plan_is_followed_and_the_one_before_is_kept(run, saver):
    manager = ScriptedModel([plan("ann: look", facts_given=["a"]), progress("bob"), DONE, "end"])
    bob = agent("bob")
    app = create_magentic([agent("ann"), bob], model=manager, plan_review="initial")
    app = app.compile(checkpointer=saver)
    run(app, thread="1")
    steps = [{"id": "x", "worker": "bob", "task": "ask"}]
    result = run(app, Command(resume={"type": "edit", "args": {"plan": steps}}), thread="1")
    assert steps_of(result) == [[("ann", "look")], [("bob", "ask")]]
    assert [ledger.facts_given for ledger in result["task_ledgers"]] == [["a"], ["a"]]
    assert "x (bob): ask" in manager.calls[1].messages[-1].text
    assert "x (bob, running): ask" in readings(bob)[0][1]
    assert ("plan_review", 1, "ok", "edited") in decisions(result)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"id": "x", "worker": "zoe", "task": "ask"}],
        [{"id": "x", "worker": "ann", "task": "ask"}] * 2,
        [{"id": "x", "worker": "ann", "task": "ask", "depends_on": ["x"]}],
    ],
)
def test_an_edit_that_cannot_be_followed_leaves_the_review_open(run, saver, steps):
    manager = ScriptedManager([DONE])
    app = create_magentic([agent("ann")], manager=manager, plan_review="initial")
    app = app.compile(checkpointer=saver)
    before = asked(run(app, thread="1")).id
    with pytest.raises(AnswerError, match="the answer of `plan_review` cannot be used"):
        run(app, Command(resume={"type": "edit", "args": {"plan": steps}}), thread="1")
    (still,) = app.get_state({"configurable": {"thread_id": "1"}}).interrupts
    assert still.id == before
    assert ended(run(app, Command(resume="ok"), thread="1")) == ("the end", "completed")


def test_feedback_asks_for_another_plan_and_counts_no_reset(run, saver):
    manager = ScriptedModel([plan("ann: look"), plan("ann: ask"), progress(), DONE, "the end"])
    app = create_magentic([agent("ann")], model=manager, plan_review="initial")
    app = app.compile(checkpointer=saver)
    assert attempt(run(app, thread="1")) == 1
    assert attempt(run(app, Command(resume="ask somebody first"), thread="1")) == 2
    revised = manager.calls[1].messages[-1].text
    assert revised == f"Plan:\ns1 (ann): look\n\n{REVISE}\nask somebody first"
    result = run(app, Command(resume=True), thread="1")
    assert (ended(result), counters(result)) == (("the end", "completed"), (1, 1, 0, 0))
    assert steps_of(result) == [[("ann", "look")], [("ann", "ask")]]
    assert ("plan_review", 1, "refused", "ask somebody first") in decisions(result)


def test_a_manager_of_ones_own_finds_the_feedback_in_the_trail(run, saver):
    class Listening(ScriptedManager):
        def replan(self, view):
            return plan(f"ann: {view.trail[-1].detail}")

    app = create_magentic([agent("ann")], manager=Listening([DONE]), plan_review="initial")
    app = app.compile(checkpointer=saver)
    run(app, thread="1")
    run(app, Command(resume="ask first"), thread="1")
    result = run(app, Command(resume="ok"), thread="1")
    assert steps_of(result)[-1] == [("ann", "ask first")]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_one_revision_too_many_ends_rejected(run, saver, most):
    manager = ScriptedManager([DONE])
    app = create_magentic(
        [agent("ann")], manager=manager, plan_review="initial", max_plan_revisions=most
    ).compile(checkpointer=saver)
    result = run(app, thread="1")
    for number in range(most):
        assert attempt(result) == number + 1
        result = run(app, Command(resume=f"other {number}"), thread="1")
    result = run(app, Command(resume="no, other"), thread="1")
    assert ended(result) == ("the end", "rejected")
    detail = f"not approved after {most} revisions: no, other"
    assert (result["stop"].by, result["stop"].detail) == ("plan_review", detail)
    assert manager.asked == ["plan", *["replan"] * most, "conclude"]


def test_a_rejection_ends_the_run_with_its_reason(run, saver):
    manager = ScriptedManager([DONE])
    app = create_magentic([agent("ann")], manager=manager, plan_review="initial")
    app = app.compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume={"type": "reject", "message": "too dear"}), thread="1")
    assert (result["stop"].reason, result["stop"].detail) == ("rejected", "too dear")
    assert ("plan_review", 1, "refused", "too dear") in decisions(result)


@pytest.mark.parametrize(("when", "reviews"), [("initial", 1), ("always", 2), (None, 0)])
def test_the_first_plan_each_one_or_none_is_reviewed(run, saver, when, reviews):
    manager = ScriptedManager([progress(), stuck(), DONE])
    app = create_magentic([agent("ann")], manager=manager, plan_review=when, max_stalls=0)
    app = app.compile(checkpointer=saver)
    result, seen = run(app, thread="1"), 0
    while "__interrupt__" in result:
        seen += 1
        assert attempt(result) == 1
        result = run(app, Command(resume="ok"), thread="1")
    assert (seen, ended(result)) == (reviews, ("the end", "completed"))
    assert counters(result) == (1, 1, 0, 1)


def test_a_plan_that_is_rejected_late_still_ends_with_what_was_found(run, saver):
    manager = ScriptedManager([progress(), stuck()], final=ValueError("no"))
    app = create_magentic(
        [agent("ann", "found")], manager=manager, plan_review="always", max_stalls=0
    ).compile(checkpointer=saver)
    run(app, thread="1")
    assert kind_of(run(app, Command(resume="ok"), thread="1")) == "plan_review"
    assert ended(run(app, Command(resume="no"), thread="1")) == ("found", "rejected")


# Approvals before somebody works


def test_an_approved_participant_works(run, saver):
    manager = ScriptedManager([progress("ann", "Roll back."), progress("bob", "Tell."), DONE])
    ann, bob = agent("ann"), agent("bob")
    app = create_magentic([ann, bob], manager=manager, approve_before=("ann",))
    app = app.compile(checkpointer=saver)
    request = asked(run(app, thread="1")).value
    assert request["action_requests"][0] == {
        "name": "ann",
        "args": {"instruction": "Roll back."},
        "description": "Approve, edit or reject what ann is to do.\n\nRoll back.",
    }
    assert calls(ann) == [0]
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert (ended(result), calls(ann, bob)) == (("the end", "completed"), [1, 1])
    assert ("manager/ann", 1, "ok", "approved") in decisions(result)


EDITS = [
    {"type": "edit", "edited_action": {"name": "ann", "args": {"instruction": "Only Europe."}}},
    {"type": "edit", "args": {"instruction": "Only Europe."}},
    {"decisions": [{"type": "edit", "edited_action": {"args": {"instruction": "Only Europe."}}}]},
]


@pytest.mark.parametrize("answer", EDITS, ids=json.dumps)
def test_an_edited_instruction_is_what_the_participant_and_the_manager_read(run, saver, answer):
    manager = ScriptedModel([plan("ann"), progress("ann", "Roll back."), DONE, "the end"])
    ann = agent("ann", "done")
    app = create_magentic([ann], model=manager, approve_before=["ann"]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume=answer), thread="1")
    assert readings(ann)[0][-1] == "manager: Only Europe."
    read = [message.text for message in manager.calls[2].messages]
    assert read[2:5] == [
        "To ann: Roll back.",
        "ann: done",
        "ann was told this by a person instead: Only Europe.",
    ]
    assert ("manager/ann", 1, "ok", "edited: Only Europe.") in decisions(result)


REJECTIONS = ["not on Fridays", {"type": "reject", "message": "not on Fridays"}]


@pytest.mark.parametrize("answer", REJECTIONS, ids=repr)
def test_a_refused_instruction_is_no_turn_and_the_manager_reads_why(run, saver, answer):
    manager = ScriptedModel(
        [plan("ann"), progress("ann", "Roll back."), progress("bob", "Wait."), DONE, "the end"]
    )
    ann, bob = agent("ann"), agent("bob")
    app = create_magentic([ann, bob], model=manager, approve_before=["ann"])
    app = app.compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume=answer), thread="1")
    assert (ended(result), calls(ann, bob)) == (("the end", "completed"), [0, 1])
    assert counters(result) == (1, 2, 0, 0)
    assert ("manager/ann", 1, "refused", "not on Fridays") in decisions(result)
    read = [message.text for message in manager.calls[2].messages]
    assert read[2:4] == ["To ann: Roll back.", "ann was not allowed to do this: not on Fridays"]
    (ledger,) = result["task_ledgers"]
    assert [step.status for step in ledger.plan] == ["pending"]


def test_refusals_without_end_end_at_the_limit_of_rounds(run, saver):
    manager = ScriptedManager([progress()] * 3)
    app = create_magentic([agent("ann")], manager=manager, approve_before=["ann"], max_rounds=3)
    app = app.compile(checkpointer=saver)
    result = run(app, thread="1")
    for _ in range(3):
        assert kind_of(result) == "ann"
        result = run(app, Command(resume=False), thread="1")
    assert (ended(result), counters(result)) == (("the end", "round_limit"), (0, 3, 0, 0))


@pytest.mark.parametrize("order", [("ann", "cid"), ("cid", "ann")], ids=" ".join)
def test_two_at_once_are_approved_by_id_in_either_order(run, saver, order):
    manager = ScriptedManager([progress(["ann", "bob", "cid"]), DONE])
    members = [agent("ann"), agent("bob"), agent("cid")]
    app = create_magentic(members, manager=manager, approve_before=["ann", "cid"])
    app = app.compile(checkpointer=saver)
    waiting = {i.value["node"]: i.id for i in run(app, thread="1")["__interrupt__"]}
    assert set(waiting) == {"ann", "cid"}
    first, second = order
    result = run(app, Command(resume={waiting[first]: "ok"}), thread="1")
    assert [i.value["node"] for i in result["__interrupt__"]] == [second]
    result = run(app, Command(resume={waiting[second]: "no"}), thread="1")
    assert ended(result) == ("the end", "completed")
    assert calls(*members) == [int(name != second) for name in ("ann", "bob", "cid")]
    steps = [(t.agent, t.step) for t in result["trail"] if t.kind == "agent"]
    assert [number for _, number in steps] == [1, 2]


def test_a_failed_attempt_does_not_ask_again(run, saver):
    manager = ScriptedManager([progress(), DONE])
    ann = agent("ann", ConnectionError("down"), "done", policy=Policy(retry=AT_ONCE))
    app = create_magentic([ann], manager=manager, approve_before=["ann"])
    app = app.compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="ok"), thread="1")
    assert (ended(result), calls(ann)) == (("the end", "completed"), [2])
    assert ("ann", "done") in spoken(result)


def test_a_person_and_a_team_may_wait_for_approval_too(run, saver):
    manager = ScriptedManager([progress("ada", "Say."), progress("team", "Do."), DONE])
    crew = team(agent("inner"))
    app = create_magentic([Human("ada"), crew], manager=manager, approve_before=["ada", "team"])
    app = app.compile(checkpointer=saver)
    assert kind_of(run(app, thread="1")) == "ada"
    assert kind_of(run(app, Command(resume="ok"), thread="1")) == "answer"
    assert kind_of(run(app, Command(resume="my words"), thread="1")) == "team"
    result = run(app, Command(resume="ok"), thread="1")
    assert ended(result) == ("the end", "completed")
    assert ("ada", "my words") in spoken(result)


# Approvals before a tool runs


def paying(*replies, **options):
    """An agent with a tool that pays, and how often it has paid."""
    paid = []

    def pay(word: str) -> str:
        """Pay for something."""
        paid.append(word)
        return f"{word}: paid"

    return agent("clerk", *replies, tools=[pay, look_up], **options), paid


def test_a_tool_waits_for_approval_and_the_users_agent_stays_as_it_is(run, saver):
    clerk, paid = paying(wants("pay", word="tea"), "done")
    before = repr(clerk)
    manager = ScriptedManager([progress("clerk"), DONE])
    app = create_magentic([clerk], manager=manager, approve_before=["pay"])
    app = app.compile(checkpointer=saver)
    request = asked(run(app, thread="1")).value
    assert request["action_requests"][0]["args"] == {"word": "tea"}
    assert (kind_of(run(app, None, thread="1")), paid) == ("pay", [])
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert (ended(result), paid) == (("the end", "completed"), ["tea"])
    assert (repr(clerk), clerk.approve_tools) == (before, ())


def test_agent_and_tool_may_both_wait(run, saver):
    clerk, paid = paying(wants("pay", word="tea"), "done")
    manager = ScriptedManager([progress("clerk"), DONE])
    app = create_magentic([clerk], manager=manager, approve_before=["clerk", "pay"])
    app = app.compile(checkpointer=saver)
    assert kind_of(run(app, thread="1")) == "clerk"
    result = run(app, Command(resume={asked(run(app, None, thread="1")).id: "ok"}), thread="1")
    assert (kind_of(result), paid) == ("pay", [])
    approved = {"decisions": [{"type": "approve"}]}
    result = run(app, Command(resume={asked(result).id: approved}), thread="1")
    assert (ended(result), paid) == (("the end", "completed"), ["tea"])


@pytest.mark.parametrize("place", ["an agent", "a member", "a fallback", "a member's fallback"])
def test_a_tool_waits_wherever_its_agent_stands(run, saver, place):
    clerk, paid = paying(wants("pay", word="tea"), "done")
    broken = agent("clerk", ValueError("no"), policy=Policy(retry=None, fallback=clerk))
    members = {
        "an agent": clerk,
        "a member": Member(clerk),
        "a fallback": broken,
        "a member's fallback": Member(
            agent("clerk", ValueError("no")), policy=Policy(retry=None, fallback=clerk)
        ),
    }
    manager = ScriptedManager([progress("clerk"), DONE])
    app = create_magentic([members[place]], manager=manager, approve_before=["pay"])
    app = app.compile(checkpointer=saver)
    assert (kind_of(run(app, thread="1")), paid) == ("pay", [])
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert (ended(result), paid) == (("the end", "completed"), ["tea"])


def test_participants_may_come_from_an_iterator_where_some_wait(run, saver):
    clerk, paid = paying(wants("pay", word="tea"), "done")
    manager = ScriptedManager([progress("clerk"), DONE])
    members: Any = iter([clerk, agent("ann")])
    app = create_magentic(members, manager=manager, approve_before=["pay"])
    assert (kind_of(run(app.compile(checkpointer=saver), thread="1")), paid) == ("pay", [])


def test_what_an_agent_has_approved_itself_stays(run):
    clerk, _ = paying("done", approve_tools=["look_up"])
    graph = create_magentic([clerk], approve_before=["pay"])
    assert graph.pattern == "magentic"
    assert clerk.approve_tools == ["look_up"]


def test_unknown_names_are_refused_with_those_that_there_are():
    clerk, _ = paying("done")
    with pytest.raises(ConfigurationError) as refused:
        create_magentic([clerk, named("stage")], approve_before=["pay", "rollback"])
    assert str(refused.value) == (
        "`approve_before` names 'rollback'; the participants are `clerk`, `stage`, and their tools "
        "`pay`, `look_up`"
    )


@pytest.mark.parametrize("wrong", ["ann", 7, None])
def test_what_is_no_list_of_names_is_refused(wrong):
    with pytest.raises(TypeError, match="`approve_before` is a list of names"):
        create_magentic([agent("ann")], approve_before=wrong)


def test_a_list_with_something_else_than_names_is_refused():
    with pytest.raises(ConfigurationError, match=r"`approve_before` names 7; .* their tools none"):
        create_magentic([Agent("ann", "")], approve_before=[7])  # type: ignore[list-item]
