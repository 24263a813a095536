"""A supervisor plans, delegates in waves, reviews, and answers."""

import threading

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_sequential, create_supervisor
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits, Member, View, everything
from langgraph_orchestra.state import ConfigurationError, PlanStep, SupervisorState
from support.members import agent, echo, named
from support.plans import boss, in_order, plan, read_in, review, statuses, steps
from support.results import comparable, ended, outcomes, read_by, readings, spoken, usage


class Rating(BaseModel):
    """A typed answer."""

    stars: int


# Plan and waves


def test_three_independent_workers_take_six_model_calls(run, saver):
    model = boss(plan("s1 a", "s2 b", "s3 c"), review("s1", "s2", "s3"), "the whole")
    workers = [agent(name) for name in "abc"]
    app = create_supervisor(workers, model=model).compile(checkpointer=saver)
    result = run(app, "the task", thread="1")
    assert ended(result) == ("the whole", "completed")
    assert outcomes(result) == [
        ("planner", "ok"),
        *[(name, "ok") for name in "abc"],
        ("review", "ok"),
        ("synthesise", "ok"),
    ]
    assert usage(result) == 6 * 15
    model.assert_complete()


def test_steps_that_do_not_depend_on_each_other_run_at_once():
    together = threading.Barrier(3, timeout=20)

    def meet(view: View) -> str:
        together.wait()
        return "met"

    model = boss(plan("s1 meet", "s2 meet", "s3 meet"), review("s1", "s2", "s3"))
    app = create_supervisor([meet], model=model, synthesis="forward").compile()
    assert app.invoke({"messages": "go"})["output"] == "met\n\nmet\n\nmet"


def test_one_step_at_a_time_where_parallel_is_off(run):
    given = plan("s1 a", "s2 b", "s3 c: s1")
    model = boss(given, review("s1 no"), review("s1"), review("s2"), review("s3"), "done")
    workers = [agent("a", "first", "better"), agent("b"), agent("c")]
    result = run(create_supervisor(workers, model=model, parallel=False).compile())
    assert [path for path, _ in outcomes(result)] == [
        *("planner", "a", "review", "a", "review", "b", "review", "c", "review", "synthesise")
    ]
    assert steps(result)["s1"] == ("a", "better", True, 2)


def test_a_step_waits_for_all_it_depends_on_and_reads_their_results(run):
    model = boss(
        plan("s1 a", "s2 b", "s3 c: s1 s2", s3="Put it together."),
        review("s1", "s2"),
        review("s3"),
        "done",
    )
    last = agent("c")
    run(create_supervisor([agent("a", "A!"), agent("b", "B!"), last], model=model).compile())
    assert read_by(last) == [
        "Goal: the task\n\nYour step: Put it together.\n\n"
        "Result of s1 by a:\nA!\n\nResult of s2 by b:\nB!"
    ]


def test_a_worker_reads_the_goal_in_one_line_its_step_and_no_sibling(run):
    given = plan("s1 a", "s2 b")
    given["steps"][0]["expected"] = "A number."
    model = boss(given, review("s1", "s2"), "done")
    first, second = agent("a", "first words"), agent("b", "second words")
    run(create_supervisor([first, second], model=model).compile(), "Write\n\n  about\tit.")
    assert read_by(first) == ["Goal: Write about it.\n\nYour step: Do s1.\nExpected: A number."]
    assert read_by(second) == ["Goal: Write about it.\n\nYour step: Do s2."]


def test_a_function_sees_its_step_and_the_results_it_depends_on(run):
    seen = []

    def count(view: View) -> str:
        seen.append(view)
        return f"{view.state['step'].id} after {list(view.results)}"

    model = boss(plan("s1 count", "s2 count: s1"), review("s1"), review("s2"))
    result = run(create_supervisor([count], model=model, synthesis="forward").compile())
    assert result["output"] == "s2 after ['s1']"
    assert seen[0].state["step"] == PlanStep(
        id="s1", worker="count", task="Do s1.", status="running"
    )
    assert [view.task.startswith("Goal: the task") for view in seen] == [True, True]
    assert seen[1].results["s1"].output == "s1 after []"


