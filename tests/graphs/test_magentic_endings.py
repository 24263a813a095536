"""Magentic: the exact counters, and how a run ends, whatever the manager says."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.types import RetryPolicy

from langgraph_orchestra.graphs import create_magentic
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Limits, Policy, View
from support.chats import decisions
from support.ledgers import DONE, ScriptedManager, counters, plan, progress, stuck
from support.members import AT_ONCE, agent
from support.nonsense import TEAM, something
from support.results import calls, ended, spoken, usage

GOOD, STUCK, LOOP, BAD = progress(), stuck(), progress(loop=True), None
BOTH = progress(["ann", "bob"])

RUNS = [
    # what is found; rounds, stalls, resets at most; turns, rounds, stalls, resets; why it ends
    ([DONE], (20, 3, 2), (0, 0, 0, 0), "completed"),
    ([GOOD, DONE], (20, 3, 2), (1, 1, 0, 0), "completed"),
    ([GOOD, GOOD], (2, 3, 2), (2, 2, 0, 0), "round_limit"),
    ([BOTH, BOTH], (2, 3, 2), (4, 2, 0, 0), "round_limit"),
    ([STUCK, STUCK, DONE], (20, 3, 2), (2, 2, 2, 0), "completed"),
    ([STUCK, GOOD, GOOD, DONE], (20, 3, 2), (3, 3, 0, 0), "completed"),
    ([STUCK, LOOP, GOOD, DONE], (20, 3, 2), (3, 3, 1, 0), "completed"),
    ([STUCK, STUCK, GOOD], (3, 3, 2), (3, 3, 1, 0), "round_limit"),
    ([STUCK, STUCK, GOOD, DONE], (20, 1, 2), (2, 2, 0, 1), "completed"),
    ([STUCK, STUCK, STUCK, DONE], (20, 2, 2), (2, 2, 0, 1), "completed"),
    ([STUCK], (20, 0, 0), (0, 0, 1, 0), "stall_limit"),
    ([STUCK, STUCK], (20, 1, 0), (1, 1, 2, 0), "stall_limit"),
    ([STUCK, STUCK, STUCK, STUCK], (20, 1, 1), (2, 2, 2, 1), "stall_limit"),
    ([STUCK, STUCK, STUCK], (20, 0, 2), (0, 0, 1, 2), "stall_limit"),
    ([BAD, DONE], (20, 3, 2), (0, 0, 1, 0), "completed"),
    ([BAD, GOOD, DONE], (20, 3, 2), (1, 1, 0, 0), "completed"),
    ([BAD, BAD, DONE], (20, 1, 1), (0, 0, 0, 1), "completed"),
    ([BAD, BAD, BAD, BAD], (20, 1, 1), (0, 0, 2, 1), "stall_limit"),
    ([GOOD, BAD, GOOD], (2, 1, 1), (2, 2, 0, 0), "round_limit"),
    ([STUCK, GOOD], (1, 0, 1), (1, 1, 0, 1), "round_limit"),
]


def team(*names: str) -> list[Agent]:
    """Agents who answer any number of times."""
    return [Agent(name, "", model=ScriptedModel(lambda _: "said")) for name in names]


def manager_of(ledgers: Any) -> ScriptedManager:
    """Gives these ledgers; None is none that could be used."""
    return ScriptedManager([{} if ledger is None else ledger for ledger in ledgers])


@pytest.mark.parametrize(("ledgers", "limits", "counted", "reason"), RUNS)
def test_the_counters_and_the_ending_are_exactly_these(run, ledgers, limits, counted, reason):
    rounds, stalls, resets = limits
    bounds: dict[str, Any] = {"max_rounds": rounds, "max_stalls": stalls, "max_resets": resets}
    manager = manager_of(ledgers)
    result = run(create_magentic(team("ann", "bob"), manager=manager, **bounds).compile())
    assert (counters(result), ended(result)) == (counted, ("the end", reason))
    assert manager.asked.count("assess") == len(ledgers)
    assert manager.asked.count("replan") == counted[-1]


def test_the_defaults_are_twenty_rounds_three_stalls_and_two_resets(run):
    result = run(create_magentic(team("ann"), manager=manager_of([GOOD] * 21)).compile())
    assert (counters(result), result["stop"].reason) == ((20, 20, 0, 0), "round_limit")
    result = run(create_magentic(team("ann"), manager=manager_of([STUCK] * 12)).compile())
    assert (counters(result), result["stop"].reason) == ((9, 9, 4, 2), "stall_limit")


def test_stops_say_how_far_the_run_has_come(run):
    result = run(create_magentic(team("ann"), manager=manager_of([GOOD]), max_rounds=1).compile())
    assert result["stop"].detail == "1 of 1 rounds done"
    stalled = create_magentic(team("ann"), manager=manager_of([STUCK]), max_stalls=0, max_resets=0)
    assert run(stalled.compile())["stop"].detail == "stalled 1 times with 0 of 0 new plans made"


LEDGERS = st.sampled_from([GOOD, STUCK, LOOP, BAD, BOTH, DONE])


@given(
    st.lists(LEDGERS, max_size=12),
    st.integers(1, 5),
    st.integers(0, 3),
    st.integers(0, 2),
    LEDGERS,
)
@settings(max_examples=60)
def test_any_sequence_of_ledgers_ends_within_its_bounds_with_an_answer(
    ledgers, rounds, stalls, resets, then
):
    """The reason and the counters are found once more, by the letter of the rules."""
    given = iter([*ledgers, *[then] * 200])
    manager = manager_of(given)
    graph = create_magentic(
        team("ann", "bob"),
        manager=manager,
        max_rounds=rounds,
        max_stalls=stalls,
        max_resets=resets,
    )
    most = {"recursion_limit": graph.supersteps + 1}
    result = graph.compile().invoke({"messages": "the task"}, most)

    done, stalled, reset, turns, reason = 0, 0, 0, 0, ""
    again = iter([*ledgers, *[then] * 200])
    while not reason:
        if done >= rounds:
            reason = "round_limit"
            break
        ledger = next(again)
        if ledger is DONE:
            reason = "completed"
            break
        moving = ledger in (GOOD, BOTH)
        stalled = max(0, stalled - 1) if moving else stalled + 1
        if stalled > stalls:
            if reset == resets:
                reason = "stall_limit"
                break
            stalled, reset = 0, reset + 1
        elif ledger is not BAD:
            done, turns = done + 1, turns + (2 if ledger is BOTH else 1)
    assert ended(result) == ("the end", reason)
    assert counters(result) == (turns, done, stalled, reset)
    assert manager.asked.count("conclude") == 1


@pytest.mark.parametrize("seed", range(30))
def test_whatever_a_model_answers_the_run_ends_and_is_satisfied_only_if_it_says_so(run, seed):
    random, used = Random(seed), []

    def answer(messages: Any) -> Any:
        asked = messages[-1].text
        if "Take stock" in asked or "has stalled" in asked:
            return plan(*TEAM)
        if "Nobody works any more" in asked:
            return "the end"
        said = something(random)
        used.append(said)
        return said.answer

    bounds: dict[str, Any] = {"max_rounds": 4, "max_stalls": 1, "max_resets": 1}
    result = run(create_magentic(team(*TEAM), model=ScriptedModel(answer), **bounds).compile())
    assert result["output"] == "the end"
    satisfied = [one for one in used if one.ledger and one.ledger["is_request_satisfied"]["answer"]]
    reason = result["stop"].reason
    assert (reason == "completed") == bool(satisfied)
    assert reason in ("completed", "round_limit", "stall_limit")
    assert result["rounds"] <= 4
    assert len(result["progress_ledgers"]) == sum(1 for one in used if one.ledger)


def test_langgraphs_own_limit_is_raised_where_a_run_may_be_longer():
    graph = create_magentic(team("ann"), max_rounds=9_000)
    assert graph.compile().config["recursion_limit"] > graph.supersteps > 27_000


# Ledgers that cannot be used


BAD_LEDGERS: dict[str, Any] = {
    "no JSON": "I think we are done.",
    "cut off": '{"is_request_satisfied": {"reason": "x", "answer": true}, "is_in_loop"',
    "a missing field": {k: v for k, v in DONE.items() if k != "is_in_loop"},
    "false as text": progress(done="false"),
    "true as text": progress(done="true"),
    "an unknown speaker": progress("zoe"),
    "several objects": '{"a": 1} {"a": 2}',
}


@pytest.mark.parametrize("kind", BAD_LEDGERS)
def test_a_bad_ledger_is_asked_again_with_the_error(run, kind):
    manager = ScriptedModel([plan("ann"), BAD_LEDGERS[kind], GOOD, DONE, "the end"])
    result = run(create_magentic(team("ann"), model=manager).compile())
    assert (counters(result), ended(result)) == ((1, 1, 0, 0), ("the end", "completed"))
    assert "That answer cannot be used: " in manager.calls[2].messages[-1].text


@pytest.mark.parametrize("kind", BAD_LEDGERS)
def test_after_three_bad_ledgers_it_is_a_stall_and_never_satisfied(run, kind):
    bad = [BAD_LEDGERS[kind]] * 3
    manager = ScriptedModel([plan("ann"), *bad, GOOD, *bad, *bad, DONE, "the end"])
    result = run(create_magentic(team("ann"), model=manager).compile())
    assert (counters(result), ended(result)) == ((1, 1, 2, 0), ("the end", "completed"))
    outcomes = [(agent, outcome) for agent, _, outcome, _ in decisions(result)]
    assert outcomes.count(("manager", "fallback")) == 3
    assert len(result["progress_ledgers"]) == 2


# Managers that fail


def test_without_a_plan_that_can_be_used_the_run_has_failed(run, saver):
    manager = ScriptedModel([plan("zoe")] * 3)
    app = create_magentic(team("ann"), model=manager).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("", "failed")
    assert result["stop"].by == "planner"
    assert "`zoe`, who is not there" in result["stop"].detail
    ((agent, _, outcome, detail),) = decisions(result)
    assert (agent, outcome, detail) == ("planner", "failed", result["stop"].detail)
    manager.assert_complete()


def test_a_manager_that_fails_for_good_ends_the_run_with_the_best_turn(run, saver):
    manager = ScriptedModel([plan("ann"), GOOD, ValueError("broken")])
    app = create_magentic(team("ann"), model=manager).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("said", "failed")
    assert (result["stop"].by, result["stop"].detail) == ("manager", "ValueError: broken")
    assert decisions(result)[-1] == ("manager", 2, "failed", "ValueError: broken")
    assert usage(result) == 15 * 3
    manager.assert_complete()


def test_a_manager_that_fails_at_a_new_plan_ends_the_run_too(run):
    manager = ScriptedModel([plan("ann"), GOOD, STUCK, ValueError("broken")])
    result = run(create_magentic(team("ann"), model=manager, max_stalls=0).compile())
    assert (ended(result), result["stop"].by) == (("said", "failed"), "planner")
    assert counters(result) == (1, 1, 0, 1)


@pytest.mark.parametrize("failing", ["plan", "assess", "replan", "conclude"])
def test_an_error_that_goes_away_is_tried_again_and_counted_once(run, saver, failing):
    script: dict[str, list[Any]] = {
        "plan": [plan("ann")],
        "assess": [STUCK],
        "replan": [plan("ann")],
        "conclude": [DONE, "the end"],
    }
    flaky = [ConnectionError("down"), *script[failing]]
    if failing == "conclude":
        flaky = [DONE, ConnectionError("down"), "the end"]
    replies = [one for part in script for one in (flaky if part == failing else script[part])]
    model = ScriptedModel(replies)
    lead = Agent("lead", "", model=model, policy=Policy(retry=AT_ONCE))
    app = create_magentic(team("ann"), model=lead, max_stalls=0).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert (ended(result), counters(result)) == (("the end", "completed"), (0, 0, 0, 1))
    assert sum(turn.attempts for turn in result["trail"]) == len(result["trail"]) + 1
    assert usage(result) == 15 * 5
    model.assert_complete()


def test_an_error_that_stays_is_tried_three_times(run):
    model = ScriptedModel([plan("ann"), *[ConnectionError("down")] * 3])
    lead = Agent("lead", "", model=model, policy=Policy(retry=AT_ONCE))
    result = run(create_magentic(team("ann"), model=lead).compile())
    assert ended(result) == ("", "failed")
    assert result["stop"].detail == "ConnectionError: down"
    model.assert_complete()


def test_tokens_of_refused_ledgers_count_over_attempts(run):
    model = ScriptedModel([plan("ann"), "no ledger", ConnectionError("down"), DONE, "the end"])
    lead = Agent("lead", "", model=model, policy=Policy(retry=AT_ONCE))
    result = run(create_magentic(team("ann"), model=lead).compile())
    assert usage(result) == 15 * 4


def test_a_manager_that_is_too_slow_fails(run):
    model = ScriptedModel([plan("ann")], delay=5)
    once = Policy(retry=None, timeout=0.05)
    lead = Agent("lead", "", model=model, policy=once)
    result = run(create_magentic(team("ann"), model=lead).compile())
    assert ended(result) == ("", "failed")
    assert result["stop"].detail.startswith("NodeTimeoutError: ")


@pytest.mark.parametrize("failing", ["plan", "assess", "replan"])
def test_a_manager_of_ones_own_that_raises_fails(run, failing):
    assessments = [ValueError("no")] if failing == "assess" else [STUCK]
    plans: dict[str, list[Any]] = {
        "plan": [ValueError("no")],
        "replan": [plan("ann"), ValueError("no")],
    }
    manager = ScriptedManager(assessments, plans.get(failing, [plan("ann")]))
    result = run(create_magentic(team("ann"), manager=manager, max_stalls=0).compile())
    assert (ended(result), result["stop"].detail) == (("", "failed"), "ValueError: no")
    assert "conclude" not in manager.asked


def test_a_manager_of_ones_own_is_tried_again_by_langgraphs_policy(run):
    manager = ScriptedManager([ConnectionError("down"), DONE])
    result = run(create_magentic(team("ann"), manager=manager).compile())
    assert ended(result) == ("the end", "completed")
    assert RetryPolicy().max_attempts == 3


# The final answer


@pytest.mark.parametrize("final", [ValueError("no"), " \n", "", 7])
@pytest.mark.parametrize(
    ("ledgers", "reason"),
    [([GOOD, DONE], "completed"), ([GOOD, GOOD], "round_limit"), ([GOOD, STUCK], "stall_limit")],
)
def test_without_a_final_answer_the_best_turn_is_the_output(run, ledgers, reason, final):
    manager = ScriptedManager(ledgers, final=final)
    bounds: dict[str, Any] = {"max_rounds": 2, "max_stalls": 0, "max_resets": 0}
    result = run(create_magentic(team("ann"), manager=manager, **bounds).compile())
    assert ended(result) == ("said", reason)
    assert spoken(result)[-1] == ("ann", "said")


def test_an_instruction_is_never_the_best_turn(run):
    manager = ScriptedManager([progress("ann", "Look."), progress("bob", "Look!")], final="")
    members = [agent("ann", "seen"), agent("bob", ValueError("blind"))]
    result = run(create_magentic(members, manager=manager, max_rounds=2).compile())
    assert ended(result) == ("seen", "round_limit")


# Participants that fail


def test_a_failing_participant_is_reported_to_the_manager_and_the_plan_adapts(run, saver):
    manager = ScriptedModel(
        [
            *(plan("ann", "bob"), progress("ann", "Look.")),
            *(stuck(), plan("bob"), progress("bob", "Ask."), DONE, "the end"),
        ]
    )
    members = [agent("ann", ValueError("the site is down")), agent("bob", "asked")]
    app = create_magentic(members, model=manager, max_stalls=0).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert (ended(result), counters(result)) == (("the end", "completed"), (2, 2, 0, 1))
    turns = [(t.agent, t.outcome) for t in result["trail"] if t.kind == "agent"]
    assert turns == [("ann", "failed"), ("bob", "ok")]
    *_, again, _ = [[m.text for m in call.messages] for call in manager.calls]
    said = ["the task", "To ann: Look.", "ann failed: ValueError: the site is down"]
    assert again[1:-1] == [*said, "To bob: Ask.", "bob: asked"]


def test_of_several_one_may_fail(run, saver):
    manager = ScriptedModel([plan("ann"), progress(["ann", "bob", "cid"]), DONE, "the end"])
    members = [agent("ann", "a"), agent("bob", ValueError("no")), agent("cid", "c")]
    app = create_magentic(members, model=manager).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert (ended(result), counters(result)) == (("the end", "completed"), (3, 1, 0, 0))
    read = [message.text for message in manager.calls[2].messages]
    assert read[2:6] == [
        "To ann, bob, cid: go on",
        "ann: a",
        "bob failed: ValueError: no",
        "cid: c",
    ]


def test_a_participant_that_is_to_raise_raises(run):
    member = agent("ann", ValueError("no"), policy=Policy(retry=None, on_failure="raise"))
    app = create_magentic([member], manager=manager_of([GOOD])).compile()
    with pytest.raises(ValueError, match="no") as caught:
        run(app)
    assert "in participant `ann` of `magentic`, attempt 1" in caught.value.__notes__


def test_a_participant_without_an_answer_is_reported(run):
    def nothing(view: View) -> list[Any]:
        return []

    manager = ScriptedModel([plan("nothing"), progress("nothing"), DONE, "the end"])
    run(create_magentic([nothing], model=manager).compile())
    assert "nothing gave no answer." in [m.text for m in manager.calls[2].messages]


def test_who_is_out_by_their_breaker_is_reported_and_is_no_turn(run):
    manager = ScriptedModel([plan("ann"), progress(), progress(), DONE, "the end"])
    ann = agent("ann", ValueError("no"), policy=Policy(retry=None, breaker=1))
    result = run(create_magentic([ann], model=manager).compile())
    assert (counters(result)[1:], calls(ann)) == ((2, 0, 0), [1])
    outcomes = [turn.outcome for turn in result["trail"] if turn.agent == "ann"]
    assert outcomes == ["failed", "skipped"]
    read = [message.text for message in manager.calls[3].messages]
    assert "ann failed: BreakerOpen: breaker open after 1 failures in a row" in read


# Budgets


def test_a_turn_limit_lets_the_manager_conclude(run):
    manager = manager_of([GOOD] * 9)
    result = run(create_magentic(team("ann"), manager=manager, limits=Limits(turns=2)).compile())
    assert (ended(result), counters(result)) == (("the end", "turn_limit"), (2, 2, 0, 0))


CALL = 15
SPENT = [
    # calls that the budget allows, output, how often the manager and the team are asked
    (1, "", 1, 0),
    (2, "", 2, 0),
    (3, "said", 2, 1),
    (4, "said", 3, 1),
    (5, "said", 3, 2),
]


@pytest.mark.parametrize(("allowed", "output", "by_manager", "by_team"), SPENT)
def test_a_spent_budget_ends_with_the_best_turn_and_without_another_call(
    run, saver, allowed, output, by_manager, by_team
):
    manager = ScriptedModel([plan("ann"), *[GOOD] * 9])
    members = team("ann")
    limits = Limits(tokens=allowed * CALL)
    app = create_magentic(members, model=manager, limits=limits).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == (output, "token_limit")
    assert (len(manager.calls), calls(*members)) == (by_manager, [by_team])
    assert usage(result) == allowed * CALL


def test_where_the_last_ledger_spends_the_budget_the_task_is_still_done(run):
    manager = ScriptedModel([plan("ann"), GOOD, DONE])
    limits = Limits(tokens=4 * CALL)
    result = run(create_magentic(team("ann"), model=manager, limits=limits).compile())
    assert ended(result) == ("said", "completed")
    assert result["trail"][-1].outcome == "cancelled"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(cost=0.03, price=lambda model, usage: 0.01), "cost_limit"),
        (Limits(seconds=1e-9), "time_limit"),
    ],
)
def test_cost_and_time_end_a_run_as_tokens_do(run, limits, reason):
    manager = ScriptedModel([plan("ann"), GOOD, GOOD])
    result = run(create_magentic(team("ann"), model=manager, limits=limits).compile())
    assert result["stop"].reason == reason


def test_several_at_once_share_the_budget(run):
    manager = ScriptedModel([plan("ann"), BOTH, BOTH])
    limits = Limits(tokens=4 * CALL)
    result = run(create_magentic(team("ann", "bob"), model=manager, limits=limits).compile())
    assert ended(result) == ("said", "token_limit")
    assert len(manager.calls) == 2
