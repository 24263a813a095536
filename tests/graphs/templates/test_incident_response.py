from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.incident_data import Change
from langgraph_orchestra.graphs.templates.incident_response import (
    COMMUNICATION_PROMPT,
    DIAGNOSTICS_PROMPT,
    INFRASTRUCTURE_PROMPT,
    MANAGER_PROMPT,
    reviewed_graph,
)
from langgraph_orchestra.graphs.templates.incident_rules import Diagnosis, alert_in, diagnosis_of
from langgraph_orchestra.state import PlanStep, ProgressLedger, TaskLedger

TEMPLATE = TEMPLATES["incident_response"]

SEARCH = "Search fails for 18% of requests since 09:12. Release 5.2.0 was released at 09:10."
LOGIN = "Nobody can use login: 64% fail since 11:40."
PAYMENTS = "Payments fail, 44% of them, since 16:20."


def workers(result) -> list[str]:
    return [turn.agent for turn in result["trail"] if turn.kind == "agent"]


def plans(result) -> list[list[str]]:
    """The workers of each plan, in order; versions that differ in the status of steps are one."""
    every = [[step.worker for step in ledger.plan] for ledger in result["task_ledgers"]]
    return [plan for place, plan in enumerate(every) if plan not in every[:place]]


def told(result) -> list[tuple[str, str]]:
    return [(notice.audience, notice.text) for notice in result["notices"]]


def asked(result) -> str:
    [interrupt] = result["__interrupt__"]
    return str(interrupt.value["action_requests"][0]["description"])


@pytest.mark.parametrize(
    ("task", "suspect", "audiences"),
    [
        ("Checkout fails: 25% since 14:02. Release 1.2 went out at 13:55.", "release", "customers"),
        ("Checkout fails: 24.9% since 14:02. Version 1.2 went out at 13:02.", "release", "support"),
        ("Checkout fails since 14:02. Release 1.2 went out at 13:01.", "unknown", "customers"),
        ("Checkout fails since 14:02. Release 1.2 went out at 14:30.", "unknown", "customers"),
        ("Checkout fails. Release 1.2 is new.", "release", "customers"),
        ("Checkout fails for 3 percent of all.", "unknown", "support"),
    ],
)
def test_figures_of_the_report_decide_what_is_suspected_and_who_is_told(task, suspect, audiences):
    alert = alert_in(task)
    assert (alert.suspect, alert.audiences[0]) == (suspect, audiences)


@pytest.mark.parametrize(
    ("logs", "metrics", "cause"),
    [
        ("", "error rate 1%, database connections in use 100%", "none"),
        ("", "error rate 1.1%, database connections in use 95%", "database"),
        ("", "error rate 9%, database connections in use 94%, memory 95%", "capacity"),
        ("KeyError, first seen in 5.2.0", "error rate 9%, memory 94%", "release"),
        ("502 from the bank", "error rate 9%, memory 94%", "unknown"),
        ("There is no service oven.", "There is no service oven.", "unknown"),
    ],
)
def test_logs_and_metrics_decide_the_cause(logs, metrics, cause):
    assert diagnosis_of("checkout", logs, metrics).cause == cause


def test_plan_changes_from_rollback_to_database_repair_when_the_diagnosis_says_so(run_example):
    app = TEMPLATE.build().compile(checkpointer=InMemorySaver())
    result = run_example(TEMPLATE, app)
    assert plans(result) == [
        ["diagnostics", "communication", "rollback", "diagnostics", "communication"],
        ["infrastructure", "diagnostics", "communication"],
    ]
    first, *_, last = result["task_ledgers"]
    assert "Release 2.14.0" in first.guesses[0]
    assert "database (connections in use: 100%" in " ".join(last.facts_given)
    assert [step.status for step in last.plan] == ["done", "done", "done"]
    assert "rollback" not in workers(result)
    assert result["changes"] == [Change(service="checkout", action="restore connections")]
    assert result["output"].startswith("Checkout works: error rate: 0.2%.")
    assert "Suspected before that, wrongly: release." in result["output"]
    assert (result["rounds"], result["stalls"], result["resets"]) == (4, 0, 1)


def test_those_affected_are_told_at_the_beginning_and_at_the_end(ask):
    result = ask("incident_response", TEMPLATE.example, *TEMPLATE.answers)
    begun = "Checkout fails: 31% of all requests end with an error since 14:02. We work on it."
    assert told(result) == [
        ("customers", begun),
        ("management", begun),
        ("customers", "Checkout works again."),
        ("management", "Checkout works again."),
    ]


def test_looking_and_telling_are_done_at_once(ask):
    result = ask("incident_response", TEMPLATE.example)
    first, *_ = result["progress_ledgers"]
    assert first.next_speaker.answer == ["diagnostics", "communication"]


def test_nothing_is_changed_before_a_person_has_approved_it(ask):
    result = ask("incident_response", TEMPLATE.example)
    assert "Restore the database connections of checkout." in asked(result)
    assert result.get("changes", []) == []


