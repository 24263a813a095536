"""Limits of a run: each kind, inside agents, over nested teams, and what they leave."""

import time

import pytest
from langchain.agents import create_agent
from langchain_core.messages import SystemMessage
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits, Member, Policy, judged
from langgraph_orchestra.state import ConfigurationError
from support.members import AT_ONCE, ONCE, RECORDED, agent, look_up, team, wants
from support.results import calls, ended, outcomes, usage

CALL = 15  # tokens that a scripted model reports for each call: 10 read, 5 written


class Sum(BaseModel):
    """A sum."""

    total: int


def researcher(*, calls=2, **options):
    """An agent that uses its tool before it answers, with so many model calls."""
    asked = [wants("look_up", f"call-{number}", word="octopus") for number in range(calls - 1)]
    return agent("researcher", *asked, "found it", tools=[look_up], **options)


def cent_a_call(model, usage):
    """Every call costs a cent."""
    return 0.01


# Each kind of limit

KINDS = {
    "turns": (Limits(turns=2), "turn_limit", "2 of 2 turns taken"),
    "tokens": (Limits(tokens=16), "token_limit", "30 of 16 tokens used"),
    "tokens, exactly": (Limits(tokens=30), "token_limit", "30 of 30 tokens used"),
    "cost": (Limits(cost=0.02, price=cent_a_call), "cost_limit", "0.0200 of 0.02 USD spent"),
    "list price": (Limits(cost=0.0001), "cost_limit", "0.0001 of 0.0001 USD spent"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_ends_with_the_best_result_so_far_and_its_reason(run, saver, kind):
    limits, reason, detail = KINDS[kind]
    stages = [agent(name, model_name="gpt-4o") for name in ("a", "b", "c")]
    app = create_sequential(stages, limits=limits).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("b", reason)
    assert result["stop"].detail == detail
    assert calls(*stages) == [1, 1, 0]


def test_seconds_end_a_run(run):
    def slow(view):
        return "took a while"

    late = agent("b")
    result = run(create_sequential([slow, late], limits=Limits(seconds=1e-9)).compile())
    assert ended(result) == ("took a while", "time_limit")
    assert calls(late) == [0]


def test_waiting_for_a_person_costs_no_time(saver):
    stages = [agent("a"), Human("boss"), agent("c")]
    app = create_sequential(stages, limits=Limits(seconds=0.5)).compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}
    app.invoke({"messages": "go"}, config)
    time.sleep(0.6)  # the person thinks
    assert ended(app.invoke(Command(resume="yes"), config)) == ("c", "completed")


def test_a_price_function_is_given_the_model_and_its_usage(run):
    asked = []

    def price(model, usage):
        asked.append((model, usage["input_tokens"], usage["output_tokens"]))
        return 0.5

    stages = [agent("a", model_name="mini"), agent("b", model_name="maxi"), agent("c")]
    result = run(create_sequential(stages, limits=Limits(cost=1.0, price=price)).compile())
    assert ended(result) == ("b", "cost_limit")
    assert [turn.cost for turn in result["trail"]] == [0.5, 0.5]
    assert [one for one in asked if one[1]] == [("mini", 10, 5), ("maxi", 10, 5)]


def test_the_trail_has_list_prices_without_any_limit(run):
    stages = [agent("a", model_name="gpt-4o"), agent("b", model_name="nobody-knows")]
    result = run(create_sequential(stages).compile())
    costs = {turn.agent: turn.cost for turn in result["trail"]}
    assert costs["a"] == pytest.approx(10 * 2.50e-6 + 5 * 10e-6)
    assert costs["b"] is None


def test_the_first_of_several_limits_counts(run):
    limits = Limits(turns=3, tokens=15, seconds=600)
    stages = [agent("a"), agent("b")]
    assert ended(run(create_sequential(stages, limits=limits).compile())) == ("a", "token_limit")


def test_a_limit_that_is_reached_with_the_last_stage_is_no_limit(run):
    stages = [agent("a"), agent("b")]
    limits = Limits(turns=2, tokens=2 * CALL)
    assert ended(run(create_sequential(stages, limits=limits).compile())) == ("b", "completed")


def test_failed_turns_count_and_skipped_ones_do_not(run):
    stages = [
        agent("a"),
        Member(agent("b"), when=lambda view: False),
        agent("c", ValueError("no"), policy=RECORDED),
        agent("d"),
    ]
    result = run(create_sequential(stages, limits=Limits(turns=2)).compile())
    assert ended(result) == ("a", "turn_limit")
    assert outcomes(result) == [("a", "ok"), ("b", "skipped"), ("c", "failed")]


def test_a_persons_answer_is_a_turn(run, saver):
    stages = [Human("guest"), agent("b"), agent("c")]
    app = create_sequential(stages, limits=Limits(turns=2)).compile(checkpointer=saver)
    run(app, thread="1")
    assert ended(run(app, Command(resume="hi"), thread="1")) == ("b", "turn_limit")


def test_limits_start_afresh_with_each_run(run, saver):
    stages = [agent("a", "one", "two"), agent("b"), agent("c")]
    app = create_sequential(stages, limits=Limits(tokens=CALL)).compile(checkpointer=saver)
    assert ended(run(app, thread="1")) == ("one", "token_limit")
    assert ended(run(app, thread="1")) == ("two", "token_limit")


def test_what_was_spent_before_a_crash_counts_after_it(run, saver):
    broken = agent("b", ValueError("no"), "b", policy=ONCE)
    stages = [agent("a"), broken, agent("c"), agent("d")]
    app = create_sequential(stages, limits=Limits(tokens=3 * CALL)).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="no"):
        run(app, thread="1")
    assert ended(run(app, None, thread="1")) == ("c", "token_limit")


