"""Who sums a chat up, who chooses its speakers, and what the two of them read."""

import pytest

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Policy, by_model, last_only
from langgraph_orchestra.state import ConfigurationError, SpeakerChoice
from support.members import agent, look_up
from support.results import ended, readings, spoken


def picks(*names):
    """A model that chooses these speakers."""
    return ScriptedModel([SpeakerChoice(next_speaker=name, reason="") for name in names])


def read_in(model):
    """What a chooser was sent, without prompt and question."""
    return [[m.text for m in call.messages[1:-1]] for call in model.calls]


def test_a_summary_reads_this_run_and_no_earlier_one(run, saver):
    closing = agent("closing", "sum one", "sum two")
    members = [agent("ann", "a1", "a2"), agent("bob", "b1", "b2")]
    app = create_group_chat(members, max_turns=2, summary=closing).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, "another task", thread="1")
    assert ended(result) == ("sum two", "turn_limit")
    assert readings(closing) == [
        ["the task", "ann: a1", "bob: b1"],
        ["another task", "ann: a2", "bob: b2"],
    ]


def test_a_function_sums_up_without_a_model(run):
    def shout(view):
        return view.last_text.upper()

    result = run(create_group_chat([agent("ann")], max_turns=1, summary=shout).compile())
    assert ended(result) == ("ANN", "turn_limit")
    assert spoken(result) == [("ann", "ann"), ("summary", "ANN")]
    assert [(turn.agent, turn.kind) for turn in result["trail"]] == [
        ("ann", "agent"),
        ("summary", "aggregate"),
    ]


@pytest.mark.parametrize("summary", ["Sum up.", Agent("closing", "Sum up.")])
def test_a_summary_without_a_model_takes_that_of_the_chat(run, summary):
    model = ScriptedModel(["the sum"])
    chat = create_group_chat([agent("ann")], max_turns=1, summary=summary, model=model)
    assert ended(run(chat.compile())) == ("the sum", "turn_limit")
    assert model.calls[0].messages[0].text == "Sum up."


def test_the_fallback_of_a_summary_speaks_in_its_name(run):
    fallback = agent("other", "from the fallback")
    closing = agent("closing", ValueError("no"), policy=Policy(retry=None, fallback=fallback))
    result = run(create_group_chat([agent("ann")], max_turns=1, summary=closing).compile())
    assert spoken(result)[1:] == [("summary", "from the fallback")]


def test_an_empty_summary_leaves_the_last_answer(run):
    closing = agent("closing", "")
    result = run(create_group_chat([agent("ann")], max_turns=1, summary=closing).compile())
    assert ended(result) == ("ann", "turn_limit")


def test_an_agent_who_chooses_reads_by_its_own_history(run):
    chooser = picks("ann", "bob")
    chair = Agent("chair", "Give the floor.", model=chooser, history=last_only())
    chat = create_group_chat([agent("ann"), agent("bob")], select=by_model(chair), max_turns=2)
    run(chat.compile())
    assert read_in(chooser) == [["the task"], ["ann: ann"]]


def test_an_agent_who_lends_its_model_brings_nothing_that_is_not_used():
    boss = Agent("boss", "", model=ScriptedModel(["sum"]), tools=[look_up])
    with pytest.raises(ConfigurationError, match="`tools` of agent `boss` would not be used"):
        create_group_chat([agent("ann")], summary="Sum up.", model=boss)
