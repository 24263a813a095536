"""Handoff: rules without a model, targets that refuse, the fallback, functions that hand over."""

import pytest
from langgraph.types import Command

from langgraph_orchestra.graphs import create_handoff
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import HandoffRule, Human, Member, Policy
from langgraph_orchestra.state import ConfigurationError, Handoff
from support.handoffs import records, to, told
from support.members import AT_ONCE, ONCE, RECORDED, agent, look_up, named, wants
from support.results import asked, calls, ended, outcomes, read_by, readings, spoken


def always(view):
    return True


def never(view):
    return False


def says(text):
    return lambda view: text in view.last_text


def handing(target, name="router", **payload):
    """A function that hands over."""

    def function(view):
        return Handoff(target=target, **payload)

    function.__name__ = name
    return function


# Rules


def test_a_rule_moves_control_without_a_model_call(run, saver):
    a, b = agent("a", "I am lost"), agent("b", "found")
    rules = [HandoffRule("b", when=says("lost"), reason="it is lost")]
    app = create_handoff([a, b], routes={}, rules=rules).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("found", "completed")
    assert calls(a, b) == [1, 1]
    (handoff,) = result["handoffs"]
    assert (handoff.source, handoff.target, handoff.by) == ("a", "b", "rule")
    assert (handoff.reason, handoff.outcome) == ("it is lost", "accepted")
    assert read_by(b)[-1] == "a: Over to you: it is lost"
    assert outcomes(result)[0] == ("a", "handed_off")


def test_a_rule_comes_before_the_models_own_handoff_which_is_recorded_ignored(run, saver):
    a, b, c = agent("a", to("b")), agent("b"), agent("c")
    rules = [HandoffRule("c", when=always, source="a")]
    app = create_handoff([a, b, c], rules=rules).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert records(result) == [("a", "b", "ignored"), ("a", "c", "accepted")]
    assert told(result) == [("handoff_to_b", "ignored: a rule handed over to `c` first")]
    assert (ended(result), calls(b)) == (("c", "completed"), [0])
    assert result["trail"][0].detail == "to c"


def test_the_first_rule_that_is_true_wins(run):
    rules = [
        HandoffRule("b", never),
        HandoffRule("c", always, source="a"),
        HandoffRule("b", always),
    ]
    result = run(create_handoff([agent("a"), agent("b"), agent("c")], rules=rules).compile())
    assert records(result)[0] == ("a", "c", "accepted")


def test_a_rule_is_looked_at_only_while_its_source_has_control(run):
    rules = [HandoffRule("a", always, source="b")]
    result = run(create_handoff([agent("a", "done"), agent("b")], rules=rules).compile())
    assert ended(result) == ("done", "completed")


def test_a_rule_to_who_has_control_rests(run):
    result = run(create_handoff([agent("a", "done")], rules=[HandoffRule("a", always)]).compile())
    assert (ended(result), result["handoffs"]) == (("done", "completed"), [])


def test_rules_may_be_async_and_see_the_view_after_the_turn(run):
    seen = []

    async def look(view):
        seen.append((view.last_text, len(view.turns), view.last.agent))
        return len(seen) == 1

    rules = [HandoffRule("b", look, source="a")]
    result = run(create_handoff([agent("a"), agent("b")], rules=rules).compile())
    assert seen == [("a", 1, "a")]
    assert ended(result) == ("b", "completed")


def test_a_rule_leads_on_after_a_failed_turn(run, saver):
    a = agent("a", ValueError("no"), policy=RECORDED)
    rules = [HandoffRule("b", lambda view: view.last.outcome == "failed")]
    app = create_handoff([a, agent("b", "mended")], rules=rules).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("mended", "completed")
    assert outcomes(result) == [("a", "failed"), ("b", "ok")]


def test_a_recorded_failure_without_a_rule_ends_failed_with_the_best_answer(run):
    members = [agent("a", to("b", text="So far.")), agent("b", ValueError("no"), policy=RECORDED)]
    result = run(create_handoff(members).compile())
    assert (ended(result), result["stop"].by) == (("So far.", "failed"), "b")
    assert result["stop"].detail == "ValueError: no"


