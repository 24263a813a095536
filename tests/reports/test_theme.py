"""What is shown can be read on light and on dark ground."""

import pytest

from langgraph_orchestra.reports.pictures.theme import THEME

ON_PAPER = ["ink", "muted", "agent", "human", "function", "decision", "aggregate", "failed"]
READ = [(text, ground) for text in ON_PAPER for ground in ("paper", "band")]
READ += [(text, ground) for text in ("ink", "muted") for ground in ("node", "team", "machinery")]


def luminance(colour):
    """Of a colour such as `#1d2530`, as WCAG 2 has it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), READ)
def test_texts_have_the_contrast_that_reading_takes(text, ground, scheme):
    first, second = (luminance(getattr(THEME[name], scheme)) for name in (text, ground))
    assert (max(first, second) + 0.05) / (min(first, second) + 0.05) >= 4.5
