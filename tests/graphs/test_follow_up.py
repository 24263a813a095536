"""What follows a turn may fail: the turn itself is kept, and never taken twice."""

import pytest
from langgraph.types import Command, interrupt

from langgraph_orchestra.graphs import create_group_chat, create_handoff, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import HandoffRule, Policy, approval, judged
from support.handoffs import records, to, told
from support.members import AT_ONCE, ONCE, agent
from support.results import asked, calls, ended, outcomes, spoken


class Flaky:
    """A callback that raises a number of times before it does its work."""

    def __init__(self, failures, work=lambda view: False):
        self.failures = failures
        self.work = work

    def __call__(self, view):
        if self.failures:
            self.failures -= 1
            raise LookupError("the service is away")
        return self.work(view)


def alternating(view):
    """Ann, then bob, then the end."""
    return {0: "ann", 1: "bob"}.get(len(view.turns))


def everybody(view):
    """All who take part."""
    return list(view.speakers)


CHATS = {
    "stop_when of a sequence": lambda flaky, members: create_sequential(members, stop_when=flaky),
    "stop_when of a chat": lambda flaky, members: create_group_chat(
        members, stop_when=flaky, max_turns=2
    ),
    "candidates": lambda flaky, members: create_group_chat(
        members,
        candidates=Flaky(0, lambda view: flaky(view) or everybody(view) if view.turns else ["ann"]),
        max_turns=2,
    ),
    "select": lambda flaky, members: create_group_chat(
        members,
        select=lambda view: (view.turns and flaky(view)) or alternating(view),
    ),
}


@pytest.mark.parametrize("build", CHATS.values(), ids=list(CHATS))
def test_a_callback_that_fails_after_a_turn_does_not_cost_the_turn(build, run, saver):
    ann, bob = agent("ann", policy=ONCE), agent("bob", policy=ONCE)
    flaky = Flaky(2)
    app = build(flaky, [ann, bob]).compile(checkpointer=saver)
    with pytest.raises(LookupError, match="the service is away"):
        run(app, thread="1")
    assert calls(ann, bob) == [1, 0]
    kept = app.get_state({"configurable": {"thread_id": "1"}}).values
    assert [m.text for m in kept["messages"]] == ["the task", "ann"]
    result = run(app, None, thread="1")
    assert spoken(result) == [("ann", "ann"), ("bob", "bob")]
    assert outcomes(result) == [("ann", "ok"), ("bob", "ok")]
    assert calls(ann, bob) == [1, 1]


@pytest.mark.parametrize("build", CHATS.values(), ids=list(CHATS))
def test_a_callback_that_fails_once_is_called_once_more_and_nothing_surfaces(build, run):
    ann, bob = agent("ann", policy=ONCE), agent("bob", policy=ONCE)
    result = run(build(Flaky(1), [ann, bob]).compile())
    assert spoken(result) == [("ann", "ann"), ("bob", "bob")]
    assert calls(ann, bob) == [1, 1]


def test_a_condition_that_fires_when_it_is_asked_again_ends_the_run_with_the_turn(run, saver):
    ann, bob = agent("ann", policy=ONCE), agent("bob")
    flaky = Flaky(2, lambda view: view.last_text == "ann")
    app = create_sequential([ann, bob], stop_when=flaky).compile(checkpointer=saver)
    with pytest.raises(LookupError):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert ended(result) == ("ann", "terminated")
    assert calls(ann, bob) == [1, 0]


def test_a_rejected_draft_goes_back_to_its_author_also_after_such_a_failure(run, saver):
    ann = agent("ann", "draft", "better draft")
    flaky = Flaky(0)
    app = create_sequential([ann, approval("boss"), agent("bob")], stop_when=flaky).compile(
        checkpointer=saver
    )
    first = asked(run(app, thread="1"))
    flaky.failures = 1
    answer = {"decisions": [{"type": "reject", "message": "shorter"}]}
    second = asked(run(app, resume(first, answer), thread="1"))
    assert second.value["action_requests"][0]["args"]["draft"] == "better draft"
    assert len(ann.model.calls) == 2