def test_a_rule_leads_on_after_unknown_names(run):
    a = agent("a", to("x", "y", "z"))
    rules = [HandoffRule("b", lambda view: view.last.outcome == "failed")]
    result = run(create_handoff([a, agent("b", "mended")], rules=rules).compile())
    assert ended(result) == ("mended", "completed")


def test_three_failures_in_a_row_escalate_by_a_rule(run):
    def failures(view):
        return sum(turn.outcome == "failed" for turn in view.turns) >= 3

    def diagnose(view):
        raise ConnectionError("down")

    rules = [
        HandoffRule("engineering", when=failures),
        HandoffRule("retry", when=lambda view: view.last.outcome == "failed", source="diagnose"),
        HandoffRule("diagnose", when=always, source="retry"),
    ]
    members = [
        Member(diagnose, policy=RECORDED),
        Member(lambda view: "again", name="retry"),
        agent("engineering", "we take over"),
    ]
    result = run(create_handoff(members, routes={}, rules=rules).compile())
    assert ended(result) == ("we take over", "completed")
    assert result["handoffs"][-1].target == "engineering"


def test_a_rule_on_the_persons_words_moves_control(saver, run):
    rules = [HandoffRule("boss", when=says("manager"))]
    members = [agent("a", "how can I help?"), agent("boss", "I am the manager")]
    app = create_handoff(members, routes={}, rules=rules, human="user").compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="the manager please"), thread="1")
    assert spoken(result)[-1] == ("boss", "I am the manager")
    assert result["active"] == "boss"


# Acceptance


@pytest.mark.parametrize("verdict", ["no order number", False], ids=repr)
def test_the_sender_is_told_why_it_was_refused_and_goes_on(run, saver, verdict):
    a = agent("a", to("b"), "then I answer")
    accepts = {"b": lambda view, handoff: verdict}
    app = create_handoff([a, agent("b"), agent("c")], accepts=accepts).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("then I answer", "completed")
    why = f": {verdict}" if verdict else ""
    assert told(result) == [("handoff_to_b", f"refused by `b`{why}")]
    assert readings(a)[1][-1] == f"refused by `b`{why}"
    assert records(result) == [("a", "b", "refused")]
    assert result["handoffs"][0].detail == (verdict or "")
    assert outcomes(result) == [("a", "ok")]


def test_who_accepts_is_given_the_view_and_the_handoff(run):
    seen = []

    async def accept(view, handoff):
        seen.append((view.task, handoff.source, handoff.target, handoff.context))
        return True

    members = [agent("a", to("b", context="no. 7")), agent("b", "done")]
    result = run(create_handoff(members, accepts={"b": accept}).compile(), "help")
    assert (ended(result), seen) == (("done", "completed"), [("help", "a", "b", "no. 7")])


def test_a_refused_handoff_is_followed_by_another_that_is_accepted(run):
    members = [agent("a", to("b", "c")), agent("b"), agent("c", "done")]
    result = run(create_handoff(members, accepts={"b": lambda v, h: "closed"}).compile())
    assert records(result) == [("a", "b", "refused"), ("a", "c", "accepted")]
    assert ended(result) == ("done", "completed")


def test_three_refusals_in_a_turn_end_rejected(run, saver):
    a = agent("a", *[to("b")] * 9)
    accepts = {"b": lambda view, handoff: "closed"}
    app = create_handoff([a, agent("b"), agent("c")], accepts=accepts).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert (ended(result), result["stop"].by) == (("", "rejected"), "b")
    assert (calls(a), len(result["handoffs"])) == ([3], 3)
    assert outcomes(result) == [("a", "refused")]


def test_every_route_refused_ends_rejected_at_once(run):
    a = agent("a", to("b"), to("c"))
    accepts = dict.fromkeys("bc", lambda view, handoff: "closed")
    result = run(create_handoff([a, agent("b"), agent("c")], accepts=accepts).compile())
    assert (ended(result), calls(a)) == (("", "rejected"), [2])


