import json

import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.ticket_pipeline import (
    CLASSIFY_PROMPT,
    NOTIFY_PROMPT,
    PRIORITISE_PROMPT,
    Classification,
    Notification,
    Priority,
)


@pytest.mark.parametrize(
    ("ticket", "heading", "team", "respond_within"),
    [
        (
            "Checkout has been down since 9:40, all customers see an error.",
            "critical outage",
            "incident response",
            "15 minutes",
        ),
        ("The wiki is unreachable from my desk.", "high outage", "on-call engineering", "1 hour"),
        (
            "I was charged twice, please refund one payment.",
            "normal billing",
            "billing",
            "1 working day",
        ),
        (
            "URGENT: the invoices of all customers are wrong!",
            "critical billing",
            "billing lead",
            "15 minutes",
        ),
        ("The CSV export crashes.", "normal technical", "technical support", "1 working day"),
        (
            "I cannot log in and my deadline is today.",
            "high account",
            "account services",
            "1 hour",
        ),
        ("Our account was hacked", "critical account", "security desk", "15 minutes"),
        ("How do I change the colour?", "low general", "service desk", "3 working days"),
        ("The price on my invoice looks odd. It isn't urgent.", "low billing", "billing", "3 work"),
        ("Hello there", "normal general", "service desk", "1 working day"),
        ("I want to download the report", "normal general", "service desk", "1 working day"),
    ],
)
def test_ticket_goes_where_its_words_send_it(ask, ticket, heading, team, respond_within):
    notification = ask("ticket_pipeline", ticket)["output"]
    level, category = heading.split()
    assert isinstance(notification, Notification)
    assert notification.team == team
    assert notification.subject.startswith(f"[{heading}] ")
    assert f"Priority {level}, category {category}" in notification.text
    assert f"For {team}, to respond within {respond_within}" in notification.text


def test_priority_quotes_the_words_of_the_ticket_and_no_others(ask):
    result = ask("ticket_pipeline", "Minor typo on the price page. No rush!")
    assert result["output"].text.endswith("The ticket says: “Minor”, “typo”, “No rush”.")


def test_every_stage_answers_in_its_type(ask):
    result = ask("ticket_pipeline", TEMPLATES["ticket_pipeline"].example)
    answers = {
        message.name: json.loads(message.text) for message in result["messages"] if message.name
    }
    assert list(answers) == ["classify", "prioritise", "route", "notify"]
    assert answers["classify"]["category"] == "outage"
    assert answers["prioritise"]["priority"] == "critical"
    assert answers["route"] == {"team": "incident response", "respond_within": "15 minutes"}


def test_notification_reads_like_a_message(ask):
    notification = ask("ticket_pipeline", "The CSV export crashes.")["output"]
    assert str(notification).startswith(
        "To: technical support\nSubject: [normal technical] The CSV export crashes\n\nPriority"
    )


def test_named_model_decides_and_the_table_routes_what_it_decided(ask_model):
    result, model = ask_model(
        "ticket_pipeline",
        "Hello there",
        {
            CLASSIFY_PROMPT: Classification(category="account", subject="Greeting"),
            PRIORITISE_PROMPT: Priority(priority="critical", reason="It says hello."),
            NOTIFY_PROMPT: Notification(team="security desk", subject="Hello", text="Hello!"),
        },
    )
    assert result["output"].text == "Hello!"
    assert [turn.model for turn in result["trail"]] == ["scripted", "scripted", "", "scripted"]
    *_, last_call = model.calls
    assert [message.name for message in last_call.messages] == [
        None,
        None,
        "classify",
        "prioritise",
        "route",
    ]
    assert "security desk" in last_call.messages[-1].text


def test_notification_is_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["ticket_pipeline"]
    result = run(template.build().compile(checkpointer=saver), template.example, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    state = reloaded.get_state({"configurable": {"thread_id": "1"}})
    assert isinstance(state.values["output"], Notification)
    assert state.values["output"] == result["output"]
