"""Magentic: a manager plans, says who works next, watches the progress and changes the plan.

Use it for open tasks whose steps are not known beforehand: research, incidents, work that turns out
differently than was thought. Do not use it where they are known (`create_sequential`, or
`create_supervisor` for a plan that is followed as it is), or where a conversation leads to the
answer by itself (`create_group_chat`).

    intake -> planner -> plan_review -> manager -> coder ---+
                 ^            |         |  |  ^ `-> tester -+    one of them, or several at once
                 |            |         |  |  +-------------+
                 +------------+---------+  |
                    revise      stalled    +-> finish -> END

After Magentic-One (Fourney et al., 2024): facts and plan stand in a task ledger, and each round
begins with a progress ledger. Rounds without progress are stalls; too many of them, and the facts
and the plan are written anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langgraph.graph import END, START
from langgraph.types import Command, Overwrite

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.decider import DeciderLike
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.fanout import Fanout
from langgraph_orchestra.nodes.history import History
from langgraph_orchestra.nodes.human import refuse_reviewers
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.magentic.approvals import (
    Permission,
    ask_permission,
    with_approvals,
)
from langgraph_orchestra.nodes.magentic.counters import (
    Bounds,
    Counters,
    Move,
    after_ledger,
    limit_before_round,
)
from langgraph_orchestra.nodes.magentic.manager import (
    Asked,
    Lead,
    Manager,
    ask,
    lead_from,
    limit_of,
)
from langgraph_orchestra.nodes.magentic.plan_review import PlanReview, When, plan_review_from
from langgraph_orchestra.nodes.magentic.plans import (
    latest_plan,
    latest_progress,
    named_speakers,
    steps_after_round,
    steps_given_out,
)
from langgraph_orchestra.nodes.magentic.prompts import MagenticPrompts
from langgraph_orchestra.nodes.magentic.records import (
    Record,
    put_together,
    record_of,
    unanswered,
)
from langgraph_orchestra.nodes.magentic.views import MANAGER, Briefing, best_turn, directed
from langgraph_orchestra.nodes.member import ParticipantLike
from langgraph_orchestra.nodes.participant import (
    Participant,
    Scene,
    refuse_when,
    said_by,
    speakers,
)
from langgraph_orchestra.nodes.turn import Taken, entry, take_turn
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import (
    MagenticState,
    ProgressLedger,
    Stop,
    TaskLedger,
    Turn,
)
from langgraph_orchestra.state.context import Setting

__all__ = ["create_magentic"]


def create_magentic(
    participants: Sequence[ParticipantLike],
    *,
    model: DeciderLike | None = None,
    manager: Manager | None = None,
    max_rounds: int = 20,
    max_stalls: int = 3,
    max_resets: int = 2,
    plan_review: When | None = None,
    max_plan_revisions: int = 5,
    approve_before: Sequence[str] = (),
    prompts: MagenticPrompts = MagenticPrompts(),  # noqa: B008 - it is frozen
    history: History | None = None,
    limits: Limits | None = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph in which a manager leads a team through a plan that it makes and changes.

    Before each round the manager finds out how far the work is, and names who works next, and on
    what. If it names several, they work at once, on the same instruction.

    Args:
        participants: The team: agents, people (`Human` has a seat and is asked), functions, graphs.
        model: Who manages: a chat model, its name, or an `Agent`, which gives prompt and model.
            None is the run's model.
        manager: A manager of your own instead, an object with `plan(view)`, `assess(view)`,
            `replan(view)` and `conclude(view)`, sync or async; `Manager` describes them.
        max_rounds: Rounds of a run, in each of which one or several work; 20 by default.
        max_stalls: How many stalls are borne: a round that the manager finds without progress, or
            in a loop, is one more, one with progress one less. One more than that, and the facts
            and the plan are written anew; 3 by default.
        max_resets: How often they are written anew; where that is due once more, the run ends; 2 by
            default.
        plan_review: Whether a person reviews plans: `initial` the first, `always` each one.
        max_plan_revisions: How often a person may send a plan back; once more ends the run.
        approve_before: Names of participants, or of tools of agents that take part themselves, that
            wait for a person's approval each time before they work or run.
        prompts: What a model that manages is told, and the words around facts, plans and notes.
        history: What a participant reads of the thread unless it says otherwise, besides the facts,
            the plan and its instruction; None is the task, and the answers since the plan was made.
        limits: Budget of a run; None has none. At its limit of turns, the manager still concludes.
        state_schema: Subclass of `MagenticState` with keys of your own.
        context_schema: The run's context; None is `OrchestrationContext`.

    Returns:
        An uncompiled graph over `MagenticState`. `output` is the manager's final answer; where it
        has none (its budget is spent, or it has failed), the last answer of a participant.
        `task_ledgers` and `progress_ledgers` hold all versions of what the manager has found,
        `rounds`, `stalls` and `resets` stand as they ended. `stop` is `completed`, `round_limit`,
        `stall_limit`, `rejected` (at a plan's review), `failed` (the manager has, or its plan could
        not be used), or the limit that was reached.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, limit, approval or schema cannot be used.
    """
    budget = check_limits(limits)
    bounds = Bounds(max_rounds, max_stalls, max_resets, budget.limits.turns)
    # Turns are counted between the rounds: the final answer is none, and may follow the last one.
    budget = replace(budget, limits=replace(budget.limits, turns=None))
    briefing = Briefing(prompts)
    reading = briefing.history()
    waiting, approved = with_approvals(participants, approve_before)
    scene = Scene("magentic", history or reading, budget, "record")
    scene, members, schema = scene_of("magentic", scene, waiting, state_schema, MagenticState)
    about = dict(speakers(members))
    team = Team(
        {member.name: member for member in members},
        scene,
        lead_from(model, manager, about, prompts),
        bounds,
        plan_review_from(plan_review, max_plan_revisions, list(about), briefing),
        approved,
        briefing,
        reading,
    )

    graph = PatternGraph(
        "magentic",
        schema,
        MagenticState,
        members,
        deciders=team.lead.sources,
        context_schema=context_schema,
        settings=[Setting("max_rounds", max_rounds, "Rounds of a run.")],
        threads=len(members),
        supersteps=team.supersteps,
    )
    graph.add_steps("intake", team.intake)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", "planner")
    graph.add_steps("planner", team.plan, policy=team.lead.policy, routes=team.routes_after_plan)
    if team.review:
        graph.add_steps("plan_review", team.review_plan, routes=team.routes_after_review)
    graph.add_steps(MANAGER, team.manage, policy=team.lead.policy, routes=team.routes_from_manager)
    for member in members:
        graph.add_steps(
            member.name,
            team.speaker(member),
            policy=member.policy,
            inner=member.inner,
            description=member.description,
        )
        graph.add_edge(member.name, MANAGER)
    graph.add_steps("finish", team.finish, policy=team.lead.policy)
    graph.add_edge("finish", END)
    return graph


