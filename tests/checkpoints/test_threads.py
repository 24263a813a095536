"""Looking into a checkpointer: its threads, how they stand, and their checkpoints."""

import operator
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

from langgraph_orchestra.checkpoints import history, open_checkpointer, threads
from langgraph_orchestra.state import ConfigurationError

from .conftest import config_of


class State(TypedDict, total=False):
    """State that collects who ran."""

    ran: Annotated[list[str], operator.add]


def node(name: str) -> Callable[[State], State]:
    return lambda _: {"ran": [name]}


def asking(_: State) -> State:
    return {"ran": [interrupt("May I?")]}


def failing(_: State) -> State:
    raise RuntimeError("no luck")


def build(
    edges: Sequence[tuple[str | list[str], str]], **nodes: Any
) -> StateGraph[State, None, State, State]:
    graph = StateGraph(State)
    for name, action in nodes.items():
        graph.add_node(name, action, defer=name == "deferred")
    for source, target in edges:
        graph.add_edge(source, target)
    return graph


def sends() -> StateGraph[State, None, State, State]:
    graph = build([(START, "a")], a=node("a"), last=node("last"))
    graph.add_conditional_edges("a", lambda _: [Send("last", {}), Send("last", {})], ["last"])
    return graph


def chain(last: Any) -> StateGraph[State, None, State, State]:
    return build([(START, "a"), ("a", "last")], a=node("a"), last=last)


async def status(calls: Any, saver: Any) -> str:
    [info] = await calls.threads(saver)
    return str(info.status)


