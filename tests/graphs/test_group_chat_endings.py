"""Group chat: failures and breakers, limits, resumes, many turns and threads, stop conditions."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.types import Command

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_group_chat, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Limits,
    Member,
    Policy,
    by_bids,
    by_model,
    idle,
    judged,
    mentions,
    rotate_random,
    round_robin,
    turns,
    when,
)
from support.chats import bids, order, says, talkers
from support.members import ONCE, RECORDED, agent, echo, look_up, named, wants
from support.results import asked, calls, comparable, ended, outcomes, spoken

BREAKER = Policy(retry=None, on_failure="record", breaker=1)


def broken(name, policy=BREAKER, failures=9):
    """An agent who always fails."""
    return agent(name, *[LookupError("out")] * failures, policy=policy)


# Failures


def test_a_failure_is_raised_with_the_name_of_who_has_failed(run):
    app = create_group_chat([*talkers("ann"), broken("bob", ONCE)]).compile()
    with pytest.raises(LookupError, match="out") as raised:
        run(app)
    assert "in participant `bob` of `group_chat`, attempt 1" in raised.value.__notes__


def test_one_whose_breaker_is_open_is_passed_over(run, saver):
    members = [*talkers("ann"), broken("bob"), *talkers("cid")]
    app = create_group_chat(members, max_turns=6).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert order(result) == ["ann", "bob", "cid", "ann", "cid", "ann"]
    again = run(app, "more", thread="1")
    assert order(again)[6:] == ["bob", "cid", "ann", "cid", "ann", "cid"]


ALL_OUT = {
    "round_robin": round_robin,
    "rotate_random": rotate_random,
    "by_function": lambda: lambda view: "ann" if len(view.turns) % 2 == 0 else "bob",
    "by_model": lambda: by_model(ScriptedModel(lambda messages: says("ann"))),
    "by_bids": by_bids,
}


@pytest.mark.parametrize("select", ALL_OUT.values(), ids=list(ALL_OUT))
def test_a_chat_in_which_everybody_is_out_has_failed(select, run, saver):
    members = [Member(broken(name), bid=bids(0.5)) for name in ("ann", "bob")]
    app = create_group_chat(members, select=select()).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("", "failed")
    assert "breaker" in result["stop"].detail
    assert sorted(outcomes(result)[-1:]) in ([("ann", "failed")], [("bob", "failed")])
    assert order(run(app, "more", thread="1"))[2:]  # a new run tries them again


def test_an_observer_is_not_asked_about_a_chat_in_which_everybody_is_out(run, saver):
    app = create_group_chat([broken("ann")], observer=Human("guide")).compile(checkpointer=saver)
    waiting = run(app, thread="1")
    result = run(app, Command(resume={asked(waiting).id: ""}), thread="1")
    assert ended(result) == ("", "failed")


def test_failures_without_a_breaker_are_turns_until_the_limit(run):
    result = run(create_group_chat([broken("ann", RECORDED)], max_turns=5).compile())
    assert outcomes(result) == [("ann", "failed")] * 5
    assert ended(result) == ("", "turn_limit")


def test_a_failed_chat_is_a_failure_of_the_team_it_is(run):
    inner = create_group_chat([broken("ann")]).compile(name="inner")
    app = create_group_chat([Member(inner, policy=RECORDED), *talkers("bob")], max_turns=2)
    result = run(app.compile())
    assert outcomes(result)[-2:] == [("inner", "failed"), ("bob", "ok")]
    assert spoken(result) == [("bob", "bob 1")]


def test_a_summary_is_not_made_of_nothing(run):
    closing = agent("closing", "short")
    result = run(
        create_group_chat([broken("ann", RECORDED)], max_turns=1, summary=closing).compile()
    )
    assert ended(result) == ("", "turn_limit")
    assert calls(closing) == [0]


# Limits


def test_an_inner_chats_limit_is_its_answer(run):
    inner = create_group_chat(talkers("ann", "bob"), limits=Limits(tokens=30)).compile(name="inner")
    result = run(create_sequential([inner, echo("last")]).compile())
    assert ended(result) == ("last: inner: bob 1", "completed")


@pytest.mark.parametrize(
    "select", [round_robin, lambda: by_model(ScriptedModel(lambda m: says("ann")))]
)
def test_an_outer_limit_ends_an_inner_chat_with_its_best(select, run):
    inner = create_group_chat(talkers("ann", "bob"), select=select()).compile(name="inner")
    result = run(create_group_chat([inner], limits=Limits(tokens=45)).compile())
    output, reason = ended(result)
    assert reason == "token_limit"
    assert output in ("ann 1", "ann 2")


# Runs after one another


def test_a_second_run_counts_its_own_turns_and_has_its_own_stop(run, saver):
    app = create_group_chat(
        talkers("ann", "bob"), stop_when=mentions("ann 2") | turns(2), max_turns=9
    )
    compiled = app.compile(checkpointer=saver)
    first = run(compiled, "one", thread="1")
    assert first["stop"].by == "turns(2)"
    second = run(compiled, "two", thread="1")
    assert second["stop"].by == "mentions('ann 2')"
    third = run(compiled, "three", thread="1")
    assert third["stop"].by == "turns(2)"
    assert [(turn.agent, turn.step) for turn in third["trail"]] == [
        ("ann", 1),
        ("bob", 2),
        ("ann", 1),
        ("bob", 1),
        ("ann", 2),
    ]


def test_a_finished_run_is_not_taken_up_again(run, saver):
    ann, bob = talkers("ann", "bob")
    app = create_group_chat([ann, bob], max_turns=2).compile(checkpointer=saver)
    run(app, thread="1")
    run(app, None, thread="1")
    assert calls(ann, bob) == [1, 1]


def test_the_same_checkpoint_gives_the_same_three_times(saver):
    members = [echo("ann"), echo("bob"), Human("pat"), echo("cid")]
    graph = create_group_chat(members, select=rotate_random(5), max_turns=8)
    app = graph.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}
    waiting = app.invoke({"messages": "the task"}, config)
    checkpoint = app.get_state(config).config
    results = []
    for _ in range(3):
        command = Command(resume={asked(waiting).id: "hello"})
        results.append(comparable(app.invoke(command, checkpoint)))
    assert results[0] == results[1] == results[2]


# Many


def test_three_hundred_turns_are_taken(run):
    app = create_group_chat([named("ann"), named("bob")], max_turns=300).compile()
    result = run(app)
    assert (len(order(result)), result["stop"].reason) == (300, "turn_limit")


def test_more_turns_than_langgraph_lets_a_run_take_are_no_error():
    model = ScriptedModel(lambda messages: says("ann"), usage=None)
    graph = create_group_chat([named("ann"), named("bob")], select=by_model(model), max_turns=40)
    config = graph.compile().config or {}
    assert "recursion_limit" not in config
    config = create_group_chat([named("ann")], max_turns=5000).compile().config
    assert config["recursion_limit"] > 4 * 5000


def test_a_hundred_threads_at_once_do_not_know_of_each_other(tmp_path):
    def model(messages):
        number = next(m.text for m in messages if m.type == "human" and m.text.startswith("no."))
        return f"{number} {len(messages)}"

    members = [Agent(name, "", model=ScriptedModel(model)) for name in ("ann", "bob", "cid")]
    with open_checkpointer("memory://") as saver:
        graph = create_group_chat(members, select=rotate_random(1), max_turns=5)
        app = graph.compile(checkpointer=saver)

        def one(number):
            config = {"configurable": {"thread_id": str(number)}}
            return app.invoke({"messages": f"no. {number};"}, config)

        async def many():
            runs = [
                app.ainvoke(
                    {"messages": f"no. {number};"}, {"configurable": {"thread_id": f"a{number}"}}
                )
                for number in range(100)
            ]
            return await asyncio.gather(*runs)

        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(one, range(100)))
        results += asyncio.run(many())
    for place, result in enumerate(results):
        number = place % 100
        assert all(m.text.startswith(f"no. {number};") for m in result["messages"])
        assert len(result["trail"]) == 5


# Stop conditions


def last_is(text):
    return when(lambda view: view.last_text == text)


def judge(verdicts):
    """A condition that is judged so, turn after turn."""
    return judged(ScriptedModel([{"answer": said == "yes"} for said in verdicts.split()]), "Done?")


ENDS = {
    "mentions": (lambda: mentions("bob 1"), 2, "mentions('bob 1')"),
    "mentions by": (lambda: mentions("1", by="bob"), 2, "mentions('1', by='bob')"),
    "idle": (lambda: idle(2), 4, "idle(2)"),
    "judged": (lambda: judge("no no yes"), 3, "judged('Done?')"),
    "when": (lambda: last_is("cid"), 3, "when(<lambda>)"),
    "both": (lambda: turns(3) & mentions("ann"), 3, "turns(3) & mentions('ann')"),
    "either": (lambda: turns(3) | mentions("bob"), 2, "mentions('bob')"),
    "mixed": (
        lambda: (turns(2) & mentions("nobody")) | (mentions("cid") & judge("yes")),
        3,
        "mentions('cid') & judged('Done?')",
    ),
}
LINES = {"ann": ["ann 1", "cid"], "bob": ["bob 1", "bob"], "cid": ["cid"]}


@pytest.mark.parametrize(("condition", "turns_taken", "by"), ENDS.values(), ids=list(ENDS))
def test_each_condition_ends_the_chat(condition, turns_taken, by, run):
    lines = {**LINES, "ann": ["ann 1", "bob 1" if by == "idle(2)" else "ann 2"]}
    if by == "idle(2)":
        lines = {"ann": ["ann 1", ""], "bob": ["bob 1"], "cid": ["ann 1"]}
    members = [agent(name, *said) for name, said in lines.items()]
    result = run(create_group_chat(members, stop_when=condition(), max_turns=6).compile())
    assert (len(order(result)), result["stop"].reason) == (turns_taken, "terminated")
    assert result["stop"].by == by


@pytest.mark.parametrize(("condition", "turns_taken", "by"), ENDS.values(), ids=list(ENDS))
def test_each_condition_counts_on_over_a_resume(condition, turns_taken, by, run, saver):
    lines = LINES if by != "idle(2)" else {"ann": ["ann 1", ""], "bob": ["bob 1"], "cid": ["ann 1"]}
    failing = "cid" if turns_taken > 2 else "bob"
    members = [
        agent(name, *([ValueError("crash")] if name == failing else []), *said)
        for name, said in lines.items()
    ]
    app = create_group_chat(members, stop_when=condition(), max_turns=6).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="crash"):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert (len(order(result)), result["stop"].by) == (turns_taken, by)


def test_a_persons_words_are_seen_by_a_condition(run, saver):
    app = create_group_chat([Human("pat"), *talkers("ann")], stop_when=mentions("enough")).compile(
        checkpointer=saver
    )
    waiting = run(app, thread="1")
    result = run(app, Command(resume={asked(waiting).id: "enough"}), thread="1")
    assert result["stop"].reason == "terminated"


# Any sequence of choices

NAME = st.sampled_from(["ann", "bob", "eve", "", None, 3])
CHOICE = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "next_speaker": NAME,
            "reason": st.sampled_from(["because", "", None]),
            "finished": st.sampled_from([True, False, "no", None]),
            "final_answer": st.sampled_from(["42", "", None]),
        },
    ),
    st.sampled_from(["ann", "", "{", '{"next_speaker": "ann"']),
)


@settings(max_examples=60)
@given(
    choices=st.lists(CHOICE, max_size=12),
    max_turns=st.integers(1, 4),
    attempts=st.integers(1, 3),
    allow_repeat=st.booleans(),
    may_finish=st.booleans(),
)
def test_any_choices_of_a_model_end_in_time_with_a_reason(
    choices, max_turns, attempts, allow_repeat, may_finish
):
    made = iter(choices)
    select = by_model(
        ScriptedModel(lambda messages: next(made, "nothing more")),
        attempts=attempts,
        may_finish=may_finish,
    )
    graph = create_group_chat(
        [named("ann"), named("bob")],
        select=select,
        max_turns=max_turns,
        allow_repeat=allow_repeat,
    )
    result = graph.compile().invoke({"messages": "the task"})
    spoke = order(result)
    assert len(spoke) <= max_turns
    assert set(spoke) <= {"ann", "bob"}
    reason = result["stop"].reason
    assert reason == ("turn_limit" if len(spoke) == max_turns else "completed")
    assert result["output"] == ("said" if reason == "turn_limit" else "42")
    if not allow_repeat:
        assert all(spoke[n] != spoke[n + 1] for n in range(len(spoke) - 1))


def test_a_chat_that_has_answers_is_completed_where_the_rest_is_out(run):
    members = [*talkers("ann"), broken("bob")]
    closing = agent("closing", "In short.")
    app = create_group_chat(members, allow_repeat=False, summary=closing).compile()
    result = run(app)
    assert order(result) == ["ann", "bob", "ann"]
    assert ended(result) == ("In short.", "completed")
    assert result["stop"].detail == "everybody who may speak is out: breaker open"


def test_somebody_whose_turn_was_cut_short_begins_the_next_run(run, saver):
    looks = [wants("look_up", f"call-{number}", word="sea") for number in range(2)]
    bob = agent("bob", *looks, "found", tools=[look_up])
    app = create_group_chat([*talkers("ann"), bob], limits=Limits(tokens=40), max_turns=2)
    app = app.compile(checkpointer=saver)
    assert outcomes(run(app, thread="1"))[-1] == ("bob", "cancelled")
    assert order(run(app, thread="1"))[2:] == ["bob", "ann"]
