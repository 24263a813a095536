"""Maker-checker: a draft is checked and made again until it is approved, or the rounds are over."""

import re
import threading

import pytest
from langgraph.types import Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_maker_checker, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Limits,
    Member,
    Policy,
    everything,
    mentions,
    task_only,
    turns,
)
from langgraph_orchestra.state import (
    ConfigurationError,
    DecisionError,
    MakerCheckerState,
    Verdict,
)
from support.handoffs import edges
from support.members import AT_ONCE, ONCE, RECORDED, agent, look_up, team, wants
from support.results import asked, calls, comparable, ended, model_of, outcomes, readings, spoken

YES = Verdict(approved=True)
NO = Verdict(approved=False)


class Article(BaseModel):
    """A typed draft."""

    title: str


class Graded(Verdict):
    """A verdict with a grade of its own."""

    grade: str = "F"


class NoTypedDict(TypedDict):
    """A state that extends nothing of ours."""

    messages: list[str]


def no(feedback, score=None):
    """A verdict that does not approve."""
    return Verdict(approved=False, feedback=feedback, score=score)


def writer(*drafts, **options):
    """A maker with these drafts."""
    return agent("writer", *drafts, **options)


def critic(*verdicts, name="critic", **options):
    """A checker with these verdicts."""
    return agent(name, *verdicts, **options)


def verdicts_of(result):
    """What was decided in each round, by name."""
    return [{name: v.approved for name, v in found.items()} for found in result["verdicts"]]


# Rounds


def test_the_output_is_the_approved_draft_not_the_word_approved(run):
    graph = create_maker_checker(writer("first", "second"), critic(no("shorter"), YES))
    result = run(graph.compile())
    assert ended(result) == ("second", "approved")
    assert result["stop"].by == "critic"
    assert result["drafts"] == ["first", "second"]
    assert result["rounds"] == 2
    assert verdicts_of(result) == [{"critic": False}, {"critic": True}]
    assert outcomes(result) == [("writer", "ok"), ("critic", "ok")] * 2


def test_the_feedback_reaches_the_maker_and_a_bare_approval_leaves_no_message(run):
    maker = writer("first", "second")
    result = run(create_maker_checker(maker, critic(no("shorter"), YES)).compile())
    assert readings(maker) == [["the task"], ["the task", "first", "critic: shorter"]]
    assert spoken(result) == [("writer", "first"), ("critic", "shorter"), ("writer", "second")]


def test_the_maker_reads_all_feedback_and_of_its_drafts_the_latest():
    maker = writer("first", "second", "third")
    checker = critic(no("shorter"), no("sharper"), YES)
    create_maker_checker(maker, checker).compile().invoke({"messages": "the task"})
    assert readings(maker)[-1] == ["the task", "critic: shorter", "second", "critic: sharper"]


def test_a_checker_reads_the_task_and_the_current_draft():
    checker = critic(no("shorter"), YES)
    graph = create_maker_checker(writer("first", "second"), checker)
    graph.compile().invoke({"messages": "the task"})
    assert readings(checker) == [["the task", "writer: first"], ["the task", "writer: second"]]


def test_a_history_holds_for_both_unless_they_have_one_of_their_own():
    maker, checker = writer("first", "second"), critic(no("shorter"), YES, history=task_only())
    graph = create_maker_checker(maker, checker, history=everything())
    graph.compile().invoke({"messages": "the task"})
    assert readings(maker)[-1] == ["the task", "first", "critic: shorter"]
    assert readings(checker) == [["the task"], ["the task"]]


def test_a_maker_is_told_of_a_checker_who_gave_no_reason():
    maker = writer("first", "second")
    graph = create_maker_checker(maker, critic(NO, YES))
    result = graph.compile().invoke({"messages": "the task"})
    assert readings(maker)[-1] == ["the task", "first", "critic: Not approved."]
    assert spoken(result) == [("writer", "first"), ("writer", "second")]


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_after_max_rounds_the_last_draft_goes_out_with_round_limit(run, rounds):
    drafts = [f"draft {n}" for n in range(1, rounds + 1)]
    graph = create_maker_checker(writer(*drafts), critic(*[no("no")] * rounds), max_rounds=rounds)
    result = run(graph.compile())
    assert ended(result) == (drafts[-1], "round_limit")
    assert (result["rounds"], result["drafts"]) == (rounds, drafts)
    assert len(result["verdicts"]) == rounds


