"""What is read of drafts, and of what was said of them, where histories say nothing else."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage, HumanMessage

from langgraph_orchestra.nodes.history import History, Reading
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import Verdict

__all__ = ["task_and_draft", "to_revise", "verdicts_in"]

WITHOUT_A_REASON = "Not approved."
"""What the maker reads of who has not said what is wrong."""

WITHOUT_A_VERDICT = "No verdict could be given. Hand the draft in again, improved if you can."
"""What the maker reads where everybody has approved who has given a verdict."""


def task_and_draft(author: str) -> History:
    """Read this run's task and the latest draft: neither earlier ones, nor what others say of it.

    Args:
        author: Who makes the drafts.
    """

    def pick(view: View, _: str) -> Sequence[AnyMessage]:
        drafts = [message for message in view.answers if message.name == author]
        return [*view.task_messages, *drafts[-1:]]

    return Reading(pick)


def to_revise() -> History:
    """Read this run's task, one's latest draft, and everything that was said of all of them.

    A remark on the first draft still holds for the third: without it, a revision would undo what
    the one before has mended. Drafts that were superseded are left out, since they are what makes
    prompts grow; one's own tool calls and their results stay, so that nothing is looked up twice.
    """

    def pick(view: View, reader: str) -> Sequence[AnyMessage]:
        own = [message for message in view.answers if message.name == reader]
        superseded = {id(message) for message in own[:-1]}
        read = [message for message in view.said if id(message) not in superseded]
        return [*view.task_messages, *read, *_unsaid(view, reader)]

    return Reading(pick)


def verdicts_in(view: View) -> Sequence[dict[str, Verdict]]:
    """This run's verdicts, as records again where a strict server gives plain data back."""
    return [
        {name: Verdict.model_validate(verdict) for name, verdict in said.items()}
        for said in view.state.get("verdicts") or ()
    ]


def _unsaid(view: View, reader: str) -> Sequence[AnyMessage]:
    """Who has not approved the latest draft and said nothing; only for reading, never stored."""
    if not (verdicts := verdicts_in(view)):
        return []
    said = verdicts[-1]
    without_a_reason = [
        HumanMessage(WITHOUT_A_REASON, name=name)
        for name, verdict in said.items()
        if not (verdict.approved or verdict.feedback.strip())
    ]
    if not all(verdict.approved for verdict in said.values()):
        return without_a_reason
    silent = [name for name in view.speakers if name not in said and name != reader]
    return [HumanMessage(WITHOUT_A_VERDICT, name=name) for name in silent]
