"""`compare` and `acompare`: the same tasks, several orchestrations, without a network."""

import asyncio
import socket
from io import BytesIO
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langsmith.evaluation import run_evaluator
from langsmith.schemas import Example
from rich.console import Console

from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits
from langgraph_orchestra.reports import acompare, compare
from langgraph_orchestra.state import ConfigurationError

TASKS = [("one", "ONE"), ("two", "TWO")]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing is connected to, and no address asked for, not even where failing is not told."""

    connect, tried = socket.socket.connect, []

    def only_here(self, address, *rest):
        if self.family == socket.AF_UNIX:
            return connect(self, address, *rest)
        tried.append(address)
        raise ConnectionRefusedError(address)

    def nobody(*args, **options):
        tried.append(args)
        raise socket.gaierror(args)

    monkeypatch.setattr(socket.socket, "connect", only_here)
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    yield
    assert tried == []


def compare_async(*args, **options):
    return asyncio.run(acompare(*args, **options))


WAYS = pytest.mark.parametrize("compare", [compare, compare_async], ids=["sync", "async"])


def shout(messages):
    """Says the task in capitals."""
    return messages[-1].text.rpartition(": ")[2].upper()


def agent(name="writer", reply=shout, **options):
    return Agent(name, "Write.", model=ScriptedModel(reply, **options))


def is_expected(outputs, reference_outputs):
    return outputs["output"] == reference_outputs["expected"]


def length(outputs):
    return {"key": "length", "score": len(outputs["output"]), "comment": "in letters"}


def broken(view):
    raise ValueError("no idea <b>")


@WAYS
def test_quality_and_effort_of_each_orchestration_are_means_over_the_tasks(compare):
    graphs = {
        "alone": create_sequential([agent(usage=(100, 20))]),
        "twice": create_sequential([agent("a"), agent("b")]),
        "wrong": create_sequential([agent(reply=lambda messages: "?")]).compile(),
    }
    rows = {row["name"]: row for row in compare(graphs, TASKS, [is_expected, length]).rows}
    assert list(rows) == ["alone", "twice", "wrong"]
    assert rows["alone"]["scores"] == {"is_expected": 1.0, "length": 3.0}
    assert rows["wrong"]["scores"] == {"is_expected": 0.0, "length": 1.0}
    assert [row["model_calls"] for row in rows.values()] == [1, 2, 1]
    assert [row["tokens"] for row in rows.values()] == [120, 30, 15]
    assert [(row["examples"], row["failed"]) for row in rows.values()] == [(2, 0)] * 3
    assert all(row["seconds"] > 0 for row in rows.values())


@WAYS
def test_each_run_is_kept_with_what_came_of_it(compare):
    comparison = compare({"alone": create_sequential([agent()])}, TASKS, [is_expected, length])
    first = {run["example"]: run for run in comparison.runs}[1]
    assert (first["output"], first["stop"], first["error"]) == ("ONE", "completed", "")
    assert first["inputs"] == {"task": "one"}
    assert first["scores"] == {"is_expected": True, "length": 3}
    assert first["comments"] == {"length": "in letters"}


@WAYS
def test_a_graph_that_raises_is_a_row_with_its_error(compare):
    graphs = {"broken": create_sequential([agent(), broken]), "fine": create_sequential([agent()])}
    broken_row, fine_row = compare(graphs, TASKS, [is_expected]).rows
    assert broken_row["failed"] == broken_row["examples"] == 2
    assert "ValueError: no idea <b>" in broken_row["error"]
    assert broken_row["scores"] == {"is_expected": None}
    assert (broken_row["model_calls"], broken_row["tokens"]) == (1, 15)
    assert fine_row["scores"] == {"is_expected": 1.0}


@WAYS
def test_a_graph_that_waits_for_a_person_is_a_row_that_says_so(compare):
    graphs = {"asks": create_sequential([agent(), Human("editor")])}
    (row,) = compare(graphs, ["one"], [length]).rows
    assert "waits for a person" in row["error"]


@WAYS
def test_an_evaluator_that_raises_leaves_its_score_out(compare):
    def puzzled(outputs):
        raise RuntimeError("no opinion")

    (row,) = compare({"alone": create_sequential([agent()])}, TASKS, [puzzled, length]).rows
    assert row["scores"]["length"] == 3.0
    assert row["scores"].get("puzzled") is None
    assert row["failed"] == 0


@WAYS
def test_costs_are_those_of_the_trail(compare):
    limits = Limits(cost=100.0, price=lambda model, usage: 0.25)
    graphs = {
        "priced": create_sequential([agent("a"), agent("b")], limits=limits),
        "unpriced": create_sequential([agent()]),
    }
    priced, unpriced = compare(graphs, TASKS, []).rows
    assert (priced["cost"], unpriced["cost"]) == (0.5, None)


@WAYS
def test_graphs_of_others_are_compared_too(compare):
    model = ScriptedModel([AIMessage("ONE")] * 1)
    graphs = {"agent": create_agent(model, system_prompt="Write.")}
    (row,) = compare(graphs, [("one", "ONE")], [is_expected]).rows
    assert row["scores"] == {"is_expected": 1.0}
    assert (row["model_calls"], row["tokens"]) == (1, 15)


@WAYS
def test_calls_of_parallel_branches_are_counted(compare):
    graph = create_concurrent([agent(f"a{number}") for number in range(8)])
    (row,) = compare({"wide": graph}, ["one"], []).rows
    assert row["model_calls"] == 8


@WAYS
@pytest.mark.parametrize(
    "examples",
    [
        [("one", {"expected": "ONE"})],
        [{"inputs": {"question": "one"}, "outputs": {"expected": "ONE"}}],
        [{"inputs": {"messages": [("user", "one")]}, "outputs": {"expected": "ONE"}}],
        [Example(id="0" * 32, inputs={"task": "one"}, outputs={"expected": "ONE"})],
    ],
)
def test_tasks_are_given_in_any_of_their_forms_to_every_graph(compare, examples):
    graphs = {"a": create_sequential([agent()]), "b": create_sequential([agent()])}
    rows = compare(graphs, examples, [is_expected]).rows
    assert [row["scores"] for row in rows] == [{"is_expected": 1.0}] * 2


def test_tasks_may_come_once_and_serve_every_graph():
    graphs = {"a": create_sequential([agent()]), "b": create_sequential([agent()])}
    rows = compare(graphs, iter(TASKS), [is_expected]).rows
    assert [row["examples"] for row in rows] == [2, 2]


class Recorder:
    """Stands in for LangSmith's client."""

    def __init__(self):
        self.asked = []

    def list_examples(self, dataset_name):
        return iter([Example(id="0" * 32, inputs={"task": dataset_name})])

    def evaluate(self, target, **settings):
        self.asked.append(settings)
        return []


