"""Plans of those who manage others, and what came of them.

`Plan`, `TaskLedger`, `ProgressLedger` and `Review` are asked of models, as the schemas of
`decisions.py` are: docstrings and descriptions are what the model is told of them.
"""

from typing import Any, Literal

from pydantic import Field, StrictBool

from langgraph_orchestra.state.records import Failure, Record, with_typed_output

__all__ = [
    "Finding",
    "Instruction",
    "NextSpeaker",
    "Plan",
    "PlanStep",
    "ProgressLedger",
    "Review",
    "StepResult",
    "StepReview",
    "StepStatus",
    "TaskLedger",
]

StepStatus = Literal["pending", "running", "done", "failed"]
"""How far a step of a plan is."""


class PlanStep(Record):
    """One step of a plan, for one worker."""

    id: str = Field(description="Short and unique in the plan, such as `s1`.")
    """Unique in its plan."""

    worker: str = Field(description="Name of who does it, exactly as listed.")
    """Who does it."""

    task: str = Field(description="What is to be done, complete in itself.")
    """What is to be done."""

    expected: str = Field(default="", description="What the result must hold.")
    """What the result must hold; empty if that is plain from the task."""

    depends_on: list[str] = Field(default=[], description="Ids of steps whose results it needs.")
    """Ids of the steps whose results it needs."""

    status: StepStatus = "pending"
    """How far it is."""


class Plan(Record):
    """A plan of work: steps for workers, who each see their step and what it depends on."""

    steps: list[PlanStep] = Field(min_length=1)
    """The steps; those that do not depend on each other may be done at once."""


class TaskLedger(Record):
    """What is known of a task, and the plan for it."""

    facts_given: list[str] = Field(description="Facts that the task itself gives.")
    """Facts that the task gives."""

    facts_to_look_up: list[str] = Field(description="Facts to look up, and where.")
    """Facts to look up."""

    facts_to_derive: list[str] = Field(description="Facts to work out from others.")
    """Facts to work out from others."""

    guesses: list[str] = Field(description="What is likely, from experience, but not sure.")
    """What is likely, but not sure."""

    plan: list[PlanStep] = Field(min_length=1)
    """The steps, each for one of the participants."""


class Finding(Record):
    """An answer to a question, with its reason."""

    reason: str
    """Why."""

    answer: StrictBool
    """Yes or no."""


class NextSpeaker(Record):
    """Who works next, with the reason."""

    reason: str
    """Why."""

    answer: str | list[str] = Field(
        description="A name exactly as listed; several only if they do not need each other."
    )
    """One name, or several whose work is independent."""


class Instruction(Record):
    """What the next speaker is told, with the reason."""

    reason: str
    """Why."""

    answer: str
    """The instruction or question, with all that is needed to follow it."""


class ProgressLedger(Record):
    """How far the work is, and what comes next."""

    is_request_satisfied: Finding = Field(description="Is the whole task done?")
    """Whether the whole task is done."""

    is_in_loop: Finding = Field(description="Is the same asked or answered again and again?")
    """Whether the work repeats itself."""

    is_progress_being_made: Finding = Field(description="Did the latest answers bring it further?")
    """Whether the latest answers brought it further."""

    next_speaker: NextSpeaker
    """Who works next."""

    instruction_or_question: Instruction
    """What they are told."""


class StepReview(Record):
    """A judgement of one step's result."""

    step: str = Field(description="Id of the step.")
    """Id of the step."""

    accepted: StrictBool = Field(description="True if the result can be used as it is.")
    """Whether the result can be used as it is."""

    feedback: str = Field(default="", description="If not: what must change, concretely.")
    """What must change; it reaches the worker."""

    reassign_to: str | None = Field(
        default=None, description="If another must do it over: their name; else null."
    )
    """Who does it over; None leaves it to the same worker."""


class Review(Record):
    """Judgements of all results that have come in, each step once."""

    reviews: list[StepReview]
    """One for each step."""


class StepResult(Record):
    """What came of one step of a plan."""

    step: str
    """Id of the step."""

    worker: str
    """Who brought it, or was to."""

    output: Any = None
    """The answer: text, or the typed object of a worker that declares one."""

    failure: Failure | None = None
    """What went wrong; None where there is an answer."""

    accepted: bool = False
    """Whether the review accepted it."""

    attempts: int = 1
    """How often the step was given to somebody."""

    @property
    def ok(self) -> bool:
        """Whether there is an output."""
        return self.failure is None

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Dump as pydantic does, but leave a typed `output` whole, as `Result` does."""
        return with_typed_output(super().model_dump(**options), self.output, options)
