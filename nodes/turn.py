"""One turn of a participant: what is the same for all of them, in every pattern.

An answer becomes messages, an output and an entry of the trail; an error becomes another attempt, a
fallback, a record or an exception; a limit ends the turn without either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from langchain_core.messages import AnyMessage
from langgraph.errors import GraphBubbleUp, NodeTimeoutError

from langgraph_orchestra.nodes.conditions import Condition
from langgraph_orchestra.nodes.driver import Cancelled, Execution, Steps, TimeUp
from langgraph_orchestra.nodes.participant import Participant, Reply, Scene
from langgraph_orchestra.nodes.policy import (
    breaker_is_open,
    decide_retry,
    is_retried,
    longest_pause,
)
from langgraph_orchestra.nodes.view import View, is_turn
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import (
    AnswerError,
    ConfigurationError,
    Failure,
    Stop,
    Turn,
    TurnKind,
    TurnOutcome,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Bounds", "Taken", "bounded", "entry", "skipped", "stop_by", "take_turn"]

T = TypeVar("T")


@dataclass(frozen=True)
class Bounds:
    """What may cut a turn short, besides its own timeout."""

    left: Callable[[], float] | None = None
    """Seconds until the branches' deadline; None if there is none."""

    race: "Future[Any] | None" = None
    """Done when another branch was first; None if nobody races."""


class Taken(NamedTuple):
    """A turn that has been taken."""

    reply: Reply = Reply()
    """What it brought; empty if it failed or was skipped, or a limit left it nothing."""

    trail: Sequence[Turn] = ()
    """Its entries in the trail: one, or one for each member of a team."""

    failure: Failure | None = None
    """Its failure, if that is to be recorded."""

    stop: Stop | None = None
    """The limit that stopped it."""

    error: Exception | None = None
    """What was raised, where a failure is recorded."""

    seconds: float = 0.0
    """How long it took."""

    @property
    def answered(self) -> bool:
        """Whether it brought something new to pass on."""
        return (
            self.failure is None and bool(self.reply.messages) and self.reply.decision != "reject"
        )

    def written(self, asked: Sequence[Turn] = ()) -> dict[str, Any]:
        """The update that keeps it.

        Args:
            asked: Entries of models that were asked about it.
        """
        update = {"messages": list(self.reply.messages), "trail": [*self.trail, *asked]}
        return {**update, **self.reply.changes} if self.reply.changes else update


def take_turn(
    participant: Participant,
    view: View,
    execution: Execution,
    scene: Scene,
    *,
    step: int,
    label: str = "",
    besides: Sequence[AnyMessage] = (),
    bounds: Bounds = Bounds(),
    is_out: bool = False,
) -> Steps[Taken]:
    """Let a participant take its turn.

    Args:
        participant: Whose turn it is.
        view: The run so far.
        execution: The node it happens in.
        scene: The graph.
        step: Number of the turn in this run, from 1.
        label: How the trail names it; by default as the participant.
        besides: Messages it must read, whatever its history policy picks.
        bounds: What may cut it short.
        is_out: Whether its breaker has opened in branches beside this one.

    Raises:
        Exception: The participant's own, if it is to be tried again or not to be recorded.
    """
    label = label or participant.name
    work = Work(label, view, execution, scene.budget, besides)
    record = _Recorder(participant, work, scene, step)
    if is_out or (participant.policy.breaker and _is_broken(participant, label, view, execution)):
        return record.broken()
    timeout = participant.policy.timeout
    try:
        reply = yield from bounded(participant.speak(work, scene), work, timeout, bounds)
    except BudgetSpent as spent:
        if spent.work is not work:
            raise
        return record.stopped(spent.stop)
    except (GraphBubbleUp, AnswerError):
        raise
    except Cancelled:
        return record.cancelled()
    except ConfigurationError as error:
        error.add_note(f"in participant `{label}` of `{scene.pattern}`")
        raise
    except Exception as error:  # noqa: BLE001 - retried, recorded or raised by policy
        return (yield from _after_failure(error, record, bounds))
    return record.answered(reply)


