"""Group chat: people in other processes and in chats inside chats, and chats as members."""

from contextlib import ExitStack

import pytest
from langgraph.types import Command

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import (
    create_concurrent,
    create_group_chat,
    create_map_reduce,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Human, by_model, by_person, rotate_random, turns
from support.chats import finished, says, talkers
from support.members import agent, echo
from support.results import asked, calls, comparable, ended, outcomes, spoken


def reply(result, answer):
    """The command that answers the one request."""
    return Command(resume={asked(result).id: answer})


CHATS = {
    "seat": lambda: create_group_chat([echo("ann"), Human("pat")], max_turns=5),
    "observer": lambda: create_group_chat(
        [echo("ann"), echo("bob")], observer=Human("guide"), select=rotate_random(4), max_turns=4
    ),
    "chooser": lambda: create_group_chat([echo("ann"), echo("bob")], select=by_person("boss")),
}
GIVEN = {"seat": ["one", "two"], "observer": ["a", "", "b", ""], "chooser": ["bob", "ann", ""]}


def answered(run, app_of, given):
    """Run a chat and answer its requests, each with an app of its own."""
    result = run(app_of(), thread="1")
    for answer in given:
        result = run(app_of(), reply(result, answer), thread="1")
    return comparable(result)


@pytest.mark.parametrize("kind", CHATS)
def test_a_chat_goes_on_with_newly_built_objects_as_with_the_old_ones(kind, run, tmp_path):
    with open_checkpointer(f"sqlite:///{tmp_path}/old.db") as saver:
        app = CHATS[kind]().compile(checkpointer=saver)
        whole = answered(run, lambda: app, GIVEN[kind])
    with ExitStack() as opened:

        def newly_built():
            saver = opened.enter_context(open_checkpointer(f"sqlite:///{tmp_path}/new.db"))
            return CHATS[kind]().compile(checkpointer=saver)

        assert answered(run, newly_built, GIVEN[kind]) == whole


def debate(name, person):
    """A chat of an agent and a person, two turns long."""
    members = [agent(f"{name}_agent"), Human(person)]
    return create_group_chat(members, max_turns=2).compile(name=name)


@pytest.mark.parametrize("first", ["pat", "kim"])
def test_two_chats_that_wait_at_once_are_answered_in_either_order(first, run, saver):
    app = create_concurrent([debate("left", "pat"), debate("right", "kim")]).compile(
        checkpointer=saver
    )
    waiting = run(app, thread="1")
    ids = {one.value["node"]: one.id for one in waiting["__interrupt__"]}
    assert sorted(ids) == ["kim", "pat"]
    other = run(app, Command(resume={ids[first]: f"I am {first}"}), thread="1")
    assert asked(other).value["node"] != first
    second = asked(other).value["node"]
    assert asked(other).id == ids[second]
    result = run(app, Command(resume={ids[second]: f"I am {second}"}), thread="1")
    assert outcomes(result) == [
        ("left/left_agent", "ok"),
        ("left/pat", "ok"),
        ("right/right_agent", "ok"),
        ("right/kim", "ok"),
        ("aggregate", "ok"),
    ]
    details = {key: one.output for key, one in result["results"].items()}
    assert details == {"left": "left_agent", "right": "right_agent"}


def test_a_person_three_levels_deep_is_asked_by_the_outermost_and_answers_there(run, saver):
    bob, cid = agent("bob"), agent("cid")
    inner = create_group_chat([bob, Human("pat")], max_turns=2).compile(name="inner")
    middle = create_group_chat([inner, cid], max_turns=2).compile(name="middle")
    app = create_group_chat([middle, *talkers("ann")], max_turns=2).compile(checkpointer=saver)
    waiting = run(app, thread="1")
    assert asked(waiting).value["path"] == "middle/inner/pat"
    result = run(app, reply(waiting, "hello"), thread="1")
    assert outcomes(result) == [
        ("middle/inner/bob", "ok"),
        ("middle/inner/pat", "ok"),
        ("middle/cid", "ok"),
        ("ann", "ok"),
    ]
    assert [turn.step for turn in result["trail"]] == [1, 1, 1, 2]
    assert spoken(result) == [("middle", "cid"), ("ann", "ann 1")]
    assert calls(bob, cid) == [1, 1]


def test_an_observer_and_a_chooser_of_an_inner_chat_are_asked_too(run, saver):
    inner = create_group_chat(
        talkers("bob", "cid"), select=by_person("boss"), observer=Human("guide"), max_turns=1
    ).compile(name="inner")
    app = create_sequential([inner, agent("last")]).compile(checkpointer=saver)
    first = run(app, thread="1")
    assert asked(first).value["path"] == "inner/guide"
    second = run(app, reply(first, "well"), thread="1")
    assert asked(second).value["path"] == "inner/boss"
    result = run(app, reply(second, "cid"), thread="1")
    assert ended(result) == ("last", "completed")
    assert outcomes(result)[:3] == [
        ("inner/guide", "ok"),
        ("inner/boss", "ok"),
        ("inner/cid", "ok"),
    ]


# Chats as members of chats


def test_round_robin_takes_turns_with_teams(run, saver):
    duo = create_group_chat(talkers("bob", "cid"), max_turns=2).compile(name="duo")
    app = create_group_chat([*talkers("ann"), duo], max_turns=4).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert spoken(result) == [
        ("ann", "ann 1"),
        ("duo", "cid 1"),
        ("ann", "ann 2"),
        ("duo", "cid 2"),
    ]
    assert [(turn.path, turn.step) for turn in result["trail"]] == [
        ("ann", 1),
        ("duo/bob", 2),
        ("duo/cid", 2),
        ("ann", 3),
        ("duo/bob", 4),
        ("duo/cid", 4),
    ]
    again = run(app, "more", thread="1")
    assert [name for name, _ in spoken(again)][4:] == ["ann", "duo", "ann", "duo"]


def test_a_teams_turn_counts_once_and_its_decisions_do_not(run):
    select = by_model(ScriptedModel([says("bob"), says("cid"), finished("42")]))
    duo = create_group_chat(talkers("bob", "cid"), select=select).compile(name="duo")
    result = run(create_group_chat([duo, *talkers("ann")], stop_when=turns(2)).compile())
    assert spoken(result) == [("duo", "42"), ("ann", "ann 1")]
    assert {turn.step for turn in result["trail"] if turn.path.startswith("duo/")} == {1}


def test_a_team_that_only_decides_has_had_its_turn_all_the_same(run, saver):
    select = by_model(ScriptedModel(lambda messages: finished("42")))
    duo = create_group_chat(talkers("bob", "cid"), select=select).compile(name="duo")
    app = create_group_chat([duo, *talkers("ann")], max_turns=2).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert spoken(result) == [("duo", "42"), ("ann", "ann 1")]
    assert ended(result) == ("ann 1", "turn_limit")
    assert [(t.path, t.step, t.input_tokens) for t in result["trail"]] == [
        ("duo/selector", 1, 10),
        ("duo", 1, 0),
        ("ann", 2, 10),
    ]


def test_a_team_that_only_decides_does_not_keep_a_chat_from_its_limit(run):
    duo = create_group_chat(talkers("bob"), select=lambda view: None).compile(name="duo")
    nothing = create_map_reduce(lambda view: [], agent("worker")).compile(name="nothing")
    for member in (duo, nothing):
        result = run(create_group_chat([member], max_turns=3).compile())
        assert result["stop"].reason == "turn_limit"
        assert [turn.step for turn in result["trail"] if turn.path == member.name] == [1, 2, 3]


def test_a_selector_of_an_outer_chat_gives_the_floor_to_a_team_and_back(run):
    model = ScriptedModel([says("duo"), says("ann"), says("duo"), finished("42")])
    duo = create_group_chat(talkers("bob", "cid"), max_turns=1).compile(name="duo")
    graph = create_group_chat([*talkers("ann"), duo], select=by_model(model))
    result = run(graph.compile())
    assert ended(result) == ("42", "completed")
    assert [name for name, _ in spoken(result)] == ["duo", "ann", "duo", "selector"]
