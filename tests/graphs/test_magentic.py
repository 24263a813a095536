"""Magentic: what a run of a managed team is, from the plan to the final answer."""

import pytest
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_magentic
from langgraph_orchestra.models import ScriptedModel, resolve
from langgraph_orchestra.nodes import Agent, Human, MagenticPrompts, Member, everything, last_only
from langgraph_orchestra.state import ConfigurationError, OrchestrationContext, PlanStep
from support.chats import decisions, order, routes_of
from support.chats import edges as edges_of
from support.ledgers import (
    DONE,
    ScriptedManager,
    counters,
    everybody_once,
    plan,
    progress,
    stuck,
)
from support.members import agent, echo, look_up, wants
from support.results import asked, calls, comparable, ended, readings, spoken, usage


class Answer(BaseModel):
    """A typed answer."""

    text: str


def prompts_of(model):
    """For each call of a manager's model the texts it was sent, without the system prompt."""
    return [[m.text for m in call.messages if m.type != "system"] for call in model.calls]


# A run


def test_a_manager_plans_gives_out_work_and_concludes(run, saver):
    manager = ScriptedModel(
        [
            plan("ann", "bob", facts_given=["It is Monday."]),
            progress("ann", "Find it."),
            progress("bob", "Write it."),
            DONE,
            "the final answer",
        ]
    )
    ann, bob = agent("ann", "found"), agent("bob", "written")
    app = create_magentic([ann, bob], model=manager).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("the final answer", "completed")
    assert spoken(result) == [
        ("manager", "To ann: Find it."),
        ("ann", "found"),
        ("manager", "To bob: Write it."),
        ("bob", "written"),
        ("finish", "the final answer"),
    ]
    assert counters(result) == (2, 2, 0, 0)
    assert calls(ann, bob) == [1, 1]
    manager.assert_complete()


def test_at_most_two_model_calls_are_made_a_round_and_three_besides(run):
    rounds = 7
    manager = ScriptedModel([plan("ann"), *[progress()] * rounds, DONE, "the end"])
    ann = agent("ann", *["said"] * rounds)
    run(create_magentic([ann], model=manager).compile())
    assert len(manager.calls) + sum(calls(ann)) == 2 * rounds + 3


def test_the_trail_tells_every_decision_with_its_reason(run):
    manager = ScriptedModel(
        [plan("ann: look", "bob: write"), progress("bob"), stuck(), DONE, "the end"]
    )
    app = create_magentic([agent("ann"), agent("bob")], model=manager, max_stalls=1).compile()
    result = run(app)
    assert decisions(result) == [
        ("planner", 1, "ok", "s1 (ann): look; s2 (bob): write"),
        ("manager", 1, "ok", "bob: because of the speaker"),
        ("manager", 2, "ok", "ann: because of the speaker"),
        ("manager", 3, "ok", "satisfied: because of the request"),
    ]
    last = result["trail"][-1]
    assert (last.agent, last.kind, last.outcome) == ("finish", "aggregate", "ok")
    assert result["stop"].detail == "because of the request"


def test_all_versions_of_both_ledgers_are_kept(run, saver):
    first, second = plan("ann: look", facts_given=["a"]), plan("bob: ask", facts_given=["a", "b"])
    manager = ScriptedModel([first, stuck(), second, progress("bob"), DONE, "the end"])
    app = create_magentic([agent("ann"), agent("bob")], model=manager, max_stalls=0)
    result = run(app.compile(checkpointer=saver), thread="1")
    assert [ledger.facts_given for ledger in result["task_ledgers"]] == [["a"], ["a", "b"]]
    assert [[s.task for s in one.plan] for one in result["task_ledgers"]] == [["look"], ["ask"]]
    found = [ledger.is_progress_being_made.answer for ledger in result["progress_ledgers"]]
    assert found == [False, True, True]
    assert counters(result) == (1, 1, 0, 1)


def test_usage_counts_every_call_of_manager_and_team_once(run, saver):
    model = ScriptedModel(
        [plan("ann"), "no ledger", progress(), "said", DONE, "the end"], usage=(7, 3)
    )
    app = create_magentic([Agent("ann", "", model=model)], model=model).compile(checkpointer=saver)
    assert usage(run(app, thread="1")) == 10 * len(model.calls) == 60