@dataclass(frozen=True)
class Team:
    """Who works, who leads, and how far they may go."""

    members: Mapping[str, Participant]
    scene: Scene
    lead: Lead
    bounds: Bounds
    review: PlanReview | None
    approved: frozenset[str]
    briefing: Briefing
    reading: History
    """The history by which the facts and the plan are read; with any other, they come besides."""

    def __post_init__(self) -> None:
        refuse_when(list(self.members.values()), "here the manager says who works")
        refuse_reviewers(
            list(self.members.values()),
            "here a person answers the manager, and `plan_review=` and `approve_before=` review",
        )

    @lazy
    def speakers(self) -> Mapping[str, str]:
        """Names and descriptions of the team."""
        return speakers(list(self.members.values()))

    # Where the run may go

    @property
    def routes_after_plan(self) -> Sequence[str]:
        """Where a plan may lead; the run ends at once where there is none."""
        if not self.review:
            return [MANAGER, END]
        unseen = self.review.when == "initial" and self.bounds.max_resets > 0
        return ["plan_review", *([MANAGER] if unseen else []), END]

    @property
    def routes_after_review(self) -> Sequence[str]:
        """Where the review of a plan may lead."""
        revised = self.review is not None and self.review.max_revisions > 0
        return [*(["planner"] if revised else []), MANAGER, "finish"]

    @property
    def routes_from_manager(self) -> Sequence[str]:
        """Where the manager may lead: to the team, to another plan, to itself, to the end."""
        again = [MANAGER] if self.bounds.max_stalls else []
        replans = ["planner"] if self.bounds.max_resets else []
        return [*self.members, *replans, *again, "finish", END]

    @property
    def supersteps(self) -> int:
        """How many a run takes at the most."""
        bounds = self.bounds
        reviews = self.review.max_revisions + 1 if self.review else 0
        return 2 + bounds.max_rounds + bounds.assessments + bounds.plans * (1 + 2 * reviews)

    # What happens in the nodes

    def view(self, state: Mapping[str, Any], execution: Execution) -> View:
        """The run so far."""
        return View(state, self.speakers, execution.prefix)

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Begin a run."""
        yield from ()
        members = list(self.members.values())
        update = begin_run(state, execution, members, self.scene, self.lead.sources)
        empty = ("task_ledgers", "progress_ledgers", "branch_records")
        afresh = {key: Overwrite({} if key == "branch_records" else []) for key in empty}
        info = {"plan_began": len(state["messages"]), "revisions": 0, "feedback": None}
        return {**update, **Counters()._asdict(), **afresh, "magentic_info": info}

    def plan(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Let the manager write the facts and the plan, the first ones or others."""
        view, info = self.view(state, execution), state["magentic_info"]
        work = Work("planner", view, execution, self.scene.budget)
        is_first = latest_plan(state) is None
        steps = self.lead.plan(work) if is_first else self.lead.replan(work, info["feedback"])
        asked = yield from ask(steps, work, self.lead.policy)
        if asked.answer is None:
            if asked.outcome == "fallback":  # no plan was valid, and nothing can be done without
                asked = asked._replace(outcome="failed")
            return self.give_up({"trail": [self.told(work, asked)]}, asked, view, work)
        ledger: TaskLedger = asked.answer
        detail = "; ".join(f"{step.id} ({step.worker}): {step.task}" for step in ledger.plan)
        began = {**info, "plan_began": len(view.messages), "feedback": None}
        update = {
            "task_ledgers": [ledger],
            "trail": [self.told(work, asked, detail)],
            "magentic_info": began,
        }
        return Command(update=update, goto="plan_review" if self.reviews(state) else MANAGER)

    def review_plan(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Let a person approve the plan, change it, send it back, or end the run."""
        yield from ()
        review, ledger = self.review, latest_plan(state)
        assert review and ledger  # noqa: S101, PT018 - for the type checker
        view, info = self.view(state, execution), state["magentic_info"]
        revisions = info["revisions"] + 1
        work = Work("plan_review", view, execution, self.scene.budget)
        decision = review.ask(ledger, revisions, work, self.scene)
        update: dict[str, Any] = {"magentic_info": {**info, "revisions": revisions}}
        if decision.type in ("approve", "edit"):
            if decision.type == "edit":
                update["task_ledgers"] = [ledger.model_copy(update={"plan": decision.value})]
            detail = "approved" if decision.type == "approve" else "edited"
            update["trail"] = [self.told(work, Asked(detail=detail))]
            return Command(update=update, goto=MANAGER)
        words = decision.message
        update["trail"] = [self.told(work, Asked(outcome="refused", detail=words or "rejected"))]
        if decision.type == "respond" and revisions <= review.max_revisions:
            update["magentic_info"]["feedback"] = words
            return Command(update=update, goto="planner")
        detail = words or "rejected"
        if decision.type == "respond":
            detail = f"not approved after {review.max_revisions} revisions: {words}"
        stop = Stop(reason="rejected", detail=detail, by="plan_review")
        return self.conclude(update, stop, view)

    def manage(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Find out how far the work is, and say who works next; or change the plan, or end."""
        view, update = self.after_round(state, execution)
        work = Work(MANAGER, view, execution, self.scene.budget)
        if stop := limit_of(work):
            return self.end(update, stop, view, execution)
        counters, bounds = Counters.of(state), self.bounds
        rounds = execution.setting("max_rounds", bounds.max_rounds)
        if rounds != bounds.max_rounds:  # lowered for this run
            bounds = replace(bounds, max_rounds=rounds)
        if stop := limit_before_round(counters, view.turn_number, bounds):
            return self.conclude(update, stop, view)
        asked = yield from ask(self.lead.assess(work), work, self.lead.policy)
        if asked.outcome in ("failed", "cancelled"):
            update["trail"] = [*update.get("trail", ()), self.told(work, asked)]
            return self.give_up(update, asked, view, work)
        ledger: ProgressLedger | None = asked.answer
        move = after_ledger(ledger, counters, self.bounds)
        names = named_speakers(ledger, list(self.members)) if ledger and move.to == "work" else []
        told = self.told(work, asked, reason_of(move, ledger, names) if ledger else asked.detail)
        update["trail"] = [*update.get("trail", ()), told]
        update |= {k: v for k, v in move.counters._asdict().items() if v != state[k]}
        if ledger:
            update |= {"progress_ledgers": [ledger], **self.steps_now(ledger, names, view, work)}
        if move.stop:
            return self.conclude(update, move.stop, view)
        if move.to == "replan":
            update["magentic_info"] = {**state["magentic_info"], "revisions": 0}
            return Command(update=update, goto="planner")
        if ledger is None or move.to == "ask_again":
            return Command(update=update, goto=MANAGER)
        words = self.briefing.instruction(names, ledger.instruction_or_question.answer)
        update["messages"] = [*update.get("messages", ()), words]
        if len(names) > 1:
            self.scene.budget.invocations.of(execution).begin_branches()
        return Command(update=update, goto=names)

    def speaker(self, member: Participant) -> Any:
        """The steps of a participant's node: it follows the instruction, if a person lets it."""
        name, words = member.name, self.briefing.prompts

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
            view, ledger = self.view(state, execution), latest_progress(state)
            assert ledger is not None  # noqa: S101 - for the type checker
            names = named_speakers(ledger, list(self.members))
            permission = Permission(ledger.instruction_or_question.answer)
            if name in self.approved:
                work = Work(name, view, execution, self.scene.budget)
                permission = ask_permission(permission.instruction, work, self.scene, words)
            if permission.is_refused:
                refused = Record((), permission.trail, permission.notes)
                return self.kept(name, refused, names, view)
            taken = yield from self.work(member, names, permission, view, execution)
            record = record_of(name, taken, permission, words)
            return {**taken.reply.changes, **self.kept(name, record, names, view)}

        return steps

    def finish(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Let the manager write the final answer; without one, the best turn stays the output."""
        view = self.view(state, execution)
        work = Work("finish", view, execution, self.scene.budget)
        asked = yield from ask(self.lead.conclude(work), work, self.lead.policy)
        self.scene.budget.invocations.forget(execution)
        turn = self.told(work, asked).model_copy(update={"kind": "aggregate"})
        if asked.answer is None or not asked.answer.text.strip():
            return {"trail": [turn]}
        answer = said_by("finish", asked.answer)
        ended = end_run(state, state["stop"], [answer])
        return {"messages": [answer], "trail": [turn], "output": answer.text, **ended}

    # The questions they ask

    def work(
        self,
        member: Participant,
        names: Sequence[str],
        permission: Permission,
        view: View,
        execution: Execution,
    ) -> Steps[Taken]:
        """A participant's turn, alone or beside the others who were named."""
        scene, step, name = self.scene, view.turn_number + 1, member.name
        view = directed(view, permission.instruction)
        is_briefed = (member.history or scene.history) is self.reading
        besides = () if is_briefed else self.briefing.besides(view)
        if len(names) == 1:
            return (
                yield from take_turn(member, view, execution, scene, step=step, besides=besides)
            )
        earlier = names[: names.index(name)]
        return (
            yield from Fanout(scene, takes_best=True).run(
                member, view, execution, label=name, earlier=earlier, besides=besides
            )
        )

    def reviews(self, state: Mapping[str, Any]) -> bool:
        """Whether a person is to review the plan that is made now."""
        if self.review is None:
            return False
        return self.review.when == "always" or state["resets"] == 0

    def after_round(
        self, state: Mapping[str, Any], execution: Execution
    ) -> tuple[View, dict[str, Any]]:
        """The run with what several have brought at once, and the update that keeps it."""
        view, brought = self.view(state, execution), state["branch_records"]
        if not brought:
            return view, {}
        records = [Record.restored(brought[name]) for name in self.members if name in brought]
        update = {**put_together(records, view), "branch_records": Overwrite({})}
        values = {key: update[key] for key in ("output",) if key in update}
        if notes := update.get("manager_notes"):
            values["manager_notes"] = [*state.get("manager_notes", ()), *notes]
        return view.after(update["messages"], update["trail"], values), update

    def kept(self, name: str, record: Record, names: Sequence[str], view: View) -> dict[str, Any]:
        """The update that keeps one's part in a round; several are put together by the manager."""
        if len(names) > 1:
            return {"branch_records": {name: record._asdict()}}
        return put_together([record], view)

    def steps_now(
        self, ledger: ProgressLedger, names: Sequence[str], view: View, work: Work
    ) -> dict[str, Any]:
        """The update that tells how far the steps of the plan are, where that has changed."""
        ledgers = list(view.state["task_ledgers"])
        known = latest_plan(view.state)
        assert known is not None  # noqa: S101 - for the type checker
        steps = steps_after_round(known.plan, ledger, unanswered(view, work.execution))
        steps = steps_given_out(steps, names)
        if steps == known.plan:
            return {}
        now = known.model_copy(update={"plan": steps})
        return {"task_ledgers": Overwrite([*ledgers[:-1], now])}

    def told(self, work: Work, asked: Asked, detail: str = "") -> Turn:
        """The trail's entry of a question to the manager."""
        step = work.view.turn_number + 1
        detail = asked.detail or detail
        return entry(work, kind="decision", step=step, outcome=asked.outcome, detail=detail)

    def give_up(self, update: dict[str, Any], asked: Asked, view: View, work: Work) -> Command[Any]:
        """End the run at once, since the manager could not answer."""
        stop = asked.limit or Stop(reason="failed", detail=asked.detail, by=work.name)
        return self.end(update, stop, view, work.execution)

    def end(
        self, update: dict[str, Any], stop: Stop, view: View, execution: Execution
    ) -> Command[Any]:
        """End the run with the best turn."""
        self.scene.budget.invocations.forget(execution)
        return replace(self.conclude(update, stop, view), goto=END)

    def conclude(self, update: dict[str, Any], stop: Stop, view: View) -> Command[Any]:
        """End the run with the best turn, unless the manager writes a final answer."""
        ended = {"output": best_turn(view), **end_run(view.state, stop)}
        return Command(update={**update, **ended}, goto="finish")


def reason_of(move: Move, ledger: ProgressLedger, names: Sequence[str]) -> str:
    """Why the manager moves as it does."""
    if move.to == "work":
        return f"{', '.join(names)}: {ledger.next_speaker.reason}"
    if ledger.is_request_satisfied.answer:
        return f"satisfied: {ledger.is_request_satisfied.reason}"
    found = ledger.is_in_loop if ledger.is_in_loop.answer else ledger.is_progress_being_made
    return f"stalled: {found.reason}"
