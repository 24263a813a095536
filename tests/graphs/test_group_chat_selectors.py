"""Group chat: a model that chooses the next speaker."""

import pytest
from langchain_core.messages import AIMessage
from langgraph.errors import NodeTimeoutError

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Limits, Policy, by_model, task_only
from langgraph_orchestra.state import DecisionError, SpeakerChoice
from support.chats import decisions, finished, order, says, talkers
from support.members import AT_ONCE, agent
from support.results import ended, outcomes, spoken, usage

RETRIED = Policy(retry=AT_ONCE)


def led_by(*choices, names=("ann", "bob", "cid"), model=None, **options):
    """A chat in which a model makes these choices; and the model."""
    settings = {
        key: options.pop(key)
        for key in ("attempts", "may_finish", "fallback", "prompt")
        if key in options
    }
    model = model or ScriptedModel(choices)
    select = by_model(model, **settings)
    return create_group_chat(talkers(*names), select=select, **options), model


def told(call):
    """What a model was asked: who takes part, and the question."""
    return call.messages[0].text, call.messages[-1].text


def reasons(model):
    """Why choices were asked for again."""
    return [
        call.messages[-1].text.partition("cannot be used: ")[2]
        for call in model.calls
        if "cannot be used" in call.messages[-1].text
    ]


def test_a_model_gives_the_floor_and_ends_the_chat_with_a_final_answer(run, saver):
    graph, model = led_by(says("bob"), says("ann"), finished("42"))
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert order(result) == ["bob", "ann"]
    assert ended(result) == ("42", "completed")
    assert (result["stop"].by, result["stop"].detail) == ("selector", "because")
    assert spoken(result)[-1] == ("selector", "42")
    model.assert_complete()


def test_it_reads_the_whole_conversation_and_who_takes_part(run):
    model = ScriptedModel([says("bob"), says("bob"), finished("42")])
    members = [agent("ann", description="Writes."), agent("bob", "one", "two")]
    graph = create_group_chat(members, select=by_model(model), history=task_only())
    run(graph.compile())
    prompt, question = told(model.calls[2])
    assert "- ann: Writes.\n- bob" in prompt
    assert "Choose among: ann, bob." in question
    assert [m.text for m in model.calls[2].messages[1:-1]] == ["the task", "bob: one", "bob: two"]


def test_its_final_answer_of_an_earlier_run_is_its_own(run, saver):
    graph, model = led_by(says("ann"), finished("42"), says("bob"), finished("43"))
    app = graph.compile(checkpointer=saver)
    run(app, "one", thread="1")
    result = run(app, "two", thread="1")
    assert ended(result) == ("43", "completed")
    (own,) = [m for m in model.calls[2].messages if m.type == "ai"]
    assert own.text == "42"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (says("eve"), '`next_speaker` is \'eve\'; it must be one of "ann", "bob", "cid"'),
        (says("Ann"), "`next_speaker` is 'Ann'"),
        (says("ann or bob"), "`next_speaker` is 'ann or bob'"),
        (says(" ann "), "`next_speaker` is ' ann '"),
        (says(None), "`next_speaker` is None"),
        (says(""), "`next_speaker` is ''"),
        (says(["ann"]), "`next_speaker`"),
        (says(None, finished=True), "`finished` needs the complete answer in `final_answer`"),
        (finished("  "), "`finished` needs the complete answer"),
        (says("ann", finished="false"), "`finished`"),
        ({"next_speaker": "ann"}, "`reason`"),
        ({"reason": "because"}, "`next_speaker`"),
        ("ann", "no JSON objects"),
        ("", "no JSON objects"),
    ],
)
def test_a_choice_that_cannot_be_used_is_asked_for_again_with_the_reason(wrong, why, run):
    graph, model = led_by(wrong, says("cid"), max_turns=1)
    result = run(graph.compile())
    assert order(result) == ["cid"]
    (reason,) = reasons(model)
    assert why in reason
    assert decisions(result) == [("selector", 1, "ok", "cid: because")]


def test_two_choices_at_once_are_asked_for_again(run):
    calls = [{"name": "SpeakerChoice", "args": says(name), "id": name} for name in ("ann", "bob")]
    graph, model = led_by(AIMessage("", tool_calls=calls), says("bob"), max_turns=1)
    assert order(run(graph.compile())) == ["bob"]
    assert "2 answers were given" in reasons(model)[0]


