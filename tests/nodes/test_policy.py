"""What a policy decides agrees with what LangGraph does, and is a pure function of the trail."""

import asyncio
import time
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.runnables import RunnableLambda
from langgraph.errors import GraphRecursionError, NodeTimeoutError
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy
from openai import APIConnectionError, APITimeoutError, RateLimitError
from typing_extensions import TypedDict

from langgraph_orchestra.nodes import Policy
from langgraph_orchestra.nodes.policy import (
    breaker_is_open,
    check_on_failure,
    is_retried,
    longest_pause,
    retry_policy_of,
)
from langgraph_orchestra.state import (
    AnswerError,
    ConfigurationError,
    DecisionError,
    Turn,
    TurnOutcome,
)

AT_ONCE = RetryPolicy(initial_interval=0.0, jitter=False)
REQUEST: Any = httpx.Request("POST", "https://example.com")
BUSY: Any = httpx.Response(429, request=REQUEST)


def http_error(status: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(status))


class OwnError(Exception):
    """A user's own error."""


ERRORS: list[Exception] = [
    Exception("bare"),
    OwnError("own"),
    ValueError("value"),
    TypeError("type"),
    KeyError("key"),
    RuntimeError("runtime"),
    RecursionError("deep"),
    AssertionError("assertion"),
    ZeroDivisionError("zero"),
    AttributeError("attribute"),
    NotImplementedError("not implemented"),
    OSError("os"),
    FileNotFoundError("file"),
    PermissionError("permission"),
    ConnectionError("connection"),
    ConnectionResetError("reset"),
    BrokenPipeError("pipe"),
    TimeoutError("timeout"),
    asyncio.IncompleteReadError(b"", 1),
    UnicodeDecodeError("utf-8", b"", 0, 1, "bad"),
    MemoryError("memory"),
    ImportError("import"),
    GraphRecursionError("loop"),
    NodeTimeoutError("a", 1.0, kind="run", run_timeout=1.0),
    ExceptionGroup("group", [ValueError("inside")]),
    http_error(500),
    http_error(503),
    http_error(429),
    http_error(404),
    httpx.ConnectTimeout("slow"),
    APIConnectionError(request=REQUEST),
    APITimeoutError(request=REQUEST),
    RateLimitError("busy", response=BUSY, body=None),
]


def by_text(error: Exception) -> bool:
    """A user's own rule."""
    return "o" in str(error)


RETRY_ON: list[Any] = [
    AT_ONCE.retry_on,
    Exception,
    ValueError,
    OSError,
    (ValueError, OwnError),
    [ConnectionError],
    (),
    by_text,
    lambda error: isinstance(error, LookupError),
]


class State(TypedDict, total=False):
    """No state is needed."""

    done: bool


def attempts_made(
    retry: RetryPolicy | None, error: BaseException, *, is_async: bool = False
) -> int:
    """How often LangGraph really tries a node that always raises this."""
    made = []

    def fail(state: State) -> State:
        made.append(state)
        raise error

    async def fail_in_loop(state: State) -> State:
        return fail(state)

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("a", RunnableLambda(fail, fail_in_loop), retry_policy=retry)
    graph.add_edge(START, "a")
    app = graph.compile()

    def run() -> Any:
        return asyncio.run(app.ainvoke({})) if is_async else app.invoke({})

    with pytest.raises(type(error)):
        run()
    return len(made)


def attempts_expected(policy: Policy, error: Exception) -> int:
    """How often it is tried if we are right about what is retried."""
    attempt = 1
    while is_retried(policy, error, attempt):
        attempt += 1
    return attempt


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "retry_on", RETRY_ON, ids=lambda on: getattr(on, "__name__", type(on).__name__)
)
def test_what_is_retried_is_what_langgraph_retries(error, retry_on):
    retry = AT_ONCE._replace(retry_on=retry_on)
    assert attempts_expected(Policy(retry=retry), error) == attempts_made(retry, error)


