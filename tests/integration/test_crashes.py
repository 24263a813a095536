"""Processes that are killed in the middle of a run: a new one takes up where they were."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from langgraph_orchestra.checkpoints import open_checkpointer, threads
from support.crash_graphs import GRAPHS, Diary

TESTS = Path(__file__).parents[1]


class Crashes:
    """Runs a graph in processes of its own, on one database and one diary.

    The processes run it sync and async in turn, as one thread may be served either way.

    Args:
        folder: Where the files are.
        modes: How the first process runs it, and how the next one does.
    """

    def __init__(self, folder: Path, modes: Sequence[str] = ("sync", "async")) -> None:
        self.database = folder / "runs.db"
        self.diary = Diary(folder / "diary.txt")
        self._modes = itertools.cycle(modes)
        self._started: list[subprocess.Popen[str]] = []

    def kill_at(self, graph: str, stage: str, *options: str) -> None:
        """Let a process come to a stage, and kill it there."""
        process = self._start(graph, "--hold", stage, *options)
        _expect(process, "holding")
        _kill(process)

    def kill_at_result(self, graph: str, *options: str) -> dict[str, Any]:
        """Let a process run until its graph returns, kill it, and return the result."""
        process = self._start(graph, "--hold", "result", *options)
        result: dict[str, Any] = json.loads(_expect(process, "{"))
        _expect(process, "holding")
        _kill(process)
        return result

    def finish(self, graph: str, *options: str) -> dict[str, Any]:
        """Let a process run to its end, and return its result."""
        output, errors = self._start(graph, *options).communicate()
        assert output, errors
        result: dict[str, Any] = json.loads(output)
        return result

    def end_all(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()

    def _start(self, graph: str, *options: str) -> subprocess.Popen[str]:
        paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "support.crash_process"),
                *(graph, str(self.database), str(self.diary.path)),
                *(next(self._modes), *options),
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process


def _expect(process: subprocess.Popen[str], beginning: str) -> str:
    """The next line of a process; a process that has failed instead shows why."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line.startswith(beginning), line + process.stderr.read()
    return line


def _kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.fixture
def crashes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crashes]:
    """Crashes; the first process runs sync, unless a test is parametrised indirectly.

    No process outlives the test.
    """
    crashes = Crashes(tmp_path, getattr(request, "param", ("sync", "async")))
    yield crashes
    crashes.end_all()


either_way = pytest.mark.parametrize(
    "crashes", [("sync", "async"), ("async", "sync")], ids="-".join, indirect=True
)
"""Runs a test twice: a sync run crashes and an async one goes on, and the other way round."""


SEQUENCE = {
    "output": "Rating(stars=5)",
    "stop": "completed",
    "messages": [
        [None, "Go"],
        ["gather", "answer of gather"],
        ["write", "answer of write"],
        ["check", ""],
        ["lookup", "arm: found"],
        ["check", "answer of check"],
        ["rate", '{"stars":5}'],
    ],
    "trail": [
        ["gather", 1, "ok", 0],
        ["write", 2, "ok", 10],
        ["check", 3, "ok", 20],
        ["rate", 4, "ok", 10],
    ],
    "results": [],
    "interrupts": {},
}


@pytest.mark.parametrize(
    ("stage", "ran"),
    [
        ("gather:end", ["gather", "gather", "write", "check", "lookup", "check", "rate"]),
        (
            "lookup",
            ["gather", "write", "check", "lookup", "check", "lookup", "check", "rate"],
        ),
        ("rate", ["gather", "write", "check", "lookup", "check", "rate", "rate"]),
    ],
)
def test_a_killed_sequence_repeats_the_turn_in_progress_and_no_other(crashes, stage, ran):
    crashes.kill_at("sequence", stage, "--input", "Go")

    assert crashes.finish("sequence") == SEQUENCE
    assert crashes.diary.names == ran


@either_way
def test_a_run_that_is_killed_twice_still_ends_as_if_nothing_had_happened(crashes):
    crashes.kill_at("sequence", "write", "--input", "Go")
    crashes.kill_at("sequence", "check")

    assert crashes.finish("sequence") == SEQUENCE
    ran = "gather write write check check lookup check rate"
    assert crashes.diary.names == ran.split()


