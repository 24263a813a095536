"""`Member`: a participant with settings of its own, and how anything becomes a participant."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import Runnable
from langgraph.graph import StateGraph
from langgraph.pregel.protocol import PregelProtocol

from langgraph_orchestra.models import is_chat_model
from langgraph_orchestra.nodes.agent import Agent, AgentParticipant
from langgraph_orchestra.nodes.checks import usable_name
from langgraph_orchestra.nodes.function import FunctionParticipant, RunnableParticipant
from langgraph_orchestra.nodes.graph import GraphParticipant
from langgraph_orchestra.nodes.history import History
from langgraph_orchestra.nodes.human import Human, HumanParticipant
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConfigurationError

__all__ = [
    "Member",
    "ParticipantLike",
    "as_internal",
    "as_participant",
    "as_participants",
    "described",
]

ParticipantLike = Any
"""An `Agent`, `Human` or `Member`, a compiled graph, a Runnable, or a function of a `View`."""


@dataclass(frozen=True)
class Member:
    """Any participant, with settings of its own; what is None stays as the participant has it.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: The name cannot be used.
    """

    participant: ParticipantLike
    """Who takes part."""

    name: str | None = None
    """Its name here; one object may take part under several."""

    description: str = ""
    """What it does, for those who choose between participants."""

    history: History | None = None
    """What it reads; None takes the graph's policy."""

    policy: Policy | None = None
    """What happens when it is slow or fails."""

    when: Callable[[View], bool | Awaitable[bool]] | None = None
    """Whether it takes its turn at all, in a sequence; None is always."""

    bid: Callable[[View], Any] | None = None
    """Its bid for the next turn, where turns are bid for; None asks a model."""

    def __post_init__(self) -> None:
        if self.name is not None:
            usable_name(self.name)
        if isinstance(self.participant, Member):
            raise TypeError("a `Member` wraps a participant, not another `Member`")
        if not isinstance(self.description, str):
            raise TypeError(f"`description` of a `Member` is a str, not {self.description!r}")
        if self.policy is not None and not isinstance(self.policy, Policy):
            raise TypeError(f"`policy` of a `Member` is a Policy or None, not {self.policy!r}")
        for attribute in ("history", "when", "bid"):
            value = getattr(self, attribute)
            if value is not None and not callable(value):
                raise TypeError(f"`{attribute}` of a `Member` is a function, not {value!r}")


def as_participants(given: Iterable[ParticipantLike], scene: Scene) -> list[Participant]:
    """Turn what a user handed to a factory into participants.

    Raises:
        TypeError: It is no list of participants.
        ConfigurationError: One of them cannot take part.
    """
    given = _listed(given)
    opening = replace(scene, human_role=scene.opening_role or scene.human_role)
    return [as_participant(one, scene if place else opening) for place, one in enumerate(given)]


def described(given: Iterable[ParticipantLike]) -> tuple[Sequence[str], Mapping[str, str]]:
    """Names of what will be participants, and their descriptions, before they are set up.

    Raises:
        TypeError: It is no list of participants.
        ConfigurationError: One of them cannot take part.
    """
    members = [one if isinstance(one, Member) else Member(one) for one in _listed(given)]
    names = [_name_of(member) for member in members]
    about = [m.description or getattr(m.participant, "description", "") for m in members]
    return names, {n: a for n, a in zip(names, about, strict=True) if isinstance(a, str)}


def _listed(given: Any) -> Sequence[ParticipantLike]:
    """What a user gave as participants, as a list.

    Raises:
        TypeError: It is none.
    """
    if isinstance(given, str | bytes | dict) or not isinstance(given, Iterable):
        raise TypeError(f"`participants` is a list of participants, not {given!r}")
    return list(given)


def as_participant(given: ParticipantLike, scene: Scene) -> Participant:
    """Turn an agent, person, graph, Runnable or function into a participant.

    Raises:
        TypeError: It is nothing that can take part.
        ConfigurationError: It lacks a name, or is a graph that is not compiled.
    """
    member = given if isinstance(given, Member) else Member(given)
    options: dict[str, Any] = {
        "description": member.description,
        "history": member.history,
        "policy": member.policy,
        "when": member.when,
        "bid": member.bid,
    }
    participant = _by_kind(member.participant, member.name, options, scene)
    if (fallback := participant.policy.fallback) is not None:
        participant.fallback = _fallback(fallback, participant, scene)
    return participant