@pytest.mark.parametrize("error", [ValueError("value"), OwnError("own")])
@pytest.mark.parametrize("most", [1, 2, 4])
@pytest.mark.parametrize("is_async", [False, True])
def test_as_many_attempts_are_expected_as_are_made(error, most, is_async):
    retry = AT_ONCE._replace(max_attempts=most)
    made = attempts_made(retry, error, is_async=is_async)
    assert attempts_expected(Policy(retry=retry), error) == made


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "retry_on", RETRY_ON, ids=lambda on: getattr(on, "__name__", type(on).__name__)
)
def test_the_policy_that_langgraph_is_given_retries_the_same(error, retry_on):
    policy = Policy(retry=AT_ONCE._replace(retry_on=retry_on))
    assert attempts_made(retry_policy_of(policy), error) == attempts_expected(policy, error)


@pytest.mark.parametrize(
    "error", [ConfigurationError("wrong"), AnswerError("wrong"), DecisionError(3, "wrong")]
)
@pytest.mark.parametrize("retry_on", [Exception, AT_ONCE.retry_on, ValueError, lambda _: True])
def test_errors_of_ours_are_never_retried(error, retry_on):
    policy = Policy(retry=AT_ONCE._replace(retry_on=retry_on))
    assert not is_retried(policy, error, 1)
    assert attempts_made(retry_policy_of(policy), error) == 1


def test_without_a_retry_policy_there_is_one_attempt():
    policy = Policy(retry=None)
    assert retry_policy_of(policy) is None
    assert not is_retried(policy, OwnError(), 1)
    assert longest_pause(policy, 1) == 0


def pauses_made(monkeypatch: pytest.MonkeyPatch, retry: RetryPolicy) -> list[float]:
    """How long LangGraph really waits between the attempts."""
    pauses: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", pauses.append)
        attempts_made(retry, OwnError("own"))
    return pauses


@pytest.mark.parametrize(
    "retry",
    [
        RetryPolicy(max_attempts=6, jitter=False),
        RetryPolicy(max_attempts=5, jitter=False, initial_interval=2.0, backoff_factor=1.0),
        RetryPolicy(max_attempts=6, jitter=False, initial_interval=1.0, max_interval=3.0),
        RetryPolicy(max_attempts=3, jitter=False, initial_interval=0.0),
    ],
)
def test_the_longest_pause_is_the_pause_where_none_is_left_to_chance(monkeypatch, retry):
    expected = [longest_pause(Policy(retry=retry), n) for n in range(1, retry.max_attempts)]
    assert pauses_made(monkeypatch, retry) == expected


def test_no_pause_is_longer_than_the_longest_with_chance_either(monkeypatch):
    retry = RetryPolicy(max_attempts=6)
    pauses = pauses_made(monkeypatch, retry)
    longest = [longest_pause(Policy(retry=retry), n) for n in range(1, 6)]
    assert all(made <= most <= made + 1 for made, most in zip(pauses, longest, strict=True))


OUTCOMES: dict[str, TurnOutcome] = {
    "f": "failed",
    "t": "timed_out",
    "o": "ok",
    "b": "fallback",
    "s": "skipped",
    "c": "cancelled",
    "r": "refused",
}


def trail_of(signs: str) -> tuple[list[Turn], int]:
    """A trail in signs, with `|` where the current run begins; and the place of that."""
    before, _, now = signs.rpartition("|")
    trail = [Turn(agent="a", path="a", outcome=OUTCOMES[sign]) for sign in before + now]
    return trail, len(before)


