"""What is printed around a run: which thread it is, how it ended, and its answer."""

import sys

from rich.console import Console
from rich.text import Text

from langgraph_orchestra.cli.database import Database
from langgraph_orchestra.cli.terminal import is_attended, print_indented
from langgraph_orchestra.cli.thread import Standing, Thread
from langgraph_orchestra.cli.transcript import print_how_to_go_on, print_requests
from langgraph_orchestra.cli.wording import as_text, clean, summary

__all__ = ["announce", "conclude"]


def announce(thread: Thread, console: Console) -> None:
    """Say what runs, and whether a model answers."""
    names = (thread.template.name, thread.template.pattern, f"thread {thread.id}")
    console.print(Text(" · ".join(names), style="bold"))
    if thread.model is None:
        note = f"Replies are stand-ins, not a model's: {thread.template.offline}."
        print_indented(console, note, "dim")


def conclude(standing: Standing, database: Database, console: Console) -> None:
    """Say how a run has ended, or what it waits for; the answer goes to standard output."""
    console.print(Text(summary(standing), style="bold"))
    if standing.is_due:
        if not is_attended(console):  # else the person has read it, and put it off
            print_requests(standing.requests, console)
        print_how_to_go_on(standing, database, console)
        return
    if answer := clean(as_text(standing.output)).strip("\n"):
        console.print()
        sys.stdout.write(f"{answer}\n")
