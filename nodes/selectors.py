"""Who speaks next, where no model and no person has to be asked: in turn, by chance, by a function.

Such a choice is made inside the step of whoever has just spoken. `choosers.py` has those that ask.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from langchain_core.messages import AnyMessage

from langgraph_orchestra.nodes.driver import Execution, Steps, apply
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConfigurationError, Stop, Turn
from langgraph_orchestra.state.context import Setting

__all__ = [
    "Choice",
    "Floor",
    "RoundRobin",
    "Selector",
    "next_in_order",
    "rotate_random",
    "round_robin",
    "selector_from",
]


@dataclass(eq=False)  # not frozen, which would cost more than most of the choices themselves
class Floor:
    """Where a conversation stands when the next speaker is chosen."""

    participants: Mapping[str, Participant]
    """Everybody, in declared order."""

    candidates: Sequence[str]
    """Who may speak next, in declared order; at least one."""

    last: str | None
    """Who spoke last on this thread; None before anybody has."""

    turns: int
    """How many turns this run has taken."""

    look: Callable[[], View]
    """Makes the view, which not every choice needs."""

    execution: Execution
    """The node it happens in."""

    scene: Scene
    """The graph."""

    @lazy
    def view(self) -> View:
        """The run so far."""
        return self.look()


class Choice(NamedTuple):
    """Who speaks next, or how the conversation ends."""

    speaker: str | None = None
    """Who speaks next; None if the conversation ends."""

    stop: Stop | None = None
    """Why it ends."""

    trail: Sequence[Turn] = ()
    """What the trail tells of the choice."""

    messages: Sequence[AnyMessage] = ()
    """What is said with it: a final answer."""


class Selector(ABC):
    """Chooses the next speaker among the candidates."""

    node: str | None = None
    """The node it needs, since it asks a model or a person; None chooses in the speaker's step."""

    may_end: bool = False
    """Whether it may end the conversation instead."""

    deciders: Sequence[ModelSource] = ()
    """Models that it asks."""

    policy: Policy | None = None
    """What happens when its node fails."""

    settings: Sequence[Setting] = ()
    """What of it may be set for one run."""

    follows_an_order: bool = False
    """Whether it chooses nobody, but takes who is next."""

    def between(self, participants: Sequence[Participant]) -> "Selector":  # noqa: ARG002
        """The selector for these participants.

        Raises:
            ConfigurationError: It cannot work with them.
        """
        return self

    @abstractmethod
    def choose(self, floor: Floor) -> Steps[Choice]:
        """Choose the next speaker."""


def round_robin() -> Selector:
    """Let everybody speak in declared order, after whoever spoke last on the thread."""
    return RoundRobin()


def rotate_random(seed: int = 0) -> Selector:
    """Let everybody speak once in each round, in an order that is drawn anew for each round.

    Who may not speak in their place speaks later in the round, as soon as they may.

    Args:
        seed: The same seed gives the same orders, also after a resume.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"`seed` is an int, not {seed!r}")
    return RotateRandom(seed)


def selector_from(given: Any) -> Selector:
    """A selector, or a function made one.

    Raises:
        TypeError: It is neither, or a function that makes a selector and was not called.
    """
    if isinstance(given, Selector):
        return given
    if getattr(given, "__annotations__", {}).get("return") is Selector:
        raise TypeError(f"`select` is `{given.__name__}`, which makes a selector; call it")
    if callable(given) and not isinstance(given, type) and not hasattr(given, "invoke"):
        return ByFunction(given)
    raise TypeError(
        f"`select` is a selector, such as `round_robin()` or `by_model(model)`, or a function "
        f"`View -> name`, not {given!r}"
    )


def next_in_order(floor: Floor, order: Sequence[str]) -> str:
    """The first candidate after whoever spoke last, in this order."""
    place = order.index(floor.last) + 1 if floor.last in order else 0
    while (name := order[place % len(order)]) not in floor.candidates:
        place += 1
    return name


@dataclass(frozen=True)
class RoundRobin(Selector):
    """`round_robin`."""

    follows_an_order = True

    def choose(self, floor: Floor) -> Steps[Choice]:
        """Take the next in declared order."""
        yield from ()
        return Choice(next_in_order(floor, list(floor.participants)))


@dataclass(frozen=True)
class RotateRandom(Selector):
    """`rotate_random`."""

    seed: int
    follows_an_order = True

    def choose(self, floor: Floor) -> Steps[Choice]:
        """Take the first in this round's order who has not spoken in it, if they may speak."""
        yield from ()
        names = list(floor.participants)
        round_, place = divmod(floor.turns, len(names))
        order = random.Random(f"{self.seed}:{round_}").sample(names, len(names))  # noqa: S311
        spoken = set(islice(floor.view.latest_speakers(), place))
        upcoming = sorted(order, key=spoken.__contains__)
        return Choice(next(name for name in upcoming if name in floor.candidates))


@dataclass(frozen=True)
class ByFunction(Selector):
    """A user's function of the `View`; it returns a name, or None to end the conversation."""

    function: Callable[[View], Any]
    may_end = True

    def choose(self, floor: Floor) -> Steps[Choice]:
        """Call the function.

        Raises:
            ConfigurationError: It chose somebody who may not speak now.
        """
        chosen = yield apply(self.function, floor.view)
        name = getattr(self.function, "__name__", type(self.function).__name__)
        if chosen is None:
            return Choice(stop=Stop(reason="completed", by=name))
        if chosen not in floor.candidates:
            raise ConfigurationError(
                f"selector `{name}` chose {chosen!r}; who may speak next: "
                f"{', '.join(f'`{one}`' for one in floor.candidates)} (None ends the chat)"
            )
        return Choice(chosen)
