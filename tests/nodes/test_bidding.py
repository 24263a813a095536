"""Bids: of functions, of agents' own models, and of one model for all."""

import pytest
from langchain_core.messages import HumanMessage

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Member, by_bids, task_only
from langgraph_orchestra.state import Bid
from support.chats import decisions, order
from support.members import agent, named


def offering(name, offer, **options):
    """A function that bids so."""
    return Member(named(name), bid=offer, **options)


def chat(*members, model=None, **options):
    """A chat of one turn in which they bid."""
    options = {"max_turns": 1, **options}
    return create_group_chat(members, select=by_bids(model=model), **options).compile()


@pytest.mark.parametrize(
    ("offer", "told"),
    [
        (0.5, "bids 0.5"),
        (1, "bids 1.0"),
        (Bid(confidence=0.5, approach="by hand"), "bids 0.5: by hand"),
        (Bid(confidence=0.5, cost=3.0, seconds=9.0, skills=["law"]), "bids 0.5"),
    ],
)
def test_a_bid_is_an_object_or_its_confidence(offer, told, run):
    result = run(chat(offering("ann", lambda view: offer)))
    assert decisions(result)[0] == ("selector/ann", 1, "ok", told)


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        (True, "TypeError: a bid is a `Bid` or a number from 0 to 1, not True"),
        ("0.5", "TypeError: a bid is a `Bid` or a number from 0 to 1, not '0.5'"),
        (None, "TypeError: a bid is"),
        (1.5, "ValidationError: "),
    ],
)
def test_what_is_no_bid_is_told_with_its_error(offer, why, run):
    result = run(chat(offering("ann", lambda view: offer)))
    path, _, outcome, detail = decisions(result)[0]
    assert (path, outcome) == ("selector/ann", "failed")
    assert detail.startswith(why)
    assert result["stop"].reason == "quiescent"


def test_a_function_bids_with_the_view_of_the_run(run):
    def eager(view):
        return 0.9 if "law" in view.task else 0.0

    members = [offering("ann", lambda view: 0.5), offering("bob", eager)]
    assert order(run(chat(*members), "a question of law")) == ["bob"]
    assert order(run(chat(*members), "another question")) == ["ann"]


def test_a_model_that_bids_for_all_is_told_whose_bid_it_is(run):
    model = ScriptedModel(lambda messages: {"confidence": 0.5})
    members = [
        Agent("ann", "You are ann.", model=ScriptedModel(["hello"])),
        Member(named("bob"), description="Knows law."),
        Human("pat", "Knows people."),
    ]
    run(chat(*members, model=model))
    prompts = sorted(call.messages[0].text for call in model.calls)
    ask = "Do not answer yet: say how well you, {}, can take on what is to be done next."
    assert prompts == [
        f"Knows law.\n\n{ask.format('bob')}",
        f"Knows people.\n\n{ask.format('pat')}",
        f"You are ann.\n\n{ask.format('ann')}",
    ]


def test_an_agent_that_bids_for_all_gives_its_prompt_for_agents_too(run):
    model = ScriptedModel(lambda messages: {"confidence": 0.5})
    boss = Agent("boss", "Be honest.", model=model)
    run(chat(Agent("ann", "You are ann.", model=ScriptedModel(["hello"])), model=boss))
    assert model.calls[0].messages[0].text.startswith("Be honest.\nYou are ann.\n\n")


def test_an_agent_that_bids_for_all_gives_its_prompt_to_those_without_one(run):
    model = ScriptedModel(lambda messages: {"confidence": 0.5})
    boss = Agent("boss", "Be honest.", model=model)
    run(chat(Member(named("bob"), description="Knows law."), model=boss))
    assert model.calls[0].messages[0].text.startswith("Be honest.\nKnows law.\n\n")


def test_one_bids_after_reading_what_their_history_lets_them_read(run):
    bob = agent("bob", {"confidence": 0.5}, "bob", {"confidence": 0.5}, "bob", history=task_only())
    run(chat(bob, max_turns=2))
    texts = [[m.text for m in call.messages[1:]] for call in bob.model.calls]
    assert texts[2] == ["the task"]


def test_a_bid_leaves_no_message(run):
    bob = agent("bob", {"confidence": 0.5}, "hello")
    result = run(chat(bob))
    assert [m.text for m in result["messages"]] == ["the task", "hello"]
    assert isinstance(result["messages"][0], HumanMessage)
