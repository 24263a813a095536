"""Group chat: what participants bring with them: policies, tools, approvals and typed answers."""

import time

import pytest
from langchain_core.tools import tool
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Policy, by_model, rotate_random
from support.chats import order, says, talkers
from support.members import agent, look_up, named, wants
from support.results import asked, calls, ended, outcomes, readings, spoken


class Score(BaseModel):
    """A score."""

    points: int


def test_a_fallback_answers_in_the_participants_name(run):
    policy = Policy(retry=None, fallback=ScriptedModel(["instead"]))
    ann = agent("ann", LookupError("out"), policy=policy)
    result = run(create_group_chat([ann, *talkers("bob")], max_turns=2).compile())
    assert spoken(result)[0] == ("ann", "instead")
    assert outcomes(result) == [("ann", "fallback"), ("bob", "ok")]


def test_one_who_takes_too_long_has_had_their_turn(run):
    policy = Policy(retry=None, timeout=0.05, on_failure="record")
    ann = Agent("ann", "", model=ScriptedModel(["late"], delay=2.0), policy=policy)
    result = run(create_group_chat([ann, *talkers("bob")], max_turns=2).compile())
    assert outcomes(result) == [("ann", "timed_out"), ("bob", "ok")]


def test_tool_calls_are_read_by_whoever_made_them_alone(run):
    ann = agent("ann", wants("look_up", word="squid"), "found", "again", tools=[look_up])
    bob = agent("bob")
    result = run(create_group_chat([ann, bob], max_turns=3).compile())
    assert order(result) == ["ann", "bob", "ann"]
    assert readings(bob) == [["the task", "ann: found"]]
    assert readings(ann)[2] == ["the task", "", "squid is a mollusc", "found", "bob: bob"]


def test_a_tool_that_needs_approval_waits_in_the_turn_and_runs_once(run, saver):
    paid = []

    @tool
    def pay(euros: int) -> str:
        """Pay."""
        paid.append(euros)
        return "paid"

    ann = agent("ann", wants("pay", euros=5), "done", tools=[pay], approve_tools=("pay",))
    model = ScriptedModel([says("ann"), says("bob")])
    graph = create_group_chat([ann, *talkers("bob")], select=by_model(model), max_turns=2)
    app = graph.compile(checkpointer=saver)
    waiting = run(app, thread="1")
    assert paid == []
    answer = {"decisions": [{"type": "approve"}]}
    result = run(app, Command(resume={asked(waiting).id: answer}), thread="1")
    assert (paid, len(model.calls)) == ([5], 2)
    assert outcomes(result) == [
        ("selector", "ok"),
        ("ann", "ok"),
        ("selector", "ok"),
        ("bob", "ok"),
    ]


def test_a_typed_summary_is_the_output_also_after_a_reload(run, saver):
    closing = agent("closing", Score(points=3), output=Score)
    app = create_group_chat(talkers("ann"), max_turns=1, summary=closing)
    compiled = app.compile(checkpointer=saver)
    assert ended(run(compiled, thread="1")) == (Score(points=3), "turn_limit")
    kept = compiled.get_state({"configurable": {"thread_id": "1"}}).values
    assert kept["output"] == Score(points=3)


def test_a_breakpoint_of_langgraph_holds_the_chat_and_lets_it_go_on(run, saver):
    ann, bob = talkers("ann", "bob")
    graph = create_group_chat([ann, bob], max_turns=3)
    app = graph.compile(checkpointer=saver, interrupt_before=["bob"])
    run(app, thread="1")
    assert app.get_state({"configurable": {"thread_id": "1"}}).next == ("bob",)
    result = run(app, None, thread="1")
    assert order(result) == ["ann", "bob", "ann"]
    assert calls(ann, bob) == [2, 1]


def test_the_frontier_after_a_crash_is_who_was_speaking(run, saver):
    bob = agent("bob", ValueError("crash"), "bob")
    graph = create_group_chat([*talkers("ann", "cid"), bob], select=rotate_random(2), max_turns=3)
    app = graph.compile(checkpointer=saver)
    with pytest.raises(ValueError, match="crash"):
        run(app, thread="1")
    assert app.get_state({"configurable": {"thread_id": "1"}}).next == ("bob",)
    assert sorted(order(run(app, None, thread="1"))) == ["ann", "bob", "cid"]


def test_a_person_alone_may_talk_to_themselves(run, saver):
    app = create_group_chat([Human("pat")], max_turns=2).compile(checkpointer=saver)
    result = run(app, thread="1")
    for words in ("one", "two"):
        result = run(app, Command(resume={asked(result).id: words}), thread="1")
    assert ended(result) == ("two", "turn_limit")


@pytest.mark.parametrize("select", [None, rotate_random()])
def test_a_long_chat_takes_time_for_its_turns_and_not_for_its_length(select):
    app = create_group_chat([named("ann"), named("bob")], select=select, max_turns=1000).compile()
    began = time.perf_counter()
    result = app.invoke({"messages": "the task"})
    assert len(result["trail"]) == 1000
    assert time.perf_counter() - began < 30