def test_a_handoff_is_neither_lost_nor_taken_twice_where_the_condition_after_it_fails(run, saver):
    ann, bob = agent("ann", to("bob", text="One moment."), policy=ONCE), agent("bob", policy=ONCE)
    flaky = Flaky(2)
    app = create_handoff([ann, bob], stop_when=flaky).compile(checkpointer=saver)
    with pytest.raises(LookupError):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert ended(result) == ("bob", "completed")
    assert records(result) == [("ann", "bob", "accepted")]
    assert outcomes(result) == [("ann", "handed_off"), ("bob", "ok")]
    assert calls(ann, bob) == [1, 1]


def lost(view):
    return "lost" in view.last_text


RULES = {
    "a rule": lambda flaky, members: create_handoff(
        members, rules=[HandoffRule("bob", lambda view: flaky(view) or lost(view))]
    ),
    "who is handed over to by a rule": lambda flaky, members: create_handoff(
        members,
        rules=[HandoffRule("bob", lost)],
        accepts={"bob": lambda view, handoff: not flaky(view)},
    ),
    "a fallback": lambda flaky, members: create_handoff(
        [*members, agent("eve")],
        routes={"ann": ["eve"]},
        fallback="bob",
        accepts={"eve": lambda view, handoff: False, "bob": lambda view, handoff: not flaky(view)},
    ),
}


@pytest.mark.parametrize("build", RULES.values(), ids=list(RULES))
def test_a_rule_that_fails_after_a_turn_does_not_cost_the_turn(build, run, saver):
    words = to("eve", text="I am lost.") if build is RULES["a fallback"] else "I am lost."
    ann, bob = agent("ann", words, policy=ONCE), agent("bob")
    app = build(Flaky(2), [ann, bob]).compile(checkpointer=saver)
    with pytest.raises(LookupError, match="the service is away"):
        run(app, thread="1")
    kept = app.get_state({"configurable": {"thread_id": "1"}}).values
    assert [m.text for m in kept["messages"] if m.type == "ai"] == ["I am lost."]
    result = run(app, None, thread="1")
    assert ended(result) == ("bob", "completed")
    assert spoken(result) == [("ann", "I am lost."), ("bob", "bob")]
    assert [turn.agent for turn in result["trail"]] == ["ann", "bob"]
    assert calls(ann, bob) == [1, 1]


def test_a_handoff_waits_for_a_rule_that_fails_and_may_still_be_overruled_by_it(run, saver):
    ann, bob = agent("ann", to("eve", text="Not mine."), policy=ONCE), agent("bob")
    flaky = Flaky(2, lambda view: view.last.agent == "ann")
    graph = create_handoff([ann, bob, agent("eve")], rules=[HandoffRule("bob", flaky)])
    app = graph.compile(checkpointer=saver)
    with pytest.raises(LookupError):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert ended(result) == ("bob", "completed")
    assert records(result) == [("ann", "eve", "ignored"), ("ann", "bob", "accepted")]
    assert told(result) == [("handoff_to_eve", "ignored: a rule handed over to `bob` first")]
    assert outcomes(result) == [("ann", "handed_off"), ("bob", "ok")]
    assert calls(ann, bob) == [1, 1]


def test_a_turn_stays_in_the_trail_where_a_new_run_begins_instead_of_its_rule(run, saver):
    ann = agent("ann", "one", "two", policy=ONCE)
    graph = create_handoff([ann, agent("bob")], rules=[HandoffRule("bob", Flaky(2))])
    app = graph.compile(checkpointer=saver)
    with pytest.raises(LookupError):
        run(app, thread="1")
    result = run(app, "another task", thread="1")
    assert spoken(result) == [("ann", "one"), ("ann", "two")]
    assert [(turn.agent, turn.step) for turn in result["trail"]] == [("ann", 1), ("ann", 1)]
    assert ended(result) == ("two", "completed")


