"""What comes first on the page: how the run stands, what it has used, and its answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph_orchestra.reports.clock import clock_of
from langgraph_orchestra.reports.page.html import Html, element, paragraph
from langgraph_orchestra.reports.page.parts import facts, folded, section, spoken
from langgraph_orchestra.reports.recording import Recording
from langgraph_orchestra.reports.text import amount, duration
from langgraph_orchestra.reports.usage import usage_in_all
from langgraph_orchestra.reports.wording import as_text

__all__ = ["answer", "heading", "waiting"]

_WELL = frozenset({"completed", "approved", "handed_off", "quiescent", "terminated"})
_BADLY = frozenset({"failed", "rejected", "no_bids"})


def heading(recording: Recording, title: str) -> Html:
    """The title, how the latest run ended, and what the thread has used."""
    whole = usage_in_all(recording.trail)
    began = recording.trail[0].started_at if recording.trail else None
    numbers = facts(
        [
            ("runs", len(recording.runs) if len(recording.runs) > 1 else ""),
            ("entries", f"{whole.entries:,}"),
            ("tokens", f"{whole.tokens:,}" if whole.tokens else ""),
            ("cost", amount(whole.cost)),
            ("time at work", duration(_worked(recording)) if recording.trail else ""),
            ("began", f"{began:%Y-%m-%d %H:%M} UTC" if began else ""),
        ]
    )
    return element("header", element("h1", title, dir="auto"), _ending(recording), numbers)


def _ending(recording: Recording) -> Html:
    stop = recording.stop
    if stop is None:
        reason = "waiting for a person" if recording.requests else "not ended"
        return element("p", element("span", reason, class_="badge open"))
    kind = "well" if stop.reason in _WELL else "badly" if stop.reason in _BADLY else "limit"
    badge = element("span", stop.reason.replace("_", " "), class_=f"badge {kind}")
    detail = f" {stop.detail}" if stop.detail not in ("", stop.reason) else ""
    is_told = not stop.by or stop.by in stop.detail
    by = "" if is_told else element("span", f" (by {stop.by})", class_="muted")
    return element("p", badge, detail, by, dir="auto")


def _worked(recording: Recording) -> float:
    """Seconds in which somebody worked; what was done side by side counts once."""
    return sum(
        clock.length - sum(pause.end - pause.start for pause in clock.pauses)
        for clock in map(clock_of, recording.runs)
    )


def answer(recording: Recording) -> Html:
    """The answer of the latest run."""
    text = as_text(recording.output)
    return section("answer", "Answer", paragraph(text) if text.strip() else Html())


def waiting(recording: Recording) -> Html:
    """What people are asked."""
    return section("waiting", "Waiting for", *map(_request, recording.requests))


def _request(value: Any) -> Html:
    asked = list(_descriptions(value))
    if not asked:
        return spoken(as_text(value))
    where = str(value.get("path") or value.get("node") or "")
    return element(
        "div",
        element("p", where, class_="name") if where else "",
        *map(spoken, asked),
        folded("the whole request", paragraph(as_text(value))),
        class_="message",
    )


def _descriptions(value: Any) -> Iterator[str]:
    """What a person reads of a request of our form."""
    if isinstance(value, Mapping):
        for action in value.get("action_requests") or ():
            if isinstance(action, Mapping) and action.get("description"):
                yield str(action["description"])
