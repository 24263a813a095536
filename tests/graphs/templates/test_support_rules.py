import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.support_rules import (
    BILLING_PROMPT,
    FRONT_DESK_PROMPT,
    PRIORITY_PROMPT,
)

TEMPLATE = TEMPLATES["support_rules"]


def route(result) -> list[tuple[str, str]]:
    return [(one.target, one.reason) for one in result["handoffs"] if one.outcome == "accepted"]


def refusals(result) -> list[tuple[str, str]]:
    return [(one.target, one.detail) for one in result["handoffs"] if one.outcome == "refused"]


@pytest.mark.parametrize(
    ("request_", "desk", "answer"),
    [
        ("INV-2041: I was charged 49 twice", "billing", "INV-2041: 49 will be paid back."),
        ("INV-7 charged 30, should be 20", "billing", "INV-7: 10 will be paid back."),
        ("The invoice INV-7?", "billing", "INV-7: how much was charged"),
        ("Modem A-1042 is offline", "technician", "Modem A-1042: reconnected, 94 Mbit/s."),
        ("My line is slow, modem C-3310", "technician", "Modem C-3310: reconnected, 12 Mbit/s."),
        ("Where do you live?", "front_desk", "We answer within two working days."),
        ("This is outrageous", "priority_desk", "We call you today."),
        ("WHY IS IT DOWN", "priority_desk", "We call you today."),
        ("Answer!!!", "priority_desk", "We call you today."),
        ("I have a gold contract, INV-7", "priority_desk", "We call you within two hours."),
    ],
)
def test_rules_route_by_the_words_of_the_request(ask, request_, desk, answer):
    result = ask("support_rules", request_)
    assert [target for target, _ in route(result)] == [desk]
    assert answer in result["output"]
    assert {handoff.by for handoff in result["handoffs"]} == {"rule"}


def test_three_failed_attempts_escalate(ask):
    result = ask("support_rules", TEMPLATE.example)
    _, technician, _ = result["trail"]
    assert (technician.outcome, technician.attempts) == ("failed", 3)
    assert technician.detail == "ConnectionError: modem B-2077 does not answer"
    assert route(result)[-1] == (
        "priority_desk",
        "3 attempts to reconnect the modem have failed.",
    )
    assert result["output"].startswith("We send a technician to you about modem B-2077 today.")
    assert result["stop"].reason == "completed"


@pytest.mark.parametrize(
    "request_",
    [
        "I will call my lawyer",
        "We were hacked, and I am furious",
        "Gold customer. See you in court about INV-2041.",
    ],
)
def test_legal_and_security_words_go_straight_to_a_person_before_all_else(ask, request_):
    result = ask("support_rules", request_)
    [interrupt] = result["__interrupt__"]
    assert interrupt.value["node"] == "duty_manager"
    assert request_ in interrupt.value["action_requests"][0]["description"]
    assert [turn.agent for turn in result["trail"]] == ["reception"]
    assert ask("support_rules", request_, "I will see to it.")["output"] == "I will see to it."


@pytest.mark.parametrize(
    ("request_", "desk", "why", "answer"),
    [
        ("Refund please", "billing", "There is no invoice number", "the number of your invoice"),
        ("My line is down", "technician", "No modem is named.", "the number on your modem"),
        ("Modem Z-9999 is down", "technician", "Z-9999 is none of our modems", "on your modem"),
    ],
)
def test_desk_refuses_what_it_cannot_handle_and_the_next_rule_has_its_turn(
    ask, request_, desk, why, answer
):
    result = ask("support_rules", request_)
    [(refused_by, detail)] = refusals(result)
    assert refused_by == desk
    assert why in detail
    assert [target for target, _ in route(result)] == ["front_desk"]
    assert answer in result["output"]


def test_no_model_is_asked_where_a_request_goes(ask_model):
    result, model = ask_model(
        "support_rules",
        TEMPLATE.example,
        {
            PRIORITY_PROMPT: "We are on our way.",
            BILLING_PROMPT: "Never asked.",
            FRONT_DESK_PROMPT: "Never asked.",
        },
    )
    assert result["output"] == "We are on our way."
    [call] = model.calls
    assert call.tools == []
    assert "3 attempts to reconnect the modem have failed." in call.messages[-1].text
