"""Upkeep of threads in PostgreSQL: what is pruned, copied or deleted, and what must stay."""

import operator
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import pytest
from langgraph.channels import DeltaChannel
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.checkpoints.postgres import OrchestraPostgresSaver
from langgraph_orchestra.state import ConfigurationError
from support.postgres_server import PostgresServer


def extend(items: list[str], batches: Sequence[list[str]]) -> list[str]:
    return [*items, *(item for batch in batches for item in batch)]


class State(TypedDict, total=False):
    """A list in full, and lists as differences that are stored in full at different times."""

    full: Annotated[list[str], operator.add]
    log: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=4)]
    rare: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=7)]
    wanted: int


class Plain(TypedDict, total=False):
    """A list in full."""

    full: Annotated[list[str], operator.add]
    wanted: int


def grow(state: Any) -> dict[str, Any]:
    name = f"item {len(state['full'])}"
    rare = [name] if len(state["full"]) % 3 == 0 else []
    return {"full": [name], "log": [name], "rare": rare}


def growing(saver: Any, schema: Any = State) -> Any:
    graph = StateGraph(schema)
    graph.add_node("grow", grow)
    graph.add_edge(START, "grow")
    graph.add_conditional_edges(
        "grow", lambda s: END if len(s["full"]) >= s["wanted"] else "grow", ["grow", END]
    )
    return graph.compile(checkpointer=saver)


def config_of(thread: str, **place: Any) -> Any:
    return {"configurable": {"thread_id": thread, **place}}


CONFIG = config_of("1")


@pytest.fixture
def saver(postgres: PostgresServer) -> Iterator[OrchestraPostgresSaver]:
    with open_checkpointer(postgres.new_store()) as opened:
        assert isinstance(opened, OrchestraPostgresSaver)
        yield opened


def unused(saver: OrchestraPostgresSaver) -> dict[str, int]:
    """How many rows belong to no checkpoint."""
    queries = {
        "blobs": """
            SELECT count(*) AS n FROM checkpoint_blobs b WHERE NOT EXISTS (
                SELECT 1 FROM checkpoints c
                WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns
                AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)""",
        "writes": """
            SELECT count(*) AS n FROM checkpoint_writes w WHERE NOT EXISTS (
                SELECT 1 FROM checkpoints c
                WHERE c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns
                AND c.checkpoint_id = w.checkpoint_id)""",
    }
    with saver.pool.connection() as connection:
        found = {name: connection.execute(q.encode()).fetchone() for name, q in queries.items()}
    return {name: row["n"] for name, row in found.items() if row and row["n"]}


def states(app: Any, config: Any = CONFIG) -> list[Any]:
    return [item.values for item in app.get_state_history(config)]


@pytest.mark.parametrize("durability", ["sync", "exit"])
@pytest.mark.parametrize("length", [1, 3, 4, 5, 8, 13, 22])
def test_differences_are_whole_after_pruning_wherever_they_were_last_stored(
    saver: OrchestraPostgresSaver, length: int, durability: str
) -> None:
    app = growing(saver)
    for wanted in range(1, length + 1, 3):
        app.invoke({"wanted": wanted}, CONFIG, durability=durability)
    before = app.get_state(CONFIG)

    saver.prune(["1"])

    assert app.get_state(CONFIG).values == before.values
    assert app.get_state(CONFIG).config == before.config
    assert len(states(app)) <= 25
    assert unused(saver) == {}
    result = app.invoke({"wanted": length + 9}, CONFIG, durability=durability)
    items = [f"item {number}" for number in range(length + 9)]
    assert result == {"full": items, "log": items, "rare": items[::3], "wanted": length + 9}


def test_of_a_long_conversation_every_item_is_kept_and_most_checkpoints_are_not(
    saver: OrchestraPostgresSaver,
) -> None:
    app = growing(saver)
    app.invoke({"wanted": 300}, CONFIG)

    saver.prune(["1"])

    assert app.get_state(CONFIG).values["log"] == [f"item {number}" for number in range(300)]
    assert len(states(app)) <= 22
    assert unused(saver) == {}


def test_a_thread_without_differences_keeps_its_newest_checkpoint_alone(
    saver: OrchestraPostgresSaver,
) -> None:
    app = growing(saver, Plain)
    for thread in "12":
        app.invoke({"wanted": 9}, config_of(thread))
    before = states(app)

    saver.prune(["1", "unknown"])

    assert states(app) == before[:1]
    assert app.get_state(CONFIG).parent_config is None
    assert states(app, config_of("2")) == before
    assert unused(saver) == {}


@pytest.mark.parametrize("schema", [State, Plain])
def test_the_newest_few_are_kept_as_they_were(saver: OrchestraPostgresSaver, schema: Any) -> None:
    app = growing(saver, schema)
    app.invoke({"wanted": 20}, CONFIG)
    before = states(app)

    saver.prune(["1"], strategy="keep_last", keep=5)

    after = states(app)
    assert after[:5] == before[:5]
    assert len(after) < len(before)
    assert unused(saver) == {}


