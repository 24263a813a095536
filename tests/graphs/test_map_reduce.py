"""One worker for each item of a task: order, failures, limits, and what the worker sees."""

import asyncio
import operator
import threading
import time
from collections import Counter
from typing import Annotated

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.types import Command, RetryPolicy
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits, Member, Policy, first, majority
from langgraph_orchestra.state import (
    ConfigurationError,
    InputError,
    MapReduceState,
    NotEnoughResultsError,
)
from support.ids import shown

AT_ONCE = RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=3)
"""Tries again without a pause."""


def words(view):
    return view.task.split()


def shout(view):
    return view.task.upper()


def worker(function, **policy):
    return Member(function, name="worker", policy=Policy(**{"retry": None, **policy}))


def spoken(result):
    """Who said what, without the task."""
    return [(m.name, m.text) for m in result["messages"] if isinstance(m, AIMessage)]


def config_of(thread):
    return {"configurable": {"thread_id": thread}}


def test_each_item_has_a_worker_and_the_results_are_reduced(run, saver):
    app = create_map_reduce(words, worker(shout)).compile(checkpointer=saver)

    result = run(app, "one two", thread="1")

    assert [(r.name, r.index, r.output, r.ok) for r in result["results"]] == [
        ("worker[0]", 0, "ONE", True),
        ("worker[1]", 1, "TWO", True),
    ]
    assert result["output"] == "## worker[0]\n\nONE\n\n## worker[1]\n\nTWO"
    assert result["stop"].reason == "completed"
    assert spoken(result) == [
        ("worker", "ONE"),
        ("worker", "TWO"),
        ("aggregate", result["output"]),
    ]


def test_the_trail_names_each_item_and_counts_its_step(run, saver):
    model = ScriptedModel(lambda messages: "done")
    graph = create_map_reduce(words, Agent("worker", "Work.", model=model))

    result = run(graph.compile(checkpointer=saver), "one two three", thread="1")

    told = [(t.agent, t.path, t.step, t.kind, t.input_tokens) for t in result["trail"]]
    assert told == [
        ("worker", "worker[0]", 1, "agent", 10),
        ("worker", "worker[1]", 2, "agent", 10),
        ("worker", "worker[2]", 3, "agent", 10),
        ("aggregate", "aggregate", 4, "aggregate", 0),
    ]


def test_no_items_reduce_nothing_and_complete(run, saver):
    seen = []

    def reduce(view):
        seen.append((list(view.results), list(view.state["results"])))
        return "nothing to do"

    app = create_map_reduce(lambda view: [], worker(shout), reduce).compile(checkpointer=saver)

    result = run(app, thread="1")

    assert seen == [([], [])]
    assert (result["results"], result["output"]) == ([], "nothing to do")
    assert result["stop"].reason == "completed"
    assert [t.agent for t in result["trail"]] == ["aggregate"]


def test_no_items_have_an_empty_output_by_default(run):
    assert run(create_map_reduce(lambda view: [], worker(shout)).compile())["output"] == ""


def test_no_items_are_too_few_where_a_result_is_demanded(run):
    app = create_map_reduce(lambda view: [], worker(shout), min_results=1).compile()

    with pytest.raises(NotEnoughResultsError, match="0 of 0"):
        run(app)


def test_a_thousand_items_keep_their_order(run):
    app = create_map_reduce(lambda view: list(range(1000)), worker(shout)).compile()

    began = time.perf_counter()
    result = run(app)

    assert [(r.index, r.output) for r in result["results"]] == [(n, str(n)) for n in range(1000)]
    assert [text for name, text in spoken(result) if name == "worker"] == [
        str(n) for n in range(1000)
    ]
    assert [t.path for t in result["trail"][:-1]] == [f"worker[{n}]" for n in range(1000)]
    assert time.perf_counter() - began < 20


def test_a_thousand_saved_items_keep_their_order(saver):
    app = create_map_reduce(lambda view: list(range(1000)), worker(shout)).compile(
        checkpointer=saver
    )

    app.invoke({"messages": "go"}, config_of("1"))

    results = app.get_state(config_of("1")).values["results"]
    assert [(r.index, r.output) for r in results] == [(n, str(n)) for n in range(1000)]


