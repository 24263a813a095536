"""Who speaks next, where somebody has to be asked: a model, the participants' bids, or a person.

Such a choice has a node of its own, so that a resume or another attempt never repeats the turn
before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage

from langgraph_orchestra.nodes.answers import answer_type, ask_person
from langgraph_orchestra.nodes.bidding import bids_of, check_bidders
from langgraph_orchestra.nodes.checks import natural_number, usable_name
from langgraph_orchestra.nodes.decider import Decider, DeciderLike, decider_from
from langgraph_orchestra.nodes.decision import ATTEMPTS
from langgraph_orchestra.nodes.driver import Steps
from langgraph_orchestra.nodes.history import everything, read
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.nodes.prompt import addressed_to
from langgraph_orchestra.nodes.requests import request_from
from langgraph_orchestra.nodes.selectors import Choice, Floor, Selector, next_in_order
from langgraph_orchestra.nodes.turn import entry
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import (
    ConfigurationError,
    DecisionError,
    SpeakerChoice,
    Stop,
)
from langgraph_orchestra.state.context import Setting, prompt_of

__all__ = ["ByModel", "by_bids", "by_model", "by_person"]

NODE = "selector"

SPEAKER_PROMPT = (
    "You lead a conversation between colleagues who work on a task. Choose who speaks next: "
    "whoever can bring the task furthest now."
)
"""Prompt of the model that chooses the next speaker, where no other is given."""


def by_model(
    model: DeciderLike | None = None,
    *,
    prompt: str | None = None,
    attempts: int = ATTEMPTS,
    may_finish: bool = True,
    fallback: str = "next",
) -> Selector:
    """Let a model choose the next speaker; it reads the whole conversation, whoever reads less.

    An unknown, ambiguous or forbidden name is asked again with the reason. Where only one candidate
    is left, the model is not called, and so cannot finish: of two participants who may not speak
    twice in a row, there is never more than one.

    Args:
        model: Who chooses: a chat model, its name, or an `Agent`, whose prompt and history it is
            given; None takes the chat's `model`, then that of the run.
        prompt: What the model is told; None takes `SPEAKER_PROMPT`.
        attempts: How often it is asked for a valid choice.
        may_finish: Whether it may end the conversation with a final answer.
        fallback: Who speaks when no choice was valid: a participant's name; `next`, the next
            candidate in declared order; or `raise`, which raises `DecisionError`.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: `attempts` is not positive.
    """
    natural_number("attempts", attempts)
    if prompt is not None and not isinstance(prompt, str):
        raise TypeError(f"`prompt` of `by_model` is a str or None, not {prompt!r}")
    if not isinstance(may_finish, bool):
        raise TypeError(f"`may_finish` of `by_model` is a bool, not {may_finish!r}")
    if not isinstance(fallback, str):
        raise TypeError(f"`fallback` of `by_model` is a str, not {fallback!r}")
    return ByModel(_decider(model, prompt), prompt, model is None, attempts, may_finish, fallback)


def by_bids(threshold: float = 0.3, model: DeciderLike | None = None) -> Selector:
    """Let everybody bid for the next turn, side by side; the most confident one speaks.

    A failed or malformed bid counts zero; of equal ones the first declared wins. If no bid reaches
    the threshold, the conversation ends `quiescent`.

    Args:
        threshold: The least confidence that gets the floor, 0 to 1.
        model: Who bids for the candidates; None asks each agent's own model, and the function of a
            `Member(bid=...)`.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: The threshold is not between 0 and 1.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise TypeError(f"`threshold` is a number from 0 to 1, not {threshold!r}")
    if not 0 <= threshold <= 1:
        raise ConfigurationError(f"`threshold` is {threshold}; it must be from 0 to 1")
    return ByBids(threshold, None if model is None else decider_from(model, ""))


def by_person(name: str = "chooser") -> Selector:
    """Let a person choose the next speaker; a blank answer ends the conversation.

    Args:
        name: The person's name, which their node has too.
    """
    return ByPerson(usable_name(name))


