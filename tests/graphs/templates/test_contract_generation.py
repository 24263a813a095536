import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.contract_data import (
    LIBRARY,
    Clause,
    Contract,
    base_template,
)
from langgraph_orchestra.graphs.templates.contract_generation import (
    ASSESS_PROMPT,
    COMPLY_PROMPT,
    CUSTOMISE_PROMPT,
    SELECT_PROMPT,
    ComplianceReview,
    Finding,
    Proposal,
    Rating,
    RiskAssessment,
    Selection,
)
from langgraph_orchestra.graphs.templates.contract_law import LAWS, breaches_of, risks_of
from langgraph_orchestra.graphs.templates.contract_terms import customised, template_for, terms_in

CLEAN = """\
Contract: services agreement
Jurisdiction: Germany
Provider: Norvik GmbH
Customer: Elm Hotels AG
Scope: repair of lifts
Fee: 50,000 EUR
Liability cap: 50,000 EUR
Term: 12 months
"""
EXAMPLE = TEMPLATES["contract_generation"].example


def contract_of(request: str) -> Contract:
    template = Contract.model_validate_json(base_template(template_for(request)))
    return customised(template, terms_in(request))


def text_of(heading: str, request: str) -> str:
    return next(one.text for one in contract_of(request).clauses if one.heading == heading)


def test_contract_in_order_is_ready_to_sign_with_all_its_terms(ask):
    result = ask("contract_generation", CLEAN)
    assert (result["output"].status, result["output"].findings) == ("ready to sign", [])
    text = str(result["output"])
    assert text.startswith("READY TO SIGN\n\nRisks\n- low, 5. Liability: The cap is 1 times")
    assert "3. Fees and payment\nThe Customer pays 50,000 EUR, after delivery. Invoices are" in text
    assert "7. Disputes\nDisputes go to the courts of Germany." in text


def test_breach_is_reported_with_the_clause_its_rule_and_its_remedy(ask):
    output = ask("contract_generation", EXAMPLE)["output"]
    assert output.status == "not compliant"
    assert [(one.severity, one.clause, one.rule) for one in output.findings] == [
        ("check", "3. Fees and payment", "§ 271a (1) BGB"),
        ("breach", "2. Services", "Art. 28 (3) GDPR"),
    ]
    assert "- breach, 2. Services: Personal data is handled without terms" in str(output)


def test_breach_that_is_mended_in_the_request_is_gone(ask):
    request = f"{EXAMPLE}\nData protection: as in annex 1".replace("75 days", "30 days")
    output = ask("contract_generation", request)["output"]
    assert (output.status, output.findings) == ("ready to sign", [])
    assert str(output).endswith(
        "9. Data protection\nThese terms hold for personal data: as in annex 1."
    )


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("Germany", "§ 276 (3) BGB"),
        ("England and Wales", "Unfair Contract Terms Act 1977, s. 2 (1)"),
        ("California", "Civil Code § 1668"),
    ],
)
def test_liability_that_no_law_lets_one_exclude_is_a_breach_and_a_high_risk(ask, place, rule):
    request = CLEAN.replace("Germany", place).replace("cap: 50,000 EUR", ": excluded")
    output = ask("contract_generation", request)["output"]
    assert output.status == "not compliant"
    assert [(one.clause, one.rule) for one in output.findings] == [("5. Liability", rule)]
    [risk, *_] = output.ratings
    assert (risk.area, risk.level, risk.clause) == ("liability", "high", "5. Liability")


@pytest.mark.parametrize(
    ("place", "is_void"), [("California", True), ("Germany", False), ("Norway", False)]
)
def test_non_compete_clause_is_a_breach_where_the_law_voids_it(place, is_void):
    request = CLEAN.replace("Germany", place) + "Non-compete: 12 months"
    breaches = [one for one in breaches_of(contract_of(request)) if one.severity == "breach"]
    assert [one.clause for one in breaches] == (["9. Non-compete"] if is_void else [])


def test_law_that_nobody_here_knows_is_one_for_a_lawyer_to_check(ask):
    output = ask("contract_generation", CLEAN.replace("Germany", "Norway"))["output"]
    assert output.status == "to be checked"
    [finding] = output.findings
    assert finding.clause == "8. Governing law"
    assert finding.problem == "The checklist has no such law; it has Germany, England, California."
    assert all(str(finding).count(mark) == 0 for mark in ("()", "(none)"))


def test_term_nobody_has_given_is_never_made_up(ask):
    request = CLEAN.replace("Fee: 50,000 EUR\n", "").replace("Term: 12 months\n", "")
    output = ask("contract_generation", request)["output"]
    assert output.status == "incomplete"
    opened = {(one.clause, one.reason) for one in output.ratings if one.area == "open point"}
    assert opened == {
        ("3. Fees and payment", "Nobody has given: fee."),
        ("6. Term and termination", "Nobody has given: term."),
    }
    assert "pays [fee to be agreed]" in str(output)


