"""Any participant as a tool of an agent."""

import operator
from typing import Annotated, Any

import pytest
from langchain.agents import AgentState, create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs import (
    create_concurrent,
    create_handoff,
    create_map_reduce,
    create_sequential,
    create_supervisor,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits, Member, Policy, View, approval, as_tool
from langgraph_orchestra.state import ConfigurationError, SequentialState
from support.handoffs import to
from support.members import AT_ONCE, ONCE, RECORDED, agent, named, team
from support.plans import in_order
from support.results import asked, comparable, ended, model_of, outcomes, readings, usage


class Rating(BaseModel):
    """A typed answer."""

    stars: int


def ask(*calls: tuple[str, str]) -> AIMessage:
    """An answer that gives each of these a task, all at once."""
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": {"task": task}, "id": f"call-{name}-{number}"}
            for number, (name, task) in enumerate(calls)
        ],
    )


def boss(*replies, of, **options):
    """An agent that has these participants as tools."""
    return agent("boss", *replies, tools=[as_tool(one) for one in of], **options)


def told(result):
    """What the tools have answered."""
    return [(m.name, m.text) for m in result["messages"] if m.type == "tool"]


# What the tool is


def test_a_tool_is_named_and_described_after_its_participant():
    tool = as_tool(agent("writer", description="Writes poems."))
    assert (tool.name, tool.description) == ("writer", "Writes poems.")
    assert list(tool.args) == ["task"]
    assert tool.args["task"]["type"] == "string"


def test_a_tool_may_have_another_name_and_description():
    tool = as_tool(agent("writer"), name="poet", description="Rhymes.")
    assert (tool.name, tool.description) == ("poet", "Rhymes.")


def test_a_participant_without_a_description_is_described_by_its_name():
    assert as_tool(named("writer")).description == "Give `writer` a task."


def test_its_one_argument_is_all_that_the_model_is_offered(run):
    member = boss(ask(("lib", "find")), "done", of=[agent("lib")])
    run(create_sequential([member]).compile())
    (schema,) = model_of(member).calls[0].tools
    assert list(schema["function"]["parameters"]["properties"]) == ["task"]


