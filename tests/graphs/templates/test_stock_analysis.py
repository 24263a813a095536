import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.stock_analysis import (
    COMPETITIVE_PROMPT,
    DECISION_PROMPT,
    ESG_PROMPT,
    FINANCIALS_PROMPT,
    SENTIMENT_PROMPT,
    TECHNICAL_PROMPT,
    Assessment,
    Recommendation,
)

BAD_TABLE = """\
| measure        | value         |
| P/E            | 40            |
| sector P/E     | 20            |
| revenue growth | -3%           |
| debt/equity    | 2.5           |
| market share   | 10% (from 14) |
| emissions      | +5%           |

date, close
2026-01-01, 1,120.5
2026-01-02, 1,100
2026-01-03, 1,050

News:
- Company misses estimates
- Recall of 10,000 cars
"""


def test_analysts_work_out_their_evidence_from_the_figures(ask):
    result = ask("stock_analysis", TEMPLATES["stock_analysis"].example)
    results = {name: result.output for name, result in result["results"].items()}
    assert list(results) == ["fundamental", "technical", "sentiment", "esg"]
    assert results["fundamental"] == Assessment(
        outlook="positive",
        evidence=[
            "P/E: 18.4, good (sector: 24.1).",
            "Revenue growth: 14%, good (bar: 10%).",
            "Net margin: 11%, good (bar: 10%).",
            "Debt to equity: 0.6, good (bar: 1).",
            "Market share has moved by +2.0 points to 23%.",
        ],
    )
    assert results["technical"].evidence == [
        "The price has moved +15.7% over 8 prices, to 118.",
        "It is +4.8% from the average of the last 5.",
    ]
    assert results["sentiment"].outlook == "negative"
    assert results["esg"].outlook == "positive"
    assert (result["output"].action, result["output"].confidence) == ("buy", 0.6)


def test_other_figures_lead_to_another_decision(ask):
    result = ask("stock_analysis", BAD_TABLE)
    assert {result.output.outlook for result in result["results"].values()} == {"negative"}
    assert result["results"]["fundamental"].output.evidence == [
        "P/E: 40, poor (sector: 20).",
        "Revenue growth: -3%, poor (bar: 10%).",
        "Debt to equity: 2.5, poor (bar: 1).",
        "Market share has moved by -4.0 points to 10%.",
    ]
    assert result["results"]["technical"].output.evidence == [
        "The price has moved -6.3% over 3 prices, to 1,050.",
        "It is -3.7% from the average of the last 3.",
    ]
    assert (result["output"].action, result["output"].confidence) == ("sell", 0.8)


@pytest.mark.parametrize(
    ("task", "action", "outlook"),
    [
        ("Prices: 100, 100.5, 100.2", "hold", "neutral"),
        ("Closing prices: 100,110,120", "buy", "positive"),
        ("Prices: 1,200 1,100 1,000", "sell", "negative"),
        ("Price: 100", "hold", "unknown"),
    ],
)
def test_one_field_of_data_is_enough_and_too_little_is_unknown(ask, task, action, outlook):
    result = ask("stock_analysis", task)
    assert result["results"]["technical"].output.outlook == outlook
    assert result["output"].action == action


def test_without_data_nothing_is_known_and_the_confidence_is_none(ask):
    result = ask("stock_analysis", "Should I buy ACME?")
    assert {result.output.outlook for result in result["results"].values()} == {"unknown"}
    assert (result["output"].action, result["output"].confidence) == ("hold", 0.0)


def test_recommendation_reads_as_a_verdict_with_a_reason_for_each_analyst(ask):
    lines = str(ask("stock_analysis", BAD_TABLE)["output"]).splitlines()
    assert lines[0] == "SELL, confidence 80%"
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "- fundamental (negative)",
        "- technical (negative)",
        "- sentiment (negative)",
        "- esg (negative)",
    ]


def test_members_of_the_team_stand_in_the_trail_and_in_the_drawing(ask):
    result = ask("stock_analysis", BAD_TABLE)
    paths = {turn.path for turn in result["trail"]}
    assert {"fundamental/financials", "fundamental/competitive", "technical"} <= paths
    drawing = TEMPLATES["stock_analysis"].build().compile().get_graph(xray=True)
    assert {"fundamental:financials", "fundamental:competitive"} <= set(drawing.nodes)


def test_named_model_speaks_for_the_team_too_and_the_decision_reads_all_assessments(ask_model):
    prompts = [
        COMPETITIVE_PROMPT,
        ESG_PROMPT,
        FINANCIALS_PROMPT,
        SENTIMENT_PROMPT,
        TECHNICAL_PROMPT,
    ]
    replies = {
        prompt: Assessment(outlook="negative", evidence=[f"Evidence {number}."])
        for number, prompt in enumerate(prompts)
    }
    decision = Recommendation(action="sell", confidence=0.5, reasons=["All say so."])
    result, model = ask_model("stock_analysis", "ACME", {**replies, DECISION_PROMPT: decision})
    assert result["output"] == decision
    assert {turn.model for turn in result["trail"] if turn.kind != "aggregate"} == {"scripted"}
    *_, last_call = model.calls
    assert [message.name for message in last_call.messages[2:]] == [
        "fundamental",
        "technical",
        "sentiment",
        "esg",
    ]
    read = " ".join(message.text for message in last_call.messages)
    assert all(f"Evidence {number}." in read for number in range(5))


def test_assessments_are_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["stock_analysis"]
    result = run(template.build().compile(checkpointer=saver), template.example, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    values = reloaded.get_state({"configurable": {"thread_id": "1"}}).values
    assert values["output"] == result["output"]
    assert values["results"] == result["results"]
    assert all(isinstance(one.output, Assessment) for one in values["results"].values())
