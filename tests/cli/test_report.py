"""`orchestra report`: a thread as a page."""

from pathlib import Path

from support.pages import Page


def test_a_thread_becomes_a_page_with_its_graph(orchestra, workplace: Path):
    orchestra("run", "nested", "Write about <b>octopuses</b>", "--thread", "t")
    done = orchestra("report", "t", "-o", "run.html")
    assert (done.exit_code, done.stdout) == (0, "")
    page = Page((workplace / "run.html").read_text(encoding="utf-8"))
    assert "nested · thread t" in page.text
    assert "team" in page.texts["graph"]
    assert "Write about <b>octopuses</b>" in page.texts["transcript"]


def test_without_a_file_the_page_goes_to_standard_output(orchestra):
    orchestra("run", "article", "Write", "--thread", "t")
    done = orchestra("report", "t")
    assert done.stdout.startswith("<!doctype html>")


def test_what_a_person_is_asked_stands_on_the_page(orchestra):
    orchestra("run", "reviewed", "Write", "--thread", "t")
    page = Page(orchestra("report", "t").stdout)
    assert "waiting for a person" in page.text
    assert page.texts["waiting"]


def test_a_thread_that_is_not_there_is_named(orchestra):
    orchestra("run", "article", "Write", "--thread", "t")
    done = orchestra("report", "other", "-o", "run.html")
    assert done.exit_code == 2
    assert "there is no thread `other`" in done.stderr
    assert not Path("run.html").exists()


def test_a_folder_that_is_not_there_is_named(orchestra):
    orchestra("run", "article", "Write", "--thread", "t")
    done = orchestra("report", "t", "-o", "nowhere/run.html")
    assert done.exit_code == 2
    assert "nowhere/run.html" in done.stderr
