"""Group chat: who may speak next, the summary at the end, drawings, and what is refused."""

import itertools

import pytest

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Human,
    Limits,
    Member,
    Policy,
    by_bids,
    by_model,
    by_person,
    rotate_random,
    round_robin,
    turns,
)
from langgraph_orchestra.state import ConfigurationError
from support.chats import bids, edges, in_order, order, routes_of, says, talkers
from support.members import RECORDED, agent, named
from support.results import calls, ended, read_by, spoken, usage

MODEL = ScriptedModel(lambda messages: says("ann"))

NAMES = ("ann", "bob", "cid")


def models_choice(candidates):
    """A choice of the first that the model may choose among."""

    def choose(messages):
        listed = messages[-1].text.split("Choose among: ")[1].split(".")[0]
        return says(listed.split(", ")[-1])

    return ScriptedModel(choose)


def first_of(view):
    """The same name again and again, unless that is forbidden."""
    return "bob" if view.last and view.last.agent == "ann" else "ann"


SELECTORS = {
    "round_robin": lambda: (round_robin(), {}),
    "rotate_random": lambda: (rotate_random(7), {}),
    "by_model": lambda: (by_model(models_choice(None)), {}),
    "by_bids": lambda: (by_bids(), {"ann": 0.5, "bob": 0.9, "cid": 0.7}),
}


def chat(selector, **options):
    """A chat of three functions, who bid if they have to."""
    select, offers = SELECTORS[selector]()
    members = [Member(named(name), bid=bids(offers.get(name, 0))) for name in NAMES]
    return create_group_chat(members, select=select, **options)


# Who may speak


@pytest.mark.parametrize("selector", SELECTORS)
def test_only_candidates_speak(selector, run):
    graph = chat(selector, candidates=lambda view: ["cid", "ann"], max_turns=6)
    assert set(order(run(graph.compile()))) <= {"ann", "cid"}


@pytest.mark.parametrize("selector", SELECTORS)
def test_nobody_speaks_twice_in_a_row_where_that_is_forbidden(selector, run):
    spoke = order(run(chat(selector, allow_repeat=False, max_turns=8).compile()))
    assert len(spoke) == 8
    assert all(one != other for one, other in itertools.pairwise(spoke))


@pytest.mark.parametrize("selector", SELECTORS)
def test_transitions_say_who_may_follow_whom(selector, run):
    allowed = {"ann": ["bob", "cid"], "bob": ["cid"], "cid": ["ann", "cid"]}
    spoke = order(run(chat(selector, transitions=allowed, max_turns=8).compile()))
    assert len(spoke) == 8
    assert all(other in allowed[one] for one, other in itertools.pairwise(spoke))


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize(
    ("options", "turns_taken"),
    [
        ({"candidates": lambda view: [] if len(view.turns) == 2 else NAMES}, 2),
        (
            {"transitions": {"ann": NAMES, "bob": [], "cid": []}, "candidates": lambda v: NAMES},
            None,
        ),
        ({"candidates": lambda view: []}, 0),
    ],
)
def test_a_chat_in_which_nobody_may_speak_is_completed(options, turns_taken, selector, run):
    result = run(chat(selector, **options).compile())
    assert result["stop"].reason == "completed"
    assert result["stop"].detail == "nobody may speak next"
    if turns_taken is not None:
        assert len(order(result)) == turns_taken


def test_candidates_and_transitions_and_repetition_hold_together(run):
    graph = create_group_chat(
        talkers(*NAMES),
        transitions={"ann": ["ann", "bob", "cid"], "cid": ["cid", "bob"]},
        candidates=lambda view: ["ann", "cid"],
        allow_repeat=False,
    )
    result = run(graph.compile())
    assert order(result) == ["ann", "cid"]
    assert ended(result) == ("cid 1", "completed")


def test_a_new_task_of_the_thread_may_begin_with_anybody(run, saver):
    graph = create_group_chat(
        talkers("ann", "bob"), transitions={"ann": ["bob"]}, allow_repeat=False
    )
    app = graph.compile(checkpointer=saver)
    run(app, "one", thread="1")
    assert order(run(app, "two", thread="1")) == ["ann", "bob", "ann", "bob"]


def test_one_who_is_alone_may_go_on_whatever_the_rule_says(run):
    graph = create_group_chat(talkers("ann"), allow_repeat=False, max_turns=3)
    assert order(run(graph.compile())) == ["ann"] * 3


def test_an_async_function_may_name_the_candidates():
    async def candidates(view):
        return ["bob"] if not view.turns else []

    app = create_group_chat(talkers("ann", "bob"), candidates=candidates).compile()
    assert order(app.invoke({"messages": "the task"})) == ["bob"]


