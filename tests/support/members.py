"""Participants for the tests: scripted agents, functions, tools and nested teams."""

from collections.abc import Callable
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.types import RetryPolicy

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Policy, View

ONCE = Policy(retry=None)
"""One attempt; a failure is what the pattern makes of it."""

RECORDED = Policy(retry=None, on_failure="record")
"""One attempt; a failure is recorded."""

AT_ONCE = RetryPolicy(initial_interval=0.001, jitter=False)
"""Three attempts, without a pause."""


def agent(name: str, *replies: Any, model_name: str = "scripted", **options: Any) -> Agent:
    """An agent that gives these replies, one after another; by default it says its own name."""
    model = ScriptedModel(replies or [name], model_name=model_name)
    return Agent(name, f"You are {name}.", model=model, **options)


def echo(name: str = "echo") -> Agent:
    """An agent that answers any number of calls with the last message it read."""
    return Agent(name, "", model=ScriptedModel(lambda messages: f"{name}: {messages[-1].text}"))


def named(name: str) -> Callable[[View], str]:
    """A function of that name, which says `said`."""

    def function(view: View) -> str:
        return "said"

    function.__name__ = name
    return function


def team(*members: Any, name: str = "team", **options: Any) -> Any:
    """A nested sequence."""
    return create_sequential(members, **options).compile(name=name)


def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a mollusc"


def wants(tool: str, call_id: str = "call-1", **arguments: Any) -> AIMessage:
    """An answer that asks for a tool."""
    return AIMessage("", tool_calls=[{"name": tool, "args": arguments, "id": call_id}])
