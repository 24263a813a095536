"""What becomes of failures: of workers, of the planner, of the reviewer and of who writes."""

import pytest
from langgraph.types import Command

from langgraph_orchestra.graphs import create_sequential, create_supervisor
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Limits, Member, Policy, question
from langgraph_orchestra.state import ConfigurationError, InputError
from support.members import AT_ONCE, ONCE, RECORDED, agent, named
from support.plans import boss, in_order, plan, read_in, review, statuses, steps
from support.results import ended, outcomes, read_by, readings, spoken, usage


def why(result):
    """Type of each step's failure."""
    return {name: r.failure and r.failure.type for name, r in result["results"].items()}


# Workers


def test_a_failure_is_reviewed_like_a_result_and_the_step_tried_again(run, saver):
    worker = agent("a", ValueError("no luck"), "luck")
    model = boss(plan("s1 a"), review("s1 no", s1="Try again."), review("s1"), "done")
    app = create_supervisor([worker], model=model).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert ended(result) == ("done", "completed")
    assert "s1 by a: Do s1.\nFailed: ValueError: no luck" in read_in(model, 1)
    assert read_in(worker.model, 1).endswith("Your step: Do s1.\n\nWhat must change: Try again.")
    assert steps(result)["s1"] == ("a", "luck", True, 2)
    assert outcomes(result)[1:4] == [("a", "failed"), ("review", "ok"), ("a", "ok")]


def test_a_failed_step_is_given_to_another_worker(run):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1 b"), review("s1"), review("s2"), "done")
    workers = [agent("a", ValueError("no")), agent("b", "by b", "end")]
    result = run(create_supervisor(workers, model=model).compile())
    assert steps(result)["s1"] == ("b", "by b", True, 2)
    assert why(result) == {"s1": None, "s2": None}
    # Nothing was said of an answer, since there was none.
    assert readings(workers[1])[0] == ["Goal: the task\n\nYour step: Do s1."]


@pytest.mark.parametrize("verdict", ["s1", "s1 no"])
def test_dependants_of_a_failed_step_are_failed_and_never_called_and_the_rest_goes_on(
    run, saver, verdict
):
    first = (
        [review(verdict, "s2")]
        if verdict == "s1"
        else [review("s1 no", "s2"), review("s1 no", "s5")]
    )
    rest = [review("s5")] if verdict == "s1" else []
    model = boss(
        plan("s1 a", "s2 b", "s3 c: s1", "s4 c: s3", "s5 d: s2"), *first, *rest, "the rest"
    )
    never = agent("c")
    workers = [agent("a", ValueError("no"), ValueError("no")), agent("b"), never, agent("d")]
    app = create_supervisor(workers, model=model).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert ended(result) == ("the rest", "completed")
    assert statuses(result) == {
        "s1": "failed",
        "s2": "done",
        "s3": "failed",
        "s4": "failed",
        "s5": "done",
    }
    assert why(result) == {
        "s1": "ValueError",
        "s2": None,
        "s3": "DependencyFailed",
        "s4": "DependencyFailed",
        "s5": None,
    }
    assert never.model.calls == []
    assert [path for path, outcome in outcomes(result) if outcome == "skipped"] == ["c", "c"]
    numbers = [turn.step for turn in result["trail"]]
    assert numbers == sorted(numbers)  # those who were never called came before the wave
    assert "s4 by c: Do s4.\nNo result: DependencyFailed" in read_in(model, -1)


def test_where_no_step_has_an_answer_the_run_has_failed(run):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1"))
    workers = [agent("a", ValueError("no"), policy=ONCE), agent("b")]
    result = run(create_supervisor(workers, model=model).compile())
    assert ended(result) == ("", "failed")
    assert result["stop"].detail == (
        "no step has an answer: s1: ValueError: no; "
        "s2: DependencyFailed: step `s2` depends on `s1`, which has failed"
    )


def test_an_answer_that_was_not_accepted_is_enough_to_complete(run):
    model = boss(plan("s1 a"), review("s1 no"), "done")
    result = run(create_supervisor([agent("a")], model=model, max_revisions=0).compile())
    assert ended(result) == ("done", "completed")


def test_the_last_good_answer_stays_where_its_revision_fails(run):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1 no"), review("s1 no"), review("s2"), "done")
    reader = agent("b")
    workers = [agent("a", "good", ValueError("no")), reader]
    result = run(create_supervisor(workers, model=model).compile())
    assert steps(result)["s1"] == ("a", "good", False, 2)
    assert statuses(result) == {"s1": "done", "s2": "done"}
    assert "Result of s1 by a:\ngood" in read_by(reader)[0]


def test_a_reassigned_step_that_fails_keeps_the_answer_of_the_worker_before(run):
    model = boss(plan("s1 a"), review("s1 b"), review("s1 no"), review("s1"), "done")
    workers = [agent("a", "by a"), agent("b", ValueError("no"), "by b")]
    result = run(create_supervisor(workers, model=model, max_revisions=2).compile())
    assert steps(result)["s1"] == ("b", "by b", True, 3)


