"""Where threads are saved: one call opens a checkpointer, a few functions look into any of them.

Use `open_checkpointer` (or `aopen_checkpointer`) for a thread that survives the process:
`memory://` for tests and notebooks, a SQLite file for one machine.

    URL --> open_checkpointer --> saver --> graph.compile(checkpointer=saver)
                                    |
                                    +-----> threads, history, fork
"""

from langgraph_orchestra.checkpoints.forking import afork, fork
from langgraph_orchestra.checkpoints.opening import aopen_checkpointer, open_checkpointer
from langgraph_orchestra.checkpoints.owners import OwnedThreads
from langgraph_orchestra.checkpoints.sqlite import OrchestraSqliteSaver
from langgraph_orchestra.checkpoints.threads import (
    ThreadInfo,
    ThreadStatus,
    ahistory,
    athreads,
    history,
    threads,
)

__all__ = [
    "OrchestraSqliteSaver",
    "OwnedThreads",
    "ThreadInfo",
    "ThreadStatus",
    "afork",
    "ahistory",
    "aopen_checkpointer",
    "athreads",
    "fork",
    "history",
    "open_checkpointer",
    "threads",
]
