"""Maker-checker: the loop, who may check, what both read, and what cannot be built."""

from typing import Any

import pytest
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from langgraph_orchestra.graphs import (
    create_concurrent,
    create_maker_checker,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Limits,
    Member,
    Policy,
    everything,
    last_only,
    majority,
    mentions,
    own_and_task,
    task_only,
    when,
)
from langgraph_orchestra.state import (
    ConfigurationError,
    DecisionError,
    MakerCheckerState,
    Verdict,
)
from support.members import agent, look_up, named, team, wants
from support.results import calls, comparable, ended, model_of, readings, spoken
from support.verdicts import YES, checker, no, writer, yes


class Note(BaseModel):
    """A typed draft."""

    title: str
    price: int = 0


class House(Verdict):
    """A verdict with the rule that it follows."""

    rule: str = ""


def loop(maker, checkers, **options):
    """A compiled maker-checker."""
    saver = options.pop("saver", None)
    return create_maker_checker(maker, checkers, **options).compile(checkpointer=saver)


# The loop


def test_the_output_is_the_approved_draft_and_not_the_word_approved(run, saver):
    app = loop(writer("a verse"), checker(yes("Approved.")), saver=saver)
    result = run(app, "Write", thread="1")
    assert ended(result) == ("a verse", "approved")
    assert (result["stop"].by, result["stop"].detail) == ("boss", "by boss in round 1")


def test_feedback_reaches_the_maker_and_its_revision_is_checked(run, saver):
    author, boss = writer("long", "short"), checker(no("Too long."), YES)
    result = run(loop(author, boss, saver=saver), "Write", thread="1")
    assert ended(result) == ("short", "approved")
    assert readings(author) == [["Write"], ["Write", "long", "boss: Too long."]]
    assert readings(boss) == [["Write", "writer: long"], ["Write", "writer: short"]]
    assert spoken(result) == [("writer", "long"), ("boss", "Too long."), ("writer", "short")]


def test_the_state_tells_drafts_verdicts_and_rounds(run, saver):
    app = loop(writer("long", "short"), checker(no("Cut.", 3), yes(score=9)), saver=saver)
    result = run(app, thread="1")
    assert result["drafts"] == ["long", "short"]
    assert result["verdicts"] == [{"boss": no("Cut.", 3)}, {"boss": yes(score=9)}]
    assert result["rounds"] == 2


def test_a_verdict_is_the_checkers_turn_and_the_trail_tells_it(run, saver):
    app = loop(writer("long", "short"), checker(no("Cut.", 3), YES), saver=saver)
    result = run(app, thread="1")
    assert [(t.agent, t.step, t.kind, t.outcome, t.detail) for t in result["trail"]] == [
        ("writer", 1, "agent", "ok", ""),
        ("boss", 2, "agent", "ok", "not approved, score 3: Cut."),
        ("writer", 3, "agent", "ok", ""),
        ("boss", 4, "agent", "ok", "approved"),
    ]
    assert all(turn.input_tokens == 10 for turn in result["trail"])


def test_feedback_is_stored_as_the_checkers_message_and_a_bare_approval_as_none(run, saver):
    app = loop(writer("a", "b"), checker(no("Cut."), yes("Now it is fine.")), saver=saver)
    said = run(app, thread="1")["messages"]
    assert [(type(m), m.name, m.text) for m in said[1:]] == [
        (AIMessage, "writer", "a"),
        (AIMessage, "boss", "Cut."),
        (AIMessage, "writer", "b"),
        (AIMessage, "boss", "Now it is fine."),
    ]


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_max_rounds_is_the_number_of_drafts_and_of_their_checks(run, saver, rounds):
    author = writer(*(f"draft {n}" for n in range(1, rounds + 1)))
    boss = checker(*[no("No.")] * rounds)
    result = run(loop(author, boss, max_rounds=rounds, saver=saver), thread="1")
    assert ended(result) == (f"draft {rounds}", "round_limit")
    assert result["stop"].detail == f"not approved in {rounds} rounds"
    assert calls(author, boss) == [rounds, rounds]


def test_three_rounds_are_the_default(run):
    app = loop(writer("1", "2", "3"), checker(no("a"), no("b"), no("c")))
    assert ended(run(app)) == ("3", "round_limit")


