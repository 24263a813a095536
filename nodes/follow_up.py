"""What follows a turn: stop conditions, and the choice of the next speaker.

They call users' functions and models, so they may fail, or interrupt; the turn before them must
not be lost, nor taken again. So where that happens, the turn is saved, and its node is entered once
more for what follows alone: there the error surfaces and is tried again by the node's policy, or
the interrupt is answered, and a resume goes on.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from langgraph.errors import GraphBubbleUp, GraphInterrupt

from langgraph_orchestra.nodes.driver import Steps

__all__ = ["entered_again", "keeping_turn", "saved_alone"]

T = TypeVar("T")


def keeping_turn(follow_up: Steps[T], saved: Callable[[], T]) -> Steps[T]:
    """Do what follows a turn; if it fails or interrupts, save the turn alone.

    Args:
        follow_up: What follows.
        saved: What the node returns where that has failed, made with `saved_alone`.
    """
    try:
        return (yield from follow_up)
    except GraphInterrupt:  # somebody is asked: there, so that the answer does not repeat the turn
        return saved()
    except GraphBubbleUp:
        raise
    except Exception:  # noqa: BLE001 - it is done again, alone, and surfaces there
        return saved()


def saved_alone(
    update: Mapping[str, Any], state: Mapping[str, Any], node: str, goto: str | None = None
) -> dict[str, Any]:
    """The update that saves a turn, and notes that what follows it is still to be done.

    Args:
        update: What the turn has brought.
        state: The state before it.
        node: Whose turn it was.
        goto: Where the run goes on then, if that is decided already.
    """
    run_info = update.get("run_info") or state["run_info"]
    return {**update, "run_info": {**run_info, "follow_up": node, "goes_on_to": goto}}


def entered_again(state: Mapping[str, Any], node: str) -> Mapping[str, Any] | None:
    """The state without that note, where a node is entered for what follows its turn; else None."""
    run_info = state["run_info"]
    if run_info.get("follow_up") != node:
        return None
    return {**state, "run_info": {**run_info, "follow_up": None, "goes_on_to": None}}
