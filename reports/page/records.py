"""What a pattern writes down: results of branches, votes, drafts and verdicts, handoffs."""

from collections.abc import Mapping

from langgraph_orchestra.reports.page.html import Html, element, joined
from langgraph_orchestra.reports.page.parts import folded, section, spoken, table
from langgraph_orchestra.reports.recording import Recording
from langgraph_orchestra.reports.text import duration
from langgraph_orchestra.reports.wording import as_text, why_handed_over
from langgraph_orchestra.state import Handoff, Result, Verdict, Votes

__all__ = ["drafts", "handoffs", "results"]


def results(recording: Recording) -> Html:
    """What each branch brought, and how the votes went."""
    rows = [
        (result.name, _brought(result), duration(result.seconds)) for result in recording.results
    ]
    return section(
        "results",
        "Branches",
        table(["branch", "result", "time"], rows, numbers=1),
        _votes(recording.votes) if recording.votes else Html(),
    )


def _brought(result: Result) -> Html:
    if result.failure is None:
        return spoken(as_text(result.output))
    failure = result.failure
    badge = element("span", "timed out" if failure.timed_out else "failed", class_="badge badly")
    return joined(badge, f" {failure.type}: {failure.message}")


def _votes(votes: Votes) -> Html:
    rows = [
        (answer, ", ".join(votes.by.get(answer, ())), str(count))
        for answer, count in votes.counts.items()
    ]
    tied = element("p", "A tie: the first declared decided.", class_="note") if votes.tied else ""
    return joined(element("h3", "votes"), table(["answer", "by", "votes"], rows, numbers=1), tied)


def drafts(recording: Recording) -> Html:
    """Each draft, and what was said of it."""
    verdicts = recording.verdicts
    rounds = max(len(recording.drafts), len(verdicts))
    return section(
        "drafts",
        "Drafts",
        *(
            folded(
                f"round {number + 1}",
                *(spoken(as_text(draft)) for draft in recording.drafts[number : number + 1]),
                *map(_judged, verdicts[number : number + 1]),
                is_open=number == rounds - 1,
            )
            for number in range(rounds)
        ),
    )


def _judged(verdicts: Mapping[str, Verdict]) -> Html:
    rows = [
        (
            name,
            element(
                "span",
                "approved" if verdict.approved else "sent back",
                class_=f"badge {'well' if verdict.approved else 'limit'}",
            ),
            verdict.feedback,
            "" if verdict.score is None else f"{verdict.score:g}",
        )
        for name, verdict in verdicts.items()
    ]
    return table(["checker", "verdict", "feedback", "score"], rows, numbers=1)


def handoffs(recording: Recording) -> Html:
    """Who handed over to whom, why, and what the target was told."""
    rows = [
        (f"{one.source} → {one.target}", one.outcome, one.by, _told(one))
        for one in recording.handoffs
    ]
    return section("handoffs", "Handoffs", table(["handoff", "outcome", "by", "why"], rows))


def _told(handoff: Handoff) -> Html:
    urgency = f" ({handoff.priority})" if handoff.priority != "normal" else ""
    notes = {"context": handoff.context, "instructions": handoff.instructions}
    told = [
        element("div", f"{name}: {text}", class_="note") for name, text in notes.items() if text
    ]
    return joined(f"{why_handed_over(handoff)}{urgency}", *told)
