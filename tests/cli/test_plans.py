"""What `orchestra` shows of managers: their plans, their ledgers, and what came of the steps."""

import io
import json
from typing import Any

import pytest
from langgraph.types import Overwrite
from rich.console import Console
from rich.table import Table

from langgraph_orchestra.cli.activity import Activity, steps_planned
from langgraph_orchestra.cli.asking import Asker
from langgraph_orchestra.cli.tables import (
    facts_table,
    plan_table,
    plans_made,
    progress_table,
    results_table,
)
from langgraph_orchestra.cli.thread import Request
from langgraph_orchestra.state import (
    Failure,
    Finding,
    Instruction,
    NextSpeaker,
    Plan,
    PlanStep,
    ProgressLedger,
    StepResult,
    TaskLedger,
)


def printed(table: Table) -> list[str]:
    console = Console(width=80, record=True, markup=False, highlight=False)
    with console.capture() as lines:
        console.print(table)
    return [" ".join(line.split()) for line in lines.get().splitlines()]


def step(id_: str, status: Any = "pending", **fields: Any) -> PlanStep:
    return PlanStep(id=id_, worker="ann", task=f"Do [{id_}].", status=status, **fields)


def ledger(*steps: PlanStep, guess: str = "maybe") -> TaskLedger:
    return TaskLedger(
        facts_given=["it rains"],
        facts_to_look_up=["how much"],
        facts_to_derive=[],
        guesses=[guess],
        plan=list(steps),
    )


def progress(
    *, done: bool = False, loop: bool = False, moves: bool = True, who: Any = "ann"
) -> ProgressLedger:
    return ProgressLedger(
        is_request_satisfied=Finding(reason="why done", answer=done),
        is_in_loop=Finding(reason="why loop", answer=loop),
        is_progress_being_made=Finding(reason="why stuck", answer=moves),
        next_speaker=NextSpeaker(reason="why them", answer=who),
        instruction_or_question=Instruction(reason="r", answer="Go on."),
    )


def test_a_plan_stands_with_owner_and_status():
    assert printed(plan_table([[step("a", "done"), step("b", depends_on=["a"])]])) == [
        "step owner status task",
        "a ann done Do [a].",
        "b ann pending Do [b]. (after a)",
    ]


def test_of_several_plans_each_is_numbered():
    assert printed(plan_table([[step("a")], [step("b")]])) == [
        "plan step owner status task",
        "1 a ann pending Do [a].",
        "2 b ann pending Do [b].",
    ]


def test_versions_of_a_plan_that_differ_in_status_are_one_as_it_ended():
    versions = [
        ledger(step("a")),
        ledger(step("a", "running")),
        ledger(step("b")),
        ledger(step("b"), guess="rather"),
        ledger(step("a")),
        ledger(step("a", "done")),
    ]
    assert plans_made(versions) == [versions[1], versions[2], versions[3], versions[5]]
    assert plans_made([]) == []


def test_facts_stand_by_the_plan_that_went_by_them():
    assert printed(facts_table([ledger(step("a")), ledger(step("a"), guess="no")]))[1:] == [
        "1 given it rains",
        "1 to look up how much",
        "1 guess maybe",
        "2 given it rains",
        "2 to look up how much",
        "2 guess no",
    ]


def test_each_look_says_what_was_found_who_works_next_and_why():
    looks = [
        progress(),
        progress(who=["ann", "bob"]),
        progress(moves=False),
        progress(loop=True, moves=False),
        progress(done=True, who=[]),
    ]
    assert printed(progress_table(looks))[1:] == [
        "1 progress ann why them",
        "2 progress ann, bob why them",
        "3 no progress ann why stuck",
        "4 in a loop ann why loop",
        "5 satisfied why done",
    ]


def test_results_say_how_they_were_judged_and_what_failed():
    failure = Failure(agent="bob", type="OSError", message="no [disk]")
    results = {
        "a": StepResult(step="a", worker="ann", output="x", accepted=True, attempts=2),
        "b": StepResult(step="b", worker="bob", failure=failure),
        "c": StepResult(step="c", worker="ann", output="x"),
    }
    assert printed(results_table(results))[1:] == [
        "a ann accepted 2",
        "b bob OSError: no [disk] 1",
        "c ann not accepted 1",
    ]


def ended(name: str, **update: Any) -> Any:
    return ((), "tasks", {"id": "1", "name": name, "result": update})


@pytest.mark.parametrize(
    ("part", "ids"),
    [
        (ended("planner", plan=Plan(steps=[step("a")])), ["a"]),
        (ended("planner", task_ledgers=[ledger(step("a")), ledger(step("b"))]), ["b"]),
        (ended("planner", task_ledgers=[]), []),
        (ended("planner", plan=None, trail=[]), []),
        (ended("intake", task_ledgers=Overwrite([])), []),
        (ended("review", plan=Plan(steps=[step("a")])), []),
        (((), "tasks", {"id": "1", "name": "planner", "result": None}), []),
        (((), "tasks", {"id": "1", "name": "planner"}), []),
        (((), "messages", (None, {})), []),
    ],
)
def test_a_plan_is_told_when_it_is_made(part, ids):
    assert [one.id for one in steps_planned(part)] == ids


