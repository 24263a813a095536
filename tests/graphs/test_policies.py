"""Policies in a sequence: retries, timeouts, fallbacks, recorded failures and breakers."""

import asyncio
import threading
import time

import pytest
from langgraph.errors import NodeTimeoutError
from langgraph.types import Command, RetryPolicy
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Limits, Member, Policy, last_only, task_only
from langgraph_orchestra.state import ConfigurationError
from support.members import AT_ONCE, ONCE, agent, look_up, named, team, wants
from support.results import calls, ended, outcomes, read_by, readings, spoken

THREAD = {"configurable": {"thread_id": "1"}}


class Sum(BaseModel):
    """A sum."""

    total: int


def entry_of(result, name):
    """The one entry of a participant in the trail."""
    (turn,) = (turn for turn in result["trail"] if turn.agent == name)
    return turn


# Retries


def test_a_failed_attempt_is_tried_again(run, saver):
    member = agent("a", ConnectionError("1"), ConnectionError("2"), "fine")
    stages = [Member(member, policy=Policy(retry=AT_ONCE))]
    result = run(create_sequential(stages).compile(checkpointer=saver), thread="1")
    assert ended(result) == ("fine", "completed")
    assert (entry_of(result, "a").attempts, calls(member)) == (3, [3])
    assert spoken(result) == [("a", "fine")]


def test_attempts_are_as_many_as_declared_and_then_the_error_is_raised(run):
    member = agent("a", *(ConnectionError(str(n)) for n in range(1, 6)))
    policy = Policy(retry=AT_ONCE._replace(max_attempts=4))
    with pytest.raises(ConnectionError, match="4") as caught:
        run(create_sequential([Member(member, policy=policy)]).compile())
    assert calls(member) == [4]
    assert "in participant `a` of `sequential`, attempt 4" in caught.value.__notes__


def test_three_attempts_are_made_by_default():
    assert Policy().retry == RetryPolicy()
    assert RetryPolicy().max_attempts == 3


def test_no_retry_is_one_attempt(run):
    member = agent("a", ConnectionError("1"), "fine", policy=ONCE)
    with pytest.raises(ConnectionError):
        run(create_sequential([member]).compile())
    assert calls(member) == [1]


@pytest.mark.parametrize("retry_on", [KeyError, (KeyError, OSError), lambda e: "1" in str(e)])
def test_only_what_the_policy_names_is_tried_again(run, retry_on):
    policy = Policy(retry=AT_ONCE._replace(retry_on=retry_on))
    member = agent("a", KeyError("1"), ValueError("2"), "fine", policy=policy)
    with pytest.raises(ValueError, match="2"):
        run(create_sequential([member]).compile())
    assert calls(member) == [2]


def test_errors_of_a_wrong_set_up_are_never_tried_again(run):
    asked = []

    def wrong(view):
        asked.append(view)

    policy = Policy(retry=AT_ONCE._replace(retry_on=Exception), on_failure="record")
    with pytest.raises(ConfigurationError, match="participant `wrong` returned None"):
        run(create_sequential([Member(wrong, policy=policy)]).compile())
    assert len(asked) == 1


def test_a_function_is_tried_again_too(run):
    attempts = []

    def flaky(view):
        attempts.append(view)
        if len(attempts) < 3:
            raise ConnectionError("down")
        return "up"

    result = run(create_sequential([Member(flaky, policy=Policy(retry=AT_ONCE))]).compile())
    assert (result["output"], entry_of(result, "flaky").attempts) == ("up", 3)


def test_earlier_stages_are_not_run_again_by_a_retry(run):
    first = agent("a")
    flaky = agent("b", ConnectionError("down"), "fine", policy=Policy(retry=AT_ONCE))
    run(create_sequential([first, flaky]).compile())
    assert calls(first, flaky) == [1, 2]


# Timeouts


@pytest.fixture
def release():
    """Set at the end of a test, so that what hangs in a thread comes to its end."""
    event = threading.Event()
    yield event
    event.set()


def hanging(release, name="slow"):
    """A function that hangs until the test is over."""

    def hang(view):
        release.wait(60)
        return "late"

    return Member(hang, name=name, policy=Policy(retry=None, timeout=0.05))


def test_a_timeout_ends_an_attempt_in_sync_and_async_runs(run, release):
    began = time.perf_counter()
    with pytest.raises(NodeTimeoutError, match="slow"):
        run(create_sequential([hanging(release)]).compile())
    assert time.perf_counter() - began < 10