async def test_what_is_younger_is_kept_and_the_newest_in_any_case(
    saver: OrchestraPostgresSaver,
) -> None:
    app = growing(saver, Plain)
    app.invoke({"wanted": 9}, CONFIG)
    before = states(app)

    await saver.aprune(["1"], strategy="younger_than", age=timedelta(hours=1))
    assert states(app) == before
    await saver.aprune(["1"], strategy="younger_than", age=timedelta(0))
    assert states(app) == before[:1]
    await saver.aprune(["1"], strategy="delete")
    assert states(app) == []
    assert unused(saver) == {}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"strategy": "some"}, ConfigurationError, "`keep_latest`, `keep_last`, `younger_than`"),
        ({"strategy": "keep_last", "keep": 0}, ConfigurationError, "at least 1, not 0"),
        ({"strategy": "keep_last", "keep": True}, TypeError, "`keep` is an int"),
        ({"strategy": "younger_than"}, ConfigurationError, "needs an `age`"),
        ({"strategy": "younger_than", "age": 60}, TypeError, "`age` is a `timedelta`"),
        (
            {"strategy": "younger_than", "age": timedelta(-1)},
            ConfigurationError,
            "is not negative",
        ),
    ],
)
def test_wrong_options_are_refused_before_anything_is_deleted(
    saver: OrchestraPostgresSaver, options: Any, error: type[Exception], message: str
) -> None:
    app = growing(saver, Plain)
    app.invoke({"wanted": 3}, CONFIG)
    before = states(app)
    with pytest.raises(error, match=message):
        saver.prune(["1"], **options)
    assert states(app) == before


def test_one_id_instead_of_several_is_a_type_error(saver: OrchestraPostgresSaver) -> None:
    with pytest.raises(TypeError, match=r"`thread_ids` is a sequence of ids: `\['1'\]`"):
        saver.prune("1")
    with pytest.raises(TypeError, match="`run_ids`"):
        saver.delete_for_runs("1")


def asking(name: str) -> Any:
    def ask(_: State) -> State:
        answer = f"{name}: {interrupt(name)}"
        return {"full": [answer], "log": [answer]}

    return ask


def noting(name: str) -> Any:
    return lambda _: {"full": [name], "log": [name]}