def test_one_worker_may_have_several_steps_of_a_wave(run, saver):
    model = boss(plan("s1 echo", "s2 echo"), review("s1", "s2"), "done")
    app = create_supervisor([echo()], model=model).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert steps(result) == {
        "s1": ("echo", "echo: Goal: go\n\nYour step: Do s1.", True, 1),
        "s2": ("echo", "echo: Goal: go\n\nYour step: Do s2.", True, 1),
    }
    assert [turn.step for turn in result["trail"] if turn.agent == "echo"] == [1, 2]


def test_workers_read_the_images_of_the_task(run):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    member = agent("a")
    model = boss(plan("s1 a"), review("s1"), "done")
    task = HumanMessage([{"type": "text", "text": "What is it?"}, image])
    run(create_supervisor([member], model=model).compile(), {"messages": task})
    (call,) = member.model.calls
    assert call.messages[-1].content == [
        {"type": "text", "text": "Goal: What is it?\n\nYour step: Do s1."},
        image,
    ]


@pytest.mark.parametrize("of", ["factory", "member"])
def test_a_worker_with_a_history_of_its_own_reads_of_the_thread_what_that_picks(run, saver, of):
    member = agent("a", "one", "two")
    wrapped = Member(member, history=everything()) if of == "member" else member
    history = everything() if of == "factory" else None
    model = boss(plan("s1 a"), review("s1"), "first", plan("s1 a"), review("s1"), "second")
    app = create_supervisor([wrapped], model=model, history=history).compile(checkpointer=saver)
    run(app, "one task", thread="1")
    run(app, "another", thread="1")
    assert readings(member)[1] == [
        "one task",
        "synthesise: first",
        "another",
        "Goal: another\n\nYour step: Do s1.",
    ]


def test_the_plan_shows_how_far_each_step_is_while_the_run_goes_on():
    seen = []
    model = boss(plan("s1 a", "s2 b: s1"), review("s1 no"), review("s1"), review("s2"), "done")
    app = create_supervisor([agent("a", "1", "2"), agent("b")], model=model).compile()
    for values in app.stream({"messages": "go"}, stream_mode="values"):
        if values.get("plan") and (not seen or statuses(values) != seen[-1]):
            seen.append(statuses(values))
    assert seen == [
        {"s1": "running", "s2": "pending"},
        {"s1": "done", "s2": "running"},
        {"s1": "done", "s2": "done"},
    ]


def test_each_wave_stores_its_own_results_only():
    model = boss(
        plan("s1 a", "s2 a: s1", "s3 a: s2"), *(review(f"s{n}") for n in (1, 2, 3)), "done"
    )
    app = create_supervisor([echo("a")], model=model).compile()
    updates = app.stream({"messages": "go"}, stream_mode="updates")
    written = [list(update["review"]["results"]) for update in updates if "review" in update]
    assert written == [["s1"], ["s2"], ["s3"]]


def test_results_stand_in_the_plans_order_in_whichever_order_they_come(run, saver):
    model = boss(
        plan("s1 a: s2", "s2 a: s3", "s3 a"), *(review(f"s{n}") for n in (3, 2, 1)), "done"
    )
    app = create_supervisor([echo("a")], model=model).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert list(result["results"]) == ["s1", "s2", "s3"]
    saved = app.get_state({"configurable": {"thread_id": "1"}}).values
    assert list(saved["results"]) == ["s1", "s2", "s3"]


