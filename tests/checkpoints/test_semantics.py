"""LangGraph's semantics: a thread means the same in every store, however its graph is run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.accounts import Way
from support.postgres_server import PostgresServer
from support.scenarios import SCENARIOS, account_of

TESTS = Path(__file__).parents[1]

WAYS = [
    Way(is_async, durability)
    for is_async in (False, True)
    for durability in ("sync", "async", "exit")
]


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> str:
    return postgres.new_store()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of each kind of store that outlives the process."""
    if request.param == "postgres":
        return str(request.getfixturevalue("database"))
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture(scope="module")
def accounts() -> dict[tuple[str, Way], list[Any]]:
    """What came back from memory, kept for the next store."""
    return {}


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_store_means_what_memory_means(
    scenario: str, way: Way, url: str, accounts: dict[tuple[str, Way], list[Any]]
) -> None:
    if (scenario, way) not in accounts:
        accounts[scenario, way] = await account_of(scenario, "memory://", way)
    assert accounts[scenario, way]
    assert await account_of(scenario, url, way) == accounts[scenario, way]


@pytest.fixture
def strict_accounts(url: str) -> dict[str, Any]:
    """All accounts of a process in LangGraph's strict mode, which is read when it starts."""
    done = subprocess.run(
        [sys.executable, "-m", "support.scenarios", url],
        env={**os.environ, "LANGGRAPH_STRICT_MSGPACK": "true", "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    accounts: dict[str, Any] = json.loads(done.stdout)
    return accounts


async def test_a_store_means_the_same_in_langgraphs_strict_mode(strict_accounts) -> None:
    way = Way(is_async=True, durability="exit")
    expected = {name: await account_of(name, "memory://", way) for name in SCENARIOS}
    assert strict_accounts == expected
