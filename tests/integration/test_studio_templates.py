"""The graphs of `langgraph.json` on the real development server: they load, run and are drawn."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from langgraph_orchestra.graphs.templates import TEMPLATES
from support.studio_server import StudioServer

CONFIG = Path(__file__).parents[2] / "langgraph.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """The server, with the graphs of the repository and without anyone's `.env`."""
    graphs = json.loads(CONFIG.read_text())["graphs"]
    with StudioServer(tmp_path_factory.mktemp("templates"), graphs) as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def test_every_template_is_served_under_its_name(server):
    async with get_client(url=server.url) as client:
        assistants = await client.assistants.search(limit=100)

    assert {assistant["graph_id"] for assistant in assistants} == set(TEMPLATES)
    assert all(assistant["name"] == assistant["graph_id"] for assistant in assistants)


async def test_every_template_does_its_example_and_says_why_it_ended(server):
    async def done(client: Any, name: str) -> dict[str, Any]:
        thread = (await client.threads.create())["thread_id"]
        task: Any = {"messages": [{"role": "user", "content": TEMPLATES[name].example}]}
        await client.runs.join(
            thread, (await client.runs.create(thread, name, input=task))["run_id"]
        )
        for answer in TEMPLATES[name].answers:
            run = await client.runs.create(thread, name, command={"resume": answer})
            await client.runs.join(thread, run["run_id"])
        state = await client.threads.get_state(thread)
        assert not state["next"], f"{name}: {state['tasks']}"
        return dict(state["values"])

    async with get_client(url=server.url) as client:
        results = await asyncio.gather(*(done(client, name) for name in TEMPLATES))

    for name, values in zip(TEMPLATES, results, strict=True):
        assert values["stop"]["reason"] in ("completed", "terminated", "approved"), name
        assert values["output"], name
        outcomes = {turn["outcome"] for turn in values["trail"]}
        assert outcomes <= {"ok", "handed_off", "failed"}, name
        assert ("failed" in outcomes) == (name == "support_rules"), name


async def test_every_participant_of_a_template_is_drawn(server):
    async with get_client(url=server.url) as client:
        for name, template in TEMPLATES.items():
            drawn = await client.assistants.get_graph(name)
            nodes = {"__start__", "__end__", *template.build().nodes}
            assert {node["id"] for node in drawn["nodes"]} == nodes, name
