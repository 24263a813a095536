"""Budgets over real OpenAI clients: once a limit is reached, the server sees no further request."""

import threading

import pytest
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.nodes import Agent, Limits, Policy, judged, synthesise
from langgraph_orchestra.nodes import tokens as tokens_used
from langgraph_orchestra.state import ConfigurationError, OrchestrationContext
from support.openai_server import Answer, Structured, ToolCall, Usage, server_error

MODEL = "openai:some-model"
PRICED = "openai:gpt-4o-mini"
A_MILLION_READ = Usage(1_000_000, 0)
"""What costs 15 cents with gpt-4o-mini."""


class Report(BaseModel):
    """A report on an animal."""

    animal: str
    arms: int


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


CALL = Answer(tool_calls=(ToolCall("lookup", {"word": "arm"}, id="call_1"),))


@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (15, 1), (16, 2), (30, 2), (31, 3)])
def test_a_token_limit_stops_before_the_request_that_would_exceed_it(run, serve, limit, requests):
    names = ["one", "two", "three", "four"]
    graph = create_sequential(
        [Agent(name, f"{name}.", model=MODEL) for name in names], limits=Limits(tokens=limit)
    )
    with serve(*(Answer(f"answer of {name}") for name in names)) as server:
        result = run(graph.compile())

    assert len(server.requests) == requests
    assert result["stop"].reason == "token_limit"
    assert result["output"] == f"answer of {names[requests - 1]}"
    assert sum(t.input_tokens + t.output_tokens for t in result["trail"]) == 15 * requests


def test_a_token_limit_stops_an_agent_between_its_tool_calls(run, serve):
    graph = create_sequential(
        [
            Agent("writer", "Write.", model=MODEL),
            Agent("researcher", "Look.", model=MODEL, tools=[lookup]),
        ],
        limits=Limits(tokens=30),
    )
    with serve(Answer("draft"), CALL, Answer("never")) as server:
        result = run(graph.compile())

    assert len(server.requests) == 2
    assert result["stop"].reason == "token_limit"
    assert result["output"] == "draft"
    assert [(t.agent, t.outcome, t.input_tokens) for t in result["trail"]] == [
        ("writer", "ok", 10),
        ("researcher", "cancelled", 10),
    ]
    assert [m.name for m in result["messages"]] == [None, "writer"]


def test_a_token_limit_holds_between_the_attempts_of_a_turn(run, serve):
    with serve(CALL, server_error(), Answer("never")) as server:
        agent = Agent(
            "researcher",
            "Look.",
            model=ChatOpenAI(model="some-model", max_retries=0, stream_usage=True),
            tools=[lookup],
            policy=Policy(retry=RetryPolicy(initial_interval=0.001, jitter=False)),
        )
        # The first attempt uses 15 of 16 and fails; the second one may ask once more.
        result = run(create_sequential([agent], limits=Limits(tokens=16)).compile())

    assert len(server.requests) == 3
    assert [t.input_tokens for t in result["trail"]] == [20]


def test_a_token_limit_stops_asking_again_for_a_typed_answer(run, serve):
    agent = Agent("analyst", "Analyse.", model=MODEL, output=Report)
    graph = create_sequential([agent], limits=Limits(tokens=15))
    with serve(*[Structured({"animal": "octopus"})] * 3) as server:
        result = run(graph.compile())

    assert len(server.requests) == 1
    assert result["stop"].reason == "token_limit"
    assert result["output"] == ""
    assert [(t.outcome, t.input_tokens) for t in result["trail"]] == [("cancelled", 10)]


def test_a_token_limit_counts_what_branches_use_at_the_same_time(run, serve):
    everyone = threading.Barrier(3, timeout=20)

    def call_once_all_have_asked(body):
        if body["messages"][-1]["role"] == "tool":
            return Answer("never")
        everyone.wait()
        return Answer(
            tool_calls=(ToolCall("lookup", {"word": "x"}, id=body["messages"][0]["content"]),)
        )

    graph = create_concurrent(
        [Agent(n, f"{n}.", model=MODEL, tools=[lookup]) for n in ("one", "two", "three")],
        limits=Limits(tokens=15),
        min_results=0,
    )
    with serve(by_body=call_once_all_have_asked) as server:
        result = run(graph.compile())

    assert len(server.requests) == 3
    assert result["stop"].reason == "token_limit"
    assert [(t.agent, t.outcome) for t in result["trail"] if t.kind == "agent"] == [
        ("one", "cancelled"),
        ("two", "cancelled"),
        ("three", "cancelled"),
    ]


