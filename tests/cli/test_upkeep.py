"""`orchestra fork`, `prune` and `backup`."""

import json
import stat
from pathlib import Path

import pytest

from langgraph_orchestra.checkpoints import history, open_checkpointer


def steps(orchestra, thread):
    return json.loads(orchestra("fork", thread, "--json").stdout)


def checkpoints(thread, db="orchestra.db"):
    with open_checkpointer(db) as saver:
        return len(history(saver, thread))


def statuses(orchestra):
    found = json.loads(orchestra("threads", "--json").stdout)
    return {info["thread"]: info["status"] for info in found}


def test_the_steps_of_a_thread_are_listed_with_what_follows_and_how_to_go_on(orchestra):
    orchestra("run", "reviewed", "x", "--thread", "t")
    done = orchestra("fork", "t")
    heading, newest, *_, oldest = done.stdout.splitlines()
    assert heading.split() == ["step", "made", "next", "checkpoint"]
    assert "boss (asks)" in newest
    assert "the task" in oldest
    assert "Begin a new thread at one of them: orchestra fork t --at" in done.stderr
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_a_fork_where_a_person_was_asked_is_answered_otherwise(orchestra):
    orchestra("run", "reviewed", "x", "--thread", "t", "--answer", "approve")
    [asked] = [step for step in steps(orchestra, "t") if step["asks"]]
    done = orchestra("fork", "t", "--at", str(asked["step"]), "--as", "other")
    assert done.exit_code == 0
    assert f"Thread other begins at step {asked['step']} of t." in done.stdout
    assert "Continue it: orchestra resume other" in done.stderr
    assert statuses(orchestra) == {"t": "finished", "other": "interrupted"}
    assert orchestra("resume", "other", "--answer", "reject").exit_code == 0
    shown = {name: json.loads(orchestra("show", name, "--json").stdout) for name in ("t", "other")}
    assert shown["t"]["stop"]["reason"] == "completed"
    assert shown["other"]["stop"]["reason"] == "rejected"


