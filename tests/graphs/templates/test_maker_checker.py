import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.description_rules import brief_in, draft_of, flaws_in
from langgraph_orchestra.graphs.templates.maker_checker import CHECK_PROMPT, WRITE_PROMPT
from langgraph_orchestra.graphs.templates.reading import said_by
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import OrchestrationContext, Verdict

LAMP = "Product: the Aurora lamp\nFeatures: dims with the sun\nPrice: 49 EUR\nWarranty: 2 years"


def test_description_is_revised_until_the_whole_brief_is_in_it(ask):
    result = ask("maker_checker", TEMPLATES["maker_checker"].example)
    assert result["output"] == (
        "Meet the Aurora lamp. It dims with the sun, wakes you gently, remembers your evenings and "
        "folds flat for travel. It has a battery for two nights. Price: 49 EUR. Warranty: 2 years, "
        "batteries excepted. Delivery: within 3 working days."
    )
    assert (result["stop"].reason, result["rounds"]) == ("approved", 3)
    assert [verdict["checker"].score for verdict in result["verdicts"]] == [2, 8, 10]


def test_checker_says_what_is_missing_made_up_and_too_much(ask):
    result = ask("maker_checker", TEMPLATES["maker_checker"].example)
    first, second = said_by("checker", result["messages"])
    assert first.splitlines() == [
        "- The price is missing: say “49 EUR”.",
        "- The warranty is missing: say “2 years, batteries excepted”.",
        "- The delivery is missing: say “within 3 working days”.",
        "- Nobody can prove “best of its kind”: strike it.",
    ]
    assert second == "- With 45 words it is too long: cut it to 40."


@pytest.mark.parametrize(
    ("task", "description"),
    [
        ("Describe the Boreal kettle.\nPrice: 25 EUR", "Meet the Boreal kettle. Price: 25 EUR."),
        ("Write about our new mug.", "Meet the new mug."),
        ("Product: Ada. Price: 1,250.50 USD. Warranty: none.", None),
    ],
)
def test_another_brief_is_another_description(ask, task, description):
    result = ask("maker_checker", task)
    expected = description or "Meet Ada. Price: 1,250.50 USD. Warranty: none."
    assert (result["output"], result["stop"].reason) == (expected, "approved")


def test_impossible_brief_ends_with_the_best_draft(ask):
    result = ask("maker_checker", f"{LAMP}\nIn 5 words.")
    assert result["stop"].reason == "round_limit"
    scores = [verdict["checker"].score for verdict in result["verdicts"]]
    assert len(scores) == 3
    assert scores[2] == max(scores)
    assert result["output"] == result["drafts"][2]
    assert result["output"] == "Meet the Aurora lamp. Price: 49 EUR. Warranty: 2 years."


@pytest.mark.parametrize(
    ("draft", "flaw"),
    [
        ("The lamp. 49 EUR. 2 years.", "The product is not named: say “the Aurora lamp”."),
        ("The Aurora lamp. 2 years.", "The price is missing: say “49 EUR”."),
        ("The Aurora lamp. 49 eur.", "The warranty is missing: say “2 years”."),
        (
            "The Aurora lamp. 49 EUR, was 59. 2 years.",
            "The figure “59” is not in the brief: leave it out, or give the right one.",
        ),
        (
            "The Aurora lamp. 49 EUR. 2 years. Simply perfect.",
            "Nobody can prove “perfect”: strike it.",
        ),
        (
            "The Aurora lamp. 49 EUR. 2 years." + " Bright." * 60,
            "With 67 words it is too long: cut it to 60.",
        ),
    ],
)
def test_rules_measure_the_actual_draft(draft, flaw):
    assert list(flaws_in(draft, brief_in(LAMP), LAMP)) == [flaw]


def test_draft_without_notes_sounds_good_and_says_no_terms():
    draft = draft_of(brief_in(LAMP), "")
    assert draft == "Meet the Aurora lamp, the best of its kind. It dims with the sun."


def test_named_model_writes_and_checks():
    feedback = "- “49 EUR” is missing."
    model = ScriptedModel(
        ["a", Verdict(approved=False, feedback=feedback), "b", Verdict(approved=True)]
    )
    context = OrchestrationContext(model=model)  # type: ignore[arg-type]  # a model works too
    app = TEMPLATES["maker_checker"].build().compile()
    result = app.invoke({"messages": [("user", LAMP)]}, context=context)
    assert (result["output"], result["stop"].reason) == ("b", "approved")
    prompts = [[message.text for message in call.messages] for call in model.calls]
    assert prompts == [
        [WRITE_PROMPT, LAMP],
        [CHECK_PROMPT, LAMP, "writer: a"],
        [WRITE_PROMPT, LAMP, "a", f"checker: {feedback}"],
        [CHECK_PROMPT, LAMP, "writer: b"],
    ]