def test_results_are_in_the_order_of_the_items_whatever_ends_first(run, saver):
    ended = [threading.Event() for _ in range(12)]

    def backwards(view):
        index = view.state["index"]
        if index + 1 < len(ended):
            assert ended[index + 1].wait(10)
        ended[index].set()
        return f"answer {index}"

    app = create_map_reduce(lambda view: list(range(12)), worker(backwards)).compile(
        checkpointer=saver
    )

    result = run(app, thread="1")

    assert [r.output for r in result["results"]] == [f"answer {n}" for n in range(12)]
    assert [t.step for t in result["trail"]] == list(range(1, 14))


def test_a_hundred_items_are_worked_on_at_once(run):
    everybody = threading.Barrier(100)

    def meet(view):
        everybody.wait(10)
        return "met"

    result = run(create_map_reduce(lambda view: list(range(100)), worker(meet)).compile())

    assert {r.output for r in result["results"]} == {"met"}


def test_max_concurrency_of_the_caller_is_respected(run):
    lock, now, peak = threading.Lock(), [0], [0]

    def work(view):
        with lock:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
        time.sleep(0.005)
        with lock:
            now[0] -= 1
        return "ok"

    app = create_map_reduce(lambda view: list(range(40)), worker(work)).compile()

    result = run(app, config={"max_concurrency": 4})

    assert len(result["results"]) == 40
    assert 1 <= peak[0] <= 4


@pytest.mark.parametrize(
    ("item", "task"),
    [
        ("plain text", "plain text"),
        ({"row": 3, "name": "Ödön"}, '{"row":3,"name":"Ödön"}'),
        (["a", 1], '["a",1]'),
        (7, "7"),
        (None, "null"),
        (True, "true"),
    ],
    ids=str,
)
def test_a_worker_sees_its_item_as_text_or_json_and_as_it_is(run, saver, item, task):
    seen = []

    def look(view):
        seen.append((view.task, view.state["item"], view.state["index"]))
        return "ok"

    app = create_map_reduce(lambda view: ["other", item], worker(look)).compile(checkpointer=saver)

    run(app, thread="1")

    assert sorted(seen, key=lambda s: s[2])[1] == (task, item, 1)


def test_an_agent_reads_its_item_only(run, saver):
    model = ScriptedModel(lambda messages: f"did {messages[-1].text}")
    graph = create_map_reduce(
        lambda view: [{"row": 1}, {"row": 2}], Agent("worker", "Work.", model=model)
    )
    app = graph.compile(checkpointer=saver)

    run(app, "first", thread="1")
    result = run(app, "second", thread="1")

    read = [[(type(m), m.text) for m in call.messages] for call in model.calls]
    assert len(read) == 4
    for call in read:
        assert call[0] == (SystemMessage, "Work.")
        assert call[1:] in ([(HumanMessage, '{"row":1}')], [(HumanMessage, '{"row":2}')])
    assert [r.output for r in result["results"]] == ['did {"row":1}', 'did {"row":2}']


def test_split_sees_the_task_and_may_be_async(run):
    async def split(view):
        await asyncio.sleep(0)
        return view.task.split(",")

    result = run(create_map_reduce(split, worker(shout)).compile(), "a,b")

    assert [r.output for r in result["results"]] == ["A", "B"]


def test_split_may_return_any_sequence(run):
    for items in (("a", "b"), range(2), ["a", "b"]):

        def split(view, items=items):
            return items

        assert len(run(create_map_reduce(split, worker(shout)).compile())["results"]) == 2


@pytest.mark.parametrize("returned", ["text", b"bytes", None, {"a": 1}, {1, 2}, 3, iter([1])])
def test_what_is_no_list_of_items_is_a_clear_error(run, returned):
    with pytest.raises(ConfigurationError, match=r"`split` returned .*it returns a list of items"):
        run(create_map_reduce(lambda view: returned, worker(shout)).compile())


def test_what_split_raises_surfaces_and_the_run_can_be_resumed(run, saver):
    calls = Counter[str]()

    def split(view):
        calls["split"] += 1
        if calls["split"] == 1:
            raise KeyError("rows")
        return ["a"]

    app = create_map_reduce(split, worker(shout)).compile(checkpointer=saver)

    with pytest.raises(KeyError, match="rows"):
        run(app, "the task", thread="1")
    result = run(app, None, thread="1")

    assert result["output"] == "## worker[0]\n\nA"


def test_more_items_than_max_items_are_refused_before_any_work(run):
    model = ScriptedModel(["never asked"])
    graph = create_map_reduce(words, Agent("worker", "Work.", model=model), max_items=2)

    with pytest.raises(InputError, match="3 items, `max_items` is 2"):
        run(graph.compile(), "one two three")
    assert model.calls == []