def test_a_finished_run_stays_finished_when_its_process_is_killed(crashes):
    finished = crashes.kill_at_result("sequence", "--input", "Go")

    assert finished == SEQUENCE
    assert crashes.finish("sequence") == SEQUENCE
    assert crashes.diary.names == ["gather", "write", "check", "lookup", "check", "rate"]


def test_a_new_task_after_a_crash_begins_a_run_of_its_own(crashes):
    crashes.kill_at("sequence", "check", "--input", "Go")

    result = crashes.finish("sequence", "--input", "Again")

    assert result["output"] == "Rating(stars=5)"
    finished, anew = ["gather", "write"], ["gather", "write", "check", "rate"]
    assert [path for path, *_ in result["trail"]] == [*finished, *anew]
    assert [step for _, step, *_ in result["trail"]] == [1, 2, 1, 2, 3, 4]


BRANCHES = {
    "output": "one + two + three",
    "stop": "completed",
    "messages": [
        [None, "Go"],
        ["one", "answer of one"],
        ["two", "answer of two"],
        ["three", "answer of three"],
        ["aggregate", "one + two + three"],
    ],
    "trail": [
        ["one", 1, "ok", 0],
        ["two", 2, "ok", 0],
        ["three", 3, "ok", 10],
        ["aggregate", 4, "ok", 0],
    ],
    "results": [
        ["one", "answer of one"],
        ["two", "answer of two"],
        ["three", "answer of three"],
    ],
    "interrupts": {},
}


@either_way
def test_finished_branches_do_not_run_again_when_one_is_killed(crashes):
    crashes.kill_at("branches", "two", "--input", "Go", "--after", "one", "three")

    assert crashes.finish("branches") == BRANCHES
    assert Counter(crashes.diary.names) == {"one": 1, "two": 2, "three": 1, "total": 1}


@either_way
def test_no_branch_runs_again_when_the_aggregator_is_killed(crashes):
    crashes.kill_at("branches", "total", "--input", "Go")

    assert crashes.finish("branches") == BRANCHES
    assert Counter(crashes.diary.names) == {"one": 1, "two": 1, "three": 1, "total": 2}


TEAMS = {
    "output": "answer of after",
    "stop": "completed",
    "messages": [
        [None, "Go"],
        ["before", "answer of before"],
        ["team", "answer of leave"],
        ["after", "answer of after"],
    ],
    "trail": [
        ["before", 1, "ok", 0],
        ["team/enter", 2, "ok", 0],
        ["team/core/deep", 2, "ok", 0],
        ["team/core/deeper", 2, "ok", 10],
        ["team/leave", 2, "ok", 0],
        ["after", 3, "ok", 0],
    ],
    "results": [],
    "interrupts": {},
}


@pytest.mark.parametrize("stage", ["deep", "deeper", "leave"])
def test_a_killed_team_repeats_its_members_turn_and_no_other(crashes, stage):
    crashes.kill_at("teams", stage, "--input", "Go")

    assert crashes.finish("teams") == TEAMS
    ran = ["before", "enter", "deep", "deeper", "leave", "after"]
    assert Counter(crashes.diary.names) == Counter([*ran, stage])


def test_finished_branches_of_a_team_do_not_run_again(crashes):
    crashes.kill_at("fan_in_team", "two", "--input", "Go", "--after", "one", "three")

    result = crashes.finish("fan_in_team")

    assert Counter(crashes.diary.names) == {
        "before": 1,
        "one": 1,
        "two": 2,
        "three": 1,
        "total": 1,
        "after": 1,
    }
    assert [[path, tokens] for path, _, _, tokens in result["trail"]] == [
        ["before", 0],
        ["team/one", 0],
        ["team/two", 0],
        ["team/three", 10],
        ["team/aggregate", 0],
        ["after", 0],
    ]


@either_way
def test_finished_items_do_not_run_again_when_one_is_killed(crashes):
    others = [f"worker[{index}]" for index in (0, 1, 3, 4)]
    crashes.kill_at("items", "item-2", "--input", "Go", "--after", *others)

    result = crashes.finish("items")

    assert Counter(crashes.diary.names) == {
        **{f"item-{index}": 1 for index in (0, 1, 3, 4)},
        "item-2": 2,
    }
    assert result["results"] == [[f"worker[{i}]", f"answer of item-{i}"] for i in range(5)]
    assert [turn[0] for turn in result["trail"]] == [
        *(f"worker[{index}]" for index in range(5)),
        "aggregate",
    ]