def test_a_token_limit_holds_over_a_team_and_what_follows_it(run, serve):
    team = create_sequential(
        [Agent("inner", "Inner.", model=MODEL), Agent("second", "Second.", model=MODEL)]
    ).compile(name="team")
    graph = create_sequential(
        [team, Agent("writer", "Write.", model=MODEL)], limits=Limits(tokens=30)
    )
    with serve(Answer("one"), Answer("two"), Answer("never")) as server:
        result = run(graph.compile())

    assert len(server.requests) == 2
    assert result["stop"].reason == "token_limit"
    assert result["output"] == "two"


def test_a_teams_own_limit_ends_only_the_team(run, serve):
    team = create_sequential(
        [Agent("inner", "Inner.", model=MODEL), Agent("second", "Second.", model=MODEL)],
        limits=Limits(tokens=15),
    ).compile(name="team")
    graph = create_sequential([team, Agent("writer", "Write.", model=MODEL)])
    with serve(Answer("one"), Answer("written"), Answer("never")) as server:
        result = run(graph.compile())

    assert [r.body["messages"][0]["content"] for r in server.requests] == ["Inner.", "Write."]
    assert result["stop"].reason == "completed"
    assert result["output"] == "written"


def test_a_token_limit_leaves_the_synthesis_unasked(run, serve):
    graph = create_concurrent(
        [Agent("one", "One.", model=MODEL), Agent("two", "Two.", model=MODEL)],
        aggregate=synthesise(Agent("chief", "Combine.", model=MODEL)),
        limits=Limits(tokens=30),
    )
    replies = {"One.": [Answer("uno")], "Two.": [Answer("dos")], "Combine.": [Answer("never")]}
    both = threading.Barrier(2, timeout=20)

    def together(body):
        both.wait()
        return replies[body["messages"][0]["content"]].pop(0)

    with serve(by_body=together) as server:
        result = run(graph.compile())

    assert len(server.requests) == 2
    assert result["stop"].reason == "token_limit"
    assert result["output"] in ("uno", "dos")


def test_a_token_limit_counts_the_selection_of_branches(run, serve):
    graph = create_concurrent(
        [Agent("one", "One.", model=MODEL), Agent("two", "Two.", model=MODEL)],
        select=MODEL,
        limits=Limits(tokens=15),
    )
    replies = {
        "Choose": [Structured({"branches": ["one", "two"], "reason": ""})],
        "One.": [Answer("never")],
        "Two.": [Answer("never")],
    }
    with serve(by_prompt=replies) as server:
        result = run(graph.compile())

    assert len(server.requests) == 1
    assert result["stop"].reason == "token_limit"
    assert result["output"] == ""


def test_a_token_limit_counts_a_judges_requests(run, serve):
    graph = create_sequential(
        [Agent("one", "One.", model=MODEL), Agent("two", "Two.", model=MODEL)],
        stop_when=judged(MODEL, "Done?"),
        limits=Limits(tokens=30),
    )
    replies = {
        "One.": [Answer("first")],
        "Done?": [Structured({"reason": "", "answer": False})],
        "Two.": [Answer("never")],
    }
    with serve(by_prompt=replies) as server:
        result = run(graph.compile())

    assert len(server.requests) == 2
    assert result["stop"].reason == "token_limit"
    assert result["output"] == "first"


def test_a_token_limit_stops_the_items_that_have_not_begun(run, serve):
    graph = create_map_reduce(
        lambda view: view.task.split(),
        Agent("worker", "Work.", model=MODEL),
        limits=Limits(tokens=15),
    )
    with serve(by_prompt={"Work.": [Answer("done")] * 6}) as server:
        result = run(graph.compile(), "a b c d e f", config={"max_concurrency": 2})

    done = [r for r in result["results"] if r.ok]
    stopped = [r for r in result["results"] if not r.ok]
    assert 1 <= len(server.requests) == len(done) <= 2
    assert result["stop"].reason == "token_limit"
    assert {r.failure.type for r in stopped} == {"BudgetSpent"}
    assert sum(t.outcome == "cancelled" for t in result["trail"]) == len(stopped)


def test_each_run_on_a_thread_has_its_own_budget(run, serve, saver):
    graph = create_sequential([Agent("one", "One.", model=MODEL)], limits=Limits(tokens=15))
    app = graph.compile(checkpointer=saver)
    with serve(Answer("first"), Answer("second")) as server:
        run(app, "go", thread="1")
        result = run(app, "again", thread="1")

    assert len(server.requests) == 2
    assert result["output"] == "second"
    assert result["stop"].reason == "completed"


