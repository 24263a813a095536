"""A turn in progress: asking models, counting what they use, and stopping at the budget."""

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.constants import TAG_NOSTREAM
from langgraph.errors import GraphBubbleUp

from langgraph_orchestra.nodes.called import entries_in
from langgraph_orchestra.nodes.driver import Execution, Steps, invoke_model
from langgraph_orchestra.nodes.invocation import Invocation, Invocations, Usage
from langgraph_orchestra.nodes.lazy import lazy
from langgraph_orchestra.nodes.limits import (
    Limits,
    Price,
    Spent,
    Tally,
    cost_of,
    limit_reached,
    summed_up,
)
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import Stop, Turn

__all__ = ["SPENT_BEFORE", "Budget", "BudgetSpent", "Work", "aside"]


_RUNS_AT_ONCE = 1024  # whose sums are kept; with more of them, some are summed up from the start
SPENT_BEFORE = "__orchestra_spent_before"
"""Key of what a run had used, in the state of a node that is sent its input and sees no trail."""

_OUTER = "__orchestra_work"  # LangGraph keeps keys with two underscores out of saved metadata


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
    tallies: dict[int, tuple[Turn, Tally]] = field(default_factory=dict, compare=False, repr=False)
    """What runs have spent up to their last turn, by the identity of their first entry."""

    @lazy
    def is_limited(self) -> bool:
        """Whether there are limits; it is asked several times in each turn."""
        return bool(self.limits)

    def reached(self, view: View) -> Stop | None:
        """The limit that a run has reached between two turns; None while there is budget left."""
        if not self.is_limited:
            return None
        return limit_reached(self.limits, self.spent(view))

    def spent(self, view: View) -> Spent:
        """What a run has used up to its last entry in the trail; each turn adds what is new."""
        if SPENT_BEFORE in view.state:
            return Spent(**view.state[SPENT_BEFORE])
        trail = view.trail
        if not trail:
            return Spent()
        # By the run's first entry, which the tally's own keeps from being another's identity.
        first, tally = self.tallies.get(id(trail[0])) or (trail[0], Tally())
        tally = summed_up(trail, tally)
        if len(self.tallies) >= _RUNS_AT_ONCE:
            self.tallies.clear()
        self.tallies[id(first)] = first, tally
        return tally.spent


