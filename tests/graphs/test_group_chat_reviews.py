"""Reviewing seats of a group chat: what they are shown, when, and what becomes of an edit."""

import pytest
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.nodes import Human, approval
from langgraph_orchestra.state import ConfigurationError
from support.members import RECORDED, agent
from support.results import asked, calls, ended, outcomes, readings, spoken

THREAD = {"configurable": {"thread_id": "1"}}


class Visit(BaseModel):
    """Where to go."""

    city: str


def request_in(result):
    (request,) = asked(result).value["action_requests"]
    return request


def chat(saver, *members, max_turns=None, **options):
    """A chat of these, in which each speaks once unless told otherwise."""
    limit = max_turns or len(members)
    return create_group_chat(members, max_turns=limit, **options).compile(checkpointer=saver)


def test_a_reviewing_seat_approves_without_a_message(run, saver):
    app = chat(saver, agent("a", "Draft."), approval("boss"), agent("c", "Out it goes."))
    waiting = request_in(run(app, "Write", thread="1"))
    assert (waiting["name"], waiting["args"]) == (
        "review_draft",
        {"participant": "a", "draft": "Draft.", "round": 1},
    )
    result = run(app, Command(resume="approve"), thread="1")
    assert spoken(result) == [("a", "Draft."), ("c", "Out it goes.")]
    assert result["trail"][1].detail == "approved"


def test_an_edited_draft_is_read_by_all_after_it_and_is_the_output(run, saver):
    c = agent("c", "")
    app = chat(saver, agent("a", "Draft."), approval("boss"), c)
    run(app, "Write", thread="1")
    edit = {"decisions": [{"type": "edit", "args": {"draft": "Better."}}]}
    result = run(app, Command(resume=edit), thread="1")
    assert readings(c) == [["Write", "a: Draft.", "boss: Better."]]
    assert ended(result) == ("Better.", "turn_limit")


def test_an_edit_of_a_typed_draft_is_the_output(run, saver):
    writer = agent("a", Visit(city="Rome"), output=Visit)
    app = chat(saver, writer, approval("boss"))
    run(app, "Where to?", thread="1")
    result = run(app, Command(resume={"type": "edit", "args": "To Bonn."}), thread="1")
    assert ended(result) == ("To Bonn.", "turn_limit")


def test_feedback_goes_to_all_and_the_last_rejection_ends_with_the_draft(run, saver):
    a = agent("a", "One.", "Two.")
    app = chat(saver, a, Human("boss", role="review", max_rejections=2), max_turns=9)
    run(app, "Write", thread="1")
    second = run(app, Command(resume="Shorter."), thread="1")
    assert readings(a)[1] == ["Write", "One.", "boss: Shorter."]
    assert request_in(second)["args"] == {"participant": "a", "draft": "Two.", "round": 2}
    result = run(app, Command(resume="No, shorter."), thread="1")
    assert ended(result) == ("Two.", "rejected")
    assert (result["stop"].by, result["stop"].detail) == ("boss", "No, shorter.")
    assert [t.outcome for t in result["trail"]] == ["ok", "refused", "ok", "refused"]


def test_a_rejection_without_words_ends_the_chat_and_nothing_is_summed_up(run, saver):
    summary = agent("s", "never")
    app = chat(saver, agent("a", "One."), approval("boss"), max_turns=9, summary=summary)
    run(app, "Write", thread="1")
    assert ended(run(app, Command(resume=False), thread="1")) == ("One.", "rejected")
    assert calls(summary) == [0]


def test_a_reviewer_is_passed_over_where_there_is_nothing_to_review(run, saver):
    a = agent("a", "One.", "Two.")
    app = chat(saver, approval("boss"), a, max_turns=2)
    for draft in ("One.", "Two."):
        waiting = run(app, "Write", thread="1")
        assert request_in(waiting)["args"]["draft"] == draft
        assert ended(run(app, Command(resume="ok"), thread="1")) == (draft, "turn_limit")


def test_a_failed_writer_leaves_nothing_to_review(run, saver):
    a = agent("a", ValueError("no"), "One.", policy=RECORDED)
    app = chat(saver, a, approval("boss"), max_turns=3)
    waiting = run(app, "Write", thread="1")
    assert request_in(waiting)["args"]["draft"] == "One."
    result = run(app, Command(resume="ok"), thread="1")
    assert outcomes(result) == [("a", "failed"), ("a", "ok"), ("boss", "ok")]


def test_a_reviewer_is_shown_the_draft_not_what_others_have_remarked(run, saver):
    app = chat(saver, agent("a", "One."), approval("ann"), approval("bob"), observer=Human("eve"))
    run(app, "Write", thread="1")
    run(app, Command(resume="ok"), thread="1")
    waiting = run(app, Command(resume="Hurry."), thread="1")
    assert request_in(waiting)["args"] == {"participant": "a", "draft": "One.", "round": 1}
    run(app, Command(resume="Too long."), thread="1")
    waiting = run(app, Command(resume="ok"), thread="1")
    assert asked(waiting).value["node"] == "bob"
    assert request_in(waiting)["args"] == {"participant": "a", "draft": "One.", "round": 1}


def test_where_all_could_only_review_the_chat_is_refused():
    with pytest.raises(ConfigurationError, match="`ann` reviews, but nobody writes"):
        create_group_chat([approval("ann"), Human("bob", role="review")])


def test_a_function_may_not_choose_a_reviewer_with_nothing_to_review(run):
    app = create_group_chat([agent("a"), approval("boss")], select=lambda view: "boss").compile()
    with pytest.raises(ConfigurationError, match="chose 'boss'; who may speak next: `a` "):
        run(app)


def drawn(graph):
    return {(edge.source, edge.target) for edge in graph.compile().get_graph().edges}


def test_the_drawing_leads_to_a_reviewer_only_from_where_a_draft_may_be():
    graph = create_group_chat([approval("boss"), agent("a"), agent("b")])
    assert drawn(graph) == {
        ("__start__", "intake"),
        *(("intake", "a"), ("intake", "b")),
        *(("boss", "a"), ("boss", "__end__")),
        *(("a", "b"), ("a", "__end__")),
        *(("b", "boss"), ("b", "a"), ("b", "__end__")),
    }
