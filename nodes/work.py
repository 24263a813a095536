"""A turn in progress: asking models, counting what they use, and stopping at the budget."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.constants import TAG_NOSTREAM
from langgraph.errors import GraphBubbleUp

from langgraph_orchestra.nodes.driver import Execution, Steps, invoke
from langgraph_orchestra.nodes.invocation import Invocation, Invocations, Usage
from langgraph_orchestra.nodes.limits import Limits, Spent, cost_of, limit_reached, spent_in
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import Stop

__all__ = ["Budget", "BudgetSpent", "Work"]


class BudgetSpent(GraphBubbleUp):
    """A limit stopped a model call. Bubbles up through inner graphs to the turn it belongs to.

    Args:
        stop: Which limit.
        work: The turn whose run has the limit.
    """

    def __init__(self, stop: Stop, work: "Work") -> None:
        super().__init__(stop.detail)
        self.stop = stop
        self.work = work


@dataclass(frozen=True)
class Budget:
    """What a graph's nodes share to hold its limits."""

    limits: Limits = field(default_factory=Limits)
    invocations: Invocations = field(default_factory=Invocations)

    def reached(self, view: View) -> Stop | None:
        """The limit that a run has reached between two turns; None while there is budget left."""
        if not self.limits:
            return None
        return limit_reached(self.limits, spent_in(view.trail, len(view.turns)))


class Work:
    """One participant's turn, decision or aggregate while it is in progress.

    Args:
        name: Who is at work, as the trail names it.
        view: The run when it began.
        execution: The node it runs in.
        budget: The run's limits.
        besides: Messages it must read, whatever its history policy picks.
    """

    def __init__(
        self,
        name: str,
        view: View,
        execution: Execution,
        budget: Budget,
        besides: Sequence[AnyMessage] = (),
    ) -> None:
        self.name = name
        self.view = view
        self.execution = execution
        self.besides = besides
        self.limits = budget.limits
        self.usage = Usage()
        self.model = ""
        self.stopped: Stop | None = None
        self.counted: set[str | None] = set()
        self.started_at = datetime.now(UTC)
        self._began = time.perf_counter()
        self._budget = budget
        self._before: Spent | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self._began

    @property
    def invocation(self) -> Invocation:
        """What this graph's nodes share while it runs."""
        return self._budget.invocations.of(self.execution)

    @property
    def task_id(self) -> str:
        """LangGraph's id of the task, the same for all attempts at it."""
        info = self.execution.runtime.execution_info
        return info.task_id if info else ""

    def ask(
        self,
        model: Runnable[Any, Any],
        messages: Sequence[AnyMessage],
        config: RunnableConfig | None = None,
    ) -> Steps[Any]:
        """Call a model; within the limits, and counted.

        Args:
            model: A chat model, or one bound to structured output with `include_raw=True`.
            messages: What it reads.
            config: Its configuration; by default that of the node.

        Returns:
            What the model returns.

        Raises:
            BudgetSpent: A limit is reached; the model is not called.
        """
        self.check()
        answer = yield invoke(model, list(messages), config or self.execution.config)
        self.count(answer["raw"] if isinstance(answer, dict) else answer)
        return answer

    def quietly(self) -> RunnableConfig:
        """Configuration for a call whose tokens are nobody's speech, so that none are streamed."""
        config = self.execution.config
        return {**config, "tags": [*(config.get("tags") or ()), TAG_NOSTREAM]}

    def metered(self, config: RunnableConfig) -> RunnableConfig:
        """Configuration under which every model call inside a graph is limited and counted."""
        callbacks = config.get("callbacks")
        meter = Meter(self)
        if callbacks is None or isinstance(callbacks, list):
            return {**config, "callbacks": [*(callbacks or ()), meter]}
        manager = callbacks.copy()
        manager.add_handler(meter, inherit=True)
        return {**config, "callbacks": manager}

    def check(self) -> None:
        """Stop if a limit is reached.

        Raises:
            BudgetSpent: A limit is reached.
        """
        if self.limits and (stop := limit_reached(self.limits, self._spent())):
            self.stopped = stop
            raise BudgetSpent(stop, self)

    def count(self, message: BaseMessage) -> None:
        """Count a model's answer, once."""
        if not isinstance(message, AIMessage) or (message.id and message.id in self.counted):
            return
        self.counted.add(message.id)
        model = message.response_metadata.get("model_name")
        self.model = str(model) if model else self.model
        if not (used := message.usage_metadata):
            return
        cost = self._cost(used, str(model or ""))
        self.usage.add(used["input_tokens"], used["output_tokens"], cost)
        if self.limits:
            info = self.execution.runtime.execution_info
            superstep = info.checkpoint_id if info else ""
            account = self.invocation.spending(superstep, self.task_id)
            account.add(used["input_tokens"], used["output_tokens"], cost)

    def keep_for_next_attempt(self) -> None:
        """Remember what a failed attempt has used, for the entry of the attempt that counts."""
        wasted = self.invocation.wasted
        wasted.setdefault(self.task_id, Usage()).add_all(self.usage)

    def used(self) -> Usage:
        """What the turn has used in all its attempts."""
        total = Usage()
        if self.execution.attempt > 1 and (wasted := self.invocation.wasted.get(self.task_id)):
            total.add_all(wasted)
        total.add_all(self.usage)
        return total

    def _cost(self, used: UsageMetadata, model: str) -> float | None:
        return cost_of(model, used, self.limits.price)

    def _spent(self) -> Spent:
        """Everything up to now: the trail, and what this superstep's tasks have used."""
        if self._before is None:
            self._before = spent_in(self.view.trail, len(self.view.turns))
        now = self.invocation.being_spent()
        return Spent(
            turns=self._before.turns,
            tokens=self._before.tokens + now.input_tokens + now.output_tokens,
            cost=self._before.cost + (now.cost or 0.0),
            seconds=self._before.seconds + self.seconds,
        )


class Meter(BaseCallbackHandler):
    """Holds the limits at every model call inside a graph that a participant runs."""

    raise_error = True
    run_inline = True

    def __init__(self, work: Work) -> None:
        self._work = work

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain's signature
        messages: list[list[BaseMessage]],  # noqa: ARG002
        **_: Any,
    ) -> None:
        """Stop the call if a limit is reached."""
        self._work.check()

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """Count the call."""
        for generations in response.generations:
            for generation in generations:
                if isinstance(generation, ChatGeneration):
                    self._work.count(generation.message)
