"""`Decider`: a model that decides between turns, with the prompt it is given."""

from typing import Any, NamedTuple

from langgraph_orchestra.models import is_chat_model
from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.history import History
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.policy import Policy
from langgraph_orchestra.state import ConfigurationError

__all__ = ["Decider", "DeciderLike", "decider_from", "is_decider"]

DeciderLike = Any
"""A chat model, its name, or an `Agent`, which gives prompt, model and policy."""


class Decider(NamedTuple):
    """Who decides, and what they are told."""

    model: ModelSource
    """Finds the model."""

    prompt: str
    """The system prompt."""

    policy: Policy
    """What happens when the model is slow or fails; `on_failure` and `breaker` mean nothing."""

    history: History | None = None
    """What they read of a conversation; None is what the participants read."""


def is_decider(given: Any) -> bool:
    """Whether it can be made a `Decider`."""
    return isinstance(given, str | Agent) or is_chat_model(given)


def decider_from(given: Any, prompt: str) -> Decider:
    """A decider from what a user gave.

    Args:
        given: A model, its name, an `Agent`, or None for the run's model.
        prompt: The prompt, where no `Agent` gives another.

    Raises:
        TypeError: It is nothing of these.
        ConfigurationError: An `Agent` brings what a decision has no use for.
    """
    if not isinstance(given, Agent):
        if given is not None and not is_decider(given):
            raise TypeError(
                f"who decides is a chat model, its name, an `Agent` or None, not {given!r}"
            )
        return Decider(ModelSource(given), prompt, Policy())
    for brought in ("tools", "middleware", "output"):
        if getattr(given, brought):
            raise ConfigurationError(
                f"`{brought}` of agent `{given.name}` would not be used: it decides, in one "
                f"structured answer; leave it out"
            )
    return Decider(ModelSource(given.model), given.prompt or prompt, given.policy, given.history)
