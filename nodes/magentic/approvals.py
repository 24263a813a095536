"""A person approves what a participant is to do, or a tool's call, before it happens."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from langgraph_orchestra.nodes.agent import Agent, tool_name
from langgraph_orchestra.nodes.answers import answer_type, ask_person
from langgraph_orchestra.nodes.magentic.prompts import MagenticPrompts
from langgraph_orchestra.nodes.magentic.views import MANAGER
from langgraph_orchestra.nodes.member import Member, ParticipantLike, described
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.nodes.requests import request_from
from langgraph_orchestra.nodes.turn import entry
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, Turn, TurnOutcome

__all__ = ["Permission", "ask_permission", "with_approvals"]

_ANSWERS = answer_type(["approve", "edit", "reject"])


class Permission(NamedTuple):
    """What a participant may do, as a person has let them or as nobody was asked."""

    instruction: str
    """What they are to do."""

    trail: Sequence[Turn] = ()
    """The entry of the person's decision."""

    notes: Sequence[str] = ()
    """What the manager is to know of it."""

    is_refused: bool = False
    """Whether they may not do it."""


def ask_permission(
    instruction: str, work: Work, scene: Scene, words: MagenticPrompts
) -> Permission:
    """Interrupt the run for what a person says to an instruction.

    The request has the shape of a tool's approval, with the participant in the place of the tool.

    Args:
        instruction: What the participant is to do.
        work: The approval in progress, under the participant's name.
        scene: The graph.
        words: The words of notes.

    Raises:
        AnswerError: The answer cannot be used; it can be given again.
    """
    name = work.name
    about = f"Approve, edit or reject what {name} is to do.\n\n{instruction}"
    request = request_from(name, {"instruction": instruction}, about, _ANSWERS, work, scene)
    decision = ask_person(request, _ANSWERS)
    assert decision is not None  # noqa: S101 - a blank answer is refused
    said = decision.text
    if decision.type == "reject":
        said = said or "rejected"
        notes, turn = [f"{name} {words.refused} {said}"], _entry(work, "refused", said)
        return Permission(instruction, [turn], notes, is_refused=True)
    if decision.type == "edit":
        notes, turn = [f"{name} {words.changed} {said}"], _entry(work, "ok", f"edited: {said}")
        return Permission(said, [turn], notes)
    return Permission(instruction, [_entry(work, "ok", "approved")])


def _entry(work: Work, outcome: TurnOutcome, detail: str) -> Turn:
    """The trail's entry of a decision; not under the path by which a breaker counts turns."""
    step = work.view.turn_number + 1
    turn = entry(work, kind="decision", step=step, outcome=outcome, detail=detail)
    return turn.model_copy(update={"path": work.execution.path(f"{MANAGER}/{work.name}")})


def with_approvals(
    given: Sequence[ParticipantLike], approve_before: Any
) -> tuple[Sequence[ParticipantLike], frozenset[str]]:
    """Participants whose tools wait for approval, and who of them waits for it before they work.

    Args:
        given: What a user gave as participants; it is not changed.
        approve_before: Names of participants, and of tools of agents.

    Returns:
        The participants, and who of them is approved before they work.

    Raises:
        TypeError: `approve_before` is no list of names.
        ConfigurationError: It names nobody, and no tool, that is there.
    """
    if isinstance(approve_before, str) or not isinstance(approve_before, Collection):
        raise TypeError(f"`approve_before` is a list of names, not {approve_before!r}")
    if not approve_before:
        return given, frozenset()
    given = list(given) if isinstance(given, Iterator) else given
    names, _ = described(given)
    tools = list(dict.fromkeys(tool for one in given for tool in _tools_of(one)))
    for name in approve_before:
        if name not in (*names, *tools):
            raise ConfigurationError(
                f"`approve_before` names {name!r}; the participants are {_listed(names)}, and "
                f"their tools {_listed(tools) or 'none'}"
            )
    guarded = [_guarded(one, [t for t in tools if t in approve_before]) for one in given]
    return guarded, frozenset(names).intersection(approve_before)


def _guarded(given: Any, tools: Sequence[str]) -> Any:
    """The participant with these of its tools, and of who stands in for it, to be approved."""
    if isinstance(given, Member):
        policy = _policy_of(given, tools)
        return replace(given, participant=_guarded(given.participant, tools), policy=policy)
    if not isinstance(given, Agent):
        return given
    own = [name for name in map(tool_name, given.tools) if name in tools]
    waiting = list(dict.fromkeys([*given.approve_tools, *own]))
    return replace(given, approve_tools=waiting, policy=_policy_of(given, tools))


def _policy_of(given: Agent | Member, tools: Sequence[str]) -> Any:
    policy = given.policy
    if policy is None or policy.fallback is None:
        return policy
    return replace(policy, fallback=_guarded(policy.fallback, tools))


def _tools_of(given: Any) -> Iterable[str]:
    """Names of the tools of an agent, and of who stands in for it."""
    if isinstance(given, Member):
        yield from _tools_of(given.participant)
    if isinstance(given, Agent):
        yield from map(tool_name, given.tools)
    if isinstance(given, Agent | Member) and given.policy is not None:
        yield from _tools_of(given.policy.fallback)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