def test_never_approved_the_draft_with_the_highest_score_goes_out(run, saver):
    app = loop(writer("1", "2", "3"), checker(no("a", 4), no("b", 8), no("c", 6)), saver=saver)
    assert ended(run(app, thread="1")) == ("2", "round_limit")


def test_of_drafts_with_equal_scores_the_later_goes_out(run):
    app = loop(writer("1", "2", "3"), checker(no("a", 8), no("b", 8), no("c", 6)))
    assert ended(run(app)) == ("2", "round_limit")


def test_never_approved_and_not_all_scored_the_last_draft_goes_out(run):
    app = loop(writer("1", "2", "3"), checker(no("a", 9), no("b"), no("c", 6)))
    assert ended(run(app)) == ("3", "round_limit")


def test_the_last_of_the_rounds_may_be_the_one_that_is_approved(run):
    app = loop(writer("1", "2", "3"), checker(no("a"), no("b"), YES))
    assert ended(run(app)) == ("3", "approved")


def test_a_hundred_rounds_end_with_the_hundredth(run):
    app = loop(
        writer(*(f"draft {n}" for n in range(1, 101))),
        checker(*[no("Again.")] * 99, YES),
        max_rounds=100,
    )
    result = run(app)
    assert ended(result) == ("draft 100", "approved")
    assert (result["rounds"], len(result["verdicts"]), len(result["drafts"])) == (100, 100, 100)
    assert [turn.step for turn in result["trail"]] == list(range(1, 201))


def test_more_rounds_than_langgraph_has_supersteps_by_default_are_made(monkeypatch):
    monkeypatch.setattr("langgraph_orchestra.graphs.pattern._LANGGRAPH_SUPERSTEPS", 30)

    def counting(view):
        return f"draft {view.state['rounds'] + 1}"

    app = loop(counting, Member(lambda view: False, name="never"), max_rounds=25)
    assert app.config["recursion_limit"] >= 75
    assert ended(app.invoke({"messages": "go"})) == ("draft 25", "round_limit")


def test_a_typed_draft_is_typed_in_output_and_drafts_and_read_as_json(run, saver):
    boss = checker(no("Name the price."), YES)
    author = writer(Note(title="Lamp"), Note(title="Lamp", price=9), output=Note)
    app = loop(author, boss, saver=saver)
    result = run(app, "Write", thread="1")
    assert ended(result) == (Note(title="Lamp", price=9), "approved")
    assert result["drafts"] == [Note(title="Lamp"), Note(title="Lamp", price=9)]
    assert readings(boss)[0] == ["Write", 'writer: {"title":"Lamp","price":0}']


def test_an_empty_draft_is_a_draft(run):
    def silent(view):
        return ""

    result = run(loop(silent, checker(no("Say something."), YES), max_rounds=2))
    assert (result["output"], result["drafts"]) == ("", ["", ""])


def test_the_four_ways_to_run_are_equal(run):
    def build():
        x = checker(no("a", 1), yes(score=5), YES, name="x")
        return loop(writer("1", "2", "3"), [x, checker(no("b"), no("c"), YES)])

    assert comparable(run(build())) == comparable(build().invoke({"messages": "the task"}))


# Who may check: agents


@pytest.mark.parametrize(
    "bad",
    [
        {"approved": "false"},
        {"approved": "true"},
        {"feedback": "no approved"},
        '{"approved": true} {"approved": false}',
        "I approve.",
        "APPROVED",
        "",
        {"approved": True, "score": "8"},
        {"approved": None},
    ],
    ids=repr,
)
def test_a_malformed_verdict_is_asked_again_with_the_reason(run, bad):
    boss = checker(bad, no("Cut."), YES)
    result = run(loop(writer("long", "short"), boss))
    assert ended(result) == ("short", "approved")
    refused = model_of(boss).calls[1].messages[-1].text
    assert refused.startswith("That answer cannot be used: ")


def test_three_malformed_verdicts_are_an_error_that_names_the_checker(run):
    boss = checker({"approved": "false"}, "no", {})
    with pytest.raises(DecisionError, match="no valid decision after 3 attempts") as caught:
        run(loop(writer(), boss))
    assert any("`boss`" in note for note in caught.value.__notes__)
    assert calls(boss) == [3]


def test_a_verdict_in_json_among_words_is_understood(run):
    boss = checker('Here it is: {"approved": false, "feedback": "Cut."}', YES)
    result = run(loop(writer("long", "short"), boss))
    assert result["verdicts"] == [{"boss": no("Cut.")}, {"boss": YES}]


