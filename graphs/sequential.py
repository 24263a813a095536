"""Sequential: participants work one after another, each on what the one before has made.

Use it when every stage needs the result of the one before and the order is known. Do not use it
when stages could run side by side (`create_concurrent`) or must discuss.

    intake -> researcher -> writer -> editor
                              ^         |
                              +---------+   a reviewing person may send a draft back
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.graph import END, START
from langgraph.types import Command

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.conditions import Condition, as_condition
from langgraph_orchestra.nodes.driver import Execution, Steps, apply
from langgraph_orchestra.nodes.follow_up import entered_again, keeping_turn, saved_alone
from langgraph_orchestra.nodes.history import History, task_and_last
from langgraph_orchestra.nodes.human import HumanParticipant
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene, speakers
from langgraph_orchestra.nodes.shared import after_update
from langgraph_orchestra.nodes.turn import Taken, skipped, stop_by, take_turn
from langgraph_orchestra.nodes.view import View, best_so_far
from langgraph_orchestra.state import ConfigurationError, SequentialState, Stop

__all__ = ["create_sequential"]


def create_sequential(
    participants: Sequence[ParticipantLike],
    *,
    history: History | None = None,
    stop_when: Condition | Any = None,
    limits: Limits | None = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph in which participants work one after another.

    A person (`Human`) reviews the answer before them: approve passes it on, edit replaces it (a
    typed one with JSON of its type), reject sends it back to the stage before with their feedback.
    As the first stage, or with `role="answer"`, they say something.

    Args:
        participants: The stages, in order; one is enough. Agents, people, functions, graphs.
        history: What a stage reads unless it says otherwise; None is `task_and_last()`: the task
            and the answer before, and nothing of how earlier stages came to theirs.
        stop_when: Ends the run early, with the answer at hand, when it fires after a stage.
        limits: Budget of a run; None has none.
        state_schema: Subclass of `SequentialState` with keys of your own.
        context_schema: The run's context; None is an `OrchestrationContext` in which a caller can
            also set the agents' prompts and lower the bounds; one of your own leaves them fixed.

    Returns:
        An uncompiled graph over `SequentialState`. `output` is the last stage's answer; `stop` is
        `completed`, `terminated` (by `stop_when`), `rejected` (by a person), `failed` (every stage
        has failed, and its policy records that), or the limit that was reached.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, role, limit or schema cannot be used.
    """
    budget = check_limits(limits)
    condition = None if stop_when is None else as_condition(stop_when)
    scene = Scene(
        "sequential",
        history or task_and_last(),
        budget,
        human_role="review",
        opening_role="answer",
        edits_keep_type=True,
    )
    scene, stages, schema = scene_of(
        "sequential", scene, participants, state_schema, SequentialState
    )
    line = Line(stages, scene, condition)

    graph = PatternGraph(
        "sequential",
        schema,
        SequentialState,
        stages,
        deciders=line.deciders,
        context_schema=context_schema,
    )
    graph.add_steps("intake", line.intake)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", stages[0].name)
    for place, stage in enumerate(stages):
        routes = line.routes(place)
        graph.add_steps(
            stage.name,
            line.stage(place),
            policy=stage.policy,
            inner=stage.inner,
            routes=routes if len(routes) > 1 else None,
            description=stage.description,
        )
        if len(routes) == 1:
            graph.add_edge(stage.name, routes[0])
    return graph


