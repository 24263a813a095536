import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.campaign_review import (
    BRANDING_PROMPT,
    COMPLIANCE_PROMPT,
    LEGAL_PROMPT,
    QUALITY_PROMPT,
    CampaignVerdict,
    Issue,
)

CLEAN = "Brand: Aurora\nHeadline: Wake with the sun\nCopy: Order your Aurora lamp today."


def issues_of(result, reviewer: str) -> list[tuple[str, str]]:
    return [(issue.severity, issue.quote) for issue in result["results"][reviewer].output.issues]


def test_clean_campaign_goes(ask):
    result = ask("campaign_review", CLEAN)
    assert result["output"] == "GO (approving: branding, legal, compliance, quality)"


def test_decision_lists_every_issue_under_its_reviewer(ask):
    result = ask("campaign_review", TEMPLATES["campaign_review"].example)
    assert result["output"] == (
        "NO-GO (objecting: branding, legal, compliance; approving: quality)\n\n"
        "branding\n"
        "- must fix “arora”: The brand is spelled Aurora. Spell it so throughout.\n\n"
        "legal\n"
        "- must fix “guaranteed”: Nobody can promise this. Say what the product does instead.\n"
        "- must fix “best”: This claim has no proof. Say what the product does instead.\n\n"
        "compliance\n"
        "- must fix “20% off”: An offer needs its terms. Add “Terms apply” and where to read them."
    )


@pytest.mark.parametrize(
    ("campaign", "reviewer", "issue"),
    [
        (CLEAN.replace("Brand: Aurora", ""), "branding", ("must fix", "")),
        ("Brand: Aurora. Order a lamp.", "branding", ("must fix", "")),
        (CLEAN + " AURORA!", "branding", ("must fix", "AURORA")),
        (CLEAN + " NOW! TODAY!", "branding", ("should fix", "TODAY")),
        (CLEAN + " Now! Today!", "branding", ("should fix", "!")),
        (CLEAN + " 100% natural.", "legal", ("must fix", "100%")),
        (CLEAN + " The world's brightest.", "legal", ("must fix", "world's brightest")),
        (CLEAN + " Unlike Lumo, it dims.", "legal", ("must fix", "Unlike Lumo")),
        (CLEAN + " Free bulb.", "compliance", ("must fix", "Free")),
        (CLEAN + " Get our newsletter.", "compliance", ("must fix", "newsletter")),
        (CLEAN + " Win a trip.", "compliance", ("must fix", "Win")),
        (CLEAN + " You recieve it soon.", "quality", ("must fix", "recieve")),
        (CLEAN + " It is is bright.", "quality", ("must fix", "is is")),
        (CLEAN.replace("Order your", "The"), "quality", ("should fix", "")),
        (CLEAN + " word" * 150, "quality", ("should fix", "")),
    ],
)
def test_reviewer_finds_what_is_wrong_in_its_field(ask, campaign, reviewer, issue):
    assert issue in issues_of(ask("campaign_review", campaign), reviewer)


@pytest.mark.parametrize(
    "addition",
    [
        " 20% off. Terms apply.",
        " The best lamp, according to a survey of 2025.",
        " Get our newsletter; unsubscribe at any time.",
    ],
)
def test_terms_and_proofs_settle_an_issue(ask, addition):
    assert ask("campaign_review", CLEAN + addition)["output"].startswith("GO (")


def test_issue_that_only_should_be_fixed_is_listed_and_stops_nothing(ask):
    output = ask("campaign_review", CLEAN + " Now! Today!")["output"]
    assert output.startswith("GO (")
    assert "- should fix “!”" in output


def test_reviewer_that_fails_is_no_approval(ask_model):
    approval = CampaignVerdict(approved=True, issues=[])
    result, _ = ask_model(
        "campaign_review",
        CLEAN,
        {
            BRANDING_PROMPT: approval,
            LEGAL_PROMPT: ValueError("the model is out of order"),
            COMPLIANCE_PROMPT: approval,
            QUALITY_PROMPT: approval,
        },
    )
    assert result["output"] == (
        "NO-GO (no review from: legal; approving: branding, compliance, quality)"
    )


def test_verdicts_of_a_named_model_decide(ask_model):
    flaw = Issue(severity="must fix", quote="sun", problem="It rains.", remedy="Say rain.")
    approval = CampaignVerdict(approved=True, issues=[])
    result, model = ask_model(
        "campaign_review",
        CLEAN,
        {
            BRANDING_PROMPT: approval,
            LEGAL_PROMPT: approval,
            COMPLIANCE_PROMPT: approval,
            QUALITY_PROMPT: CampaignVerdict(approved=False, issues=[flaw]),
        },
    )
    assert result["output"] == (
        "NO-GO (objecting: quality; approving: branding, legal, compliance)\n\n"
        "quality\n- must fix “sun”: It rains. Say rain."
    )
    assert len(model.calls) == 4


def test_verdicts_are_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["campaign_review"]
    result = run(template.build().compile(checkpointer=saver), template.example, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    results = reloaded.get_state({"configurable": {"thread_id": "1"}}).values["results"]
    assert results == result["results"]
    assert all(isinstance(one.output, CampaignVerdict) for one in results.values())
