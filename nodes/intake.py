"""Where a run begins and ends on its thread.

The intake runs once for each new input, never on a resume: it finds out which messages are new,
checks what can be checked before a model is called, and makes counters, output and stop start
afresh. The conversation and the trail stay.
"""

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AnyMessage, BaseMessage

from langgraph_orchestra.nodes.checks import RESERVED_NAMES
from langgraph_orchestra.nodes.driver import Execution
from langgraph_orchestra.nodes.limits import check_price
from langgraph_orchestra.nodes.model_source import ModelSource, name_of
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.state import InputError, RunInfo, Stop, append_messages

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["begin_run", "end_run", "models_of"]


def begin_run(
    state: Mapping[str, Any],
    execution: Execution,
    participants: Sequence[Participant],
    scene: Scene,
    deciders: Sequence[ModelSource] = (),
) -> dict[str, Any]:
    """The update with which a run begins.

    Args:
        state: The state with the new input.
        execution: The node it happens in.
        participants: Who takes part.
        scene: The graph.
        deciders: Models that decide between turns.

    Raises:
        InputError: There is no new message, or only blank ones.
        ConfigurationError: A model or its price cannot be found.
    """
    scene.budget.invocations.forget(execution)
    messages: Sequence[AnyMessage] = state.get("messages") or ()
    speakers = RESERVED_NAMES.union(participant.name for participant in participants)
    start = _first_new(messages, state.get("run_info"), speakers)
    if not any(_says_something(message) for message in messages[start:]):
        raise InputError(
            "the task is empty: give at least one message with text, as "
            '`{"messages": [("user", "Write about octopuses")]}`'
        )
    models = models_of([*participants, *deciders], execution)
    if scene.budget.limits.cost is not None:
        for model in models:
            check_price(name_of(model), scene.budget.limits.price)
    run_info = RunInfo(
        first_message=start,
        input_messages=len(messages) - start,
        first_turn=len(state.get("trail") or ()),
        last_message=None,
    )
    return {"run_info": run_info, "output": "", "stop": None}


def models_of(
    callers: Sequence[Participant | ModelSource], execution: Execution
) -> "Sequence[BaseChatModel]":
    """The models that a run may call, as far as they are known.

    Args:
        callers: Who calls them; their fallbacks are included.
        execution: The node that asks.

    Raises:
        ConfigurationError: A model cannot be found.
    """
    fallbacks = [c.fallback for c in callers if not isinstance(c, ModelSource) and c.fallback]
    return [model for caller in (*callers, *fallbacks) for model in caller.check(execution)]


def end_run(
    state: Mapping[str, Any], stop: Stop, new: Sequence[BaseMessage] = ()
) -> dict[str, Any]:
    """The update with which a run ends.

    Args:
        state: The state before.
        stop: Why it ends.
        new: Messages written in the same step.
    """
    last = append_messages(list(state.get("messages") or ()), [list(new)])[-1]
    return {"stop": stop, "run_info": {**state["run_info"], "last_message": last.id}}


def _first_new(
    messages: Sequence[AnyMessage], before: RunInfo | None, speakers: Container[str | None]
) -> int:
    """Place of the first message that no earlier run has seen."""
    if not before:
        return 0
    ended = before.get("last_message")
    for place in range(len(messages), 0, -1):
        if ended is not None and messages[place - 1].id == ended:
            return place
    # The run before never ended (or its last message was removed since): what follows the last
    # words of its participants, and the results of their tools, was asked since.
    asked = 0 if ended is not None else before["first_message"] + before["input_messages"]
    said = [place for place in range(asked, len(messages)) if messages[place].name in speakers]
    start = said[-1] + 1 if said else asked
    while start < len(messages) and messages[start].type == "tool":
        start += 1
    return start


def _says_something(message: AnyMessage) -> bool:
    if isinstance(message.content, str):
        return bool(message.content.strip())
    blocks = (block if isinstance(block, dict) else {"text": block} for block in message.content)
    return any(
        block.get("type", "text") != "text" or str(block.get("text") or "").strip()
        for block in blocks
    )
