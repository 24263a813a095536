import re
from typing import Any

import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.enterprise import (
    CHIEF_PROMPT,
    DECISION_PROMPT,
    HEAD_PROMPT,
    Proposal,
)
from langgraph_orchestra.graphs.templates.enterprise_rules import (
    Estimate,
    Line,
    Part,
    assignment,
    budget_in,
    day_rate_in,
    estimate_of,
    owner_of,
    parts_in,
    to_cut,
    tree_of,
    within,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import OrchestrationContext, Plan, PlanStep, Review, StepReview

TEMPLATE = TEMPLATES["enterprise"]


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("Order API", "engineering/backend/api_developer"),
        ("Customer data migration", "engineering/backend/data_developer"),
        ("Order pages", "engineering/web/web_developer"),
        ("Load tests", "quality/testing/tester"),
        ("API tests", "quality/testing/tester"),
        ("Something else", "engineering/backend/api_developer"),
    ],
)
def test_words_of_a_part_say_whose_it_is(name, owner):
    assert "/".join(owner_of(Part(name, 1, is_optional=False))) == owner


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("- Order API: 12 days", [("Order API", 12, False)]),
        (
            "Portal:\n* Pages: 2.5 days (optional)\n* API (3 days)",
            [("Pages", 2.5, True), ("API", 3, False)],
        ),
        ("Build a portal.\nBudget: 3,000\nDay rate: 500", []),
        ("- API: 1 day\n- API: 1 day", [("API", 1, False)]),
    ],
)
def test_parts_are_read_from_their_lines(text, parts):
    assert parts_in(text) == parts


def test_an_assignment_says_all_that_the_next_level_needs():
    parts = [Part("Order API", 12, is_optional=False), Part("Dark mode", 4, is_optional=True)]
    text = assignment(parts, 812.5)
    assert parts_in(text) == parts
    assert (day_rate_in(text), budget_in(text)) == (812.5, None)


def test_risk_gets_a_reserve():
    parts = [Part("Data migration", 10, is_optional=False), Part("Pages", 10, is_optional=False)]
    estimate = estimate_of(parts, 100, "ann")
    assert [(line.days, line.cost) for line in estimate.lines] == [(12, 1200), (10, 1000)]
    assert (estimate.days, estimate.cost) == (22, 2200)


@pytest.mark.parametrize(
    ("budget", "cut"),
    [(None, []), (600, []), (599, ["C"]), (350, ["C"]), (299, ["C", "B"]), (10, ["C", "B"])],
)
def test_no_more_is_cut_than_needed_and_the_dearest_first(budget, cut):
    parts = [
        Part("A", 1, is_optional=False),
        Part("B", 2, is_optional=True),
        Part("C", 3, is_optional=True),
    ]
    lines = estimate_of(parts, 100, "ann").lines
    assert [line.part for line in to_cut(lines, budget)] == cut


def test_costs_are_summed_at_all_levels():
    ann = estimate_of([Part("A", 1, is_optional=False)], 100, "ann")
    bob = estimate_of([Part("B", 2, is_optional=False)], 100, "bob")
    lines = within("dept", [within("red", [ann]), within("blue", [bob])]).lines
    assert list(tree_of(lines)) == [
        "- dept: 300",
        "  - red: 100",
        "    - A: 100 (1 days, ann)",
        "  - blue: 200",
        "    - B: 200 (2 days, bob)",
    ]


def paths(result, name: str) -> list[str]:
    return [turn.path for turn in result["trail"] if turn.agent == name]


def test_estimates_come_up_three_levels_and_what_is_too_dear_goes_down_again(ask):
    result = ask("enterprise", TEMPLATE.example)
    assert paths(result, "planner") == [
        "planner",
        "engineering/planner",
        "engineering/backend/planner",
        "engineering/web/planner",
        "quality/planner",
        "quality/testing/planner",
        "engineering/planner",
        "engineering/backend/planner",
        "engineering/web/planner",
    ]
    assert paths(result, "web_developer") == ["engineering/web/web_developer"] * 2
    assert paths(result, "tester") == ["quality/testing/tester"]
    assert {name: one.attempts for name, one in result["results"].items()} == {
        "engineering": 2,
        "quality": 1,
    }