@pytest.mark.parametrize("wrong", ["ann", None, {"ann"}, 3, ["eve"], ["ann", 3]])
def test_candidates_who_are_no_list_of_participants_are_an_error(wrong, run):
    graph = create_group_chat(talkers("ann"), candidates=lambda view: wrong)
    with pytest.raises(ConfigurationError, match=r"`candidates` (returned|names)"):
        run(graph.compile())


def test_a_candidate_who_is_named_twice_is_one_candidate(run):
    model = ScriptedModel(["never"])
    graph = create_group_chat(
        talkers("ann", "bob"),
        select=by_model(model),
        candidates=lambda view: ["bob", "bob"],
        max_turns=1,
    )
    assert order(run(graph.compile())) == ["bob"]
    assert model.calls == []


# The summary


def test_a_summary_is_the_output_and_no_turn(run, saver):
    closing = agent("closing", "in short")
    graph = create_group_chat(talkers("ann", "bob"), max_turns=2, summary=closing)
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert ended(result) == ("in short", "turn_limit")
    assert spoken(result)[-1] == ("summary", "in short")
    assert order(result) == ["ann", "bob"]
    assert [(t.path, t.kind, t.step) for t in result["trail"]][-1] == ("summary", "aggregate", 3)
    assert read_by(closing) == ["the task", "ann: ann 1", "bob: bob 1"]


def test_a_prompt_for_the_summary_is_given_to_the_chats_model(run):
    model = ScriptedModel(["in short"])
    graph = create_group_chat(talkers("ann"), max_turns=1, summary="Sum it up.", model=model)
    assert run(graph.compile())["output"] == "in short"
    (call,) = model.calls
    assert call.messages[0].text.startswith("Sum it up.")


def test_a_prompt_for_the_summary_is_given_to_the_runs_model_else(run):
    context = {"model": ScriptedModel(["in short"])}
    graph = create_group_chat(talkers("ann"), max_turns=1, summary="Sum it up.")
    assert run(graph.compile(), context=context)["output"] == "in short"


def test_a_summary_follows_a_completed_and_a_terminated_chat_too(run):
    for options in ({"select": in_order("ann")}, {"stop_when": turns(1)}):
        graph = create_group_chat(
            talkers("ann", "bob"), summary=agent("closing", "short"), **options
        )
        assert run(graph.compile())["output"] == "short"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(tokens=30), "token_limit"),
        (Limits(cost=2.0, price=lambda model, usage: 1.0), "cost_limit"),
    ],
)
def test_a_spent_budget_leaves_nothing_for_a_summary(limits, reason, run):
    closing = agent("closing", "short")
    graph = create_group_chat(talkers("ann", "bob"), limits=limits, summary=closing)
    result = run(graph.compile())
    assert ended(result) == ("bob 1", reason)
    assert calls(closing) == [0]


def test_a_budget_spent_with_the_last_turn_leaves_nothing_for_a_summary(run):
    closing = agent("closing", "short")
    graph = create_group_chat(
        talkers("ann", "bob"), max_turns=2, limits=Limits(tokens=30), summary=closing
    )
    result = run(graph.compile())
    assert ended(result) == ("bob 1", "turn_limit")
    assert calls(closing) == [0]


def test_a_limit_of_turns_leaves_the_summary_its_call(run):
    graph = create_group_chat(
        talkers("ann", "bob"), limits=Limits(turns=2), summary=agent("closing", "short")
    )
    assert ended(run(graph.compile())) == ("short", "turn_limit")


def test_a_summary_that_fails_is_made_again_on_a_resume_and_no_turn_is(run, saver):
    ann = agent("ann")
    closing = agent("closing", ValueError("out"), "short", policy=Policy(retry=None))
    app = create_group_chat([ann], max_turns=1, summary=closing).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="out"):
        run(app, thread="1")
    assert ended(run(app, None, thread="1")) == ("short", "turn_limit")
    assert calls(ann) == [1]


def test_a_summary_that_fails_and_is_recorded_leaves_the_last_answer(run):
    closing = agent("closing", ValueError("out"), policy=RECORDED)
    result = run(create_group_chat(talkers("ann"), max_turns=1, summary=closing).compile())
    assert ended(result) == ("ann 1", "turn_limit")
    assert usage(result) == 15


def test_round_robin_goes_on_after_the_last_speaker_not_after_the_summary(run, saver):
    closing = agent("closing", "short", "shorter")
    app = create_group_chat(talkers("ann", "bob"), max_turns=1, summary=closing)
    compiled = app.compile(checkpointer=saver)
    run(compiled, "one", thread="1")
    result = run(compiled, "two", thread="1")
    assert order(result) == ["ann", "bob"]
    assert [m.text for m in result["messages"] if m.type == "human"] == ["one", "two"]


def test_a_participant_may_also_sum_up(run):
    ann = agent("ann", "ann", "short")
    result = run(create_group_chat([ann], max_turns=1, summary=ann).compile())
    assert spoken(result) == [("ann", "ann"), ("summary", "short")]


