"""Handoff: routes, tools, drawings, how control moves and what the target reads."""

from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from langgraph_orchestra.graphs import create_handoff
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    HandoffRule,
    Human,
    Limits,
    Member,
    everything,
    handoff_tool,
    last_only,
    mentions,
    turns,
)
from langgraph_orchestra.state import ConfigurationError
from support.handoffs import edges, records, to, told
from support.members import agent, look_up, named, wants
from support.results import calls, ended, model_of, outcomes, read_by, readings, spoken


def tools_of(member, call=0):
    """Names of the tools an agent's model was offered."""
    return [tool["function"]["name"] for tool in model_of(member).calls[call].tools]


def offered(member):
    """The tools an agent's model was offered, by name."""
    return {tool["function"]["name"]: tool["function"] for tool in model_of(member).calls[0].tools}


# Routes


def test_without_routes_everybody_may_hand_over_to_everybody(run, saver):
    a, b, c = agent("a", to("c")), agent("b"), agent("c", to("b"))
    result = run(create_handoff([a, b, c]).compile(checkpointer=saver), thread="1")
    assert tools_of(a) == ["handoff_to_b", "handoff_to_c"]
    assert tools_of(c) == ["handoff_to_a", "handoff_to_b"]
    assert ended(result) == ("b", "completed")
    assert outcomes(result) == [("a", "handed_off"), ("c", "handed_off"), ("b", "ok")]


def test_with_routes_exactly_the_listed_ones_are_offered_in_their_order(run):
    triage = agent("triage", to("tech"))
    tech = agent("tech")
    graph = create_handoff([triage, agent("billing"), tech], routes={"triage": ["tech", "billing"]})
    run(graph.compile())
    assert tools_of(triage) == ["handoff_to_tech", "handoff_to_billing"]
    assert tools_of(tech) == []


def test_one_participant_alone_just_answers(run):
    solo = agent("solo", "done")
    result = run(create_handoff([solo]).compile())
    assert (ended(result), tools_of(solo)) == (("done", "completed"), [])
    assert (result["active"], result["handoffs"]) == ("solo", [])


def test_start_says_who_has_control_first(run):
    result = run(create_handoff([agent("a"), agent("b")], start="b").compile())
    assert ended(result) == ("b", "completed")


def test_a_tool_has_a_typed_payload_and_the_targets_description(run):
    triage = agent("triage", to("billing"))
    billing = agent("billing", description="Knows about invoices.")
    run(create_handoff([triage, billing]).compile())
    tool = offered(triage)["handoff_to_billing"]
    assert "Knows about invoices." in tool["description"]
    fields = tool["parameters"]["properties"]
    assert list(fields) == ["reason", "context", "instructions", "priority"]
    assert fields["priority"]["enum"] == ["low", "normal", "high", "urgent"]
    assert tool["parameters"]["required"] == ["reason"]


def test_own_tools_come_before_the_handoffs(run):
    triage = agent("triage", to("billing"), tools=[look_up])
    run(create_handoff([triage, agent("billing"), agent("tech")]).compile())
    assert tools_of(triage) == ["look_up", "handoff_to_billing", "handoff_to_tech"]


def test_the_drawing_shows_exactly_the_routes():
    graph = create_handoff(
        [agent("triage"), agent("billing"), agent("tech")],
        routes={"triage": ["billing", "tech"], "tech": ["billing"]},
        resume_at="start",
    )
    assert edges(graph) == {
        ("__start__", "intake"),
        ("intake", "triage"),
        ("triage", "billing"),
        ("triage", "tech"),
        ("tech", "billing"),
        ("triage", "__end__"),
        ("billing", "__end__"),
        ("tech", "__end__"),
    }


def test_the_drawing_shows_that_a_run_may_begin_with_whoever_has_control():
    assert {("intake", "a"), ("intake", "b")} <= edges(create_handoff([agent("a"), agent("b")]))


def test_the_drawing_shows_rules_fallback_and_person():
    graph = create_handoff(
        [named("a"), named("b"), named("c"), named("d")],
        routes={"a": ["b"]},
        rules=[HandoffRule("c", when=lambda view: False, source="b")],
        accepts={"b": lambda view, handoff: False},
        fallback="d",
        human="user",
        resume_at="start",
        after_human="start",
    )
    assert edges(graph) == {
        ("__start__", "intake"),
        ("intake", "a"),
        ("a", "b"),
        ("a", "d"),
        ("a", "user"),
        ("a", "__end__"),
        ("b", "c"),
        ("b", "user"),
        ("c", "user"),
        ("d", "user"),
        ("user", "a"),
        ("user", "c"),
        ("user", "__end__"),
    }


