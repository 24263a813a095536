"""Group chat: what is refused when it is built, naming culprit, choices and remedy."""

from typing import Any

import pytest

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Limits,
    Member,
    by_bids,
    by_model,
    by_person,
    rotate_random,
    round_robin,
)
from langgraph_orchestra.state import ConfigurationError, SequentialState
from support.chats import bids, says, talkers
from support.members import agent, look_up, named, team

MODEL = ScriptedModel(["never called"])


def refused(error, **options):
    """Why a chat of ann and bob with these options is refused."""
    with pytest.raises(error) as caught:
        create_group_chat(talkers("ann", "bob"), **options)
    return str(caught.value)


WRONG_KINDS: dict[str, list[Any]] = {
    "max_turns": [0.5, True, "3", None],
    "allow_repeat": [None, 1, "no"],
    "candidates": [["ann"], "ann", 3],
    "transitions": [["ann"], "ann", {"ann": "bob"}, {"ann": None}, {"ann": {"bob"}}],
    "stop_when": ["DONE", 3],
    "summary": [3, MODEL],
    "observer": ["boss", True, agent("boss")],
    "limits": [3, {"turns": 3}],
    "history": ["all", 3],
    "select": ["round_robin", 3, MODEL, agent("boss"), ScriptedModel],
}


@pytest.mark.parametrize(
    ("argument", "value"), [(name, value) for name, every in WRONG_KINDS.items() for value in every]
)
def test_a_wrong_kind_of_argument_is_named_with_what_it_should_be(argument, value):
    assert f"`{argument}" in refused(TypeError, **{argument: value})


WRONG_VALUES = [
    ({"max_turns": 0}, "`max_turns` is 0; it must be at least 1"),
    ({"summary": " "}, "`summary` is blank; give a prompt, a participant or None"),
    ({"max_turns": -1}, "`max_turns` is -1; it must be at least 1"),
    (
        {"transitions": {"eve": ["ann"]}},
        "`transitions` names 'eve', who does not take part; the participants are `ann`, `bob`",
    ),
    (
        {"transitions": {"ann": ["eve"]}},
        "`transitions` names 'eve', who does not take part; the participants are `ann`, `bob`",
    ),
    ({"transitions": {"ann": [3]}}, "`transitions` names 3"),
    (
        {"select": by_model(MODEL, fallback="eve")},
        "`fallback` of `by_model` is `eve`; it is 'next', 'raise' or one of `ann`, `bob`",
    ),
    ({"select": by_person("ann")}, "participant name `ann` is given 2 times"),
    ({"observer": Human("ann")}, "participant name `ann` is given 2 times"),
    (
        {"select": by_person("boss"), "observer": Human("boss")},
        "participant name `boss` is given 2 times",
    ),
    ({"select": by_person("messages")}, "`messages` is a key of the state"),
    ({"observer": Human("messages")}, "`messages` is a key of the state"),
    ({"observer": Human("boss", role="review")}, "`role` of `boss` means nothing to an observer"),
    ({"model": MODEL}, "`model` would not be used"),
    ({"model": MODEL, "select": by_model(MODEL)}, "`model` would not be used"),
    ({"model": MODEL, "select": by_bids(), "summary": agent("closing")}, "would not be used"),
    (
        {"state_schema": SequentialState},
        "`state_schema` of `create_group_chat` is a TypedDict that subclasses `GroupChatState`",
    ),
]


@pytest.mark.parametrize(("options", "why"), WRONG_VALUES)
def test_a_wrong_value_is_refused_with_the_choices(options, why):
    assert why in refused(ConfigurationError, **options)


@pytest.mark.parametrize("maker", [round_robin, rotate_random, by_model, by_bids, by_person])
def test_a_selector_that_was_not_called_is_refused(maker):
    assert f"`{maker.__name__}`, which makes a selector; call it" in refused(
        TypeError, select=maker
    )


@pytest.mark.parametrize("returned", [{"ann"}, None, "ann", [None], ["eve"], [["ann"]]], ids=repr)
def test_candidates_who_are_no_list_of_participants_are_an_error(run, returned):
    app = create_group_chat([agent("ann")], candidates=lambda view: returned).compile()
    with pytest.raises(ConfigurationError, match=r"`candidates` (returned|names) "):
        run(app)


def test_an_unknown_keyword_is_refused():
    assert "max_rounds" in refused(TypeError, max_rounds=3)