def test_a_plans_steps_tell_how_far_they_are(run):
    manager = ScriptedManager([progress("ann"), progress("bob"), DONE], [plan("ann", "bob", "cid")])
    app = create_magentic([agent("ann"), agent("bob"), agent("cid")], manager=manager).compile()
    (ledger,) = run(app)["task_ledgers"]
    assert [step.status for step in ledger.plan] == ["done", "done", "pending"]


def test_a_step_whose_worker_fails_is_failed(run):
    manager = ScriptedManager([progress("ann"), DONE], [plan("ann")])
    app = create_magentic([agent("ann", ValueError("no"))], manager=manager).compile()
    (ledger,) = run(app)["task_ledgers"]
    assert [step.status for step in ledger.plan] == ["failed"]


# What is read


def test_a_participant_reads_task_facts_plan_answers_and_its_instruction_last(run):
    ledger = plan("ann: look", "bob: write", facts_given=["It is Monday."], guesses=["It rains."])
    manager = ScriptedManager(
        [progress("ann", "Look."), progress("bob", "Write."), progress("ann", "Read."), DONE],
        [ledger],
    )
    ann, bob = agent("ann", "seen", "read"), agent("bob", "written")
    run(create_magentic([ann, bob], manager=manager).compile())
    known = "manager: Given:\n- It is Monday.\nGuesses:\n- It rains.\nPlan:\n"
    (by_bob,) = readings(bob)
    assert by_bob == [
        "the task",
        f"{known}s1 (ann, done): look\ns2 (bob, running): write",
        "ann: seen",
        "manager: Write.",
    ]
    by_ann, later = readings(ann)
    assert by_ann == [
        "the task",
        f"{known}s1 (ann, running): look\ns2 (bob): write",
        "manager: Look.",
    ]
    assert later == [
        "the task",
        f"{known}s1 (ann, done): look\ns2 (bob, done): write",
        "seen",
        "bob: written",
        "manager: Read.",
    ]


def test_after_a_new_plan_nothing_that_was_said_before_is_read(run):
    manager = ScriptedManager(
        [progress("ann"), stuck(), progress("ann", "Start again.")],
        [plan("ann: look"), plan("ann: ask", facts_given=["Looking is of no use."])],
    )
    ann = agent("ann", "looked in vain", "asked")
    run(create_magentic([ann], manager=manager, max_stalls=0, max_rounds=2).compile())
    _, later = readings(ann)
    assert later == [
        "the task",
        "manager: Given:\n- Looking is of no use.\nPlan:\ns1 (ann, running): ask",
        "manager: Start again.",
    ]


PLACES = ["of the participant", "of the graph"]


@pytest.mark.parametrize("place", PLACES)
def test_facts_plan_and_instruction_are_read_whatever_the_history(run, place):
    manager = ScriptedManager([progress("ann", "Look."), progress("bob", "Go.")], [plan("bob")])
    own, graphs = (everything() if place == one else None for one in PLACES)
    bob = agent("bob", history=own)
    members = [agent("ann"), bob]
    run(create_magentic(members, manager=manager, max_rounds=2, history=graphs).compile())
    (texts,) = readings(bob)
    assert texts == [
        "the task",
        "manager: To ann: Look.",
        "ann: ann",
        "manager: Plan:\ns1 (bob, running): do 1",
        "manager: Go.",
    ]


def test_a_function_finds_its_instruction_as_the_last_thing_that_was_said(run):
    def shout(view):
        return f"{view.task}: {view.last_text.upper()}"

    manager = ScriptedManager([progress("shout", "hello"), DONE])
    result = run(create_magentic([shout], manager=manager).compile())
    assert ("shout", "the task: HELLO") in spoken(result)