class Work:
    """One participant's turn, decision or aggregate while it is in progress.

    Args:
        name: Who is at work, as the trail names it.
        view: The run when it began.
        execution: The node it runs in.
        budget: The run's limits.
        besides: Messages it must read, whatever its history policy picks.
    """

    reasons: Sequence[str] = ()
    """Why models that were asked about it have decided as they did."""

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
        self.called = Usage()
        self.model = ""
        self.stopped: Stop | None = None
        self.started_at = datetime.now(UTC)
        self._began = time.perf_counter()
        self._budget = budget
        self.counted: set[str | None] = self._counted_before() if execution.attempt > 1 else set()
        self._outer: Work | None = execution.config.get("configurable", {}).get(_OUTER)
        self._limited = budget.is_limited or (self._outer is not None and self._outer._limited)
        self._price: Price | None = self.limits.price or (self._outer and self._outer._price)

    @lazy
    def before(self) -> Spent:
        """What the run had used when it began."""
        return self._budget.spent(self.view)

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

    @property
    def superstep(self) -> str:
        """What tells this superstep from the run's others."""
        info = self.execution.runtime.execution_info
        return info.checkpoint_id if info else ""

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
        if self._limited:
            self.check()
        answer = yield invoke_model(model, messages, config)
        self.count(answer["raw"] if isinstance(answer, dict) else answer)
        return answer

    def quietly(self) -> RunnableConfig:
        """Configuration for a call whose tokens are nobody's speech, so that none are streamed."""
        config = self.execution.config
        return {**config, "tags": [*(config.get("tags") or ()), TAG_NOSTREAM]}

    def metered(
        self,
        config: RunnableConfig,
        given: Sequence[AnyMessage] = (),
        *,
        is_team: bool = False,
    ) -> RunnableConfig:
        """Configuration under which every model call inside a graph is limited and counted.

        Args:
            config: The graph's configuration.
            given: Messages the graph is given; another answer of a model that is read inside was
                given before an interrupt.
            is_team: Whether it is a pattern of ours: its members look at all limits themselves,
                so that it ends with the best they have.
        """
        config = {**config, "configurable": {**config.get("configurable", {}), _OUTER: self}}
        callbacks = config.get("callbacks")
        handlers: list[BaseCallbackHandler] = [Meter(self)]
        if self._limited and not is_team:
            handlers.insert(0, Gate(self, {message.id for message in given}))
        if callbacks is None or isinstance(callbacks, list):
            return {**config, "callbacks": [*(callbacks or ()), *handlers]}
        manager = callbacks.copy()
        for handler in handlers:
            manager.add_handler(handler, inherit=True)
        return {**config, "callbacks": manager}

    def check(self) -> None:
        """Stop if a limit is reached, of this run or of one that it is part of.

        Raises:
            BudgetSpent: A limit is reached.
        """
        if self._limited and (stop := self._due(Spent())):
            raise BudgetSpent(stop, self)

    def count(self, message: BaseMessage, *, aside: bool = False) -> None:
        """Count a model's answer, once.

        Args:
            message: The answer; anything else is left out.
            aside: Whether it is of a participant who was called as a tool, and has an entry in the
                trail of its own: then it counts for the limits alone.
        """
        if not isinstance(message, AIMessage) or (message.id and message.id in self.counted):
            return
        self.counted.add(message.id)
        model = message.response_metadata.get("model_name")
        if not aside:
            self.model = str(model) if model else self.model
        if not (used := message.usage_metadata):
            return
        cost = self._cost(used, str(model or ""))
        self._add(used["input_tokens"], used["output_tokens"], cost, aside=aside)

    def count_called(self, result: BaseMessage) -> None:
        """Count, for the limits, what was used for a tool's result that was there on a resume."""
        if isinstance(result, ToolMessage) and result.tool_call_id not in self.counted:
            self.counted.add(result.tool_call_id)
            for turn in entries_in([result]):
                self._add(turn.input_tokens, turn.output_tokens, turn.cost, aside=True)

    def take_over(self, told: Sequence[Turn] = ()) -> None:
        """Count as its own what those it has called have used, and no entry of theirs tells.

        Args:
            told: Their entries in the trail.
        """
        called = self.called
        if not (called.input_tokens or called.output_tokens or called.cost):
            return
        known = sum(turn.cost or 0.0 for turn in told)
        self.usage.add(
            max(0, called.input_tokens - sum(turn.input_tokens for turn in told)),
            max(0, called.output_tokens - sum(turn.output_tokens for turn in told)),
            None if called.cost is None else max(0.0, called.cost - known),
        )

    def _add(self, read: int, written: int, cost: float | None, *, aside: bool) -> None:
        (self.called if aside else self.usage).add(read, written, cost)
        if self._limited:
            account = self.invocation.spending(self.superstep, self.task_id)
            account.add(read, written, cost)

    def settle(self) -> None:
        """Count what the task has used before only once: the view's trail has it already."""
        if self._limited:
            self.invocation.settle(self.task_id)

    def keep_for_next_attempt(self) -> None:
        """Remember what a failed attempt has used, for the entry of the attempt that counts."""
        invocation = self.invocation
        self.take_over()
        invocation.wasted.setdefault(self.task_id, Usage()).add_all(self.usage)
        invocation.counted[self.task_id] = self.counted

    def used(self) -> Usage:
        """What the turn has used in all its attempts."""
        if self.execution.attempt == 1:
            return self.usage
        total = self.invocation.wasted.pop(self.task_id, Usage())
        total.add_all(self.usage)
        return total

    def _counted_before(self) -> set[str | None]:
        """Answers counted in earlier attempts; a graph with an interrupt goes on from there."""
        return set(self.invocation.counted.get(self.task_id, ()))

    def _cost(self, used: UsageMetadata, model: str) -> float | None:
        return cost_of(model, used, self._price)

    def _due(self, inside: Spent) -> Stop | None:
        """The limit that is reached, here or further out; each turn that it stops is marked.

        Args:
            inside: What a graph inside has spent in its run, where it is the one that asks.
        """
        spent = self._spent(inside)
        further_out = self._outer._due(spent) if self._outer else None
        stop = limit_reached(self.limits, spent) or further_out
        self.stopped = stop or self.stopped
        return stop

    def _spent(self, inside: Spent) -> Spent:
        """Everything up to now: the trail, and what this superstep's tasks have used.

        The graph inside may know of more than was counted here: of what it spent before an
        interrupt, in another process even.
        """
        own = self.invocation.spending(self.superstep, self.task_id)
        now = self.invocation.being_spent(self.superstep)
        more_tokens = inside.tokens - own.input_tokens - own.output_tokens
        more_cost = inside.cost - (own.cost or 0.0)
        return Spent(
            turns=self.before.turns,
            tokens=self.before.tokens + now.input_tokens + now.output_tokens + max(0, more_tokens),
            cost=self.before.cost + (now.cost or 0.0) + max(0.0, more_cost),
            seconds=self.before.seconds + max(self.seconds, inside.seconds),
        )


