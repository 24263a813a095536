"""Pruning drops checkpoints, and nothing of what the kept ones are worth."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Overwrite, Send, interrupt

from langgraph_orchestra.checkpoints import OrchestraSqliteSaver, history, open_checkpointer
from langgraph_orchestra.state import CheckpointError, ConfigurationError, OrchestrationState

from .conftest import config_of, extend
from .noting import noted, noting, numbered


@pytest.fixture
def saver(file_saver: Any) -> Any:
    return file_saver


def places(saver: Any, thread_id: str = "1") -> list[tuple[str, str]]:
    """Namespaces and ids of all checkpoints."""
    found = saver.list({"configurable": {"thread_id": thread_id}})
    return [(item.config["configurable"]["checkpoint_ns"], item.checkpoint["id"]) for item in found]


def roots(saver: Any, thread_id: str = "1") -> list[str]:
    return [id_ for ns, id_ in places(saver, thread_id) if not ns]


@pytest.mark.parametrize("turns", [1, 2, 6, 7, 8, 40])
async def test_the_newest_state_is_the_same_after_pruning(
    calls: Any, saver: Any, turns: int
) -> None:
    app = await noted(calls, saver, turns)
    before = await calls.state(app, "1")
    await calls.of(saver, "prune", ["1"])
    after = await calls.state(app, "1")
    assert after.values == before.values
    assert (after.config, after.next, after.metadata) == (
        before.config,
        before.next,
        before.metadata,
    )
    assert len(roots(saver)) == 1


async def test_pruning_again_and_again_as_the_thread_goes_on_loses_nothing(
    calls: Any, saver: Any
) -> None:
    app = noting(saver)
    for turn in range(30):
        await calls.invoke(app, {"turn": turn}, "1")
        await calls.of(saver, "prune", ["1"])
    values = (await calls.state(app, "1")).values
    assert values["often"] == values["plain"] == numbered(30)
    assert values["seldom"] == ["turn 0", "turn 4"]


async def test_pruning_a_pruned_thread_changes_nothing(calls: Any, saver: Any) -> None:
    await noted(calls, saver, 5)
    await calls.of(saver, "prune", ["1"])
    first = [*saver.list(config_of("1"))]
    await calls.of(saver, "prune", ["1"])
    await calls.of(saver, "prune", ["1"], strategy="keep_last", keep=5)
    assert [*saver.list(config_of("1"))] == first


async def test_each_kept_step_has_its_own_whole_state(calls: Any, saver: Any) -> None:
    app = await noted(calls, saver, 12)
    before = [snapshot.values for snapshot in app.get_state_history(config_of("1"))]
    await calls.of(saver, "prune", ["1"], strategy="keep_last", keep=9)
    after = [snapshot.values for snapshot in app.get_state_history(config_of("1"))]
    assert after == before[:9]


async def test_the_oldest_kept_checkpoint_has_no_parent_if_nothing_is_needed_of_it(
    calls: Any, saver: Any
) -> None:
    class Plain(TypedDict):
        turn: int

    graph = StateGraph(Plain)
    graph.add_node("wait", lambda _: {})
    graph.add_edge(START, "wait")
    app = graph.compile(checkpointer=saver)
    for turn in range(4):
        await calls.invoke(app, {"turn": turn}, "1")
    await calls.of(saver, "prune", ["1"], strategy="keep_last", keep=3)
    kept = list(saver.list(config_of("1")))
    assert [item.parent_config is None for item in kept] == [False, False, True]
    assert kept[0].parent_config == kept[1].config


async def test_links_lead_from_every_kept_checkpoint_to_one_that_is_there(
    calls: Any, saver: Any
) -> None:
    await noted(calls, saver, 12)
    await calls.of(saver, "prune", ["1"], strategy="keep_last", keep=4)
    *newer, oldest = saver.list(config_of("1"))
    assert [item.parent_config for item in newer] == [item.config for item in [*newer[1:], oldest]]
    assert saver.get_tuple(oldest.parent_config).parent_config is None


async def test_what_an_overwrite_threw_away_does_not_come_back(calls: Any, saver: Any) -> None:
    app = await noted(calls, saver, 3)
    app.update_state(config_of("1"), {"often": Overwrite(["new"])}, as_node="note")
    await calls.invoke(app, {"turn": 9}, "1")
    await calls.of(saver, "prune", ["1"])
    assert (await calls.state(app, "1")).values["often"] == ["new", "turn 9"]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_every_durability_can_be_pruned(saver: Any, durability: str) -> None:
    app = noting(saver)
    for turn in range(6):
        app.invoke({"turn": turn}, config_of("1"), durability=durability)
    before = app.get_state(config_of("1")).values
    saver.prune(["1"])
    assert app.get_state(config_of("1")).values == before
    assert before["often"] == numbered(6)


async def test_1000_turns_of_messages_are_all_there_after_pruning(tmp_path: Path) -> None:
    def speak(state: OrchestrationState) -> dict[str, Any]:
        number = len(state["messages"])
        return {"messages": [AIMessage(f"message {number}", id=str(number))]}

    graph = StateGraph(OrchestrationState)
    graph.add_node("speak", speak)
    graph.add_edge(START, "speak")
    graph.add_conditional_edges(
        "speak", lambda state: END if len(state["messages"]) >= 1001 else "speak"
    )
    config: Any = {**config_of("1"), "recursion_limit": 2000}
    with open_checkpointer(tmp_path / "runs.db", synchronous="NORMAL") as saver:
        assert isinstance(saver, OrchestraSqliteSaver)
        app: Any = graph.compile(checkpointer=saver)
        app.invoke({"messages": [("user", "go")]}, config)
        before = app.get_state(config).values
        saver.prune(["1"])
        assert app.get_state(config).values == before
        assert len(before["messages"]) == 1001
        assert len(roots(saver)) == 1
        app.invoke({"messages": [("user", "again")]}, config)
        assert len(app.get_state(config).values["messages"]) == 1003


async def test_the_official_saver_reads_a_pruned_file(calls: Any, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with calls.opened(str(path)) as saver:
        app = await noted(calls, saver, 12)
        before = (await calls.state(app, "1")).values
        await calls.of(saver, "prune", ["1"])
    with SqliteSaver.from_conn_string(str(path)) as official:
        app = noting(official)
        assert app.get_state(config_of("1")).values == before
        app.invoke({"turn": 12}, config_of("1"))
        assert app.get_state(config_of("1")).values["often"] == [*before["often"], "turn 12"]


async def test_encrypted_threads_are_pruned_like_others(calls: Any, tmp_path: Path) -> None:
    async with calls.opened(str(tmp_path / "runs.db"), key=b"k" * 32) as saver:
        app = await noted(calls, saver, 12)
        before = (await calls.state(app, "1")).values
        await calls.of(saver, "prune", ["1"])
        assert (await calls.state(app, "1")).values == before
    assert b"turn 3" not in kept_file(str(tmp_path / "runs.db"))


class Asking(TypedDict, total=False):
    """State of a graph that asks people."""

    said: Annotated[list[str], DeltaChannel(extend)]
    number: int


def ask(state: Asking) -> Asking:
    return {"said": [f"{state.get('number', 0)}: {interrupt('May I?')}"]}


def say(_: Asking) -> Asking:
    return {"said": ["done"]}


def asks_in_a_nested_graph(saver: Any, *, persistence: bool | None) -> Any:
    inner: Any = StateGraph(Asking, output_schema=Asking)
    inner.add_node("say", lambda _: {"said": ["inner"]})
    inner.add_node("ask", ask)
    inner.add_edge(START, "say")
    inner.add_edge("say", "ask")
    outer: Any = StateGraph(Asking)
    nested = inner.compile(checkpointer=persistence)
    outer.add_node("team", lambda state: {"said": nested.invoke({"number": 5})["said"][-2:]})
    outer.add_node("say", say)
    outer.add_edge(START, "team")
    outer.add_edge("team", "say")
    return outer.compile(checkpointer=saver)


@pytest.mark.parametrize("strategy", ["keep_latest", "keep_last"])
async def test_several_open_questions_can_be_answered_after_pruning(
    calls: Any, saver: Any, strategy: str
) -> None:
    ran: list[str] = []

    def finish(_: Asking) -> Asking:
        ran.append("finish")
        return {"said": ["finished"]}

    graph: Any = StateGraph(Asking)
    graph.add_node("ask", ask)
    graph.add_node("finish", finish)
    graph.add_node("end", say, defer=True)
    graph.add_conditional_edges(
        START,
        lambda _: [Send("ask", {"number": 1}), Send("ask", {"number": 2}), Send("finish", {})],
        ["ask", "finish"],
    )
    graph.add_edge("ask", "end")
    graph.add_edge("finish", "end")
    app = graph.compile(checkpointer=saver)
    await calls.invoke(app, {"said": ["hello"]}, "1")
    one, two = sorted((await calls.state(app, "1")).interrupts, key=lambda item: item.id)
    await calls.of(saver, "prune", ["1"], strategy=strategy)
    await calls.invoke(app, Command(resume={one.id: "yes"}), "1")
    await calls.of(saver, "prune", ["1"], strategy=strategy)
    result = await calls.invoke(app, Command(resume={two.id: "yes"}), "1")
    assert result["said"] == ["hello", "1: yes", "2: yes", "finished", "done"]
    assert ran == ["finish"]


@pytest.mark.parametrize("strategy", ["keep_latest", "keep_last", "younger_than"])
@pytest.mark.parametrize("persistence", [None, True])
async def test_a_question_of_a_nested_graph_can_be_answered_after_pruning(
    saver: Any, strategy: str, persistence: bool | None
) -> None:
    app = asks_in_a_nested_graph(saver, persistence=persistence)
    options = {"age": timedelta()} if strategy == "younger_than" else {}
    for turn in range(3):
        app.invoke({"said": [f"hello {turn}"]}, config_of("1"))
        saver.prune(["1"], strategy=strategy, **options)
        assert len(app.get_state(config_of("1")).interrupts) == 1
        result = app.invoke(Command(resume=f"yes {turn}"), config_of("1"))
    expected = []
    for turn in range(3):
        expected += [f"hello {turn}", "inner", f"5: yes {turn}", "done"]
    assert result["said"] == expected


async def test_keep_last_drops_nested_checkpoints_of_steps_that_go(saver: Any) -> None:
    app = asks_in_a_nested_graph(saver, persistence=None)
    for turn in range(3):
        app.invoke({"said": [f"hello {turn}"]}, config_of("1"))
        app.invoke(Command(resume="yes"), config_of("1"))
    assert {ns for ns, _ in places(saver)} > {""}
    saver.prune(["1"], strategy="keep_last")
    assert {ns for ns, _ in places(saver)} == {""}


async def test_keep_last_keeps_what_a_nested_graph_remembers(saver: Any) -> None:
    app = asks_in_a_nested_graph(saver, persistence=True)
    app.invoke({"said": ["hello"]}, config_of("1"))
    app.invoke(Command(resume="yes"), config_of("1"))
    saver.prune(["1"], strategy="keep_last")
    nested = {"configurable": {"thread_id": "1", "checkpoint_ns": "team"}}
    found = saver.get_delta_channel_history(config=nested, channels=["said"])["said"]
    assert [value for _, _, value in found["writes"]] == [["inner"], ["5: yes"]]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_keep_last_keeps_what_a_nested_graph_learned_in_a_step_that_was_not_saved(
    saver: Any, durability: str
) -> None:
    inner: Any = StateGraph(Asking)
    inner.add_node("say", say)
    inner.add_edge(START, "say")
    outer: Any = StateGraph(Asking)
    outer.add_node("team", inner.compile(checkpointer=True))
    outer.add_edge(START, "team")
    app = outer.compile(checkpointer=saver)
    nested: Any = {"configurable": {"thread_id": "1", "checkpoint_ns": "team"}}
    for number in range(2):
        app.invoke({"number": number}, config_of("1"), durability=durability)
    learned = app.get_state(nested).values
    saver.prune(["1"], strategy="keep_last", keep=2)
    assert app.get_state(nested).values == learned
    assert learned["number"] == 1


async def test_keep_last_keeps_what_was_called_from_a_step_that_is_yet_to_be_saved(
    calls: Any, saver: Any
) -> None:
    await noted(calls, saver, 2)
    called_from = str(uuid6())
    checkpoint = {**empty_checkpoint(), "id": str(uuid6())}
    place = {"configurable": {"thread_id": "1", "checkpoint_ns": "team:task"}}
    metadata = {"source": "loop", "step": 0, "parents": {"": called_from}}
    await calls.of(saver, "put", place, checkpoint, metadata, {})
    await calls.of(saver, "prune", ["1"], strategy="keep_last")
    assert [id_ for ns, id_ in places(saver) if ns] == [checkpoint["id"]]


async def test_younger_than_keeps_what_is_young(calls: Any, saver: Any) -> None:
    await noted(calls, saver, 3)
    before = roots(saver)
    await calls.of(saver, "prune", ["1"], strategy="younger_than", age=timedelta(hours=1))
    assert roots(saver) == before


async def test_younger_than_keeps_the_newest_of_an_old_thread(calls: Any, saver: Any) -> None:
    app = await noted(calls, saver, 3)
    before = (await calls.state(app, "1")).values
    await calls.of(saver, "prune", ["1"], strategy="younger_than", age=timedelta())
    assert len(roots(saver)) == 1
    assert (await calls.state(app, "1")).values == before


async def test_delete_leaves_nothing_of_the_thread_and_all_of_the_others(
    calls: Any, saver: Any
) -> None:
    await noted(calls, saver, 3)
    await noted(calls, saver, 3, "2")
    others = places(saver, "2")
    await calls.of(saver, "prune", ["1", "unknown"], strategy="delete")
    assert history(saver, "1") == []
    assert places(saver, "2") == others


@dataclass(frozen=True)
class Note:
    """A type that a saver has to be told about."""

    text: str


def kept_file(url: str) -> bytes:
    return Path(url).read_bytes()


class Noted(TypedDict):
    """State with values of a type of one's own."""

    notes: Annotated[list[Note], DeltaChannel(extend, snapshot_frequency=3)]


