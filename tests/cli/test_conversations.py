"""Conversations on the command line: what people are asked and answer, and what is told of them."""

import json

import pytest
from rich.console import Console

from langgraph_orchestra.cli.tables import verdict_table
from langgraph_orchestra.state import Verdict


def asked(orchestra, template):
    """What a run that waits for a person says on standard error."""
    done = orchestra("run", template, "x", "--thread", "t")
    assert (done.exit_code, done.stdout) == (3, "")
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("chosen", "(a name or its number; a blank line ends the conversation)"),
        ("observed", "(approve; other words are said to everybody; a blank line goes on)"),
        ("helpline", "(your answer; a blank line ends the conversation)"),
        (
            "endless",
            "(reject, which ends the run; other words let it go on; a blank line ends the "
            "conversation)",
        ),
        (
            "reviewed",
            "(approve, edit or reject, which ends the run; other words send it back; a blank line "
            "is refused)",
        ),
        ("interview", "(your answer; a blank line is refused)"),
        ("painted", "(your answer; a blank line means `blue`)"),
        (
            "booked",
            "(your answer, as a JSON object with `city`, `nights`; a blank line is refused)",
        ),
        (
            "payment",
            "(approve, edit, reject or respond; other words reject it and say why; a blank line is "
            "refused)",
        ),
        (
            "bank",
            "(approve, edit, reject or respond; other words reject it and say why; a blank line is "
            "refused)",
        ),
        (
            "counter",
            "(approve or respond; other words are taken for the tool's result; a blank line is "
            "refused)",
        ),
        (
            "planned",
            "(approve, edit or reject, which ends the run; other words ask for another plan; a "
            "blank line is refused)",
        ),
        (
            "permitted",
            "(approve, edit or reject; other words reject it and say why; a blank line is refused)",
        ),
        ("wondering", "(your answer, in text or JSON)"),
        ("impatient", "(your answer, as a JSON object with `minutes`)"),
    ],
)
def test_each_request_tells_what_may_be_typed_and_what_a_blank_line_means(
    orchestra, template, hint
):
    assert hint in asked(orchestra, template)


