"""Maker-checker: one drafts, others check, until the draft is approved or the rounds are used up.

Use it where what goes out must pass a check: texts against a style guide, code against its tests,
figures against a policy. Do not use it for a debate between equals (`create_group_chat`), or where
a single look is enough (`create_sequential` with a reviewing person).

    intake -> maker -> checker -> END
                ^         |
                +---------+   not approved, with feedback

Several checkers look at a draft side by side; a `join` then counts their verdicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.graph import END, START
from langgraph.types import Command, Overwrite

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.checks import natural_number
from langgraph_orchestra.nodes.conditions import Condition, as_condition
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.fanout import Fanout
from langgraph_orchestra.nodes.follow_up import entered_again, keeping_turn, saved_alone
from langgraph_orchestra.nodes.history import History, Reading, task_and_last
from langgraph_orchestra.nodes.human import HumanParticipant
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene, refuse_when, speakers
from langgraph_orchestra.nodes.shared import after_update
from langgraph_orchestra.nodes.turn import Taken, stop_by, take_turn
from langgraph_orchestra.nodes.verdict import asked_for_verdict, feedback_in, verdict_in
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConfigurationError, MakerCheckerState, Stop, Turn, Verdict

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
    """Build a graph in which a maker drafts until the checkers approve.

    Args:
        maker: Who drafts. It reads the task, its latest draft, and all feedback of this run.
        checker: Who checks, one or several side by side. Each reads the task and the draft. An
            agent is asked for a `Verdict`; a function returns a `Verdict`, a bool or a text (which
            is feedback); a person (`Human`) approves, edits or rejects.
        max_rounds: Drafts that are checked in a run at the most.
        quorum: How many checkers must approve; None is all of them.
        approve_on: A keyword by which a text approves, as its first or last line; then agents
            answer in plain text. None takes verdicts.
        history: What maker and checkers read unless they say otherwise; None is as said above.
        limits: Budget of a run; None has none.
        stop_when: Ends the run, with the best draft, when it fires after a turn.
        state_schema: Subclass of `MakerCheckerState` with keys of your own.
        context_schema: The run's context; None is `OrchestrationContext`.

    Returns:
        An uncompiled graph over `MakerCheckerState`. `output` is the approved draft; where none is,
        the one with the highest score if every verdict has one, else the last. `drafts`, `verdicts`
        and `rounds` are this run's. `stop` is `approved`, `round_limit`, `rejected` (by a person),
        `terminated` (by `stop_when`), `failed` (the maker has, and its policy records that), or the
        limit that was reached.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, number, keyword, checker or schema cannot be used.
    """
    natural_number("max_rounds", max_rounds)
    natural_number("quorum", quorum, optional=True)
    if approve_on is not None and not isinstance(approve_on, str):
        raise TypeError(f"`approve_on` is a str or None, not {approve_on!r}")
    if approve_on is not None and not any(map(str.isalnum, approve_on)):
        raise ConfigurationError(f"`approve_on` is {approve_on!r}; it needs a letter or digit")
    given = [*checker] if isinstance(checker, list | tuple) else [checker]
    if not given:
        raise ConfigurationError("`checker` is empty: give at least one participant who checks")
    if quorum is not None and quorum > len(given):
        raise ConfigurationError(f"`quorum` is {quorum}, but there are only {len(given)} checkers")
    budget = check_limits(limits)
    condition = None if stop_when is None else as_condition(stop_when)
    scene = Scene(
        "maker_checker",
        history or task_and_last(),
        budget,
        human_role="review",
        opening_role="answer",
        takes_verdicts=True,
    )
    everybody = [maker, *(asked_for_verdict(one, approve_on) for one in given)]
    scene, [author, *checkers], schema = scene_of(
        "maker_checker", scene, everybody, state_schema, MakerCheckerState
    )
    refuse_when([author, *checkers], "here every draft is checked")
    author.history = author.history or history or Reading(revising)
    loop = Loop(author, checkers, scene, quorum or len(checkers), max_rounds, approve_on, condition)

    graph = PatternGraph(
        "maker_checker",
        schema,
        MakerCheckerState,
        [author, *checkers],
        deciders=loop.deciders,
        context_schema=context_schema,
        threads=len(checkers),
        supersteps=4 * max_rounds,
    )
    graph.add_steps("intake", loop.intake)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", author.name)
    graph.add_steps(
        author.name,
        loop.make,
        policy=author.policy,
        inner=author.inner,
        routes=loop.routes_after_making,
        description=author.description,
    )
    for one in checkers:
        graph.add_steps(
            one.name,
            loop.check_alone(one) if len(checkers) == 1 else loop.check_beside(one),
            policy=one.policy,
            inner=one.inner,
            routes=loop.routes_after_checking if len(checkers) == 1 else None,
            description=one.description,
        )
        if len(checkers) > 1:
            graph.add_edge(one.name, "join")
    if len(checkers) > 1:
        graph.add_steps("join", loop.join, routes=loop.routes_after_checking)
    return graph


@dataclass(frozen=True)
class Loop:
    """Who drafts, who checks, and what it takes to end."""

    maker: Participant
    checkers: Sequence[Participant]
    scene: Scene
    quorum: int
    max_rounds: int
    approve_on: str | None
    stop_when: Condition | None

    @lazy
    def speakers(self) -> Mapping[str, str]:
        """Names and descriptions of the maker and the checkers."""
        return speakers([self.maker, *self.checkers])

    @property
    def deciders(self) -> Sequence[ModelSource]:
        """Models that decide between turns."""
        return self.stop_when.deciders if self.stop_when else ()

    @property
    def routes_after_making(self) -> Sequence[str]:
        """Where a draft may lead; without a way to end here, to the checkers only."""
        records = self.maker.policy.on_failure == "record"
        ends = self.stop_when is not None or bool(self.scene.budget.limits) or records
        return [*(one.name for one in self.checkers), *([END] if ends else [])]

    @property
    def routes_after_checking(self) -> Sequence[str]:
        """Where a check may lead."""
        return [self.maker.name, END]

    def view(self, state: Mapping[str, Any], execution: Execution) -> View:
        """The run so far."""
        return View(state, self.speakers, execution.prefix)

    # What the nodes do

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Begin a run."""
        yield from ()
        everybody = [self.maker, *self.checkers]
        update = begin_run(state, execution, everybody, self.scene, self.deciders)
        afresh = {"drafts": [], "rounds": 0, "verdicts": [], "branch_records": Overwrite({})}
        return {**update, **afresh}

    def make(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Let the maker draft."""
        name, goto = self.maker.name, [one.name for one in self.checkers]
        if again := entered_again(state, name):
            return (yield from self.go_on(again, goto, execution))
        view = self.view(state, execution)
        if stop := self.scene.budget.reached(view):
            return self.finish({}, stop, view)
        taken = yield from take_turn(
            self.maker,
            view,
            execution,
            self.scene,
            step=view.turn_number + 1,
            besides=unexplained(view),
        )
        update = taken.written()
        if taken.stop:
            return self.finish(update, taken.stop, view)
        if taken.failure:
            failure = f"{taken.failure.type}: {taken.failure.message}"
            return self.finish(update, Stop(reason="failed", detail=failure, by=name), view)
        update["drafts"] = [*state["drafts"], taken.reply.output]
        return (yield from self.unless_stopped(update, goto, view, execution, name))

    def check_alone(self, checker: Participant) -> Any:
        """The steps of the only checker's node: its verdict decides."""

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
            if again := entered_again(state, checker.name):
                return (yield from self.go_on(again, self.maker.name, execution))
            view = self.view(state, execution)
            step = view.turn_number + 1
            taken = yield from take_turn(checker, view, execution, self.scene, step=step)
            record = self.record_of(checker, taken, view)
            return (yield from self.close_round([record], view, execution, checker.name))

        return steps

    def check_beside(self, checker: Participant) -> Any:
        """The steps of one of several checkers' nodes; the join counts what it brings."""
        names = [one.name for one in self.checkers]
        earlier = names[: names.index(checker.name)]

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
            view = self.view(state, execution)
            taken = yield from Fanout(self.scene).run(
                checker, view, execution, label=checker.name, earlier=earlier
            )
            record = self.record_of(checker, taken, view)
            return {"branch_records": {checker.name: record}, **taken.reply.changes}

        return steps

    def join(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Count the verdicts, in declared order."""
        if again := entered_again(state, "join"):
            return (yield from self.go_on(again, self.maker.name, execution))
        view = self.view(state, execution)
        self.scene.budget.invocations.forget(execution)
        records = [state["branch_records"][one.name] for one in self.checkers]
        return (yield from self.close_round(records, view, execution, "join"))

    # What a check means

    def record_of(self, checker: Participant, taken: Taken, view: View) -> dict[str, Any]:
        """What a checker brings to the end of its round; no verdict, if it has failed."""
        record: dict[str, Any] = {
            "name": checker.name,
            "messages": [],
            "trail": list(taken.trail),
            "changes": dict(taken.reply.changes) if len(self.checkers) == 1 else {},
            "stop": taken.stop,
        }
        if taken.failure:
            return record
        verdict = verdict_in(checker.name, taken.reply, self.approve_on)
        record["verdict"] = verdict
        record["messages"] = list(feedback_in(taken, verdict, checker.name))
        if taken.reply.decision == "edit":
            record["edited"] = taken.reply.output
        if isinstance(checker, HumanParticipant):
            record["stop"] = checker.rejected(view, taken.reply)
        elif len(taken.trail) == 1:
            told = {"detail": in_words(verdict)}
            record["trail"] = [turn.model_copy(update=told) for turn in taken.trail]
        return record

    def close_round(
        self, records: Sequence[Mapping[str, Any]], view: View, execution: Execution, node: str
    ) -> Steps[Command[Any]]:
        """End the run with an approved draft or the last round, or send the maker back to it."""
        step = view.turn_number + 1
        found = {r["name"]: Verdict.model_validate(r["verdict"]) for r in records if "verdict" in r}
        update: dict[str, Any] = {
            "messages": [message for record in records for message in record["messages"]],
            "trail": [
                Turn.model_validate(turn).model_copy(update={"step": step + place})
                for place, record in enumerate(records)
                for turn in record["trail"]
            ],
            "rounds": view.state["rounds"] + 1,
            "verdicts": [*view.state["verdicts"], found],
            "branch_records": Overwrite({}),
        }
        for record in records:
            update |= record["changes"]
        approvers = [name for name, verdict in found.items() if verdict.approved]
        if len(approvers) >= self.quorum:
            edited = [record["edited"] for record in records if "edited" in record]
            update["output"] = edited[-1] if edited else view.state["drafts"][-1]
            return self.finish(update, Stop(reason="approved", by=", ".join(approvers)), view)
        for record in records:
            if record["stop"]:
                return self.finish(update, Stop.model_validate(record["stop"]), view)
        return (yield from self.unless_stopped(update, self.maker.name, view, execution, node))

    # How it goes on, or ends

    def unless_stopped(
        self,
        update: dict[str, Any],
        goto: str | Sequence[str],
        view: View,
        execution: Execution,
        node: str,
    ) -> Steps[Command[Any]]:
        """Go on, unless the run is to end; where asking that fails, what was done is kept."""
        return (
            yield from keeping_turn(
                self.follow_up({**update}, goto, view, execution),
                lambda: Command(update=saved_alone(update, view.state, node), goto=node),
            )
        )

    def go_on(
        self, state: Mapping[str, Any], goto: str | Sequence[str], execution: Execution
    ) -> Steps[Command[Any]]:
        """Do what follows a turn that is saved already."""
        update = {"run_info": state["run_info"]}
        return (yield from self.follow_up(update, goto, self.view(state, execution), execution))

    def follow_up(
        self,
        update: dict[str, Any],
        goto: str | Sequence[str],
        view: View,
        execution: Execution,
    ) -> Steps[Command[Any]]:
        """What follows a turn or a round: the stop condition, and the last round."""
        stop: Stop | None = None
        if self.stop_when:
            told = {key: update[key] for key in update.keys() & {"drafts", "rounds", "verdicts"}}
            after = after_update(view, update, self.scene).after((), (), told)
            stop, asked = yield from stop_by(self.stop_when, after, execution, self.scene)
            update["trail"] = [*update.get("trail", ()), *asked]
        rounds = update.get("rounds", view.state["rounds"])
        if stop is None and goto == self.maker.name and rounds >= self.max_rounds:
            stop = Stop(reason="round_limit", detail=f"{rounds} of {self.max_rounds} rounds taken")
        if stop:
            return self.finish(update, stop, view)
        return Command(update=update, goto=goto)

    def finish(self, update: dict[str, Any], stop: Stop, view: View) -> Command[Any]:
        """End the run, with the best draft there is."""
        if "output" not in update:
            verdicts = update.get("verdicts", view.state["verdicts"])
            update["output"] = best_draft(update.get("drafts", view.state["drafts"]), verdicts)
        ended = end_run(view.state, stop, update.get("messages", ()))
        return Command(update={**update, **ended}, goto=END)


def revising(view: View, reader: str) -> Sequence[AnyMessage]:
    """What the maker reads: the task, all feedback, and of its drafts the latest.

    Feedback of earlier rounds stays, so that a later draft does not undo what an earlier one has
    mended.
    """
    said = view.said
    own = [place for place, message in enumerate(said) if message.name == reader]
    if not own:
        return view.task_messages
    latest = own[-1]
    while latest > 0 and (said[latest - 1].type == "tool" or said[latest - 1].name == reader):
        latest -= 1
    feedback = [m for m in said[:latest] if m.name != reader and m.type != "tool"]
    return [*view.task_messages, *feedback, *said[latest:]]


def unexplained(view: View) -> Sequence[AnyMessage]:
    """What the maker is told of checkers who did not approve its draft and gave no reason."""
    if not view.state["verdicts"]:
        return ()
    verdicts = {name: Verdict.model_validate(v) for name, v in view.state["verdicts"][-1].items()}
    silent = [n for n, v in verdicts.items() if not (v.approved or v.feedback.strip())]
    return [HumanMessage("Not approved.", name=name) for name in silent]


def best_draft(drafts: Sequence[Any], verdicts: Sequence[Mapping[str, Any]]) -> Any:
    """The draft with the highest score, where every verdict has one; else the last draft.

    Of several checkers' scores the mean counts; of equal drafts the later one is better.
    """
    if not drafts:
        return ""
    scores = [
        [Verdict.model_validate(verdict).score for verdict in found.values()] for found in verdicts
    ]
    if len(scores) < len(drafts) or any(None in found or not found for found in scores):
        return drafts[-1]
    means = [sum(score or 0.0 for score in found) / len(found) for found in scores]
    return max(zip(means, range(len(drafts)), drafts, strict=True), key=lambda one: one[:2])[2]


def in_words(verdict: Verdict) -> str:
    """A verdict for the trail."""
    decided = "approved" if verdict.approved else "not approved"
    scored = "" if verdict.score is None else f" ({verdict.score:g})"
    return decided + scored + (f": {verdict.feedback}" if verdict.feedback else "")
