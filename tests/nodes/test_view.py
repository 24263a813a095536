"""A `View` shows one run of a thread: its task, what was said, and whose turns there were."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langgraph_orchestra.graphs import create_map_reduce, create_sequential
from langgraph_orchestra.nodes import View
from langgraph_orchestra.nodes.view import best_so_far
from langgraph_orchestra.state import Failure, Result, RunInfo, SequentialState, StepResult, Turn

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
IMAGE = {"type": "image", "url": "https://example.com/octopus.png"}
CALL = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "1"}], name="ada")
FOUND = ToolMessage("a cave", tool_call_id="1")


def view_of_run(
    *said: AnyMessage,
    task: list[AnyMessage] | None = None,
    before: list[AnyMessage] | None = None,
    turns: list[Turn] | None = None,
    turns_before: list[Turn] | None = None,
    **state: Any,
) -> View:
    """A view of the latest run of a thread, in which these things were said."""
    given_now = [HumanMessage("the task")] if task is None else task
    run_info = RunInfo(
        first_message=len(before or []),
        input_messages=len(given_now),
        first_turn=len(turns_before or []),
        last_message=None,
    )
    return View(
        {
            "messages": [*(before or []), *given_now, *said],
            "trail": [*(turns_before or []), *(turns or [])],
            "run_info": run_info,
            **state,
        }
    )


def test_a_view_can_be_made_of_a_state_for_a_test_of_ones_own():
    view = View({"messages": [HumanMessage("Write about octopuses")]})
    assert view.task == "Write about octopuses"
    assert (view.turns, view.last, view.last_text, view.next_step) == ((), None, "", 1)


def test_a_view_of_nothing_has_no_task():
    view = View({})
    assert (view.task, view.messages, view.said, view.results) == ("", (), (), {})


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ([HumanMessage("first"), HumanMessage("second")], "second"),
        ([HumanMessage("asked"), AIMessage("answered before")], "asked"),
        ([HumanMessage("asked"), SystemMessage("be brief")], "asked"),
        ([HumanMessage([{"type": "text", "text": "what is this?"}, IMAGE])], "what is this?"),
        ([HumanMessage([IMAGE])], ""),
        ([AIMessage("nobody has asked")], ""),
    ],
)
def test_the_task_is_the_text_of_the_last_human_message_given(task, text):
    assert view_of_run(AIMessage("answer", name="ada"), task=task).task == text


def test_what_people_say_during_the_run_is_not_the_task():
    assert view_of_run(HumanMessage("shorter, please", name="boss")).task == "the task"


def test_a_view_tells_this_run_from_the_ones_before():
    before: list[AnyMessage] = [HumanMessage("old task"), AIMessage("old answer", name="ada")]
    view = view_of_run(
        AIMessage("new answer", name="ada"),
        before=before,
        turns_before=[Turn(agent="ada", path="ada", step=1)] * 3,
        turns=[Turn(agent="bob", path="bob", step=1)],
    )
    assert [m.text for m in view.messages] == ["old task", "old answer", "the task", "new answer"]
    assert [m.text for m in view.run_messages] == ["the task", "new answer"]
    assert [m.text for m in view.said] == ["new answer"]
    assert [turn.agent for turn in view.turns] == ["bob"]
    assert view.next_step == 2


def test_a_task_of_several_messages_is_no_part_of_what_was_said():
    task: list[AnyMessage] = [HumanMessage("asked"), AIMessage("answered"), HumanMessage("and?")]
    view = view_of_run(AIMessage("so", name="ada"), task=task)
    assert list(view.task_messages) == task
    assert [m.text for m in view.said] == ["so"]


MESSAGES = st.lists(
    st.sampled_from([HumanMessage("human"), AIMessage("ai", name="ada"), CALL, FOUND]), max_size=8
)


@given(MESSAGES, MESSAGES, MESSAGES)
def test_task_and_what_was_said_make_up_the_run_and_runs_make_up_the_thread(before, task, said):
    view = view_of_run(*said, task=task, before=before)
    assert [*view.task_messages, *view.said] == list(view.run_messages)
    assert [*before, *view.run_messages] == list(view.messages)
    assert set(map(id, view.answers)) <= set(map(id, view.said))


def test_tool_calls_and_their_results_are_no_answers():
    view = view_of_run(CALL, FOUND, AIMessage("it lives in a cave", name="ada"), CALL, FOUND)
    assert [m.text for m in view.answers] == ["it lives in a cave"]
    assert view.last_text == "it lives in a cave"


def test_turns_leave_out_decisions_aggregates_and_those_not_taken():
    view = view_of_run(
        turns=[
            Turn(agent="ada", path="ada", step=1),
            Turn(agent="selector", path="selector", step=2, kind="decision"),
            Turn(agent="bob", path="bob", step=2, outcome="skipped"),
            Turn(agent="carl", path="carl", step=3, outcome="failed"),
            Turn(agent="boss", path="boss", step=4, kind="human"),
            Turn(agent="aggregate", path="aggregate", step=5, kind="aggregate"),
        ]
    )
    assert [turn.agent for turn in view.turns] == ["ada", "carl", "boss"]
    assert view.last == view.turns[-1]
    assert [turn.agent for turn in view.trail][-1] == "aggregate"


def member(path: str, start: float, seconds: float, **fields: Any) -> Turn:
    """An entry of a team's member, by when it began and how long it took."""
    began = NINE + timedelta(seconds=start)
    return Turn(
        agent=path.rpartition("/")[2], path=path, started_at=began, seconds=seconds, **fields
    )