async def test_a_value_of_unknown_type_stops_the_pruning_before_anything_is_gone(
    calls: Any, tmp_path: Path
) -> None:
    url = str(tmp_path / "runs.db")
    graph = StateGraph(Noted)
    graph.add_node("note", lambda _: {"notes": [Note("hello")]})
    graph.add_edge(START, "note")
    async with calls.opened(url, types=(Note,)) as saver:
        for _ in range(2):
            await calls.invoke(graph.compile(checkpointer=saver), {"notes": []}, "1")
    before = kept_file(url)
    async with calls.opened(url) as saver:
        with pytest.raises(CheckpointError, match=r"Note.*types="):
            await calls.of(saver, "prune", ["1"])
    assert kept_file(url) == before


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"strategy": "keep"}, ConfigurationError, "valid are `keep_latest`, `keep_last`"),
        ({"strategy": "keep_last", "keep": 0}, ConfigurationError, "`keep` is at least 1, not 0"),
        ({"strategy": "keep_last", "keep": True}, TypeError, "`keep` is an int, not `True`"),
        ({"strategy": "keep_latest", "keep": 2}, ConfigurationError, "`strategy='keep_last'`"),
        ({"strategy": "younger_than"}, ConfigurationError, "needs an `age`"),
        ({"strategy": "younger_than", "age": 30}, TypeError, "`age` is a `timedelta`, not `30`"),
        (
            {"strategy": "younger_than", "age": -timedelta(1)},
            ConfigurationError,
            "`age` is not negative",
        ),
        ({"age": timedelta(1)}, ConfigurationError, "`age` goes with `strategy='younger_than'`"),
    ],
)
async def test_arguments_that_cannot_be_meant_are_refused_before_anything_is_gone(
    calls: Any,
    saver: Any,
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    await noted(calls, saver, 2)
    before = places(saver)
    with pytest.raises(error, match=message):
        await calls.of(saver, "prune", ["1"], **arguments)
    assert places(saver) == before


async def test_one_id_in_place_of_several_is_refused(calls: Any, saver: Any) -> None:
    with pytest.raises(TypeError, match=r"`thread_ids` is a sequence of ids: `\['123'\]`"):
        await calls.of(saver, "prune", "123")
