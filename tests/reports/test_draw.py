"""`draw`: a graph as Mermaid text, SVG or PNG, without a network."""

import doctest
from xml.etree import ElementTree as ET

import pytest

from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.reports import draw, drawing
from langgraph_orchestra.reports.pictures.diagram import graph_picture
from langgraph_orchestra.reports.pictures.shapes import Box, Head
from support.pictures import boxes, labels, overlapping

PNG = b"\x89PNG\r\n\x1a\n"


def writer(view):
    return "A draft."


def critic(view):
    return "Good."


def nested():
    team = create_concurrent([writer, critic]).compile(name="team")
    return create_sequential([team, writer])


def texts_in(svg):
    """The labels of an SVG, without the hints on them."""
    texts = (one for one in ET.fromstring(svg).iter() if one.tag.endswith("text"))
    return [one[0].tail if len(one) else one.text for one in texts]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_graph_is_drawn_whether_it_is_compiled_or_not(compiled):
    graph = nested().compile() if compiled else nested()
    assert draw(graph) == nested().compile().get_graph().draw_mermaid()
    assert draw(graph, "png").startswith(PNG)
    assert texts_in(draw(graph, "svg"))[:2] == ["start", "intake"]


def test_what_get_graph_gives_is_drawn_too():
    drawn = nested().compile().get_graph()
    assert draw(drawn) == drawn.draw_mermaid()


def test_graphs_inside_are_drawn_in_a_frame_when_asked_for():
    assert "critic" not in texts_in(draw(nested(), "svg"))
    inside = texts_in(draw(nested(), "svg", xray=True))
    assert {"team", "critic", "join"} <= set(inside)
    assert "subgraph team" in draw(nested(), xray=True)


@pytest.mark.parametrize("xray", [False, True])
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_a_picture_in_which_no_node_hides_another(name, xray):
    graph = TEMPLATES[name].build().compile().get_graph(xray=xray)
    picture = graph_picture(graph)
    shown = [box for box in boxes(picture) if box.fill != "team"]
    assert overlapping([(box.x, box.y, box.width, box.height) for box in shown]) == []
    assert len(shown) == len(graph.nodes)
    assert all(box.x >= 0 and box.x + box.width <= picture.width for box in boxes(picture))


def test_an_edge_there_and_back_is_one_line_with_two_heads():
    graph = TEMPLATES["maker_checker"].build().compile().get_graph()
    heads = [shape for shape in graph_picture(graph).shapes if isinstance(shape, Head)]
    assert len(heads) == len(graph.edges)


def test_what_a_node_is_for_stands_below_its_name():
    picture = graph_picture(TEMPLATES["product_strategy"].build().compile().get_graph())
    assert {"engineering", "effort, risk, deadline"} <= set(labels(picture))


def test_names_and_descriptions_with_markup_are_text():
    graph = create_sequential([writer])
    graph.add_node("<script>&\x1b", writer, metadata={"description": "<img src=x> \ud800"})
    graph.add_edge("writer", "<script>&\x1b")
    assert {"<script>&", "<img src=x> "} <= set(texts_in(draw(graph, "svg")))


def test_drawing_asks_nobody(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    for form in drawing.DRAWINGS:
        assert draw(nested(), form, xray=True)


def test_an_unknown_form_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="one of `mermaid`, `svg`, `png`, not 'pdf'"):
        draw(nested(), "pdf")


@pytest.mark.parametrize("wrong", ["graph", None, writer])
def test_what_is_no_graph_is_refused(wrong):
    with pytest.raises(TypeError, match="`graph` is a graph, compiled or not"):
        draw(wrong)


def test_the_example_runs():
    assert doctest.testmod(drawing).failed == 0


def test_a_box_of_a_node_that_calls_itself_is_drawn_with_a_loop():
    graph = create_sequential([writer])
    graph.add_conditional_edges("writer", lambda state: "writer", ["writer"])
    picture = graph_picture(graph.compile().get_graph())
    heads = [shape for shape in picture.shapes if isinstance(shape, Head)]
    assert len(heads) == len(graph.compile().get_graph().edges)
    assert any(isinstance(shape, Box) for shape in picture.shapes)