def test_participants_are_no_keyword_soup():
    several: Any = [agent("ann"), agent("bob")]
    with pytest.raises(TypeError):
        create_group_chat(*several)


def test_a_chat_of_nobody_is_refused():
    with pytest.raises(ConfigurationError, match="`participants` is empty"):
        create_group_chat([])


def test_a_condition_of_a_stage_has_no_place_in_a_chat():
    member = Member(agent("ann"), when=lambda view: True)
    with pytest.raises(ConfigurationError, match=r"`when` of `ann` .* `candidates=`"):
        create_group_chat([member])


@pytest.mark.parametrize("member", [named("ann"), Human("ann"), team(agent("bob"), name="ann")])
def test_one_who_cannot_bid_is_refused_with_the_remedy(member):
    with pytest.raises(
        ConfigurationError, match=r"`ann` cannot bid: .*Member.*by_bids\(model="
    ) as e:
        create_group_chat([member], select=by_bids())
    assert "ann" in str(e.value)
    create_group_chat([member], select=by_bids(model=MODEL))
    create_group_chat([Member(member, bid=bids(1))], select=by_bids())


SELECTORS_WRONGLY_MADE: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (rotate_random, {"seed": "x"}, TypeError, "`seed`"),
    (rotate_random, {"seed": True}, TypeError, "`seed`"),
    (by_model, {"model": 3}, TypeError, "3"),
    (by_model, {"prompt": 3}, TypeError, "`prompt`"),
    (by_model, {"attempts": 1.0}, TypeError, "`attempts`"),
    (by_model, {"attempts": True}, TypeError, "`attempts`"),
    (by_model, {"attempts": 0}, ConfigurationError, "`attempts` is 0"),
    (by_model, {"may_finish": None}, TypeError, "`may_finish`"),
    (by_model, {"fallback": None}, TypeError, "`fallback`"),
    (by_model, {"model": agent("a", tools=[look_up])}, ConfigurationError, "`tools` of agent `a`"),
    (by_bids, {"threshold": "high"}, TypeError, "`threshold`"),
    (by_bids, {"threshold": True}, TypeError, "`threshold`"),
    (by_bids, {"threshold": 1.1}, ConfigurationError, "`threshold` is 1.1; it must be from 0 to 1"),
    (by_bids, {"threshold": -0.1}, ConfigurationError, "`threshold`"),
    (by_bids, {"threshold": float("nan")}, ConfigurationError, "`threshold`"),
    (by_bids, {"model": 3}, TypeError, "3"),
    (by_person, {"name": "the boss"}, ConfigurationError, "`the boss`"),
    (by_person, {"name": "selector"}, ConfigurationError, "`selector`"),
    (by_person, {"name": 3}, TypeError, "`name`"),
]


@pytest.mark.parametrize(("make", "options", "error", "why"), SELECTORS_WRONGLY_MADE)
def test_a_selector_that_cannot_work_is_refused_where_it_is_made(make, options, error, why):
    with pytest.raises(error) as caught:
        make(**options)
    assert why in str(caught.value)


def test_a_missing_model_is_found_before_anybody_has_spoken(run):
    ann, bob = talkers("ann", "bob")
    app = create_group_chat([ann, bob], select=by_model()).compile()
    with pytest.raises(ConfigurationError, match="model"):
        run(app)
    assert ann.model.calls == []


def test_a_cost_limit_wants_to_know_the_price_of_a_selectors_model_too(run):
    priced = [Agent("ann", "", model=MODEL), named("bob")]
    limits = Limits(cost=1.0, price=None)
    app = create_group_chat(priced, select=by_model(MODEL), limits=limits).compile()
    with pytest.raises(ConfigurationError, match="price"):
        run(app)


def test_a_selector_may_serve_several_chats_and_none_of_them_changes_it():
    selector = by_model()
    models = [ScriptedModel([says("bob")]), ScriptedModel([says("ann")])]
    for model, name in zip(models, ("bob", "ann"), strict=True):
        graph = create_group_chat(talkers("ann", "bob"), select=selector, model=model, max_turns=1)
        result = graph.compile().invoke({"messages": "the task"})
        assert [turn.agent for turn in result["trail"]] == ["selector", name]
    assert [len(model.calls) for model in models] == [1, 1]


def test_a_selector_is_the_same_whether_it_is_given_or_the_default():
    plain, given = (
        create_group_chat(talkers("ann", "bob"), select=select).compile().get_graph().draw_mermaid()
        for select in (None, round_robin())
    )
    assert plain == given
