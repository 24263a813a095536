import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.park_planning import (
    BUDGET_PROMPT,
    CLOSING_PROMPT,
    COMMUNITY_PROMPT,
    ENVIRONMENT_PROMPT,
    Position,
)
from langgraph_orchestra.graphs.templates.reading import said_by
from langgraph_orchestra.state import OrchestrationContext
from support.openai_server import Answer, OpenAIServer, Reply, Structured

EXAMPLE = TEMPLATES["park_planning"]
GOOD = {
    "Accessible paths": "95%",
    "Toilets": "2",
    "Wetlands built on": "0 ha",
    "Native planting": "80%",
    "Trees felled": "10",
    "Trees planted": "20",
    "Construction cost": "900,000",
    "Funding": "950,000",
    "Maintenance cost": "50,000",
    "Maintenance budget": "60,000",
}


def proposal(**changes: str | None) -> str:
    figures = GOOD | {name.replace("_", " "): figure for name, figure in changes.items()}
    lines = [f"{name}: {figure}" for name, figure in figures.items() if figure is not None]
    return "\n".join(["Proposal: Elm Yard", *lines])


def positions(result, agent: str) -> list[Position]:
    said = said_by(agent, result["messages"])
    return [Position.model_validate_json(text) for text in said]


def asked(result) -> str:
    [interrupt] = result["__interrupt__"]
    return str(interrupt.value["action_requests"][0]["description"])


def test_good_proposal_is_agreed_on_in_one_round_and_nobody_is_asked(ask):
    result = ask("park_planning", proposal())
    assert [turn.agent for turn in result["trail"]][:3] == ["community", "environment", "budget"]
    assert result["stop"].by == "when(consensus)"
    assert result["output"].startswith("Consensus on Elm Yard.\n- community: Accessible paths: 95%")
    assert "Open" not in result["output"]


@pytest.mark.parametrize(
    ("changes", "agent", "point"),
    [
        ({"Accessible_paths": "70%"}, "community", "Accessible paths: 70%, but it should be at"),
        ({"Toilets": "0"}, "community", "Toilets: 0, but it should be at least 1."),
        (
            {"Wetlands_built_on": "0.2 ha"},
            "environment",
            "Wetlands built on: 0.2 ha, but it should",
        ),
        ({"Native_planting": "50%"}, "environment", "Native planting: 50%, but it should be at"),
        ({"Trees_planted": "19"}, "environment", "Trees: 19 planted for 10 felled, but it should"),
        ({"Construction_cost": "1 million"}, "budget", "Construction cost: 1,000,000 against fund"),
        ({"Maintenance_cost": "5,001 a month"}, "budget", "Maintenance: 60,012 a year against a"),
        ({"Maintenance_budget": None}, "budget", "Maintenance: the proposal does not say what bud"),
        ({"Funding": None}, "budget", "Construction cost: the proposal does not say how much fun"),
        ({"Native_planting": None}, "environment", "Native planting: the proposal does not say."),
    ],
)
def test_employee_is_asked_for_what_is_open_and_by_whom(ask, changes, agent, point):
    result = ask("park_planning", proposal(**changes))
    assert f"- {agent}: {point}" in asked(result)
    assert asked(result).count("\n- ") == 1


def test_amended_figure_removes_the_concern_and_is_priced_by_the_budget(ask):
    result = ask("park_planning", EXAMPLE.example, *EXAMPLE.answers)
    assert [one.supports for one in positions(result, "environment")] == [False, True]
    before, after = positions(result, "budget")
    assert "What my colleagues ask for costs about 110,000" in before.statement
    assert "2,425,000 with 125,000 for the amendments" in after.statement
    assert result["output"].startswith("Consensus on Mill Pond Park.\n- employee: The boardwalk")


def test_amendments_may_cost_more_than_there_is(ask):
    task = proposal(Toilets="0", Construction_cost="940,000")
    result = ask("park_planning", task, "Toilets: 1")
    assert "- budget: Construction cost: 1,000,000 with 60,000 for the amendments" in asked(result)
    result = ask("park_planning", task, "Toilets: 1", "A grant came in. Funding: 1 million")
    assert result["output"].startswith("Consensus")


def test_what_is_done_without_costs_nothing_more(ask):
    result = ask("park_planning", proposal(Trees_planted="10"), "Toilets: 1. Trees planted: 20.")
    assert (
        "Construction cost: 904,000 with 4,000 for the" in positions(result, "budget")[-1].statement
    )


def test_agents_react_to_what_colleagues_ask_for(ask):
    result = ask("park_planning", proposal(Accessible_paths="70%", Trees_planted="0"), "")
    assert "as community asks" in positions(result, "environment")[0].statement
    assert "I back environment on the trees" in positions(result, "community")[1].statement


def test_if_nothing_changes_the_debate_ends_without_consensus_and_says_what_is_open(ask):
    result = ask("park_planning", proposal(Toilets="0"), "")
    assert result["stop"].by == "idle(3)"
    assert result["output"].startswith("No consensus on Elm Yard.\n- employee: Nothing changes.")
    assert "- Open, from community: Toilets: 0, but" in result["output"]


def test_debate_that_never_ends_ends_at_the_limit_with_a_summary(ask):
    grants = [f"Funding: {n}00,000" for n in (6, 7, 8, 5)]
    result = ask("park_planning", proposal(Funding="500,000"), *grants)
    assert result["stop"].reason == "turn_limit"
    assert len([turn for turn in result["trail"] if turn.kind == "agent"]) == 12
    assert "- Open, from budget: Construction cost: 900,000 against" in result["output"]


def test_named_model_debates_and_its_questions_reach_the_employee(ask_model):
    fine = Position(supports=True, statement="Good.", concerns=[], questions=[])
    result, model = ask_model(
        "park_planning",
        "A park",
        {
            COMMUNITY_PROMPT: fine,
            ENVIRONMENT_PROMPT: fine,
            BUDGET_PROMPT: fine,
            CLOSING_PROMPT: "All agree.",
        },
    )
    assert result["output"] == "All agree."
    assert [message.name for message in model.calls[2].messages[2:]] == ["community", "environment"]


def test_real_protocol_carries_typed_positions_and_the_persons_words(run, monkeypatch):
    asks = Position(supports=False, statement="?", concerns=[], questions=["How big?"])
    fine = Position(supports=True, statement="Good.", concerns=[], questions=[])
    replies: list[Reply] = [
        *(Structured(one.model_dump()) for one in (fine, asks, fine, fine, fine, fine)),
        Answer("All agree."),
    ]
    with OpenAIServer(replies) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        app = EXAMPLE.build().compile(checkpointer=InMemorySaver())
        context = OrchestrationContext(model="openai:gpt-5-mini")
        paused = run(app, "A park", thread="1", context=context)
        result = run(app, Command(resume="Six hectares."), thread="1", context=context)
    assert "- environment: How big?" in asked(paused)
    assert result["output"] == "All agree."
    assert "employee: Six hectares." in str(server.requests[3].body["messages"])
    assert "Six hectares." not in str(server.requests[2].body["messages"])


def test_edges_are_those_of_the_debate():
    drawing = EXAMPLE.build().compile().get_graph()
    edges = {(edge.source, edge.target) for edge in drawing.edges}
    assert {target for source, target in edges if source == "budget"} == {"employee", "summary"}
    assert {target for source, target in edges if source == "employee"} == {"community", "summary"}