def test_a_pending_question_survives_kills_and_is_answered_in_a_third_process(crashes):
    waiting = crashes.kill_at_result("reviewed", "--input", "Go")
    still_waiting = crashes.kill_at_result("reviewed")

    (interrupt_id,) = waiting["interrupts"].values()
    answers = json.dumps({interrupt_id: {"decisions": [{"type": "approve"}]}})
    result = crashes.finish("reviewed", "--answers", answers)

    assert still_waiting["interrupts"] == waiting["interrupts"]
    assert result["output"] == "answer of publish"
    assert crashes.diary.names == ["write", "publish"]
    assert result["trail"] == [
        ["write", 1, "ok", 10],
        ["editor", 2, "ok", 0],
        ["publish", 3, "ok", 0],
    ]


def test_a_process_killed_after_the_answer_does_not_ask_again(crashes):
    crashes.kill_at_result("reviewed", "--input", "Go")
    crashes.kill_at("reviewed", "publish", "--answers", '"approve"')

    result = crashes.finish("reviewed")

    assert result["interrupts"] == {}
    assert result["output"] == "answer of publish"
    assert crashes.diary.names == ["write", "publish", "publish"]


@either_way
def test_two_people_who_are_asked_at_once_answer_in_different_processes(crashes):
    ids = crashes.kill_at_result("asked", "--input", "Go")["interrupts"]
    waiting = crashes.kill_at_result("asked", "--answers", json.dumps({ids["ben"]: "yes"}))
    result = crashes.finish("asked", "--answers", json.dumps({ids["ann"]: "no"}))

    assert waiting["interrupts"] == {"ann": ids["ann"]}
    assert result["results"] == [["ann", "no"], ["one", "answer of one"], ["ben", "yes"]]
    assert crashes.diary.names == ["one"]


@either_way
def test_a_tool_that_waits_for_approval_runs_once_in_the_process_that_has_the_answer(crashes):
    waiting = crashes.kill_at_result("approved", "--input", "Go")
    result = crashes.finish("approved", "--answers", '{"decisions": [{"type": "approve"}]}')

    assert len(waiting["interrupts"]) == 1
    assert crashes.diary.names == ["clerk", "pay", "clerk", "publish"]
    assert result["trail"] == [["clerk", 1, "ok", 20], ["publish", 2, "ok", 0]]


def test_a_killed_run_shows_as_unfinished_and_a_finished_one_as_finished(crashes):
    crashes.kill_at("sequence", "write", "--input", "Go")
    with open_checkpointer(crashes.database) as saver:
        (killed,) = threads(saver)
    crashes.finish("sequence")
    with open_checkpointer(crashes.database) as saver:
        (finished,) = threads(saver)

    assert (killed.status, finished.status) == ("unfinished", "finished")


@pytest.mark.parametrize(
    ("graph", "stage", "repeated"),
    [
        ("sequence", "check", ["check"]),
        ("sequence", "lookup", ["check", "lookup"]),
        ("branches", "total", ["total"]),
        ("teams", "deeper", ["deeper"]),
    ],
)
def test_a_run_that_raised_repeats_only_what_had_raised(run, tmp_path, graph, stage, repeated):
    failures = [OSError("the disk is full")]

    def visit(name: str) -> None:
        if name == stage and failures:
            raise failures.pop()

    def attempt(diary: Diary, task: Any) -> dict[str, Any]:
        with open_checkpointer(tmp_path / "runs.db") as saver:
            app = GRAPHS[graph](diary).compile(checkpointer=saver)
            result: dict[str, Any] = run(app, task, thread="1", durability="sync")
            return result

    diary = Diary(tmp_path / "diary.txt", visit)
    with pytest.raises(OSError, match="the disk is full"):
        attempt(diary, "Go")
    result = attempt(Diary(tmp_path / "diary.txt"), None)

    expected = Counter(diary.names)
    assert result["stop"].reason == "completed"
    assert all(expected[name] >= 2 for name in repeated)
    finished = [name for name in expected if name not in repeated]
    assert all(expected[name] == 1 for name in finished), diary.names


