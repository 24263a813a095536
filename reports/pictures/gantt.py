"""The picture of a timeline: a lane for each participant, a bar for each turn."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from langgraph_orchestra.reports.clock import clock_of, span_of
from langgraph_orchestra.reports.pictures.measure import fitting, width_of
from langgraph_orchestra.reports.pictures.scale import Scale
from langgraph_orchestra.reports.pictures.shapes import Box, Label, Picture, Shape, straight
from langgraph_orchestra.reports.pictures.theme import colour_of
from langgraph_orchestra.reports.text import counted, duration, one_line
from langgraph_orchestra.reports.usage import tokens_of, worker_of
from langgraph_orchestra.reports.wording import outcome_of
from langgraph_orchestra.state import Turn

__all__ = ["timeline_picture"]

WIDTH = 860.0
_MARGIN = 16.0
_TOTALS = 148.0
"""Width of the columns at the right, where there is room for them."""

_TIME = 80.0
_HEADER = 44.0
_LANE = 26.0
_TEAM = 22.0
_THINNEST = 4.0


@dataclass(frozen=True)
class _Lane:
    """A participant's turns."""

    name: str
    team: str
    rows: Sequence[Sequence[Turn]]
    """Turns that do not overlap; more than one row where those of a map-reduce do."""

    @property
    def height(self) -> float:
        return max(_LANE, 8 + len(self.rows) * (_THINNEST + 1))

    @property
    def turns(self) -> Sequence[Turn]:
        return [turn for row in self.rows for turn in row]


def timeline_picture(runs: Sequence[Sequence[Turn]], width: float = WIDTH) -> Picture:
    """A timeline.

    Args:
        runs: The trail, run by run.
        width: Of the picture, in pixels; below 600, as on a phone, the sums are left out.
    """
    trail = [turn for run in runs for turn in run]
    if not trail:
        nothing = Label(width / 2, 30, "Nobody has worked yet.", "muted", 13, "middle")
        return Picture(width, 60, "An empty timeline", [nothing])
    lanes = _lanes(trail)
    totals = _TOTALS if width >= 600 else 0.0
    left = _MARGIN + min(_names_width(lanes), width * 0.28) + 14
    scale = Scale(clock_of(trail), left, width - _MARGIN - totals)
    shapes: list[Shape] = []
    y = _HEADER
    for team, members in groupby(lanes, lambda lane: lane.team):
        if team:
            shapes.append(Label(_MARGIN, y + _TEAM / 2, fitting(team, 200), "muted", 11))
            y += _TEAM
        for lane in members:
            shapes += _lane(lane, y, scale)
            shapes += _totals(lane, y, scale) if totals else ()
            y += lane.height
    ground = [
        *_ground(scale, y),
        *_heads(runs, scale, y),
        *(_columns(trail, scale) if totals else ()),
    ]
    legend = list(_legend(trail, y + 40, width))
    height = max(shape.y for shape in legend) + 22
    told = f"Timeline of {counted(len(trail), 'turn')} by {counted(len(lanes), 'participant')}"
    return Picture(width, height, told, [*ground, *shapes, *legend])


def _lanes(trail: Sequence[Turn]) -> Sequence[_Lane]:
    """Lanes in the order in which participants first worked, those of a team together."""
    by_worker: dict[str, list[Turn]] = {}
    for turn in trail:
        by_worker.setdefault(worker_of(turn), []).append(turn)
    by_group: dict[str, list[str]] = {}
    for worker in by_worker:
        by_group.setdefault(worker.partition("/")[0], []).append(worker)
    return [
        _Lane(worker.rpartition("/")[2], _team_of(worker), _rows(by_worker[worker]))
        for workers in by_group.values()
        for worker in sorted(workers, key=_team_of)
    ]


def _team_of(worker: str) -> str:
    return worker.rpartition("/")[0]


def _rows(turns: Iterable[Turn]) -> Sequence[Sequence[Turn]]:
    """Turns in as few rows as there are at once."""
    rows: list[list[Turn]] = []
    ends: list[float] = []
    for turn in sorted(turns, key=span_of):
        start, end = span_of(turn)
        free = next((place for place, ended in enumerate(ends) if ended <= start), None)
        if free is None:
            rows.append([turn])
            ends.append(end)
        else:
            rows[free].append(turn)
            ends[free] = end
    return rows


def _names_width(lanes: Sequence[_Lane]) -> float:
    return max(60.0, *(width_of(lane.name) + (12 if lane.team else 0) for lane in lanes))


