"""The templates on the server behind Studio: run, stepped through, edited, forked, drawn.

Each template goes through everything once, all side by side; the tests look at what came of it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from langgraph_orchestra.checkpoints import open_checkpointer, threads
from langgraph_orchestra.graphs.templates import TEMPLATES
from support.studio_runs import (
    assistant_of,
    chat,
    finished,
    history_of,
    interrupts_of,
    paused,
    result_of,
)
from support.studio_server import TEMPLATE_GRAPHS, StudioServer

REMARK = "Mind the budget."

SAVER = """
from langgraph_orchestra.checkpoints import aopen_checkpointer
from langgraph_orchestra.graphs.templates import TEMPLATES

# The server reads threads without their graphs, which know these types.
types = [kind for template in TEMPLATES.values() for kind in template.build().stored_types]

def saver():
    return aopen_checkpointer("sqlite:///runs.db", types=types)
"""


@dataclass
class Journey:
    """What a template has been through."""

    steps: list[str] = field(default_factory=list)
    """The nodes of a run, in the order they ended."""

    streamed: dict[str, str] = field(default_factory=dict)
    """Texts of the streamed messages, by id."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    """What people were asked."""

    ran: dict[str, Any] = field(default_factory=dict)
    """State after the run."""

    forked: dict[str, Any] = field(default_factory=dict)
    """State after going on from the checkpoint before the first participant."""

    pauses: list[list[str]] = field(default_factory=list)
    """What was to come at each breakpoint."""

    edited: dict[str, Any] = field(default_factory=dict)
    """State after a run whose state was edited on the way."""

    drawn: set[str] = field(default_factory=set)
    """Nodes of the drawing with sub-graphs opened."""

    form: dict[str, Any] = field(default_factory=dict)
    """Fields of the context."""


async def run_and_fork(client: LangGraphClient, name: str, journey: Journey) -> None:
    """Run the example, then once more from the checkpoint before the first participant."""
    thread = str((await client.threads.create())["thread_id"])
    texts: defaultdict[str, str] = defaultdict(str)
    answers: list[dict[str, Any]] = [{"command": {"resume": a}} for a in TEMPLATES[name].answers]
    for given in ({"input": chat(TEMPLATES[name].example)}, *answers):
        modes: Any = ["values", "messages-tuple", "updates"]
        async for part in client.runs.stream(thread, name, stream_mode=modes, **given):
            data: Any = part.data
            assert part.event != "error", f"{name}: {data}"
            if part.event == "messages" and isinstance(data[0]["content"], str):
                texts[data[0]["id"]] += data[0]["content"]
            elif part.event == "updates":
                journey.steps.extend(step for step in data if step != "__interrupt__")
            elif part.event == "values":
                journey.ran = data
        journey.asked.extend((await interrupts_of(client, thread)).values())
    journey.streamed = dict(texts)
    states = [s for s in await history_of(client, thread) if s["next"]]
    begun = [s for s in states if not {"__start__", "intake"} & set(s["next"])]
    first = begun[-1]["checkpoint"]["checkpoint_id"]
    await result_of(client, thread, name, checkpoint_id=first)
    journey.forked = await finished(client, thread, name, TEMPLATES[name].answers)


async def step_and_edit(client: LangGraphClient, name: str, journey: Journey) -> None:
    """Step into a run, add a remark between two steps, and go on to the end."""
    thread = str((await client.threads.create())["thread_id"])
    task = chat(TEMPLATES[name].example)
    await result_of(client, thread, name, input=task, interrupt_before="*")
    journey.pauses.append(due := await paused(client, thread))
    # Items that were sent out are no nodes by name, to go on with: the edit comes after them.
    for _ in range(2 if TEMPLATES[name].pattern == "map_reduce" else 1):
        await result_of(client, thread, name, interrupt_before="*")
        journey.pauses.append(due := await paused(client, thread))
    await client.threads.update_state(thread, chat(REMARK))
    # Where a node has chosen who is next, the choice is lost with the edit, and is made again.
    goto: Any = {} if await paused(client, thread) else {"command": {"goto": due}}
    await result_of(client, thread, name, interrupt_before="*", **goto)
    journey.pauses.append(await paused(client, thread))
    journey.edited = await finished(client, thread, name, TEMPLATES[name].answers)


async def look_at(client: LangGraphClient, name: str, journey: Journey) -> None:
    """Draw the graph, and read the form of its context."""
    assistant = await assistant_of(client, name)
    drawn = await client.assistants.get_graph(assistant, xray=True)
    journey.drawn = {str(node["id"]) for node in drawn["nodes"]}
    schemas = await client.assistants.get_schemas(assistant)
    journey.form = dict((schemas["context_schema"] or {})["properties"])


@pytest.fixture(scope="module", params=["own store", "sqlite saver"])
def journeys(
    request: pytest.FixtureRequest,
    studio: StudioServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Journey]]:
    """What each template has been through, on the server's own store and on our saver."""
    if request.param == "own store":
        yield asyncio.run(all_of_them(studio))
        return
    folder = tmp_path_factory.mktemp("saved")
    (folder / "saver.py").write_text(SAVER)
    settings = {"checkpointer": {"path": "./saver.py:saver"}}
    with StudioServer(folder, TEMPLATE_GRAPHS, settings=settings) as server:
        found = asyncio.run(all_of_them(server))
    with open_checkpointer(folder / "runs.db") as saver:
        assert len(threads(saver)) == 2 * len(TEMPLATES)
    yield found


