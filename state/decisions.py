"""What models are asked to decide: each a schema of one structured answer.

Docstrings and descriptions are what the model is told of it. Booleans are booleans, not texts such
as "false"; keys that a model adds are ignored; a missing key without a default makes it invalid.
"""

from typing import Annotated

from pydantic import Field, StrictBool

from langgraph_orchestra.state.records import Record

__all__ = ["Bid", "SpeakerChoice", "Verdict"]

Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class SpeakerChoice(Record):
    """Who speaks next in the conversation, or that it is finished."""

    next_speaker: str | None = Field(
        description="Name of who speaks next, exactly as listed; null if finished."
    )
    """One of the candidates; None where the conversation is finished."""

    reason: str = Field(description="Why, in one sentence.")
    """Why; it is kept in the trail."""

    finished: StrictBool = Field(
        default=False, description="True only if nothing is left to be said."
    )
    """Whether the conversation ends here."""

    final_answer: str = Field(
        default="", description="If finished: the complete answer to the task."
    )
    """The answer to the task, where the conversation is finished."""


class Verdict(Record):
    """A judgement of a draft."""

    approved: StrictBool = Field(description="True only if the draft can go out as it is.")
    """Whether the draft can go out as it is."""

    feedback: str = Field(default="", description="What must change, concretely; empty if nothing.")
    """What must change; it reaches the maker."""

    score: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = Field(
        default=None, description="How good it is, from 0 to 10; null if it cannot be said."
    )
    """How good the draft is, higher is better; None if it was not scored."""


class Bid(Record):
    """An offer to take on what is to be done next."""

    confidence: Fraction = Field(description="How well you can do it, from 0 (not) to 1 (best).")
    """How well the bidder can do it, 0 to 1."""

    approach: str = Field(default="", description="How you would do it, in one sentence.")
    """How the bidder would do it."""

    skills: list[str] = Field(default=[], description="Which skills you bring to it.")
    """Which skills the bidder brings."""

    cost: Amount | None = Field(default=None, description="What it would cost, in USD, if known.")
    """What it would cost in USD; None if unknown."""

    seconds: Amount | None = Field(default=None, description="How long it would take, if known.")
    """How long it would take; None if unknown."""
