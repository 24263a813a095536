"""What a checker's answer means: a `Verdict`, whatever kind of participant has given it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage
from pydantic import ValidationError

from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.member import Member, ParticipantLike
from langgraph_orchestra.nodes.participant import Reply
from langgraph_orchestra.nodes.turn import Taken
from langgraph_orchestra.state import ConfigurationError, Verdict

__all__ = ["asked_for_verdict", "feedback_in", "verdict_in", "without_keyword"]


def asked_for_verdict(given: ParticipantLike, approve_on: str | None) -> ParticipantLike:
    """A checker as it takes part: an agent is asked for a `Verdict`, unless a keyword approves.

    Raises:
        ConfigurationError: An agent answers in another type, or in one beside a keyword.
    """
    if isinstance(given, Member):
        return replace(given, participant=asked_for_verdict(given.participant, approve_on))
    if not isinstance(given, Agent):
        return given
    if approve_on is not None and given.output is not None:
        raise ConfigurationError(
            f"checker `{given.name}` has an `output`, but `approve_on` looks for a keyword in its "
            f"text; leave one of them out"
        )
    if given.output is not None and not issubclass(given.output, Verdict):
        raise ConfigurationError(
            f"`output` of checker `{given.name}` is `{given.output.__name__}`; a checker answers "
            f"with a `Verdict` or a subclass of it: leave `output` out, or subclass `Verdict`"
        )
    return given if approve_on is not None else replace(given, output=given.output or Verdict)


def verdict_in(checker: str, reply: Reply, approve_on: str | None) -> Verdict:
    """The verdict that a checker has given.

    A text approves only by the keyword; without one, it is feedback.

    Args:
        checker: Name of the checker.
        reply: What it has answered.
        approve_on: The keyword that approves; None is none.

    Raises:
        ConfigurationError: The answer is nothing that judges.
    """
    if reply.decision in ("approve", "edit"):
        return Verdict(approved=True)
    if reply.decision == "reject":
        return Verdict(approved=False, feedback="\n\n".join(m.text for m in reply.messages))
    output = reply.output
    if isinstance(output, Verdict):
        return output
    if isinstance(output, bool):
        return Verdict(approved=output)
    if isinstance(output, str):
        text = without_keyword(output, approve_on) if approve_on else None
        return Verdict(approved=text is not None, feedback=output if text is None else text)
    if isinstance(output, Mapping):
        try:
            return Verdict.model_validate(dict(output))
        except ValidationError as invalid:
            raise _no_verdict(checker, output) from invalid
    raise _no_verdict(checker, output)


def without_keyword(text: str, keyword: str) -> str | None:
    """A text without the line that approves; None if none does.

    The first or last line that is not blank approves if it is the keyword, in the same case;
    punctuation and marks such as `**` around it do not matter.
    """
    lines = text.strip().splitlines()
    for place in (0, -1):
        if lines and _bare(lines[place]) == _bare(keyword):
            del lines[place]
            return "\n".join(lines).strip()
    return None


def feedback_in(taken: Taken, verdict: Verdict, name: str) -> Sequence[AnyMessage]:
    """What the thread keeps of a check: the feedback, after the tools that were used for it.

    A person's own words stay as they are.
    """
    *before, answer = taken.reply.messages or (None,)
    if answer is None or answer.type == "human":
        return taken.reply.messages
    if not verdict.feedback.strip():
        return before
    if answer.text == verdict.feedback:
        return taken.reply.messages
    return [*before, AIMessage(verdict.feedback, name=name, id=answer.id)]


def _bare(line: str) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", line)


def _no_verdict(checker: str, output: Any) -> ConfigurationError:
    return ConfigurationError(
        f"checker `{checker}` answered {output!r}; it answers with a `Verdict`, a bool, or a text "
        f"(which is feedback, unless `approve_on` names the keyword that approves)"
    )
