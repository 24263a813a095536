"""What the tests look at: in a run's result, and in what a scripted model was sent."""

from collections.abc import Mapping
from typing import Any

from langgraph.types import Interrupt

from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent

Result = Mapping[str, Any]


def ended(result: Result) -> tuple[Any, str]:
    """How a run ended: its output, and why."""
    return result["output"], result["stop"].reason


def spoken(result: Result) -> list[tuple[str, str]]:
    """Who said what, in the thread's order; tools' results are left out."""
    return [(m.name, m.text) for m in result["messages"] if m.name and m.type in ("ai", "human")]


def outcomes(result: Result) -> list[tuple[str, str]]:
    """Where turns were taken, and how they ended."""
    return [(turn.path, turn.outcome) for turn in result["trail"]]


def usage(result: Result) -> int:
    """Tokens of a whole trail."""
    return sum(turn.input_tokens + turn.output_tokens for turn in result["trail"])


def asked(result: Result) -> Interrupt:
    """The one interrupt a run is waiting at."""
    (interrupt,) = result["__interrupt__"]
    return interrupt  # type: ignore[no-any-return]


def comparable(result: Result) -> dict[str, Any]:
    """All of a result that must not differ between two runs: everything but ids and times."""
    return {
        "output": result["output"],
        "stop": result["stop"],
        "messages": [(m.type, m.name, m.content) for m in result["messages"]],
        "trail": [turn.model_dump(exclude={"started_at", "seconds"}) for turn in result["trail"]],
    }


def model_of(member: Agent) -> ScriptedModel:
    """An agent's scripted model."""
    assert isinstance(member.model, ScriptedModel)
    return member.model


def calls(*members: Agent) -> list[int]:
    """How often each agent's model was called."""
    return [len(model_of(member).calls) for member in members]


def readings(member: Agent) -> list[list[str]]:
    """For each call of an agent's model the texts it was sent, without the system prompt."""
    return [
        [message.text for message in call.messages if message.type != "system"]
        for call in model_of(member).calls
    ]


def read_by(member: Agent) -> list[str]:
    """The texts that an agent's model was sent in its only call."""
    (texts,) = readings(member)
    return texts
