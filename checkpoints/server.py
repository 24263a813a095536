"""The checkpointer as `langgraph dev` takes it: its threads are kept in a store of yours.

In `langgraph.json`, the store being the variable `ORCHESTRA_DB` of the server's environment:

    "checkpointer": {"path": "langgraph_orchestra.checkpoints.server.checkpointer"}

A graph whose state holds classes of your own needs a function of your own, as long as this one,
that gives them as `types` to `aopen_checkpointer`. Only the checkpoints are kept here: which
threads there are is remembered by the server, in `.langgraph_api` beside its `langgraph.json`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph.checkpoint.base import BaseCheckpointSaver

from langgraph_orchestra.checkpoints.opening import aopen_checkpointer

__all__ = ["checkpointer"]

STORE_VARIABLE = "ORCHESTRA_DB"
DEFAULT_STORE = "sqlite:///orchestra.db"


@asynccontextmanager
async def checkpointer() -> AsyncIterator[BaseCheckpointSaver[str]]:
    """Open the store that `ORCHESTRA_DB` names, `orchestra.db` in the current folder if none.

    Yields:
        The saver, as `aopen_checkpointer` gives it.

    Raises:
        ConfigurationError: If `ORCHESTRA_DB` names no store that is known.
        CheckpointError: If the store cannot be used; the message names it.
    """
    async with aopen_checkpointer(os.environ.get(STORE_VARIABLE, DEFAULT_STORE)) as saver:
        yield saver
