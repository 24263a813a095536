"""Saved threads are shown as the results of their runs are."""

from langgraph_orchestra.graphs import create_group_chat, create_sequential
from langgraph_orchestra.nodes import Human
from langgraph_orchestra.reports import report
from langgraph_orchestra.reports.exchange import exchange_in
from langgraph_orchestra.reports.recording import recording_of
from support.pages import Page

CONFIG = {"configurable": {"thread_id": "t"}}


def writer(view):
    return f"About {view.task}."


def critic(view):
    return "Good."


def told(values):
    return [(p.run, p.source, tuple(p.targets), p.text) for p in exchange_in(recording_of(values))]


def test_the_values_of_a_thread_tell_what_its_runs_have_told(saver):
    team = create_sequential([writer, critic]).compile(name="team")
    app = create_sequential([team, writer]).compile(saver)
    first = app.invoke({"messages": "one"}, CONFIG)
    assert told(app.get_state(CONFIG).values) == told(first)
    second = app.invoke({"messages": "two"}, CONFIG)
    values = app.get_state(CONFIG).values
    assert told(values) == told(second)
    assert told(values)[-1] == (2, "writer", ("user",), "About two.")
    assert [p[0] for p in told(values)] == [1] * 4 + [2] * 4
    assert "About one." in Page(report(values, graph=app)).texts["transcript"]


def test_runs_of_one_team_are_told_apart_where_the_thread_says_where_the_latest_begins(saver):
    team = create_sequential([writer, critic]).compile(name="team")
    app = create_sequential([team]).compile(saver)
    for task in ("one", "two"):
        app.invoke({"messages": task}, CONFIG)
    assert len(recording_of(app.get_state(CONFIG).values).runs) == 2


def test_runs_of_a_single_turn_are_told_apart(saver):
    app = create_group_chat([writer], max_turns=1).compile(saver)
    for task in ("one", "two", "three"):
        result = app.invoke({"messages": task}, CONFIG)
    assert [source for _, source, _, _ in told(result)] == ["user", "writer"] * 3


def test_a_thread_that_waits_passes_to_nobody_and_one_that_has_not_begun_shows_nothing(saver):
    app = create_sequential([writer, Human("editor")]).compile(saver)
    assert report(app.get_state(CONFIG).values, graph=app)
    app.invoke({"messages": "one"}, CONFIG)
    assert told(app.get_state(CONFIG).values)[-1] == (1, "writer", (), "About one.")