@pytest.mark.parametrize(
    ("scores", "best"),
    [((5, 9, 7), "b"), ((9, 9, 7), "b"), ((5, None, 7), "c"), ((0, -1, -2), "a")],
)
def test_never_approved_the_highest_score_wins_if_every_verdict_has_one(run, scores, best):
    checker = critic(*(no("no", score) for score in scores))
    assert ended(run(create_maker_checker(writer("a", "b", "c"), checker).compile())) == (
        best,
        "round_limit",
    )


def test_three_rounds_are_the_default():
    graph = create_maker_checker(writer("a", "b", "c"), critic(NO, NO, NO))
    assert graph.compile().invoke({"messages": "go"})["rounds"] == 3


def test_a_hundred_rounds_are_taken():
    maker = Agent("writer", "", model=ScriptedModel(lambda messages: f"draft {len(messages)}"))
    graph = create_maker_checker(maker, always("never", verdict=False), max_rounds=100)
    result = graph.compile().invoke({"messages": "go"})
    assert (result["rounds"], result["stop"].reason) == (100, "round_limit")


def always(name, *, verdict):
    """A function that always decides the same."""
    return Member(lambda view: verdict, name=name)


def test_typed_drafts_and_verdicts_stay_typed_after_a_reload(tmp_path, run):
    maker = writer(Article(title="a"), Article(title="b"), output=Article)
    checker = critic(Graded(approved=False, grade="C"), Graded(approved=True), output=Graded)
    graph = create_maker_checker(maker, checker)
    with open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver:
        run(graph.compile(saver), thread="1")
    with open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver:
        config = {"configurable": {"thread_id": "1"}}
        kept = graph.compile(saver).get_state(config).values
    assert kept["output"] == Article(title="b")
    assert kept["drafts"] == [Article(title="a"), Article(title="b")]
    assert [found["critic"].grade for found in kept["verdicts"]] == ["C", "F"]


# What a checker may answer


def test_a_malformed_verdict_is_asked_again_with_the_reason(run):
    checker = critic({"approved": "false"}, {"feedback": "no"}, YES)
    result = run(create_maker_checker(writer("draft"), checker).compile())
    assert ended(result) == ("draft", "approved")
    second, third = readings(checker)[1:]
    assert "`approved`: Input should be a valid boolean" in second[-1]
    assert "`approved`: Field required" in third[-1]


def test_three_malformed_verdicts_raise_a_decision_error(run):
    checker = critic({"approved": "yes"}, "Looks good!", {"approved": None})
    with pytest.raises(DecisionError, match="no valid decision after 3 attempts"):
        run(create_maker_checker(writer("draft"), checker).compile())


APPROVALS = ["APPROVED", "**APPROVED**", "APPROVED.\nWell done.", "Well done.\n\n  APPROVED!  \n"]
REFUSALS = ["approved", "Not APPROVED", "APPROVED as it is", "NOT APPROVED\nShorter", "Fine.", ""]


@pytest.mark.parametrize("text", APPROVALS)
def test_a_plain_text_checker_approves_with_a_keyword_in_its_first_or_last_line(run, text):
    graph = create_maker_checker(writer("draft"), critic(text), approve_on="APPROVED")
    result = run(graph.compile())
    assert ended(result) == ("draft", "approved")
    rest = [("critic", "Well done.")] if "Well" in text else []
    assert spoken(result) == [("writer", "draft"), *rest]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_keyword_inside_a_line_or_in_another_case_approves_nothing(run, text):
    graph = create_maker_checker(writer("draft"), critic(text), approve_on="APPROVED", max_rounds=1)
    assert ended(run(graph.compile())) == ("draft", "round_limit")


@pytest.mark.parametrize(
    ("answer", "approves", "feedback"),
    [
        (True, True, None),
        (False, False, None),
        (YES, True, None),
        (no("shorter"), False, "shorter"),
        ("too long", False, "too long"),
        ({"output": "too long"}, False, "too long"),
    ],
)
def test_a_function_checks_with_a_verdict_a_bool_or_words(run, answer, approves, feedback):
    graph = create_maker_checker(writer("draft"), always("rule", verdict=answer), max_rounds=1)
    result = run(graph.compile())
    assert result["stop"].reason == ("approved" if approves else "round_limit")
    said = [("rule", feedback)] if feedback else []
    assert spoken(result) == [("writer", "draft"), *said]


@pytest.mark.parametrize("answer", [7, Article(title="a"), None])
def test_a_function_that_judges_nothing_is_refused_by_name(run, answer):
    graph = create_maker_checker(writer("draft"), always("rule", verdict=answer))
    with pytest.raises(ConfigurationError, match=r"`rule` (returned|answered) "):
        run(graph.compile())


