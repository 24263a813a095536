"""A LangSmith client that keeps everything to itself."""

from typing import Any

from langsmith import Client

__all__ = ["SilentClient"]

_NOWHERE = "http://127.0.0.1:9"


class SilentClient(Client):
    """Sends nothing, and needs no key.

    `aevaluate` would send the runs of its targets even where it is told to upload no results.
    """

    def __init__(self) -> None:
        super().__init__(api_url=_NOWHERE, api_key="none", auto_batch_tracing=False)

    def create_run(self, *_: Any, **__: Any) -> None:
        """Do nothing: a run has begun."""

    def update_run(self, *_: Any, **__: Any) -> None:
        """Do nothing: a run has ended."""