def _is_broken(participant: Participant, label: str, view: View, execution: Execution) -> bool:
    """Whether a participant's breaker is open."""
    run_began = (view.state.get("run_info") or {}).get("first_turn", 0)
    trail = view.state.get("trail") or ()
    return breaker_is_open(participant.policy.breaker, execution.path(label), trail, run_began)


def stop_by(
    condition: Condition, view: View, execution: Execution, scene: Scene
) -> Steps[tuple[Stop | None, Sequence[Turn]]]:
    """Check a stop condition after a turn.

    Returns:
        The stop, if the condition fires, and the trail's entry of a model that was asked.
    """
    work = Work("stop_when", view, execution, scene.budget)
    work.settle()
    try:
        by = yield from condition.fired(work)
    except BudgetSpent as spent:
        if spent.work is not work:
            raise
        return spent.stop, ()
    step = view.trail[-1].step if view.trail else 1
    detail = ": ".join(filter(None, [by, "; ".join(work.reasons)]))
    asked = [entry(work, kind="decision", step=step, detail=detail)] if work.counted else []
    if not by:
        return None, asked
    return Stop(reason="terminated", detail=f"stop condition `{by}` fired", by=by), asked


def entry(
    work: Work,
    *,
    kind: TurnKind,
    step: int,
    outcome: TurnOutcome = "ok",
    detail: str = "",
) -> Turn:
    """The trail's entry for work that is done."""
    used, execution = work.used(), work.execution
    return Turn(
        agent=work.name.partition("[")[0],
        path=execution.path(work.name),
        step=step,
        kind=kind,
        started_at=work.started_at,
        seconds=work.seconds,
        model=work.model,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost=used.cost,
        outcome=outcome,
        attempts=execution.attempt,
        user=execution.user,
        detail=detail,
    )


def skipped(
    participant: Participant, view: View, execution: Execution, scene: Scene, step: int, why: str
) -> Turn:
    """The trail's entry for a turn that was not taken."""
    work = Work(participant.name, view, execution, scene.budget)
    return entry(work, kind=participant.kind, step=step, outcome="skipped", detail=why)


_NOTHING_USED = {"model": "", "input_tokens": 0, "output_tokens": 0, "cost": None}


class _Recorder(NamedTuple):
    """Turns what happened into what is kept of it."""

    participant: Participant
    work: Work
    scene: Scene
    step: int

    def answered(self, reply: Reply) -> Taken:
        turns = self._in_step(reply.inside) if reply.inside else []
        if not any(map(is_turn, turns)):
            self.work.take_over(reply.called)
            own = self._entry(reply.outcome, reply.detail)
            # A team that has only decided has taken its turn, too; the decisions tell its usage.
            turns.append(own.model_copy(update=_NOTHING_USED) if turns else own)
        if reply.called:
            turns += self._in_step(reply.called)
        return Taken(reply, turns, stop=self.work.stopped, seconds=self.work.seconds)

    def failed(self, error: Exception) -> Taken:
        self.work.take_over()
        timed_out = isinstance(error, NodeTimeoutError | TimeUp)
        text = "deadline passed" if isinstance(error, TimeUp) else str(error)
        kind = "DeadlineExceeded" if isinstance(error, TimeUp) else type(error).__name__
        turn = self._entry("timed_out" if timed_out else "failed", f"{kind}: {text}")
        failure = Failure(
            agent=self.work.name,
            type=kind,
            message=text,
            attempts=turn.attempts,
            timed_out=timed_out,
        )
        return Taken(Reply(), (turn,), failure, error=error, seconds=self.work.seconds)

    def broken(self) -> Taken:
        why = f"breaker open after {self.participant.policy.breaker} failures in a row"
        return self._given_up("skipped", "BreakerOpen", why)

    def cancelled(self) -> Taken:
        return self._given_up("cancelled", "Cancelled", "another branch was first")

    def stopped(self, stop: Stop) -> Taken:
        taken = self._given_up("cancelled", "BudgetSpent", stop.detail)
        return taken._replace(stop=stop)

    def _given_up(self, outcome: TurnOutcome, kind: str, why: str) -> Taken:
        self.work.take_over()
        failure = Failure(agent=self.work.name, type=kind, message=why)
        return Taken(Reply(), (self._entry(outcome, why),), failure, seconds=self.work.seconds)

    def _in_step(self, turns: Sequence[Turn]) -> list[Turn]:
        """Entries of others that belong to this turn."""
        return [turn.model_copy(update={"step": self.step}) for turn in turns]

    def _entry(self, outcome: TurnOutcome, detail: str) -> Turn:
        return entry(
            self.work, kind=self.participant.kind, step=self.step, outcome=outcome, detail=detail
        )


