"""What runs in a graph: participants, people, policies, histories, conditions and aggregators.

What is asked for is loaded then: a program that uses a few of them does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langgraph_orchestra.nodes.agent import Agent
    from langgraph_orchestra.nodes.aggregators import (
        concatenate,
        first,
        majority,
        prefer,
        synthesise,
        weighted,
    )
    from langgraph_orchestra.nodes.checks import RESERVED_NAMES
    from langgraph_orchestra.nodes.choosers import by_bids, by_model, by_person
    from langgraph_orchestra.nodes.conditions import (
        Condition,
        cost,
        idle,
        judged,
        mentions,
        seconds,
        tokens,
        turns,
        when,
    )
    from langgraph_orchestra.nodes.handoff.rule import HandoffRule
    from langgraph_orchestra.nodes.handoff.tool import handoff_tool
    from langgraph_orchestra.nodes.history import (
        History,
        everything,
        last_only,
        own_and_task,
        recent,
        summarised,
        task_and_last,
        task_only,
        this_run,
        within,
    )
    from langgraph_orchestra.nodes.human import Human, approval, question
    from langgraph_orchestra.nodes.limits import Limits
    from langgraph_orchestra.nodes.magentic.prompts import MagenticPrompts
    from langgraph_orchestra.nodes.member import Member
    from langgraph_orchestra.nodes.participant_tool import as_tool
    from langgraph_orchestra.nodes.policy import Policy
    from langgraph_orchestra.nodes.selectors import Selector, rotate_random, round_robin
    from langgraph_orchestra.nodes.view import View

__all__ = [
    "RESERVED_NAMES",
    "Agent",
    "Condition",
    "HandoffRule",
    "History",
    "Human",
    "Limits",
    "MagenticPrompts",
    "Member",
    "Policy",
    "Selector",
    "View",
    "approval",
    "as_tool",
    "by_bids",
    "by_model",
    "by_person",
    "concatenate",
    "cost",
    "everything",
    "first",
    "handoff_tool",
    "idle",
    "judged",
    "last_only",
    "majority",
    "mentions",
    "own_and_task",
    "prefer",
    "question",
    "recent",
    "rotate_random",
    "round_robin",
    "seconds",
    "summarised",
    "synthesise",
    "task_and_last",
    "task_only",
    "this_run",
    "tokens",
    "turns",
    "weighted",
    "when",
    "within",
]


# No module has the name of what it gives: once loaded, it would stand in its place here.
_MODULES = {
    "RESERVED_NAMES": "checks",
    "Agent": "agent",
    "Condition": "conditions",
    "HandoffRule": "handoff.rule",
    "History": "history",
    "Human": "human",
    "Limits": "limits",
    "MagenticPrompts": "magentic.prompts",
    "Member": "member",
    "Policy": "policy",
    "Selector": "selectors",
    "View": "view",
    "approval": "human",
    "as_tool": "participant_tool",
    "by_bids": "choosers",
    "by_model": "choosers",
    "by_person": "choosers",
    "concatenate": "aggregators",
    "cost": "conditions",
    "everything": "history",
    "first": "aggregators",
    "handoff_tool": "handoff.tool",
    "idle": "conditions",
    "judged": "conditions",
    "last_only": "history",
    "majority": "aggregators",
    "mentions": "conditions",
    "own_and_task": "history",
    "prefer": "aggregators",
    "question": "human",
    "recent": "history",
    "rotate_random": "selectors",
    "round_robin": "selectors",
    "seconds": "conditions",
    "summarised": "history",
    "synthesise": "aggregators",
    "task_and_last": "history",
    "task_only": "history",
    "this_run": "history",
    "tokens": "conditions",
    "turns": "conditions",
    "weighted": "aggregators",
    "when": "conditions",
    "within": "history",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
