"""Where a run begins and ends on its thread.

The intake runs once for each new input, never on a resume: it finds out which messages are new,
checks what can be checked before a model is called, and makes counters, output and stop start
afresh. The conversation and the trail stay.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage

from langgraph_orchestra.nodes.driver import Execution
from langgraph_orchestra.nodes.limits import check_price
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.state import InputError, RunInfo, Stop, append_messages

__all__ = ["begin_run", "end_run"]


def begin_run(
    state: Mapping[str, Any],
    execution: Execution,
    participants: Sequence[Participant],
    scene: Scene,
) -> dict[str, Any]:
    """The update with which a run begins.

    Raises:
        InputError: There is no new message, or only blank ones.
        ConfigurationError: A participant's model or its price cannot be found.
    """
    messages: Sequence[AnyMessage] = state.get("messages") or ()
    start = _first_new(messages, state.get("run_info"))
    if not any(_says_something(message) for message in messages[start:]):
        raise InputError(
            "the task is empty: give at least one message with text, as "
            '`{"messages": [("user", "Write about octopuses")]}`'
        )
    for participant in participants:
        models = participant.check(execution)
        if scene.budget.limits.cost is not None:
            for model in models:
                check_price(model, scene.budget.limits.price)
    run_info = RunInfo(
        first_message=start,
        input_messages=len(messages) - start,
        first_turn=len(state.get("trail") or ()),
        messages_at_end=None,
    )
    return {"run_info": run_info, "output": "", "stop": None}


def end_run(
    state: Mapping[str, Any], stop: Stop, new: Sequence[BaseMessage] = ()
) -> dict[str, Any]:
    """The update with which a run ends.

    Args:
        state: The state before.
        stop: Why it ends.
        new: Messages written in the same step.
    """
    length = len(append_messages(list(state.get("messages") or ()), [list(new)]))
    return {"stop": stop, "run_info": {**state["run_info"], "messages_at_end": length}}


def _first_new(messages: Sequence[AnyMessage], before: RunInfo | None) -> int:
    """Place of the first message that no earlier run has seen."""
    if not before:
        return 0
    ended = before.get("messages_at_end")
    if ended is not None and ended <= len(messages):
        return ended
    # The run before never ended: what follows its last answer was asked since.
    for place in range(len(messages) - 1, -1, -1):
        if not isinstance(messages[place], HumanMessage) or messages[place].name:
            return place + 1
    return 0


def _says_something(message: AnyMessage) -> bool:
    if isinstance(message.content, str):
        return bool(message.content.strip())
    blocks = (block if isinstance(block, dict) else {"text": block} for block in message.content)
    return any(block.get("type", "text") != "text" or block["text"].strip() for block in blocks)
