"""Maker-checker: one makes drafts, others judge them, until one is approved or rounds run out.

Use it when quality can be judged more reliably than it is reached: text that must keep to rules,
code that must pass a review, figures that must add up. Do not use it when the checker would have to
do the work again to judge it (`create_concurrent` with `majority()`), or when the two are to talk
(`create_group_chat`).

                  +---- feedback ----+
                  v                  |
    intake ---> maker -----------> checker ---> END
                  |                              ^
                  +-> legal ---+                 |
                  +-> tone ----+--> join --------+    several checkers work side by side
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langgraph.graph import END, START
from langgraph.types import Command, Overwrite

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.checker import Check, Checker, asked_for_verdict
from langgraph_orchestra.nodes.checks import natural_number
from langgraph_orchestra.nodes.conditions import Condition, as_condition
from langgraph_orchestra.nodes.drafts import task_and_draft, to_revise, verdicts_in
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.fanout import Fanout, in_order
from langgraph_orchestra.nodes.follow_up import entered_again, keeping_turn, saved_alone
from langgraph_orchestra.nodes.history import History
from langgraph_orchestra.nodes.human import HumanParticipant
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene, refuse_when, speakers
from langgraph_orchestra.nodes.shared import after_update
from langgraph_orchestra.nodes.turn import Taken, stop_by, take_turn
from langgraph_orchestra.nodes.verdict import best_draft, check_keyword
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConfigurationError, MakerCheckerState, Stop
from langgraph_orchestra.state.context import Setting

__all__ = ["create_maker_checker"]


def create_maker_checker(
    maker: ParticipantLike,
    checker: ParticipantLike | Sequence[ParticipantLike],
    *,
    max_rounds: int = 3,
    quorum: int | None = None,
    approve_on: str | None = None,
    history: History | None = None,
    limits: Limits | None = None,
    stop_when: Condition | Any = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph in which a maker revises a draft until the checker approves it.

    A checker may be an `Agent`, which is asked for a `Verdict`; a function, a graph or a Runnable,
    which answers with a `Verdict`, a bool, or a text (feedback on a draft that is not approved); a
    person (`Human`), who approves the draft, edits it (which approves what they have written),
    rejects it with feedback, or, without feedback, ends the run.

    Args:
        maker: Who makes the drafts: an agent, a person, a function, a graph.
        checker: Who judges them: one participant, or a list of several that work side by side.
        max_rounds: How many drafts are made and checked; 3 by default.
        quorum: How many of several checkers must approve; None is all of them. Who has failed to
            give a verdict has not approved.
        approve_on: The line with which a checker approves in plain text, such as `"APPROVED"`, as
            the first or the last of its answer; the rest is feedback. Agents are not asked for a
            `Verdict` then; tell them in their prompt.
        history: What maker and checkers read unless they say otherwise. None is: the maker reads
            the task, its latest draft, and what was said of all of them; a checker reads the task
            and the latest draft.
        limits: Budget of a run; None has none.
        stop_when: Ends the run, with the best draft, when it fires after a draft or a check.
        state_schema: Subclass of `MakerCheckerState` with keys of your own.
        context_schema: The run's context; None is an `OrchestrationContext` in which a caller can
            also set the agents' prompts and lower the bounds; one of your own leaves them fixed.

    Returns:
        An uncompiled graph over `MakerCheckerState`. `output` is the approved draft itself, typed
        if the maker's answers are; `drafts`, `verdicts` and `rounds` tell how it came about. `stop`
        is `approved`; `round_limit`; `terminated` (by `stop_when`); `rejected` (by a person); or
        `failed` (the maker, or every checker, has failed, and their policy records that); or the
        limit that was reached. Without approval, `output` is the draft with the highest score if
        all were scored, else the last; after `rejected`, it is the last.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, role, type of answer, limit or schema cannot be used.
    """
    natural_number("max_rounds", max_rounds)
    check_keyword(approve_on)
    budget = check_limits(limits)
    condition = None if stop_when is None else as_condition(stop_when)
    given = list(checker) if isinstance(checker, list | tuple) else [checker]
    check_quorum(quorum, len(given))
    scene = Scene(
        "maker_checker", history or to_revise(), budget, human_role="review", opening_role="answer"
    )
    scene, (author, *others), schema = scene_of(
        "maker_checker",
        scene,
        [maker, *(asked_for_verdict(one, approve_on) for one in given)],
        state_schema,
        MakerCheckerState,
    )
    loop = Loop(
        author,
        [Checker(one, author.name, approve_on) for one in others],
        scene,
        replace(scene, history=history or task_and_draft(author.name)),
        max_rounds,
        quorum or len(given),
        condition,
    )

    graph = PatternGraph(
        "maker_checker",
        schema,
        MakerCheckerState,
        loop.everybody,
        deciders=loop.deciders,
        context_schema=context_schema,
        settings=[Setting("max_rounds", max_rounds, "How many drafts are made and checked.")],
        threads=len(given),
        supersteps=3 * max_rounds,
    )
    graph.add_steps("intake", loop.intake)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", author.name)
    graph.add_steps(
        author.name,
        loop.make,
        policy=author.policy,
        inner=author.inner,
        routes=loop.routes_after_draft,
        description=author.description,
    )
    for one in loop.checkers:
        graph.add_steps(
            one.name,
            loop.check_beside(one) if loop.joins else loop.check_alone,
            policy=one.policy,
            inner=one.inner,
            routes=None if loop.joins else loop.routes_after_round,
            description=one.description,
        )
        if loop.joins:
            graph.add_edge(one.name, "join")
    if loop.joins:
        graph.add_steps("join", loop.join, routes=loop.routes_after_round)
    return graph


