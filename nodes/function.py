"""Plain functions and Runnables as participants."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langgraph_orchestra.nodes.driver import Steps, apply, invoke
from langgraph_orchestra.nodes.handoff.turn import handed_over
from langgraph_orchestra.nodes.participant import (
    Participant,
    Reply,
    Scene,
    answer_from,
    said_by,
    with_answer,
)
from langgraph_orchestra.nodes.prompt import addressed_to
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import ConfigurationError, Handoff
from langgraph_orchestra.state.types import data_types_in

__all__ = [
    "FunctionParticipant",
    "RunnableParticipant",
    "newly_said",
    "reply_from",
    "returned_types",
]


class FunctionParticipant(Participant):
    """A plain function `View -> str | message | messages | typed object | dict of state keys`.

    Where the pattern knows handoffs, it may return a `Handoff` too.
    """

    kind = "function"

    def __init__(self, function: Callable[..., Any], name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._function = function

    @property
    def outputs(self) -> Sequence[type[BaseModel]]:
        """Typed answers that the function's annotation names."""
        return returned_types(self._function)

    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Call the function with the whole `View`."""
        returned = yield from self.called(work, scene)
        if isinstance(returned, Handoff) and scene.handoffs:
            return (yield from handed_over(self.name, returned, work, scene.handoffs))
        return reply_from(self.name, returned, scene)

    def called(self, work: Work, scene: Scene) -> Steps[Any]:  # noqa: ARG002 - as a Runnable's
        """What the function returns, without what had been said before."""
        returned = yield apply(self._function, work.view, blocking=True)
        return newly_said(returned, work.view.messages)


class RunnableParticipant(Participant):
    """A Runnable: it is given the messages it reads, as a chat model is."""

    kind = "function"

    def __init__(self, runnable: Runnable[Any, Any], name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._runnable = runnable

    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Run it, and understand what it returns."""
        returned = yield from self.called(work, scene)
        if isinstance(returned, Handoff) and scene.handoffs:
            return (yield from handed_over(self.name, returned, work, scene.handoffs))
        return reply_from(self.name, returned, scene)

    def called(self, work: Work, scene: Scene) -> Steps[Any]:
        """What it returns, without what it was given; its model calls are limited and counted."""
        prompt = addressed_to(self.name, (yield from self.reads(work, scene)))
        config = work.metered(work.execution.within(work.name), prompt)
        # A list of its own: one that is appended to and given back must not count as known.
        returned = yield invoke(self._runnable, list(prompt), config)
        return newly_said(returned, [*prompt, *work.view.messages])


def returned_types(function: Callable[..., Any]) -> Sequence[type[BaseModel]]:
    """The pydantic classes in a function's return annotation, which checkpoints must know."""
    try:
        hint = get_type_hints(function).get("return")
    except (NameError, TypeError):  # imported for type checkers only; a callable object
        return ()
    kinds = (kind for kind in data_types_in(hint) if issubclass(kind, BaseModel))
    return tuple(kind for kind in kinds if not issubclass(kind, BaseMessage | Handoff))


def newly_said(returned: Any, known: Sequence[BaseMessage]) -> Any:
    """What a function returned, without the messages that were there before.

    Many give back the conversation with their answer at its end. Kept under their name, what others
    have said would become theirs. The last message is the answer: where it is one that was there,
    or a changed copy of it, it is said anew, and the other stays what it was.

    Args:
        returned: Anything; only messages are looked at.
        known: The messages there are.
    """
    if isinstance(returned, Mapping) and "messages" in returned:
        return {**returned, "messages": newly_said(returned["messages"], known)}
    if isinstance(returned, BaseMessage):
        return newly_said([returned], known)[0]
    if not (isinstance(returned, list) and returned and isinstance(returned[-1], BaseMessage)):
        return returned
    *before, answer = returned
    by_id = {message.id: message for message in known if message.id}
    new = [message for message in before if not _is_known(message, known, by_id)]
    if answer.id in by_id:
        answer = answer.model_copy(update={"id": None})
    return [*new, answer]


def _is_known(message: Any, known: Sequence[BaseMessage], by_id: Mapping[str, BaseMessage]) -> bool:
    id_ = getattr(message, "id", None)
    return by_id.get(id_) == message if id_ else message in known


def reply_from(name: str, returned: Any, scene: Scene) -> Reply:
    """Understand what a function returned.

    Raises:
        ConfigurationError: It is nothing a participant may return.
    """
    if isinstance(returned, Handoff):
        raise ConfigurationError(
            f"participant `{name}` returned a `Handoff`, but `{scene.pattern}` hands nothing over; "
            f"that is for `create_handoff`"
        )
    if isinstance(returned, str | BaseModel) and not isinstance(returned, BaseMessage):
        return Reply([answer_from(name, returned)], returned)
    if isinstance(returned, BaseMessage):
        return _reply_of_messages(name, [returned])
    if isinstance(returned, list) and all(isinstance(m, BaseMessage) for m in returned):
        return _reply_of_messages(name, returned)
    if isinstance(returned, Mapping):
        return _reply_of_keys(name, returned, scene)
    raise ConfigurationError(
        f"participant `{name}` returned {returned!r}; a function returns a str, a message, a list "
        f"of messages, a pydantic object or a dict of state keys ('' if it has nothing to say)"
    )


def _reply_of_messages(name: str, messages: Sequence[BaseMessage]) -> Reply:
    named: list[Any] = [
        said_by(name, message) if isinstance(message, AIMessage | HumanMessage) else message
        for message in messages
    ]
    return Reply(with_answer(name, named, named[-1].text), named[-1].text) if named else Reply()


def _reply_of_keys(name: str, returned: Mapping[str, Any], scene: Scene) -> Reply:
    """A dict of state keys; `messages` and `output` are what was said, the rest are changes."""
    allowed = {*scene.shared_keys, "messages", "output"}
    if unknown := sorted(set(returned) - allowed, key=str):
        raise ConfigurationError(
            f"participant `{name}` returned the key `{unknown[0]}`; it may return "
            f"{', '.join(f'`{key}`' for key in sorted(allowed))} (extend the state with "
            f"`state_schema=` for keys of your own)"
        )
    changes = {key: value for key, value in returned.items() if key in scene.shared_keys}
    said = returned.get("messages", [])
    said = said if isinstance(said, list) else [said]
    if not all(isinstance(message, BaseMessage | str) for message in said):
        raise ConfigurationError(
            f"participant `{name}` returned `messages` that are neither messages nor texts"
        )
    reply = _reply_of_messages(name, [AIMessage(m) if isinstance(m, str) else m for m in said])
    output = returned.get("output")
    output = output.text if isinstance(output, BaseMessage) else output
    if output is None:
        return reply._replace(changes=changes)
    if not said and output != "":
        reply = Reply([answer_from(name, output)])
    return Reply(reply.messages, output, changes)
