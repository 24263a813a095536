"""Maker-checkers of real OpenAI clients against a server on loopback."""

import pytest
from langchain_core.tools import tool

from langgraph_orchestra.graphs import create_maker_checker
from langgraph_orchestra.nodes import Agent
from langgraph_orchestra.state import DecisionError
from support.openai_server import Answer, Structured, ToolCall
from support.results import ended, usage
from support.verdicts import YES, no

MODEL = "openai:some-model"

WRITER = Agent("writer", "Write.", model=MODEL)
BOSS = Agent("boss", "Check.", model=MODEL)

CUT = {"approved": False, "feedback": "Cut.", "score": 4}
FINE = {"approved": True, "feedback": "", "score": None}


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


def test_drafts_and_verdicts_are_sent_as_they_are_read(run, serve, saver):
    replies = [Answer("long"), Structured(CUT), Answer("short"), Structured(FINE)]
    with serve(*replies) as server:
        app = create_maker_checker(WRITER, BOSS).compile(checkpointer=saver)
        result = run(app, "the brief", thread="1")

    assert ended(result) == ("short", "approved")
    assert result["verdicts"] == [{"boss": no("Cut.", 4)}, {"boss": YES}]
    system, task = {"role": "system", "content": "Check."}, {"role": "user", "content": "the brief"}
    sent = [request.body["messages"] for request in server.requests]
    assert sent[1] == [
        system,
        task,
        {"role": "user", "name": "writer", "content": "writer: long"},
    ]
    assert sent[2][1:] == [
        task,
        {"role": "assistant", "name": "writer", "content": "long"},
        {"role": "user", "name": "boss", "content": "boss: Cut."},
    ]
    asked = server.requests[1].body["response_format"]["json_schema"]
    assert (asked["name"], asked["strict"]) == ("Verdict", True)
    assert asked["schema"]["required"] == ["approved", "feedback", "score"]
    assert usage(result) == 15 * 4


BAD = {"approved": "false", "feedback": ""}


def test_a_verdict_that_does_not_fit_is_asked_for_again(run, serve):
    with serve(Answer("a"), Structured(BAD), Structured(FINE)) as server:
        result = run(create_maker_checker(WRITER, BOSS).compile())
    assert ended(result) == ("a", "approved")
    assert "`approved`" in server.requests[2].body["messages"][-1]["content"]


def test_three_verdicts_that_do_not_fit_are_an_error(run, serve):
    app = create_maker_checker(WRITER, BOSS).compile()
    with serve(Answer("a"), *[Structured(BAD)] * 3), pytest.raises(DecisionError, match="approved"):
        run(app)


def test_a_checker_with_tools_looks_things_up_and_gives_its_verdict(run, serve):
    boss = Agent("boss", "Check.", model=MODEL, tools=[lookup])
    call = Answer(tool_calls=(ToolCall("lookup", {"word": "arm"}, id="call_1"),))
    app = create_maker_checker(WRITER, boss).compile()
    with serve(Answer("a"), call, Structured(CUT), Answer("b"), Structured(FINE)) as server:
        result = run(app)

    assert ended(result) == ("b", "approved")
    assert result["verdicts"] == [{"boss": no("Cut.", 4)}, {"boss": YES}]
    assert len(server.requests) == 5
    said = [(m.type, m.text) for m in result["messages"][1:]]
    assert said == [("ai", "a"), ("ai", ""), ("tool", "arm: found"), ("ai", "Cut."), ("ai", "b")]


def test_a_plain_text_checker_is_sent_no_schema(run, serve):
    app = create_maker_checker(WRITER, BOSS, approve_on="APPROVED").compile()
    with serve(Answer("a"), Answer("Cut."), Answer("b"), Answer("**APPROVED**")) as server:
        assert ended(run(app)) == ("b", "approved")
    assert all("response_format" not in request.body for request in server.requests)