def test_an_agent_is_asked_for_a_verdict_and_told_what_it_is(run):
    boss = checker()
    run(loop(writer(), boss))
    (call,) = model_of(boss).calls
    (asked,) = call.tools
    assert asked["function"]["name"] == "Verdict"
    assert asked["function"]["parameters"]["required"] == ["approved"]


def test_an_agent_may_have_a_verdict_of_its_own_class_and_keeps_it(run, saver):
    boss = checker(House(approved=False, feedback="Cut.", rule="7"), House(approved=True))
    boss = Agent("boss", "", model=boss.model, output=House)
    result = run(loop(writer("a", "b"), boss, saver=saver), thread="1")
    assert result["verdicts"][0] == {"boss": House(approved=False, feedback="Cut.", rule="7")}
    assert type(result["verdicts"][1]["boss"]) is House


@pytest.mark.parametrize("approved", [(), ("look_up",)], ids=["in memory", "saving its steps"])
def test_an_agent_with_tools_looks_things_up_before_its_verdict(run, approved):
    boss = checker(wants("look_up", word="squid"), no("Check it."), YES, tools=[look_up])
    result = run(loop(writer("a", "b"), boss))
    assert ended(result) == ("b", "approved")
    assert result["verdicts"] == [{"boss": no("Check it.")}, {"boss": YES}]
    said = [(m.type, m.name, m.text) for m in result["messages"][1:]]
    assert said == [
        ("ai", "writer", "a"),
        ("ai", "boss", ""),
        ("tool", "look_up", "squid is a mollusc"),
        ("ai", "boss", "Check it."),
        ("ai", "writer", "b"),
    ]


def test_an_agent_with_tools_that_gives_no_valid_verdict_is_an_error(run):
    bad = AIMessage("", tool_calls=[{"name": "Verdict", "args": {"approved": "no"}, "id": "1"}])
    boss = checker(bad, bad.model_copy(), bad.model_copy(), tools=[look_up])
    with pytest.raises(DecisionError, match="after 3 attempts"):
        run(loop(writer(), boss))
    assert calls(boss) == [3]


def test_an_agent_with_tools_that_answers_in_words_is_asked_for_a_verdict(run):
    boss = checker(wants("look_up", word="squid"), "Fine.", yes("Fine."), tools=[look_up])
    result = run(loop(writer(), boss))
    assert ended(result) == ("draft", "approved")
    assert [m.text for m in result["messages"] if m.name == "boss" and m.type == "ai"] == [
        "",
        "Fine.",
    ]


class Stern(AgentMiddleware[Any, Any, Any]):
    """Middleware that does nothing."""


def test_an_agent_with_middleware_gives_its_verdict_through_its_inner_graph(run):
    boss = checker(no("Cut."), YES, middleware=[Stern()])
    result = run(loop(writer("a", "b"), boss))
    assert result["verdicts"] == [{"boss": no("Cut.")}, {"boss": YES}]
    assert spoken(result) == [("writer", "a"), ("boss", "Cut."), ("writer", "b")]


# Who may check: plain text