def test_a_hundred_steps(run):
    given = plan("s0 echo", *(f"s{n} echo: s{n - 1}" for n in range(1, 100)))
    model = boss(given, *(review(f"s{n}") for n in range(100)))
    worker = Agent("echo", "", model=ScriptedModel(lambda messages: "yes"))
    result = run(create_supervisor([worker], model=model, synthesis="forward").compile())
    assert ended(result) == ("yes", "completed")
    assert list(result["results"]) == [f"s{n}" for n in range(100)]
    model.assert_complete()


def test_a_hundred_steps_at_once(run):
    names = [f"s{n}" for n in range(100)]
    model = boss(plan(*(f"{name} echo" for name in names)), review(*names), "done")
    worker = Agent("echo", "", model=ScriptedModel(lambda messages: "yes"))
    result = run(create_supervisor([worker], model=model).compile())
    assert ended(result) == ("done", "completed")
    assert {r.accepted for r in result["results"].values()} == {True}


# Review


def test_a_revision_reads_the_former_answer_and_the_feedback_beside_newly_ready_steps(run):
    worker, other = agent("a", "draft", "better"), agent("b", "B1", "B2")
    model = boss(
        plan("s1 a", "s2 b", "s3 b: s2"),
        review("s1 no", "s2", s1="Name a year."),
        review("s1", "s3"),
        "done",
    )
    result = run(create_supervisor([worker, other], model=model).compile())
    assert readings(worker)[1] == [
        "Goal: the task\n\nYour step: Do s1.\n\nYour former answer:\ndraft\n\n"
        "What must change: Name a year."
    ]
    assert [path for path, _ in outcomes(result)] == [
        *("planner", "a", "b", "review", "a", "b", "review", "synthesise")
    ]
    assert "To be changed: Name a year." in read_in(model, 2)
    assert steps(result)["s1"] == ("a", "better", True, 2)


def test_a_step_is_given_to_another_worker_who_reads_whose_answer_it_was(run):
    second = agent("b", "by b", "B")
    model = boss(
        plan("s1 a", "s2 b: s1"), review("s1 b", s1="Too long."), review("s1"), review("s2"), "done"
    )
    result = run(create_supervisor([agent("a", "by a"), second], model=model).compile())
    assert readings(second)[0] == [
        "Goal: the task\n\nYour step: Do s1.\n\na's former answer:\nby a\n\n"
        "What must change: Too long."
    ]
    assert steps(result)["s1"] == ("b", "by b", True, 2)
    assert [step.worker for step in result["plan"].steps] == ["b", "b"]


def test_a_worker_who_is_not_told_why_reads_that_nobody_said(run):
    worker = agent("a", "draft", "better")
    model = boss(plan("s1 a"), review("s1 no"), review("s1"), "done")
    run(create_supervisor([worker], model=model).compile())
    assert readings(worker)[1][0].endswith(
        "What must change: It was not accepted; nobody said why. Do it better."
    )


def test_when_revisions_are_spent_the_last_answer_stays_and_is_not_accepted(run):
    model = boss(
        plan("s1 a", "s2 b: s1"),
        review("s1 no", s1="more"),
        review("s1 no", s1="still more"),
        review("s2"),
        "done",
    )
    worker, other = agent("a", "one", "two"), agent("b")
    result = run(create_supervisor([worker, other], model=model).compile())
    assert ended(result) == ("done", "completed")
    assert steps(result)["s1"] == ("a", "two", False, 2)
    assert "Result of s1 by a:\ntwo" in read_by(other)[0]
    assert "Not accepted: still more\ntwo" in read_in(model, 4)


def test_reassignments_count_as_revisions(run):
    model = boss(plan("s1 a"), review("s1 b"), review("s1 a"), review("s1 b"), "done")
    workers = [agent("a", "a1", "a2"), agent("b", "b1")]
    result = run(create_supervisor(workers, model=model, max_revisions=2).compile())
    assert steps(result)["s1"] == ("a", "a2", False, 3)