def test_a_checker_with_tools_uses_them_and_then_decides(run):
    checker = critic(
        wants("look_up", word="squid"),
        wants("Verdict", "call-2", approved=False, feedback="A mollusc, not a fish."),
        wants("Verdict", "call-3", approved=True),
        tools=[look_up],
    )
    result = run(create_maker_checker(writer("a fish", "a mollusc"), checker).compile())
    assert ended(result) == ("a mollusc", "approved")
    assert [(name, words) for name, words in spoken(result) if words] == [
        ("writer", "a fish"),
        ("critic", "A mollusc, not a fish."),
        ("writer", "a mollusc"),
    ]
    assert ("tool", "look_up") in {(m.type, m.name) for m in result["messages"]}


def test_a_team_checks_and_a_team_makes(run):
    makers = team(agent("drafter", "rough"), agent("polisher", "fine"), name="makers")
    checkers = team(agent("reader", "Good."), agent("chief", "APPROVED"), name="checkers")
    result = run(create_maker_checker(makers, checkers, approve_on="APPROVED").compile())
    assert ended(result) == ("fine", "approved")
    assert [turn.path for turn in result["trail"]] == [
        "makers/drafter",
        "makers/polisher",
        "checkers/reader",
        "checkers/chief",
    ]


# Several checkers


def test_all_checkers_must_approve_unless_there_is_a_quorum(run):
    def checked(**options):
        checkers = [critic(YES, name="a"), critic(NO, name="b"), critic(YES, name="c")]
        return run(create_maker_checker(writer("d"), checkers, max_rounds=1, **options).compile())

    assert checked()["stop"].reason == "round_limit"
    assert checked(quorum=3)["stop"].reason == "round_limit"
    assert ended(checked(quorum=2)) == ("d", "approved")
    assert checked(quorum=2)["stop"].by == "a, c"
    assert verdicts_of(checked(quorum=1)) == [{"a": True, "b": False, "c": True}]


def test_checkers_look_side_by_side_and_read_no_sibling(run):
    together = threading.Barrier(2, timeout=10)

    def checks(name):
        def check(view):
            together.wait()
            return Verdict(approved=len(view.drafts) > 1, feedback=f"{name} read {view.last_text}")

        return Member(check, name=name)

    maker = writer("one", "two")
    result = run(create_maker_checker(maker, [checks("a"), checks("b")]).compile())
    assert spoken(result) == [
        ("writer", "one"),
        ("a", "a read one"),
        ("b", "b read one"),
        ("writer", "two"),
        ("a", "a read two"),
        ("b", "b read two"),
    ]
    assert readings(maker)[-1] == ["the task", "one", "a: a read one", "b: b read one"]
    assert [turn.step for turn in result["trail"]] == [1, 2, 3, 4, 5, 6]


def test_a_checker_whose_failure_is_recorded_approves_nothing(run):
    def broken(view):
        raise ValueError("no idea")

    checkers = [critic(YES, name="a"), Member(broken, policy=RECORDED)]
    graph = create_maker_checker(writer("draft"), checkers, max_rounds=1)
    result = run(graph.compile())
    assert ended(result) == ("draft", "round_limit")
    assert verdicts_of(result) == [{"a": True}]
    assert outcomes(result) == [("writer", "ok"), ("a", "ok"), ("broken", "failed")]


def test_a_checker_that_raises_surfaces_with_its_name_and_resumes_alone(run, saver):
    state = {"broken": True}

    def rule(view):
        if state["broken"]:
            raise ValueError("no idea")
        return True

    maker = writer("draft")
    checker = Agent("critic", "", model=ScriptedModel(lambda messages: YES))
    graph = create_maker_checker(maker, [checker, Member(rule, policy=ONCE)])
    app = graph.compile(checkpointer=saver)
    with pytest.raises(ValueError, match="no idea") as raised:
        run(app, thread="1")
    assert any("`rule`" in note for note in raised.value.__notes__)
    state["broken"] = False
    assert ended(run(app, None, thread="1")) == ("draft", "approved")
    assert calls(maker) == [1]


# People


