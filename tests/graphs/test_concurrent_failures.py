"""Branches that fail or are late: recorded or raised, resumed, given up at the deadline."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections import Counter
from itertools import count

import pytest
from langgraph.errors import NodeTimeoutError
from langgraph.types import Command, RetryPolicy

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Member, Policy
from langgraph_orchestra.state import NotEnoughResultsError

AT_ONCE = RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=3)
"""Tries again without a pause."""


def says(name, text):
    """A participant that always gives the same answer."""
    return Member(lambda _: text, name=name)


def fails(name, error, **policy):
    """A participant that always fails."""

    def fail(view):
        raise error

    return Member(fail, name=name, policy=Policy(**{"retry": None, **policy}))


@pytest.fixture
def stuck():
    """A function that does not return before the test is over."""
    over = threading.Event()

    def wait(view):
        over.wait(20)
        return "too late"

    yield wait
    over.set()


def until(condition):
    """Return as soon as something holds that no event tells of."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def seconds_of(call):
    began = time.perf_counter()
    result = call()
    return result, time.perf_counter() - began


def test_a_failing_branch_is_recorded_and_the_others_are_kept(run, saver):
    graph = create_concurrent(
        [says("zeta", "one"), fails("alpha", ValueError("no such page")), says("mid", "three")]
    )

    result = run(graph.compile(checkpointer=saver), thread="1")

    failed = result["results"]["alpha"]
    assert not failed.ok
    assert failed.output is None
    assert failed.failure.model_dump() == {
        "agent": "alpha",
        "type": "ValueError",
        "message": "no such page",
        "attempts": 1,
        "timed_out": False,
    }
    assert [name for name, r in result["results"].items() if r.ok] == ["zeta", "mid"]
    assert result["output"] == "## zeta\n\none\n\n## mid\n\nthree"
    assert result["stop"].reason == "completed"


def test_a_recorded_failure_stands_in_the_trail_and_not_in_the_messages(run):
    result = run(
        create_concurrent([says("a", "fine"), fails("b", ValueError("no such page"))]).compile()
    )

    told = [(t.agent, t.outcome, t.detail) for t in result["trail"] if t.kind == "function"]
    assert told == [("a", "ok", ""), ("b", "failed", "ValueError: no such page")]
    assert not any("no such page" in m.text for m in result["messages"])


def test_a_failure_counts_the_attempts_that_were_made(run):
    graph = create_concurrent(
        [says("a", "fine"), fails("b", ConnectionError("refused"), retry=AT_ONCE)]
    )

    result = run(graph.compile())

    assert result["results"]["b"].failure.attempts == 3
    assert next(t for t in result["trail"] if t.agent == "b").attempts == 3


def test_a_branch_that_succeeds_at_its_second_attempt_is_no_failure(run):
    model = ScriptedModel([ConnectionError("refused"), "there"])
    agent = Agent("a", "Answer.", model=model, policy=Policy(retry=AT_ONCE))

    result = run(create_concurrent([agent, says("b", "x")]).compile())

    assert result["results"]["a"].output == "there"
    assert [(t.outcome, t.attempts) for t in result["trail"] if t.agent == "a"] == [("ok", 2)]
    model.assert_complete()


def test_a_fallback_answers_for_a_branch_that_failed(run):
    graph = create_concurrent(
        [fails("a", ValueError("no"), fallback=lambda view: "instead"), says("b", "x")]
    )

    result = run(graph.compile())

    assert result["results"]["a"].output == "instead"
    assert [t.outcome for t in result["trail"] if t.agent == "a"] == ["fallback"]


@pytest.mark.parametrize("where", ["at the top", "in a team"])
def test_too_few_successes_fail_the_run_with_every_cause(run, where):
    errors = [ValueError("no such page"), KeyError("species"), ConnectionError("refused")]
    branches = [fails(name, e) for name, e in zip(("zeta", "alpha", "mid"), errors, strict=True)]
    graph = create_concurrent([*branches, says("good", "fine")], min_results=2)
    if where == "in a team":
        graph = create_sequential([graph.compile(name="team")])

    with pytest.raises(NotEnoughResultsError) as raised:
        run(graph.compile())

    message = str(raised.value)
    for name, error in zip(("zeta", "alpha", "mid"), errors, strict=True):
        assert f"`{name}`: {type(error).__name__}: {error}" in message
    assert "1 of 4" in message
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert raised.value.__cause__.exceptions == tuple(errors)


