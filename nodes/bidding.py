"""Bids: what participants offer for the next piece of work, asked for side by side.

A bid is a function's (`Member(bid=...)`), or a model's structured answer: of the agent's own model,
or of one that bids for everybody. One that fails or is malformed counts zero; the trail says so.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from langchain_core.messages import AnyMessage, SystemMessage

from langgraph_orchestra.nodes.agent import AgentParticipant
from langgraph_orchestra.nodes.decider import Decider
from langgraph_orchestra.nodes.decision import decide
from langgraph_orchestra.nodes.driver import Execution, Steps, apply, together
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.nodes.prompt import addressed_to
from langgraph_orchestra.nodes.turn import bounded, entry
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.nodes.work import BudgetSpent, Work
from langgraph_orchestra.state import Bid, ConfigurationError, Stop, Turn, TurnOutcome

__all__ = ["BID_PROMPT", "bids_of", "check_bidders"]

BID_PROMPT = "Do not answer yet: say how well you, {name}, can take on what is to be done next."
"""What a model that bids is told after the prompt."""


def check_bidders(participants: Sequence[Participant], model: Decider | None) -> None:
    """Refuse participants who cannot bid.

    Raises:
        ConfigurationError: One has neither a function nor a model for it.
    """
    for participant in participants:
        if not (model or participant.bid or isinstance(participant, AgentParticipant)):
            raise ConfigurationError(
                f"`{participant.name}` cannot bid: wrap it in `Member(..., bid=function)`, or name "
                f"a model that bids for it, `by_bids(model=...)`"
            )


def bids_of(
    participants: Sequence[Participant],
    view: View,
    execution: Execution,
    scene: Scene,
    model: Decider | None,
    *,
    step: int,
    node: str,
) -> Steps[tuple[Mapping[str, Bid], Sequence[Turn], Stop | None]]:
    """Ask participants for their bids, side by side.

    A bid takes no longer than the policy of who makes it allows for a turn, and is tried once.

    Args:
        participants: Who bids.
        view: The run so far.
        execution: The node it happens in.
        scene: The graph.
        model: Who bids for those without a function; None is each agent's own model.
        step: Number of the bids in the trail.
        node: Whose path the bids stand under in the trail.

    Returns:
        Every bid by name, in the order of `participants`; the trail's entries; and the limit that
        kept somebody from bidding.
    """
    asked = [partial(_bid, one, view, execution, scene, model, step, node) for one in participants]
    answers = yield together(asked)
    stop = next((stop for _, _, stop in answers if stop), None)
    bids = {one.name: bid for one, (bid, _, _) in zip(participants, answers, strict=True)}
    return bids, [turn for _, turn, _ in answers], stop


_NOTHING = Bid(confidence=0.0)


def _bid(
    bidder: Participant,
    view: View,
    execution: Execution,
    scene: Scene,
    model: Decider | None,
    step: int,
    node: str,
) -> Steps[tuple[Bid, Turn, Stop | None]]:
    work = Work(bidder.name, view, execution, scene.budget)
    bid, stop = _NOTHING, None
    outcome: TurnOutcome = "ok"
    try:
        policy = model.policy if model and not bidder.bid else bidder.policy
        bid = yield from bounded(_asked(bidder, work, scene, model), work, policy.timeout)
        detail = f"bids {bid.confidence}" + (f": {bid.approach}" if bid.approach else "")
    except BudgetSpent as spent:
        if spent.work is not work:
            raise
        outcome, detail, stop = "cancelled", spent.stop.detail, spent.stop
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - a bid that fails is no bid, and the trail says why
        outcome, detail = "failed", f"{type(error).__name__}: {error}"
    turn = entry(work, kind="decision", step=step, outcome=outcome, detail=detail)
    path = execution.path(f"{node}/{bidder.name}")  # its turns have a path of their own
    return bid, turn.model_copy(update={"path": path}), stop


def _asked(bidder: Participant, work: Work, scene: Scene, model: Decider | None) -> Steps[Bid]:
    if bidder.bid is not None:
        offered = yield apply(bidder.bid, work.view, blocking=True)
        return _understood(offered)
    source, prompt = _who_bids_for(bidder, model, work.execution)
    told = "\n\n".join(filter(None, [prompt, BID_PROMPT.format(name=bidder.name)]))
    read = addressed_to(bidder.name, (yield from bidder.reads(work, scene)))
    messages: list[AnyMessage] = [SystemMessage(told), *read]
    return (yield from decide(work, source, Bid, messages))


def _understood(offered: Any) -> Bid:
    """A function's bid; a number alone is its confidence.

    Raises:
        TypeError: It is no bid.
        ValidationError: The number is not between 0 and 1.
    """
    if isinstance(offered, Bid):
        return offered
    if isinstance(offered, int | float) and not isinstance(offered, bool):
        return Bid(confidence=offered)
    raise TypeError(f"a bid is a `Bid` or a number from 0 to 1, not {offered!r}")


def _who_bids_for(
    bidder: Participant, model: Decider | None, execution: Execution
) -> tuple[ModelSource, str]:
    """Whose model bids, and what it is told of the one it bids for."""
    own = bidder if isinstance(bidder, AgentParticipant) else None
    about = own.prompt_in(execution) if own else bidder.description
    if model:
        return model.model, "\n".join(filter(None, [model.prompt, about]))
    assert own is not None  # noqa: S101 - `check_bidders` has refused the others
    return own.model, about
