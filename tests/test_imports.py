"""Imports point one way, name what is public, and what is imported is declared."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = "langgraph_orchestra"
FOLDERS: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]

NODES = {"nodes", "nodes.handoff", "nodes.magentic", "nodes.supervisor"}
REPORTS = {"reports", "reports.pictures", "reports.page"}

MAY_IMPORT = {
    "state": set[str](),
    "models": {"state"},
    "nodes": {"state", "models", *NODES},
    "nodes.handoff": {"state", "models", *NODES},
    "nodes.supervisor": {"state", "models", *NODES},
    "nodes.magentic": {"state", "models", *NODES},
    "graphs": {"state", "models", *NODES},
    "graphs.templates": {"state", "models", *NODES, "graphs"},
    "checkpoints": {"state"},
    "reports": {"state", *REPORTS},
    "reports.pictures": {"state", *REPORTS},
    "reports.page": {"state", *REPORTS},
    "cli": {"state", "models", *NODES, "graphs", "graphs.templates", "checkpoints", *REPORTS},
    "cli.starters": {"state", "models", "nodes", "graphs"},
}
"""state <- models <- nodes <- graphs <- graphs.templates <- cli; checkpoints and reports stand
beside them, each on state alone."""


class Import(NamedTuple):
    """One name that a module imports, wherever in the module it does so."""

    line: int
    name: str


def imports_of(source: str, package: str) -> Iterator[Import]:
    """Every import of a module, those within functions and by `import_module("...")` too."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (Import(node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                start = ".".join([*base, *([module] if module else [])])
                yield from (Import(node.lineno, f"{start}.{alias.name}") for alias in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(node.lineno, name)


def package_of(name: str) -> str | None:
    """Which of our packages a dotted name is in, without `langgraph_orchestra.`; None if none."""
    inside = name.removeprefix(f"{OURS}.")
    if inside == name:
        return None
    return max((p for p in MAY_IMPORT if f"{inside}.".startswith(f"{p}.")), key=len, default=inside)


def wrong_imports(source: str, package: str) -> list[str]:
    """What a module of a package imports and should not."""
    own = package.removeprefix(f"{OURS}.")
    allowed = MAY_IMPORT[own] | {own}
    return [
        f"line {found.line}: `{own}` must not import `{found.name}`"
        for found in imports_of(source, package)
        if (target := package_of(found.name)) is not None and target not in allowed
    ]


def private_imports(source: str, package: str) -> list[str]:
    """What a module imports from LangGraph or LangChain that is theirs alone."""
    return [
        f"line {found.line}: `{found.name}` is private"
        for found in imports_of(source, package)
        if found.name.startswith(("langgraph", "langchain"))
        and any(part.startswith("_") for part in found.name.split("."))
    ]


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).glob("*.py")):
            yield package, path


def test_every_package_has_its_place_in_the_order() -> None:
    assert {package.removeprefix(f"{OURS}.") for package in FOLDERS} == set(MAY_IMPORT)


def test_imports_point_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}, {message}"
        for package, path in modules()
        for message in wrong_imports(path.read_text(), package)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("state", f"import {OURS}.nodes"),
        ("state", f"from {OURS} import models"),
        ("models", f"from {OURS}.nodes.agent import Agent"),
        ("nodes", f"def late():\n    from {OURS}.graphs import create_sequential"),
        ("graphs", f"from {OURS}.graphs.templates import article"),
        ("graphs", f"from {OURS}.graphs import templates"),
        ("graphs", f"import importlib\nimportlib.import_module('{OURS}.cli')"),
        ("graphs", "from .templates import article"),
        ("graphs.templates", "from ...cli import main"),
        ("graphs.templates", f"from {OURS}.checkpoints import open_checkpointer"),
        ("checkpoints", f"from {OURS}.models import resolve_model"),
        ("checkpoints", "from ..nodes import Agent"),
        ("reports", f"from {OURS}.nodes import View"),
        ("reports.page", f"from {OURS}.graphs import create_sequential"),
        ("cli", f"from {OURS}.somewhere import anything"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(package: str, source: str) -> None:
    assert len(wrong_imports(source, f"{OURS}.{package}")) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("nodes", f"from {OURS}.nodes.agent import Agent"),
        ("nodes", f"from {OURS} import state"),
        ("nodes", "from .agent import Agent"),
        ("graphs.templates", "from .. import create_sequential"),
        ("cli", f"from {OURS}.graphs.templates import article"),
        ("state", "import langgraph_orchestra_extras.nodes"),
    ],
)
def test_an_import_in_the_right_direction_is_not_taken_for_a_wrong_one(
    package: str, source: str
) -> None:
    assert wrong_imports(source, f"{OURS}.{package}") == []


def test_nothing_private_is_imported_from_langgraph_or_langchain() -> None:
    tests = ((f"{OURS}.tests", path) for path in sorted((ROOT / "tests").rglob("*.py")))
    private = [
        f"{path.relative_to(ROOT)}, {message}"
        for package, path in [*modules(), *tests]
        for message in private_imports(path.read_text(), package)
    ]
    assert private == []


@pytest.mark.parametrize(
    "source",
    [
        "from langgraph._internal._config import ensure_config",
        "from langgraph.graph.state import _get_channel",
        "import langchain_core._api",
        "def late():\n    from langgraph.pregel._loop import PregelLoop",
    ],
)
def test_a_private_import_is_found(source: str) -> None:
    assert len(private_imports(source, f"{OURS}.nodes")) == 1


def test_what_is_imported_is_declared_as_a_dependency() -> None:
    project = PROJECT["project"]
    requirements = sum(project["optional-dependencies"].values(), project["dependencies"])
    declared = {canonical(requirement) for requirement in requirements}
    providers = packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)}: {found.name}"
        for package, path in modules()
        for found in imports_of(path.read_text(), package)
        if (top := found.name.partition(".")[0]) != OURS
        and top not in sys.stdlib_module_names
        and not declared & {canonical(provider) for provider in providers.get(top, [])}
    }
    assert undeclared == set()


def canonical(requirement: str) -> str:
    """Name of a distribution, from a requirement such as `Ruff_lsp[extra]>=1`."""
    name = requirement.partition(";")[0].strip()
    for separator in "[<>=!~ ":
        name = name.partition(separator)[0]
    return name.lower().replace("_", "-").replace(".", "-")


def test_graphs_can_be_imported_without_loading_langchain_agents() -> None:
    script = "import sys, langgraph_orchestra.graphs; print('langchain.agents' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "False", done.stderr
