"""What a review must be, and what follows from it."""

import pytest

from langgraph_orchestra.nodes.supervisor.review import (
    accept_all,
    in_words,
    settled,
    wrong_with_review,
)
from langgraph_orchestra.state import Failure, Review, StepResult, StepReview
from support.plans import review

WORKERS = ["ann", "bob"]


def review_of(*verdicts, **feedback):
    return Review.model_validate(review(*verdicts, **feedback))


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        (["s1"], "step `s2` is reviewed 0 times; review each step once"),
        (["s1", "s1", "s2"], "step `s1` is reviewed 2 times"),
        (["s1", "s2", "s3"], '`s3` is not to be reviewed; the steps are ["s1", "s2"]'),
        (["s1", "s2 zoe"], '`reassign_to` is `zoe`, who is not there; the workers are ["ann", "b'),
        ([], "step `s1` is reviewed 0 times"),
    ],
)
def test_a_review_that_cannot_be_followed_is_refused_with_the_reason(verdicts, reason):
    assert reason in str(wrong_with_review(review_of(*verdicts), ["s1", "s2"], WORKERS))


@pytest.mark.parametrize(
    "verdict",
    [
        StepReview(step="s1", accepted=False, reassign_to="bob"),
        StepReview(step="s1", accepted=False, reassign_to=""),
        StepReview(step="s1", accepted=True, reassign_to="zoe"),  # means nothing: it is accepted
    ],
)
def test_a_review_that_can_be_followed_is_taken(verdict):
    assert wrong_with_review(Review(reviews=[verdict]), ["s1"], WORKERS) is None


def test_where_no_review_could_be_had_everything_is_accepted():
    assert accept_all(["s1", "s2"]) == review_of("s1", "s2")


def test_a_review_is_told_in_one_line():
    told = in_words(review_of("s1", "s2 no", "s3 bob", "s4 no", s3="shorter", s4="longer"))
    assert told == ("s1: accepted; s2: not accepted; s3: to bob: shorter; s4: not accepted: longer")


def answer(text="new", worker="ann", **fields):
    return StepResult(step="s1", worker=worker, output=text, **fields)


def failure(**fields):
    failed = Failure(agent="ann", type="ValueError")
    return StepResult(step="s1", worker="ann", failure=failed, **fields)


YES, NO, BOB = (
    StepReview(step="s1", accepted=True),
    StepReview(step="s1", accepted=False, feedback="why"),
    StepReview(step="s1", accepted=False, feedback="why", reassign_to="bob"),
)

SETTLED = {
    # new, former, verdict, max_revisions: output, accepted, status, worker, objection
    "accepted": (answer(), None, YES, 1, ("new", True, "done", "ann", None)),
    "accepted without a chance to revise": (
        answer(),
        None,
        YES,
        0,
        ("new", True, "done", "ann", None),
    ),
    "sent back": (answer(), None, NO, 1, ("new", False, "running", "ann", "why")),
    "given to another": (answer(), None, BOB, 1, ("new", False, "running", "bob", "why")),
    "no revision left": (answer(), None, NO, 0, ("new", False, "done", "ann", "why")),
    "no revision left to give away": (answer(), None, BOB, 0, ("new", False, "done", "ann", "why")),
    "revised and accepted": (
        answer("better", attempts=2),
        answer(),
        YES,
        1,
        ("better", True, "done", "ann", None),
    ),
    "revised in vain": (
        answer("worse", attempts=2),
        answer(),
        NO,
        1,
        ("worse", False, "done", "ann", "why"),
    ),
    "revised, with a revision left": (
        answer("worse", attempts=2),
        answer(),
        NO,
        2,
        ("worse", False, "running", "ann", "why"),
    ),
    "revision failed": (
        failure(attempts=2),
        answer("first"),
        NO,
        1,
        ("first", False, "done", "ann", "why"),
    ),
    "revision failed and given up": (
        failure(attempts=2),
        answer("first"),
        YES,
        2,
        ("first", False, "done", "ann", None),
    ),
    "failed and tried again": (failure(), None, NO, 1, (None, False, "running", "ann", "why")),
    "failed and given to another": (
        failure(),
        None,
        BOB,
        1,
        (None, False, "running", "bob", "why"),
    ),
    "failed and given up": (failure(), None, YES, 1, (None, False, "failed", "ann", None)),
    "failed for good": (
        failure(attempts=2),
        failure(),
        NO,
        1,
        (None, False, "failed", "ann", "why"),
    ),
    "answered after a failure": (
        answer(attempts=2),
        failure(),
        YES,
        1,
        ("new", True, "done", "ann", None),
    ),
}


@pytest.mark.parametrize("case", SETTLED)
def test_what_a_review_makes_of_a_result(case):
    new, former, verdict, max_revisions, expected = SETTLED[case]
    one = settled(new, former, verdict, max_revisions)
    found = one.result.output, one.result.accepted, one.status, one.worker, one.objection
    assert found == expected
    assert one.result.attempts == new.attempts
