"""Group chat: participants speak one at a time on a shared thread; a selector gives the floor.

Use it for debate, brainstorming and decisions that need several views of the same conversation. Do
not use it where the order of the work is known (`create_sequential`), where views must not
influence each other (`create_concurrent`), or where one only judges (`create_maker_checker`).

    intake -> ann -> bob -> carol        each leads to whoever may speak next, or to the end
               ^               |
               +---------------+

A selector that asks a model or a person stands between the turns as a node of its own; one that
does not chooses inside the step of whoever has just spoken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from langgraph.graph import END, START
from langgraph.types import Command

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.models import is_chat_model
from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.checks import natural_number, routes_between, unique_names
from langgraph_orchestra.nodes.choosers import NODE, ByModel
from langgraph_orchestra.nodes.conditions import Condition, as_condition
from langgraph_orchestra.nodes.decider import DeciderLike, decider_from
from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.follow_up import entered_again, keeping_turn, saved_alone
from langgraph_orchestra.nodes.history import History, everything, this_run
from langgraph_orchestra.nodes.human import Human, HumanParticipant
from langgraph_orchestra.nodes.intake import begin_run, end_run
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike, as_internal
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.observer import Observer, observer_from
from langgraph_orchestra.nodes.participant import Participant, Scene, refuse_when, speakers
from langgraph_orchestra.nodes.selectors import (
    Floor,
    RoundRobin,
    Selector,
    round_robin,
    selector_from,
)
from langgraph_orchestra.nodes.speaking_rules import Pause, SpeakingRules
from langgraph_orchestra.nodes.turn import Taken, stop_by, take_turn
from langgraph_orchestra.nodes.view import View, best_answer, best_so_far, text_of
from langgraph_orchestra.nodes.work import Budget
from langgraph_orchestra.state import ConfigurationError, GroupChatState, Stop
from langgraph_orchestra.state.context import Setting

__all__ = ["create_group_chat"]


def create_group_chat(
    participants: Sequence[ParticipantLike],
    *,
    select: Selector | Callable[[View], Any] | None = None,
    model: DeciderLike | None = None,
    candidates: Callable[[View], Any] | None = None,
    transitions: Mapping[str, Sequence[str]] | None = None,
    allow_repeat: bool = True,
    stop_when: Condition | Any = None,
    max_turns: int = 20,
    summary: ParticipantLike | str | None = None,
    observer: Human | None = None,
    history: History | None = None,
    limits: Limits | None = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph in which participants talk on a shared thread, one at a time.

    Args:
        participants: Who takes part: agents, people (`Human` has a seat and is asked), functions,
            graphs.
        select: Who speaks next: `round_robin()`, `rotate_random(seed)`, `by_model(model)`,
            `by_bids()`, `by_person()`, or a function `View -> name` that may return None to end the
            chat. None is `round_robin()`.
        model: Model of a selector or a summary that names none of its own.
        candidates: From the `View` to the names of who may speak next; an empty list ends the chat.
            None is everybody.
        transitions: Who may speak after whom; a missing name has no successor, and ends the chat.
            None is everybody after everybody.
        allow_repeat: Whether somebody may speak twice in a row, where there are others.
        stop_when: Ends the chat when it fires after a turn.
        max_turns: Turns of a run; 20 by default.
        summary: Writes the `output` from this run's chat at its end: a participant, or the prompt
            for `model`. It is no turn. None leaves the last answer as the output.
        observer: A person who is asked before every turn, and may say something first.
        history: What a participant reads unless it says otherwise; None is `everything()`.
        limits: Budget of a run; None has none.
        state_schema: Subclass of `GroupChatState` with keys of your own.
        context_schema: The run's context; None is an `OrchestrationContext` in which a caller can
            also set the agents' prompts and lower the bounds; one of your own leaves them fixed.

    Returns:
        An uncompiled graph over `GroupChatState`. `output` is the last answer, or the summary;
        `stop` is `completed` (a selector, or nobody left who may speak), `terminated` (by
        `stop_when`), `turn_limit`, `quiescent` (no bid was high enough), `rejected` (by a reviewing
        person), `failed` (everybody is out by their breaker, and nobody has answered), or the limit
        that was reached.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, limit, transition, selector or schema cannot be used.
    """
    natural_number("max_turns", max_turns)
    if not isinstance(allow_repeat, bool):
        raise TypeError(f"`allow_repeat` is a bool, not {allow_repeat!r}")
    if candidates is not None and not callable(candidates):
        raise TypeError(f"`candidates` is a function of a `View`, not {candidates!r}")
    max_turns, budget = turns_apart(max_turns, check_limits(limits))
    scene = Scene("group_chat", history or everything(), budget)
    scene, members, schema = scene_of(
        "group_chat", scene, participants, state_schema, GroupChatState
    )
    refuse_when(members, "here `candidates=` says who may speak")
    selector = selector_for(select, model, summary).between(members)
    by_name = {member.name: member for member in members}
    rules = SpeakingRules(
        by_name,
        candidates,
        None if transitions is None else routes_between("transitions", transitions, list(by_name)),
        allow_repeat or len(members) == 1,
        in_turn=isinstance(selector, RoundRobin),
    )
    chat = Chat(
        by_name,
        rules,
        scene,
        selector,
        None if stop_when is None else as_condition(stop_when),
        max_turns,
        summary_by(summary, model, scene),
        None if observer is None else observer_from(observer, scene),
    )

    graph = PatternGraph(
        "group_chat",
        schema,
        GroupChatState,
        chat.everybody,
        deciders=chat.deciders,
        context_schema=context_schema,
        settings=[
            Setting("max_turns", max_turns, "Turns of a run."),
            *chat.selector.settings,
        ],
        supersteps=4 * max_turns,
    )
    graph.add_steps("intake", chat.intake, routes=chat.routes_to_the_floor())
    graph.add_edge(START, "intake")
    for member in members:
        graph.add_steps(
            member.name,
            chat.speaker(member),
            policy=member.policy,
            inner=member.inner,
            routes=chat.routes_after(member),
            description=member.description,
        )
    if chat.observer:
        graph.add_steps(chat.observer.name, chat.observe, routes=chat.routes_from_the_observer())
    if chat.selector.node:
        graph.add_steps(
            chat.selector.node,
            chat.choose,
            policy=chat.selector.policy,
            routes=chat.routes_from_the_selector(),
        )
    if chat.summary:
        graph.add_steps(
            "summary", chat.conclude, policy=chat.summary.policy, inner=chat.summary.inner
        )
        graph.add_edge("summary", END)
    return graph


