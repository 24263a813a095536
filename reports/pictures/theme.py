"""How what is shown looks: on paper, and on a dark screen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from langgraph_orchestra.state import Turn

__all__ = ["FONTS", "THEME", "Colour", "colour_of", "dark_style", "variables"]

_BADLY = frozenset({"failed", "timed_out", "cancelled", "refused"})

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


class Colour(NamedTuple):
    """A colour, on light and on dark ground."""

    light: str
    dark: str


THEME: Mapping[str, Colour] = MappingProxyType(
    {
        "paper": Colour("#ffffff", "#15181e"),
        "ink": Colour("#1d2530", "#e6e9ee"),
        "muted": Colour("#5d6876", "#9aa5b3"),
        "grid": Colour("#e3e7ec", "#2b313a"),
        "band": Colour("#f5f7f9", "#1c2027"),
        "edge": Colour("#77828f", "#8a95a3"),
        # nodes of a graph
        "node": Colour("#eef2ff", "#242c48"),
        "node_border": Colour("#8095e8", "#6f86e0"),
        "team": Colour("#f7f8fa", "#1b1f26"),
        "team_border": Colour("#b6bfca", "#4a5462"),
        "machinery": Colour("#f2f3f5", "#262b33"),
        "machinery_border": Colour("#b6bfca", "#4a5462"),
        # what was done, by kind, and what went wrong
        "agent": Colour("#4464d9", "#7f9bff"),
        "human": Colour("#a5540a", "#f2a65a"),
        "function": Colour("#0f7263", "#4fc7b2"),
        "decision": Colour("#8145c4", "#c08df5"),
        "aggregate": Colour("#5b6675", "#a3adba"),
        "failed": Colour("#c62f3b", "#ff7b83"),
        # tokens
        "read": Colour("#9db0f2", "#4a5fa8"),
        "written": Colour("#4464d9", "#7f9bff"),
    }
)
"""What each name stands for; every text has a contrast of 4.5 to 1 or more, on either ground."""


def colour_of(turn: Turn) -> str:
    """Which colour shows a turn: that of its kind, or of what went wrong."""
    return "failed" if turn.outcome in _BADLY else turn.kind


def variables() -> str:
    """The colours as variables for the style of a page, `var(--ink)`."""
    light = " ".join(f"--{name}: {colour.light};" for name, colour in THEME.items())
    dark = " ".join(f"--{name}: {colour.dark};" for name, colour in THEME.items())
    return "\n".join(
        [
            f":root {{ color-scheme: light dark; {light} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}",
        ]
    )


def dark_style() -> str:
    """Style for SVG on dark ground: its own colours are those for light ground."""
    rules = [
        f".f-{name} {{ fill: {colour.dark} }} .s-{name} {{ stroke: {colour.dark} }}"
        for name, colour in THEME.items()
    ]
    return "\n".join(["@media (prefers-color-scheme: dark) {", *rules, "}"])
