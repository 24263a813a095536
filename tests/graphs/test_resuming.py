"""Second runs, crashes, killed processes, and checkpoints that are resumed more than once."""

import asyncio
import signal
import subprocess
import sys

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.nodes import Human, everything
from langgraph_orchestra.state import InputError
from support.members import ONCE, agent, echo, wants
from support.patterns import FINISHED, PATTERNS, RAISING
from support.results import asked, calls, comparable, ended

THREAD = {"configurable": {"thread_id": "1"}}


@pytest.fixture(params=PATTERNS)
def pattern(request):
    """Each pattern's factory, for graphs of one participant."""
    return PATTERNS[request.param]


@pytest.fixture(params=PATTERNS)
def failing_pattern(request):
    """Each pattern's factory, with errors that are raised."""
    options = RAISING.get(request.param, {})
    return lambda participants: PATTERNS[request.param](participants, **options)


# Runs on one thread


def test_a_second_run_keeps_the_transcript_and_starts_everything_else_afresh(pattern, run, saver):
    app = pattern([agent("a", "one", "two")]).compile(checkpointer=saver)
    first = run(app, "first task", thread="1")
    second = run(app, "second task", thread="1")
    assert "one" in first["output"]
    assert "two" in second["output"]
    assert "one" not in second["output"]
    said = [m.text for m in second["messages"] if m.name not in ("aggregate", "manager", "finish")]
    assert said == ["first task", "one", "second task", "two"]
    assert [turn.step for turn in second["trail"] if turn.agent == "a"] == [1, 1]


def test_stop_and_output_are_those_of_the_current_run(failing_pattern, run, saver):
    member = agent("a", "one", ValueError("no"), policy=ONCE)
    app = failing_pattern([member]).compile(checkpointer=saver)
    assert run(app, thread="1")["stop"].reason in FINISHED
    with pytest.raises(ValueError, match="no"):
        run(app, thread="1")
    values = app.get_state(THREAD).values
    assert (values["stop"], values["output"]) == (None, "")


def test_resuming_a_finished_run_calls_nobody_and_raises_nothing(pattern, run, saver):
    member = agent("a")
    app = pattern([member]).compile(checkpointer=saver)
    before = comparable(run(app, thread="1"))
    run(app, None, thread="1")
    after = app.get_state(THREAD)
    assert (comparable(after.values), after.next) == (before, ())
    assert calls(member) == [1]


NEW_TASKS = {
    "plain": [HumanMessage("again")],
    "named": [HumanMessage("again", name="ann")],
    "ends with an answer": [HumanMessage("again"), AIMessage("let me see")],
    "has a tool's result": [
        HumanMessage("look"),
        wants("look_up"),
        ToolMessage("seen", tool_call_id="call-1"),
        HumanMessage("again"),
    ],
}


@pytest.mark.parametrize("again", NEW_TASKS)
def test_a_new_task_after_a_crash_is_a_new_run(failing_pattern, run, saver, again):
    member = agent("a", ValueError("no"), "done", policy=ONCE, history=everything())
    app = failing_pattern([member]).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="no"):
        run(app, {"messages": [HumanMessage("first", name="ann")]}, thread="1")
    result = run(app, {"messages": NEW_TASKS[again]}, thread="1")
    assert "done" in result["output"]
    assert result["stop"].reason in FINISHED


def test_a_new_task_after_a_crash_is_not_mixed_with_the_unfinished_one(run, saver):
    views = []

    def look(view):
        views.append(view)
        return "seen"

    broken = agent("b", ValueError("no"), "fine", policy=ONCE)
    app = create_sequential([look, broken]).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="no"):
        run(app, {"messages": [HumanMessage("first", name="ann")]}, thread="1")
    run(app, {"messages": [HumanMessage("second", name="ann")]}, thread="1")
    _, second = views
    assert [m.text for m in second.task_messages] == ["second"]
    assert (second.turns, second.said) == ((), ())


def test_no_new_message_after_a_crash_is_an_empty_task(run, saver):
    broken = agent("b", ValueError("no"), "fine", policy=ONCE)
    app = create_sequential([agent("a"), broken]).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="no"):
        run(app, thread="1")
    with pytest.raises(InputError, match="the task is empty"):
        run(app, {"messages": []}, thread="1")


