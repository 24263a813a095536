"""Graphs are laid out so that they can be read: nothing lies upon anything else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_orchestra.reports.pictures.layout import laid_out
from support.pictures import overlapping, points_on

NAMES = [f"n{number}" for number in range(9)]
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30)
SIZES = st.fixed_dictionaries(
    {name: st.tuples(st.integers(20, 300), st.integers(20, 300)) for name in NAMES}
)


def top_of(layout, name):
    return layout.corners[name][1]


@given(SIZES, EDGES)
def test_no_box_lies_upon_another(sizes, edges):
    layout = laid_out(sizes, edges)
    frames = [(*layout.corners[name], *sizes[name]) for name in sizes]
    assert overlapping(frames) == []
    assert all(x >= -0.01 and x + w <= layout.width + 0.01 for x, _, w, _ in frames)
    assert all(y >= 0 and y + h <= layout.height + 0.01 for _, y, _, h in frames)


@given(SIZES, EDGES)
def test_no_edge_passes_through_a_box(sizes, edges):
    layout = laid_out(sizes, edges)
    for line in layout.ways.values():
        for x, y in points_on(line):
            hit = [
                name
                for name, (left, top) in layout.corners.items()
                if left < x < left + sizes[name][0] and top < y < top + sizes[name][1]
            ]
            assert hit == []


@given(EDGES)
def test_every_pair_of_linked_boxes_has_a_line_with_its_directions(edges):
    layout = laid_out(dict.fromkeys(NAMES, (60, 30)), edges)
    drawn = {(link.upper, link.lower) for link in layout.ways if link.down}
    drawn |= {(link.lower, link.upper) for link in layout.ways if link.up}
    assert drawn == {edge for edge in edges if edge[0] != edge[1]}


def test_a_chain_goes_straight_down():
    layout = laid_out(dict.fromkeys("abc", (60, 30)), [("a", "b"), ("b", "c")])
    assert top_of(layout, "a") < top_of(layout, "b") < top_of(layout, "c")
    assert len({x for x, _ in layout.corners.values()}) == 1


def test_a_ring_begins_with_its_first_and_is_closed_by_an_edge_upwards():
    edges = [("s", name) for name in "abcd"] + [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]
    layout = laid_out(dict.fromkeys("sabcd", (60, 30)), edges)
    tops = [top_of(layout, name) for name in "sabcd"]
    assert tops == sorted(tops)
    assert [(link.upper, link.lower) for link in layout.ways if link.up] == [("a", "d")]


def test_branches_stand_side_by_side_and_do_not_cross():
    names = ["start", "a", "b", "c", "join"]
    edges = [("start", n) for n in "abc"] + [(n, "join") for n in "cba"]
    layout = laid_out(dict.fromkeys(names, (60, 30)), edges)
    assert len({top_of(layout, name) for name in "abc"}) == 1
    assert layout.corners["start"][0] == pytest.approx(layout.corners["join"][0])


@pytest.mark.parametrize("edges", [[], [("a", "a")]])
def test_a_lone_node_is_a_layout(edges):
    layout = laid_out({"a": (60, 30)}, edges)
    assert (layout.width, layout.height, layout.ways) == (60, 30, {})


def test_hundreds_of_nodes_are_laid_out_without_deep_recursion():
    names = [f"n{number}" for number in range(1500)]
    layout = laid_out(dict.fromkeys(names, (60, 30)), pairwise(names))
    assert layout.width == 60
