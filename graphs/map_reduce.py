"""Map-reduce: one worker for each item of a list, and their results become one answer.

Use it when the number of pieces is known only when the task is: rows, documents, regions. Do not
use it for a fixed set of views of one task (`create_concurrent`).

    intake --(one for each item)--> worker -> aggregate
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.graph import START
from langgraph.types import Command, Overwrite, Send

from langgraph_orchestra.graphs.pattern import PatternGraph, check_limits, scene_of
from langgraph_orchestra.nodes.aggregate import Aggregate, aggregate_of
from langgraph_orchestra.nodes.aggregators import Race, concatenate
from langgraph_orchestra.nodes.checks import natural_number
from langgraph_orchestra.nodes.driver import Execution, Steps, apply
from langgraph_orchestra.nodes.fanout import Fanout
from langgraph_orchestra.nodes.history import History, task_only
from langgraph_orchestra.nodes.intake import begin_run
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import ParticipantLike
from langgraph_orchestra.nodes.participant import Participant, Scene, refuse_when, speakers
from langgraph_orchestra.nodes.policy import OnFailure, check_on_failure
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import (
    ConfigurationError,
    InputError,
    MapReduceState,
    Result,
    RunInfo,
)

__all__ = ["create_map_reduce"]

THREADS = 100
"""Items that are worked on at once, unless `max_concurrency` says otherwise."""


def create_map_reduce(
    split: Callable[[View], Any],
    worker: ParticipantLike,
    reduce: Any = None,
    *,
    on_failure: OnFailure = "record",
    min_results: int = 0,
    max_items: int | None = None,
    history: History | None = None,
    limits: Limits | None = None,
    state_schema: type[Any] | None = None,
    context_schema: type[Any] | None = None,
) -> PatternGraph:
    """Build a graph with one worker for each item of the task.

    Args:
        split: Makes a list of items of the task, from the `View`; sync or async. Items are saved
            with the thread: texts, numbers, lists and dicts of them.
        worker: Who works on an item: it sees it as `view.task` (as JSON unless it is text), and as
            `view.state["item"]` and `["index"]`.
        reduce: Makes one answer of the results: an aggregator, a function of the `View`, or a
            participant such as `synthesise(agent)`. None is `concatenate()`.
        on_failure: `record` keeps the others and marks the failure, `raise` fails fast.
        min_results: How many items must succeed, where failures are recorded.
        max_items: How many items there may be; None is any number.
        history: What the worker reads unless it says otherwise; None is `task_only()`, the item.
        limits: Budget of a run; None has none.
        state_schema: Subclass of `MapReduceState` with keys of your own.
        context_schema: The run's context; None is an `OrchestrationContext` in which a caller can
            also set the agents' prompts and lower the bounds; one of your own leaves them fixed.

    Returns:
        An uncompiled graph over `MapReduceState`. `output` is what was reduced, `results` a list of
        `Result` in the order of the items, with their `index`; `stop` is `completed`, `failed` (the
        reducer has, and its policy records that), or the limit that was reached. Without items,
        `reduce` is given none.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name, limit or schema cannot be used.
    """
    check_on_failure(on_failure)
    natural_number("min_results", min_results, least=0)
    natural_number("max_items", max_items, optional=True)
    if not callable(split):
        raise TypeError(f"`split` is a function of a `View` that returns items, not {split!r}")
    if isinstance(reduce, Race):
        raise ConfigurationError("`first()` is for branches that race; items do not")
    budget = check_limits(limits)
    scene = Scene("map_reduce", history or task_only(), budget, on_failure)
    scene, [one], schema = scene_of("map_reduce", scene, [worker], state_schema, MapReduceState)
    refuse_when([one], "here `split` decides which items there are")
    refuse_memory(one)
    items = Items(
        split,
        one,
        scene,
        max_items,
        aggregate_of(reduce or concatenate(), scene, min_results),
    )

    graph = PatternGraph(
        "map_reduce",
        schema,
        MapReduceState,
        [one, *items.aggregate.participants],
        outputs=items.aggregate.outputs,
        context_schema=context_schema,
        threads=THREADS,
    )
    graph.add_steps("intake", items.intake, routes=[one.name, "aggregate"])
    graph.add_edge(START, "intake")
    graph.add_steps(
        one.name, items.work, policy=one.policy, inner=one.inner, description=one.description
    )
    graph.add_edge(one.name, "aggregate")
    graph.add_aggregate(items.combine, items.aggregate.participant)
    return graph


@dataclass(frozen=True)
class Items:
    """The items, who works on them, and what comes of it."""

    split: Callable[[View], Any]
    worker: Participant
    scene: Scene
    max_items: int | None
    aggregate: Aggregate

    def view(self, state: Mapping[str, Any], execution: Execution) -> View:
        """The run so far."""
        return View(state, speakers([self.worker]), execution.prefix)

    def intake(self, state: Mapping[str, Any], execution: Execution) -> Steps[Command[Any]]:
        """Begin a run, and send each item to a worker."""
        members = [self.worker, *self.aggregate.participants]
        update = begin_run(state, execution, members, self.scene)
        update |= {"results": Overwrite([]), "votes": None}
        items = yield apply(self.split, self.view({**state, **update}, execution), blocking=True)
        if isinstance(items, str | bytes) or not isinstance(items, Sequence):
            raise ConfigurationError(f"`split` returned {items!r}; it returns a list of items")
        if self.max_items is not None and len(items) > self.max_items:
            raise InputError(
                f"the task splits into {len(items)} items, `max_items` is {self.max_items}"
            )
        shared = {key: state[key] for key in self.scene.shared_keys if key in state}
        sends = [
            Send(self.worker.name, {**shared, "item": item, "index": index})
            for index, item in enumerate(items)
        ]
        return Command(update=update, goto=sends or "aggregate")

    def work(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Let the worker take its turn on one item."""
        index = state["index"]
        view = self.view({**state, "run_info": _ITEM_IS_TASK}, execution)
        view = view.after([HumanMessage(view.task, id=f"item-{index}")], [])
        taken = yield from Fanout(self.scene).run(
            self.worker,
            view,
            execution,
            label=self._label(index),
            earlier=(self._label(place) for place in range(index)),
        )
        result = Result(
            name=self._label(index),
            output=None if taken.failure else taken.reply.output,
            failure=taken.failure,
            seconds=taken.seconds,
            index=index,
        )
        return {
            "messages": list(taken.reply.messages),
            "trail": [turn.model_copy(update={"step": index + 1}) for turn in taken.trail],
            "results": [result],
            **taken.reply.changes,
        }

    def combine(self, state: Mapping[str, Any], execution: Execution) -> Steps[dict[str, Any]]:
        """Make one answer of the results."""
        return (yield from self.aggregate.run(self.view(state, execution), execution))

    def _label(self, index: int) -> str:
        return f"{self.worker.name}[{index}]"


def refuse_memory(worker: Participant) -> None:
    """Refuse a worker that remembers: LangGraph would give it the memory of any other item.

    Raises:
        ConfigurationError: It is compiled with a memory of its own.
    """
    if any(getattr(graph, "checkpointer", None) is True for graph in worker.inner):
        raise ConfigurationError(
            f"`{worker.name}` is compiled with `checkpointer=True` and would remember other items "
            f"than its own; compile it without"
        )


_ITEM_IS_TASK = RunInfo(first_message=0, input_messages=1, first_turn=0)
