"""Graphs of real OpenAI clients against a server that fails, lags and breaks off."""

import asyncio
import json
import re
import time
from typing import Any

import pytest
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.errors import NodeTimeoutError
from langgraph.types import RetryPolicy
from openai import APIConnectionError, BadRequestError, InternalServerError, RateLimitError
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.nodes import Agent, Policy, first, judged
from langgraph_orchestra.state import DecisionError, NotEnoughResultsError
from support.openai_server import (
    Answer,
    Dropped,
    Failure,
    Malformed,
    Slow,
    Structured,
    ToolCall,
    Usage,
    rate_limited,
    server_error,
)

MODEL = "openai:some-model"
AT_ONCE = RetryPolicy(initial_interval=0.001, jitter=False)


class Report(BaseModel):
    """A report on an animal."""

    animal: str
    arms: int


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


@pytest.fixture
def model(monkeypatch):
    """A client that leaves retries to the graph; made when the server's address is known."""
    return lambda name="some-model": ChatOpenAI(model=name, max_retries=0, stream_usage=True)


def outcomes(result: dict[str, Any]) -> list[tuple[str, str, int]]:
    """How the turns of a run ended, and after how many attempts."""
    return [(turn.agent, turn.outcome, turn.attempts) for turn in result["trail"]]


def test_the_client_waits_as_long_as_a_rate_limit_asks_for(run, serve):
    graph = create_sequential([Agent("writer", "Write.", model=MODEL)])
    with serve(rate_limited(retry_after=0.2), Answer("done")) as server:
        began = time.monotonic()
        result = run(graph.compile())
        seconds = time.monotonic() - began

    assert seconds >= 0.2
    assert len(server.requests) == 2
    assert result["output"] == "done"
    assert outcomes(result) == [("writer", "ok", 1)]


@pytest.mark.parametrize(
    "failure",
    [rate_limited(retry_after=0.001), server_error(), Dropped(), Dropped(after=3)],
    ids=["429", "500", "dropped", "dropped-midway"],
)
@pytest.mark.parametrize("tools", [(), (lookup,)], ids=["plain", "tooled"])
def test_a_failed_attempt_is_tried_again_by_policy_and_counted(run, serve, model, failure, tools):
    with serve(failure, failure, Answer("done")) as server:
        agent = Agent(
            "writer", "Write.", model=model(), tools=list(tools), policy=Policy(retry=AT_ONCE)
        )
        result = run(create_sequential([agent]).compile())

    assert len(server.requests) == 3
    assert result["output"] == "done"
    assert outcomes(result) == [("writer", "ok", 3)]
    assert [m.text for m in result["messages"]] == ["the task", "done"]
    assert [(t.input_tokens, t.output_tokens) for t in result["trail"]] == [(10, 5)]


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (rate_limited(retry_after=0.001), RateLimitError),
        (server_error(), InternalServerError),
        (Dropped(), APIConnectionError),
        (Dropped(after=3), APIConnectionError),
        (Malformed(), json.JSONDecodeError),
    ],
    ids=["429", "500", "dropped", "dropped-midway", "malformed"],
)
def test_the_clients_own_error_surfaces_with_the_participants_name(
    run, serve, model, failure, error
):
    with serve(Answer("first"), failure) as server:
        graph = create_sequential(
            [
                Agent("writer", "Write.", model=model(), policy=Policy(retry=None)),
                Agent("editor", "Edit.", model=model(), policy=Policy(retry=None)),
            ]
        )
        with pytest.raises(error) as caught:
            run(graph.compile())

    assert len(server.requests) == 2
    assert any("`editor`" in note for note in caught.value.__notes__)


def test_malformed_json_is_not_tried_again(run, serve, model):
    with serve(Malformed(), Answer("never")) as server:
        agent = Agent("writer", "Write.", model=model(), policy=Policy(retry=AT_ONCE))
        with pytest.raises(json.JSONDecodeError):
            run(create_sequential([agent]).compile())

    assert len(server.requests) == 1


def test_a_failed_stage_alone_is_asked_again_on_resume(run, serve, saver, model):
    with serve(Answer("notes"), server_error(), Answer("text"), Answer("checked")) as server:
        app = create_sequential(
            [
                Agent("researcher", "Collect.", model=model()),
                Agent("writer", "Write.", model=model(), policy=Policy(retry=None)),
                Agent("editor", "Edit.", model=model()),
            ]
        ).compile(checkpointer=saver)
        with pytest.raises(InternalServerError):
            run(app, thread="1")
        result = run(app, None, thread="1")

    prompts = [request.body["messages"][0]["content"] for request in server.requests]
    assert prompts == ["Collect.", "Write.", "Write.", "Edit."]
    assert result["output"] == "checked"
    assert outcomes(result) == [("researcher", "ok", 1), ("writer", "ok", 1), ("editor", "ok", 1)]


