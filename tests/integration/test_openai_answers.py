"""Graphs of real OpenAI clients against a server on loopback: what they send and make of it."""

import json
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.nodes import Agent, Human, judged, synthesise
from langgraph_orchestra.state import OrchestrationContext
from support.openai_server import Answer, OpenAIServer, Structured, ToolCall, Usage

MODEL = "openai:some-model"


class Report(BaseModel):
    """A report on an animal."""

    animal: str
    arms: int


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


def sent_to(server: OpenAIServer, prompt: str) -> list[list[dict[str, Any]]]:
    """The message lists that the agent with this system prompt has sent."""
    lists = [request.body["messages"] for request in server.requests]
    return [messages for messages in lists if messages[0]["content"] == prompt]


def used(result: dict[str, Any]) -> list[tuple[str, str, int, int]]:
    """Who has used how many tokens of which model, by the trail."""
    return [(t.agent, t.model, t.input_tokens, t.output_tokens) for t in result["trail"]]


def test_a_stage_is_sent_its_prompt_the_task_and_the_answer_before(run, serve):
    graph = create_sequential(
        [
            Agent("researcher", "Collect facts.", model=MODEL),
            Agent("writer", "Write.", model=MODEL),
            Agent("editor", "Shorten.", model=MODEL),
        ]
    )
    with serve(Answer("Eight arms."), Answer("It has eight arms."), Answer("Eight.")) as server:
        result = run(graph.compile(), "Write about octopuses")

    assert [request.body["messages"] for request in server.requests] == [
        [
            {"role": "system", "content": "Collect facts."},
            {"role": "user", "content": "Write about octopuses"},
        ],
        [
            {"role": "system", "content": "Write."},
            {"role": "user", "content": "Write about octopuses"},
            {"role": "user", "name": "researcher", "content": "researcher: Eight arms."},
        ],
        [
            {"role": "system", "content": "Shorten."},
            {"role": "user", "content": "Write about octopuses"},
            {"role": "user", "name": "writer", "content": "writer: It has eight arms."},
        ],
    ]
    assert result["output"] == "Eight."
    assert result["stop"].reason == "completed"
    assert [(m.type, m.name, m.text) for m in result["messages"]] == [
        ("human", None, "Write about octopuses"),
        ("ai", "researcher", "Eight arms."),
        ("ai", "writer", "It has eight arms."),
        ("ai", "editor", "Eight."),
    ]


def test_requests_stream_where_tokens_are_streamed_and_only_there(run, serve):
    graph = create_sequential([Agent("writer", "Write.", model=MODEL)])
    with serve(Answer("Eight.")) as server:
        run(graph.compile())

    assert [bool(r.body.get("stream")) for r in server.requests] == [run.way.streams]


def test_usage_and_the_models_name_stand_in_the_trail(run, serve):
    graph = create_sequential(
        [
            Agent("researcher", "Collect facts.", model=MODEL),
            Agent("writer", "Write.", model="openai:another-model"),
        ]
    )
    with serve(Answer("one", usage=Usage(120, 30)), Answer("two", usage=Usage(7, 3))):
        result = run(graph.compile())

    assert used(result) == [
        ("researcher", "some-model", 120, 30),
        ("writer", "another-model", 7, 3),
    ]


def test_a_server_that_reports_no_usage_counts_nothing(run, serve):
    graph = create_sequential([Agent("writer", "Write.", model=MODEL)])
    with serve(Answer("one", usage=None)):
        result = run(graph.compile())

    assert used(result) == [("writer", "some-model", 0, 0)]


def test_the_runs_context_names_the_model_of_agents_with_and_without_tools(run, serve):
    graph = create_sequential([Agent("plain", "One."), Agent("tooled", "Two.", tools=[lookup])])
    with serve(Answer("first"), Answer("second")) as server:
        context = OrchestrationContext(model="openai:from-context")
        result = run(graph.compile(), context=context)

    assert [request.body["model"] for request in server.requests] == ["from-context"] * 2
    assert [turn.model for turn in result["trail"]] == ["from-context"] * 2