def test_one_who_may_not_speak_now_is_asked_for_again(run):
    graph, model = led_by(
        says("ann"),
        says("ann"),
        says("bob"),
        finished("42"),
        names=("ann", "bob", "cid"),
        allow_repeat=False,
    )
    result = run(graph.compile())
    assert order(result) == ["ann", "bob"]
    assert 'it must be one of "bob", "cid"' in reasons(model)[0]


def test_keys_that_a_model_adds_are_ignored(run):
    graph, _ = led_by(says("bob", confidence="high"), max_turns=1)
    assert order(run(graph.compile())) == ["bob"]


def test_a_typed_choice_is_taken_as_it_is(run):
    graph, _ = led_by(SpeakerChoice(next_speaker="bob", reason=""), max_turns=1)
    assert order(run(graph.compile())) == ["bob"]


@pytest.mark.parametrize(("fallback", "speaker"), [("next", "bob"), ("cid", "cid"), ("ann", "bob")])
def test_after_so_many_bad_choices_the_fallback_speaks_and_the_trail_says_so(
    fallback, speaker, run
):
    graph, model = led_by(
        says("ann"),
        *[says("eve")] * 2,
        fallback=fallback,
        attempts=2,
        allow_repeat=False,
        max_turns=2,
    )
    result = run(graph.compile())
    assert order(result) == ["ann", speaker]
    path, step, outcome, detail = decisions(result)[1]
    assert (path, step, outcome) == ("selector", 2, "fallback")
    assert detail.startswith(f"{speaker}: ")
    assert "'eve'" in detail
    assert len(model.calls) == 3


def test_three_attempts_are_the_default(run):
    graph, model = led_by(*[says("eve")] * 3, max_turns=1)
    result = run(graph.compile())
    assert order(result) == ["ann"]
    assert len(model.calls) == 3


def test_a_fallback_that_raises_gives_the_error_of_the_last_attempt(run):
    graph, model = led_by(*[says("eve")] * 2, fallback="raise", attempts=2)
    with pytest.raises(DecisionError) as raised:
        run(graph.compile())
    assert (raised.value.attempts, "'eve'" in raised.value.last_error) == (2, True)
    assert len(model.calls) == 2


def test_bad_choices_are_counted_in_the_usage(run):
    graph, _ = led_by(says("eve"), "?", says("bob"), max_turns=1)
    assert usage(run(graph.compile())) == 4 * 15
    graph, _ = led_by(says("eve"), says("eve"), attempts=2, max_turns=1)
    assert usage(run(graph.compile())) == 3 * 15


def test_where_one_candidate_is_left_the_model_is_not_called(run):
    graph, model = led_by(
        "never",
        names=("ann", "bob"),
        allow_repeat=False,
        max_turns=3,
        candidates=lambda view: ["ann"] if not view.turns else ["ann", "bob"],
    )
    result = run(graph.compile())
    assert order(result) == ["ann", "bob", "ann"]
    assert (model.calls, decisions(result)) == ([], [])


def test_a_model_that_may_not_finish_is_asked_for_a_speaker(run):
    graph, model = led_by(finished("42"), says("bob"), may_finish=False, max_turns=1)
    assert order(run(graph.compile())) == ["bob"]
    assert "cannot be finished" in reasons(model)[0]
    assert "finish" not in told(model.calls[0])[1]


def test_a_speaker_is_taken_also_where_the_model_says_that_all_is_finished(run):
    graph, _ = led_by(says("bob", finished=True), says("ann", finished=True), max_turns=1)
    assert order(run(graph.compile())) == ["bob"]


def test_a_name_beside_a_final_answer_gives_nobody_the_floor(run):
    graph, _ = led_by(finished("42", next_speaker="ann"))
    result = run(graph.compile())
    assert (ended(result), order(result)) == (("42", "completed"), [])


def test_a_summary_follows_a_final_answer_too(run):
    graph, _ = led_by(says("ann"), finished("42"), summary=agent("closing", "short"))
    result = run(graph.compile())
    assert ended(result) == ("short", "completed")
    assert spoken(result)[1:] == [("selector", "42"), ("summary", "short")]


def test_the_model_is_that_of_the_chat_where_the_selector_names_none(run):
    model = ScriptedModel([says("bob")])
    graph = create_group_chat(talkers("ann", "bob"), select=by_model(), model=model, max_turns=1)
    assert order(run(graph.compile())) == ["bob"]


def test_the_model_is_the_runs_where_nobody_names_one(run):
    context = {"model": ScriptedModel([says("bob")])}
    graph = create_group_chat(talkers("ann", "bob"), select=by_model(), max_turns=1)
    assert order(run(graph.compile(), context=context)) == ["bob"]