def test_a_limit_without_any_answer_leaves_an_empty_output(run):
    result = run(create_sequential([researcher()], limits=Limits(tokens=CALL)).compile())
    assert ended(result) == ("", "token_limit")


def test_a_person_counts_as_output_at_a_limit_only_if_nobody_else_spoke(run, saver):
    limits = Limits(turns=2)
    stages = [agent("a"), Human("guest", role="answer"), agent("c")]
    app = create_sequential(stages, limits=limits).compile(checkpointer=saver)
    run(app, thread="1")
    assert ended(run(app, Command(resume="hi"), thread="1")) == ("a", "turn_limit")

    alone = create_sequential([Human("guest"), agent("b")], limits=Limits(turns=1))
    app = alone.compile(checkpointer=saver)
    run(app, thread="2")
    assert ended(run(app, Command(resume="hi"), thread="2")) == ("hi", "turn_limit")


def test_empty_answers_are_no_result(run):
    stages = [agent("a", "alpha"), agent("b", ""), agent("c")]
    result = run(create_sequential(stages, limits=Limits(turns=2)).compile())
    assert ended(result) == ("alpha", "turn_limit")


def test_a_typed_answer_stays_typed_at_a_limit(run, saver):
    stages = [agent("a", Sum(total=3), output=Sum), agent("b")]
    app = create_sequential(stages, limits=Limits(turns=1)).compile(checkpointer=saver)
    assert ended(run(app, thread="1")) == (Sum(total=3), "turn_limit")


def test_a_typed_answer_before_a_persons_stays_typed_at_a_limit(run, saver):
    stages = [agent("a", Sum(total=3), output=Sum), Human("guest", role="answer"), agent("c")]
    app = create_sequential(stages, limits=Limits(turns=2)).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="hi"), thread="1")
    assert ended(result) == (Sum(total=3), "turn_limit")


def test_a_limit_after_what_is_no_answer_keeps_the_answer(run):
    def note(view):
        return SystemMessage("a note")

    stages = [note, agent("b"), agent("c")]
    result = run(create_sequential(stages, limits=Limits(turns=1)).compile())
    assert result["stop"].reason == "turn_limit"


# Inside an agent


def test_a_limit_stops_the_tool_loop_before_the_next_model_call(run, saver):
    member = researcher(calls=3)
    stages = [agent("a"), member, agent("c")]
    app = create_sequential(stages, limits=Limits(tokens=3 * CALL)).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("a", "token_limit")
    assert calls(member) == [2]
    assert outcomes(result) == [("a", "ok"), ("researcher", "cancelled")]
    assert usage(result) == 3 * CALL
    assert [m.text for m in result["messages"]] == ["the task", "a"]


def test_a_cost_limit_stops_the_tool_loop(run):
    member = researcher(calls=3)
    limits = Limits(cost=0.02, price=cent_a_call)
    result = run(create_sequential([member], limits=limits).compile())
    assert (result["stop"].reason, calls(member)) == ("cost_limit", [2])


