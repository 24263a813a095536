"""What tests look at in a picture."""

from collections.abc import Iterator, Sequence

from langgraph_orchestra.reports.pictures.shapes import Box, Label, Line, Picture, Point


def labels(picture: Picture) -> list[str]:
    """The texts of a picture."""
    return [shape.text for shape in picture.shapes if isinstance(shape, Label)]


def boxes(picture: Picture) -> list[Box]:
    """The boxes of a picture."""
    return [shape for shape in picture.shapes if isinstance(shape, Box)]


def points_on(line: Line, steps: int = 12) -> Iterator[Point]:
    """Points on a line, its ends left out."""
    start = line.start
    for first, second, end in line.curves:
        for step in range(1, steps):
            t, s = step / steps, 1 - step / steps
            shares = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
            ends = (start, first, second, end)
            x = sum(share * point[0] for share, point in zip(shares, ends, strict=True))
            y = sum(share * point[1] for share, point in zip(shares, ends, strict=True))
            yield x, y
        start = end


def overlapping(frames: Sequence[tuple[float, float, float, float]]) -> list[tuple[int, int]]:
    """Which of the frames, each `x, y, width, height`, lie upon another."""
    return [
        (one, other)
        for one, (x, y, w, h) in enumerate(frames)
        for other, (x2, y2, w2, h2) in enumerate(frames[:one])
        if x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h
    ]
