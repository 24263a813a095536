"""What goes wrong in a maker-checker: failures, slowness, limits, crashes; and nesting."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter

import pytest
from langgraph.errors import NodeTimeoutError
from langgraph.types import Command

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import (
    create_concurrent,
    create_maker_checker,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits, Member, Policy, judged, when
from langgraph_orchestra.state import Verdict
from support.members import AT_ONCE, ONCE, RECORDED, agent, wants
from support.results import asked, calls, ended, model_of, outcomes, readings, spoken, usage
from support.verdicts import YES, checker, no, writer, yes

SILENT = "x: No verdict could be given. Hand the draft in again, improved if you can."

CONFIG = {"configurable": {"thread_id": "1"}}


def loop(maker, checkers, *, saver=None, **options):
    """A compiled maker-checker."""
    return create_maker_checker(maker, checkers, **options).compile(checkpointer=saver)


# Failures that are raised


@pytest.mark.parametrize("several", [False, True])
def test_an_exception_of_a_checker_surfaces_with_its_type_and_name(run, saver, several):
    boss = checker(error := ValueError("down"), policy=ONCE)
    author = writer()
    app = loop(author, [checker(name="x"), boss] if several else boss, saver=saver)
    with pytest.raises(ValueError, match="down") as caught:
        run(app, thread="1")
    assert caught.value is error
    assert "in participant `boss` of `maker_checker`, attempt 1" in error.__notes__


def test_after_a_failure_is_mended_only_what_had_failed_and_the_rest_run(run, saver):
    asked = []

    def rule(view):
        asked.append(view.last_text)
        return "Cut." if view.last_text == "a" else True

    author, boss = writer("a", "b"), checker(ValueError("down"), YES, YES, policy=ONCE)
    app = loop(author, [rule, boss], saver=saver)
    with pytest.raises(ValueError, match="down"):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert ended(result) == ("b", "approved")
    assert calls(author, boss) == [2, 3]
    if not run.way.is_async:  # there, a sibling is cancelled, which may have been asked by then
        assert asked == ["a", "b"]


def test_a_failure_in_round_two_keeps_round_one(run, saver):
    author = writer("a", ValueError("down"), "b", policy=ONCE)
    boss = checker(no("Cut."), YES)
    app = loop(author, boss, saver=saver)
    with pytest.raises(ValueError, match="down"):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert ended(result) == ("b", "approved")
    assert (result["rounds"], result["drafts"], calls(boss)) == (2, ["a", "b"], [2])


@pytest.mark.parametrize("streams", [False, True])
def test_in_a_sync_run_the_failure_of_the_first_declared_checker_is_raised_in_every_round(streams):
    """What the checkers of an earlier round had left must not count in a later one."""
    released = threading.Event()

    def early(view):
        if view.state["rounds"] == 0:
            return "Again."
        released.wait(10)
        raise ValueError("declared first")

    def late(view):
        if view.state["rounds"] == 0:
            return "Again."
        threading.Timer(0.05, released.set).start()
        raise KeyError("failed first")

    members = [Member(early, policy=ONCE), Member(late, policy=ONCE)]
    app = loop(writer("a", "b"), members)
    with pytest.raises(ValueError, match="declared first"):
        list(app.stream({"messages": "x"})) if streams else app.invoke({"messages": "x"})


async def test_in_an_async_run_a_failing_checker_cancels_the_others():
    cancelled = []

    async def slow(view):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append("slow")
            raise
        return True

    boss = checker(ValueError("down"), policy=ONCE)
    with pytest.raises(ValueError, match="down"):
        await loop(writer(), [slow, boss]).ainvoke({"messages": "go"})
    assert cancelled == ["slow"]


# Policies


def test_maker_and_checker_are_tried_again(run):
    author = writer(ConnectionError("down"), "a", policy=Policy(retry=AT_ONCE))
    boss = checker(ConnectionError("down"), YES, policy=Policy(retry=AT_ONCE))
    result = run(loop(author, boss))
    assert ended(result) == ("a", "approved")
    assert [(turn.agent, turn.attempts) for turn in result["trail"]] == [("writer", 2), ("boss", 2)]
    assert (result["drafts"], result["rounds"]) == (["a"], 1)


@pytest.mark.parametrize("several", [False, True])
def test_a_fallback_gives_the_verdict_and_is_asked_for_one(run, several):
    deputy = agent("deputy", no("Cut."), YES)
    failures = [ValueError("down")] * 2
    boss = checker(*failures, policy=Policy(retry=None, fallback=deputy))
    result = run(loop(writer("a", "b"), [checker(YES, YES, name="x"), boss] if several else boss))
    assert ended(result) == ("b", "approved")
    assert result["verdicts"][0]["boss"] == no("Cut.")
    assert [t.outcome for t in result["trail"] if t.agent == "boss"] == ["fallback", "fallback"]
    assert model_of(deputy).calls[0].tools[0]["function"]["name"] == "Verdict"


def test_a_model_is_a_fallback_that_is_asked_for_a_verdict(run):
    other = ScriptedModel([no("Cut."), YES])
    boss = checker(*[ValueError("down")] * 2, policy=Policy(retry=None, fallback=other))
    result = run(loop(writer("a", "b"), boss))
    assert result["verdicts"] == [{"boss": no("Cut.")}, {"boss": YES}]


def test_a_function_steps_in_for_a_checker(run):
    def rule(view):
        return len(view.last_text) < 3

    boss = checker(*[ValueError("down")] * 2, policy=Policy(retry=None, fallback=rule))
    assert ended(run(loop(writer("long", "ok"), boss))) == ("ok", "approved")


def test_verdicts_that_are_never_valid_may_be_recorded(run):
    result = run(loop(writer("a"), checker("?", "?", "?", policy=RECORDED)))
    assert ended(result) == ("a", "failed")
    assert "DecisionError" in result["stop"].detail


def test_a_checker_that_is_too_slow_fails(run):
    def slow(view):
        time.sleep(0.5)
        return True

    member = Member(slow, policy=Policy(retry=None, timeout=0.05))
    with pytest.raises(NodeTimeoutError):
        run(loop(writer(), member))
    recorded = Member(slow, policy=Policy(retry=None, timeout=0.05, on_failure="record"))
    result = run(loop(writer("a"), recorded))
    assert ended(result) == ("a", "failed")
    assert result["trail"][-1].outcome == "timed_out"


# Failures that are recorded


def test_a_maker_that_fails_before_any_draft_ends_failed_with_nothing(run, saver):
    boss = checker()
    app = loop(writer(ValueError("down"), policy=RECORDED), boss, saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("", "failed")
    assert (result["stop"].by, result["stop"].detail) == ("writer", "ValueError: down")
    assert (result["drafts"], result["rounds"], calls(boss)) == ([], 0, [0])


def test_a_maker_that_fails_to_revise_ends_failed_with_the_best_draft(run, saver):
    author = writer("a", "b", ValueError("down"), policy=RECORDED)
    boss = checker(no("Cut.", 8), no("Price?", 5))
    result = run(loop(author, boss, saver=saver), thread="1")
    assert ended(result) == ("a", "failed")
    assert (result["stop"].by, calls(boss), result["rounds"]) == ("writer", [2], 2)
    assert outcomes(result)[-1] == ("writer", "failed")


def test_a_checker_that_fails_has_not_approved_and_the_run_ends_failed_with_the_draft(run, saver):
    app = loop(writer("a"), checker(ValueError("down"), policy=RECORDED), saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("a", "failed")
    assert result["stop"].by == "boss"
    assert result["stop"].detail == "no verdict: ValueError: down"
    assert (result["verdicts"], result["rounds"]) == ([], 0)


def test_of_several_checkers_one_that_fails_gives_no_verdict_and_the_others_count(run, saver):
    failing = checker(ValueError("down"), YES, name="x", policy=RECORDED)
    app = loop(writer("a", "b"), [failing, checker(YES, YES)], saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("b", "approved")
    assert result["verdicts"] == [{"boss": YES}, {"x": YES, "boss": YES}]


def test_silence_is_no_approval_but_a_quorum_may_do_without(run):
    def checkers():
        failing = checker(ValueError("down"), name="x", policy=RECORDED)
        return [failing, checker(name="y"), checker(name="z")]

    assert ended(run(loop(writer("a"), checkers(), quorum=2))) == ("a", "approved")
    assert ended(run(loop(writer("a"), checkers(), max_rounds=1))) == ("a", "round_limit")


def test_a_maker_is_asked_to_revise_where_a_verdict_is_missing_and_nobody_objects(run):
    author = writer("a", "b")
    failing = checker(ValueError("down"), YES, name="x", policy=RECORDED)
    result = run(loop(author, [failing, checker(YES, YES)]), "Write")
    assert spoken(result) == [("writer", "a"), ("writer", "b")]
    assert readings(author)[1] == ["Write", "a", SILENT]


def test_a_graph_does_not_hold_on_to_errors_of_runs_that_have_ended(run):
    raised = []

    class PageMissingError(Exception):
        pass

    def fail(view):
        raised.append(weakref.ref(error := PageMissingError()))
        raise error

    app = loop(writer("a"), [Member(fail, policy=RECORDED), checker()], max_rounds=1)
    assert ended(run(app)) == ("a", "round_limit")
    gc.collect()
    assert [error() for error in raised] == [None]


def test_all_checkers_failing_is_failed(run):
    failing = [checker(ValueError(n), name=n, policy=RECORDED) for n in ("x", "y")]
    result = run(loop(writer("a"), failing))
    assert ended(result) == ("a", "failed")
    assert (result["stop"].by, result["stop"].detail) == ("x", "no verdict: ValueError: x")


def test_a_failure_that_is_recorded_is_not_raised_for_another_checker(run):
    recorded = checker(ValueError("recorded"), name="x", policy=RECORDED)
    raised = checker(KeyError("raised"), name="y", policy=ONCE)
    with pytest.raises(KeyError, match="raised"):
        run(loop(writer(), [recorded, raised]))


def test_a_breaker_takes_a_checker_out_for_the_rest_of_the_run(run, saver):
    broken = checker(
        *[ValueError("down")] * 2,
        YES,
        name="x",
        policy=Policy(retry=None, on_failure="record", breaker=2),
    )
    boss = checker(no("a"), no("b"), no("c"), YES, YES)
    app = loop(writer("1", "2", "3", "4", "5"), [broken, boss], quorum=2, saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("3", "round_limit")
    assert [t.outcome for t in result["trail"] if t.agent == "x"] == ["failed", "failed", "skipped"]
    second = run(app, "again", thread="1")
    assert ended(second) == ("4", "approved")
    assert calls(broken) == [3]


# Limits

LIMITS = {
    "turns": (Limits(turns=3), "turn_limit"),
    "tokens": (Limits(tokens=45), "token_limit"),
    "cost": (Limits(cost=3, price=lambda model, used: 1.0), "cost_limit"),
}


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_ends_with_the_last_draft_where_that_is_not_checked_yet(run, saver, kind):
    limits, reason = LIMITS[kind]
    boss = checker(no("Cut.", 9), YES)
    result = run(loop(writer("a", "b"), boss, limits=limits, saver=saver), thread="1")
    assert ended(result) == ("b", reason)
    assert (calls(boss), result["rounds"]) == ([1], 1)


@pytest.mark.parametrize(
    ("limits", "output"), [(Limits(turns=2), "a"), (Limits(turns=4), "a"), (Limits(turns=1), "a")]
)
def test_a_limit_after_a_check_ends_with_the_best_draft(run, limits, output):
    app = loop(writer("a", "b"), checker(no("x", 9), no("y", 4)), limits=limits)
    assert ended(run(app)) == (output, "turn_limit")


def test_an_approval_that_uses_the_budget_up_is_an_approval(run):
    assert ended(run(loop(writer("a"), checker(), limits=Limits(tokens=30)))) == ("a", "approved")


def test_rounds_and_turns_that_end_together_are_a_round_limit(run):
    app = loop(writer("a"), checker(no("Cut.")), max_rounds=1, limits=Limits(turns=2))
    assert ended(run(app)) == ("a", "round_limit")


@pytest.mark.parametrize("several", [False, True])
def test_a_limit_inside_a_check_leaves_the_draft_without_a_verdict(run, saver, several):
    def look_up(word: str) -> str:
        """Look a word up."""
        return word

    boss = checker(wants("look_up", word="x"), YES, tools=[look_up])
    others = [Member(lambda view: True, name="x")] if several else []
    app = loop(writer("a"), [*others, boss], limits=Limits(tokens=30), saver=saver)
    result = run(app, thread="1")
    assert ended(result) == ("a", "token_limit")
    assert result["verdicts"] == ([{"x": YES}] if several else [])
    assert outcomes(result)[-1] == ("boss", "cancelled")


def test_a_limit_without_any_draft_leaves_an_empty_output(run):
    def look_up(word: str) -> str:
        """Look a word up."""
        return word

    author = writer(wants("look_up", word="x"), "a", tools=[look_up])
    boss = checker()
    result = run(loop(author, boss, limits=Limits(tokens=15)))
    assert ended(result) == ("", "token_limit")
    assert (result["drafts"], calls(boss)) == ([], [0])


def test_an_outer_limit_ends_a_maker_checker_inside_with_what_it_has(run, saver):
    inner = loop(writer("a", "b"), checker(no("Cut."), YES))
    boss = agent("boss")
    app = create_sequential([inner, boss], limits=Limits(tokens=30))
    result = run(app.compile(checkpointer=saver), thread="1")
    assert ended(result) == ("a", "token_limit")
    assert calls(boss) == [0]


def test_a_limit_stops_a_stop_condition_that_asks_a_model(run):
    judge = ScriptedModel([{"answer": False}])
    app = loop(
        writer("a"), checker(), limits=Limits(tokens=15), stop_when=judged(judge, "Is it done?")
    )
    assert ended(run(app)) == ("a", "token_limit")
    assert not judge.calls


# What follows a turn


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("after", ["draft", "check"])
def test_a_stop_condition_that_fails_loses_no_turn(run, saver, several, after):
    looks = Counter()

    def look(view):
        place = "draft" if view.state["rounds"] < len(view.state["drafts"]) else "check"
        looks[place] += 1
        if place == after and looks[place] == 1:
            raise ValueError("no look")
        return False

    author, boss = writer("a", "b"), checker(no("Cut."), YES)
    others = [checker(YES, YES, name="x")] if several else []
    app = loop(author, [*others, boss], stop_when=when(look), saver=saver)
    try:
        result = run(app, thread="1")
    except ValueError:
        result = run(app, None, thread="1")
    assert ended(result) == ("b", "approved")
    assert calls(author, boss) == [2, 2]
    assert result["drafts"] == ["a", "b"]
    assert [turn.step for turn in result["trail"]] == list(range(1, len(result["trail"]) + 1))
    assert spoken(result) == [("writer", "a"), ("boss", "Cut."), ("writer", "b")]


@pytest.mark.parametrize("after", ["draft", "check"])
def test_a_stop_condition_that_keeps_failing_surfaces(run, saver, after):
    def look(view):
        checked = view.state["rounds"] == len(view.state["drafts"])
        if checked == (after == "check"):
            raise ValueError("no look")
        return False

    author, boss = writer("a"), checker(no("Cut."))
    app = loop(author, boss, stop_when=when(look), saver=saver)
    for attempt in ("x", None):
        with pytest.raises(ValueError, match="no look"):
            run(app, attempt, thread="1")
    assert calls(author) == [1]


# Runs on one thread


def test_a_second_run_starts_drafts_verdicts_and_rounds_afresh(run, saver):
    author, boss = writer("1", "2", "3"), checker(no("Cut."), YES, yes("Fine."))
    app = loop(author, boss, saver=saver)
    run(app, "First", thread="1")
    second = run(app, "Second", thread="1")
    assert ended(second) == ("3", "approved")
    assert second["drafts"] == ["3"]
    assert second["verdicts"] == [{"boss": yes("Fine.")}]
    assert second["rounds"] == 1
    assert len(second["trail"]) == 6


def test_rejections_of_an_earlier_run_do_not_count(run, saver):
    app = loop(writer("1", "2", "3", "4"), Human("boss", max_rejections=2), saver=saver)
    for task in ("First", "Second"):
        run(app, task, thread="1")
        run(app, Command(resume="Again"), thread="1")
        result = run(app, Command(resume="yes"), thread="1")
    assert ended(result) == ("4", "approved")


class House(Verdict):
    """A verdict with the rule that it follows."""

    rule: str = ""


STRICT = """
import os, sys
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from langgraph_orchestra.graphs import create_maker_checker, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human
from langgraph_orchestra.state import Verdict
from pydantic import BaseModel
class Note(BaseModel):
    title: str