@dataclass(frozen=True)
class Loop:
    """Who drafts, who judges, and how long."""

    maker: Participant
    checkers: Sequence[Checker]
    scene: Scene
    checkers_scene: Scene
    max_rounds: int
    quorum: int
    stop_when: Condition | None

    def __post_init__(self) -> None:
        refuse_when(self.everybody, "here every draft is made and checked")
        if isinstance(self.maker, HumanParticipant) and self.maker.reviews:
            raise ConfigurationError(
                f"`{self.maker.name}` makes the drafts, so there is nothing they could review; "
                f"leave their `role` out"
            )

    @property
    def everybody(self) -> Sequence[Participant]:
        """The maker and the checkers."""
        return [self.maker, *self.checkers]

    @lazy
    def speakers(self) -> Mapping[str, str]:
        """Names and descriptions of all."""
        return speakers(self.everybody)

    @property
    def deciders(self) -> Sequence[ModelSource]:
        """Models that decide between turns."""
        return self.stop_when.deciders if self.stop_when else ()

    @property
    def joins(self) -> bool:
        """Whether there are several verdicts to put together."""
        return len(self.checkers) > 1

    @property
    def routes_after_draft(self) -> Sequence[str]:
        """Where a draft may lead."""
        may_fail = self.maker.policy.on_failure == "record"
        early = self.stop_when or self.scene.budget.limits or may_fail
        return [*(one.name for one in self.checkers), *([END] if early else [])]

    @property
    def routes_after_round(self) -> Sequence[str]:
        """Where a check may lead; after the only round, there is nothing to revise for."""
        return [self.maker.name, END] if self.max_rounds > 1 else [END]

    # What happens in the nodes

    def view(self, state: Mapping[str, Any], execution: Execution) -> View:
        """The run so far."""
        return View(state, self.speakers, execution.prefix)

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Begin a run."""
        yield from ()
        update = begin_run(state, execution, self.everybody, self.scene, self.deciders)
        afresh = {"drafts": Overwrite([]), "verdicts": Overwrite([]), "rounds": 0}
        return {**update, **afresh, "branch_records": Overwrite({})}

    def make(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Let the maker write the next draft."""
        name, checks = self.maker.name, [one.name for one in self.checkers]
        if again := entered_again(state, name):
            view, noted = self.view(again, execution), {"run_info": again["run_info"]}
            return (yield from self.unless_stopped(noted, view, checks, execution))
        view = self.view(state, execution)
        if self.joins:
            self.scene.budget.invocations.of(execution).begin_branches()
        taken = yield from take_turn(self.maker, view, execution, self.scene, step=view.next_step)
        update = taken.written()
        if taken.answered or not (taken.failure or taken.stop):
            update["drafts"] = [taken.reply.output]
        if stop := taken.stop or failed(name, taken):
            return self.finish(update, stop, view, execution)
        return (
            yield from keeping_turn(
                self.unless_stopped({**update}, view, checks, execution),
                lambda: Command(update=saved_alone(update, state, name), goto=name),
            )
        )

    def check_alone(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Let the only checker judge the draft, and see where the run goes from there."""
        (checker,) = self.checkers
        name = checker.name
        if again := entered_again(state, name):
            view, noted = self.view(again, execution), {"run_info": again["run_info"]}
            return (yield from self.unless_stopped(noted, view, [self.maker.name], execution))
        view = self.view(state, execution)
        taken = yield from self.judged(checker, view, execution)
        checks = [Check.of(name, taken)]
        update = {**taken.reply.changes, **self.kept(checks, view)}
        if end := self.ended_by(checks, update, view, execution):
            return end
        return (
            yield from keeping_turn(
                self.unless_stopped({**update}, view, [self.maker.name], execution),
                lambda: Command(update=saved_alone(update, state, name), goto=name),
            )
        )

    def check_beside(self, checker: Checker) -> Any:
        """The steps of one of several checkers; what it says is put in order by the join."""

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
            taken = yield from self.judged(checker, self.view(state, execution), execution)
            record = Check.of(checker.name, taken)._asdict()
            return {"branch_records": {checker.name: record}, **taken.reply.changes}

        return steps

    def join(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Put the verdicts together, and see where the run goes from there."""
        view, records = self.view(state, execution), state["branch_records"]
        checks = [Check.restored(records[one.name], one.verdict_type) for one in self.checkers]
        update = {**self.kept(checks, view), "branch_records": Overwrite({})}
        if end := self.ended_by(checks, update, view, execution):
            return end
        return (yield from self.unless_stopped(update, view, [self.maker.name], execution))

    # The questions they ask

    def judged(self, checker: Checker, view: View, execution: Execution) -> Steps[Taken]:
        """A checker's turn."""
        names = [one.name for one in self.checkers]
        earlier = names[: names.index(checker.name)]
        fanout = Fanout(self.checkers_scene)
        return (
            yield from fanout.run(checker, view, execution, label=checker.name, earlier=earlier)
        )

    def kept(self, checks: Sequence[Check], view: View) -> dict[str, Any]:
        """The update that keeps the checks; one without any verdict is no round."""
        update = in_order([check._asdict() for check in checks], view.next_step)
        if verdicts := {check.name: check.verdict for check in checks if check.verdict}:
            update |= {"verdicts": [verdicts], "rounds": view.state["rounds"] + 1}
        return update

    def ended_by(
        self, checks: Sequence[Check], update: dict[str, Any], view: View, execution: Execution
    ) -> Command[Any] | None:
        """The end of the run, if the checks bring it about."""
        draft, round_ = view.state["drafts"][-1], view.state["rounds"] + 1
        approving = [check for check in checks if check.verdict and check.verdict.approved]
        if len(approving) >= self.quorum:
            edited = [check for check in approving if check.decision == "edit"]
            names = ", ".join(check.name for check in approving)
            stop = Stop(reason="approved", detail=f"by {names} in round {round_}", by=names)
            draft = edited[0].approved_draft(draft) if edited else draft
            return self.finish(update, stop, view, execution, draft)
        if rejected := [check.rejected for check in checks if check.rejected]:
            return self.finish(update, rejected[0], view, execution, draft)
        if limits := [check.limit for check in checks if check.limit]:
            return self.finish(update, limits[0], view, execution)
        if "verdicts" not in update:
            last = checks[0].trail[-1]
            stop = Stop(reason="failed", detail=f"no verdict: {last.detail}", by=checks[0].name)
            return self.finish(update, stop, view, execution)
        return None

    def unless_stopped(
        self, update: dict[str, Any], view: View, goto: Sequence[str], execution: Execution
    ) -> Steps[Command[Any]]:
        """Go on, unless the run has come to its end.

        Args:
            update: What the step writes.
            view: The run before that.
            goto: Where the run goes on.
            execution: The node it happens in.
        """
        stop, after = None, None
        if self.stop_when:
            after = self.seen_after(update, view)
            stop, asked = yield from stop_by(self.stop_when, after, execution, self.scene)
            update["trail"] = [*update.get("trail", ()), *asked]
        rounds = update.get("rounds", view.state["rounds"])
        if stop is None and rounds >= execution.setting("max_rounds", self.max_rounds):
            stop = Stop(reason="round_limit", detail=f"not approved in {rounds} rounds")
        if stop is None and self.scene.budget.limits:
            stop = self.scene.budget.reached(after or self.seen_after(update, view))
        if stop:
            return self.finish(update, stop, view, execution)
        return Command(update=update, goto=goto)

    def seen_after(self, update: Mapping[str, Any], view: View) -> View:
        """The run as it is once a step has written its update."""
        state = view.state
        values = {key: [*state[key], *update.get(key, ())] for key in ("drafts", "verdicts")}
        values["rounds"] = update.get("rounds", state["rounds"])
        return after_update(view, update, self.scene).after((), (), values)

    def finish(
        self,
        update: dict[str, Any],
        stop: Stop,
        view: View,
        execution: Execution,
        draft: Any = None,
    ) -> Command[Any]:
        """End the run with this draft, or with the best there is."""
        self.scene.budget.invocations.forget(execution)
        if draft is None:
            after = self.seen_after(update, view)
            draft = best_draft(after.state["drafts"], verdicts_in(after))
        ended = {"output": draft, **end_run(view.state, stop, update.get("messages", ()))}
        return Command(update={**update, **ended}, goto=END)


def check_quorum(quorum: int | None, checkers: int) -> None:
    """Refuse a quorum that cannot be.

    Raises:
        TypeError: It is no int.
        ConfigurationError: There are not so many checkers, or none at all.
    """
    if not checkers:
        raise ConfigurationError("`checker` is empty: give at least one participant")
    natural_number("quorum", quorum, optional=True)
    if quorum is not None and quorum > checkers:
        raise ConfigurationError(
            f"`quorum` is {quorum}, but there {'is' if checkers == 1 else 'are'} only {checkers} "
            f"to approve; it is at most the number of checkers, and None is all of them"
        )


def failed(name: str, taken: Taken) -> Stop | None:
    """Why the run ends without a new draft; None if there is one."""
    if not taken.failure:
        return None
    return Stop(reason="failed", detail=taken.trail[-1].detail, by=name)