def test_as_many_items_as_max_items_are_worked_on(run):
    result = run(create_map_reduce(words, worker(shout), max_items=2).compile(), "one two")

    assert len(result["results"]) == 2


def test_a_failed_item_is_reported_with_its_index_and_the_others_are_kept(run, saver):
    def work(view):
        if view.task == "bad":
            raise ValueError("cannot read it")
        return view.task.upper()

    app = create_map_reduce(words, worker(work)).compile(checkpointer=saver)

    result = run(app, "one bad two", thread="1")

    failed = result["results"][1]
    assert (failed.name, failed.index, failed.ok, failed.output) == ("worker[1]", 1, False, None)
    assert failed.failure.model_dump() == {
        "agent": "worker[1]",
        "type": "ValueError",
        "message": "cannot read it",
        "attempts": 1,
        "timed_out": False,
    }
    assert result["output"] == "## worker[0]\n\nONE\n\n## worker[2]\n\nTWO"
    assert [(t.path, t.outcome) for t in result["trail"]] == [
        ("worker[0]", "ok"),
        ("worker[1]", "failed"),
        ("worker[2]", "ok"),
        ("aggregate", "ok"),
    ]


def test_fewer_successes_than_min_results_fail_with_every_index(run):
    error = ValueError("cannot read it")

    def work(view):
        if view.state["index"] > 0:
            raise error
        return "ok"

    app = create_map_reduce(words, worker(work), min_results=2).compile()

    with pytest.raises(NotEnoughResultsError, match=r"`worker\[1\]`.*`worker\[2\]`") as raised:
        run(app, "a b c")
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert raised.value.__cause__.exceptions == (error, error)


def test_an_item_is_tried_again_by_the_workers_policy(run):
    tries = Counter[str]()

    def work(view):
        tries[view.task] += 1
        if view.task == "b" and tries["b"] < 3:
            raise ConnectionError("refused")
        return view.task

    result = run(create_map_reduce(words, worker(work, retry=AT_ONCE)).compile(), "a b c")

    assert tries == {"a": 1, "b": 3, "c": 1}
    assert [t.attempts for t in result["trail"]] == [1, 3, 1, 1]


@pytest.mark.parametrize("attempt", range(3))
def test_raise_fails_with_the_first_failing_item_in_sync_runs(attempt):
    late = threading.Event()

    def work(view):
        index = view.state["index"]
        if index == 1:
            assert late.wait(5)
            raise ValueError("item 1")
        if index == 4:
            late.set()
            raise ValueError("item 4")
        return "ok"

    app = create_map_reduce(words, worker(work), on_failure="raise").compile()

    with pytest.raises(ValueError, match="item 1") as raised:
        app.invoke({"messages": "a b c d e f"})
    assert any("`worker[1]`" in note for note in raised.value.__notes__)


async def test_raise_cancels_the_other_items_in_async_runs():
    cancelled = []
    waiting = asyncio.Event()

    async def work(view):
        if view.task == "bad":
            await waiting.wait()
            raise ValueError("cannot read it")
        waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(view.task)
            raise

    app = create_map_reduce(words, worker(work), on_failure="raise").compile()

    with pytest.raises(ValueError, match="cannot read it"):
        await asyncio.wait_for(app.ainvoke({"messages": "one bad"}), 5)
    assert cancelled == ["one"]


def test_finished_items_are_not_worked_on_again_after_a_failure(run, tmp_path):
    calls = Counter[str]()
    url = f"sqlite:///{tmp_path}/runs.db"

    def build(saver, mended):
        def finished():
            saved = saver.get_tuple(config_of("1"))  # None while the first one is being written
            writes = saved.pending_writes if saved else ()
            return {task for task, channel, _ in writes if channel == "results"}

        def work(view):
            calls[view.task] += 1
            if view.task == "bad" and not mended:
                deadline = time.monotonic() + 10
                while len(finished()) < 2:
                    assert time.monotonic() < deadline
                    time.sleep(0.002)
                raise ValueError("not yet")
            return view.task.upper()

        graph = create_map_reduce(words, worker(work), on_failure="raise")
        return graph.compile(checkpointer=saver)

    with open_checkpointer(url) as saver, pytest.raises(ValueError, match="not yet"):
        run(build(saver, mended=False), "one bad two", thread="1")
    with open_checkpointer(url) as saver:
        result = run(build(saver, mended=True), None, thread="1")

    assert [r.output for r in result["results"]] == ["ONE", "BAD", "TWO"]
    assert calls == {"one": 1, "bad": 2, "two": 1}