def test_a_time_limit_stops_the_tool_loop(run):
    model = ScriptedModel([wants("look_up", "call-1", word="octopus"), "found it"], delay=0.4)
    member = Agent("researcher", "", model=model, tools=[look_up])
    result = run(create_sequential([member], limits=Limits(seconds=0.3)).compile())
    assert (result["stop"].reason, calls(member)) == ("time_limit", [1])


def test_a_limit_stops_asking_again_for_a_typed_answer(run):
    member = agent("a", "no JSON", "no JSON", Sum(total=1), output=Sum)
    result = run(create_sequential([member], limits=Limits(tokens=2 * CALL)).compile())
    assert ended(result) == ("", "token_limit")
    assert calls(member) == [2]
    assert outcomes(result) == [("a", "cancelled")]


def test_the_calls_of_failed_attempts_count(run):
    def broken(word: str) -> str:
        """Look a word up."""
        raise ConnectionError("down")

    broken.__name__ = "look_up"
    retried = Policy(retry=AT_ONCE._replace(max_attempts=5))
    replies = [wants("look_up", f"call-{number}", word="octopus") for number in range(5)]
    member = agent("a", *replies, tools=[broken], policy=retried)
    result = run(create_sequential([member], limits=Limits(tokens=2 * CALL)).compile())
    assert ended(result) == ("", "token_limit")
    assert calls(member) == [2]
    assert usage(result) == 2 * CALL


def test_a_limit_stops_a_stop_condition_that_asks_a_model(run):
    judge = ScriptedModel([{"answer": False}])
    stages = [agent("a"), agent("b")]
    graph = create_sequential(stages, stop_when=judged(judge, "Done?"), limits=Limits(tokens=CALL))
    assert ended(run(graph.compile())) == ("a", "token_limit")
    assert judge.calls == []


def test_a_tool_approved_by_a_person_does_not_make_the_agent_forget_what_it_spent(run, saver):
    member = researcher(calls=2, approve_tools=["look_up"])
    app = create_sequential([member], limits=Limits(tokens=CALL)).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert ended(result) == ("", "token_limit")
    assert calls(member) == [1]


# Over nested teams and branches


def test_an_outer_limit_stops_inside_a_team(run, saver):
    a, b, c = agent("a"), agent("b"), agent("c")
    stages = [agent("first"), team(a, b, c), agent("last")]
    app = create_sequential(stages, limits=Limits(tokens=3 * CALL)).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert result["stop"].reason == "token_limit"
    assert calls(a, b, c) == [1, 1, 0]
    assert usage(result) == 3 * CALL


def test_an_outer_limit_inside_a_team_leaves_the_teams_best_answer(run, saver):
    app = create_sequential(
        [agent("first"), team(agent("a"), agent("b"), agent("c"))],
        limits=Limits(tokens=3 * CALL),
    ).compile(checkpointer=saver)
    assert ended(run(app, thread="1")) == ("b", "token_limit")


def test_an_outer_limit_stops_an_agents_tool_loop_in_a_team_in_a_team(run, saver):
    member = researcher(calls=4)
    stages = [team(agent("a"), team(member, name="inner"), name="outer")]
    app = create_sequential(stages, limits=Limits(tokens=3 * CALL)).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert result["stop"].reason == "token_limit"
    assert calls(member) == [2]
    assert usage(result) == 3 * CALL


def test_an_inner_limit_ends_only_the_team_and_its_best_answer_goes_on(run, saver):
    a, b, reader = agent("a", "alpha"), agent("b"), agent("reader")
    stages = [team(a, b, limits=Limits(turns=1)), reader]
    app = create_sequential(stages).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("reader", "completed")
    (call,) = reader.model.calls
    assert [m.text for m in call.messages if m.type != "system"] == ["the task", "team: alpha"]
    assert calls(b) == [0]


@pytest.mark.parametrize(("inner", "outer"), [(2, 3), (3, 2), (2, 2)])
def test_of_an_inner_and_an_outer_limit_the_smaller_one_stops_first(run, inner, outer):
    a, b, c, last = agent("a"), agent("b"), agent("c"), agent("last")
    stages = [team(a, b, c, limits=Limits(tokens=inner * CALL)), last]
    result = run(create_sequential(stages, limits=Limits(tokens=outer * CALL)).compile())
    by_inner = inner < outer
    assert calls(a, b, c, last) == [1, 1, 0, int(by_inner)]
    assert result["stop"].reason == ("completed" if by_inner else "token_limit")


