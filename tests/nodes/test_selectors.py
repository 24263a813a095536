"""Selectors without a model: each is a choice among the candidates, and needs nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from langgraph_orchestra.nodes import Selector, View, by_bids, by_model, by_person
from langgraph_orchestra.nodes.selectors import (
    Choice,
    Floor,
    next_in_order,
    rotate_random,
    round_robin,
    selector_from,
)
from langgraph_orchestra.state import ConfigurationError, Turn

NAMES = ["zeta", "alpha", "mid", "beta"]
"""Declared order, which is neither that of the alphabet nor its reverse."""


NOWHERE: tuple[Any, Any] = (None, None)
"""No node and no graph: a choice without a model needs neither."""


def turn(name, step):
    """A turn that was taken."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Turn(agent=name, path=name, step=step, kind="agent", started_at=now, seconds=0)


def floor(*spoken, candidates=NAMES, names=NAMES):
    """The floor after these have spoken."""
    trail = [turn(name, number + 1) for number, name in enumerate(spoken)]
    state = {"messages": [HumanMessage("go")], "trail": trail}
    everybody: Any = dict.fromkeys(names)
    last = spoken[-1] if spoken else None
    return Floor(everybody, list(candidates), last, len(spoken), lambda: View(state), *NOWHERE)


def choose(selector, at):
    """What a selector chooses; callbacks are called at once."""
    steps = selector.choose(at)
    try:
        call = next(steps)
        while True:
            call = steps.send(call.sync())
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize(
    ("last", "candidates", "chosen"),
    [
        ((), NAMES, "zeta"),
        (("zeta",), NAMES, "alpha"),
        (("beta",), NAMES, "zeta"),
        (("zeta",), ["beta", "zeta"], "beta"),
        (("beta",), ["beta"], "beta"),
        (("mid",), ["zeta", "alpha"], "zeta"),
        (("gone",), ["mid", "beta"], "mid"),
    ],
)
def test_the_next_in_order_is_the_first_candidate_after_the_last_speaker(last, candidates, chosen):
    at = floor(*last, candidates=candidates)
    assert next_in_order(at, NAMES) == chosen
    assert choose(round_robin(), at) == Choice(chosen)


@given(
    seed=st.integers(),
    size=st.integers(1, 7),
    rounds=st.integers(1, 4),
    may_repeat=st.booleans(),
)
def test_a_random_rotation_gives_everybody_the_floor_once_in_each_round(
    seed, size, rounds, may_repeat
):
    names = [f"n{number}" for number in range(size)]
    spoken: list[Any] = []
    for _ in range(size * rounds):
        others = [n for n in names if may_repeat or size == 1 or n not in spoken[-1:]]
        at = floor(*spoken, candidates=others, names=names)
        spoken.append(choose(rotate_random(seed), at).speaker)
    for begin in range(0, len(spoken), size):
        assert sorted(spoken[begin : begin + size]) == names
    if not may_repeat and size > 1:
        assert all(spoken[n] != spoken[n + 1] for n in range(len(spoken) - 1))


@given(seed=st.integers(), data=st.data())
def test_a_random_rotation_chooses_a_candidate_whatever_came_before(seed, data):
    candidates = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    spoken = data.draw(st.lists(st.sampled_from(NAMES), max_size=9))
    chosen = choose(rotate_random(seed), floor(*spoken, candidates=candidates)).speaker
    assert chosen in candidates
    this_round = spoken[len(spoken) - len(spoken) % len(NAMES) :]
    if set(candidates) - set(this_round):
        assert chosen not in this_round


def test_a_function_is_asked_with_the_view():
    seen = []

    def select(view):
        seen.append(view.turns[-1].agent)
        return "beta"

    assert choose(selector_from(select), floor("mid")) == Choice("beta")
    assert seen == ["mid"]


def test_none_of_a_function_ends_the_conversation():
    def boss(view):
        return None

    choice = choose(selector_from(boss), floor())
    assert (choice.speaker, choice.stop.reason, choice.stop.by) == (None, "completed", "boss")


def test_an_object_that_is_called_is_named_by_its_class():
    class Boss:
        def __call__(self, view):
            return "nobody"

    with pytest.raises(ConfigurationError, match="selector `Boss` chose 'nobody'"):
        choose(selector_from(Boss()), floor())


def test_a_view_is_made_once_and_only_if_it_is_looked_at():
    made = []

    def look():
        made.append(1)
        return View({})

    everybody: Any = dict.fromkeys(NAMES)
    at = Floor(everybody, NAMES, None, 0, look, *NOWHERE)
    choose(round_robin(), at)
    assert made == []
    assert at.view is at.view
    assert made == [1]


@pytest.mark.parametrize("selector", [round_robin(), rotate_random(), by_person(), by_bids()])
def test_a_selector_is_taken_as_it_is(selector):
    assert isinstance(selector, Selector)
    assert selector_from(selector) is selector


@pytest.mark.parametrize("wrong", [None, "round_robin", 3, ["a"], Selector, View])
def test_what_selects_nobody_is_refused_with_what_would(wrong):
    with pytest.raises(TypeError, match=r"`round_robin\(\)` or `by_model\(model\)`"):
        selector_from(wrong)


def test_selectors_that_ask_have_a_node_and_others_have_none():
    nodes = [round_robin().node, rotate_random().node, selector_from(choose).node]
    assert nodes == [None, None, None]
    assert (by_model().node, by_bids().node, by_person("boss").node) == (
        "selector",
        "selector",
        "boss",
    )