def test_too_few_successes_after_a_reload_name_every_cause_without_calling_anybody(run, tmp_path):
    calls = Counter[str]()

    def fail(view):
        calls["fail"] += 1
        raise ValueError("no such page")

    def attempt(task):
        member = Member(fail, name="a", policy=Policy(retry=None))
        with (
            open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver,
            pytest.raises(NotEnoughResultsError, match="ValueError: no such page") as raised,
        ):
            run(create_concurrent([member]).compile(checkpointer=saver), task, thread="1")
        return raised.value

    attempt("go")
    again = attempt(None)

    assert calls == {"fail": 1}
    assert "no such page" in str(again.__cause__.exceptions)


class PageMissingError(Exception):
    """One that can be referred to weakly."""


@pytest.mark.parametrize("min_results", [0, 1], ids=["completed", "not enough"])
def test_a_graph_does_not_hold_on_to_errors_of_runs_that_have_ended(run, min_results):
    raised = []

    def fail(view):
        error = PageMissingError()
        raised.append(weakref.ref(error))
        raise error

    member = Member(fail, policy=Policy(retry=None))
    app = create_concurrent([member], min_results=min_results).compile()

    with contextlib.suppress(NotEnoughResultsError):
        run(app)
    gc.collect()

    [error] = raised
    assert error() is None


def test_too_few_successes_among_those_picked_fail_the_run(run):
    graph = create_concurrent(
        [says("a", "x"), says("b", "y")], select=lambda view: ["a"], min_results=2
    )

    with pytest.raises(NotEnoughResultsError, match=r"1 of 1 .*no other branch has run"):
        run(graph.compile())


def test_with_min_results_0_nobody_need_succeed(run):
    result = run(create_concurrent([fails("a", ValueError("no"))], min_results=0).compile())

    assert result["output"] == ""
    assert result["stop"].reason == "completed"


def test_a_branch_may_raise_where_the_graph_records(run):
    graph = create_concurrent([says("a", "x"), fails("b", ValueError("no"), on_failure="raise")])

    with pytest.raises(ValueError, match="no"):
        run(graph.compile())


def test_a_failure_that_is_recorded_is_not_raised_for_that_of_a_sibling(run):
    """In sync runs, what the first declared of the failed branches met was raised, recorded too."""

    def recorded(view):
        raise ValueError("recorded")

    def raised(view):
        raise KeyError("raised")

    branches = [
        Member(recorded, policy=Policy(retry=None, on_failure="record")),
        Member(raised, policy=Policy(retry=None, on_failure="raise")),
    ]
    with pytest.raises(KeyError, match="raised"):
        run(create_concurrent(branches).compile())


def test_a_branch_may_be_recorded_where_the_graph_raises(run):
    graph = create_concurrent(
        [says("a", "x"), fails("b", ValueError("no"), on_failure="record")], on_failure="raise"
    )

    assert run(graph.compile())["results"]["b"].failure.type == "ValueError"


def test_a_function_that_raises_stop_iteration_fails_like_any_other(run):
    def exhausted(view):
        return next(iter(()))

    member = Member(exhausted, name="a", policy=Policy(retry=None))

    result = run(create_concurrent([member, says("b", "x")]).compile())

    assert "StopIteration" in result["results"]["a"].failure.message


def test_raise_fails_with_the_original_exception_and_the_name_of_the_branch(run):
    error = ValueError("no such page")
    graph = create_concurrent([says("a", "x"), fails("b", error)], on_failure="raise")

    with pytest.raises(ValueError, match="no such page") as raised:
        run(graph.compile())

    assert raised.value is error
    assert any("`b`" in note for note in raised.value.__notes__)


@pytest.mark.parametrize("streams", [False, True], ids=["plain", "stream"])
async def test_raise_cancels_the_async_siblings(streams):
    cancelled = []
    began = asyncio.Event()

    async def waits(view):
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("waits")
            raise

    async def breaks(view):
        await began.wait()
        raise ValueError("no such page")

    app = create_concurrent([waits, breaks], on_failure="raise").compile()

    async def go():
        if not streams:
            return await app.ainvoke({"messages": "go"})
        return [part async for part in app.astream({"messages": "go"})]

    with pytest.raises(ValueError, match="no such page"):
        await asyncio.wait_for(go(), 5)
    assert cancelled == ["waits"]


