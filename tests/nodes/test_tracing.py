"""What LangGraph is told to record of a step; `integration/test_langsmith.py` sees it arrive."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.types import Command, Overwrite, Send
from langsmith import tracing_context

from langgraph_orchestra.nodes.tracing import Tracing

DRAFT = AIMessage("drafted", name="ann")
STATE = {
    "messages": [HumanMessage("write"), DRAFT],
    "run_info": {"first_message": 0, "input_messages": 1},
    "ticket": 7,
    "output": "drafted",
}


@pytest.fixture
def policy():
    """How the steps of `bob` are recorded."""
    return Tracing().policy("bob", {"ticket"})


def test_where_nobody_listens_state_and_result_are_passed_through_as_they_are(policy):
    result = {"output": "done"}

    assert policy.process_inputs(STATE) is STATE
    assert policy.process_outputs(result) is result


def test_where_somebody_listens_a_step_is_shown_what_is_new_to_it(policy):
    with tracing_context(enabled=True):
        shown = policy.process_inputs(STATE)

    assert shown == {
        "task": "write",
        "messages": [DRAFT],
        "messages_on_thread": 2,
        "ticket": 7,
    }


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ({"output": "done", "run_info": {}}, {"output": "done"}),
        ({"handoffs": Overwrite([])}, {"handoffs": []}),
        ({"branch_records": {"ann": {"result": 1}}}, {"result": 1}),
        ({"branch_records": Overwrite({})}, {}),
        ({}, {}),
        (Command(goto="ann"), {"goto": "ann"}),
        (Command(update={"output": 1}, goto=["ann", "bob"]), {"output": 1, "goto": ["ann", "bob"]}),
        (Command(goto=[Send("ann", {}), Send("ann", {})]), {"goto": ["ann", "ann"]}),
    ],
    ids=str,
)
def test_what_a_step_has_written_is_shown_without_bookkeeping(policy, result, shown):
    with tracing_context(enabled=True):
        policy.process_inputs(STATE)
        assert policy.process_outputs(result) == shown


def test_each_run_is_looked_at_anew(policy):
    another = {**STATE, "run_info": {"first_message": 0, "input_messages": 1}}
    with tracing_context(enabled=True):
        assert policy.process_inputs(STATE) is not STATE

    assert policy.process_inputs(another) is another
