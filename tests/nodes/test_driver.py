"""The steps of a node are the same in sync and async runs, whatever they call."""

import asyncio
import contextvars
import functools
import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypedDict

import pytest
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from langgraph_orchestra.nodes.driver import (
    Cancelled,
    Execution,
    Node,
    Steps,
    TimeUp,
    apply,
    invoke,
    together,
)
from langgraph_orchestra.state import OrchestrationContext


class State(TypedDict, total=False):
    """What a node is given and brings."""

    given: Any
    result: Any


Logic = Callable[[Any, Execution], Steps[Any]]


def app_of(logic: Logic, **options: Any) -> Any:
    """A graph of one node, whose result is what its steps return."""

    def steps(state: Any, execution: Execution) -> Steps[dict[str, Any]]:
        return {"result": (yield from logic(state, execution))}

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(
        State, context_schema=options.pop("context_schema", OrchestrationContext)
    )
    graph.add_node("node", Node("node", steps))
    graph.add_edge(START, "node")
    return graph.compile(**options)


def calling(function: Callable[..., Any], *, blocking: bool = False, **limits: Any) -> Logic:
    """Steps that call one function and return its result."""

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        return (yield apply(function, blocking=blocking)._replace(**limits))

    return logic


@pytest.fixture
def stuck() -> Iterator[Callable[[], None]]:
    """A function that does not return before the test is over."""
    over = threading.Event()
    yield lambda: void(over.wait())
    over.set()


def void(_: object) -> None:
    """Nothing is made of it."""


def plain(number: int = 1) -> str:
    return f"answer {number}"


async def awaited(number: int = 1) -> str:
    await asyncio.sleep(0)
    return plain(number)


class Asking:
    """An object that is called like an async function."""

    async def __call__(self) -> str:
        return await awaited()


FUNCTIONS = {
    "sync": plain,
    "async": awaited,
    "partial of async": functools.partial(awaited, number=1),
    "sync that returns an awaitable": lambda: awaited(),
    "object with an async call": Asking(),
}


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize(
    "limits",
    [{}, {"seconds": 60.0}, {"race": Future()}],
    ids=lambda bounds: "-".join(bounds) or "unbounded",
)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_every_kind_of_function_can_be_called_in_every_kind_of_run(run, function, limits, blocking):
    assert run(app_of(calling(function, blocking=blocking, **limits)), {})["result"] == "answer 1"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
async def test_a_sync_run_inside_a_running_event_loop_can_call_async_functions(function):
    assert app_of(calling(function)).invoke({})["result"] == "answer 1"


def test_steps_are_sent_the_results_of_their_calls_in_turn(run):
    def logic(state: Any, execution: Execution) -> Steps[list[str]]:
        first = yield apply(plain, 1)
        second = yield apply(awaited, 2)
        third = yield invoke(RunnableLambda(plain), 3, execution.config)
        return [first, second, third]

    assert run(app_of(logic), {})["result"] == ["answer 1", "answer 2", "answer 3"]


def test_steps_without_a_call_just_return(run):
    def logic(state: Any, execution: Execution) -> Steps[Any]:
        yield from ()
        return state["given"]

    assert run(app_of(logic), {"given": "as it is"})["result"] == "as it is"