def test_an_agent_with_parallel_tool_calls_answers_after_their_results(run, serve):
    calls = (
        ToolCall("lookup", {"word": "arm"}, id="call_1"),
        ToolCall("lookup", {"word": "heart"}, id="call_2"),
    )
    graph = create_sequential([Agent("researcher", "Look up.", model=MODEL, tools=[lookup])])
    with serve(Answer("Let me look.", calls), Answer("Both found.")) as server:
        result = run(graph.compile(), "arm and heart")

    first, second = sent_to(server, "Look up.")
    assert first == [
        {"role": "system", "content": "Look up."},
        {"role": "user", "content": "arm and heart"},
    ]
    asked, *results = second[len(first) :]
    assert second[: len(first)] == first
    assert asked["role"] == "assistant"
    assert [call["id"] for call in asked["tool_calls"]] == ["call_1", "call_2"]
    assert results == [
        {"role": "tool", "tool_call_id": "call_1", "content": "arm: found"},
        {"role": "tool", "tool_call_id": "call_2", "content": "heart: found"},
    ]
    assert result["output"] == "Both found."
    assert used(result) == [("researcher", "some-model", 20, 10)]
    assert [(m.type, m.name) for m in result["messages"]] == [
        ("human", None),
        ("ai", "researcher"),
        ("tool", "lookup"),
        ("tool", "lookup"),
        ("ai", "researcher"),
    ]


def test_the_next_stage_is_sent_the_answer_but_no_tool_calls_of_the_one_before(run, serve):
    call = ToolCall("lookup", {"word": "arm"})
    graph = create_sequential(
        [
            Agent("researcher", "Look up.", model=MODEL, tools=[lookup]),
            Agent("writer", "Write.", model=MODEL, tools=[lookup]),
        ]
    )
    with serve(Answer(tool_calls=(call,)), Answer("Found."), Answer("Done.")) as server:
        run(graph.compile(), "arm")

    assert sent_to(server, "Write.") == [
        [
            {"role": "system", "content": "Write."},
            {"role": "user", "content": "arm"},
            {"role": "user", "name": "researcher", "content": "researcher: Found."},
        ]
    ]


def test_a_typed_answer_is_asked_for_as_a_schema_and_stays_typed(run, serve, saver):
    graph = create_sequential(
        [
            Agent("analyst", "Analyse.", model=MODEL, output=Report),
            Agent("writer", "Write.", model=MODEL),
        ]
    )
    with serve(Structured({"animal": "octopus", "arms": 8}), Answer("Eight.")) as server:
        result = run(graph.compile(checkpointer=saver), "octopus", thread="1")

    analysis, writing = server.requests
    assert analysis.body["response_format"]["json_schema"]["name"] == "Report"
    name, text = "analyst", Report(animal="octopus", arms=8).model_dump_json()
    assert writing.body["messages"][-1] == {
        "role": "user",
        "name": name,
        "content": f"{name}: {text}",
    }
    assert used(result) == [("analyst", "some-model", 10, 5), ("writer", "some-model", 10, 5)]


class Zoo(BaseModel):
    """Reports on many animals."""

    reports: list[Report] = []
    note: str = ""


def test_the_schema_of_a_typed_answer_is_strict_at_every_depth(serve):
    graph = create_sequential([Agent("keeper", "List.", model=MODEL, output=Zoo)])
    with serve(Structured({"reports": [], "note": "none"})) as server:
        graph.compile().invoke({"messages": "the zoo"})

    (request,) = server.requests
    asked = request.body["response_format"]["json_schema"]
    schema, report = asked["schema"], asked["schema"]["$defs"]["Report"]
    assert asked["strict"] is True
    assert [schema["additionalProperties"], report["additionalProperties"]] == [False, False]
    assert schema["required"] == ["reports", "note"]
    assert report["required"] == ["animal", "arms"]


def test_the_last_stages_typed_answer_is_the_output(run, serve):
    graph = create_sequential([Agent("analyst", "Analyse.", model=MODEL, output=Report)])
    with serve(Structured({"animal": "octopus", "arms": 8})):
        result = run(graph.compile())

    assert result["output"] == Report(animal="octopus", arms=8)
    assert [json.loads(m.text) for m in result["messages"] if m.name == "analyst"] == [
        {"animal": "octopus", "arms": 8}
    ]


