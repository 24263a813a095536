"""What a run's stream tells of who is at work."""

from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langgraph.types import Overwrite

from langgraph_orchestra.cli.activity import Activity, untold_handoffs
from langgraph_orchestra.state import Handoff, Turn

MORNING = datetime(2026, 1, 1, tzinfo=UTC)


Part = tuple[tuple[str, ...], str, Any]


def begin(name: str, *namespace: str, task: str = "", **metadata: str) -> Part:
    return (namespace, "tasks", {"id": task or name, "name": name, "metadata": metadata})


def end(name: str, *namespace: str, task: str = "", result: Any = None) -> Part:
    return (namespace, "tasks", {"id": task or name, "name": name, "result": result or {}})


def say(message: BaseMessage, *places: str) -> Part:
    return ((), "messages", (message, {"langgraph_checkpoint_ns": "|".join(places)}))


def turn(path: str, minute: int = 0) -> Turn:
    return Turn(agent=path, path=path, started_at=MORNING + timedelta(minutes=minute))


def at_work(activity: Activity) -> list[tuple[str, str]]:
    return [(worker.path, worker.said) for worker in activity.workers]


def test_who_has_begun_and_not_ended_is_at_work():
    activity = Activity()
    for part in (begin("writer"), begin("editor"), end("writer")):
        activity.follow(part)
    assert at_work(activity) == [("editor", "")]


def test_nobody_works_at_the_intake_or_the_join():
    activity = Activity()
    for name in ("intake", "join"):
        activity.follow(begin(name))
    assert at_work(activity) == []


def test_pieces_of_an_answer_are_put_together():
    activity = Activity()
    activity.follow(begin("writer", task="1"))
    for piece in ("Once ", "upon"):
        activity.follow(say(AIMessageChunk(content=piece), "writer:1"))
    assert at_work(activity) == [("writer", "Once upon")]


def test_the_members_of_a_team_are_at_work_and_not_the_team():
    activity = Activity()
    activity.follow(begin("team", task="1"))
    activity.follow(begin("writer", "team:1", task="2"))
    activity.follow(say(AIMessageChunk(content="Once"), "team:1", "writer:2"))
    assert at_work(activity) == [("team/writer", "Once")]


def test_an_agents_own_steps_are_the_agent_at_work():
    activity = Activity()
    activity.follow(begin("agent", task="1"))
    activity.follow(begin("model", "agent:1", task="2", lc_agent_name="agent"))
    call = tool_call_chunk(name="search", args="{}", id="a", index=0)
    activity.follow(say(AIMessageChunk(content="", tool_call_chunks=[call]), "agent:1", "model:2"))
    assert at_work(activity) == [("agent", "calls search")]


def test_what_is_said_after_a_tool_call_takes_its_place():
    activity = Activity()
    activity.follow(begin("agent", task="1"))
    call = tool_call_chunk(name="search", args="{}", id="a", index=0)
    activity.follow(say(AIMessageChunk(content="Well,", id="1"), "agent:1"))
    activity.follow(say(AIMessageChunk(content="", tool_call_chunks=[call], id="1"), "agent:1"))
    assert at_work(activity) == [("agent", "Well, calls search")]
    activity.follow(say(AIMessageChunk(content="Found ", id="2"), "agent:1"))
    activity.follow(say(AIMessageChunk(content="it.", id="2"), "agent:1"))
    assert at_work(activity) == [("agent", "Found it.")]


def test_a_message_that_comes_in_one_piece_is_what_was_said():
    activity = Activity()
    activity.follow(begin("function", task="1"))
    activity.follow(say(AIMessage("All of it."), "function:1"))
    activity.follow(say(HumanMessage("Not mine."), "function:1"))
    assert at_work(activity) == [("function", "All of it.")]


def test_a_turn_is_told_once_though_the_team_and_the_join_repeat_it():
    activity = Activity()
    branches = {"branch_records": {"a": {"trail": [turn("team/a")]}}}
    told = [
        *activity.follow(end("a", "team:1", result=branches)),
        *activity.follow(end("join", "team:1", result={"trail": [turn("team/a")]})),
        *activity.follow(end("team", result={"trail": [turn("team/a"), turn("team/b")]})),
        *activity.follow(end("team", result={"trail": [turn("team/a", minute=1)]})),
    ]
    assert [one.path for one in told] == ["team/a", "team/b", "team/a"]


def test_updates_without_a_trail_tell_nothing():
    activity = Activity()
    for result in ({}, {"trail": None}, {"branch_records": None}, ["foreign"], {"trail": [1]}):
        assert list(activity.follow(end("node", result=result))) == []


def test_handoffs_that_no_turn_tells_of_are_told_themselves():
    taken = Handoff(target="b", reason="yours")
    refused = Handoff(target="c", outcome="refused")
    ruled = Handoff(target="d", by="rule")
    moved = Turn(agent="a", outcome="handed_off", detail="to b: yours")
    update = {"trail": [moved], "handoffs": [refused, taken, ruled]}
    assert untold_handoffs(end("a", result=update)) == [refused, ruled]


def test_there_are_no_handoffs_where_none_are_written():
    begun = end("intake", result={"handoffs": Overwrite([])})
    for part in (begin("a"), say(AIMessage("b"), "a:1"), end("a"), begun, end("a", result=["x"])):
        assert list(untold_handoffs(part)) == []
