"""What `orchestra new` writes is served by `langgraph dev` as it stands."""

import json
from pathlib import Path

import pytest
from langgraph_sdk import get_client

from langgraph_orchestra.cli.new import begin_project
from support.openai_server import Answer, OpenAIServer
from support.studio_runs import chat, result_of
from support.studio_server import StudioServer


@pytest.mark.parametrize("pattern", ["sequential", "handoff"])
async def test_a_new_project_is_served_with_the_model_of_its_environment(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "my_app"
    begin_project(folder, pattern)
    written = json.loads((folder / "langgraph.json").read_text())
    settings = {key: value for key, value in written.items() if key != "graphs"}
    model = {"ORCHESTRA_MODEL": "openai:some-model"}
    with (
        OpenAIServer(lambda _: Answer("Three hearts.")) as models,
        StudioServer(
            folder, written["graphs"], {**models.environment, **model}, settings
        ) as server,
    ):
        async with get_client(url=server.url) as client:
            thread = (await client.threads.create())["thread_id"]
            result = await result_of(client, thread, "my_app", input=chat("Octopuses?"))
    assert result["output"] == "Three hearts."
