"""Who speaks next, where a model is asked."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.types import RetryPolicy

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel, resolve
from langgraph_orchestra.nodes import Agent, Limits, Member, Policy, by_model
from langgraph_orchestra.state import (
    ConfigurationError,
    DecisionError,
    OrchestrationContext,
    SpeakerChoice,
)
from support.members import AT_ONCE, agent, echo
from support.results import calls, ended, readings, usage

NAMES = ["zeta", "alpha", "mid"]
"""Declared order, which is neither that of the alphabet nor its reverse."""


def choice(name, reason="it fits", **fields):
    return {"next_speaker": name, "reason": reason, **fields}


def final(answer, **fields):
    return choice(None, "all said", finished=True, final_answer=answer, **fields)


def panel(*replies, max_turns=1, options=None, **chooser):
    """A chat of three, whose speakers are chosen by a model with these replies."""
    model = ScriptedModel(replies)
    members = [Member(echo(name), description=f"knows {name}") for name in NAMES]
    select = by_model(model, **chooser)
    chat = create_group_chat(members, select=select, max_turns=max_turns, **(options or {}))
    return chat, model


def decisions(result):
    return [
        (turn.agent, turn.outcome, turn.detail)
        for turn in result["trail"]
        if turn.kind == "decision"
    ]


def speakers(result):
    return [turn.agent for turn in result["trail"] if turn.kind != "decision"]


# What the model is asked


def test_a_model_chooses_who_speaks_next_and_its_reason_stands_in_the_trail(run, saver):
    chat, model = panel(choice("mid"), choice("zeta"), max_turns=2)
    result = run(chat.compile(checkpointer=saver), thread="1")
    assert speakers(result) == ["mid", "zeta"]
    assert decisions(result) == [
        ("selector", "ok", "mid: it fits"),
        ("selector", "ok", "zeta: it fits"),
    ]
    model.assert_complete()


def test_the_model_reads_the_whole_conversation_and_who_takes_part(run):
    chat, model = panel(choice("mid"), choice("zeta"), max_turns=2)
    run(chat.compile(), "Describe the octopus")
    first, second = model.calls
    assert all(f"- {name}: knows {name}" in first.messages[0].text for name in NAMES)
    assert [m.text for m in second.messages[1:-1]] == [
        "Describe the octopus",
        "mid: mid: Describe the octopus",
    ]
    assert "Choose among: zeta, alpha, mid." in second.messages[-1].text
    assert isinstance(second.messages[-1], HumanMessage)


def test_the_model_is_asked_for_a_speaker_choice_and_no_token_of_it_is_streamed():
    chat, model = panel(choice("mid"))
    streamed = chat.compile().stream({"messages": "go"}, stream_mode="messages")
    assert {meta["langgraph_node"] for _, meta in streamed} == {"mid"}
    [schema] = model.calls[0].tools
    assert schema["function"]["name"] == SpeakerChoice.__name__


def test_a_choice_leaves_no_message(run):
    chat, _ = panel(choice("mid"))
    result = run(chat.compile())
    assert [m.name for m in result["messages"]] == [None, "mid"]


def test_the_prompt_is_ours_unless_one_is_given():
    ours, given_ = ScriptedModel([choice("mid")]), ScriptedModel([choice("mid")])
    for select in (by_model(ours), by_model(given_, prompt="Whoever is cheapest.")):
        create_group_chat(list(map(echo, NAMES)), select=select, max_turns=1).compile().invoke(
            {"messages": "go"}
        )
    assert ours.calls[0].messages[0].text.startswith("You lead a conversation")
    assert given_.calls[0].messages[0].text.startswith("Whoever is cheapest.")


@pytest.mark.parametrize("place", ["selector", "chat"])
def test_an_agent_gives_prompt_and_model_but_a_prompt_that_is_given_comes_first(place):
    def told(**chooser):
        model = ScriptedModel([choice("mid")])
        who = Agent("host", "You are the host.", model=model)
        if place == "selector":
            options: Any = {"select": by_model(who, **chooser)}
        else:
            options = {"select": by_model(**chooser), "model": who}
        chat = create_group_chat(list(map(echo, NAMES)), max_turns=1, **options)
        chat.compile().invoke({"messages": "go"})
        return model.calls[0].messages[0].text

    assert told().startswith("You are the host.")
    assert told(prompt="Choose well.").startswith("Choose well.")


def test_a_selector_without_a_model_takes_the_chats_then_that_of_the_run(run, monkeypatch):
    named = ScriptedModel([choice("alpha")])
    monkeypatch.setattr(resolve, "_model_named", {"any:model": named}.__getitem__)
    members = list(map(echo, NAMES))
    own = create_group_chat(
        members, select=by_model(), model=ScriptedModel([choice("mid")]), max_turns=1
    )
    runs = create_group_chat(members, select=by_model(), max_turns=1)
    context = OrchestrationContext(model="any:model")
    assert speakers(run(own.compile(), context=context)) == ["mid"]
    assert speakers(run(runs.compile(), context=context)) == ["alpha"]


def test_a_missing_model_is_found_before_anybody_speaks(run):
    member = agent("a")
    app = create_group_chat([member, agent("b")], select=by_model()).compile()
    with pytest.raises(ConfigurationError, match="`ORCHESTRA_MODEL`"):
        run(app)
    assert calls(member) == [0]


# Choices that cannot be used

UNUSABLE = {
    "unknown": (choice("nobody"), '\'nobody\'; it must be one of "zeta", "alpha", "mid"'),
    "other case": (choice("Mid"), "'Mid'"),
    "blanks": (choice(" mid"), "' mid'"),
    "ambiguous": (choice("mid or zeta"), "'mid or zeta'"),
    "nobody": (choice(None), "None"),
    "finished in words": (choice("mid", finished="true"), "`finished`"),
    "finished without an answer": (choice(None, finished=True), "`final_answer`"),
    "finished with a blank answer": (final("  "), "`final_answer`"),
    "no reason": ({"next_speaker": "mid"}, "`reason`"),
    "no JSON": ("I would ask mid.", "no JSON object"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_choice_that_cannot_be_used_is_asked_again_with_the_reason(run, kind):
    bad, why = UNUSABLE[kind]
    chat, model = panel(bad, choice("alpha"))
    result = run(chat.compile())
    assert speakers(result) == ["alpha"]
    assert why in model.calls[1].messages[-1].text
    assert decisions(result) == [("selector", "ok", "alpha: it fits")]
    assert usage(result) == 3 * 15


def test_a_name_that_is_not_allowed_now_is_asked_again_with_those_that_are(run):
    chat, model = panel(
        choice("zeta"),
        choice("zeta"),
        choice("alpha"),
        max_turns=2,
        options={"allow_repeat": False},
    )
    result = run(chat.compile())
    assert speakers(result) == ["zeta", "alpha"]
    assert 'it must be one of "alpha", "mid"' in model.calls[2].messages[-1].text


def test_with_no_valid_choice_the_next_in_declared_order_speaks_and_the_trail_says_so(run):
    chat, model = panel(choice("alpha"), *[choice("nobody")] * 3, max_turns=2)
    result = run(chat.compile())
    assert speakers(result) == ["alpha", "mid"]
    (_, outcome, detail) = decisions(result)[1]
    assert outcome == "fallback"
    assert detail.startswith("mid: ")
    assert "'nobody'" in detail
    model.assert_complete()


def test_next_wraps_around_and_passes_over_those_who_may_not_speak(run):
    options = {"transitions": {"mid": ["alpha", "mid"]}}
    chat, _ = panel(choice("mid"), *[choice("nobody")] * 3, max_turns=2, options=options)
    assert speakers(run(chat.compile())) == ["mid", "alpha"]


def test_a_declared_participant_speaks_where_no_choice_was_valid(run):
    chat, _ = panel(*[choice("nobody")] * 3, fallback="mid")
    result = run(chat.compile())
    assert speakers(result) == ["mid"]
    assert decisions(result)[0][1] == "fallback"


def test_a_declared_participant_who_may_not_speak_now_gives_way_to_the_next(run):
    options = {"allow_repeat": False}
    chat, _ = panel(
        choice("mid"), *[choice("nobody")] * 3, max_turns=2, fallback="mid", options=options
    )
    assert speakers(run(chat.compile())) == ["mid", "zeta"]


def test_raise_raises_a_decision_error_and_a_resume_asks_again(run, saver):
    member = agent("a", "one")
    model = ScriptedModel([choice("a"), *[choice("nobody")] * 3, choice("b")])
    app = create_group_chat(
        [member, agent("b")], select=by_model(model, fallback="raise"), max_turns=2
    ).compile(checkpointer=saver)
    with pytest.raises(DecisionError, match="nobody") as caught:
        run(app, thread="1")
    assert caught.value.attempts == 3
    assert speakers(run(app, None, thread="1")) == ["a", "b"]
    assert calls(member) == [1]


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_the_model_is_asked_as_often_as_attempts_say(run, attempts):
    chat, model = panel(*[choice("nobody")] * attempts, attempts=attempts)
    assert speakers(run(chat.compile())) == ["zeta"]
    model.assert_complete()


def test_what_the_model_raises_surfaces(run):
    chat, _ = panel(ValueError("out of order"))
    with pytest.raises(ValueError, match="out of order"):
        run(chat.compile())


def test_an_agents_policy_tries_the_choice_again_and_all_of_it_is_counted(run):
    model = ScriptedModel([choice("nobody"), ConnectionError("away"), choice("b")])
    host = Agent("host", "", model=model, policy=Policy(retry=AT_ONCE))
    chat = create_group_chat([agent("a"), agent("b")], select=by_model(host), max_turns=1)
    result = run(chat.compile())
    assert [(t.agent, t.attempts, t.input_tokens) for t in result["trail"]] == [
        ("selector", 2, 20),
        ("b", 1, 10),
    ]


def test_a_model_that_fails_is_not_tried_again_without_a_retry_policy(run):
    model = ScriptedModel([ConnectionError("away")])
    host = Agent("host", "", model=model, policy=Policy(retry=None))
    chat = create_group_chat([agent("a"), agent("b")], select=by_model(host))
    with pytest.raises(ConnectionError, match="away"):
        run(chat.compile())


def test_where_one_candidate_is_left_the_model_is_not_called(run):
    chat, model = panel("never", options={"candidates": lambda view: ["mid"]}, max_turns=3)
    result = run(chat.compile())
    assert speakers(result) == ["mid"] * 3
    assert (model.calls, decisions(result)) == ([], [])


# The end


def test_the_model_may_end_the_chat_with_a_final_answer(run, saver):
    chat, _ = panel(choice("mid"), final("Eight arms."), max_turns=5)
    result = run(chat.compile(checkpointer=saver), thread="1")
    assert ended(result) == ("Eight arms.", "completed")
    assert (result["stop"].by, result["stop"].detail) == ("selector", "all said")
    last = result["messages"][-1]
    assert (type(last), last.name, last.text) == (AIMessage, "selector", "Eight arms.")
    assert speakers(result) == ["mid"]
    assert decisions(result)[-1] == ("selector", "ok", "finished: all said")


def test_the_final_answer_is_read_in_the_next_run_as_the_selectors(run, saver):
    members = [agent("a"), agent("b")]
    model = ScriptedModel([final("Eight."), choice("a")])
    app = create_group_chat(members, select=by_model(model), max_turns=1)
    app = app.compile(checkpointer=saver)
    run(app, "arms?", thread="1")
    run(app, "hearts?", thread="1")
    assert readings(members[0]) == [["arms?", "selector: Eight.", "hearts?"]]


def test_a_final_answer_counts_beside_a_name_and_a_name_beside_no_answer(run):
    chat, _ = panel(choice("mid", finished=True, final_answer="Done."))
    assert ended(run(chat.compile())) == ("Done.", "completed")
    chat, _ = panel(choice("mid", finished=True))
    assert speakers(run(chat.compile())) == ["mid"]


def test_a_model_that_may_not_finish_is_told_so(run):
    chat, model = panel(final("Eight."), choice("mid"), may_finish=False)
    assert speakers(run(chat.compile())) == ["mid"]
    assert "cannot be finished here" in model.calls[1].messages[-1].text
    assert "finish" not in model.calls[0].messages[-1].text


def test_a_budget_that_is_spent_before_a_choice_ends_the_chat(run):
    chat, model = panel(choice("mid"), choice("alpha"), options={"limits": Limits(tokens=30)})
    assert ended(run(chat.compile()))[1] == "turn_limit"
    chat, model = panel(
        choice("nobody"), choice("nobody"), options={"limits": Limits(tokens=30)}, max_turns=5
    )
    result = run(chat.compile())
    assert ended(result) == ("", "token_limit")
    assert decisions(result) == [("selector", "cancelled", "30 of 30 tokens used")]
    assert usage(result) == 30
    model.assert_complete()


@given(
    choices=st.lists(
        st.builds(
            choice,
            st.none() | st.sampled_from([*NAMES, "nobody", ""]),
            finished=st.booleans(),
            final_answer=st.sampled_from(["", " ", "Done."]),
        )
        | st.text(max_size=5)
        | st.dictionaries(st.text(max_size=3), st.booleans() | st.none(), max_size=2),
        max_size=12,
    ),
    max_turns=st.integers(1, 4),
    allow_repeat=st.booleans(),
)
def test_whatever_a_model_chooses_the_chat_ends_in_time_with_a_reason(
    choices, max_turns, allow_repeat
):
    left = iter(choices)
    model = ScriptedModel(lambda _: next(left, "nothing more"))
    result = (
        create_group_chat(
            list(map(echo, NAMES)),
            select=by_model(model),
            max_turns=max_turns,
            allow_repeat=allow_repeat,
        )
        .compile()
        .invoke({"messages": "go"})
    )
    spoke = speakers(result)
    assert result["stop"].reason == ("turn_limit" if len(spoke) == max_turns else "completed")
    assert len(spoke) <= max_turns
    assert allow_repeat or all(one != other for one, other in pairwise(spoke))
    assert usage(result) == 15 * (len(model.calls) + len(spoke))


# Arguments

WRONG = [
    ({"model": 5}, TypeError, "who decides is a chat model, its name, an `Agent` or None, not 5"),
    ({"prompt": 5}, TypeError, "`prompt` of `by_model` is a str or None, not 5"),
    ({"attempts": 0}, ConfigurationError, "`attempts` is 0; it must be at least 1"),
    ({"attempts": True}, TypeError, "`attempts` is an int"),
    ({"may_finish": "no"}, TypeError, "`may_finish` of `by_model` is a bool, not 'no'"),
    ({"fallback": None}, TypeError, "`fallback` of `by_model` is a str, not None"),
    ({"model": Agent("host", "", tools=[print])}, ConfigurationError, "`tools` of agent `host`"),
    ({"model": Agent("h", "", output=SpeakerChoice)}, ConfigurationError, "`output` of agent `h`"),
    ({"threshold": 1}, TypeError, "threshold"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG, ids=map(str, range(len(WRONG))))
def test_by_model_refuses_what_it_cannot_use(options, error, message):
    with pytest.raises(error, match=message):
        by_model(**options)


def test_a_fallback_who_does_not_take_part_is_refused_with_those_who_do():
    with pytest.raises(ConfigurationError, match=r"`nobody`; it is 'next', 'raise' or one of `a`"):
        create_group_chat([agent("a")], select=by_model(agent("m"), fallback="nobody"))


def test_pauses_of_a_failing_choice_are_the_agents():
    assert by_model(
        Agent("h", "", policy=Policy(retry=RetryPolicy(max_attempts=7)))
    ).policy.retry == RetryPolicy(max_attempts=7)
