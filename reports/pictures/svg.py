"""A picture as SVG text: a file of its own, or a part of a page."""

from html import escape

from langgraph_orchestra.reports.pictures.shapes import Box, Head, Label, Line, Picture, Shape
from langgraph_orchestra.reports.pictures.theme import FONTS, THEME, dark_style
from langgraph_orchestra.reports.text import clean

__all__ = ["svg_of"]


def svg_of(picture: Picture, *, part_of_page: bool = False) -> str:
    """A picture as SVG.

    Args:
        picture: The picture.
        part_of_page: Whether a page gives it ground and the colours for the dark; a file of its own
            has them itself, so that it can be read wherever it is shown.
    """
    width, height = _number(picture.width), _number(picture.height)
    told = _text(picture.description)
    ground = Box(0, 0, picture.width, picture.height, fill="paper", radius=8)
    inside = [] if part_of_page else [f"<style>{dark_style()}</style>", _shape(ground)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="{told}" '
            f'font-family="{FONTS}">',
            *inside,
            *map(_shape, picture.shapes),
            "</svg>",
        ]
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            return _box(shape)
        case Line():
            return _line(shape)
        case Head(points=points, colour=colour):
            corners = " ".join(map(_point, points))
            return f'<polygon points="{corners}" {_fill(colour)}/>'
        case Label():
            return _label(shape)


def _box(box: Box) -> str:
    place = (
        f'x="{_number(box.x)}" y="{_number(box.y)}" '
        f'width="{_number(box.width)}" height="{_number(box.height)}" rx="{_number(box.radius)}"'
    )
    dashes = ' stroke-dasharray="4 3"' if box.dashed else ""
    start = f"<rect {place} {_paint(box.fill, box.edge)}{dashes}"
    return f"{start}>{_hint(box.hint)}</rect>" if box.hint else f"{start}/>"


def _line(line: Line) -> str:
    way = " ".join(f"C{' '.join(map(_point, curve))}" for curve in line.curves)
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    return (
        f'<path d="M{_point(line.start)} {way}" {_paint("none", line.colour)} '
        f'stroke-width="{_number(line.width)}"{dashes}/>'
    )


def _label(label: Label) -> str:
    weight = ' font-weight="600"' if label.bold else ""
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "start" else ""
    # `dominant-baseline` is not known everywhere: the middle line is put a third above the base.
    place = f'x="{_number(label.x)}" y="{_number(label.y + label.size * 0.35)}"'
    return (
        f'<text {place} font-size="{_number(label.size)}"{weight}{anchor} '
        f"{_fill(label.colour)}>{_hint(label.hint)}{_text(label.text)}</text>"
    )


def _paint(fill: str, edge: str) -> str:
    names = [f"f-{fill}"] * (fill != "none") + [f"s-{edge}"] * (edge != "none")
    colours = [f'fill="{_colour(fill)}"'] + [f'stroke="{_colour(edge)}"'] * (edge != "none")
    return " ".join([f'class="{" ".join(names)}"', *colours] if names else colours)


def _fill(colour: str) -> str:
    return _paint(colour, "none")


def _colour(name: str) -> str:
    return "none" if name == "none" else THEME[name].light


def _hint(hint: str) -> str:
    return f"<title>{_text(hint)}</title>" if hint else ""


def _text(text: str) -> str:
    return escape(clean(text))


def _point(point: tuple[float, float]) -> str:
    return ",".join(map(_number, point))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
