"""`orchestra list`, `threads`, `show` and `draw`."""

import json
from pathlib import Path

import pytest
from langgraph.graph import START, StateGraph

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.state import OrchestrationState


def rows_of(text: str) -> list[list[str]]:
    """The rows of a table, without its heading."""
    _, *rows = text.splitlines()
    return [row.split() for row in rows]


def test_templates_are_listed_with_pattern_and_summary(orchestra):
    done = orchestra("list")
    assert done.exit_code == 0
    assert ["panel", "concurrent", "What", "[panel]", "does."] in rows_of(done.stdout)


def test_templates_are_listed_as_json(orchestra):
    templates = {found["name"]: found for found in json.loads(orchestra("list", "--json").stdout)}
    assert templates["items"] == {
        "name": "items",
        "pattern": "map_reduce",
        "summary": "What [items] does.",
        "example": "the example of items",
    }


def test_threads_are_listed_with_template_and_status_the_latest_first(orchestra):
    orchestra("run", "article", "x", "--thread", "done")
    orchestra("run", "reviewed", "x", "--thread", "asks")
    orchestra("run", "unlucky", "x", "--thread", "broken")
    rows = [row[:3] for row in rows_of(orchestra("threads").stdout)]
    assert rows == [
        ["broken", "unlucky", "failed"],
        ["asks", "reviewed", "interrupted"],
        ["done", "article", "finished"],
    ]


def test_threads_are_listed_as_json(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    [found] = json.loads(orchestra("threads", "--json").stdout)
    assert (found["thread"], found["template"], found["status"]) == ("t", "article", "finished")
    assert found["checkpoints"] > 0
    assert found["updated_at"].endswith("Z")


def test_a_database_without_threads_is_an_empty_list(orchestra):
    assert json.loads(orchestra("threads", "--json", "--db", "memory://").stdout) == []
    assert "There are no threads in memory://." in orchestra("threads", "--db", "memory://").stderr


def test_a_thread_is_shown_with_task_transcript_trail_and_ending(orchestra):
    orchestra("run", "article", "Write about [tables]", "--thread", "t")
    done = orchestra("show", "t")
    assert done.exit_code == 0
    assert done.stdout.startswith("t · article · sequential\n\ntask\n  Write about [tables]\n")
    assert "\nwriter\n  A [draft].\n\neditor\n  A [bold] text.\n" in done.stdout
    assert "step  path    when" in done.stdout
    assert "completed · 2 turns · " in done.stdout
    assert done.stderr == ""


def test_what_the_transcript_ends_with_is_not_repeated_as_output(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    orchestra("run", "letter", "x", "--thread", "u")
    assert "\noutput\n" not in orchestra("show", "t").stdout
    assert "\noutput\n  Dear Ada,\n" in orchestra("show", "u").stdout


def test_a_typed_answer_is_shown_in_many_lines(orchestra):
    orchestra("run", "opinion", "x", "--thread", "t")
    assert (
        'judge\n  {\n    "good": true,\n    "why": "[sic]"\n  }\n' in orchestra("show", "t").stdout
    )


def test_tool_calls_and_their_results_are_shown_in_a_line_each(orchestra):
    orchestra("run", "payment", "x", "--thread", "t")
    orchestra("resume", "t", "--answer", '[{"type": "approve"}, {"type": "approve"}]')
    shown = orchestra("show", "t").stdout
    assert "payer\n  calls pay(amount=1)\n  calls pay(amount=2)\n" in shown
    assert "pay returned\n  paid 1\n" in shown


def test_what_a_thread_waits_for_is_shown_with_the_command_that_answers(orchestra):
    orchestra("run", "panel", "x", "--thread", "t")
    shown = orchestra("show", "t").stdout
    assert "ann is asked\n  Yes or no?" in shown
    assert "bob is asked\n  Red or blue?" in shown
    assert shown.endswith("Answer it: orchestra resume t\n")


def test_a_failed_thread_is_shown_with_the_command_that_continues_it(orchestra):
    orchestra("run", "unlucky", "x", "--thread", "t")
    shown = orchestra("show", "t").stdout
    assert "failed · 1 turn" in shown
    assert shown.endswith("Continue it: orchestra resume t\n")


def test_a_thread_is_shown_as_json(orchestra):
    orchestra("run", "article", "the task", "--thread", "t")
    orchestra("run", "article", "another", "--thread", "t")
    document = json.loads(orchestra("show", "t", "--json").stdout)
    said = [(message["speaker"], message["text"]) for message in document["messages"]]
    assert said[:2] == [("task", "the task"), ("writer", "A [draft].")]
    assert [turn["path"] for turn in document["trail"]] == ["writer", "editor"] * 2
    assert document["stop"]["reason"] == "completed"
    assert document["output"] == "A [bold] text."


def test_no_line_of_a_shown_thread_is_wider_than_80_columns(orchestra):
    orchestra("run", "remembering", "[word] " * 60, "--thread", "t")
    shown = orchestra("show", "t").stdout
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert shown.count("[word]") == 120


def speaker(view):
    return f"heard {view.task}"


def test_a_thread_of_another_program_can_be_looked_at(orchestra, workplace: Path):
    with open_checkpointer(workplace / "orchestra.db") as saver:
        app = create_sequential([speaker]).compile(saver)
        app.invoke({"messages": [("user", "hello")]}, {"configurable": {"thread_id": "t"}})
    assert "\nspeaker\n  heard hello\n" in orchestra("show", "t").stdout
    [row] = rows_of(orchestra("threads").stdout)
    assert row[:2] == ["t", "finished"]


def test_a_thread_of_a_graph_unlike_ours_is_shown_as_far_as_it_goes(orchestra, workplace: Path):
    class Other(OrchestrationState, total=False):
        colour: str

    graph = StateGraph(Other)
    graph.add_node("paint", lambda state: {"colour": "red"})
    graph.add_edge(START, "paint")
    with open_checkpointer(workplace / "orchestra.db") as saver:
        graph.compile(saver).invoke({"colour": "blue"}, {"configurable": {"thread_id": "t"}})
    assert orchestra("show", "t").exit_code == 0


def test_a_graph_is_drawn_as_mermaid_text(orchestra):
    done = orchestra("draw", "article")
    assert done.exit_code == 0
    assert "graph TD;" in done.stdout
    assert "writer --> editor;" in done.stdout


def test_the_graphs_inside_are_drawn_when_asked_for(orchestra):
    assert "subgraph team" not in orchestra("draw", "nested").stdout
    assert "subgraph team" in orchestra("draw", "nested", "--xray").stdout


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_a_drawing_is_written_to_a_file(orchestra, workplace: Path, option):
    done = orchestra("draw", "article", option, "graph.mmd")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "writer --> editor;" in (workplace / "graph.mmd").read_text()


@pytest.mark.parametrize(("name", "start"), [("graph.svg", b"<svg"), ("graph.PNG", b"\x89PNG")])
def test_a_drawing_is_a_picture_where_the_file_is_named_so(orchestra, workplace: Path, name, start):
    done = orchestra("draw", "nested", "--xray", "-o", name)
    assert (done.exit_code, done.stdout) == (0, "")
    assert (workplace / name).read_bytes().startswith(start)
