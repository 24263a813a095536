"""Group chats by real OpenAI clients against a server on loopback: choices and bids as sent."""

import pytest

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.nodes import Agent, by_bids, by_model
from langgraph_orchestra.state import OrchestrationContext
from support.chats import decisions, finished, order, says
from support.openai_server import Answer, Structured, Usage
from support.results import ended, outcomes, spoken, usage

MODEL = "openai:some-model"

ANN = Agent("ann", "You write.", model=MODEL, description="Writes.")
BOB = Agent("bob", "You check.", model=MODEL)


def choice(name, tokens=(10, 5), **fields):
    """A model's choice with all keys that the strict schema demands."""
    complete = {"finished": False, "final_answer": "", **says(name, **fields)}
    return Structured(complete, usage=Usage(*tokens))


def final(answer, tokens=(10, 5)):
    """A model's final answer."""
    return Structured(finished(answer), usage=Usage(*tokens))


def asked(server):
    """What the requests for a structured answer have asked for."""
    formats = [request.body.get("response_format") for request in server.requests]
    return [one["json_schema"] for one in formats if one]


def test_a_model_is_asked_for_a_choice_by_a_strict_schema(run, serve):
    answers = [choice("bob"), Answer("It is fine."), final("42")]
    with serve(*answers) as server:
        result = run(create_group_chat([ANN, BOB], select=by_model(MODEL)).compile(), "Well?")

    assert ended(result) == ("42", "completed")
    assert spoken(result) == [("bob", "It is fine."), ("selector", "42")]
    assert [schema["name"] for schema in asked(server)] == ["SpeakerChoice"] * 2
    (schema,) = {str(one["schema"]): one["schema"] for one in asked(server)}.values()
    assert sorted(schema["required"]) == ["final_answer", "finished", "next_speaker", "reason"]
    assert (schema["additionalProperties"], asked(server)[0]["strict"]) == (False, True)


def test_a_model_reads_who_takes_part_and_what_was_said(run, serve):
    answers = [choice("bob"), Answer("It is fine."), final("42")]
    with serve(*answers) as server:
        run(create_group_chat([ANN, BOB], select=by_model(MODEL)).compile(), "Well?")

    system, *conversation, question = server.requests[2].body["messages"]
    assert system["role"] == "system"
    assert "- ann: Writes.\n- bob" in system["content"]
    assert conversation == [
        {"role": "user", "content": "Well?"},
        {"role": "user", "name": "bob", "content": "bob: It is fine."},
    ]
    assert question["role"] == "user"
    assert "Choose among: ann, bob." in question["content"]


@pytest.mark.parametrize(
    "wrong", [choice("Bob"), choice("eve"), choice(None), Answer("Bob, please")]
)
def test_a_choice_that_cannot_be_used_goes_back_with_the_reason(wrong, run, serve):
    chat = create_group_chat([ANN, BOB], select=by_model(MODEL), max_turns=1)
    with serve(wrong, choice("bob"), Answer("It is fine.")) as server:
        result = run(chat.compile())

    assert order(result) == ["bob"]
    *_, refused, reason = server.requests[1].body["messages"]
    assert refused["role"] == "assistant"
    assert "cannot be used" in reason["content"]
    assert decisions(result) == [("selector", 1, "ok", "bob: because")]


def test_the_usage_of_refused_choices_is_counted_once(run, serve):
    chat = create_group_chat([ANN, BOB], select=by_model(MODEL), max_turns=1)
    replies = [
        choice("eve", (100, 10)),
        choice("bob", (200, 20)),
        Answer("Fine.", usage=Usage(7, 3)),
    ]
    with serve(*replies):
        result = run(chat.compile())

    assert [(t.agent, t.input_tokens, t.output_tokens) for t in result["trail"]] == [
        ("selector", 300, 30),
        ("bob", 7, 3),
    ]


def test_after_three_bad_choices_the_fallback_speaks(run, serve):
    chat = create_group_chat([ANN, BOB], select=by_model(MODEL, fallback="bob"), max_turns=1)
    with serve(choice("eve"), choice("eve"), choice("eve"), Answer("Fine.")):
        result = run(chat.compile())

    assert outcomes(result) == [("selector", "fallback"), ("bob", "ok")]
    assert usage(result) == 3 * 15 + 15


def test_a_choice_of_the_contexts_model_is_no_speech_in_a_stream(serve):
    chat = create_group_chat([ANN, BOB], select=by_model(), max_turns=1).compile()
    context = OrchestrationContext(model=MODEL)
    with serve(choice("bob"), Answer("It is fine.")):
        parts = chat.stream({"messages": "Well?"}, stream_mode="messages", context=context)
        text = "".join(message.text for message, _ in parts if message.type.startswith("AI"))
    assert text == "It is fine."


def bid(confidence):
    """A bid with all keys that the strict schema demands."""
    full = {"confidence": confidence, "approach": "so", "skills": [], "cost": None, "seconds": None}
    return Structured(full)


def test_bids_are_asked_for_side_by_side_by_a_strict_schema(run, serve):
    chat = create_group_chat([ANN, BOB], select=by_bids(), max_turns=1)
    prompts = {"You write.": [bid(0.4)], "You check.": [bid(0.8), Answer("Fine.")]}
    with serve(by_prompt=prompts) as server:
        result = run(chat.compile())

    assert order(result) == ["bob"]
    assert [schema["name"] for schema in asked(server)] == ["Bid"] * 2
    assert decisions(result) == [
        ("selector/ann", 1, "ok", "bids 0.4: so"),
        ("selector/bob", 1, "ok", "bids 0.8: so"),
        ("selector", 1, "ok", "bob: bids 0.8"),
    ]


def test_a_summary_reads_the_chat(run, serve):
    chat = create_group_chat([ANN], max_turns=1, summary="Sum it up.", model=MODEL)
    with serve(Answer("Eight arms."), Answer("Eight.")) as server:
        result = run(chat.compile(), "How many?")

    assert ended(result) == ("Eight.", "turn_limit")
    assert server.requests[1].body["messages"] == [
        {"role": "system", "content": "Sum it up."},
        {"role": "user", "content": "How many?"},
        {"role": "user", "name": "ann", "content": "ann: Eight arms."},
    ]
