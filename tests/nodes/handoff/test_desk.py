"""The desk that decides on handoffs: one is taken, the rest are answered, and asking is bounded."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from langgraph_orchestra.nodes import View
from langgraph_orchestra.nodes.handoff.desk import TRIES, Desk
from langgraph_orchestra.nodes.handoff.routes import Routes
from langgraph_orchestra.state import Handoff


def desk(taken=0, counted_from=0, **options):
    """A desk of `a`, who may hand over to `b`, `c` and `d`."""
    handoffs = [Handoff(source="a", target="b")] * taken
    info = {"counted_from": counted_from}
    state = {"messages": [HumanMessage("go")], "handoffs": handoffs, "handoff_info": info}
    return Desk("a", View(state), Routes({"a": ["b", "c", "d"]}, **options))


def ask(at: Desk, target: str) -> str:
    """Ask to hand over; acceptance is decided at once."""
    steps = at.ask(Handoff(target=target))
    try:
        call = next(steps)
        while True:
            call = steps.send(call.sync())
    except StopIteration as end:
        return str(end.value)


def outcomes(at: Desk) -> Sequence[str]:
    return [record.outcome for record in at.records]


def test_the_first_possible_handoff_is_taken_and_later_ones_are_ignored():
    at = desk()
    assert ask(at, "b") == "Handed off to b."
    assert ask(at, "c") == "ignored: control went to `b` first"
    assert (outcomes(at), at.taken.target, at.is_done) == (["accepted", "ignored"], "b", True)


def test_an_unknown_target_is_answered_with_the_valid_names():
    assert ask(desk(), "x").endswith("valid: `b`, `c`, `d`")
    assert ask(desk(), "a").startswith("unknown: ")


def test_nobody_to_hand_over_to_is_said_so():
    at = Desk("z", View({}), Routes({}))
    assert ask(at, "b").endswith("valid: nobody")


@pytest.mark.parametrize(
    ("taken", "counted_from", "limited"), [(1, 0, False), (2, 0, True), (2, 1, False)]
)
def test_the_limit_counts_what_was_taken_since_a_person_let_the_run_go_on(
    taken, counted_from, limited
):
    at = desk(taken, counted_from, max_handoffs=2)
    told = ask(at, "b")
    assert told.startswith("limit reached") is limited
    assert (at.stop.reason if at.stop else None) == ("turn_limit" if limited else None)


def test_every_record_says_who_asked_and_when():
    at = desk()
    ask(at, "x")
    ask(at, "b")
    assert {record.source for record in at.records} == {"a"}
    assert all(record.at.utcoffset().total_seconds() == 0 for record in at.records)


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "x", "y"]), max_size=12))
def test_whatever_is_asked_for_one_is_taken_at_most_and_asking_is_bounded(targets):
    accepts = {"b": lambda view, handoff: False, "c": lambda view, handoff: "closed"}
    at = desk(accepts=accepts)
    asked = 0
    for target in targets:
        if at.is_done:
            break
        asked += 1
        ask(at, target)
    assert len(at.records) == asked
    assert outcomes(at).count("accepted") <= 1
    assert outcomes(at).count("unknown") <= TRIES
    assert outcomes(at).count("refused") <= TRIES
    assert asked < 2 * TRIES
    assert (at.taken is None) or (at.stop is None)
