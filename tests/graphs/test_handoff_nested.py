"""Handoff: teams that take part in it, that hand off outwards, and handoff graphs inside others."""

import pytest
from langgraph.types import Command

from langgraph_orchestra.graphs import create_concurrent, create_handoff, create_sequential
from langgraph_orchestra.nodes import HandoffRule, Human, Limits
from langgraph_orchestra.state import HandoffState
from support.handoffs import records, to
from support.members import agent, team
from support.results import asked, calls, ended, outcomes, read_by, spoken


def support(*members, name="support", outside=("billing",), **options):
    """A nested handoff team that may hand off outwards."""
    return create_handoff(members, outside=outside, **options).compile(name=name)


def test_a_nested_team_hands_off_outwards(run, saver):
    inner = support(agent("first", to("second")), agent("second", to("billing", reason="money")))
    billing = agent("billing", "paid")
    result = run(create_handoff([inner, billing]).compile(checkpointer=saver), "help", thread="1")
    assert ended(result) == ("paid", "completed")
    (handoff,) = result["handoffs"]
    assert (handoff.source, handoff.target, handoff.reason) == ("support", "billing", "money")
    assert outcomes(result) == [
        ("support/first", "handed_off"),
        ("support/second", "handed_off"),
        ("billing", "ok"),
    ]
    assert read_by(billing) == [
        "help",
        "support: Over to you: money",
    ]


def test_the_inner_run_ends_handed_off_and_names_the_target(run, saver):
    inner = support(agent("a", to("billing", text="One moment.", reason="money")), agent("b"))
    result = run(inner)
    assert ended(result) == ("One moment.", "handed_off")
    assert (result["stop"].by, result["stop"].detail) == ("billing", "to billing: money")
    assert records(result) == [("a", "billing", "accepted")]
    assert result["active"] == "a"


def test_words_beside_an_outward_handoff_are_the_teams_message(run):
    inner = support(agent("a", to("billing", text="One moment.")), agent("b"))
    billing = agent("billing", "paid")
    result = run(create_handoff([inner, billing]).compile())
    assert spoken(result) == [("support", "One moment."), ("billing", "paid")]


def test_in_a_pattern_without_handoffs_a_handed_off_team_has_answered(run):
    inner = support(agent("a", to("billing", text="My part.")), agent("b"))
    result = run(create_sequential([inner, agent("next")]).compile())
    assert spoken(result) == [("support", "My part."), ("next", "next")]


def test_who_may_use_an_outside_name_is_said_by_routes_if_they_name_it(run):
    a, b = agent("a", to("b")), agent("b", to("billing"))
    inner = support(a, b, routes={"a": ["b"], "b": ["billing"]})
    result = run(create_handoff([inner, agent("billing", "paid")]).compile())
    assert ended(result) == ("paid", "completed")
    tools = [tool["function"]["name"] for tool in a.model.calls[0].tools]
    assert tools == ["handoff_to_b"]


def test_a_rule_may_hand_off_outwards(run):
    rules = [HandoffRule("billing", lambda view: "money" in view.last_text, reason="rule")]
    inner = support(agent("a", "about money"), agent("b"), rules=rules)
    result = run(create_handoff([inner, agent("billing", "paid")]).compile())
    assert ended(result) == ("paid", "completed")
    assert (result["handoffs"][0].by, result["handoffs"][0].reason) == ("rule", "rule")


def test_a_team_whose_outward_handoff_nobody_takes_ends_failed_with_the_valid_names(run):
    inner = support(agent("a", to("billing", text="So far.")), agent("b"))
    result = run(create_handoff([inner, agent("c"), agent("d")]).compile())
    assert result["stop"].reason == "failed"
    assert "valid: `c`, `d`" in result["stop"].detail
    assert records(result) == [("support", "billing", "unknown")]


def test_a_team_whose_outward_handoff_is_refused_is_followed_by_the_fallback(run):
    inner = support(agent("a", to("billing")), agent("b"))
    graph = create_handoff(
        [inner, agent("billing"), agent("desk", "I take all")],
        accepts={"billing": lambda view, handoff: "closed"},
        fallback="desk",
    )
    assert ended(run(graph.compile())) == ("I take all", "completed")


