"""`as_tool`: any participant as a tool of an agent.

Use it where an agent itself is to decide when another is asked, and goes on with the answer. Do not
use it to pass the whole conversation on (`create_handoff`), or where the order is known.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from langgraph_orchestra.nodes.member import Member, ParticipantLike

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["as_tool"]


def as_tool(
    participant: ParticipantLike, *, name: str | None = None, description: str | None = None
) -> "BaseTool":
    """Make a LangChain tool of a participant; its one argument is `task`, a text.

    In an `Agent` of a pattern, what the participant does stands in the trail under the agent's
    path (`agent/participant`), its interrupts surface on the outermost run, the run's limits hold
    inside, and it shares the pattern's custom keys. In an agent built elsewhere it only answers.

    If the participant fails, its exception goes through the calling agent, as with any other tool,
    and that agent's policy decides what becomes of it. With `Policy(on_failure="record")` of the
    participant, the agent is told of the failure instead, and goes on.

    Args:
        participant: An `Agent`, a person, a function, a compiled graph or pattern, or a `Member`
            with settings for one of these.
        name: The tool's name; None is the participant's.
        description: What the calling model is told of it; None is the participant's own.

    Raises:
        TypeError: It is nothing that can take part.
        ConfigurationError: The name cannot be used.
    """
    # Loading LangGraph's tools takes a while, so that is done only where somebody needs them.
    from langgraph_orchestra.nodes.participant_tool import ParticipantTool, alone

    if not isinstance(description, str | None):
        raise TypeError(f"`description` of a tool is a str or None, not {description!r}")
    member = participant if isinstance(participant, Member) else Member(participant)
    member = replace(member, name=name or member.name)
    return ParticipantTool.of(member, description or "", alone())
