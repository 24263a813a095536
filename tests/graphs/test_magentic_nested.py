"""Magentic teams in other patterns and in each other, and other patterns in them."""

import operator
from typing import Annotated, Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool
from langgraph.types import Command

from langgraph_orchestra.graphs import (
    create_concurrent,
    create_group_chat,
    create_magentic,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits
from langgraph_orchestra.state import ConfigurationError, MagenticState
from support.ledgers import (
    DONE,
    ScriptedManager,
    counters,
    everybody_once,
    plan,
    progress,
    stuck,
)
from support.members import ONCE, agent, named, team, wants
from support.results import asked, calls, ended, outcomes, readings, spoken, usage


def led(*members: Any, name: str = "led", **options: Any) -> Any:
    """A team whose manager asks each of it once."""
    manager = ScriptedManager(everybody_once)
    return create_magentic(members, **{"manager": manager, **options}).compile(name=name)


def test_a_nested_team_takes_its_instruction_for_its_task(run, saver):
    inner = agent("inner", "found")
    manager = ScriptedManager([progress("team", "Find the date."), DONE])
    app = create_magentic([team(inner)], manager=manager).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("the end", "completed")
    assert ("team", "found") in spoken(result)
    assert readings(inner)[0][-1].endswith("Find the date.")
    assert ("team/inner", "ok") in outcomes(result)
    assert counters(result)[1:] == (1, 0, 0)


def test_a_team_that_is_led_takes_part_in_every_pattern(run, saver):
    chat = create_group_chat([led(agent("a"), name="one"), agent("b")], max_turns=2)
    fan = create_concurrent([chat.compile(name="chat"), led(agent("c"), name="two")])
    app = create_sequential([fan.compile(name="fan"), led(agent("d"))]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("the end", "completed")
    paths = {path for path, _ in outcomes(result)}
    assert {"fan/chat/one/a", "fan/chat/one/planner", "fan/two/manager", "led/d"} <= paths


def test_three_levels_of_managers_count_all_that_they_use(run, saver):
    model = ScriptedModel(lambda _: "said", usage=(7, 3))
    worker = Agent("worker", "", model=model)

    def manager(who: str) -> ScriptedModel:
        return ScriptedModel([plan(who), progress(who), DONE, f"end of {who}"], usage=(7, 3))

    managers = [manager(who) for who in ("worker", "low", "middle")]
    low = create_magentic([worker], model=managers[0]).compile(name="low")
    middle = create_magentic([low], model=managers[1]).compile(name="middle")
    app = create_magentic([middle], model=managers[2]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("end of middle", "completed")
    assert usage(result) == 10 * (1 + 3 * 4)
    assert ("middle/low/worker", "ok") in outcomes(result)
    assert ("middle/low/finish", "ok") in outcomes(result)


def test_a_limit_inside_is_an_answer_and_a_failure_inside_is_one_outside(run):
    stalled = ScriptedManager([progress(), stuck()], final="the best there is")
    inner = create_magentic([agent("ann")], manager=stalled, max_stalls=0, max_resets=0)
    result = run(create_sequential([inner.compile(name="inner")]).compile())
    assert ended(result) == ("the best there is", "completed")

    broken = ScriptedManager([ValueError("no")])
    inner = create_magentic([agent("ann")], manager=broken)
    outer = ScriptedModel([plan("inner"), progress("inner"), DONE, "the end"])
    result = run(create_magentic([inner.compile(name="inner")], model=outer).compile())
    assert ended(result) == ("the end", "completed")
    (told,) = (m.text for m in outer.calls[2].messages if "failed" in m.text)
    assert told == "inner failed: TeamFailed: team `inner` ended `failed`: ValueError: no"


def test_a_person_deep_inside_is_asked_and_answers(run, saver):
    inner = led(Human("ada"), agent("ann"), name="inner", approve_before=["ann"])
    app = create_magentic([inner], manager=ScriptedManager(everybody_once), plan_review="initial")
    app = app.compile(checkpointer=saver)
    paths = []
    result, answers = run(app, thread="1"), iter(["ok", "my words", "ok"])
    while "__interrupt__" in result:
        request = asked(result)
        paths.append(request.value["path"])
        result = run(app, Command(resume={request.id: next(answers)}), thread="1")
    assert paths == ["plan_review", "inner/ada", "inner/ann"]
    assert ended(result) == ("the end", "completed")


def test_an_outer_budget_ends_a_team_that_is_led_with_its_best_turn(run):
    inner_manager = ScriptedModel([plan("ann"), *[progress()] * 9])
    ann = Agent("ann", "", model=ScriptedModel(lambda _: "said"))
    inner = create_magentic([ann], model=inner_manager).compile(name="inner")
    app = create_sequential([inner, agent("b")], limits=Limits(tokens=4 * 15)).compile()
    result = run(app)
    assert ended(result) == ("said", "token_limit")
    assert (len(inner_manager.calls), calls(ann)) == (3, [1])


def test_of_several_at_once_a_team_that_a_limit_cuts_short_leaves_its_best_turn(run):
    def blank(view: Any) -> str:
        return ""

    manager = ScriptedModel([plan("team"), progress(["team", "blank"])], usage=None)
    members = [team(agent("a", "a draft"), agent("b")), blank]
    result = run(create_magentic(members, model=manager, limits=Limits(tokens=15)).compile())
    assert ended(result) == ("a draft", "token_limit")
    assert ("team", "a draft") in spoken(result)


# Keys of one's own


class Notes(MagenticState):
    """With notes."""

    notes: Annotated[list[str], operator.add]


def test_keys_of_ones_own_are_kept_whoever_writes_them(run, saver):
    @tool
    def note(word: str) -> Command[Any]:
        """Take a note."""
        messages = [ToolMessage("noted", tool_call_id="call-1")]
        return Command(update={"notes": [word], "messages": messages})

    def ann(view: Any) -> Any:
        return {"notes": ["by ann"]}

    seen = []

    def look(view: Any) -> Any:
        seen.append(list(view.state["notes"]))
        return everybody_once(view)

    writer = agent("writer", wants("note", word="by a tool"), "done", tools=[note])
    manager = ScriptedManager(look)
    app = create_magentic([ann, writer], manager=manager, state_schema=Notes)
    result = run(
        app.compile(checkpointer=saver), {"messages": "the task", "notes": ["given"]}, thread="1"
    )
    assert result["notes"] == ["given", "by ann", "by a tool"]
    assert seen == [["given"], ["given", "by ann"], ["given", "by ann", "by a tool"]]


def test_several_at_once_write_keys_of_ones_own_side_by_side(run, saver):
    def ann(view: Any) -> Any:
        return {"notes": ["by ann"]}

    def bob(view: Any) -> Any:
        return {"notes": ["by bob"]}

    manager = ScriptedManager([progress(["bob", "ann"]), DONE])
    app = create_magentic([ann, bob], manager=manager, state_schema=Notes)
    result = run(app.compile(checkpointer=saver), {"messages": "x", "notes": []}, thread="1")
    assert result["notes"] == ["by ann", "by bob"]


def test_a_state_that_is_no_magentic_state_is_refused():
    with pytest.raises(ConfigurationError, match="subclasses `MagenticState`"):
        create_magentic([named("a")], state_schema=dict)


def test_the_bookkeeping_is_neither_input_nor_output(run):
    manager = ScriptedManager([progress(), DONE])
    graph = create_magentic([agent("ann", ValueError("no"), policy=ONCE)], manager=manager)
    result = run(graph.compile())
    kept = {"task_ledgers", "progress_ledgers", "rounds", "stalls", "resets"}
    assert set(result) == {"messages", "trail", "output", "stop", *kept}
