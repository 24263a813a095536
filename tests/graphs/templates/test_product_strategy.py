import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.product_strategy import (
    BUSINESS_PROMPT,
    CHAIR_PROMPT,
    DESIGN_PROMPT,
    ENGINEERING_PROMPT,
    MARKETING_PROMPT,
)
from langgraph_orchestra.graphs.templates.reading import said_by
from langgraph_orchestra.graphs.templates.strategy_rules import open_questions, plan_in
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import OrchestrationContext, SpeakerChoice
from support.openai_server import Answer, OpenAIServer, Reply, Structured

EASY = (
    "Features: search 2 weeks (must), export 1 week. Deadline: 6 weeks. Cost of a week: 10,000. "
    "Customers: 2,000. Asking for it: 50%. Price: 10 a month"
)


def speakers(result) -> list[str]:
    return [turn.agent for turn in result["trail"] if turn.kind == "agent"]


def test_who_was_asked_speaks_next_and_the_decision_has_everybodys_figures(ask):
    result = ask("product_strategy", TEMPLATES["product_strategy"].example)
    assert speakers(result) == ["engineering", "design", "marketing", "business", "marketing"]
    assert result["output"] == (
        "Build in part: job list, photos and voice notes, at 16 a month.\n"
        "- Time: 9 weeks of 10 (engineering).\n"
        "- Demand: 456 customers (marketing).\n"
        "- Money: 126,000 to build; it pays back in 18 months then (business).\n"
        "- Later: maps (design)."
    )
    reasons = [turn.detail for turn in result["trail"] if turn.kind == "decision"]
    assert "marketing: was asked: could it carry a higher price?" in reasons


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        ({}, "Build: search and export, at 10 a month.\n- Time: 3 weeks of 6 (engineering)."),
        ({"Deadline: 6": "Deadline: 2"}, "Build in part: search, at 10 a month."),
        ({"Deadline: 6": "Deadline: 1"}, "Do not build now: search cannot wait, and takes 2 weeks"),
        ({"50%": "0%"}, "Do not build now: it never pays back, and nobody would pay"),
        ({"10 a month": "0 a month"}, "Do not build now: it never pays back"),
        ({"50%": "1%"}, "Do not build now: it pays back in 150 months, and nobody would pay"),
        ({"Customers: 2,000. ": ""}, "Find out first: the customers and the share that asks for"),
        ({"Features": "Parts", "10 a": "? a"}, "Find out first: the features and their weeks"),
        (
            {"Deadline: 6 weeks. ": ""},
            "Build: search and export, at 10 a month.\n- Time: 3 weeks (",
        ),
    ],
)
def test_decision_follows_from_the_figures(ask, changes, decision):
    task = EASY
    for old, new in changes.items():
        task = task.replace(old, new)
    assert ask("product_strategy", task)["output"].startswith(decision)


def test_late_musts_go_back_to_engineering(ask):
    result = ask("product_strategy", EASY.replace("Deadline: 6", "Deadline: 1"))
    assert speakers(result)[:3] == ["engineering", "design", "engineering"]
    assert said_by("engineering", result["messages"])[-1].startswith("Not before week 2: 1 weeks")


def test_features_are_read_with_their_weeks_and_whether_they_are_musts():
    plan = plan_in("Features: sign in (2 weeks, must), dark mode 0.5 weeks; api 3 weeks must")
    assert [(one.name, one.weeks) for one in plan.features] == [
        ("sign in", 2),
        ("dark mode", 0.5),
        ("api", 3),
    ]


def test_a_question_is_open_until_the_one_who_was_asked_has_spoken():
    asked = ("ann", "Hm.\nQuestion for design: which?\nQuestion for business: how much?")
    assert open_questions([asked]) == {"design": ["which?"], "business": ["how much?"]}
    assert open_questions([asked, ("design", "This.")]) == {"business": ["how much?"]}


def test_named_model_chairs_and_ends_the_meeting():
    choices = iter(
        [
            SpeakerChoice(next_speaker="business", reason="Money first."),
            SpeakerChoice(next_speaker=None, reason="", finished=True, final_answer="Build."),
        ]
    )
    replies = {
        ENGINEERING_PROMPT: "Ten weeks.",
        DESIGN_PROMPT: "Fine.",
        MARKETING_PROMPT: "Fine.",
        BUSINESS_PROMPT: "It pays.",
    }
    model = ScriptedModel(
        lambda messages: (
            next(choices)
            if messages[0].text.startswith(CHAIR_PROMPT)
            else replies[messages[0].text]
        )
    )
    result = (
        TEMPLATES["product_strategy"]
        .build()
        .compile()
        .invoke(
            {"messages": "Shall we?"},
            context=OrchestrationContext(model=model),  # type: ignore[arg-type]  # a model works too
        )
    )
    assert result["output"] == "Build."
    assert speakers(result) == ["business"]


def test_real_protocol_carries_the_choices_of_the_chair(run, monkeypatch):
    def choice(**fields: object) -> Structured:
        return Structured({"next_speaker": None, "finished": False, "final_answer": "", **fields})

    replies: list[Reply] = [
        choice(next_speaker="design", reason="First."),
        Answer("Fine."),
        choice(reason="Enough.", finished=True, final_answer="Build."),
    ]
    with OpenAIServer(replies) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        app = TEMPLATES["product_strategy"].build().compile()
        result = run(app, "Shall we?", context=OrchestrationContext(model="openai:gpt-5-mini"))
    assert result["output"] == "Build."
    assert speakers(result) == ["design"]
    assert server.requests[1].body["messages"][0]["content"] == DESIGN_PROMPT
