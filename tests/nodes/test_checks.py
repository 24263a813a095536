"""Each check names the culprit, the valid values and the remedy."""

import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.nodes import RESERVED_NAMES, Agent
from langgraph_orchestra.nodes.checks import (
    natural_number,
    positive_number,
    routes_between,
    unique_names,
    usable_name,
)
from langgraph_orchestra.state import ConfigurationError


@pytest.mark.parametrize("name", ["ada", "Ada-2", "a_b", "1", "END", "x-", "worker_7", "reviewer"])
def test_letters_digits_dashes_and_underscores_make_a_name(name):
    assert usable_name(name) == name


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("the writer", "the_writer"),
        ("Ada!", "Ada"),
        ("näh", "n_h"),
        ("a.b/c", "a_b_c"),
        ("worker[3]", "worker_3"),
        ("ada\n", "ada"),
        ("", "agent"),
        ("日本", "agent"),
    ],
)
def test_a_name_that_chat_apis_refuse_is_refused_with_a_better_one(name, better):
    with pytest.raises(ConfigurationError, match="chat APIs accept") as refused:
        usable_name(name)
    assert f"`{name}`" in str(refused.value)
    assert str(refused.value).endswith(f"try `{better}`")


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_name_of_an_internal_node_is_refused_with_all_of_them(name):
    with pytest.raises(
        ConfigurationError, match=f"`{name}` is that of an internal node"
    ) as refused:
        usable_name(name)
    assert all(f"`{reserved}`" in str(refused.value) for reserved in RESERVED_NAMES)


def test_the_reserved_names_are_these():
    assert sorted(RESERVED_NAMES) == [
        "aggregate",
        "finish",
        "intake",
        "join",
        "manager",
        "plan_review",
        "planner",
        "review",
        "selector",
        "summary",
        "synthesise",
    ]


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("end", "end_agent"),
        ("class", "class_agent"),
        ("subgraph", "subgraph_agent"),
        ("configurable", "configurable_agent"),
        ("checkpoint_ns", "checkpoint_ns_agent"),
        ("__start__", "start"),
        ("__end", "end_agent"),
        ("__", "agent"),
    ],
)
def test_a_name_that_langgraph_or_mermaid_keeps_for_itself_is_refused(name, better):
    with pytest.raises(ConfigurationError, match="Mermaid") as refused:
        usable_name(name)
    assert str(refused.value).endswith(f"try `{better}`")


@pytest.mark.parametrize("name", [None, 5, b"ada", ["ada"]])
def test_a_name_that_is_no_text_is_a_type_error(name):
    with pytest.raises(TypeError, match=f"is a str, not {type(name).__name__}"):
        usable_name(name)


@given(st.text(max_size=12))
@example("join!")
@example("end.")
@example("__class__")
def test_a_name_that_is_offered_instead_can_be_had(name):
    try:
        usable_name(name)
    except ConfigurationError as refused:
        if offered := re.search(r"try `(.*)`$", str(refused)):
            assert usable_name(offered[1])


LEGAL = st.text(alphabet=string.ascii_letters + string.digits + "_-", min_size=1, max_size=12)


@settings(deadline=None)
@given(LEGAL)
def test_every_legal_name_can_be_drawn_and_is_taken_by_chat_apis(name):
    try:
        graph = create_sequential([Agent(name, "")])
    except ConfigurationError:
        return
    assert name in graph.compile().get_graph().draw_mermaid()
    assert AIMessage("hello", name=name).name == name


def test_names_that_differ_are_fine():
    unique_names(["ada", "bob"], ["messages"])


def test_nobody_is_refused():
    with pytest.raises(ConfigurationError, match="`participants` is empty"):
        unique_names([])


def test_a_name_given_twice_is_refused_with_all_names_and_the_remedy():
    with pytest.raises(
        ConfigurationError, match=r"`ada` is given 2 times in `ada`, `bob`, `ada`.*Member\("
    ):
        unique_names(["ada", "bob", "ada"])


def test_a_name_of_a_state_key_is_refused_with_all_keys():
    with pytest.raises(ConfigurationError, match=r"`notes` is a key of the state.*`messages`"):
        unique_names(["ada", "notes"], ["notes", "messages"])


@pytest.mark.parametrize("value", [1, 2, 10**9])
def test_a_natural_number_is_fine(value):
    natural_number("n", value)


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, float("inf")])
def test_what_is_no_int_is_a_type_error(value):
    with pytest.raises(TypeError, match="`max_turns` is an int of at least 1, not "):
        natural_number("max_turns", value)


@pytest.mark.parametrize(("value", "least"), [(0, 1), (-1, 1), (-1, 0), (3, 4)])
def test_a_number_that_is_too_small_is_refused(value, least):
    with pytest.raises(
        ConfigurationError, match=f"`max_turns` is {value}; it must be at least {least}"
    ):
        natural_number("max_turns", value, least=least)


def test_a_number_may_be_optional():
    natural_number("n", None, optional=True)
    natural_number("n", 0, least=0)
    positive_number("n", None)


@pytest.mark.parametrize("value", [1, 0.001, float("inf")])
def test_a_positive_number_is_fine(value):
    positive_number("seconds", value, optional=False)


@pytest.mark.parametrize("value", [0, 0.0, -1, float("nan"), float("-inf")])
def test_a_number_that_is_not_above_zero_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"`seconds` is .*; it must be above 0 or None"):
        positive_number("seconds", value)


@pytest.mark.parametrize("value", [True, "1", [1], 1j])
def test_what_is_no_number_is_a_type_error(value):
    with pytest.raises(TypeError, match="`seconds` is a number above 0 or None, not "):
        positive_number("seconds", value)


def test_none_is_no_number_where_one_is_due():
    with pytest.raises(TypeError, match="`usd` is a number above 0, not None"):
        positive_number("usd", None, optional=False)


def test_routes_come_back_in_declared_order_whatever_the_order_they_are_given_in():
    given = {"c": ["b", "a"], "a": ("c", "a")}
    routes = routes_between("transitions", given, ["a", "b", "c"])
    assert list(routes.items()) == [("a", ["a", "c"]), ("c", ["a", "b"])]


def test_routes_are_a_copy():
    given = {"a": ["b"]}
    routes = routes_between("transitions", given, ["a", "b"])
    given["a"].append("a")
    assert routes == {"a": ["b"]}


def test_a_route_given_twice_is_one():
    assert routes_between("routes", {"a": ["a", "a"]}, ["a"]) == {"a": ["a"]}


@pytest.mark.parametrize("given", [{"d": ["a"]}, {"a": ["d"]}, {"a": ["b", "d"]}])
def test_a_route_of_or_to_a_stranger_is_refused_with_who_takes_part(given):
    with pytest.raises(ConfigurationError) as refused:
        routes_between("routes", given, ["a", "b"])
    assert str(refused.value) == (
        "`routes` names 'd', who does not take part; the participants are `a`, `b`"
    )


@pytest.mark.parametrize("given", [None, ["a"], "a", 3])
def test_routes_are_a_mapping(given):
    with pytest.raises(TypeError, match="`routes` is a mapping of names to lists of names"):
        routes_between("routes", given, ["a"])


@pytest.mark.parametrize("targets", ["b", None, 3, {"b"}])
def test_targets_of_a_route_are_a_list(targets):
    with pytest.raises(TypeError, match=r"`routes\['a'\]` is a list of names"):
        routes_between("routes", {"a": targets}, ["a", "b"])
