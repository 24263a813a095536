"""What is wrong with a plan, whoever made it: a model, a program, or a person who changed one."""

import json
from collections.abc import Collection, Sequence
from graphlib import CycleError, TopologicalSorter

from langgraph_orchestra.state import PlanStep

__all__ = ["MAX_STEPS", "wrong_with_steps"]

MAX_STEPS = 500
"""Steps that a plan may have; a model that gives more is asked again."""


def wrong_with_steps(steps: Sequence[PlanStep], workers: Collection[str]) -> str | None:
    """What is wrong with the steps of a plan; None if they can be done.

    Args:
        steps: As they were given.
        workers: Names of those there are.
    """
    ids = [step.id for step in steps]
    if not steps:
        return "the plan has no steps; give at least one"
    if len(steps) > MAX_STEPS:
        return f"the plan has {len(steps)} steps; {MAX_STEPS} are the most there may be"
    for step in steps:
        if not (step.id.strip() and step.task.strip()):
            return f"`id` or `task` of step `{step.id}` is blank"
        if ids.count(step.id) > 1:
            return f"`{step.id}` is the id of {ids.count(step.id)} steps; ids are unique"
        if step.worker not in workers:
            return (
                f"step `{step.id}` is for `{step.worker}`, who is not there; the workers are "
                f"{json.dumps(list(workers))}"
            )
        if unknown := [needed for needed in step.depends_on if needed not in ids]:
            return (
                f"step `{step.id}` depends on `{unknown[0]}`, which is no step; the ids are "
                f"{json.dumps(ids)}"
            )
    try:
        TopologicalSorter({step.id: step.depends_on for step in steps}).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        return f"steps wait for each other in a circle, {circle}; no step can depend on itself"
    return None