def test_the_manager_reads_everything_each_thing_once(run):
    ledger = plan("ann: look", "bob: write", facts_to_look_up=["The date."])
    manager = ScriptedModel(
        [ledger, progress("ann", "Look."), progress("bob", "Write."), DONE, "the end"]
    )
    members = [agent("ann", "seen", description="Looks."), agent("bob", "written")]
    run(create_magentic(members, model=manager).compile())
    words = MagenticPrompts()
    system = f"{words.manager}\n\nYour team:\n- ann: Looks.\n- bob"
    assert {call.messages[0].text for call in manager.calls} == {system}
    known = "To look up:\n- The date.\nPlan:\n"
    planned, first, second, third, last = prompts_of(manager)
    assert planned == ["the task", words.plan]
    assert first == [
        "the task",
        f"{known}s1 (ann): look\ns2 (bob): write\n\n{words.assess}",
    ]
    assert second == [
        "the task",
        "To ann: Look.",
        "ann: seen",
        f"{known}s1 (ann, running): look\ns2 (bob): write\n\n{words.assess}",
    ]
    said = ["the task", "To ann: Look.", "ann: seen", "To bob: Write.", "bob: written"]
    assert third[:-1] == said
    assert last == [*said, words.conclude]


def test_a_manager_who_makes_a_new_plan_reads_the_old_one_and_what_came_of_it(run):
    manager = ScriptedModel(
        [plan("ann: look"), progress("ann", "Look."), stuck(), plan("ann: ask"), DONE, "the end"]
    )
    run(create_magentic([agent("ann", "seen")], model=manager, max_stalls=0).compile())
    replanned = prompts_of(manager)[3]
    words = MagenticPrompts()
    assert replanned == [
        "the task",
        "To ann: Look.",
        "ann: seen",
        f"Plan:\ns1 (ann, running): look\n\n{words.replan}",
    ]


def test_every_prompt_can_be_replaced_by_its_name(run):
    words = MagenticPrompts(
        manager="Führe.", team="Leute:", plan="Plane.", assess="Wie weit?", replan="Neu.",
        conclude="Schluss.", steps="Schritte:", to="An",
    )  # fmt: skip
    manager = ScriptedModel([plan("ann"), stuck(), plan("ann"), progress(), DONE, "das Ende"])
    ann = agent("ann")
    app = create_magentic([ann], model=manager, prompts=words, max_stalls=0).compile()
    result = run(app)
    assert manager.calls[0].messages[0].text == "Führe.\n\nLeute:\n- ann"
    asked_for = [texts[-1].rpartition("\n")[2] for texts in prompts_of(manager)]
    assert asked_for == ["Plane.", "Wie weit?", "Neu.", "Wie weit?", "Wie weit?", "Schluss."]
    assert ("manager", "An ann: go on") in spoken(result)
    assert "manager: Schritte:\ns1 (ann, running): do 1" in readings(ann)[0]


# Who manages


def test_an_agent_that_manages_gives_prompt_model_and_history(run):
    model = ScriptedModel([plan("ann"), progress(), DONE, "the end"])
    lead = Agent("lead", "Lead well.", model=model, history=last_only())
    run(create_magentic([agent("ann", "said")], model=lead).compile())
    assert model.calls[0].messages[0].text.startswith("Lead well.\n\nYour team:")
    assert prompts_of(model)[2][0] == "ann: said"


def test_without_a_model_the_runs_model_manages(run, monkeypatch):
    model = ScriptedModel([plan("ann"), DONE, "the end"])
    monkeypatch.setattr(resolve, "_model_named", {"any:model": model}.__getitem__)
    app = create_magentic([agent("ann")]).compile()
    result = run(app, context=OrchestrationContext(model="any:model"))
    assert ended(result) == ("the end", "completed")


def test_a_missing_model_is_found_before_any_call(run):
    ann = agent("ann")
    with pytest.raises(ConfigurationError, match="`ORCHESTRA_MODEL`"):
        run(create_magentic([ann]).compile())
    assert calls(ann) == [0]


class LaterManager(ScriptedManager):
    """A manager whose methods are async."""

    async def plan(self, view):
        return super().plan(view)

    async def assess(self, view):
        return super().assess(view)

    async def replan(self, view):
        return super().replan(view)

    async def conclude(self, view):
        return super().conclude(view)


@pytest.mark.parametrize("kind", [ScriptedManager, LaterManager])
def test_a_manager_of_ones_own_is_asked_in_this_order(run, kind):
    manager = kind([progress(), stuck(), progress(), DONE])
    app = create_magentic([agent("ann", "one", "two")], manager=manager, max_stalls=0).compile()
    result = run(app)
    assert ended(result) == ("the end", "completed")
    assert manager.asked == ["plan", "assess", "assess", "replan", "assess", "assess", "conclude"]


# Several at once