def _lane(lane: _Lane, y: float, scale: Scale) -> Iterator[Shape]:
    middle = y + lane.height / 2
    indent = 12.0 if lane.team else 0.0
    room = scale.left - _MARGIN - indent - 8
    yield Label(_MARGIN + indent, middle, fitting(lane.name, room), hint=lane.name)
    height = min(14.0, (lane.height - 8) / len(lane.rows) - 1) if len(lane.rows) > 1 else 14.0
    top = middle - len(lane.rows) * (height + 1) / 2
    for number, row in enumerate(lane.rows):
        for turn in row:
            yield _bar(turn, top + number * (height + 1), height, scale)


def _totals(lane: _Lane, y: float, scale: Scale) -> Iterator[Label]:
    """How long a participant worked in all, and with how many tokens."""
    middle = y + lane.height / 2
    seconds = sum(turn.seconds for turn in lane.turns)
    tokens = sum(map(tokens_of, lane.turns))
    yield Label(scale.right + _TIME, middle, duration(seconds), "muted", 11, "end")
    if tokens:
        yield Label(scale.right + _TOTALS, middle, f"{tokens:,}", "muted", 11, "end")


def _columns(trail: Sequence[Turn], scale: Scale) -> Iterator[Label]:
    yield Label(scale.right + _TIME, _HEADER - 12, "time", "muted", 11, "end")
    if any(map(tokens_of, trail)):
        yield Label(scale.right + _TOTALS, _HEADER - 12, "tokens", "muted", 11, "end")


def _bar(turn: Turn, y: float, height: float, scale: Scale) -> Box:
    start, end = scale.span(turn)
    tokens = tokens_of(turn)
    parts = [
        f"{turn.path or turn.agent}, step {turn.step}",
        duration(turn.seconds),
        counted(tokens, "token") if tokens else "",
        one_line(outcome_of(turn), 200),
    ]
    hint = " · ".join(part for part in parts if part)
    return Box(start, y, end - start, height, colour_of(turn), radius=min(3, height / 3), hint=hint)


def _ground(scale: Scale, bottom: float) -> Iterator[Shape]:
    """What is behind the bars: pauses and ticks."""
    for pause in scale.clock.pauses:
        left, right = scale.x(pause.start), scale.x(pause.end)
        hint = f"nobody worked for {duration(pause.seconds)}"
        yield Box(left, _HEADER - 4, right - left, bottom - _HEADER + 8, "band", hint=hint)
    for time, x in scale.ticks():
        yield straight((x, _HEADER - 4), (x, bottom + 4), colour="grid", width=1)
        yield Label(x, bottom + 14, time, "muted", 10, "middle")


def _heads(runs: Sequence[Sequence[Turn]], scale: Scale, bottom: float) -> Iterator[Shape]:
    """Above the bars: where runs begin, and how long the pauses were."""
    marks = [
        (scale.x((pause.start + pause.end) / 2), f"{duration(pause.seconds)} idle")
        for pause in scale.clock.pauses
    ]
    yield from _apart(marks, _HEADER - 12, scale)
    if len(runs) > 1:
        begins = [scale.span(min(run, key=span_of))[0] for run in runs]
        for x in begins[1:]:
            yield straight((x, _HEADER - 4), (x, bottom + 4), colour="edge", dashed=True, width=1)
        names = [(x, f"run {number}") for number, x in enumerate(begins, 1)]
        yield from _apart(names, 14, scale, "start")


def _apart(
    marks: Sequence[tuple[float, str]], y: float, scale: Scale, anchor: str = "middle"
) -> Iterator[Label]:
    """Labels in a line, as far as there is room for them."""
    free = scale.left - 20
    for x, text in marks:
        width = width_of(text, 10)
        left = x if anchor == "start" else x - width / 2
        if left >= free and left + width <= scale.right + _MARGIN:
            yield Label(left, y, text, "muted", 10)
            free = left + width + 8


def _legend(trail: Sequence[Turn], y: float, width: float) -> Iterator[Box | Label]:
    """What the colours are."""
    x = _MARGIN
    for kind in dict.fromkeys(colour_of(turn) for turn in trail):
        wide = 15 + width_of(kind, 11)
        if x + wide > width - _MARGIN:
            x, y = _MARGIN, y + 18
        yield Box(x, y - 5, 10, 10, kind, radius=2)
        yield Label(x + 15, y, kind, "muted", 11)
        x += wide + 19