def _after_failure(error: Exception, record: _Recorder, bounds: Bounds) -> Steps[Taken]:
    """Another attempt, the fallback, a record, or the exception."""
    participant, work, scene = record.participant, record.work, record.scene
    late = isinstance(error, TimeUp)
    attempt = work.execution.attempt
    if not late and is_retried(participant.policy, error, attempt):
        pause = longest_pause(participant.policy, attempt)
        if bounds.left is None or bounds.left() > pause:
            work.keep_for_next_attempt()
            decide_retry(error, again=True)
            raise error
    if participant.fallback and not late:
        try:
            answering = participant.fallback.speak(work, scene)
            reply = yield from bounded(answering, work, participant.policy.timeout, bounds)
        except BudgetSpent as spent:
            if spent.work is not work:
                raise
            return record.stopped(spent.stop)
        except (GraphBubbleUp, AnswerError, ConfigurationError):
            raise
        except Cancelled:
            return record.cancelled()
        except Exception as second:  # noqa: BLE001 - recorded or raised by policy
            error = second
        else:
            return record.answered(reply._replace(outcome="fallback", detail=_told(error)))
    if (participant.policy.on_failure or scene.on_failure) == "record" or late:
        return record.failed(error)
    error.add_note(f"in participant `{work.name}` of `{scene.pattern}`, attempt {attempt}")
    decide_retry(error, again=False)
    raise error


def bounded(
    steps: Steps[T], work: Work, timeout: float | None, bounds: Bounds = Bounds()
) -> Steps[T]:
    """Steps of a turn or a decision, cut short where it has a timeout, a deadline or a race.

    Raises:
        NodeTimeoutError: The timeout has passed.
    """
    if timeout is None and bounds.left is None and bounds.race is None:
        return steps
    return _cut_short(steps, timeout, work, bounds)


def _cut_short(steps: Steps[T], timeout: float | None, work: Work, bounds: Bounds) -> Steps[T]:
    """Pass on a turn's calls, each with the time that is left of its timeout and deadline."""
    began = work.seconds
    try:
        call = next(steps)
        while True:
            own = None if timeout is None else timeout - (work.seconds - began)
            deadline = bounds.left() if bounds.left else None
            left = min((s for s in (own, deadline) if s is not None), default=None)
            try:
                if bounds.race is not None and bounds.race.done():
                    raise Cancelled
                if left is not None and left <= 0:
                    raise TimeUp
                result = yield call._replace(seconds=left, race=bounds.race)
            except TimeUp as up:
                if bounds.left is not None and bounds.left() <= 0:
                    raise
                raise _timed_out(work, began, timeout) from up
            except Exception as error:  # noqa: BLE001 - the participant decides what it means
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _timed_out(work: Work, began: float, timeout: float | None) -> NodeTimeoutError:
    return NodeTimeoutError(work.name, work.seconds - began, kind="run", run_timeout=timeout)


def _told(error: Exception) -> str:
    return f"after {type(error).__name__}: {error}"
