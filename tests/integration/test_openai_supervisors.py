"""Supervisors and participants as tools, of real OpenAI clients against a server on loopback."""

from langgraph_orchestra.graphs import create_sequential, create_supervisor
from langgraph_orchestra.nodes import Agent, as_tool
from support.openai_server import Answer, Structured, ToolCall
from support.plans import review
from support.results import ended, outcomes, usage

MODEL = "openai:some-model"
ANN = Agent("ann", "You write.", model=MODEL, description="Writes.")

STEP = {"id": "s1", "worker": "ann", "task": "Write.", "expected": "", "status": "pending"}
PLAN = {"steps": [{**STEP, "depends_on": []}, {**STEP, "id": "s2", "depends_on": ["s1"]}]}
ELSEWHERE = {"steps": [{**STEP, "worker": "zoe", "depends_on": []}]}


def test_plans_and_reviews_are_asked_for_with_their_strict_schemas(run, serve, saver):
    replies = [
        *(Structured(ELSEWHERE), Structured(PLAN), Answer("draft")),
        *(Structured(review("s1 no", s1="Cut.")), Answer("short"), Structured(review("s1"))),
        *(Answer("end"), Structured(review("s2")), Answer("the whole")),
    ]
    with serve(*replies) as server:
        app = create_supervisor([ANN], model=MODEL).compile(checkpointer=saver)
        result = run(app, "the brief", thread="1")

    assert ended(result) == ("the whole", "completed")
    assert usage(result) == 15 * 9
    asked = [r.body.get("response_format", {}).get("json_schema", {}) for r in server.requests]
    assert [(schema.get("name"), schema.get("strict")) for schema in asked] == [
        *[("Plan", True), ("Plan", True), (None, None)],
        *[("Review", True), (None, None), ("Review", True)],
        *[(None, None), ("Review", True), (None, None)],
    ]
    sent = [request.body["messages"] for request in server.requests]
    assert "`zoe`, who is not there" in sent[1][-1]["content"]
    assert sent[4] == [
        {"role": "system", "content": "You write."},
        {
            "role": "user",
            "content": "Goal: the brief\n\nYour step: Write.\n\nYour former answer:\ndraft\n\n"
            "What must change: Cut.",
        },
    ]


def test_a_participant_is_offered_as_a_tool_with_one_argument(run, serve, saver):
    boss = Agent("boss", "You lead.", model=MODEL, tools=[as_tool(ANN)])
    call = Answer(tool_calls=(ToolCall("ann", {"task": "Write."}, id="call_1"),))
    with serve(call, Answer("written"), Answer("done")) as server:
        app = create_sequential([boss]).compile(checkpointer=saver)
        result = run(app, thread="1")

    assert ended(result) == ("done", "completed")
    assert outcomes(result) == [("boss", "ok"), ("boss/ann", "ok")]
    (offered,) = server.requests[0].body["tools"]
    assert offered["function"]["description"] == "Writes."
    assert list(offered["function"]["parameters"]["properties"]) == ["task"]
    assert server.requests[1].body["messages"][-1] == {"role": "user", "content": "Write."}
    assert server.requests[2].body["messages"][-1]["content"] == "written"
    assert usage(result) == 15 * 3