@pytest.mark.parametrize(
    ("change", "area", "level", "reason"),
    [
        (("cap: 50,000 EUR", ": unlimited"), "liability", "high", "Nobody knows what a mistake"),
        (("cap: 50,000", "cap: 20,000"), "liability", "high", "0.4 times the fee. The customer"),
        (("cap: 50,000", "cap: up to 200,000"), "liability", "medium", "4 times the fee. The prov"),
        (("Fee: 50,000 EUR", "Fee: 900 EUR a day"), "liability", "medium", "cannot be weighed"),
        (("Term:", "Payment term: 45 days\nTerm:"), "payment", "medium", "waits 45 days"),
        (("Term:", "Payment term: net 90\nTerm:"), "payment", "high", "waits 90 days"),
        (("Term:", "Payment term: 1,000\nTerm:"), "payment", "high", "waits 1,000 days"),
        (("Term:", "Payment term: 2 months\nTerm:"), "payment", "medium", "waits 60 days"),
        (("Term:", "Payment term: soon\nTerm:"), "payment", "medium", "No clause says when"),
        (("12 months", "5 years"), "term", "medium", "It binds for 60 months"),
        (("Term:", "Disputes: arbitration\nTerm:"), "disputes", "medium", "has no seat"),
        (("Term:", "Disputes: mediation\nTerm:"), "disputes", "high", "Nobody is named"),
        (("Term:", "Disputes: courts or arbitration\nTerm:"), "disputes", "high", "both named"),
        (("Term:", "Disputes: arbitration in Oslo\nTerm:"), "disputes", "low", "clear"),
    ],
)
def test_risk_follows_from_the_words_and_figures_of_the_clauses(change, area, level, reason):
    [risk] = [one for one in risks_of(contract_of(CLEAN.replace(*change))) if one.area == area]
    assert risk.level == level
    assert reason in risk.reason
    assert risk.clause.partition(". ")[2]


def test_high_risk_without_a_breach_is_called_risky(ask):
    output = ask("contract_generation", CLEAN.replace("cap: 50,000", "cap: 20,000"))["output"]
    assert (output.status, output.findings) == ("risky", [])
    assert "Better: “The liability of each party is limited to [one to two" in str(output)


def test_request_without_a_template_ends_with_the_selection(ask):
    result = ask("contract_generation", "We need a lease for an office.")
    assert result["stop"].reason == "terminated"
    assert [turn.agent for turn in result["trail"]] == ["select"]
    assert str(result["output"]) == (
        "NO TEMPLATE: The library has only: services agreement, supply agreement and "
        "non-disclosure agreement."
    )


@pytest.mark.parametrize(
    ("request_", "template"),
    [
        ("Draft an NDA for the supply of parts", "non-disclosure agreement"),
        ("Contract: supply\nServices: none", "supply agreement"),
        ("They do consulting for us", "services agreement"),
        ("A lease", ""),
    ],
)
def test_template_is_selected_by_what_the_request_asks_for(request_, template):
    assert template_for(request_) == template


def test_terms_are_read_from_labels_and_from_sentences():
    assert terms_in("NDA between Norvik Ltd and Elm under English law. Term: 2 years; Fee: 10") == {
        "provider": "Norvik Ltd",
        "customer": "Elm",
        "jurisdiction": "England and Wales",
        "term": "2 years",
        "fee": "10",
    }


@pytest.mark.parametrize("template", LIBRARY)
def test_every_template_can_be_filled_in_and_breaks_no_law_as_it_stands(template):
    for place in LAWS:
        request = CLEAN.replace("services agreement", template).replace("Germany", place)
        contract = contract_of(request)
        assert list(breaches_of(contract)) == []
        assert "{" not in str(contract)
        assert "to be agreed" not in str(contract)


def test_liability_without_a_cap_of_its_own_is_limited_to_the_fee():
    assert "limited to 50,000 EUR." in text_of(
        "Liability", CLEAN.replace("Liability cap: 50,000 EUR\n", "")
    )


def test_liability_of_which_nobody_knows_what_it_means_is_to_be_agreed():
    for value in ("none", "None."):
        assert "limited to [liability to be agreed]." in text_of(
            "Liability", CLEAN.replace("50,000 EUR\nTerm", f"{value}\nTerm")
        )


@pytest.mark.parametrize("law", ["German law", "Germany", "germany"])
def test_jurisdiction_is_understood_in_the_words_of_the_client(law):
    assert "The law of Germany" in text_of("Governing law", CLEAN.replace("Germany", law))


def test_template_that_the_library_lacks_is_answered_with_those_it_has():
    assert base_template("lease").startswith("There is no template `lease`; there are services")


def test_named_model_reads_the_template_and_its_reviews_decide(playing_all, run):
    contract = Contract(title="Lease", clauses=[Clause(heading="Rent", text="Ten a month.")])
    breach = Finding(clause="1. Rent", severity="breach", rule="§ 1", problem="No.", remedy="Yes.")
    rating = Rating(area="payment", level="low", clause="1. Rent", reason="Fine.", language="")
    chosen = Selection(
        template="supply agreement", parties=["Norvik", "Elm"], jurisdiction="Oslo", reason="It is."
    )
    context, model = playing_all(
        {
            SELECT_PROMPT: [chosen],
            CUSTOMISE_PROMPT: [calling("base_template", name="supply agreement"), contract],
            COMPLY_PROMPT: [ComplianceReview(findings=[breach])],
            ASSESS_PROMPT: [RiskAssessment(ratings=[rating])],
        }
    )
    app = TEMPLATES["contract_generation"].build().compile()
    result = run(app, "A supply contract, please", context=context)
    assert result["output"] == Proposal(
        status="not compliant", contract=contract, findings=[breach], ratings=[rating]
    )
    sent = [" ".join(message.text for message in call.messages) for call in model.calls]
    assert "Goods and delivery" in sent[2]
    assert all("Ten a month." in one for one in sent[3:])
    assert "§ 1" in sent[4]


def test_proposal_is_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["contract_generation"]
    result = run(template.build().compile(checkpointer=saver), template.example, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    values = reloaded.get_state({"configurable": {"thread_id": "1"}}).values
    assert isinstance(values["output"], Proposal)
    assert values["output"] == result["output"]
