from typing import Any

import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.feature_rules import requested_in, requirement_of
from langgraph_orchestra.graphs.templates.feature_team import (
    ARCHITECT_PROMPT,
    TECH_LEAD_PROMPT,
    Checks,
    Design,
    Screens,
    Service,
)
from langgraph_orchestra.state import Plan, PlanStep, Review, StepReview

TEMPLATE = TEMPLATES["feature_team"]
LIMIT = "at most 5 attempts a minute from one address, then 429"


def reviews(result) -> list[str]:
    return [turn.detail for turn in result["trail"] if turn.path == "review"]


@pytest.mark.parametrize(
    ("task", "title", "lines"),
    [
        ("Implement logging in with:\n- JWT\n\n* OAuth (X)", "logging in", ["JWT", "OAuth (X)"]),
        ("Please build exports: CSV, audit log", "exports", ["CSV", "audit log"]),
        ("Add search", "search", ["search"]),
        ("Build an importer:\n- CSV\n- API only", "an importer", ["CSV"]),
    ],
)
def test_a_request_is_a_title_and_its_lines(task, title, lines):
    request = requested_in(task)
    assert request.title == title
    assert [one.text for one in request.requirements] == lines


@pytest.mark.parametrize("words", ["API only", "no UI", "without a frontend", "Backend only"])
def test_a_request_may_want_no_screens(words):
    assert not requested_in(f"Build an importer:\n- CSV\n- {words}").has_screens
    assert requested_in("Build an importer:\n- CSV").has_screens


@pytest.mark.parametrize(
    ("line", "endpoints", "policy", "check"),
    [
        ("OAuth (Google, GitHub)", 2, "", "forged state"),
        ("OAuth with Google and Apple", 2, "", "forged state"),
        ("Rate limiting: 3 a minute", 0, "at most 3 attempts", "attempt 4 within"),
        ("Rate limits", 0, "at most 10 attempts", "attempt 11 within"),
        ("Audit log", 0, "every attempt is written", "refused attempt"),
        ("Password reset", 2, "", "not after 30 minutes"),
        ("Reset by a link for 5 minutes", 2, "", "not after 5 minutes"),
        ("JWT", 1, "", "expired token"),
        ("Email/password login", 1, "", "wrong password"),
        ("CSV export", 1, "", "CSV export works"),
    ],
)
def test_a_line_takes_endpoints_or_a_policy_and_a_check(line, endpoints, policy, check):
    found = requirement_of(line)
    assert len(found.endpoints) == endpoints
    assert policy in found.policy
    assert bool(found.policy) == bool(policy)
    assert check in found.check


def test_what_the_backend_has_lost_sight_of_is_sent_back_and_then_there(ask):
    result = ask("feature_team", TEMPLATE.example)
    _, first, second, *_ = reviews(result)
    assert f"api: not accepted: It lacks “{LIMIT}”" in first
    assert "ui: accepted" in first
    assert second == "api: accepted"
    results = result["results"]
    assert {name: one.attempts for name, one in results.items()} == {
        "design": 1,
        "api": 2,
        "ui": 1,
        "tests": 1,
    }
    assert all(one.accepted for one in results.values())
    assert results["api"].output.enforced == [f"{LIMIT}: before every handler"]


def test_each_brings_what_is_theirs_typed(ask):
    results = ask("feature_team", TEMPLATE.example)["results"]
    kinds = {name: type(one.output) for name, one in results.items()}
    assert kinds == {"design": Design, "api": Service, "ui": Screens, "tests": Checks}


def test_the_answer_holds_the_work_of_all(ask):
    output = ask("feature_team", TEMPLATE.example)["output"]
    assert output.startswith("Built: user authentication.")
    for part in ("GET /oauth/github/callback", LIMIT, "a button each for Google, GitHub"):
        assert part in output
    assert "a reset link works once, and not after 20 minutes" in output


@pytest.mark.parametrize("figure", [3, 40])
def test_figures_of_the_request_reach_design_service_and_tests(ask, figure):
    task = f"Implement login with:\n- Email/password login\n- Rate limiting: {figure} a minute"
    output = ask("feature_team", task)["output"]
    assert f"at most {figure} attempts a minute" in output
    assert f"attempt {figure + 1} within a minute gets 429" in output


def test_nothing_goes_back_where_nothing_holds_everywhere(ask):
    result = ask("feature_team", "Implement login with:\n- Email/password login\n- JWT")
    assert {one.attempts for one in result["results"].values()} == {1}


def test_nobody_builds_screens_where_none_are_wanted(ask):
    result = ask("feature_team", "Build an importer:\n- CSV\n- API only")
    assert [step.worker for step in result["plan"].steps] == ["architect", "backend", "qa"]
    assert "Screens:" not in result["output"]


def test_backend_and_frontend_build_at_once_from_the_design_alone(ask):
    steps = {step.id: step for step in ask("feature_team", TEMPLATE.example)["plan"].steps}
    assert steps["api"].depends_on == steps["ui"].depends_on == ["design"]
    assert steps["tests"].depends_on == ["api", "ui"]


def test_a_named_model_is_told_the_task_the_step_and_the_roles(playing_all):
    plan = Plan(steps=[PlanStep(id="a", worker="architect", task="Design it.")])
    scripts: dict[str, list[Any]] = {
        TECH_LEAD_PROMPT: [
            plan,
            Review(reviews=[StepReview(step="a", accepted=False, feedback="Add “DELETE /x”.")]),
            Review(reviews=[StepReview(step="a", accepted=True)]),
            "Built.",
        ],
        ARCHITECT_PROMPT: [
            Design(endpoints=["GET /x"], policies=[]),
            Design(endpoints=["GET /x", "DELETE /x"], policies=[]),
        ],
    }
    context, model = playing_all(scripts)
    result = TEMPLATE.build().compile().invoke({"messages": "Build x"}, context=context)
    assert result["output"] == "Built."
    assert result["results"]["a"].output.endpoints == ["GET /x", "DELETE /x"]
    _, first, _, second, *_ = [call.messages for call in model.calls]
    assert "Your step: Design it." in first[-1].text
    assert "What must change: Add “DELETE /x”." in second[-1].text
