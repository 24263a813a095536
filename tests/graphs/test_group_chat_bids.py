"""Group chat: participants bid for the next turn."""

import asyncio
import threading
import time

import pytest

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits, Member, Policy, by_bids
from langgraph_orchestra.state import Bid, ConfigurationError
from support.chats import decisions, edges, order
from support.members import agent, named, team
from support.results import ended, outcomes, usage


def bid(confidence, **fields):
    """A model's bid."""
    return {"confidence": confidence, **fields}


def bidder(name, *offers, words=9):
    """A function that makes these bids, one for each turn it bids for; the last for all others."""
    made = iter(offers)
    latest = [offers[-1]]

    def offer(view):
        latest[0] = next(made, latest[0])
        if isinstance(latest[0], Exception):
            raise latest[0]
        return latest[0]

    return Member(named(name), bid=offer)


def chat(*members, threshold=0.3, model=None, max_turns=1, **options):
    """A chat in which they bid."""
    return create_group_chat(
        members, select=by_bids(threshold, model), max_turns=max_turns, **options
    )


def test_the_most_confident_one_speaks(run, saver):
    ann = agent("ann", bid(0.4, approach="by hand"), bid(0.9), "ann")
    bob = agent("bob", bid(0.8), "bob", bid(0.1))
    result = run(chat(ann, bob, max_turns=2).compile(checkpointer=saver), thread="1")
    assert order(result) == ["bob", "ann"]
    assert decisions(result) == [
        ("selector/ann", 1, "ok", "bids 0.4: by hand"),
        ("selector/bob", 1, "ok", "bids 0.8"),
        ("selector", 1, "ok", "bob: bids 0.8"),
        ("selector/ann", 2, "ok", "bids 0.9"),
        ("selector/bob", 2, "ok", "bids 0.1"),
        ("selector", 2, "ok", "ann: bids 0.9"),
    ]
    assert usage(result) == 6 * 15


def test_a_bid_is_asked_for_with_the_agents_prompt_and_what_it_would_read(run):
    ann, bob = agent("ann", bid(0.4), bid(0.5), "done"), agent("bob", bid(0.8), "bob", bid(0.1))
    run(chat(ann, bob, max_turns=2).compile())
    messages = ann.model.calls[1].messages
    assert messages[0].text.startswith("You are ann.\n\nDo not answer yet")
    assert [m.text for m in messages[1:]] == ["the task", "bob: bob"]


def test_bids_are_asked_for_side_by_side(run):
    members = [
        Agent(name, "", model=ScriptedModel([bid(0.5), name], delay=0.2)) for name in "abcdefgh"
    ]
    began = time.perf_counter()
    run(chat(*members).compile())
    assert time.perf_counter() - began < 1.5  # eight bids after another would take 1.6 s


def test_bids_of_functions_that_wait_are_made_side_by_side_too(run):
    meeting = threading.Barrier(3, timeout=5)

    def offer(view):
        meeting.wait()
        return 0.5

    members = [Member(named(name), bid=offer) for name in ("ann", "bob", "cid")]
    assert order(run(chat(*members).compile())) == ["ann"]


def test_an_async_function_may_bid(run):
    async def offer(view):
        await asyncio.sleep(0)
        return Bid(confidence=0.7)

    app = chat(bidder("ann", 0.4), Member(named("bob"), bid=offer)).compile()
    assert order(run(app)) == ["bob"]


def test_of_equal_bids_the_first_declared_one_wins(run):
    members = [bidder("ann", 0.2), bidder("cid", 0.5), bidder("bob", 0.5)]
    assert order(run(chat(*members).compile())) == ["cid"]


@pytest.mark.parametrize(
    "wrong", [ValueError("out"), 2, -0.1, "high", None, True, float("nan"), {"confidence": 1}]
)
def test_a_bid_that_fails_or_is_malformed_counts_zero_and_the_trail_says_why(wrong, run):
    result = run(chat(bidder("ann", wrong), bidder("bob", 0.4)).compile())
    assert order(result) == ["bob"]
    path, _, outcome, detail = decisions(result)[0]
    assert (path, outcome) == ("selector/ann", "failed")
    assert "Error: " in detail


def test_a_model_that_fails_to_bid_counts_zero(run):
    members = [agent("ann", TimeoutError("slow")), agent("bob", *["?"] * 3), bidder("cid", 0.3)]
    result = run(chat(*members).compile())
    assert order(result) == ["cid"]
    assert outcomes(result)[:2] == [("selector/ann", "failed"), ("selector/bob", "failed")]
    assert usage(result) == 3 * 15


