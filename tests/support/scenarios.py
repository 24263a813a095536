"""What LangGraph promises of a saved thread, as scenarios that any checkpointer has to pass.

Each drives graphs through an `Accountant`, and asserts what LangGraph's documentation says; the
accounts of two checkpointers are compared besides.

    python -m support.scenarios sqlite:///runs.db     prints all accounts
"""

import asyncio
import json
import operator
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypedDict
from uuid import UUID

import pytest
from langchain_core.messages import AIMessage
from langgraph.channels import DeltaChannel
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Overwrite, Send, interrupt
from pydantic import BaseModel

from support.accounts import Accountant, Way

__all__ = ["SCENARIOS", "TYPES", "Scenario", "account_of"]

Scenario = Callable[[Accountant], Awaitable[None]]


class Mood(StrEnum):
    """A text with a type."""

    GOOD = "good"


class Item(BaseModel):
    """What a worker is sent."""

    number: int


TYPES = (Mood, Item)


def extend(items: list[str], batches: Sequence[list[str]]) -> list[str]:
    return [*items, *(item for batch in batches for item in batch)]


class State(TypedDict, total=False):
    """State that collects who ran, in full and as differences."""

    ran: Annotated[list[str], operator.add]
    log: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=3)]
    title: str
    item: Item
    value: Any


def build(*edges: tuple[Any, str], **nodes: Any) -> Any:
    graph = StateGraph(State)
    for name, action in nodes.items():
        graph.add_node(name, action)
    for source, target in edges:
        graph.add_edge(source, target)
    return graph


def node(name: str) -> Any:
    return lambda _: {"ran": [name], "log": [name], "title": f"by {name}"}


def asking(name: str) -> Any:
    def ask(_: State) -> State:
        answer = interrupt({"from": name})
        return {"ran": [f"{name}: {answer}"], "log": [f"{name}: {answer}"]}

    return ask


def chain(*nodes: tuple[str, Any]) -> Any:
    names = [name for name, _ in nodes]
    return build(*zip([START, *names], names, strict=False), **dict(nodes))


def three() -> Any:
    return chain(("a", node("a")), ("b", node("b")), ("c", node("c")))


async def parallel_branches_join_and_a_thread_goes_on(drive: Accountant) -> None:
    graph = build(
        *[(START, name) for name in "abc"],
        *[(name, "join") for name in "abc"],
        a=lambda _: {"ran": ["a"], "log": ["a"]},
        b=lambda _: {"ran": ["b"], "log": ["b"]},
        c=lambda _: {"ran": ["c"]},
        join=node("join"),
    )
    await drive.run(graph, {"ran": [], "log": ["begin"]})
    await drive.reopen()
    result = await drive.run(graph, {"ran": ["again"]})

    assert result["ran"] == ["a", "b", "c", "join", "again", "a", "b", "c", "join"]
    assert result["log"] == ["begin", "a", "b", "join", "a", "b", "join"]
    await drive.history(graph)


async def a_join_waits_for_all(drive: Accountant) -> None:
    graph = build(
        *[(START, "a"), (START, "b"), ("b", "c"), (["a", "c"], "join")],
        **{name: node(name) for name in "ac"},
        b=lambda _: {"ran": ["b"]},
        join=node("join"),
    )
    await drive.run(graph, {"ran": []}, interrupt_before=["c"])
    await drive.reopen()
    result = await drive.run(graph, None)

    assert result["ran"] == ["a", "b", "c", "join"]
    # LangGraph saves the set of those seen while the next step may already add to it, unless it
    # waits for the checkpointer.
    if drive.way.durability != "async":
        await drive.history(graph)


def nested(checkpointer: bool | None) -> Any:
    inner = chain(("first", node("first")), ("ask", asking("inner")), ("last", node("last")))
    team = inner.compile(checkpointer=checkpointer)
    return chain(("before", node("before")), ("team", team), ("after", node("after")))


def with_nested(lengths: Sequence[int], *, checkpointer: bool | None) -> Scenario:
    async def scenario(drive: Accountant) -> None:
        # LangGraph fails where a graph that saves nothing is nested in one that waits for saves.
        saves = checkpointer is not False or drive.way.durability != "sync"
        options: Any = {} if saves else {"durability": "async"}
        graph = nested(checkpointer)
        found = []
        for turn in ("one", "two"):
            await drive.run(graph, {"title": turn}, **options)
            state = await drive.state(graph)
            assert [item.value for item in state.interrupts] == [{"from": "inner"}]
            await drive.reopen()
            result = await drive.run(graph, Command(resume=f"answer {turn}"), **options)
            assert "inner: answer one" in result["log"]
            found.append(len(result["ran"]))
        assert found == lengths
        await drive.history(graph)
        await drive.history(graph, drive.config(checkpoint_ns="team"))

    return scenario


