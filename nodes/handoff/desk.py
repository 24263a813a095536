"""`Desk`: decides on the handoffs that one participant asks for in one turn.

The first one that is possible is taken. What it says to each goes back to the sender: as the
result of the tool call, where a model has called a tool.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AnyMessage

from langgraph_orchestra.nodes.driver import Steps, apply
from langgraph_orchestra.nodes.participant import Reply
from langgraph_orchestra.state import ConfigurationError, Handoff, HandoffOutcome, Stop, Turn

if TYPE_CHECKING:
    from langgraph_orchestra.nodes.handoff.routes import Routes
    from langgraph_orchestra.nodes.view import View

__all__ = ["TRIES", "Desk", "counted_handoffs", "summary", "taken_text"]

TRIES = 3
"""How often a sender may ask in vain in one turn."""


class Desk:
    """Decides on handoffs.

    Args:
        source: Who asks.
        view: The run so far.
        routes: Where control may go.
    """

    def __init__(self, source: str, view: "View", routes: "Routes") -> None:
        self.source = source
        self.view = view
        self.routes = routes
        self.records: list[Handoff] = []
        self.taken: Handoff | None = None
        """The handoff that was taken."""
        self.stop: Stop | None = None
        """What the run would end with, since none can be taken any more."""
        self._unusable = 0

    @property
    def is_done(self) -> bool:
        """Whether the sender is not to be asked again."""
        return self.taken is not None or self.stop is not None

    @property
    def valid(self) -> str:
        """Who can be handed over to, for the sender to read."""
        return ", ".join(f"`{name}`" for name in self.routes.from_(self.source)) or "nobody"

    def ask(
        self,
        wanted: Handoff,
        said: Sequence[AnyMessage] = (),
        changes: Mapping[str, Any] | None = None,
    ) -> Steps[str]:
        """Decide on a handoff.

        Args:
            wanted: What is asked for.
            said: What the sender has said in this turn.
            changes: Custom keys that it has changed in this turn.

        Returns:
            What the sender is told.

        Raises:
            ConfigurationError: An `accepts` function has returned what it may not.
        """
        if self.taken:
            return self._keep(wanted, "ignored", f"control went to `{self.taken.target}` first")
        if self.stop:
            return self._keep(wanted, "ignored", "no handoff can be taken any more")
        if wanted.target not in self.routes.from_(self.source):
            return self.unknown(wanted)
        limit = self.routes.max_handoffs
        counted = counted_handoffs(self.view.state)
        if len(counted) >= limit and sum(map(_is_taken, counted)) >= limit:
            self.stop = Stop(reason="turn_limit", detail=f"{limit} of {limit} handoffs taken")
            self._keep(wanted, "refused", f"limit reached: {self.stop.detail}")
            return f"limit reached: {self.stop.detail}"
        refusal = yield from self._refusal(wanted, said, changes)
        if refusal is not None:
            return self._refused(wanted, refusal)
        self.taken = self._record(wanted, "accepted", "")
        return taken_text(wanted.target)

    def unknown(self, wanted: Handoff) -> str:
        """Answer a handoff to somebody who cannot be handed over to from here."""
        self.unusable(f"a handoff to `{wanted.target}`")
        why = f"`{wanted.target}` cannot be handed over to from here; valid: {self.valid}"
        return self._keep(wanted, "unknown", why)

    def unusable(self, what: str) -> None:
        """Count something that can never be done; the last such thing ends the turn."""
        self._unusable += 1
        if self._unusable >= TRIES:
            detail = f"`{self.source}` asked {TRIES} times for what is not there, last for {what}"
            self.stop = Stop(reason="failed", detail=detail, by=self.source)

    def reply(
        self,
        messages: Sequence[AnyMessage],
        output: Any,
        changes: Mapping[str, Any] | None = None,
        inside: Sequence[Turn] = (),
    ) -> Reply:
        """What the turn brings.

        Args:
            messages: What is new.
            output: The answer.
            changes: Custom keys that were changed.
            inside: Entries of a nested team's members.
        """
        reply = Reply(messages, output, changes or {}, inside, handoffs=tuple(self.records))
        if self.taken:
            return reply._replace(outcome="handed_off", detail=summary(self.taken))
        if self.stop:
            outcome: Any = "failed" if self.stop.reason == "failed" else "refused"
            return reply._replace(outcome=outcome, detail=self.stop.detail, stop=self.stop)
        return reply

    def give_up(self) -> None:
        """The sender cannot be asked again: what was refused ends its turn."""
        if not self.records or self.is_done:
            return
        last = self.records[-1]
        if last.outcome == "refused":
            told = _refusal_text(last.target, last.detail)
            self.stop = Stop(reason="rejected", detail=told, by=last.target)
        else:
            self.stop = Stop(reason="failed", detail=last.detail, by=self.source)

    def _refusal(
        self, wanted: Handoff, said: Sequence[AnyMessage], changes: Mapping[str, Any] | None
    ) -> Steps[str | None]:
        """Why the target refuses; None if it does not."""
        accepts = self.routes.accepts.get(wanted.target)
        if accepts is None:
            return None
        view = self.view.after(said, ()) if said else self.view
        if changes:
            view = type(view)({**view.state, **changes}, view.speakers, view.prefix)
        asked = wanted.model_copy(update={"source": self.source, "at": datetime.now(UTC)})
        verdict = yield apply(accepts, view, asked)
        if isinstance(verdict, str):
            return verdict
        if not isinstance(verdict, bool):
            raise ConfigurationError(
                f"`accepts[{wanted.target!r}]` returned {verdict!r}; it returns True, False, or "
                f"the reason of a refusal"
            )
        return None if verdict else ""

    def _refused(self, wanted: Handoff, why: str) -> str:
        told = _refusal_text(wanted.target, why)
        self._record(wanted, "refused", why)
        refusals = [r.target for r in self.records if r.outcome == "refused"]
        if len(refusals) >= TRIES or set(refusals) >= set(self.routes.from_(self.source)):
            self.stop = Stop(reason="rejected", detail=told, by=wanted.target)
        return told

    def _keep(self, wanted: Handoff, outcome: HandoffOutcome, why: str) -> str:
        self._record(wanted, outcome, why)
        return f"{outcome}: {why}"

    def _record(self, wanted: Handoff, outcome: HandoffOutcome, detail: str) -> Handoff:
        known = {"source": self.source, "outcome": outcome, "detail": detail}
        record = wanted.model_copy(update={**known, "at": datetime.now(UTC)})
        self.records.append(record)
        return record


def counted_handoffs(state: Mapping[str, Any]) -> Sequence[Handoff]:
    """This run's handoffs, since a person has let it go on if one has."""
    handoffs = state.get("handoffs") or ()
    return handoffs[(state.get("handoff_info") or {}).get("counted_from", 0) :]


def taken_text(target: str) -> str:
    """What the sender is told of a handoff that was taken."""
    return f"Handed off to {target}."


def summary(handoff: Handoff) -> str:
    """A handoff in one line."""
    return f"to {handoff.target}{f': {handoff.reason}' if handoff.reason else ''}"


def _refusal_text(target: str, why: str) -> str:
    return f"refused by `{target}`{f': {why}' if why else ''}"


def _is_taken(handoff: Handoff) -> bool:
    return handoff.outcome == "accepted"