HANDED = {
    "output": "answer of boss",
    "stop": "completed",
    "messages": [
        [None, "Go"],
        ["desk", "words of desk"],
        ["lookup", "arm: found"],
        ["handoff_to_clerk", "Handed off to clerk."],
        ["clerk", "words of clerk"],
        ["handoff_to_boss", "Handed off to boss."],
        ["boss", "answer of boss"],
    ],
    "trail": [
        ["desk", 1, "handed_off", 10],
        ["clerk", 2, "handed_off", 10],
        ["boss", 3, "ok", 10],
    ],
    "results": [],
    "interrupts": {},
}


@pytest.mark.parametrize(
    ("stage", "ran"),
    [
        ("lookup", ["desk", "lookup", "desk", "lookup", "clerk", "boss"]),
        ("clerk", ["desk", "lookup", "clerk", "clerk", "boss"]),
        ("boss", ["desk", "lookup", "clerk", "boss", "boss"]),
    ],
)
@either_way
def test_a_handoff_graph_killed_anywhere_loses_the_turn_in_progress_at_most(crashes, stage, ran):
    crashes.kill_at("handed", stage, "--input", "Go")
    assert crashes.finish("handed") == HANDED
    assert crashes.diary.names == ran


CHAT = {
    "output": "answer of closing",
    "stop": "completed",
    "messages": [
        [None, "Go"],
        ["ann", "answer of ann"],
        ["bob", "answer of bob"],
        ["selector", "42"],
        ["summary", "answer of closing"],
    ],
    "trail": [
        ["selector", 1, "ok", 10],
        ["ann", 1, "ok", 10],
        ["selector", 2, "ok", 10],
        ["bob", 2, "ok", 10],
        ["selector", 3, "ok", 10],
        ["summary", 3, "ok", 10],
    ],
    "results": [],
    "interrupts": {},
}


@pytest.mark.parametrize(
    ("stage", "ran"),
    [
        ("leader", ["leader", "leader", "ann", "leader", "bob", "leader", "closing"]),
        ("ann", ["leader", "ann", "ann", "leader", "bob", "leader", "closing"]),
        ("bob", ["leader", "ann", "leader", "bob", "bob", "leader", "closing"]),
        ("closing", ["leader", "ann", "leader", "bob", "leader", "closing", "closing"]),
    ],
)
@either_way
def test_a_chat_killed_anywhere_loses_the_turn_or_the_choice_in_progress(crashes, stage, ran):
    crashes.kill_at("chat", stage, "--input", "Go")
    assert crashes.finish("chat") == CHAT
    assert crashes.diary.names == ran


CHECKED = {
    "output": "answer of draft-2",
    "stop": "approved",
    "messages": [
        [None, "Go"],
        ["draft", "answer of draft-1"],
        ["facts", "answer of facts-1"],
        ["rules", "answer of rules-1"],
        ["draft", "answer of draft-2"],
        ["facts", "answer of facts-2"],
        ["rules", "answer of rules-2"],
    ],
    "trail": [
        [name, step, "ok", 0] for step, name in enumerate(["draft", "facts", "rules"] * 2, start=1)
    ],
    "results": [],
    "interrupts": {},
}


@pytest.mark.parametrize(
    ("stage", "after", "again"),
    [
        ("draft-1", (), ["draft-1"]),
        ("rules-1", ("facts",), ["rules-1"]),
        ("draft-2", (), ["draft-2"]),
        ("facts-2", ("rules", "rules"), ["facts-2"]),
    ],
)
@either_way
def test_a_killed_maker_checker_repeats_the_turn_in_progress_and_no_other(
    crashes, stage, after, again
):
    waits = ["--after", *after] if after else []
    crashes.kill_at("checked", stage, "--input", "Go", *waits)
    assert crashes.finish("checked") == CHECKED
    ran = Counter(crashes.diary.names)
    assert {name for name, times in ran.items() if times > 1} == set(again)
    assert set(ran) == {f"{who}-{n}" for who in ("draft", "facts", "rules") for n in (1, 2)}


