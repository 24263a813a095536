"""Token streams of graphs of real OpenAI clients: what a user interface sees while they run."""

from collections import defaultdict
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.nodes import Agent, judged, synthesise
from support.openai_server import Answer, Structured, ToolCall

MODEL = "openai:some-model"


class Report(BaseModel):
    """A report on an animal."""

    animal: str
    arms: int


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


async def spoken(
    app: Any, task: str = "the task"
) -> tuple[dict[str, tuple[str, list[str]]], list[AIMessage]]:
    """What the models said in a run, by message id: speaker and pieces; and the stored messages."""
    pieces = defaultdict(list)
    speakers = {}
    stored: list[Any] = []
    async for namespace, mode, data in app.astream(
        {"messages": task}, stream_mode=["messages", "values"], subgraphs=True
    ):
        if mode == "values":
            stored = data["messages"] if namespace == () else stored
            continue
        message, metadata = data
        if message.type in ("ai", "AIMessageChunk"):
            pieces[message.id].append(message.text)
            inner = metadata.get("lc_agent_name")
            speakers[message.id] = inner or metadata["langgraph_node"]
    said = {i: (speakers[i], [p for p in texts if p]) for i, texts in pieces.items()}
    return said, [m for m in stored if isinstance(m, AIMessage)]


async def test_an_answer_comes_in_pieces_under_the_id_it_is_stored_by(serve):
    graph = create_sequential(
        [Agent("writer", "Write.", model=MODEL), Agent("editor", "Edit.", model=MODEL)]
    )
    with serve(Answer("It has eight arms."), Answer("Eight.")):
        said, stored = await spoken(graph.compile())

    assert list(said.values()) == [
        ("writer", ["It ", "has ", "eight ", "arms."]),
        ("editor", ["Eight."]),
    ]
    assert [message.id for message in stored] == list(said)


async def test_an_agents_tool_calls_and_answer_stream_once_each(serve):
    graph = create_sequential([Agent("researcher", "Look.", model=MODEL, tools=[lookup])])
    call = ToolCall("lookup", {"word": "arm"})
    with serve(Answer("Let me look.", (call,)), Answer("Found it.")):
        said, stored = await spoken(graph.compile())

    assert list(said.values()) == [
        ("researcher", ["Let ", "me ", "look."]),
        ("researcher", ["Found ", "it."]),
    ]
    assert [message.id for message in stored] == list(said)


async def test_a_typed_answer_is_seen_once_and_a_refused_one_never(serve):
    graph = create_sequential([Agent("analyst", "Analyse.", model=MODEL, output=Report)])
    with serve(Structured({"animal": "octopus"}), Structured({"animal": "octopus", "arms": 8})):
        said, stored = await spoken(graph.compile())

    text = Report(animal="octopus", arms=8).model_dump_json()
    assert list(said.values()) == [("analyst", [text])]
    assert [message.id for message in stored] == list(said)


async def test_the_answer_of_a_teams_member_streams_once_as_the_members(serve):
    team = create_sequential([Agent("writer", "Write.", model=MODEL)]).compile(name="team")
    with serve(Answer("It has eight arms.")):
        said, stored = await spoken(create_sequential([team]).compile())

    assert list(said.values()) == [("writer", ["It ", "has ", "eight ", "arms."])]
    assert [(message.id, message.name) for message in stored] == [(next(iter(said)), "team")]


async def test_branches_stream_side_by_side_and_the_synthesis_after_them(serve):
    graph = create_concurrent(
        [Agent("one", "First.", model=MODEL), Agent("two", "Second.", model=MODEL)],
        aggregate=synthesise(Agent("chief", "Combine.", model=MODEL)),
    )
    replies = {
        "First.": [Answer("uno dos")],
        "Second.": [Answer("un deux")],
        "Combine.": [Answer("one two")],
    }
    with serve(by_prompt=replies):
        said, stored = await spoken(graph.compile())

    assert sorted(said.values()) == [
        ("aggregate", ["one ", "two"]),
        ("one", ["uno ", "dos"]),
        ("two", ["un ", "deux"]),
    ]
    assert {message.id for message in stored} == set(said)


async def test_workers_of_a_map_reduce_stream_each_their_own_message(serve):
    graph = create_map_reduce(
        lambda view: view.task.split(), Agent("worker", "Work.", model=MODEL), lambda view: "done"
    )
    with serve(by_prompt={"Work.": [Answer("all good")] * 3}):
        said, stored = await spoken(graph.compile(), "a b c")

    workers = [texts for speaker, texts in said.values() if speaker == "worker"]
    assert workers == [["all ", "good"]] * 3
    assert {message.id for message in stored} == set(said)


async def test_decisions_are_not_streamed(serve):
    graph = create_sequential(
        [
            create_concurrent(
                [Agent("law", "Law.", model=MODEL), Agent("tax", "Tax.", model=MODEL)],
                select=MODEL,
                aggregate=lambda view: "picked",
            ).compile(name="team"),
            Agent("writer", "Write.", model=MODEL),
        ],
        stop_when=judged(MODEL, "Done?"),
    )
    replies = {
        "Choose": [Structured({"branches": ["tax"], "reason": "money"})],
        "Tax.": [Answer("cheap")],
        "Done?": [Structured({"reason": "no", "answer": False})],
        "Write.": [Answer("written")],
    }
    with serve(by_prompt=replies):
        said, _ = await spoken(graph.compile())

    assert [speaker for speaker, _ in said.values()] == ["tax", "aggregate", "writer"]