@dataclass(frozen=True)
class Chat:
    """Who talks, and the rules of the conversation."""

    members: Mapping[str, Participant]
    rules: SpeakingRules
    scene: Scene
    selector: Selector
    stop_when: Condition | None
    max_turns: int
    summary: Participant | None
    observer: Observer | None

    def __post_init__(self) -> None:
        people = [self.observer.name] if self.observer else []
        if self.selector.node and self.selector.node != NODE:
            people.append(self.selector.node)
        keys = get_type_hints(self.scene.state_schema) if self.scene.state_schema else {}
        unique_names([*self.members, *people], keys)

    @lazy
    def speakers(self) -> Mapping[str, str]:
        """Names and descriptions of the participants."""
        return speakers(list(self.members.values()))

    @lazy
    def everybody(self) -> Sequence[Participant]:
        """All whose words stand in the thread, besides the selector."""
        observer = [self.observer.person] if self.observer else []
        return [*self.members.values(), *observer, *([self.summary] if self.summary else [])]

    @property
    def deciders(self) -> Sequence[ModelSource]:
        """Models that decide between turns."""
        return (*self.selector.deciders, *(self.stop_when.deciders if self.stop_when else ()))

    @lazy
    def asks_nobody(self) -> bool:
        """Whether what follows a turn calls no model and no function, so that it cannot fail."""
        return (
            self.stop_when is None
            and self.rules.candidates is None
            and self.selector.follows_an_order
        )

    # Where the run may go

    @lazy
    def asked_first(self) -> str | None:
        """Whose node comes before the next speaker's; None where the choice is made at once."""
        return self.observer.name if self.observer else self.selector.node

    @property
    def end(self) -> str:
        """Where the chat goes when it ends."""
        return "summary" if self.summary else END

    def routes_after(self, member: Participant) -> Sequence[str]:
        """Where a turn may lead."""
        return list(dict.fromkeys([*self.routes_to_the_floor(member.name), self.end]))

    def routes_to_the_floor(self, after: str | None = None) -> Sequence[str]:
        """Where the chat goes on, after somebody's turn or at the beginning."""
        return [self.observer.name] if self.observer else self.routes_to_a_choice(after)

    def routes_to_a_choice(self, after: str | None = None) -> Sequence[str]:
        """Where the chat goes to give the floor: to the selector's node, or to its choice."""
        if self.selector.node:
            return [self.selector.node]
        ends = self.selector.may_end or self.rules.may_run_dry_after(after)
        return [*self.rules.drawn_after(after), *([self.end] if ends else [])]

    def routes_from_the_observer(self) -> Sequence[str]:
        """Where the observer leads; nobody is asked to observe who is left without a choice."""
        ends = [self.end] if self.rules.may_run_dry else []
        return list(dict.fromkeys([*self.routes_to_a_choice(), *ends]))

    def routes_from_the_selector(self) -> Sequence[str]:
        """Where a choice may lead."""
        limited = bool(self.selector.deciders) and bool(self.scene.budget.limits)
        ends = self.selector.may_end or self.rules.may_run_dry or limited
        return [*self.members, *([self.end] if ends else [])]

    # What happens in the nodes

    def view(self, state: Mapping[str, Any], execution: Execution) -> View:
        """The run so far."""
        return View(state, self.speakers, execution.prefix)

    def pause(
        self, state: Mapping[str, Any], execution: Execution, update: dict[str, Any] | None = None
    ) -> Pause:
        """The chat between two turns, as a node that is no speaker's finds it."""
        view = self.view(state, execution)
        turns, last = view.turn_number, view.last_speaker
        return Pause({} if update is None else update, view, turns, last, execution, self.scene)

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Begin a run, and see who opens it."""
        update = begin_run(state, execution, self.everybody, self.scene, self.deciders)
        begun = {**state, **update}
        update.update(self.chosen(None, state))
        if self.asked_first:
            return Command(update=update, goto=self.asked_first)
        return (yield from self.next_speaker(self.pause(begun, execution, update)))

    def speaker(self, member: Participant) -> Any:
        """The steps of a participant's node."""
        name = member.name

        def steps(state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
            if again := entered_again(state, name):
                update = {"run_info": again["run_info"]}
                pause = self.pause(again, execution, update)
                return (yield from self.follow_up(pause._replace(last=name)))
            view = self.view(state, execution)
            turns = view.turn_number + 1
            taken = yield from take_turn(member, view, execution, self.scene, step=turns)
            update = taken.written()
            is_draft = member.kind != "human" or taken.reply.decision == "edit"
            if is_draft and is_no_text(taken, state):
                update["output"] = taken.reply.output
            pause = Pause({**update}, view, turns, name, execution, self.scene)
            if stop := self.ended_by(member, taken, view):
                return self.finish(pause, stop)
            if self.asks_nobody:
                return (yield from self.follow_up(pause))
            return (
                yield from keeping_turn(
                    self.follow_up(pause),
                    lambda: Command(update=saved_alone(update, state, name), goto=name),
                )
            )

        return steps

    def observe(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Ask the observer, then see who speaks next."""
        assert self.observer is not None  # noqa: S101 - for the type checker
        pause = self.pause(state, execution)
        names, stop = yield from self.rules.who_may_speak(pause)
        if stop:
            return self.finish(pause, stop)
        remark = yield from self.observer.remark(
            pause.view, names, pause.turns + 1, execution, self.scene
        )
        pause.update.update(remark)
        if self.selector.node:
            return Command(update=pause.update, goto=self.selector.node)
        return (yield from self.next_speaker(pause))

    def choose(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Let the selector ask who speaks next."""
        return (yield from self.next_speaker(self.pause(state, execution)))

    def conclude(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Sum up the chat, unless its budget is spent or there is nothing to sum up."""
        assert self.summary is not None  # noqa: S101 - for the type checker
        view, stop = self.view(state, execution), state["stop"]
        if stop.reason in _WITHOUT_SUMMARY or not view.answers:
            return {}
        step = view.turn_number + 1
        taken = yield from take_turn(self.summary, view, execution, self.scene, step=step)
        update = taken.written()
        update["trail"] = [t.model_copy(update={"kind": "aggregate"}) for t in taken.trail]
        if taken.answered:
            update |= end_run(state, stop, update["messages"])
        if taken.answered and taken.reply.output != "":
            update["output"] = taken.reply.output
        return update

    # The questions they ask

    def ended_by(self, member: Participant, taken: Taken, view: View) -> Stop | None:
        """Why a turn itself ends the chat; None if it does not."""
        if taken.stop:
            return taken.stop
        if isinstance(member, HumanParticipant):
            return member.rejected(view, taken.reply)
        return None

    def follow_up(self, pause: Pause) -> Steps[Command[Any]]:
        """End the chat after a turn, or go on with it."""
        stop, update = None, pause.update
        if self.stop_when:
            stop, asked = yield from stop_by(
                self.stop_when, pause.now(), pause.execution, self.scene
            )
            update["trail"] = [*update.get("trail", ()), *asked]
        max_turns = pause.execution.setting("max_turns", self.max_turns)
        if stop is None and pause.turns >= max_turns:
            detail = f"{pause.turns} of {max_turns} turns taken"
            stop = Stop(reason="turn_limit", detail=detail)
        if stop is None and self.scene.budget.limits:
            stop = self.scene.budget.reached(pause.view.after([], update.get("trail", ())))
        if stop:
            return self.finish(pause, stop)
        if self.asked_first:
            return Command(update=update, goto=self.asked_first)
        return (yield from self.next_speaker(pause))

    def next_speaker(self, pause: Pause) -> Steps[Command[Any]]:
        """Choose who speaks next, or end the chat."""
        update = pause.update
        names, stop = yield from self.rules.who_may_speak(pause)
        if stop:
            return self.finish(pause, stop)
        floor = Floor(
            self.members, names, pause.last, pause.turns, pause.now, pause.execution, self.scene
        )
        choice = yield from self.selector.choose(floor)
        if choice.trail:
            update["trail"] = [*update.get("trail", ()), *choice.trail]
        if choice.messages:
            update["messages"] = [*update.get("messages", ()), *choice.messages]
            update["output"] = choice.messages[-1].text
        if choice.stop or choice.speaker is None:
            return self.finish(pause, choice.stop or Stop(reason="completed"))
        update.update(self.chosen(choice.speaker, pause.view.state))
        return Command(update=update, goto=choice.speaker)

    def chosen(self, speaker: str | None, state: Mapping[str, Any]) -> dict[str, Any]:
        """The update that tells whom the selector has chosen.

        Nothing is written where the order alone tells it: that would be a quarter of what a turn
        takes on disk.
        """
        changed = state.get("next_speaker") != speaker and not self.selector.follows_an_order
        return {"next_speaker": speaker} if changed else {}

    def finish(self, pause: Pause, stop: Stop) -> Command[Any]:
        """End the chat, with the best there is."""
        update, view = pause.update, pause.view
        messages = update.get("messages", ())
        if "output" not in update:
            update["output"] = self.best(view.after(messages, update.get("trail", ())))
        ended = {**self.chosen(None, view.state), **end_run(view.state, stop, messages)}
        return Command(update={**update, **ended}, goto=self.end)

    def best(self, view: View) -> Any:
        """The best there is: the last answer, typed if a person has given it so."""
        output, last = best_so_far(view), best_answer(view)
        person = self.members.get(last.name or "") if last and output == last.text else None
        if last and isinstance(person, HumanParticipant) and person.outputs:
            return person.answer_in(last)
        return output


def is_no_text(taken: Taken, state: Mapping[str, Any]) -> bool:
    """Whether an answer must be kept as `output`, since the messages do not tell it.

    Text is not written twice: the chat's end reads it off the messages, and a thread takes half of
    the space.
    """
    output = taken.reply.output
    if not taken.answered or output == "":
        return False
    return output != text_of(taken.reply.messages[-1]) or bool(state.get("output"))


_WITHOUT_SUMMARY = frozenset({"token_limit", "cost_limit", "time_limit", "rejected", "failed"})
"""Reasons after which nothing is summed up: there is no budget for it, or nothing to show."""


def selector_for(select: Any, model: Any, summary: Any) -> Selector:
    """The selector, choosing by the chat's model if it names none of its own.

    Raises:
        TypeError: It is none.
        ConfigurationError: Nobody would use the model.
    """
    selector = round_robin() if select is None else selector_from(select)
    if model is None:
        return selector
    if isinstance(selector, ByModel) and selector.takes_default:
        return selector.with_default(model)
    if not takes_model(summary):
        raise ConfigurationError(
            "`model` would not be used: it is for a selector or a summary without one of its own; "
            "give `select=by_model()` or `summary=` a prompt, or leave it out"
        )
    return selector


def summary_by(given: Any, model: Any, scene: Scene) -> Participant | None:
    """Who sums the chat up, from this run's part of it.

    Raises:
        TypeError: It is nothing that can take part.
        ConfigurationError: The prompt is blank.
    """
    if given is None:
        return None
    if isinstance(given, str):
        if not given.strip():
            raise ConfigurationError("`summary` is blank; give a prompt, a participant or None")
        given = Agent("closing", given)
    if takes_model(given):
        if isinstance(model, Agent):  # only its model is used here
            decider_from(model, "")
            model = model.model
        given = replace(given, model=model)
    if is_chat_model(given):
        raise TypeError(f"`summary` is a participant, a prompt or None, not {given!r}")
    try:
        participant = as_internal(given, scene, "summary")
    except TypeError as error:
        raise TypeError(f"`summary` is a participant, a prompt or None, not {given!r}") from error
    participant.history = participant.history or this_run()
    return participant


def takes_model(summary: Any) -> bool:
    """Whether a summary names no model of its own."""
    return isinstance(summary, str) or (isinstance(summary, Agent) and summary.model is None)


def turns_apart(max_turns: int, budget: Budget) -> tuple[int, Budget]:
    """The smaller limit of turns, and the rest of the budget, which a summary must keep too."""
    limits = budget.limits
    turns = max_turns if limits.turns is None else min(max_turns, limits.turns)
    return turns, replace(budget, limits=replace(limits, turns=None))
