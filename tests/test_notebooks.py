"""The notebooks run as they stand, and what is kept of them is what running them gives."""

import json
import re

import nbformat
import pytest

from langgraph_orchestra import graphs
from support.notebooks import FOLDER, NOTEBOOKS, code_cells, executed, normalised, printed, read
from support.openai_server import Answer, OpenAIServer

PATTERNS = {name.removeprefix("create_") for name in graphs.__all__ if name.startswith("create_")}
SUBJECTS = {"bring_your_own_agents", "compare_patterns", "human_in_the_loop", "time_travel"}

SECRETS = {
    "a path of a machine": r"(?<![\w.:/])/(?:home|root|tmp|usr|var|work|private|Users)/|[A-Z]:\\\\",
    "an address in memory": r"\b0x[0-9a-f]{6,}\b",
    "a key": r"\b(?:sk|lsv2|ghp|xox[bp])[-_][A-Za-z0-9_-]{8,}",
    "a host of packages": r"pypi|pythonhosted|conda|artifactory|nexus",
}
MOST_BYTES = 60_000 * 4 // 3
"""Of a picture, in the letters that it is written in."""

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_notebook_for_each_pattern_and_each_subject():
    assert {path.stem for path in NOTEBOOKS} == PATTERNS | SUBJECTS


@each_notebook
def test_a_notebook_runs_offline_and_gives_what_is_kept_of_it(path, tmp_path):
    ran = executed(path, tmp_path)
    kept = read(path)
    assert [printed(cell) for cell in code_cells(ran)] == [
        printed(cell) for cell in code_cells(kept)
    ]
    assert "stderr: " not in "".join(map(printed, code_cells(ran)))


@each_notebook
def test_a_notebook_is_read_with_its_pictures_and_without_a_machine_of_its_own(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook == normalised(read(path), kept=notebook)
    pictures = re.findall(r'"image/png": "([^"]*)"', path.read_text())
    assert pictures
    assert max(map(len, pictures)) < MOST_BYTES
    numbers = [cell.execution_count for cell in code_cells(notebook)]
    assert numbers == list(range(1, len(numbers) + 1))


@each_notebook
@pytest.mark.parametrize("secret", SECRETS)
def test_a_notebook_tells_nothing_of_where_it_ran(path, secret):
    text = re.sub(r'"image/png": "[^"]*"', "", json.dumps(read(path)))
    assert not re.search(SECRETS[secret], text)


@each_notebook
def test_the_links_of_a_notebook_lead_to_notebooks_and_pages(path):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        assert (path.parent / link).is_file(), link


@each_notebook
def test_a_notebook_takes_the_model_of_one_variable(path):
    assert 'os.environ.get("ORCHESTRA_MODEL")' in "".join(cell.source for cell in read(path).cells)


def test_with_the_variable_set_a_model_answers_in_place_of_the_stand_ins(tmp_path):
    with OpenAIServer(lambda _: Answer("It was a dark and stormy night.")) as server:
        model = {**server.environment, "ORCHESTRA_MODEL": "openai:any"}
        ran = executed(FOLDER / "time_travel.ipynb", tmp_path, model)
    text = "".join(map(printed, code_cells(ran)))
    assert "anna   It was a dark and stormy night." in text
    assert "dragon" not in text