@pytest.mark.parametrize("where", ["selector", "chat"])
def test_an_agent_may_decide_by_its_prompt_model_and_policy(where, run):
    flaky = [ConnectionError("away"), ConnectionError("away"), says("bob")]
    boss = agent("boss", *flaky, policy=RETRIED)
    given = (
        {"select": by_model(boss)} if where == "selector" else {"select": by_model(), "model": boss}
    )
    graph = create_group_chat(talkers("ann", "bob"), max_turns=1, **given)
    result = run(graph.compile())
    assert order(result) == ["bob"]
    assert told(boss.model.calls[0])[0].startswith("You are boss.")
    (decision,) = [t for t in result["trail"] if t.kind == "decision"]
    assert decision.attempts == 3


def test_a_prompt_of_the_selector_comes_before_that_of_an_agent_and_of_the_chats_model(run):
    boss = agent("boss", says("ann"), says("ann"))
    for given in (
        {"select": by_model(boss, prompt="Choose well.")},
        {"select": by_model(prompt="Choose well."), "model": boss},
    ):
        run(create_group_chat(talkers("ann", "bob"), max_turns=1, **given).compile())
    assert [told(call)[0].startswith("Choose well.") for call in boss.model.calls] == [True] * 2


def test_a_model_that_fails_raises_and_a_resume_asks_it_again_but_nobody_else(run, saver):
    boss = agent("boss", says("ann"), ValueError("away"), finished("42"), policy=Policy(retry=None))
    ann, bob = talkers("ann", "bob")
    app = create_group_chat([ann, bob], select=by_model(boss)).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="away"):
        run(app, thread="1")
    assert ended(run(app, None, thread="1")) == ("42", "completed")
    assert len(ann.model.calls) == 1


def test_a_budget_that_is_spent_keeps_the_model_from_choosing(run):
    graph, model = led_by(says("ann"), says("bob"), limits=Limits(tokens=15))
    result = run(graph.compile())
    assert ended(result) == ("", "token_limit")
    assert outcomes(result) == [("selector", "ok"), ("ann", "cancelled")]
    assert len(model.calls) == 1


def test_a_budget_that_is_spent_by_bad_choices_ends_the_chat(run):
    graph, model = led_by(says("ann"), says("eve"), says("bob"), limits=Limits(tokens=45))
    result = run(graph.compile())
    assert ended(result) == ("ann 1", "token_limit")
    assert outcomes(result)[-1] == ("selector", "cancelled")
    assert usage(result) == 45
    assert len(model.calls) == 2


def test_choices_are_numbered_with_the_turn_they_lead_to(run, saver):
    graph, _ = led_by(says("ann"), says("cid"), finished("42"), says("bob"), finished("43"))
    app = graph.compile(checkpointer=saver)
    result = run(app, thread="1")
    assert [(t.agent, t.step) for t in result["trail"]] == [
        ("selector", 1),
        ("ann", 1),
        ("selector", 2),
        ("cid", 2),
        ("selector", 3),
    ]
    again = run(app, "and now?", thread="1")
    assert [(t.agent, t.step) for t in again["trail"]][5:] == [
        ("selector", 1),
        ("bob", 1),
        ("selector", 2),
    ]


def test_a_model_shared_with_participants_is_counted_once(run):
    model = ScriptedModel([says("ann"), "hello", finished("42")])
    ann = Agent("ann", "", model=model)
    graph = create_group_chat([ann, agent("bob")], select=by_model(model))
    assert usage(run(graph.compile())) == 3 * 15


def test_what_a_selector_thinks_is_not_streamed_as_words():
    graph, _ = led_by("ann", says("ann"), max_turns=1)
    parts = graph.compile().stream({"messages": "the task"}, stream_mode="messages")
    text = "".join(message.text for message, _ in parts if message.type.startswith("AI"))
    assert text == "ann 1"


def test_answers_of_a_failed_attempt_at_a_choice_are_counted_too(run):
    boss = agent("boss", says("eve"), ConnectionError("away"), says("bob"), policy=RETRIED)
    graph = create_group_chat(talkers("ann", "bob"), select=by_model(boss), max_turns=1)
    assert usage(run(graph.compile())) == 3 * 15


def test_a_choice_is_given_up_when_the_deciders_time_is_over(run):
    slow = ScriptedModel([says("ann")], delay=2.0)
    boss = Agent("boss", "", model=slow, policy=Policy(retry=None, timeout=0.05))
    graph = create_group_chat(talkers("ann", "bob"), select=by_model(boss), max_turns=1)
    with pytest.raises(NodeTimeoutError):
        run(graph.compile())
