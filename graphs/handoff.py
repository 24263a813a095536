"""Handoff: one participant at a time has control, and hands it over to another.

Use it where the next one depends on what comes up in the conversation: triage and specialists, a
front desk, a support line with a person at the other end. Do not use it when the order is known
(`create_sequential`), or when somebody outside should choose who speaks (`create_group_chat`).

                  +----------+
                  v          |
    intake -> triage -> billing -> END
      |          |         |
      |          v         v
      +------->  user  <---+        the person it returns to, with `human="user"`
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langgraph.graph import END, START
from langgraph.types import Command, Overwrite

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.checks import natural_number, unique_names
from langgraph_orchestra.nodes.conditions import Condition, as_condition
from langgraph_orchestra.nodes.driver import Execution, Steps, apply
from langgraph_orchestra.nodes.follow_up import entered_again, keeping_turn, saved_alone
from langgraph_orchestra.nodes.handoff.checks import (
    accepts_by_name,
    known,
    listed,
    one_of,
    outside_names,
    refuse_reviewers,
    rules_in_order,
)
from langgraph_orchestra.nodes.handoff.desk import Desk, counted_handoffs, summary
from langgraph_orchestra.nodes.handoff.note import conversation, note_for
from langgraph_orchestra.nodes.handoff.person import Counterpart, as_counterpart
from langgraph_orchestra.nodes.handoff.result import (
    best_answer,
    never_decided,
    overruled,
    restored,
    taken_in,
    undecided,
    with_records,
)
from langgraph_orchestra.nodes.handoff.routes import (
    Accepts,
    Routes,
    refuse_unreachable,
    targets_from,
)
from langgraph_orchestra.nodes.handoff.rule import HandoffRule
from langgraph_orchestra.nodes.handoff.tool import handoff_tool_name
from langgraph_orchestra.nodes.history import History
from langgraph_orchestra.nodes.human import Human
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike, described
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene, refuse_when, speakers
from langgraph_orchestra.nodes.shared import after_update
from langgraph_orchestra.nodes.turn import Taken, stop_by, take_turn
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import (
    ConfigurationError,
    Handoff,
    HandoffInfo,
    HandoffState,
    Stop,
)

__all__ = ["create_handoff"]


def create_handoff(
    participants: Sequence[ParticipantLike],
    *,
    start: str | None = None,
    routes: Mapping[str, Sequence[str]] | None = None,
    rules: Sequence[HandoffRule] = (),
    accepts: Mapping[str, Accepts] | None = None,
    fallback: str | None = None,
    human: str | Human | None = None,
    after_human: Literal["active", "start"] = "active",
    autonomous_turns: int = 0,
    max_handoffs: int = 10,
    cycle_window: int | None = 6,
    resume_at: Literal["active", "start"] = "active",
    outside: Sequence[str] = (),
    history: History | None = None,
    limits: Limits | None = None,
    stop_when: Condition | Any = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph in which participants hand control over to each other.

    An agent hands over by calling a tool, `handoff_to_<name>`, which it is given for each of its
    routes; a function by returning `Handoff(target=...)`; a nested team by `outside` names of its
    own. Who answers without handing over has finished the run, or, with `human`, is heard by the
    person, whose answer comes next.

    Args:
        participants: Who takes part. Agents, people, functions, graphs.
        start: Who has control first; None is the first participant.
        routes: To whom each may hand over, by name; who is missing cannot hand over at all. None
            lets everybody hand over to everybody. May name the person in `human`, too.
        rules: Handoffs without a model, looked at after each turn: the first that is true wins.
        accepts: What targets say to a handoff, by name: a function of the `View` and the
            `Handoff` that returns True, False, or the reason of a refusal.
        fallback: Who takes over when everybody has refused; None ends the run `rejected`.
        human: The person whom the conversation returns to, a `Human` or a name; None ends the run
            with the first answer that hands nothing over.
        after_human: Who has control after the person's answer: who had it, or `start`.
        autonomous_turns: How many turns an agent goes on alone before the person is asked.
        max_handoffs: How many handoffs are taken in a run; the next one ends it `turn_limit`.
        cycle_window: End a run `cycle` when so many handoffs, the latest, were between two only;
            None never does.
        resume_at: Who has control first in the next run on the thread: who had it last, or
            `start`.
        outside: Names of an outer handoff graph that this one, as a team in it, may hand over to.
        history: What participants read unless they say otherwise; None is the whole conversation,
            with others' tool results as lines of text.
        limits: Budget of a run; None has none.
        stop_when: Ends the run, with the best answer so far, when it fires after a turn.
        state_schema: Subclass of `HandoffState` with keys of your own.
        context_schema: The run's context; None is an `OrchestrationContext` in which a caller can
            also set the agents' prompts and lower the bounds; one of your own leaves them fixed.

    Returns:
        An uncompiled graph over `HandoffState`. `output` is the answer of who finished; `active`
        has control; `handoffs` are this run's, those refused and ignored included. `stop` is
        `completed`, `terminated` (by `stop_when`), `handed_off` (to an `outside` name), `cycle`,
        `turn_limit` (of handoffs, too), `rejected` (everybody has refused, or the person did not
        let the run go on), `failed`, or the limit that was reached. With `human`, the person is
        asked before `cycle` and the limit of handoffs end a run.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, route, rule, limit or schema cannot be used, or a participant
            can never have control.
    """
    natural_number("max_handoffs", max_handoffs)
    natural_number("cycle_window", cycle_window, least=4, optional=True)
    natural_number("autonomous_turns", autonomous_turns, least=0)
    for option, value in (("after_human", after_human), ("resume_at", resume_at)):
        one_of(option, value, ("active", "start"))
    if autonomous_turns and human is None:
        raise ConfigurationError("`autonomous_turns` is for runs with a person: give `human`")
    budget = check_limits(limits)
    condition = None if stop_when is None else as_condition(stop_when)
    names, about = described(participants := listed("participants", participants))
    unique_names(names)
    person_name = human if isinstance(human, str) else getattr(human, "name", None)
    outside = outside_names(outside, [*names, *([person_name] if person_name else [])])
    targets = targets_from(routes, names, outside=outside, person=person_name)
    accepts = accepts_by_name(accepts, [*names, *([person_name] if person_name else [])])
    exits = Routes(targets, about, accepts, max_handoffs)
    for target in dict.fromkeys(target for several in targets.values() for target in several):
        handoff_tool_name(target)

    scene = Scene("handoff", history or conversation(), budget, handoffs=exits)
    scene, members, schema = scene_of("handoff", scene, participants, state_schema, HandoffState)
    refuse_when(members, "here `routes` and `rules` say whose turn it is")
    refuse_reviewers(members)
    switchboard = Switchboard(
        members,
        scene,
        exits,
        start=known("start", names[0] if start is None else start, names),
        rules=rules_in_order(
            rules, names, [*names, *outside, *([person_name] if person_name else [])]
        ),
        fallback=None if fallback is None else known("fallback", fallback, names),
        person=as_counterpart(human, scene),
        after_human=after_human,
        autonomous_turns=autonomous_turns,
        cycle_window=cycle_window,
        resume_at=resume_at,
        stop_when=condition,
    )
    refuse_unreachable(switchboard.start, names, switchboard.destinations)

    graph = PatternGraph(
        "handoff",
        schema,
        HandoffState,
        switchboard.everybody,
        deciders=switchboard.deciders,
        context_schema=context_schema,
    )
    graph.add_edge(START, "intake")
    graph.add_steps("intake", switchboard.intake, routes=switchboard.first_speakers)
    for member in members:
        graph.add_steps(
            member.name,
            switchboard.turn_of(member),
            policy=member.policy,
            inner=member.inner,
            routes=switchboard.destinations(member.name),
            description=member.description,
        )
    if person := switchboard.person:
        unique_names([*names, person.name], schema.__annotations__)
        graph.add_steps(
            person.name,
            switchboard.ask_person,
            policy=person.policy,
            routes=switchboard.after_person,
            description=person.description,
        )
    return graph


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Where a run goes after a turn."""

    goto: str
    """The next node."""

    stop: Stop | None = None
    """Why the run ends, if it does."""

    moved: Handoff | None = None
    """The handoff by which control moves, if it does."""

    active: str | None = None
    """Who has control now, where it has not moved by a handoff; None is who had it."""

    asks: Stop | None = None
    """What the run will end with unless the person lets it go on."""

    @property
    def may_be_stopped(self) -> bool:
        """Whether a stop condition has a say: the run goes on, or only a bound ends it."""
        return self.stop is None or self.stop.reason in ("turn_limit", "cycle")


@dataclass(frozen=True)
class Switchboard:
    """Who has control, and where it goes next."""

    members: Sequence[Participant]
    scene: Scene
    exits: Routes
    start: str
    rules: Sequence[HandoffRule]
    fallback: str | None
    person: Counterpart | None
    after_human: str
    autonomous_turns: int
    cycle_window: int | None
    resume_at: str
    stop_when: Condition | None

    @lazy
    def everybody(self) -> Sequence[Participant]:
        """The participants, and the person if there is one."""
        return [*self.members, *([self.person] if self.person else [])]

    @lazy
    def speakers(self) -> Mapping[str, str]:
        """Names and descriptions of everybody."""
        return speakers(self.everybody)

    @lazy
    def names(self) -> Sequence[str]:
        """Names of those who may have control."""
        return [member.name for member in self.members]

    @property
    def deciders(self) -> Sequence[ModelSource]:
        """Models that decide between turns."""
        return self.stop_when.deciders if self.stop_when else ()

    # Where the edges go

    @property
    def first_speakers(self) -> Sequence[str]:
        """Who may have control first in a run."""
        return self.names if self.resume_at == "active" else [self.start]

    def destinations(self, name: str) -> Sequence[str]:
        """Where a participant's turn may lead."""
        found = [*self.exits.from_(name), *self._by_rules([name])]
        if self.fallback not in (None, name) and self.exits.may_be_refused(name):
            found.append(self.fallback)
        if self.person:
            found.append(self.person.name)
            found += [name] if self.autonomous_turns else []
        nodes = [*map(self._node, found), *([END] if self._may_end(name) else [])]
        return list(dict.fromkeys(nodes))

    @property
    def after_person(self) -> Sequence[str]:
        """Where the person's answer may lead."""
        back = self.names if self.after_human == "active" else [self.start]
        found = [*back, *self._by_rules(self.names)]
        return list(dict.fromkeys([*map(self._node, found), END]))

    def _by_rules(self, names: Sequence[str]) -> Iterable[str]:
        """Where rules may lead while one of these has control."""
        return [r.target for r in self.rules if any(r.applies_to(name) for name in names)]

    def _node(self, name: str) -> str:
        """The node of a target: a run that hands over outwards ends."""
        return name if name in self.speakers else END

    def _may_end(self, name: str) -> bool:
        """Whether a run may end with a participant's turn."""
        member = next(member for member in self.members if member.name == name)
        fails = member.policy.on_failure == "record"
        ends_early = self.stop_when is not None or bool(self.scene.budget.limits)
        return self.person is None or ends_early or fails or bool(self.exits.from_(name))

    # What the nodes do

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[Any]:
        """Begin a run, where the conversation is."""
        yield from ()
        if before := never_decided(state):
            state = {**state, "trail": [*state["trail"], *before]}
        update = begin_run(state, execution, self.everybody, self.scene, self.deciders)
        if before:
            update["trail"] = before
        active = state.get("active") if self.resume_at == "active" else None
        first = active if active in self.names else self.start
        update.update(active=first, handoffs=Overwrite([]), handoff_info=HandoffInfo())
        return Command(update=update, goto=first)

    def turn_of(self, member: Participant) -> Any:
        """The steps of a participant's node."""

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[Any]:
            if again := entered_again(state, member.name):
                goto = state["run_info"]["goes_on_to"]
                return (yield from self._go_on(member, again, goto, execution))
            view = View(state, self.speakers, execution.prefix)
            if stop := self.scene.budget.reached(view):
                return self._command(view, ended(stop), Taken())
            taken = yield from take_turn(
                member,
                view,
                execution,
                self.scene,
                step=view.next_step,
                besides=note_for(view, member.name),
            )
            return (yield from self._after(member, view, taken, execution))

        return steps

    def ask_person(self, state: Mapping[str, Any], execution: Execution) -> Steps[Any]:
        """Ask the person the conversation has returned to."""
        person = self.person
        assert person is not None  # noqa: S101 - for the type checker
        if again := entered_again(state, person.name):
            goto = state["run_info"]["goes_on_to"]
            return (yield from self._go_on(person, again, goto, execution))
        view = View(state, self.speakers, execution.prefix)
        if stop := self.scene.budget.reached(view):
            return self._command(view, ended(stop), Taken())
        taken = yield from take_turn(person, view, execution, self.scene, step=view.next_step)
        return (yield from self._after(person, view, taken, execution))

    def _after(
        self, speaker: Participant, view: View, taken: Taken, execution: Execution
    ) -> Steps[Any]:
        """What a turn has brought, and where control goes after it."""
        if taken.stop:
            return self._command(view, ended(taken.stop), taken)
        if speaker is self.person and (stop := self._ended_by_person(view, taken)):
            return self._command(view, ended(stop), taken)
        return (
            yield from keeping_turn(
                self._decided(speaker, view, taken, execution),
                lambda: Command(update=self._saved(speaker, view, taken), goto=speaker.name),
            )
        )

    def _decided(
        self, speaker: Participant, view: View, taken: Taken, execution: Execution
    ) -> Steps[Any]:
        """Where control goes after a turn: by a rule, by its own handoff, or back to the person."""
        active = view.state["active"]
        taken, moved = yield from self._by_rule(active, view, taken)
        if moved is None and taken.reply.stop and taken.reply.stop.reason == "rejected":
            taken, moved = yield from self._by_fallback(active, view, taken)
        outcome = moved or self._next(speaker, active, view, taken)
        if self.stop_when is None or not outcome.may_be_stopped:
            return self._command(view, outcome, taken)
        update, goto = self._update(view, outcome, taken), outcome.goto
        after = after_update(view, update, self.scene)
        return (
            yield from keeping_turn(
                self._unless_stopped({**update}, goto, after, execution),
                lambda: Command(
                    update=saved_alone(update, view.state, speaker.name, goto), goto=speaker.name
                ),
            )
        )

    def _go_on(
        self, speaker: Participant, state: Mapping[str, Any], goto: str | None, execution: Execution
    ) -> Steps[Any]:
        """Do what follows a turn that is saved already."""
        if goto is None:
            return (yield from self._decided_now(speaker, state, execution))
        view = View(state, self.speakers, execution.prefix)
        update = {"run_info": state["run_info"]}
        return (yield from self._unless_stopped(update, goto, view, execution))

    def _decided_now(
        self, speaker: Participant, state: Mapping[str, Any], execution: Execution
    ) -> Steps[Any]:
        """Where control goes after a turn that was saved before that was decided."""
        before, taken = restored(state)
        view = View(before, self.speakers, execution.prefix)
        command = yield from self._decided(speaker, view, taken, execution)
        known = {"run_info": before["run_info"], "handoff_info": before["handoff_info"]}
        return Command(update={**known, **command.update}, goto=command.goto)

    def _unless_stopped(
        self, update: dict[str, Any], goto: str, view: View, execution: Execution
    ) -> Steps[Any]:
        """Go on after a turn, unless the stop condition fires.

        Args:
            update: What the step writes besides.
            goto: Where the run goes on.
            view: The run with this turn.
            execution: The node it happens in.
        """
        assert self.stop_when is not None  # noqa: S101 - for the type checker
        due, asked = yield from stop_by(self.stop_when, view, execution, self.scene)
        update["trail"] = [*update.get("trail", ()), *asked]
        if due is None:
            return Command(update=update, goto=goto)
        update.setdefault("output", best_answer(view))
        return Command(update={**update, **end_run(view.state, due)}, goto=END)

    # Where control goes

    def _next(self, speaker: Participant, active: str, view: View, taken: Taken) -> Outcome:
        """Where control goes by what the speaker has done itself."""
        if handoff := taken_in(taken.reply.handoffs):
            return self._moved(handoff, view, taken)
        if stop := taken.reply.stop:
            return self._limited(stop) if stop.reason == "turn_limit" else ended(stop)
        if failure := taken.failure:
            detail = f"{failure.type}: {failure.message}"
            return ended(Stop(reason="failed", detail=detail, by=speaker.name))
        if self.person is None:
            return ended(Stop(reason="completed"))
        if speaker is self.person:
            goto = active if self.after_human == "active" else self.start
            return Outcome(goto=goto, active=goto)
        if alone(view, speaker.name) < self.autonomous_turns:
            return Outcome(goto=speaker.name)
        return Outcome(goto=self.person.name)

    def _by_rule(
        self, active: str, view: View, taken: Taken
    ) -> Steps[tuple[Taken, Outcome | None]]:
        """The first rule that is true and not refused moves control, whatever was asked for."""
        rules = [rule for rule in self.rules if rule.applies_to(active)]
        if not rules:
            return taken, None
        after = after_update(view, taken.written(), self.scene)
        desk = self._desk(active, after, [rule.target for rule in rules])
        for rule in rules:
            if not (yield apply(rule.when, after)):
                continue
            yield from desk.ask(Handoff(target=rule.target, reason=rule.reason, by="rule"))
            if desk.taken:
                taken = overruled(taken, desk.taken)
            if desk.is_done:
                break
        taken = with_records(taken, desk.records)
        if desk.taken:
            return taken, self._moved(desk.taken, view, taken)
        if desk.stop and desk.stop.reason == "turn_limit":
            return taken, self._limited(desk.stop)
        return taken, None

    def _by_fallback(
        self, active: str, view: View, taken: Taken
    ) -> Steps[tuple[Taken, Outcome | None]]:
        """Everybody has refused: the fallback takes over, unless it has refused itself."""
        refused = {h.target for h in taken.reply.handoffs if h.outcome == "refused"}
        if self.fallback is None or self.fallback in {active, *refused}:
            return taken, None
        after = after_update(view, taken.written(), self.scene)
        desk = self._desk(active, after, [self.fallback])
        last = taken.reply.handoffs[-1]
        wanted = last.model_copy(update={"target": self.fallback, "detail": "", "by": "rule"})
        yield from desk.ask(wanted)
        taken = with_records(taken, desk.records)
        return taken, self._moved(desk.taken, view, taken) if desk.taken else None

    def _desk(self, active: str, view: View, targets: Sequence[str]) -> Desk:
        """Decides on handoffs that are not the participant's own."""
        exits = Routes({active: targets}, {}, self.exits.accepts, self.exits.max_handoffs)
        return Desk(active, view, exits)

    def _moved(self, handoff: Handoff, view: View, taken: Taken) -> Outcome:
        """Where a handoff leads: to its target, unless control goes to and fro."""
        if handoff.target not in self.speakers:
            detail = summary(handoff)
            return ended(Stop(reason="handed_off", detail=detail, by=handoff.target))
        if self.person and handoff.target == self.person.name:
            return Outcome(goto=handoff.target)
        if stop := self._cycle(view, taken):
            return Outcome(
                goto=self.person.name if self.person else END,
                stop=None if self.person else stop,
                moved=handoff,
                asks=stop if self.person else None,
            )
        return Outcome(goto=handoff.target, moved=handoff)

    def _cycle(self, view: View, taken: Taken) -> Stop | None:
        """The stop of a run in which control goes to and fro between two."""
        window = self.cycle_window
        every = [*counted_handoffs(view.state), *taken.reply.handoffs]
        if window is None or len(every) < window:
            return None
        last = [h for h in every if h.outcome == "accepted" and h.target in self.names]
        if len(last) < window:
            return None
        two = {name for handoff in last[-window:] for name in (handoff.source, handoff.target)}
        if len(two) > 2:
            return None
        between = " and ".join(f"`{name}`" for name in sorted(two))
        return Stop(reason="cycle", detail=f"the last {window} handoffs were between {between}")

    def _limited(self, stop: Stop) -> Outcome:
        """The limit of handoffs is reached: the person may let the run go on."""
        return Outcome(goto=self.person.name, asks=stop) if self.person else ended(stop)

    def _ended_by_person(self, view: View, taken: Taken) -> Stop | None:
        """Why the person's answer ends the run; None if it goes on."""
        assert self.person is not None  # noqa: S101 - for the type checker
        reply, name = taken.reply, self.person.name
        if reply.decision == "reject":
            return Stop(reason="rejected", detail=reply.detail, by=name)
        if reply.messages:
            return None
        if (escalation := info_of(view.state).get("escalation")) is not None:
            return Stop.model_validate(escalation)
        return Stop(reason="completed", detail=f"`{name}` had nothing to add", by=name)

    # What is written

    def _command(self, view: View, outcome: Outcome, taken: Taken) -> Command[Any]:
        """What a turn has brought, and where the run goes."""
        return Command(update=self._update(view, outcome, taken), goto=outcome.goto)

    def _saved(self, speaker: Participant, view: View, taken: Taken) -> dict[str, Any]:
        """The update that keeps a turn alone; its entries wait for what comes of it."""
        info: HandoffInfo = {**info_of(view.state), "undecided": undecided(taken, view)}
        update = {**taken.written(), "trail": [], "handoff_info": info}
        return saved_alone(update, view.state, speaker.name)

    def _update(self, view: View, outcome: Outcome, taken: Taken) -> dict[str, Any]:
        """The update that keeps a turn and what comes of it."""
        reply = taken.reply
        update = taken.written()
        if reply.handoffs:
            update["handoffs"] = list(reply.handoffs)
        if info := self._info(view, outcome, taken):
            update["handoff_info"] = info
        active = outcome.moved.target if outcome.moved else outcome.active
        if active is not None:
            update["active"] = active
        if self._is_answer(taken, outcome):
            update["output"] = reply.output
        if outcome.stop:
            update.update(end_run(view.state, outcome.stop, reply.messages))
            if "output" not in update:
                update["output"] = best_answer(view.after(reply.messages, taken.trail))
        return update

    def _is_answer(self, taken: Taken, outcome: Outcome) -> bool:
        """Whether a turn's output is the run's, so far or for good."""
        reply = taken.reply
        if taken.failure or reply.stop or not reply.messages or reply.output in ("", None):
            return bool(outcome.stop and outcome.stop.reason == "completed" and not self.person)
        if any(h.by == "model" for h in reply.handoffs if h.outcome in ("accepted", "ignored")):
            return False
        if not taken.trail or taken.trail[0].kind != "human":
            return True
        return bool(outcome.stop and outcome.stop.reason == "completed")

    def _info(self, view: View, outcome: Outcome, taken: Taken) -> HandoffInfo | None:
        """How control has come to who has it, where that or the counting has changed."""
        before = info_of(view.state)
        info: HandoffInfo = {**before}
        count = len(view.state.get("handoffs") or ()) + len(taken.reply.handoffs)
        if outcome.moved:
            place = list(taken.reply.handoffs).index(outcome.moved)
            info["control_by"] = count - len(taken.reply.handoffs) + place
            info["control_began"] = len(view.messages) + len(taken.reply.messages)
        elif outcome.active and outcome.active != view.state["active"]:
            info["control_by"] = None
        if outcome.asks:
            info["escalation"] = outcome.asks
        elif before.get("escalation"):
            info["escalation"] = None
            info["counted_from"] = count
        return info if info != before else None


def ended(stop: Stop) -> Outcome:
    """The run ends."""
    return Outcome(goto=END, stop=stop)


def info_of(state: Mapping[str, Any]) -> HandoffInfo:
    """The bookkeeping of a run."""
    return state.get("handoff_info") or HandoffInfo()


def alone(view: View, name: str) -> int:
    """How many turns a participant has taken in a row, up to the one before this."""
    turns = 0
    for turn in reversed(view.turns):
        if turn.agent != name or turn.outcome == "handed_off":
            break
        turns += 1
    return turns