class House(Verdict):
    rule: str = ""
def model(*replies): return ScriptedModel(list(replies))
def build():
    maker = Agent("writer", "", model=model(Note(title="a"), Note(title="b")), output=Note)
    own = House(approved=False, feedback="Cut.", rule="7")
    checkers = [
        Agent("x", "", model=model(own, House(approved=True)), output=House),
        Agent("y", "", model=model(Verdict(approved=True, score=5), Verdict(approved=True))),
        Human("boss"),
    ]
    return create_maker_checker(maker, checkers)
saver = InMemorySaver()
config = {"configurable": {"thread_id": "1"}}
app = build().compile(checkpointer=saver)
app.invoke({"messages": "go"}, config)
app.invoke(Command(resume="yes"), config)
result = app.invoke(Command(resume="yes"), config)
state = app.get_state(config).values
for one in (result, state):
    assert one["drafts"] == [Note(title="a"), Note(title="b")], one["drafts"]
    assert one["output"] == Note(title="b")
    assert one["verdicts"][0]["x"] == House(approved=False, feedback="Cut.", rule="7")
    assert one["verdicts"][0]["y"] == Verdict(approved=True, score=5)
    assert type(one["verdicts"][0]["y"]) is Verdict
outer = create_sequential([build().compile(name="team")]).compile(checkpointer=saver)
config = {"configurable": {"thread_id": "2"}}
outer.invoke({"messages": "go"}, config)
outer.invoke(Command(resume="yes"), config)
result = outer.invoke(Command(resume="yes"), config)
assert result["output"] == Note(title="b"), result["output"]
print("typed")
"""


def test_drafts_and_verdicts_are_typed_with_a_strict_saver(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STRICT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("typed", "")


def test_verdicts_are_typed_after_a_reload_from_disk(tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"

    def build(saver):
        boss = checker(
            House(approved=False, feedback="Cut.", rule="7"), House(approved=True), output=House
        )
        return loop(writer("a", "b"), [boss, checker(YES, YES, name="x")], saver=saver)

    with open_checkpointer(url) as saver:
        build(saver).invoke({"messages": "go"}, CONFIG)
    with open_checkpointer(url) as saver:
        values = build(saver).get_state(CONFIG).values
    assert values["verdicts"][0] == {
        "boss": House(approved=False, feedback="Cut.", rule="7"),
        "x": YES,
    }
    assert type(values["verdicts"][1]["boss"]) is House


def test_what_a_thread_takes_on_disk_grows_with_the_rounds_and_not_with_their_square(tmp_path):
    def size(rounds):
        path = tmp_path / f"{rounds}.db"
        drafts = [f"{n} " + "x" * 2000 for n in range(rounds)]
        with open_checkpointer(f"sqlite:///{path}") as saver:
            boss = checker(*[no("Again.")] * rounds)
            loop(writer(*drafts), boss, max_rounds=rounds, saver=saver).invoke(
                {"messages": "go"}, CONFIG
            )
        return path.stat().st_size

    assert size(80) < 2.5 * size(40)


# Nested


def test_a_maker_checker_three_levels_deep_answers_with_its_draft(run, saver):
    inner = loop(writer("a", "b"), checker(no("Cut."), YES))
    deep = create_sequential([inner]).compile(name="deep")
    app = create_sequential([agent("notes"), create_sequential([deep]).compile(name="team")])
    result = run(app.compile(checkpointer=saver), thread="1")
    assert ended(result) == ("b", "completed")
    assert [t.path for t in result["trail"][1:]] == [
        f"team/deep/maker_checker/{name}" for name in ("writer", "boss", "writer", "boss")
    ]
    assert usage(result) == 15 * 5


def test_a_limit_inside_is_an_answer(run):
    inner = loop(writer("a", "b"), checker(no("Cut."), no("Cut.")), max_rounds=2)
    assert ended(run(create_sequential([inner]).compile())) == ("b", "completed")


def test_a_failed_maker_checker_is_a_failure_of_the_outer_participant(run):
    inner = loop(writer("a"), checker(ValueError("down"), policy=RECORDED))
    result = run(create_concurrent([inner], min_results=0).compile())
    (failed,) = result["results"].values()
    assert "team `maker_checker` ended `failed`" in failed.failure.message


def test_an_interrupt_three_levels_deep_reaches_its_checker(run, saver):
    author = writer("a", "b")
    inner = loop(author, [Human("zoe"), Human("adam")])
    deep = create_sequential([inner]).compile(name="deep")
    app = create_sequential([deep, agent("after")]).compile(checkpointer=saver)
    ids = {i.value["path"]: i.id for i in run(app, thread="1")["__interrupt__"]}
    assert set(ids) == {"deep/maker_checker/zoe", "deep/maker_checker/adam"}
    run(app, Command(resume={ids["deep/maker_checker/adam"]: "Cut"}), thread="1")
    again = run(app, Command(resume={ids["deep/maker_checker/zoe"]: "yes"}), thread="1")
    assert readings(author)[1] == ["the task", "a", "adam: Cut"]
    answers = {i.id: "yes" for i in again["__interrupt__"]}
    assert run(app, Command(resume=answers), thread="1")["output"] == "after"


def test_a_maker_checker_makes_the_drafts_of_another(run, saver):
    inner = create_maker_checker(
        writer("a", "b", "c"), checker(no("Cut."), YES, YES, name="peer")
    ).compile(name="desk")
    boss = checker(no("Price?"), YES)
    result = run(loop(inner, boss, saver=saver), "Write", thread="1")
    assert ended(result) == ("c", "approved")
    assert readings(boss) == [["Write", "desk: b"], ["Write", "desk: c"]]


def test_a_tool_of_the_checker_that_needs_approval_asks_and_runs_once(run, saver):
    ran = []

    def look_up(word: str) -> str:
        """Look a word up."""
        ran.append(word)
        return word

    boss = checker(wants("look_up", word="x"), YES, tools=[look_up], approve_tools=("look_up",))
    author = writer("a")
    app = loop(author, [boss, checker(name="y")], saver=saver)
    assert asked(run(app, thread="1")).value["action_requests"][0]["name"] == "look_up"
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert ended(result) == ("a", "approved")
    assert (ran, calls(author)) == (["x"], [1])


def test_usage_counts_each_call_once(run, saver):
    model = ScriptedModel(["a", no("Cut."), "?", YES, "b", YES, YES], usage=(7, 3))
    app = loop(Agent("writer", "", model=model), Agent("boss", "", model=model), saver=saver)
    result = run(app, thread="1")
    assert usage(result) == 10 * len(model.calls)


def test_a_hundred_threads_never_see_each_others_drafts():
    def draft(view):
        return f"{view.task}, draft {view.state['rounds'] + 1}"

    def rule(view):
        return view.state["rounds"] == 1 or "Again."

    async def converse():
        app = loop(draft, [rule, Member(rule, name="other")])
        runs = (app.ainvoke({"messages": f"task {n}"}) for n in range(100))
        return await asyncio.gather(*runs)

    for number, result in enumerate(asyncio.run(converse())):
        assert ended(result) == (f"task {number}, draft 2", "approved")
        assert result["drafts"] == [f"task {number}, draft {n}" for n in (1, 2)]
