"""Node logic is written once, as a generator; this runs it in sync and async graphs alike.

A generator yields `Call`s (a model, a graph, a user's callback), is sent their results, and returns
the node's update. It never waits itself, so there is one version of every algorithm.
"""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from langchain_core.prompt_values import ChatPromptValue
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig, RunnableLambda
from langgraph.runtime import Runtime, get_runtime

from langgraph_orchestra.nodes.tracing import Tracing
from langgraph_orchestra.state import OrchestrationContext
from langgraph_orchestra.state.context import set_in

__all__ = [
    "Call",
    "Cancelled",
    "Execution",
    "Node",
    "Steps",
    "TimeUp",
    "apply",
    "invoke",
    "invoke_model",
    "run_to_end",
    "together",
    "unsaved",
]

T = TypeVar("T")
Steps = Generator["Call", Any, T]
"""Logic of a node, or a part of it: yields calls, returns a `T`."""


class TimeUp(Exception):  # noqa: N818 - a signal between driver and turn, not an error of its own
    """A call took longer than it may."""


class Cancelled(Exception):  # noqa: N818
    """A call was given up because another one came first."""


class Call(NamedTuple):
    """Something a node wants called."""

    sync: Callable[[], Any]
    """How to call it where nothing can be awaited."""

    awaitable: Callable[[], Awaitable[Any]]
    """How to call it in an event loop."""

    seconds: float | None = None
    """Give up after so many seconds; None waits for ever."""

    race: "Future[Any] | None" = None
    """Give up when this is done; None for a call that races nobody."""


def invoke(runnable: Runnable[Any, Any], argument: Any, config: RunnableConfig) -> Call:
    """Call a model, a graph or another Runnable."""
    if getattr(runnable, "checkpointer", None) is False:
        config = unsaved(config)
    return Call(
        lambda: runnable.invoke(argument, config), lambda: runnable.ainvoke(argument, config)
    )


def invoke_model(
    model: Runnable[Any, Any], messages: Sequence[Any], config: RunnableConfig | None
) -> Call:
    """Call a chat model.

    Args:
        model: A chat model, or one bound to tools or a schema.
        messages: What it reads.
        config: Its configuration; None is that of the node, which LangChain finds by itself.
    """
    # Checked already: the model would look at each of them again, and so would the prompt itself.
    prompt = ChatPromptValue.model_construct(messages=messages)
    called, bound = _unbound(model)
    return Call(
        lambda: called.invoke(prompt, config, **bound),
        lambda: called.ainvoke(prompt, config, **bound),
    )


def _unbound(model: Runnable[Any, Any]) -> tuple[Runnable[Any, Any], Mapping[str, Any]]:
    """A model, and what is bound to it: called as it is, a binding merges configurations first."""
    if (
        type(model).invoke is RunnableBinding.invoke
        and isinstance(model, RunnableBinding)
        and not (model.config or model.config_factories)
    ):
        return model.bound, model.kwargs
    return model, _NOTHING_BOUND


_NOTHING_BOUND: Mapping[str, Any] = MappingProxyType({})


def unsaved(config: RunnableConfig) -> RunnableConfig:
    """Configuration for a graph that saves nothing.

    It must not inherit `durability="sync"`: LangGraph would wait for a checkpoint that is never
    written, and fail.
    """
    return {**config, "configurable": {**config.get("configurable", {}), _DURABILITY: "async"}}


_DURABILITY = "__pregel_durability"  # where LangGraph hands the run's durability to inner graphs


def apply(function: Callable[..., Any], *arguments: Any, blocking: bool = False) -> Call:
    """Call a user's function, sync or async.

    Args:
        function: What to call; what it returns is awaited if it can be.
        arguments: Its arguments.
        blocking: Whether a sync function may wait (for a network, a disk): then it gets a thread
            of its own in an async run. Callbacks that only look at their arguments need none.
    """

    def called() -> Any:
        try:
            return function(*arguments)
        except StopIteration as error:  # would end the steps, and hang a future that is awaited
            raise RuntimeError("the function raised StopIteration") from error

    async def awaitable() -> Any:
        if blocking and not is_async(function):
            # Not `asyncio.to_thread`: its pool has a handful of threads, and holds up the end of
            # the event loop until a function that was given up returns.
            result = await asyncio.wrap_future(_in_thread(called))
        else:
            result = called()
        return await result if inspect.isawaitable(result) else result

    def sync() -> Any:
        result = called()
        return run_to_end(result) if inspect.isawaitable(result) else result

    return Call(sync, awaitable)


def together(several: Sequence[Callable[[], Steps[Any]]]) -> Call:
    """Run several pieces of logic side by side: threads in a sync run, tasks in an event loop.

    Args:
        several: Each begins one of them. What one of them raises, the call raises; so those that
            may fail catch it themselves. They must not interrupt.

    Returns:
        A call whose result is the list of what they return, in their order.
    """

    def sync() -> list[Any]:
        answers = [_in_thread(partial(_run, begin())) for begin in several]
        return [answer.result() for answer in answers]

    async def awaitable() -> list[Any]:
        tasks = [asyncio.ensure_future(_arun(begin())) for begin in several]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # none is left running
            raise

    return Call(sync, awaitable)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - a callable object's own method
    )


