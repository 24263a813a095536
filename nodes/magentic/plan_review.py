"""A person reviews a plan before the work on it begins."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from langgraph_orchestra.nodes.answers import Answer, Decision, DecisionType, ask_person
from langgraph_orchestra.nodes.checks import natural_number
from langgraph_orchestra.nodes.magentic.views import Briefing
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.nodes.planning import wrong_with_steps
from langgraph_orchestra.nodes.requests import request_from
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, PlanStep, TaskLedger

__all__ = ["NODE", "PlanReview", "When", "plan_review_from"]

NODE = "plan_review"

When = Literal["initial", "always"]
"""Which plans are reviewed: the first, or each one."""

_STEPS = TypeAdapter(list[PlanStep])


class PlanAnswer(Answer):
    """What a person answers: approve, edit the plan, respond with what is to change, reject.

    An edit holds the steps, as a list or its JSON; they may come alone, without a decision.
    """

    allowed: ClassVar[Sequence[DecisionType]] = ("approve", "edit", "respond", "reject")
    workers: ClassVar[Sequence[str]] = ()
    """Who may do a step."""

    @classmethod
    def _decision(cls, raw: Any) -> dict[str, Any] | None:
        data = _data_in(raw)
        if _is_plan(data) or (isinstance(data, str) and data.strip().casefold() == "edit"):
            return cls._with_steps(data)
        return super()._decision(data)

    @classmethod
    def _from_mapping(cls, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        if raw.get("type") != "edit":
            return super()._from_mapping(raw)
        edited = raw.get("edited_action") or raw.get("args")
        return cls._with_steps(
            edited.get("args", edited) if isinstance(edited, Mapping) else edited
        )

    @classmethod
    def _with_steps(cls, given: Any) -> dict[str, Any]:
        """An edit with these steps.

        Raises:
            ValueError: They are no plan that could be followed.
        """
        data = _data_in(given)
        plan = _data_in(data["plan"]) if isinstance(data, Mapping) and "plan" in data else data
        try:
            steps = _STEPS.validate_python(plan)
        except ValidationError as invalid:
            told = "; ".join(
                f"`{'.'.join(map(str, e['loc'])) or 'plan'}`: {e['msg']}"
                for e in invalid.errors(include_url=False)
            )
            raise ValueError(f"an `edit` needs the steps, as `args: {_SHAPE}`; {told}") from None
        if problem := wrong_with_steps(steps, cls.workers):
            raise ValueError(problem)
        dumped = [step.model_dump() for step in steps]
        action = {"name": NODE, "args": {"plan": dumped}}
        return {"type": "edit", "edited_action": action, "value": steps}


_SHAPE = "{'plan': [{'id': 's1', 'worker': '...', 'task': '...'}]}"


class PlanReview:
    """Asks a person about plans.

    Args:
        when: Which plans are reviewed.
        max_revisions: How often a plan may be sent back.
        workers: Who may do a step.
        briefing: Facts and plan in words.
    """

    def __init__(
        self, when: When, max_revisions: int, workers: Sequence[str], briefing: Briefing
    ) -> None:
        self.when = when
        self.max_revisions = max_revisions
        self._briefing = briefing
        self.answers: type[Answer] = type(
            "PlanAnswer",
            (PlanAnswer,),
            {"__module__": __name__, "__doc__": Answer.__doc__, "workers": tuple(workers)},
        )

    def ask(self, ledger: TaskLedger, attempt: int, work: Work, scene: Scene) -> Decision:
        """Interrupt the run for what a person decides on a plan.

        Args:
            ledger: Facts and plan.
            attempt: How often this plan has been brought, with this time.
            work: The review in progress.
            scene: The graph.

        Raises:
            AnswerError: The answer cannot be used; it can be given again.
        """
        facts = ledger.model_dump(exclude={"plan"})
        plan = [step.model_dump(exclude={"status"}) for step in ledger.plan]
        shown = self._briefing.facts_and_plan(ledger)
        request = request_from(
            NODE,
            {"plan": plan, "facts": facts, "attempt": attempt},
            f"Approve the plan, edit its steps, say what is to change, or reject it.\n\n{shown}",
            self.answers,
            work,
            scene,
        )
        decision = ask_person(request, self.answers)
        assert decision is not None  # noqa: S101 - a blank answer is refused
        return decision


def plan_review_from(
    when: Any, max_revisions: Any, workers: Sequence[str], briefing: Briefing
) -> PlanReview | None:
    """The review, from what a user gave; None if nothing is reviewed.

    Raises:
        TypeError: `max_plan_revisions` is no int.
        ConfigurationError: `plan_review` is none of its values, or the number is negative.
    """
    natural_number("max_plan_revisions", max_revisions, least=0)
    if when is None:
        return None
    if when not in get_args(When):
        raise ConfigurationError(f"`plan_review` is {when!r}; it is 'initial', 'always' or None")
    return PlanReview(when, max_revisions, workers, briefing)


def _data_in(given: Any) -> Any:
    """What a JSON text holds, where one is given; anything else as it is.

    Raises:
        ValueError: It begins like JSON, but is none: words that are said do not.
    """
    if not isinstance(given, str) or not given.lstrip().startswith(("[", "{")):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise ValueError(f"the answer is no valid JSON: {error}") from None


def _is_plan(data: Any) -> bool:
    """Whether it is steps alone, and no decision in any of its forms."""
    if isinstance(data, Mapping):
        return "plan" in data and "type" not in data
    if not isinstance(data, list | tuple) or not data:
        return False
    return all(isinstance(one, Mapping) and not _DECIDING & one.keys() for one in data)


_DECIDING = {"type", "approved"}
"""Keys of a decision, which no step has."""