def test_without_revisions_a_review_still_says_what_was_accepted(run):
    model = boss(plan("s1 a", "s2 b"), review("s1 no", "s2", s1="thin"), "done")
    workers = [agent("a"), agent("b")]
    result = run(create_supervisor(workers, model=model, max_revisions=0).compile())
    assert steps(result) == {"s1": ("a", "a", False, 1), "s2": ("b", "b", True, 1)}
    assert "Not accepted: thin" in read_in(model, 2)


def test_one_review_is_asked_for_a_whole_wave_and_again_with_the_error(run):
    model = boss(
        plan("s1 a", "s2 b"), review("s1"), review("s1", "s2 zoe"), review("s1", "s2"), "done"
    )
    result = run(create_supervisor([agent("a"), agent("b")], model=model).compile())
    assert ended(result) == ("done", "completed")
    assert "step `s2` is reviewed 0 times; review each step once" in read_in(model, 2)
    assert "`reassign_to` is `zoe`, who is not there" in read_in(model, 3)


def test_after_three_bad_reviews_everything_is_accepted_and_the_trail_says_fallback(run):
    model = boss(plan("s1 a", "s2 b"), "well", review("s2"), {"reviews": "all"}, "done")
    result = run(create_supervisor([agent("a"), agent("b")], model=model).compile())
    assert ended(result) == ("done", "completed")
    assert ("review", "fallback") in outcomes(result)
    assert [r.accepted for r in result["results"].values()] == [True, True]


# Synthesis


def test_only_the_synthesis_goes_to_the_messages(run):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1"), review("s2"), "the whole")
    result = run(create_supervisor([agent("a"), agent("b")], model=model).compile())
    assert spoken(result) == [("synthesise", "the whole")]


def test_who_writes_reads_the_task_and_each_result_with_its_step(run):
    model = boss(plan("s1 a", "s2 b", s2="Count."), review("s1", "s2"), "the whole")
    run(create_supervisor([agent("a", "A!"), agent("b", "B!")], model=model).compile())
    told = [message.text for message in model.calls[2].messages if message.type != "system"]
    assert told == ["the task", "s1 by a: Do s1.\nA!\n\ns2 by b: Count.\nB!"]


def test_forwarding_gives_the_last_results_word_for_word_without_a_model_call(run):
    model = boss(plan("s1 a", "s2 b: s1", "s3 c: s1"), review("s1"), review("s2", "s3"))
    workers = [agent("a"), agent("b", "  B,\n word for word "), agent("c", "C")]
    result = run(create_supervisor(workers, model=model, synthesis="forward").compile())
    assert ended(result) == ("  B,\n word for word \n\nC", "completed")
    assert spoken(result) == [("synthesise", "  B,\n word for word \n\nC")]
    model.assert_complete()


def test_a_forwarded_answer_stays_typed_and_is_streamed_once():
    model = boss(plan("s1 a"), review("s1"))
    worker = agent("a", Rating(stars=5), output=Rating)
    app = create_supervisor([worker], model=model, synthesis="forward").compile()
    assert app.invoke({"messages": "go"})["output"] == Rating(stars=5)
    model = boss(plan("s1 a"), review("s1"))
    app = create_supervisor([agent("a", "once")], model=model, synthesis="forward").compile()
    parts = [m for m, _ in app.stream({"messages": "go"}, stream_mode="messages") if m.text]
    assert "".join(m.text for m in parts if m.type != "human") == "once"


def test_an_agent_writes_the_answer_with_its_own_prompt_and_the_supervisors_model(run):
    model = boss(plan("s1 a"), review("s1"), "in verse")
    writer = Agent("poet", "You write verse.")
    result = run(create_supervisor([agent("a")], model=model, synthesis=writer).compile())
    assert ended(result) == ("in verse", "completed")
    assert read_in(model, 2).startswith("You write verse.\nthe task\n")


