"""A fork begins at a checkpoint of a thread, with all that is needed, and goes on by itself."""

import operator
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from langgraph_orchestra.checkpoints import fork, open_checkpointer, threads
from langgraph_orchestra.checkpoints.postgres import OrchestraPostgresSaver
from langgraph_orchestra.state import ConfigurationError

from .conftest import config_of, extend
from .noting import noted, notes, noting, numbered


@pytest.fixture
async def opened(calls: Any, store: str) -> AsyncIterator[BaseCheckpointSaver[str]]:
    async with calls.opened(store) as saver:
        yield saver


def snapshots(app: Any, thread_id: str = "1") -> list[Any]:
    """The states of a thread, newest first, without stubs."""
    found = app.get_state_history(config_of(thread_id))
    return [snapshot for snapshot in found if snapshot.metadata["step"] != -2]


def id_of(snapshot: Any) -> str:
    return str(snapshot.config["configurable"]["checkpoint_id"])


async def fork_at(calls: Any, saver: Any, snapshot: Any, new: str = "new") -> str:
    return str(await calls.fork(saver, "1", id_of(snapshot), new))


async def test_a_fork_of_any_checkpoint_has_its_state(calls: Any, opened: Any) -> None:
    app = await noted(calls, opened, 9)
    for number, snapshot in enumerate(snapshots(app)):
        forked = await calls.fork(opened, "1", id_of(snapshot), f"fork {number}")
        state = await calls.state(app, forked)
        assert state.values == snapshot.values
        assert state.next == snapshot.next
        assert [id_of(found) for found in snapshots(app, forked)] == [id_of(snapshot)]
        assert len(await calls.history(opened, forked)) == 1
        assert len(await calls.history(opened, forked, limit=2)) == 1


async def test_a_thread_and_its_fork_go_on_by_themselves(calls: Any, opened: Any) -> None:
    app = await noted(calls, opened, 9)
    then = next(found for found in snapshots(app) if found.values.get("often") == numbered(5))
    forked = await fork_at(calls, opened, then)
    for turn in range(50, 70):
        await calls.invoke(app, {"turn": turn}, forked)
    await calls.invoke(app, {"turn": 9}, "1")
    assert notes(app, forked) == [*numbered(5), *(f"turn {turn}" for turn in range(50, 70))]
    assert notes(app, "1") == numbered(10)
    await calls.delete(opened, "1")
    assert notes(app, forked)[:5] == numbered(5)


async def test_a_fork_of_a_fork_is_whole(calls: Any, opened: Any) -> None:
    app = await noted(calls, opened, 9)
    forked = await fork_at(calls, opened, snapshots(app)[0], "2")
    await calls.invoke(app, {"turn": 9}, forked)
    newest, *_ = snapshots(app, "2")
    again = await calls.fork(opened, "2", id_of(newest))
    assert notes(app, again) == numbered(10)


async def test_a_fork_before_a_step_does_the_step_again(calls: Any, opened: Any) -> None:
    app = await noted(calls, opened, 3)
    before = next(found for found in snapshots(app) if found.next == ("note",))
    forked = await fork_at(calls, opened, before)
    assert notes(app, forked) == numbered(2)
    await calls.invoke(app, None, forked)
    assert notes(app, forked) == numbered(3)


async def test_a_fork_of_a_finished_run_knows_nothing_of_the_input_after_it(
    calls: Any, opened: Any
) -> None:
    class State(TypedDict):
        said: Annotated[list[str], DeltaChannel(extend)]

    graph = StateGraph(State)
    graph.add_node("answer", lambda _: {"said": ["answer"]})
    graph.add_edge(START, "answer")
    app = graph.compile(checkpointer=opened)
    for word in ("one", "two", "three"):
        await calls.invoke(app, {"said": [word]}, "1")
    ended = [found for found in snapshots(app) if not found.next]
    forked = await fork_at(calls, opened, ended[-1])
    result = await calls.invoke(app, {"said": ["other"]}, forked)
    assert result["said"] == ["one", "answer", "other", "answer"]
    assert (await calls.state(app, forked)).values == result


async def test_an_id_is_made_for_a_fork_without_one(calls: Any, opened: Any) -> None:
    app = await noted(calls, opened, 1)
    forked = await calls.fork(opened, "1", id_of(snapshots(app)[0]))
    assert forked not in ("", "1")
    assert {info.thread_id for info in await calls.threads(opened)} == {"1", forked}


