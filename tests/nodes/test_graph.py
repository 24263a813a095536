"""Compiled graphs take part: teams of ours, agents built elsewhere, graphs with other keys."""

import operator
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Limits,
    Member,
    Policy,
    View,
    approval,
    everything,
    question,
)
from langgraph_orchestra.nodes.graph import GraphParticipant, TeamFailed
from langgraph_orchestra.state import SequentialState
from support.pairs import unpaired


class Find(BaseModel):
    """A typed answer."""

    place: str


class NotesState(SequentialState, total=False):
    """A user's own keys."""

    notes: Annotated[list[str], operator.add]
    mood: str


def look(place: str) -> str:
    """Look into a place."""
    return f"an octopus in {place}"


def calling(place: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "look", "args": {"place": place}, "id": place}])


def foreign(model: Any, **options: Any) -> Any:
    """An agent built with LangChain."""
    return create_agent(model, [look], system_prompt="Look.", name="diver", **options)


def users_graph(schema: Any, node: Any, name: str = "team", **options: Any) -> Any:
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(schema)
    graph.add_node("work", node)
    graph.add_edge(START, "work")
    return graph.compile(name=name, **options)


def seen(messages: list[BaseMessage]) -> list[tuple[str, str | None, str]]:
    """What was said in a run, without its task."""
    return [(message.type, message.name, message.text) for message in messages[1:]]


def writer(*replies: str, name: str = "ada") -> Agent:
    return Agent(name, "Write.", model=ScriptedModel(list(replies)))


def test_an_agent_built_elsewhere_answers_with_its_tool_calls_under_its_name(run):
    model = ScriptedModel([calling("a cave"), "It lives in a cave."], usage=(10, 5))
    result = run(create_sequential([foreign(model)]).compile())
    assert result["output"] == "It lives in a cave."
    assert seen(result["messages"]) == [
        ("ai", "diver", ""),
        ("tool", "look", "an octopus in a cave"),
        ("ai", "diver", "It lives in a cave."),
    ]
    (turn,) = result["trail"]
    assert (turn.agent, turn.kind, turn.model) == ("diver", "agent", "scripted")
    assert (turn.input_tokens, turn.output_tokens) == (20, 10)


def test_an_agent_built_elsewhere_reads_what_others_said_under_their_names(run):
    model = ScriptedModel(["fine"])
    run(create_sequential([writer("a draft"), foreign(model)]).compile())
    (call,) = model.calls
    assert [(m.type, m.name, m.text) for m in call.messages] == [
        ("system", None, "Look."),
        ("human", None, "the task"),
        ("human", "ada", "ada: a draft"),
    ]


def test_a_typed_answer_of_an_agent_built_elsewhere_stays_typed(run):
    model = ScriptedModel([Find(place="a cave")])
    agent = create_agent(model, [], response_format=Find, name="diver")
    result = run(create_sequential([agent]).compile())
    assert result["output"] == Find(place="a cave")
    assert seen(result["messages"])[-1] == ("ai", "diver", '{"place":"a cave"}')
    assert unpaired(result["messages"]) == []


@pytest.mark.parametrize("memory", [None, True, False])
def test_an_agent_built_elsewhere_says_and_spends_nothing_twice_over_several_runs(
    run, saver, memory
):
    model = ScriptedModel([calling("a"), "one", calling("b"), "two"], usage=(10, 5))
    app = create_sequential([foreign(model, checkpointer=memory)]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    assert [message.text for message in result["messages"]] == [
        "first",
        "",
        "an octopus in a",
        "one",
        "second",
        "",
        "an octopus in b",
        "two",
    ]
    assert [turn.input_tokens for turn in result["trail"]] == [20, 20]


def asks(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage(interrupt("Which city?"))]}


def test_an_interrupt_of_a_users_graph_surfaces_and_is_answered(run, saver):
    app = create_sequential([users_graph(MessagesState, asks)]).compile(checkpointer=saver)
    (asked,) = run(app, thread="1")["__interrupt__"]
    assert asked.value == "Which city?"
    assert run(app, Command(resume="Lisbon"), thread="1")["output"] == "Lisbon"


class Shelf(TypedDict, total=False):
    """The state of a user's graph that knows no messages."""

    notes: Annotated[list[str], operator.add]
    books: int


def shelve(state: Shelf) -> dict[str, Any]:
    return {"notes": ["shelved"], "books": 3}


