"""What users install: the wheel holds all of the packages and nothing else, and works elsewhere."""

import os
import shutil
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]

TOPS = {folder.partition("/")[0] for folder in FOLDERS.values()}

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command away from this checkout and its import path; give what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing left over in `build` gets in."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in TOPS | {"tests"}:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", cwd=source)
    [built] = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that has the wheel, and our dependencies without our checkout.

    The dependencies are those of this environment, lent by a `.pth` file: that saves downloading
    them, and tests use no network. That all of them are declared is checked in `test_imports`.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = str(programs / "python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", script, cwd=folder).strip())
    (packages / "lent.pth").write_text("\n".join(site.getsitepackages()))
    return programs


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    expected = {
        f"langgraph_orchestra/{path.relative_to(ROOT).as_posix()}"
        for top in TOPS
        for path in (ROOT / top).rglob("[!.]*.*")
        if path.is_file() and path.suffix != ".pyc"
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_every_package_of_the_wheel_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"{package.replace('.', '/')}/py.typed" for package in FOLDERS} <= names


def test_every_folder_with_modules_is_one_of_the_packages() -> None:
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for top in TOPS
        for path in (ROOT / top).rglob("*.py")
    }
    assert folders == set(FOLDERS.values())


def test_every_package_can_be_imported_from_the_installed_wheel(
    installed: Path, tmp_path: Path
) -> None:
    names = ", ".join(FOLDERS)
    script = f"import {names}; print(langgraph_orchestra.state.__file__)"
    place = run(installed / "python", "-c", script, cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(installed.parent)


def test_the_installed_command_shows_its_help(installed: Path, tmp_path: Path) -> None:
    assert "demo" in run(installed / "orchestra", "--help", cwd=tmp_path)


def test_constraints_name_every_declared_dependency_and_exact_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    requirements = [
        *PROJECT["project"]["dependencies"],
        *(entry for group in PROJECT["dependency-groups"].values() for entry in group),
    ]
    names = {
        entry.partition(">")[0].partition("[")[0]
        for entry in requirements
        if isinstance(entry, str)
    }
    assert names <= set(pins)
    assert all(version[0].isdigit() for version in pins.values())
