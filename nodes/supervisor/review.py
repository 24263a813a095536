"""What a review of results must be, and what follows from it; decisions only."""

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from langgraph_orchestra.state import Review, StepResult, StepReview, StepStatus

__all__ = [
    "Settled",
    "accept_all",
    "done",
    "in_words",
    "kept",
    "settled",
    "wrong_with_review",
]


def wrong_with_review(review: Review, steps: Sequence[str], workers: Collection[str]) -> str | None:
    """What is wrong with a review; None if it can be followed.

    Args:
        review: As the model gave it.
        steps: Ids of the steps to review.
        workers: Names of those there are.
    """
    told = [one.step for one in review.reviews]
    for step in steps:
        if told.count(step) != 1:
            return f"step `{step}` is reviewed {told.count(step)} times; review each step once"
    if unknown := [step for step in told if step not in steps]:
        return f"`{unknown[0]}` is not to be reviewed; the steps are {json.dumps(list(steps))}"
    named = [one.reassign_to for one in review.reviews if _is_given_away(one)]
    if nobody := [name for name in named if name not in workers]:
        return (
            f"`reassign_to` is `{nobody[0]}`, who is not there; the workers are "
            f"{json.dumps(list(workers))}"
        )
    return None


def accept_all(steps: Sequence[str]) -> Review:
    """The review where the model could give none."""
    return Review(reviews=[StepReview(step=step, accepted=True) for step in steps])


class Settled(NamedTuple):
    """What a review makes of one result."""

    result: StepResult
    """What is kept."""

    status: StepStatus
    """How far the step is: `running` if it is done over."""

    worker: str
    """Who does it, or is to do it over."""

    objection: str | None = None
    """What must change; None if it was accepted."""


def settled(
    new: StepResult, former: StepResult | None, verdict: StepReview, max_revisions: int
) -> Settled:
    """What a review makes of a result.

    Args:
        new: What came of the latest attempt.
        former: What was kept before it, if there was one.
        verdict: What the review says; to accept a failure is to give the step up.
        max_revisions: How often a step may be done over.
    """
    result = kept(new, former)
    if verdict.accepted:
        accepted = result.model_copy(update={"accepted": new.ok})
        return Settled(accepted, done(accepted), new.worker)
    if new.attempts > max_revisions:
        return Settled(result, done(result), new.worker, verdict.feedback)
    worker = verdict.reassign_to or new.worker
    return Settled(result, "running", worker, verdict.feedback)


def kept(new: StepResult, former: StepResult | None) -> StepResult:
    """What is kept of an attempt: the last good answer stays where another has failed."""
    if new.ok or former is None or not former.ok:
        return new
    return former.model_copy(update={"attempts": new.attempts})


def done(result: StepResult) -> StepStatus:
    """How far a step is that is not done over."""
    return "done" if result.ok else "failed"


def in_words(review: Review) -> str:
    """A review as the trail tells it."""
    return "; ".join(f"{one.step}: {_verdict(one)}" for one in review.reviews)


def _verdict(one: StepReview) -> str:
    if one.accepted:
        return "accepted"
    to = f"to {one.reassign_to}" if _is_given_away(one) else "not accepted"
    return f"{to}: {one.feedback}" if one.feedback else to


def _is_given_away(one: StepReview) -> bool:
    """Whether somebody is named to do a step over; models say `""` for nobody, too."""
    return not one.accepted and bool(one.reassign_to)