@pytest.mark.parametrize(
    ("template", "answer", "stop", "output"),
    [
        ("chosen", "", "completed", ""),
        ("helpline", "", "completed", "Which [invoice]?"),
        ("endless", "reject", "rejected", ""),
        ("endless", "no", "rejected", ""),
        ("endless", "", "turn_limit", ""),
        ("endless", '{"decisions": []}', "turn_limit", ""),
        ("painted", "", "completed", "blue"),
        ("painted", "red", "completed", "red"),
        ("booked", '{"city": "Rome"}', "completed", {"city": "Rome", "nights": 1}),
        ("counter", "paid already", "completed", "paid already"),
        ("bank", '{"type": "respond", "message": "paid"}', "completed", "paid"),
        ("impatient", '{"minutes": 5}', "completed", "waited 5"),
        ("planned", "approve", "completed", "the end"),
        ("planned", '[{"id": "a", "worker": "ann", "task": "Ask."}]', "completed", "the end"),
        ("planned", "reject", "rejected", "the end"),
        ("permitted", "not now", "completed", "the end"),
    ],
)
def test_an_answer_given_as_an_option_reaches_who_asks(orchestra, template, answer, stop, output):
    asked(orchestra, template)
    done = orchestra("resume", "t", "--answer", answer, "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (document["stop"]["reason"], document["output"]) == (stop, output)


@pytest.mark.parametrize(
    ("template", "answer", "detail", "speaker"),
    [
        ("chosen", "ann", "chose ann", "ann"),
        ("chosen", "2", "chose bob", "bob"),
        ("chosen", '{"type": "respond", "message": "BOB"}', "chose bob", "bob"),
        ("observed", "approve", "went on", "ann"),
        ("observed", "be quick", "be quick", "ann"),
        ("observed", "", "went on", "ann"),
    ],
)
def test_a_conversation_goes_on_with_what_a_person_said(
    orchestra, template, answer, detail, speaker
):
    asked(orchestra, template)
    done = orchestra("resume", "t", "--answer", answer, "--json")
    assert done.exit_code == 3
    person, spoke = json.loads(done.stdout)["trail"][-2:]
    assert (person["detail"], spoke["agent"]) == (detail, speaker)


@pytest.mark.parametrize(
    ("template", "answer", "reason"),
    [
        ("chosen", "zoe", "'zoe' cannot be chosen; choose one of `ann` (1), `bob` (2)"),
        ("chosen", "3", "'3' cannot be chosen"),
        ("observed", '{"type": "reject"}', "`reject` is not possible here"),
        ("helpline", '{"type": "approve"}', "`approve` is not possible here"),
        ("endless", '{"type": "approve"}', "`approve` is not possible here"),
        ("reviewed", "edit", "an `edit` needs the new text"),
        ("booked", '{"nights": 2}', "`city`: Field required"),
        ("counter", "reject", "decide one of `approve`, `respond`"),
        ("counter", "edit", "decide one of `approve`, `respond`"),
        ("payment", '["respond", "approve"]', "a `respond` needs a `message`"),
        ("impatient", '{"minutes": -5}', "Input should be greater than 0"),
        ("planned", '[{"id": "a", "worker": "zoe", "task": "Ask."}]', 'the workers are ["ann"]'),
        ("permitted", "edit", "an `edit` needs the new text"),
    ],
)
def test_a_bad_answer_is_one_line_and_leaves_the_same_request_open(
    orchestra, template, answer, reason
):
    asked(orchestra, template)
    before = json.loads(orchestra("show", "t", "--json").stdout)["interrupts"]
    refused = orchestra("resume", "t", "--answer", answer)
    assert (refused.exit_code, refused.stdout) == (2, "")
    [error] = [line for line in refused.stderr.splitlines() if line.startswith("orchestra: ")]
    assert reason in error
    assert json.loads(orchestra("show", "t", "--json").stdout)["interrupts"] == before


def test_people_of_one_name_in_two_teams_are_answered_by_where_they_sit(orchestra):
    asked(orchestra, "houses")
    unclear = orchestra("resume", "t", "--answer", "boss=blue")
    assert unclear.exit_code == 2
    assert "`boss` asks 2 times" in unclear.stderr
    done = orchestra("resume", "t", "--answer", "sea/boss=blue", "--answer", "red/boss=dark")
    assert (done.exit_code, done.stdout) == (0, "## red\n\ndark\n\n## sea\n\nblue\n")


@pytest.mark.parametrize("name", ["boss", "team/boss"])
def test_somebody_in_a_team_is_answered_by_their_name(orchestra, name):
    asked(orchestra, "lazy_team")
    orchestra("resume", "t", "--answer", "well")
    done = orchestra("resume", "t", "--answer", f"{name}=fine")
    assert (done.exit_code, done.stdout) == (0, "fine\n")


def test_an_answer_to_somebody_in_a_team_is_kept_until_they_ask(orchestra):
    answers = ("--answer", "team/boss=fine", "--answer", "well")
    done = orchestra("run", "lazy_team", "x", *answers)
    assert (done.exit_code, done.stdout) == (0, "fine\n")


def test_tool_calls_with_a_request_each_are_answered_by_their_ids(orchestra):
    told = asked(orchestra, "teller")
    assert "clerk is asked Tool execution requires approval Tool: wire Args: {'amount': 1}" in told
    waiting = json.loads(orchestra("show", "t", "--json").stdout)["interrupts"]
    ids = {request["value"]["args"]["amount"]: request["id"] for request in waiting}
    refused = orchestra("resume", "t", "--answer", f'{ids[1]}={{"type": "edit", "args": {{}}}}')
    assert refused.exit_code == 2
    words = (f"{ids[2]}=no money", "--answer", f"{ids[1]}=approve")
    done = orchestra("resume", "t", "--answer", *words)
    assert (done.exit_code, done.stdout.split(";")[0]) == (0, "wired 1")
    assert "no money" in done.stdout


@pytest.mark.parametrize("team", ["", "team/"])
def test_who_asks_for_a_tool_in_a_team_is_told_and_answered_by_name(orchestra, team):
    told = asked(orchestra, "branches")
    assert "team/left is asked" in told
    assert "team/right is asked" in told
    unclear = orchestra("resume", "t", "--answer", "team=approve")
    assert "`team` asks 2 times" in unclear.stderr
    answers = ("--answer", f"{team}right=no money", "--answer", f"{team}left=approve")
    done = orchestra("resume", "t", *answers)
    assert (done.exit_code, done.stdout.partition("##")[2][:14]) == (0, " left\n\nwired 5")
    assert "no money" in done.stdout


def lines_of(done, mark):
    """The lines of ended turns, without their times."""
    return [line.split() for line in done.stderr.splitlines() if line.lstrip().startswith(mark)]


def test_each_choice_of_a_model_is_told_with_its_reason(orchestra):
    done = orchestra("run", "led", "x", "--thread", "t")
    assert (done.exit_code, done.stdout) == (0, "Done.\n")
    assert "bob: he knows the [numbers]\n" in done.stderr
    assert "finished: all is said\n" in done.stderr
    assert "bob: he knows the [numbers]" in orchestra("show", "t").stdout


def test_a_choice_that_was_never_valid_is_told_in_one_line(orchestra):
    done = orchestra("run", "misled", "x")
    [line] = lines_of(done, "✓ selector")
    assert "fallback: ann: no valid decision after 3 attempts" in " ".join(line)


def test_each_bid_is_told_with_who_makes_it(orchestra):
    done = orchestra("run", "auction", "x", "--thread", "t")
    assert done.exit_code == 0
    for printed in (done.stderr, orchestra("show", "t").stdout):
        told = " ".join(printed.split())
        assert "selector/bob" in told
        assert "bids 0.9: 0.9 sure, with [charts]" in told
        assert "no bid reaches 0.3: the highest is 0.2" in told


def test_handoffs_are_told_with_who_why_and_what_became_of_them(orchestra):
    done = orchestra("run", "crossed", "x", "--thread", "t")
    assert done.exit_code == 0
    [taken] = lines_of(done, "→ desk")
    assert taken[-3:] == ["to", "billing:", "because"]
    untaken = [" ".join(line) for line in lines_of(done, "↩ desk")]
    assert untaken == [
        "↩ desk to nobody: because (unknown: `nobody` cannot be handed over to from here; valid: "
        "`billing`, `sales`)",
        "↩ desk to sales: because (ignored: control went to `billing` first)",
    ]
    shown = orchestra("show", "t").stdout
    assert "handoff         outcome   by     why" in shown
    assert "desk → nobody   unknown   model  because (unknown: `nobody` cannot be" in shown
    assert "desk → billing  accepted  model  because" in shown
    assert "desk → sales    ignored   model  because (ignored: control went to" in shown
    assert "\nbilling has control\n" in shown


def test_handoffs_stand_in_the_thread_as_what_they_are_and_not_as_tool_calls(orchestra):
    orchestra("run", "helpline", "x", "--thread", "t")
    shown = orchestra("show", "t").stdout
    assert (
        "\ndesk\n  hands over to billing: it is about money\n  context: invoice 7\n"
        "\nbilling\n  Which [invoice]?\n"
    ) in shown
    assert "handoff_to_" not in shown


def test_what_became_of_a_handoff_that_was_not_taken_is_what_the_sender_was_told(orchestra):
    orchestra("run", "crossed", "x", "--thread", "t")
    shown = orchestra("show", "t").stdout
    assert "\ndesk is told\n  ignored: control went to `billing` first\n" in shown
    assert "Handed off to" not in shown


def test_a_person_who_rejects_without_words_is_told_of_once(orchestra):
    orchestra("run", "endless", "x", "--thread", "t")
    done = orchestra("resume", "t", "--answer", "no")
    assert "\nrejected · " in done.stderr


@pytest.mark.parametrize("command", ["run", "show"])
def test_the_json_document_holds_the_handoffs(orchestra, command):
    done = orchestra("run", "crossed", "x", "--thread", "t", "--json")
    if command == "show":
        done = orchestra("show", "t", "--json")
    document = json.loads(done.stdout)
    assert document["active"] == "billing"
    handoffs = [(h["source"], h["target"], h["outcome"]) for h in document["handoffs"]]
    assert handoffs == [
        ("desk", "nobody", "unknown"),
        ("desk", "billing", "accepted"),
        ("desk", "sales", "ignored"),
    ]
    assert document["handoffs"][1]["reason"] == "because"


def test_the_json_document_holds_the_results_of_branches(orchestra):
    orchestra("run", "houses", "x", "--thread", "t")
    done = orchestra("resume", "t", "--answer", "red/boss=a", "--answer", "sea/boss=b", "--json")
    results = json.loads(done.stdout)["results"]
    assert {name: result["output"] for name, result in results.items()} == {"red": "a", "sea": "b"}


def test_verdicts_are_listed_round_by_round():
    rounds = [
        {"ann": Verdict(approved=False, feedback="too [long]", score=4.5)},
        {"ann": Verdict(approved=True)},
    ]
    console = Console(width=80, record=True, markup=False, highlight=False)
    with console.capture() as printed:
        console.print(verdict_table(rounds))
    assert [line.split() for line in printed.get().splitlines()] == [
        ["round", "checker", "verdict", "score", "feedback"],
        ["1", "ann", "sent", "back", "4.5", "too", "[long]"],
        ["2", "ann", "approved"],
    ]
