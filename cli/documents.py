"""What `--json` prints: one document, on standard output."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from langgraph_orchestra.checkpoints import ThreadInfo
from langgraph_orchestra.cli.thread import Standing
from langgraph_orchestra.cli.upkeep import Fork, Pruned, Step
from langgraph_orchestra.cli.wording import speaker_of

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.templates import Template

_RECORDS = (
    *("results", "votes"),
    *("drafts", "rounds", "verdicts"),
    *("active", "handoffs"),
    *("task_ledgers", "progress_ledgers", "stalls", "resets"),
    "plan",
)
"""Keys of a pattern's own in which a run tells what it has done."""

__all__ = [
    "fork_document",
    "pruning_document",
    "run_document",
    "step_document",
    "template_document",
    "thread_document",
    "thread_info_document",
    "write_json",
]


def write_json(document: Any) -> None:
    """Print a document."""
    text = to_json(document, indent=2, fallback=str, inf_nan_mode="null").decode()
    sys.stdout.write(f"{text}\n")


def template_document(template: "Template") -> Mapping[str, Any]:
    """A template in a list."""
    return {name: getattr(template, name) for name in ("name", "pattern", "summary", "example")}


def thread_info_document(info: ThreadInfo, template: str) -> Mapping[str, Any]:
    """A thread in a list."""
    return {
        "thread": info.thread_id,
        "template": template,
        "status": info.status,
        "checkpoints": info.checkpoints,
        "updated_at": info.updated_at,
    }


def step_document(step: Step) -> Mapping[str, Any]:
    """A step of a thread in a list."""
    return {
        "checkpoint": step.checkpoint_id,
        "step": step.number,
        "made_at": step.made_at,
        "next": step.due,
        "asks": step.asks,
    }


def fork_document(made: Fork) -> Mapping[str, Any]:
    """A new thread, and where it begins."""
    return {"thread": made.thread_id, "of": made.source, "at": step_document(made.step)}


def pruning_document(done: Pruned) -> Mapping[str, Any]:
    """What pruning has dropped."""
    return {
        "threads": done.threads,
        "checkpoints_before": done.before,
        "checkpoints_after": done.after,
        "bytes": done.size,
    }


def run_document(standing: Standing, *, error: str | None = None) -> Mapping[str, Any]:
    """A thread's latest run.

    Args:
        standing: How the thread stands.
        error: What was raised, where the run failed.
    """
    return {
        **_naming(standing),
        "output": standing.output,
        "stop": standing.stop,
        "trail": standing.view.trail,
        **_records(standing),
        "interrupts": _interrupts(standing),
        "error": error,
    }


def thread_document(standing: Standing) -> Mapping[str, Any]:
    """All of a thread."""
    return {
        **_naming(standing),
        "messages": [
            {
                "speaker": speaker_of(message),
                "type": message.type,
                "text": message.text,
                "tool_calls": getattr(message, "tool_calls", []),
            }
            for message in standing.view.messages
        ],
        "output": standing.output,
        "stop": standing.stop,
        "trail": standing.values.get("trail", []),
        **_records(standing),
        "interrupts": _interrupts(standing),
    }


def _naming(standing: Standing) -> Mapping[str, Any]:
    return {
        "thread": standing.thread_id,
        "template": standing.template,
        "pattern": standing.pattern,
        "status": standing.status,
    }


def _records(standing: Standing) -> Mapping[str, Any]:
    """What the pattern has written down, under the names of its state."""
    return {key: standing.values[key] for key in _RECORDS if key in standing.values}


def _interrupts(standing: Standing) -> Sequence[Mapping[str, Any]]:
    return [
        {"id": request.id, "node": request.node, "value": request.value}
        for request in standing.requests
    ]
