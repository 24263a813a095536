"""What a run takes: model calls, tokens, cost and time, whether a pattern of ours runs or not."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from langgraph_orchestra.reports.recording import recording_of
from langgraph_orchestra.reports.usage import usage_in_all

__all__ = ["Measure", "ModelCalls", "measuring"]


@dataclass
class Measure:
    """What one run has taken."""

    model_calls: int = 0
    """How often a model was asked, failed attempts included."""

    input_tokens: int = 0
    output_tokens: int = 0

    cost: float | None = None
    """In USD, as the trail has it; None if no price is known, or nothing was returned."""

    seconds: float = 0.0
    """From the beginning to the end."""

    error: str = ""
    """What was raised, in a line; empty if nothing was."""


class ModelCalls(BaseCallbackHandler):
    """Counts the calls of models in a run, and their tokens, wherever in it they are made."""

    run_inline = True

    def __init__(self) -> None:
        self.calls = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self._lock = Lock()

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        """A chat model is asked."""
        with self._lock:
            self.calls += 1

    def on_llm_start(self, *_: Any, **__: Any) -> None:
        """A model of texts is asked."""
        with self._lock:
            self.calls += 1

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """A model has answered."""
        for usage in _usages(response):
            with self._lock:
                self.input_tokens += usage.get("input_tokens", 0)
                self.output_tokens += usage.get("output_tokens", 0)


@contextmanager
def measuring(calls: ModelCalls, keep: Callable[[Measure], None]) -> Iterator[Callable[[Any], Any]]:
    """Measure what runs inside, whether it ends well or not.

    Args:
        calls: Counts the run's model calls: one of its callbacks.
        keep: Is given what was measured.

    Yields:
        What is to be given the run's result, and gives it back.
    """
    measure, began = Measure(), time.perf_counter()

    def ended(result: Any) -> Any:
        if isinstance(result, Mapping):
            measure.cost = usage_in_all(recording_of(result).trail).cost
        return result

    try:
        yield ended
    except Exception as error:
        measure.error = f"{type(error).__name__}: {error}"
        raise
    finally:
        measure.seconds = time.perf_counter() - began
        measure.model_calls = calls.calls
        measure.input_tokens = calls.input_tokens
        measure.output_tokens = calls.output_tokens
        keep(measure)


def _usages(response: LLMResult) -> Iterator[Mapping[str, Any]]:
    for generation in (one for several in response.generations for one in several):
        if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
            yield generation.message.usage_metadata or {}
