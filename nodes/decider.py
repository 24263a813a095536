"""`Decider`: a model that decides between turns, with the prompt it is given."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from langchain_core.messages import AnyMessage
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel

from langgraph_orchestra.models import is_chat_model
from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.decision import ATTEMPTS, decide
from langgraph_orchestra.nodes.driver import Steps
from langgraph_orchestra.nodes.history import History
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.policy import Policy, is_retried
from langgraph_orchestra.nodes.turn import bounded
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, DecisionError

__all__ = ["Decider", "DeciderLike", "decider_from", "is_decider"]

M = TypeVar("M", bound=BaseModel)

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
    """What they read of a conversation; None is all of it."""

    def decide(
        self,
        work: Work,
        schema: type[M],
        messages: Sequence[AnyMessage],
        *,
        check: Callable[[M], str | None] = lambda _: None,
        attempts: int = ATTEMPTS,
    ) -> Steps[M]:
        """Ask the model as `decide` does, within the policy's time.

        Raises:
            DecisionError: No answer was valid.
            NodeTimeoutError: The model took too long.
        """
        asking = decide(work, self.model, schema, messages, check=check, attempts=attempts)
        try:
            return (yield from bounded(asking, work, self.policy.timeout))
        except (GraphBubbleUp, DecisionError):  # the trail will tell what was used
            raise
        except Exception as error:
            if is_retried(self.policy, error, work.execution.attempt):
                work.keep_for_next_attempt()
            raise


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
    if given.policy.fallback is not None:
        raise ConfigurationError(
            f"`Policy(fallback=...)` of agent `{given.name}` would not be used: it decides, and "
            f"what happens without a decision is said where it does; leave it out"
        )
    return Decider(
        ModelSource(given.model),
        given.prompt or prompt,
        given.policy,
        given.history,
    )