def test_several_who_are_named_work_at_once_on_the_same_instruction(run, saver):
    manager = ScriptedModel(
        [plan("ann", "bob"), progress(["bob", "ann"], "Look."), DONE, "the end"]
    )
    ann, bob = agent("ann", "a"), agent("bob", "b")
    app = create_magentic([ann, bob], model=manager).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert spoken(result) == [
        ("manager", "To ann, bob: Look."),
        ("ann", "a"),
        ("bob", "b"),
        ("finish", "the end"),
    ]
    assert counters(result) == (2, 1, 0, 0)
    turns = [(turn.agent, turn.step) for turn in result["trail"] if turn.kind == "agent"]
    assert turns == [("ann", 1), ("bob", 2)]
    for texts in (*readings(ann), *readings(bob)):
        assert texts[-1] == "manager: Look."
        assert not {"a", "b"} & {text.partition(": ")[2] for text in texts}


def test_what_one_of_several_says_is_the_output_where_nothing_follows(run):
    manager = ScriptedManager([progress(["ann", "bob"])], final=ValueError("no"))
    members = [agent("ann"), agent("bob", Answer(text="b"), output=Answer)]
    result = run(create_magentic(members, manager=manager, max_rounds=1).compile())
    assert ended(result) == (Answer(text="b"), "round_limit")


# Typed answers, tools, people


def test_a_typed_answer_stays_typed_where_it_is_the_best_turn(run, saver):
    manager = ScriptedManager([progress("ann"), progress("bob")], final=ValueError("no"))
    members = [agent("ann"), agent("bob", Answer(text="b"), output=Answer)]
    app = create_magentic(members, manager=manager, max_rounds=2).compile(checkpointer=saver)
    assert ended(run(app, thread="1")) == (Answer(text="b"), "round_limit")
    assert app.get_state({"configurable": {"thread_id": "1"}}).values["output"] == Answer(text="b")


def test_a_text_after_a_typed_answer_is_the_best_turn(run):
    manager = ScriptedManager([progress("bob"), progress("ann")], final=ValueError("no"))
    members = [agent("ann"), agent("bob", Answer(text="b"), output=Answer)]
    result = run(create_magentic(members, manager=manager, max_rounds=2).compile())
    assert ended(result) == ("ann", "round_limit")


def test_an_agent_with_tools_reads_its_own_results_again_and_nobody_elses(run):
    manager = ScriptedManager([progress("ann"), progress("bob"), progress("ann")])
    ann = agent("ann", wants("look_up", word="sea"), "known", "again", tools=[look_up])
    bob = agent("bob")
    result = run(create_magentic([ann, bob], manager=manager, max_rounds=3).compile())
    assert ended(result) == ("the end", "round_limit")
    assert "sea is a mollusc" in readings(ann)[-1]
    assert "sea is a mollusc" not in readings(bob)[-1]


def test_a_person_takes_part_and_is_asked_for_the_instruction(run, saver):
    manager = ScriptedManager([progress("ada", "Which city?"), DONE])
    app = create_magentic([Human("ada"), agent("ann")], manager=manager)
    app = app.compile(checkpointer=saver)
    request = asked(run(app, thread="1")).value["action_requests"][0]
    assert request["args"] == {"participant": "ada", "message": "Which city?", "task": "the task"}
    result = run(app, Command(resume="Rome"), thread="1")
    assert ("ada", "Rome") in spoken(result)
    assert ended(result) == ("the end", "completed")
    assert counters(result) == (1, 1, 0, 0)


def test_a_person_who_reviews_is_refused_with_what_there_is_for_reviews():
    with pytest.raises(ConfigurationError, match=r"`ada` reviews, .* `plan_review=`"):
        create_magentic([Human("ada", role="review"), agent("ann")])


def test_a_participant_that_may_be_skipped_is_refused():
    with pytest.raises(ConfigurationError, match="here the manager says who works"):
        create_magentic([Member(agent("ann"), when=lambda view: True)])


# Threads