@pytest.mark.parametrize(
    "approval", ["APPROVED", "**APPROVED**", "APPROVED.\nWell done.", "Well done.\n\nAPPROVED!\n"]
)
def test_with_approve_on_a_line_of_plain_text_approves(run, saver, approval):
    boss = checker("Too long.", approval)
    app = loop(writer("long", "short"), boss, approve_on="APPROVED", saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("short", "approved")
    feedback = [("boss", "Well done.")] if "Well" in approval else []
    assert spoken(result)[1:] == [("boss", "Too long."), ("writer", "short"), *feedback]
    assert not model_of(boss).calls[0].tools


@pytest.mark.parametrize("words", ["approved", "NOT APPROVED", "I would say APPROVED", ""])
def test_with_approve_on_other_words_are_feedback(run, words):
    app = loop(writer("a"), checker(words), approve_on="APPROVED", max_rounds=1)
    result = run(app)
    assert ended(result) == ("a", "round_limit")
    assert result["verdicts"] == [{"boss": no(words)}]


def test_a_plain_text_verdict_keeps_the_id_of_the_answer_so_that_streams_show_it_once():
    app = loop(writer("a", "b"), checker("Cut.", "APPROVED\nFine."), approve_on="APPROVED")
    streamed = app.stream({"messages": "go"}, stream_mode=["messages", "values"])
    texts, last = {}, {}
    for mode, part in streamed:
        if mode == "values":
            last = part
        elif part[0].type != "human":
            texts.setdefault(part[0].id, []).append(part[0].text)
    assert ["".join(words) for words in texts.values()] == ["a", "Cut.", "b", "APPROVED\nFine."]
    assert [m.id for m in last["messages"][1:]] == list(texts)
    assert last["messages"][-1].text == "Fine."


def test_a_checker_with_tools_may_answer_in_plain_text(run):
    boss = checker(wants("look_up", word="squid"), "APPROVED", tools=[look_up])
    result = run(loop(writer("a"), boss, approve_on="APPROVED"))
    assert ended(result) == ("a", "approved")


# Who may check: functions, graphs, Runnables


async def lenient(view):
    return True


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Verdict(approved=True, score=7), yes(score=7)),
        (Verdict(approved=False, feedback="Cut."), no("Cut.")),
        (True, YES),
        (False, no()),
        ("Cut.", no("Cut.")),
        (AIMessage("Cut."), no("Cut.")),
        ("APPROVED", no("APPROVED")),
        ("", no()),
        ({"output": "Cut."}, no("Cut.")),
        ({"output": False}, no()),
    ],
    ids=repr,
)
def test_a_function_answers_with_a_verdict_a_bool_or_a_text(run, answer, verdict):
    def rule(view):
        return answer

    result = run(loop(writer(), rule, max_rounds=1))
    assert result["verdicts"] == [{"rule": verdict}]
    (turn,) = [turn for turn in result["trail"] if turn.agent == "rule"]
    assert turn.kind == "function"
    assert spoken(result)[1:] == ([("rule", verdict.feedback)] if verdict.feedback else [])


def test_a_function_may_be_async(run):
    assert ended(run(loop(writer(), lenient))) == ("draft", "approved")


@pytest.mark.parametrize(
    "answer",
    [None, 7, 0.5, Note(title="?"), ["no"], {"approved": True}, Verdict, {"output": 7}],
    ids=repr,
)
def test_anything_else_of_a_function_is_refused_with_its_name_and_what_it_may_answer(run, answer):
    def rule(view):
        return answer

    with pytest.raises(ConfigurationError, match="checker `rule` answered") as caught:
        run(loop(writer(), rule))
    assert "`Verdict(approved=..., feedback=...)`, a bool, or a text" in str(caught.value)


def test_a_function_sees_the_draft_the_rounds_and_what_was_said(run):
    seen = []

    def rule(view):
        seen.append((view.state["drafts"][-1], view.last_text, view.state["rounds"], view.task))
        return "Again."

    run(loop(writer("a", "b"), rule, max_rounds=2), "Write")
    assert seen == [("a", "a", 0, "Write"), ("b", "b", 1, "Write")]


def test_with_approve_on_a_functions_text_approves_too_and_its_verdicts_stay_verdicts(run):
    answers = iter(["Cut.", False, "OK"])

    def rule(view):
        return next(answers)

    result = run(loop(writer("1", "2", "3"), rule, approve_on="OK"))
    assert result["verdicts"] == [{"rule": no("Cut.")}, {"rule": no()}, {"rule": YES}]


def test_a_runnable_checks(run):
    lines = RunnableLambda(lambda messages: len(messages[-1].text) < 15).with_config(
        run_name="short"
    )
    result = run(loop(writer("a very long draft", "b"), Member(lines, name="short")))
    assert ended(result) == ("b", "approved")


def test_a_chat_model_bound_to_a_verdict_checks(run):
    model = ScriptedModel([no("Cut."), YES]).with_structured_output(Verdict)
    result = run(loop(writer("a", "b"), Member(model, name="judge")))
    assert result["verdicts"] == [{"judge": no("Cut.")}, {"judge": YES}]