def test_a_fork_in_the_middle_does_the_rest_again(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    before = next(step for step in steps(orchestra, "t") if step["next"] == ["editor"])
    done = orchestra("fork", "t", "--at", before["checkpoint"], "--json")
    made = json.loads(done.stdout)
    assert (made["of"], made["at"]) == ("t", before)
    orchestra("resume", made["thread"])
    shown = json.loads(orchestra("show", made["thread"], "--json").stdout)
    assert [turn["path"] for turn in shown["trail"]] == ["writer", "editor"]
    assert shown["output"] == "A [bold] text."


def test_a_fork_of_a_finished_thread_can_be_looked_at(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    newest, *_ = steps(orchestra, "t")
    done = orchestra("fork", "t", "--at", str(newest["step"]), "--as", "copy")
    assert "Look at it: orchestra show copy" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fork", "nowhere"), "there is no thread `nowhere`; `orchestra threads` lists them"),
        (("fork", "nowhere", "--at", "1"), "there is no thread `nowhere`"),
        (("fork", "t", "--at", "99"), "no step or checkpoint `99`; `orchestra fork t` lists them"),
        (("fork", "t", "--at", "0", "--as", "t"), "thread `t` is there already"),
        (("fork", "t", "--at", "0", "--as", ""), "`--as` is empty; leave it out"),
        (("prune",), "name the threads to prune, or `--all`"),
        (("prune", "t", "--all"), "name threads or `--all`, not both"),
        (("prune", "nowhere", "--yes"), "there is no thread `nowhere`"),
        (("prune", "t", "--keep", "2", "--delete"), "`--keep`, `--older-than` and `--delete`"),
        (("prune", "t", "--keep", "0"), "`--keep` is at least 1, not 0; `--delete`"),
        (("prune", "t", "--older-than", "soon"), "such as `90m`, `12h`, `30d` or `4w`"),
        (("prune", "t", "--older-than", "99999999999w"), "`--older-than` is too long"),
        (("prune", "t"), "say `--yes` where nobody can be asked"),
        (("backup", "orchestra.db"), "`orchestra.db` is there already; name another"),
        (("backup", "nowhere/copy.db"), "cannot be made: No such file or directory"),
        (("backup", "copy.db", "--db", "memory://"), "cannot be copied: `memory://`"),
        (("backup", "copy.db", "--db", "nowhere.db"), "there is no database `nowhere.db`"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line_and_changes_nothing(
    orchestra, workplace: Path, words, message
):
    orchestra("run", "article", "x", "--thread", "t")
    before = checkpoints("t")
    done = orchestra(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert checkpoints("t") == before
    assert {path.name for path in workplace.iterdir()} == {"orchestra.db"}


def test_pruning_keeps_the_newest_step_and_all_that_was_said(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    orchestra("run", "article", "y", "--thread", "t")
    before = orchestra("show", "t").stdout
    done = orchestra("prune", "t", "--yes")
    assert done.exit_code == 0
    assert done.stdout.startswith("Dropped ")
    assert checkpoints("t") == 1
    assert orchestra("show", "t").stdout == before


def test_pruning_keeps_as_many_steps_as_are_asked_for(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    before = checkpoints("t")
    document = json.loads(orchestra("prune", "t", "--keep", "2", "--yes", "--json").stdout)
    assert document["threads"] == ["t"]
    assert (document["checkpoints_before"], document["checkpoints_after"]) == (before, 2)
    assert document["bytes"] > 0


def test_pruning_by_age_keeps_what_is_young(orchestra):
    orchestra("run", "article", "x", "--thread", "t")
    before = checkpoints("t")
    orchestra("prune", "t", "--older-than", "1h", "--yes")
    assert checkpoints("t") == before
    orchestra("prune", "t", "--older-than", "0m", "--yes")
    assert checkpoints("t") == 1


def test_a_pruned_thread_that_waits_can_be_answered(orchestra):
    orchestra("run", "panel", "x", "--thread", "t")
    orchestra("prune", "--all", "--yes")
    done = orchestra("resume", "t", "--answer", "ann=yes", "--answer", "bob=red")
    assert done.exit_code == 0
    assert statuses(orchestra) == {"t": "finished"}


def test_deleted_threads_are_gone_and_their_space_is_given_back(orchestra, workplace: Path):
    for number in range(5):
        orchestra("run", "article", "word " * 2000, "--thread", f"t{number}")
    full = (workplace / "orchestra.db").stat().st_size
    done = orchestra("prune", "t0", "t1", "t2", "t3", "--delete", "--vacuum", "--yes")
    assert "4 threads" in done.stdout
    assert statuses(orchestra) == {"t4": "finished"}
    assert (workplace / "orchestra.db").stat().st_size < full


def test_nothing_is_dropped_where_the_space_cannot_be_given_back(orchestra, postgres):
    url = postgres.new_store()
    orchestra("run", "article", "x", "--thread", "t", "--db", url)
    before = checkpoints("t", url)
    done = orchestra("prune", "t", "--delete", "--vacuum", "--yes", "--db", url)
    assert done.exit_code == 2
    assert "this database cannot be made smaller" in done.stderr
    assert checkpoints("t", url) == before


def test_a_database_without_threads_needs_no_pruning(orchestra):
    done = orchestra("prune", "--all", "--db", "memory://")
    assert (done.exit_code, done.stdout) == (0, "There are no threads to prune.\n")


@pytest.mark.parametrize(("typed", "dropped"), [("y", True), ("", False), ("n", False)])
def test_a_person_is_asked_before_anything_is_dropped(orchestra, terminal, typed, dropped):
    orchestra("run", "article", "x", "--thread", "t")
    before = checkpoints("t")
    screen = terminal("prune", "t")
    screen.until("[y/N]")
    screen.type(typed)
    assert screen.end() == (0 if dropped else 1)
    assert checkpoints("t") == (1 if dropped else before)


def test_a_backup_is_a_database_of_its_own_for_its_owner_alone(orchestra, workplace: Path):
    orchestra("run", "article", "x", "--thread", "t")
    done = orchestra("backup", "copy.db")
    assert done.exit_code == 0
    assert done.stdout.startswith("copy.db is a copy of orchestra.db: ")
    assert stat.S_IMODE((workplace / "copy.db").stat().st_mode) == 0o600
    orchestra("prune", "t", "--delete", "--yes")
    assert "A [bold] text." in orchestra("show", "t", "--db", "copy.db").stdout


def test_a_backup_is_told_as_json(orchestra, workplace: Path):
    orchestra("run", "article", "x", "--thread", "t")
    document = json.loads(orchestra("backup", "copy.db", "--json").stdout)
    assert document == {"backup": "copy.db", "bytes": (workplace / "copy.db").stat().st_size}


@pytest.mark.parametrize("command", ["fork", "prune", "backup"])
def test_help_teaches_in_80_columns(orchestra, command):
    shown = orchestra(command, "--help").stdout
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "Usage: " in shown
