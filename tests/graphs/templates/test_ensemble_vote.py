import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.ensemble_vote import (
    LINKS_PROMPT,
    REQUEST_PROMPT,
    SENDER_PROMPT,
    WORDING_PROMPT,
    Ballot,
    Judgement,
)
from langgraph_orchestra.graphs.templates.phishing_rules import (
    link_signals,
    request_signals,
    sender_signals,
    suspicion,
    wording_signals,
)
from langgraph_orchestra.state import NotEnoughResultsError

PROMPTS = [SENDER_PROMPT, LINKS_PROMPT, WORDING_PROMPT, REQUEST_PROMPT]

GENUINE = """\
From: Ida Berg <ida@norvik.example>
Subject: Minutes of Monday

Hi Bo, the minutes are at https://wiki.norvik.example/monday. See you on Thursday.
"""


def ballots(*votes: str | Exception):
    """What the judges of a model answer, in order: `phishing .9`, or an error."""
    return {
        prompt: vote if isinstance(vote, Exception) else ballot(*vote.split())
        for prompt, vote in zip(PROMPTS, votes, strict=True)
    }


def ballot(label: str, confidence: str) -> Ballot:
    return Ballot.model_validate({"label": label, "confidence": confidence, "reason": "It says so"})


def labels(result) -> list[str]:
    return [ballot.label for ballot in result["output"].ballots.values()]


def test_judges_differ_and_the_majority_decides(ask):
    result = ask("ensemble_vote", TEMPLATES["ensemble_vote"].example)
    assert labels(result) == ["genuine", "phishing", "phishing", "phishing"]
    assert (result["output"].label, result["output"].decided_by) == ("phishing", "majority")
    votes = result["votes"]
    assert votes.winner == "phishing"
    assert votes.counts == {"genuine": 1, "phishing": 3}
    assert votes.by["phishing"] == ["links", "wording", "request"]


def test_judgement_reads_as_a_verdict_with_every_vote_and_its_reason(ask):
    assert str(ask("ensemble_vote", TEMPLATES["ensemble_vote"].example)["output"]).splitlines() == [
        "PHISHING, confidence 75% (3 of 4 votes)",
        "- sender (genuine, 80%): Nothing is suspicious.",
        "- links (phishing, 82%): A link leads to norvik-safety.example, not to norvik.example. "
        "A link says norvik.example, and leads to norvik-safety.example.",
        "- wording (phishing, 79%): It puts you under pressure: “within 24 hours”. "
        "It threatens: “will be locked”. It does not know your name: “Dear customer”.",
        "- request (phishing, 80%): It asks for a secret: “Confirm your password”.",
    ]


def test_genuine_mail_is_found_so_by_everybody(ask):
    result = ask("ensemble_vote", GENUINE)
    assert (result["output"].label, result["output"].confidence) == ("genuine", 1.0)
    assert not result["votes"].tied


@pytest.mark.parametrize(
    ("rules", "changed", "reason"),
    [
        (sender_signals, GENUINE.replace("ida@norvik", "ida@n0rvik"), "n0rvik.example has digits"),
        (sender_signals, "From: Norvik Bank <a@boreal.example>", "“Norvik Bank” writes from"),
        (sender_signals, "From: Service Team <team@gmail.com>", "where anybody can"),
        (sender_signals, f"{GENUINE}Reply-To: x@evil.example", "answer would go to evil.example"),
        (link_signals, "See http://192.0.2.7/login", "a bare number, 192.0.2.7"),
        (link_signals, "See http://[2001:db8::7]/login", "a bare number, [2001:db8::7"),
        (link_signals, "See http://[broken", "a bare number, [broken"),
        (link_signals, "See https://bit.ly/x", "hides behind bit.ly"),
        (link_signals, "See https://safe.example@n0rvik.example:80/x", "n0rvik.example has digits"),
        (link_signals, GENUINE.replace("wiki.norvik", "wiki.boreal"), "not to norvik.example"),
        (link_signals, "[norvik.example](http://evil.test)", "says norvik.example, and leads"),
        (wording_signals, "You have won a prize", "“You have won” and “prize”"),
        (wording_signals, "It will be deleted", "threatens"),
        (request_signals, "Reply with the one-time code", "It asks for a secret"),
        (request_signals, "Buy gift cards", "gift cards"),
        (request_signals, "Pay to our new IBAN", "Money is to go elsewhere"),
        (request_signals, "Open invoice.html", "“invoice.html”"),
    ],
)
def test_judge_finds_what_is_suspicious_in_its_field(rules, changed, reason):
    assert any(reason in signal.reason for signal in rules(changed))


