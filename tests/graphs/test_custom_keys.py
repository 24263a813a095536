"""Custom state keys: what follows a turn in its own step sees what the turn has written to them."""

import operator
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_group_chat, create_handoff, create_sequential
from langgraph_orchestra.nodes import HandoffRule, Member, question
from langgraph_orchestra.state import GroupChatState, HandoffState, SequentialState
from support.chats import order, talkers
from support.members import agent, named, team, wants
from support.results import ended


class ChatNotes(GroupChatState):
    """With notes."""

    notes: Annotated[list[str], operator.add]


class HandoffNotes(HandoffState):
    """With notes."""

    notes: Annotated[list[str], operator.add]


class SequentialNotes(SequentialState):
    """With notes."""

    notes: Annotated[list[str], operator.add]


def ann(view):
    """Writes a note in each of its turns, and nothing else."""
    return {"notes": ["a note"]}


def both(view):
    """Whether two notes stand, one of them from the input."""
    return view.state["notes"] == ["given", "a note"]


def given():
    """An input with a first note; made anew, since reducers may change it."""
    return {"messages": "the task", "notes": ["given"]}


BUILDERS = {
    "sequential": lambda members: create_sequential(
        members, stop_when=both, state_schema=SequentialNotes
    ),
    "group_chat": lambda members: create_group_chat(
        members, stop_when=both, state_schema=ChatNotes
    ),
    "handoff": lambda members: create_handoff(
        members, stop_when=both, state_schema=HandoffNotes, human="user"
    ),
}


@pytest.mark.parametrize("build", BUILDERS.values(), ids=list(BUILDERS))
def test_a_stop_condition_sees_what_the_turn_has_written(build, run, saver):
    result = run(build([ann, named("bob")]).compile(checkpointer=saver), given(), thread="1")
    assert (order(result), result["stop"].reason) == (["ann"], "terminated")
    assert result["notes"] == ["given", "a note"]


def test_a_rule_for_handing_over_sees_what_the_turn_has_written(run):
    rule = HandoffRule("bob", when=both)
    graph = create_handoff([ann, named("bob")], routes={}, rules=[rule], state_schema=HandoffNotes)
    assert order(run(graph.compile(), given())) == ["ann", "bob"]


def test_a_selector_and_the_candidates_see_what_the_turn_has_written(run):
    graph = create_group_chat(
        [ann, named("bob"), named("cid")],
        select=lambda view: "bob" if len(view.state["notes"]) > 1 else "ann",
        candidates=lambda view: ["bob"] if both(view) else ["ann"],
        max_turns=2,
        state_schema=ChatNotes,
    )
    assert order(run(graph.compile(), given())) == ["ann", "bob"]


def test_what_a_tool_has_written_is_seen_too(run):
    @tool
    def note() -> Command[Any]:
        """Take a note."""
        return Command(
            update={"notes": ["a note"], "messages": [ToolMessage("noted", tool_call_id="call-1")]}
        )

    writer = agent("writer", wants("note"), "done", tools=[note])
    members = [writer, *talkers("bob")]
    graph = create_group_chat(members, stop_when=both, state_schema=ChatNotes)
    assert ended(run(graph.compile(), given())) == ("done", "terminated")


def test_what_a_team_has_written_is_seen_too(run):
    inner = team(ann, named("cid"), state_schema=SequentialNotes)
    graph = create_group_chat([inner, named("bob")], stop_when=both, state_schema=ChatNotes)
    assert ended(run(graph.compile(), given())) == ("said", "terminated")


def test_a_key_that_has_no_value_yet_is_seen(run):
    graph = create_group_chat(
        [ann, named("bob")],
        stop_when=lambda view: view.state.get("notes") == ["a note"],
        state_schema=ChatNotes,
    )
    assert order(run(graph.compile())) == ["ann"]


class Note(BaseModel):
    """What a nested graph keeps for itself."""

    text: str


class NotedState(SequentialState, total=False):
    """State of a team with a typed key of its own."""

    note: Note


class PlainState(MessagesState, total=False):
    """State of a graph built by hand, with a typed key of its own."""

    note: Note


def noting_team():
    team = [Member(lambda view: {"note": Note(text="kept")}, name="noter"), question("ann", "Yes?")]
    return create_sequential(team, state_schema=NotedState).compile(name="team")


def noting_graph():
    def ask(state: PlainState) -> PlainState:
        return {"messages": [AIMessage(f"{interrupt('Yes?')}, {state['note'].text}")]}

    graph = StateGraph(PlainState)
    graph.add_node("noter", lambda state: {"note": Note(text="kept")})
    graph.add_node("ask", ask)
    graph.add_edge(START, "noter")
    graph.add_edge("noter", "ask")
    return graph.compile(name="by_hand")


@pytest.mark.parametrize("inner", [noting_team, noting_graph])
def test_a_nested_graph_may_keep_typed_keys_that_the_outer_one_does_not_know(run, saver, inner):
    app = create_sequential([inner()]).compile(checkpointer=saver)
    run(app, "Go", thread="1")
    result = run(app, Command(resume="yes"), thread="1")
    assert result["output"].startswith("yes")
    assert result["stop"].reason == "completed"