@pytest.mark.parametrize(
    ("given", "options", "error", "reason"),
    [
        (7, {}, TypeError, "7 cannot take part"),
        (lambda view: "x", {}, ConfigurationError, "a lambda"),
        (named("a"), {"name": "no spaces"}, ConfigurationError, "chat APIs accept"),
        (named("a"), {"name": ""}, ConfigurationError, "name `` is refused"),
        (named("a"), {"description": 7}, TypeError, "`description` of a tool is a str or None"),
        (approval("ada"), {}, ConfigurationError, "a tool has no draft to review"),
        (Member(named("a"), when=bool), {}, ConfigurationError, "`when` of `a`"),
        (create_sequential([named("a")]), {}, ConfigurationError, "compile it with a name"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(given, options, error, reason):
    with pytest.raises(error, match=reason):
        as_tool(given, **options)


async def test_a_tool_can_be_called_by_hand():
    tool = as_tool(agent("lib", "sync", "async"))
    assert tool.invoke({"task": "find"}) == "sync"
    assert await tool.ainvoke({"task": "find"}) == "async"


@pytest.mark.parametrize("who", [Human("ada"), team(Human("eva"), name="ada")], ids=["one", "team"])
async def test_a_tool_called_by_hand_does_not_take_a_question_to_a_person_for_its_answer(who):
    # The answer was blank, as if the person had said nothing.
    tool = as_tool(who)
    with pytest.raises(ConfigurationError, match="`ada` waits for a person"):
        tool.invoke({"task": "May I?"})
    with pytest.raises(ConfigurationError, match="`ada` waits for a person"):
        await tool.ainvoke({"task": "May I?"})


# Who may be one

KINDS: dict[str, Any] = {
    "agent": lambda: (agent("lib", "found"), [("boss/lib", "ok")]),
    "agent with tools": lambda: (
        agent("lib", "found", tools=[len]),
        [("boss/lib", "ok")],
    ),
    "typed agent": lambda: (
        agent("lib", Rating(stars=5), output=Rating),
        [("boss/lib", "ok")],
    ),
    "function": lambda: (named("lib"), [("boss/lib", "ok")]),
    "sequence": lambda: (
        team(agent("x"), agent("y", "found"), name="lib"),
        [("boss/lib/x", "ok"), ("boss/lib/y", "ok")],
    ),
    "supervisor": lambda: (
        create_supervisor([agent("x", "found")], model=in_order(), synthesis="forward").compile(
            name="lib"
        ),
        [
            ("boss/lib/planner", "ok"),
            ("boss/lib/x", "ok"),
            ("boss/lib/review", "ok"),
            ("boss/lib/synthesise", "ok"),
        ],
    ),
    "graph built elsewhere": lambda: (
        create_agent(ScriptedModel(["found"]), [], name="lib"),
        [("boss/lib", "ok")],
    ),
    "under another name": lambda: (Member(agent("x", "found"), name="lib"), [("boss/lib", "ok")]),
}
ANSWERS = {"typed agent": '{"stars":5}', "function": "said"}


@pytest.mark.parametrize("kind", KINDS)
def test_any_participant_answers_as_a_tool_and_stands_in_the_trail_under_the_agent(
    run, saver, kind
):
    participant, entries = KINDS[kind]()
    member = boss(ask(("lib", "find it")), "done", of=[participant])
    app = create_sequential([member]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("done", "completed")
    assert told(result) == [("lib", ANSWERS.get(kind, "found"))]
    assert outcomes(result) == [("boss", "ok"), *entries]
    assert {turn.step for turn in result["trail"]} == {1}


def test_the_participant_reads_the_task_and_nothing_else(run):
    lib = agent("lib", "found")
    run(create_sequential([boss(ask(("lib", "find it")), "done", of=[lib])]).compile())
    assert readings(lib) == [["find it"]]


def test_a_blank_task_is_sent_back_to_the_model(run):
    lib = agent("lib", "found")
    member = boss(ask(("lib", " ")), ask(("lib", "find")), "done", of=[lib])
    result = run(create_sequential([member]).compile())
    assert "the task is blank" in told(result)[0][1]
    assert told(result)[1] == ("lib", "found")


def test_calls_in_one_answer_run_side_by_side(run, saver):
    member = boss(
        ask(("a", "1"), ("b", "2"), ("a", "3")), "done", of=[agent("a", "A", "A"), agent("b", "B")]
    )
    result = run(create_sequential([member]).compile(checkpointer=saver), thread="1")
    assert told(result) == [("a", "A"), ("b", "B"), ("a", "A")]
    assert [path for path, _ in outcomes(result)] == ["boss", "boss/a", "boss/b", "boss/a"]
    assert usage(result) == 15 * 5


def test_the_stored_messages_hold_nothing_of_the_trail(run, saver):
    member = boss(ask(("lib", "find")), "done", of=[agent("lib")])
    result = run(create_sequential([member]).compile(checkpointer=saver), thread="1")
    assert [m.artifact for m in result["messages"] if isinstance(m, ToolMessage)] == [None]


def test_a_tool_of_a_tool(run, saver):
    deep = agent("deep", "found")
    middle = agent("middle", ask(("deep", "dig")), "passed on", tools=[as_tool(deep)])
    member = boss(ask(("middle", "go")), "done", of=[middle])
    result = run(create_sequential([member]).compile(checkpointer=saver), thread="1")
    assert [(turn.path, turn.input_tokens) for turn in result["trail"]] == [
        ("boss", 20),
        ("boss/middle", 20),
        ("boss/middle/deep", 10),
    ]


def test_a_team_with_a_memory_of_its_own_counts_once_in_each_call(run, saver):
    # It brings the entries of its earlier calls again with each answer.
    lib = create_sequential([agent("x", "one", "two", "three")])
    calls = [ask(("lib", "a")), ask(("lib", "b")), "done", ask(("lib", "c")), "done"]
    member = boss(*calls, of=[lib.compile(checkpointer=True, name="lib")])
    app = create_sequential([member]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, thread="1")
    assert [path for path, _ in outcomes(result)].count("boss/lib/x") == 3
    assert usage(result) == 15 * (3 + 5)


def test_an_agent_that_calls_a_tool_and_hands_over_keeps_both(run, saver):
    member = boss(ask(("lib", "find")), to("other"), of=[agent("lib", "found")])
    graph = create_handoff([member, agent("other")], routes={"boss": ["other"]})
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert ended(result) == ("other", "completed")
    assert outcomes(result) == [("boss", "handed_off"), ("boss/lib", "ok"), ("other", "ok")]
    assert usage(result) == 15 * 4
    assert [m.artifact for m in result["messages"] if isinstance(m, ToolMessage)] == [None, None]


def test_a_person_may_have_to_approve_the_call_of_a_participant(run, saver):
    lib = agent("lib", "found")
    member = boss(ask(("lib", "find")), "done", of=[lib], approve_tools=("lib",))
    app = create_sequential([member]).compile(checkpointer=saver)
    waiting = asked(run(app, thread="1"))
    assert model_of(lib).calls == []
    result = run(
        app, Command(resume={waiting.id: {"decisions": [{"type": "approve"}]}}), thread="1"
    )
    assert ended(result) == ("done", "completed")
    assert outcomes(result) == [("boss", "ok"), ("boss/lib", "ok")]


def test_a_typed_answer_after_a_call_stays_typed(run):
    member = boss(ask(("lib", "find")), Rating(stars=4), of=[agent("lib")], output=Rating)
    result = run(create_sequential([member]).compile())
    assert result["output"] == Rating(stars=4)
    assert outcomes(result) == [("boss", "ok"), ("boss/lib", "ok")]


# Usage and limits


@pytest.mark.parametrize("outer", ["sequence", "branch", "item", "handoff", "worker", "team"])
def test_usage_counts_once_wherever_the_agent_takes_part(run, saver, outer):
    model = ScriptedModel(
        lambda messages: (
            ask(("lib", "find"))
            if messages[0].text == "boss" and messages[-1].type != "tool"
            else "words"
        ),
        usage=(7, 3),
    )
    lib = Agent("lib", "", model=model)
    member = Agent("boss", "boss", model=model, tools=[as_tool(lib)])
    graph = {
        "sequence": lambda: create_sequential([member]),
        "branch": lambda: create_concurrent([member]),
        "item": lambda: create_map_reduce(lambda view: ["1", "2"], member),
        "handoff": lambda: create_handoff([member]),
        "worker": lambda: create_supervisor([member], model=in_order(), synthesis="forward"),
        "team": lambda: create_sequential([team(member)]),
    }[outer]()
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert usage(result) == 10 * len(model.calls)
    assert {turn.path.rpartition("/")[2] for turn in result["trail"]} >= {"lib"}


def test_one_agents_entry_counts_as_one_turn_with_those_it_has_called(run):
    member = boss(ask(("lib", "find")), "done", of=[agent("lib")])
    graph = create_sequential([member, agent("next")], limits=Limits(turns=2))
    assert ended(run(graph.compile())) == ("next", "completed")


@pytest.mark.parametrize("tokens", [30, 45])
def test_limits_hold_inside_and_what_was_used_stands_in_the_trail(run, saver, tokens):
    busy = team(agent("x", "X"), agent("y", "Y"), agent("z", "Z"), name="busy")
    member = boss(ask(("busy", "work")), "done", of=[busy])
    graph = create_sequential([named("first"), member], limits=Limits(tokens=tokens))
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert ended(result) == ("said", "token_limit")
    assert usage(result) == tokens
    assert outcomes(result)[-1] == ("boss", "cancelled")


def test_a_limit_counts_what_tools_have_used_before_an_interrupt(run, saver):
    def look(messages):
        done = [message.name for message in messages if message.type == "tool"]
        return (
            ask(("lib", "find")) if not done else ask(("ada", "ok?")) if done == ["lib"] else "done"
        )

    member = Agent(
        "boss", "", model=ScriptedModel(look), tools=[as_tool(agent("lib")), as_tool(Human("ada"))]
    )
    graph = create_sequential([named("first"), member], limits=Limits(tokens=45))
    app = graph.compile(checkpointer=saver)
    waiting = asked(run(app, thread="1"))
    result = run(app, Command(resume={waiting.id: "yes"}), thread="1")
    assert ended(result) == ("said", "token_limit")
    assert len(model_of(member).calls) == 2


# Failures


def test_a_failure_goes_through_the_agent_with_its_own_type(run, saver):
    member = boss(ask(("lib", "find")), of=[agent("lib", KeyError("gone"))], policy=ONCE)
    with pytest.raises(KeyError) as raised:
        run(create_sequential([member]).compile(checkpointer=saver), thread="1")
    notes = [note for note in raised.value.__notes__ if note.startswith("in ")]
    assert notes == [
        "in participant `lib` of `tool`, attempt 1",
        "in participant `boss` of `sequential`, attempt 1",
    ]


def test_a_recorded_failure_is_told_to_the_agent_which_goes_on(run, saver):
    lib = agent("lib", KeyError("gone"), policy=RECORDED)
    member = boss(ask(("lib", "find")), "without it", of=[lib])
    result = run(create_sequential([member]).compile(checkpointer=saver), thread="1")
    assert ended(result) == ("without it", "completed")
    assert told(result) == [("lib", "`lib` has failed: KeyError: 'gone'")]
    assert outcomes(result) == [("boss", "ok"), ("boss/lib", "failed")]
    (message,) = (m for m in result["messages"] if isinstance(m, ToolMessage))
    assert message.status == "error"


def test_a_team_that_has_failed_is_a_failure_of_the_tool(run):
    inner = team(agent("x", ValueError("no"), policy=RECORDED), name="lib")
    member = boss(ask(("lib", "find")), "without", of=[Member(inner, policy=RECORDED)])
    result = run(create_sequential([member]).compile())
    assert "`lib` has failed: TeamFailed" in told(result)[0][1]


def test_a_participant_is_tried_again_by_its_own_policy(run):
    lib = agent("lib", ConnectionError("down"), "up", policy=Policy(retry=AT_ONCE))
    result = run(create_sequential([boss(ask(("lib", "find")), "done", of=[lib])]).compile())
    assert told(result) == [("lib", "up")]
    assert [turn.attempts for turn in result["trail"]] == [1, 2]


def test_what_a_tool_has_used_counts_where_its_agent_fails_or_is_tried_again(run, saver):
    lib = agent("lib", "one", "two")
    member = boss(
        ask(("lib", "find")),
        ConnectionError("down"),
        ask(("lib", "find")),
        "done",
        of=[lib],
        policy=Policy(retry=AT_ONCE),
    )
    result = run(create_sequential([member]).compile(checkpointer=saver), thread="1")
    assert usage(result) == 15 * 5
    failing = boss(
        ask(("lib", "find")), ValueError("no"), of=[agent("lib", "one")], policy=RECORDED
    )
    result = run(create_sequential([failing]).compile(checkpointer=saver), thread="2")
    assert (outcomes(result), usage(result)) == ([("boss", "failed")], 30)


# People


def test_a_persons_answer_reaches_the_agent_and_finished_calls_are_not_repeated(run, saver):
    worked = []

    def quick(view: View) -> str:
        worked.append(view.task)
        return "quick"

    people = [Human("ann"), Human("ben")]
    member = boss(
        ask(("ann", "red?"), ("quick", "go"), ("ben", "blue?")), "done", of=[*people, quick]
    )
    app = create_sequential([team(member)]).compile(checkpointer=saver)
    waiting = run(app, thread="1")["__interrupt__"]
    ids = {interrupt.value["path"]: interrupt.id for interrupt in waiting}
    assert set(ids) == {"team/boss/ann", "team/boss/ben"}
    still = run(app, Command(resume={ids["team/boss/ben"]: "blue"}), thread="1")
    assert asked(still).id == ids["team/boss/ann"]
    result = run(app, Command(resume={ids["team/boss/ann"]: "red"}), thread="1")
    assert ended(result) == ("done", "completed")
    assert worked == ["go"]
    assert {path for path, _ in outcomes(result)} == {
        "team/boss",
        "team/boss/ann",
        "team/boss/quick",
        "team/boss/ben",
    }


def test_an_approval_deep_inside_a_tool_is_resumed_where_it_was(run, saver):
    def pay(amount: int) -> str:
        """Pay."""
        paid.append(amount)
        return "paid"

    paid: list[int] = []
    call = AIMessage("", tool_calls=[{"name": "pay", "args": {"amount": 5}, "id": "pay-1"}])
    clerk = agent("clerk", call, "all paid", tools=[pay], approve_tools=("pay",))
    inner = team(agent("first", "F"), clerk, name="office")
    member = boss(ask(("office", "settle it")), "done", of=[inner])
    app = create_sequential([member]).compile(checkpointer=saver)
    waiting = asked(run(app, thread="1"))
    assert paid == []
    result = run(
        app, Command(resume={waiting.id: {"decisions": [{"type": "approve"}]}}), thread="1"
    )
    assert ended(result) == ("done", "completed")
    assert (paid, told(result)) == ([5], [("office", "all paid")])
    assert usage(result) == 15 * 5


# State


class Noted(SequentialState, total=False):
    notes: Annotated[list[str], operator.add]
    city: str


def test_a_tool_reads_and_changes_the_patterns_own_keys(run, saver):
    def note(view: View) -> dict[str, Any]:
        return {"notes": [f"{view.task} in {view.state['city']}"], "messages": [AIMessage("noted")]}

    member = boss(ask(("note", "one")), ask(("note", "two")), "done", of=[note])
    app = create_sequential([member], state_schema=Noted).compile(checkpointer=saver)
    result = run(app, {"messages": "go", "notes": ["zero"], "city": "Rome"}, thread="1")
    assert result["notes"] == ["zero", "one in Rome", "two in Rome"]
    assert told(result) == [("note", "noted"), ("note", "noted")]


def test_an_agent_in_a_tool_shares_the_keys_with_tools_of_its_own(run):
    def note(view: View) -> dict[str, Any]:
        return {"notes": [view.state["city"]]}

    middle = agent("middle", ask(("note", "one")), "passed", tools=[as_tool(note)])
    member = boss(ask(("middle", "go")), "done", of=[middle])
    app = create_sequential([member], state_schema=Noted).compile()
    result = run(app, {"messages": "go", "notes": [], "city": "Rome"})
    assert result["notes"] == ["Rome"]


def test_an_agent_with_a_state_of_its_own_shares_what_both_know(run):
    class Own(AgentState):
        city: str

    def note(view: View) -> str:
        return ", ".join(sorted(view.state.keys() & {"notes", "city"}))

    member = boss(ask(("note", "one")), "done", of=[note], state_schema=Own)
    app = create_sequential([member], state_schema=Noted).compile()
    result = run(app, {"messages": "go", "notes": [], "city": "Rome"})
    assert told(result) == [("note", "city")]


# Elsewhere


def test_a_tool_works_in_an_agent_that_is_built_elsewhere(run):
    tools = [as_tool(team(agent("x"), agent("y", "found"), name="lib"))]
    app = create_agent(ScriptedModel([ask(("lib", "find")), "done"]), tools)
    result = run(app, "go")
    assert [m.text for m in result["messages"]] == ["go", "", "found", "done"]


def test_a_person_is_asked_in_an_agent_that_is_built_elsewhere():
    model = ScriptedModel([ask(("ada", "well?")), "done"])
    app = create_agent(model, [as_tool(Human("ada"))], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    waiting = app.invoke({"messages": [HumanMessage("go")]}, config)
    assert asked(waiting).value["action_requests"][0]["name"] == "answer"
    result = app.invoke(Command(resume="fine"), config)
    assert [m.text for m in result["messages"]] == ["go", "", "fine", "done"]


def test_an_agent_built_elsewhere_keeps_the_entries_of_its_tools_when_it_takes_part(run, saver):
    model = ScriptedModel([ask(("lib", "find")), "done"])
    built = create_agent(model, [as_tool(agent("lib"))], name="built")
    result = run(create_sequential([built]).compile(checkpointer=saver), thread="1")
    assert [(turn.path, turn.input_tokens) for turn in result["trail"]] == [
        ("built", 20),
        ("built/lib", 10),
    ]


def test_a_graph_whose_messages_stay_inside_counts_what_its_tools_have_used(run, saver):
    model = ScriptedModel([ask(("lib", "find")), "done"])
    built: Any = create_agent(model, [as_tool(agent("lib"))])

    def hide(state: MessagesState) -> Any:
        return {"messages": built.invoke({"messages": state["messages"]})["messages"][-1:]}

    graph = StateGraph(MessagesState)
    graph.add_node("hide", hide)
    graph.add_edge(START, "hide")
    app = create_sequential([graph.compile(name="built")]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert [(turn.path, turn.input_tokens) for turn in result["trail"]] == [("built", 30)]


def test_the_four_ways_to_run_give_equal_results(run, saver):
    def app(saver):
        people_free = [agent("a", "A"), team(agent("x"), agent("y"), name="b")]
        member = boss(ask(("a", "1"), ("b", "2")), "done", of=people_free)
        return create_sequential([member]).compile(checkpointer=saver)

    reference = app(InMemorySaver()).invoke(
        {"messages": "the task"}, {"configurable": {"thread_id": "1"}}
    )
    assert comparable(run(app(saver), thread="1")) == comparable(reference)


def test_a_missing_model_of_a_tool_is_found_before_any_call(run):
    member = boss("never", of=[Agent("lib", "")])
    with pytest.raises(ConfigurationError, match="model"):
        run(create_sequential([member]).compile())
    assert model_of(member).calls == []


def test_streamed_tokens_of_a_tool_come_once_and_under_its_path():
    member = boss(ask(("lib", "find")), "done", of=[agent("lib", "found it")])
    app = create_sequential([member]).compile()
    parts = app.stream({"messages": "go"}, stream_mode="messages", subgraphs=True)
    said = [m.text for _, (m, _) in parts if m.text and m.type in ("ai", "AIMessageChunk")]
    assert "".join(said) == "found itdone"
