"""What models decide: booleans are booleans, a confidence is from 0 to 1, keys may be added."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from langgraph_orchestra.state import Bid, SpeakerChoice, Verdict

LEAST: dict[Any, dict[str, Any]] = {
    SpeakerChoice: {"next_speaker": "ann", "reason": "because"},
    Verdict: {"approved": True},
    Bid: {"confidence": 0.5},
}
"""Each decision with the keys it must have."""


@pytest.fixture(params=LEAST, ids=lambda kind: kind.__name__)
def kind(request):
    """Each kind of decision."""
    return request.param


def both_ways(kind, values):
    """The decision from an object and from JSON text: they are the same."""
    from_object, from_text = kind(**values), kind.model_validate_json(json.dumps(values))
    assert from_object == from_text
    return from_object


def refused(kind, values):
    """Which fields are refused."""
    with pytest.raises(ValidationError) as error:
        kind.model_validate_json(json.dumps(values))
    return [one["loc"][0] for one in error.value.errors()]


def test_the_least_is_enough(kind):
    decision = both_ways(kind, LEAST[kind])
    assert decision.model_dump(include=set(LEAST[kind])) == LEAST[kind]


def test_a_missing_key_is_refused(kind):
    for key in LEAST[kind]:
        left = {name: value for name, value in LEAST[kind].items() if name != key}
        assert refused(kind, left) == [key]


def test_keys_that_a_model_adds_are_ignored(kind):
    assert both_ways(kind, {**LEAST[kind], "mood": "good"}) == both_ways(kind, LEAST[kind])


def test_a_decision_cannot_be_changed(kind):
    decision = kind(**LEAST[kind])
    with pytest.raises(ValidationError):
        setattr(decision, next(iter(LEAST[kind])), None)


def test_a_decision_tells_the_model_what_each_key_means(kind):
    schema = kind.model_json_schema()
    assert schema["description"]
    assert all(field["description"] for field in schema["properties"].values())


@pytest.mark.parametrize("wrong", ["true", "false", 0, 1, 0.0, None, "yes"])
def test_only_a_boolean_is_a_boolean(wrong):
    assert refused(Verdict, {"approved": wrong}) == ["approved"]
    assert refused(SpeakerChoice, {**LEAST[SpeakerChoice], "finished": wrong}) == ["finished"]


@pytest.mark.parametrize("confidence", [0, 1, 0.0, 1.0, 0.3])
def test_a_confidence_is_a_number_from_0_to_1(confidence):
    bid = both_ways(Bid, {"confidence": confidence})
    assert bid.confidence == confidence
    assert isinstance(bid.confidence, float)


@pytest.mark.parametrize("wrong", [-0.01, 1.01, "0.5", True, None, float("nan"), float("inf")])
def test_no_other_confidence_is_taken(wrong):
    assert refused(Bid, {"confidence": wrong}) == ["confidence"]
    with pytest.raises(ValidationError):
        Bid(confidence=wrong)


@pytest.mark.parametrize("wrong", ["8", float("nan"), True])
def test_a_score_is_a_number(wrong):
    assert refused(Verdict, {"approved": True, "score": wrong}) == ["score"]
    assert both_ways(Verdict, {"approved": True, "score": 8}).score == 8.0


@pytest.mark.parametrize("key", ["cost", "seconds"])
@pytest.mark.parametrize("wrong", ["8", True, -1.0, float("nan"), float("inf")])
def test_cost_and_time_of_a_bid_are_numbers_from_0(key, wrong):
    with pytest.raises(ValidationError, match=key):
        Bid(confidence=0.5, **{key: wrong})
    assert getattr(both_ways(Bid, {"confidence": 0.5, key: 8}), key) == 8.0


def test_nobody_is_the_next_speaker_of_a_finished_conversation():
    values = {"next_speaker": None, "reason": "", "finished": True, "final_answer": "42"}
    choice = both_ways(SpeakerChoice, values)
    assert (choice.next_speaker, choice.finished, choice.final_answer) == (None, True, "42")


def test_defaults_claim_nothing():
    choice = SpeakerChoice(next_speaker="ann", reason="")
    assert (choice.finished, choice.final_answer) == (False, "")
    verdict = Verdict(approved=False)
    assert (verdict.feedback, verdict.score) == ("", None)
    bid = Bid(confidence=0.0)
    assert (bid.approach, bid.skills, bid.cost, bid.seconds) == ("", [], None, None)
