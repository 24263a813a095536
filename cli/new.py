"""A project of the user's own: a graph to change, a test of it, and what serves it in Studio."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from langgraph_orchestra.cli.errors import CommandError

__all__ = ["STARTERS", "begin_project"]

STARTERS = (
    "sequential",
    "concurrent",
    "map_reduce",
    "group_chat",
    "maker_checker",
    "handoff",
    "magentic",
    "supervisor",
)
"""Patterns that a project may begin with."""

_PACKAGE = "langgraph_orchestra.cli.starters"


def begin_project(folder: Path, pattern: str) -> list[Path]:
    """Write a small project that runs, is tested, and can be served.

    Args:
        folder: Where; it is made, and must be empty if it is there. Its name is the project's.
        pattern: One of `STARTERS`.

    Returns:
        The files, in the order in which to read them.

    Raises:
        CommandError: The pattern is unknown, or the folder cannot be used.
    """
    if pattern not in STARTERS:
        raise CommandError(f"unknown pattern `{pattern}`; there are {', '.join(STARTERS)}")
    name = folder.resolve().name
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", name):
        raise CommandError(
            f"a project cannot be called `{name}`: take letters, digits, `_` and `-`, and begin "
            f"with a letter"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(f"`{folder}` is there already, and not empty; name another folder")
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    written = []
    for path, text in _contents(name, pattern).items():
        (folder / path).write_text(text, encoding="utf-8")
        written.append(folder / path)
    return written


def _contents(name: str, pattern: str) -> Mapping[str, str]:
    """What stands in which file."""
    graph, test = _source(pattern), _source(f"{pattern}_test")
    own = {"name": name, "pattern": pattern}
    return {
        "graph.py": graph,
        "tests/test_graph.py": test.replace(f"{_PACKAGE}.{pattern}", "graph"),
        "README.md": Template(_README).substitute(own),
        "langgraph.json": Template(_LANGGRAPH).substitute(own),
        "pyproject.toml": Template(_PYPROJECT).substitute(own),
        ".env": _ENVIRONMENT,
        ".gitignore": _IGNORED,
    }


def _source(module: str) -> str:
    return (files(_PACKAGE) / f"{module}.py").read_text(encoding="utf-8")


_README = """\
# $name

A `$pattern` orchestration with langgraph-orchestra. Who takes part, with which prompts and
limits, stands in `graph.py`.

    pip install -e ".[dev]"
    pytest                # the graph with a scripted model: no key, no network
    langgraph dev         # Studio, with the model named in `.env`
"""

_LANGGRAPH = """\
{
  "dependencies": ["."],
  "graphs": {"$name": "./graph.py:graph"},
  "env": ".env"
}
"""

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$name"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["langgraph-orchestra"]

[project.optional-dependencies]
dev = ["pytest", "langgraph-cli[inmem]"]

[tool.setuptools]
py-modules = ["graph"]

[tool.pytest.ini_options]
pythonpath = ["."]
testpaths = ["tests"]
"""

_ENVIRONMENT = """\
# The model of every agent that names none, as provider:name, and its key.
# ORCHESTRA_MODEL=openai:gpt-5-mini
# OPENAI_API_KEY=

# Or a server that speaks OpenAI's protocol, such as a local one.
# OPENAI_BASE_URL=http://localhost:11434/v1
"""

_IGNORED = """\
.env
.venv/
__pycache__/
*.egg-info/
*.db
.langgraph_api/
"""