class Asking(TypedDict, total=False):
    """State of a graph that asks people."""

    said: Annotated[list[str], DeltaChannel(extend)]
    plain: Annotated[list[str], operator.add]


@pytest.fixture
def ran() -> list[str]:
    """Names of nodes in the order in which they ran to their ends."""
    return []


@pytest.fixture
def asking(opened: Any, ran: list[str]) -> Any:
    return asking_graph(opened, ran)


def asking_graph(saver: Any, ran: list[str]) -> Any:
    """A graph in which `a` and `c` ask at the same time as `b` just does its work."""

    def node(name: str, *questions: str) -> Any:
        def run(_: Asking) -> Asking:
            said = [f"{name}: {interrupt(question)}" for question in questions] or [name]
            ran.append(name)
            return {"said": said, "plain": said}

        return run

    graph: Any = StateGraph(Asking)
    graph.add_node("a", node("a", "one", "two"))
    graph.add_node("b", node("b"))
    graph.add_node("c", node("c", "three"))
    graph.add_node("end", node("end"))
    for name in ("a", "b", "c"):
        graph.add_edge(START, name)
    graph.add_edge(["a", "b", "c"], "end")
    return graph.compile(checkpointer=saver)


def question(snapshot: Any, text: str) -> str:
    """Id of an open question."""
    return next(str(found.id) for found in snapshot.interrupts if found.value == text)


async def answer(calls: Any, app: Any, thread_id: str, **answers: str) -> Any:
    state = await calls.state(app, thread_id)
    resume = {question(state, text): words for text, words in answers.items()}
    return await calls.invoke(app, Command(resume=resume), thread_id)


async def test_open_questions_are_answered_in_the_fork_and_in_the_thread(
    calls: Any, opened: Any, asking: Any, ran: list[str]
) -> None:
    await calls.invoke(asking, {"said": ["go"]}, "1")
    await answer(calls, asking, "1", one="1")
    forked = await fork_at(calls, opened, snapshots(asking)[0])
    assert {found.value for found in (await calls.state(asking, forked)).interrupts} == {
        "two",
        "three",
    }
    result = await answer(calls, asking, forked, two="fork", three="fork")
    assert result["said"] == ["go", "a: 1", "a: fork", "b", "c: fork", "end"]
    assert ran == ["b", "a", "c", "end"]
    assert (await calls.state(asking, forked)).values == result
    result = await answer(calls, asking, "1", two="thread", three="thread")
    assert result["said"] == ["go", "a: 1", "a: thread", "b", "c: thread", "end"]
    assert (await calls.state(asking, "1")).values == result


def needs_count_of_answers(saver: Any) -> None:
    """Skip where a store does not tell it; the next test says what a fork is like there."""
    if isinstance(saver, OrchestraPostgresSaver):
        pytest.skip("PostgreSQL's tables do not tell how many questions a node had been answered")


async def test_answered_questions_are_open_again_in_a_fork(
    calls: Any, opened: Any, asking: Any, ran: list[str]
) -> None:
    needs_count_of_answers(opened)
    await calls.invoke(asking, {"said": ["go"]}, "1")
    asked = snapshots(asking)[0]
    await answer(calls, asking, "1", one="1", three="3")
    await answer(calls, asking, "1", two="2")
    await calls.invoke(asking, {"said": ["more"]}, "1")
    forked = await fork_at(calls, opened, asked)
    [info] = [info for info in await calls.threads(opened) if info.thread_id == forked]
    assert info.status == "interrupted"
    ran.clear()
    result = await answer(calls, asking, forked, two="other", three="other")
    assert result["said"] == ["go", "a: 1", "a: other", "b", "c: other", "end"]
    assert ran == ["a", "c", "end"]
    assert (await calls.state(asking, forked)).values == result


def test_questions_are_asked_anew_in_a_store_that_does_not_tell_how_many_were_answered(
    tmp_path: Path, ran: list[str]
) -> None:
    with SqliteSaver.from_conn_string(str(tmp_path / "runs.db")) as saver:
        app = asking_graph(saver, ran)
        app.invoke({"said": ["go"]}, config_of("1"))
        asked = snapshots(app)[0]
        for words in ({"one": "1", "three": "3"}, {"two": "2"}):
            state = app.get_state(config_of("1"))
            resume = {question(state, text): answer for text, answer in words.items()}
            app.invoke(Command(resume=resume), config_of("1"))
        forked = fork(saver, "1", id_of(asked))
        assert not app.get_state(config_of(forked)).interrupts
        ran.clear()
        app.invoke(None, config_of(forked))
        open_now = {found.value for found in app.get_state(config_of(forked)).interrupts}
    assert open_now == {"one", "three"}
    assert ran == []


