"""Lists for people: templates, threads, runs, and who did what in a thread."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from langgraph_orchestra.checkpoints import ThreadInfo
from langgraph_orchestra.cli.errors import one_line
from langgraph_orchestra.cli.thread import Standing
from langgraph_orchestra.cli.wording import clean, duration, why_handed_over, why_it_stands
from langgraph_orchestra.state import Handoff, Turn, Verdict

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.templates import Template

__all__ = [
    "handoff_table",
    "run_table",
    "template_table",
    "thread_table",
    "trail_table",
    "verdict_table",
]


def template_table(templates: "Iterable[Template]") -> Table:
    """What there is to run."""
    table = _table("template", "pattern", "summary")
    for template in templates:
        _add(table, template.name, template.pattern, template.summary)
    return table


def thread_table(infos: Iterable[tuple[ThreadInfo, str]]) -> Table:
    """Saved threads, each with the name of its template."""
    table = _table("thread", "template", "status", ">checkpoints", "updated")
    for info, template in infos:
        updated = f"{info.updated_at.astimezone():%Y-%m-%d %H:%M}"
        _add(table, info.thread_id, template, info.status, f"{info.checkpoints:,}", updated)
    return table


def run_table(runs: Iterable[Standing]) -> Table:
    """What has been run."""
    table = _table("template", "pattern", "thread", "stop", ">turns", ">tokens", ">time")
    for run in runs:
        spent = run.spent
        _add(
            table,
            run.template,
            run.pattern,
            run.thread_id,
            why_it_stands(run),
            f"{spent.turns:,}",
            f"{spent.tokens:,}" if spent.tokens else "",
            duration(spent.seconds),
        )
    return table


def trail_table(trail: Sequence[Turn]) -> Table:
    """Who did what."""
    table = _table(">step", "path", "outcome", ">seconds", ">tokens", "detail")
    for turn in trail:
        used = turn.input_tokens + turn.output_tokens
        _add(
            table,
            str(turn.step),
            turn.path or turn.agent,
            turn.outcome,
            f"{turn.seconds:.2f}",
            f"{used:,}" if used else "",
            one_line(turn.detail, 200),
        )
    return table


def handoff_table(handoffs: Sequence[Handoff]) -> Table:
    """Who handed over to whom, why, and what became of it."""
    table = _table("handoff", "outcome", "by", "why")
    for handoff in handoffs:
        path = f"{handoff.source} → {handoff.target}"
        _add(table, path, handoff.outcome, handoff.by, why_handed_over(handoff))
    return table


def verdict_table(rounds: Sequence[Mapping[str, Verdict]]) -> Table:
    """How the drafts were judged, round by round."""
    table = _table(">round", "checker", "verdict", ">score", "feedback")
    for number, verdicts in enumerate(rounds, 1):
        for checker, verdict in verdicts.items():
            _add(
                table,
                str(number),
                checker,
                "approved" if verdict.approved else "sent back",
                "" if verdict.score is None else f"{verdict.score:g}",
                one_line(verdict.feedback, 200),
            )
    return table


def _table(*headings: str) -> Table:
    """A table without lines; `>` before a heading puts its column to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(
            heading.removeprefix(">"),
            justify="right" if heading.startswith(">") else "left",
            overflow="fold",
        )
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*(Text(clean(cell)) for cell in cells))
