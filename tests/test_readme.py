"""The README's code runs as printed: every Python block, in order, in an empty folder."""

import re
from pathlib import Path

import pytest

from support.openai_server import Answer, OpenAIServer
from support.printed import blocks_in, run_block

README = Path(__file__).parents[1] / "README.md"
BLOCKS = blocks_in(README)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block-{n}" for n in range(1, len(BLOCKS) + 1)])
def test_each_code_block_runs_and_prints_what_it_says(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with OpenAIServer(lambda _: Answer("Octopuses have three hearts.")) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        run_block(block, "README.md")
    printed = capsys.readouterr().out
    for promised in re.findall(r"print\([^\n]*\)  # ([^\n:]*?)\n", block):
        assert promised in printed
    for promised in re.findall(r"^# ([A-Z .]+)$", block, flags=re.MULTILINE):
        assert promised in printed


def test_the_first_block_ends_with_an_approved_article(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with OpenAIServer(lambda _: Answer("Octopuses have three hearts.")) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        run_block(BLOCKS[0], "README.md")
    lines = capsys.readouterr().out.splitlines()
    assert "Approves what goes out." in lines[0]
    assert "completed" in lines
    assert "3 editor ok 0 0" in lines
