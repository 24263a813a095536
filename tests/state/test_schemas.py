"""The states are TypedDicts that users extend; LangGraph makes the right channels of them."""

import operator
from typing import Annotated, Any, NotRequired, get_type_hints

import pytest
from langgraph.channels import DeltaChannel
from langgraph.graph import START, StateGraph
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.state import (
    BOOKKEEPING,
    ConcurrentState,
    HandoffState,
    MagenticState,
    MakerCheckerState,
    MapReduceState,
    OrchestrationState,
    Result,
    SequentialState,
    SupervisorState,
    Turn,
)

STATES = [
    OrchestrationState,
    SequentialState,
    ConcurrentState,
    MapReduceState,
    HandoffState,
    MagenticState,
    MakerCheckerState,
    SupervisorState,
]


class Note(BaseModel):
    """A user's own object in the state."""

    text: str


class NotesState(SequentialState, total=False):
    """A user's own keys."""

    notes: Annotated[list[str], operator.add]
    note: NotRequired[Note]
    language: str


def channels_of(schema: type[Any]) -> dict[str, Any]:
    return dict(StateGraph(schema).channels)


@pytest.mark.parametrize("schema", [*STATES, NotesState])
def test_every_state_begins_with_what_all_patterns_share(schema):
    shared = get_type_hints(OrchestrationState)
    assert list(get_type_hints(schema))[: len(shared)] == list(shared)


@pytest.mark.parametrize("schema", [*STATES, NotesState])
def test_no_key_is_required(schema):
    assert schema.__required_keys__ == frozenset()


@pytest.mark.parametrize("schema", [*STATES, NotesState])
def test_messages_and_trail_are_stored_as_differences_in_every_state(schema):
    channels = channels_of(schema)
    assert isinstance(channels["messages"], DeltaChannel)
    assert isinstance(channels["trail"], DeltaChannel)


def test_bookkeeping_names_keys_that_there_are():
    assert set().union(*(get_type_hints(schema) for schema in STATES)) >= BOOKKEEPING


def test_keys_of_a_users_state_stand_beside_those_of_the_pattern():
    own = get_type_hints(NotesState).keys() - get_type_hints(SequentialState).keys()
    assert own == {"notes", "note", "language"}


def test_a_users_reducer_and_objects_work_beside_ours(run, tmp_path):
    graph = StateGraph(NotesState)
    graph.add_node(
        "a",
        lambda _: {
            "messages": ("ai", "done"),
            "trail": [Turn(agent="a")],
            "notes": ["two"],
            "note": Note(text="typed"),
        },
    )
    graph.add_edge(START, "a")
    given: dict[str, Any] = {"messages": "go", "notes": ["one"], "language": "en"}
    with open_checkpointer(f"sqlite:///{tmp_path}/runs.db", types=(Note,)) as saver:
        app = graph.compile(checkpointer=saver)
        result = run(app, given, thread="1")
        saved = app.get_state({"configurable": {"thread_id": "1"}}).values
    assert saved == result
    assert result["notes"] == ["one", "two"]
    assert result["note"] == Note(text="typed")
    assert result["language"] == "en"


def test_results_of_a_map_reduce_come_together_in_the_order_of_the_items(run):
    def write(*numbers: int) -> Any:
        results = [Result(name=f"w[{number}]", output=number, index=number) for number in numbers]
        return lambda _: {"results": results}

    graph = StateGraph(MapReduceState)
    for name, node in {"late": write(2, 0), "early": write(1)}.items():
        graph.add_node(name, node)
        graph.add_edge(START, name)
    assert [r.output for r in run(graph.compile(), "go")["results"]] == [0, 1, 2]