def test_a_person_checks_approve_edit_and_feedback(run, saver):
    maker = writer("first", "second")
    app = create_maker_checker(maker, Human("boss")).compile(checkpointer=saver)
    first = asked(run(app, thread="1"))
    request = first.value["action_requests"][0]
    assert (request["name"], request["args"]) == (
        "review_draft",
        {"participant": "writer", "draft": "first", "round": 1},
    )
    second = asked(run(app, Command(resume={first.id: "make it shorter"}), thread="1"))
    assert second.value["action_requests"][0]["args"]["round"] == 2
    assert readings(maker)[-1] == ["the task", "first", "boss: make it shorter"]
    edit = {"decisions": [{"type": "edit", "args": {"draft": "second, mended"}}]}
    result = run(app, Command(resume={second.id: edit}), thread="1")
    assert ended(result) == ("second, mended", "approved")
    assert result["drafts"] == ["first", "second"]


def test_a_person_who_approves_leaves_no_message(run, saver):
    app = create_maker_checker(writer("draft"), Human("boss")).compile(checkpointer=saver)
    first = asked(run(app, thread="1"))
    result = run(app, Command(resume={first.id: True}), thread="1")
    assert ended(result) == ("draft", "approved")
    assert spoken(result) == [("writer", "draft")]


def test_a_rejection_without_a_message_ends_the_run_with_the_last_draft(run, saver):
    app = create_maker_checker(writer("draft"), Human("boss")).compile(checkpointer=saver)
    first = asked(run(app, thread="1"))
    answer = {"decisions": [{"type": "reject"}]}
    result = run(app, Command(resume={first.id: answer}), thread="1")
    assert ended(result) == ("draft", "rejected")
    assert result["stop"].by == "boss"


def test_two_people_are_asked_at_once_and_answer_in_either_order(run, saver):
    maker = writer("draft")
    app = create_maker_checker(maker, [Human("ann"), Human("bob")]).compile(checkpointer=saver)
    waiting = {i.value["node"]: i.id for i in run(app, thread="1")["__interrupt__"]}
    assert set(waiting) == {"ann", "bob"}
    run(app, Command(resume={waiting["bob"]: "approve"}), thread="1")
    result = run(app, Command(resume={waiting["ann"]: "approve"}), thread="1")
    assert ended(result) == ("draft", "approved")
    assert calls(maker) == [1]


def test_a_person_makes_and_a_function_checks(run, saver):
    graph = create_maker_checker(Human("author"), always("rule", verdict=True))
    app = graph.compile(checkpointer=saver)
    first = asked(run(app, thread="1"))
    assert first.value["action_requests"][0]["name"] == "answer"
    assert ended(run(app, Command(resume={first.id: "Mine."}), thread="1")) == ("Mine.", "approved")


# Endings, runs, nesting


def test_a_stop_condition_ends_with_the_best_draft(run):
    graph = create_maker_checker(
        writer("first", "second"), critic(no("hopeless"), YES), stop_when=mentions("hopeless")
    )
    result = run(graph.compile())
    assert ended(result) == ("first", "terminated")
    assert result["stop"].by == "mentions('hopeless')"


def test_a_stop_condition_is_looked_at_after_the_draft_too(run):
    checker = critic(YES)
    graph = create_maker_checker(writer("draft"), checker, stop_when=turns(1))
    assert ended(run(graph.compile())) == ("draft", "terminated")
    assert calls(checker) == [0]


def test_an_approval_beats_a_stop_condition(run):
    graph = create_maker_checker(writer("draft"), critic(YES), stop_when=turns(2))
    assert ended(run(graph.compile())) == ("draft", "approved")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [(Limits(turns=3), "turn_limit"), (Limits(tokens=45), "token_limit")],
)
def test_a_limit_ends_with_the_best_draft(run, limits, reason):
    graph = create_maker_checker(
        writer("first", "second"), critic(no("shorter"), YES), limits=limits
    )
    result = run(graph.compile())
    assert ended(result) == ("second", reason)


def test_a_maker_whose_failure_is_recorded_ends_the_run_with_what_there_is(run):
    maker = writer("first", ValueError("no ideas left"), policy=RECORDED)
    result = run(create_maker_checker(maker, critic(no("shorter"))).compile())
    assert ended(result) == ("first", "failed")
    assert result["stop"].detail == "ValueError: no ideas left"


def test_retries_are_made_and_make_no_second_draft(run):
    maker = writer(ConnectionError("away"), "draft", policy=Policy(retry=AT_ONCE))
    result = run(create_maker_checker(maker, critic(YES)).compile())
    assert ended(result) == ("draft", "approved")
    assert result["drafts"] == ["draft"]


def test_a_second_run_starts_drafts_rounds_and_verdicts_afresh(run, saver):
    graph = create_maker_checker(
        writer("a", "b", "c"), [critic(no("x"), YES, YES), critic(YES, YES, YES, name="other")]
    )
    app = graph.compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, "another task", thread="1")
    assert (result["drafts"], result["rounds"]) == (["c"], 1)
    assert verdicts_of(result) == [{"critic": True, "other": True}]
    assert ended(result) == ("c", "approved")


