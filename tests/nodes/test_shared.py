"""What an inner graph has changed comes back once, whatever the reducer of the key."""

import operator
from typing import Annotated, Any, NotRequired

import pytest
from hypothesis import given as given_examples
from hypothesis import settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langgraph.channels import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.managed import RemainingSteps
from langgraph.types import Overwrite
from typing_extensions import TypedDict

from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.nodes import task_only
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.nodes.shared import given, state_changes
from langgraph_orchestra.state import ConcurrentState, SequentialState


def merge(old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    return {**old, **new}


def add_up(old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    return {key: old.get(key, 0) + new.get(key, 0) for key in old.keys() | new.keys()}


def higher(old: int, new: int) -> int:
    return max(old, new)


def in_place(old: list[str], new: list[str]) -> list[str]:
    old.extend(new)
    return old


def latest_three(old: list[int], new: list[int]) -> list[int]:
    return [*old, *new][-3:]


def longest(old: str | None, new: str | None) -> str | None:
    return max(old or "", new or "", key=len)


def in_batches(old: list[str], writes: list[list[str]]) -> list[str]:
    return [*old, *(text for write in writes for text in write)]


class Keys(TypedDict, total=False):
    """Keys with reducers of every kind."""

    plain: Any
    added: Annotated[list[str], operator.add]
    not_required: NotRequired[Annotated[list[str], operator.add]]
    joined: Annotated[str, operator.add]
    counted: Annotated[int, operator.add]
    highest: Annotated[int, higher]
    united: Annotated[set[str], operator.or_]
    merged: Annotated[dict[str, int], merge]
    added_up: Annotated[dict[str, int], add_up]
    changed_in_place: Annotated[list[str], in_place]
    bounded: Annotated[list[int], latest_three]
    optional: Annotated[str | None, longest]
    delta: Annotated[list[str], DeltaChannel(in_batches)]
    thread: Annotated[list[Any], add_messages]
    remaining: RemainingSteps


SCENE = Scene("test", task_only(), shared_keys=frozenset(Keys.__annotations__), state_schema=Keys)


def changes(key: str, old: Any, new: Any) -> dict[str, Any]:
    return state_changes({key: old}, {key: new}, SCENE)


@pytest.mark.parametrize(
    ("key", "old", "new", "update"),
    [
        ("plain", ["a"], ["a", "b"], ["a", "b"]),
        ("plain", 1, None, None),
        ("plain", {"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ("added", ["a"], ["a", "b"], ["b"]),
        ("added", [], ["a"], ["a"]),
        ("added", ["a", "b"], ["b"], Overwrite(["b"])),
        ("added", ["a"], [], Overwrite([])),
        ("not_required", ["a"], ["a", "b"], ["b"]),
        ("joined", "ab", "abcd", "cd"),
        ("counted", 1, 5, 4),
        ("counted", 5, 1, -4),
        ("highest", 3, 7, 7),
        ("highest", 7, 3, Overwrite(3)),
        ("united", {"a"}, {"a", "b"}, {"b"}),
        ("united", {"a", "b"}, {"b"}, Overwrite({"b"})),
        ("merged", {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2}),
        ("merged", {"a": 1}, {}, Overwrite({})),
        ("added_up", {"a": 1}, {"a": 1, "b": 2}, {"b": 2}),
        ("added_up", {"a": 1}, {"a": 3}, Overwrite({"a": 3})),
        ("changed_in_place", ["a"], ["a", "b"], ["b"]),
        ("bounded", [1, 2], [1, 2, 3], [3]),
        ("bounded", [1, 2, 3], [2, 3, 4], [2, 3, 4]),
        ("optional", "ab", "abc", "abc"),
        ("delta", ["a"], ["a", "b"], ["b"]),
    ],
)
def test_only_what_is_new_is_written_so_that_the_reducer_makes_the_new_value(key, old, new, update):
    assert changes(key, old, new) == {key: update}


@pytest.mark.parametrize("key", sorted(Keys.__annotations__))
def test_what_has_not_changed_is_not_written(key):
    assert changes(key, ["a"], ["a"]) == {}


@pytest.mark.parametrize("key", ["plain", "added", "optional", "highest", "merged"])
def test_the_first_value_of_a_key_is_written_as_it_is(key):
    assert state_changes({}, {key: "first"}, SCENE) == {key: "first"}


def test_a_reducer_that_changes_what_it_is_given_does_not_change_the_state():
    state = {"changed_in_place": ["a"]}
    state_changes(state, {"changed_in_place": ["a", "b"]}, SCENE)
    assert state == {"changed_in_place": ["a"]}


def test_messages_that_were_replaced_and_added_are_both_written():
    old = [HumanMessage("a", id="1")]
    new = [HumanMessage("A", id="1"), AIMessage("b", id="2")]
    assert changes("thread", old, new) == {"thread": new}
    assert changes("thread", old, [*old, AIMessage("b", id="2")]) == {
        "thread": [AIMessage("b", id="2")]
    }


def test_keys_that_are_not_shared_do_not_come_back():
    assert state_changes({"messages": []}, {"messages": ["x"], "trail": [1], "y": 2}, SCENE) == {}


def reading_graph(**options: Any) -> Any:
    """A graph that changes nothing."""
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(Keys)
    graph.add_node("read", lambda state: {}).add_edge(START, "read")
    return graph.compile(**options)


def test_an_inner_graph_is_given_the_shared_keys_that_there_are():
    state = {"plain": 1, "optional": None, "counted": 3}
    shared = given(state, ["plain", "optional", "merged"], reading_graph())
    assert shared == {"plain": 1, "optional": None}


def test_a_graph_whose_keys_cannot_be_known_is_given_the_values():
    assert given({"added": ["a"]}, ["added"], RunnableLambda(str)) == {"added": ["a"]}


def written(key: str, old: Any, update: Any) -> Any:
    """What LangGraph makes of an update."""
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(Keys)
    graph.add_node("first", lambda state: {key: old})
    graph.add_node("second", lambda state: update)
    graph.add_edge(START, "first").add_edge("first", "second")
    return graph.compile().invoke({})[key]


LISTS = st.lists(st.sampled_from("abc"), max_size=4)
DICTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3)
NUMBERS = st.integers(-3, 9)
VALUES = st.one_of(
    st.tuples(st.sampled_from(["plain", "added", "delta", "not_required"]), LISTS, LISTS),
    st.tuples(st.sampled_from(["merged", "added_up"]), DICTS, DICTS),
    st.tuples(st.sampled_from(["counted", "highest"]), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("united"), st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc"))),
)


READER = reading_graph()


@settings(deadline=None)
@given_examples(VALUES)
def test_the_inner_graph_begins_with_the_value_of_the_outer_one(example):
    key, value, _ = example
    assert READER.invoke(given({key: value}, [key], READER))[key] == value


@pytest.mark.parametrize("key", ["added", "delta", "not_required", "plain"])
def test_a_graph_with_a_memory_is_given_the_value_in_place_of_what_it_remembers(run, saver, key):
    inner = reading_graph(checkpointer=True)

    def call(state: Any) -> dict[str, Any]:
        return {key: inner.invoke(given(state, [key], inner))[key]}

    outer: StateGraph[Any, Any, Any, Any] = StateGraph(Outer)
    outer.add_node("call", call).add_edge(START, "call")
    app = outer.compile(checkpointer=saver)
    for value in (["a"], ["a", "b"], ["b"]):
        assert run(app, {key: value}, thread="1")[key] == value


@settings(deadline=None)
@given_examples(VALUES)
def test_the_outer_graph_ends_up_with_the_value_of_the_inner_one(example):
    key, old, new = example
    assert written(key, old, changes(key, old, new)) == new


class Outer(TypedDict, total=False):
    """The same keys where every write replaces what was there."""

    plain: Any
    added: list[str]
    not_required: list[str]
    delta: list[str]


class Notes(TypedDict, total=False):
    """What a team shares."""

    notes: Annotated[list[str], operator.add]
    count: Annotated[int, operator.add]
    best: Annotated[str | None, longest]


class NotesState(SequentialState, Notes, total=False):
    """A sequence that takes notes."""


class BranchNotesState(ConcurrentState, Notes, total=False):
    """Branches that take notes."""


def note_taker(name: str) -> Any:
    """A user's own graph that adds to what it is given."""

    def take(state: Any) -> dict[str, Any]:
        return {"notes": [name], "count": 1, "best": name}

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(Notes)
    graph.add_node("take", take).add_edge(START, "take")
    return graph.compile(name=name)


def test_graphs_in_a_row_add_to_the_same_keys(run):
    app = create_sequential(
        [note_taker("ada"), note_taker("barbara")], state_schema=NotesState
    ).compile()
    result = run(app, {"messages": "go", "notes": ["mine"], "count": 10})
    assert (result["notes"], result["count"]) == (["mine", "ada", "barbara"], 12)
    assert result["best"] == "barbara"


def test_graphs_side_by_side_add_to_the_same_keys(run):
    app = create_concurrent(
        [note_taker("ada"), note_taker("barbara")], state_schema=BranchNotesState
    ).compile()
    result = run(app, {"messages": "go", "notes": ["mine"], "count": 10})
    assert (result["notes"], result["count"]) == (["mine", "ada", "barbara"], 12)
    assert result["best"] == "barbara"