def test_retries_of_a_worker_are_no_revisions(run):
    worker = agent("a", ConnectionError("down"), "up", policy=Policy(retry=AT_ONCE))
    model = boss(plan("s1 a"), review("s1"), "done")
    result = run(create_supervisor([worker], model=model).compile())
    assert steps(result)["s1"] == ("a", "up", True, 1)
    assert result["trail"][1].attempts == 2


def test_a_worker_whose_policy_raises_ends_the_run_with_its_error(run, saver):
    worker = agent("a", ValueError("no"), policy=Policy(retry=None, on_failure="raise"))
    model = boss(plan("s1 a", "s2 b"), review("s1", "s2"), "done")
    app = create_supervisor([worker, agent("b")], model=model).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="no") as raised:
        run(app, "go", thread="1")
    assert "in participant `a` of `supervisor`, attempt 1" in raised.value.__notes__


def test_an_open_breaker_keeps_a_worker_out_and_the_review_may_give_the_step_away(run, saver):
    worker = agent("a", ValueError("1"), ValueError("2"), policy=Policy(retry=None, breaker=2))
    other = agent("b", "by b")
    model = boss(
        plan("s1 a", "s2 a: s1"),
        review("s1 no"),
        review("s1 a"),
        review("s1 b"),
        review("s1"),
        review("s2"),
        "done",
    )
    app = create_supervisor([worker, other], model=model, max_revisions=3)
    result = run(app.compile(checkpointer=saver), "go", thread="1")
    assert steps(result)["s1"] == ("b", "by b", True, 4)
    assert why(result)["s2"] == "BreakerOpen"
    assert len(worker.model.calls) == 2


def test_a_nested_team_that_fails_is_a_failure_of_its_step(run):
    team = create_sequential([agent("x", ValueError("inside"), policy=RECORDED)])
    model = boss(plan("s1 team", "s2 b"), review("s1", "s2"), "done")
    result = run(create_supervisor([team.compile(name="team"), agent("b")], model=model).compile())
    assert ended(result) == ("done", "completed")
    assert why(result) == {"s1": "TeamFailed", "s2": None}


def test_a_worker_that_returns_nonsense_is_an_error_of_whoever_wrote_it(run):
    model = boss(plan("s1 f"))
    with pytest.raises(ConfigurationError):
        run(create_supervisor([Member(lambda view: 7, name="f")], model=model).compile())


# The planner

BAD_PLANS = {
    "text": "I would begin with a.",
    "unknown worker": plan("s1 zoe"),
    "a circle": plan("s1 a: s2", "s2 a: s1"),
    "no steps": {"steps": []},
    "same id": plan("s1 a", "s1 a"),
}


@pytest.mark.parametrize("bad", BAD_PLANS)
def test_a_bad_plan_is_asked_again_with_the_error(run, bad):
    model = boss(BAD_PLANS[bad], plan("s1 a"), review("s1"), "done")
    result = run(create_supervisor([agent("a")], model=model).compile())
    assert ended(result) == ("done", "completed")
    assert "That answer cannot be used" in read_in(model, 1)


@pytest.mark.parametrize("bad", BAD_PLANS)
def test_three_bad_plans_end_the_run_failed(run, saver, bad):
    worker, model = agent("a"), boss(*[BAD_PLANS[bad]] * 3)
    app = create_supervisor([worker], model=model).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert ended(result) == ("", "failed")
    assert (result["stop"].by, len(model.calls)) == ("planner", 3)
    (turn,) = result["trail"]
    assert (turn.path, turn.kind, turn.outcome) == ("planner", "decision", "failed")
    assert turn.detail.startswith("DecisionError: ")
    assert usage(result) == 45
    assert worker.model.calls == []
    assert (result["plan"], result["results"]) == (None, {})


def test_a_planner_that_raises_after_its_retries_ends_the_run_failed(run, saver):
    model = boss(*[ConnectionError("down")] * 3)
    lead = Agent("lead", "", model=model, policy=Policy(retry=AT_ONCE))
    app = create_supervisor([agent("a")], model=lead).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert ended(result) == ("", "failed")
    assert result["stop"].detail == "ConnectionError: down"
    assert (result["trail"][0].outcome, result["trail"][0].attempts) == ("failed", 3)


def test_a_planner_that_recovers_goes_on_and_what_it_used_counts_once(run):
    model = boss("no plan", ConnectionError("down"), plan("s1 a"), review("s1"), "done")
    lead = Agent("lead", "", model=model, policy=Policy(retry=AT_ONCE))
    result = run(create_supervisor([agent("a")], model=lead).compile())
    assert ended(result) == ("done", "completed")
    assert usage(result) == 15 * 5


def test_what_a_planner_used_before_it_failed_for_good_counts_once(run):
    model = boss("no plan", ConnectionError("down"), "no plan", ValueError("no"))
    lead = Agent("lead", "", model=model, policy=Policy(retry=AT_ONCE))
    result = run(create_supervisor([agent("a")], model=lead).compile())
    assert ended(result) == ("", "failed")
    assert usage(result) == 30