# Drawings


SUMMARY = agent("closing")
HALF = {"ann": ["bob"], "bob": ["ann", "cid"]}
MESH = "ann:ann,bob,cid,END bob:ann,bob,cid,END cid:ann,bob,cid,END"
DRAWN = {
    "round robin": ({}, "intake:ann,bob,cid ann:bob,END bob:cid,END cid:ann,END"),
    "one after another with a summary": (
        {"summary": SUMMARY},
        "intake:ann,bob,cid ann:bob,summary bob:cid,summary cid:ann,summary summary:END",
    ),
    "by chance": ({"select": rotate_random()}, f"intake:ann,bob,cid {MESH}"),
    "by a function": ({"select": in_order("ann")}, f"intake:ann,bob,cid,END {MESH}"),
    "by chance, nobody twice": (
        {"select": rotate_random(), "allow_repeat": False},
        "intake:ann,bob,cid ann:bob,cid,END bob:ann,cid,END cid:ann,bob,END",
    ),
    "transitions": (
        {"transitions": {"ann": ["bob"], "bob": ["ann", "cid"], "cid": ["cid"]}},
        "intake:ann,bob,cid ann:bob,END bob:ann,cid,END cid:cid,END",
    ),
    "transitions with a dead end": (
        {"transitions": HALF},
        "intake:ann,bob,cid ann:bob,END bob:ann,cid,END cid:END",
    ),
    "transitions of nobody": (
        {"transitions": {}},
        "intake:ann,bob,cid ann:END bob:END cid:END",
    ),
    "candidates": (
        {"candidates": lambda view: NAMES},
        f"intake:ann,bob,cid,END {MESH}",
    ),
    "a model": (
        {"select": by_model(MODEL)},
        "intake:selector selector:ann,bob,cid,END "
        "ann:selector,END bob:selector,END cid:selector,END",
    ),
    "a model that may not finish": (
        {"select": by_model(MODEL, may_finish=False)},
        "intake:selector selector:ann,bob,cid ann:selector,END bob:selector,END cid:selector,END",
    ),
    "a model, a dead end by the ban on repetition": (
        {
            "select": by_model(MODEL, may_finish=False),
            "transitions": {"ann": ["bob"], "bob": ["ann"], "cid": ["cid"]},
            "allow_repeat": False,
        },
        "intake:selector selector:ann,bob,cid,END "
        "ann:selector,END bob:selector,END cid:selector,END",
    ),
    "a model with a budget": (
        {"select": by_model(MODEL, may_finish=False), "limits": Limits(tokens=9)},
        "intake:selector selector:ann,bob,cid,END "
        "ann:selector,END bob:selector,END cid:selector,END",
    ),
    "bids": (
        {"select": by_bids()},
        "intake:selector selector:ann,bob,cid,END "
        "ann:selector,END bob:selector,END cid:selector,END",
    ),
    "a person": (
        {"select": by_person("boss")},
        "intake:boss boss:ann,bob,cid,END ann:boss,END bob:boss,END cid:boss,END",
    ),
    "an observer": (
        {"observer": Human("guide")},
        "intake:guide guide:ann,bob,cid ann:guide,END bob:guide,END cid:guide,END",
    ),
    "an observer and a model": (
        {"observer": Human("guide"), "select": by_model(MODEL)},
        "intake:guide guide:selector selector:ann,bob,cid,END "
        "ann:guide,END bob:guide,END cid:guide,END",
    ),
    "an observer and a dead end": (
        {"observer": Human("guide"), "transitions": HALF},
        "intake:guide guide:ann,bob,cid,END ann:guide,END bob:guide,END cid:guide,END",
    ),
}


@pytest.mark.parametrize(("options", "routes"), DRAWN.values(), ids=list(DRAWN))
def test_the_drawing_shows_exactly_the_routes_that_can_be_taken(options, routes):
    drawn = edges(create_group_chat(talkers(*NAMES), **options))
    assert drawn == routes_of(f"START:intake {routes}")


def with_breakers(*names):
    """Ann, bob and cid; these of them have a breaker."""
    policy = Policy(on_failure="record", breaker=1)
    return [agent(name, policy=policy if name in names else Policy()) for name in NAMES]


def test_one_who_may_be_out_may_be_passed_over():
    drawn = edges(create_group_chat(with_breakers("ann")))
    routes = "intake:ann,bob,cid ann:bob,END bob:cid,END cid:ann,bob,END"
    assert drawn == routes_of(f"START:intake {routes}")


def test_only_where_all_may_be_out_a_choice_may_end_the_chat():
    selector = by_model(MODEL, may_finish=False)
    some = edges(create_group_chat(with_breakers("ann", "bob"), select=selector))
    every = edges(create_group_chat(with_breakers(*NAMES), select=selector))
    assert every - some == routes_of("selector:END")
