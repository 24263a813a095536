"""The documentation is true: its code runs as printed, its site builds, its pages are complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from langgraph_orchestra import graphs
from support.openai_server import Answer, OpenAIServer
from support.printed import blocks_in, promised_by, run_block

ROOT = Path(__file__).parents[1]
PAGES = sorted(page for page in (ROOT / "docs").rglob("*.md") if blocks_in(page))
PATTERNS = [name for name in graphs.__all__ if name.startswith("create_")]


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT / "docs")) for p in PAGES])
def test_the_code_of_each_page_runs_from_top_to_bottom_and_prints_what_it_says(
    page, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with OpenAIServer(lambda _: Answer("Octopuses have three hearts.")) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for block in blocks_in(page):
            run_block(block, page.name, names)
            printed = capsys.readouterr().out
            for promised in promised_by(block):
                assert promised in printed


@pytest.mark.parametrize("factory", PATTERNS)
def test_each_pattern_has_a_page_that_runs_it(factory):
    page = ROOT / "docs/patterns" / f"{factory.removeprefix('create_')}.md"
    assert any(f"{factory}(" in block for block in blocks_in(page))


def test_the_site_builds_without_warnings_and_asks_no_other_server_for_anything(tmp_path):
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(
            r'(?:<script[^>]*src|<link[^>]*href|<img[^>]*src)="(http[^"]*)"', page.read_text()
        )
        assert loaded == []
