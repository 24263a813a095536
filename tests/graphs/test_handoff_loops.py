"""Handoff: loops are bounded, end with the best answer, and many handoffs stay cheap."""

import pytest

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_handoff
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, HandoffRule, Member
from langgraph_orchestra.state import Handoff
from support.handoffs import records, to, told
from support.members import agent, look_up
from support.results import calls, ended, outcomes


def ring(*names, text="", **options):
    """Agents that hand over in a ring, for ever."""

    def over_to(target):
        return ScriptedModel(lambda messages: to(target, text=text))

    following = zip(names, (*names[1:], names[0]), strict=True)
    return [Agent(name, "", model=over_to(target), **options) for name, target in following]


@pytest.mark.parametrize("tools", [[], [look_up]], ids=["without tools", "with tools"])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_so_many_handoffs_are_taken_and_the_next_is_answered_limit_reached(run, saver, n, tools):
    members = ring("a", "b", "c", tools=tools)
    app = create_handoff(members, max_handoffs=n).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("", "turn_limit")
    assert [h.outcome for h in result["handoffs"]] == [*["accepted"] * n, "refused"]
    assert sum(calls(*members)) == n + 1
    assert told(result)[-1][1] == f"limit reached: {n} of {n} handoffs taken"
    assert outcomes(result)[-1][1] == "refused"


def test_ten_handoffs_are_taken_by_default(run):
    result = run(create_handoff(ring("a", "b", "c")).compile())
    assert len(result["handoffs"]) == 11
    assert result["stop"].detail == "10 of 10 handoffs taken"


def test_the_best_answer_so_far_is_the_output_at_the_limit(run):
    rules = [HandoffRule("a", lambda view: view.last_text == "the best", source="b")]
    members = [
        Agent("a", "", model=ScriptedModel(lambda m: to("b", text="One moment."))),
        agent("b", "the best", to("c")),
        agent("c", to("a", text="Bye.")),
    ]
    result = run(create_handoff(members, rules=rules, max_handoffs=4).compile())
    assert ended(result) == ("the best", "turn_limit")


def test_words_beside_a_handoff_are_the_output_where_nobody_has_answered(run):
    members = ring("a", "b", "c", text="I cannot say.")
    result = run(create_handoff(members, max_handoffs=2).compile())
    assert ended(result) == ("I cannot say.", "turn_limit")


def test_a_ping_pong_of_two_ends_with_cycle(run, saver):
    members = [*ring("a", "b", text="Over to you."), agent("c")]
    result = run(create_handoff(members).compile(checkpointer=saver), thread="1")
    assert ended(result) == ("Over to you.", "cycle")
    assert len(result["handoffs"]) == sum(calls(*members[:2])) == 6
    assert result["stop"].detail == "the last 6 handoffs were between `a` and `b`"


def test_the_window_says_how_long_a_ping_pong_may_last(run):
    members = ring("a", "b")
    assert len(run(create_handoff(members, cycle_window=4).compile())["handoffs"]) == 4


def test_a_third_participant_in_the_window_is_no_cycle(run):
    members = ring("a", "b", "c")
    result = run(create_handoff(members, cycle_window=4, max_handoffs=7).compile())
    assert result["stop"].reason == "turn_limit"


def test_without_a_window_only_the_limit_ends_a_ping_pong(run):
    result = run(create_handoff(ring("a", "b"), cycle_window=None).compile())
    assert result["stop"].reason == "turn_limit"
    assert len(result["handoffs"]) == 11


def test_refused_handoffs_are_no_cycle(run):
    accepts = {"b": lambda view, handoff: "closed"}
    members = [agent("a", to("b"), to("b"), "done"), agent("b"), agent("c")]
    result = run(create_handoff(members, accepts=accepts, cycle_window=4).compile())
    assert ended(result) == ("done", "completed")


def test_rules_count_towards_the_limit(run):
    rules = [HandoffRule("b", bool, source="a"), HandoffRule("a", bool, source="b")]

    def speaks(view):
        return "spoken"

    members = [Member(speaks, name="a"), Member(speaks, name="b")]
    app = create_handoff(members, rules=rules, max_handoffs=3, cycle_window=None).compile()
    result = run(app)
    assert ended(result) == ("spoken", "turn_limit")
    assert records(result)[-1] == ("b", "a", "refused")


def test_functions_are_bounded_too(run):
    def back(view):
        return Handoff(target="b" if view.state["active"] == "a" else "a")

    members = [Member(back, name="a"), Member(back, name="b")]
    assert run(create_handoff(members).compile())["stop"].reason == "cycle"


def test_bounds_count_afresh_in_each_run(run, saver):
    members = [agent("a", to("b"), to("b")), agent("b", "one", "two")]
    app = create_handoff(members, max_handoffs=1, resume_at="start").compile(checkpointer=saver)
    assert ended(run(app, thread="1")) == ("one", "completed")
    result = run(app, thread="1")
    assert ended(result) == ("two", "completed")
    assert records(result) == [("a", "b", "accepted")]


def test_three_hundred_handoffs_on_one_thread_are_stored_in_proportion(tmp_path):
    def stored(n):
        url = f"sqlite:///{tmp_path}/{n}.db"
        app_of = create_handoff(ring("a", "b", "c", text="x" * 400), max_handoffs=n)
        with open_checkpointer(url) as saver:
            app = app_of.compile(checkpointer=saver)
            app.invoke({"messages": "go"}, {"configurable": {"thread_id": "1"}})
            state = app.get_state({"configurable": {"thread_id": "1"}}).values
            assert len(state["handoffs"]) == n + 1
        return sum(path.stat().st_size for path in tmp_path.glob(f"{n}.db*"))

    assert stored(300) < 4 * stored(100)