def test_the_decision_holds_every_line_with_where_it_comes_from(ask):
    proposal = ask("enterprise", TEMPLATE.example)["output"]
    assert isinstance(proposal, Proposal)
    assert (proposal.decision, proposal.left_out) == ("go", ["Dark mode"])
    assert {line.part: (line.who, line.cost) for line in proposal.lines} == {
        "Order API": ("engineering/backend/api_developer", 9_600),
        "Customer data migration": ("engineering/backend/data_developer", 9_600),  # and a reserve
        "Order pages": ("engineering/web/web_developer", 7_200),
        "Load tests": ("quality/testing/tester", 4_000),
    }
    assert "- engineering: 26,400\n  - backend: 19,200\n" in str(proposal)


@pytest.mark.parametrize(
    ("budget", "decision", "left_out", "attempts"),
    [
        ("33,600", "go", [], 1),
        ("33,599", "go", ["Dark mode"], 2),
        ("30,000", "no go", ["Dark mode"], 2),
        ("", "refer", [], 1),
    ],
)
def test_the_budget_decides_what_is_left_out(ask, budget, decision, left_out, attempts):
    task = TEMPLATE.example.replace("32,000", budget)
    result = ask("enterprise", task)
    assert (result["output"].decision, result["output"].left_out) == (decision, left_out)
    assert result["results"]["engineering"].attempts == attempts


def test_a_day_rate_changes_every_cost(ask):
    result = ask("enterprise", TEMPLATE.example.replace("rate: 800", "rate: 400"))
    assert sum(line.cost for line in result["output"].lines) == 33_600 / 2


def test_who_has_nothing_to_do_is_not_asked(ask):
    result = ask("enterprise", "Build it.\n- Order API: 2 days\nBudget: 9,000")
    assert {turn.path.partition("/")[0] for turn in result["trail"]} == {
        "planner",
        "engineering",
        "review",
        "synthesise",
    }
    assert paths(result, "web_developer") == []


def test_a_department_may_be_left_without_any_part(ask):
    result = ask("enterprise", "- API: 2 days\n- Load tests: 9 days (optional)\nBudget: 2,000")
    assert result["output"].decision == "go"
    assert result["output"].left_out == ["Load tests"]


def test_a_project_without_parts_is_referred(ask):
    result = ask("enterprise", "Build a portal. Budget: 5,000")
    assert result["output"].decision == "refer"
    assert "give them as `Order API: 12 days`" in str(result["output"])


def test_what_a_named_model_uses_at_the_lowest_level_counts_at_the_top():
    part = Line(part="API", who="tester", days=1, cost=5, optional=False)
    estimate = Estimate(lines=[part], days=1, cost=5)
    decision = Proposal(decision="go", reason="Cheap.", lines=[part], left_out=[])

    def reply(messages: Any) -> Any:
        prompt, text = messages[0].text, messages[-1].text
        if prompt.startswith(DECISION_PROMPT):
            return decision
        if prompt.startswith((CHIEF_PROMPT, HEAD_PROMPT)) and " by " in text:
            step = re.search(r"(\w+) by \w+: ", text)
            assert step
            return Review(reviews=[StepReview(step=step[1], accepted=True)])
        if prompt.startswith((CHIEF_PROMPT, HEAD_PROMPT)):
            worker = re.findall(r"^- (\w+)", prompt, re.MULTILINE)[-1]
            return Plan(steps=[PlanStep(id=worker, worker=worker, task="Estimate.")])
        return estimate

    model = ScriptedModel(reply)
    context: Any = OrchestrationContext(model=model)  # type: ignore[arg-type]
    result = TEMPLATE.build().compile().invoke({"messages": "Build it"}, context=context)
    assert result["output"] == decision
    levels = [turn for turn in result["trail"] if turn.model == "scripted"]
    assert len(levels) == len(model.calls)
    assert {turn.path.count("/") for turn in levels} == {0, 1, 2}
    assert sum(turn.input_tokens for turn in levels) == 10 * len(model.calls)
