"""Threads are copied whole, and runs deleted from them without loss to later ones."""

from typing import Any
from uuid import uuid4

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from langgraph_orchestra.checkpoints import history

from .conftest import config_of
from .noting import noted, notes, noting, numbered


@pytest.fixture
def saver(file_saver: Any) -> Any:
    return file_saver


async def test_a_copy_has_the_whole_history(calls: Any, saver: Any) -> None:
    app = await noted(calls, saver, 9)
    await calls.of(saver, "copy_thread", "1", "2")
    original = [(item.values, item.metadata) for item in app.get_state_history(config_of("1"))]
    copy = [(item.values, item.metadata) for item in app.get_state_history(config_of("2"))]
    assert copy == original


async def test_a_thread_and_its_copy_go_on_by_themselves(calls: Any, saver: Any) -> None:
    app = await noted(calls, saver, 3)
    await calls.of(saver, "copy_thread", "1", "2")
    await calls.invoke(app, {"turn": 30}, "1")
    await calls.invoke(app, {"turn": 40}, "2")
    assert notes(app, "1") == [*numbered(3), "turn 30"]
    assert notes(app, "2") == [*numbered(3), "turn 40"]
    await calls.delete(saver, "1")
    assert notes(app, "2") == [*numbered(3), "turn 40"]


async def test_an_open_question_can_be_answered_in_the_copy_too(calls: Any, saver: Any) -> None:
    class State(TypedDict, total=False):
        answer: str

    graph = StateGraph(State)
    graph.add_node("ask", lambda _: {"answer": interrupt("May I?")})
    graph.add_edge(START, "ask")
    app = graph.compile(checkpointer=saver)
    await calls.invoke(app, {"answer": ""}, "1")
    await calls.of(saver, "copy_thread", "1", "2")
    assert (await calls.invoke(app, Command(resume="yes"), "1"))["answer"] == "yes"
    assert (await calls.invoke(app, Command(resume="no"), "2"))["answer"] == "no"


async def test_a_copy_onto_a_thread_that_is_there_is_refused(calls: Any, saver: Any) -> None:
    app = await noted(calls, saver, 2)
    await noted(calls, saver, 1, "2")
    with pytest.raises(ValueError, match="thread `2` is there already"):
        await calls.of(saver, "copy_thread", "1", "2")
    assert notes(app, "2") == numbered(1)


async def test_a_copy_onto_itself_is_refused(calls: Any, saver: Any) -> None:
    app = await noted(calls, saver, 2)
    with pytest.raises(ValueError, match="thread `1` is there already"):
        await calls.of(saver, "copy_thread", "1", "1")
    assert notes(app) == numbered(2)


async def test_of_a_thread_on_which_nothing_has_run_there_is_nothing_to_copy(
    calls: Any, saver: Any
) -> None:
    await calls.of(saver, "copy_thread", "1", "2")
    assert await calls.threads(saver) == []


async def run(app: Any, turn: int) -> str:
    run_id = str(uuid4())
    app.invoke({"turn": turn}, {**config_of("1"), "metadata": {"run_id": run_id}})
    return run_id


async def test_checkpoints_of_a_deleted_run_are_gone_and_its_notes_stay_in_later_ones(
    calls: Any, saver: Any
) -> None:
    app = noting(saver)
    runs = [await run(app, turn) for turn in range(5)]
    await calls.of(saver, "delete_for_runs", runs[1:3])
    left = {item.metadata.get("run_id") for item in history(saver, "1")}
    assert left - {None} == {runs[0], runs[3], runs[4]}
    assert notes(app) == numbered(5)
    await run(app, 5)
    assert notes(app) == numbered(6)


async def test_without_its_last_run_a_thread_is_what_it_was_before(calls: Any, saver: Any) -> None:
    app = noting(saver)
    *_, last = [await run(app, turn) for turn in range(5)]
    await calls.of(saver, "delete_for_runs", [last])
    assert notes(app) == numbered(4)
    await run(app, 7)
    assert notes(app) == [*numbered(4), "turn 7"]


async def test_without_all_its_runs_a_thread_is_gone(calls: Any, saver: Any) -> None:
    app = noting(saver)
    runs = [await run(app, turn) for turn in range(5)]
    await calls.of(saver, "prune", ["1"])
    await calls.of(saver, "delete_for_runs", runs)
    assert history(saver, "1") == []


@pytest.mark.parametrize("run_id", ["unknown", "' OR 1=1 --", '"', "%", ""])
async def test_runs_that_are_nowhere_leave_all_as_it_is(
    calls: Any, saver: Any, run_id: str
) -> None:
    app = noting(saver)
    await run(app, 0)
    await calls.of(saver, "delete_for_runs", [run_id])
    assert notes(app) == numbered(1)


@pytest.mark.parametrize("run_id", ["1", 'a "quoted" \\ name', "über", "🐙"])
async def test_a_run_is_found_whatever_else_its_metadata_holds(
    calls: Any, saver: Any, run_id: str
) -> None:
    app = noting(saver)
    await run(app, 0)
    metadata = {"run_id": run_id, "score": float("nan"), "best": float("inf")}
    app.invoke({"turn": 1}, {**config_of("1"), "metadata": metadata})
    await calls.of(saver, "delete_for_runs", [run_id])
    assert notes(app) == numbered(1)


async def test_one_run_id_in_place_of_several_is_refused(calls: Any, saver: Any) -> None:
    with pytest.raises(TypeError, match="`run_ids` is a sequence of ids"):
        await calls.of(saver, "delete_for_runs", "123")
