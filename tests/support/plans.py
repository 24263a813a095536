"""Plans and reviews for the supervisor's tests, and models that make them."""

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from langgraph_orchestra import state
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes.supervisor.prompts import REVIEW_PROMPT

Plan = dict[str, Any]
Review = dict[str, Any]


def plan(*steps: str, **tasks: str) -> Plan:
    """A plan, each step written shortly: `s1 ann`, or `s2 bob: s1 s0` for one that needs others."""
    return {"steps": [_step(step, tasks) for step in steps]}


def _step(short: str, tasks: dict[str, str]) -> dict[str, Any]:
    head, _, needed = short.partition(":")
    name, worker = head.split()
    task = tasks.get(name, f"Do {name}.")
    return {"id": name, "worker": worker, "task": task, "depends_on": needed.split()}


def review(*verdicts: str, **feedback: str) -> Review:
    """A review, each verdict written shortly: `s1` accepts, `s1 no` does not, `s1 bob` gives it to
    bob.

    Args:
        verdicts: In short.
        feedback: By the step's id.
    """
    return {"reviews": [_verdict(verdict, feedback) for verdict in verdicts]}


def _verdict(short: str, feedback: dict[str, str]) -> dict[str, Any]:
    step, _, said = short.partition(" ")
    verdict = {"step": step, "accepted": not said, "feedback": feedback.get(step, "")}
    return {**verdict, "reassign_to": said} if said not in ("", "no") else verdict


def in_order() -> ScriptedModel:
    """A supervisor that gives each worker one step, one after another, and accepts everything."""

    def decide(messages: list[BaseMessage]) -> Any:
        told, asked = messages[0].text, messages[-1].text
        if REVIEW_PROMPT in told:
            return review(*reviewed_in(asked))
        names = re.findall(r"^- ([\w-]+)", told, re.MULTILINE)
        return plan(*(f"s{n} {name}:{f' s{n - 1}' if n else ''}" for n, name in enumerate(names)))

    return ScriptedModel(decide, usage=None)


def reviewed_in(text: str) -> Sequence[str]:
    """Ids of the steps that a reviewer is to review."""
    return re.findall(r"^(\S+) by [\w-]+: ", text, re.MULTILINE)


def plan_of(*steps: str, **tasks: str) -> state.Plan:
    """A plan as an object."""
    return state.Plan.model_validate(plan(*steps, **tasks))


def boss(*replies, **options):
    """A supervisor's model that decides so, in this order."""
    return ScriptedModel(list(replies), **options)


def read_in(model, number):
    """What a model was sent in one of its calls, with the system prompt."""
    return "\n".join(message.text for message in model.calls[number].messages)


def steps(result):
    """The results in short: who brought what, was it accepted, and in which attempt."""
    return {
        name: (r.worker, r.output, r.accepted, r.attempts) for name, r in result["results"].items()
    }


def statuses(result):
    """How far each step is."""
    return {step.id: step.status for step in result["plan"].steps}