@pytest.mark.parametrize("typed", [True, False])
def test_a_team_checks_with_its_answer(run, saver, typed):
    inner = (
        checker(no("Cut."), YES, name="judge", output=Verdict)
        if typed
        else agent("judge", "Cut.", "YES")
    )
    panel = team(agent("reader", "I have read it.", "Again."), inner, name="panel")
    app = loop(writer("a", "b"), panel, approve_on=None if typed else "YES", saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("b", "approved")
    assert result["verdicts"] == [{"panel": no("Cut.")}, {"panel": YES}]
    assert [t.path for t in result["trail"]] == [
        "writer",
        "panel/reader",
        "panel/judge",
        "writer",
        "panel/reader",
        "panel/judge",
    ]
    assert spoken(result) == [("writer", "a"), ("panel", "Cut."), ("writer", "b")]


def test_a_vote_of_several_as_one_checker(run):
    votes = [agent(n, v) for n, v in (("x", "good"), ("y", "Good"), ("z", "bad"))]
    jury = create_concurrent(votes, aggregate=majority()).compile(name="jury")
    result = run(loop(writer(), jury, approve_on="good"))
    assert ended(result) == ("draft", "approved")


def test_a_team_may_be_the_maker(run, saver):
    desk = team(agent("notes", "n1", "n2"), agent("text", "t1", "t2"), name="desk")
    boss = checker(no("Cut."), YES)
    result = run(loop(desk, boss, saver=saver), "Write", thread="1")
    assert ended(result) == ("t2", "approved")
    assert readings(boss) == [["Write", "desk: t1"], ["Write", "desk: t2"]]


# Several checkers


def panel(*names, **verdicts):
    """Checkers of these names, with their verdicts."""
    return [checker(*verdicts.get(name, ()), name=name) for name in names]


def test_all_must_approve_unless_a_quorum_says_otherwise(run, saver):
    checkers = panel("x", "y", x=[YES, YES], y=[no("Cut."), YES])
    result = run(loop(writer("a", "b"), checkers, saver=saver), thread="1")
    assert ended(result) == ("b", "approved")
    assert result["verdicts"] == [{"x": YES, "y": no("Cut.")}, {"x": YES, "y": YES}]
    assert (result["stop"].by, result["rounds"]) == ("x, y", 2)


@pytest.mark.parametrize(
    ("quorum", "reason"),
    [(1, "approved"), (2, "approved"), (3, "round_limit"), (None, "round_limit")],
)
def test_a_quorum_is_how_many_must_approve(run, quorum, reason):
    checkers = panel("x", "y", "z", y=[no("Cut.")])
    result = run(loop(writer("a"), checkers, quorum=quorum, max_rounds=1))
    assert ended(result) == ("a", reason)


def test_feedback_is_joined_in_declared_order_and_each_has_its_checkers_name(run, saver):
    checkers = panel("zoe", "ann", zoe=[no("Cut."), YES], ann=[no("Name the price."), YES])
    author = writer("a", "b")
    result = run(loop(author, checkers, saver=saver), "Write", thread="1")
    assert readings(author)[1] == ["Write", "a", "zoe: Cut.", "ann: Name the price."]
    assert spoken(result)[1:3] == [("zoe", "Cut."), ("ann", "Name the price.")]
    assert [(t.agent, t.step) for t in result["trail"]] == [
        ("writer", 1),
        ("zoe", 2),
        ("ann", 3),
        ("writer", 4),
        ("zoe", 5),
        ("ann", 6),
    ]


def test_checkers_of_a_round_do_not_read_each_other(run):
    checkers = panel("x", "y", x=[no("Cut."), YES], y=[no("Longer."), YES])
    run(loop(writer("a", "b"), checkers), "Write")
    assert [readings(one) for one in checkers] == [
        [["Write", "writer: a"], ["Write", "writer: b"]]
    ] * 2


def test_checkers_work_side_by_side():
    slow = [Agent(f"c{n}", "", model=ScriptedModel([YES], delay=0.2)) for n in range(20)]
    result = loop(writer(), slow).invoke({"messages": "go"})
    began = [turn.started_at for turn in result["trail"][1:]]
    assert (max(began) - min(began)).total_seconds() < 2  # one after another, it would be 3.8
    assert ended(result) == ("draft", "approved")


def test_of_several_checkers_the_mean_score_of_a_round_counts(run):
    checkers = panel(
        "x", "y", x=[no("a", 9), no("b", 6), no("c", 1)], y=[no("a", 1), no("b", 6), no("c", 9)]
    )
    assert ended(run(loop(writer("1", "2", "3"), checkers))) == ("2", "round_limit")


def test_a_list_of_one_checker_is_one_checker(run):
    graph = create_maker_checker(writer(), [checker()])
    assert set(graph.nodes) == {"intake", "writer", "boss"}
    assert ended(run(graph.compile())) == ("draft", "approved")


# What both read


def test_the_maker_reads_its_latest_draft_and_what_was_said_of_all(run, saver):
    author = writer("one", "two", "three")
    run(loop(author, checker(no("Cut."), no("Price?"), YES), saver=saver), "Write", thread="1")
    assert readings(author)[2] == ["Write", "boss: Cut.", "two", "boss: Price?"]


def test_the_maker_keeps_what_its_tools_have_found(run):
    author = writer(wants("look_up", word="squid"), "one", "two", "three", tools=[look_up])
    run(loop(author, checker(no("Cut."), no("Price?"), YES)), "Write")
    assert readings(author)[3] == [
        "Write",
        "",
        "squid is a mollusc",
        "boss: Cut.",
        "two",
        "boss: Price?",
    ]


def test_a_maker_whose_draft_is_refused_without_a_reason_is_told_so(run, saver):
    author = writer("a", "b")
    answers = iter([False, True])

    def rule(view):
        return next(answers)

    result = run(loop(author, rule, saver=saver), "Write", thread="1")
    assert readings(author)[1] == ["Write", "a", "rule: Not approved."]
    assert spoken(result) == [("writer", "a"), ("writer", "b")]


def test_a_maker_is_told_who_has_given_no_reason_beside_those_who_have(run):
    author = writer("a", "b")
    checkers = panel("x", "y", "z", x=[no(), YES], y=[no("Cut."), YES], z=[YES, YES])
    run(loop(author, checkers), "Write")
    assert readings(author)[1] == ["Write", "a", "y: Cut.", "x: Not approved."]


def test_only_the_task_of_this_run_is_read(run, saver):
    author, boss = writer("a", "b", "c"), checker(no("Cut."), YES, YES)
    app = loop(author, boss, saver=saver)
    run(app, "First", thread="1")
    run(app, "Second", thread="1")
    assert (readings(author)[2], readings(boss)[2]) == (["Second"], ["Second", "writer: c"])


def test_a_history_given_is_for_both_and_a_participants_own_comes_first(run):
    author, boss = writer("a", "b"), checker(no("Cut."), YES)
    run(loop(author, boss, history=everything()), "Write")
    assert readings(author)[1] == ["Write", "a", "boss: Cut."]
    assert readings(boss)[1] == ["Write", "writer: a", "Cut.", "writer: b"]

    author, boss = writer("a", "b"), checker(no("Cut."), YES, history=last_only())
    run(loop(Member(author, history=own_and_task()), boss, history=task_only()), "Write")
    assert readings(author)[1] == ["Write", "a", "Please continue."]
    assert readings(boss) == [["writer: a"], ["writer: b"]]


def test_prompts_do_not_grow_with_the_drafts(run):
    author = writer(*[f"{n} " + "draft " * 100 for n in range(6)])
    run(loop(author, checker(*[no("Cut.")] * 5, YES), max_rounds=6), "Write")
    *_, second, last = [sum(map(len, texts)) for texts in readings(author)]
    assert last - second < 20


# Stop conditions


def test_a_stop_condition_after_a_check_ends_with_the_best_draft(run, saver):
    app = loop(
        writer("1", "2", "3"),
        checker(no("a", 9), no("enough", 4)),
        stop_when=mentions("enough", by="boss"),
        saver=saver,
    )
    result = run(app, thread="1")
    assert ended(result) == ("1", "terminated")
    assert result["stop"].by == "mentions('enough', by='boss')"
    assert result["rounds"] == 2


def test_a_stop_condition_after_a_draft_ends_with_it_unchecked(run, saver):
    boss = checker(no("a", 9))
    app = loop(writer("1", "I give up"), boss, stop_when=mentions("give up"), saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("I give up", "terminated")
    assert (result["rounds"], result["drafts"], calls(boss)) == (1, ["1", "I give up"], [1])


def test_approval_comes_before_a_stop_condition_and_a_stop_condition_before_the_last_round(run):
    app = loop(writer("1"), checker(yes("fine")), stop_when=mentions("fine"), max_rounds=1)
    assert ended(run(app)) == ("1", "approved")
    app = loop(writer("1"), checker(no("fine")), stop_when=mentions("fine"), max_rounds=1)
    assert ended(run(app)) == ("1", "terminated")


def test_a_stop_condition_sees_the_rounds_drafts_and_verdicts_of_the_moment(run):
    seen = []

    def look(view):
        seen.append((view.state["rounds"], len(view.state["drafts"]), len(view.state["verdicts"])))
        return view.state["rounds"] == 2

    checkers = panel("x", "y", x=[no("a")] * 2, y=[no("b")] * 2)
    result = run(loop(writer("1", "2"), checkers, stop_when=when(look)))
    assert seen == [(0, 1, 0), (1, 1, 1), (1, 2, 1), (2, 2, 2)]
    assert ended(result) == ("2", "terminated")


# Drawing


def drawn(graph):
    """Edges of a drawing."""
    return {(edge.source, edge.target) for edge in graph.compile().get_graph().edges}


BEGINNING = {("__start__", "intake"), ("intake", "writer")}


def test_one_checker_is_drawn_as_a_loop_of_two(run):
    assert drawn(create_maker_checker(writer(), checker())) == BEGINNING | {
        ("writer", "boss"),
        ("boss", "writer"),
        ("boss", "__end__"),
    }


def test_several_checkers_are_drawn_side_by_side_before_a_join(run):
    assert drawn(create_maker_checker(writer(), panel("x", "y"))) == BEGINNING | {
        ("writer", "x"),
        ("writer", "y"),
        ("x", "join"),
        ("y", "join"),
        ("join", "writer"),
        ("join", "__end__"),
    }


def test_a_single_round_has_no_way_back(run):
    assert drawn(create_maker_checker(writer(), checker(), max_rounds=1)) == BEGINNING | {
        ("writer", "boss"),
        ("boss", "__end__"),
    }


@pytest.mark.parametrize(
    "options",
    [{"stop_when": mentions("x")}, {"limits": Limits(turns=9)}, {}],
    ids=["stop condition", "limits", "recorded failure"],
)
def test_what_may_end_a_run_after_a_draft_is_drawn(options):
    policy = {} if options else {"policy": Policy(on_failure="record")}
    graph = create_maker_checker(writer(**policy), checker(), **options)
    assert ("writer", "__end__") in drawn(graph)


def test_a_checkers_inner_graph_is_drawn():
    graph = create_maker_checker(writer(), checker(tools=[look_up]))
    drawing = graph.compile().get_graph(xray=True)
    assert any(node.startswith("boss:") for node in drawing.nodes)


# What cannot be built


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_rounds": 0}, ConfigurationError, "`max_rounds` is 0; it must be at least 1"),
        ({"max_rounds": -1}, ConfigurationError, "`max_rounds` is -1"),
        ({"max_rounds": True}, TypeError, "`max_rounds` is an int of at least 1, not True"),
        ({"max_rounds": 3.0}, TypeError, "`max_rounds` is an int"),
        ({"max_rounds": None}, TypeError, "`max_rounds` is an int"),
        ({"quorum": 0}, ConfigurationError, "`quorum` is 0; it must be at least 1"),
        ({"quorum": 3}, ConfigurationError, "`quorum` is 3, but there are only 2 to approve"),
        ({"quorum": True}, TypeError, "`quorum` is an int"),
        ({"quorum": 0.5}, TypeError, "`quorum` is an int"),
        ({"approve_on": ""}, ConfigurationError, "`approve_on` is ''; it is one line"),
        ({"approve_on": True}, TypeError, "`approve_on` is a str or None"),
        ({"limits": 3}, TypeError, "`limits` is a `Limits` or None"),
        ({"stop_when": 3}, TypeError, "`stop_when` is a stop condition"),
        ({"state_schema": dict}, ConfigurationError, "subclasses `MakerCheckerState`"),
        ({"max_turns": 3}, TypeError, "max_turns"),
    ],
    ids=repr,
)
def test_options_that_cannot_be_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        create_maker_checker(writer(), panel("x", "y"), **options)


