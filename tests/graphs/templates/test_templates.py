"""What holds for every template."""

import subprocess
import sys

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from langgraph_orchestra.graphs import PatternGraph
from langgraph_orchestra.graphs.templates import TEMPLATES, Template
from langgraph_orchestra.state import InputError

EVERY = pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda one: one.name)

NODES = {
    "maker_checker": {"writer", "checker"},
    "content_pipeline": {"research", "write", "edit"},
    "ticket_pipeline": {"classify", "prioritise", "route", "notify"},
    "loan_approval": {"verify", "credit", "decide"},
    "contract_generation": {"select", "customise", "comply", "assess", "propose"},
    "research_pipeline": {"retrieve", "analyse", "write", "references"},
    "stock_analysis": {"fundamental", "technical", "sentiment", "esg", "join", "aggregate"},
    "campaign_review": {"branding", "legal", "compliance", "quality", "join", "aggregate"},
    "market_research": {"web", "social", "academic", "forum", "join", "aggregate"},
    "ensemble_vote": {"sender", "links", "wording", "request", "join", "aggregate"},
    "regional_sales": {"region", "aggregate"},
    "park_planning": {"community", "environment", "budget", "employee", "summary"},
    "brainstorm": {"customer", "engineer", "marketer", "contrarian", "summary"},
    "product_strategy": {"engineering", "design", "marketing", "business", "selector"},
    "creative_workshop": {"storyteller", "researcher", "poet", "editor", "summary"},
    "guide_writing": {"researcher", "critic", "writer", "selector", "summary"},
    "telecom_support": {"triage", "technical", "financial", "account", "support_employee"},
    "tiered_support": {"tier1", "tier2", "billing", "engineering"},
    "support_rules": {
        "reception",
        "front_desk",
        "billing",
        "technician",
        "priority_desk",
        "duty_manager",
    },
    "incident_response": {
        "planner",
        "manager",
        "diagnostics",
        "infrastructure",
        "rollback",
        "communication",
        "finish",
    },
    "feature_team": {
        "planner",
        "architect",
        "backend",
        "frontend",
        "qa",
        "review",
        "synthesise",
    },
    "enterprise": {"planner", "engineering", "quality", "review", "synthesise"},
    "customer_service": {"planner", "lookups", "specialists", "review", "synthesise"},
}

CONVERSATIONS = {"telecom_support"}
"""Those in which the next message on a thread goes on with the conversation."""

STOPS = {
    **dict.fromkeys(
        ["park_planning", "brainstorm", "creative_workshop", "guide_writing"], "terminated"
    ),
    "maker_checker": "approved",
}
"""How runs end that do not end `completed`."""

OUTCOMES = {
    "telecom_support": {"ok", "handed_off"},
    "tiered_support": {"ok", "handed_off"},
    "support_rules": {"ok", "handed_off", "failed"},  # what fails is escalated
    "customer_service": {"ok", "handed_off"},
}
"""How turns end that do not all end `ok`."""

OTHER_TASKS = {
    "maker_checker": "Describe the Boreal kettle.\nPrice: 25 EUR",
    "content_pipeline": "Write about our new office. It is in Oslo.",
    "ticket_pipeline": "I was charged twice, please refund one payment.",
    "loan_approval": "Bo Li earns 4,000 a month and asks for 15,000 over 3 years.",
    "contract_generation": "Draft an NDA between Norvik and Elm under English law. Term: 1 year",
    "research_pipeline": "Write a report on Ambera brakes.",
    "stock_analysis": "Prices: 118, 110, 101",
    "campaign_review": "Brand: Boreal\nCopy: The cheapest lamp.",
    "market_research": "Is the Voltra range good?",
    "ensemble_vote": "From: Bo <bo@boreal.example>\nLunch at noon?",
    "regional_sales": "region,revenue\nNorth,10\nSouth,30",
    "park_planning": "Park: Elm Yard. Accessible paths 95%, toilets: 2, wetlands built "
    "on: 0, native planting 80%, construction cost 90,000, funding 95,000, maintenance cost 5,000, "
    "maintenance budget 6,000",
    "brainstorm": "How do we sell umbrellas in summer?",
    "product_strategy": "Features: search 2 weeks. Deadline: 3 weeks. Customers: 90",
    "creative_workshop": "A glass maker finds a letter.",
    "guide_writing": "Write a guide on tea.\nSteps: boil water; wait; pour",
    "telecom_support": "I forgot my password. Customer 2210.",
    "tiered_support": "The API answers 401.",
    "support_rules": "INV-7: 30 were charged twice",
    "incident_response": "Payments fail, 44% of them, since 16:20.",
    "feature_team": "Build exports: CSV, audit log",
    "enterprise": "Build it.\n- Order API: 2 days\nBudget: 9,000",
    "customer_service": "Where is my order A-1020?",
}
"""Tasks that need no person."""


@EVERY
def test_example_runs_to_its_end_without_a_model(run_example, template: Template):
    saver = InMemorySaver() if template.answers else None
    result = run_example(template, template.build().compile(checkpointer=saver))
    assert result["stop"].reason == STOPS.get(template.name, "completed")
    assert str(result["output"]).strip()
    assert {turn.outcome for turn in result["trail"]} <= OUTCOMES.get(template.name, {"ok"})
    assert {turn.model for turn in result["trail"]} <= {"stand-in", ""}


@EVERY
@pytest.mark.parametrize("task", ["", "  \n"])
def test_blank_task_is_refused(run, template: Template, task: str):
    with pytest.raises(InputError, match="the task is empty"):
        run(template.build().compile(), task)


@EVERY
def test_drawing_has_the_participants_as_nodes(template: Template):
    drawing = template.build().compile().get_graph()
    assert set(drawing.nodes) == {"__start__", "intake", *NODES[template.name], "__end__"}
    assert all(node in drawing.draw_mermaid() for node in NODES[template.name])


@EVERY
def test_builds_graphs_of_the_pattern_that_share_nothing(template: Template):
    first, second = template.build(), template.build()
    assert isinstance(first, PatternGraph)
    assert first.compile().name == template.pattern
    assert first is not second
    assert not set(map(id, first.nodes.values())) & set(map(id, second.nodes.values()))


@pytest.mark.parametrize(
    "template",
    [one for name, one in TEMPLATES.items() if name not in CONVERSATIONS],
    ids=lambda one: one.name,
)
def test_second_task_on_a_thread_is_answered_like_one_on_a_thread_of_its_own(
    run, run_example, saver, template: Template
):
    app = template.build().compile(checkpointer=saver)
    run_example(template, app, thread="1")
    second = run(app, OTHER_TASKS[template.name], thread="1")
    alone = run(app, OTHER_TASKS[template.name], thread="2")
    assert second["output"] == alone["output"]
    assert second["stop"].reason == STOPS.get(template.name, "completed")


def test_names_are_the_keys_and_texts_for_a_list_are_one_line():
    for name, template in TEMPLATES.items():
        assert template.name == name
        assert template.example.strip()
        for line in (template.summary, template.offline):
            assert line.strip()
            assert "\n" not in line


def test_importing_the_templates_builds_none():
    script = (
        "import sys, langgraph_orchestra.graphs.templates as t;"
        "print([n for n in t.TEMPLATES if f'{t.__name__}.{n}' in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