def test_a_typed_answer_that_does_not_fit_is_asked_for_again(run, serve):
    graph = create_sequential([Agent("analyst", "Analyse.", model=MODEL, output=Report)])
    bad, good = {"animal": "octopus"}, {"animal": "octopus", "arms": 8}
    with serve(Structured(bad), Structured(good)) as server:
        result = run(graph.compile())

    _, again = sent_to(server, "Analyse.")
    assert again[-1]["role"] == "user"
    assert "arms" in again[-1]["content"]
    assert result["output"] == Report(animal="octopus", arms=8)
    assert used(result) == [("analyst", "some-model", 20, 10)]


def test_an_agent_with_tools_gives_a_typed_answer(run, serve):
    call = ToolCall("lookup", {"word": "octopus"}, id="call_1")
    agent = Agent("analyst", "Analyse.", model=MODEL, tools=[lookup], output=Report)
    with serve(Answer(tool_calls=(call,)), Structured({"animal": "octopus", "arms": 8})) as server:
        result = run(create_sequential([agent]).compile())

    assert len(server.requests) == 2
    assert result["output"] == Report(animal="octopus", arms=8)
    assert used(result) == [("analyst", "some-model", 20, 10)]
    last = [m for m in result["messages"] if isinstance(m, AIMessage) and not m.tool_calls]
    assert [(m.name, json.loads(m.text)) for m in last] == [
        ("analyst", {"animal": "octopus", "arms": 8})
    ]
    called = {c["id"] for m in result["messages"] if isinstance(m, AIMessage) for c in m.tool_calls}
    answered = {m.tool_call_id for m in result["messages"] if isinstance(m, ToolMessage)}
    assert called == answered


def test_concurrent_branches_are_sent_the_task_and_never_a_siblings_answer(run, serve):
    names = ["fundamental", "technical", "sentiment"]
    graph = create_concurrent([Agent(name, f"Be {name}.", model=MODEL) for name in names])
    with serve(by_prompt={f"Be {name}.": [Answer(f"{name} says so")] for name in names}) as server:
        result = run(graph.compile(), "Assess ACME")

    assert [sent_to(server, f"Be {name}.") for name in names] == [
        [
            [
                {"role": "system", "content": f"Be {name}."},
                {"role": "user", "content": "Assess ACME"},
            ]
        ]
        for name in names
    ]
    assert {name: r.output for name, r in result["results"].items()} == {
        name: f"{name} says so" for name in names
    }
    assert list(result["results"]) == names
    assert used(result) == [
        *((name, "some-model", 10, 5) for name in names),
        ("aggregate", "", 0, 0),
    ]


def test_a_synthesis_is_sent_every_result_under_its_name_in_declared_order(run, serve):
    graph = create_concurrent(
        [
            Agent("one", "First.", model=MODEL),
            Agent("two", "Second.", model=MODEL, tools=[lookup]),
            Agent("three", "Third.", model=MODEL, output=Report),
        ],
        aggregate=synthesise(Agent("chief", "Combine.", model=MODEL)),
    )
    replies = {
        "First.": [Answer("uno")],
        "Second.": [Answer(tool_calls=(ToolCall("lookup", {"word": "x"}),)), Answer("dos")],
        "Third.": [Structured({"animal": "octopus", "arms": 8})],
        "Combine.": [Answer("All of it.")],
    }
    with serve(by_prompt=replies) as server:
        result = run(graph.compile(), "Go")

    typed = Report(animal="octopus", arms=8).model_dump_json()
    assert sent_to(server, "Combine.") == [
        [
            {"role": "system", "content": "Combine."},
            {"role": "user", "content": "Go"},
            {"role": "user", "name": "one", "content": "one: uno"},
            {"role": "user", "name": "two", "content": "two: dos"},
            {"role": "user", "name": "three", "content": f"three: {typed}"},
        ]
    ]
    assert result["output"] == "All of it."
    assert result["results"]["three"].output == Report(animal="octopus", arms=8)
    assert sum(turn.input_tokens for turn in result["trail"]) == 10 * len(server.requests)


