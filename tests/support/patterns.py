"""The patterns' factories under one signature, for what holds for all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_magentic,
    create_maker_checker,
    create_map_reduce,
    create_sequential,
    create_supervisor,
)
from langgraph_orchestra.nodes import Agent, Member, Policy, View
from support.ledgers import ScriptedManager, everybody_once
from support.plans import in_order

Factory = Callable[..., PatternGraph]


def the_task(view: View) -> list[str]:
    """The items of a map-reduce with one item, the task itself."""
    return [view.task]


def map_the_task(participants: Sequence[Any], **options: Any) -> PatternGraph:
    """A map-reduce over the task; its one participant is the worker."""
    return create_map_reduce(the_task, *participants, **options)


def next_of_one_round(view: View) -> str | None:
    """Who speaks next where everybody speaks once."""
    return (*view.speakers, None)[len(view.turns)]


def chat_of_one_round(participants: Sequence[Any], **options: Any) -> PatternGraph:
    """A group chat in which everybody speaks once; it is completed then."""
    return create_group_chat(participants, **{"select": next_of_one_round, **options})


def approving(view: View) -> bool:
    """A checker who approves every draft."""
    return True


def check_the_task(participants: Sequence[Any], **options: Any) -> PatternGraph:
    """A maker-checker that approves the first draft; its one participant is the maker."""
    (maker,) = participants
    return create_maker_checker(maker, approving, **options)


def office_in_order(
    participants: Sequence[Any], *, on_failure: Any = None, **options: Any
) -> PatternGraph:
    """A supervisor that gives each worker one step, one after another, and forwards the last.

    Its model counts no tokens, so that what is counted is the participants'.
    """
    workers = participants if on_failure is None else [that_raises(one) for one in participants]
    given = {"model": in_order(), "synthesis": "forward", **options}
    return create_supervisor(workers, **given)


def that_raises(participant: Any) -> Member:
    """The participant, with a policy that raises what the pattern would record."""
    member = participant if isinstance(participant, Member) else Member(participant)
    own = member.participant.policy if isinstance(member.participant, Agent) else None
    policy = member.policy or own or Policy(retry=None)
    return replace(member, policy=replace(policy, on_failure=policy.on_failure or "raise"))


def led_through_one_round(
    participants: Sequence[Any], *, on_failure: str = "record", **options: Any
) -> PatternGraph:
    """A team whose manager asks each of it once; the last answer is the final one."""
    if on_failure == "raise":
        participants = [that_raises(participant) for participant in participants]

    def last_answer(view: View) -> str:
        return view.last_text

    manager = ScriptedManager(everybody_once, final=last_answer)
    return create_magentic(participants, **{"manager": manager, **options})


SEVERAL: Mapping[str, Factory] = {
    "sequential": create_sequential,
    "concurrent": create_concurrent,
    "handoff": create_handoff,
    "group_chat": chat_of_one_round,
    "supervisor": office_in_order,
    "magentic": led_through_one_round,
}
"""Patterns of any number of participants."""

PATTERNS: Mapping[str, Factory] = {
    **SEVERAL,
    "map_reduce": map_the_task,
    "maker_checker": check_the_task,
}
"""All patterns, for graphs of one participant."""

RAISING: Mapping[str, Mapping[str, Any]] = {
    "concurrent": {"on_failure": "raise"},
    "map_reduce": {"on_failure": "raise"},
    "supervisor": {"on_failure": "raise"},
    "magentic": {"on_failure": "raise"},
}
"""Options with which a pattern raises errors that it would record."""

FINISHED = frozenset({"completed", "approved"})
"""Reasons with which the patterns end when all has gone well."""
