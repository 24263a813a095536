"""How far a plan is: what came of its steps, what was said of it, and which steps come next."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.types import Overwrite

from langgraph_orchestra.nodes.participant import answer_text
from langgraph_orchestra.nodes.supervisor.assignment import Assignment, Brought
from langgraph_orchestra.nodes.supervisor.plan import (
    CutOff,
    cut_off,
    in_plan_order,
    leaves,
    ready,
    with_steps,
)
from langgraph_orchestra.nodes.supervisor.review import done, kept, settled
from langgraph_orchestra.state import Plan, PlanStep, Review, StepResult, Turn

__all__ = ["Progress"]


class Progress(NamedTuple):
    """A plan and what came of it; each change gives a new one."""

    plan: Plan
    """The plan, with the status of its steps."""

    results: Mapping[str, StepResult] = {}
    """What came of the steps, in the order of the plan."""

    objections: Mapping[str, str] = {}
    """What the latest review wants changed in results it has not accepted."""

    answers: Mapping[str, AnyMessage] = {}
    """The message with the answer of the last step, where it is to be forwarded."""

    output: Any = ""
    """The best answer so far: the latest that is not empty, of a person only if nobody else has
    given one."""

    stored: Mapping[str, StepResult] = {}
    """The results as they stand in the state."""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Progress":
        """As it stands in the state."""
        info, results = state["supervisor_info"], state["results"]
        stored = {step: StepResult.model_validate(result) for step, result in results.items()}
        return cls(
            Plan.model_validate(state["plan"]),
            stored,
            info.get("objections", {}),
            info.get("answers", {}),
            state["output"],
            stored,
        )

    def written(self) -> dict[str, Any]:
        """The update that keeps it; of the results what is new, if that leaves their order."""
        new = {s: r for s, r in self.results.items() if self.stored.get(s) is not r}
        is_order_kept = list({**self.stored, **new}) == list(self.results)
        return {
            "plan": self.plan,
            "results": new if is_order_kept else Overwrite(self.results),
            "output": self.output,
            "supervisor_info": {"objections": self.objections, "answers": self.answers},
        }

    def wave(
        self, records: Mapping[str, Any], trail: Sequence[Turn]
    ) -> Mapping[str, tuple[PlanStep, Brought]]:
        """The steps that have just been done, and what was brought, in the plan's order.

        Args:
            records: What was brought.
            trail: The thread's, before that.
        """
        known = {(turn.path, turn.started_at) for turn in trail}
        return {
            step.id: (step, Brought.restored(records[step.id], known))
            for step in self.plan.steps
            if step.id in records
        }

    def taken_in(self, wave: Sequence[Brought], people: Collection[str]) -> "Progress":
        """With what a wave has brought, before anybody has judged it.

        Args:
            wave: What was brought.
            people: Names of the workers who are persons.
        """
        new = {b.result.step: kept(b.result, self.results.get(b.result.step)) for b in wave}
        last = leaves(self.plan, [step.id for step in self.plan.steps])
        said = {b.result.step: m for b in wave if b.result.ok for m in b.messages}
        said = {step: m for step, m in said.items() if [step] == last}
        return self._replace(
            plan=with_steps(self.plan, {step: {"status": done(r)} for step, r in new.items()}),
            results=in_plan_order(self.plan, {**self.results, **new}),
            answers={**self.answers, **said},
            output=self._best([b.result for b in wave], people),
        )

    def judged(
        self, wave: Sequence[Brought], review: Review, before: "Progress", max_revisions: int
    ) -> "Progress":
        """With what a review says; steps that are to be done over are `running`.

        Args:
            wave: What was brought.
            review: What was said of it.
            before: How it was before the wave.
            max_revisions: How often a step may be done over.
        """
        verdicts = {verdict.step: verdict for verdict in review.reviews}
        new = {
            step: settled(b.result, before.results.get(step), verdicts[step], max_revisions)
            for b in wave
            for step in [b.result.step]
        }
        objections = {s: o for s, o in self.objections.items() if s not in new}
        objections |= {s: one.objection for s, one in new.items() if one.objection is not None}
        return self._replace(
            plan=with_steps(
                self.plan, {s: {"status": o.status, "worker": o.worker} for s, o in new.items()}
            ),
            results={**self.results, **{step: one.result for step, one in new.items()}},
            objections=objections,
        )

    def without_the_cut_off(self) -> tuple["Progress", Sequence[CutOff]]:
        """With the steps marked failed that a failed one keeps from being done; and these."""
        lost = cut_off(self.plan)
        plan = with_steps(self.plan, {one.step.id: {"status": "failed"} for one in lost})
        results = {**self.results, **{one.step.id: one.result for one in lost}}
        return self._replace(plan=plan, results=in_plan_order(plan, results)), lost

    @property
    def running(self) -> Sequence[PlanStep]:
        """The steps under way: those of a wave, or after its review those to be done over."""
        return [step for step in self.plan.steps if step.status == "running"]

    def going_on(self, *, parallel: bool) -> "Progress":
        """With the next wave under way: what is to be done over, and what can begin.

        Args:
            parallel: Whether there may be several; else a revision comes first.
        """
        can_begin = ready(self.plan)
        if not parallel:
            can_begin = [] if self.running else can_begin[:1]
        begun = {step.id: {"status": "running"} for step in can_begin}
        return self._replace(plan=with_steps(self.plan, begun))

    def at_rest(self) -> "Progress":
        """With nothing under way: what was to be done over stays as it is."""
        left = {s.id: {"status": done(self.results[s.id])} for s in self.running}
        return self._replace(plan=with_steps(self.plan, left))

    def assignment(self, step: PlanStep, goal: HumanMessage) -> Assignment:
        """What the worker of a step is given.

        Args:
            step: The step.
            goal: What the whole is for.
        """
        before = self.results.get(step.id)
        return Assignment(
            step,
            goal,
            {needed: self.results[needed] for needed in dict.fromkeys(step.depends_on)},
            attempt=before.attempts + 1 if before else 1,
            former=before if before and before.ok else None,
            objection=self.objections.get(step.id, ""),
        )

    def _best(self, new: Sequence[StepResult], people: Collection[str]) -> Any:
        """The best answer so far."""
        answers = [r for r in new if answered(r)]
        by_others = [r for r in answers if r.worker not in people]
        if by_others or not answers:
            return by_others[-1].output if by_others else self.output
        has_better = any(r.worker not in people for r in self.results.values() if answered(r))
        return self.output if has_better else answers[-1].output


def answered(result: StepResult) -> bool:
    """Whether a result holds something to show."""
    return result.ok and bool(answer_text(result.output).strip())
