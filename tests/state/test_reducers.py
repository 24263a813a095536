"""The reducers give the same whatever the batches, the process and the form of what is written."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.state import (
    OrchestrationState,
    Result,
    Turn,
    append_messages,
    append_turns,
    merge_branches,
    merge_results,
    merge_steps,
)

TEXTS = st.sampled_from(["", "user", "ai", "hello", "two\nlines", "naïve 🐙"])
ROLES = st.sampled_from(["user", "human", "assistant", "ai", "system", "developer"])
IDS = st.sampled_from(["a", "b", "c", "d"])
BLOCKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("text"), "text": TEXTS},
        optional={"span": st.tuples(st.integers(0, 3), st.integers(0, 3))},
    ),
    min_size=1,
    max_size=2,
)
CONTENTS = TEXTS | BLOCKS


def messages_of(kind: type[BaseMessage], contents: Any, **fields: Any) -> Any:
    """Messages of a kind, with and without an id."""
    given_id = st.none() | IDS
    return st.tuples(contents, given_id).map(lambda m: kind(content=m[0], id=m[1], **fields))


MESSAGES = st.one_of(
    messages_of(HumanMessage, CONTENTS),
    messages_of(AIMessage, CONTENTS, name="ada"),
    messages_of(AIMessageChunk, TEXTS),
    messages_of(ToolMessage, TEXTS, tool_call_id="1"),
    (IDS | st.just(REMOVE_ALL_MESSAGES)).map(lambda known: RemoveMessage(id=known)),
)
RAW = st.one_of(
    TEXTS,
    st.tuples(ROLES, CONTENTS),
    st.fixed_dictionaries({"role": ROLES, "content": TEXTS}, optional={"id": IDS}),
)
WRITES = st.lists(MESSAGES | RAW | st.lists(MESSAGES | RAW, max_size=3), max_size=6)

SERIALIZER = JsonPlusSerializer()


def reloaded(value: Any) -> Any:
    return SERIALIZER.loads_typed(SERIALIZER.dumps_typed(value))


def in_batches(reducer: Any, start: Any, writes: Sequence[Any], cuts: Sequence[int]) -> Any:
    """Apply the writes, cut at these places."""
    places = [0, *sorted(cut % (len(writes) + 1) for cut in cuts), len(writes)]
    for begin, end in pairwise(places):
        start = reducer(start, writes[begin:end])
    return start


def texts(messages: Sequence[BaseMessage]) -> list[str]:
    return [message.text for message in messages]


@given(WRITES, st.lists(st.integers(0, 9), max_size=5))
def test_messages_are_the_same_for_any_batching_of_the_writes(writes, cuts):
    assert in_batches(append_messages, [], writes, cuts) == append_messages([], writes)


@given(WRITES)
def test_messages_are_the_same_when_the_writes_come_back_from_a_checkpoint(writes):
    live = append_messages([], writes)
    replayed = append_messages([], [reloaded(write) for write in writes])
    assert [m.id for m in replayed] == [m.id for m in live]
    assert reloaded(live) == replayed


@given(WRITES)
def test_every_message_has_an_id_of_its_own(writes):
    ids = [message.id for message in append_messages([], writes)]
    assert all(ids)
    assert len(set(ids)) == len(ids)


@given(WRITES)
def test_ids_are_kept_when_the_thread_is_written_once_more(writes):
    thread = append_messages([], writes)
    assert append_messages(thread, [thread]) == thread
    assert append_messages(reloaded(thread), [reloaded(thread)]) == reloaded(thread)


@given(WRITES, WRITES)
def test_neither_the_thread_nor_the_writes_are_changed(before, writes):
    thread = append_messages([], before)
    kept, written = reloaded(thread), [reloaded(write) for write in writes]
    append_messages(thread, writes)
    assert reloaded(thread) == kept
    assert [reloaded(write) for write in writes] == written


def test_ids_are_the_same_in_every_process():
    script = (
        "import json, sys\n"
        "from langgraph_orchestra.state import append_messages\n"
        "print(json.dumps([m.id for m in append_messages([], json.loads(sys.argv[1]))]))"
    )
    writes = ["hello", {"role": "ai", "content": [{"type": "text", "text": "x", "b": 1, "a": 2}]}]
    ids = [
        subprocess.run(
            [sys.executable, "-c", script, json.dumps(writes)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    here = [message.id for message in append_messages([], writes)]
    assert [json.loads(output) for output in ids] == [here, here]


def test_same_words_at_different_places_get_different_ids():
    first, second = append_messages([], ["yes", "yes"])
    assert first.id != second.id


def test_a_message_with_a_known_id_replaces_its_namesake_in_its_place():
    thread = append_messages([], [[HumanMessage("draft", id="1"), AIMessage("fine", id="2")]])
    assert texts(append_messages(thread, [HumanMessage("final", id="1")])) == ["final", "fine"]


def test_a_message_is_replaced_within_one_batch():
    assert texts(append_messages([], [AIMessage("a", id="1"), AIMessage("b", id="1")])) == ["b"]


def test_a_removed_message_is_gone_and_the_others_keep_their_order():
    thread = append_messages([], [[HumanMessage(text, id=text) for text in "abc"]])
    assert texts(append_messages(thread, [RemoveMessage(id="b")])) == ["a", "c"]


def test_a_message_may_be_removed_and_given_again_at_once():
    thread = append_messages([], [[HumanMessage("a", id="1"), HumanMessage("b", id="2")]])
    writes = [RemoveMessage(id="1"), HumanMessage("again", id="1")]
    assert texts(append_messages(thread, writes)) == ["b", "again"]


def test_removing_what_is_not_there_changes_nothing():
    thread = append_messages([], ["hello"])
    assert append_messages(thread, [RemoveMessage(id="unknown")]) == thread


def test_all_messages_can_be_removed_and_what_follows_stays():
    thread = append_messages([], ["old", "older"])
    assert texts(append_messages(thread, [[RemoveMessage(id=REMOVE_ALL_MESSAGES), "new"]])) == [
        "new"
    ]


@pytest.mark.parametrize(
    "write",
    [
        "hello",
        ("user", "hello"),
        ["user", "hello"],
        ("human", [{"type": "text", "text": "hello"}]),
        ["human", [{"type": "text", "text": "hello"}]],
        {"role": "user", "content": "hello"},
        {"type": "human", "content": "hello"},
        HumanMessage("hello"),
        ["hello"],
        [("user", "hello")],
        [["user", "hello"]],
    ],
    ids=repr,
)
def test_one_message_is_understood_in_every_form(write):
    (message,) = append_messages([], [write])
    assert (message.type, message.text) == ("human", "hello")


def test_two_texts_are_two_messages():
    assert texts(append_messages([], [["tool", "hello"]])) == ["tool", "hello"]


def test_a_pair_in_a_list_of_two_is_not_taken_for_the_content_of_the_first():
    assert texts(append_messages([], [["user", ["ai", "hello"]]])) == ["user", "hello"]


def test_a_chunk_becomes_a_whole_message():
    (message,) = append_messages([], [AIMessageChunk(content="hello", id="1")])
    assert type(message) is AIMessage


def test_a_text_with_half_a_character_gets_an_id_that_a_reload_gives_again():
    broken = "an octopus \ud83d"
    (live,) = append_messages([], [broken])
    (replayed,) = append_messages([], [reloaded(broken)])
    assert live.id == replayed.id


def test_a_thread_given_as_plain_data_is_made_of_messages():
    thread = append_messages([{"role": "user", "content": "hello"}], ["again"])
    assert texts(thread) == ["hello", "again"]


def raw_forms(state: OrchestrationState) -> dict[str, Any]:
    """Write a few messages, in another form each time."""
    number = len(state["messages"])
    forms: list[Any] = [
        f"text {number}",
        ("ai", f"pair {number}"),
        ("ai", [{"type": "text", "text": f"blocks {number}"}]),
        [{"role": "assistant", "content": f"dict {number}"}, AIMessage(f"message {number}")],
        [AIMessage("replaced", id="fixed"), RemoveMessage(id=str(state["messages"][0].id))],
    ]
    turn = Turn(agent="a", step=number)
    return {"messages": forms[number % len(forms)], "trail": [turn]}


def writing_graph(steps: int) -> StateGraph[Any, Any, Any, Any]:
    graph = StateGraph(OrchestrationState)
    graph.add_node("a", raw_forms)
    graph.add_node("b", lambda _: {"messages": ("ai", "side by side"), "trail": [Turn(agent="b")]})
    graph.add_conditional_edges(START, lambda _: ["a", "b"])
    graph.add_conditional_edges(
        "a", lambda state: END if len(state["trail"]) >= steps else ["a", "b"]
    )
    return graph


@pytest.mark.parametrize("steps", [12, 240], ids=["all replayed", "past a snapshot"])
def test_a_thread_read_from_a_file_is_the_one_that_was_live(run, tmp_path, steps):
    url = f"sqlite:///{tmp_path}/runs.db"
    config: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 1000}
    with open_checkpointer(url) as saver:
        live = run(writing_graph(steps).compile(checkpointer=saver), ("user", "hi"), config=config)
    with open_checkpointer(url) as saver:
        replayed = writing_graph(steps).compile(checkpointer=saver).get_state(config).values
    assert replayed["messages"] == live["messages"]
    assert replayed["trail"] == live["trail"]
    assert all(message.id for message in live["messages"])


def test_a_run_goes_on_from_a_file_with_the_ids_that_were_live(run, tmp_path):
    graph = StateGraph(OrchestrationState)
    graph.add_node("a", lambda _: {"messages": [("ai", "hello"), AIMessage("again")]})
    graph.add_edge(START, "a")
    seen: list[BaseMessage] = []
    for task in ["hi", ("user", "more"), {"role": "user", "content": "bye"}]:
        with open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver:
            result = run(graph.compile(checkpointer=saver), {"messages": task}, thread="1")
            assert result["messages"][: len(seen)] == seen
            seen = result["messages"]
    assert texts(seen) == [
        "hi",
        "hello",
        "again",
        "more",
        "hello",
        "again",
        "bye",
        "hello",
        "again",
    ]


TURNS = st.lists(
    st.lists(st.builds(Turn, agent=TEXTS, step=st.integers(0, 9)), max_size=3), max_size=5
)


@given(TURNS, st.lists(st.integers(0, 9), max_size=4))
def test_the_trail_is_the_same_for_any_batching_of_the_writes(writes, cuts):
    assert in_batches(append_turns, [], writes, cuts) == append_turns([], writes)


@given(TURNS)
def test_the_trail_may_be_written_as_plain_data(writes):
    dumped = [[turn.model_dump() for turn in write] for write in writes]
    assert append_turns([], dumped) == append_turns([], writes)


@given(st.lists(st.dictionaries(TEXTS, st.integers()), min_size=1, max_size=4))
def test_branches_stand_side_by_side_and_the_latest_of_a_name_counts(updates):
    merged: dict[str, Any] = {}
    for update in updates:
        merged = merge_branches(merged, update)
    assert merged == {name: value for update in updates for name, value in update.items()}


@given(st.permutations([Result(name=f"w[{i}]", output=i, index=i) for i in range(6)]))
def test_results_of_items_are_in_the_order_of_the_items(results):
    merged: list[Result] = []
    for result in results:
        merged = merge_results(merged, [result])
    assert [result.index for result in merged] == list(range(6))


def test_a_result_given_again_replaces_the_one_before():
    before = [Result(name="w[0]", output="old", index=0), Result(name="w[1]", output=1, index=1)]
    after = merge_results(before, [Result(name="w[0]", output="new", index=0)])
    assert [result.output for result in after] == ["new", 1]


STEPS = st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(), max_size=3))


@given(STEPS, st.lists(st.integers(0, 9)))
def test_results_of_steps_are_the_same_for_any_batching_of_the_writes(writes, cuts):
    together = merge_steps({}, writes)
    apart = in_batches(merge_steps, {}, writes, cuts)
    assert list(apart.items()) == list(together.items())


def test_a_later_result_takes_the_place_of_an_earlier_one_of_its_step():
    merged = merge_steps({"a": 1, "b": 2}, [{"c": 3, "a": 4}])
    assert list(merged.items()) == [("a", 4), ("b", 2), ("c", 3)]
