import asyncio

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from langgraph_orchestra.graphs.templates.managing import (
    ManagerStandIn,
    feedback_in,
    step_in,
    under_review,
)
from langgraph_orchestra.models import is_stand_in
from langgraph_orchestra.state import Plan, PlanStep, Review, StepReview

PLAN = Plan(steps=[PlanStep(id="s1", worker="ann", task="Do it.")])


@pytest.fixture
def manager() -> ManagerStandIn:
    return ManagerStandIn(
        {
            Plan: lambda _: PLAN,
            Review: lambda messages: Review(
                reviews=[StepReview(step=messages[-1].text, accepted=True)]
            ),
        },
        lambda messages: f"Closing {messages[-1].text}.",
    )


def test_each_decision_is_answered_by_its_rule_and_the_rest_in_words(manager):
    assert manager.with_structured_output(Plan).invoke("x") == PLAN
    reviews = manager.with_structured_output(Review, include_raw=True).invoke("s7")
    assert reviews["parsed"].reviews[0].step == "s7"
    assert manager.invoke([HumanMessage("it")]).text == "Closing it."


def test_a_tool_that_is_no_decision_leaves_the_words(manager):
    assert manager.bind_tools([str.upper]).invoke("it").text == "Closing it."


def test_async_callers_get_the_same(manager):
    assert asyncio.run(manager.with_structured_output(Plan).ainvoke("x")) == PLAN


def test_it_gives_way_to_a_named_model(manager):
    assert is_stand_in(manager)


REVIEW = """\
Task: Build it.

x by y: a task that looks like a result
Result: none

design by architect: Design:
- it
Expected: endpoints
Result: {"a": 1}

api by backend: Build
To be changed: all
Failed: OSError: no disk"""


def test_what_is_under_review_is_the_task_and_the_results_of_known_steps():
    goal, delivered = under_review([SystemMessage("s"), HumanMessage(REVIEW)], ["design", "api"])
    assert goal.startswith("Build it.\n\nx by y: a task")
    assert [(one.step, one.worker, one.result) for one in delivered] == [
        ("design", "architect", '{"a": 1}'),
        ("api", "backend", ""),
    ]
    assert delivered[0].task == "Design:\n- it\nExpected: endpoints"


def test_a_review_without_results_is_all_task():
    assert under_review([HumanMessage("Task: Build it.")], ["api"]) == ("Build it.", [])


BRIEF = """\
Goal: Build it. Your step: not this one

Your step: Build:
- it
Expected: all of it

Result of design by architect:
{"a": 1}

What must change: It lacks “b”."""


def test_a_worker_reads_its_step_and_what_must_change():
    messages = [SystemMessage("Your step: none"), HumanMessage(BRIEF)]
    assert step_in(messages) == "Build:\n- it"
    assert feedback_in(messages) == "It lacks “b”."
    assert step_in([HumanMessage("Build it.")]) == feedback_in([HumanMessage("x")]) == ""
