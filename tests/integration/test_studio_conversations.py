"""Conversations in LangGraph Studio: who may speak is drawn, and people answer in its forms."""

import pytest
from langgraph_sdk.client import LangGraphClient

from support.studio_runs import RunError, begun, edges_of, interrupts_of, result_of


@pytest.mark.parametrize(
    ("graph", "routes"),
    [
        (
            "debated",
            "__start__>intake intake?audience audience?chair chair?pro chair?con chair?__end__"
            " pro?audience pro?__end__ con?audience con?__end__",
        ),
        (
            "supported",
            "__start__>intake intake?triage intake?billing triage?billing triage?customer"
            " triage?__end__ billing?customer customer?triage customer?billing customer?__end__",
        ),
    ],
)
async def test_the_routes_of_a_conversation_are_drawn(client, graph, routes):
    assert await edges_of(client, graph) == set(routes.split())


async def test_a_chat_is_observed_and_led_by_people(client):
    thread = await begun(client, "debated")
    answers = {"audience": "Be brief.", "chair": "con"}
    asked = []
    for _ in range(4):
        ((node, interrupt),) = (await interrupts_of(client, thread)).items()
        asked.append((node, interrupt["value"]["action_requests"][0]["name"]))
        result = await result_of(client, thread, "debated", command={"resume": answers[node]})

    assert asked == [("audience", "observe"), ("chair", "choose_speaker")] * 2
    assert [(m["name"], m["content"]) for m in result["messages"] if m["name"]] == [
        ("audience", "Be brief."),
        ("con", "Yet."),
    ] * 2
    assert (result["output"], result["stop"]["reason"]) == ("Yet.", "turn_limit")


async def test_a_choice_of_nobody_there_is_refused_and_can_be_made_again(client):
    thread = await begun(client, "debated")
    await result_of(client, thread, "debated", command={"resume": "approve"})
    before = await interrupts_of(client, thread)

    with pytest.raises(
        RunError, match=r"'zoe' cannot be chosen; choose one of `pro` \(1\), `con` \(2\)"
    ):
        await result_of(client, thread, "debated", command={"resume": "zoe"})

    assert await interrupts_of(client, thread) == before
    assert before["chair"]["response_schema"]["$defs"]["Decision"]["properties"]["message"][
        "enum"
    ] == ["pro", "con"]


async def test_a_request_is_handed_over_and_returns_to_the_customer(client):
    thread = await begun(client, "supported")
    ((node, interrupt),) = (await interrupts_of(client, thread)).items()
    state = (await client.threads.get_state(thread))["values"]

    assert (node, interrupt["value"]["action_requests"][0]["name"]) == ("customer", "answer")
    assert state["active"] == "billing"
    assert [(h["source"], h["target"], h["outcome"]) for h in state["handoffs"]] == [
        ("triage", "billing", "accepted")
    ]

    await result_of(client, thread, "supported", command={"resume": "number 7"})
    result = await result_of(client, thread, "supported", command={"resume": "  "})

    assert (result["output"], result["stop"]["reason"]) == ("Which invoice?", "completed")
    assert [turn["agent"] for turn in result["trail"]] == [
        "triage",
        "billing",
        "customer",
        "billing",
        "customer",
    ]
    second = await begun_again(client, thread)
    assert (await client.threads.get_state(thread))["values"]["handoffs"] == []
    assert list(second) == ["customer"]


async def begun_again(client: LangGraphClient, thread: str) -> dict[str, object]:
    """What is asked when the thread is given another task."""
    task = {"messages": [{"role": "user", "content": "one more thing"}]}
    await result_of(client, thread, "supported", input=task)
    return dict(await interrupts_of(client, thread))
