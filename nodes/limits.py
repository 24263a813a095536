"""`Limits`: the budget of a run over all its participants and nested teams.

Deciding is apart from measuring: `limit_reached` is a pure function of what was spent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from langgraph_orchestra.nodes.checks import natural_number, positive_number
from langgraph_orchestra.nodes.view import is_turn
from langgraph_orchestra.state import ConfigurationError, Stop, Turn

__all__ = [
    "Limits",
    "Price",
    "Spent",
    "Tally",
    "check_price",
    "cost_of",
    "limit_reached",
    "spent_in",
    "summed_up",
]

Price = Callable[[str, UsageMetadata], float]
"""What a model call costs in USD, from the model's name and its usage."""


@dataclass(frozen=True)
class Limits:
    """Budget of one run, over all its participants and the teams inside them; None is no limit.

    What is spent is compared before each model call, also inside an agent, and between turns. A
    limit is not an error: the run ends with the best result so far and a `stop` that says which.

    Raises:
        TypeError: A limit is not a number.
        ConfigurationError: A limit is zero or negative.
    """

    turns: int | None = None
    """Turns of participants; those that begin together are not counted among one another."""

    tokens: int | None = None
    """Tokens read and written by models, as their `usage_metadata` counts them."""

    cost: float | None = None
    """USD, by `price`, or by the public list prices of `genai-prices`."""

    seconds: float | None = None
    """Time at work; waiting for a person does not count."""

    price: Price | None = None
    """What a model call costs in USD; None takes the public list prices."""

    def __post_init__(self) -> None:
        natural_number("Limits.turns", self.turns, optional=True)
        natural_number("Limits.tokens", self.tokens, optional=True)
        positive_number("Limits.cost", self.cost)
        positive_number("Limits.seconds", self.seconds)
        if self.price is not None and not callable(self.price):
            raise TypeError("`Limits.price` is a function `(model, usage) -> USD`")

    def __bool__(self) -> bool:
        return not (self.turns is self.tokens is self.cost is self.seconds is None)


@dataclass(frozen=True)
class Spent:
    """What a run has used so far."""

    turns: int = 0
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


def limit_reached(limits: Limits, spent: Spent) -> Stop | None:
    """The stop that is due; None while there is something left of everything."""
    if limits.turns is not None and spent.turns >= limits.turns:
        return Stop(reason="turn_limit", detail=f"{spent.turns} of {limits.turns} turns taken")
    if limits.tokens is not None and spent.tokens >= limits.tokens:
        return Stop(reason="token_limit", detail=f"{spent.tokens} of {limits.tokens} tokens used")
    if limits.cost is not None and spent.cost >= limits.cost:
        return Stop(reason="cost_limit", detail=f"{spent.cost:.4f} of {limits.cost} USD spent")
    if limits.seconds is not None and spent.seconds >= limits.seconds:
        return Stop(
            reason="time_limit", detail=f"{spent.seconds:.1f} of {limits.seconds} seconds used"
        )
    return None


def spent_in(trail: Sequence[Turn], turns: int) -> Spent:
    """Sum up a run from its entries in the trail.

    Args:
        trail: The run's entries.
        turns: How many of them are turns, a team counted once.
    """
    return replace(summed_up(trail).spent, turns=turns)


@dataclass(frozen=True)
class Tally:
    """A run summed up to some entry of its trail."""

    spent: Spent = Spent()
    """What those entries add up to."""

    entries: int = 0
    """How many they are."""

    last: Turn | None = None
    """The last of them."""

    step: int | None = None
    """Step of the last turn among them; a team's members share theirs."""

    began: float = float("-inf")
    """When the latest of them began, as a timestamp."""

    reached: float = float("-inf")
    """When all of them had ended."""


def summed_up(trail: Sequence[Turn], before: Tally = Tally()) -> Tally:
    """Sum up a run.

    Args:
        trail: The run's entries.
        before: What was summed up in an earlier turn. A trail only grows, so that it holds of this
            one too, and what is new is added; where it does not, everything is summed up again.
    """
    spent, new, step = before.spent, trail[before.entries :], before.step
    turns, tokens, cost, seconds = spent.turns, spent.tokens, spent.cost, spent.seconds
    # What runs side by side counts once: the time is the length of the union of the entries' times.
    spans = sorted(_span(entry) for entry in new if entry.kind != "human")
    if before.entries and (
        len(trail) < before.entries
        or trail[before.entries - 1] is not before.last
        or (spans and spans[0][0] < before.began)
    ):
        return summed_up(trail)
    reached = before.reached
    for start, end in spans:
        seconds += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    for entry in new:
        tokens += entry.input_tokens + entry.output_tokens
        cost += entry.cost or 0.0
        if is_turn(entry) and entry.step != step:
            turns, step = turns + 1, entry.step
    return Tally(
        Spent(turns, tokens, cost, seconds),
        len(trail),
        trail[-1] if trail else None,
        step,
        spans[-1][0] if spans else before.began,
        reached,
    )


def _span(entry: Turn) -> tuple[float, float]:
    start = entry.started_at.timestamp()
    return start, start + entry.seconds


def cost_of(model: str, usage: UsageMetadata, price: Price | None = None) -> float | None:
    """What a model call costs in USD; None if the model's price is unknown.

    Args:
        model: The model, as the provider names it in its answer.
        usage: Tokens of the call.
        price: The user's own prices, which come first.
    """
    if price is not None:
        return float(price(model, usage))
    if not model or not (listed := _list_price(model)):
        return None
    from genai_prices import Usage

    tokens = Usage(
        input_tokens=usage["input_tokens"], output_tokens=usage["output_tokens"], **_cached(usage)
    )
    return float(listed(tokens))


def _cached(usage: UsageMetadata) -> dict[str, int]:
    """What of the tokens read came from the provider's cache or went there, at other prices."""
    details = usage.get("input_token_details") or {}
    found, kept = details.get("cache_read") or 0, details.get("cache_creation") or 0
    if found + kept > usage["input_tokens"]:  # a provider that leaves them out of the sum
        return {}
    return {"cache_read_tokens": found, "cache_write_tokens": kept}


def check_price(model: str, price: Price | None) -> None:
    """Refuse a cost limit over a model whose price nobody knows."""
    nothing = UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)
    if cost_of(model, nothing, price) is None:
        raise ConfigurationError(
            f"`Limits(cost=...)` needs the price of model `{model}`, which is not on the public "
            f"list: pass `Limits(price=lambda model, usage: ...)`, in USD"
        )


@lru_cache(maxsize=256)
def _list_price(model: str) -> Callable[[Any], Any] | None:
    """The public list price of a model; looked up once for each name, misses too."""
    from genai_prices import Usage, calc_price

    def price(usage: Any) -> Any:
        return calc_price(usage, model_ref=model).total_price

    try:
        price(Usage(input_tokens=1, output_tokens=1))
    except LookupError:
        return None
    return price
