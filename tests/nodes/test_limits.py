"""Limits: deciding is a pure function of what was spent, and spending is summed from the trail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages.ai import UsageMetadata

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Limits, Policy, View
from langgraph_orchestra.nodes.limits import (
    Spent,
    check_price,
    cost_of,
    limit_reached,
    spent_in,
    summed_up,
)
from langgraph_orchestra.state import ConfigurationError, Turn

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
MILLION = UsageMetadata(input_tokens=1_000_000, output_tokens=0, total_tokens=1_000_000)


def cents(model: str, usage: UsageMetadata) -> float:
    """A user's own price."""
    return usage["total_tokens"] / 100


@pytest.mark.parametrize(
    ("limits", "spent", "reason"),
    [
        (Limits(), Spent(10**6, 10**9, 10**6, 10**6), None),
        (Limits(turns=3), Spent(turns=2), None),
        (Limits(turns=3), Spent(turns=3), "turn_limit"),
        (Limits(turns=3), Spent(turns=4), "turn_limit"),
        (Limits(tokens=100), Spent(tokens=99), None),
        (Limits(tokens=100), Spent(tokens=100), "token_limit"),
        (Limits(cost=0.5), Spent(cost=0.49), None),
        (Limits(cost=0.5), Spent(cost=0.5), "cost_limit"),
        (Limits(seconds=1.5), Spent(seconds=1.4), None),
        (Limits(seconds=1.5), Spent(seconds=1.5), "time_limit"),
        (Limits(turns=3, tokens=100, cost=1, seconds=1), Spent(2, 99, 0.9, 0.9), None),
        (Limits(turns=3, tokens=100), Spent(turns=3, tokens=100), "turn_limit"),
        (Limits(tokens=100, cost=1), Spent(tokens=1, cost=1), "cost_limit"),
    ],
)
def test_a_limit_is_reached_when_as_much_is_spent(limits, spent, reason):
    stop = limit_reached(limits, spent)
    assert (stop.reason if stop else None) == reason


@pytest.mark.parametrize(
    ("limits", "spent", "detail"),
    [
        (Limits(turns=3), Spent(turns=3), "3 of 3 turns taken"),
        (Limits(tokens=100), Spent(tokens=120), "120 of 100 tokens used"),
        (Limits(cost=0.5), Spent(cost=0.625), "0.6250 of 0.5 USD spent"),
        (Limits(seconds=2), Spent(seconds=2.04), "2.0 of 2 seconds used"),
    ],
)
def test_a_stop_tells_how_much_was_spent_of_how_much(limits, spent, detail):
    stop = limit_reached(limits, spent)
    assert stop is not None
    assert stop.detail == detail


def entry(start: float = 0, seconds: float = 0, **fields: Any) -> Turn:
    return Turn(agent="a", started_at=NINE + timedelta(seconds=start), seconds=seconds, **fields)


def test_tokens_and_costs_of_all_entries_are_summed_and_unknown_costs_are_nothing():
    trail = [
        entry(input_tokens=10, output_tokens=5, cost=0.25),
        entry(input_tokens=20, cost=None, outcome="failed"),
        entry(output_tokens=1, cost=0.5, kind="decision"),
    ]
    assert spent_in(trail, turns=2) == Spent(turns=2, tokens=36, cost=0.75, seconds=0)


def test_nothing_is_spent_by_nobody():
    assert spent_in([], turns=0) == Spent()


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([(0, 2), (2, 3)], 5),
        ([(0, 2), (10, 3)], 5),
        ([(0, 5), (1, 2)], 5),
        ([(0, 5), (3, 5)], 8),
        ([(3, 5), (0, 5)], 8),
        ([(0, 2), (0, 2), (0, 2)], 2),
        ([(0, 10), (1, 1), (4, 8)], 12),
    ],
)
def test_what_runs_side_by_side_counts_once(spans, seconds):
    trail = [entry(start, length) for start, length in spans]
    assert spent_in(trail, turns=0).seconds == pytest.approx(seconds)


def test_waiting_for_a_person_is_no_time_at_work():
    trail = [entry(0, 1), entry(1, 3600, kind="human"), entry(3601, 1)]
    assert spent_in(trail, turns=3).seconds == pytest.approx(2)


SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10)), max_size=8)


@given(SPANS)
def test_time_at_work_is_the_length_of_the_union_of_all_turns(spans):
    busy = {second for start, length in spans for second in range(start, start + length)}
    trail = [entry(start, length) for start, length in spans]
    assert spent_in(trail, turns=0).seconds == pytest.approx(len(busy))


ENTRIES = st.builds(
    entry,
    st.integers(0, 20),
    st.integers(0, 10),
    step=st.integers(1, 4),
    kind=st.sampled_from(["agent", "human", "decision"]),
    outcome=st.sampled_from(["ok", "failed", "skipped"]),
    input_tokens=st.integers(0, 100),
    cost=st.sampled_from([None, 0.25]),
)
TRAILS = st.lists(ENTRIES, max_size=8)


