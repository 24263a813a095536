"""A turn ends in an answer, another attempt, a fallback, a record, or its own error."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langgraph.errors import NodeTimeoutError
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Member, Policy, View
from langgraph_orchestra.state import ConfigurationError, OrchestrationContext

AT_ONCE = RetryPolicy(initial_interval=0.0, jitter=False, retry_on=Exception)


class Find(BaseModel):
    """A typed answer."""

    place: str


def app_of(*participants: Any) -> Any:
    return create_sequential(participants).compile()


def last_word(view: View) -> str:
    """So that a failure before it does not end the run."""
    return "the end"


def scripted(*outcomes: Any) -> Callable[[View], Any]:
    """A function that answers or raises these in turn."""
    left = iter(outcomes)

    def ada(view: View) -> Any:
        outcome = next(left)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return ada


def turn_of(run: Any, participant: Any, **options: Any) -> Any:
    """The entry of the first of two turns, the second of which goes well."""
    first, *_ = run(app_of(participant, last_word), **options)["trail"]
    return first


def test_an_entry_tells_who_did_what_when_and_for_whom(run):
    before = datetime.now(UTC)
    model = ScriptedModel(["hello"], usage=(10, 5), model_name="gpt-4o")
    context = OrchestrationContext(user="zoe")
    turn = turn_of(run, Agent("ada", "", model=model), context=context)
    assert (turn.agent, turn.path, turn.step, turn.kind) == ("ada", "ada", 1, "agent")
    assert (turn.model, turn.input_tokens, turn.output_tokens) == ("gpt-4o", 10, 5)
    assert (turn.outcome, turn.attempts, turn.user, turn.detail) == ("ok", 1, "zoe", "")
    assert turn.cost is not None
    assert turn.started_at.utcoffset() == timedelta(0)
    assert before <= turn.started_at <= datetime.now(UTC)
    assert 0 < turn.seconds < 60


def test_attempts_are_one_entry_that_counts_them(run):
    member = Member(scripted(ValueError("1"), OSError("2"), "hello"), policy=Policy(retry=AT_ONCE))
    result = run(app_of(member))
    (turn,) = result["trail"]
    assert (turn.attempts, turn.outcome, result["output"]) == (3, "ok", "hello")


def test_an_error_that_is_not_retried_surfaces_with_who_where_and_how_often(run):
    error = LookupError("no octopus")
    with pytest.raises(LookupError) as failed:
        run(app_of(scripted(error)))
    assert failed.value is error
    assert "in participant `ada` of `sequential`, attempt 1" in failed.value.__notes__


def test_the_error_of_the_last_attempt_surfaces(run):
    member = Member(scripted(*map(ValueError, "123")), policy=Policy(retry=AT_ONCE))
    with pytest.raises(ValueError, match="3") as failed:
        run(app_of(member))
    assert "in participant `ada` of `sequential`, attempt 3" in failed.value.__notes__


def test_a_failure_that_is_recorded_is_an_entry_and_no_answer(run):
    policy = Policy(retry=AT_ONCE, on_failure="record")
    member = Member(scripted(*map(ValueError, "123")), policy=policy)
    result = run(app_of(member, last_word))
    turn, _ = result["trail"]
    assert (turn.outcome, turn.attempts, turn.detail) == ("failed", 3, "ValueError: 3")
    assert [message.text for message in result["messages"]] == ["the task", "the end"]


def test_a_fallback_answers_after_the_last_attempt_under_the_same_name(run):
    policy = Policy(retry=AT_ONCE, fallback=lambda view: "saved")
    member = Member(scripted(*map(ValueError, "123")), policy=policy)
    result = run(app_of(member))
    (turn,) = result["trail"]
    assert (turn.agent, turn.outcome, turn.attempts) == ("ada", "fallback", 3)
    assert turn.detail == "after ValueError: 3"
    assert [(m.name, m.text) for m in result["messages"]] == [(None, "the task"), ("ada", "saved")]


def test_a_fallback_is_not_asked_where_there_is_no_need(run):
    def never(view: View) -> str:
        raise AssertionError("asked")

    assert (
        run(app_of(Member(scripted("hello"), policy=Policy(fallback=never))))["output"] == "hello"
    )


def test_the_error_of_a_failed_fallback_is_what_counts(run):
    policy = Policy(retry=None, fallback=scripted(OSError("second")), on_failure="record")
    turn = turn_of(run, Member(scripted(ValueError("first")), policy=policy))
    assert (turn.outcome, turn.detail) == ("failed", "OSError: second")
    policy = Policy(retry=None, fallback=scripted(OSError("second")))
    with pytest.raises(OSError, match="second"):
        run(app_of(Member(scripted(ValueError("first")), policy=policy)))


def test_the_tokens_of_every_attempt_and_of_the_fallback_are_the_turns(run):
    model = ScriptedModel(["not typed", "not typed", "not typed"], usage=(10, 5))
    fallback = ScriptedModel([{"place": "a cave"}], usage=(100, 7))

    policy = Policy(retry=None, fallback=fallback)
    turn = turn_of(run, Agent("ada", "", model=model, output=Find, policy=policy))
    assert (turn.input_tokens, turn.output_tokens) == (130, 22)


def test_misuse_is_neither_tried_again_nor_recorded_nor_left_to_a_fallback(run):
    policy = Policy(retry=AT_ONCE, on_failure="record", fallback=lambda view: "saved")
    with pytest.raises(ConfigurationError, match="returned None") as failed:
        run(app_of(Member(scripted(None, "hello"), policy=policy)))
    assert "in participant `ada` of `sequential`" in failed.value.__notes__


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_ctrl_c_is_neither_tried_again_nor_recorded_nor_left_to_a_fallback(error):
    policy = Policy(retry=AT_ONCE, on_failure="record", fallback=lambda view: "saved")
    with pytest.raises(type(error)):
        app_of(Member(scripted(error, "hello"), policy=policy)).invoke({"messages": "go"})


async def test_a_cancelled_turn_is_neither_tried_again_nor_recorded_nor_left_to_a_fallback():
    began = asyncio.Event()

    async def ada(view: View) -> str:
        began.set()
        await asyncio.Event().wait()
        return "never"

    policy = Policy(retry=AT_ONCE, on_failure="record", fallback=lambda view: "saved")
    task = asyncio.ensure_future(app_of(Member(ada, policy=policy)).ainvoke({"messages": "go"}))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
def stuck() -> Iterator[Callable[[View], str]]:
    """A function that does not return before the test is over."""
    over = threading.Event()

    def ada(view: View) -> str:
        over.wait()
        return "too late"

    yield ada
    over.set()


async def stuck_async(view: View) -> str:
    await asyncio.Event().wait()
    return "never"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_turn_that_takes_too_long_is_given_up_in_every_kind_of_run(run, stuck, is_async):
    policy = Policy(retry=None, timeout=0.02)
    member = Member(stuck_async if is_async else stuck, name="ada", policy=policy)
    with pytest.raises(NodeTimeoutError) as failed:
        run(app_of(member))
    assert failed.value.node == "ada"
    assert "in participant `ada` of `sequential`, attempt 1" in failed.value.__notes__


def test_a_turn_that_takes_too_long_may_be_recorded_or_left_to_a_fallback(run, stuck):
    turn = turn_of(run, Member(stuck, policy=Policy(retry=None, timeout=0.02, on_failure="record")))
    assert turn.outcome == "timed_out"
    assert turn.detail.startswith("NodeTimeoutError: ")
    policy = Policy(retry=None, timeout=0.02, fallback=lambda view: "saved")
    assert turn_of(run, Member(stuck, policy=policy)).outcome == "fallback"


def test_each_attempt_has_its_own_time(run, stuck):
    policy = Policy(retry=AT_ONCE, timeout=0.02, on_failure="record")
    turn = turn_of(run, Member(stuck, policy=policy))
    assert (turn.attempts, turn.outcome) == (3, "timed_out")


def test_a_model_that_is_slow_to_answer_is_given_up_too(run):
    policy = Policy(retry=None, timeout=0.02, on_failure="record")
    agent = Agent("ada", "", model=ScriptedModel(["hello"], delay=0.5), policy=policy)
    assert turn_of(run, agent).outcome == "timed_out"


def test_a_turn_that_is_in_time_is_not_touched_by_its_timeout(run):
    agent = Agent("ada", "", model=ScriptedModel(["hello"]), policy=Policy(timeout=60))
    result = run(app_of(agent))
    assert (result["output"], result["trail"][0].outcome) == ("hello", "ok")


def test_a_turn_that_is_not_taken_is_an_entry_too(run):
    turn = turn_of(run, Member(scripted("hello"), when=lambda view: False))
    assert (turn.agent, turn.kind, turn.outcome, turn.detail) == (
        "ada",
        "function",
        "skipped",
        "`when` said no",
    )