async def a_nested_graph_can_be_looked_at_while_it_waits(drive: Accountant) -> None:
    graph = nested(None)
    await drive.run(graph, {"title": "one"})
    (task,) = (await drive.state(graph)).tasks
    inner: Any = task.state
    await drive.history(graph, inner.config)

    await drive.update(graph, {"title": "changed"}, inner.config)
    (task,) = (await drive.state(graph)).tasks
    inner = task.state
    assert inner.values["title"] == "changed"
    await drive.run(graph, Command(resume="yes"))
    await drive.history(graph)


def two_askers() -> Any:
    return build(
        (START, "a"),
        (START, "b"),
        ("a", "join"),
        ("b", "join"),
        a=asking("a"),
        b=asking("b"),
        join=node("join"),
    )


def ids_of(result: dict[str, Any]) -> dict[str, str]:
    return {item.value["from"]: item.id for item in result["__interrupt__"]}


async def two_questions_are_answered_together_by_id(drive: Accountant) -> None:
    asked = ids_of(await drive.run(two_askers(), {"title": "?"}))
    await drive.reopen()
    result = await drive.run(
        two_askers(), Command(resume={asked["b"]: "from b", asked["a"]: "from a"})
    )

    assert result["ran"] == ["a: from a", "b: from b", "join"]
    await drive.history(two_askers())


async def two_questions_are_answered_one_after_the_other(drive: Accountant) -> None:
    asked = ids_of(await drive.run(two_askers(), {"title": "?"}))
    await drive.reopen()
    left = ids_of(await drive.run(two_askers(), Command(resume={asked["b"]: "from b"})))
    await drive.state(two_askers())
    await drive.reopen()
    result = await drive.run(two_askers(), Command(resume={left["a"]: "from a"}))

    assert left == {"a": asked["a"]}
    assert result["ran"] == ["a: from a", "b: from b", "join"]
    await drive.history(two_askers())


async def a_node_may_ask_twice(drive: Accountant) -> None:
    def ask(_: State) -> State:
        return {"ran": [interrupt("first?"), interrupt("second?")]}

    graph = chain(("ask", ask))
    await drive.run(graph, {"title": "?"})
    await drive.reopen()
    await drive.run(graph, Command(resume="one"))
    await drive.state(graph)
    await drive.reopen()
    result = await drive.run(graph, Command(resume="two"))

    assert result["ran"] == ["one", "two"]
    await drive.history(graph)


async def a_question_can_be_answered_otherwise_from_an_older_checkpoint(drive: Accountant) -> None:
    graph = chain(("a", node("a")), ("ask", asking("ask")), ("b", node("b")))
    await drive.run(graph, {"title": "?"})
    asked = (await drive.state(graph)).config
    await drive.run(graph, Command(resume="yes"))
    await drive.run(graph, None, asked)
    result = await drive.run(graph, Command(resume="no"))

    assert result["ran"] == ["a", "ask: no", "b"]
    assert result["log"] == ["a", "ask: no", "b"]
    await drive.history(graph)


async def a_thread_goes_on_from_an_older_checkpoint(drive: Accountant) -> None:
    for turn in ("one", "two"):
        await drive.run(three(), {"ran": [turn], "log": [turn]})
    first, *_ = [item for item in reversed(await drive.history(three())) if item.next == ()]
    await drive.reopen()
    result = await drive.run(three(), {"ran": ["three"], "log": ["three"]}, first.config)

    assert result["ran"] == ["one", "a", "b", "c", "three", "a", "b", "c"]
    assert result["log"] == result["ran"]
    result = await drive.run(three(), {"ran": ["four"], "log": ["four"]})
    assert result["log"] == ["one", *"abc", "three", *"abc", "four", *"abc"]
    await drive.history(three())


async def a_step_is_run_again(drive: Accountant) -> None:
    await drive.run(three(), {"ran": ["one"], "log": ["one"]}, interrupt_before=["b"])
    stopped = (await drive.state(three())).config
    for _ in range(2):
        await drive.run(three(), None)
        await drive.reopen()
        result = await drive.run(three(), None, stopped)
        assert result["ran"] == result["log"] == ["one", "a", "b", "c"]
    await drive.history(three())


async def an_older_state_is_changed_and_run_on(drive: Accountant) -> None:
    await drive.run(three(), {"ran": ["one"], "log": ["one"]}, interrupt_before=["b"])
    stopped = (await drive.state(three())).config
    await drive.run(three(), None)
    fork = await drive.update(three(), {"ran": ["changed"], "log": ["changed"]}, stopped)
    result = await drive.run(three(), None, fork)

    assert result["ran"] == ["one", "a", "changed", "b", "c"]
    assert result["log"] == ["one", "a", "changed", "b", "c"]
    await drive.history(three())