def test_an_agent_that_supervises_brings_its_prompt_to_all_three_calls(run):
    model = boss(plan("s1 a"), review("s1"), "done")
    lead = Agent("lead", "You lead.", model=model)
    run(create_supervisor([agent("a")], model=lead).compile())
    assert [call.messages[0].text.startswith("You lead.\n\n") for call in model.calls] == [True] * 3


def test_typed_answers_stay_typed_after_a_reload(run, tmp_path):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1"), review("s2"), "done")
    workers = [agent("a", Rating(stars=4), output=Rating), agent("b")]
    config = {"configurable": {"thread_id": "1"}}
    with open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver:
        app = create_supervisor(workers, model=model).compile(checkpointer=saver)
        result = run(app, "go", thread="1")
    with open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver:
        again = create_supervisor(workers, model=model).compile(checkpointer=saver)
        values = again.get_state(config).values
    assert values["results"] == result["results"]
    assert values["plan"] == result["plan"]
    assert values["results"]["s1"].output == Rating(stars=4)
    assert 'Result of s1 by a:\n{"stars":4}' in read_by(workers[1])[0]


# Threads and limits


def test_a_second_run_on_a_thread_starts_afresh_and_its_planner_reads_the_first(run, saver):
    model = boss(
        plan("s1 a", "s2 a"), review("s1", "s2"), "first", plan("x a"), review("x"), "second"
    )
    app = create_supervisor([echo("a")], model=model).compile(checkpointer=saver)
    run(app, "one", thread="1")
    result = run(app, "two", thread="1")
    assert ended(result) == ("second", "completed")
    assert list(result["results"]) == ["x"]
    assert statuses(result) == {"x": "done"}
    assert spoken(result) == [("synthesise", "first"), ("synthesise", "second")]
    assert "synthesise: first" in read_in(model, 3)


def test_the_four_ways_to_run_and_both_savers_give_equal_results(run, saver):
    def app(saver):
        model = boss(
            plan("s1 a", "s2 b", "s3 a: s1 s2"),
            review("s1 no", "s2 a", s1="more", s2="other"),
            "nonsense",
            review("s1", "s2"),
            review("s3"),
            "done",
        )
        workers = [echo("a"), agent("b", ValueError("broken"))]
        return create_supervisor(workers, model=model).compile(checkpointer=saver)

    with open_checkpointer("memory://") as other:
        reference = app(other).invoke({"messages": "go"}, {"configurable": {"thread_id": "1"}})
    result = run(app(saver), "go", thread="1")
    assert comparable(result) == comparable(reference)
    assert (result["plan"], result["results"]) == (reference["plan"], reference["results"])
    assert set(result) == set(reference)


@pytest.mark.parametrize(
    ("tokens", "output", "last"),
    [
        (15, "", "planner"),  # the first wave finds nothing left
        (30, "one", "review"),
        (45, "one", "review"),
        (60, "two", "review"),
        (75, "two", "review"),
    ],
)
def test_a_limit_at_any_point_ends_with_the_best_so_far(run, saver, tokens, output, last):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1"), review("s2"), "done")
    workers = [agent("a", "one"), agent("b", "two")]
    graph = create_supervisor(workers, model=model, limits=Limits(tokens=tokens))
    result = run(graph.compile(checkpointer=saver), "go", thread="1")
    assert (result["stop"].reason, result["output"]) == ("token_limit", output)
    assert usage(result) == tokens
    assert spoken(result) == []


def test_a_wave_sees_what_earlier_waves_have_spent(run):
    model = boss(plan("s1 a", "s2 b: s1"), review("s1"), review("s2"), "done", usage=None)
    chatty = agent("b", "1", "2", tools=[])
    graph = create_supervisor([agent("a"), chatty], model=model, limits=Limits(turns=1))
    result = run(graph.compile())
    assert (result["stop"].reason, result["output"]) == ("turn_limit", "a")
    assert chatty.model.calls == []


# Levels