DELEGATED = {
    "output": "answer of all",
    "stop": "completed",
    "messages": [[None, "Go"], ["synthesise", "answer of all"]],
    "trail": [
        ["planner", 1, "ok", 10],
        ["one", 1, "ok", 0],
        ["two", 2, "ok", 0],
        ["review", 3, "ok", 10],
        ["two", 3, "ok", 0],
        ["three", 4, "ok", 10],
        ["review", 5, "ok", 10],
        ["one", 5, "ok", 0],
        ["review", 6, "ok", 10],
        ["synthesise", 6, "ok", 10],
    ],
    "results": [
        ["s1", "answer of one-s1-1"],
        ["s2", "answer of two-s2-2"],
        ["s3", "answer of three"],
        ["s4", "answer of one-s4-1"],
    ],
    "interrupts": {},
}

DELEGATED_STAGES = {
    "planner": [],
    "one-s1-1": ["s2"],
    "review-s1-s2": [],
    "two-s2-2": ["s3"],
    "review-s2-s3": [],
    "one-s4-1": [],
    "synthesis": [],
}


@pytest.mark.parametrize("stage", DELEGATED_STAGES)
def test_a_killed_supervisor_repeats_the_turn_in_progress_and_no_other(crashes, stage):
    after = DELEGATED_STAGES[stage]
    waits = ["--after", *after] if after else []
    crashes.kill_at("delegated", stage, "--input", "Go", *waits)

    assert crashes.finish("delegated") == DELEGATED
    ran = [
        *("planner", "one-s1-1", "two-s2-1", "review-s1-s2", "two-s2-2", "three"),
        *("review-s2-s3", "one-s4-1", "review-s4", "synthesis"),
    ]
    assert Counter(crashes.diary.names) == Counter([*ran, stage])


@either_way
def test_two_workers_who_are_people_answer_in_different_processes(crashes):
    ids = crashes.kill_at_result("consulted", "--input", "Go")["interrupts"]
    waiting = crashes.kill_at_result("consulted", "--answers", json.dumps({ids["ben"]: "yes"}))
    result = crashes.finish("consulted", "--answers", json.dumps({ids["ann"]: "no"}))

    assert waiting["interrupts"] == {"ann": ids["ann"]}
    assert result["output"] == "no\n\nyes\n\nanswer of one"
    assert crashes.diary.names == ["planner", "one", "review"]


@either_way
def test_what_a_tool_has_done_stands_in_the_trail_of_the_process_that_goes_on(crashes):
    (asked,) = crashes.kill_at_result("assisted", "--input", "Go")["interrupts"].values()
    result = crashes.finish("assisted", "--answers", json.dumps({asked: "yes"}))

    assert result["output"] == "answer of boss"
    assert result["trail"] == [
        ["boss", 1, "ok", 30],
        ["boss/clerk", 1, "ok", 10],
        ["boss/ada", 1, "ok", 0],
    ]
    assert crashes.diary.names == ["boss", "clerk", "boss", "boss"]


LED = {
    "output": "answer of cid",
    "stop": "completed",
    "messages": [
        [None, "Go"],
        ["manager", "To ann: go on"],
        ["ann", "answer of ann"],
        ["manager", "To bob, cid: go on"],
        ["bob", "answer of bob"],
        ["cid", "answer of cid"],
        ["finish", "answer of cid"],
    ],
    "trail": [
        ["planner", 1, "ok", 0],
        ["manager", 1, "ok", 0],
        ["ann", 1, "ok", 0],
        ["manager", 2, "ok", 0],
        ["planner", 2, "ok", 0],
        ["manager", 2, "ok", 0],
        ["bob", 2, "ok", 0],
        ["cid", 3, "ok", 10],
        ["manager", 4, "ok", 0],
        ["finish", 4, "ok", 0],
    ],
    "results": [],
    "interrupts": {},
}

LED_BY = ["plan", "assess-0", "ann", "assess-1", "replan", "assess-2", "assess-3", "conclude"]


@pytest.mark.parametrize("stage", LED_BY)
@either_way
def test_a_led_team_killed_anywhere_repeats_what_was_in_progress_and_nothing_else(crashes, stage):
    crashes.kill_at("led", stage, "--input", "Go")
    assert crashes.finish("led") == LED
    assert Counter(crashes.diary.names) == Counter([*LED_BY, "bob", "cid", stage])


@either_way
def test_of_several_at_work_only_who_was_killed_works_again(crashes):
    crashes.kill_at("led", "bob", "--input", "Go", "--after", "cid")
    assert crashes.finish("led") == LED
    assert Counter(crashes.diary.names) == Counter([*LED_BY, "bob", "cid", "bob"])