def test_a_handoff_goes_out_of_a_team_inside_a_team(run, saver):
    deep = support(agent("a", to("billing", reason="money")), agent("b"), name="deep")
    middle = support(deep, agent("c"), name="middle")
    app = create_handoff([middle, agent("billing", "paid")]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("paid", "completed")
    assert records(result) == [("middle", "billing", "accepted")]
    assert result["handoffs"][0].reason == "money"
    assert outcomes(result)[0] == ("middle/deep/a", "handed_off")


def test_a_team_answers_with_its_result_and_its_trail_is_kept(run):
    inner = create_handoff([agent("a", to("b")), agent("b", "done")]).compile(name="inner")
    result = run(create_handoff([inner]).compile())
    assert ended(result) == ("done", "completed")
    assert [turn.path for turn in result["trail"]] == ["inner/a", "inner/b"]
    assert len({turn.step for turn in result["trail"]}) == 1
    assert result["handoffs"] == []


def test_a_team_answers_with_its_best_not_with_its_limit(run):
    inner = create_handoff(
        [agent("a", to("b", text="Half of it.")), agent("b", to("a"))], max_handoffs=1
    ).compile(name="inner")
    result = run(create_sequential([inner]).compile())
    assert ended(result) == ("Half of it.", "completed")


def test_a_team_may_be_handed_over_to_and_its_task_stays_the_customers(run):
    tasks = []

    def look(view):
        tasks.append(view.task)
        return "seen"

    crew = team(look, agent("writer"), name="crew")
    app = create_handoff([agent("a", to("crew", context="no. 7")), crew]).compile()
    assert ended(run(app, "help me")) == ("writer", "completed")
    assert tasks == ["help me"]


def test_a_teams_members_read_what_was_handed_over(run):
    writer = agent("writer")
    crew = create_concurrent([writer]).compile(name="crew")
    run(create_handoff([agent("a", to("crew", context="no. 7")), crew]).compile(), "help me")
    assert read_by(writer)[0] == "help me"
    assert "Context: no. 7" in read_by(writer)[-1]


def test_a_person_in_a_nested_handoff_surfaces_and_their_answer_reaches_its_node(run, saver):
    inner = create_handoff([agent("a", "Which?", "done")], human="user").compile(name="inner")
    middle = team(inner, name="middle")
    app = create_handoff([agent("t", to("middle")), middle]).compile(checkpointer=saver)
    waiting = asked(run(app, thread="1"))
    assert waiting.value["path"] == "middle/inner/user"
    run(app, Command(resume="seven"), thread="1")
    result = run(app, Command(resume=""), thread="1")
    assert ended(result) == ("done", "completed")
    assert [t.path for t in result["trail"] if t.kind == "human"] == ["middle/inner/user"] * 2


def test_a_rejected_inner_run_is_a_failure_of_the_outer_participant(run):
    inner = create_handoff(
        [agent("a", to("b")), agent("b")], accepts={"b": lambda view, handoff: "closed"}
    ).compile(name="inner")
    with pytest.raises(Exception, match="team `inner` ended `rejected`: refused by `b`: closed"):
        run(create_handoff([inner, agent("c")]).compile())


class Noted(HandoffState, total=False):
    note: str


def test_custom_state_of_a_team_that_hands_off_outwards_is_kept(run):
    def writes(view):
        return {"note": "kept", "messages": []}

    rules = [HandoffRule("billing", lambda view: True)]
    inner = create_handoff(
        [writes], routes={}, rules=rules, outside=("billing",), state_schema=Noted
    ).compile(name="inner")
    graph = create_handoff([inner, agent("billing", "paid")], state_schema=Noted)
    result = run(graph.compile())
    assert (ended(result), result["note"]) == (("paid", "completed"), "kept")


def test_a_limit_of_the_outer_run_holds_inside_teams(run):
    inner = create_handoff([agent("a", to("b", text="Part.")), agent("b")]).compile(name="inner")
    result = run(create_handoff([inner, agent("c")], limits=Limits(tokens=15)).compile())
    assert ended(result) == ("Part.", "token_limit")


def test_a_team_counts_as_one_turn_and_each_call_once(run):
    a, b = agent("a", to("b")), agent("b", "done")
    inner = create_handoff([a, b]).compile(name="inner")
    result = run(create_handoff([inner, Human("never")]).compile())
    assert sum(turn.input_tokens for turn in result["trail"]) == 10 * sum(calls(a, b))


def test_people_of_two_handoff_teams_are_asked_at_once_and_answered_by_id(run, saver):
    left = create_handoff([agent("a", "which?", "left")], human="user").compile(name="one")
    members = [agent("b", to("c")), agent("c", "what?", "right")]
    right = create_handoff(members, human="user").compile(name="two")
    app = create_concurrent([left, right]).compile(checkpointer=saver)

    def ids(result):
        return {i.value["path"]: i.id for i in result["__interrupt__"]}

    first = ids(run(app, thread="1"))
    assert set(first) == {"one/user", "two/user"}
    second = ids(run(app, Command(resume={first["two/user"]: "this"}), thread="1"))
    assert second["one/user"] == first["one/user"]
    answers = {second["one/user"]: "that", second["two/user"]: ""}
    result = run(app, Command(resume=answers), thread="1")
    result = run(app, Command(resume=""), thread="1")
    assert result["output"] == "## one\n\nleft\n\n## two\n\nright"
    assert calls(*members) == [1, 2]


def test_a_team_with_a_memory_of_its_own_goes_on_where_its_conversation_is(run, saver):
    a, b = agent("a", to("b")), agent("b", "one", "two")
    inner = create_handoff([a, b]).compile(checkpointer=True, name="inner")
    app = create_sequential([inner]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    assert (ended(result), calls(a, b)) == (("two", "completed"), [1, 2])