async def all_of_them(server: StudioServer) -> dict[str, Journey]:
    """Send all templates on their way."""
    found = {name: Journey() for name in TEMPLATES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        async with get_client(url=server.url) as client:
            await asyncio.gather(
                *(
                    go(client, name, journey)
                    for name, journey in found.items()
                    for go in (run_and_fork, step_and_edit, look_at)
                )
            )
    return found


@pytest.fixture(params=TEMPLATES)
def name(request: pytest.FixtureRequest) -> str:
    """Each template."""
    return str(request.param)


@pytest.fixture
def journey(journeys: dict[str, Journey], name: str) -> Journey:
    """What it has been through."""
    return journeys[name]


async def test_every_template_is_served_under_its_name_with_its_summary(client):
    assistants = {one["graph_id"]: one for one in await client.assistants.search(limit=100)}

    assert set(TEMPLATE_GRAPHS) == set(TEMPLATES)
    for name, template in TEMPLATES.items():
        assert assistants[name]["name"] == name
        assert assistants[name]["description"] == template.summary


def test_it_does_its_example_and_says_why_it_ended(journey, name):
    outcomes = {turn["outcome"] for turn in journey.ran["trail"]}

    assert journey.ran["output"]
    assert journey.ran["stop"]["reason"] in ("completed", "terminated", "approved")
    assert outcomes <= {"ok", "handed_off", "failed"}
    assert ("failed" in outcomes) == (name == "support_rules")


def test_every_step_is_streamed_and_every_message_once(journey, name):
    assert journey.steps[0] == "intake"
    assert set(journey.steps) <= set(TEMPLATES[name].build().nodes)
    assert {turn["path"].split("/")[0].partition("[")[0] for turn in journey.ran["trail"]} <= set(
        journey.steps
    )
    spoken = {m["id"]: m["content"] for m in journey.ran["messages"] if m["type"] == "ai"}
    streamed = {id_: text for id_, text in journey.streamed.items() if id_ in spoken}
    assert any(streamed.values())
    assert streamed.items() <= spoken.items()


def test_a_person_is_asked_as_often_as_the_example_answers(journey, name):
    assert len(journey.asked) == len(TEMPLATES[name].answers)
    for asked in journey.asked:
        (request,) = asked["value"]["action_requests"]
        (review,) = asked["value"]["review_configs"]
        assert request["description"]
        assert request["name"] == review["action_name"]
        assert asked["response_schema"]


def test_from_an_earlier_checkpoint_it_comes_to_the_same_end(journey):
    for key in ("output", "stop"):
        assert journey.forked[key] == journey.ran[key]
    assert [turn["path"] for turn in journey.forked["trail"]] == [
        turn["path"] for turn in journey.ran["trail"]
    ]


def test_it_stops_before_each_step_and_its_state_can_be_edited_there(journey, name):
    first, *between, last = journey.pauses
    said = [message["content"] for message in journey.edited["messages"]]

    assert first == ["intake"]
    assert all(between)
    assert {node for due in between for node in due} <= set(TEMPLATES[name].build().nodes)
    assert last not in (first, *between)
    assert said.count(REMARK) == 1
    assert journey.edited["stop"]["reason"]
    assert journey.edited["output"]


def test_it_is_drawn_with_every_participant_and_sub_graphs_opened(journey, name):
    opened = TEMPLATES[name].build().compile().get_graph(xray=True)

    assert journey.drawn == set(opened.nodes)


def test_its_form_shows_the_prompts_of_its_agents_on_their_nodes(journey, name):
    graph = TEMPLATES[name].build()
    shown = graph.compile().get_context_jsonschema()

    assert journey.form == (shown or {})["properties"]
    placed = [node for one in journey.form.values() for node in one.get("langgraph_nodes", ())]
    assert set(placed) <= set(graph.nodes)
    assert any(one.get("langgraph_type") == "prompt" for one in journey.form.values())
