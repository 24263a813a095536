"""A run begins with what is new on its thread, and with nothing of the run before it."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.nodes import Limits, View, question
from langgraph_orchestra.state import InputError

IMAGE = {"type": "image", "url": "https://example.com/octopus.png"}


def echo(view: View) -> str:
    return f"you said {view.task}"


def app_of(*participants: Any, saver: Any = None, **options: Any) -> Any:
    return create_sequential(participants or [echo], **options).compile(checkpointer=saver)


@pytest.mark.parametrize(
    "blank",
    [
        "",
        " \n\t",
        [],
        ["", "  "],
        [("user", " ")],
        HumanMessage([]),
        HumanMessage([{"type": "text", "text": " "}]),
        HumanMessage([{"type": "text"}]),
        HumanMessage([{"type": "text", "text": None}]),
        HumanMessage([" "]),
    ],
    ids=repr,
)
def test_a_task_without_a_word_is_refused_before_anybody_is_called(run, blank):
    called: list[View] = []
    with pytest.raises(InputError, match=r"the task is empty: give at least one message"):
        run(app_of(listening(called)), {"messages": blank})
    assert called == []


@pytest.mark.parametrize(
    "given", [None, 5, [None], ["go", 5], [("stranger", "go")], {"role": "user"}], ids=repr
)
def test_what_is_no_message_is_refused_by_name_before_anybody_is_called(run, given):
    called: list[View] = []
    with pytest.raises(InputError, match=r"`messages` holds .*, which is no message: give a text"):
        run(app_of(listening(called)), {"messages": given})
    assert called == []


def listening(called: list[View]) -> Any:
    """A participant that keeps what it sees."""

    def listener(view: View) -> str:
        called.append(view)
        return "heard"

    return listener


@pytest.mark.parametrize(
    "task",
    [
        "go",
        ["", "go"],
        HumanMessage([IMAGE]),
        HumanMessage([{"type": "text", "text": ""}, IMAGE]),
        HumanMessage(["go"]),
        [SystemMessage("be brief"), HumanMessage("go")],
        AIMessage("go"),
    ],
    ids=repr,
)
def test_anything_that_says_something_is_a_task(run, task):
    called: list[View] = []
    run(app_of(listening(called)), {"messages": task})
    (view,) = called
    given = task if isinstance(task, list) else [task]
    assert len(view.task_messages) == len(given)


def test_without_any_message_there_is_no_task(run):
    with pytest.raises(InputError):
        run(app_of(), {"messages": []})


def test_each_run_has_its_own_task_and_the_thread_keeps_all(run, saver):
    views: list[View] = []
    app = app_of(listening(views), saver=saver)
    run(app, ["one", "two"], thread="1")
    run(app, "three", thread="1")
    assert [[m.text for m in view.task_messages] for view in views] == [["one", "two"], ["three"]]
    assert [m.text for m in views[-1].messages] == ["one", "two", "heard", "three"]
    assert [[turn.step for turn in view.trail] for view in views] == [[], []]


def test_output_and_stop_are_those_of_the_latest_run(run, saver):
    app = app_of(echo, question("boss", "?"), saver=saver)
    run(app, "one", thread="1")
    first = run(app, Command(resume="fine"), thread="1")
    assert first["stop"].reason == "completed"
    second = run(app, "two", thread="1")
    assert (second["output"], second.get("stop")) == ("you said two", None)


def test_a_run_that_is_resumed_keeps_its_task(run, saver):
    app = app_of(question("boss", "?"), echo, saver=saver)
    run(app, "one", thread="1")
    assert run(app, Command(resume="fine"), thread="1")["output"] == "you said one"


def test_a_task_after_a_run_that_was_never_finished_is_the_new_one(run, saver):
    views: list[View] = []
    app = app_of(listening(views), question("boss", "?"), saver=saver)
    run(app, "one", thread="1")
    run(app, "two", thread="1")
    assert [[m.text for m in view.task_messages] for view in views] == [["one"], ["two"]]


def test_a_task_after_a_crash_is_the_new_one(run, saver):
    def crash(view: View) -> str:
        if view.task == "one":
            raise LookupError("no octopus")
        return "fine"

    app = app_of(crash, saver=saver)
    with pytest.raises(LookupError):
        run(app, "one", thread="1")
    views: list[View] = []
    run(app_of(listening(views), saver=saver), "two", thread="1")
    (view,) = views
    assert view.task == "two"


def test_a_thread_may_be_shortened_between_runs(run, saver):
    app = app_of(saver=saver)
    for task in ("one", "two"):
        run(app, task, thread="1")
    everything_anew = [RemoveMessage(id=REMOVE_ALL_MESSAGES), HumanMessage("three")]
    result = run(app, {"messages": everything_anew}, thread="1")
    assert result["output"] == "you said three"
    assert [message.text for message in result["messages"]] == ["three", "you said three"]


def test_a_message_may_be_removed_with_the_next_task(run, saver):
    app = app_of(saver=saver)
    first = run(app, "one", thread="1")
    removed = RemoveMessage(id=first["messages"][0].id)
    result = run(app, {"messages": [removed, HumanMessage("two")]}, thread="1")
    assert result["output"] == "you said two"


def test_a_run_that_ends_at_a_limit_has_ended_too(run, saver):
    app = app_of(echo, listening([]), saver=saver, limits=Limits(turns=1))
    run(app, "one", thread="1")
    result = run(app, "two", thread="1")
    assert (result["output"], result["stop"].reason) == ("you said two", "turn_limit")