def test_a_quorum_above_the_only_checker_is_refused():
    with pytest.raises(ConfigurationError, match="`quorum` is 2, but there is only 1 to approve"):
        create_maker_checker(writer(), checker(), quorum=2)


@pytest.mark.parametrize("none", [[], ()], ids=repr)
def test_no_checker_at_all_is_refused(none):
    with pytest.raises(ConfigurationError, match="`checker` is empty: give at least one"):
        create_maker_checker(writer(), none)


@pytest.mark.parametrize("thing", ["boss", 7, None, {"a": 1}, Verdict])
def test_what_cannot_take_part_is_refused_in_both_seats(thing):
    with pytest.raises(TypeError, match="cannot take part; a participant is"):
        create_maker_checker(writer(), thing)
    with pytest.raises(TypeError, match="cannot take part; a participant is"):
        create_maker_checker(thing, checker())


def test_options_are_not_taken_by_place():
    create: Any = create_maker_checker
    with pytest.raises(TypeError, match="positional"):
        create(writer(), checker(), 3)


def test_a_name_given_twice_is_refused():
    with pytest.raises(ConfigurationError, match="`writer` is given 2 times in `writer`, `writer`"):
        create_maker_checker(writer(), checker(name="writer"))
    with pytest.raises(ConfigurationError, match="`x` is given 2 times"):
        create_maker_checker(writer(), panel("x", "x"))


