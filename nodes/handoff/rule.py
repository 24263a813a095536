"""`HandoffRule`: control moves on a condition, without asking a model."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from langgraph_orchestra.nodes.view import View

__all__ = ["HandoffRule"]


@dataclass(frozen=True)
class HandoffRule:
    """Hand over to `target` as soon as a condition holds.

    Rules are looked at after each turn, a failed one too, in their order: the first that is true
    wins, also over a handoff that the participant has asked for.

    Raises:
        TypeError: An argument has the wrong type.
    """

    target: str
    """Who takes over; the rule rests while they have control."""

    when: Callable[[View], bool | Awaitable[bool]]
    """The condition: a function of the `View` after the turn, sync or async."""

    source: str | None = None
    """Who must have control for the rule to apply; None is anybody."""

    reason: str = ""
    """Why; the target reads it, and it stands in `handoffs`."""

    def __post_init__(self) -> None:
        for attribute in ("target", "reason"):
            if not isinstance(getattr(self, attribute), str):
                raise TypeError(
                    f"`{attribute}` of a `HandoffRule` is a str, not {getattr(self, attribute)!r}"
                )
        if not (self.source is None or isinstance(self.source, str)):
            raise TypeError(f"`source` of a `HandoffRule` is a str or None, not {self.source!r}")
        if not callable(self.when):
            raise TypeError(
                f"`when` of the `HandoffRule` to `{self.target}` is a function of a `View`, not "
                f"{self.when!r}"
            )

    def applies_to(self, active: str) -> bool:
        """Whether the rule is looked at while `active` has control."""
        return self.target != active and self.source in (None, active)
