"""Who may speak next in a conversation, whoever chooses among them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from langgraph_orchestra.nodes.driver import Execution, Steps, apply
from langgraph_orchestra.nodes.human import HumanParticipant, draft_in
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.nodes.policy import breaker_is_open
from langgraph_orchestra.nodes.shared import after_update
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConfigurationError, Stop

__all__ = ["Pause", "SpeakingRules"]


class Pause(NamedTuple):
    """A conversation between two turns."""

    update: dict[str, Any]
    """What the step writes; whatever follows adds to it."""

    view: View
    """The run before that."""

    turns: int
    """How many turns this run has taken with it."""

    last: str | None
    """Who spoke last on the thread; None before anybody has."""

    execution: Execution
    """The node it happens in."""

    scene: Scene
    """The graph."""

    def now(self) -> View:
        """The run with what the step writes."""
        if "messages" not in self.update and "trail" not in self.update:
            return self.view
        return after_update(self.view, self.update, self.scene)


@dataclass(frozen=True)
class SpeakingRules:
    """The rules by which somebody may speak, and the routes that follow from them."""

    members: Mapping[str, Participant]
    """Everybody, in declared order."""

    candidates: Callable[[View], Any] | None
    """A user's own rule; None is none."""

    transitions: Mapping[str, Sequence[str]] | None
    """Who may speak after whom; None is everybody after everybody."""

    allow_repeat: bool
    """Whether somebody may speak twice in a row."""

    in_turn: bool
    """Whether the first in declared order who may speak does so."""

    def __post_init__(self) -> None:
        if len(self.reviewers) == len(self.members):
            raise ConfigurationError(
                f"`{self.reviewers[0]}` reviews, but nobody writes what could be reviewed; add a "
                f'participant who does, or give a person `role="answer"`'
            )

    @lazy
    def names(self) -> Sequence[str]:
        """Everybody's names."""
        return tuple(self.members)

    @lazy
    def nobody_is_kept_out(self) -> bool:
        """Whether anybody may speak at any time."""
        rules = (self.candidates, self.transitions)
        free = self.allow_repeat and all(rule is None for rule in rules)
        return free and not (self.reviewers or self.breakers)

    @lazy
    def breakers(self) -> bool:
        """Whether anybody may be out for the rest of a run."""
        return any(member.policy.breaker for member in self.members.values())

    @lazy
    def reviewers(self) -> Sequence[str]:
        """People who review, and may speak only where there is something to review."""
        people = (m for m in self.members.values() if isinstance(m, HumanParticipant))
        return [person.name for person in people if person.reviews]

    @lazy
    def may_run_dry(self) -> bool:
        """Whether it may happen that nobody may speak next."""
        return any(self.may_run_dry_after(name) for name in self.members)

    def may_run_dry_after(self, speaker: str | None) -> bool:
        """Whether it may happen that nobody may speak after somebody, or at the beginning.

        A run may begin with anybody: its first turn is also the trial of one who was out before.
        """
        if self.candidates is not None:
            return True
        if speaker is None:
            return False
        return all(self.may_be_passed_over(name) for name in self.successors_of(speaker))

    def may_be_passed_over(self, name: str) -> bool:
        """Whether somebody may be out, or have nothing to review."""
        return self.members[name].policy.breaker is not None or name in self.reviewers

    def successors_of(self, speaker: str) -> Sequence[str]:
        """Who may speak after somebody, by the rules that are fixed beforehand."""
        names = list(self.members)
        if self.transitions is not None:
            names = [name for name in names if name in self.transitions.get(speaker, ())]
        return [name for name in names if self.allow_repeat or name != speaker]

    def writers(self, names: Sequence[str]) -> Sequence[str]:
        """Those among them who may speak also where there is nothing to review."""
        return [name for name in names if name not in self.reviewers]

    def drawn_after(self, speaker: str | None) -> Sequence[str]:
        """Who can come after somebody; at the beginning, all who do not review can."""
        names = list(self.members)
        if speaker is None:
            return self.writers(names)
        successors = self.successors_of(speaker)
        if not self.in_turn or self.transitions is not None or self.candidates is not None:
            return successors
        place = names.index(speaker) + 1
        drawn = []
        for name in (*names[place:], *names[:place]):
            if name in successors:
                drawn.append(name)
                if not self.may_be_passed_over(name):  # nobody behind them has a chance
                    break
        return drawn

    def who_may_speak(self, pause: Pause) -> Steps[tuple[Sequence[str], Stop | None]]:
        """The candidates for the next turn, and why the conversation ends where there are none."""
        if self.nobody_is_kept_out:
            return self.names, None
        names: Sequence[str] = self.names
        if pause.turns and pause.last is not None:  # a new task may begin with anybody
            names = self.successors_of(pause.last)
        if self.candidates:
            allowed = yield apply(self.candidates, pause.now())
            names = self._among(allowed, names)
        if self.reviewers and draft_in(pause.now()) is None:
            names = self.writers(names)
        if not names:
            return names, Stop(reason="completed", detail="nobody may speak next")
        if self.breakers and not (names := self._unbroken(names, pause)):
            answered = any(turn.outcome in ("ok", "fallback") for turn in pause.now().turns)
            detail = "everybody who may speak is out: breaker open"
            return names, Stop(reason="completed" if answered else "failed", detail=detail)
        return names, None

    def _among(self, allowed: Any, names: Sequence[str]) -> Sequence[str]:
        """Those whom `candidates` lets speak.

        Raises:
            ConfigurationError: It returned something else than participants' names.
        """
        if isinstance(allowed, str) or not isinstance(allowed, Sequence):
            raise ConfigurationError(
                f"`candidates` returned {allowed!r}; it returns a list of names"
            )
        if unknown := [name for name in allowed if name not in [*self.members]]:
            raise ConfigurationError(
                f"`candidates` names {unknown[0]!r}; the participants are "
                f"{', '.join(f'`{name}`' for name in self.members)}"
            )
        return [name for name in names if name in allowed]

    def _unbroken(self, names: Sequence[str], pause: Pause) -> Sequence[str]:
        """Those who are not out for the rest of this run, after too many failures in a row."""
        state = pause.now().state
        trail = state.get("trail") or ()
        began = (state.get("run_info") or {}).get("first_turn", 0)
        paths = {name: pause.execution.path(name) for name in names}
        return [
            name
            for name, path in paths.items()
            if not breaker_is_open(self.members[name].policy.breaker, path, trail, began)
        ]
