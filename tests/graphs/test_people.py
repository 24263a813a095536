"""Wherever a pattern asks a person: what is asked, and what becomes of good and bad answers.

The places are those of `support.people_graphs`.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from langgraph.types import Command

from langgraph_orchestra.graphs import (
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_sequential,
)
from langgraph_orchestra.nodes import Member, concatenate
from langgraph_orchestra.state import AnswerError
from support.crash_graphs import Diary
from support.patterns import led_through_one_round, office_in_order
from support.people_graphs import PLACES, Place
from support.results import comparable
from support.runs import WAYS

TESTS = Path(__file__).parents[1]


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    """Where everybody but people notes that they work."""
    return Diary(tmp_path / "diary.txt")


@pytest.fixture(params=list(PLACES))
def place(request: pytest.FixtureRequest) -> Place:
    """Where somebody is asked."""
    return PLACES[request.param]


def open_requests(app: Any) -> dict[str, str]:
    """What a thread waits for: ids by the paths of who is asked."""
    state = app.get_state({"configurable": {"thread_id": "1"}})
    return {i.value["path"]: i.id for i in state.interrupts}


def asked(result: Mapping[str, Any]) -> dict[str, str]:
    """What a run has asked: ids by the paths of who is asked."""
    return {i.value["path"]: i.id for i in result.get("__interrupt__", ())}


def two_teams(place: Place, diary: Diary) -> Any:
    """The place twice, side by side."""
    teams = [place.build(diary).compile(name=name) for name in ("left", "right")]
    return create_concurrent(teams, aggregate=concatenate())


def test_a_request_is_exactly_this(run, saver, diary, place):
    app = place.build(diary).compile(checkpointer=saver)
    [interrupt] = run(app, "Go", thread="1")["__interrupt__"]
    description = interrupt.value["action_requests"][0].pop("description")
    assert isinstance(description, str)
    assert description.strip()
    assert interrupt.value == {
        "action_requests": [{"name": place.kind, "args": place.arguments}],
        "review_configs": [{"action_name": place.kind, "allowed_decisions": place.allowed}],
        "pattern": place.pattern,
        "node": place.node,
        "path": place.node,
        "thread_task": "Go",
    }


def test_a_request_goes_through_json_as_it_is(run, saver, diary, place):
    app = place.build(diary).compile(checkpointer=saver)
    [interrupt] = run(app, "Go", thread="1")["__interrupt__"]
    assert json.loads(json.dumps(interrupt.value)) == interrupt.value


def test_a_bad_answer_leaves_the_same_request_open_and_repeats_no_work(run, saver, diary, place):
    app = place.build(diary).compile(checkpointer=saver)
    before = asked(run(app, "Go", thread="1"))
    for bad in place.bad:
        with pytest.raises(AnswerError, match=f"the answer of `{place.node}` cannot be used"):
            run(app, Command(resume={before[place.node]: bad}), thread="1")
        assert open_requests(app) == before
    assert diary.names == place.before

    result = run(app, Command(resume={before[place.node]: place.answer}), thread="1")

    assert (result["output"], asked(result)) == (place.output, {})
    assert diary.names == [*place.before, *place.after]


FORMS = [(name, form) for name, place in PLACES.items() for form in place.forms]


@pytest.mark.parametrize(("place", "form"), FORMS, ids=repr, indirect=["place"])
@pytest.mark.parametrize("run", [WAYS[0], WAYS[-1]], ids=str, indirect=True)
@pytest.mark.parametrize("saver", ["sqlite"], indirect=True)
def test_an_answer_means_the_same_in_every_form(run, saver, diary, place, form):
    app = place.build(diary).compile(checkpointer=saver)
    run(app, "Go", thread="1")
    result = run(app, Command(resume=form), thread="1")
    run(app, "Go", thread="2")
    plain = run(app, Command(resume=place.answer), thread="2")
    assert comparable(result) == comparable(plain)
    assert result["output"] == place.output


REJECTIONS = [False, "reject", "No.", {"type": "reject"}, {"decisions": [{"type": "reject"}]}]


ENDING = ["review in a sequence", "checker", "escalation", "review of a plan"]


@pytest.mark.parametrize("place", ENDING, indirect=True)
@pytest.mark.parametrize("form", [*REJECTIONS, [{"type": "ignore", "args": None}]], ids=repr)
def test_a_rejection_without_words_ends_the_run_in_every_form(run, saver, diary, place, form):
    app = place.build(diary).compile(checkpointer=saver)
    run(app, "Go", thread="1")
    result = run(app, Command(resume=form), thread="1")
    assert (result["stop"].reason, result["stop"].by) == ("rejected", place.node)
    assert diary.names == [*place.before, *place.rejected]


EDITS = [
    {"type": "edit", "args": {"draft": "better"}},
    {"type": "edit", "edited_action": {"name": "review_draft", "args": {"draft": "better"}}},
    {"decisions": [{"type": "edit", "args": {"draft": "better"}}]},
    [{"type": "edit", "args": {"action": "review_draft", "args": {"draft": "better"}}}],
]


@pytest.mark.parametrize("place", ["review in a sequence", "checker"], indirect=True)
@pytest.mark.parametrize("form", EDITS, ids=repr)
def test_an_edit_takes_the_drafts_place_in_every_form(run, saver, diary, place, form):
    app = place.build(diary).compile(checkpointer=saver)
    run(app, "Go", thread="1")
    result = run(app, Command(resume=form), thread="1")
    assert [m.text for m in result["messages"] if m.name == place.node] == ["better"]


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")], ids=" ".join)
def test_two_who_are_asked_at_once_answer_in_either_order(run, saver, diary, place, order):
    app = two_teams(place, diary).compile(checkpointer=saver)
    ids = asked(run(app, "Go", thread="1"))
    assert set(ids) == {f"left/{place.node}", f"right/{place.node}"}
    first, second = (ids[f"{team}/{place.node}"] for team in order)

    result = run(app, Command(resume={first: place.answer}), thread="1")
    assert asked(result) == {f"{order[1]}/{place.node}": second}
    result = run(app, Command(resume={second: place.answer}), thread="1")

    assert asked(result) == {}
    assert {r.output for r in result["results"].values()} == {place.output}
    assert Counter(diary.names) == Counter(2 * [*place.before, *place.after])


def test_a_bad_answer_of_one_leaves_the_other_their_own(run, saver, diary, place):
    app = two_teams(place, diary).compile(checkpointer=saver)
    ids = asked(run(app, "Go", thread="1"))

    with pytest.raises(AnswerError, match=f"the answer of `{place.node}` cannot be used"):
        run(app, Command(resume={ids[f"left/{place.node}"]: place.bad[0]}), thread="1")
    assert open_requests(app) == ids
    answers = {ids[f"left/{place.node}"]: place.bad[0], ids[f"right/{place.node}"]: place.answer}
    with pytest.raises(AnswerError, match=f"the answer of `{place.node}` cannot be used"):
        run(app, Command(resume=answers), thread="1")
    still = open_requests(app)
    assert still[f"left/{place.node}"] == ids[f"left/{place.node}"]
    result = run(app, Command(resume=dict.fromkeys(still.values(), place.answer)), thread="1")

    assert asked(result) == {}
    assert {r.output for r in result["results"].values()} == {place.output}
    assert Counter(diary.names) == Counter(2 * [*place.before, *place.after])


OUTER: Mapping[str, Any] = {
    "sequential": lambda team, name: create_sequential([team]),
    "concurrent": lambda team, name: create_concurrent([team]),
    "group_chat": lambda team, name: create_group_chat([team], max_turns=1),
    "handoff": lambda team, name: create_handoff([Member(team, description=name)]),
    "supervisor": lambda team, name: office_in_order([team]),
    "magentic": lambda team, name: led_through_one_round([team]),
}


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("run", [WAYS[0], WAYS[-1]], ids=str, indirect=True)
@pytest.mark.parametrize("saver", ["sqlite"], indirect=True)
def test_three_levels_deep_an_answer_reaches_only_who_was_asked(run, saver, diary, place, outer):
    """Two teams of teams ask side by side; each answer is for one of them."""

    def deep(name: str) -> Any:
        core = place.build(diary).compile(name="core")
        team = OUTER[outer](core, "core").compile(name="team")
        return OUTER[outer](team, "team").compile(name=name)

    app = create_concurrent([deep("left"), deep("right")]).compile(checkpointer=saver)
    ids = asked(run(app, "Go", thread="1"))
    paths = {f"{side}/team/core/{place.node}" for side in ("left", "right")}
    assert set(ids) == paths

    left, right = sorted(paths)
    with pytest.raises(AnswerError):
        run(app, Command(resume={ids[left]: place.bad[0]}), thread="1")
    assert open_requests(app) == ids
    result = run(app, Command(resume={ids[right]: place.answer}), thread="1")
    assert asked(result) == {left: ids[left]}
    assert Counter(diary.names) == Counter([*place.before, *place.before, *place.after])
    result = run(app, Command(resume={ids[left]: place.answer}), thread="1")

    assert asked(result) == {}
    assert Counter(diary.names) == Counter(2 * [*place.before, *place.after])
    people = {turn.path for turn in result["trail"] if turn.agent == place.node}
    assert people >= paths


@pytest.mark.parametrize("saver", ["memory"], indirect=True)
@pytest.mark.parametrize("nothing", [{}, None], ids=repr)
def test_an_empty_object_and_none_are_no_answers(run, saver, diary, place, nothing):
    app = place.build(diary).compile(checkpointer=saver)
    ids = asked(run(app, "Go", thread="1"))
    with pytest.raises(AnswerError, match=f"the answer of `{place.node}` cannot be used"):
        run(app, Command(resume={ids[place.node]: nothing}), thread="1")
    assert open_requests(app) == ids
    assert asked(run(app, Command(resume={}), thread="1")) == ids


BLANKS = ["", " \n", [], [""], {"decisions": []}, {"type": "respond", "message": " "}]


@pytest.mark.parametrize("run", [WAYS[0], WAYS[-1]], ids=str, indirect=True)
@pytest.mark.parametrize("saver", ["memory"], indirect=True)
@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_a_blank_answer_does_what_the_request_says(run, saver, diary, place, blank):
    app = place.build(diary).compile(checkpointer=saver)
    [interrupt] = run(app, "Go", thread="1")["__interrupt__"]
    meaning = interrupt.response_schema["x-blank"]
    if meaning == "refused":
        with pytest.raises(AnswerError, match="the answer is blank"):
            run(app, Command(resume=blank), thread="1")
        assert open_requests(app) == {place.node: interrupt.id}
        return
    result = run(app, Command(resume=blank), thread="1")
    assert interrupt.id not in open_requests(app).values()
    assert meaning in ("ends", "goes_on")
    assert diary.names == [*place.before, *(place.after if meaning == "goes_on" else ())]
    assert result["stop"] is not None


@pytest.mark.parametrize("run", [WAYS[0], WAYS[-1]], ids=str, indirect=True)
@pytest.mark.parametrize("saver", ["sqlite"], indirect=True)
def test_who_is_asked_again_deep_inside_is_not_answered_by_what_they_said_before(run, saver, diary):
    team = PLACES["review in a sequence"].build(diary).compile(name="core")
    team = create_sequential([team]).compile(name="team")
    app = create_sequential([team]).compile(checkpointer=saver)
    [path] = asked(run(app, "Go", thread="1"))
    for words in ("shorter", "longer"):
        result = run(app, Command(resume={open_requests(app)[path]: words}), thread="1")
        assert list(asked(result)) == [path]
    result = run(app, Command(resume={open_requests(app)[path]: "approve"}), thread="1")
    details = [turn.detail for turn in result["trail"] if turn.agent == "ada"]
    assert details == ["shorter", "longer", "approved"]


@pytest.mark.parametrize("modes", [("sync", "async"), ("async", "sync")], ids="-".join)
def test_an_answer_in_a_new_process_repeats_no_work(tmp_path, diary, place, modes):
    def process(mode: str, *options: str) -> Any:
        files = (str(tmp_path / "runs.db"), str(diary.path))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "support.crash_process"),
                *(place.build.__name__, *files, mode, *options),
            ],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    first, second = modes
    waiting = process(first, "--input", "Go")["interrupts"]
    assert diary.names == place.before
    refused = process(second, "--answers", json.dumps({waiting[place.node]: place.bad[0]}))
    assert f"AnswerError: the answer of `{place.node}` cannot be used" in refused
    result = process(second, "--answers", json.dumps({waiting[place.node]: place.answer}))

    assert (result["output"], result["interrupts"]) == (place.output, {})
    assert diary.names == [*place.before, *place.after]
