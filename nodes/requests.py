"""What a person is asked: one shape for every kind of request.

It is the shape that LangChain's middleware and Agent Chat UI know, with keys of ours beside it.
"""

from collections.abc import Mapping
from typing import Any, Literal

from langgraph_orchestra.nodes.answers import Answer
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.nodes.work import Work

__all__ = ["RequestKind", "request_from"]

RequestKind = Literal[
    "answer", "review_draft", "plan_review", "choose_speaker", "observe", "escalation"
]
"""What a request is about; it is the name of its action. Where a participant's instruction is to be
approved, the action has the participant's name instead, as a tool's has the tool's."""


def request_from(
    kind: RequestKind | str,
    args: Mapping[str, Any],
    description: str,
    answers: type[Answer],
    work: Work,
    scene: Scene,
) -> dict[str, Any]:
    """An interrupt's value.

    Args:
        kind: What it is about; a participant's name where their instruction is approved.
        args: What a program reads of it.
        description: What a person reads.
        answers: What may be answered.
        work: The turn or decision it belongs to; its name is that of who asks.
        scene: The graph.
    """
    return {
        "action_requests": [{"name": kind, "args": dict(args), "description": description}],
        "review_configs": [{"action_name": kind, "allowed_decisions": list(answers.allowed)}],
        "pattern": scene.pattern,
        "node": work.name,
        "path": work.execution.path(work.name),
        "thread_task": work.view.whole_task,
    }
