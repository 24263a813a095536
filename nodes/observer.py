"""An observer: a person who is asked before every turn of a conversation, and may say something."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import HumanMessage

from langgraph_orchestra.nodes.answers import Answer, answer_type, ask_person
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.human import Human, HumanParticipant
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.nodes.requests import request_from
from langgraph_orchestra.nodes.turn import entry
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError

__all__ = ["Observer", "observer_from"]


@dataclass(frozen=True)
class Observer:
    """A person who steers a conversation between its turns."""

    person: HumanParticipant
    answers: type[Answer]

    @property
    def name(self) -> str:
        """The person's name."""
        return self.person.name

    def remark(
        self, view: View, candidates: Sequence[str], step: int, execution: Execution, scene: Scene
    ) -> Steps[dict[str, Any]]:
        """Ask whether they want to say something before the next turn.

        Returns:
            The update that keeps what they said; a remark is no turn.
        """
        work = Work(self.name, view, execution, scene.budget)
        asked = yield from self.person.asked(work)
        message = view.last_text or view.task
        about = self.person.description or "Say something before the next turn, or approve."
        decision = ask_person(
            request_from(
                "observe",
                {"candidates": list(candidates), "message": message},
                asked or f"{about}\n\n{message}",
                self.answers,
                work,
                scene,
            ),
            self.answers,
        )
        said = decision.text if decision and decision.type == "respond" else ""
        words = said or (self.person.human.default or "" if decision is None else "")
        turn = entry(work, kind="decision", step=step, detail=words or "went on")
        messages = [HumanMessage(words, name=self.name)] if words else []
        return {"messages": messages, "trail": [turn]}


def observer_from(given: Any, scene: Scene) -> Observer:
    """An observer from what a user gave.

    Raises:
        TypeError: It is no person.
        ConfigurationError: They have a role, or answer in a type: an observer has words only.
    """
    if not isinstance(given, Human):
        raise TypeError(f"`observer` is a `Human` or None, not {given!r}")
    for setting in ("role", "schema"):
        if getattr(given, setting) is not None:
            raise ConfigurationError(
                f"`{setting}` of `{given.name}` means nothing to an observer, who may say "
                f"something or approve; leave it out"
            )
    return Observer(
        HumanParticipant(given, scene),
        answer_type(["approve", "respond"], blank="goes_on", default=given.default),
    )