@pytest.mark.parametrize("on_failure", ["record", "raise"])
@pytest.mark.parametrize("deadline", [None, 60], ids=["no deadline", "deadline"])
async def test_a_cancelled_run_is_cancelled_and_goes_on_where_it_was(saver, on_failure, deadline):
    calls = Counter[str]()
    begun = asyncio.Event()
    config = {"configurable": {"thread_id": "1"}}

    def quick(view):
        calls["quick"] += 1
        return "quick answer"

    async def slow(view):
        calls["slow"] += 1
        if calls["slow"] == 1:
            begun.set()
            await asyncio.Event().wait()
        return "slow answer"

    app = create_concurrent([quick, slow], on_failure=on_failure, deadline=deadline).compile(
        checkpointer=saver
    )

    running = asyncio.create_task(app.ainvoke({"messages": "go"}, config))
    await begun.wait()
    await asyncio.to_thread(until, lambda: finished(saver, "1") == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    result = await app.ainvoke(None, config)

    assert [r.output for r in result["results"].values()] == ["quick answer", "slow answer"]
    assert calls == {"quick": 1, "slow": 2}


@pytest.mark.parametrize("streams", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("first_to_fail", ["zeta", "alpha"])
def test_raise_lets_sync_siblings_end_and_raises_the_first_failure_declared(streams, first_to_fail):
    ended = []
    failed = threading.Event()

    def fail(name):
        def speak(view):
            if name == first_to_fail:
                failed.set()
            else:
                assert failed.wait(5)
                time.sleep(0.05)
            raise ValueError(name)

        return Member(speak, name=name, policy=Policy(retry=None))

    def slow(view):
        assert failed.wait(5)
        time.sleep(0.1)
        ended.append("slow")
        return "done"

    app = create_concurrent([fail("zeta"), slow, fail("alpha")], on_failure="raise").compile()

    with pytest.raises(ValueError, match="zeta"):
        list(app.stream({"messages": "go"})) if streams else app.invoke({"messages": "go"})
    assert ended == ["slow"]


def test_the_failure_raised_for_a_sibling_keeps_its_own_cause():
    cause = KeyError("species")

    def fail(view):
        raise ValueError("no such page") from cause

    zeta = Member(fail, name="zeta", policy=Policy(retry=None))
    app = create_concurrent([zeta, fails("alpha", ValueError("no"))], on_failure="raise").compile()

    with pytest.raises(ValueError, match="no such page") as raised:
        app.invoke({"messages": "go"})
    assert raised.value.__cause__ is cause


def test_a_branch_is_not_tried_again_for_the_failure_of_a_sibling():
    calls = Counter[str]()

    def refuse(view):
        calls["zeta"] += 1
        raise ConnectionError("refused")

    def fail(view):
        calls["alpha"] += 1
        raise ValueError("no")

    zeta = Member(refuse, name="zeta", policy=Policy(retry=None))
    alpha = Member(fail, name="alpha", policy=Policy(retry=AT_ONCE))
    app = create_concurrent([zeta, alpha], on_failure="raise").compile()

    with pytest.raises(ConnectionError):
        app.invoke({"messages": "go"})
    assert calls == {"zeta": 1, "alpha": 1}


def test_the_failure_of_a_fallback_is_not_tried_again(run):
    calls = Counter[str]()

    def instead(view):
        calls["fallback"] += 1
        raise ConnectionError("refused")

    graph = create_concurrent(
        [fails("a", ValueError("no"), retry=AT_ONCE, fallback=instead, on_failure="raise")]
    )

    with pytest.raises(ConnectionError):
        run(graph.compile())
    assert calls == {"fallback": 1}


def test_raise_does_not_wait_for_branches_that_have_no_thread():
    branches = [*(says(f"z{n}", "x") for n in range(5)), fails("a", ValueError("no"))]
    app = create_concurrent(branches, on_failure="raise").compile()

    with pytest.raises(ValueError, match="no"):
        app.invoke({"messages": "go"}, {"max_concurrency": 1})


def test_raise_lets_a_branch_try_again_before_its_failure_counts(run):
    model = ScriptedModel([ConnectionError("refused"), "there"])
    agent = Agent("a", "Answer.", model=model, policy=Policy(retry=AT_ONCE))

    result = run(create_concurrent([agent, says("b", "x")], on_failure="raise").compile())

    assert result["results"]["a"].output == "there"


def test_an_exit_in_one_branch_does_not_hold_up_the_failure_of_another():
    leaving = threading.Event()

    def leave(view):
        leaving.set()
        raise SystemExit(3)

    def fail(view):
        assert leaving.wait(5)
        raise ValueError("no")

    members = [leave, Member(fail, name="fail", policy=Policy(retry=None))]
    app = create_concurrent(members, on_failure="raise").compile()

    with pytest.raises((SystemExit, ValueError)):
        app.invoke({"messages": "go"})


def finished(saver, thread):
    """How many branches of a thread's latest step have their results saved."""
    saved = saver.get_tuple({"configurable": {"thread_id": thread}})
    writes = saved.pending_writes if saved else ()
    return len({task for task, channel, _ in writes if channel == "branch_records"})


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_finished_branches_are_not_run_again_after_a_failure(run, store, tmp_path):
    calls = Counter[str]()
    url = "memory://" if store == "memory" else f"sqlite:///{tmp_path}/runs.db"

    def build(saver, mended):
        def works(name):
            def speak(view):
                calls[name] += 1
                return f"{name}'s answer"

            return Member(speak, name=name)

        def late(view):
            calls["late"] += 1
            if not mended:
                until(lambda: finished(saver, "1") == 2)
                raise ValueError("not yet")
            return "late answer"

        graph = create_concurrent([works("zeta"), late, works("alpha")], on_failure="raise")
        return graph.compile(checkpointer=saver)

    with open_checkpointer(url) as saver:
        with pytest.raises(ValueError, match="not yet"):
            run(build(saver, mended=False), "go", thread="1")
        if store == "memory":
            result = run(build(saver, mended=True), None, thread="1")
    if store == "sqlite":
        with open_checkpointer(url) as saver:
            result = run(build(saver, mended=True), None, thread="1")

    assert calls == {"zeta": 1, "alpha": 1, "late": 2}
    assert list(result["results"]) == ["zeta", "late", "alpha"]
    assert all(r.ok for r in result["results"].values())
    assert [t.agent for t in result["trail"]] == ["zeta", "late", "alpha", "aggregate"]


def test_a_late_branch_is_recorded_as_timed_out_and_the_rest_is_aggregated(run, stuck):
    graph = create_concurrent([says("zeta", "in time"), Member(stuck, name="late")], deadline=0.3)

    result = run(graph.compile())

    failure = result["results"]["late"].failure
    assert failure.timed_out
    assert failure.agent == "late"
    assert [(t.agent, t.outcome) for t in result["trail"]] == [
        ("zeta", "ok"),
        ("late", "timed_out"),
        ("aggregate", "ok"),
    ]
    assert result["output"] == "## zeta\n\nin time"
    assert result["stop"].reason == "completed"


@pytest.mark.parametrize("kind", ["function", "agent", "team"])
def test_a_run_returns_at_the_deadline(run, stuck, kind):
    late = {
        "function": lambda: Member(stuck, name="late"),
        "agent": lambda: Agent("late", "Wait.", model=ScriptedModel(["too late"], delay=3)),
        "team": lambda: create_sequential([Member(stuck, name="inner")]).compile(name="late"),
    }[kind]()
    app = create_concurrent([says("a", "in time"), late], deadline=0.3).compile()

    result, seconds = seconds_of(lambda: run(app))

    assert 0.3 <= seconds < 2
    assert result["results"]["late"].failure.timed_out


async def test_an_async_branch_is_cancelled_at_the_deadline():
    cancelled = []

    async def waits(view):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("waits")
            raise

    app = create_concurrent([waits, says("b", "in time")], deadline=0.3).compile()

    result = await asyncio.wait_for(app.ainvoke({"messages": "go"}), 5)

    assert cancelled == ["waits"]
    assert result["results"]["waits"].failure.timed_out


def test_all_branches_late_fail_the_run_and_say_so(run, stuck):
    app = create_concurrent([Member(stuck, name="late")], deadline=0.1).compile()

    with pytest.raises(NotEnoughResultsError, match=r"`late`.*deadline") as raised:
        run(app)
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert len(raised.value.__cause__.exceptions) == 1


@pytest.mark.parametrize("on_failure", ["record", "raise"])
def test_a_pause_before_a_retry_does_not_overshoot_the_deadline(run, on_failure):
    patient = RetryPolicy(initial_interval=3.0, jitter=False)
    app = create_concurrent(
        [says("a", "x"), fails("b", ConnectionError("refused"), retry=patient)],
        deadline=0.3,
        on_failure=on_failure,
    ).compile()

    def go():
        try:
            return run(app)["results"]["b"].failure.type
        except ConnectionError as error:
            return type(error).__name__

    failure, seconds = seconds_of(go)

    assert failure == "ConnectionError"
    assert seconds < 2


def test_attempts_share_one_deadline(run, stuck):
    attempts = count(1)

    def second_time_slow(view):
        if next(attempts) == 1:
            time.sleep(0.2)
            raise ConnectionError("refused")
        return stuck(view)

    member = Member(second_time_slow, name="b", policy=Policy(retry=AT_ONCE))
    app = create_concurrent([says("a", "x"), member], deadline=0.4).compile()

    result, seconds = seconds_of(lambda: run(app))

    assert result["results"]["b"].failure.timed_out
    assert result["results"]["b"].failure.attempts == 2
    assert seconds < 2


def test_every_run_has_a_deadline_of_its_own(run, saver):
    def slow(view):
        time.sleep(0.05)
        return view.task

    app = create_concurrent([slow], deadline=0.5).compile(checkpointer=saver)

    assert run(app, "first", thread="1")["results"]["slow"].output == "first"
    time.sleep(0.5)
    assert run(app, "second", thread="1")["results"]["slow"].output == "second"


def test_a_team_that_is_tried_again_has_a_new_deadline(run):
    attempts = count(1)

    def slow(view):
        time.sleep(0.4)
        return "in time"

    def breaks_once(view):
        if next(attempts) == 1:
            raise ConnectionError("refused")
        return "combined"

    team = create_concurrent([slow], deadline=0.7, aggregate=breaks_once).compile(name="team")
    member = Member(team, policy=Policy(retry=AT_ONCE))

    result = run(create_sequential([member]).compile())

    assert result["output"] == "combined"
    assert next((t.path, t.outcome) for t in result["trail"]) == ("team/slow", "ok")


def test_branches_that_find_no_room_before_the_deadline_are_not_begun(run, stuck):
    begun = []

    def crowd(view):
        begun.append(1)
        return stuck(view)

    app = create_concurrent(
        [says("a", "in time"), *(Member(crowd, name=f"b{n}") for n in range(10))], deadline=0.3
    ).compile()

    result = run(app, config={"max_concurrency": 3})

    assert len(begun) <= 3
    late = [r for name, r in result["results"].items() if name != "a"]
    assert all(r.failure.timed_out for r in late)


def test_waiting_for_a_person_does_not_count_towards_the_deadline(run, saver):
    calls = Counter[str]()

    def quick(view):
        calls["quick"] += 1
        return "quick answer"

    app = create_concurrent([quick, Human("editor")], deadline=0.3).compile(checkpointer=saver)

    run(app, "go", thread="1")
    time.sleep(0.35)
    result = run(app, Command(resume="take it"), thread="1")

    assert result["results"]["editor"].output == "take it"
    assert result["results"]["quick"].output == "quick answer"
    assert calls == {"quick": 1}


def test_a_branchs_own_timeout_is_a_failure_too(run, stuck):
    slow = Member(stuck, name="slow", policy=Policy(retry=None, timeout=0.1))

    result, seconds = seconds_of(lambda: run(create_concurrent([slow, says("b", "x")]).compile()))

    failure = result["results"]["slow"].failure
    assert (failure.type, failure.timed_out) == (NodeTimeoutError.__name__, True)
    assert seconds < 2


def test_a_breaker_skips_a_branch_that_has_failed_in_this_run(run, saver):
    calls = Counter[str]()

    def flaky(view):
        calls["flaky"] += 1
        raise ValueError("no")

    def once_more(state):
        rounds = sum(turn.kind == "aggregate" for turn in state["trail"])
        return ["a", "flaky"] if rounds < 2 else []

    graph = create_concurrent([says("a", "x"), Member(flaky, policy=Policy(retry=None, breaker=1))])
    graph.add_conditional_edges("aggregate", once_more, ["a", "flaky"])

    result = run(graph.compile(checkpointer=saver), thread="1")

    assert result["results"]["flaky"].failure.type == "BreakerOpen"
    assert [t.outcome for t in result["trail"] if t.agent == "flaky"] == ["failed", "skipped"]
    assert calls == {"flaky": 1}


def test_a_run_after_an_open_breaker_gives_the_branch_a_trial(run, saver):
    model = ScriptedModel([ValueError("no"), ValueError("no"), "back again"])
    agent = Agent("a", "Answer.", model=model, policy=Policy(retry=None, breaker=2))
    app = create_concurrent([agent, says("b", "x")]).compile(checkpointer=saver)

    outcomes = []
    for task in ("first", "second", "third"):
        result = run(app, task, thread="1")
        outcomes.append(result["results"]["a"].ok)

    assert outcomes == [False, False, True]
    model.assert_complete()
