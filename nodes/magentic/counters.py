"""The counters of a managed team: from what the manager has found to what happens next.

Pure functions, so that every rule can be tried without a run. Every step counts something up that
has a bound: a round, or a stall, of which only a round can take one back, or a reset, which alone
sets them to zero. So a run ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from langgraph_orchestra.nodes.checks import natural_number
from langgraph_orchestra.state import ProgressLedger, Stop

__all__ = ["Bounds", "Counters", "Move", "after_ledger", "limit_before_round"]


class Counters(NamedTuple):
    """How far a run is."""

    rounds: int = 0
    """How often somebody has worked as the manager asked."""

    stalls: int = 0
    """Rounds without progress, less those with."""

    resets: int = 0
    """How often facts and plan were rewritten since the work stalled."""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Counters":
        """As the state has them."""
        return cls(state["rounds"], state["stalls"], state["resets"])


@dataclass(frozen=True)
class Bounds:
    """How far a run may go.

    Raises:
        TypeError: One of them is no int.
        ConfigurationError: One of them is too small.
    """

    max_rounds: int
    """Rounds."""

    max_stalls: int
    """Stalls that are borne; one more, and the facts and the plan are rewritten."""

    max_resets: int
    """How often they are rewritten; where that is due once more, the run ends."""

    max_turns: int | None = None
    """Turns of participants, of which a round may have several; None is no bound."""

    def __post_init__(self) -> None:
        natural_number("max_rounds", self.max_rounds)
        natural_number("max_stalls", self.max_stalls, least=0)
        natural_number("max_resets", self.max_resets, least=0)

    @property
    def plans(self) -> int:
        """How many plans there may be, those that a person has had revised not counted."""
        return self.max_resets + 1

    @property
    def assessments(self) -> int:
        """How often the manager may be asked how far the work is.

        Each time is a round, or a stall without one; at most `max_stalls + 1` stalls for each plan,
        and one more for each that a round with progress takes back; and the one that ends the run.
        """
        return 2 * self.max_rounds + self.plans * (self.max_stalls + 1) + 1


class Move(NamedTuple):
    """What follows from a ledger."""

    to: Literal["work", "ask_again", "replan", "end"]
    """`work`: the speakers do; `ask_again`: the manager is asked once more, for lack of a ledger;
    `replan`: facts and plan are rewritten; `end`."""

    counters: Counters
    """With what the ledger changes."""

    stop: Stop | None = None
    """Why the run ends, where it does."""


def limit_before_round(counters: Counters, turns: int, bounds: Bounds) -> Stop | None:
    """Why no round may begin; None if one may.

    Args:
        counters: How far the run is.
        turns: How many turns it has taken.
        bounds: How far it may go.
    """
    if counters.rounds >= bounds.max_rounds:
        detail = f"{counters.rounds} of {bounds.max_rounds} rounds done"
        return Stop(reason="round_limit", detail=detail)
    if bounds.max_turns is not None and turns >= bounds.max_turns:
        return Stop(reason="turn_limit", detail=f"{turns} of {bounds.max_turns} turns taken")
    return None


def after_ledger(ledger: ProgressLedger | None, counters: Counters, bounds: Bounds) -> Move:
    """What happens next.

    Args:
        ledger: What the manager has found; None if no ledger was valid.
        counters: How far the run is.
        bounds: How far it may go.
    """
    rounds, stalls, resets = counters
    if ledger and ledger.is_request_satisfied.answer:
        reason = ledger.is_request_satisfied.reason
        return Move("end", counters, Stop(reason="completed", detail=reason, by="manager"))
    stalls = stalls + 1 if _is_stall(ledger) else max(0, stalls - 1)
    if stalls > bounds.max_stalls:
        if resets >= bounds.max_resets:
            detail = f"stalled {stalls} times with {resets} of {bounds.max_resets} new plans made"
            counted = Counters(rounds, stalls, resets)
            return Move("end", counted, Stop(reason="stall_limit", detail=detail))
        return Move("replan", Counters(rounds, 0, resets + 1))
    if ledger is None:
        return Move("ask_again", Counters(rounds, stalls, resets))
    return Move("work", Counters(rounds + 1, stalls, resets))


def _is_stall(ledger: ProgressLedger | None) -> bool:
    if ledger is None:
        return True
    return ledger.is_in_loop.answer or not ledger.is_progress_being_made.answer
