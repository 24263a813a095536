"""Typed answers of branches in another process, where only declared types may be loaded."""

import json
import os
import subprocess
import sys

import pytest

PANEL = """
import json
import sys
from contextlib import contextmanager

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human


class Part(BaseModel):
    name: str


class Find(BaseModel):
    species: str
    parts: list[Part]


class Tally(BaseModel):
    finds: list[Find]


def finder(name):
    answer = lambda messages: Find(species=messages[-1].text, parts=[Part(name="arm")])
    return Agent(name, "Find.", model=ScriptedModel(answer), output=Find)


def by_function(view) -> Find:
    return Find(species=view.task, parts=[])


def tally(view) -> Tally:
    results = view.results
    every = results.values() if isinstance(results, dict) else results
    return Tally(finds=[r.output for r in every if isinstance(r.output, Find)])


def concurrent():
    team = create_sequential([finder("inner")]).compile(name="team")
    return create_concurrent(
        [finder("zeta"), team, by_function, Human("judge")], aggregate=tally
    )


def map_reduce():
    inner = create_sequential([finder("inner"), Human("judge", role="review")]).compile(name="rows")
    return create_map_reduce(lambda view: view.task.split(), inner, tally)


@contextmanager
def opened(store, path):
    if store == "ours":
        with open_checkpointer(f"sqlite:///{path}") as saver:
            yield saver
    else:
        with SqliteSaver.from_conn_string(path) as saver:
            yield saver


def told(results):
    every = results.values() if isinstance(results, dict) else results
    return [[r.name, type(r.output).__name__, type(getattr(r.output, "parts", [[]])).__name__,
             [type(p).__name__ for p in getattr(r.output, "parts", [])]] for r in every]


pattern, store, path, step = sys.argv[1:]
config = {"configurable": {"thread_id": "1"}}
with opened(store, path) as saver:
    app = globals()[pattern]().compile(checkpointer=saver)
    if step == "ask":
        app.invoke({"messages": "squid clam"}, config)
    elif step == "answer":
        open_ones = app.get_state(config).interrupts
        app.invoke(Command(resume={i.id: "yes" for i in open_ones}), config)
    else:
        values = app.get_state(config).values
        output = values["output"]
        print(json.dumps({
            "results": told(values["results"]),
            "output": [type(output).__name__, [type(f).__name__ for f in output.finds]],
        }))
"""


@pytest.mark.parametrize("store", ["ours", "official"])
@pytest.mark.parametrize("pattern", ["concurrent", "map_reduce"])
def test_typed_answers_stay_typed_in_new_processes_that_load_declared_types_only(
    tmp_path, pattern, store
):
    script = tmp_path / "panel.py"
    script.write_text(PANEL)

    def step(name):
        done = subprocess.run(
            [sys.executable, str(script), pattern, store, str(tmp_path / "runs.db"), name],
            env={**os.environ, "LANGGRAPH_STRICT_MSGPACK": "true"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    step("ask")
    step("answer")
    told = json.loads(step("tell"))

    find = ["Find", "list", ["Part"]]
    if pattern == "concurrent":
        assert told["results"] == [
            ["zeta", *find],
            ["team", *find],
            ["by_function", "Find", "list", []],
            ["judge", "str", "list", []],
        ]
        assert told["output"] == ["Tally", ["Find", "Find", "Find"]]
    else:
        assert told["results"] == [["rows[0]", *find], ["rows[1]", *find]]
        assert told["output"] == ["Tally", ["Find", "Find"]]