def test_a_nested_loop_answers_with_its_draft_and_a_rejection_is_a_failure(run, saver):
    loop = create_maker_checker(writer("draft"), critic(YES)).compile(name="desk")
    result = run(create_sequential([loop, agent("printer", "printed")]).compile())
    assert spoken(result) == [("desk", "draft"), ("printer", "printed")]
    loop = create_maker_checker(writer("draft"), Human("boss")).compile(name="desk")
    app = create_sequential([Member(loop, policy=ONCE)]).compile(checkpointer=saver)
    first = asked(run(app, thread="1"))
    with pytest.raises(Exception, match="team `desk` ended `rejected`"):
        run(app, Command(resume={first.id: False}), thread="1")


def test_two_runs_with_the_same_script_are_identical(run):
    def result():
        checkers = [critic(no("x"), YES), critic(NO, YES, name="other")]
        return comparable(run(create_maker_checker(writer("a", "b"), checkers).compile()))

    assert result() == result()


# The graph


def test_the_drawing_shows_the_routes_of_one_checker_and_of_several():
    assert edges(create_maker_checker(writer("a"), critic(YES))) == {
        ("__start__", "intake"),
        ("intake", "writer"),
        ("writer", "critic"),
        ("critic", "writer"),
        ("critic", "__end__"),
    }
    assert edges(
        create_maker_checker(writer("a"), [critic(YES), critic(YES, name="other")], limits=LIMITED)
    ) == {
        ("__start__", "intake"),
        ("intake", "writer"),
        ("writer", "critic"),
        ("writer", "other"),
        ("writer", "__end__"),
        ("critic", "join"),
        ("other", "join"),
        ("join", "writer"),
        ("join", "__end__"),
    }


LIMITED = Limits(turns=5)


def test_what_was_passed_in_is_not_changed():
    maker, checker = writer("draft"), critic(YES)
    create_maker_checker(maker, checker)
    assert (maker.history, checker.output) == (None, None)
    assert model_of(maker).calls == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_rounds": 0}, ConfigurationError, "`max_rounds` is 0; it must be at least 1"),
        ({"max_rounds": True}, TypeError, "`max_rounds` is an int of at least 1, not True"),
        ({"quorum": 2}, ConfigurationError, "`quorum` is 2, but there are only 1 checkers"),
        ({"quorum": 0}, ConfigurationError, "`quorum` is 0; it must be at least 1"),
        ({"approve_on": 7}, TypeError, "`approve_on` is a str or None, not 7"),
        ({"approve_on": "--"}, ConfigurationError, "`approve_on` is '--'; it needs a letter"),
        ({"state_schema": NoTypedDict}, ConfigurationError, "subclasses `MakerCheckerState`"),
        ({"rounds": 3}, TypeError, "unexpected keyword argument 'rounds'"),
    ],
)
def test_wrong_settings_are_refused_with_the_remedy(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        create_maker_checker(writer("a"), critic(YES), **options)


def test_wrong_checkers_are_refused_by_name():
    with pytest.raises(ConfigurationError, match="`checker` is empty"):
        create_maker_checker(writer("a"), [])
    with pytest.raises(ConfigurationError, match="`writer` is given 2 times"):
        create_maker_checker(writer("a"), writer("b"))
    with pytest.raises(ConfigurationError, match="`output` of checker `critic` is `Article`"):
        create_maker_checker(writer("a"), critic(output=Article))
    with pytest.raises(ConfigurationError, match="checker `critic` has an `output`, but"):
        create_maker_checker(writer("a"), critic(output=Verdict), approve_on="OK")
    with pytest.raises(ConfigurationError, match="`when` of `critic`"):
        create_maker_checker(writer("a"), Member(critic(YES), when=lambda view: True))


class PlannedLoop(MakerCheckerState, total=False):
    """A state with a key of the user's own."""

    plan: str


def test_custom_keys_of_several_checkers_and_of_the_maker_are_kept(run):
    def plans(view):
        return {"plan": f"{view.state.get('plan', '')}+", "output": "draft"}

    def judges(view):
        return {"plan": view.state["plan"] + "!", "output": ""}

    graph = create_maker_checker(
        Member(plans, name="writer"),
        Member(judges, name="rule"),
        max_rounds=2,
        state_schema=PlannedLoop,
    )
    assert run(graph.compile())["plan"] == "+!+!"
