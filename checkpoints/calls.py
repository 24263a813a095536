"""Work on any saver that is written once and done with its sync or its async methods.

It is a generator that yields the calls it wants made, is sent what they return, and returns the
result.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from langgraph.checkpoint.base import BaseCheckpointSaver

__all__ = ["Call", "Work", "ado", "do"]

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """A call of a method of the saver; `list` returns a list."""

    method: str
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()


Work = Generator[Call, Any, T]


def do(saver: BaseCheckpointSaver[Any], work: Work[T]) -> T:
    """Do the work with sync methods."""
    try:
        call = next(work)
        while True:
            try:
                found = getattr(saver, call.method)(*call.arguments, **dict(call.options))
                answer = [*found] if call.method == "list" else found
            except BaseException as error:  # noqa: BLE001  the work may have to clean up
                call = work.throw(error)
            else:
                call = work.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


async def ado(saver: BaseCheckpointSaver[Any], work: Work[T]) -> T:
    """Do the work with async methods."""
    try:
        call = next(work)
        while True:
            try:
                found = getattr(saver, f"a{call.method}")(*call.arguments, **dict(call.options))
                answer = [item async for item in found] if call.method == "list" else await found
            except BaseException as error:  # noqa: BLE001  the work may have to clean up
                call = work.throw(error)
            else:
                call = work.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
