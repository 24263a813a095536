"""Records are frozen, tolerant of newer versions, and come back from a checkpoint as they were."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, ValidationError

from langgraph_orchestra.state import (
    Failure,
    Result,
    Stop,
    StopReason,
    Turn,
    TurnKind,
    TurnOutcome,
    Votes,
)


class Source(BaseModel):
    """Where a claim is from."""

    title: str


class Claim(BaseModel):
    """A typed answer."""

    text: str
    sources: list[Source] = []


RECORDS = [
    Turn(agent="a"),
    Stop(reason="completed"),
    Failure(agent="a", type="ValueError"),
    Result(name="a"),
    Votes(winner="yes", counts={"yes": 1}, by={"yes": ["a"]}),
]
SERIALIZER = JsonPlusSerializer(
    allowed_msgpack_modules=[Turn, Stop, Failure, Result, Votes, Source, Claim]
)


def reloaded(value: Any) -> Any:
    return SERIALIZER.loads_typed(SERIALIZER.dumps_typed(value))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_cannot_be_changed(record):
    with pytest.raises(ValidationError, match="frozen"):
        setattr(record, next(iter(type(record).model_fields)), "other")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_a_newer_version_wrote_beside_the_known_fields_is_left_out(record):
    newer = {**record.model_dump(), "mood": "cheerful"}
    assert type(record).model_validate(newer) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_from_a_checkpoint_as_it_was(record):
    assert reloaded(record) == record
    assert type(reloaded([record])[0]) is type(record)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_from_json_as_it_was(record):
    assert type(record).model_validate_json(record.model_dump_json()) == record


TURNS = st.builds(
    Turn,
    agent=st.text(max_size=5),
    path=st.text(max_size=5),
    step=st.integers(0, 99),
    kind=st.sampled_from(get_args(TurnKind)),
    started_at=st.datetimes(timezones=st.just(UTC)),
    seconds=st.floats(0, 1e6),
    input_tokens=st.integers(0, 10**9),
    cost=st.none() | st.floats(0, 100),
    outcome=st.sampled_from(get_args(TurnOutcome)),
    user=st.none() | st.just("ada"),
    detail=st.text(max_size=9),
)


@given(TURNS)
def test_every_turn_comes_back_from_a_checkpoint_as_it_was(turn):
    again = reloaded(turn)
    assert again == turn
    assert again.started_at.tzinfo is not None


def test_times_of_other_zones_mean_the_same_moment_after_a_reload():
    at = datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert reloaded(Turn(agent="a", started_at=at)).started_at == at


@pytest.mark.parametrize(
    ("record", "wrong"),
    [(Stop, {"reason": "bored"}), (Turn, {"agent": "a", "outcome": "fine"}), (Turn, {"kind": "x"})],
)
def test_a_value_outside_the_fixed_set_is_refused(record, wrong):
    with pytest.raises(ValidationError):
        record.model_validate(wrong)


@pytest.mark.parametrize("reason", get_args(StopReason))
def test_a_stop_can_be_made_from_its_reason_alone(reason):
    assert Stop(reason=reason) == Stop(reason=reason, detail="", by=None)


def test_a_result_is_ok_unless_there_is_a_failure():
    assert Result(name="a", output="").ok
    assert not Result(name="a", failure=Failure(agent="a", type="ValueError")).ok


CLAIM = Claim(text="three hearts", sources=[Source(title="Nature")])


@pytest.mark.parametrize(
    "output",
    ["text", "", None, 3, CLAIM, [CLAIM, CLAIM], {"claim": CLAIM}, {"a": [1, None]}],
    ids=repr,
)
def test_an_output_is_after_a_reload_of_the_type_it_was(output):
    results = {"a": Result(name="a", output=output, seconds=1.5)}
    again = reloaded(results)
    assert again == results
    assert type(again["a"].output) is type(output)


def test_a_typed_output_is_plain_data_in_json_but_whole_in_a_dump():
    result = Result(name="a", output=CLAIM)
    assert result.model_dump()["output"] is CLAIM
    assert result.model_dump(mode="json")["output"] == CLAIM.model_dump(mode="json")
    assert Result.model_validate_json(result.model_dump_json()).output == CLAIM.model_dump()


def test_a_dump_without_the_output_has_none():
    assert "output" not in Result(name="a", output=CLAIM).model_dump(exclude={"output"})
    assert Result(name="a", output=CLAIM).model_dump(include={"name"}) == {"name": "a"}


def test_a_failed_result_keeps_its_failure_over_a_reload():
    failure = Failure(agent="a", type="TimeoutError", message="slow", attempts=3, timed_out=True)
    assert reloaded(Result(name="a", failure=failure)).failure == failure
