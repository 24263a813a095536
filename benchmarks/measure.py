"""How things are measured: medians of repetitions that alternate between the two compared.

So a machine that is busy slows both. The model is a LangChain fake that answers at once with 400
characters.
"""

import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage

ANSWER = "x" * 400
PROMPT = "You are an agent."
TASK = {"messages": [("user", "The task.")]}


class Mark(NamedTuple):
    """One measurement."""

    what: str
    ours: str
    theirs: str
    ratio: float
    at_most: float

    @property
    def met(self) -> bool:
        """Whether it is within its budget."""
        return self.ratio <= self.at_most


def fake() -> FakeListChatModel:
    """A model that answers at once."""
    return FakeListChatModel(responses=[ANSWER])


def named(name: str, answer: AIMessage) -> AIMessage:
    """An answer under its speaker's name, as hand-written graphs give it."""
    return answer.model_copy(update={"name": name})


def thread(number: int) -> dict[str, Any]:
    """Configuration of a saved thread."""
    return {"configurable": {"thread_id": str(number)}}


def per_piece(what: str, ours: float, theirs: float, at_most: float, *, pieces: int) -> Mark:
    """Two times in seconds, as milliseconds for each step or turn."""
    shown = [f"{seconds / pieces * 1e3:.3f} ms" for seconds in (ours, theirs)]
    return Mark(what, shown[0], shown[1], ours / theirs, at_most)


def alternate(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int
) -> tuple[float, float]:
    """Medians of both, in seconds."""
    for call in (ours, theirs) * 3:
        call()
    gc.collect()
    pairs = [(_timed(ours), _timed(theirs)) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


async def aalternate(
    ours: Callable[[], Awaitable[Any]], theirs: Callable[[], Awaitable[Any]], rounds: int
) -> tuple[float, float]:
    """The same in an event loop."""
    for call in (ours, theirs) * 3:
        await call()
    gc.collect()
    pairs = [(await _atimed(ours), await _atimed(theirs)) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def median(call: Callable[[], Any], rounds: int) -> float:
    """Median of one thing alone, in seconds."""
    call()
    return statistics.median(_timed(call) for _ in range(rounds))


async def amedian(call: Callable[[], Awaitable[Any]], rounds: int) -> float:
    """The same in an event loop."""
    await call()
    return statistics.median([await _atimed(call) for _ in range(rounds)])


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


async def _atimed(call: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began
