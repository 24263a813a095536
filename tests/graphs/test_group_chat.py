"""Group chat: who speaks when, what everybody reads, and how a conversation ends."""

import itertools
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Limits,
    Member,
    last_only,
    mentions,
    rotate_random,
    round_robin,
    task_only,
    tokens,
    turns,
)
from langgraph_orchestra.state import ConfigurationError, GroupChatState, Stop
from support.chats import in_order, order, talkers
from support.members import RECORDED, agent, named
from support.results import calls, ended, outcomes, readings, spoken


class Score(BaseModel):
    """A score."""

    points: int


# The shared thread


def test_everybody_reads_the_whole_transcript_with_the_speakers_names(run, saver):
    ann, bob = talkers("ann", "bob")
    app = create_group_chat([ann, bob], max_turns=4).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert spoken(result) == [
        ("ann", "ann 1"),
        ("bob", "bob 1"),
        ("ann", "ann 2"),
        ("bob", "bob 2"),
    ]
    assert readings(ann) == [["the task"], ["the task", "ann 1", "bob: bob 1"]]
    assert readings(bob) == [
        ["the task", "ann: ann 1"],
        ["the task", "ann: ann 1", "bob 1", "ann: ann 2"],
    ]
    assert [call.messages[-1].name for call in bob.model.calls] == ["ann", "ann"]


def test_a_participants_history_comes_before_the_chats(run):
    ann, cid = talkers("ann", "cid")
    bob = agent("bob", history=task_only())
    run(create_group_chat([ann, bob, cid], history=last_only(), max_turns=3).compile())
    assert readings(bob) == [["the task"]]
    assert readings(cid) == [["bob: bob"]]


def test_one_who_speaks_twice_in_a_row_has_something_to_read(run):
    ann, bob = talkers("ann", "bob")
    run(create_group_chat([ann, bob], select=in_order("ann", "ann")).compile())
    assert readings(ann)[1] == ["the task", "ann 1", "Please continue."]


def test_what_is_said_only_to_make_one_go_on_is_not_kept(run):
    (ann,) = talkers("ann")
    result = run(create_group_chat([ann], max_turns=3).compile())
    assert [m.text for m in result["messages"]] == ["the task", "ann 1", "ann 2", "ann 3"]


def test_messages_trail_and_run_tell_the_same_names_and_numbers(run):
    result = run(create_group_chat(talkers("ann", "bob"), max_turns=3).compile())
    assert [(t.agent, t.path, t.step, t.kind, t.outcome) for t in result["trail"]] == [
        ("ann", "ann", 1, "agent", "ok"),
        ("bob", "bob", 2, "agent", "ok"),
        ("ann", "ann", 3, "agent", "ok"),
    ]
    assert ended(result) == ("ann 2", "turn_limit")


# In turn


@pytest.mark.parametrize("select", [None, round_robin()])
def test_round_robin_keeps_the_declared_order(select, run, saver):
    graph = create_group_chat(talkers("cid", "ann", "bob"), select=select, max_turns=7)
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert order(result) == ["cid", "ann", "bob", "cid", "ann", "bob", "cid"]


def test_round_robin_takes_up_where_the_run_before_left_off(run, saver):
    app = create_group_chat(talkers("ann", "bob", "cid"), max_turns=2).compile(checkpointer=saver)
    run(app, "one", thread="1")
    run(app, "two", thread="1")
    result = run(app, "three", thread="1")
    assert order(result) == ["ann", "bob", "cid", "ann", "bob", "cid"]


def test_round_robin_goes_on_after_somebody_who_has_failed(run, saver):
    ann, bob = agent("ann", LookupError("out"), "ann", policy=RECORDED), agent("bob", "b", "b2")
    app = create_group_chat([ann, bob], max_turns=1).compile(checkpointer=saver)
    run(app, "one", thread="1")
    result = run(app, "two", thread="1")
    assert outcomes(result) == [("ann", "failed"), ("bob", "ok")]


@pytest.mark.parametrize("seed", range(5))
def test_a_random_rotation_lets_everybody_speak_once_in_each_round(seed, run):
    graph = create_group_chat(
        talkers("ann", "bob", "cid", "dan"), select=rotate_random(seed), max_turns=12
    )
    spoke = order(run(graph.compile()))
    rounds = [spoke[:4], spoke[4:8], spoke[8:]]
    assert [sorted(one) for one in rounds] == [["ann", "bob", "cid", "dan"]] * 3


