"""`orchestra resume`: runs that stopped go on, and people's answers reach who asked."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def waiting(orchestra):
    """Threads that wait: `r` for a review, `p` for two people, `m` for two tool approvals."""
    orchestra("run", "reviewed", "x", "--thread", "r")
    orchestra("run", "panel", "x", "--thread", "p")
    orchestra("run", "payment", "x", "--thread", "m")


def test_a_run_that_needs_a_person_shows_what_is_asked_and_how_to_answer(orchestra):
    done = orchestra("run", "reviewed", "x", "--thread", "t")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "boss is asked\n  Approve, edit or reject the draft of writer." in done.stderr
    hint = (
        "  (approve, edit or reject, which ends the run; other words send it back; a\n"
        "  blank line is refused)\n"
    )
    assert hint in done.stderr
    assert "Answer it: orchestra resume t\n" in done.stderr


def test_the_json_document_holds_what_is_asked(orchestra):
    done = orchestra("run", "panel", "x", "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (3, "")
    assert document["status"] == "interrupted"
    assert {asked["node"] for asked in document["interrupts"]} == {"ann", "bob"}
    assert all(asked["id"] for asked in document["interrupts"])
    assert document["stop"] is None


@pytest.mark.usefixtures("waiting")
def test_words_answer_the_only_request(orchestra):
    done = orchestra("resume", "r", "--answer", "approve")
    assert (done.exit_code, done.stdout) == (0, "The draft.\n")


@pytest.mark.usefixtures("waiting")
def test_json_answers_as_an_object(orchestra):
    edit = json.dumps({"type": "edit", "args": {"draft": "My own."}})
    assert orchestra("resume", "r", "--answer", edit).stdout == "My own.\n"


@pytest.mark.usefixtures("waiting")
def test_an_answer_may_hold_an_equals_sign(orchestra):
    orchestra("resume", "p", "--answer", "ann=a=b")
    done = orchestra("resume", "p", "--answer", "c=d")
    assert "## ann\n\na=b\n\n## bob\n\nc=d" in done.stdout


@pytest.mark.usefixtures("waiting")
def test_several_requests_are_answered_by_the_names_of_who_asks(orchestra):
    done = orchestra("resume", "p", "--answer", "bob=blue", "--answer", "ann=yes")
    assert done.exit_code == 0
    assert "## ann\n\nyes\n\n## bob\n\nblue" in done.stdout


@pytest.mark.usefixtures("waiting")
def test_several_requests_are_answered_by_their_ids(orchestra):
    document = json.loads(orchestra("show", "p", "--json").stdout)
    answers = [f"{asked['id']}=for {asked['node']}" for asked in document["interrupts"]]
    done = orchestra("resume", "p", "--answer", answers.pop(), "--answer", answers.pop())
    assert "## ann\n\nfor ann\n\n## bob\n\nfor bob" in done.stdout


@pytest.mark.usefixtures("waiting")
def test_one_of_several_requests_may_be_answered_first(orchestra):
    first = orchestra("resume", "p", "--answer", "bob=blue")
    assert first.exit_code == 3
    assert "ann is asked" in first.stderr
    assert "bob is asked" not in first.stderr
    assert orchestra("resume", "p", "--answer", "yes").exit_code == 0


@pytest.mark.usefixtures("waiting")
def test_an_answer_to_nobody_in_particular_is_refused_where_several_ask(orchestra):
    done = orchestra("resume", "p", "--answer", "yes")
    assert done.exit_code == 2
    assert "2 answers are awaited" in done.stderr
    assert "`ann=" in done.stderr


@pytest.mark.usefixtures("waiting")
def test_a_bad_answer_is_refused_with_its_reason_and_can_be_given_again(orchestra):
    refused = orchestra("resume", "r", "--answer", "")
    assert refused.exit_code == 2
    assert "the answer of `boss` cannot be used: the answer is blank" in refused.stderr
    assert orchestra("resume", "r", "--answer", "approve").exit_code == 0


def test_answers_given_with_the_run_are_used_in_order(orchestra):
    words = ("--answer", "shorter, please", "--answer", "approve")
    done = orchestra("run", "reviewed", "x", *words)
    assert (done.exit_code, done.stdout) == (0, "The draft.\n")
    assert "refused: shorter, please" in done.stderr


def test_an_answer_that_names_somebody_is_kept_until_they_ask(orchestra):
    answers = ("--answer", "second=for her", "--answer", "for him")
    done = orchestra("run", "interview", "x", "--thread", "t", *answers)
    assert (done.exit_code, done.stdout) == (0, "for her\n")
    assert "\nfirst\n  for him\n\nsecond\n  for her\n" in orchestra("show", "t").stdout


def test_an_answer_that_nobody_asked_for_is_mentioned(orchestra):
    done = orchestra("run", "article", "x", "--answer", "yes")
    assert done.exit_code == 0
    assert "Nobody asked for the answer `yes`." in done.stderr


@pytest.mark.usefixtures("waiting")
def test_tool_calls_are_decided_one_by_one(orchestra):
    decisions = json.dumps([{"type": "approve"}, {"type": "reject", "message": "no money"}])
    done = orchestra("resume", "m", "--answer", decisions)
    assert done.exit_code == 0
    assert "paid 1" in done.stdout
    assert "no money" in done.stdout
    assert "paid 2" not in done.stdout


@pytest.mark.usefixtures("waiting")
def test_an_edited_tool_call_runs_with_its_new_arguments(orchestra):
    decisions = json.dumps([{"type": "edit", "args": {"amount": 7}}, {"type": "approve"}])
    assert orchestra("resume", "m", "--answer", decisions).stdout.endswith("paid 7; paid 2\n")


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("approve", "2 tool calls wait for a decision, 1 were given"),
        ('[{"type": "approve"}]', "2 tool calls wait for a decision, 1 were given"),
        ('[{"type": "approve"}, {"type": "maybe"}]', "decide one of `approve`"),
        ('[{"type": "approve"}, 7]', "decide one of `approve`"),
        ('[{"type": "approve"}, ""]', "it is blank"),
        ('[{"type": "approve"}, {"type": "edit"}]', "an `edit` needs the tool's new arguments"),
        ('[{"type": "approve"}, {"type": "respond"}]', "a `respond` needs a `message`"),
        ("{}", "it is empty"),
    ],
)
def test_a_bad_decision_on_tool_calls_leaves_the_thread_usable(orchestra, answer, reason):
    refused = orchestra("resume", "m", "--answer", answer)
    assert refused.exit_code == 2
    assert f"the answer of `payer` cannot be used: {reason}" in refused.stderr
    approvals = json.dumps({"decisions": [{"type": "approve"}, {"type": "approve"}]})
    assert orchestra("resume", "m", "--answer", approvals).stdout == "paid 1; paid 2\n"


def test_a_request_of_another_form_is_shown_and_answered(orchestra):
    asked = orchestra("run", "wondering", "x", "--thread", "t")
    assert "wonder is asked\n  What is it?" in asked.stderr
    assert orchestra("resume", "t", "--answer", "42").stdout == "the answer is 42\n"


def test_a_failed_run_goes_on_where_it_failed(orchestra, workplace: Path):
    failed = orchestra("run", "unlucky", "x", "--thread", "t")
    assert failed.exit_code == 1
    (workplace / "mended").touch()
    done = orchestra("resume", "t")
    assert (done.exit_code, done.stdout) == (0, "after the first\n")
    assert "✓ first" not in done.stderr


def test_the_json_document_of_a_failed_run_says_what_was_raised(orchestra):
    done = orchestra("run", "unlucky", "x", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert document["status"] == "failed"
    assert document["error"] == "RuntimeError: the [disk] is full and so is the other"
    assert [turn["path"] for turn in document["trail"]] == ["first"]


def test_a_thread_that_has_ended_gives_its_answer_again_and_calls_nobody(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    done = orchestra("resume", "t")
    assert (done.exit_code, done.stdout) == (0, "A [bold] text.\n")
    assert "✓" not in done.stderr


def test_a_thread_that_has_ended_takes_no_answer(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    done = orchestra("resume", "t", "--answer", "yes")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "thread `t` waits for no answer" in done.stderr


def test_the_user_of_the_run_is_the_user_of_its_continuation(orchestra):
    orchestra("run", "reviewed", "x", "--thread", "t", "--user", "ada")
    document = json.loads(orchestra("resume", "t", "--answer", "yes", "--json").stdout)
    assert {turn["user"] for turn in document["trail"]} == {"ada"}
