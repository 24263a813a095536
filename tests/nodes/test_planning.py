"""What a plan must be, whoever made it."""

import pytest

from langgraph_orchestra.nodes.planning import MAX_STEPS, wrong_with_steps
from langgraph_orchestra.state import Plan
from support.plans import plan, plan_of

WORKERS = ["ann", "bob"]

WRONG = {
    "same id": (["s1 ann", "s1 bob"], "`s1` is the id of 2 steps; ids are unique"),
    "unknown worker": (
        ["s1 zoe"],
        'step `s1` is for `zoe`, who is not there; the workers are ["ann", "bob"]',
    ),
    "other spelling": (
        ["s1 Ann"],
        'step `s1` is for `Ann`, who is not there; the workers are ["ann", "bob"]',
    ),
    "unknown step": (
        ["s1 ann: s9"],
        'step `s1` depends on `s9`, which is no step; the ids are ["s1"]',
    ),
    "itself": (["s1 ann: s1"], "in a circle, s1 -> s1; no step can depend on itself"),
    "circle of two": (["s1 ann: s2", "s2 bob: s1"], "in a circle, s1 -> s2 -> s1"),
    "circle of three, with steps before and behind it": (
        ["a ann", "b bob: a d", "c ann: b", "d bob: c", "e ann: d"],
        "in a circle, b -> c -> d -> b",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_plan_that_cannot_be_followed_is_refused_with_the_reason(case):
    steps, reason = WRONG[case]
    said = wrong_with_steps(plan_of(*steps).steps, WORKERS)
    assert said is not None
    assert reason in said


@pytest.mark.parametrize("field", ["id", "task"])
def test_a_step_without_an_id_or_a_task_is_refused(field):
    given = plan("s1 ann")
    given["steps"][0][field] = "  "
    assert "is blank" in str(wrong_with_steps(Plan.model_validate(given).steps, WORKERS))


def test_a_plan_with_more_steps_than_can_be_wanted_is_refused():
    steps = [f"s{n} ann" for n in range(MAX_STEPS + 1)]
    assert f"{MAX_STEPS} are the most" in str(wrong_with_steps(plan_of(*steps).steps, WORKERS))
    assert wrong_with_steps(plan_of(*steps[1:]).steps, WORKERS) is None


def test_a_plan_that_can_be_followed_is_accepted():
    assert wrong_with_steps(plan_of("s2 bob: s1", "s1 ann", "s3 ann: s1 s2").steps, WORKERS) is None


def test_a_plan_without_steps_is_refused():
    assert "has no steps" in str(wrong_with_steps([], WORKERS))
