"""Routes: from what the user gave to whom each may hand over."""

import pytest

from langgraph_orchestra.nodes import handoff_tool
from langgraph_orchestra.nodes.handoff.routes import Routes, refuse_unreachable, targets_from
from langgraph_orchestra.state import ConfigurationError
from support.members import look_up

NAMES = ["a", "b", "c"]


def test_without_routes_everybody_leads_to_everybody_else():
    assert targets_from(None, NAMES) == {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "b"]}


def test_a_missing_key_has_no_way_out_and_a_name_given_twice_is_one():
    assert targets_from({"a": ["c", "b", "c"]}, NAMES) == {"a": ["c", "b"], "b": [], "c": []}


def test_outside_names_are_open_to_all_unless_routes_name_them():
    assert targets_from(None, ["a", "b"], outside=["o"]) == {"a": ["b", "o"], "b": ["a", "o"]}
    assert targets_from({"a": ["b"]}, ["a", "b"], outside=["o"]) == {"a": ["b", "o"], "b": ["o"]}
    assert targets_from({"a": ["b", "o"]}, ["a", "b"], outside=["o"]) == {"a": ["b", "o"], "b": []}


def test_only_routes_lead_to_the_person():
    assert targets_from(None, ["a", "b"], person="u") == {"a": ["b"], "b": ["a"]}
    assert targets_from({"a": ["u"]}, ["a"], person="u") == {"a": ["u"]}


def test_who_can_never_have_control_is_refused_by_name():
    successors = {"a": ["b"], "b": ["a"], "c": ["a"]}.__getitem__
    with pytest.raises(ConfigurationError, match=r"`c` cannot be reached from `a`.*`a`, `b`"):
        refuse_unreachable("a", NAMES, successors)
    refuse_unreachable("c", NAMES, successors)


def test_tools_stand_in_the_order_of_the_routes_and_tell_what_the_target_does():
    routes = Routes({"a": ["c", "b"]}, {"b": "Knows b."})
    first, second = routes.tools_for("a")
    assert (first.name, second.name) == ("handoff_to_c", "handoff_to_b")
    assert second.description.endswith("Knows b.")
    assert routes.tools_for("b") == []


def test_who_brings_a_handoff_tool_is_given_none():
    assert Routes({"a": ["b"]}).tools_for("a", [look_up, handoff_tool("b")]) == ()