@pytest.mark.parametrize("name", ["drafts", "verdicts", "rounds", "branch_records"])
def test_names_of_the_states_keys_are_refused(name):
    with pytest.raises(ConfigurationError, match=f"`{name}` is a key of the state"):
        create_maker_checker(writer(), named(name))


def test_a_stage_that_may_be_skipped_is_refused():
    for seats in (
        (Member(writer(), when=bool), checker()),
        (writer(), Member(checker(), when=bool)),
    ):
        with pytest.raises(ConfigurationError, match="every draft is made and checked"):
            create_maker_checker(*seats)


@pytest.mark.parametrize(
    "wrap", [lambda a: a, Member, lambda a: checker(policy=Policy(fallback=a))]
)
def test_a_checker_with_another_type_of_answer_is_refused(wrap):
    boss = Agent("boss", "", model=ScriptedModel(["x"]), output=Note)
    with pytest.raises(ConfigurationError, match="`output` of checker `boss` is `Note`"):
        create_maker_checker(writer(), wrap(boss))


def test_a_person_who_reviews_cannot_be_the_maker():
    with pytest.raises(ConfigurationError, match="`ann` makes the drafts"):
        create_maker_checker(Human("ann", role="review"), checker())


def test_a_person_who_can_only_say_words_cannot_be_the_checker():
    with pytest.raises(ConfigurationError, match='`ann` has `role="answer"`, and words alone'):
        create_maker_checker(writer(), Human("ann", role="answer"))