def test_three_levels_of_supervisors(run, saver):
    def level(name, worker, **options):
        return create_supervisor([worker], model=in_order(), synthesis="forward").compile(name=name)

    core = level("core", agent("deep", "from below"))
    app = create_supervisor([level("team", core)], model=in_order(), synthesis="forward").compile(
        checkpointer=saver
    )
    result = run(app, "go", thread="1")
    assert ended(result) == ("from below", "completed")
    assert ("team/core/deep", "ok") in outcomes(result)
    assert usage(result) == 15
    assert spoken(result) == [("synthesise", "from below")]


def test_costs_of_all_levels_count_once(run):
    model = ScriptedModel(
        [
            plan("s1 team"),
            plan("x a", "y a"),
            "A",
            "B",
            review("x", "y"),
            "inner",
            review("s1"),
            "o",
        ]
    )
    inner = create_supervisor([Agent("a", "", model=model)], model=model, max_revisions=0)
    result = run(create_supervisor([inner.compile(name="team")], model=model).compile())
    assert ended(result) == ("o", "completed")
    assert usage(result) == 15 * len(model.calls) == 120


def test_an_outer_limit_holds_inside_a_supervisor(run, saver):
    inner = create_supervisor(
        [agent("a", "A"), agent("b", "B")], model=in_order(), synthesis="forward"
    )
    graph = create_sequential([inner.compile(name="office")], limits=Limits(tokens=15))
    result = run(graph.compile(checkpointer=saver), "go", thread="1")
    assert ended(result) == ("A", "token_limit")
    assert outcomes(result)[-1] == ("office/review", "cancelled")
    assert usage(result) == 15


def test_an_outer_limit_deep_inside_leaves_what_was_found_there(run, saver):
    # It was lost at each level: the office had failed, and the run ended without an output.
    office = create_supervisor([agent("a", "A"), agent("b", "B")], model=in_order())
    floor = create_supervisor([office.compile(name="office")], model=in_order())
    house = create_supervisor(
        [floor.compile(name="floor")], model=in_order(), limits=Limits(tokens=15)
    )
    result = run(house.compile(checkpointer=saver), "go", thread="1")
    assert ended(result) == ("A", "token_limit")
    assert steps(result) == {"s0": ("floor", "A", False, 1)}
    assert outcomes(result)[-1] == ("floor/office/review", "cancelled")


def test_a_limit_inside_a_team_that_has_not_answered_is_a_failure_of_its_step(run):
    office = create_supervisor([agent("a")], model=boss(plan("s1 a"))).compile(name="office")
    graph = create_supervisor([office], model=boss(plan("s1 office")), limits=Limits(tokens=30))
    result = run(graph.compile())
    assert ended(result) == ("", "token_limit")
    assert result["results"]["s1"].failure.type == "BudgetSpent"


def test_a_revision_that_a_limit_cuts_short_leaves_the_answer_before_it(run):
    office = create_sequential([agent("a", "a draft", "another"), agent("b", "whole")])
    model = boss(plan("s1 office"), review("s1 no", s1="more"), usage=None)
    members = [office.compile(name="office")]
    result = run(create_supervisor(members, model=model, limits=Limits(tokens=45)).compile())
    assert ended(result) == ("whole", "token_limit")
    assert steps(result) == {"s1": ("office", "whole", False, 2)}


def test_a_limit_of_an_inner_supervisor_ends_only_that(run):
    inner = create_supervisor(
        [agent("a", "A"), agent("b", "B")], model=in_order(), limits=Limits(turns=1)
    )
    model = boss(plan("s1 office", "s2 c"), review("s1", "s2"), "done")
    result = run(
        create_supervisor([inner.compile(name="office"), agent("c")], model=model).compile()
    )
    assert ended(result) == ("done", "completed")
    assert steps(result)["s1"] == ("office", "A", True, 1)


