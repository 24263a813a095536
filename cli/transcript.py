"""A thread from its beginning: what was said, who did what, and how it stands."""

from collections.abc import Iterable, Iterator

from langchain_core.messages import AnyMessage
from rich.console import Console
from rich.table import Table
from rich.text import Text

from langgraph_orchestra.cli.asking import shown
from langgraph_orchestra.cli.database import Database
from langgraph_orchestra.cli.errors import one_line
from langgraph_orchestra.cli.hints import how_to
from langgraph_orchestra.cli.tables import (
    facts_table,
    handoff_table,
    plan_table,
    plans_made,
    progress_table,
    results_table,
    verdict_table,
)
from langgraph_orchestra.cli.terminal import print_indented
from langgraph_orchestra.cli.thread import Request, Standing
from langgraph_orchestra.cli.wording import as_text, calls_in, clean, speaker_of, summary, words_of
from langgraph_orchestra.nodes.handoff.desk import taken_text
from langgraph_orchestra.nodes.handoff.tool import is_handoff_result, target_of
from langgraph_orchestra.reports import spending_table, timeline_table
from langgraph_orchestra.reports.usage import tokens_of

__all__ = ["print_how_to_go_on", "print_requests", "print_thread"]


def print_thread(standing: Standing, database: Database, console: Console) -> None:
    """Write all of a thread."""
    names = [standing.thread_id, standing.template, standing.pattern]
    console.print(Text(" · ".join(filter(None, names)), style="bold"))
    for speaker, text in _said(standing):
        _print_part(console, speaker, text)
    for table in (*_work(standing), *_records(standing)):
        console.print()
        console.print(table)
    console.print()
    console.print(Text(summary(standing), style="bold"))
    if whose_turn := _whose_turn(standing):
        console.print(Text(whose_turn))
    if standing.is_due:
        print_requests(standing.requests, console)
        print_how_to_go_on(standing, database, console)
    elif not _was_said_last(standing):
        _print_part(console, "output", as_text(standing.output))


def _work(standing: Standing) -> Iterator[Table]:
    """Who worked when, and what they used if models counted it."""
    if trail := standing.values.get("trail"):
        yield timeline_table(standing.values)
        if any(map(tokens_of, trail)):
            yield spending_table(standing.values)


def _records(standing: Standing) -> Iterator[Table]:
    """What the pattern has written down besides the trail."""
    if standing.pattern == "handoff" and (handoffs := standing.values.get("handoffs")):
        yield handoff_table(handoffs)
    if standing.pattern == "maker_checker" and (verdicts := standing.values.get("verdicts")):
        yield verdict_table(verdicts)
    if standing.pattern == "magentic" and (ledgers := standing.values.get("task_ledgers")):
        plans = plans_made(ledgers)
        yield facts_table(plans)
        yield plan_table([ledger.plan for ledger in plans])
        yield progress_table(standing.values.get("progress_ledgers") or ())
    if standing.pattern == "supervisor" and (plan := standing.values.get("plan")):
        yield plan_table([plan.steps])
        yield results_table(standing.values.get("results") or {})


def print_requests(requests: Iterable[Request], console: Console) -> None:
    """Write what people are asked."""
    for request in requests:
        _print_part(console, f"{request.node} is asked", shown(request))
        hint = how_to(request, request.actions[0] if request.actions else None)
        print_indented(console, f"({clean(hint)})", "dim")


def print_how_to_go_on(standing: Standing, database: Database, console: Console) -> None:
    """Write the command that continues a thread."""
    if database.lasts:
        action = "Answer it:" if standing.requests else "Continue it:"
        command = database.command("resume", standing.thread_id)
        console.print(Text(f"\n{action} {command}"), soft_wrap=True)


def _whose_turn(standing: Standing) -> str:
    """Who has control, or the floor; empty where the pattern knows neither."""
    if active := standing.values.get("active"):
        return f"{clean(str(active))} has control"
    speaker = standing.values.get("next_speaker")
    return f"{clean(str(speaker))} has the floor" if speaker and standing.is_due else ""


def _said(standing: Standing) -> Iterator[tuple[str, str]]:
    """Speakers with what they said, tool calls and their results in a line each."""
    hands_over, speaker = standing.pattern == "handoff", ""
    for message in standing.view.messages:
        if message.type == "tool":
            yield from _returned(message, speaker if hands_over else "")
            continue
        speaker = speaker_of(message)
        parts = [words_of(message), *calls_in(message, hands_over=hands_over)]
        yield speaker, "\n".join(part for part in parts if part.strip())


def _returned(message: AnyMessage, sender: str) -> Iterator[tuple[str, str]]:
    """What a tool returned; of a handoff, only what the call does not tell.

    Args:
        message: The result.
        sender: Who has called it, where that may be a handoff.
    """
    text = one_line(message.text, 300)
    if not (sender and is_handoff_result(message)):
        yield f"{message.name or 'tool'} returned", text
    elif text != taken_text(target_of(message.name or "")):
        yield f"{sender} is told", text


def _print_part(console: Console, title: str, text: str) -> None:
    console.print()
    console.print(Text(clean(title), style="bold"))
    print_indented(console, clean(text))


def _was_said_last(standing: Standing) -> bool:
    """Whether the answer stands in the transcript already, as the latest thing said."""
    output = standing.output
    if not isinstance(output, str):
        return False
    return not output or output == standing.view.last_text
