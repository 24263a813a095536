"""Judging what has come of a run, and nothing where nothing has."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from langsmith.evaluation import EvaluationResults, RunEvaluator, run_evaluator

if TYPE_CHECKING:
    from langsmith.evaluation import EvaluationResult
    from langsmith.schemas import Example, Run

__all__ = ["WhereItEnded"]


class WhereItEnded(RunEvaluator):
    """An evaluator that is not asked about a run that has failed: there is nothing to judge."""

    def __init__(self, evaluator: Any) -> None:
        is_ready = isinstance(evaluator, RunEvaluator)
        if not is_ready and not callable(evaluator):
            raise TypeError(
                f"an evaluator is a function of some of `inputs`, `outputs`, `reference_outputs`, "
                f"`run` and `example`, or a `RunEvaluator`, not {evaluator!r}"
            )
        self._evaluator: Any = evaluator if is_ready else run_evaluator(evaluator)

    @property
    def feedback_keys(self) -> list[str]:
        """Under which keys it judges."""
        keys: list[str] = self._evaluator.feedback_keys
        return keys

    def evaluate_run(
        self, run: "Run", example: "Example | None" = None, evaluator_run_id: UUID | None = None
    ) -> "EvaluationResult | EvaluationResults":
        """Judge a run."""
        if run.error:
            return EvaluationResults(results=[])
        judged: EvaluationResult = self._evaluator.evaluate_run(run, example, evaluator_run_id)
        return judged

    async def aevaluate_run(
        self, run: "Run", example: "Example | None" = None, evaluator_run_id: UUID | None = None
    ) -> "EvaluationResult | EvaluationResults":
        """Judge a run."""
        if run.error:
            return EvaluationResults(results=[])
        judged: EvaluationResult
        judged = await self._evaluator.aevaluate_run(run, example, evaluator_run_id)
        return judged
