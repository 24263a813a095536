"""`Policy`: what happens when a participant is slow or fails.

An attempt that fails is tried again by LangGraph itself (so that attempts show in Studio and
LangSmith); after the last one comes the fallback, then `on_failure`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langgraph.types import RetryPolicy

from langgraph_orchestra.nodes.checks import natural_number, positive_number
from langgraph_orchestra.state import ConfigurationError, OrchestrationError, Turn

__all__ = [
    "OnFailure",
    "Policy",
    "breaker_is_open",
    "check_on_failure",
    "decide_retry",
    "is_retried",
    "is_tried_again",
    "longest_pause",
    "retry_policy_of",
]

OnFailure = Literal["raise", "record"]
"""`raise` the error, or `record` the failure as data and go on."""


@dataclass(frozen=True)
class Policy:
    """What happens when a participant is slow or fails: retries, then fallback, then `on_failure`.

    Interrupts, cancellation and Ctrl-C are never retried, recorded or swallowed.
    """

    retry: RetryPolicy | None = field(default_factory=RetryPolicy)
    """LangGraph's retry policy: three attempts by default; None tries once. Note that LangGraph's
    default does not retry `ValueError`, `RuntimeError`, `OSError` and their kin."""

    timeout: float | None = None
    """Seconds an attempt may take, in sync runs too; None waits for ever. In a sync run, work that
    has begun in a thread may end later; its result is dropped."""

    fallback: Any = None
    """Who answers when all attempts failed: another participant, or a model that keeps the
    participant's prompt and tools. The turn keeps the participant's name."""

    on_failure: OnFailure | None = None
    """What to do when that failed too; None is the pattern's own way."""

    breaker: int | None = None
    """Skip the participant for the rest of the run after so many failures in a row (counted over
    the thread's runs; a success resets it); its first turn in the next run is a trial. Needs
    `record`: a raised failure ends the run before it is counted."""

    def __post_init__(self) -> None:
        if self.retry is not None and not isinstance(self.retry, RetryPolicy):
            raise TypeError("`Policy.retry` is a `langgraph.types.RetryPolicy` or None")
        positive_number("Policy.timeout", self.timeout)
        natural_number("Policy.breaker", self.breaker, optional=True)
        check_on_failure(self.on_failure, optional=True)


def check_on_failure(value: Any, *, optional: bool = False) -> None:
    """Refuse anything but `raise` and `record`."""
    if not (value in ("raise", "record") or (value is None and optional)):
        raise ConfigurationError(f"`on_failure` is {value!r}; it is 'raise' or 'record'")


def retry_policy_of(policy: Policy) -> RetryPolicy | None:
    """The policy for LangGraph: the user's, but what a turn has decided comes first.

    Errors of ours are never tried again.
    """
    if policy.retry is None:
        return None
    return policy.retry._replace(
        retry_on=lambda error: vars(error).get(_TRIED_AGAIN, _matches(policy.retry, error))
    )


def decide_retry(error: Exception, *, again: bool) -> None:
    """Note on an error whether another attempt is to follow.

    LangGraph, which makes it, knows the error's kind only: not that no time is left for a pause,
    that the error is the fallback's, or that it is a sibling's.
    """
    vars(error)[_TRIED_AGAIN] = again


def is_tried_again(error: Exception) -> bool:
    """Whether a turn has decided that another attempt follows this error."""
    return bool(vars(error).get(_TRIED_AGAIN))


_TRIED_AGAIN = "__orchestra_tried_again"


def is_retried(policy: Policy, error: Exception, attempt: int) -> bool:
    """Whether LangGraph will try once more after this error of attempt number `attempt`."""
    return (
        policy.retry is not None
        and attempt < policy.retry.max_attempts
        and _matches(policy.retry, error)
    )


def longest_pause(policy: Policy, attempt: int) -> float:
    """Seconds that LangGraph may wait after attempt number `attempt`, at the most."""
    if policy.retry is None:
        return 0.0
    grown = policy.retry.initial_interval * policy.retry.backoff_factor ** (attempt - 1)
    return min(policy.retry.max_interval, grown) + (1.0 if policy.retry.jitter else 0.0)


def breaker_is_open(breaker: int | None, name: str, trail: Sequence[Turn], run_began: int) -> bool:
    """Whether participant `name` is out for the rest of this run.

    Args:
        breaker: Failures in a row that open the breaker; None never does.
        name: Path of the participant.
        trail: The thread's trail, over all its runs.
        run_began: Place of this run's first entry in the trail.
    """
    if breaker is None:
        return False
    failures = []
    for place in range(len(trail) - 1, -1, -1):
        turn = trail[place]
        if turn.path.startswith(f"{name}/"):  # a member of a team that has answered
            break
        if turn.path != name or turn.outcome in ("skipped", "cancelled"):
            continue
        if turn.outcome not in ("failed", "timed_out"):
            break
        failures.append(place)
        if len(failures) == breaker:
            return failures[0] >= run_began
    return False


def _matches(retry: RetryPolicy | None, error: Exception) -> bool:
    if retry is None or isinstance(error, OrchestrationError):
        return False
    if isinstance(retry.retry_on, type):
        return isinstance(error, retry.retry_on)
    if callable(retry.retry_on):
        return bool(retry.retry_on(error))
    return isinstance(error, tuple(retry.retry_on))