def test_a_cost_limit_stops_before_the_next_request(run, serve):
    names = ["one", "two", "three"]
    graph = create_sequential(
        [Agent(name, f"{name}.", model=PRICED) for name in names], limits=Limits(cost=0.2)
    )
    with serve(*(Answer(name, usage=A_MILLION_READ) for name in names)) as server:
        result = run(graph.compile())

    assert len(server.requests) == 2
    assert result["stop"].reason == "cost_limit"
    assert result["output"] == "two"
    assert [turn.cost for turn in result["trail"]] == [pytest.approx(0.15)] * 2


def test_a_cost_limit_holds_inside_an_agent(run, serve):
    call = Answer(tool_calls=CALL.tool_calls, usage=A_MILLION_READ)
    agent = Agent("researcher", "Look.", model=PRICED, tools=[lookup])
    graph = create_sequential([agent], limits=Limits(cost=0.1))
    with serve(call, Answer("never")) as server:
        result = run(graph.compile())

    assert len(server.requests) == 1
    assert result["stop"].reason == "cost_limit"
    assert [(t.outcome, t.cost) for t in result["trail"]] == [("cancelled", pytest.approx(0.15))]


def test_a_cost_limit_over_an_unknown_model_is_refused_before_any_request(run, serve):
    graph = create_sequential(
        [Agent("one", "One.", model=PRICED), Agent("two", "Two.", model=MODEL)],
        limits=Limits(cost=1.0),
    )
    with (
        serve(Answer("never")) as server,
        pytest.raises(ConfigurationError, match="some-model"),
    ):
        run(graph.compile())

    assert server.requests == []


def test_a_cost_limit_over_an_unknown_model_of_the_context_is_refused(run, serve):
    graph = create_sequential([Agent("one", "One.")], limits=Limits(cost=1.0))
    with (
        serve(Answer("never")) as server,
        pytest.raises(ConfigurationError, match="some-model"),
    ):
        run(graph.compile(), context=OrchestrationContext(model=MODEL))

    assert server.requests == []


@pytest.mark.parametrize("part", ["select", "judge", "synthesis", "fallback", "team"])
def test_a_cost_limit_finds_an_unknown_model_wherever_it_is_called(run, serve, part):
    known = Agent("one", "One.", model=PRICED)
    limits = Limits(cost=1.0)
    graphs = {
        "select": lambda: create_concurrent([known], select=MODEL, limits=limits),
        "judge": lambda: create_sequential([known], stop_when=judged(MODEL, "?"), limits=limits),
        "synthesis": lambda: create_concurrent([known], aggregate=synthesise(MODEL), limits=limits),
        "fallback": lambda: create_sequential(
            [Agent("one", "One.", model=PRICED, policy=Policy(fallback=MODEL))], limits=limits
        ),
        "team": lambda: create_sequential(
            [create_sequential([Agent("x", "X.", model=MODEL)]).compile(name="team")],
            limits=limits,
        ),
    }
    with (
        serve(Answer("never")) as server,
        pytest.raises(ConfigurationError, match="some-model"),
    ):
        run(graphs[part]().compile())

    assert server.requests == []


@pytest.mark.parametrize("part", ["agent", "tooled", "select", "judge", "synthesis", "fallback"])
def test_a_missing_model_is_found_before_any_request(run, serve, part):
    known = Agent("one", "One.", model=MODEL)
    graphs = {
        "agent": lambda: create_sequential([known, Agent("two", "Two.")]),
        "tooled": lambda: create_sequential([known, Agent("two", "Two.", tools=[lookup])]),
        "select": lambda: create_concurrent([known], select=Agent("chooser", "Choose.")),
        "judge": lambda: create_sequential([known], stop_when=judged(None, "Done?")),
        "synthesis": lambda: create_concurrent([known], aggregate=synthesise()),
        "fallback": lambda: create_sequential(
            [Agent("one", "One.", model=MODEL, policy=Policy(fallback=Agent("b", "B.")))]
        ),
    }
    with (
        serve(*[Answer("never")] * 2) as server,
        pytest.raises(ConfigurationError, match="no model is set"),
    ):
        run(graphs[part]().compile())

    assert server.requests == []


def test_a_stop_condition_on_tokens_ends_the_run_as_terminated(run, serve):
    graph = create_sequential(
        [Agent(name, f"{name}.", model=MODEL) for name in ("one", "two", "three")],
        stop_when=tokens_used(30),
    )
    with serve(Answer("first"), Answer("second"), Answer("never")) as server:
        result = run(graph.compile())

    assert len(server.requests) == 2
    assert (result["stop"].reason, result["stop"].by) == ("terminated", "tokens(30)")
