import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.lending_policy import affordability_of
from langgraph_orchestra.graphs.templates.loan_approval import (
    DECIDE_PROMPT,
    VERIFY_PROMPT,
    Application,
    CreditAssessment,
    Decision,
)
from langgraph_orchestra.state import OrchestrationContext
from support.openai_server import OpenAIServer, Structured

GOOD = "Applicant: Ada Lovelace. Income: 84,000 a year. Debt: 650 a month. Amount: 25,000. "


def assessment_in(result) -> CreditAssessment:
    [text] = [message.text for message in result["messages"] if message.name == "credit"]
    return CreditAssessment.model_validate_json(text)


def test_affordable_loan_to_a_good_score_is_approved_with_its_figures(ask):
    result = ask("loan_approval", GOOD + "Term: 60 months. Credit score: 712.")
    assert result["output"] == Decision(
        applicant="Ada Lovelace",
        decision="approve",
        reasons=[
            "The loan costs 507 a month, which leaves 5,843 of the income after all debts.",
            "Debt-to-income is 16.5%, within 36%.",
            "The credit score of 712 is at least 670.",
        ],
        next_step="Prepare the contract: 507 a month for 60 months.",
    )


def test_arithmetic_is_that_of_an_annuity():
    # 25,000 over 60 months at 8 % a year: 506.91 a month, by any loan calculator.
    loan = affordability_of(yearly_income=84_000, monthly_debt=650, amount=25_000, term_months=60)
    assert loan.monthly_payment == 506.91
    assert loan.left_each_month == 5843.09
    assert loan.debt_to_income == pytest.approx(1156.91 / 7000, abs=5e-5)
    same = affordability_of(
        yearly_income=84_000, monthly_debt=650, amount=loan.affordable_amount, term_months=60
    )
    assert same.debt_to_income == pytest.approx(0.36, abs=1e-4)


@pytest.mark.parametrize(
    ("application", "decision", "reason"),
    [
        (GOOD + "Term: 60 months. Score: 640", "refer", "The credit score of 640 is below 670."),
        (GOOD + "Term: 60 months. Score: 550", "reject", "The credit score of 550 is below 580."),
        (GOOD + "Term: 60 months.", "approve", "There is no credit score, so affordability alone"),
        (GOOD + "Term: 11 months.", "refer", "Debt-to-income is 43.1%, above 36%."),
        (GOOD + "Term: 8 months.", "reject", "Debt-to-income is 55.3%, above 50%."),
        (GOOD + "Term: 3 months.", "reject", "payments exceed the income by 2,095."),
        (
            "Max Power, income 0 a year, debt 0 a month, amount 1,000, term 12 months",
            "reject",
            "payments exceed the income by 87.",
        ),
    ],
)
def test_decision_follows_the_policy(ask, application, decision, reason):
    output = ask("loan_approval", application)["output"]
    assert output.decision == decision
    assert any(reason in given for given in output.reasons), output.reasons


def test_referred_applicant_is_offered_what_would_be_affordable(ask):
    output = ask("loan_approval", GOOD + "Term: 11 months.")["output"]
    assert output.next_step == "Offer up to 19,770 over 11 months, or ask an underwriter."


def test_missing_data_is_named_and_asked_for(ask):
    result = ask("loan_approval", "Please decide: Bo Li asks for a loan of 12,000 for a car.")
    assert assessment_in(result).missing == ["income", "debt payments", "term"]
    assert assessment_in(result).affordability is None
    assert result["output"].decision == "refer"
    assert result["output"].reasons == [
        "The application does not give: income, debt payments, term."
    ]
    assert result["output"].next_step.endswith("for: income, debt payments, term.")


@pytest.mark.parametrize(
    ("text", "debt_to_income"),
    [
        ("Bo Li earns $4,000 a month, owes $300 a month and asks for $15k over 3 years.", 0.1925),
        ("Bo Li: annual income 48,000, no debts, a $15,000 loan for 36 months", 0.1175),
        ("Income 48k per year\nDebt payments: 3,600 yearly\nLoan: 15,000\nA 3-year term", 0.1925),
        ("| income | 48,000 |\n| debt | 300 |\n| amount | 15,000 |\n| term | 36 |", 0.1925),
    ],
)
def test_application_may_be_worded_in_many_ways(ask, text, debt_to_income):
    affordability = assessment_in(ask("loan_approval", text)).affordability
    assert affordability is not None
    assert affordability.monthly_payment == 470.05
    assert affordability.debt_to_income == debt_to_income


def test_assumptions_and_impossible_scores_are_said_plainly(ask):
    task = "Siobhán O'Brien, income 60000, debt 300, amount 9000, term 24 months, score 900"
    output = ask("loan_approval", task)["output"]
    assert output.applicant == "Siobhán O'Brien"
    *_, income, debt, score = output.reasons
    assert income.startswith("The income is taken as one for a year")
    assert debt.startswith("The debt payment is taken as one for a month")
    assert score == "A credit score of 900 is not between 300 and 850: ignored."


def test_figures_that_cannot_be_are_taken_as_missing(ask):
    task = "Bo Li, income -5 a year, debt 300 a month, amount 0, term 0 months"
    output = ask("loan_approval", task)["output"]
    assert output.reasons == ["The application does not give: income, amount, term."]


def test_decision_reads_like_a_letter(ask):
    text = str(ask("loan_approval", TEMPLATES["loan_approval"].example)["output"])
    assert text.startswith("APPROVE: Ada Lovelace\n- The loan costs 507 a month")
    assert text.endswith("\nNext: Prepare the contract: 507 a month for 60 months.")


def test_named_model_verifies_and_decides_and_the_arithmetic_stays_ours(run, monkeypatch):
    application = Application(
        applicant="Bo Li",
        yearly_income=84_000,
        monthly_debt=650,
        amount=25_000,
        term_months=60,
        credit_score=None,
        doubts=[],
    )
    decision = Decision(applicant="Bo Li", decision="refer", reasons=["Mine."], next_step="Wait.")
    replies = [Structured(application.model_dump()), Structured(decision.model_dump())]
    with OpenAIServer(replies) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        result = run(
            TEMPLATES["loan_approval"].build().compile(),
            "Bo Li would like a loan.",
            context=OrchestrationContext(model="openai:gpt-5-mini"),
        )
    assert result["output"] == decision
    verify, decide = (request.body["messages"] for request in server.requests)
    assert [message["content"] for message in verify] == [VERIFY_PROMPT, "Bo Li would like a loan."]
    system, task, assessment = (message["content"] for message in decide)
    assert (system, task) == (DECIDE_PROMPT, "Bo Li would like a loan.")
    assert '"monthly_payment":506.91' in assessment


def test_decision_is_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["loan_approval"]
    result = run(template.build().compile(checkpointer=saver), template.example, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    state = reloaded.get_state({"configurable": {"thread_id": "1"}})
    assert isinstance(state.values["output"], Decision)
    assert state.values["output"] == result["output"]
