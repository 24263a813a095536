"""Concurrent: participants work side by side on the same task, and their results become one answer.

Use it for independent views of one task, for votes, and for speed. Do not use it when one needs
another's result (`create_sequential`) or they should discuss.

              +-> fundamental -+
    intake ---+-> technical ---+-> join -> aggregate
              +-> sentiment ---+
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.graph import END, START
from langgraph.types import Command, Overwrite

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.aggregate import Aggregate, aggregate_of
from langgraph_orchestra.nodes.aggregators import Race, concatenate
from langgraph_orchestra.nodes.checks import natural_number, positive_number
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.fanout import Fanout, beaten, ended_at, in_order
from langgraph_orchestra.nodes.history import History, task_only
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene, refuse_when, speakers
from langgraph_orchestra.nodes.policy import OnFailure, check_on_failure
from langgraph_orchestra.nodes.selection import BranchSelection, branch_selection
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConcurrentState, ConfigurationError, Result, Turn

__all__ = ["create_concurrent"]


def create_concurrent(
    participants: Sequence[ParticipantLike],
    *,
    aggregate: Any = None,
    select: Any = None,
    on_failure: OnFailure = "record",
    min_results: int = 1,
    deadline: float | None = None,
    history: History | None = None,
    limits: Limits | None = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph in which participants work side by side on the same task.

    Each reads the task only, never a sibling.

    Args:
        participants: The branches. Agents, people, functions, graphs.
        aggregate: Makes one answer of the results: an aggregator (`concatenate()`, `majority()`,
            `weighted()`, `prefer([...])`, `first()`), a function of the `View`, or a participant
            such as `synthesise(agent)`. None is `concatenate()`.
        select: Picks the branches for this task: a function from the `View` to names, or a model,
            its name or an `Agent` that decides. None runs all.
        on_failure: `record` keeps the others and marks the failure, `raise` fails fast.
        min_results: How many branches must succeed, where failures are recorded.
        deadline: Seconds from the branches' start after which late ones are recorded as timed
            out; None waits for all. Waiting for a person does not count.
        history: What a branch reads unless it says otherwise; None is `task_only()`.
        limits: Budget of a run; None has none.
        state_schema: Subclass of `ConcurrentState` with keys of your own.
        context_schema: The run's context; None is an `OrchestrationContext` in which a caller can
            also set the agents' prompts and lower the bounds; one of your own leaves them fixed.

    Returns:
        An uncompiled graph over `ConcurrentState`. `output` is the aggregate, `results` maps each
        branch that ran to its `Result`, in declared order; `stop` is `completed`, `failed` (the
        aggregator has, and its policy records that), or the limit that was reached.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, limit or schema cannot be used.
    """
    check_on_failure(on_failure)
    natural_number("min_results", min_results, least=0)
    positive_number("deadline", deadline)
    budget = check_limits(limits)
    scene = Scene("concurrent", history or task_only(), budget, on_failure)
    scene, branches, schema = scene_of(
        "concurrent", scene, participants, state_schema, ConcurrentState
    )
    race = isinstance(aggregate, Race)
    fan = Fan(
        branches,
        scene,
        Fanout(scene, deadline, race),
        branch_selection(select, branches, scene),
        aggregate_of(aggregate or concatenate(), scene, min_results),
    )
    names = [branch.name for branch in branches]

    graph = PatternGraph(
        "concurrent",
        schema,
        ConcurrentState,
        [*branches, *fan.aggregate.participants],
        outputs=fan.aggregate.outputs,
        deciders=fan.deciders,
        context_schema=context_schema,
        threads=len(branches),
    )
    graph.add_steps("intake", fan.intake, routes=names if fan.selects_at_once else None)
    graph.add_edge(START, "intake")
    if fan.selection and fan.selection.decider:
        graph.add_steps("selector", fan.select, routes=[*names, END] if budget.limits else names)
        graph.add_edge("intake", "selector")
    for branch in branches:
        graph.add_steps(
            branch.name,
            fan.branch(branch),
            policy=branch.policy,
            inner=branch.inner,
            description=branch.description,
        )
        if not fan.selection:
            graph.add_edge("intake", branch.name)
        graph.add_edge(branch.name, "join")
    graph.add_steps("join", fan.join)
    graph.add_edge("join", "aggregate")
    graph.add_aggregate(fan.combine, fan.aggregate.participant)
    return graph


