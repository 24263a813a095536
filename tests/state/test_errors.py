"""Every error of ours can be caught as one, and says what it is about."""

import pickle

import pytest

from langgraph_orchestra import state
from langgraph_orchestra.state import (
    AnswerError,
    ConfigurationError,
    DecisionError,
    InputError,
    OrchestrationError,
)

ERRORS = [
    error
    for error in (getattr(state, name) for name in state.__all__)
    if isinstance(error, type) and issubclass(error, Exception)
]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_an_orchestration_error(error):
    assert issubclass(error, OrchestrationError)


@pytest.mark.parametrize("error", [ConfigurationError, InputError, AnswerError])
def test_what_a_caller_did_wrong_is_a_value_error_too(error):
    assert issubclass(error, ValueError)


def test_a_decision_error_tells_how_often_the_model_was_asked_and_what_was_wrong():
    error = DecisionError(3, "`approved` is missing")
    assert (error.attempts, error.last_error) == (3, "`approved` is missing")
    assert str(error) == "no valid decision after 3 attempts: `approved` is missing"


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_can_be_handed_to_another_process(error):
    raised = error(3, "wrong") if error is DecisionError else error("wrong")
    again = pickle.loads(pickle.dumps(raised))
    assert type(again) is error
    assert str(again) == str(raised)