def test_autonomous_turns_are_drawn_as_a_loop():
    graph = create_handoff([named("a")], human="user", autonomous_turns=2)
    assert ("a", "a") in edges(graph)


# What is refused when a graph is built


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "start": ({"start": "x"}, ConfigurationError, "`start` is `x`.*`a`, `b`, `c`"),
    "start type": ({"start": 1}, TypeError, "`start` is a name, not 1"),
    "routes type": ({"routes": ["a"]}, TypeError, "`routes` is a mapping"),
    "route text": ({"routes": {"a": "bc"}}, TypeError, "is a list of names, not 'bc'"),
    "route set": ({"routes": {"a": {"b"}}}, TypeError, "is a list of names"),
    "route key": ({"routes": {"x": ["a"]}}, ConfigurationError, "key `x`.*`a`, `b`, `c`"),
    "route target": ({"routes": {"a": ["x"]}}, ConfigurationError, "names `x`.*`a`, `b`, `c`"),
    "self": ({"routes": {"a": ["a"]}}, ConfigurationError, "names `a` itself.*`b`, `c`"),
    "unreachable": ({"routes": {"a": ["b"]}}, ConfigurationError, "`c` cannot be reached from `a`"),
    "rule type": ({"rules": [1]}, TypeError, "list of `HandoffRule`s, not of 1"),
    "rule list": ({"rules": HandoffRule("a", bool)}, TypeError, "`rules` is a list"),
    "rule target": (
        {"rules": [HandoffRule("x", bool)]},
        ConfigurationError,
        "`HandoffRule.target` is `x`.*`a`, `b`, `c`",
    ),
    "rule source": (
        {"rules": [HandoffRule("a", bool, source="x")]},
        ConfigurationError,
        "`HandoffRule.source` is `x`",
    ),
    "rule self": (
        {"rules": [HandoffRule("a", bool, source="a")]},
        ConfigurationError,
        "from `a` to itself",
    ),
    "accepts": ({"accepts": {"x": bool}}, ConfigurationError, "`accepts` is `x`"),
    "accepts type": ({"accepts": [1]}, TypeError, "`accepts` is a mapping"),
    "accepts value": ({"accepts": {"a": True}}, TypeError, "`accepts\\['a'\\]` is a function"),
    "fallback": ({"fallback": "x"}, ConfigurationError, "`fallback` is `x`"),
    "human": ({"human": 1}, TypeError, "`human` is a `Human`, a name or None"),
    "human name": ({"human": "a"}, ConfigurationError, "`a` is given 2 times"),
    "reviewer": ({"human": Human("u", role="review")}, ConfigurationError, "`u` reviews"),
    "after": ({"after_human": "b"}, ConfigurationError, "`after_human` is 'b'; it is 'active' or"),
    "resume": ({"resume_at": "b"}, ConfigurationError, "`resume_at` is 'b'; it is 'active' or"),
    "alone": ({"autonomous_turns": 1}, ConfigurationError, "`autonomous_turns`.*give `human`"),
    "alone bool": ({"autonomous_turns": True}, TypeError, "`autonomous_turns` is an int"),
    "handoffs": ({"max_handoffs": 0}, ConfigurationError, "`max_handoffs` is 0"),
    "handoffs bool": ({"max_handoffs": True}, TypeError, "`max_handoffs` is an int"),
    "handoffs float": ({"max_handoffs": 1.5}, TypeError, "`max_handoffs` is an int"),
    "window": ({"cycle_window": 3}, ConfigurationError, "`cycle_window` is 3; .* at least 4"),
    "window float": ({"cycle_window": 6.0}, TypeError, "`cycle_window` is an int"),
    "outside": ({"outside": ("a",)}, ConfigurationError, "`outside` names `a`, who takes part"),
    "outside text": ({"outside": "billing"}, TypeError, "`outside` is a list of names"),
    "outside name": ({"outside": ("no go",)}, ConfigurationError, "letters, digits"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_with_the_culprit_and_the_choices(case):
    options, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        create_handoff([agent("a"), agent("b"), agent("c")], **options)


@pytest.mark.parametrize(
    ("target", "besides"),
    [("b", []), ("archive", []), ("archive", [handoff_tool("b")])],
    ids=["a route", "nobody", "nobody, beside a handoff"],
)
def test_a_tool_named_like_a_handoff_is_refused(target, besides):
    def tool(word: str) -> str:
        """Do something else."""
        return word

    tool.__name__ = f"handoff_to_{target}"
    refusal = rf"tool `handoff_to_{target}` of `a`.*rename the tool"
    with pytest.raises(ConfigurationError, match=refusal):
        create_handoff([agent("a", tools=[tool, *besides]), agent("b")])


def test_a_name_too_long_for_a_tool_is_refused():
    long = "x" * 54
    with pytest.raises(ConfigurationError, match=r"64 characters.*shorten the name to 53"):
        create_handoff([agent("a"), agent(long)])


def test_a_person_who_reviews_cannot_be_handed_over_to():
    with pytest.raises(ConfigurationError, match="`boss` reviews"):
        create_handoff([agent("a"), Human("boss", role="review")])


def test_a_turn_that_may_be_skipped_is_refused():
    with pytest.raises(ConfigurationError, match=r"`when` of `a`.*`routes` and `rules`"):
        create_handoff([Member(agent("a"), when=lambda view: True), agent("b")])


def test_who_is_reached_by_a_rule_or_the_fallback_only_is_not_refused():
    by_rule = create_handoff(
        [agent("a"), agent("b"), agent("c")],
        routes={"a": ["b"]},
        rules=[HandoffRule("c", when=lambda view: False)],
    )
    by_fallback = create_handoff(
        [agent("a"), agent("b"), agent("c")],
        routes={"a": ["b"]},
        accepts={"b": lambda view, handoff: True},
        fallback="c",
    )
    assert {("a", "c"), ("b", "c")} <= edges(by_rule)
    assert ("a", "c") in edges(by_fallback)
    assert ("b", "c") not in edges(by_fallback)


def test_a_model_that_can_call_no_tools_is_found_before_any_call(run):
    mute = Agent("a", "", model=FakeListChatModel(responses=["hi"]))
    with pytest.raises(ConfigurationError, match="`a` cannot hand over: its model"):
        run(create_handoff([mute, agent("b")]).compile())


# How control moves


def test_control_moves_wholly(run, saver):
    triage, billing = agent("triage", to("billing")), agent("billing", "You owe 5.")
    result = run(create_handoff([triage, billing]).compile(checkpointer=saver), thread="1")
    assert ended(result) == ("You owe 5.", "completed")
    assert calls(triage, billing) == [1, 1]
    assert result["active"] == "billing"


def test_a_handoff_is_recorded_with_reason_and_time(run):
    triage = agent(
        "triage",
        to("b", reason="an invoice", context="no. 7", instructions="check it", priority="urgent"),
    )
    result = run(create_handoff([triage, agent("b")]).compile())
    (handoff,) = result["handoffs"]
    assert handoff.model_dump(exclude={"at"}) == {
        "source": "triage",
        "target": "b",
        "reason": "an invoice",
        "context": "no. 7",
        "instructions": "check it",
        "priority": "urgent",
        "outcome": "accepted",
        "detail": "",
        "by": "model",
    }
    assert handoff.at.utcoffset().total_seconds() == 0
    first, _ = result["trail"]
    assert (first.outcome, first.detail) == ("handed_off", "to b: an invoice")
    assert first.started_at <= handoff.at


def test_handoffs_stand_in_order_with_their_times(run):
    members = [agent("a", to("b")), agent("b", to("c")), agent("c", to("a")), agent("d")]
    members[0] = agent("a", to("b"), "done")
    result = run(create_handoff(members).compile())
    assert records(result) == [
        ("a", "b", "accepted"),
        ("b", "c", "accepted"),
        ("c", "a", "accepted"),
    ]
    times = [handoff.at for handoff in result["handoffs"]]
    assert times == sorted(times)
    assert ended(result) == ("done", "completed")


# What the target reads


def test_the_target_reads_the_conversation_and_last_the_payload(run):
    payload: Any = {"reason": "an invoice", "context": "no. 7", "instructions": "check it"}
    triage, billing = agent("triage", to("billing", priority="high", **payload)), agent("billing")
    run(create_handoff([triage, billing]).compile(), "help me")
    assert read_by(billing) == [
        "help me",
        "triage: Over to you: an invoice\nContext: no. 7\nInstructions: check it\nPriority: high",
    ]
    (call,) = model_of(billing).calls
    assert call.messages[-1].type == "human"


def test_only_what_was_said_stands_in_the_payload(run):
    billing = agent("billing")
    run(create_handoff([agent("triage", to("billing", reason="")), billing]).compile())
    assert read_by(billing)[-1] == "triage: Over to you: please go on."


def test_handoff_calls_and_results_are_stored_as_pairs_and_are_in_nobodys_prompt(run, saver):
    triage = agent("triage", to("billing"), "all done")
    billing = agent("billing", to("triage"))
    result = run(create_handoff([triage, billing]).compile(checkpointer=saver), thread="1")
    assert told(result) == [
        ("handoff_to_billing", "Handed off to billing."),
        ("handoff_to_triage", "Handed off to triage."),
    ]
    for member in (triage, billing):
        for call in model_of(member).calls:
            assert not any(m.type == "tool" or getattr(m, "tool_calls", ()) for m in call.messages)


def test_text_beside_a_handoff_is_kept_as_speech(run, saver):
    triage, billing = agent("triage", to("billing", text="One moment."), "bye"), agent("billing")
    app = create_handoff([triage, billing], resume_at="start").compile(checkpointer=saver)
    result = run(app, "help", thread="1")
    assert ("triage", "One moment.") in spoken(result)
    assert read_by(billing)[:2] == ["help", "triage: One moment."]
    run(app, "thanks", thread="1")
    assert readings(triage)[1] == ["help", "One moment.", "billing: billing", "thanks"]


def test_the_payload_is_stored_nowhere_and_read_by_nobody_else(run, saver):
    a, b, c = agent("a", to("b", reason="secret")), agent("b", to("c")), agent("c")
    result = run(create_handoff([a, b, c]).compile(checkpointer=saver), thread="1")
    assert not any("secret" in message.text for message in result["messages"])
    assert not any("secret" in text for text in read_by(c))


def test_anothers_tool_result_is_one_line_of_text_and_ones_own_is_a_pair(run):
    triage = agent("triage", wants("look_up", word="squid"), to("billing"), "bye", tools=[look_up])
    billing = agent("billing", to("triage"))
    run(create_handoff([triage, billing]).compile())
    assert "look_up returned: squid is a mollusc" in read_by(billing)
    *_, last = model_of(triage).calls
    assert [m.text for m in last.messages if m.type == "tool"] == ["squid is a mollusc"]


def test_a_history_policy_of_the_users_own_still_ends_with_the_payload(run):
    billing = agent("billing", history=last_only())
    run(create_handoff([agent("triage", to("billing", text="So.")), billing]).compile(), "help")
    assert read_by(billing) == [
        "help",
        "triage: Over to you: because",
    ]


def test_the_history_of_the_graph_may_leave_tools_out(run):
    triage = agent("triage", wants("look_up", word="squid"), to("billing"), tools=[look_up])
    billing = agent("billing")
    run(create_handoff([triage, billing], history=everything()).compile())
    assert not any("look_up returned" in text for text in read_by(billing))


# Ends


def test_a_stop_condition_ends_the_run_with_the_best_answer(run):
    members = [agent("a", to("b", text="Let me see.")), agent("b")]
    result = run(create_handoff(members, stop_when=turns(1)).compile())
    assert (ended(result), result["stop"].by) == (("Let me see.", "terminated"), "turns(1)")
    assert result["active"] == "b"


def test_a_stop_condition_that_fires_with_the_last_answer_gives_completed(run):
    result = run(create_handoff([agent("a", "DONE")], stop_when=mentions("DONE")).compile())
    assert ended(result) == ("DONE", "completed")


def test_the_words_of_the_mechanics_fire_no_condition(run):
    members = [agent("a", to("b")), agent("b", "done")]
    result = run(create_handoff(members, stop_when=mentions("Handed off")).compile())
    assert ended(result) == ("done", "completed")


def test_a_turn_limit_ends_with_the_best_answer_so_far(run, saver):
    members = [agent("a", to("b", text="Half an answer.")), agent("b", to("a")), agent("c")]
    app = create_handoff(members, limits=Limits(turns=2)).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("Half an answer.", "turn_limit")


def test_a_token_limit_between_the_calls_of_one_turn_leaves_the_turn_out(run):
    members = [agent("a", to("nobody"), "never"), agent("b")]
    result = run(create_handoff(members, limits=Limits(tokens=15)).compile())
    assert ended(result) == ("", "token_limit")
    assert outcomes(result) == [("a", "cancelled")]
    assert result["handoffs"] == []


def test_usage_counts_each_call_once(run):
    triage = agent("triage", to("nobody"), to("billing"), tools=[look_up])
    result = run(create_handoff([triage, agent("billing", to("x"), "done")]).compile())
    assert [turn.input_tokens + turn.output_tokens for turn in result["trail"]] == [30, 30]


def test_a_model_of_the_context_hands_over_too(run):
    class Context:
        model = ScriptedModel([to("b"), "done"])

    members = [Agent("a", "A"), Agent("b", "B")]
    graph = create_handoff(members, context_schema=Context)
    result = run(graph.compile(), context=Context())
    assert ended(result) == ("done", "completed")


def test_participants_bring_a_tool_of_their_own_and_get_no_other(run):
    a = agent("a", to("b"), tools=[handoff_tool("b", "Only if it burns.")])
    result = run(create_handoff([a, agent("b"), agent("c")]).compile())
    assert tools_of(a) == ["handoff_to_b"]
    assert offered(a)["handoff_to_b"]["description"] == "Only if it burns."
    assert ended(result) == ("b", "completed")
