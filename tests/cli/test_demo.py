"""`orchestra demo`: the templates at work, offline."""

from dataclasses import replace

import pytest

from langgraph_orchestra.graphs import templates

from .stage import TEMPLATES


@pytest.fixture
def shown(orchestra, monkeypatch: pytest.MonkeyPatch):
    """The demo of a few templates of these tests."""

    def show(*names: str, words=()):
        chosen = {name: TEMPLATES[name] for name in names}
        monkeypatch.setattr(templates, "TEMPLATES", chosen)
        return orchestra("demo", *words)

    return show


def table_of(done) -> list[list[str]]:
    """The rows of the table at the end, up to the thread and after it."""
    _, *rows = done.stdout.partition("\n\n")[0].splitlines()
    return [row.split() for row in rows]


def test_everything_that_is_shipped_runs_without_a_model(orchestra_as_shipped, monkeypatch):
    monkeypatch.setenv("ORCHESTRA_MODEL", "openai:gpt-5-mini")
    done = orchestra_as_shipped("demo")
    assert done.exit_code == 0, done.output
    assert [row[0] for row in table_of(done)] == list(templates.TEMPLATES)
    for template in templates.TEMPLATES.values():
        assert " ".join(template.offline.split()) in " ".join(done.stderr.split())


def test_each_run_is_saved_and_stands_in_the_table(shown, orchestra):
    done = shown("article", "nested")
    [article, nested] = table_of(done)
    assert article[:2] == ["article", "sequential"]
    assert article[3:5] == ["completed", "2"]
    assert "A [bold] text." in orchestra("show", article[2]).stdout
    assert "Closed." in orchestra("show", nested[2]).stdout
    assert f"orchestra show {article[2]}" in done.stdout


def test_a_pattern_means_all_its_templates(shown):
    done = shown("article", "panel", "choir", "letter", words=["sequential"])
    assert [row[0] for row in table_of(done)] == ["article", "letter"]


def test_a_template_means_itself(shown):
    assert [row[0] for row in table_of(shown("article", "letter", words=["letter"]))] == ["letter"]


def test_an_unknown_name_is_refused_with_templates_and_patterns(shown):
    done = shown("article", "panel", words=["concurrnt"])
    assert done.exit_code == 2
    assert "did you mean `concurrent`? There are sequential, concurrent, article" in done.stderr


def test_a_template_that_needs_a_person_is_left_waiting(shown):
    done = shown("reviewed")
    [[_, _, thread, stop, *_]] = table_of(done)
    assert (done.exit_code, stop) == (0, "waiting")
    assert f"orchestra resume {thread}" in done.stdout
    assert "boss is asked\n  Approve, edit or reject the draft of writer." in done.stderr


def test_a_person_is_answered_as_the_template_says_and_that_is_shown(orchestra, monkeypatch):
    helpline = replace(TEMPLATES["helpline"], answers=("number 7", ""))
    monkeypatch.setattr(templates, "TEMPLATES", {"helpline": helpline})
    done = orchestra("demo")
    [[_, _, _, stop, *_]] = table_of(done)
    assert (done.exit_code, stop) == (0, "completed")
    assert "People's answers come with the template, too." in done.stderr
    assert "customer is asked\n  Your answer is needed.\n\n  Which [invoice]?\n" in done.stderr
    assert "\n  > number 7\n" in done.stderr
    assert "\n  > (blank)\n" in done.stderr


def test_nothing_is_said_of_answers_where_the_template_has_none(shown):
    assert "People's answers" not in shown("reviewed").stderr


SIX_PATTERNS = {
    "sequential": ("article", "letter", "nested"),
    "concurrent": ("panel", "houses"),
    "map_reduce": ("items",),
    "group_chat": ("chosen", "observed", "led", "misled"),
    "maker_checker": ("reviewed",),
    "handoff": ("helpline", "endless", "crossed"),
}
"""Fourteen templates, some of which wait for a person."""


def test_fourteen_templates_of_six_patterns_stand_in_a_line_each(orchestra, monkeypatch):
    chosen = {
        name: replace(TEMPLATES[name], pattern=pattern)
        for pattern, names in SIX_PATTERNS.items()
        for name in names
    }
    monkeypatch.setattr(templates, "TEMPLATES", chosen)
    listed = orchestra("list").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [
        [name, pattern] for pattern, names in SIX_PATTERNS.items() for name in names
    ]
    done = orchestra("demo")
    assert done.exit_code == 0
    assert [row[0] for row in table_of(done)] == list(chosen)
    assert max(map(len, done.stdout.splitlines())) <= 80
    for pattern, names in SIX_PATTERNS.items():
        done = orchestra("demo", pattern)
        assert [row[0] for row in table_of(done)] == list(names)


@pytest.mark.parametrize("name", ["chosen", "observed", "helpline", "endless", "houses"])
def test_the_graph_of_a_conversation_is_drawn_with_who_is_asked(orchestra, name):
    person = {"chosen": "chooser", "observed": "coach", "endless": "boss", "houses": "boss"}
    done = orchestra("draw", name, "--xray")
    assert done.exit_code == 0
    assert person.get(name, "customer") in done.stdout


@pytest.mark.parametrize("failing", ["unlucky", "hopeless"])
def test_the_others_run_though_one_fails_but_the_exit_code_says_so(shown, failing):
    done = shown(failing, "article")
    assert done.exit_code == 1
    assert [row[3] for row in table_of(done)] == ["failed", "completed"]


def test_runs_are_saved_where_it_is_told_to(shown, orchestra, workplace):
    done = shown("article", words=["--db", "sqlite:///elsewhere.db"])
    assert [path.name for path in workplace.glob("*.db")] == ["elsewhere.db"]
    assert "--db sqlite:///elsewhere.db" in done.stdout