def test_a_graph_without_messages_shares_keys_and_says_nothing(run):
    app = create_sequential(
        [writer("a draft"), users_graph(Shelf, shelve)], state_schema=NotesState
    ).compile()
    result = run(app, {"messages": "go", "notes": ["mine"]})
    assert result["notes"] == ["mine", "shelved"]
    assert "books" not in result
    assert result["output"] == "a draft"
    assert seen(result["messages"]) == [("ai", "ada", "a draft")]
    assert [turn.agent for turn in result["trail"]] == ["ada", "team"]


class Answering(TypedDict, total=False):
    """The state of a user's graph with an output of its own."""

    messages: list[AnyMessage]
    output: Any


@pytest.mark.parametrize(
    ("output", "text"),
    [("fine", "fine"), (Find(place="a cave"), '{"place":"a cave"}'), ("", "")],
    ids=repr,
)
def test_the_output_of_a_users_graph_is_its_answer(run, output, text):
    team = users_graph(Answering, lambda state: {"output": output})
    result = run(create_sequential([team]).compile())
    assert result["output"] == output
    assert seen(result["messages"]) == [("ai", "team", text)]


def test_an_output_that_a_users_graph_left_empty_is_no_answer(run):
    def work(state: Answering) -> dict[str, Any]:
        return {"output": None}

    app = create_sequential([writer("a draft"), users_graph(Answering, work)]).compile()
    assert run(app)["output"] == "a draft"


def test_a_users_graph_that_ends_with_half_a_tool_call_leaves_no_half(run, saver):
    def work(state: MessagesState) -> dict[str, Any]:
        return {"messages": [calling("a cave")]}

    team = Member(users_graph(MessagesState, work), history=everything())
    app = create_sequential([team]).compile(checkpointer=saver)
    run(app, "one", thread="1")
    result = run(app, "two", thread="1")
    assert unpaired(result["messages"]) == []
    assert result["output"] == ""


def test_messages_that_a_users_graph_gives_as_plain_data_are_understood(run):
    class Plain(TypedDict, total=False):
        """A state without a reducer."""

        messages: list[Any]

    def work(state: Plain) -> dict[str, Any]:
        return {"messages": [{"role": "assistant", "content": "fine"}]}

    result = run(create_sequential([users_graph(Plain, work)]).compile())
    assert (result["output"], seen(result["messages"])) == ("fine", [("ai", "team", "fine")])


@pytest.mark.parametrize("returned", ["fine", {"output": "fine"}, {"messages": [("ai", "fine")]}])
def test_a_graph_of_the_functional_kind_answers_with_what_it_returns(run, returned):
    @entrypoint()
    async def workflow(given: Any) -> Any:
        assert [message.text for message in given["messages"]] == ["the task"]
        return returned

    @entrypoint()
    def sync_workflow(given: Any) -> Any:
        return returned

    graph = workflow if run.way.is_async else sync_workflow
    result = run(create_sequential([Member(graph, name="team")]).compile())
    assert result["output"] == "fine"
    assert seen(result["messages"]) == [("ai", "team", "fine")]


def test_a_team_gives_one_message_and_the_entries_of_its_members(run):
    team = create_sequential([writer("one"), writer("two", name="bob")]).compile(name="team")
    result = run(create_sequential([writer("zero", name="zoe"), team]).compile())
    assert seen(result["messages"]) == [("ai", "zoe", "zero"), ("ai", "team", "two")]
    assert [(turn.path, turn.step) for turn in result["trail"]] == [
        ("zoe", 1),
        ("team/ada", 2),
        ("team/bob", 2),
    ]


def test_a_teams_message_keeps_the_id_of_its_members(run):
    model = ScriptedModel([AIMessage("hello", id="from-the-model")])
    team = create_sequential([Agent("ada", "", model=model)]).compile(name="team")
    (_, answer) = run(create_sequential([team]).compile())["messages"]
    assert (answer.id, answer.name) == ("from-the-model", "team")


def test_a_typed_answer_of_a_team_stays_typed(run):
    member = Agent("ada", "", model=ScriptedModel([Find(place="a cave")]), output=Find)
    team = create_sequential([member]).compile(name="team")
    result = run(create_sequential([team]).compile())
    assert result["output"] == Find(place="a cave")
    assert seen(result["messages"]) == [("ai", "team", '{"place":"a cave"}')]


