"""The templates at work, one after another, on their own examples and without a model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from langgraph_orchestra.cli.answers import Answers
from langgraph_orchestra.cli.database import Database
from langgraph_orchestra.cli.errors import ExitCode, RunFailed
from langgraph_orchestra.cli.running import Run, exit_code_of
from langgraph_orchestra.cli.tables import run_table
from langgraph_orchestra.cli.terminal import print_indented
from langgraph_orchestra.cli.thread import Standing, begin
from langgraph_orchestra.cli.transcript import print_requests
from langgraph_orchestra.cli.wording import as_text, clean

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.templates import Template

__all__ = ["show_templates"]


def show_templates(
    templates: "Sequence[Template]", database: Database, console: Console, results: Console
) -> ExitCode:
    """Run templates on their examples.

    Args:
        templates: Which.
        database: Where the threads are kept.
        console: Where the runs are watched.
        results: Where the table of all runs goes.

    Returns:
        How the command ends: with a failure if one of the templates has failed.
    """
    ran: list[Standing] = []
    code = ExitCode.DONE
    with database.open() as saver:
        for template in templates:
            thread = begin(saver, template, None, model=None, user=None)
            try:
                answers = Answers(template.answers)
                run = Run(thread, database, console, answers, tells_answers=True)
                standing = run.begin(template.example)
            except RunFailed as error:
                console.print(Text(f"  {error}", style="red"))
                standing = thread.standing()
                code = ExitCode.FAILED
            if exit_code_of(standing) is ExitCode.FAILED:
                code = ExitCode.FAILED
            ran.append(standing)
            if standing.is_due:
                print_requests(standing.requests, console)
            else:
                print_indented(console, clean(as_text(standing.output)))
            console.print()
    _conclude(ran, database, results)
    return code


def _conclude(ran: Sequence[Standing], database: Database, results: Console) -> None:
    """All runs in a table, and what to do with them."""
    results.print(run_table(ran))
    if not ran or not database.lasts:
        return
    results.print()
    _print_command(results, "Look at one:", database.command("show", ran[0].thread_id))
    for standing in ran:
        if standing.is_due:
            action = "Answer one:" if standing.requests else "Continue one:"
            _print_command(results, action, database.command("resume", standing.thread_id))


def _print_command(console: Console, action: str, command: str) -> None:
    console.print(Text(f"{action:<13} {command}"), soft_wrap=True)
