import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.acting import handing_over
from langgraph_orchestra.graphs.templates.tiered_support import (
    BILLING_PROMPT,
    ENGINEERING_PROMPT,
    TIER_1_PROMPT,
    TIER_2_PROMPT,
    Incident,
)

TEMPLATE = TEMPLATES["tiered_support"]


def chain(result) -> list[str]:
    return ["tier1", *(handoff.target for handoff in result["handoffs"])]


@pytest.mark.parametrize(
    ("ticket", "tiers", "answer"),
    [
        ("I forgot my password.", [], "Choose “Forgot password”"),
        ("How do I invite a colleague?", [], "Settings > Team > Invite"),
        ("The API answers 401.", ["tier2"], "401: The token is not valid any more"),
        (
            "Error 429; we make 1,800 requests per minute",
            ["tier2"],
            "1,800 requests a minute are 3 times what is allowed: 600.",
        ),
        ("Error 429, why?", ["tier2"], "Send up to 600 requests a minute."),
        ("SSL handshake fails", ["tier2"], "root certificates are out"),
        ("It looks odd.", ["tier2"], "Which error code or message do you see"),
        ("You charged 49 twice", ["billing"], "You were charged 49 once too often"),
        ("The invoice says 1,200, not 1,020", ["billing"], "we pay 180 back"),
        ("What is this invoice?", ["billing"], "Please give the invoice's amount"),
    ],
)
def test_ticket_climbs_as_far_as_it_must(ask, ticket, tiers, answer):
    result = ask("tiered_support", ticket)
    assert chain(result) == ["tier1", *tiers]
    assert answer in result["output"]
    assert result["stop"].reason == "completed"


def test_lost_data_becomes_an_urgent_incident_with_the_diagnosis(ask):
    result = ask("tiered_support", TEMPLATE.example)
    assert chain(result) == ["tier1", "tier2", "engineering"]
    to_tier2, to_engineering = result["handoffs"]
    assert to_tier2.context == "Affected: all users. Version: 4.2.1."
    assert (to_engineering.priority, to_engineering.context) == (
        "urgent",
        "Data is lost: “projects are gone”.",
    )
    incident = result["output"]
    assert isinstance(incident, Incident)
    assert (incident.severity, incident.version, incident.affected) == (
        "sev1",
        "4.2.1",
        "all users",
    )
    assert incident.first_steps[0] == "Stop writes, and keep the latest backups."
    assert incident.first_steps[-1].endswith("“projects are gone”.")


def test_defect_without_loss_is_less_grave(ask):
    result = ask("tiered_support", "Error 503 when I open a report in version 3.1.")
    assert result["handoffs"][-1].priority == "high"
    assert result["output"].severity == "sev2"
    assert str(result["output"]).startswith(
        "[sev2] Error 503 when I open a report in version 3.1 ("
    )


def test_known_solution_is_not_enough_where_data_is_lost(ask):
    result = ask("tiered_support", "I had my password reset and my files are gone.")
    assert chain(result)[-1] == "engineering"


def test_drawing_shows_the_routes_and_no_others():
    drawing = TEMPLATE.build().compile().get_graph()
    edges = {(edge.source, edge.target) for edge in drawing.edges}
    assert edges == {
        ("__start__", "intake"),
        ("intake", "tier1"),
        ("tier1", "tier2"),
        ("tier1", "billing"),
        ("tier1", "__end__"),
        ("tier2", "engineering"),
        ("tier2", "__end__"),
        ("billing", "__end__"),
        ("engineering", "__end__"),
    }


def test_named_model_hands_over_with_the_tools_of_its_routes(ask_model):
    incident = Incident(
        severity="sev2", title="T", affected="A", version="", first_steps=[], reply="R"
    )
    result, model = ask_model(
        "tiered_support",
        "Hello",
        {
            TIER_1_PROMPT: handing_over("tier2", "Why not.", context="Nothing."),
            TIER_2_PROMPT: handing_over("engineering", "A defect."),
            ENGINEERING_PROMPT: incident,
            BILLING_PROMPT: "Never asked.",
        },
    )
    assert result["output"] == incident
    first, second, _ = model.calls
    assert [tool["function"]["name"] for tool in first.tools] == [
        "handoff_to_tier2",
        "handoff_to_billing",
    ]
    assert second.messages[-1].text == ("tier1: Over to you: Why not.\nContext: Nothing.")


def test_incident_is_still_typed_after_a_reload(run, saver):
    result = run(TEMPLATE.build().compile(checkpointer=saver), TEMPLATE.example, thread="1")
    reloaded = TEMPLATE.build().compile(checkpointer=saver)
    values = reloaded.get_state({"configurable": {"thread_id": "1"}}).values
    assert values["output"] == result["output"]
    assert isinstance(values["output"], Incident)