def raising(error: BaseException) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A sync and an async function that raise this."""

    def fail() -> None:
        raise error

    async def afail() -> None:
        raise error

    return fail, afail


@pytest.mark.parametrize("limits", [{}, {"seconds": 60.0}], ids=str)
@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
def test_an_error_surfaces_as_it_is(run, which, limits):
    error = LookupError("there is no octopus")
    with pytest.raises(LookupError) as caught:
        run(app_of(calling(raising(error)[which], **limits)), {})
    assert caught.value is error


@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
def test_steps_may_catch_an_error_and_go_on(run, which):
    def logic(state: Any, execution: Execution) -> Steps[Any]:
        try:
            yield apply(raising(LookupError("no"))[which])
        except LookupError:
            return (yield apply(plain))

    assert run(app_of(logic), {})["result"] == "answer 1"


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("limits", [{}, {"seconds": 60.0}], ids=str)
@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
def test_a_function_that_raises_stop_iteration_does_not_end_the_steps(run, which, limits, blocking):
    function = raising(StopIteration("too early"))[which]
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        run(app_of(calling(function, blocking=blocking, **limits)), {})


def test_a_call_that_takes_too_long_is_given_up(run, stuck):
    with pytest.raises(TimeUp):
        run(app_of(calling(stuck, blocking=True, seconds=0.01)), {})


def test_an_async_call_that_takes_too_long_is_cancelled(run):
    seen = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    def logic(state: Any, execution: Execution) -> Steps[str]:
        try:
            yield apply(endless)._replace(seconds=0.01)
        except TimeUp:
            return "too late"
        return "in time"

    assert run(app_of(logic), {})["result"] == "too late"
    assert seen == (["cancelled"] if run.way.is_async else [])


def test_a_call_is_given_up_when_the_race_is_over(run, stuck):
    race: Future[str] = Future()
    race.set_result("somebody else")
    with pytest.raises(Cancelled):
        run(app_of(calling(stuck, blocking=True, race=race)), {})
    assert race.result() == "somebody else"


def test_a_call_that_is_given_up_leaves_the_race_open_for_others(run, stuck):
    race: Future[str] = Future()
    with pytest.raises(TimeUp):
        run(app_of(calling(stuck, blocking=True, race=race, seconds=0.01)), {})
    assert not race.done()
    assert not race.cancelled()


def test_what_a_call_raises_after_it_was_given_up_troubles_nobody(run):
    too_late = threading.Event()
    ended = threading.Event()

    def fail_late() -> None:
        too_late.wait()
        ended.set()
        raise LookupError("nobody asks any more")

    with pytest.raises(TimeUp):
        run(app_of(calling(fail_late, blocking=True, seconds=0.01)), {})
    too_late.set()
    assert ended.wait(timeout=10)
    gc.collect()


async def test_a_cancelled_run_cancels_its_call_and_is_cancelled_itself():
    began, seen = asyncio.Event(), []

    async def endless() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("call")
            raise

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        try:
            return (yield apply(endless))
        except Exception:
            seen.append("swallowed")
            raise
        finally:
            seen.append("steps")

    task = asyncio.ensure_future(app_of(logic).ainvoke({}))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["call", "steps"]


@pytest.mark.parametrize("limits", [{}, {"seconds": 60.0}], ids=str)
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
def test_ctrl_c_in_a_sync_run_passes_through_and_the_steps_clean_up(which, error, limits):
    seen = []

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        try:
            return (yield apply(raising(error())[which])._replace(**limits))
        except Exception:
            seen.append("swallowed")
            raise
        finally:
            seen.append("cleaned up")

    with pytest.raises(error):
        app_of(logic).invoke({})
    assert seen == ["cleaned up"]


USER: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")


async def who() -> str:
    return USER.get()


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("limits", [{}, {"seconds": 60.0}], ids=str)
@pytest.mark.parametrize("function", [USER.get, who], ids=["sync", "async"])
def test_context_variables_are_seen_wherever_a_call_runs(run, function, limits, blocking):
    token = USER.set("ada")
    try:
        result = run(app_of(calling(function, blocking=blocking, **limits)), {})
    finally:
        USER.reset(token)
    assert result["result"] == "ada"


async def test_context_variables_are_seen_in_a_sync_run_inside_a_running_event_loop():
    token = USER.set("ada")
    try:
        assert app_of(calling(who)).invoke({})["result"] == "ada"
    finally:
        USER.reset(token)


async def test_a_blocking_function_does_not_hold_up_the_event_loop():
    loop_is_free, waiting = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait_for_the_loop() -> bool:
        loop.call_soon_threadsafe(waiting.set)
        return loop_is_free.wait(timeout=10)

    task = asyncio.ensure_future(app_of(calling(wait_for_the_loop, blocking=True)).ainvoke({}))
    await waiting.wait()
    loop_is_free.set()
    assert (await task)["result"] is True


def test_a_function_may_interrupt_and_is_called_again_with_the_answer(run, saver):
    app = app_of(calling(lambda: interrupt("Which city?"), seconds=60.0), checkpointer=saver)
    (asked,) = run(app, {"given": 1}, thread="1")["__interrupt__"]
    assert asked.value == "Which city?"
    assert run(app, Command(resume="Lisbon"), thread="1")["result"] == "Lisbon"


def looking_at(look: Callable[[Execution], Any]) -> Logic:
    """Steps that only look at where they run."""

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        yield from ()
        return look(execution)

    return logic


def executed(run: Any, look: Callable[[Execution], Any], **options: Any) -> Any:
    """What a node sees of where it runs."""
    schema = options.pop("context_schema", OrchestrationContext)
    return run(app_of(looking_at(look), context_schema=schema), {}, **options)["result"]


def test_without_a_context_a_node_has_the_default_one(run):
    assert executed(run, lambda e: e.context) == OrchestrationContext()
    assert executed(run, lambda e: e.user) is None


class UserContext(TypedDict, total=False):
    """A user's own context, as a mapping."""

    user: str