def test_a_planner_that_is_too_slow_has_failed(run):
    model = ScriptedModel([plan("s1 a")], delay=0.5)
    lead = Agent("lead", "", model=model, policy=Policy(retry=None, timeout=0.02))
    result = run(create_supervisor([agent("a")], model=lead).compile())
    assert ended(result) == ("", "failed")
    assert "NodeTimeoutError" in result["stop"].detail


def test_a_new_task_after_a_failed_plan_is_planned_anew(run, saver):
    model = boss(*["no"] * 3, plan("s1 a"), review("s1"), "done")
    app = create_supervisor([agent("a")], model=model).compile(checkpointer=saver)
    run(app, "one", thread="1")
    assert ended(run(app, "two", thread="1")) == ("done", "completed")


def test_a_blank_task_is_no_task(run):
    with pytest.raises(InputError):
        run(create_supervisor([agent("a")], model=in_order()).compile(), " ")


# Reviewer and writer


def test_a_reviewer_that_raises_ends_the_run_failed_with_what_was_found(run, saver):
    model = boss(plan("s1 a", "s2 b: s1"), ValueError("down"))
    app = create_supervisor([agent("a", "found"), agent("b")], model=model)
    result = run(app.compile(checkpointer=saver), "go", thread="1")
    assert ended(result) == ("found", "failed")
    assert (result["stop"].by, result["stop"].detail) == ("review", "ValueError: down")
    assert outcomes(result) == [("planner", "ok"), ("a", "ok"), ("review", "failed")]
    assert statuses(result) == {"s1": "done", "s2": "pending"}
    assert steps(result) == {"s1": ("a", "found", False, 1)}
    assert spoken(result) == []


def test_a_writer_that_raises_ends_the_run_failed_with_the_best_answer(run, saver):
    model = boss(plan("s1 a"), review("s1"), ValueError("down"))
    app = create_supervisor([agent("a", "found")], model=model).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert ended(result) == ("found", "failed")
    assert (result["stop"].by, outcomes(result)[-1]) == ("synthesise", ("synthesise", "failed"))
    assert spoken(result) == []


def test_a_limit_between_a_review_and_the_revision_leaves_no_step_under_way(run):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1 no"))
    graph = create_supervisor(
        [agent("a", "good"), agent("b")], model=model, limits=Limits(tokens=45)
    )
    result = run(graph.compile())
    assert ended(result) == ("good", "token_limit")
    assert statuses(result) == {"s1": "done", "s2": "pending"}


def test_what_failed_can_be_resumed_once_its_cause_is_mended(run, saver):
    broken = [True]

    def mend(view):
        if broken:
            raise ValueError("broken")
        return "mended"

    calls = []

    def note(view):
        calls.append(view.task)
        return "noted"

    model = boss(plan("s1 mend", "s2 note"), review("s1", "s2"), "done")
    workers = [Member(mend, policy=Policy(retry=None, on_failure="raise")), note]
    app = create_supervisor(workers, model=model).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="broken"):
        run(app, "go", thread="1", durability="sync")
    broken.clear()
    result = run(app, None, thread="1")
    assert ended(result) == ("done", "completed")
    assert steps(result)["s1"] == ("mend", "mended", True, 1)
    model.assert_complete()


def test_a_finished_run_that_is_resumed_calls_nobody(run, saver):
    model = boss(plan("s1 a"), review("s1"), "done")
    app = create_supervisor([named("a")], model=model).compile(checkpointer=saver)
    first = run(app, "go", thread="1")
    assert ended(run(app, None, thread="1")) == ended(first)
    model.assert_complete()


def test_people_in_one_wave_answer_one_by_one_and_nobody_works_twice(run, saver):
    worked = []

    def quick(view):
        worked.append(view.task)
        return "quick"

    model = boss(plan("s1 ann", "s2 quick", "s3 ben"), review("s1", "s2", "s3"))
    people = [question("ann", "Red?"), question("ben", "Blue?")]
    graph = create_supervisor([*people, quick], model=model, synthesis="forward")
    app = graph.compile(checkpointer=saver)
    waiting = run(app, "go", thread="1")["__interrupt__"]
    ids = {interrupt.value["node"]: interrupt.id for interrupt in waiting}
    still = run(app, Command(resume={ids["ben"]: "blue"}), thread="1")
    assert [interrupt.id for interrupt in still["__interrupt__"]] == [ids["ann"]]
    result = run(app, Command(resume={ids["ann"]: "red"}), thread="1")
    assert ended(result) == ("red\n\nquick\n\nblue", "completed")
    assert len(worked) == 1
    model.assert_complete()


def test_a_persons_answer_is_the_best_only_if_nobody_else_has_given_one(run, saver):
    def graph():
        model = boss(
            plan("s1 a", "s2 ann: s1", "s3 a: s2"), review("s1"), review("s2"), ValueError()
        )
        return create_supervisor(
            [agent("a", "work"), question("ann", "?")], model=model, limits=Limits(tokens=60)
        )

    app = graph().compile(checkpointer=saver)
    (asked,) = run(app, "go", thread="1")["__interrupt__"]
    result = run(app, Command(resume={asked.id: "words"}), thread="1")
    assert ended(result) == ("work", "token_limit")
