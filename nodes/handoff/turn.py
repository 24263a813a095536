"""Turns that may end in a handoff, for each kind of participant that can ask for one."""

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable

from langgraph_orchestra.nodes.driver import Steps
from langgraph_orchestra.nodes.handoff.desk import Desk
from langgraph_orchestra.nodes.handoff.routes import Routes
from langgraph_orchestra.nodes.handoff.tool import (
    REQUESTED,
    handoff_from,
    is_handoff_tool_name,
    target_of,
)
from langgraph_orchestra.nodes.participant import Reply
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, Handoff

__all__ = [
    "RunGraph",
    "answer_or_hand_over",
    "decide_on_calls",
    "handed_over",
    "run_until_decided",
]

RunGraph = Callable[[Sequence[AnyMessage], Mapping[str, Any]], Steps[Mapping[str, Any]]]
"""Runs an agent's graph on messages and changed custom keys; returns its output."""


def answer_or_hand_over(
    name: str,
    model: Runnable[Any, Any],
    messages: Sequence[AnyMessage],
    work: Work,
    routes: Routes,
) -> Steps[Reply]:
    """Let a model answer, or hand over, until it has done one of the two.

    Args:
        name: Who speaks.
        model: Their model, with the handoff tools bound.
        messages: What it reads.
        work: The turn in progress.
        routes: Where control may go.
    """
    desk = Desk(name, work.view, routes)
    said: list[AnyMessage] = []
    told: list[AnyMessage] = []  # beside what is stored: calls that could not be read
    while True:
        answer: AIMessage = yield from work.ask(model, [*messages, *said, *told])
        if answer.name != name:
            answer = answer.model_copy(update={"name": name})
        broken = answer.invalid_tool_calls
        if broken and not answer.tool_calls:
            # Only the text goes back: chat APIs would wait for the result of a broken call.
            told = [*([AIMessage(answer.text, name=name)] if answer.text.strip() else [])]
            told.append(HumanMessage(_unreadable(desk, broken[0].get("name"))))
            if desk.is_done:
                return desk.reply(said, "")
            continue
        if broken:
            answer = answer.model_copy(update={"invalid_tool_calls": []})
        if not answer.tool_calls:
            return desk.reply([*said, answer], answer.text)
        said = [*said, answer, *(yield from _results(desk, answer, said))]
        told = []
        if desk.is_done:
            return desk.reply(said, answer.text)


def handed_over(name: str, wanted: Handoff, work: Work, routes: Routes) -> Steps[Reply]:
    """Decide on the handoff that a function has returned; it cannot be asked again.

    Raises:
        ConfigurationError: It names somebody who cannot be handed over to.
    """
    desk = Desk(name, work.view, routes)
    if wanted.target not in routes.from_(name):
        raise ConfigurationError(
            f"participant `{name}` returned a `Handoff` to `{wanted.target}`, who cannot be handed "
            f"over to from there; valid: {desk.valid}"
        )
    yield from desk.ask(wanted)
    desk.give_up()
    return desk.reply((), "")


def run_until_decided(
    desk: Desk,
    result: Mapping[str, Any],
    run: RunGraph,
    known: Container[str | None],
    shared_keys: Collection[str],
) -> Steps[Mapping[str, Any]]:
    """Run an agent's graph again, with the reasons, where its handoff was not taken.

    Args:
        desk: Decides on handoffs.
        result: The graph's output.
        run: Runs the graph.
        known: Ids of messages that are not new.
        shared_keys: Keys of the state that it shares.

    Returns:
        The graph's output, each handoff in it answered.
    """
    while "messages" in result:
        changes = {key: result[key] for key in shared_keys if key in result}
        messages, again = yield from decide_on_calls(desk, result["messages"], known, changes)
        if not again:
            return {**result, "messages": messages}
        result = yield from run(messages, changes)
        known = {message.id for message in messages}
    return result


def decide_on_calls(
    desk: Desk,
    messages: Sequence[AnyMessage],
    known: Container[str | None],
    changes: Mapping[str, Any],
) -> Steps[tuple[list[AnyMessage], bool]]:
    """Decide on the handoffs that an agent's graph was asked for.

    Args:
        desk: Decides on handoffs.
        messages: What the graph has returned.
        known: Ids of messages that are not new.
        changes: What it has changed of the state.

    Returns:
        The messages, with each handoff answered; and whether the agent is to be asked again,
        because it took for granted what was not to be. Then they end there.
    """
    answered = list(messages)
    for place, message in enumerate(messages):
        if message.type != "ai" or not message.tool_calls or message.id in known:
            continue
        end = place + 1
        while end < len(messages) and messages[end].type == "tool":
            end += 1
        results = enumerate(messages[place + 1 : end], place + 1)
        places = {m.tool_call_id: p for p, m in results if m.type == "tool"}
        was_promised = False
        for call in message.tool_calls:
            result = places.get(call["id"] or "")
            if result is None or not is_handoff_tool_name(call["name"]):
                continue
            wanted = handoff_from(call, desk.source)
            if messages[result].text == REQUESTED:
                told = yield from desk.ask(wanted, answered[place:end], changes)
                answered[result] = _with_text(messages[result], told)
                was_promised = True
            elif target_of(call["name"]) not in desk.routes.from_(desk.source):
                desk.unknown(wanted)  # its own graph has told it which tools there are
        if was_promised and not desk.is_done:
            return answered[:end], True
    return answered, False


def _results(desk: Desk, answer: AIMessage, said: Sequence[AnyMessage]) -> Steps[list[AnyMessage]]:
    """Answer each call of a model that has no other tools than handoffs."""
    results: list[AnyMessage] = []
    for call in answer.tool_calls:
        if is_handoff_tool_name(call["name"]):
            text = yield from desk.ask(handoff_from(call, desk.source), [*said, answer])
        else:
            desk.unusable(f"the tool `{call['name']}`")
            text = f"there is no tool `{call['name']}`; you can hand over to {desk.valid}"
        results.append(ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"]))
    return results


def _unreadable(desk: Desk, tool: str | None) -> str:
    """What a model is told whose call was no JSON."""
    desk.unusable(f"a call of `{tool}` that is no JSON")
    return f"The arguments of your call of `{tool}` are no JSON object. Call again, or answer."


def _with_text(message: AnyMessage, text: str) -> AnyMessage:
    return message.model_copy(update={"content": text})
