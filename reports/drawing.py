"""Drawing a graph: as Mermaid text, or as a picture, without a network."""

from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, overload

from langgraph.graph import StateGraph

from langgraph_orchestra.reports.pictures.diagram import graph_picture
from langgraph_orchestra.reports.pictures.figure import figure_of
from langgraph_orchestra.reports.pictures.svg import svg_of

if TYPE_CHECKING:
    from langchain_core.runnables.graph import Graph

__all__ = ["DRAWINGS", "draw", "drawable_graph"]

DRAWINGS = ("mermaid", "svg", "png")
"""What a graph can be drawn as."""

_DOTS_PER_INCH = 144
"""Of a PNG: two dots for each pixel of the picture, so that it stays sharp."""


@overload
def draw(graph: Any, form: Literal["mermaid", "svg"] = ..., *, xray: int | bool = ...) -> str: ...


@overload
def draw(graph: Any, form: Literal["png"], *, xray: int | bool = ...) -> bytes: ...


@overload
def draw(graph: Any, form: str, *, xray: int | bool = ...) -> str | bytes: ...


def draw(graph: Any, form: str = "mermaid", *, xray: int | bool = False) -> str | bytes:
    """Draw a graph, as it stands: nothing is run, and nothing is sent anywhere.

    An SVG is readable on light and on dark ground, a PNG has a white one.

        >>> from langgraph_orchestra.graphs import create_sequential
        >>> from langgraph_orchestra.nodes import View
        >>> def writer(view: View) -> str:
        ...     return "A draft."
        >>> svg = draw(create_sequential([writer]), "svg")  # `Path("graph.svg").write_text(svg)`

    Args:
        graph: What a factory returns, any other `StateGraph`, compiled or not, or what `get_graph`
            gives.
        form: `mermaid`, `svg` or `png`.
        xray: Whether to draw the graphs inside the participants too; a number is how deep.

    Returns:
        The text of Mermaid or SVG, or the bytes of a PNG.

    Raises:
        TypeError: `graph` is something else.
        ValueError: There is no such form.
        ConfigurationError: A PNG is asked for, and matplotlib is not installed.
    """
    if form not in DRAWINGS:
        known = ", ".join(f"`{one}`" for one in DRAWINGS)
        raise ValueError(f"`form` is one of {known}, not {form!r}")
    drawable = drawable_graph(graph, xray=xray)
    if form == "mermaid":
        return drawable.draw_mermaid()
    picture = graph_picture(drawable)
    if form == "svg":
        return svg_of(picture)
    file = BytesIO()
    figure_of(picture).savefig(file, format="png", dpi=_DOTS_PER_INCH)
    return file.getvalue()


def drawable_graph(graph: Any, *, xray: int | bool = False) -> "Graph":
    """The nodes and edges of a graph.

    Args:
        graph: As `draw` takes it.
        xray: Whether those of the graphs inside the participants come too.

    Raises:
        TypeError: `graph` is something else.
    """
    from langchain_core.runnables.graph import Graph

    if isinstance(graph, StateGraph):
        graph = graph.compile()
    if hasattr(graph, "get_graph"):
        graph = graph.get_graph(xray=xray)
    if not isinstance(graph, Graph):
        raise TypeError(
            f"`graph` is a graph, compiled or not, or what `get_graph` gives, "
            f"not `{type(graph).__name__}`"
        )
    return graph