def test_a_timeout_stops_a_slow_model(run):
    model = ScriptedModel(["late"], delay=5.0)
    member = Agent("slow", "", model=model, policy=Policy(retry=None, timeout=0.05))
    began = time.perf_counter()
    with pytest.raises(NodeTimeoutError):
        run(create_sequential([member]).compile())
    assert time.perf_counter() - began < 4


def test_a_timeout_stops_an_agent_with_tools(run):
    model = ScriptedModel([wants("look_up", word="sea"), "late"], delay=0.4)
    policy = Policy(retry=None, timeout=0.6)
    member = Agent("slow", "", model=model, tools=[look_up], policy=policy)
    with pytest.raises(NodeTimeoutError):
        run(create_sequential([member]).compile())


def test_each_attempt_has_the_whole_time(run, release):
    attempts = []

    def slow_at_first(view):
        attempts.append(view)
        if len(attempts) < 3:
            release.wait(60)
        return "in time"

    policy = Policy(retry=AT_ONCE, timeout=0.1)
    result = run(create_sequential([Member(slow_at_first, policy=policy)]).compile())
    assert (result["output"], entry_of(result, "slow_at_first").attempts) == ("in time", 3)


def test_a_recorded_timeout_says_so_and_the_run_goes_on(run, release):
    slow = hanging(release)
    slow = Member(slow.participant, name="slow", policy=RECORDED_IN_TIME)
    result = run(create_sequential([agent("a", "alpha"), slow]).compile())
    assert ended(result) == ("alpha", "completed")
    assert outcomes(result) == [("a", "ok"), ("slow", "timed_out")]


RECORDED_IN_TIME = Policy(retry=None, timeout=0.05, on_failure="record")


def test_what_comes_too_late_is_dropped(run):
    finished = threading.Event()

    def slow(view):
        time.sleep(0.2)
        finished.set()
        return "late"

    def wait_for_it(view):
        assert finished.wait(10)
        return "after it"

    stages = [Member(slow, policy=RECORDED_IN_TIME), wait_for_it]
    result = run(create_sequential(stages).compile())
    assert spoken(result) == [("wait_for_it", "after it")]


def test_a_timeout_does_not_hurry_who_is_in_time(run):
    member = agent("a", "alpha", policy=Policy(timeout=30))
    assert ended(run(create_sequential([member]).compile())) == ("alpha", "completed")


def test_a_person_is_not_hurried_by_a_timeout(run, saver):
    boss = Member(Human("boss"), policy=Policy(retry=None, timeout=0.001))
    app = create_sequential([agent("a", "alpha"), boss]).compile(checkpointer=saver)
    assert "__interrupt__" in run(app, thread="1")
    assert ended(run(app, Command(resume="yes"), thread="1")) == ("alpha", "completed")


def test_an_interrupt_in_a_tool_survives_a_timeout_policy(run, saver):
    policy = Policy(retry=None, timeout=30)
    member = agent(
        "a",
        wants("look_up", word="sea"),
        "done",
        tools=[look_up],
        approve_tools=["look_up"],
        policy=policy,
    )
    app = create_sequential([member]).compile(checkpointer=saver)
    assert "__interrupt__" in run(app, thread="1")
    approve = Command(resume={"decisions": [{"type": "approve"}]})
    assert ended(run(app, approve, thread="1")) == ("done", "completed")


async def test_a_timeout_cancels_what_is_awaited():
    cancelled = asyncio.Event()

    async def slow(view):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    app = create_sequential([Member(slow, policy=Policy(retry=None, timeout=0.05))]).compile()
    with pytest.raises(NodeTimeoutError):
        await app.ainvoke({"messages": "go"})
    await asyncio.wait_for(cancelled.wait(), 10)


# Fallbacks

FALLBACKS = {
    "agent": lambda: agent("other", "by another"),
    "function": lambda: Member(lambda view: "by another", name="other"),
    "team": lambda: team(agent("other", "by another")),
    "model": lambda: ScriptedModel(["by another"]),
    "runnable": lambda: Member(ScriptedModel(["by another"]), name="bare"),
}