def test_a_model_picks_the_branches_and_its_tokens_count(run, serve):
    names = ["law", "tax", "press"]
    graph = create_concurrent(
        [Agent(name, f"Be {name}.", description=f"about {name}", model=MODEL) for name in names],
        select=MODEL,
    )
    choice = Structured({"branches": ["tax", "law"], "reason": "money"}, usage=Usage(50, 4))
    replies = {
        "Choose": [choice],
        "Be law.": [Answer("legal")],
        "Be tax.": [Answer("cheap")],
    }
    with serve(by_prompt=replies) as server:
        result = run(graph.compile(), "File the return")

    asked = server.requests[0].body["messages"]
    assert [message["role"] for message in asked] == ["system", "user"]
    assert all(f"- {name}: about {name}" in asked[0]["content"] for name in names)
    assert asked[1]["content"] == "File the return"
    assert list(result["results"]) == ["law", "tax"]
    assert used(result) == [
        ("selector", "some-model", 50, 4),
        ("law", "some-model", 10, 5),
        ("tax", "some-model", 10, 5),
        ("aggregate", "", 0, 0),
    ]
    assert result["trail"][0].kind == "decision"
    assert "money" in result["trail"][0].detail


def test_a_choice_of_an_unknown_branch_is_asked_again_with_the_valid_names(run, serve):
    graph = create_concurrent(
        [Agent("law", "Be law.", model=MODEL), Agent("tax", "Be tax.", model=MODEL)], select=MODEL
    )
    replies = {
        "Choose": [
            Structured({"branches": ["Law"], "reason": ""}),
            Structured({"branches": ["law"], "reason": ""}),
        ],
        "Be law.": [Answer("legal")],
    }
    with serve(by_prompt=replies) as server:
        result = run(graph.compile())

    again = server.requests[1].body["messages"][-1]
    assert again["role"] == "user"
    assert '"law", "tax"' in again["content"]
    assert list(result["results"]) == ["law"]
    assert used(result)[0] == ("selector", "some-model", 20, 10)


def test_a_model_judges_whether_to_stop_and_its_tokens_count(run, serve):
    graph = create_sequential(
        [
            Agent("first", "One.", model=MODEL),
            Agent("second", "Two.", model=MODEL),
            Agent("third", "Three.", model=MODEL),
        ],
        stop_when=judged(MODEL, "Is it solved?"),
    )
    replies = {
        "One.": [Answer("not yet")],
        "Two.": [Answer("solved")],
        "Is it solved?": [
            Structured({"answer": False, "reason": "no"}, usage=Usage(30, 2)),
            Structured({"answer": True, "reason": "yes"}, usage=Usage(40, 2)),
        ],
    }
    with serve(by_prompt=replies) as server:
        result = run(graph.compile(), "the problem")

    assert sent_to(server, "Three.") == []
    last_question = sent_to(server, "Is it solved?")[-1]
    assert "first: not yet" in last_question[-1]["content"]
    assert "second: solved" in last_question[-1]["content"]
    assert result["output"] == "solved"
    assert (result["stop"].reason, result["stop"].by) == ("terminated", "judged('Is it solved?')")
    assert used(result) == [
        ("first", "some-model", 10, 5),
        ("stop_when", "some-model", 30, 2),
        ("second", "some-model", 10, 5),
        ("stop_when", "some-model", 40, 2),
    ]