async def a_state_is_updated_from_outside(drive: Accountant) -> None:
    await drive.update(three(), {"ran": ["seed"], "log": ["seed"]}, as_node="a")
    result = await drive.run(three(), None)
    assert result["log"] == ["seed", "b", "c"]
    for number in range(4):
        await drive.update(three(), {"log": [f"note {number}"]}, as_node="c")
        await drive.reopen()
    await drive.update(three(), {"ran": Overwrite(["new"]), "log": Overwrite(["new"])}, as_node="a")
    result = await drive.run(three(), None)

    assert result["ran"] == ["new", "b", "c"]
    assert result["log"] == ["new", "b", "c"]
    await drive.history(three())


async def an_update_clears_what_is_due(drive: Accountant) -> None:
    await drive.run(three(), {"ran": ["one"]}, interrupt_before=["b"])
    await drive.update(three(), None, as_node=END)

    assert (await drive.state(three())).next == ()
    await drive.run(three(), {"ran": ["two"]})
    await drive.history(three())


def growing() -> Any:
    graph = build(
        (START, "grow"),
        grow=lambda state: {"ran": ["grow"], "log": [f"item {len(state['log'])}"]},
    )
    graph.add_conditional_edges("grow", lambda s: END if len(s["log"]) % 5 == 0 else "grow")
    return graph


async def differences_add_up_across_snapshots(drive: Accountant) -> None:
    for turn in range(1, 4):
        result = await drive.run(growing(), {"title": f"turn {turn}"})
        assert result["log"] == [f"item {number}" for number in range(5 * turn)]
        await drive.reopen()
    history = await drive.history(growing())
    # Every state that the thread had can be rebuilt, whether a snapshot was near or not.
    for item in history:
        await drive.state(growing(), item.config)
    older = next(item for item in history if item.values["title"] == "turn 2")
    result = await drive.run(growing(), {"title": "a fork"}, older.config)
    assert len(result["log"]) % 5 == 0
    await drive.history(growing())


async def sent_tasks_run_in_their_order(drive: Accountant) -> None:
    def worker(state: State) -> State:
        name = f"worker {state['item'].number}"
        return {"ran": [name], "log": [name]}

    graph = build(
        (START, "split"), ("worker", "join"), split=node("split"), worker=worker, join=node("join")
    )
    graph.add_conditional_edges(
        "split", lambda _: [Send("worker", {"item": Item(number=n)}) for n in range(4)], ["worker"]
    )
    await drive.run(graph, {"title": "go"}, interrupt_before=["worker"])
    await drive.state(graph)
    await drive.reopen()
    result = await drive.run(graph, None)

    workers = [f"worker {number}" for number in range(4)]
    assert result["ran"] == ["split", *workers, "join"]
    assert result["log"] == ["split", *workers, "join"]
    await drive.history(graph)


async def what_succeeded_beside_a_failure_is_not_run_again(drive: Accountant) -> None:
    calls: list[str] = []

    def good(_: State) -> State:
        calls.append("good")
        return {"ran": ["good"], "log": ["good"]}

    def flaky(_: State) -> State:
        calls.append("flaky")
        if calls.count("flaky") == 1:
            raise ZeroDivisionError("no luck")
        return {"ran": ["flaky"], "log": ["flaky"]}

    def worker(state: State) -> State:
        return good(state) if state["item"].number else flaky(state)

    graph = build(
        (START, "split"), ("worker", "join"), split=node("split"), worker=worker, join=node("join")
    )
    graph.add_conditional_edges(
        "split", lambda _: [Send("worker", {"item": Item(number=n)}) for n in (1, 0)], ["worker"]
    )
    with pytest.raises(ZeroDivisionError):
        # One at a time, so that the good one has finished when the other fails.
        await drive.run(graph, {"title": "go"}, {**drive.config(), "max_concurrency": 1})
    await drive.state(graph)
    await drive.reopen()
    result = await drive.run(graph, None)

    assert result["ran"] == ["split", "good", "flaky", "join"]
    assert result["log"] == ["split", "good", "flaky", "join"]
    assert calls == ["good", "flaky", "flaky"]
    await drive.history(graph)


async def commands_lead_to_nodes_and_out_of_nested_graphs(drive: Accountant) -> None:
    def leave(_: State) -> Command[str]:
        return Command(
            graph=Command.PARENT, goto="after", update={"ran": ["left"], "log": ["left"]}
        )

    def decide(state: State) -> Command[str]:
        target = "decide" if len(state["ran"]) < 3 else "team"
        return Command(goto=target, update={"ran": ["decide"], "log": ["decide"]})

    inner = chain(("leave", leave)).compile()
    graph = build((START, "decide"), decide=decide, team=inner, after=node("after"))
    result = await drive.run(graph, {"ran": [], "log": []})

    assert result["ran"] == ["decide", "decide", "decide", "decide", "left", "after"]
    await drive.run(graph, Command(goto="after", update={"title": "from outside"}))
    await drive.history(graph)


