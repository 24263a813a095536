"""`orchestra new`: a project that runs, whose tests pass, and that a server can serve."""

import json
import os
import subprocess
import sys

import pytest

from langgraph_orchestra import graphs
from langgraph_orchestra.cli.new import STARTERS

FACTORIES = [name for name in graphs.__all__ if name.startswith("create_")]


def test_there_is_a_beginning_for_every_pattern():
    assert {f"create_{pattern}" for pattern in STARTERS} == set(FACTORIES)


@pytest.mark.parametrize("pattern", STARTERS)
def test_the_tests_of_a_new_project_pass_in_its_own_folder(
    pattern, orchestra_as_shipped, workplace
):
    told = orchestra_as_shipped("new", "my_app", "--pattern", pattern)
    assert told.exit_code == 0
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        command, cwd=workplace / "my_app", env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


@pytest.mark.parametrize("pattern", STARTERS)
def test_what_is_served_is_the_graph_of_the_pattern(pattern, orchestra_as_shipped, workplace):
    orchestra_as_shipped("new", "my_app", "--pattern", pattern)
    settings = json.loads((workplace / "my_app/langgraph.json").read_text())
    path, _, name = settings["graphs"]["my_app"].partition(":")
    source = (workplace / "my_app" / path).read_text()
    assert f"def {name}() -> PatternGraph" in source
    assert f"create_{pattern}(" in source


def test_nothing_of_the_library_is_left_in_the_name_of_the_graph(orchestra_as_shipped, workplace):
    orchestra_as_shipped("new", "desk", "--pattern", "handoff")
    test = (workplace / "desk/tests/test_graph.py").read_text()
    assert "from graph import build" in test
    assert "starters" not in test


def test_it_says_what_it_has_written_and_what_comes_next(orchestra_as_shipped):
    told = orchestra_as_shipped("new", "desk")
    assert told.stdout.splitlines()[0] == "desk/graph.py"
    assert told.stdout.splitlines()[-1] == 'Next: cd desk && pip install -e ".[dev]" && pytest'


def test_an_unknown_pattern_is_refused_with_the_known_ones(orchestra_as_shipped, workplace):
    told = orchestra_as_shipped("new", "desk", "--pattern", "swarm")
    assert told.exit_code == 2
    assert "unknown pattern `swarm`; there are sequential, concurrent" in told.stderr
    assert not (workplace / "desk").exists()


def test_a_folder_with_something_in_it_is_left_alone(orchestra_as_shipped, workplace):
    (workplace / "desk").mkdir()
    (workplace / "desk/notes.txt").write_text("mine")
    told = orchestra_as_shipped("new", "desk")
    assert told.exit_code == 2
    assert "`desk` is there already, and not empty" in told.stderr
    assert [path.name for path in (workplace / "desk").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["1st", "my app", "äpp"])
def test_a_name_that_packages_cannot_have_is_refused(name, orchestra_as_shipped, workplace):
    told = orchestra_as_shipped("new", name)
    assert told.exit_code == 2
    assert f"a project cannot be called `{name}`" in told.stderr
    assert not (workplace / name).exists()