class Execution:
    """Where a node runs: its configuration, attempt and context."""

    __slots__ = ("_graphs_called", "attempt", "config", "is_async", "prefix", "runtime")

    def __init__(self, config: RunnableConfig, *, is_async: bool = False) -> None:
        self.config = config
        self.is_async = is_async
        # Asked for at once: in a callback of an inner graph it would be that of the inner node.
        self.runtime: Runtime[Any] = get_runtime()
        info = self.runtime.execution_info
        self.attempt: int = info.node_attempt if info else 1
        """Number of this attempt at the node, from 1."""
        self.prefix: str = config.get("configurable", {}).get(_PREFIX, "")
        """Path of the team this graph is in the outermost graph; empty there."""
        self._graphs_called = count()

    @property
    def context(self) -> Any:
        """The run's context; the defaults where none was given."""
        context = self.runtime.context
        return OrchestrationContext() if context is None else context

    def setting(self, name: str, built: T) -> T:
        """What something is in this run: as the caller has set it, or as the graph was built.

        Args:
            name: The setting's name in this graph.
            built: What the graph was built with.
        """
        context = self.runtime.context
        return built if context is None else set_in(context, self.path(name), built)

    @property
    def user(self) -> str | None:
        """On whose behalf the run acts: from the context, else as the server authenticated them."""
        user, context = None, self.runtime.context
        if context is not None:  # the defaults name nobody
            is_mapping = isinstance(context, Mapping)
            user = context.get("user") if is_mapping else getattr(context, "user", None)
        if user is None and (server := self.runtime.server_info) and server.user:
            return server.user.identity
        return user

    def path(self, name: str) -> str:
        """Path of a participant of this graph, as it stands in the trail."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def within(self, name: str) -> RunnableConfig:
        """Configuration for a graph called as participant `name`."""
        configurable = {**self.config.get("configurable", {}), _PREFIX: self.path(name)}
        if (scratchpad := configurable.get(_SCRATCHPAD)) is not None:
            counted = replace(scratchpad, subgraph_counter=self._graphs_called.__next__)
            configurable[_SCRATCHPAD] = counted
        return {**self.config, "configurable": configurable}


_PREFIX = "__orchestra_path"  # LangGraph keeps keys with two underscores out of saved metadata

_SCRATCHPAD = "__pregel_scratchpad"
"""Where LangGraph counts the graphs that a task calls, and names their checkpoints by it. It counts
on over the attempts at a task: a second one would not find what the first has saved, and the answer
to an interrupt in it would be lost, since a resume counts from the start."""


class Node(RunnableLambda[Any, Any]):
    """A graph's node: runs a generator, sync or async.

    Being a `RunnableLambda` with `deps`, it lets LangGraph find the graphs inside it, to draw them
    and to show their state.

    Args:
        name: The node's name.
        logic: The node's steps, from the state and where it runs to its update.
        inner: Graphs it may call.
        tracing: How the runs of its graph are traced.
    """

    def __init__(
        self,
        name: str,
        logic: Callable[[Any, Execution], Steps[Any]],
        inner: Sequence[Runnable[Any, Any]] = (),
        tracing: Tracing | None = None,
    ) -> None:
        super().__init__(lambda state: state, name=name)
        self.logic = logic
        self.inner = list(inner)
        self.tracing = tracing or Tracing()

    @property
    def deps(self) -> list[Runnable[Any, Any]]:
        """Graphs inside, for LangGraph to find."""
        return self.inner

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Any:  # noqa: A002
        """Run the steps to their end."""
        config = config or {}
        self.tracing.note(input, config)
        return _run(self.logic(input, Execution(config)))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Any:  # noqa: A002
        """Run the steps to their end in an event loop."""
        config = config or {}
        self.tracing.note(input, config)
        return await _arun(self.logic(input, Execution(config, is_async=True)))


def _run(steps: Steps[T]) -> T:
    try:
        call = next(steps)
        while True:
            try:
                is_free = call.seconds is None and call.race is None
                result = call.sync() if is_free else _cut_off(call)
            except Exception as error:  # noqa: BLE001 - the steps decide what it means
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()  # left in the middle by an exit or a cancellation, they clean up now


async def _arun(steps: Steps[T]) -> T:
    try:
        call = next(steps)
        while True:
            try:
                is_free = call.seconds is None and call.race is None
                result = await (call.awaitable() if is_free else _acut_off(call))
            except Exception as error:  # noqa: BLE001
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()


def _cut_off(call: Call) -> Any:
    """Wait for a call no longer than it may take."""
    # A thread cannot be stopped, only left: the call gets one of its own, and its result is dropped
    # if it comes too late. Daemon, so that a hanging call does not keep the process alive.
    answer = _in_thread(call.sync)
    done, _ = wait([f for f in (answer, call.race) if f], call.seconds, FIRST_COMPLETED)
    return _outcome(answer.result if answer in done else None, bool(done))


async def _acut_off(call: Call) -> Any:
    """The same in an event loop."""
    answer = asyncio.ensure_future(_awaited(call.awaitable))
    answer.add_done_callback(lambda task: task.cancelled() or task.exception())  # else asyncio logs
    race = asyncio.wrap_future(call.race) if call.race else None
    try:
        done, _ = await asyncio.wait(
            [f for f in (answer, race) if f],
            timeout=call.seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        return _outcome(answer.result if answer in done else None, bool(done))
    finally:
        answer.cancel()


def _outcome(result: Callable[[], Any] | None, in_time: bool) -> Any:
    if result:
        return result()
    if in_time:
        raise Cancelled
    raise TimeUp


async def _awaited(awaitable: Callable[[], Awaitable[T]]) -> T:
    return await awaitable()


def _in_thread(function: Callable[[], T]) -> "Future[T]":
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()  # from here on, nobody can cancel it
    context = contextvars.copy_context()

    def work() -> None:
        try:
            answer.set_result(context.run(function))
        except BaseException as error:  # noqa: BLE001 - it surfaces where the future is read
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return answer


def run_to_end(awaitable: Awaitable[T]) -> T:
    """Await in a sync run, also where the calling thread already has a running loop (notebooks)."""
    coroutine: Coroutine[Any, Any, T] = _awaited(lambda: awaitable)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _in_thread(lambda: asyncio.run(coroutine)).result()
