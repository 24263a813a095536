"""What a participant's work brings to the manager: what was said, and what is to be noted of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AnyMessage

from langgraph_orchestra.nodes.driver import Execution
from langgraph_orchestra.nodes.magentic.approvals import Permission
from langgraph_orchestra.nodes.magentic.prompts import MagenticPrompts
from langgraph_orchestra.nodes.magentic.views import MANAGER
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.nodes.view import View, is_turn, text_of
from langgraph_orchestra.state import ManagerNote, StepStatus, Turn

__all__ = ["Record", "put_together", "record_of", "unanswered"]


class Record(NamedTuple):
    """One participant's part in a round."""

    messages: Sequence[AnyMessage] = ()
    """What was said."""

    trail: Sequence[Turn] = ()
    """Its entries."""

    notes: Sequence[str] = ()
    """What the manager is to know that was not said."""

    output: Any = None
    """The answer, where it is no text, and no person's."""

    @property
    def is_spoken(self) -> bool:
        """Whether somebody has answered who is no person."""
        return bool(self.messages) and self.messages[-1].type == "ai"

    @classmethod
    def restored(cls, record: Mapping[str, Any]) -> "Record":
        """As it was, where a strict server gives plain data back."""
        turns = [Turn.model_validate(turn) for turn in record["trail"]]
        return cls(**{**record, "trail": turns})


def record_of(name: str, taken: Taken, permission: Permission, words: MagenticPrompts) -> Record:
    """What a turn brings.

    Args:
        name: Who has taken it.
        taken: The turn.
        permission: What a person has said before it.
        words: The words of notes.
    """
    messages, output = taken.reply.messages, taken.reply.output
    notes = list(permission.notes)
    if taken.failure and not taken.stop:
        notes.append(f"{name} {words.failed} {taken.failure.type}: {taken.failure.message}")
    elif not (taken.stop or messages):
        notes.append(f"{name} {words.silent}")
    record = Record(list(messages), [*permission.trail, *taken.trail], notes)
    if not (taken.answered and record.is_spoken) or output in ("", text_of(messages[-1])):
        return record
    return record._replace(output=output)


def put_together(records: Sequence[Record], view: View) -> dict[str, Any]:
    """The update that keeps what a round has brought, in declared order.

    Args:
        records: What each participant brings.
        view: The run before.
    """
    step, messages, trail = view.turn_number + 1, list[AnyMessage](), list[Turn]()
    notes, update = list[ManagerNote](), dict[str, Any]()
    for record in records:
        messages += record.messages
        trail += [
            t if t.step == step else t.model_copy(update={"step": step}) for t in record.trail
        ]
        step += any(map(is_turn, record.trail))
        after = len(view.messages) + len(messages)
        notes += [ManagerNote(after=after, text=text) for text in record.notes]
        if record.output is not None:
            update["output"] = record.output
        elif record.is_spoken and (update.get("output") or view.state.get("output")):
            update["output"] = text_of(record.messages[-1])  # a typed answer was before it
    update |= {"messages": messages, "trail": trail}
    return {**update, "manager_notes": notes} if notes else update


def unanswered(view: View, execution: Execution) -> Mapping[str, StepStatus]:
    """What became of the steps of those who were asked last, and have not answered.

    Args:
        view: The run so far.
        execution: The node it happens in.
    """
    found: dict[str, StepStatus] = {}
    for turn in reversed(view.trail):
        if turn.path == execution.path(MANAGER) and turn.outcome == "ok":
            break
        if turn.outcome == "refused":
            found.setdefault(turn.agent, "pending")
        elif turn.outcome not in ("ok", "fallback") and turn.path == execution.path(turn.agent):
            found.setdefault(turn.agent, "failed")
    return found