@pytest.mark.parametrize("kind", FALLBACKS)
def test_a_fallback_answers_under_the_participants_name(run, saver, kind):
    policy = Policy(retry=None, fallback=FALLBACKS[kind]())
    reader = agent("reader")
    stages = [agent("a", ValueError("no"), policy=policy), reader]
    result = run(create_sequential(stages).compile(checkpointer=saver), thread="1")
    assert spoken(result) == [("a", "by another"), ("reader", "reader")]
    assert read_by(reader) == ["the task", "a: by another"]


def test_the_trail_says_that_a_fallback_answered_and_why(run):
    policy = Policy(retry=None, fallback=agent("other", "by another"))
    result = run(create_sequential([agent("a", ValueError("no"), policy=policy)]).compile())
    turn = entry_of(result, "a")
    assert (turn.outcome, turn.detail) == ("fallback", "after ValueError: no")


def test_a_fallback_comes_after_all_attempts(run):
    other = agent("other", "by another")
    member = agent("a", *(ConnectionError(n) for n in "123"), policy=ONCE)
    stages = [Member(member, policy=Policy(retry=AT_ONCE, fallback=other))]
    result = run(create_sequential(stages).compile())
    assert (result["output"], calls(member, other)) == ("by another", [3, 1])
    assert entry_of(result, "a").attempts == 3


def test_a_fallback_model_keeps_prompt_tools_and_typed_answer(run):
    model = ScriptedModel([wants("look_up", word="sea"), Sum(total=3)])
    policy = Policy(retry=None, fallback=model)
    member = agent("a", ValueError("no"), tools=[look_up], output=Sum, policy=policy)
    result = run(create_sequential([member]).compile())
    assert ended(result) == (Sum(total=3), "completed")
    first, _ = model.calls
    assert [m.text for m in first.messages] == ["You are a.", "the task"]
    assert {tool["function"]["name"] for tool in first.tools} == {"look_up", "Sum"}


def test_a_fallback_reads_by_its_own_history_if_it_has_one(run):
    own, none = agent("other", history=task_only()), agent("another")
    first = agent("a", ValueError("no"), policy=Policy(retry=None, fallback=own))
    second = agent("b", ValueError("no"), policy=Policy(retry=None, fallback=none))
    stages = [agent("z"), first, second]
    run(create_sequential(stages, history=last_only()).compile())
    assert (read_by(own), read_by(none)) == (["the task"], ["a: other"])


def test_a_model_as_fallback_of_who_is_no_agent_is_refused():
    stage = Member(named("f"), policy=Policy(fallback=ScriptedModel(["x"])))
    with pytest.raises(ConfigurationError, match="`f` is no `Agent`"):
        create_sequential([stage])


def test_a_fallback_after_a_timeout(run, release):
    policy = Policy(retry=None, timeout=0.1, fallback=agent("other", "by another"))
    slow = Member(hanging(release).participant, name="slow", policy=policy)
    result = run(create_sequential([slow]).compile())
    assert ended(result) == ("by another", "completed")


def test_when_the_fallback_fails_too_its_error_is_raised_or_recorded(run):
    policy = Policy(retry=None, fallback=agent("other", KeyError("neither")))
    stages = [agent("z"), agent("a", ValueError("no"), policy=policy)]
    with pytest.raises(KeyError, match="neither"):
        run(create_sequential(stages).compile())

    recorded = Policy(retry=None, fallback=agent("other", KeyError("neither")), on_failure="record")
    stages = [agent("z"), agent("a", ValueError("no"), policy=recorded)]
    result = run(create_sequential(stages).compile())
    assert ended(result) == ("z", "completed")
    assert entry_of(result, "a").detail == "KeyError: 'neither'"


def test_a_person_may_be_the_fallback(run, saver):
    policy = Policy(retry=None, fallback=Human("ann", role="answer"))
    member = agent("a", ValueError("no"), ValueError("no"), policy=policy)
    app = create_sequential([member, agent("b")]).compile(checkpointer=saver)
    (interrupt,) = run(app, thread="1")["__interrupt__"]
    result = run(app, Command(resume={interrupt.id: "by ann"}), thread="1")
    assert spoken(result) == [("a", "by ann"), ("b", "b")]


def test_a_limit_holds_in_a_fallback(run):
    policy = Policy(
        retry=None, fallback=agent("other", wants("look_up", word="x"), "late", tools=[look_up])
    )
    member = agent("a", ValueError("no"), policy=policy)
    result = run(create_sequential([member], limits=Limits(tokens=15)).compile())
    assert ended(result) == ("", "token_limit")


# Breakers


