"""Verdicts in short, and checkers that give them in order."""

from typing import Any

from langgraph_orchestra.nodes import Agent
from langgraph_orchestra.state import Verdict
from support.members import agent

YES = Verdict(approved=True)
"""Approved, without a word."""


def no(feedback: str = "", score: float | None = None) -> Verdict:
    """Not approved."""
    return Verdict(approved=False, feedback=feedback, score=score)


def yes(feedback: str = "", score: float | None = None) -> Verdict:
    """Approved, with a word."""
    return Verdict(approved=True, feedback=feedback, score=score)


def checker(*verdicts: Any, name: str = "boss", **options: Any) -> Agent:
    """An agent that gives these verdicts, one after another; by default it approves."""
    return agent(name, *(verdicts or [YES]), **options)


def writer(*drafts: Any, **options: Any) -> Agent:
    """An agent that makes these drafts, one after another."""
    return agent("writer", *(drafts or ["draft"]), **options)