def test_a_second_run_starts_everything_but_the_conversation_afresh(run, saver):
    manager = ScriptedModel(
        [
            *(plan("ann: one"), stuck(), progress(), DONE, "first end"),
            *(plan("ann: two"), progress(), DONE, "second end"),
        ]
    )
    app = create_magentic([agent("ann", "a1", "a2", "a3")], model=manager)
    app = app.compile(checkpointer=saver)
    first = run(app, "first", thread="1")
    assert counters(first) == (2, 2, 0, 0)
    result = run(app, "second", thread="1")
    assert ended(result) == ("second end", "completed")
    assert (result["rounds"], result["stalls"], result["resets"]) == (1, 0, 0)
    assert [[s.task for s in one.plan] for one in result["task_ledgers"]] == [["two"]]
    assert len(result["progress_ledgers"]) == 2
    assert "first end" in [text for _, text in spoken(result)]
    steps = [turn.step for turn in result["trail"] if turn.kind == "agent"]
    assert steps == [1, 2, 1]


def test_a_hundred_rounds_end_and_stay_in_order(run):
    names = [f"p{number}" for number in range(3)]
    manager = ScriptedManager(
        lambda view: progress(names[len(view.turns) % 3], f"say {len(view.turns)}")
    )
    app = create_magentic([echo(name) for name in names], manager=manager, max_rounds=100)
    result = run(app.compile())
    assert ended(result) == ("the end", "round_limit")
    assert counters(result) == (100, 100, 0, 0)
    assert order(result) == [names[number % 3] for number in range(100)]


def test_two_runs_are_the_same(run, saver):
    def once(thread):
        manager = ScriptedManager(everybody_once)
        members = [agent("ann"), agent("bob", "said")]
        app = create_magentic(members, manager=manager).compile(checkpointer=saver)
        return comparable(run(app, thread=thread))

    assert once("1") == once("2")


# Construction and drawing


@pytest.mark.parametrize(
    ("options", "routes"),
    [
        (
            {},
            "planner:manager,END manager:ann,bob,planner,manager,finish,END",
        ),
        (
            {"max_resets": 0, "max_stalls": 0},
            "planner:manager,END manager:ann,bob,finish,END",
        ),
        (
            {"plan_review": "always"},
            "planner:plan_review,END plan_review:planner,manager,finish "
            "manager:ann,bob,planner,manager,finish,END",
        ),
        (
            {"plan_review": "initial"},
            "planner:plan_review,manager,END plan_review:planner,manager,finish "
            "manager:ann,bob,planner,manager,finish,END",
        ),
        (
            {"plan_review": "initial", "max_resets": 0},
            "planner:plan_review,END plan_review:planner,manager,finish "
            "manager:ann,bob,manager,finish,END",
        ),
        (
            {"plan_review": "initial", "max_plan_revisions": 0, "max_resets": 0},
            "planner:plan_review,END plan_review:manager,finish manager:ann,bob,manager,finish,END",
        ),
    ],
    ids=repr,
)
def test_the_drawing_shows_exactly_what_can_happen(options, routes):
    graph = create_magentic([agent("ann"), agent("bob")], **options)
    always = "START:intake intake:planner ann:manager bob:manager finish:END"
    assert edges_of(graph) == routes_of(f"{always} {routes}")


def test_a_plan_may_be_long_and_the_order_of_its_steps_is_kept(run):
    steps = [f"ann: {number}" for number in range(200)]
    result = run(
        create_magentic([agent("ann")], manager=ScriptedManager([DONE], [plan(*steps)])).compile()
    )
    (ledger,) = result["task_ledgers"]
    assert [step.task for step in ledger.plan] == [str(number) for number in range(200)]
    assert isinstance(ledger.plan[0], PlanStep)


def test_of_a_typed_answer_and_a_text_at_once_the_last_is_the_best_turn(run):
    manager = ScriptedManager([progress(["ann", "bob"])], final="")
    members = [agent("ann", Answer(text="a"), output=Answer), agent("bob", "text")]
    result = run(create_magentic(members, manager=manager, max_rounds=1).compile())
    assert ended(result) == ("text", "round_limit")


def test_a_persons_answer_is_the_best_turn_only_where_nobody_else_has_spoken(run, saver):
    manager = ScriptedManager([progress("ann"), progress("ada")], final="")
    members = [agent("ann", Answer(text="a"), output=Answer), Human("ada")]
    app = create_magentic(members, manager=manager, max_rounds=2).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="my words"), thread="1")
    assert ended(result) == (Answer(text="a"), "round_limit")
