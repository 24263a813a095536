"""What LangSmith is told of a run: its real client posts to a server on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langchain_core.tracers.langchain import wait_for_all_tracers
from langgraph.types import RetryPolicy
from langsmith import Client, tracing_context

from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Policy, View


class Traces:
    """A server that keeps the runs posted to it, inside `with`."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

        class Connection(BaseHTTPRequestHandler):
            def do_GET(connection) -> None:  # noqa: N805 - `self` is the collector's
                self._reply(connection, {})

            def do_POST(connection) -> None:  # noqa: N805
                self._keep(connection)

            def do_PATCH(connection) -> None:  # noqa: N805
                self._keep(connection)

            def log_message(self, *_: Any) -> None:
                """Keep the output of the tests clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Connection)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Trace what happens inside, and wait until all of it has arrived."""
        host, port = self._server.server_address[:2]
        client = Client(
            api_url=f"http://{host!s}:{port}", api_key="x", auto_batch_tracing=False, info={}
        )
        with tracing_context(enabled=True, client=client):
            yield
        wait_for_all_tracers()
        client.flush()
        client.session.close()

    @property
    def roots(self) -> list[dict[str, Any]]:
        """The runs that stand for a whole trace."""
        return [run for run in self._runs.values() if not run.get("parent_run_id")]

    def children(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The runs right below another, in the order they began."""
        found = (r for r in self._runs.values() if r.get("parent_run_id") == run["id"])
        return sorted(found, key=lambda child: str(child["dotted_order"]))

    def below(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """All runs below another."""
        return [r for child in self.children(run) for r in (child, *self.below(child))]

    def _keep(self, connection: BaseHTTPRequestHandler) -> None:
        body = json.loads(connection.rfile.read(int(connection.headers["Content-Length"])))
        run_id = body.get("id") or connection.path.rpartition("/")[2]
        with self._lock:
            known = self._runs.setdefault(run_id, {})
            known.update({key: value for key, value in body.items() if value is not None})
        self._reply(connection, {})

    def _reply(self, connection: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
        content = json.dumps(payload).encode()
        connection.send_response(200)
        connection.send_header("Content-Length", str(len(content)))
        connection.end_headers()
        connection.wfile.write(content)


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    """Everything that LangSmith is told."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Traces() as traces:
        yield traces


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


def research(messages: list[BaseMessage]) -> Any:
    if isinstance(messages[-1], ToolMessage):
        return "It has eight arms."
    return AIMessage("", tool_calls=[{"name": "lookup", "args": {"word": "arm"}, "id": "call_1"}])


def names(runs: list[dict[str, Any]]) -> list[str]:
    return [run["name"] for run in runs]


def test_a_run_is_one_trace_with_a_child_for_each_participant(run, traces):
    def publish(view: View) -> str:
        return view.last_text

    graph = create_sequential(
        [
            Agent("researcher", "Look.", model=ScriptedModel(research), tools=[lookup]),
            Agent("writer", "Write.", model=ScriptedModel(["Eight."])),
            publish,
        ]
    )
    with traces.listening():
        run(graph.compile(name="article"), "octopus")

    (root,) = traces.roots
    children = traces.children(root)
    assert root["name"] == "article"
    assert names(children) == ["intake", "researcher", "writer", "publish"]
    models = {c["name"]: [r for r in traces.below(c) if r["run_type"] == "llm"] for c in children}
    assert {name: len(runs) for name, runs in models.items()} == {
        "intake": 0,
        "researcher": 2,
        "writer": 1,
        "publish": 0,
    }
    tools = [r for child in children for r in traces.below(child) if r["run_type"] == "tool"]
    assert names(tools) == ["lookup"]
    assert all(r.get("end_time") for r in (root, *traces.below(root)))


def test_members_of_a_team_stand_below_their_team(run, traces):
    team = create_concurrent(
        [
            Agent("left", "Left.", model=ScriptedModel(["l"])),
            Agent("right", "Right.", model=ScriptedModel(["r"])),
        ]
    ).compile(name="team")
    with traces.listening():
        run(create_sequential([team]).compile(), "octopus")

    (root,) = traces.roots
    (team_run,) = (child for child in traces.children(root) if child["name"] == "team")
    below = names(traces.below(team_run))
    assert names(traces.children(root)) == ["intake", "team"]
    assert {"intake", "left", "right", "join", "aggregate"} <= set(below)


def test_each_attempt_of_a_failing_participant_is_traced_with_its_error(run, traces):
    model = ScriptedModel([ConnectionError("the line is dead"), "Eight."])
    policy = Policy(retry=RetryPolicy(initial_interval=0.001, jitter=False))
    writer = Agent("writer", "Write.", model=model, policy=policy)
    with traces.listening():
        run(create_sequential([writer]).compile(), "octopus")

    (root,) = traces.roots
    errors = [run.get("error") or "" for run in traces.below(root) if run["run_type"] == "llm"]
    assert ["the line is dead" in error for error in errors] == [True, False]
    assert not root.get("error")