def test_a_team_with_a_memory_of_its_own_takes_a_step_in_each_run(run, saver):
    member = agent("x", "one", "two", "three")
    office = create_sequential([member]).compile(checkpointer=True, name="office")
    model = boss(
        *[plan("s1 office", "s2 office: s1"), review("s1"), review("s2")],
        plan("s1 office"),
        review("s1"),
    )
    app = create_supervisor([office], model=model, synthesis="forward").compile(checkpointer=saver)
    assert run(app, "go", thread="1")["output"] == "two"
    result = run(app, "go", thread="1")
    assert ended(result) == ("three", "completed")
    assert [path for path, _ in outcomes(result)].count("office/x") == 3
    assert usage(result) == 15 * (5 + 3)


def test_a_key_of_ones_own_may_have_any_name(run):
    class Named(SupervisorState, total=False):
        goal: str
        attempt: str
        former: str

    def tell(view: View) -> str:
        return f"{view.state['goal']} {view.state['attempt']} {view.state['former']}"

    model = boss(plan("s1 tell"), review("s1"))
    graph = create_supervisor([tell], model=model, state_schema=Named, synthesis="forward")
    given = {"messages": "go", "goal": "G", "attempt": "A", "former": "F"}
    assert run(graph.compile(), given)["output"] == "G A F"


def test_a_supervisor_is_a_stage_of_a_sequence(run):
    office = create_supervisor([agent("a", "A")], model=in_order(), synthesis="forward")
    result = run(create_sequential([office.compile(name="office"), echo()]).compile())
    assert spoken(result)[0] == ("office", "A")
    assert result["output"] == "echo: office: A"


def test_a_worker_shares_custom_keys(run, saver):
    class Noted(SupervisorState, total=False):
        note: str

    def write(view: View):
        return {"note": f"{view.state['note']}!"}

    model = boss(plan("s1 write", "s2 write: s1"), review("s1"), review("s2"))
    graph = create_supervisor([write], model=model, state_schema=Noted, synthesis="forward")
    result = run(graph.compile(checkpointer=saver), {"messages": "go", "note": "hm"}, thread="1")
    assert result["note"] == "hm!!"


# Construction


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"model": None}, TypeError, "`model` plans and reviews"),
        ({"model": 3}, TypeError, "who decides is a chat model"),
        ({"max_revisions": -1}, ConfigurationError, "`max_revisions` is -1; it must be at least 0"),
        ({"max_revisions": True}, TypeError, "`max_revisions` is an int"),
        ({"parallel": 1}, TypeError, "`parallel` is a bool, not 1"),
        ({"synthesis": "rhyme"}, ConfigurationError, "it is 'write', 'forward' or an `Agent`"),
        ({"synthesis": None}, TypeError, "`synthesis` is 'write', 'forward' or an `Agent`"),
        ({"limits": 3}, TypeError, "`limits` is a `Limits` or None"),
        (
            {"model": Agent("lead", "", model="x:y", tools=[print])},
            ConfigurationError,
            "`tools` of agent `lead` would not be used",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_at_construction(options, error, reason):
    with pytest.raises(error, match=reason):
        create_supervisor([named("a")], **{"model": in_order(), **options})


def test_a_model_is_required():
    with pytest.raises(TypeError, match="model"):
        create_supervisor([named("a")])  # type: ignore[call-arg]


def test_a_condition_for_taking_part_is_refused():
    with pytest.raises(ConfigurationError, match="`when` of `a` is for the stages of a sequence"):
        create_supervisor([Member(named("a"), when=lambda view: True)], model=in_order())


def test_a_missing_model_is_found_before_any_call(run):
    model = boss(plan("s1 a"))
    with pytest.raises(ConfigurationError, match="model"):
        run(create_supervisor([Agent("a", "")], model=model).compile())
    assert model.calls == []


def test_a_person_who_would_review_cannot_be_a_worker():
    with pytest.raises(ConfigurationError, match="`boss` reviews, but here a person does a step"):
        create_supervisor([Human("boss", role="review")], model="openai:some-model")