def test_tokens_of_a_failed_attempt_count(run, serve, model):
    call = Answer(tool_calls=(ToolCall("lookup", {"word": "arm"}),), usage=Usage(100, 20))
    with serve(call, server_error(), Answer("done", usage=Usage(7, 3))) as server:
        agent = Agent(
            "writer", "Write.", model=model(), tools=[lookup], policy=Policy(retry=AT_ONCE)
        )
        result = run(create_sequential([agent]).compile())

    assert len(server.requests) == 3
    assert outcomes(result) == [("writer", "ok", 2)]
    assert [(t.input_tokens, t.output_tokens) for t in result["trail"]] == [(107, 23)]


def test_a_recorded_failure_keeps_the_tokens_that_were_used(run, serve, model):
    call = Answer(tool_calls=(ToolCall("lookup", {"word": "arm"}),), usage=Usage(100, 20))
    with serve(call, server_error(), Answer("done")):
        policy = Policy(retry=None, on_failure="record")
        graph = create_sequential(
            [
                Agent("researcher", "Look.", model=model(), tools=[lookup], policy=policy),
                Agent("writer", "Write.", model=model()),
            ]
        )
        result = run(graph.compile())

    assert outcomes(result) == [("researcher", "failed", 1), ("writer", "ok", 1)]
    assert [(t.input_tokens, t.output_tokens) for t in result["trail"]] == [(100, 20), (10, 5)]
    assert "Error code: 500" in result["trail"][0].detail
    assert result["stop"].reason == "completed"


def test_the_stage_after_a_recorded_failure_is_sent_the_last_good_answer(run, serve, model):
    with serve(Answer("notes"), server_error(), Answer("done")) as server:
        policy = Policy(retry=None, on_failure="record")
        graph = create_sequential(
            [
                Agent("researcher", "Collect.", model=model()),
                Agent("checker", "Check.", model=model(), policy=policy),
                Agent("writer", "Write.", model=model()),
            ]
        )
        run(graph.compile(), "the task")

    *_, request = server.requests
    assert request.body["messages"] == [
        {"role": "system", "content": "Write."},
        {"role": "user", "content": "the task"},
        {"role": "user", "name": "researcher", "content": "researcher: notes"},
    ]


@pytest.mark.parametrize("tools", [(), (lookup,)], ids=["plain", "tooled"])
def test_a_slow_answer_times_out_and_is_tried_again(run, serve, model, tools):
    policy = Policy(retry=AT_ONCE, timeout=0.4)
    with serve(Slow(30, Answer("late")), Answer("in time")) as server:
        agent = Agent("writer", "Write.", model=model(), tools=list(tools), policy=policy)
        result = run(create_sequential([agent]).compile())

    assert len(server.requests) == 2
    assert result["output"] == "in time"
    assert outcomes(result) == [("writer", "ok", 2)]
    assert [m.text for m in result["messages"]] == ["the task", "in time"]


def test_a_slow_answer_without_another_attempt_is_a_timeout_error(run, serve, model):
    with serve(Slow(30, Answer("late"))):
        policy = Policy(retry=None, timeout=0.1)
        agent = Agent("writer", "Write.", model=model(), policy=policy)
        with pytest.raises(NodeTimeoutError) as caught:
            run(create_sequential([agent]).compile())

    assert any("`writer`" in note for note in caught.value.__notes__)


def test_a_recorded_timeout_is_told_apart_from_other_failures(run, serve, model):
    policy = Policy(retry=None, timeout=0.3)
    replies = {
        "Slow.": [Slow(30, Answer("late"))],
        "Broken.": [server_error()],
        "Quick.": [Answer("here")],
    }
    with serve(by_prompt=replies):
        graph = create_concurrent(
            [
                Agent("slow", "Slow.", model=model(), policy=policy),
                Agent("broken", "Broken.", model=model(), policy=policy),
                Agent("quick", "Quick.", model=model()),
            ]
        )
        result = run(graph.compile())

    slow, broken = result["results"]["slow"].failure, result["results"]["broken"].failure
    assert (slow.type, slow.timed_out) == ("NodeTimeoutError", True)
    assert "Error code: 500" in broken.message
    assert not broken.timed_out
    assert result["output"] == "## quick\n\nhere"
    assert outcomes(result) == [
        ("slow", "timed_out", 1),
        ("broken", "failed", 1),
        ("quick", "ok", 1),
        ("aggregate", "ok", 1),
    ]