@pytest.mark.parametrize(
    ("breaker", "signs", "is_open"),
    [
        (None, "ffff", False),
        (2, "", False),
        (1, "f", True),
        (1, "o", False),
        (2, "f", False),
        (2, "ff", True),
        (2, "ft", True),
        (2, "fof", False),
        (2, "offo", False),
        (2, "off", True),
        (2, "fbf", False),
        (2, "ffs", True),
        (2, "ffssss", True),
        (2, "fsf", True),
        (2, "fcf", True),
        (2, "ffc", True),
        (2, "frf", False),
        (2, "ff|", False),
        (2, "f|f", True),
        (2, "ffss|", False),
        (2, "ff|f", True),
        (2, "ff|s", False),
        (2, "ff|o", False),
        (2, "ff|of", False),
        (3, "ff|f", True),
        (3, "ff|", False),
        (3, "fof|f", False),
        (3, "f|ff", True),
    ],
)
def test_a_breaker_opens_after_failures_in_a_row_and_tries_again_in_the_next_run(
    breaker, signs, is_open
):
    trail, run_began = trail_of(signs)
    assert breaker_is_open(breaker, "a", trail, run_began) is is_open


def test_what_others_did_neither_opens_a_breaker_nor_resets_it():
    trail, _ = trail_of("ff")
    others = [Turn(agent="b", path="b"), Turn(agent="a", path="team/a"), Turn(agent="x", path="ab")]
    mixed = [*others, *trail, *others]
    assert breaker_is_open(2, "a", mixed, 0)
    assert not breaker_is_open(1, "b", mixed, 0)


def test_an_answer_of_a_team_resets_its_breaker():
    failed = Turn(agent="team", path="team", outcome="failed")
    answered = Turn(agent="a", path="team/a")
    assert breaker_is_open(2, "team", [failed, failed], 0)
    assert not breaker_is_open(2, "team", [failed, answered, failed], 0)


@given(st.text(alphabet="ftobscr|", max_size=12), st.integers(1, 3))
def test_a_breaker_is_never_open_without_that_many_failures_and_one_in_this_run(signs, breaker):
    trail, run_began = trail_of(signs.replace("|", "", max(0, signs.count("|") - 1)))
    if breaker_is_open(breaker, "a", trail, run_began):
        failed = [turn.outcome in ("failed", "timed_out") for turn in trail]
        assert sum(failed) >= breaker
        assert any(failed[run_began:])


def test_every_outcome_there_is_was_thought_of():
    thought_of = {*OUTCOMES.values(), "ignored", "handed_off"}
    assert thought_of == set(get_args(TurnOutcome))


def test_a_policy_retries_by_default_and_leaves_the_rest_to_the_pattern():
    policy = Policy()
    assert policy.retry == RetryPolicy()
    assert (policy.timeout, policy.fallback, policy.on_failure, policy.breaker) == (None,) * 4


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"retry": 3}, TypeError),
        ({"retry": True}, TypeError),
        ({"timeout": "1"}, TypeError),
        ({"timeout": True}, TypeError),
        ({"timeout": 0}, ConfigurationError),
        ({"timeout": -1.0}, ConfigurationError),
        ({"breaker": 0}, ConfigurationError),
        ({"breaker": 1.5}, TypeError),
        ({"breaker": True}, TypeError),
        ({"on_failure": "ignore"}, ConfigurationError),
        ({"retries": 3}, TypeError),
    ],
    ids=repr,
)
def test_a_policy_that_cannot_be_is_refused(settings, error):
    with pytest.raises(error):
        Policy(**settings)


@pytest.mark.parametrize("value", ["raise", "record"])
def test_a_failure_is_raised_or_recorded(value):
    check_on_failure(value)


@pytest.mark.parametrize("value", ["ignore", "", None, True])
def test_nothing_else_can_be_done_with_a_failure(value):
    with pytest.raises(ConfigurationError, match="'raise' or 'record'"):
        check_on_failure(value)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()], ids=repr)
def test_ctrl_c_is_never_retried(error):
    policy = Policy(retry=AT_ONCE._replace(retry_on=lambda _: True))
    assert attempts_made(retry_policy_of(policy), error) == 1
