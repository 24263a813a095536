"""Where each run begins in the trail of a thread."""

from collections.abc import Sequence

from langgraph_orchestra.state import Turn

__all__ = ["starts_of_runs"]

_TURNS = frozenset({"agent", "human", "function"})


def starts_of_runs(trail: Sequence[Turn], latest: int | None = None) -> Sequence[int]:
    """The place of each run's first entry.

    Steps count from 1 in each run, so one begins where they fall. Where runs have a single turn,
    they never do: then one begins where a participant has its first turn once more. A lone team
    that works in one run after the other looks like one run.

    Args:
        trail: The entries of the thread.
        latest: Where the latest run begins, if that is known.
    """
    starts = [0] if trail else []
    began_once: set[str] = set()
    after_last_turn = 0
    for place, turn in enumerate(trail):
        is_turn = turn.kind in _TURNS
        if place and turn.step < trail[place - 1].step:
            starts.append(place)
            began_once.clear()
        elif is_turn and turn.step == 1 and turn.path in began_once:
            starts.append(after_last_turn)
            began_once.clear()
        if is_turn:
            after_last_turn = place + 1
            if turn.step == 1 and "/" not in turn.path:
                began_once.add(turn.path)
    if latest is not None and 0 < latest < len(trail):
        return [*(start for start in starts if start < latest), latest]
    return starts
