"""What is seen while a run goes on: a line for each turn that has ended, and who is at work.

Where there is no terminal, only the lines are written.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.console import Group as Lines
from rich.live import Live
from rich.text import Text

from langgraph_orchestra.cli.activity import Activity, Worker, steps_planned, untold_handoffs
from langgraph_orchestra.cli.errors import one_line
from langgraph_orchestra.cli.terminal import is_terminal
from langgraph_orchestra.cli.wording import (
    clean,
    duration,
    outcome_of,
    task_of,
    why_handed_over,
)
from langgraph_orchestra.state import Handoff, PlanStep, Turn

__all__ = ["LiveView"]

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
NAMES = 24
"""Columns for who is at work."""

LINES = 5
"""Lines for the words of one who works alone."""

LONGEST = 2000
"""Characters of it that are looked at: what is older has long left these lines."""

REFRESHES = 8
"""Times a second."""

_DECIDING = {
    "selector": "chooses who speaks next",
    "planner": "makes a plan",
    "manager": "finds out how far the work is",
    "review": "reviews what was brought",
}
"""What those do whose words are no prose but a form to be filled in."""

_MARKS = {
    "ok": ("✓", "green"),
    "fallback": ("✓", "yellow"),
    "handed_off": ("→", "cyan"),
    "refused": ("↩", "yellow"),
    "failed": ("✗", "red"),
    "timed_out": ("✗", "red"),
}
_OTHER = ("-", "dim")


class LiveView:
    """Shows a run while it goes on; entered anew after each pause for a person.

    Args:
        console: Where to.
        tokens: Tells what has been used so far.
    """

    def __init__(self, console: Console, tokens: Callable[[], int]) -> None:
        self._console = console
        self._tokens = tokens
        self._activity = Activity()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if is_terminal(self._console):
            self._live = Live(
                console=self._console,
                get_renderable=self._region,
                refresh_per_second=REFRESHES,
                transient=True,
                redirect_stdout=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def follow(self, part: Any) -> None:
        """Take in a part of the run's stream."""
        turns = self._activity.follow(part)
        steps = steps_planned(part)
        for handoff in untold_handoffs(part):
            self._print(self._handoff_lines(handoff))
        for turn in turns:
            self._print(self._turn_lines(turn, told_below=bool(steps)))
        self._print(self._step_lines(steps))

    def _print(self, lines: Iterable[Text]) -> None:
        for line in lines:
            # A pipe gets one line for each turn, however long.
            self._console.print(line, soft_wrap=True)

    def _turn_lines(self, turn: Turn, *, told_below: bool) -> Iterator[Text]:
        """A turn that has ended.

        Args:
            turn: Its entry in the trail.
            told_below: Whether what it says follows in lines of its own.
        """
        mark, style = _MARKS.get(turn.outcome, _OTHER)
        used = turn.input_tokens + turn.output_tokens
        head = [
            (f"{mark} ", style),
            (f"{turn.path:<{NAMES}}", ""),
            (f"  {duration(turn.seconds):>8}", "dim"),
            (f"  {f'{used:,} tokens' if used else '':>13}", "dim"),
        ]
        yield from self._noted(head, "" if told_below else outcome_of(turn))

    def _step_lines(self, steps: Sequence[PlanStep]) -> Iterator[Text]:
        """A plan, a step in a line; what does not fit is told by `orchestra show`."""
        ids = max((len(step.id) for step in steps), default=0)
        workers = max((len(step.worker) for step in steps), default=0)
        room = max(20, self._console.width - ids - workers - 10)
        for step in steps:
            who = f"    {clean(step.id):<{ids}}  {step.worker:<{workers}}"
            yield _row((who, ""), (f"  {one_line(clean(task_of(step)), room)}", "dim"))

    def _handoff_lines(self, handoff: Handoff) -> Iterator[Text]:
        """A handoff that was not taken, or whose turn does not tell of it."""
        mark, style = _MARKS["handed_off" if handoff.outcome == "accepted" else "refused"]
        note = f"to {handoff.target}: {why_handed_over(handoff)}"
        yield from self._noted([(f"{mark} ", style), (f"{handoff.source:<{NAMES}}", "")], note)

    def _noted(self, head: Sequence[tuple[str, str]], note: str) -> Iterator[Text]:
        """Somebody, and what is to be said of them; at a terminal, what does not fit is below."""
        line = _row(*head, (f"  {note}", "dim"))
        if line.cell_len <= self._console.width or not is_terminal(self._console):
            yield line
            return
        yield _row(*head)
        for part in Text(note).wrap(self._console, self._console.width - 6):
            yield _row((f"    {part.plain}", "dim"))

    def _region(self) -> RenderableType:
        """Those at work now, and what they say."""
        workers = self._activity.workers
        shown = workers[: max(1, self._console.height - 4)]
        lines = [line for worker in shown for line in self._at_work(worker, len(workers))]
        if hidden := len(workers) - len(shown):
            lines.append(_row((f"  and {hidden} more", "dim")))
        tokens = f" · {used:,} tokens" if (used := self._tokens()) else ""
        spent = f"{duration(self._activity.clock() - self._activity.began)}{tokens}"
        return Lines(*lines, _row((f"  {spent}", "dim")))

    def _at_work(self, worker: Worker, at_once: int) -> Iterator[Text]:
        deciding = _DECIDING.get(worker.path.rpartition("/")[2])
        said = deciding or clean(worker.said[-LONGEST:]).strip()
        elapsed = self._activity.clock() - worker.began
        frame = FRAMES[int(self._activity.clock() * REFRESHES) % len(FRAMES)]
        head = [
            (f"{frame} ", "cyan"),
            (f"{worker.path:<{NAMES}}", "bold"),
            (f"  {duration(elapsed):>8}", "dim"),
        ]
        if at_once > 1:  # then there is one line for each
            room = self._console.width - NAMES - 16
            yield _row(*head, (f"  {_end_of(' '.join(said.split()), room)}", "dim"))
            return
        yield _row(*head)
        if said:
            lines = Text(said).wrap(self._console, self._console.width - 5)
            yield from (_row(("    ", ""), (line.plain, "dim")) for line in lines[-LINES:])


def _row(*parts: tuple[str, str]) -> Text:
    row = Text.assemble("  ", *parts, no_wrap=True, overflow="ellipsis")
    row.rstrip()
    return row


def _end_of(text: str, room: int) -> str:
    """The latest words of a text that fit."""
    return text if len(text) <= room else f"…{text[-max(1, room - 1) :]}"