def test_second_run_on_a_thread_starts_with_fresh_results(run, saver):
    app = create_map_reduce(words, worker(shout), majority()).compile(checkpointer=saver)

    run(app, "one two three", thread="1")
    result = run(app, "four", thread="1")

    assert [(r.index, r.output) for r in result["results"]] == [(0, "FOUR")]
    assert result["output"] == "FOUR"
    assert result["votes"].counts == {"FOUR": 1}
    assert [(t.path, t.step) for t in result["trail"]][-2:] == [("worker[0]", 1), ("aggregate", 2)]


def test_a_team_may_work_on_each_item(run, saver):
    model = ScriptedModel(lambda messages: f"draft {messages[-1].text}")
    drafter = Agent("drafter", "Draft.", model=model)
    editor = Agent("editor", "Edit.", model=ScriptedModel(lambda m: "final"))
    team = create_sequential([drafter, editor]).compile(name="desk")
    app = create_map_reduce(words, team).compile(checkpointer=saver)

    result = run(app, "one two", thread="1")

    assert sorted(call.messages[-1].text for call in model.calls) == ["one", "two"]
    assert [r.output for r in result["results"]] == ["final", "final"]
    assert [(t.agent, t.path, t.step) for t in result["trail"]] == [
        ("drafter", "desk[0]/drafter", 1),
        ("editor", "desk[0]/editor", 1),
        ("drafter", "desk[1]/drafter", 2),
        ("editor", "desk[1]/editor", 2),
        ("aggregate", "aggregate", 3),
    ]


def test_a_team_of_branches_may_work_on_each_item(run):
    team = create_concurrent(
        [Member(shout, name="loud"), Member(lambda view: view.task, name="quiet")]
    )
    app = create_map_reduce(words, team.compile(name="pair")).compile()

    result = run(app, " ".join("abcdefgh"))

    assert [r.output for r in result["results"]] == [
        f"## loud\n\n{word.upper()}\n\n## quiet\n\n{word}" for word in "abcdefgh"
    ]


def lookup(what: str) -> str:
    """Look something up."""
    return f"found {what}"


def test_an_agent_with_tools_may_work_on_each_item(run, saver):
    def reply(messages):
        if messages[-1].type == "tool":
            return f"answer: {messages[-1].text}"
        call = {"name": "lookup", "args": {"what": messages[-1].text}, "id": messages[-1].text}
        return AIMessage("", tool_calls=[call])

    agent = Agent("worker", "Work.", model=ScriptedModel(reply), tools=[lookup])

    result = run(create_map_reduce(words, agent).compile(checkpointer=saver), "a b", thread="1")

    assert [r.output for r in result["results"]] == ["answer: found a", "answer: found b"]
    assert [(m.type, m.text) for m in result["messages"]][1:-1] == [
        ("ai", ""),
        ("tool", "found a"),
        ("ai", "answer: found a"),
        ("ai", ""),
        ("tool", "found b"),
        ("ai", "answer: found b"),
    ]
    assert [t.input_tokens for t in result["trail"]] == [20, 20, 0]


def test_a_person_may_be_asked_about_each_item(run, saver):
    app = create_map_reduce(words, Human("judge")).compile(checkpointer=saver)

    result = run(app, "one two", thread="1")
    open_ones = {i.value["thread_task"]: (i.value["path"], i.id) for i in result["__interrupt__"]}
    assert {task: path for task, (path, _) in open_ones.items()} == {
        "one": "judge[0]",
        "two": "judge[1]",
    }
    result = run(app, Command(resume={open_ones["two"][1]: "fine"}), thread="1")
    result = run(app, Command(resume={open_ones["one"][1]: "poor"}), thread="1")

    assert [r.output for r in result["results"]] == ["poor", "fine"]


class Row(BaseModel):
    name: str


def test_typed_answers_stay_typed_after_a_reload(run, saver):
    model = ScriptedModel(lambda messages: Row(name=messages[-1].text))
    graph = create_map_reduce(words, Agent("worker", "Parse.", model=model, output=Row))
    app = graph.compile(checkpointer=saver)

    run(app, "one two", thread="1")

    results = app.get_state(config_of("1")).values["results"]
    assert [r.output for r in results] == [Row(name="one"), Row(name="two")]


class Notes(MapReduceState):
    notes: Annotated[list[str], operator.add]
    language: str