def test_a_deadline_ends_slow_branches_and_keeps_the_others(run, serve, model):
    replies = {"Slow.": [Slow(30, Answer("late"))], "Quick.": [Answer("here")]}
    with serve(by_prompt=replies):
        graph = create_concurrent(
            [Agent("slow", "Slow.", model=model()), Agent("quick", "Quick.", model=model())],
            deadline=1.0,
        )
        began = time.monotonic()
        result = run(graph.compile())
        seconds = time.monotonic() - began

    assert 1.0 <= seconds < 5
    assert result["results"]["slow"].failure.timed_out
    assert result["results"]["quick"].output == "here"
    assert result["output"] == "## quick\n\nhere"


def test_the_first_answer_wins_and_slower_requests_are_given_up(run, serve, model):
    replies = {
        "Slow.": [Slow(30, Answer("late"))],
        "Broken.": [server_error()],
        "Quick.": [Slow(0.1, Answer("here"))],
    }
    with serve(by_prompt=replies):
        graph = create_concurrent(
            [
                Agent("slow", "Slow.", model=model()),
                Agent("broken", "Broken.", model=model(), policy=Policy(retry=None)),
                Agent("quick", "Quick.", model=model()),
            ],
            aggregate=first(),
        )
        began = time.monotonic()
        result = run(graph.compile())
        seconds = time.monotonic() - began

    assert seconds < 10
    assert result["output"] == "here"
    assert outcomes(result) == [
        ("slow", "cancelled", 1),
        ("broken", "failed", 1),
        ("quick", "ok", 1),
        ("aggregate", "ok", 1),
    ]


def test_a_failing_branch_leaves_the_others_and_the_synthesis_knows(run, serve, model):
    replies = {
        "Broken.": [server_error()],
        "Fine.": [Answer("good")],
        "Combine.": [Answer("all in all")],
    }
    with serve(by_prompt=replies) as server:
        graph = create_concurrent(
            [
                Agent("broken", "Broken.", model=model(), policy=Policy(retry=None)),
                Agent("fine", "Fine.", model=model()),
            ],
            aggregate=Agent("chief", "Combine.", model=model()),
        )
        result = run(graph.compile(), "the task")

    *_, request = server.requests
    assert [m["content"] for m in request.body["messages"]] == [
        "Combine.",
        "the task",
        "fine: good",
        f"No result from broken ({result['results']['broken'].failure.type}).",
    ]
    assert result["output"] == "all in all"
    assert [name for name, r in result["results"].items() if not r.ok] == ["broken"]


def test_too_few_successes_name_every_cause(run, serve, model):
    replies = {"One.": [server_error()], "Two.": [rate_limited(0.001)], "Three.": [Answer("ok")]}
    with serve(by_prompt=replies):
        graph = create_concurrent(
            [
                Agent(name, f"{name.title()}.", model=model(), policy=Policy(retry=None))
                for name in ("one", "two", "three")
            ],
            min_results=2,
        )
        with pytest.raises(NotEnoughResultsError) as caught:
            run(graph.compile())

    assert re.search("`one`: .*Error code: 500.*`two`: .*Error code: 429", str(caught.value))
    causes = caught.value.__cause__
    assert isinstance(causes, ExceptionGroup)
    one, two = causes.exceptions
    assert isinstance(one, InternalServerError)
    assert isinstance(two, RateLimitError)


def test_a_failed_item_of_a_map_reduce_is_reported_with_its_index(run, serve, model):
    def by_item(body):
        return server_error() if "bad" in body["messages"][-1]["content"] else Answer("fine")

    with serve(by_body=by_item):
        worker = Agent("worker", "Work.", model=model(), policy=Policy(retry=AT_ONCE))
        graph = create_map_reduce(lambda view: view.task.split(), worker)
        result = run(graph.compile(), "one bad three")

    failed = [r for r in result["results"] if not r.ok]
    assert [(r.index, r.name, r.failure.attempts) for r in failed] == [(1, "worker[1]", 3)]
    assert result["output"] == "## worker[0]\n\nfine\n\n## worker[2]\n\nfine"