class Gate(BaseCallbackHandler):
    """Holds the limits at every model call inside a graph that a participant runs.

    Not inline: in an event loop, an inline handler that raises leaves the coroutines of those
    after it (such as a stream's) never awaited, which Python reports.

    Args:
        work: The participant's turn.
        given: Ids of the messages the graph was given.
    """

    raise_error = True
    ignore_llm = ignore_chain = ignore_agent = ignore_retriever = True
    ignore_retry = ignore_custom_event = True

    def __init__(self, work: Work, given: Container[str | None]) -> None:
        self._work = work
        self._given = given

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain's signature
        messages: list[list[BaseMessage]],
        **_: Any,
    ) -> None:
        """Stop the call if a limit is reached."""
        for message in chain.from_iterable(messages):
            if message.id not in self._given:
                self._work.count(message)
                self._work.count_called(message)
        self._work.check()


class Meter(BaseCallbackHandler):
    """Counts every model call inside a graph that a participant runs."""

    raise_error = True
    run_inline = True

    def __init__(self, work: Work, *, aside: bool = False) -> None:
        self._work = work
        self._aside = aside

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """Count the call."""
        for generations in response.generations:
            for generation in generations:
                if isinstance(generation, ChatGeneration):
                    self._work.count(generation.message, aside=self._aside)

    def has_called(self, tool_call_id: str | None) -> None:
        """Note that everything behind a tool's result has been counted."""
        self._work.counted.add(tool_call_id)

    def aside(self) -> "Meter":
        """The one that counts inside a tool's graph."""
        return Meter(self._work, aside=True)


def aside(config: RunnableConfig, tool_call_id: str | None) -> RunnableConfig:
    """Configuration for the graph of a participant who is called as a tool.

    Its members look at all limits themselves, and have entries in the trail of their own: what they
    use is not the calling agent's.

    Args:
        config: The tool's configuration.
        tool_call_id: Id of the call; None where it was called by hand.
    """
    callbacks = config.get("callbacks")
    if not isinstance(callbacks, BaseCallbackManager):
        return config
    manager = callbacks.copy()
    for handler in callbacks.handlers:
        if isinstance(handler, Gate | Meter):
            manager.remove_handler(handler)
        if isinstance(handler, Meter):
            handler.has_called(tool_call_id)
            manager.add_handler(handler.aside(), inherit=True)
    return {**config, "callbacks": manager}
