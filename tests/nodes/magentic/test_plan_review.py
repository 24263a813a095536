"""What a person may answer to a plan, in every form."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from langgraph_orchestra.nodes.magentic.plan_review import plan_review_from
from langgraph_orchestra.nodes.magentic.prompts import MagenticPrompts
from langgraph_orchestra.nodes.magentic.views import Briefing
from langgraph_orchestra.state import ConfigurationError, PlanStep

REVIEW = plan_review_from("initial", 5, ["ann", "bob"], Briefing(MagenticPrompts()))
STEPS: list[dict[str, Any]] = [
    {"id": "s1", "worker": "bob", "task": "look"},
    {"id": "s2", "worker": "ann", "task": "go", "depends_on": ["s1"]},
]


def understood(answer):
    """The decision in an answer."""
    return REVIEW.answers.model_validate(answer).decision


EDITS = [
    STEPS,
    json.dumps(STEPS),
    {"plan": STEPS},
    json.dumps({"plan": STEPS}),
    {"type": "edit", "args": {"plan": STEPS}},
    {"type": "edit", "args": STEPS},
    {"type": "edit", "args": json.dumps(STEPS)},
    {"type": "edit", "args": {"plan": json.dumps(STEPS)}},
    {"type": "edit", "edited_action": {"name": "plan_review", "args": {"plan": STEPS}}},
    {"decisions": [{"type": "edit", "edited_action": {"name": "x", "args": {"plan": STEPS}}}]},
    [{"type": "edit", "args": {"action": "plan_review", "args": {"plan": STEPS}}}],
    json.dumps({"decisions": [{"type": "edit", "args": {"plan": STEPS}}]}),
]


@pytest.mark.parametrize("form", EDITS, ids=repr)
def test_an_edited_plan_is_understood_in_every_form(form):
    decision = understood(form)
    assert decision.type == "edit"
    assert decision.value == [PlanStep(**step) for step in STEPS]


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        ("Yes.", "approve", ""),
        (True, "approve", ""),
        ({"approved": True}, "approve", ""),
        ([{"type": "accept", "args": None}], "approve", ""),
        ('{"type": "approve"}', "approve", ""),
        ("no", "reject", ""),
        ({"type": "reject", "message": "too dear"}, "reject", "too dear"),
        ("ask bob first", "respond", "ask bob first"),
        ([{"type": "response", "args": "ask bob"}], "respond", "ask bob"),
        ({"type": "respond", "feedback": "ask bob"}, "respond", "ask bob"),
    ],
)
def test_other_answers_mean_what_they_mean_elsewhere(answer, kind, message):
    decision = understood(answer)
    assert (decision.type, decision.message) == (kind, message)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("edit", "an `edit` needs the steps"),
        ({"type": "edit"}, "an `edit` needs the steps"),
        ({"type": "edit", "args": {"plan": []}}, "the plan has no steps"),
        ({"type": "edit", "args": "do it better"}, "an `edit` needs the steps"),
        ([{**STEPS[0], "worker": "zoe"}], 'the workers are ["ann", "bob"]'),
        ([STEPS[0], STEPS[0]], "`s1` is the id of 2 steps"),
        ([{**STEPS[0], "depends_on": ["s1"]}], "in a circle"),
        ([{"id": "s1", "task": "look"}], "`0.worker`: Field required"),
        ("[{'id': 1}", "no valid JSON"),
        (" ", "the answer is blank"),
        ([], "the answer is blank"),
        (5, "an answer is text, a bool or a decision"),
        ({"type": "shrug"}, "is not possible here"),
        ({"decisions": [{}, {}]}, "2 decisions were given"),
    ],
    ids=repr,
)
def test_an_answer_that_cannot_be_used_is_refused_with_the_reason(answer, problem):
    with pytest.raises(ValidationError) as refused:
        understood(answer)
    assert problem in str(refused.value)


@pytest.mark.parametrize("when", ["never", True, 1, "ALWAYS", ["always"]])
def test_plans_are_reviewed_at_first_always_or_not_at_all(when):
    with pytest.raises(ConfigurationError, match=r"`plan_review` is .*'initial', 'always' or None"):
        plan_review_from(when, 5, ["ann"], Briefing(MagenticPrompts()))


@pytest.mark.parametrize("number", [-1, True, 1.0])
def test_a_wrong_number_of_revisions_is_refused_also_where_nothing_is_reviewed(number):
    with pytest.raises((TypeError, ConfigurationError), match="`max_plan_revisions` is"):
        plan_review_from(None, number, ["ann"], Briefing(MagenticPrompts()))