def as_internal(given: ParticipantLike, scene: Scene, node: str) -> Participant:
    """A participant that works in an internal node, and speaks in the node's name.

    Raises:
        TypeError: It is nothing that can take part.
        ConfigurationError: It lacks a name, or is a graph that is not compiled.
    """
    participant = as_participant(given, scene)
    for one in filter(None, [participant, participant.fallback]):
        one.name = node
    return participant


def _by_kind(
    given: ParticipantLike, name: str | None, options: dict[str, Any], scene: Scene
) -> Participant:
    if isinstance(given, Agent):
        return AgentParticipant(given, scene, name=name, **options)
    if isinstance(given, Human):
        return HumanParticipant(given, scene, name=name, **options)
    own_name = _name_of(Member(given, name=name))
    if isinstance(given, PregelProtocol):
        return GraphParticipant(given, own_name, **options)
    if isinstance(given, Runnable):
        return RunnableParticipant(given, own_name, **options)
    return FunctionParticipant(given, own_name, **options)


def _name_of(member: Member) -> str:
    """Name of what a member is, or is called here.

    Raises:
        TypeError: It is nothing that can take part.
        ConfigurationError: It lacks a name, or is a graph that is not compiled.
    """
    given, name = member.participant, member.name
    if isinstance(given, Agent | Human):
        return name or given.name
    if isinstance(given, StateGraph):
        raise ConfigurationError(
            "an uncompiled `StateGraph` cannot take part: compile it with a name, "
            '`graph.compile(name="team")`'
        )
    if isinstance(given, PregelProtocol):
        return _name_of_graph(given, name)
    if isinstance(given, Runnable):
        return _name_of_runnable(given, name)
    if callable(given) and not isinstance(given, type):
        return _name_of_function(given, name)
    raise TypeError(
        f"{given!r} cannot take part; a participant is an `Agent`, a `Human`, a `Member`, a "
        f"compiled graph, a Runnable or a function of a `View`"
    )


def _fallback(given: ParticipantLike, of: Participant, scene: Scene) -> Participant:
    """Who steps in, under the name of the participant it stands in for."""
    if isinstance(given, str) or is_chat_model(given):
        if not isinstance(of, AgentParticipant):
            raise ConfigurationError(
                f"`Policy(fallback=...)` of `{of.name}` is a model, but `{of.name}` is no `Agent` "
                f"with a prompt for it; give a participant"
            )
        settings = {
            key: getattr(of.agent, key) for key in Agent.__dataclass_fields__ if key != "model"
        }
        given = Agent(**{**settings, "model": given, "policy": Policy(retry=None)})
    member = given if isinstance(given, Member) else Member(given)
    participant = _by_kind(member.participant, of.name, {"history": member.history}, scene)
    participant.history = participant.history or of.history
    return participant


def _name_of_graph(graph: Runnable[Any, Any], name: str | None) -> str:
    own = getattr(graph, "name", None)
    if name is None and own in (None, "LangGraph"):
        raise ConfigurationError(
            "a compiled graph without a name cannot take part: compile it with "
            '`compile(name="team")`, or wrap it in `Member(graph, name="team")`'
        )
    return usable_name(name or own)


def _name_of_runnable(runnable: Runnable[Any, Any], name: str | None) -> str:
    own = getattr(runnable, "name", None)
    if name is None and (own is None or own == "<lambda>"):
        raise ConfigurationError(
            f"a {type(runnable).__name__} without a name cannot take part: wrap it in "
            f'`Member(runnable, name="...")`'
        )
    return usable_name(name or own)


def _name_of_function(function: Callable[..., Any], name: str | None) -> str:
    own = getattr(function, "__name__", None)
    if name is None and own in (None, "<lambda>"):
        raise ConfigurationError(
            "a lambda (or an object without `__name__`) cannot take part without a name: use a "
            'named function, or wrap it in `Member(function, name="...")`'
        )
    return usable_name(name or own)