def test_participants_that_are_passed_in_are_never_changed(run):
    boss = checker(no("Cut."), YES, policy=Policy(fallback=agent("deputy", YES)))
    before = repr(boss)
    run(loop(writer("a", "b"), Member(boss)))
    assert repr(boss) == before
    assert boss.output is None


# Custom state


class Planned(MakerCheckerState, total=False):
    plan: str


def test_a_stop_condition_sees_the_custom_keys_that_a_turn_has_written(run):
    def draft(view):
        return {"plan": "done", "output": "a"}

    app = loop(
        draft,
        checker(),
        state_schema=Planned,
        stop_when=when(lambda view: view.state.get("plan") == "done"),
    )
    assert ended(run(app)) == ("a", "terminated")


def test_custom_keys_are_kept_and_may_be_set_by_maker_and_checkers(run, saver):
    def draft(view):
        return {"plan": "1", "output": f"with plan {view.state.get('plan')}"}

    def rule(view):
        return {"plan": "2", "output": view.state["rounds"] == 1}

    app = loop(draft, rule, state_schema=Planned, saver=saver)
    result = run(app, thread="1")
    assert (result["output"], result["plan"]) == ("with plan 2", "2")


def test_one_of_several_checkers_may_set_a_custom_key(run, saver):
    def rule(view):
        return {"plan": "2", "output": True}

    app = loop(writer(), [rule, checker()], state_schema=Planned, saver=saver)
    assert run(app, thread="1")["plan"] == "2"


def test_an_output_of_a_sequence_goes_out_where_a_maker_checker_is_its_last_stage(run):
    inner = loop(writer("a", "b"), checker(no("Cut."), YES))
    app = create_sequential([agent("notes"), inner]).compile()
    assert ended(run(app)) == ("b", "completed")
