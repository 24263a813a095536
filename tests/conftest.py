"""Fixtures for all tests: the ways to run a graph, the savers, and a clean environment."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from langgraph.checkpoint.base import BaseCheckpointSaver

from langgraph_orchestra.checkpoints import open_checkpointer
from support.ids import shown
from support.pairs import check_pairs
from support.postgres_server import PostgresServer, server_programs
from support.runs import WAYS, Run

# A busy machine is no failure; in CI the examples are the same in every run.
settings.register_profile("steady", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("steady")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Ids without memory addresses, so that every worker process collects the same tests."""
    return shown(val) if " at 0x" in repr(val) else None


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "ORCHESTRA_", "LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANGSMITH_TRACING", "false")


@pytest.fixture(autouse=True)
def every_tool_call_has_its_result(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every message list that any model is sent in any test holds complete pairs."""
    with check_pairs(monkeypatch):
        yield


@pytest.fixture(params=WAYS, ids=str)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a graph plain and streamed, sync and async."""
    return Run(request.param)


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest, tmp_path) -> Iterator[BaseCheckpointSaver[str]]:
    """A checkpointer in memory, and one in a file."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process, where its programs are installed."""
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: neither PATH nor /usr/lib/postgresql has `initdb`")
    with PostgresServer(programs) as server:
        yield server