async def test_a_run_that_came_to_its_end_is_finished(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        await calls.invoke(chain(node("last")).compile(checkpointer=saver), {"ran": []}, "1")
        assert await status(calls, saver) == "finished"


async def test_a_thread_with_an_open_question_is_interrupted_until_it_is_answered(
    calls: Any, store: str
) -> None:
    async with calls.opened(store) as saver:
        app = chain(asking).compile(checkpointer=saver)
        await calls.invoke(app, {"ran": []}, "1")
        assert await status(calls, saver) == "interrupted"
        await calls.invoke(app, Command(resume="yes"), "1")
        assert await status(calls, saver) == "finished"


async def test_a_question_of_a_nested_graph_interrupts_the_thread(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        inner = chain(asking).compile()
        await calls.invoke(chain(inner).compile(checkpointer=saver), {"ran": []}, "1")
        assert await status(calls, saver) == "interrupted"


async def test_an_answered_question_beside_an_open_one_leaves_the_thread_interrupted(
    calls: Any, store: str
) -> None:
    async with calls.opened(store) as saver:
        graph = build([(START, "a"), (START, "b")], a=asking, b=asking)
        app = graph.compile(checkpointer=saver)
        await calls.invoke(app, {"ran": []}, "1")
        first, _ = (await calls.state(app, "1")).interrupts
        await calls.invoke(app, Command(resume={first.id: "yes"}), "1")
        assert await status(calls, saver) == "interrupted"


async def test_a_thread_whose_participant_raised_has_failed(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        with pytest.raises(RuntimeError, match="no luck"):
            await calls.invoke(chain(failing).compile(checkpointer=saver), {"ran": []}, "1")
        assert await status(calls, saver) == "failed"


@pytest.mark.parametrize(
    "graph",
    [
        build([(START, "last")], last=node("last")),
        chain(node("last")),
        build(
            [(START, "a"), (START, "b"), (["a", "b"], "last")],
            a=node("a"),
            b=node("b"),
            last=node("last"),
        ),
        build(
            [(START, "a"), (START, "b"), (["a", "b"], "deferred")],
            a=node("a"),
            b=node("b"),
            deferred=node("deferred"),
        ),
        build([(START, "a"), ("a", "deferred")], a=node("a"), deferred=node("deferred")),
        sends(),
    ],
    ids=["start", "edge", "join", "deferred join", "deferred edge", "send"],
)
async def test_a_thread_stopped_before_a_node_is_unfinished_until_that_has_run(
    calls: Any, store: str, graph: StateGraph[State, None, State, State]
) -> None:
    async with calls.opened(store) as saver:
        final = [name for name in graph.nodes if name in ("last", "deferred")]
        app = graph.compile(checkpointer=saver, interrupt_before=final)
        await calls.invoke(app, {"ran": []}, "1")
        assert await status(calls, saver) == "unfinished"
        await calls.invoke(app, None, "1")
        assert await status(calls, saver) == "finished"


async def test_a_join_that_saw_only_some_of_its_sources_leaves_nothing_to_do(
    calls: Any, store: str
) -> None:
    async with calls.opened(store) as saver:
        graph = build([(START, "a"), (["a", "b"], "last")], a=node("a"), b=node("b"), last=failing)
        await calls.invoke(graph.compile(checkpointer=saver), {"ran": []}, "1")
        assert await status(calls, saver) == "finished"


async def test_the_thread_used_last_comes_first(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        app = chain(node("last")).compile(checkpointer=saver)
        for thread_id in ("old", "new", "old"):
            await calls.invoke(app, {"ran": []}, thread_id)
        first, second = await calls.threads(saver)
        assert (first.thread_id, second.thread_id) == ("old", "new")
        assert first.updated_at > second.updated_at
        assert first.updated_at.utcoffset() == timedelta(0)
        assert [info.thread_id for info in await calls.threads(saver, limit=1)] == ["old"]


async def test_checkpoints_of_nested_graphs_are_not_counted(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        inner = chain(node("inner")).compile(checkpointer=True)
        await calls.invoke(chain(inner).compile(checkpointer=saver), {"ran": []}, "1")
        [info] = await calls.threads(saver)
        newest_first = await calls.history(saver, "1")
    assert info.checkpoints == 4
    assert [item.metadata["step"] for item in newest_first] == [2, 1, 0, -1]


async def test_the_history_is_of_what_can_be_forked(calls: Any, store: str, growing: Any) -> None:
    async with calls.opened(store) as saver:
        # Leaves a checkpoint without a state, on which the writes of the first run hang.
        growing(saver).invoke({"items": ["x"], "wanted": 3}, config_of("1"), durability="exit")
        [only] = await calls.history(saver, "1")
        [info] = await calls.threads(saver)
        forked = await calls.fork(saver, "1", only.checkpoint["id"])
        assert (await calls.state(growing(saver), forked)).values["items"][0] == "x"
    assert info.checkpoints == 1


async def test_a_number_in_metadata_that_sqlite_cannot_read_hides_no_thread(
    calls: Any, file_saver: Any
) -> None:
    app = chain(node("last")).compile(checkpointer=file_saver)
    await calls.invoke(app.with_config(metadata={"score": float("nan")}), {"ran": []}, "1")
    await calls.invoke(app, {"ran": []}, "2")
    assert [info.checkpoints for info in await calls.threads(file_saver)] == [4, 4]


async def test_the_history_can_be_cut_off(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        await calls.invoke(chain(node("last")).compile(checkpointer=saver), {"ran": []}, "1")
        cut = await calls.history(saver, "1", limit=2)
    assert [item.metadata["step"] for item in cut] == [2, 1]


async def test_an_unknown_thread_has_no_history(calls: Any, store: str) -> None:
    async with calls.opened(store) as saver:
        assert await calls.history(saver, "nobody") == []
        assert await calls.threads(saver) == []


@pytest.mark.parametrize(
    ("limit", "error"), [(0, ConfigurationError), (True, TypeError), (1.5, TypeError)]
)
def test_a_limit_is_a_whole_number_from_one(limit: Any, error: type[Exception]) -> None:
    with open_checkpointer("memory://") as saver:
        with pytest.raises(error, match="`limit`"):
            threads(saver, limit=limit)
        with pytest.raises(error, match="`limit`"):
            history(saver, "1", limit=limit)
