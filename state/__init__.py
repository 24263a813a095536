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
from langgraph_orchestra.state.records import (
    Failure,
    Result,
    Stop,
    StopReason,
    Turn,
    TurnKind,
    TurnOutcome,
    Votes,
)
from langgraph_orchestra.state.reducers import (
    append_messages,
    append_turns,
    merge_branches,
    merge_results,
)
from langgraph_orchestra.state.schemas import (
    BOOKKEEPING,
    ConcurrentState,
    MapReduceState,
    OrchestrationState,
    RunInfo,
    SequentialState,
)

__all__ = [
    "BOOKKEEPING",
    "AnswerError",
    "CheckpointError",
    "ConcurrentState",
    "ConfigurationError",
    "DecisionError",
    "Failure",
    "InputError",
    "MapReduceState",
    "NotEnoughResultsError",
    "OrchestrationContext",
    "OrchestrationError",
    "OrchestrationState",
    "Result",
    "RunInfo",
    "ScriptExhaustedError",
    "SequentialState",
    "Stop",
    "StopReason",
    "Turn",
    "TurnKind",
    "TurnOutcome",
    "Votes",
    "append_messages",
    "append_turns",
    "merge_branches",
    "merge_results",
]