def test_a_team_reads_the_conversation_as_its_task(run):
    model = ScriptedModel(["two"])
    team = create_sequential([Agent("bob", "", model=model)]).compile(name="team")
    run(create_sequential([writer("one"), team]).compile())
    (call,) = model.calls
    assert [(m.type, m.text) for m in call.messages] == [
        ("human", "the task"),
        ("human", "ada: one"),
    ]


@pytest.mark.parametrize("memory", [None, True])
def test_a_team_says_and_spends_nothing_twice_over_several_runs(run, saver, memory):
    model = ScriptedModel(["one", "two"], usage=(10, 5))
    team = create_sequential([Agent("ada", "", model=model, history=everything())])
    app = create_sequential([team.compile(name="team", checkpointer=memory)])
    app = app.compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    assert [message.text for message in result["messages"]] == ["first", "one", "second", "two"]
    assert [turn.path for turn in result["trail"]] == ["team/ada", "team/ada"]
    *_, last = model.calls
    read = [message.text for message in last.messages]
    assert read == (["first", "one", "second"] if memory else ["second"])


def test_a_team_with_a_memory_may_be_asked_twice_in_one_run(run, saver):
    team = create_sequential([writer("one", "two")]).compile(name="team", checkpointer=True)
    again = Member(team, name="again")
    app = create_sequential([team, again]).compile(checkpointer=saver)
    result = run(app, "go", thread="1")
    assert [turn.path for turn in result["trail"]] == ["team/ada", "again/ada"]
    assert result["output"] == "two"


def failing(view: View) -> str:
    raise LookupError("no octopus")


def test_a_team_that_ends_failed_is_a_failure_of_the_participant(run):
    recorded = Member(failing, policy=Policy(on_failure="record", retry=None))
    team = create_sequential([recorded]).compile(name="team")
    with pytest.raises(TeamFailed, match="team `team` ended `failed`: LookupError: no octopus"):
        run(create_sequential([team]).compile())


def test_an_error_inside_a_team_surfaces_as_it_is(run):
    team = create_sequential([failing]).compile(name="team")
    with pytest.raises(LookupError, match="no octopus") as failed:
        run(create_sequential([team]).compile())
    notes = "\n".join(failed.value.__notes__)
    assert "in participant `failing`" in notes
    assert "in participant `team`" in notes


def test_a_team_that_a_person_rejected_is_a_failure(run, saver):
    team = create_sequential([writer("draft"), approval("boss")]).compile(name="team")
    app = create_concurrent([team, writer("other", name="bob")]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume=False), thread="1")
    failure = result["results"]["team"].failure
    assert (failure.type, result["results"]["bob"].output) == ("TeamFailed", "other")


def test_a_teams_own_limit_ends_only_the_team(run):
    team = create_sequential(
        [writer("one"), writer("never", name="bob")], limits=Limits(turns=1)
    ).compile(name="team")
    result = run(create_sequential([team, writer("two", name="carl")]).compile())
    assert result["stop"].reason == "completed"
    assert seen(result["messages"]) == [("ai", "team", "one"), ("ai", "carl", "two")]


def test_people_in_a_team_are_asked_on_the_outer_run(run, saver):
    team = create_sequential([question("boss", "Which city?")]).compile(name="team")
    app = create_sequential([team]).compile(checkpointer=saver)
    (asked,) = run(app, thread="1")["__interrupt__"]
    assert asked.value["path"] == "team/boss"
    result = run(app, Command(resume="Lisbon"), thread="1")
    assert seen(result["messages"]) == [("ai", "team", "Lisbon")]


def test_a_graph_tells_how_much_it_does_at_once():
    branches = create_concurrent([writer("x", name=name) for name in "abc"]).compile()
    assert GraphParticipant(branches, "branches").threads >= 3
    assert GraphParticipant(users_graph(Shelf, shelve), "shelf").threads == 1


def test_a_graph_is_drawn_with_its_inside():
    app = create_sequential([foreign(ScriptedModel(["x"]))]).compile()
    assert {"diver:model", "diver:tools"} <= set(app.get_graph(xray=True).nodes)


def test_messages_of_a_team_reach_its_outer_graph_without_tool_calls(run):
    model = ScriptedModel([calling("a cave"), "In a cave."])
    team = create_sequential([Agent("ada", "", model=model, tools=[look])]).compile(name="team")
    result = run(create_sequential([team]).compile())
    assert seen(result["messages"]) == [("ai", "team", "In a cave.")]
    assert not any(isinstance(message, ToolMessage) for message in result["messages"])
    assert isinstance(result["messages"][0], HumanMessage)