def test_all_refused_goes_to_the_fallback(run, saver):
    a, desk = agent("a", to("b", reason="an invoice")), agent("desk", "I take all")
    graph = create_handoff(
        [a, agent("b"), desk],
        routes={"a": ["b"]},
        accepts={"b": lambda view, handoff: "closed"},
        fallback="desk",
    )
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert ended(result) == ("I take all", "completed")
    assert records(result) == [("a", "b", "refused"), ("a", "desk", "accepted")]
    assert result["handoffs"][1].by == "rule"
    assert "Over to you: an invoice" in read_by(desk)[-1]


def test_a_fallback_that_refuses_too_ends_rejected(run):
    graph = create_handoff(
        [agent("a", to("b")), agent("b"), agent("desk")],
        routes={"a": ["b"]},
        accepts=dict.fromkeys(["b", "desk"], lambda view, handoff: "closed"),
        fallback="desk",
    )
    result = run(graph.compile())
    assert ended(result) == ("", "rejected")
    assert records(result) == [("a", "b", "refused"), ("a", "desk", "refused")]


def test_acceptance_applies_to_rules_and_the_next_rule_is_tried(run):
    rules = [HandoffRule("b", always, source="a"), HandoffRule("c", always, source="a")]
    members = [agent("a"), agent("b"), agent("c", "done")]
    accepts = {"b": lambda view, handoff: "closed"}
    result = run(create_handoff(members, rules=rules, accepts=accepts).compile())
    assert records(result) == [("a", "b", "refused"), ("a", "c", "accepted")]
    assert result["handoffs"][0].by == "rule"


def test_a_refused_rule_leaves_the_models_own_handoff_standing(run):
    rules = [HandoffRule("b", always, source="a")]
    members = [agent("a", to("c")), agent("b"), agent("c", "done")]
    accepts = {"b": lambda view, handoff: "closed"}
    result = run(create_handoff(members, rules=rules, accepts=accepts).compile())
    assert records(result) == [("a", "c", "accepted"), ("a", "b", "refused")]
    assert ended(result) == ("done", "completed")


@pytest.mark.parametrize("verdict", [None, 1, []], ids=repr)
def test_a_verdict_that_is_neither_bool_nor_text_is_an_error(run, verdict):
    accepts = {"b": lambda view, handoff: verdict}
    app = create_handoff([agent("a", to("b"), policy=ONCE), agent("b")], accepts=accepts).compile()
    with pytest.raises(ConfigurationError, match=r"`accepts\['b'\]` returned"):
        run(app)


# Functions


def test_a_function_hands_over_by_returning_a_handoff(run, saver):
    router = handing("b", reason="it is yours", context="no. 7")
    b = agent("b", "done")
    result = run(create_handoff([router, b]).compile(checkpointer=saver), "help", thread="1")
    assert ended(result) == ("done", "completed")
    (handoff,) = result["handoffs"]
    assert (handoff.source, handoff.reason, handoff.by) == ("router", "it is yours", "model")
    assert read_by(b) == [
        "help",
        "router: Over to you: it is yours\nContext: no. 7",
    ]
    assert next((t.kind, t.outcome) for t in result["trail"]) == ("function", "handed_off")


def test_an_async_function_hands_over_too(run):
    async def router(view):
        return Handoff(target="b")

    assert ended(run(create_handoff([router, agent("b")]).compile())) == ("b", "completed")


def test_a_function_that_names_nobody_there_is_an_error_with_the_valid_names(run):
    app = create_handoff([handing("x"), agent("b"), agent("c")]).compile()
    with pytest.raises(ConfigurationError, match=r"`router` returned a `Handoff` to `x`.*`b`, `c`"):
        run(app)


def test_a_function_that_was_refused_cannot_go_on_so_the_fallback_takes_over(run):
    graph = create_handoff(
        [handing("b"), agent("b"), agent("desk", "I take all")],
        accepts={"b": lambda view, handoff: "closed"},
        fallback="desk",
    )
    result = run(graph.compile())
    assert ended(result) == ("I take all", "completed")


