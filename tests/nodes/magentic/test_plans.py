"""Ledgers: who is named in them, and how far the steps of the plan are."""

import pytest

from langgraph_orchestra.nodes.magentic.plans import (
    named_speakers,
    speaker_problem,
    steps_after_round,
    steps_given_out,
)
from langgraph_orchestra.state import PlanStep, ProgressLedger
from support.ledgers import progress

TEAM = ["ann", "bob"]


def step(name, worker="ann", *depends_on, status="pending"):
    """A step."""
    return PlanStep(id=name, worker=worker, task="do", depends_on=list(depends_on), status=status)


def ledger(*args, **found):
    """A valid ledger."""
    return ProgressLedger.model_validate(progress(*args, **found))


@pytest.mark.parametrize(
    ("speaker", "instruction", "problem"),
    [
        ("zoe", "go", "names 'zoe', who is not there; name some of `ann`, `bob`"),
        ("ANN", "go", "names 'ANN'"),
        ("", "go", "names ''"),
        ([], "go", "names nobody"),
        (["ann", "zoe"], "go", "names 'zoe'"),
        ("ann, bob", "go", "names 'ann, bob'"),
        ("ann", " \n", "is blank"),
    ],
)
def test_what_is_wrong_with_a_speaker_or_an_instruction_is_said(speaker, instruction, problem):
    assert problem in (speaker_problem(ledger(speaker, instruction), TEAM) or "")


def test_who_would_work_next_means_nothing_where_the_task_is_done():
    assert speaker_problem(ledger("nobody", "", done=True), TEAM) is None


@pytest.mark.parametrize(
    ("named", "speakers"),
    [("bob", ["bob"]), (["bob", "ann"], ["ann", "bob"]), (["ann", "ann"], ["ann"])],
)
def test_speakers_come_in_declared_order_and_once_each(named, speakers):
    assert named_speakers(ledger(named), TEAM) == speakers


def statuses(plan):
    """Ids and statuses."""
    return {one.id: one.status for one in plan}


def test_of_each_who_is_to_work_the_first_open_step_is_running():
    plan = [step("a", status="done"), step("b"), step("c"), step("d", "bob")]
    assert statuses(steps_given_out(plan, ["ann"])) == {
        "a": "done",
        "b": "running",
        "c": "pending",
        "d": "pending",
    }


def test_a_failed_step_is_running_when_its_worker_is_asked_again():
    plan = [step("a", status="failed"), step("b")]
    assert statuses(steps_given_out(plan, ["ann"])) == {"a": "running", "b": "pending"}


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({}, "done"),
        ({"moving": False}, "running"),
        ({"moving": False, "done": True}, "done"),
    ],
)
def test_a_step_is_done_only_when_the_manager_finds_that_it_led_further(found, status):
    plan = [step("a", status="running"), step("b", "bob")]
    after = steps_after_round(plan, ledger(**found), {})
    assert statuses(after) == {"a": status, "b": "pending"}


def test_a_step_is_failed_when_its_worker_has_failed_and_open_when_they_were_not_let():
    plan = [step("a", status="running"), step("b", "bob", status="running")]
    after = steps_after_round(plan, ledger(), {"ann": "failed", "bob": "pending"})
    assert statuses(after) == {"a": "failed", "b": "pending"}