@dataclass(frozen=True)
class Line:
    """The stages and how they are joined."""

    stages: Sequence[Participant]
    scene: Scene
    stop_when: Condition | None

    def __post_init__(self) -> None:
        for place, stage in enumerate(self.stages):
            if self.reviews(place) and self.author_of(place) is None:
                raise ConfigurationError(
                    f"`{stage.name}` reviews, but no stage stands before it; put it after a stage "
                    f'that writes, or give it `role="answer"`'
                )

    @lazy
    def speakers(self) -> Mapping[str, str]:
        """Names and descriptions of the stages."""
        return speakers(self.stages)

    @lazy
    def reviewed(self) -> bool:
        """Whether a person reviews anywhere."""
        return any(self.reviews(place) for place in range(len(self.stages)))

    @lazy
    def branches(self) -> bool:
        """Whether a stage may lead elsewhere than to the next one."""
        return self.stop_when is not None or self.reviewed

    @property
    def deciders(self) -> Sequence[ModelSource]:
        """Models that decide between turns."""
        return self.stop_when.deciders if self.stop_when else ()

    def reviews(self, place: int) -> bool:
        """Whether a stage is a person who reviews."""
        stage = self.stages[place]
        return isinstance(stage, HumanParticipant) and stage.reviews

    def next_name(self, place: int) -> str:
        """Name of the node after a stage."""
        return self.stages[place + 1].name if place + 1 < len(self.stages) else END

    def author_of(self, place: int) -> str | None:
        """The stage that a reviewing person's rejection goes back to."""
        before = [p for p in range(place) if not self.reviews(p)]
        return self.stages[before[-1]].name if before else None

    def routes(self, place: int) -> Sequence[str]:
        """Where a stage may lead; a single route is a plain edge."""
        if not self.branches:
            return [self.next_name(place)]
        back = self.author_of(place) if self.reviews(place) else None
        early = END if self.stop_when or back or self.scene.budget.limits else None
        return list(dict.fromkeys(filter(None, [self.next_name(place), back, early])))

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Begin a run."""
        yield from ()
        return begin_run(state, execution, self.stages, self.scene, self.deciders)

    def stage(self, place: int) -> Any:
        """The steps of a stage's node."""
        chooses, name = len(self.routes(place)) > 1, self.stages[place].name

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[Any]:
            if state.get("stop"):  # a limit was reached before
                return {}
            if chooses and (again := entered_again(state, name)):
                update, goto = yield from self.go_on(place, again, execution)
            else:
                update, goto = yield from self.take(place, state, execution)
            return Command(update=update, goto=goto) if chooses else update

        return steps

    def take(
        self, place: int, state: Mapping[str, Any], execution: Execution
    ) -> Steps[tuple[dict[str, Any], str]]:
        """Let a stage take its turn, and say where the run goes from there."""
        stage, scene = self.stages[place], self.scene
        view = View(state, self.speakers, execution.prefix)
        if stop := scene.budget.reached(view):
            return {"output": best_so_far(view), **end_run(state, stop)}, END
        if stage.when and not (yield apply(stage.when, view)):
            turn = skipped(stage, view, execution, scene, view.next_step, "`when` said no")
            taken = Taken(trail=[turn])
        else:
            taken = yield from take_turn(
                stage,
                view,
                execution,
                scene,
                step=view.next_step,
                besides=feedback_for(stage, view) if self.reviewed else (),
            )
        stop = self.ended_by(place, taken, view)
        update = taken.written()
        if taken.answered and (stop or not is_in_passing(stage, taken)):
            update["output"] = taken.reply.output
        if stop:
            if not taken.answered:
                update["output"] = best_so_far(view) if taken.stop else self.last_output(view)
            return {**update, **end_run(state, stop, taken.reply.messages)}, END
        goto = self.after(place, goes_back=taken.reply.decision == "reject")
        if self.stop_when is None:
            return update, goto
        return (
            yield from keeping_turn(
                self.unless_stopped(
                    dict(update), goto, after_update(view, update, scene), execution
                ),
                lambda: (saved_alone(update, state, stage.name), stage.name),
            )
        )

    def go_on(
        self, place: int, state: Mapping[str, Any], execution: Execution
    ) -> Steps[tuple[dict[str, Any], str]]:
        """Do what follows a turn that is saved already."""
        view = View(state, self.speakers, execution.prefix)
        goes_back = view.last is not None and view.last.outcome == "refused"
        update = {"run_info": state["run_info"]}
        return (
            yield from self.unless_stopped(update, self.after(place, goes_back), view, execution)
        )

    def unless_stopped(
        self, update: dict[str, Any], goto: str, view: View, execution: Execution
    ) -> Steps[tuple[dict[str, Any], str]]:
        """Go on, unless the stop condition fires.

        Args:
            update: What the step writes besides.
            goto: Where the run goes on.
            view: The run with this turn.
            execution: The node it happens in.
        """
        assert self.stop_when is not None  # noqa: S101 - for the type checker
        stop, asked = yield from stop_by(self.stop_when, view, execution, self.scene)
        update["trail"] = [*update.get("trail", ()), *asked]
        if stop is None:
            return update, goto
        update.setdefault("output", self.last_output(view))
        return {**update, **end_run(view.state, stop)}, END

    def after(self, place: int, goes_back: bool) -> str:
        """The node after a stage; of a draft that is sent back, its author's."""
        return (self.author_of(place) if goes_back else None) or self.next_name(place)

    def last_output(self, view: View) -> Any:
        """The answer that stands; a person's, where nobody has answered since."""
        people = {
            stage.name: stage
            for stage in self.stages
            if isinstance(stage, HumanParticipant) and not stage.reviews
        }
        for last in view.drafts[-1:]:
            if last.name in people:
                return people[last.name].answer_in(last)
        return view.state.get("output", "")

    def ended_by(self, place: int, taken: Taken, view: View) -> Stop | None:
        """Why a turn itself ends the run; None if it does not."""
        stage = self.stages[place]
        if taken.stop:
            return taken.stop
        goes_back = taken.reply.decision == "reject"
        if goes_back and isinstance(stage, HumanParticipant):
            return stage.rejected(view, taken.reply)
        if goes_back or self.next_name(place) != END:
            return None
        if taken.answered:
            return Stop(reason="completed")
        turns = view.after([], taken.trail).turns
        if turns and all(turn.outcome in ("failed", "timed_out") for turn in turns):
            last = turns[-1]
            return Stop(reason="failed", detail=last.detail, by=last.agent)
        return Stop(reason="completed")


def is_in_passing(stage: Participant, taken: Taken) -> bool:
    """Whether a person has said something that is no draft: it is output only at the end."""
    return stage.kind == "human" and taken.reply.decision == "respond"


def feedback_for(stage: Participant, view: View) -> Sequence[AnyMessage]:
    """What a stage must read when its draft was sent back.

    That is what it had written from, the draft, and what was said of it.
    """
    if view.last is None or view.last.outcome != "refused":
        return ()
    own = [place for place, message in enumerate(view.answers) if message.name == stage.name]
    if not own:
        return ()
    before = view.answers[: own[0]]
    source = [message for message in view.drafts if message in before][-1:]
    return [*source, *view.answers[own[-1] :]]
