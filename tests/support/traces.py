"""A stand-in for LangSmith: a server on loopback that keeps what its real client posts.

with Traces() as traces:
    with traces.listening():
        graph.compile().invoke(...)
    (root,) = traces.roots
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith import Client, tracing_context

__all__ = ["Traces"]


class Traces:
    """A server that keeps the runs posted to it, inside `with`."""

    def __init__(self) -> None:
        self.posts: Counter[tuple[str, str]] = Counter()
        """How often each run was posted and patched, by method and id."""

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
    def client(self) -> Iterator[Client]:
        """LangSmith's client; at the end, wait until all that it was given has arrived."""
        host, port = self._server.server_address[:2]
        client = Client(
            api_url=f"http://{host!s}:{port}", api_key="x", auto_batch_tracing=False, info={}
        )
        yield client
        wait_for_all_tracers()
        client.flush()
        client.session.close()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Trace what happens inside."""
        with self.client() as client, tracing_context(enabled=True, client=client):
            yield

    @property
    def roots(self) -> list[dict[str, Any]]:
        """The runs that stand for a whole trace."""
        return [run for run in self._runs.values() if not run.get("parent_run_id")]

    def children(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The runs right below another, in the order they began."""
        found = (r for r in self._runs.values() if r.get("parent_run_id") == run["id"])
        return sorted(found, key=lambda child: str(child["dotted_order"]))

    def all_of(self, name: str) -> list[dict[str, Any]]:
        """The runs of this name, in the order they began."""
        found = (run for run in self._runs.values() if run["name"] == name)
        return sorted(found, key=lambda run: str(run["dotted_order"]))

    def of(self, name: str) -> dict[str, Any]:
        """The one run of this name."""
        (found,) = self.all_of(name)
        return found

    def tree(self, run: dict[str, Any], *types: str) -> dict[str, Any]:
        """Names of what is below a run, each with what is below it; of these types only."""
        kept = [child for child in self.children(run) if child["run_type"] in types]
        return {child["name"]: self.tree(child, *types) for child in kept}

    def below(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """All runs below another."""
        return [r for child in self.children(run) for r in (child, *self.below(child))]

    def _keep(self, connection: BaseHTTPRequestHandler) -> None:
        body = json.loads(connection.rfile.read(int(connection.headers["Content-Length"])))
        run_id = body.get("id") or connection.path.rpartition("/")[2]
        with self._lock:
            self.posts[connection.command, run_id] += 1
            known = self._runs.setdefault(run_id, {})
            known.update({key: value for key, value in body.items() if value is not None})
        self._reply(connection, {})

    def _reply(self, connection: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
        content = json.dumps(payload).encode()
        connection.send_response(200)
        connection.send_header("Content-Length", str(len(content)))
        connection.end_headers()
        connection.wfile.write(content)