def test_what_a_team_has_cost_by_the_outer_price_counts_after_it(run, saver):
    stages = [team(agent("a"), agent("b")), agent("c"), agent("d")]
    limits = Limits(cost=0.03, price=cent_a_call)
    app = create_sequential(stages, limits=limits).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("c", "cost_limit")
    assert [turn.cost for turn in result["trail"]] == [0.01, 0.01, 0.01]


def test_a_team_is_one_turn_of_the_outer_run(run):
    stages = [team(agent("a"), agent("b")), agent("c"), agent("d")]
    result = run(create_sequential(stages, limits=Limits(turns=2)).compile())
    assert ended(result) == ("c", "turn_limit")


def test_an_outer_limit_holds_over_the_branches_of_a_team(run, saver):
    branches = [researcher(), agent("b")]
    research = create_concurrent(branches).compile(name="research")
    last = agent("last")
    app = create_sequential([research, last], limits=Limits(tokens=3 * CALL)).compile(
        checkpointer=saver
    )
    result = run(app, thread="1")
    assert result["stop"].reason == "token_limit"
    assert calls(last) == [0]
    assert usage(result) == sum(calls(*branches)) * CALL


def test_an_outer_limit_holds_over_the_items_of_a_team(run):
    worker = Agent("worker", "", model=ScriptedModel(["x"] * 5))
    rows = create_map_reduce(lambda view: list("abcde"), worker).compile(name="rows")
    last = agent("last")
    result = run(create_sequential([rows, last], limits=Limits(tokens=5 * CALL)).compile())
    assert result["stop"].reason == "token_limit"
    assert (calls(worker), calls(last)) == ([5], [0])


def test_what_a_team_spent_before_a_person_was_asked_counts_after_the_answer(run, saver):
    a, b, c = agent("a"), agent("b"), agent("c")
    members = team(a, Human("boss"), b, c)
    app = create_sequential([members], limits=Limits(tokens=2 * CALL)).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="yes"), thread="1")
    assert result["stop"].reason == "token_limit"
    assert calls(a, b, c) == [1, 1, 0]


def test_a_graph_built_elsewhere_is_within_the_limits(run, saver):
    model = ScriptedModel(
        [
            wants("look_up", "call-1", word="octopus"),
            wants("look_up", "call-2", word="octopus"),
            "found it",
        ]
    )
    elsewhere = create_agent(model, [look_up], name="elsewhere")
    app = create_sequential([elsewhere], limits=Limits(tokens=2 * CALL)).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert result["stop"].reason == "token_limit"
    assert len(model.calls) == 2
    assert usage(result) == 2 * CALL


def test_a_bare_chat_model_as_a_stage_is_within_the_limits(run):
    model = ScriptedModel(["one"])
    stages = [agent("a"), Member(model, name="bare"), agent("c")]
    result = run(create_sequential(stages, limits=Limits(tokens=2 * CALL)).compile())
    assert ended(result) == ("one", "token_limit")


# Prices that nobody knows


def priced(*members, **options):
    """A sequence with a limit in USD and no price function."""
    return create_sequential(list(members), limits=Limits(cost=1.0), **options).compile()


UNPRICED = {
    "agent": lambda bad: priced(agent("a", model_name="gpt-4o"), bad),
    "agent with tools": lambda bad: priced(
        agent("a", model_name="gpt-4o"),
        Agent(bad.name, "", model=bad.model, tools=[look_up]),
    ),
    "member of a team": lambda bad: priced(agent("a", model_name="gpt-4o"), team(bad)),
    "member of a team in a team": lambda bad: priced(
        agent("a", model_name="gpt-4o"), team(team(bad, name="inner"))
    ),
    "fallback": lambda bad: priced(
        agent("a", model_name="gpt-4o", policy=Policy(fallback=bad)),
    ),
    "fallback model": lambda bad: priced(
        agent("a", model_name="gpt-4o", policy=Policy(fallback=bad.model)),
    ),
    "judge": lambda bad: priced(
        agent("a", model_name="gpt-4o"),
        agent("b", model_name="gpt-4o"),
        stop_when=judged(bad.model, "Done?"),
    ),
}


@pytest.mark.parametrize("place", UNPRICED)
def test_a_model_of_unknown_price_is_found_before_any_call(run, place):
    bad = agent("bad", model_name="nobody-knows")
    with pytest.raises(ConfigurationError, match=r"`nobody-knows`.*`Limits\(price="):
        run(UNPRICED[place](bad))
    assert calls(bad) == [0]