@dataclass(frozen=True)
class Fan:
    """The branches, and what comes before and after them."""

    branches: Sequence[Participant]
    scene: Scene
    fanout: Fanout
    selection: BranchSelection | None
    aggregate: Aggregate

    def __post_init__(self) -> None:
        refuse_when(self.branches, "here `select=` picks the branches")
        names = [branch.name for branch in self.branches]
        people = [branch.name for branch in self.branches if branch.kind == "human"]
        if self.fanout.race and people:
            raise ConfigurationError(
                f"`{people[0]}` is a person and cannot race: with `first()`, the run would wait "
                f"for their answer; take another aggregator, or leave them out"
            )
        wanted = getattr(self.aggregate.function, "names", ())
        if unknown := [name for name in wanted if name not in names]:
            raise ConfigurationError(
                f"`prefer` names `{unknown[0]}`; the participants are "
                f"{', '.join(f'`{name}`' for name in names)}"
            )
        if self.aggregate.min_results > len(names):
            raise ConfigurationError(
                f"`min_results` is {self.aggregate.min_results}, but there are only {len(names)} "
                f"participants"
            )

    @property
    def deciders(self) -> Sequence[ModelSource]:
        """Models that decide between turns."""
        decider = self.selection and self.selection.decider
        return (decider.model,) if decider else ()

    @property
    def selects_at_once(self) -> bool:
        """Whether the intake itself picks the branches, since no model is needed."""
        return self.selection is not None and self.selection.decider is None

    def view(self, state: Mapping[str, Any], execution: Execution) -> View:
        """The run so far."""
        return View(state, speakers(self.branches), execution.prefix)

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[Any]:
        """Begin a run, and pick its branches if a function does."""
        members = [*self.branches, *self.aggregate.participants]
        update = begin_run(state, execution, members, self.scene, self.deciders)
        update |= {"results": {}, "votes": None, "branch_records": Overwrite({})}
        if not (self.selection and self.selects_at_once):
            return update
        names = yield from self.selection.pick(self.view({**state, **update}, execution))
        return Command(update=update, goto=names)

    def select(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Let a model pick the branches."""
        assert self.selection is not None  # noqa: S101 - for the type checker
        names, turn, stop = yield from self.selection.decide(self.view(state, execution), execution)
        if stop:
            return Command(update={"trail": [turn], **end_run(state, stop)}, goto=END)
        return Command(update={"trail": [turn]}, goto=names)

    def branch(self, participant: Participant) -> Any:
        """The steps of a branch's node; what it brings is put in order by the join."""
        names = [branch.name for branch in self.branches]
        earlier = names[: names.index(participant.name)]

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
            taken = yield from self.fanout.run(
                participant,
                self.view(state, execution),
                execution,
                label=participant.name,
                earlier=earlier,
            )
            record = record_of(participant.name, taken)
            return {"branch_records": {participant.name: record}, **taken.reply.changes}

        return steps

    def join(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Put what the branches brought in declared order, however they finished."""
        yield from ()
        step = self.view(state, execution).next_step
        records = [
            restored(state["branch_records"][branch.name])
            for branch in self.branches
            if branch.name in state["branch_records"]
        ]
        if self.fanout.race:
            records = with_one_winner(records)
        return {
            **in_order(records, step),
            "results": {record["result"].name: record["result"] for record in records},
            "branch_records": Overwrite({}),
        }

    def combine(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Make one answer of the results."""
        return (yield from self.aggregate.run(self.view(state, execution), execution))


def record_of(name: str, taken: Taken) -> dict[str, Any]:
    """What a branch brings to the join."""
    result = Result(
        name=name,
        output=None if taken.failure else taken.reply.output,
        failure=taken.failure,
        seconds=taken.seconds,
    )
    return {"result": result, "messages": list(taken.reply.messages), "trail": list(taken.trail)}


def restored(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a branch brought, as records again where a strict server gives plain data back."""
    return {
        "result": Result.model_validate(record["result"]),
        "messages": record["messages"],
        "trail": [Turn.model_validate(turn) for turn in record["trail"]],
    }


def with_one_winner(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave a race its first success only.

    Branches that run again after a crash or an interrupt cannot see that another had won before.
    """
    successes = [record for record in records if record["result"].ok]
    winner = min(successes, key=lambda record: ended_at(record["trail"]), default=None)
    return [
        record if record is winner or not record["result"].ok else _beaten(record)
        for record in records
    ]


def _beaten(record: Mapping[str, Any]) -> dict[str, Any]:
    result = record["result"]
    return record_of(result.name, beaten(result.name, record["trail"], result.seconds))
