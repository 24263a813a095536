"""The development server behind LangGraph Studio, started for real on a free port of this machine.

with StudioServer(folder, {"quick": "support.studio_graphs:quick"}) as server:
    get_client(url=server.url)
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.ports import free_port

__all__ = ["TEMPLATE_GRAPHS", "StudioServer"]

TESTS = Path(__file__).parents[1]

TEMPLATE_GRAPHS: Mapping[str, Any] = json.loads((TESTS.parent / "langgraph.json").read_text())[
    "graphs"
]
"""The graphs that the repository offers to the server."""

DEADLINE = 60.0
"""Seconds that the server may take to start; it takes about two."""

SETTINGS = ("OPENAI_", "ORCHESTRA_", "LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")
"""How the variables begin by which a developer's own settings would reach the server."""


class StudioServer:
    """`langgraph dev`, running inside `with`; offline, and without any key.

    Args:
        folder: Where it runs, and leaves what it saves.
        graphs: Its graphs, as `langgraph.json` names them.
        environment: Variables for it, besides those of this process.
        settings: More of `langgraph.json`.
    """

    def __init__(
        self,
        folder: Path,
        graphs: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._folder = folder
        self._config = {"dependencies": ["."], "graphs": dict(graphs), **(settings or {})}
        self._environment = {**_clean_environment(), **(environment or {})}
        self._port = free_port()

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> Self:
        (self._folder / "langgraph.json").write_text(json.dumps(self._config))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(str(Path(sys.executable).with_name("langgraph")), "dev"),
                    *("--no-browser", "--no-reload", "--port", str(self._port)),
                    *("--n-jobs-per-worker", "10"),
                ],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _wait_until_ready(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                opener.open(f"{self.url}/ok", timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"`langgraph dev` did not start:\n{self.log}")

    def _end(self) -> None:
        """End the server and whatever it has started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _clean_environment() -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
    paths = [str(TESTS), *filter(None, [inherited.get("PYTHONPATH")])]
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(paths),
        "LANGSMITH_TRACING": "false",
        "NO_PROXY": "127.0.0.1",
    }