def test_a_stream_tells_a_turn_once_where_a_rule_fails_after_it():
    rule = HandoffRule("bob", Flaky(1, lambda view: view.last.agent == "ann"))
    app = create_handoff([agent("ann"), agent("bob")], rules=[rule]).compile()
    updates = app.stream({"messages": "the task"}, stream_mode="updates")
    steps = [step for update in updates for step in update.values()]
    turns = [(turn.agent, turn.outcome) for step in steps for turn in step.get("trail", ())]
    assert turns == [("ann", "handed_off"), ("bob", "ok")]


def test_what_a_person_has_said_waits_for_a_rule_that_fails(run, saver):
    ann, bob = agent("ann", "Well?", "So?"), agent("bob", "Goodbye.")
    flaky = Flaky(0, lambda view: view.last.agent == "user" and "bob" in view.last_text)
    graph = create_handoff([ann, bob], human="user", rules=[HandoffRule("bob", flaky)])
    app = graph.compile(checkpointer=saver)
    first = asked(run(app, thread="1"))
    flaky.failures = 1
    second = asked(run(app, resume(first, "I want bob"), thread="1"))
    result = run(app, resume(second, ""), thread="1")
    assert spoken(result) == [("ann", "Well?"), ("user", "I want bob"), ("bob", "Goodbye.")]
    assert ended(result) == ("Goodbye.", "completed")


def test_a_judge_that_fails_is_tried_again_by_the_policy_of_the_node_it_belongs_to(run):

    ann, bob = agent("ann", policy=Policy(retry=AT_ONCE)), agent("bob")
    verdict = {"reason": "", "answer": True}
    judge = ScriptedModel([ConnectionError("away"), ConnectionError("away"), verdict])
    result = run(create_sequential([ann, bob], stop_when=judged(judge, "Done?")).compile())
    assert ended(result) == ("ann", "terminated")
    assert calls(ann, bob) == [1, 0]
    assert [(turn.agent, turn.kind) for turn in result["trail"]] == [
        ("ann", "agent"),
        ("stop_when", "decision"),
    ]


ASKING = {
    "stop_when of a sequence": lambda ask, members: create_sequential(members, stop_when=ask),
    "stop_when of a chat": lambda ask, members: create_group_chat(
        members, stop_when=ask, max_turns=3
    ),
    "candidates": lambda ask, members: create_group_chat(
        members, candidates=lambda view: [] if view.turns and ask(view) else everybody(view)
    ),
    "select": lambda ask, members: create_group_chat(
        members, select=lambda view: None if view.turns and ask(view) else alternating(view)
    ),
}


def test_a_rule_may_ask_somebody_and_the_answer_does_not_repeat_the_turn(run, saver):
    ann, bob = agent("ann", "ann 1", "never"), agent("bob", "bob 1", "never")
    rule = HandoffRule("bob", lambda view: interrupt({"over": view.last_text}))
    app = create_handoff([ann, bob], rules=[rule]).compile(checkpointer=saver)
    first = asked(run(app, thread="1"))
    assert first.value == {"over": "ann 1"}
    result = run(app, resume(first, answer=True), thread="1")
    assert spoken(result) == [("ann", "ann 1"), ("bob", "bob 1")]
    assert calls(ann, bob) == [1, 1]


@pytest.mark.parametrize("build", ASKING.values(), ids=list(ASKING))
def test_a_callback_may_ask_somebody_and_the_answer_does_not_repeat_the_turn(build, run, saver):
    ann, bob = agent("ann", "ann 1", "never"), agent("bob", "bob 1", "never")
    app = build(lambda view: interrupt({"ready": view.last_text}), [ann, bob]).compile(
        checkpointer=saver
    )
    first = run(app, thread="1")
    assert asked(first).value == {"ready": "ann 1"}
    second = run(app, resume(asked(first), answer=False), thread="1")
    if "__interrupt__" in second:
        assert asked(second).value == {"ready": "bob 1"}
        second = run(app, resume(asked(second), answer=True), thread="1")
    assert spoken(second) == [("ann", "ann 1"), ("bob", "bob 1")]
    assert calls(ann, bob) == [1, 1]


def resume(interrupt, answer):
    """The command that answers an interrupt."""

    return Command(resume={interrupt.id: answer})
