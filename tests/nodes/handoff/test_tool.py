"""`handoff_tool`: its schema, its name, and how its calls are recognised."""

import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from langgraph_orchestra.nodes import handoff_tool
from langgraph_orchestra.nodes.handoff.tool import (
    REQUESTED,
    handoff_from,
    hands_over,
    is_handoff_result,
    is_handoff_tool,
)
from langgraph_orchestra.state import ConfigurationError
from support.handoffs import to
from support.members import look_up, wants


def test_a_tool_is_named_after_its_target_and_described():
    assert handoff_tool("billing").name == "handoff_to_billing"
    assert "`billing`" in handoff_tool("billing").description
    assert handoff_tool("billing", "For invoices.").description == "For invoices."


def test_its_schema_has_reason_context_instructions_and_priority():
    schema = convert_to_openai_tool(handoff_tool("billing"))["function"]["parameters"]
    assert list(schema["properties"]) == ["reason", "context", "instructions", "priority"]
    assert schema["required"] == ["reason"]


def test_it_moves_nobody_by_itself_sync_or_async():
    tool = handoff_tool("billing")
    assert tool.invoke({"reason": "money"}) == REQUESTED
    assert asyncio.run(tool.ainvoke({"reason": "money"})) == REQUESTED


def test_it_is_told_from_a_tool_of_the_same_name():
    def handoff_to_billing(word: str) -> str:
        return word

    assert is_handoff_tool(handoff_tool("billing"))
    assert not is_handoff_tool(handoff_to_billing)
    assert not is_handoff_tool(look_up)


@pytest.mark.parametrize("name", ["a b", "", "finish", "x" * 54])
def test_a_target_that_cannot_be_is_refused(name):
    with pytest.raises(ConfigurationError):
        handoff_tool(name)


def test_arguments_of_the_wrong_type_are_refused():
    with pytest.raises(TypeError, match="`name`"):
        handoff_tool(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`description`"):
        handoff_tool("billing", 7)  # type: ignore[arg-type]


def test_a_message_that_hands_over_is_recognised():
    assert hands_over(to("b"))
    assert hands_over(to("b", beside=wants("look_up")))
    assert not hands_over(wants("look_up"))
    assert not hands_over(AIMessage("handoff_to_b"))
    assert not hands_over(HumanMessage("handoff_to_b"))
    assert not hands_over(to("b"), besides={"handoff_to_b"})


def test_the_result_of_a_handoff_is_recognised():
    assert is_handoff_result(ToolMessage("x", tool_call_id="1", name="handoff_to_b"))
    assert not is_handoff_result(ToolMessage("x", tool_call_id="1", name="look_up"))
    assert not is_handoff_result(ToolMessage("x", tool_call_id="1"))


def test_a_call_becomes_a_handoff_without_what_is_wrong_in_it():
    (call,) = to("b", reason=7, context=None, instructions="go", priority="soon").tool_calls
    handoff = handoff_from(call, "a")
    assert (handoff.source, handoff.target, handoff.reason) == ("a", "b", "7")
    assert (handoff.context, handoff.instructions, handoff.priority) == ("", "go", "normal")
