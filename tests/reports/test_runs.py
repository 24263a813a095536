"""A thread's trail is told apart into its runs."""

import pytest

from langgraph_orchestra.reports.runs import starts_of_runs
from support.trails import chain, turn


def test_an_empty_trail_has_no_run():
    assert starts_of_runs([]) == []


def test_a_run_begins_where_steps_fall_back():
    assert starts_of_runs([*chain("a", "b"), *chain("a", "b"), *chain("a")]) == [0, 2, 4]


def test_runs_of_a_single_turn_are_told_apart():
    assert starts_of_runs([*chain("a"), *chain("a"), *chain("a")]) == [0, 1, 2]


def test_what_led_to_a_turn_belongs_to_its_run():
    chosen = [turn("selector", 1, kind="decision"), turn("a", 1)]
    assert starts_of_runs([*chosen, *chosen]) == [0, 2]


def test_several_decisions_before_the_first_turn_are_one_run():
    trail = [turn("manager", 1, kind="decision"), turn("manager", 1, kind="decision")]
    assert starts_of_runs([*trail, turn("a", 1), turn("b", 2)]) == [0]


def test_members_of_a_team_and_of_a_map_share_a_run():
    trail = [turn("team/a", 1), turn("team/b", 1), turn("team/a", 1), turn("w[0]", 2)]
    assert starts_of_runs([*trail, turn("w[1]", 3)]) == [0]


@pytest.mark.parametrize(("latest", "starts"), [(1, [0, 1]), (0, [0]), (2, [0]), (None, [0])])
def test_where_the_latest_run_begins_is_believed(latest, starts):
    assert starts_of_runs([turn("team/a", 1), turn("team/a", 1)], latest) == starts
