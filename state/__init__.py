"""Typed schemas, records, reducers and errors; no I/O, and nothing of ours is imported here."""

from langgraph_orchestra.state.context import OrchestrationContext
from langgraph_orchestra.state.errors import (
    AnswerError,
    CheckpointError,
    ConfigurationError,
    DecisionError,
    InputError,
    NotEnoughResultsError,
    OrchestrationError,
    ScriptExhaustedError,
)

__all__ = [
    "AnswerError",
    "CheckpointError",
    "ConfigurationError",
    "DecisionError",
    "InputError",
    "NotEnoughResultsError",
    "OrchestrationContext",
    "OrchestrationError",
    "ScriptExhaustedError",
]