@pytest.mark.parametrize("seed", range(40))
def test_a_random_rotation_is_complete_also_where_nobody_may_speak_twice_in_a_row(seed):
    graph = create_group_chat(
        talkers("ann", "bob", "cid"), select=rotate_random(seed), allow_repeat=False, max_turns=9
    )
    spoke = order(graph.compile().invoke({"messages": "the task"}))
    assert [sorted(r) for r in (spoke[:3], spoke[3:6], spoke[6:])] == [["ann", "bob", "cid"]] * 3
    assert all(one != other for one, other in itertools.pairwise(spoke))


def test_a_random_rotation_makes_up_for_one_who_could_not_speak_in_turn():
    def all_but_cid_at_first(view):
        return ["ann", "bob"] if len(view.turns) < 2 else ["ann", "bob", "cid"]

    for seed in range(20):
        graph = create_group_chat(
            talkers("ann", "bob", "cid"),
            select=rotate_random(seed),
            candidates=all_but_cid_at_first,
            max_turns=3,
        )
        spoke = order(graph.compile().invoke({"messages": "the task"}))
        assert sorted(spoke) == ["ann", "bob", "cid"]


def test_a_random_rotation_is_drawn_anew_for_each_round_and_by_its_seed():
    def spoke(seed):
        graph = create_group_chat(
            talkers("ann", "bob", "cid", "dan"), select=rotate_random(seed), max_turns=24
        )
        return order(graph.compile().invoke({"messages": "the task"}))

    assert spoke(1) == spoke(1)
    assert spoke(1) != spoke(2)
    assert len({tuple(spoke(1)[n : n + 4]) for n in range(0, 24, 4)}) > 1


def test_a_random_rotation_goes_on_after_a_crash_as_if_nothing_had_happened(run, saver):
    def build(*cids):
        members = [*talkers("ann", "bob"), agent("cid", *cids)]
        return create_group_chat(members, select=rotate_random(3), max_turns=6)

    whole = order(run(build("c", "c").compile()))
    broken = build(ValueError("crash"), "c", "c").compile(checkpointer=saver)
    with pytest.raises(ValueError, match="crash"):
        run(broken, thread="1")
    assert order(run(broken, None, thread="1")) == whole


# By a function


def test_a_function_gives_the_floor_and_ends_the_chat_with_none(run, saver):
    graph = create_group_chat(talkers("ann", "bob"), select=in_order("bob", "bob", "ann"))
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert order(result) == ["bob", "bob", "ann"]
    assert ended(result) == ("ann 1", "completed")
    assert result["stop"].by == "select"


def test_an_async_function_may_choose_too():
    async def select(view):
        return None if view.turns else "bob"

    app = create_group_chat(talkers("ann", "bob"), select=select).compile()
    assert order(app.invoke({"messages": "the task"})) == ["bob"]


def test_a_function_may_end_a_chat_before_anybody_has_spoken(run):
    result = run(create_group_chat(talkers("ann"), select=lambda view: None).compile())
    assert (ended(result), result["trail"]) == (("", "completed"), [])


@pytest.mark.parametrize("wrong", ["eve", "Ann", "", 3, ["ann"], True])
def test_a_wrong_name_is_an_error_that_tells_the_right_ones(wrong, run):
    def boss(view):
        return wrong

    with pytest.raises(ConfigurationError) as refused:
        run(create_group_chat(talkers("ann", "bob"), select=boss).compile())
    for told in ("`boss`", repr(wrong), "`ann`, `bob`", "None ends the chat"):
        assert told in str(refused.value)


def test_a_function_may_not_choose_who_is_no_candidate(run):
    ann, bob = talkers("ann", "bob")
    graph = create_group_chat([ann, bob], select=in_order("ann", "ann"), allow_repeat=False)
    with pytest.raises(ConfigurationError, match="chose 'ann'; who may speak next: `bob`"):
        run(graph.compile())
    assert calls(ann, bob) == [1, 0]


# Steps and turns


def test_a_choice_without_a_model_costs_no_superstep():
    for select in (round_robin(), rotate_random(), in_order("ann", "bob", "ann")):
        app = create_group_chat(talkers("ann", "bob"), select=select, max_turns=3).compile()
        steps = list(app.stream({"messages": "the task"}, stream_mode="updates"))
        assert len(steps) == 4  # the intake and three turns


@pytest.mark.parametrize("turns_of_run", [1, 2, 3, 7])
def test_max_turns_counts_turns_exactly(turns_of_run, run):
    result = run(create_group_chat(talkers("ann", "bob"), max_turns=turns_of_run).compile())
    assert len(order(result)) == turns_of_run
    assert result["stop"].reason == "turn_limit"


def test_twenty_turns_are_the_default(run):
    result = run(create_group_chat([named("ann"), named("bob")]).compile())
    assert (len(order(result)), result["stop"].reason) == (20, "turn_limit")


