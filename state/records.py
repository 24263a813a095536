"""Records that travel in the state: small frozen models, read by attribute."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "Failure",
    "Handoff",
    "HandoffOutcome",
    "Priority",
    "Record",
    "Result",
    "Stop",
    "StopReason",
    "Turn",
    "TurnKind",
    "TurnOutcome",
    "Votes",
    "with_typed_output",
]

TurnKind = Literal["agent", "human", "function", "decision", "aggregate"]
"""Who or what made an entry of the trail."""

TurnOutcome = Literal[
    "ok",
    "failed",
    "timed_out",
    "skipped",
    "fallback",
    "refused",
    "ignored",
    "handed_off",
    "cancelled",
]
"""How a turn ended. `refused` is a person's rejection or a participant's refusal."""

StopReason = Literal[
    "completed",
    "approved",
    "terminated",
    "turn_limit",
    "round_limit",
    "stall_limit",
    "token_limit",
    "cost_limit",
    "time_limit",
    "cycle",
    "rejected",
    "handed_off",
    "no_bids",
    "quiescent",
    "failed",
]
"""Why a run ended."""


Priority = Literal["low", "normal", "high", "urgent"]
"""How urgent a handoff is."""

HandoffOutcome = Literal["accepted", "ignored", "refused", "unknown"]
"""What became of a handoff. `ignored`: another came first; `unknown`: nobody of that name could be
handed to from there."""


class Record(BaseModel):
    """Base of the records: frozen, and tolerant of keys a newer version may have written."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Turn(Record):
    """One entry of the trail: what one participant, decision or aggregate did, and at what cost.

    Only leaves have entries: the members of a nested team have theirs (with the team's name in
    `path`), the team itself has none, so the sum over the trail is what a thread has used.
    """

    agent: str
    """Name of the participant, or of the node that decided or aggregated."""

    path: str = ""
    """Where it stands, `/`-joined, without the outermost graph: `writer`, `team/writer`."""

    step: int = 0
    """Number of the turn in its run, from 1; the members of a nested team share their team's, and
    in a conversation a decision has the number of the turn it leads to."""

    kind: TurnKind = "agent"
    """Who or what acted."""

    started_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When it began, in UTC."""

    seconds: float = 0.0
    """How long it took; waiting for a person is not counted."""

    model: str = ""
    """Model that answered, as the provider names it; empty if none did."""

    input_tokens: int = 0
    """Tokens read by models, failed attempts included; 0 if unknown."""

    output_tokens: int = 0
    """Tokens written by models, failed attempts included; 0 if unknown."""

    cost: float | None = None
    """What it cost in USD; None if the model's price is unknown."""

    outcome: TurnOutcome = "ok"
    """How it ended."""

    attempts: int = 1
    """How often it was tried."""

    user: str | None = None
    """On whose behalf it was done, from the run's context."""

    detail: str = ""
    """A decision's reason, an error's text, a person's feedback."""


class Stop(Record):
    """Why a run ended; every run has one."""

    reason: StopReason
    """The reason, one of a fixed set."""

    detail: str = ""
    """The same for a person to read."""

    by: str | None = None
    """What ended it: the condition that fired, the person who rejected, the stage that failed."""


class Failure(Record):
    """A participant's failure as data."""

    agent: str
    """Who failed."""

    type: str
    """Class name of the exception, or `BreakerOpen`, `Cancelled`, `BudgetSpent`,
    `DependencyFailed`."""

    message: str = ""
    """Text of the exception."""

    attempts: int = 1
    """How often it was tried."""

    timed_out: bool = False
    """Whether a timeout or deadline ended it."""


class Result(Record):
    """What one branch brought: an output or a failure."""

    name: str
    """Name of the participant; with the item's number in a map-reduce, `worker[3]`."""

    output: Any = None
    """The answer: text, or the typed object of a participant that declares one."""

    failure: Failure | None = None
    """What went wrong; None on success."""

    seconds: float = 0.0
    """How long the branch took."""

    index: int | None = None
    """Number of the item in a map-reduce, from 0."""

    @property
    def ok(self) -> bool:
        """Whether there is an output."""
        return self.failure is None

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Dump as pydantic does, but leave a typed `output` whole in Python mode.

        The checkpoint serializer stores what this returns; it can restore a model it is handed,
        but not one already flattened to a dict, so typed answers stay typed after a reload.
        """
        return with_typed_output(super().model_dump(**options), self.output, options)


class Handoff(Record):
    """Control passed, or to be passed, from one participant to another.

    A function that takes part returns `Handoff(target="billing", reason="...")` to hand over; the
    library fills in the rest.
    """

    target: str
    """Who is to take over."""

    reason: str = ""
    """Why."""

    context: str = ""
    """What the target must know."""

    instructions: str = ""
    """What the target is to do."""

    priority: Priority = "normal"
    """How urgent it is."""

    source: str = ""
    """Who hands over."""

    outcome: HandoffOutcome = "accepted"
    """What became of it."""

    detail: str = ""
    """Why it was refused or ignored."""

    by: Literal["model", "rule", "human"] = "model"
    """What asked for it: a participant, its model or function; a rule; a person."""

    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When, in UTC."""


def with_typed_output(
    dumped: dict[str, Any], output: Any, options: Mapping[str, Any]
) -> dict[str, Any]:
    """A record's dump with its typed output whole, where Python objects were asked for."""
    if options.get("mode", "python") == "python" and "output" in dumped:
        dumped["output"] = output
    return dumped


class Votes(Record):
    """How a majority came about."""

    winner: str
    """The answer with the most votes, as first given."""

    counts: dict[str, int]
    """Votes for each answer, as first given, in the order of the participants."""

    by: dict[str, list[str]]
    """Who gave each answer."""

    tied: bool = False
    """Whether another answer had as many votes; then the first declared participant decides."""
