"""A model in place of the stand-ins, over a local server."""

import json

import pytest

from support.openai_server import Answer, OpenAIServer, server_error

MODEL = "openai:some-model"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch):
    """A server of the given answers, which the environment leads to."""

    def start(*replies):
        server = OpenAIServer(replies)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        return server

    return start


def test_a_model_takes_the_place_of_all_stand_ins(orchestra, serve):
    with serve(Answer("From the model."), Answer("Edited by the model.")) as server:
        done = orchestra("run", "article", "x", "--model", MODEL)
    assert done.stdout == "Edited by the model.\n"
    assert {request.body["model"] for request in server.requests} == {"some-model"}
    assert "stand-ins" not in done.stderr


def test_the_model_of_the_environment_is_used_too(orchestra, serve, monkeypatch):
    monkeypatch.setenv("ORCHESTRA_MODEL", MODEL)
    with serve(Answer("one"), Answer("two")):
        assert orchestra("run", "article", "x").stdout == "two\n"


def test_a_thread_goes_on_with_the_model_it_was_begun_with(orchestra, serve):
    with serve(Answer("first draft"), Answer("second draft")) as server:
        orchestra("run", "reviewed", "x", "--thread", "t", "--model", MODEL)
        done = orchestra("resume", "t", "--answer", "again, please", "--answer", "approve")
    assert done.stdout == "second draft\n"
    assert len(server.requests) == 2


def test_a_run_whose_model_failed_goes_on_with_another(orchestra, serve):
    with serve(*[server_error()] * 20):
        failed = orchestra("run", "article", "x", "--thread", "t", "--model", MODEL)
    assert failed.exit_code == 1
    assert "the run failed in `writer`: " in failed.stderr
    assert "500" in failed.stderr
    with serve(Answer("one"), Answer("two")) as server:
        done = orchestra("resume", "t", "--model", "openai:another")
    assert done.stdout == "two\n"
    assert {request.body["model"] for request in server.requests} == {"another"}


def test_tokens_of_the_model_are_counted(orchestra, serve):
    with serve(Answer("one"), Answer("two")):
        done = orchestra("run", "article", "x", "--model", MODEL, "--json")
    trail = json.loads(done.stdout)["trail"]
    assert [turn["model"] for turn in trail] == ["some-model"] * 2
    assert all(turn["input_tokens"] > 0 for turn in trail)