def test_the_members_of_a_team_are_one_turn_with_what_all_of_them_used():
    view = view_of_run(
        turns=[
            member("ada", 0, 1, step=1),
            member("team/bob", 1, 2, step=2, input_tokens=10, output_tokens=1, cost=0.5),
            member("team/carl", 4, 1, step=2, input_tokens=20, output_tokens=2, kind="human"),
            member("team/inner/dora", 5, 3, step=2, input_tokens=30, cost=0.25),
        ]
    )
    assert [turn.agent for turn in view.turns] == ["ada", "team"]
    assert view.last is not None
    assert (view.last.path, view.last.kind) == ("team", "agent")
    assert (view.last.input_tokens, view.last.output_tokens) == (60, 3)
    assert view.last.cost == 0.75
    assert view.last.started_at == NINE + timedelta(seconds=1)
    assert view.last.seconds == 7


def test_members_of_a_team_that_worked_side_by_side_took_as_long_as_the_slowest():
    entries = [member("team/slow", 0.5, 5, step=1), member("team/early", 0, 1, step=1)]
    (turn,) = view_of_run(turns=entries).turns
    assert turn.started_at == NINE
    assert turn.seconds == 5.5


def test_a_team_that_works_on_an_item_is_named_as_any_worker_is():
    (turn,) = view_of_run(turns=[member("worker[3]/bob", 0, 1, step=4)]).turns
    assert (turn.agent, turn.path) == ("worker", "worker[3]")


def test_a_team_without_a_known_price_has_no_cost():
    (turn,) = view_of_run(turns=[member("team/bob", 0, 1, step=1)]).turns
    assert turn.cost is None


def test_two_turns_of_a_team_are_two_turns():
    entries = [member("team/bob", start, 1, step=step) for step, start in ((1, 0), (2, 1))]
    assert len(view_of_run(turns=entries).turns) == 2


def test_inside_a_team_its_own_members_are_told_apart():
    entries = [member("outer/team/bob", 0, 1, step=1), member("outer/team/inner/x", 1, 1, step=2)]
    view = View({"trail": entries}, prefix="outer/team")
    assert [turn.agent for turn in view.turns] == ["bob", "inner"]
    assert [turn.path for turn in view.turns] == ["outer/team/bob", "outer/team/inner"]


def test_a_team_that_has_answered_is_well_whatever_failed_inside():
    entries = [
        member("team/bob", 0, 1, step=1, detail="fine"),
        member("team/carl", 1, 1, step=1, outcome="failed", detail="ValueError: no"),
    ]
    (turn,) = view_of_run(turns=entries).turns
    assert (turn.outcome, turn.detail) == ("ok", "")


def test_a_team_that_hands_off_has_handed_off():
    (turn,) = view_of_run(turns=[member("team/bob", 0, 1, step=1, outcome="handed_off")]).turns
    assert turn.outcome == "handed_off"


def refused(agent: str, feedback: str) -> Turn:
    return Turn(agent=agent, path=agent, step=2, kind="human", outcome="refused", detail=feedback)


DRAFT = AIMessage("draft", name="ada")
FEEDBACK = HumanMessage("shorter", name="boss")
WROTE = Turn(agent="ada", path="ada", step=1)


