"""Supervisor: one plans the work, gives its steps to workers, reviews what they bring, and answers.

Use it when a task falls into parts for different workers, some of which build on others, and their
results must be judged before they are used. Do not use it for parts that are the same each time
(`create_sequential`, `create_concurrent`), or where the next step shows only as the work goes on
(`create_magentic`).

                          +--- revisions, and steps that are ready now ---+
                          v                                               |
    intake -> planner -> researcher -+                                    |
                      -> analyst ----+-> review --------------------------+
                      -> writer -----+     |
                                           +-> synthesise -> END

Steps that do not depend on each other are one wave, and are reviewed together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langgraph.graph import END, START
from langgraph.types import Command, Overwrite, Send

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.checks import natural_number
from langgraph_orchestra.nodes.decider import DeciderLike
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.fanout import Fanout, in_order
from langgraph_orchestra.nodes.history import History, task_only
from langgraph_orchestra.nodes.human import refuse_reviewers
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike
from langgraph_orchestra.nodes.participant import Participant, Scene, refuse_when, speakers
from langgraph_orchestra.nodes.planning import MAX_STEPS
from langgraph_orchestra.nodes.policy import breaker_is_open
from langgraph_orchestra.nodes.supervisor.asking import Supervisor, supervisor_from
from langgraph_orchestra.nodes.supervisor.assignment import Assignment, Brought, goal_of
from langgraph_orchestra.nodes.supervisor.progress import Progress
from langgraph_orchestra.nodes.supervisor.synthesis import Synthesis, synthesis_from
from langgraph_orchestra.nodes.turn import skipped
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import Stop, SupervisorState

__all__ = ["create_supervisor"]

THREADS = 100
"""Steps that are worked on at once, unless `max_concurrency` says otherwise."""


def create_supervisor(
    workers: Sequence[ParticipantLike],
    *,
    model: DeciderLike,
    max_revisions: int = 1,
    parallel: bool = True,
    synthesis: Literal["write", "forward"] | Agent = "write",
    history: History | None = None,
    limits: Limits | None = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph in which a supervisor plans, delegates, reviews and answers.

    A worker reads the goal in one line, its step, the results that the step depends on and, where
    it is to do it over, the former answer and what must change; nothing of the other steps. Its
    `view.task` is that text, `view.state["step"]` the `PlanStep`, and `view.results` the results
    it depends on.

    Args:
        workers: Who does the steps: agents, people, functions, graphs, other supervisors. The
            planner reads their names and descriptions.
        model: Plans, reviews and writes: a chat model, its name, or an `Agent`, whose prompt comes
            before what each of these calls is told, and whose history is what it plans from.
        max_revisions: How often a step may be done over, by the same worker or another; 1 by
            default. With 0, results are still reviewed: `accepted` says what was thought of them,
            and the one who writes the answer reads it.
        parallel: Whether steps that do not depend on each other are done at once; False does one
            at a time.
        synthesis: How the answer comes about. `write`: the model writes it from all results.
            `forward`: the results on which no other builds go out word for word, without a model
            call. An `Agent` writes it with a prompt of its own.
        history: What of the thread a worker reads unless it says otherwise; what it is to do is
            the last message of it. None is that message alone.
        limits: Budget of a run; None has none.
        state_schema: Subclass of `SupervisorState` with keys of your own.
        context_schema: The run's context; None is `OrchestrationContext`.

    Returns:
        An uncompiled graph over `SupervisorState`. `output` is the final answer; `plan` has the
        status of each step, and `results` a `StepResult` for each that was done or has failed.
        `stop` is `completed` if any step has an answer, accepted or not; `failed` if none has, if
        there was no usable plan in three attempts, or if the model has failed for good; or the
        limit that was reached. Where the run ends early, `output` is the latest answer of a worker.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, limit or schema cannot be used.
    """
    natural_number("max_revisions", max_revisions, least=0)
    if not isinstance(parallel, bool):
        raise TypeError(f"`parallel` is a bool, not {parallel!r}")
    budget = check_limits(limits)
    scene = Scene("supervisor", history or task_only(), budget, "record")
    scene, members, schema = scene_of("supervisor", scene, workers, state_schema, SupervisorState)
    refuse_when(members, "here the plan says who works")
    refuse_reviewers(members, "here a person does a step, and the model reviews")
    office = Office(
        {member.name: member for member in members},
        scene,
        supervisor_from(model, scene),
        synthesis_from(synthesis, model, scene),
        max_revisions,
        parallel,
        history is not None,
    )
    names = list(office.workers)

    graph = PatternGraph(
        "supervisor",
        schema,
        SupervisorState,
        [*members, *office.synthesis.participants],
        deciders=[office.supervisor.decider.model],
        context_schema=context_schema,
        threads=THREADS,
        supersteps=2 * MAX_STEPS * (1 + max_revisions),
    )
    deciding = office.supervisor.decider.policy
    graph.add_steps("intake", office.intake)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", "planner")
    graph.add_steps("planner", office.plan, policy=deciding, routes=[*names, END])
    for member in members:
        graph.add_steps(
            member.name,
            office.work,
            policy=member.policy,
            inner=member.inner,
            description=member.description,
        )
        graph.add_edge(member.name, "review")
    graph.add_steps("review", office.review, policy=deciding, routes=[*names, "synthesise", END])
    writer = office.synthesis.writer
    graph.add_steps(
        "synthesise",
        office.synthesise,
        policy=writer.policy if writer else None,
        inner=writer.inner if writer else (),
    )
    graph.add_edge("synthesise", END)
    return graph


