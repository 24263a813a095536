"""Handoffs by real OpenAI clients against a server on loopback: tool calls as they are sent."""

from langchain_core.tools import tool
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_handoff
from langgraph_orchestra.nodes import Agent
from support.handoffs import records, told
from support.openai_server import Answer, Structured, ToolCall
from support.results import ended, outcomes, spoken

MODEL = "openai:some-model"


class Refund(BaseModel):
    """A refund."""

    euros: int


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


def handoff(target, call_id="call_1", **payload):
    return ToolCall(f"handoff_to_{target}", {"reason": "an invoice", **payload}, call_id)


def desk(*, tools=(), **options):
    """Two agents that may hand over to each other."""
    return create_handoff(
        [
            Agent("triage", "You sort.", model=MODEL, tools=tools),
            Agent("billing", "You bill.", model=MODEL, description="Knows invoices."),
        ],
        **options,
    )


def test_a_handoff_is_offered_called_and_kept_out_of_the_next_request(run, serve):
    answers = [Answer("One moment.", (handoff("billing", context="no. 7"),)), Answer("Paid.")]
    with serve(*answers) as server:
        result = run(desk().compile(), "I was charged twice")

    first, second = (request.body for request in server.requests)
    (offered,) = first["tools"]
    assert offered["function"]["name"] == "handoff_to_billing"
    assert "Knows invoices." in offered["function"]["description"]
    assert second["messages"] == [
        {"role": "system", "content": "You bill."},
        {"role": "user", "content": "I was charged twice"},
        {"role": "user", "name": "triage", "content": "triage: One moment."},
        {
            "role": "user",
            "name": "triage",
            "content": "triage: Over to you: an invoice\nContext: no. 7",
        },
    ]
    assert ended(result) == ("Paid.", "completed")
    assert outcomes(result) == [("triage", "handed_off"), ("billing", "ok")]
    assert [turn.input_tokens for turn in result["trail"]] == [10, 10]


def test_parallel_calls_are_answered_each(run, serve):
    calls = (
        ToolCall("lookup", {"word": "no. 7"}, "c1"),
        handoff("billing", "c2"),
        handoff("x", "c3"),
    )
    with serve(Answer("", calls), Answer("Paid.")) as server:
        result = run(desk(tools=[lookup]).compile())

    assert told(result) == [
        ("lookup", "no. 7: found"),
        ("handoff_to_billing", "Handed off to billing."),
        ("handoff_to_x", "ignored: control went to `billing` first"),
    ]
    assert len(server.requests) == 2
    contents = [message["content"] for message in server.requests[1].body["messages"]]
    assert "lookup returned: no. 7: found" in contents


def test_an_unknown_target_goes_back_as_the_result_of_its_call(run, serve):
    with serve(Answer("", (handoff("nobody"),)), Answer("I help you.")) as server:
        result = run(desk().compile())

    *_, call, answer = server.requests[1].body["messages"]
    assert call["tool_calls"][0]["function"]["name"] == "handoff_to_nobody"
    assert (answer["role"], answer["tool_call_id"]) == ("tool", "call_1")
    assert "valid: `billing`" in answer["content"]
    assert ended(result) == ("I help you.", "completed")


def test_a_refusal_goes_back_to_an_agent_with_tools(run, serve):
    accepts = {"billing": lambda view, handoff: bool(handoff.context) or "which invoice?"}
    routes = {"triage": ["billing", "user"]}
    answers = [
        Answer("", (handoff("billing"),)),
        Answer("", (handoff("billing", context="no. 7"),)),
        Answer("Paid."),
    ]
    with serve(*answers) as server, open_checkpointer("memory://") as saver:
        graph = desk(tools=[lookup], accepts=accepts, routes=routes, human="user")
        app = graph.compile(checkpointer=saver)
        run(app, thread="1")
        result = run(app, Command(resume=""), thread="1")

    assert (
        server.requests[1].body["messages"][-1]["content"] == "refused by `billing`: which invoice?"
    )
    assert records(result) == [
        ("triage", "billing", "refused"),
        ("triage", "billing", "accepted"),
    ]
    assert ended(result) == ("Paid.", "completed")


def test_the_speech_beside_a_handoff_is_the_speakers_own_when_control_comes_back(run, serve):
    answers = [
        Answer("One moment.", (handoff("billing"),)),
        Answer("", (handoff("triage"),)),
        Answer("Done."),
    ]
    with serve(*answers) as server:
        result = run(desk().compile())

    third = server.requests[2].body["messages"]
    assert {"role": "assistant", "name": "triage", "content": "One moment."} in third
    assert not any("tool_calls" in message or message["role"] == "tool" for message in third)
    assert spoken(result)[-1] == ("triage", "Done.")


def test_a_typed_answer_and_handoffs_stand_side_by_side(run, serve):
    graph = create_handoff(
        [
            Agent("triage", "You sort.", model=MODEL, output=Refund),
            Agent("billing", "You bill.", model=MODEL, output=Refund),
        ]
    )
    with serve(Answer("", (handoff("billing"),)), Structured({"euros": 5})) as server:
        result = run(graph.compile())

    names = [tool["function"]["name"] for tool in server.requests[0].body["tools"]]
    assert names[0] == "handoff_to_billing"
    assert ended(result) == (Refund(euros=5), "completed")