@pytest.mark.parametrize(
    ("rules", "mail"),
    [
        (sender_signals, GENUINE),
        (sender_signals, "From: Ida Berg <ida.berg@gmail.com>"),
        (sender_signals, "From: ida@norvik.example"),
        (link_signals, GENUINE),
        (wording_signals, GENUINE),
        (request_signals, "We will never ask you to confirm your password."),
        (request_signals, "Read https://norvik.example/minutes.html"),
    ],
)
def test_what_real_senders_do_is_not_suspicious(rules, mail):
    assert rules(mail) == []


def test_judge_without_anything_to_judge_is_unsure(ask):
    output = ask("ensemble_vote", "Lunch at noon?")["output"]
    assert [one.confidence for one in output.ballots.values()][:2] == [0, 0]
    assert [one.label for one in output.ballots.values()][:2] == ["unsure", "unsure"]


def test_signals_together_are_more_suspicious_than_each_and_never_certain():
    signals = wording_signals("Dear customer, it will be locked within 2 hours")
    assert max(signal.weight for signal in signals) < suspicion(signals) < 1
    assert suspicion([]) == 0


@pytest.mark.parametrize(
    ("votes", "label", "decided_by", "confidence"),
    [
        (["phishing .9", "phishing .6", "genuine .7", "genuine .7"], "phishing", "confidence", 0.5),
        (["phishing .9", "phishing .4", "genuine .7", "genuine .7"], "genuine", "confidence", 0.5),
        (["phishing .7", "phishing .7", "genuine .9", "genuine .5"], "unsure", "nobody", 0),
        (["phishing .5", "unsure 0", "unsure 0", "genuine .9"], "unsure", "majority", 0.5),
        (["phishing .5", "unsure 0", "unsure 0", "phishing .1"], "phishing", "confidence", 0.5),
        (["phishing .1", "phishing .1", "phishing .1", "genuine 1"], "phishing", "majority", 0.75),
    ],
)
def test_tie_goes_by_confidence_and_a_majority_does_not(
    ask_model, votes, label, decided_by, confidence
):
    result, _ = ask_model("ensemble_vote", "From: a", ballots(*votes))
    output = result["output"]
    assert (output.label, output.decided_by) == (label, decided_by)
    assert output.confidence == confidence
    assert result["votes"].winner == label
    assert result["votes"].tied == (decided_by != "majority")
    assert "a tie" in str(output) or decided_by == "majority"


def test_judge_that_fails_is_missing_from_the_vote_and_lowers_the_confidence(ask_model):
    failing = ValueError("the model is out of order")
    result, model = ask_model(
        "ensemble_vote", "From: a", ballots("phishing .9", failing, "phishing .9", "genuine .9")
    )
    output = result["output"]
    assert (output.label, output.confidence, output.missing) == ("phishing", 0.5, ["links"])
    assert str(output).splitlines()[0] == "PHISHING, confidence 50% (2 of 4 votes)"
    assert str(output).endswith("- links has not voted.")
    assert len(model.calls) == 4


def test_vote_without_a_quorum_does_not_count(ask_model):
    failing = ValueError("the model is out of order")
    with pytest.raises(NotEnoughResultsError, match="2 of 4 branches succeeded"):
        ask_model(
            "ensemble_vote", "From: a", ballots("phishing .9", failing, failing, "genuine .9")
        )


def test_votes_and_judgement_are_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["ensemble_vote"]
    result = run(template.build().compile(checkpointer=saver), template.example, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    values = reloaded.get_state({"configurable": {"thread_id": "1"}}).values
    assert isinstance(values["output"], Judgement)
    assert values["output"] == result["output"]
    assert values["votes"] == result["votes"]
