"""The final answer: written from all results, or forwarded word for word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.history import Reading
from langgraph_orchestra.nodes.member import as_internal
from langgraph_orchestra.nodes.participant import Participant, Reply, Scene, answer_text
from langgraph_orchestra.nodes.supervisor.assignment import told
from langgraph_orchestra.nodes.supervisor.plan import leaves
from langgraph_orchestra.nodes.supervisor.prompts import SYNTHESIS_PROMPT
from langgraph_orchestra.nodes.turn import Taken, entry, take_turn
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, Plan, StepResult

__all__ = ["Synthesis", "synthesis_from"]

NODE = "synthesise"


@dataclass(frozen=True)
class Synthesis:
    """Makes one answer of the results."""

    scene: Scene
    """The graph."""

    writer: Participant | None
    """Who writes it; None forwards."""

    @property
    def forwards(self) -> bool:
        """Whether results go out word for word."""
        return self.writer is None

    @property
    def participants(self) -> Sequence[Participant]:
        """Who writes it, if somebody does."""
        return [self.writer] if self.writer else []

    def run(self, view: View, execution: Execution) -> Steps[Taken]:
        """Make the answer; a limit or a recorded failure leaves none."""
        step = view.turn_number + 1
        if self.writer:
            taken = yield from take_turn(self.writer, view, execution, self.scene, step=step)
        else:
            work = Work(NODE, view, execution, self.scene.budget)
            reply, ids = forwarded(view)
            detail = f"forwards {', '.join(ids)}"
            turn = entry(work, kind="aggregate", step=step, detail=detail)
            taken = Taken(reply, [turn])
        turns = [turn.model_copy(update={"kind": "aggregate"}) for turn in taken.trail]
        return taken._replace(trail=turns)


def synthesis_from(given: Any, model: Any, scene: Scene) -> Synthesis:
    """Who makes the final answer, from what a user gave.

    Args:
        given: `write`, `forward`, or an `Agent`.
        model: The supervisor's; it writes unless the agent names another.
        scene: The graph.

    Raises:
        TypeError: It is nothing of these.
        ConfigurationError: It is another word.
    """
    if given == "forward":
        return Synthesis(scene, None)
    if isinstance(given, str) and given != "write":
        raise ConfigurationError(
            f"`synthesis` is {given!r}; it is 'write', 'forward' or an `Agent` that writes"
        )
    if given == "write":
        given = written_by(model)
    if not isinstance(given, Agent):
        raise TypeError(
            f"`synthesis` is 'write', 'forward' or an `Agent` that writes, not {given!r}"
        )
    if given.model is None:
        given = replace(given, model=model.model if isinstance(model, Agent) else model)
    writer = as_internal(given, scene, NODE)
    writer.history = given.history or Reading(_results_to_read)
    return Synthesis(scene, writer)


def written_by(model: Any) -> Agent:
    """The supervisor itself, as the one who writes."""
    if not isinstance(model, Agent):
        return Agent("writer", SYNTHESIS_PROMPT, model=model)
    prompt = "\n\n".join(filter(None, [model.prompt, SYNTHESIS_PROMPT]))
    return Agent("writer", prompt, model=model.model, policy=model.policy)


def forwarded(view: View) -> tuple[Reply, Sequence[str]]:
    """The results on which no other builds, word for word, and the ids of their steps."""
    results: Mapping[str, StepResult] = view.results
    ids = leaves(Plan.model_validate(view.state["plan"]), results)
    if len(ids) > 1:
        text = "\n\n".join(answer_text(results[one].output) for one in ids)
        return Reply([AIMessage(text, name=NODE)], text), ids
    (only,) = ids
    output = results[only].output
    said = view.state["supervisor_info"].get("answers", {}).get(only)
    message = AIMessage(answer_text(output), name=NODE)
    if said is not None:  # under its own id: a stream shows it once
        message = AIMessage(said.content, name=NODE, id=said.id)
    return Reply([message], output), ids


def _results_to_read(view: View, _: str) -> Sequence[AnyMessage]:
    """The task, and what came of each step."""
    plan = Plan.model_validate(view.state["plan"])
    tasks = {step.id: step.task for step in plan.steps}
    objections = view.state["supervisor_info"].get("objections", {})
    every = {r.step: r for r in (*view.results.values(), *view.failures)}
    parts = [
        _in_short(every[one], tasks[one], objections.get(one)) for one in tasks if one in every
    ]
    return [*view.task_messages, HumanMessage("\n\n".join(parts))]


def _in_short(result: StepResult, task: str, objection: str | None) -> str:
    named = f"{told(result)}: {task}"
    if result.failure:
        return f"{named}\nNo result: {result.failure.type}: {result.failure.message}"
    doubt = "" if objection is None else f"\nNot accepted: {objection or 'no reason given.'}"
    return f"{named}{doubt}\n{answer_text(result.output)}"
