"""What a result holds is read with the types it was written with."""

import pytest
from langchain_core.messages import AIMessage

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.reports.recording import recording_of
from langgraph_orchestra.state import Handoff, Stop, Verdict
from support.trails import chain


def test_plain_data_of_a_strict_server_is_read_as_records():
    values = {
        "trail": [turn.model_dump(mode="json") for turn in chain("a", "b")],
        "messages": [AIMessage("hello", name="a", id="1").model_dump()],
        "stop": {"reason": "completed"},
        "handoffs": [{"target": "b", "source": "a"}],
        "verdicts": [{"checker": {"approved": True}}],
    }
    recording = recording_of(values)
    assert recording.trail == chain("a", "b")
    assert [(message.name, message.text) for message in recording.messages] == [("a", "hello")]
    assert recording.stop == Stop(reason="completed")
    assert recording.handoffs == [Handoff(target="b", source="a")]
    assert recording.verdicts == [{"checker": Verdict(approved=True)}]


def test_what_a_user_keeps_under_a_name_of_ours_is_left_alone():
    own = {"plan": "first this, then that", "results": [1, 2], "votes": {"a": 3}, "verdicts": "no"}
    recording = recording_of({**own, "handoffs": 7})
    assert (recording.plan, recording.votes) == (None, None)
    assert [recording.results, recording.step_results, recording.verdicts] == [[], [], []]
    assert not recording.handoffs


def test_a_thread_that_has_not_begun_is_empty():
    recording = recording_of({})
    assert (recording.trail, recording.runs, recording.stop) == ([], [], None)


@pytest.mark.parametrize("wrong", ["result", None, [1]])
def test_what_is_no_result_is_refused_with_what_to_pass(wrong):
    with pytest.raises(TypeError, match=r"`invoke` gives, or `graph.get_state\(config\).values`"):
        recording_of(wrong)


def test_a_snapshot_is_refused_with_what_to_pass():
    app = create_group_chat([lambda_free]).compile()
    with pytest.raises(TypeError, match="not `CompiledStateGraph`"):
        recording_of(app)


def lambda_free(view):
    return "hello"


def test_a_trail_that_no_pattern_has_written_is_refused():
    with pytest.raises(TypeError, match="`trail`"):
        recording_of({"trail": ["somebody", "somebody else"]}).trail  # noqa: B018