def _decider(model: DeciderLike | None, prompt: str | None) -> Decider:
    """Who chooses; the prompt given with the selector comes before that of an agent."""
    decider = decider_from(model, SPEAKER_PROMPT)
    return decider if prompt is None else decider._replace(prompt=prompt)


@dataclass(frozen=True)
class ByModel(Selector):
    """`by_model`."""

    decider: Decider
    prompt: str | None
    takes_default: bool
    attempts: int
    may_finish: bool
    fallback: "Literal['next', 'raise'] | str"
    node = NODE

    @property
    def may_end(self) -> bool:  # type: ignore[override]
        """Whether the model may finish."""
        return self.may_finish

    @property
    def deciders(self) -> Sequence[ModelSource]:  # type: ignore[override]
        """The model."""
        return (self.decider.model,)

    @property
    def policy(self) -> Policy:  # type: ignore[override]
        """That of the agent who chooses."""
        return self.decider.policy

    @property
    def settings(self) -> Sequence[Setting]:  # type: ignore[override]
        """The prompt."""
        about = "System prompt of the model that chooses who speaks next."
        return (Setting(prompt_of(NODE), self.decider.prompt, about, (NODE,)),)

    def with_default(self, model: DeciderLike) -> "ByModel":
        """The same, choosing by this model unless it has one of its own."""
        if not self.takes_default:
            return self
        return replace(self, decider=_decider(model, self.prompt), takes_default=False)

    def between(self, participants: Sequence[Participant]) -> Selector:
        """The same; a fallback who does not take part is refused."""
        names = [participant.name for participant in participants]
        if self.fallback not in ("next", "raise", *names):
            raise ConfigurationError(
                f"`fallback` of `by_model` is `{self.fallback}`; it is 'next', 'raise' or one of "
                f"{', '.join(f'`{name}`' for name in names)}"
            )
        return self

    def choose(self, floor: Floor) -> Steps[Choice]:
        """Ask the model, unless only one candidate is left.

        Raises:
            DecisionError: No choice was valid, and nobody is declared to speak then.
        """
        if len(floor.candidates) == 1:
            return Choice(floor.candidates[0])
        work = Work(NODE, floor.view, floor.execution, floor.scene.budget)
        step = floor.turns + 1
        try:
            choice = yield from self.decider.decide(
                work,
                SpeakerChoice,
                (yield from self._prompt(floor, work)),
                check=lambda choice: self._wrong(choice, floor.candidates),
                attempts=self.attempts,
            )
        except BudgetSpent as spent:
            if spent.work is not work:
                raise
            why = spent.stop.detail
            turn = entry(work, kind="decision", step=step, outcome="cancelled", detail=why)
            return Choice(stop=spent.stop, trail=[turn])
        except DecisionError as error:
            if self.fallback == "raise":
                raise
            speaker = self._stands_in(floor)
            detail = f"{speaker}: {error}"
            turn = entry(work, kind="decision", step=step, outcome="fallback", detail=detail)
            return Choice(speaker, trail=[turn])
        if self.may_finish and choice.finished and choice.final_answer.strip():
            turn = entry(work, kind="decision", step=step, detail=f"finished: {choice.reason}")
            answer = AIMessage(choice.final_answer, name=NODE)
            stop = Stop(reason="completed", detail=choice.reason, by=NODE)
            return Choice(stop=stop, trail=[turn], messages=[answer])
        detail = f"{choice.next_speaker}: {choice.reason}"
        return Choice(
            choice.next_speaker, trail=[entry(work, kind="decision", step=step, detail=detail)]
        )

    def _prompt(self, floor: Floor, work: Work) -> Steps[list[AnyMessage]]:
        read_now = yield from read(self.decider.history or everything(), work)
        everybody = "\n".join(
            f"- {name}: {about}" if about else f"- {name}"
            for name, about in floor.view.speakers.items()
        )
        prompt = work.execution.setting(prompt_of(NODE), self.decider.prompt)
        question = f"Who speaks next? Choose among: {', '.join(floor.candidates)}."
        if self.may_finish:
            question += " Or finish with the final answer, if nothing is left to be said."
        return [
            SystemMessage(f"{prompt}\n\nWho takes part:\n{everybody}"),
            *addressed_to(NODE, read_now),
            HumanMessage(question),
        ]

    def _wrong(self, choice: SpeakerChoice, candidates: Sequence[str]) -> str | None:
        """What is wrong with a choice."""
        if choice.next_speaker in candidates:
            return None
        if choice.finished and self.may_finish:
            if choice.final_answer.strip():
                return None
            return "`finished` needs the complete answer in `final_answer`"
        names = ", ".join(f'"{name}"' for name in candidates)
        cannot_finish = ", and the conversation cannot be finished here" if choice.finished else ""
        return (
            f"`next_speaker` is {choice.next_speaker!r}; it must be one of {names}{cannot_finish}"
        )

    def _stands_in(self, floor: Floor) -> str:
        if self.fallback in floor.candidates:
            return self.fallback
        return next_in_order(floor, list(floor.participants))