@given(TRAILS, st.integers(0, 8))
def test_a_sum_that_goes_on_is_that_of_the_whole_trail(trail, known):
    assert summed_up(trail, summed_up(trail[:known])) == summed_up(trail)


@given(TRAILS, TRAILS)
def test_what_was_summed_up_of_another_trail_is_not_counted(trail, other):
    assert summed_up(trail, summed_up(other)).spent == summed_up(trail).spent


@given(TRAILS)
def test_turns_are_summed_up_as_a_view_counts_them(trail):
    assert summed_up(trail).spent.turns == len(View({"trail": trail}).turns)


def cached(**details: int) -> UsageMetadata:
    return {**MILLION, "input_token_details": details}  # type: ignore[typeddict-item]


def test_what_a_provider_has_read_from_its_cache_costs_what_the_list_says():
    plain, half = cost_of("gpt-5-mini", MILLION), cost_of("gpt-5-mini", cached(cache_read=500_000))
    assert plain is not None
    assert half is not None
    assert half < plain


def test_what_a_provider_writes_to_its_cache_costs_what_the_list_says():
    plain = cost_of("claude-sonnet-4-5", MILLION)
    kept = cost_of("claude-sonnet-4-5", cached(cache_creation=500_000))
    assert plain is not None
    assert kept is not None
    assert kept > plain


@pytest.mark.parametrize("details", [{}, {"cache_read": 0}, {"cache_read": 2_000_000}], ids=str)
def test_a_cache_that_is_no_part_of_what_was_read_changes_no_price(details):
    assert cost_of("gpt-5-mini", cached(**details)) == cost_of("gpt-5-mini", MILLION)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-2024-08-06", "claude-sonnet-4-5"])
def test_the_list_price_of_a_model_is_known(model):
    cost = cost_of(model, MILLION)
    assert cost is not None
    assert 0.01 < cost < 100


@pytest.mark.parametrize("model", ["", "scripted", "our-own-model"])
def test_the_price_of_an_unknown_model_is_unknown(model):
    assert cost_of(model, MILLION) is None


@pytest.mark.parametrize("model", ["", "scripted", "gpt-4o"])
def test_a_users_own_price_comes_first(model):
    assert cost_of(model, MILLION, cents) == 10_000.0


def test_a_free_model_has_a_known_price():
    assert cost_of("our-own-model", MILLION, lambda model, usage: 0) == 0.0


def test_a_model_of_unknown_price_is_refused_by_name_and_with_the_remedy():
    with pytest.raises(ConfigurationError, match=r"`our-own-model`.*Limits\(price="):
        check_price("our-own-model", None)


def test_a_model_of_known_price_is_not_refused():
    check_price("gpt-4o", None)
    check_price("our-own-model", cents)


@pytest.mark.parametrize(
    "settings",
    [{"turns": 0}, {"tokens": -1}, {"cost": 0}, {"cost": -0.5}, {"seconds": 0.0}],
    ids=repr,
)
def test_a_limit_that_leaves_nothing_is_refused_by_name(settings):
    (name,) = settings
    with pytest.raises(ConfigurationError, match=f"`Limits.{name}`"):
        Limits(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"turns": True},
        {"turns": 1.0},
        {"tokens": "100"},
        {"tokens": False},
        {"cost": True},
        {"cost": "1"},
        {"seconds": "1"},
        {"price": 0.5},
        {"rounds": 3},
    ],
    ids=repr,
)
def test_a_limit_of_the_wrong_type_is_refused(settings):
    with pytest.raises(TypeError):
        Limits(**settings)


def test_limits_are_true_if_they_limit_anything():
    assert not Limits()
    assert not Limits(price=cents)
    assert Limits(turns=1)
    assert Limits(tokens=1)
    assert Limits(cost=0.01)
    assert Limits(seconds=0.5)


def unnamed() -> FakeListChatModel:
    """A model that does not tell its name."""
    return FakeListChatModel(responses=["hello"])


@pytest.mark.parametrize(
    "agent",
    [
        Agent("ada", "", model=ScriptedModel(["hello"], model_name="our-own-model")),
        Agent("ada", "", model=unnamed()),
        Agent(
            "ada",
            "",
            model=ScriptedModel(["hello"], model_name="gpt-4o"),
            policy=Policy(fallback=ScriptedModel(["hello"], model_name="our-own-model")),
        ),
    ],
    ids=["unknown model", "model without a name", "unknown fallback"],
)
def test_a_cost_limit_over_a_model_of_unknown_price_is_refused_before_it_is_called(run, agent):
    app = create_sequential([agent], limits=Limits(cost=1.0)).compile()
    with pytest.raises(ConfigurationError, match="needs the price of model"):
        run(app)


def test_a_cost_limit_holds_by_the_users_own_prices(run):
    agents = [Agent(name, "", model=ScriptedModel(["hello"])) for name in ("ada", "bob", "carl")]
    limits = Limits(cost=0.3, price=cents)
    result = run(create_sequential(agents, limits=limits).compile())
    assert result["stop"].reason == "cost_limit"
    assert [turn.cost for turn in result["trail"]] == [0.15, 0.15]