def in_a_row(n, **options):
    """A policy that takes a participant out after so many recorded failures in a row."""
    return Policy(retry=None, on_failure="record", breaker=n, **options)


def sent_back(member, saver, *, times):
    """A stage before a person who sends back what they read, or the lack of it."""
    boss = Human("boss", max_rejections=times)
    first = agent("z", *["z"] * 2)
    return create_sequential([first, member, boss]).compile(checkpointer=saver)


def test_a_breaker_takes_a_participant_out_after_failures_in_a_row(run, saver):
    member = agent("a", *(ValueError(str(n)) for n in range(9)), policy=in_a_row(2))
    app = sent_back(member, saver, times=5)
    run(app, thread="1")
    for _ in range(3):
        run(app, Command(resume="again"), thread="1")
    result = app.get_state(THREAD).values
    assert [outcome for path, outcome in outcomes(result) if path == "a"] == [
        "failed",
        "failed",
        "skipped",
        "skipped",
    ]
    assert calls(member) == [2]


def test_an_open_breaker_gives_a_trial_in_the_next_run(run, saver):
    member = agent("a", ValueError("1"), ValueError("2"), ValueError("3"), policy=in_a_row(2))
    app = sent_back(member, saver, times=5)
    run(app, thread="1")
    run(app, Command(resume="again"), thread="1")
    run(app, Command(resume=False), thread="1")
    run(app, "second", thread="1")
    assert calls(member) == [3]
    run(app, Command(resume="again"), thread="1")
    assert calls(member) == [3]


def test_failures_in_a_row_are_counted_over_runs(run, saver):
    member = agent("a", *(ValueError(str(n)) for n in range(9)), policy=in_a_row(3))
    app = sent_back(member, saver, times=5)
    run(app, "first", thread="1")
    run(app, Command(resume="again"), thread="1")
    run(app, Command(resume=False), thread="1")
    run(app, "second", thread="1")
    run(app, Command(resume="again"), thread="1")
    assert calls(member) == [3]


def test_failures_are_counted_for_each_thread(run, saver):
    member = agent("a", *(ValueError(str(n)) for n in range(9)), policy=in_a_row(1))
    app = sent_back(member, saver, times=5)
    run(app, thread="1")
    run(app, thread="2")
    assert calls(member) == [2]


def test_a_success_closes_the_breaker(run, saver):
    replies = [ValueError("1"), "fine", ValueError("2"), ValueError("3"), "too late"]
    member = agent("a", *replies, policy=in_a_row(2))
    app = sent_back(member, saver, times=9)
    run(app, thread="1")
    for _ in range(4):
        run(app, Command(resume="again"), thread="1")
    values = app.get_state(THREAD).values
    assert [outcome for path, outcome in outcomes(values) if path == "a"] == [
        "failed",
        "ok",
        "failed",
        "failed",
        "skipped",
    ]


def test_a_success_of_a_team_closes_its_breaker(run, saver):
    member = agent("x", ValueError("1"), "fine", ValueError("2"), "fine again", policy=ONCE)
    stage = Member(team(member), policy=in_a_row(2))
    app = sent_back(stage, saver, times=9)
    run(app, thread="1")
    for _ in range(3):
        run(app, Command(resume="again"), thread="1")
    assert calls(member) == [4]


def test_a_run_goes_on_without_the_participant_that_is_out(run, saver):
    member = agent("a", ValueError("1"), "never", policy=in_a_row(1))
    app = sent_back(member, saver, times=5)
    run(app, thread="1")
    run(app, Command(resume="again"), thread="1")
    result = run(app, Command(resume="yes"), thread="1")
    assert ended(result) == ("z", "completed")
    assert readings(member) == [["the task", "z: z"]]


# What a policy may be


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"retry": 3}, TypeError),
        ({"timeout": 0}, ConfigurationError),
        ({"timeout": -1}, ConfigurationError),
        ({"timeout": True}, TypeError),
        ({"timeout": "1 s"}, TypeError),
        ({"on_failure": "ignore"}, ConfigurationError),
        ({"breaker": 0}, ConfigurationError),
        ({"breaker": 2.0}, TypeError),
        ({"breaker": True}, TypeError),
        ({"retries": 3}, TypeError),
    ],
    ids=repr,
)
def test_a_policy_that_cannot_be_is_refused(options, error):
    with pytest.raises(error, match=next(iter(options))):
        Policy(**options)