@pytest.mark.parametrize(
    ("schema", "context", "user"),
    [
        (OrchestrationContext, OrchestrationContext(user="ada"), "ada"),
        (OrchestrationContext, {"user": "ada"}, "ada"),
        (UserContext, {"user": "ada"}, "ada"),
        (UserContext, {}, None),
    ],
)
def test_the_user_comes_from_any_kind_of_context(run, schema, context, user):
    assert executed(run, lambda e: e.user, context_schema=schema, context=context) == user


def test_a_node_knows_in_which_kind_of_run_it_is(run):
    assert executed(run, lambda e: e.is_async) is run.way.is_async


def test_a_node_knows_which_attempt_it_is(run):
    assert executed(run, lambda e: e.attempt) == 1


def test_paths_grow_from_graph_to_inner_graph(run):
    inner = app_of(looking_at(lambda e: [e.prefix, e.path("ada")]))

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        result = yield invoke(inner, {}, execution.within("team"))
        return [execution.prefix, execution.path("ada"), *result["result"]]

    assert run(app_of(logic), {})["result"] == ["", "ada", "team", "team/ada"]


def test_an_inner_graph_that_saves_nothing_can_be_called_in_a_run_that_saves_at_once(run, saver):
    inner = app_of(looking_at(lambda e: "inner"), checkpointer=False)

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        return (yield invoke(inner, {}, execution.within("team")))["result"]

    app = app_of(logic, checkpointer=saver)
    assert run(app, {"given": 1}, thread="1", durability="sync")["result"] == "inner"


def test_a_graph_inside_a_node_is_found_for_drawing():
    inner = app_of(looking_at(lambda e: None))
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("team", Node("team", looking_at(lambda e: None), [inner]))
    graph.add_edge(START, "team")
    assert "team:node" in graph.compile().get_graph(xray=True).nodes


# Side by side


def working(answer: Any, *before: Callable[[], Any]) -> Callable[[], Steps[Any]]:
    """Logic that calls some functions, and returns or raises an answer."""

    def logic() -> Steps[Any]:
        for function in before:
            yield apply(function)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return logic


def side_by_side(*several: Callable[[], Steps[Any]]) -> Logic:
    """Steps that run several pieces of logic at once."""

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        return (yield together(several))

    return logic


def test_pieces_of_logic_run_side_by_side_and_answer_in_their_order(run):
    meeting = threading.Barrier(3, timeout=5)
    arrived = itertools.count()

    async def meet():
        await asyncio.to_thread(meeting.wait)
        next(arrived)

    several = [working(name, meet) for name in "abc"]
    assert run(app_of(side_by_side(*several)), {})["result"] == ["a", "b", "c"]
    assert next(arrived) == 3


def test_nothing_runs_side_by_side_with_nothing(run):
    assert run(app_of(side_by_side()), {})["result"] == []
    assert run(app_of(side_by_side(working(1))), {})["result"] == [1]


def test_what_one_of_several_raises_surfaces_as_it_is(run):
    several = [working("a"), working(KeyError("b"), plain), working("c")]
    with pytest.raises(KeyError, match="b"):
        run(app_of(side_by_side(*several)), {})


def test_steps_may_catch_what_one_of_several_raises(run):
    def logic(state: Any, execution: Execution) -> Steps[Any]:
        try:
            yield together([working("a"), working(KeyError("b"))])
        except KeyError as error:
            return str(error)

    assert run(app_of(logic), {})["result"] == "'b'"


async def test_one_of_several_that_fails_leaves_no_other_running():
    begun = asyncio.Barrier(3)
    ended: list[str] = []

    async def hang() -> None:
        try:
            await begun.wait()
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def fail() -> None:
        await begun.wait()
        raise LookupError("no")

    with pytest.raises(LookupError):
        await app_of(side_by_side(*map(working_with, (hang, fail, hang)))).ainvoke({})
    assert ended == ["cancelled"] * 2


def test_context_variables_are_seen_side_by_side(run):
    word = contextvars.ContextVar("word", default="unset")

    def logic(state: Any, execution: Execution) -> Steps[Any]:
        word.set("set")
        several = [working_with(word.get), working_with(word.get)]
        return (yield together(several))

    assert run(app_of(logic), {})["result"] == ["set", "set"]


def working_with(function: Callable[[], Any]) -> Callable[[], Steps[Any]]:
    """Logic that returns what a function returns."""

    def logic() -> Steps[Any]:
        return (yield apply(function))

    return logic


def test_several_may_call_several_again(run):
    def inner() -> Steps[Any]:
        return (yield together([working("a"), working("b")]))

    assert run(app_of(side_by_side(inner, working("c"))), {})["result"] == [["a", "b"], "c"]