def test_feedback_is_the_latest_answer_until_somebody_has_tried_to_heed_it():
    sent_back = view_of_run(DRAFT, FEEDBACK, turns=[WROTE, refused("boss", "shorter")])
    assert sent_back.last_text == "shorter"
    failed = Turn(agent="ada", path="ada", step=3, outcome="failed")
    tried = view_of_run(DRAFT, FEEDBACK, turns=[WROTE, refused("boss", "shorter"), failed])
    assert tried.last_text == "draft"


def test_drafts_are_answers_without_feedback():
    view = view_of_run(DRAFT, FEEDBACK, turns=[WROTE, refused("boss", "shorter")])
    assert list(view.drafts) == [DRAFT]


def test_results_are_the_successes_and_failures_the_rest():
    good = Result(name="a", output="fine")
    bad = Result(name="b", failure=Failure(agent="b", type="ValueError"))
    by_name = View({"results": {"a": good, "b": bad}})
    assert (by_name.results, list(by_name.failures)) == ({"a": good}, [bad])
    steps = {
        "s1": StepResult(step="s1", worker="a"),
        "s2": StepResult(step="s2", worker="b", failure=bad.failure),
    }
    by_step = View({"results": steps})
    assert (by_step.results, list(by_step.failures)) == ({"s1": steps["s1"]}, [steps["s2"]])
    plain = View({"results": {key: step.model_dump() for key, step in steps.items()}})
    assert (plain.results, list(plain.failures)) == (by_step.results, list(by_step.failures))
    in_order = View({"results": [bad, good]})
    assert (in_order.results, list(in_order.failures)) == ([good], [bad])


def test_the_state_can_be_read_but_not_changed():
    view = View({"language": "en"})
    assert view.state["language"] == "en"
    with pytest.raises(TypeError):
        view.state["language"] = "de"  # type: ignore[index]


def test_after_a_turn_the_view_shows_it_and_the_one_before_does_not():
    before = View({"messages": [HumanMessage("the task")], "language": "en"}, {"ada": "writes"})
    after = before.after([AIMessage("answer", name="ada")], [WROTE])
    assert ([m.text for m in after.messages], after.turns) == (["the task", "answer"], (WROTE,))
    assert (after.state["language"], after.speakers) == ("en", {"ada": "writes"})
    assert (len(before.messages), before.turns) == (1, ())


@pytest.mark.parametrize(
    ("item", "task"),
    [("EMEA", "EMEA"), ({"region": "EMEA", "rows": [1, 2]}, '{"region":"EMEA","rows":[1,2]}')],
)
def test_a_worker_sees_its_item_as_the_task(run, item, task):
    seen = []

    def worker(view: View) -> str:
        seen.append((view.task, view.last_text, view.state["item"], view.state["index"]))
        return "done"

    run(create_map_reduce(lambda _: [item], worker).compile())
    assert seen == [(task, "", item, 0)]


class ShelfState(SequentialState, total=False):
    """A user's own keys, with names that a map-reduce has too."""

    item: str
    index: int


def test_a_users_own_keys_named_item_and_index_are_not_taken_for_the_task(run):
    def echo(view: View) -> str:
        return view.task

    app = create_sequential([echo], state_schema=ShelfState).compile()
    assert run(app, {"messages": "find it", "item": "book", "index": 7})["output"] == "find it"


EDITED = Turn(agent="boss", path="boss", step=2, kind="human", detail="edited")


@pytest.mark.parametrize(
    ("said", "turns", "output", "best"),
    [
        ([], [], "", ""),
        ([], [], None, ""),
        ([DRAFT], [WROTE], "draft", "draft"),
        ([DRAFT], [WROTE], {"typed": 1}, {"typed": 1}),
        ([DRAFT, AIMessage("  ", name="bob")], [WROTE], "", "draft"),
        ([DRAFT, FEEDBACK], [WROTE, refused("boss", "shorter")], "draft", "draft"),
        ([HumanMessage("I say", name="boss")], [], "I say", "I say"),
        ([DRAFT, HumanMessage("I say", name="boss")], [WROTE], "", "draft"),
        ([DRAFT, HumanMessage("better", name="boss")], [WROTE, EDITED], "better", "better"),
        ([CALL, FOUND], [], "", ""),
        ([CALL], [], "let me look", "let me look"),
    ],
)
def test_the_best_so_far_is_the_last_answer_by_anybody_but_a_person(said, turns, output, best):
    assert best_so_far(view_of_run(*said, turns=turns, output=output)) == best