def test_each_worker_of_a_map_reduce_is_sent_its_item_alone(run, serve):
    graph = create_map_reduce(
        lambda view: [line for line in view.task.splitlines() if line] + [{"region": "west"}],
        Agent("worker", "Summarise.", model=MODEL),
        synthesise(Agent("chief", "Combine.", model=MODEL)),
    )
    replies = {"Summarise.": [Answer("fine")] * 3, "Combine.": [Answer("All fine.")]}
    with serve(by_prompt=replies) as server:
        result = run(graph.compile(), "north\nsouth")

    sent = sorted((m[-1]["content"] for m in sent_to(server, "Summarise.")), key=str)
    assert sent == ["north", "south", '{"region":"west"}']
    assert all(len(messages) == 2 for messages in sent_to(server, "Summarise."))
    assert [m["content"] for m in sent_to(server, "Combine.")[0]] == [
        "Combine.",
        "north\nsouth",
        "worker[0]: fine",
        "worker[1]: fine",
        "worker[2]: fine",
    ]
    assert result["output"] == "All fine."
    assert [(t.path, t.input_tokens) for t in result["trail"]] == [
        ("worker[0]", 10),
        ("worker[1]", 10),
        ("worker[2]", 10),
        ("aggregate", 10),
    ]


def test_a_nested_team_is_sent_the_task_and_its_tokens_count_once(run, serve):
    team = create_concurrent(
        [Agent("left", "Left.", model=MODEL), Agent("right", "Right.", model=MODEL, tools=[lookup])]
    ).compile(name="team")
    graph = create_sequential([team, Agent("writer", "Write.", model=MODEL)])
    replies = {
        "Left.": [Answer("l")],
        "Right.": [Answer(tool_calls=(ToolCall("lookup", {"word": "r"}),)), Answer("r")],
        "Write.": [Answer("done")],
    }
    with serve(by_prompt=replies) as server:
        result = run(graph.compile(), "Go")

    assert sent_to(server, "Left.") == [
        [{"role": "system", "content": "Left."}, {"role": "user", "content": "Go"}]
    ]
    assert sent_to(server, "Write.") == [
        [
            {"role": "system", "content": "Write."},
            {"role": "user", "content": "Go"},
            {"role": "user", "name": "team", "content": "team: ## left\n\nl\n\n## right\n\nr"},
        ]
    ]
    assert [(t.path, t.input_tokens) for t in result["trail"]] == [
        ("team/left", 10),
        ("team/right", 20),
        ("team/aggregate", 0),
        ("writer", 10),
    ]


def test_a_second_run_on_the_thread_is_sent_its_own_task_only(run, serve, saver):
    graph = create_sequential(
        [Agent("researcher", "Collect.", model=MODEL), Agent("writer", "Write.", model=MODEL)]
    )
    app = graph.compile(checkpointer=saver)
    with serve(*(Answer(text) for text in ("a", "b", "c", "d"))) as server:
        run(app, "First task", thread="1")
        result = run(app, "Second task", thread="1")

    _, second = sent_to(server, "Write.")
    assert second == [
        {"role": "system", "content": "Write."},
        {"role": "user", "content": "Second task"},
        {"role": "user", "name": "researcher", "content": "researcher: c"},
    ]
    assert result["output"] == "d"
    assert [turn.step for turn in result["trail"]] == [1, 2, 1, 2]


def test_a_rejected_draft_is_sent_back_to_its_author_with_the_feedback(run, serve, saver):
    graph = create_sequential([Agent("writer", "Write.", model=MODEL), Human("editor")])
    app = graph.compile(checkpointer=saver)
    with serve(Answer("too long"), Answer("short")) as server:
        run(app, "Write", thread="1")
        run(app, Command(resume="Make it short"), thread="1")
        result = run(app, Command(resume="approve"), thread="1")

    assert sent_to(server, "Write.")[-1] == [
        {"role": "system", "content": "Write."},
        {"role": "user", "content": "Write"},
        {"role": "assistant", "name": "writer", "content": "too long"},
        {"role": "user", "name": "editor", "content": "editor: Make it short"},
    ]
    assert result["output"] == "short"


def test_images_of_the_task_reach_the_model(run, serve):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    task = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
    graph = create_sequential(
        [Agent("one", "Look.", model=MODEL), Agent("two", "Check.", model=MODEL)]
    )
    with serve(Answer("An arm."), Answer("Yes.")) as server:
        run(graph.compile(), task)

    for prompt in ("Look.", "Check."):
        ((_, asked, *_),) = sent_to(server, prompt)
        assert asked["content"] == [{"type": "text", "text": "What is this?"}, image]