@dataclass(frozen=True)
class ByBids(Selector):
    """`by_bids`."""

    threshold: float
    model: Decider | None
    node: str | None = NODE
    may_end = True

    @property
    def deciders(self) -> Sequence[ModelSource]:  # type: ignore[override]
        """The model that bids, where one does so for all."""
        return (self.model.model,) if self.model else ()

    def between(self, participants: Sequence[Participant]) -> Selector:
        """The same, without a node where functions bid for all; who cannot bid is refused."""
        check_bidders(participants, self.model)
        asks = not all(participant.bid for participant in participants)
        return replace(self, node=NODE if asks else None)

    def choose(self, floor: Floor) -> Steps[Choice]:
        """Ask all candidates for their bids, and take the highest."""
        view, step = floor.view, floor.turns + 1
        candidates = [floor.participants[name] for name in floor.candidates]
        bids, turns, stop = yield from bids_of(
            candidates, view, floor.execution, floor.scene, self.model, step=step, node=NODE
        )
        if stop:
            return Choice(stop=stop, trail=turns)
        ranked = sorted(bids, key=lambda name: bids[name].confidence, reverse=True)
        best = bids[ranked[0]]
        work = Work(NODE, view, floor.execution, floor.scene.budget)
        if best.confidence < self.threshold:
            detail = f"no bid reaches {self.threshold}: the highest is {best.confidence}"
            turn = entry(work, kind="decision", step=step, detail=detail)
            return Choice(stop=Stop(reason="quiescent", detail=detail), trail=[*turns, turn])
        detail = f"{ranked[0]}: bids {best.confidence}"
        return Choice(
            ranked[0], trail=[*turns, entry(work, kind="decision", step=step, detail=detail)]
        )


@dataclass(frozen=True)
class ByPerson(Selector):
    """`by_person`."""

    node: str
    may_end: bool = field(default=True, init=False)

    def choose(self, floor: Floor) -> Steps[Choice]:
        """Ask the person."""
        yield from ()
        answers = answer_type(["respond"], blank="ends", choices=floor.candidates)
        work = Work(self.node, floor.view, floor.execution, floor.scene.budget)
        decision = ask_person(
            request_from(
                "choose_speaker",
                {"candidates": list(floor.candidates)},
                _question(floor.view, floor.candidates),
                answers,
                work,
                floor.scene,
            ),
            answers,
        )
        speaker = decision.text if decision else None
        step, chose = floor.turns + 1, speaker or "nobody"
        turn = entry(work, kind="decision", step=step, detail=f"chose {chose}")
        if speaker is None:
            return Choice(stop=Stop(reason="completed", by=self.node), trail=[turn])
        return Choice(speaker, trail=[turn])


def _question(view: View, candidates: Sequence[str]) -> str:
    listed = "\n".join(
        f"{number}. {name}: {about}" if (about := view.speakers.get(name)) else f"{number}. {name}"
        for number, name in enumerate(candidates, 1)
    )
    said: Any = f"{view.last_answer.name}: {view.last_text}" if view.last_answer else view.task
    return f"{said}\n\nWho speaks next? A blank answer ends the conversation.\n{listed}"
