"""Which steps of a plan come next, and which cannot be done any more."""

import pytest

from langgraph_orchestra.nodes.supervisor.plan import (
    cut_off,
    fresh,
    in_plan_order,
    leaves,
    ready,
    with_steps,
)
from langgraph_orchestra.state import StepResult
from support.plans import plan_of


def test_no_step_of_a_new_plan_has_begun_whatever_the_model_says():
    given = plan_of("s1 ann", "s2 bob")
    told = with_steps(given, {"s1": {"status": "done"}, "s2": {"status": "failed"}})
    assert [step.status for step in fresh(told).steps] == ["pending", "pending"]


WAVES = {
    "one after another": (["a ann", "b bob: a", "c ann: b"], [["a"], ["b"], ["c"]]),
    "all at once": (["a ann", "b bob", "c ann"], [["a", "b", "c"]]),
    "a diamond": (["a ann", "b bob: a", "c ann: a", "d bob: b c"], [["a"], ["b", "c"], ["d"]]),
    "two chains": (["a ann", "b bob: a", "x ann", "y bob: x"], [["a", "x"], ["b", "y"]]),
    "written backwards": (["c ann: b", "b bob: a", "a ann"], [["a"], ["b"], ["c"]]),
    "a long way and a short one": (
        ["a ann", "b bob: a", "c ann: b", "d bob: a c", "e ann"],
        [["a", "e"], ["b"], ["c"], ["d"]],
    ),
    "a dependency named twice": (["a ann", "b bob: a a"], [["a"], ["b"]]),
}


@pytest.mark.parametrize("case", WAVES)
def test_a_step_begins_as_soon_as_all_it_depends_on_is_done(case):
    steps, waves = WAVES[case]
    left, found = plan_of(*steps), []
    while wave := [step.id for step in ready(left)]:
        found.append(wave)
        left = with_steps(left, {step: {"status": "done"} for step in wave})
    assert found == waves


CUT_OFF = {
    "who depends on it": (["a ann", "b bob: a", "c ann"], {"b": "a"}),
    "through others": (["a ann", "b bob: a", "c ann: b"], {"b": "a", "c": "b"}),
    "nobody": (["a ann", "b bob"], {}),
    "once, with several ways to it": (
        ["a ann", "b bob: a", "c ann: a", "d bob: b c"],
        {"b": "a", "c": "a", "d": "b"},
    ),
}


@pytest.mark.parametrize("case", CUT_OFF)
def test_a_failed_step_cuts_off(case):
    steps, lost = CUT_OFF[case]
    failed = with_steps(plan_of(*steps), {"a": {"status": "failed"}})
    assert {one.step.id: one.failed for one in cut_off(failed)} == lost


def test_what_is_recorded_of_a_step_that_was_cut_off_says_why_and_that_it_was_never_tried():
    failed = with_steps(plan_of("a ann", "b bob: a"), {"a": {"status": "failed"}})
    (result,) = (one.result for one in cut_off(failed))
    assert (result.step, result.worker, result.attempts, result.ok) == ("b", "bob", 0, False)
    assert (result.failure.type, result.failure.attempts) == ("DependencyFailed", 0)
    assert result.failure.message == "step `b` depends on `a`, which has failed"


@pytest.mark.parametrize(
    ("answered", "last"),
    [
        ("abcd", ["c", "d"]),
        ("abc", ["c"]),
        ("abd", ["b", "d"]),
        ("ad", ["a", "d"]),
        ("", []),
    ],
)
def test_leaves_are_the_answers_on_which_no_other_answer_builds(answered, last):
    given = plan_of("a ann", "b bob: a", "c ann: b", "d bob")
    assert leaves(given, set(answered)) == last


def test_results_stand_in_the_order_of_the_plan_whenever_they_came():
    came = {name: StepResult(step=name, worker="ann") for name in ("c", "a")}
    assert list(in_plan_order(plan_of("a ann", "b ann", "c ann"), came)) == ["a", "c"]
