"""How values become bytes and back: our records and the user's types, and nothing else.

A checkpoint names the classes of its values, and whoever reads it imports and calls them. So only
known ones are rebuilt: LangGraph's safe types (messages, dates, sets ...), the records of
`langgraph_orchestra.state`, and the types given by the caller.

LangGraph itself turns any other value into a plain dict and writes one log line, after which a
node meets a dict where it put a model. Here that is a `CheckpointError` that names the type and
the remedy. Functions that only look at a thread (`threads`, `history`) read on, with such
values as plain data: a tool cannot know the types of every program.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langgraph_orchestra import state
from langgraph_orchestra.state import CheckpointError, ConfigurationError
from langgraph_orchestra.state.types import is_data_type, with_members

__all__ = ["RecordSerializer", "looking_only", "open_serializer"]

KEY_VARIABLE = "LANGGRAPH_AES_KEY"
KEY_SIZES = (16, 24, 32)

_refused: ContextVar[set[str] | None] = ContextVar("refused", default=None)
_looking: ContextVar[bool] = ContextVar("looking", default=False)


def open_serializer(*, key: bytes | str | None, types: Iterable[type]) -> SerializerProtocol:
    """Make the serializer of a checkpointer.

    Args:
        key: AES key of 16, 24 or 32 bytes; None means `LANGGRAPH_AES_KEY`, or no encryption if
            that is not set either.
        types: Classes of the user's that the state holds, besides our records.

    Returns:
        A `RecordSerializer`, wrapped in LangGraph's `EncryptedSerializer` if there is a key.

    Raises:
        ConfigurationError: If the key has another size, `pycryptodome` is not installed, or a
            type cannot be found again by its name.
        TypeError: If `types` is not a sequence of classes.
    """
    records = RecordSerializer(
        allowed_msgpack_modules=with_members([*_exported_records(), *_checked_types(types)])
    )
    if key is None and KEY_VARIABLE not in os.environ:
        return records
    return _encrypted(records, os.environ[KEY_VARIABLE] if key is None else key)


class RecordSerializer(JsonPlusSerializer):
    """LangGraph's serializer, with an error where a value's type is not known."""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Rebuild a value.

        Raises:
            CheckpointError: If it holds a type that is not known, unless `looking_only`.
        """
        refused: set[str] = set()
        token = _refused.set(refused)
        try:
            value = super().loads_typed(data)
        finally:
            _refused.reset(token)
        if refused and not _looking.get():
            raise CheckpointError(_unknown_types(sorted(refused)))
        return value


@contextmanager
def looking_only() -> Iterator[None]:
    """Read values of unknown types as plain data in this block, instead of raising."""
    token = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(token)


def _note_refusal(event: SerdeEvent) -> None:
    refused = _refused.get()
    if refused is not None and event["kind"] in ("msgpack_blocked", "msgpack_method_blocked"):
        refused.add(f"{event['module']}.{event['name']}")


register_serde_event_listener(_note_refusal)


def _unknown_types(names: list[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    example = ", ".join(name.rpartition(".")[2] for name in names)
    return (
        f"a checkpoint holds {listed}, which this checkpointer was not told about; "
        f"open it with `types=({example},)`"
    )


def _encrypted(serializer: JsonPlusSerializer, key: bytes | str) -> EncryptedSerializer:
    if not isinstance(key, bytes | str):
        raise TypeError(f"`key` is bytes or str, not {type(key).__name__}")
    secret = key.encode() if isinstance(key, str) else key
    if len(secret) not in KEY_SIZES:
        raise ConfigurationError(
            f"an AES key (`key`, or the variable `{KEY_VARIABLE}`) has 16, 24 or 32 bytes, "
            f"not {len(secret)}"
        )
    try:
        return EncryptedSerializer.from_pycryptodome_aes(serializer, key=secret)
    except ImportError as error:
        raise ConfigurationError(
            "encrypted checkpoints need the package `pycryptodome`: "
            "install `langgraph-orchestra[encryption]`"
        ) from error


def _exported_records() -> Iterator[type]:
    exported = (getattr(state, name) for name in state.__all__)
    return (item for item in exported if is_data_type(item))


def _checked_types(types: Iterable[type]) -> list[type]:
    if isinstance(types, type):
        raise TypeError(f"`types` is a sequence of classes: `types=({types.__name__},)`")
    checked = list(types)
    for item in checked:
        if not isinstance(item, type):
            raise TypeError(f"`types` holds classes, not `{item!r}`")
        if item.__qualname__ != item.__name__:
            raise ConfigurationError(
                f"`{item.__qualname__}` cannot be restored from a checkpoint, which stores only "
                "module and name; define it at the top level of its module"
            )
    return checked