def test_whoever_writes_the_final_answer_is_at_work():
    activity = Activity()
    activity.follow(((), "tasks", {"id": "1", "name": "finish", "metadata": {}}))
    assert [worker.path for worker in activity.workers] == ["finish"]


def test_a_plan_and_the_one_that_replaces_it_are_seen_as_they_are_made(orchestra_as_shipped):
    done = orchestra_as_shipped("run", "incident_response", "--example", "--answer", "approve")
    lines = [" ".join(line.split()) for line in done.stderr.splitlines()]
    assert "find diagnostics Find out why checkout fails" in lines
    assert any(line.startswith("mend rollback Roll checkout back") for line in lines)
    assert "mend infrastructure Restore the database connections of checkout" in lines
    assert "mend (rollback)" not in done.stderr  # not told twice


def test_a_thread_shows_all_plans_and_looks_of_its_manager(orchestra_as_shipped):
    words = ("--example", "--answer", "approve", "--thread", "t")
    orchestra_as_shipped("run", "incident_response", *words)
    shown = orchestra_as_shipped("show", "t").stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert "1 mend rollback pending Roll checkout back to the release before" in rows
    assert "2 check diagnostics done Check whether checkout works (after mend)" in rows
    assert "1 progress diagnostics, communication Nobody has looked yet." in rows
    assert max(map(len, shown.splitlines())) <= 80


def test_a_thread_shows_the_plan_of_its_supervisor_and_what_came_of_it(orchestra_as_shipped):
    orchestra_as_shipped("run", "feature_team", "--example", "--thread", "t")
    shown = orchestra_as_shipped("show", "t").stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert "api backend done Build the API of user authentication (after design)" in rows
    assert "api backend accepted 2" in rows
    assert max(map(len, shown.splitlines())) <= 80


def test_a_thread_that_waits_shows_the_plan_it_waits_in(orchestra_as_shipped):
    orchestra_as_shipped("run", "incident_response", "--example", "--thread", "t")
    shown = orchestra_as_shipped("show", "t").stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert "2 mend infrastructure running Restore the database connections of" in rows
    assert "infrastructure is asked" in rows


def test_the_json_document_holds_plans_and_ledgers(orchestra_as_shipped):
    words = ("--example", "--answer", "approve", "--thread", "t", "--json")
    document = json.loads(orchestra_as_shipped("run", "incident_response", *words).stdout)
    assert document["task_ledgers"][-1]["plan"][0]["worker"] == "infrastructure"
    assert document["progress_ledgers"][-1]["is_request_satisfied"]["answer"] is True
    assert (document["rounds"], document["stalls"], document["resets"]) == (4, 0, 1)
    document = json.loads(orchestra_as_shipped("run", "feature_team", "--example", "--json").stdout)
    assert document["plan"]["steps"][0]["status"] == "done"
    assert document["results"]["api"]["attempts"] == 2


def test_a_change_that_waits_for_approval_is_asked_for_with_what_may_be_answered(
    orchestra_as_shipped,
):
    asked = orchestra_as_shipped("run", "incident_response", "--example", "--thread", "t").stderr
    asked = " ".join(asked.partition("infrastructure is asked")[2].split())
    assert "Restore the database connections of checkout." in asked
    assert "(approve, edit or reject; other words reject it and say why; a blank line" in asked


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("not now", "Not approved: not now"),
        ('{"type": "edit", "args": {"instruction": "Replace the instances."}}', "were replaced"),
    ],
)
def test_a_change_is_refused_with_words_or_edited(orchestra_as_shipped, answer, outcome):
    orchestra_as_shipped("run", "incident_response", "--example", "--thread", "t")
    done = orchestra_as_shipped("resume", "t", "--answer", answer)
    assert outcome in done.stdout


def test_a_new_instruction_is_typed_as_it_is(monkeypatch):
    action = {"name": "ann", "args": {"instruction": "Go."}, "description": "What ann is to do."}
    decisions = [{"action_name": "ann", "allowed_decisions": ["approve", "edit", "reject"]}]
    value = {"action_requests": [action], "review_configs": decisions, "node": "ann"}
    typed = ["edit", "Go {slowly},", "Ann.", "."]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
    console = Console(width=80, file=io.StringIO())
    answers = Asker(console).ask([Request("1", "ann", value)])
    assert answers == {"1": {"type": "edit", "args": {"instruction": "Go {slowly},\nAnn."}}}