def in_teams(saver: Any, ran: list[str], *, remembers: bool | None, asks: bool) -> Any:
    """A team in a team, which works, then asks if it shall, then ends."""

    def node(name: str, question: str = "") -> Any:
        def run(_: Asking) -> Asking:
            said = f"{name}: {interrupt(question)}" if question else name
            ran.append(name)
            return {"said": [said]}

        return run

    def team(name: str, inner: Any, output: Any = Asking) -> Any:
        graph: Any = StateGraph(Asking, output_schema=output)
        graph.add_node("before", node(f"before {name}"))
        graph.add_node(name, inner)
        graph.add_node("after", node(f"after {name}"))
        graph.add_edge(START, "before")
        graph.add_edge("before", name)
        graph.add_edge(name, "after")
        graph.add_edge("after", END)
        return graph

    class Nothing(TypedDict, total=False):
        """What teams give back: their words are their own."""

        plain: Annotated[list[str], operator.add]

    inner = team("inner", node("asks", "May I?" if asks else ""), Nothing)
    outer = team("outer", inner.compile(checkpointer=remembers), Nothing)
    return team("top", outer.compile(checkpointer=remembers)).compile(checkpointer=saver)


@pytest.mark.parametrize("remembers", [None, True])
@pytest.mark.parametrize("answered", [False, True])
async def test_a_question_deep_in_teams_is_answered_in_the_fork_and_nothing_is_done_twice(
    calls: Any, opened: Any, ran: list[str], remembers: bool | None, answered: bool
) -> None:
    if answered:
        needs_count_of_answers(opened)
    app = in_teams(opened, ran, remembers=remembers, asks=True)
    for turn in ("one", "two"):
        await calls.invoke(app, {"said": [turn]}, "1")
        asked = snapshots(app)[0]
        if turn == "one" or answered:
            await calls.invoke(app, Command(resume="yes"), "1")
    forked = await fork_at(calls, opened, asked)
    assert [found.value for found in (await calls.state(app, forked)).interrupts] == ["May I?"]
    ran.clear()
    await calls.invoke(app, Command(resume="no"), forked)
    assert ran == ["asks", "after inner", "after outer", "after top"]
    assert notes_of(app, forked) == [
        *("one", "before top", "after top"),
        *("two", "before top", "after top"),
    ]
    assert not (await calls.state(app, forked)).next


def notes_of(app: Any, thread_id: str) -> Any:
    return app.get_state(config_of(thread_id)).values["said"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("unknown", "1"), "there is no thread `unknown`"),
        (("1", "unknown"), "thread `1` has no checkpoint `unknown`; `history` lists them"),
        (("1", ""), "thread `1` has no checkpoint ``"),
    ],
)
async def test_a_place_that_is_not_there_cannot_be_forked(
    calls: Any, opened: Any, place: tuple[str, str], message: str
) -> None:
    await noted(calls, opened, 1)
    with pytest.raises(ConfigurationError, match=message):
        await calls.fork(opened, *place, "new")
    assert [info.thread_id for info in await calls.threads(opened)] == ["1"]


async def test_a_fork_onto_a_thread_that_is_there_is_refused_and_changes_nothing(
    calls: Any, opened: Any
) -> None:
    app = await noted(calls, opened, 2)
    await noted(calls, opened, 1, "2")
    with pytest.raises(ConfigurationError, match="thread `2` is there already"):
        await fork_at(calls, opened, snapshots(app)[0], "2")
    assert notes(app, "2") == numbered(1)


async def test_a_fork_without_a_name_is_refused(calls: Any, opened: Any) -> None:
    app = await noted(calls, opened, 1)
    with pytest.raises(ConfigurationError, match="`new_thread_id` is empty"):
        await fork_at(calls, opened, snapshots(app)[0], " ")


@pytest.fixture
def pruned(tmp_path: Any) -> Iterator[Any]:
    with open_checkpointer(tmp_path / "runs.db") as saver:
        for turn in range(12):
            noting(saver).invoke({"turn": turn}, config_of("1"))
        saver.prune(["1"])
        yield saver


def test_a_pruned_thread_can_be_forked(pruned: Any) -> None:
    app = noting(pruned)
    [newest] = snapshots(app)
    assert notes(app, fork(pruned, "1", id_of(newest))) == numbered(12)
    assert len(threads(pruned)) == 2
