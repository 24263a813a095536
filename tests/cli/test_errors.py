"""Whatever is wrong: one line on standard error, an exit code, and no traceback."""

import sqlite3
from pathlib import Path

import pytest
from typer.testing import Result

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.cli.live import LiveView
from langgraph_orchestra.graphs import create_sequential


def error_of(done: Result) -> str:
    """The only line on standard error."""
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("orchestra: ")
    return line.removeprefix("orchestra: ")


@pytest.mark.parametrize("command", ["run", "draw"])
def test_an_unknown_template_is_named_with_the_one_that_was_meant_and_all(orchestra, command):
    done = orchestra(command, "articel", *(["x"] if command == "run" else []))
    assert done.exit_code == 2
    message = error_of(done)
    assert message.startswith("unknown template `articel`; did you mean `article`? There are ")
    assert "article, reviewed, panel" in message


def test_a_name_like_no_other_gets_the_list_alone(orchestra):
    assert error_of(orchestra("run", "zzz", "x")).startswith("unknown template `zzz`; there are ")


def test_a_template_that_is_called_like_its_pattern_is_listed_once(orchestra_as_shipped):
    message = error_of(orchestra_as_shipped("demo", "zzz"))
    assert message.count("maker_checker") == 1


def test_hyphens_are_taken_for_a_slip(orchestra_as_shipped):
    done = orchestra_as_shipped("run", "Content-Pipeline", "x")
    assert "did you mean `content_pipeline`?" in error_of(done)


def test_a_missing_key_is_found_before_anything_is_saved(orchestra):
    done = orchestra("run", "article", "x", "--model", "openai:gpt-5-mini")
    assert done.exit_code == 2
    assert "set `OPENAI_API_KEY`" in error_of(done)
    assert "There are no threads" in orchestra("threads").stderr


@pytest.mark.parametrize("model", ["nonsense", "nobody:model", "openai:"])
def test_a_model_that_cannot_be_used_is_named(orchestra, model):
    done = orchestra("run", "article", "x", "--model", model)
    assert done.exit_code == 2
    assert f"model `{model}`" in error_of(done)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("nowhere.txt", "No such file or directory"),
        ("folder", "Is a directory"),
        ("latin.txt", "it is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(orchestra, workplace: Path, file, reason):
    (workplace / "folder").mkdir()
    (workplace / "latin.txt").write_bytes(b"caf\xe9")
    done = orchestra("run", "article", "--input", file)
    assert done.exit_code == 2
    assert error_of(done) == f"cannot read the task from `{file}`: {reason}"


@pytest.mark.parametrize("command", [("run", "article", "x"), ("resume", "t"), ("show", "t")])
def test_a_file_that_is_no_database_is_named(orchestra, workplace: Path, command):
    (workplace / "notes.txt").write_text("These are only some notes, and no database. " * 40)
    done = orchestra(*command, "--db", "notes.txt")
    assert done.exit_code == 2
    assert error_of(done) == "checkpoint file `notes.txt`: file is not a database"


@pytest.mark.parametrize("command", [("resume", "t"), ("show", "t"), ("threads",)])
def test_looking_for_threads_makes_no_database(orchestra, workplace: Path, command):
    done = orchestra(*command, "--db", "mistyped.db")
    assert done.exit_code == 2
    assert error_of(done).startswith("there is no database `mistyped.db`")
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "sqlite:///:memory:"])
def test_a_wrong_url_is_refused_with_the_right_forms(orchestra, url):
    done = orchestra("run", "article", "x", "--db", url)
    assert done.exit_code == 2
    message = error_of(done)
    assert "`memory://`" in message
    assert "secret" not in message


def test_a_folder_that_is_not_there_is_named(orchestra):
    message = error_of(orchestra("run", "article", "x", "--db", "/nowhere/runs.db"))
    assert "there is no folder `/nowhere`" in message


@pytest.mark.parametrize("command", ["resume", "show"])
def test_an_unknown_thread_is_named(orchestra, command):
    orchestra("run", "article", "x")
    done = orchestra(command, "nobody")
    assert done.exit_code == 2
    assert error_of(done) == "there is no thread `nobody`; `orchestra threads` lists them"


def test_a_thread_of_another_program_is_continued_there(orchestra, workplace: Path):
    graph = create_sequential([lambda_free])
    with open_checkpointer(workplace / "orchestra.db") as saver:
        config = {"configurable": {"thread_id": "t"}}
        graph.compile(saver).invoke({"messages": [("user", "hi")]}, config)
    done = orchestra("resume", "t")
    assert done.exit_code == 2
    assert error_of(done).startswith("thread `t` was not begun by `orchestra`")


def lambda_free(view):
    return f"heard {view.task}"


def test_a_failed_run_says_where_it_failed_what_was_raised_and_how_it_goes_on(orchestra):
    done = orchestra("run", "unlucky", "x", "--thread", "t")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines().pop() == (
        "orchestra: the run failed in `second`: RuntimeError: the [disk] is full and so is the "
        "other; `orchestra resume t` continues it"
    )


def test_an_error_as_long_as_a_page_leaves_room_for_how_the_run_goes_on(orchestra):
    line = orchestra("run", "verbose", "x", "--thread", "t").stderr.splitlines().pop()
    assert line.endswith("…; `orchestra resume t` continues it")
    assert len(line) < 800


def test_a_run_that_fails_outside_its_nodes_says_what_was_raised(orchestra, monkeypatch):
    def broken(*_):
        raise RuntimeError("nothing to draw on")

    monkeypatch.setattr(LiveView, "follow", broken)
    done = orchestra("run", "article", "x", "--thread", "t")
    assert "the run failed: RuntimeError: nothing to draw on" in done.stderr


def test_debug_shows_the_traceback_too(orchestra):
    done = orchestra("run", "unlucky", "x", "--debug")
    assert done.exit_code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "in second" in done.stderr
    assert done.stderr.splitlines().pop().startswith("orchestra: the run failed in `second`")


def test_a_file_that_cannot_be_written_is_named(orchestra):
    done = orchestra("draw", "article", "-o", "nowhere/graph.mmd")
    assert done.exit_code == 2
    assert error_of(done) == "`nowhere/graph.mmd`: No such file or directory"


def test_a_database_of_another_kind_of_table_is_left_alone_but_for_ours(orchestra, workplace: Path):
    with sqlite3.connect(workplace / "other.db") as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    done = orchestra("threads", "--db", "other.db")
    assert (done.exit_code, done.stdout) == (0, "")