def test_an_interrupted_run_can_be_left_for_a_new_task(run, saver):
    app = create_sequential([agent("a", "one", "two"), Human("boss")]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    waiting = asked(run(app, "second", thread="1"))
    (request,) = waiting.value["action_requests"]
    assert (request["args"]["draft"], waiting.value["thread_task"]) == ("two", "second")


@pytest.mark.parametrize("removed", [["t1"], ["t1", "t2"], [REMOVE_ALL_MESSAGES]], ids=repr)
@pytest.mark.parametrize("added", [1, 2, 3])
def test_messages_may_be_removed_between_runs(run, saver, removed, added):
    views = []

    def look(view):
        views.append(view)
        return f"seen {len(views)}"

    app = create_sequential([look]).compile(checkpointer=saver)
    first = [HumanMessage("one", id="t1"), HumanMessage("two", id="t2")]
    run(app, {"messages": first}, thread="1")
    new = [f"new {number}" for number in range(added)]
    run(app, {"messages": [*map(RemoveMessage, removed), *map(HumanMessage, new)]}, thread="1")
    _, second = views
    assert [m.text for m in second.task_messages] == new


# Crashes


def stages(*replies):
    """Three stages, the second of which says or raises `replies`."""
    return [agent("a", "alpha"), agent("b", *replies, policy=ONCE), agent("c", "gamma")]


def test_a_crashed_run_goes_on_in_a_new_process_without_running_finished_turns(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as saver, pytest.raises(ValueError, match="down"):
        run(create_sequential(stages(ValueError("down"))).compile(checkpointer=saver), thread="1")
    with open_checkpointer(url) as saver:
        members = stages("beta")
        app = create_sequential(members).compile(checkpointer=saver)
        assert app.get_state(THREAD).next == ("b",)
        result = run(app, None, thread="1")
    assert calls(*members) == [0, 1, 1]
    live = run(create_sequential(stages("beta")).compile())
    assert comparable(result) == comparable(live)


def test_the_frontier_after_a_crash_is_the_live_one(run, saver):
    app = create_sequential(stages(ValueError("down"), "beta")).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="down"):
        run(app, thread="1")
    crashed = app.get_state(THREAD)
    run(app, None, thread="1")
    live = [state.next for state in app.get_state_history(THREAD)]
    assert live == [(), ("c",), ("b",), ("a",), ("intake",), ("__start__",)]
    assert crashed.next == ("b",)


def test_resuming_the_same_checkpoint_three_times_gives_three_times_the_same_state(run, saver):
    app = create_sequential([echo("a"), echo("b"), echo("c")]).compile(checkpointer=saver)
    run(app, "go", thread="1")
    (middle,) = (state for state in app.get_state_history(THREAD) if state.next == ("b",))
    first, second, third = (comparable(run(app, None, config=middle.config)) for _ in range(3))
    assert first == second == third
    assert [turn["agent"] for turn in first["trail"]] == ["a", "b", "c"]


def test_resuming_the_same_interrupt_three_times_gives_three_times_the_same_state(run, saver):
    app = create_sequential([echo("a"), Human("boss"), echo("c")]).compile(checkpointer=saver)
    run(app, "go", thread="1")
    waiting = app.get_state(THREAD).config
    first, second, third = (
        comparable(run(app, Command(resume="yes"), config=waiting)) for _ in range(3)
    )
    assert first == second == third
    assert first["stop"].reason == "completed"


async def test_a_cancelled_run_goes_on_with_the_turn_it_was_cancelled_in(saver):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(view):
        begun.set()
        await may_end.wait()
        return "slow"

    first = agent("a")
    app = create_sequential([first, slow, agent("c")]).compile(checkpointer=saver)
    task = asyncio.create_task(app.ainvoke({"messages": "go"}, THREAD))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    may_end.set()
    assert ended(await app.ainvoke(None, THREAD)) == ("c", "completed")
    assert calls(first) == [1]


def test_a_run_stops_and_goes_on_at_breakpoints(run, saver):
    app = create_sequential([agent("a"), agent("b"), agent("c")]).compile(
        checkpointer=saver, interrupt_before=["b"], interrupt_after=["b"]
    )
    run(app, thread="1")
    assert app.get_state(THREAD).next == ("b",)
    run(app, None, thread="1")
    assert app.get_state(THREAD).next == ("c",)
    assert ended(run(app, None, thread="1")) == ("c", "completed")


KILLED = """
import os, signal, sys
from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent

url, task = sys.argv[1], sys.argv[2]

def b(view):
    if task:
        os.kill(os.getpid(), signal.SIGKILL)
    return "beta"

a, c = (Agent(name, "", model=ScriptedModel([name])) for name in "ac")
with open_checkpointer(url) as saver:
    app = create_sequential([a, b, c]).compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}
    result = app.invoke({"messages": task} if task else None, config, durability="sync")
    print(len(a.model.calls), result["output"], *(turn.agent for turn in result["trail"]))
"""


def test_a_killed_process_loses_at_most_the_turn_in_progress(tmp_path):
    def process(task):
        command = [sys.executable, "-c", KILLED, f"sqlite:///{tmp_path}/runs.db", task]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert process("go").returncode == -signal.SIGKILL
    resumed = process("")
    assert resumed.stdout == "0 c a b c\n", resumed.stderr


def test_a_run_that_has_been_resumed_ends_like_one_that_never_stopped(run, saver):
    app = create_sequential(stages(ValueError("down"), "beta")).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="down"):
        run(app, thread="1")
    assert ended(run(app, None, thread="1")) == ("gamma", "completed")
    assert ended(run(app, None, thread="1")) == ("gamma", "completed")
