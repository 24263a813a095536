"""What a worker is given, and what they bring; also as a strict server gives it back."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langgraph_orchestra.nodes import View
from langgraph_orchestra.nodes.limits import Spent
from langgraph_orchestra.nodes.participant import Reply
from langgraph_orchestra.nodes.supervisor.assignment import Assignment, Brought, goal_of
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.state import PlanStep, StepResult, Stop, Turn

STEP = PlanStep(id="s2", worker="ann", task="Write.", depends_on=["s1"])
FOUND = StepResult(step="s1", worker="bob", output="found", accepted=True)
DRAFT = StepResult(step="s2", worker="ann", output="draft")


def assigned(**fields):
    return Assignment(STEP, HumanMessage("the goal"), {"s1": FOUND}, message_id="m", **fields)


def as_plain_data(sent):
    """What was sent, after a server that knows no records."""
    given = sent["assignment"]
    plain = {
        "step": given["step"].model_dump(),
        "results": {key: result.model_dump() for key, result in given["results"].items()},
        "former": given["former"] and given["former"].model_dump(),
    }
    return {**sent, "assignment": {**given, **plain}}


@pytest.mark.parametrize("former", [None, DRAFT])
def test_what_was_sent_comes_back_as_it_was(former):
    assignment = assigned(former=former, attempt=2, objection="Longer.")
    sent = assignment.sent([], Spent(turns=2), {"city": "Rome"})
    assert Assignment.restored(sent) == Assignment.restored(as_plain_data(sent)) == assignment
    assert sent["city"] == "Rome"


def test_a_worker_sees_its_step_its_sources_and_nothing_else():
    assignment = assigned()
    sent = assignment.sent([], Spent(), {})
    view = assignment.seen_in(sent, View(sent))
    assert view.task == "Goal: the goal\n\nYour step: Write.\n\nResult of s1 by bob:\nfound"
    assert [message.text for message in view.messages] == [view.task]
    assert view.results == {"s1": FOUND}
    assert view.state["step"] == STEP


def test_the_goal_is_the_task_in_one_line():
    assert goal_of(View({"messages": [HumanMessage(" Write\n\tit. ")]})).content == "Write it."


def test_what_was_brought_comes_back_without_entries_that_are_known():
    old, new = Turn(agent="x", path="team/x"), Turn(agent="y", path="team/y")
    taken = Taken(Reply([AIMessage("call"), AIMessage("answer")], "answer"), [old, new])
    brought = Brought.of(assigned(), taken, keeps_answer=True)
    assert [message.text for message in brought.messages] == ["answer"]
    record = {
        **brought._asdict(),
        "result": brought.result.model_dump(),
        "trail": [turn.model_dump() for turn in brought.trail],
        "limit": Stop(reason="turn_limit").model_dump(),
    }
    again = Brought.restored(record, {(old.path, old.started_at)})
    assert (again.result, again.trail) == (brought.result, [new])
    assert again.limit == Stop(reason="turn_limit")
