"""`orchestra run`: the task, the thread, what is printed where, and the exit codes."""

import json
from pathlib import Path

import pytest

from langgraph_orchestra.checkpoints import history, open_checkpointer


def test_the_answer_alone_is_on_standard_output(orchestra):
    done = orchestra("run", "article", "a task")
    assert done.exit_code == 0
    assert done.stdout == "A [bold] text.\n"


def test_progress_is_on_standard_error_a_line_for_each_turn(orchestra):
    done = orchestra("run", "article", "a task", "--thread", "one")
    header, note, writer, editor, ending, _ = done.stderr.split("\n")[:6]
    assert header == "article · sequential · thread one"
    assert note == "  Replies are stand-ins, not a model's: fixed replies."
    assert writer.split()[:2] == ["✓", "writer"]
    assert editor.split()[:2] == ["✓", "editor"]
    assert ending.startswith("completed · 2 turns · ")


def test_no_line_is_wider_than_80_columns(orchestra):
    done = orchestra("run", "unlucky", "word " * 40)
    shown = done.stderr.splitlines()
    assert all(len(line) <= 80 for line in shown if not line.startswith("orchestra: "))


def test_without_a_thread_a_new_one_is_made_each_time(orchestra):
    threads = {
        json.loads(orchestra("run", "article", "x", "--json").stdout)["thread"] for _ in "ab"
    }
    assert len(threads) == 2


def test_a_second_run_on_a_thread_goes_on_with_its_conversation(orchestra):
    orchestra("run", "remembering", "first", "--thread", "t")
    done = orchestra("run", "remembering", "second", "--thread", "t")
    assert done.stdout == "first | first | second\n"


def test_a_task_may_come_from_a_file(orchestra, workplace: Path):
    (workplace / "task.txt").write_text("from a file — ok", encoding="utf-8")
    done = orchestra("run", "remembering", "--input", "task.txt")
    assert done.stdout == "from a file — ok\n"


@pytest.mark.parametrize("words", [(), ("--input", "-")])
def test_a_task_may_come_through_a_pipe(orchestra, words):
    done = orchestra("run", "remembering", *words, stdin="from a pipe\n")
    assert done.stdout == "from a pipe\n"


def test_the_example_is_taken_when_it_is_asked_for(orchestra):
    done = orchestra("run", "remembering", "--example", stdin="not this")
    assert done.stdout == "the example of remembering\n"


def test_without_a_task_it_says_how_to_give_one_and_runs_nothing(orchestra, workplace: Path):
    done = orchestra("run", "article")
    assert done.exit_code == 2
    assert "there is no task" in done.stderr
    assert "`--example`: the example of article" in done.stderr
    assert not (workplace / "orchestra.db").exists()


@pytest.mark.parametrize(
    "words", [("x", "--example"), ("x", "--input", "task.txt"), ("--input", "-", "--example")]
)
def test_two_tasks_are_refused(orchestra, words):
    done = orchestra("run", "article", *words, stdin="y")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "give one task" in done.stderr


@pytest.mark.parametrize("task", ["", " \n"])
def test_a_blank_task_is_refused(orchestra, task):
    done = orchestra("run", "article", task)
    assert (done.exit_code, done.stderr) == (2, "orchestra: the task is empty\n")


def test_json_is_one_document_and_nothing_else(orchestra):
    done = orchestra("run", "opinion", "x", "--thread", "t", "--json")
    document = json.loads(done.stdout)
    assert done.stderr == ""
    assert document["thread"] == "t"
    assert document["template"] == "opinion"
    assert document["status"] == "finished"
    assert document["output"] == {"good": True, "why": "[sic]"}
    assert document["stop"]["reason"] == "completed"
    assert [turn["agent"] for turn in document["trail"]] == ["judge"]
    assert (document["interrupts"], document["error"]) == ([], None)


def test_the_trail_of_the_json_document_is_this_runs(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    document = json.loads(orchestra("run", "article", "y", "--thread", "t", "--json").stdout)
    assert [turn["path"] for turn in document["trail"]] == ["writer", "editor"]


def test_what_a_participant_prints_is_not_taken_for_the_result(orchestra):
    done = orchestra("run", "noisy", "x")
    assert done.stdout == "quiet words\n"
    assert "a tool that prints" in done.stderr


def test_a_typed_answer_is_printed_as_json(orchestra):
    done = orchestra("run", "opinion", "x")
    assert json.loads(done.stdout) == {"good": True, "why": "[sic]"}


def test_a_typed_answer_with_words_of_its_own_is_printed_in_these(orchestra):
    assert orchestra("run", "letter", "x").stdout == "Dear Ada,\n"


def test_an_answer_does_not_control_the_terminal(orchestra):
    assert orchestra("run", "hostile", "x").stdout == "before[2Jafter\n"


def test_members_of_a_team_are_shown_once_under_its_name(orchestra):
    done = orchestra("run", "nested", "x")
    shown = [line.split()[1] for line in done.stderr.splitlines() if "✓" in line]
    assert sorted(shown) == ["closer", "team/aggregate", "team/left", "team/right"]


def test_each_item_of_a_map_reduce_is_shown(orchestra):
    done = orchestra("run", "items", "a b")
    assert "✓ worker[0]" in done.stderr
    assert "✓ worker[1]" in done.stderr


def test_a_limit_is_told_and_is_no_failure(orchestra):
    done = orchestra("run", "limited", "x")
    assert (done.exit_code, done.stdout) == (0, "the first\n")
    assert "turn_limit (1 of 1 turns taken) · 1 turn" in done.stderr


def test_a_run_that_ends_failed_has_exit_code_1(orchestra):
    done = orchestra("run", "hopeless", "x")
    assert done.exit_code == 1
    assert "✗ only" in done.stderr
    assert "failed (RuntimeError: no luck)" in done.stderr


def test_the_user_stands_in_every_turn(orchestra):
    document = json.loads(orchestra("run", "article", "x", "--user", "ada", "--json").stdout)
    assert {turn["user"] for turn in document["trail"]} == {"ada"}


def test_template_model_and_user_are_kept_with_the_thread(orchestra, workplace: Path):
    orchestra("run", "article", "x", "--thread", "t", "--user", "ada")
    with open_checkpointer(workplace / "orchestra.db") as saver:
        metadata = [dict(found.metadata) for found in history(saver, "t")]
    assert {(kept["template"], kept["user"]) for kept in metadata} == {("article", "ada")}


def test_a_thread_of_another_template_is_refused(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    done = orchestra("run", "opinion", "y", "--thread", "t")
    assert done.exit_code == 2
    assert done.stderr == "orchestra: thread `t` belongs to template `article`\n"


def test_a_thread_that_waits_takes_no_new_task(orchestra):
    orchestra("run", "reviewed", "x", "--thread", "t")
    done = orchestra("run", "reviewed", "y", "--thread", "t")
    assert done.exit_code == 2
    assert "thread `t` waits for an answer: `orchestra resume t` continues it" in done.stderr


def test_a_database_in_memory_keeps_nothing_and_offers_nothing(orchestra, workplace: Path):
    done = orchestra("run", "reviewed", "x", "--db", "memory://")
    assert done.exit_code == 3
    assert "orchestra resume" not in done.stderr
    assert list(workplace.iterdir()) == []


def test_other_databases_are_named_in_the_command_that_goes_on(orchestra):
    done = orchestra("run", "reviewed", "x", "--thread", "a b", "--db", "other.db")
    assert "orchestra resume 'a b' --db other.db" in done.stderr


def test_an_agent_with_tools_runs(orchestra):
    assert orchestra("run", "tools", "x").stdout == "paid 1; paid 2\n"