@pytest.mark.parametrize(("max_turns", "limit"), [(2, 5), (5, 2), (2, 2)])
def test_of_two_limits_of_turns_the_smaller_one_holds(max_turns, limit, run):
    graph = create_group_chat(
        talkers("ann", "bob"), max_turns=max_turns, limits=Limits(turns=limit)
    )
    result = run(graph.compile())
    assert (len(order(result)), result["stop"].reason) == (2, "turn_limit")


def test_a_recorded_failure_is_a_turn(run):
    ann = agent("ann", LookupError("out"), "ann", policy=RECORDED)
    result = run(create_group_chat([ann, agent("bob")], max_turns=3).compile())
    assert outcomes(result) == [("ann", "failed"), ("bob", "ok"), ("ann", "ok")]


def test_a_stop_condition_beats_the_turn_limit(run):
    graph = create_group_chat(talkers("ann", "bob"), stop_when=turns(2), max_turns=2)
    stop = run(graph.compile())["stop"]
    assert stop == Stop(
        reason="terminated", detail="stop condition `turns(2)` fired", by="turns(2)"
    )


def test_a_stop_condition_is_not_checked_before_the_first_turn(run):
    graph = create_group_chat(talkers("ann", "bob"), stop_when=lambda view: True)
    assert order(run(graph.compile())) == ["ann"]


def test_a_limit_ends_the_chat_with_the_best_so_far(run):
    result = run(create_group_chat(talkers("ann", "bob"), limits=Limits(tokens=30)).compile())
    assert ended(result) == ("bob 1", "token_limit")


def test_a_stop_condition_beats_the_budget_too(run):
    graph = create_group_chat(talkers("ann", "bob"), stop_when=tokens(30), limits=Limits(tokens=30))
    assert ended(run(graph.compile())) == ("bob 1", "terminated")


# Typed answers and keys of one's own


def test_a_typed_answer_is_the_output_and_its_json_is_read(run, saver):
    judge = agent("judge", Score(points=3), output=Score)
    bob = agent("bob", "fine")
    app = create_group_chat([judge, bob], max_turns=1).compile(checkpointer=saver)
    assert ended(run(app, thread="1")) == (Score(points=3), "turn_limit")
    assert ended(run(app, "and now?", thread="1")) == ("fine", "turn_limit")
    assert readings(bob)[0][1] == 'judge: {"points":3}'


def test_the_last_answer_is_the_output_whether_it_is_typed_or_not(run):
    for ones, output in ((("judge", "bob"), "fine"), (("bob", "judge"), Score(points=3))):
        made = {"judge": agent("judge", Score(points=3), output=Score), "bob": agent("bob", "fine")}
        graph = create_group_chat([made[name] for name in ones], max_turns=2)
        assert run(graph.compile())["output"] == output


def test_an_empty_answer_does_not_hide_a_typed_one(run):
    judge = agent("judge", Score(points=3), output=Score)
    result = run(create_group_chat([judge, agent("bob", "")], max_turns=2).compile())
    assert result["output"] == Score(points=3)


class Plans(GroupChatState):
    """With a plan."""

    plan: str


def test_participants_share_keys_of_their_own(run, saver):
    def writer(view):
        return {"plan": "swim", "messages": [AIMessage("planned")]}

    def reader(view):
        return f"we {view.state['plan']}"

    graph = create_group_chat([writer, reader], max_turns=2, state_schema=Plans)
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert (result["output"], result["plan"]) == ("we swim", "swim")


def test_selectors_and_candidates_see_keys_of_their_own(run):
    def writer(view):
        return {"plan": "reader"}

    def follows_the_plan(view):
        return view.state.get("plan") or "writer"

    graph = create_group_chat(
        [writer, named("reader")], select=follows_the_plan, max_turns=2, state_schema=Plans
    )
    assert order(run(graph.compile())) == ["writer", "reader"]


def test_a_mention_in_the_task_ends_nothing(run):
    ann, bob = agent("ann", "hm"), agent("bob", "DONE")
    result = run(create_group_chat([ann, bob], stop_when=mentions("DONE")).compile(), "say DONE")
    assert ended(result) == ("DONE", "terminated")


def test_members_functions_and_renamed_agents_take_part(run):
    model: Any = ScriptedModel(["one", "two"])
    shared = Agent("shared", "", model=model)
    graph = create_group_chat(
        [Member(shared, name="ann"), Member(shared, name="bob"), named("cid")], max_turns=3
    )
    assert spoken(run(graph.compile())) == [("ann", "one"), ("bob", "two"), ("cid", "said")]