def test_custom_keys_reach_the_workers_and_what_they_write_is_merged_in_item_order(run, saver):
    def work(view):
        return {"output": "ok", "notes": [f"{view.state['language']}:{view.task}"]}

    graph = create_map_reduce(words, worker(work), state_schema=Notes)

    result = run(
        graph.compile(checkpointer=saver), {"messages": "a b c", "language": "hu"}, thread="1"
    )

    assert result["notes"] == ["hu:a", "hu:b", "hu:c"]


def test_a_limit_stops_the_items_that_are_left(run):
    model = ScriptedModel(lambda messages: "done")
    graph = create_map_reduce(
        lambda view: list(range(20)),
        Agent("worker", "Work.", model=model),
        lambda view: f"{len(view.results)} done",
        limits=Limits(tokens=60),
    )

    result = run(graph.compile(), config={"max_concurrency": 2})

    done = [r for r in result["results"] if r.ok]
    assert result["stop"].reason == "token_limit"
    assert len(result["results"]) == 20
    assert 4 <= len(done) <= 5
    assert len(model.calls) == len(done)
    assert {r.failure.type for r in result["results"] if not r.ok} == {"BudgetSpent"}
    assert result["output"] == f"{len(done)} done"


def test_a_breaker_takes_the_worker_out_after_failures_in_a_row(run):
    calls = []

    def work(view):
        calls.append(view.task)
        raise ValueError("no")

    graph = create_map_reduce(lambda view: list(range(10)), worker(work, breaker=3))

    result = run(graph.compile(), config={"max_concurrency": 2})

    assert 3 <= len(calls) <= 4
    kinds = Counter(r.failure.type for r in result["results"])
    assert kinds == {"ValueError": len(calls), "BreakerOpen": 10 - len(calls)}
    assert Counter(t.outcome for t in result["trail"])["skipped"] == 10 - len(calls)


def test_a_map_reduce_takes_part_in_another_pattern(run, saver):
    rows = create_map_reduce(words, worker(shout)).compile(name="rows")
    model = ScriptedModel(["read"])
    reader = Agent("reader", "Read.", model=model)
    app = create_sequential([rows, reader]).compile(checkpointer=saver)

    result = run(app, "one two", thread="1")

    assert model.calls[0].messages[-1].text == ("rows: ## worker[0]\n\nONE\n\n## worker[1]\n\nTWO")
    assert [(t.path, t.step) for t in result["trail"]] == [
        ("rows/worker[0]", 1),
        ("rows/worker[1]", 1),
        ("rows/aggregate", 1),
        ("reader", 2),
    ]


def test_a_blank_task_is_refused_before_it_is_split(run):
    tasks = []

    def split(view):
        tasks.append(view.task)
        return []

    with pytest.raises(InputError):
        run(create_map_reduce(split, worker(shout)).compile(), " ")
    assert tasks == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"split": ["a"]}, TypeError),
        ({"max_items": 0}, ConfigurationError),
        ({"max_items": True}, TypeError),
        ({"max_items": 2.0}, TypeError),
        ({"min_results": -1}, ConfigurationError),
        ({"on_failure": "ignore"}, ConfigurationError),
        ({"limits": 5}, TypeError),
        ({"reduce": first()}, ConfigurationError),
        ({"worker": lambda view: "x"}, ConfigurationError),
        ({"worker": Member(shout, name="results")}, ConfigurationError),
        ({"no_such_option": 1}, TypeError),
    ],
    ids=shown,
)
def test_misuse_is_refused_at_construction(arguments, error):
    with pytest.raises(error):
        create_map_reduce(**{"split": words, "worker": worker(shout), **arguments})


def test_drawing_shows_the_worker_between_intake_and_aggregate():
    graph = create_map_reduce(words, worker(shout)).compile().get_graph()

    assert {(edge.source, edge.target) for edge in graph.edges} == {
        ("__start__", "intake"),
        ("intake", "worker"),
        ("intake", "aggregate"),
        ("worker", "aggregate"),
        ("aggregate", "__end__"),
    }
    assert create_map_reduce(words, worker(shout)).compile().get_name() == "map_reduce"


def test_a_worker_that_would_remember_other_items_is_refused():
    team = create_sequential([shout]).compile(name="team", checkpointer=True)
    with pytest.raises(ConfigurationError, match="`team` is compiled with `checkpointer=True`"):
        create_map_reduce(lambda view: [1], team)
