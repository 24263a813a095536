"""What is read in a managed team: by those who work, and by the manager who leads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from langgraph_orchestra.nodes.history import Reading
from langgraph_orchestra.nodes.magentic.plans import latest_plan
from langgraph_orchestra.nodes.magentic.prompts import MagenticPrompts
from langgraph_orchestra.nodes.view import View, best_so_far
from langgraph_orchestra.state import PlanStep, TaskLedger

__all__ = ["MANAGER", "Briefing", "best_turn", "directed", "with_notes"]

MANAGER = "manager"
"""Name of the node that leads, and of who speaks in it."""


@dataclass(frozen=True)
class Briefing:
    """The facts and the plan, and the instructions, in the words of the prompts."""

    prompts: MagenticPrompts

    def history(self) -> Reading:
        """Read the task, the facts and the plan, the answers since it was made, one's instruction.

        Others' instructions are left out: their answers tell enough.
        """
        return Reading(self._pick)

    def besides(self, view: View) -> Sequence[AnyMessage]:
        """What is read besides any other history: the facts and the plan, one's instruction."""
        return [self.message(view.state), view.messages[-1]]

    def message(self, state: Mapping[str, Any]) -> HumanMessage:
        """The facts and the plan that hold, for a prompt."""
        ledger = latest_plan(state)
        return HumanMessage("" if ledger is None else self.facts_and_plan(ledger), name=MANAGER)

    def facts_and_plan(self, ledger: TaskLedger) -> str:
        """Facts and plan in words: the facts there are, then each step on a line of its own."""
        kinds = ("facts_given", "facts_to_look_up", "facts_to_derive", "guesses")
        lines = []
        for kind in kinds:
            if facts := getattr(ledger, kind):
                lines += [getattr(self.prompts, kind), *(f"- {fact}" for fact in facts)]
        return "\n".join([*lines, self.prompts.steps, *map(_step_text, ledger.plan)])

    def instruction(self, names: Sequence[str], words: str) -> AIMessage:
        """An instruction as it is stored: with whom it is for, since later on others read it."""
        return AIMessage(f"{self.prompts.to} {', '.join(names)}: {words}", name=MANAGER)

    def _pick(self, view: View, _: str) -> Sequence[AnyMessage]:
        since = view.messages[view.state["magentic_info"]["plan_began"] :]
        answers = [m for m in since[:-1] if not (m.type == "ai" and m.name == MANAGER)]
        return [*view.task_messages, self.message(view.state), *answers, *since[-1:]]


def _step_text(step: PlanStep) -> str:
    """A step with its worker, and how far it is once it is begun."""
    after = f", after {', '.join(step.depends_on)}" if step.depends_on else ""
    status = "" if step.status == "pending" else f", {step.status}"
    expected = f" -> {step.expected}" if step.expected else ""
    return f"{step.id} ({step.worker}{after}{status}): {step.task}{expected}"


def directed(view: View, words: str) -> View:
    """The run as it looks to who is to work: the last thing in it is what they are to do.

    In the thread that is a message of the manager to several perhaps, and a person may have changed
    it since; and a nested team takes a message of a person's for its task.
    """
    *before, stored = view.messages
    asked = HumanMessage(words, name=MANAGER, id=stored.id)
    return View({**view.state, "messages": [*before, asked]}, view.speakers, view.prefix)


def with_notes(messages: Sequence[AnyMessage], view: View) -> Sequence[AnyMessage]:
    """Messages of the thread with what was noted between them: failures, refusals, changes.

    Args:
        messages: What is read of the thread.
        view: The run so far.
    """
    notes = list(view.state.get("manager_notes") or ())
    if not notes:
        return messages
    read: list[AnyMessage] = []
    places = {id(message): place for place, message in enumerate(view.messages, 1)}
    for message in messages:
        place = places.get(id(message), 0)
        while notes and notes[0]["after"] < place:
            read.append(HumanMessage(notes.pop(0)["text"]))
        read.append(message)
    return [*read, *(HumanMessage(note["text"]) for note in notes)]


def best_turn(view: View) -> Any:
    """What a run without a final answer has to show: the last answer of somebody who worked.

    Instructions of the manager are no answers.
    """
    began = len(view.messages) - len(view.said)
    answers = [message for message in view.said if message.name != MANAGER]
    spoken = {**view.state, "messages": [*view.messages[:began], *answers]}
    return best_so_far(View(spoken, view.speakers, view.prefix))