@dataclass(frozen=True)
class Office:
    """Who works, who decides, and how often."""

    workers: Mapping[str, Participant]
    scene: Scene
    supervisor: Supervisor
    synthesis: Synthesis
    max_revisions: int
    parallel: bool
    thread_is_read: bool

    @lazy
    def speakers(self) -> Mapping[str, str]:
        """Names and descriptions of the workers."""
        return speakers(list(self.workers.values()))

    # What happens in the nodes

    def view(self, state: Mapping[str, Any], execution: Execution) -> View:
        """The run so far."""
        return View(state, self.speakers, execution.prefix)

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Begin a run."""
        yield from ()
        members = [*self.workers.values(), *self.synthesis.participants]
        update = begin_run(state, execution, members, self.scene, [self.supervisor.decider.model])
        afresh: dict[str, Any] = {"plan": None, "supervisor_info": {}}
        return {**update, **afresh, "results": Overwrite({}), "branch_records": Overwrite({})}

    def plan(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Make the plan, and send out the steps that can begin."""
        view = self.view(state, execution)
        plan, turn = yield from self.supervisor.plan(view, execution)
        update: dict[str, Any] = {"trail": [turn]}
        if isinstance(plan, Stop):
            return self.finish(update, plan, None, view, execution)
        return self.go_on(update, Progress(plan), view, execution)

    def work(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Let a worker do one step."""
        assignment = Assignment.restored(state)
        worker, name = self.workers[assignment.step.worker], assignment.step.id
        taken = yield from Fanout(self.scene, takes_best=assignment.former is None).run(
            worker,
            assignment.seen_in(state, self.view(state, execution)),
            execution,
            label=worker.name,
            key=name,
            earlier=assignment.earlier,
            is_out=assignment.is_out,
        )
        brought = Brought.of(assignment, taken, keeps_answer=self.synthesis.forwards)
        return {"branch_records": {name: brought._asdict()}, **taken.reply.changes}

    def review(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Have what the wave has brought reviewed, and see what follows from it."""
        before = Progress.of(state)
        wave = before.wave(state["branch_records"], state["trail"])
        brought = [new for _, new in wave.values()]
        progress = before.taken_in(brought, self.people)
        view = self.view(state, execution)
        trail = in_order([new._asdict() for new in brought], view.turn_number + 1)["trail"]
        update = {"trail": trail, "branch_records": Overwrite({})}
        if limits := [new.limit for new in brought if new.limit]:
            return self.finish(update, limits[0], progress, view, execution)
        after = view.after((), trail)
        said, turn = yield from self.supervisor.review(wave, before.objections, after, execution)
        update["trail"] = [*trail, turn]
        if isinstance(said, Stop):
            return self.finish(update, said, progress, view, execution)
        progress = progress.judged(brought, said, before, self.max_revisions)
        return self.go_on(update, progress, view, execution)

    def synthesise(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Make the final answer, and end the run."""
        view = self.view(state, execution)
        taken = yield from self.synthesis.run(view, execution)
        self.scene.budget.invocations.forget(execution)
        stop = taken.stop or Stop(reason="completed")
        if taken.failure and not taken.stop:
            stop = Stop(reason="failed", detail=taken.trail[-1].detail, by="synthesise")
        update = taken.written()
        if not taken.failure:
            update["output"] = taken.reply.output
        return {**update, **end_run(state, stop, update["messages"])}

    # The questions they ask

    @lazy
    def people(self) -> Collection[str]:
        """Names of the workers who are persons."""
        return {name for name, worker in self.workers.items() if worker.kind == "human"}

    def go_on(
        self, update: dict[str, Any], progress: Progress, view: View, execution: Execution
    ) -> Command[Any]:
        """Send out the next wave, or have the final answer made where there is none.

        Args:
            update: What the step writes besides.
            progress: How far the plan is.
            view: The run before the step.
            execution: The node it happens in.
        """
        progress, lost = progress.without_the_cut_off()
        number = view.after((), update["trail"]).turn_number + 1
        for one in lost:
            worker, why = self.workers[one.step.worker], one.why
            update["trail"].append(skipped(worker, view, execution, self.scene, number, why))
        after = view.after((), update["trail"])
        next_wave = progress.going_on(parallel=self.parallel)
        if next_wave.running:
            if stop := self.scene.budget.reached(after):
                return self.finish(update, stop, progress.at_rest(), view, execution)
            progress, goto = next_wave, self.sends(next_wave, after, execution)
        elif any(result.ok for result in progress.results.values()):
            goto = "synthesise"
        else:
            return self.finish(update, nothing_done(progress), progress, view, execution)
        return Command(update={**update, **progress.written()}, goto=goto)

    def sends(self, progress: Progress, view: View, execution: Execution) -> Any:
        """The steps of a wave, each to its worker."""
        self.scene.budget.invocations.of(execution).begin_branches()
        goal, spent = goal_of(view), self.scene.budget.spent(view)
        shared = {key: view.state[key] for key in self.scene.shared_keys if key in view.state}
        sends, wave, entries = [], progress.running, len(view.state["trail"])
        for place, step in enumerate(wave):
            worker = self.workers[step.worker]
            raises = worker.policy.on_failure == "raise"
            assignment = progress.assignment(step, goal)._replace(
                is_out=self.is_out(worker, view, execution),
                message_id=f"step-{step.id}-{entries}",
                earlier=[one.id for one in wave[:place]] if raises else [],
            )
            reads_thread = self.thread_is_read or worker.history is not None
            thread = view.messages if reads_thread else ()
            sends.append(Send(worker.name, assignment.sent(thread, spent, shared)))
        return sends

    def is_out(self, worker: Participant, view: View, execution: Execution) -> bool:
        """Whether a worker's breaker is open."""
        trail, began = view.state["trail"], view.state["run_info"]["first_turn"]
        return breaker_is_open(worker.policy.breaker, execution.path(worker.name), trail, began)

    def finish(
        self,
        update: dict[str, Any],
        stop: Stop,
        progress: Progress | None,
        view: View,
        execution: Execution,
    ) -> Command[Any]:
        """End the run early, with the best answer there is."""
        self.scene.budget.invocations.forget(execution)
        written = progress.written() if progress else {}
        return Command(update={**update, **written, **end_run(view.state, stop)}, goto=END)


def nothing_done(progress: Progress) -> Stop:
    """Why the run ends without an answer of anybody."""
    failed = [(step, result.failure) for step, result in progress.results.items()]
    causes = "; ".join(f"{step}: {f.type}: {f.message}" for step, f in failed if f)
    first = next(f.agent for _, f in failed if f)
    return Stop(reason="failed", detail=f"no step has an answer: {causes}", by=first)