async def a_run_stops_at_breakpoints_and_goes_on(drive: Accountant) -> None:
    await drive.run(three(), {"ran": [], "log": []}, interrupt_after=["a"])
    await drive.reopen()
    await drive.run(three(), None, interrupt_before=["c"])
    assert (await drive.state(three())).next == ("c",)
    await drive.reopen()
    result = await drive.run(three(), None)

    assert result["ran"] == ["a", "b", "c"]
    await drive.history(three())


VALUES: list[Any] = [
    None,
    True,
    7,
    2**63,
    -0.5,
    1e300,
    float("inf"),
    "",
    "zero \0 byte, \U0001f419",
    Mood.GOOD,
    b"\0\xff",
    [1, ("a", None)],
    {"deep": {"er": [Mood.GOOD]}},
    {1, 2},
    datetime(2026, 11, 28, tzinfo=UTC),
    UUID(int=5),
    Item(number=3),
    AIMessage("Hello.", name="writer", id="m1"),
]


async def values_come_back_as_what_they_were(drive: Accountant) -> None:
    for number, value in enumerate(VALUES):
        place = drive.config(str(number))
        graph = chain(("keep", lambda _, value=value: {"value": value}), ("b", node("b")))
        await drive.run(graph, {"value": value, "title": str(number)}, place)
    await drive.reopen()
    for number, value in enumerate(VALUES):
        found = (await drive.state(graph, drive.config(str(number)))).values["value"]
        assert type(found) is type(value)
        await drive.history(graph, drive.config(str(number)))


async def checkpoints_are_listed_and_filtered(drive: Accountant) -> None:
    await drive.run(three(), {"ran": ["one"]})
    await drive.run(three(), {"ran": ["two"]}, {**drive.config(), "metadata": {"team": "red"}})
    everything = await drive.stored(drive.config())
    assert len(await drive.stored(drive.config(), limit=1)) == 1
    red = await drive.stored(drive.config(), filter={"team": "red"})
    assert 0 < len(red) < len(everything)
    await drive.stored(drive.config(), filter={"source": "loop", "step": 1})
    before = await drive.stored(drive.config(), before=red[-1].config)
    assert len(before) + len(red) == len(everything)
    assert await drive.stored(drive.config("unknown")) == []


async def a_deleted_thread_begins_anew(drive: Accountant) -> None:
    for thread in "12":
        await drive.run(three(), {"ran": [thread], "log": [thread]}, drive.config(thread))
    await drive.delete(drive.config("1"))
    assert await drive.history(three(), drive.config("1")) == []
    result = await drive.run(three(), {"ran": ["new"], "log": ["new"]}, drive.config("1"))

    assert result["log"] == ["new", "a", "b", "c"]
    await drive.history(three(), drive.config("1"))
    await drive.history(three(), drive.config("2"))


SCENARIOS: dict[str, Scenario] = {
    # A nested graph gives back all that it was given, which is then added once more.
    "a nested graph begins anew in each run": with_nested([6, 18], checkpointer=None),
    "a nested graph keeps its state": with_nested([6, 22], checkpointer=True),
    "a nested graph saves nothing": with_nested([6, 18], checkpointer=False),
    **{
        scenario.__name__.replace("_", " "): scenario
        for scenario in (
            parallel_branches_join_and_a_thread_goes_on,
            a_join_waits_for_all,
            a_nested_graph_can_be_looked_at_while_it_waits,
            two_questions_are_answered_together_by_id,
            two_questions_are_answered_one_after_the_other,
            a_node_may_ask_twice,
            a_question_can_be_answered_otherwise_from_an_older_checkpoint,
            a_thread_goes_on_from_an_older_checkpoint,
            a_step_is_run_again,
            an_older_state_is_changed_and_run_on,
            a_state_is_updated_from_outside,
            an_update_clears_what_is_due,
            differences_add_up_across_snapshots,
            sent_tasks_run_in_their_order,
            what_succeeded_beside_a_failure_is_not_run_again,
            commands_lead_to_nodes_and_out_of_nested_graphs,
            a_run_stops_at_breakpoints_and_goes_on,
            values_come_back_as_what_they_were,
            checkpoints_are_listed_and_filtered,
            a_deleted_thread_begins_anew,
        )
    },
}


async def account_of(scenario: str, url: str, way: Way) -> list[Any]:
    """What came back when a scenario was played on a store."""
    async with Accountant(url, way, TYPES) as drive:
        await SCENARIOS[scenario](drive)
    return drive.account


async def main() -> None:
    way = Way(is_async=True, durability="exit")
    print(json.dumps({name: await account_of(name, sys.argv[1], way) for name in SCENARIOS}))


if __name__ == "__main__":
    asyncio.run(main())
