"""An assignment: all that a worker is given for one step of a plan, and what they bring.

A node that is sent to sees what it was sent and nothing else of the state, so that the other steps
of its wave stay out of its sight.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from langchain_core.messages import AnyMessage, HumanMessage

from langgraph_orchestra.nodes.limits import Spent
from langgraph_orchestra.nodes.participant import answer_text
from langgraph_orchestra.nodes.prompt import shown_to_people
from langgraph_orchestra.nodes.supervisor.prompts import WITHOUT_A_REASON
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.nodes.view import WHOLE_TASK, View
from langgraph_orchestra.nodes.work import SPENT_BEFORE
from langgraph_orchestra.state import PlanStep, RunInfo, StepResult, Stop, Turn

__all__ = ["Assignment", "Brought", "goal_of"]


class Assignment(NamedTuple):
    """A step that is given to a worker."""

    step: PlanStep
    """What is to be done, and by whom."""

    goal: HumanMessage
    """What the whole is for, in one line, with the images of the task."""

    results: Mapping[str, StepResult]
    """What came of the steps it depends on, by their ids."""

    attempt: int = 1
    """How often the step has been given to somebody, with this time."""

    former: StepResult | None = None
    """The answer that is to be revised; None where there is none yet."""

    objection: str = ""
    """What must change."""

    is_out: bool = False
    """Whether the worker's breaker is open."""

    message_id: str = ""
    """Id of the message that tells the worker; no other of the thread has it, since a team with a
    memory would take that for the same message."""

    earlier: Sequence[str] = ()
    """Steps before it in its wave, where one that raises must wait for them."""

    def sent(
        self, thread: Sequence[AnyMessage], spent: Spent, shared: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the worker's node is sent.

        Args:
            thread: What else there is to read, where the worker does.
            spent: What the run has used so far.
            shared: Custom keys of the state.
        """
        return {
            **shared,
            "messages": list(thread),
            SPENT_BEFORE: asdict(spent),
            "assignment": self._asdict(),
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Assignment":
        """What was sent, as records again where a strict server gives plain data back."""
        given = cls(**state["assignment"])
        return given._replace(
            step=PlanStep.model_validate(given.step),
            results={key: StepResult.model_validate(r) for key, r in given.results.items()},
            former=given.former and StepResult.model_validate(given.former),
        )

    def seen_in(self, state: Mapping[str, Any], view: View) -> View:
        """The worker's view: `task` is what it is to do, `results` are those it depends on.

        Args:
            state: What the node was sent.
            view: The view of it.
        """
        thread = list(state["messages"])
        info = RunInfo(first_message=len(thread), input_messages=1, first_turn=0)
        values = {"run_info": info, "step": self.step, "results": self.results}
        return view.after([self.brief()], [], {**values, WHOLE_TASK: self.goal.text})

    def brief(self) -> HumanMessage:
        """What the worker reads."""
        parts = [f"Goal: {self.goal.text}", f"Your step: {self.step.task}"]
        if self.step.expected:
            parts[-1] += f"\nExpected: {self.step.expected}"
        parts += [f"Result of {told(r)}:\n{answer_text(r.output)}" for r in self.results.values()]
        if self.former:
            whose = "Your" if self.former.worker == self.step.worker else f"{self.former.worker}'s"
            parts.append(f"{whose} former answer:\n{answer_text(self.former.output)}")
        if self.former or self.objection:
            parts.append(f"What must change: {self.objection or WITHOUT_A_REASON}")
        text = "\n\n".join(parts)
        images = shown_to_people(self.goal.content)
        content: Any = [{"type": "text", "text": text}, *images] if images else text
        return HumanMessage(content, id=self.message_id)


class Brought(NamedTuple):
    """What a worker brings to the review."""

    result: StepResult
    """What came of the step, this time."""

    messages: Sequence[AnyMessage]
    """The message with the answer, where it may be forwarded; else none."""

    trail: Sequence[Turn]
    """Its entries in the trail."""

    limit: Stop | None
    """The limit that stopped it."""

    @classmethod
    def of(cls, assignment: Assignment, taken: Taken, *, keeps_answer: bool) -> "Brought":
        """What a turn has brought.

        Args:
            assignment: What it was for.
            taken: The turn.
            keeps_answer: Whether the message with the answer may be forwarded.
        """
        step = assignment.step
        result = StepResult(
            step=step.id,
            worker=step.worker,
            output=None if taken.failure else taken.reply.output,
            failure=taken.failure,
            attempts=assignment.attempt,
        )
        answer = list(taken.reply.messages)[-1:] if keeps_answer else []
        return cls(result, answer, list(taken.trail), taken.stop)

    @classmethod
    def restored(cls, record: Mapping[str, Any], known: Container[Any]) -> "Brought":
        """What was kept of it, as records again where a strict server gives plain data back.

        Args:
            record: What was kept.
            known: Path and time of entries that the trail has: a team with a memory of its own
                brings those of its earlier turns once more.
        """
        limit, turns = record["limit"], map(Turn.model_validate, record["trail"])
        return cls(
            StepResult.model_validate(record["result"]),
            record["messages"],
            [turn for turn in turns if (turn.path, turn.started_at) not in known],
            limit and Stop.model_validate(limit),
        )


def goal_of(view: View) -> HumanMessage:
    """What the whole is for: the task in one line, with its images."""
    text = " ".join(view.task.split())
    images = [block for message in view.task_messages for block in shown_to_people(message.content)]
    return HumanMessage([{"type": "text", "text": text}, *images] if images else text)


def told(result: StepResult) -> str:
    """Whose result it is."""
    return f"{result.step} by {result.worker}"