def test_results_are_uploaded_with_the_given_client_when_asked_for():
    client = Recorder()
    graphs = {"alone": create_sequential([agent()])}
    settings: dict[str, Any] = {
        "upload_results": True,
        "client": client,
        "metadata": {"version": 7},
    }
    assert compare(graphs, "articles", [], **settings).runs == []
    (asked,) = client.asked
    assert asked["upload_results"] is True
    assert asked["experiment_prefix"] == "alone"
    assert asked["metadata"] == {"version": 7, "orchestration": "alone"}
    assert [example.inputs for example in asked["data"]] == [{"task": "articles"}]


def test_a_dataset_is_read_and_nothing_uploaded_unless_asked_for():
    client: Any = Recorder()
    comparison = compare({"alone": create_sequential([agent()])}, "one", [], client=client)
    assert [run["output"] for run in comparison.runs] == ["ONE"]
    assert client.asked == []


def test_inputs_of_another_form_are_made_into_a_task():
    def as_input(inputs):
        return {"messages": [("user", inputs["words"][0])]}

    examples = [{"inputs": {"words": ["one", "two"]}, "outputs": {"expected": "ONE"}}]
    graphs = {"alone": create_sequential([agent()])}
    (row,) = compare(graphs, examples, [is_expected], as_input=as_input).rows
    assert row["scores"] == {"is_expected": 1.0}
    (untold,) = compare(graphs, examples, [is_expected]).rows
    assert "`as_input" in untold["error"]


def test_tasks_can_be_repeated_and_run_at_once():
    graphs = {"alone": create_sequential([agent()])}
    comparison = compare(graphs, TASKS, [is_expected], num_repetitions=3, max_concurrency=4)
    assert sorted(run["example"] for run in comparison.runs) == [1, 1, 1, 2, 2, 2]
    assert comparison.rows[0]["scores"] == {"is_expected": 1.0}


@WAYS
def test_evaluators_of_langsmith_are_taken_as_they_are(compare):
    @run_evaluator
    def judged(run, example):
        return {"key": "judged", "score": run.outputs["output"] == example.outputs["expected"]}

    (row,) = compare({"alone": create_sequential([agent()])}, TASKS, [judged]).rows
    assert row["scores"] == {"judged": 1.0}


async def test_evaluators_may_be_async():
    async def judged(outputs):
        return len(outputs["output"])

    comparison = await acompare({"alone": create_sequential([agent()])}, TASKS, [judged])
    assert comparison.rows[0]["scores"] == {"judged": 3.0}


def test_the_table_fits_into_eighty_columns_and_tells_of_failures():
    graphs = {
        "alone": create_sequential([agent()]),
        "[bold]broken": create_sequential([broken]),
    }
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(compare(graphs, TASKS, [is_expected, length]).table())
    text = capture.get()
    assert max(map(len, text.splitlines())) <= 80
    assert all(part in text for part in ("is_expected", "1.00", "3.00", "2 of 2", "[bold]broken"))


def test_the_plot_shows_every_measure_and_failure():
    graphs = {"alone": create_sequential([agent()]), "broken": create_sequential([broken])}
    figure = compare(graphs, TASKS, [is_expected, length]).plot()
    (axes,) = figure.axes
    told = [text.get_text() for text in axes.texts]
    assert {"alone", "broken", "length", "model calls", "tokens", "cost", "time"} <= set(told)
    assert any("ValueError: no idea <b>" in text for text in told)
    figure.savefig(BytesIO(), dpi=20)


@pytest.mark.parametrize(
    ("graphs", "examples", "error", "told"),
    [
        ([1], TASKS, TypeError, "`graphs` is a mapping"),
        ({}, TASKS, ConfigurationError, "`graphs` is empty"),
        ({"a": "graph"}, TASKS, TypeError, "graph `a` is a graph, compiled or not"),
        ({"a": create_sequential([broken])}, [], ConfigurationError, "`examples` is empty"),
        ({"a": create_sequential([broken])}, [7], TypeError, "an example is a task, a pair"),
        ({"a": create_sequential([broken])}, 7, TypeError, "`examples` is a sequence"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(graphs, examples, error, told):
    with pytest.raises(error, match=told):
        compare(graphs, examples, [])


def test_what_judges_nothing_is_refused_before_anything_runs():
    with pytest.raises(TypeError, match="an evaluator is a function of some of `inputs`"):
        compare({"a": create_sequential([broken])}, TASKS, ["good"])
