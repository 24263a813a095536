"""`langgraph.json` offers every template to LangGraph's server and Studio."""

import inspect
import json
from importlib import import_module
from pathlib import Path

import pytest
from langgraph_cli.config import validate_config_file

from langgraph_orchestra.graphs import PatternGraph
from langgraph_orchestra.graphs.templates import TEMPLATES

FILE = Path(__file__).parents[3] / "langgraph.json"
GRAPHS: dict[str, dict[str, str]] = json.loads(FILE.read_text())["graphs"]


def test_lists_exactly_the_templates_in_their_order():
    assert list(GRAPHS) == list(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_entry_says_what_the_template_does(name: str):
    assert GRAPHS[name]["description"] == TEMPLATES[name].summary


@pytest.mark.parametrize("name", TEMPLATES)
def test_entry_is_a_function_without_arguments_that_builds_the_template(name: str):
    module, _, function = GRAPHS[name]["path"].rpartition(":")
    factory = getattr(import_module(module), function)
    assert not inspect.signature(factory).parameters
    graph = factory()
    assert isinstance(graph, PatternGraph)
    assert set(graph.nodes) == set(TEMPLATES[name].build().nodes)
    # A server brings a checkpointer of its own, and refuses a graph that has one.
    assert graph.compile().checkpointer is None


def test_server_accepts_the_file_and_installs_this_package():
    config = validate_config_file(FILE)
    assert config["dependencies"] == ["."]
