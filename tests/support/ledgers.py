"""What the magentic tests are made of: ledgers, and managers that give them in order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langgraph_orchestra.nodes import View
from langgraph_orchestra.state import PlanStep, ProgressLedger, TaskLedger

Result = Mapping[str, Any]


def plan(*steps: str, **facts: list[str]) -> TaskLedger:
    """A task ledger; a step is written `worker`, or `worker: what to do`."""
    listed = [step.partition(": ") for step in steps]
    kinds = ("facts_given", "facts_to_look_up", "facts_to_derive", "guesses")
    return TaskLedger.model_validate(
        {
            **{kind: facts.get(kind, []) for kind in kinds},
            "plan": [
                PlanStep(id=f"s{number}", worker=worker, task=task or f"do {number}")
                for number, (worker, _, task) in enumerate(listed, 1)
            ],
        }
    )


def progress(
    speaker: Any = "ann",
    instruction: str = "go on",
    *,
    done: Any = False,
    loop: Any = False,
    moving: Any = True,
) -> dict[str, Any]:
    """A progress ledger as a model gives it; also one that is none."""
    return {
        "is_request_satisfied": {"reason": "because of the request", "answer": done},
        "is_in_loop": {"reason": "because of the loop", "answer": loop},
        "is_progress_being_made": {"reason": "because of the progress", "answer": moving},
        "next_speaker": {"reason": "because of the speaker", "answer": speaker},
        "instruction_or_question": {"reason": "because of the question", "answer": instruction},
    }


def stuck(speaker: Any = "ann", instruction: str = "again") -> dict[str, Any]:
    """A ledger that finds no progress."""
    return progress(speaker, instruction, moving=False)


DONE = progress(done=True)
"""A ledger that finds the task done."""


class ScriptedManager:
    """A manager of one's own that gives these ledgers, and notes how it was asked.

    Args:
        assessments: In order, or a function of the view that makes them.
        plans: In order; the last one is given again when they are used up.
        final: The final answer, or a function of the view that makes it; an exception is raised.
    """

    def __init__(
        self,
        assessments: Sequence[Any] | Callable[[View], Any],
        plans: Sequence[Any] = (),
        final: Any = "the end",
    ) -> None:
        self.assessments = assessments if callable(assessments) else iter(assessments)
        self.plans = list(plans)
        self.final = final
        self.asked: list[str] = []

    def plan(self, view: View) -> Any:
        """The first plan."""
        return self._planned("plan", view)

    def replan(self, view: View) -> Any:
        """The next plan."""
        return self._planned("replan", view)

    def assess(self, view: View) -> Any:
        """The next ledger."""
        self.asked.append("assess")
        made = self.assessments
        return given(made(view) if callable(made) else next(made))

    def conclude(self, view: View) -> Any:
        """The final answer."""
        self.asked.append("conclude")
        return given(self.final(view) if callable(self.final) else self.final)

    def _planned(self, method: str, view: View) -> Any:
        self.asked.append(method)
        if not self.plans:
            return plan(next(iter(view.speakers)))
        return given(self.plans.pop(0) if len(self.plans) > 1 else self.plans[0])


def given(what: Any) -> Any:
    """What a script holds; an exception is raised."""
    if isinstance(what, BaseException):
        raise what
    return what


def everybody_once(view: View) -> ProgressLedger:
    """Asks each of the team once, in declared order, for the task itself; then it is done."""
    names = list(view.speakers)
    asked = len(view.state["progress_ledgers"])
    done = asked >= len(names)
    speaker = names[min(asked, len(names) - 1)]
    return ProgressLedger.model_validate(progress(speaker, view.task or "look", done=done))


def counters(result: Result) -> tuple[int, int, int, int]:
    """Turns, rounds, stalls and resets of a run."""
    turns = [t for t in result["trail"] if t.kind in ("agent", "human", "function")]
    return len(turns), result["rounds"], result["stalls"], result["resets"]
