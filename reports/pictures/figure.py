"""A picture as a matplotlib figure, which takes the extra `plot`."""

from functools import lru_cache
from typing import TYPE_CHECKING

from langgraph_orchestra.reports.pictures.shapes import Box, Head, Label, Line, Picture, Shape
from langgraph_orchestra.reports.pictures.theme import THEME
from langgraph_orchestra.reports.text import clean
from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

__all__ = ["figure_of"]

_DOTS_PER_INCH = 72
"""At which a pixel of the picture is a point of matplotlib's."""

_ALIGNMENT = {"start": "left", "middle": "center", "end": "right"}


def figure_of(picture: Picture) -> "Figure":
    """A picture as a figure of its own, without pyplot: nothing is shown, or kept, anywhere else.

    Args:
        picture: The picture.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            "figures and PNG files are drawn by `matplotlib`: "
            "install `langgraph-orchestra[plot]`, or draw SVG, which needs nothing"
        ) from error
    size = (picture.width / _DOTS_PER_INCH, picture.height / _DOTS_PER_INCH)
    figure = Figure(figsize=size, facecolor=THEME["paper"].light)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, picture.width)
    axes.set_ylim(picture.height, 0)
    axes.set_axis_off()
    for level, shape in enumerate(picture.shapes):
        _add(axes, shape, level)
    return figure


def _add(axes: "Axes", shape: Shape, level: int) -> None:
    match shape:
        case Box():
            _add_box(axes, shape, level)
        case Line():
            _add_line(axes, shape, level)
        case Head(points=points, colour=colour):
            from matplotlib.patches import Polygon

            axes.add_patch(
                Polygon(list(points), closed=True, color=_colour(colour), lw=0, zorder=level)
            )
        case Label():
            axes.text(
                shape.x,
                shape.y,
                _drawable(clean(shape.text)),
                size=shape.size,
                color=_colour(shape.colour),
                ha=_ALIGNMENT[shape.anchor],
                va="center_baseline",
                weight="bold" if shape.bold else "normal",
                parse_math=False,
                zorder=level,
            )


def _add_box(axes: "Axes", box: Box, level: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    radius = min(box.radius, box.width / 2, box.height / 2)
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y),
            box.width,
            box.height,
            boxstyle=f"round,pad=0,rounding_size={radius}" if radius > 0 else "square,pad=0",
            facecolor=_colour(box.fill),
            edgecolor=_colour(box.edge),
            linewidth=1.0 if box.edge != "none" else 0.0,
            linestyle="--" if box.dashed else "-",
            zorder=level,
        )
    )


def _add_line(axes: "Axes", line: Line, level: int) -> None:
    from matplotlib.patches import PathPatch

    axes.add_patch(
        PathPatch(
            _path(line),
            fill=False,
            edgecolor=_colour(line.colour),
            linewidth=line.width,
            linestyle=(0, (4, 3)) if line.dashed else "-",
            zorder=level,
        )
    )


def _path(line: Line) -> "Path":
    from matplotlib.path import Path

    points = [line.start, *(point for curve in line.curves for point in curve)]
    return Path(points, [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1)])


def _colour(name: str) -> str:
    return "none" if name == "none" else THEME[name].light


def _drawable(text: str) -> str:
    """A text with `□` for signs that the font lacks: matplotlib would warn of each of them."""
    from matplotlib import rcParams

    known = _signs_of(tuple(rcParams["font.family"]))
    return "".join(sign if ord(sign) in known else "□" for sign in text)


@lru_cache(maxsize=8)
def _signs_of(family: tuple[str, ...]) -> frozenset[int]:
    """The signs that a font has, by their numbers."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=list(family)))).get_charmap())
