"""Ways to give the command: in this process, in one of its own, and at a terminal."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from langgraph_orchestra.cli.app import app
from langgraph_orchestra.graphs import templates

from .pseudo_terminal import PseudoTerminal
from .stage import TEMPLATES

STAGE = [sys.executable, str(Path(__file__).with_name("stage.py"))]
TESTS = Path(__file__).parents[1]

Orchestra = Callable[..., Result]
Process = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a folder of its own, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    for name in ("FORCE_COLOR", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def orchestra_as_shipped() -> Orchestra:
    """The command with the templates that come with it."""

    def give(*words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, words, input=stdin, catch_exceptions=False)

    return give


@pytest.fixture
def orchestra(orchestra_as_shipped: Orchestra, monkeypatch: pytest.MonkeyPatch) -> Orchestra:
    """The command with the templates of these tests."""
    monkeypatch.setattr(templates, "TEMPLATES", TEMPLATES)
    return orchestra_as_shipped


@pytest.fixture
def process() -> Process:
    """The command in a process of its own, run to its end."""

    def give(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        settings: dict[str, Any] = {
            "stdin": None if "input" in options else subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        return subprocess.run([*STAGE, *words], text=True, timeout=60, check=False, **settings)

    return give


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """The command in a process of its own that goes on."""
    with ExitStack() as stack:

        def give(*words: str) -> subprocess.Popen[str]:
            running = subprocess.Popen(
                [*STAGE, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(running)
            stack.callback(running.kill)
            return running

        yield give


@pytest.fixture
def terminal() -> Iterator[Callable[..., PseudoTerminal]]:
    """The command at a terminal of 80 columns."""
    with ExitStack() as stack:

        def give(*words: str, columns: int = 80, **options: Any) -> PseudoTerminal:
            environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), **options}
            return stack.enter_context(PseudoTerminal([*STAGE, *words], environment, columns))

        yield give