def test_a_malformed_bid_of_a_model_is_asked_for_again(run):
    result = run(chat(agent("ann", bid("high"), bid(1.5), bid(0.9), "ann")).compile())
    assert order(result) == ["ann"]
    assert usage(result) == 4 * 15


def test_a_bid_takes_no_longer_than_its_policy_allows(run):
    slow = Agent("ann", "", model=ScriptedModel(["?"], delay=3.0), policy=Policy(timeout=0.05))
    began = time.perf_counter()
    result = run(chat(slow, bidder("bob", 0.4)).compile())
    assert order(result) == ["bob"]
    assert time.perf_counter() - began < 2.5


def test_where_no_bid_is_high_enough_the_chat_is_quiescent(run):
    result = run(chat(bidder("ann", 0.5, 0.2), bidder("bob", 0.4, 0.1), max_turns=9).compile())
    assert order(result) == ["ann"]
    assert ended(result) == ("said", "quiescent")
    assert decisions(result)[-1] == ("selector", 2, "ok", "no bid reaches 0.3: the highest is 0.2")


def test_a_bid_that_just_reaches_the_threshold_is_enough(run):
    assert order(run(chat(bidder("ann", 0.3)).compile())) == ["ann"]
    assert order(run(chat(bidder("ann", 0), threshold=0).compile())) == ["ann"]
    assert order(run(chat(bidder("ann", 1), threshold=1).compile())) == ["ann"]
    assert order(run(chat(bidder("ann", 0.99), threshold=1).compile())) == []


def test_functions_that_bid_need_no_node_and_no_superstep():
    graph = chat(bidder("ann", 0.5), bidder("bob", 0.4), max_turns=3)
    assert "selector" not in graph.nodes
    assert ("intake", "__end__") in edges(graph)
    steps = list(graph.compile().stream({"messages": "the task"}, stream_mode="updates"))
    assert len(steps) == 4


def test_one_model_may_bid_for_all_whatever_they_are(run):
    model = ScriptedModel(lambda messages: bid(0.9 if "bob" in messages[0].text else 0.2))
    members = [agent("ann"), team(agent("inner"), name="bob"), Human("cid")]
    result = run(chat(*members, model=model).compile())
    assert outcomes(result)[-1] == ("bob/inner", "ok")
    assert len(model.calls) == 3


def test_a_function_bids_for_itself_also_where_a_model_bids_for_the_others(run):
    model = ScriptedModel([bid(0.5)])
    assert order(run(chat(agent("ann"), bidder("bob", 0.9), model=model).compile())) == ["bob"]


def test_only_candidates_bid(run):
    model = ScriptedModel(lambda messages: bid(0.9))
    graph = chat(agent("ann"), agent("bob"), model=model, max_turns=2, allow_repeat=False)
    result = run(graph.compile())
    assert order(result) == ["ann", "bob"]
    assert [path for path, step, *_ in decisions(result) if step == 2] == [
        "selector/bob",
        "selector",
    ]


def test_a_spent_budget_ends_the_chat_before_anybody_bids(run):
    ann = agent("ann", bid(0.5), "ann")
    result = run(chat(ann, max_turns=5, limits=Limits(tokens=30)).compile())
    assert ended(result) == ("ann", "token_limit")
    assert len(ann.model.calls) == 2


def test_a_budget_that_bids_have_spent_ends_the_chat(run):
    ann = agent("ann", bid(0.5), "ann", "?", bid(0.5))
    result = run(chat(ann, max_turns=5, limits=Limits(tokens=45)).compile())
    assert ended(result) == ("ann", "token_limit")
    assert outcomes(result)[-1] == ("selector/ann", "cancelled")


def test_a_missing_model_for_a_bid_is_an_error_and_no_bid(run):
    with pytest.raises(ConfigurationError, match="model"):
        run(chat(Agent("ann", ""), bidder("bob", 0.4)).compile())


def test_a_bid_may_be_made_by_the_model_of_the_run(run):
    context = {"model": ScriptedModel([bid(0.5), "hello"])}
    assert order(run(chat(Agent("ann", "")).compile(), context=context)) == ["ann"]


def test_bids_of_a_team_inside_are_told_under_its_path(run):
    inner = chat(bidder("ann", 0.9)).compile(name="team")
    result = run(create_group_chat([inner], max_turns=1).compile())
    assert outcomes(result) == [
        ("team/selector/ann", "ok"),
        ("team/selector", "ok"),
        ("team/ann", "ok"),
    ]
