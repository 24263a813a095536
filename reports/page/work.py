"""Who worked when, who passed what to whom, what was decided and why, and what it took."""

from collections.abc import Iterator

from langgraph_orchestra.reports.conversations import conversation_picture
from langgraph_orchestra.reports.exchange import exchange_in
from langgraph_orchestra.reports.page.html import Html, element
from langgraph_orchestra.reports.page.parts import folded, picture, section, table
from langgraph_orchestra.reports.pictures.gantt import timeline_picture
from langgraph_orchestra.reports.recording import Recording
from langgraph_orchestra.reports.text import amount, duration
from langgraph_orchestra.reports.usage import Usage, tokens_of, usage_by_participant, usage_in_all
from langgraph_orchestra.reports.wording import outcome_of
from langgraph_orchestra.state import Turn

__all__ = ["conversation", "costs", "decisions", "timeline"]

_PHONE = 358.0
"""Width of a timeline that fits on a phone."""

_FEW = 24
"""Rows of a sequence diagram that is shown without being asked for."""


def timeline(recording: Recording) -> Html:
    """The timeline, for a desk and for a phone, and every turn with how it went."""
    if not recording.trail:
        return Html()
    turns = table(
        [_step_heading(recording), "who", "how it went", "model", "time", "tokens"],
        [(step, *_turn(turn)) for step, turn in _steps(recording)],
        numbers=2,
    )
    return section(
        "timeline",
        "Timeline",
        picture(timeline_picture(recording.runs), "wide"),
        picture(timeline_picture(recording.runs, _PHONE), "narrow"),
        folded("every turn", turns),
    )


def _turn(turn: Turn) -> list[str]:
    tokens = tokens_of(turn)
    return [
        turn.path or turn.agent,
        outcome_of(turn) or turn.outcome,
        turn.model,
        duration(turn.seconds),
        f"{tokens:,}" if tokens else "",
    ]


def conversation(recording: Recording) -> Html:
    """The sequence diagram."""
    if not recording.trail:
        return Html()
    rows = len(exchange_in(recording))
    drawn = picture(conversation_picture(recording))
    shown = drawn if rows <= _FEW else folded(f"{rows} messages as a sequence diagram", drawn)
    return section("conversation", "Who passed what to whom", shown)


def decisions(recording: Recording) -> Html:
    """What was decided between turns, with the reasons."""
    rows = [
        (step, turn.path or turn.agent, outcome_of(turn))
        for step, turn in _steps(recording)
        if turn.kind == "decision"
    ]
    headings = [_step_heading(recording), "by", "decision and reason"]
    return section("decisions", "Decisions", table(headings, rows))


def _step_heading(recording: Recording) -> str:
    return "run.step" if len(recording.runs) > 1 else "step"


def _steps(recording: Recording) -> Iterator[tuple[str, Turn]]:
    """The trail, with the numbers of the steps; of several runs, after the number of the run."""
    for number, run in enumerate(recording.runs, 1):
        for turn in run:
            yield f"{number}.{turn.step}" if len(recording.runs) > 1 else str(turn.step), turn


def costs(recording: Recording) -> Html:
    """What each participant has used, and all of them."""
    if not recording.trail:
        return Html()
    whole = usage_in_all(recording.trail)
    spent = usage_by_participant(recording.trail)
    most = max(_size(one, whole) for one in spent) or 1
    rows = [_spent(one, _size(one, whole) / most) for one in spent]
    headings = ["who", "", "entries", "read", "written", "cost", "time"]
    numbers = table(headings, [*rows, _spent(whole, 0.0)], numbers=len(headings) - 2)
    note = element("p", "Read and written are tokens.", class_="note") if whole.tokens else Html()
    return section("costs", "Costs", numbers, note)


def _size(one: Usage, whole: Usage) -> float:
    """What a bar is as long as: tokens, or seconds where no model has counted any."""
    return one.tokens if whole.tokens else one.seconds


def _spent(one: Usage, share: float) -> list[str | Html]:
    bar = element("span", class_="bar", style=f"width: {share * 100:.0f}%") if share else ""
    return [
        one.name,
        bar,
        f"{one.entries:,}",
        f"{one.input_tokens:,}" if one.input_tokens else "",
        f"{one.output_tokens:,}" if one.output_tokens else "",
        amount(one.cost),
        duration(one.seconds),
    ]