def asking_twice(saver: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("first", noting("first"))
    graph.add_edge(START, "first")
    for name in "ab":
        graph.add_node(name, asking(name))
        graph.add_edge("first", name)
    return graph.compile(checkpointer=saver)


def test_open_questions_and_given_answers_outlive_pruning(saver: OrchestraPostgresSaver) -> None:
    app = asking_twice(saver)
    app.invoke({"full": []}, CONFIG)
    asked = {item.value: item.id for item in app.get_state(CONFIG).interrupts}
    app.invoke(Command(resume={asked["b"]: "yes"}), CONFIG)

    saver.prune(["1"])

    (left,) = app.get_state(CONFIG).interrupts
    result = app.invoke(Command(resume={left.id: "no"}), CONFIG)
    assert result["full"] == result["log"] == ["first", "a: no", "b: yes"]


def nested(saver: Any, *, checkpointer: bool | None) -> Any:
    inner = StateGraph(State)
    for name, action in (("one", noting("one")), ("ask", asking("ask")), ("two", noting("two"))):
        inner.add_node(name, action)
    inner.add_edge(START, "one")
    inner.add_edge("one", "ask")
    inner.add_edge("ask", "two")
    outer = StateGraph(State)
    outer.add_node("before", noting("before"))
    outer.add_node("team", inner.compile(checkpointer=checkpointer))
    outer.add_node("after", noting("after"))
    outer.add_edge(START, "before")
    outer.add_edge("before", "team")
    outer.add_edge("team", "after")
    return outer.compile(checkpointer=saver)


def namespaces(saver: OrchestraPostgresSaver, thread: str = "1") -> set[str]:
    return {item.config["configurable"]["checkpoint_ns"] for item in saver.list(config_of(thread))}


@pytest.mark.parametrize("checkpointer", [None, True])
def test_a_nested_graph_that_waits_goes_on_as_if_nothing_had_been_pruned(
    saver: OrchestraPostgresSaver, checkpointer: bool | None
) -> None:
    results = []
    for prunes in (False, True):
        app = nested(saver, checkpointer=checkpointer)
        config = config_of(f"pruned: {prunes}")
        for turn in ("x", "y", "z"):
            app.invoke({"full": [turn], "log": [turn]}, config)
            if prunes:
                saver.prune([f"pruned: {prunes}"])
            results.append(app.invoke(Command(resume=turn), config))
            if prunes:
                saver.prune([f"pruned: {prunes}"])
    assert results[:3] == results[3:]
    assert unused(saver) == {}


def test_calls_of_nested_graphs_go_with_the_checkpoint_that_made_them(
    saver: OrchestraPostgresSaver,
) -> None:
    app = nested(saver, checkpointer=None)
    for turn in ("x", "y"):
        app.invoke({"full": [turn]}, CONFIG)
        app.invoke(Command(resume=turn), CONFIG)
    assert len(namespaces(saver)) == 3

    saver.prune(["1"])

    assert namespaces(saver) == {""}


def test_pruning_keeps_the_newest_branch_of_a_forked_thread(saver: OrchestraPostgresSaver) -> None:
    app = growing(saver)
    app.invoke({"wanted": 9}, CONFIG)
    older = next(item for item in app.get_state_history(CONFIG) if len(item.values["full"]) == 5)
    fork = app.update_state(older.config, {"full": ["fork"], "log": ["fork"]})
    result = app.invoke(None, fork)

    saver.prune(["1"])

    assert app.get_state(CONFIG).values == result
    assert result["log"][4:6] == ["item 4", "fork"]


def test_a_run_goes_on_while_its_thread_is_pruned_again_and_again(
    saver: OrchestraPostgresSaver,
) -> None:
    app, done = growing(saver), Event()

    def prune() -> int:
        times = 0
        while not done.is_set():
            saver.prune(["1"])
            times += 1
        return times

    with ThreadPoolExecutor(3) as pool:
        pruning = [pool.submit(prune) for _ in range(3)]
        try:
            result = app.invoke({"wanted": 120}, CONFIG)
        finally:
            done.set()
        assert all(times.result() > 0 for times in pruning)
    items = [f"item {number}" for number in range(120)]
    assert result["log"] == app.get_state(CONFIG).values["log"] == items


async def test_a_copy_is_a_thread_of_its_own(saver: OrchestraPostgresSaver) -> None:
    app = asking_twice(saver)
    app.invoke({"full": []}, CONFIG)
    before = states(app)

    await saver.acopy_thread("1", "2")
    saver.copy_thread("unknown", "3")

    assert states(app, config_of("2")) == before
    assert states(app, config_of("3")) == []
    asked = {item.id: item.value for item in app.get_state(config_of("2")).interrupts}
    result = app.invoke(Command(resume=asked), config_of("2"))
    assert result["log"] == ["first", "a: a", "b: b"]
    assert states(app) == before
    assert len(app.get_state(CONFIG).interrupts) == 2


def test_a_copy_onto_a_thread_that_is_there_is_refused(saver: OrchestraPostgresSaver) -> None:
    app = growing(saver)
    for thread, wanted in (("1", 2), ("2", 3)):
        app.invoke({"wanted": wanted}, config_of(thread))
    for target in "12":
        with pytest.raises(ValueError, match=f"thread `{target}` is there already"):
            saver.copy_thread("1", target)
    assert app.get_state(config_of("2")).values["wanted"] == 3


def test_of_copies_to_one_name_at_the_same_time_one_is_made(saver: OrchestraPostgresSaver) -> None:
    app = growing(saver)
    for number in range(1, 7):
        app.invoke({"wanted": number}, config_of(f"source {number}"))

    def copy(number: int) -> int:
        try:
            saver.copy_thread(f"source {number}", "target")
        except ValueError:
            return 0
        return number

    with ThreadPoolExecutor(6) as pool:
        made = sum(pool.map(copy, range(1, 7)))
    assert app.get_state(config_of("target")).values["wanted"] == made
    assert len(states(app, config_of("target"))) == made + 2


def run(app: Any, wanted: int, thread: str = "1") -> str:
    """Run it under a run id that is known."""
    run_id = uuid4()
    app.invoke({"wanted": wanted}, {**config_of(thread), "metadata": {"run_id": str(run_id)}})
    return str(run_id)


@pytest.mark.parametrize("schema", [State, Plain])
async def test_a_thread_stands_as_before_when_its_last_run_is_deleted(
    saver: OrchestraPostgresSaver, schema: Any
) -> None:
    app = growing(saver, schema)
    run(app, 5)
    before = states(app)
    last = run(app, 11)

    await saver.adelete_for_runs([last])

    assert states(app) == before
    assert unused(saver) == {}


def test_a_run_in_the_middle_is_deleted_but_for_what_later_ones_are_made_from(
    saver: OrchestraPostgresSaver,
) -> None:
    for thread, schema in (("1", State), ("2", Plain)):
        app = growing(saver, schema)
        first, middle = run(app, 5, thread), run(app, 6, thread)
        run(app, 8, thread)
        run(app, 8, "other")
        before = states(app, config_of(thread))
        saver.delete_for_runs([middle, first, "unknown"])

        after = states(app, config_of(thread))
        assert after[:3] == before[:3]
        assert len(after) < len(before)
        assert len(states(app, config_of("other"))) > 0
        assert unused(saver) == {}
