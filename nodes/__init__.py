"""What runs in a graph: participants, people, policies, histories, conditions and aggregators."""

from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.aggregators import (
    concatenate,
    first,
    majority,
    prefer,
    synthesise,
    weighted,
)
from langgraph_orchestra.nodes.as_tool import as_tool
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