@pytest.mark.parametrize(
    ("task", "asked_for", "changes"),
    [
        (SEARCH, "Roll search back", [Change(service="search", action="roll back")]),
        (LOGIN, "Replace the inst", [Change(service="login", action="replace instances")]),
    ],
)
def test_another_cause_has_another_remedy(ask, task, asked_for, changes):
    assert asked_for in asked(ask("incident_response", task))
    result = ask("incident_response", task, "yes")
    assert result["changes"] == changes
    assert "works: error rate: 0.2%." in result["output"]


def test_a_suspicion_that_is_confirmed_leaves_the_plan_as_it_is(ask):
    result = ask("incident_response", SEARCH, "approve")
    assert len(plans(result)) == 1
    assert result["resets"] == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("no", "rejected"), ("The report has to end first.", "The report has to end first.")],
)
def test_a_change_that_is_not_approved_goes_to_those_on_call(ask, answer, reason):
    result = ask("incident_response", TEMPLATE.example, answer)
    assert result.get("changes", []) == []
    assert plans(result)[-1] == ["communication"]
    [(audience, text)] = told(result)[2:]
    assert audience == "on-call"
    assert f"A person did not approve the change: {reason}" in text
    assert "Checkout is left to on-call." in result["output"]
    assert result["stop"].reason == "completed"


def test_what_no_agent_can_mend_goes_to_those_on_call(ask):
    result = ask("incident_response", PAYMENTS)
    assert [audience for audience, _ in told(result)] == ["customers", "management", "on-call"]
    assert "502 from the bank's gateway" in result["output"]


def test_an_incident_of_nothing_that_is_watched_goes_to_those_on_call(ask):
    result = ask("incident_response", "The oven is cold.")
    assert workers(result) == ["communication"]
    assert [audience for audience, _ in told(result)] == ["on-call"]


def test_a_false_alarm_changes_nothing():
    app = TEMPLATE.build().compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    app.invoke({"messages": SEARCH}, thread)
    mended = app.invoke(Command(resume="yes"), thread)
    again = app.invoke({"messages": SEARCH}, thread)
    assert again["changes"] == mended["changes"]
    assert again["output"].startswith("Search works: error rate: 0.2%.")


def test_every_plan_is_reviewed_where_a_person_wants_to():
    app = reviewed_graph().compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    result = app.invoke({"messages": TEMPLATE.example}, thread)
    kinds = []
    while "__interrupt__" in result:
        [interrupt] = result["__interrupt__"]
        kinds.append(interrupt.value["action_requests"][0]["name"])
        result = app.invoke(Command(resume="approve"), thread)
    assert kinds == ["plan_review", "plan_review", "infrastructure"]
    assert result["output"].startswith("Checkout works")


def test_a_plan_that_is_rejected_ends_the_response_before_anybody_works():
    app = reviewed_graph().compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    app.invoke({"messages": TEMPLATE.example}, thread)
    result = app.invoke(Command(resume={"decisions": [{"type": "reject"}]}), thread)
    assert result["stop"].reason == "rejected"
    assert workers(result) == []


def test_the_record_is_typed_after_a_reload(run_example, saver):
    run_example(TEMPLATE, TEMPLATE.build().compile(checkpointer=saver))
    reloaded = TEMPLATE.build().compile(checkpointer=saver)
    values = reloaded.get_state({"configurable": {"thread_id": "1"}}).values
    assert isinstance(values["changes"][0], Change)
    assert {type(one) for one in values["task_ledgers"]} == {TaskLedger}
    assert {type(one) for one in values["progress_ledgers"]} == {ProgressLedger}


def test_tools_act_for_a_named_model_too(playing_all):
    def ledger(next_: Any, instruction: str, *, done: bool = False) -> dict[str, Any]:
        return {
            "is_request_satisfied": {"reason": "r", "answer": done},
            "is_in_loop": {"reason": "r", "answer": False},
            "is_progress_being_made": {"reason": "r", "answer": True},
            "next_speaker": {"reason": "r", "answer": next_},
            "instruction_or_question": {"reason": "r", "answer": instruction},
        }

    steps = [PlanStep(id="s1", worker="infrastructure", task="Mend it.")]
    plan = TaskLedger(
        facts_given=[], facts_to_look_up=[], facts_to_derive=[], guesses=[], plan=steps
    )
    found = Diagnosis(service="login", cause="capacity", error_rate=64, evidence=["memory 98%"])
    scripts: dict[str, list[Any]] = {
        MANAGER_PROMPT: [
            plan,
            ledger("diagnostics", "Look."),
            ledger("infrastructure", "Mend."),
            ledger("communication", "Tell."),
            ledger("", "", done=True),
            "All is well.",
        ],
        DIAGNOSTICS_PROMPT: [calling("read_metrics", service="login"), found],
        INFRASTRUCTURE_PROMPT: [calling("replace_instances", service="login"), "Done."],
        COMMUNICATION_PROMPT: [calling("notify", audiences=["support"], message="Hi."), "Told."],
    }
    context, _ = playing_all(scripts)
    app = TEMPLATE.build().compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    app.invoke({"messages": "login is down"}, thread, context=context)
    result = app.invoke(Command(resume="approve"), thread, context=context)
    assert result["output"] == "All is well."
    assert result["changes"] == [Change(service="login", action="replace instances")]
    assert told(result) == [("support", "Hi.")]
