"""The counters of a managed team: what follows from each ledger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_orchestra.nodes.magentic.counters import (
    Bounds,
    Counters,
    after_ledger,
    limit_before_round,
)
from langgraph_orchestra.state import ConfigurationError, ProgressLedger
from support.ledgers import progress

BOUNDS = Bounds(max_rounds=5, max_stalls=2, max_resets=1)


def ledger(**found):
    """A valid ledger."""
    return ProgressLedger.model_validate(progress(**found))


GOOD, STUCK, LOOP, DONE = ledger(), ledger(moving=False), ledger(loop=True), ledger(done=True)
DONE_IN_A_LOOP = ledger(done=True, loop=True, moving=False)

MOVES = [
    # ledger, (rounds, stalls, resets) before, what happens, and after
    (GOOD, (0, 0, 0), "work", (1, 0, 0)),
    (GOOD, (3, 2, 1), "work", (4, 1, 1)),
    (STUCK, (0, 0, 0), "work", (1, 1, 0)),
    (STUCK, (1, 1, 0), "work", (2, 2, 0)),
    (STUCK, (2, 2, 0), "replan", (2, 0, 1)),
    (STUCK, (2, 2, 1), "end", (2, 3, 1)),
    (LOOP, (0, 0, 0), "work", (1, 1, 0)),
    (LOOP, (2, 2, 0), "replan", (2, 0, 1)),
    (None, (0, 0, 0), "ask_again", (0, 1, 0)),
    (None, (4, 2, 0), "replan", (4, 0, 1)),
    (None, (4, 2, 1), "end", (4, 3, 1)),
    (DONE, (2, 1, 1), "end", (2, 1, 1)),
    (DONE_IN_A_LOOP, (2, 2, 1), "end", (2, 2, 1)),
]


@pytest.mark.parametrize(("found", "before", "to", "after"), MOVES)
def test_what_follows_from_a_ledger_is_exactly_this(found, before, to, after):
    move = after_ledger(found, Counters(*before), BOUNDS)
    assert (move.to, tuple(move.counters)) == (to, after)


def test_a_satisfied_ledger_completes_and_one_stall_too_many_is_the_stall_limit():
    assert after_ledger(DONE, Counters(), BOUNDS).stop.reason == "completed"
    assert after_ledger(STUCK, Counters(2, 2, 1), BOUNDS).stop.reason == "stall_limit"


def test_without_stalls_or_resets_the_first_stall_ends_the_run():
    bounds = Bounds(max_rounds=1, max_stalls=0, max_resets=0)
    assert after_ledger(STUCK, Counters(), bounds).to == "end"


@pytest.mark.parametrize(
    ("counters", "turns", "max_turns", "reason"),
    [
        (Counters(4), 4, None, None),
        (Counters(5), 5, None, "round_limit"),
        (Counters(2), 3, 4, None),
        (Counters(2), 4, 4, "turn_limit"),
        (Counters(5), 5, 5, "round_limit"),
    ],
)
def test_no_round_begins_at_a_limit(counters, turns, max_turns, reason):
    stop = limit_before_round(counters, turns, Bounds(5, 2, 1, max_turns))
    assert (stop and stop.reason) == reason


@given(
    st.lists(st.sampled_from([GOOD, STUCK, LOOP, None])),
    st.builds(Bounds, st.integers(1, 6), st.integers(0, 4), st.integers(0, 3)),
)
def test_no_sequence_of_ledgers_takes_more_assessments_than_are_allowed_for(ledgers, bounds):
    ledgers = [*ledgers, *[None] * 100]
    counters, asked = Counters(), 0
    for found in ledgers:
        asked += 1
        if limit_before_round(counters, 0, bounds):
            break
        move = after_ledger(found, counters, bounds)
        counters = move.counters
        if move.to == "end":
            break
    assert asked <= bounds.assessments
    assert counters.rounds <= bounds.max_rounds
    assert counters.resets <= bounds.max_resets
    assert counters.stalls <= bounds.max_stalls + 1


@pytest.mark.parametrize("name", ["max_rounds", "max_stalls", "max_resets"])
@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_what_is_no_int_is_no_limit(name, value):
    limits = {"max_rounds": 1, "max_stalls": 1, "max_resets": 1, name: value}
    with pytest.raises(TypeError, match=f"`{name}` is an int"):
        Bounds(**limits)


@pytest.mark.parametrize(("name", "least"), [("max_rounds", 1), ("max_stalls", 0)])
def test_too_small_a_limit_is_refused(name, least):
    limits = {"max_rounds": 1, "max_stalls": 1, "max_resets": 1, name: least - 1}
    with pytest.raises(ConfigurationError, match=f"`{name}` is {least - 1}; .* at least {least}"):
        Bounds(**limits)
