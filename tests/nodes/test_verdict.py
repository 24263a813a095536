"""A checker's answer is a verdict in whichever form it comes, or it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from langgraph_orchestra.nodes.verdict import (
    best_draft,
    check_keyword,
    told,
    verdict_from,
    verdict_in,
)
from langgraph_orchestra.state import ConfigurationError, Verdict


class Scored(Verdict):
    """A verdict with more to it."""

    rule: str = ""


class Other(BaseModel):
    """No verdict."""

    approved: bool


YES, NO = Verdict(approved=True), Verdict(approved=False)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (YES, YES),
        (Scored(approved=False, rule="7"), Scored(approved=False, rule="7")),
        (True, YES),
        (False, NO),
        ("too long", Verdict(approved=False, feedback="too long")),
        ("", NO),
        (" \n", NO),
        ("APPROVED", Verdict(approved=False, feedback="APPROVED")),
        ({"approved": True, "score": 8, "more": 1}, Verdict(approved=True, score=8)),
    ],
)
def test_a_verdict_a_bool_a_text_and_a_verdict_as_json_are_understood(answer, verdict):
    understood = verdict_from("boss", answer)
    assert (understood, type(understood)) == (verdict, type(verdict))


@pytest.mark.parametrize(
    "answer",
    [None, 1, 0.5, Other(approved=True), ["APPROVED"], {"approved": "false"}, {}, {"feedback": ""}],
)
def test_anything_else_is_refused_with_the_checkers_name_and_what_it_may_answer(answer):
    with pytest.raises(ConfigurationError, match="checker `boss` answered") as caught:
        verdict_from("boss", answer)
    assert all(word in str(caught.value) for word in ("`Verdict(", "a bool", "`approve_on`"))


APPROVING = [
    "APPROVED",
    "APPROVED\n",
    "\n\nAPPROVED",
    "APPROVED.",
    "  APPROVED!  ",
    "**APPROVED**",
    "# APPROVED",
    "- APPROVED",
    "> __APPROVED__",
    "`APPROVED`",
    '"APPROVED"',
    "✅ APPROVED",
    "[APPROVED]",
    "```\nAPPROVED\n```",
    "---\nAPPROVED\n---",
]


@pytest.mark.parametrize("text", APPROVING)
def test_a_line_that_is_the_keyword_approves_whatever_marks_are_around_it(text):
    assert verdict_in(text, "APPROVED") == YES


@pytest.mark.parametrize(
    "text",
    [
        "approved",
        "Approved",
        "NOT APPROVED",
        "APPROVED with changes",
        "APPROVED: fine",
        "Verdict: APPROVED",
        "UNAPPROVED",
        "A P P R O V E D",
        "It could be\nAPPROVED\nif it were shorter",
    ],
)
def test_a_keyword_in_another_case_or_among_other_words_or_lines_does_not_approve(text):
    assert verdict_in(text, "APPROVED") == Verdict(approved=False, feedback=text)


@pytest.mark.parametrize(
    ("text", "feedback"),
    [
        ("APPROVED\nA fine text.", "A fine text."),
        ("A fine text.\n\nAPPROVED", "A fine text."),
        ("APPROVED\n\nFirst.\n\n- Second.\n\nAPPROVED", "First.\n\n- Second."),
        ("APPROVED\n\nIt says: APPROVED\nthere.", "It says: APPROVED\nthere."),
        ("APPROVED\n---", ""),
    ],
)
def test_the_rest_of_an_approving_text_is_feedback(text, feedback):
    assert verdict_in(text, "APPROVED") == Verdict(approved=True, feedback=feedback)


@pytest.mark.parametrize("keyword", ["LGTM!", "**OK**", "Go ahead", "ja, gut", "通过"])
def test_any_line_may_be_the_keyword(keyword):
    check_keyword(keyword)
    assert verdict_in(f"{keyword}.", keyword) == YES
    assert not verdict_in("no", keyword).approved


@pytest.mark.parametrize("keyword", ["", " ", "!", "---", "✅", "APPROVED\nNOW"])
def test_a_keyword_that_no_line_can_be_is_refused(keyword):
    with pytest.raises(
        ConfigurationError, match=r"`approve_on` is .*; it is one line with a letter"
    ):
        check_keyword(keyword)


@pytest.mark.parametrize("keyword", [True, 1, ["APPROVED"], b"APPROVED"])
def test_a_keyword_that_is_no_text_is_refused(keyword):
    with pytest.raises(TypeError, match="`approve_on` is a str or None, not"):
        check_keyword(keyword)


@given(st.text())
def test_no_text_approves_without_a_line_of_the_keyword(text):
    verdict = verdict_in(text, "APPROVED")
    assert verdict.approved <= ("APPROVED" in text)
    assert verdict.feedback == verdict.feedback.strip()
    assert verdict.feedback in "\n".join(text.splitlines())


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (YES, "approved"),
        (NO, "not approved"),
        (Verdict(approved=True, feedback="Fine."), "approved: Fine."),
        (Verdict(approved=False, score=4.5), "not approved, score 4.5"),
        (Verdict(approved=False, score=3, feedback="Long."), "not approved, score 3: Long."),
    ],
)
def test_the_trail_tells_a_verdict_with_its_score_and_feedback(verdict, words):
    assert told(verdict) == words


def said(*scores):
    """What one checker, or several, said of a draft."""
    return {f"c{n}": Verdict(approved=False, score=score) for n, score in enumerate(scores)}


@pytest.mark.parametrize(
    ("verdicts", "best"),
    [
        ([said(3), said(8), said(5)], "two"),
        ([said(3), said(8), said(8)], "three"),
        ([said(8), said(3), said(8)], "three"),
        ([said(0), said(-1), said(-2)], "one"),
        ([said(9, 1), said(6, 6), said(5, 5)], "two"),
        ([said(9), said(8), said(None)], "three"),
        ([said(9, None), said(8, 8), said(7, 7)], "three"),
        ([said(9), said(8)], "three"),
        ([], "three"),
    ],
)
def test_the_best_draft_has_the_highest_score_if_all_are_scored_and_is_else_the_last(
    verdicts, best
):
    assert best_draft(["one", "two", "three"], verdicts) == best


def test_without_a_draft_there_is_nothing_to_show():
    assert best_draft([], []) == ""
