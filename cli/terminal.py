"""The two streams: results on standard output, everything else on standard error."""

import sys

from rich.console import Console
from rich.text import Text

__all__ = ["is_attended", "is_terminal", "print_indented", "progress", "results"]


def results() -> Console:
    """Where results go."""
    # Names and answers are not markup: `[brackets]` stay.
    return Console(markup=False, highlight=False, emoji=False)


def progress(*, quiet: bool = False) -> Console:
    """Where a person watches, is asked and told."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False, quiet=quiet)


def is_attended(console: Console) -> bool:
    """Whether a person can be asked: they read the console and type on standard input."""
    return is_terminal(console) and sys.stdin.isatty()


def is_terminal(console: Console) -> bool:
    """Whether lines can be drawn anew: not in a pipe, even if `FORCE_COLOR` is set."""
    can_draw = console.file.isatty() and not console.is_dumb_terminal
    return can_draw and not console.quiet


def print_indented(console: Console, text: str, style: str = "") -> None:
    """Write a text two columns from the margin, broken between words."""
    for line in Text(text.strip("\n")).wrap(console, console.width - 2):
        console.print(Text(f"  {line.plain}".rstrip(), style=style))