def test_a_function_that_was_refused_without_a_fallback_ends_rejected(run):
    members = [handing("b"), agent("b"), agent("c")]
    result = run(create_handoff(members, accepts={"b": lambda v, h: "closed"}).compile())
    assert (ended(result), result["stop"].detail) == (
        ("", "rejected"),
        "refused by `b`: closed",
    )


def test_a_function_annotated_with_a_handoff_does_not_make_it_an_output(run):
    def router(view) -> Handoff | str:
        return Handoff(target="b")

    graph = create_handoff([router, agent("b")])
    assert graph.outputs == ()
    assert ended(run(graph.compile())) == ("b", "completed")


# Policies


def test_a_retried_attempt_does_not_duplicate_handoffs(run, saver):
    a = agent("a", to("x"), ConnectionError("down"), to("x"), to("b"), policy=Policy(retry=AT_ONCE))
    app = create_handoff([a, agent("b", "done")]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert records(result) == [("a", "x", "unknown"), ("a", "b", "accepted")]
    first, _ = result["trail"]
    assert (first.attempts, first.input_tokens) == (2, 30)


def test_a_fallback_model_keeps_the_handoff_tools(run):
    spare = ScriptedModel([to("b")])
    a = agent("a", ValueError("no"), policy=Policy(retry=None, fallback=spare), tools=[look_up])
    result = run(create_handoff([a, agent("b", "done")]).compile())
    assert [t["function"]["name"] for t in spare.calls[0].tools] == ["look_up", "handoff_to_b"]
    assert ended(result) == ("done", "completed")
    assert outcomes(result)[0] == ("a", "fallback")


def test_a_fallback_participant_hands_over_in_the_name_of_who_failed(run):
    spare = Policy(retry=None, fallback=agent("spare", to("b")))
    a = agent("a", ValueError("no"), policy=spare)
    result = run(create_handoff([a, agent("b", "done")]).compile())
    assert records(result) == [("a", "b", "accepted")]


def test_what_a_failed_attempt_asked_for_is_not_recorded(run):
    spare = Policy(retry=None, fallback=agent("spare", to("b")))
    a = agent("a", to("x"), ValueError("no"), policy=spare)
    result = run(create_handoff([a, agent("b", "done")]).compile())
    assert records(result) == [("a", "b", "accepted")]


def test_a_breaker_that_is_open_ends_failed_unless_a_rule_leads_on(run, saver):
    policy = Policy(retry=None, on_failure="record", breaker=1)
    a = agent("a", ValueError("no"), policy=policy)
    rules = [
        HandoffRule("b", lambda view: len(view.trail) == 1, source="a"),
        HandoffRule("a", always, source="b"),
    ]
    app = create_handoff([a, named("b")], routes={}, rules=rules).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert outcomes(result) == [("a", "failed"), ("b", "handed_off"), ("a", "skipped")]
    assert ended(result) == ("said", "failed")
    assert "breaker open" in result["stop"].detail


def test_an_error_surfaces_with_the_participants_name(run):
    a = agent("a", to("b"))
    app = create_handoff([a, agent("b", ValueError("no"), policy=ONCE)]).compile()
    with pytest.raises(ValueError, match="no") as caught:
        run(app)
    assert "in participant `b` of `handoff`, attempt 1" in caught.value.__notes__


def test_a_tools_pair_stays_whole_when_the_agent_speaks_again(run):
    a = agent("a", wants("look_up", word="sea"), to("x"), to("b"), "bye", tools=[look_up])
    result = run(create_handoff([a, agent("b", to("a"))]).compile())
    assert ended(result) == ("bye", "completed")


def test_a_human_may_be_a_rules_target(run, saver):
    rules = [HandoffRule("expert", always, source="a", reason="over 500")]
    app = create_handoff([agent("a"), Human("expert")], rules=rules).compile(checkpointer=saver)
    waiting = asked(run(app, thread="1"))
    assert "Over to you: over 500" in waiting.value["action_requests"][0]["description"]