@pytest.mark.parametrize("tools", [(), (lookup,)], ids=["plain", "tooled"])
def test_a_second_model_answers_when_the_first_one_fails(run, serve, model, tools):
    with serve(server_error(), server_error(), Answer("from the backup")) as server:
        policy = Policy(retry=AT_ONCE._replace(max_attempts=2), fallback=model("backup"))
        agent = Agent("writer", "Write.", model=model(), tools=list(tools), policy=policy)
        result = run(create_sequential([agent]).compile(), "the task")

    assert [r.body["model"] for r in server.requests] == ["some-model", "some-model", "backup"]
    first, *_, last = server.requests
    assert last.body["messages"] == first.body["messages"]
    assert result["output"] == "from the backup"
    assert [(t.agent, t.outcome, t.model) for t in result["trail"]] == [
        ("writer", "fallback", "backup")
    ]
    assert [m.name for m in result["messages"]] == [None, "writer"]


def test_the_tokens_of_the_first_model_count_beside_those_of_the_fallback(run, serve, model):
    call = Answer(tool_calls=(ToolCall("lookup", {"word": "arm"}),), usage=Usage(100, 20))
    with serve(call, server_error(), Answer("done", usage=Usage(7, 3))):
        policy = Policy(retry=None, fallback=model("backup"))
        agent = Agent("writer", "Write.", model=model(), tools=[lookup], policy=policy)
        result = run(create_sequential([agent]).compile())

    assert [(t.input_tokens, t.output_tokens) for t in result["trail"]] == [(107, 23)]


def test_a_typed_answer_that_never_fits_is_a_decision_error_after_three_requests(run, serve):
    graph = create_sequential([Agent("analyst", "Analyse.", model=MODEL, output=Report)])
    with (
        serve(*[Structured({"animal": "octopus"})] * 3, Answer("never")) as server,
        pytest.raises(DecisionError, match="arms") as caught,
    ):
        run(graph.compile())

    assert caught.value.attempts == 3
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "text",
    [
        'Here you are: {"animal": "octopus", "arms": 8}. Anything else?',
        '```json\n{"animal": "octopus", "arms": 8}\n```',
    ],
    ids=["among-words", "in-a-fence"],
)
def test_a_server_that_ignores_the_schema_may_wrap_the_object_in_words(run, serve, text):
    graph = create_sequential([Agent("analyst", "Analyse.", model=MODEL, output=Report)])
    with serve(Answer(text)) as server:
        result = run(graph.compile())

    assert len(server.requests) == 1
    assert result["output"] == Report(animal="octopus", arms=8)


def test_a_judge_that_fails_fails_the_run_under_its_own_error(run, serve, model):
    replies = {"One.": [Answer("first")], "Done?": [Failure(400, "no such model")] * 2}
    with serve(by_prompt=replies):
        graph = create_sequential(
            [
                Agent("one", "One.", model=model(), policy=Policy(retry=None)),
                Agent("two", "Two.", model=model()),
            ],
            stop_when=judged(model(), "Done?"),
        )
        with pytest.raises(BadRequestError, match="no such model"):
            run(graph.compile())


def test_a_judge_that_fails_once_is_asked_again_without_asking_the_stage_again(run, serve, model):
    replies = {
        "One.": [Answer("first")] * 2,
        "Done?": [server_error(), Structured({"reason": "", "answer": True})],
    }
    with serve(by_prompt=replies) as server:
        graph = create_sequential(
            [
                Agent("one", "One.", model=model(), policy=Policy(retry=AT_ONCE)),
                Agent("two", "Two.", model=model()),
            ],
            stop_when=judged(model(), "Done?"),
        )
        result = run(graph.compile())

    used = sum(turn.input_tokens for turn in result["trail"])
    answered = [r for r in server.requests if r.body["messages"][0]["content"] == "One."]
    assert (len(answered), used) == (1, 20)


async def test_a_cancelled_run_sends_nothing_more(serve, model):
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def late(_: dict[str, Any]) -> Slow:
        loop.call_soon_threadsafe(asked.set)
        return Slow(30, Answer("late"))

    with serve(by_body=late) as server:
        graph = create_sequential(
            [Agent("one", "One.", model=model()), Agent("two", "Two.", model=model())]
        )
        running = asyncio.create_task(graph.compile().ainvoke({"messages": "go"}))
        await asked.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert len(server.requests) == 1
