"""Fixtures for graphs that talk to a server over OpenAI's protocol, and for Studio's server."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from support.openai_server import Failure, OpenAIServer, Reply, Request
from support.studio_graphs import CONVERSATIONS, GRAPHS, fluent
from support.studio_server import TEMPLATE_GRAPHS, StudioServer

Serve = Callable[..., AbstractContextManager[OpenAIServer]]

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Start a server that `openai:` models reach, and check all that it was sent.

    Its replies are given in order; where requests come side by side, as `by_prompt={system prompt:
    replies}`, or as a function `by_body` of a request's body.
    """

    @contextmanager
    def serve(
        *replies: Reply,
        by_prompt: Mapping[str, Sequence[Reply]] | None = None,
        by_body: Callable[[dict[str, Any]], Reply] | None = None,
    ) -> Iterator[OpenAIServer]:
        choose = _chosen_by_prompt(by_prompt) if by_prompt else by_body
        with OpenAIServer(choose or replies) as server:
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            yield server
        for request in server.requests:
            _check(request)

    return serve


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """The server behind Studio, with all graphs and a model in reach; one for all tests."""
    graphs = {**GRAPHS, **CONVERSATIONS, **TEMPLATE_GRAPHS}
    folder = tmp_path_factory.mktemp("studio")
    with OpenAIServer(fluent) as models, StudioServer(folder, graphs, models.environment) as server:
        yield server


@pytest.fixture
async def client(
    studio: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LangGraphClient]:
    """A client of that server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with get_client(url=studio.url) as client:
        yield client


def _chosen_by_prompt(
    by_prompt: Mapping[str, Sequence[Reply]],
) -> Callable[[dict[str, Any]], Reply]:
    left = {prompt: list(replies) for prompt, replies in by_prompt.items()}

    def choose(body: dict[str, Any]) -> Reply:
        prompt = body["messages"][0]["content"]
        found = next((known for known in left if prompt.startswith(known)), None)
        if found is None or not left[found]:
            return Failure(400, f"the test has no reply for the prompt {prompt!r}")
        return left[found].pop(0)

    return choose


def _check(request: Request) -> None:
    """What OpenAI would refuse: bad names, and tool calls without their results right after."""
    messages = request.body["messages"]
    assert any(message["role"] == "user" for message in messages), messages
    assert all(NAME.fullmatch(message.get("name", "some")) for message in messages), messages
    due: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] in due, f"a result without its call: {messages}"
            due.remove(message["tool_call_id"])
            continue
        assert not due, f"calls without their results: {messages}"
        due = [call["id"] for call in message.get("tool_calls") or ()]
    assert not due, f"calls without their results: {messages}"
