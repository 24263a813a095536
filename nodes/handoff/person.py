"""`Counterpart`: the person a handoff graph talks with.

The conversation returns to them whenever an agent answers without handing over. They are also asked
whether a run may go on that has reached its bound.
"""

from typing import Any

from langgraph_orchestra.nodes.answers import answer_type, ask_person
from langgraph_orchestra.nodes.driver import Steps
from langgraph_orchestra.nodes.handoff.note import note_text
from langgraph_orchestra.nodes.human import Human, HumanParticipant
from langgraph_orchestra.nodes.participant import Reply, Scene
from langgraph_orchestra.nodes.requests import request_from
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, Handoff, Stop

__all__ = ["Counterpart", "as_counterpart"]


class Counterpart(HumanParticipant):
    """The person whom the conversation returns to.

    A blank answer ends the run, unless the `Human` has a `default`.
    """

    def __init__(self, human: Human, scene: Scene, **options: Any) -> None:
        super().__init__(human, scene, **options)
        self._answers = answer_type(
            ("respond",), blank="ends", default=human.default, value_type=human.schema
        )
        self._permissions = answer_type(("respond", "reject"), blank="ends")

    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Pause for the person; a blank answer says nothing."""
        escalation = (work.view.state.get("handoff_info") or {}).get("escalation")
        if escalation:
            request = self._escalation(Stop.model_validate(escalation), work, scene)
            decision = ask_person(request, self._permissions)
        else:
            asked = yield from self.asked(work)
            decision = ask_person(self._question(work, scene, asked), self._answers)
            decision = decision or self._default
        return Reply(detail="nothing to add") if decision is None else self._reply(decision)

    def _question(self, work: Work, scene: Scene, asked: str | None) -> dict[str, Any]:
        return super()._question(work, scene, asked or _handed_to(self.name, work))

    def _escalation(self, stop: Stop, work: Work, scene: Scene) -> dict[str, Any]:
        message = f"The conversation does not come to an end: {stop.detail}."
        latest = work.view.last_text
        about = (
            f"{message} Say how it goes on, or leave it blank to end it here."
            f"{chr(10) * 2 + latest if latest else ''}"
        )
        args = {"reason": stop.reason, "message": message}
        return request_from("escalation", args, about, self._permissions, work, scene)


def as_counterpart(given: Any, scene: Scene) -> Counterpart | None:
    """The person, from what the user gave as `human`.

    Raises:
        TypeError: It is neither a name nor a `Human`.
        ConfigurationError: It is a person who reviews.
    """
    if given is None:
        return None
    human = Human(given) if isinstance(given, str) else given
    if not isinstance(human, Human):
        raise TypeError(f"`human` is a `Human`, a name or None, not {given!r}")
    if human.role == "review":
        raise ConfigurationError(
            f"`{human.name}` reviews, but the conversation returns to a person who answers; leave "
            f"out `role`"
        )
    return Counterpart(human, scene)


def _handed_to(name: str, work: Work) -> str | None:
    """What a person reads who was handed over to in the latest turn, or by a rule after it."""
    view = work.view
    handoffs = view.state.get("handoffs") or ()
    taken = [h for h in handoffs if h.target == name and h.outcome == "accepted"]
    if not taken or view.last is None or taken[-1].at < view.last.started_at:
        return None
    last: Handoff = taken[-1]
    spoken = [message for message in view.said if message.type != "tool"][-1:]
    words = [message.text for message in spoken if message.name == last.source]
    return "\n\n".join(filter(None, [*words, f"{last.source}: {note_text(last)}"]))
