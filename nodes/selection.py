"""Which branches of a concurrent graph run for this task: by a function, or by a model."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field

from langgraph_orchestra.nodes.decider import Decider, decider_from, is_decider
from langgraph_orchestra.nodes.driver import Execution, Steps, apply
from langgraph_orchestra.nodes.participant import Participant, Scene, speakers
from langgraph_orchestra.nodes.turn import entry
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import ConfigurationError, Stop, Turn

__all__ = ["BranchChoice", "BranchSelection", "branch_selection"]

SELECTION_PROMPT = "Choose who should work on the task: everyone whose part it needs, nobody else."
"""Prompt of the model that picks the branches, where no `Agent` gives another."""


def _several(value: Any) -> Any:
    """One name as a list of one, as models write it where one is enough."""
    return [value] if isinstance(value, str) else value


class BranchChoice(BaseModel):
    """Who works on the task."""

    branches: Annotated[list[str], BeforeValidator(_several)] = Field(
        description="Names of those who work on it, exactly as listed.",
        validation_alias=AliasChoices("branches", "next_speaker", "participants", "names"),
    )
    reason: str = Field(default="", description="Why, in one sentence.")


@dataclass(frozen=True)
class BranchSelection:
    """How branches are picked."""

    names: Sequence[str]
    """The branches there are, as declared."""

    scene: Scene
    """The graph."""

    function: Callable[[View], Any] | None = None
    """Picks them, where a function does."""

    decider: Decider | None = None
    """Picks them, where a model does."""

    def pick(self, view: View) -> Steps[list[str]]:
        """Let the function pick.

        Raises:
            ConfigurationError: It picked nobody, or somebody there is not.
        """
        assert self.function is not None  # noqa: S101 - for the type checker
        picked = yield apply(self.function, view)
        if isinstance(picked, str) or not isinstance(picked, Sequence):
            raise ConfigurationError(f"`select` returned {picked!r}; it returns a list of names")
        if wrong := self._wrong(picked):
            raise ConfigurationError(f"`select` {wrong}")
        return self._declared(picked)

    def decide(
        self, view: View, execution: Execution
    ) -> Steps[tuple[list[str], Turn, Stop | None]]:
        """Let the model pick; an unusable choice is asked again with the reason.

        Returns:
            The branches, the trail's entry, and the limit that left nothing to ask again with.

        Raises:
            DecisionError: No choice was usable.
        """
        assert self.decider is not None  # noqa: S101 - for the type checker
        work = Work("selector", view, execution, self.scene.budget)
        listed = "\n".join(f"- {name}: {about or name}" for name, about in view.speakers.items())
        step = view.next_step
        try:
            choice = yield from self.decider.decide(
                work,
                BranchChoice,
                [SystemMessage(f"{self.decider.prompt}\n\n{listed}"), HumanMessage(view.task)],
                check=lambda choice: self._wrong(choice.branches),
            )
        except BudgetSpent as spent:
            why = spent.stop.detail
            turn = entry(work, kind="decision", step=step, outcome="cancelled", detail=why)
            return [], turn, spent.stop
        picked = self._declared(choice.branches)
        detail = f"{', '.join(picked)}: {choice.reason}" if choice.reason else ", ".join(picked)
        return picked, entry(work, kind="decision", step=step, detail=detail), None

    def _wrong(self, picked: Sequence[str]) -> str | None:
        """What is wrong with a choice."""
        valid = json.dumps(list(self.names))
        if not picked:
            return f"picked nobody; pick at least one of {valid}"
        unknown = [name for name in picked if name not in self.names]
        return f"picked `{unknown[0]}`, who is not there; pick among {valid}" if unknown else None

    def _declared(self, picked: Sequence[str]) -> list[str]:
        return [name for name in self.names if name in picked]


def branch_selection(
    select: Any, branches: Sequence[Participant], scene: Scene
) -> BranchSelection | None:
    """How branches are picked, from what the user gave; None runs all.

    Raises:
        TypeError: It is neither a function nor a decider.
    """
    names = list(speakers(branches))
    if select is None:
        return None
    if is_decider(select):
        return BranchSelection(names, scene, decider=decider_from(select, SELECTION_PROMPT))
    if callable(select):
        return BranchSelection(names, scene, function=select)
    raise TypeError(
        f"`select` is a function of a `View`, a chat model, its name or an `Agent`, not {select!r}"
    )
