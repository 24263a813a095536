"""The picture of a conversation: a sequence diagram, a row for each thing that was passed on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langgraph_orchestra.reports.exchange import USER, Passing
from langgraph_orchestra.reports.pictures.measure import fitting, width_of
from langgraph_orchestra.reports.pictures.shapes import (
    Box,
    Head,
    Label,
    Line,
    Picture,
    Shape,
    head_at,
    straight,
)
from langgraph_orchestra.reports.pictures.theme import colour_of
from langgraph_orchestra.reports.text import counted, one_line

__all__ = ["sequence_picture"]

_NARROWEST = 560.0
_WIDE = 820.0
"""Width that is used as long as neighbours are neither too near nor too far."""

_MARGIN = 20.0
_NEAREST = 124.0
_FARTHEST = 180.0
_NAME = 30.0
_ROW = 40.0
_WORDLESS = 24.0


@dataclass(frozen=True)
class _Lifelines:
    """Where everybody stands."""

    places: dict[str, float]
    width: float
    between: float


def sequence_picture(passings: Sequence[Passing], left_out: int = 0) -> Picture:
    """A sequence diagram.

    Args:
        passings: Who passed what to whom.
        left_out: How many more there were, after the first half of them.
    """
    if not passings:
        nothing = Label(_NARROWEST / 2, 30, "Nothing was said yet.", "muted", 13, "middle")
        return Picture(_NARROWEST, 60, "An empty conversation", [nothing])
    lines = _lifelines(passings)
    shapes: list[Shape] = []
    y = _MARGIN + _NAME + 14
    several = passings[-1].run > 1
    for place, passing in enumerate(passings):
        if several and (place == 0 or passing.run != passings[place - 1].run):
            shapes += _divider(f"run {passing.run}", y, lines.width)
            y += 26
        if left_out and place == len(passings) // 2:
            shapes += _divider(f"{left_out:,} more", y, lines.width)
            y += 26
        height = _ROW if passing.text.strip() else _WORDLESS
        shapes += _row(passing, y, height, lines)
        y += height
    bottom = y + 6
    behind = [
        straight((x, _MARGIN + _NAME), (x, bottom), colour="grid", width=1.5)
        for x in lines.places.values()
    ]
    heads = [shape for top in _tops(bottom, len(passings)) for shape in _names(lines, top)]
    people = counted(len(lines.places), "participant")
    told = f"{counted(len(passings), 'message')} between {people}"
    height = bottom + (_NAME if len(passings) > 8 else 0) + _MARGIN
    return Picture(lines.width, height, told, [*behind, *shapes, *heads])


def _tops(bottom: float, rows: int) -> Sequence[float]:
    """Where the names stand: above, and below too where above is far away."""
    return [_MARGIN, bottom] if rows > 8 else [_MARGIN]


def _lifelines(passings: Sequence[Passing]) -> _Lifelines:
    names = dict.fromkeys([USER, *(p.source for p in passings)])
    names |= dict.fromkeys(target for p in passings for target in p.targets)
    between = min(max(_WIDE / len(names), _NEAREST), _FARTHEST)
    width = max(2 * _MARGIN + between * len(names), _NARROWEST)
    start = (width - between * len(names)) / 2 + between / 2
    places = {name: start + between * place for place, name in enumerate(names)}
    return _Lifelines(places, width, between)


def _names(lines: _Lifelines, y: float) -> Iterator[Shape]:
    for name, x in lines.places.items():
        width = min(width_of(name, bold=True) + 20, lines.between - 10)
        machinery = "machinery" if name == USER else "node"
        yield Box(x - width / 2, y, width, _NAME, machinery, f"{machinery}_border", 6, name)
        shown = _from_behind(name, width - 12)
        yield Label(x, y + _NAME / 2, shown, anchor="middle", bold=True, hint=name)


def _from_behind(name: str, width: float) -> str:
    """A name; if it is too long, first without the teams, which its neighbours have too."""
    if width_of(name, bold=True) <= width or "/" not in name:
        return fitting(name, width, bold=True)
    return fitting(f"…/{name.rpartition('/')[2]}", width, bold=True)


def _divider(text: str, y: float, width: float) -> Iterator[Shape]:
    half = width_of(text, 11) / 2 + 8
    yield straight((_MARGIN, y + 8), (width - _MARGIN, y + 8), colour="edge", dashed=True, width=1)
    yield Box(width / 2 - half, y, half * 2, 16, "paper")
    yield Label(width / 2, y + 8, text, "muted", 11, "middle")


def _row(passing: Passing, y: float, height: float, lines: _Lifelines) -> Iterator[Shape]:
    source = lines.places[passing.source]
    colour, dashed = _look(passing)
    level = y + height - 12
    ends = [lines.places[target] for target in passing.targets]
    yield from _label(passing, source, ends, y + 10, lines.width)
    if not ends:
        yield Box(source - 4, level - 4, 8, 8, colour, radius=4)
    for far in {min([source, *ends]), max([source, *ends])} - {source}:
        yield straight((source, level), (far, level), colour=colour, dashed=dashed)
    for end in ends:
        if end == source:
            yield from _loop(source, level, colour)
        else:
            yield head_at((end, level), (source, level), colour, 8)


def _loop(x: float, y: float, colour: str) -> tuple[Line, Head]:
    out, back = (x + 34, y - 12), (x + 34, y + 6)
    return Line((x, y - 8), [(out, back, (x + 6, y))], colour), head_at((x, y), (x + 8, y), colour)


def _look(passing: Passing) -> tuple[str, bool]:
    """Colour of an arrow, and whether it is dashed, as decisions are."""
    turn = passing.turn
    return (colour_of(turn), turn.kind == "decision") if turn else ("edge", False)


def _label(
    passing: Passing, source: float, ends: Sequence[float], y: float, width: float
) -> Iterator[Shape]:
    """What was passed, above the middle of its arrow, moved to where it does not leave the page."""
    whole = one_line(passing.text, 400)
    if not whole:
        return
    middle = (min([source, *ends]) + max([source, *ends])) / 2
    room = max(2 * min(middle - _MARGIN, width - _MARGIN - middle), 300.0)
    text = fitting(whole, min(room, 420.0), 11)
    half = width_of(text, 11) / 2
    middle = min(max(middle, _MARGIN + half), width - _MARGIN - half)
    yield Box(middle - half - 3, y - 8, half * 2 + 6, 16, "paper")
    yield Label(middle, y, text, size=11, anchor="middle", hint=whole if text != whole else "")
