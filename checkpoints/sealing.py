"""Metadata of checkpoints: what is readable in an encrypted file, and how it is searched.

LangGraph encrypts values but not metadata, into which it copies what configs bring: users,
templates, anything in `config["metadata"]`. Here a file with a key has that sealed too. Readable
stays what a store needs to find its way:

- ids of threads, checkpoints, runs and tasks, and with them when each was made;
- names of nodes (in namespaces and task paths) and of channels; step numbers and sources;
- how much there is of everything.

A filter is compared here and never becomes part of a statement: no key or value can be SQL, keys
with dots mean themselves, and sealed metadata is found like any other.
"""

import base64
import json
import sqlite3
from collections.abc import Mapping
from itertools import islice
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.utils import search_where

from langgraph_orchestra.checkpoints.rows import OWN_KEYS, STUB_MARK

__all__ = ["SealingSaver", "find_places"]

SEALED = "__sealed__"
"""Metadata key under which the sealed part stands; no config can bring such a key."""

READABLE = OWN_KEYS | {STUB_MARK}


class SealingSaver(SqliteSaver):
    """The official saver, with metadata as this module has it."""

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, with what its config brings in metadata sealed."""
        if not isinstance(self.serde, EncryptedSerializer):
            return super().put(config, checkpoint, metadata, new_versions)
        sealed = _sealed(get_checkpoint_metadata(config, metadata), self.serde)
        # Only the place, so that what was sealed is not taken from the config once more.
        place = {
            name: value
            for name, value in config["configurable"].items()
            if name in ("thread_id", "checkpoint_ns", "checkpoint_id")
        }
        return super().put({"configurable": place}, checkpoint, sealed, new_versions)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Get a checkpoint, with its whole metadata."""
        found = super().get_tuple(config)
        if found is None:
            return None
        return found._replace(metadata=_unsealed(found.metadata, self.serde))


def find_places(
    cursor: sqlite3.Cursor,
    serde: SerializerProtocol,
    config: RunnableConfig | None,
    metadata: Mapping[str, Any] | None,
    before: RunnableConfig | None,
    limit: int | None,
) -> list[RunnableConfig]:
    """Find checkpoints without reading their values, newest first, without our stubs.

    Args:
        cursor: For reading.
        serde: Serializer of the file's values.
        config: As for a saver's `list`.
        metadata: What the metadata must equal, as a saver's `filter`.
        before: As for a saver's `list`.
        limit: As for a saver's `list`.
    """
    where, values = search_where(config, None, before)
    rows = cursor.execute(
        f"SELECT thread_id, checkpoint_ns, checkpoint_id, metadata FROM checkpoints {where}"  # noqa: S608
        " ORDER BY checkpoint_id DESC",
        values,
    )
    found = (
        {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id_}}
        for thread, ns, id_, text in rows
        if _matches(json.loads(text) if text else {}, metadata or {}, serde)
    )
    # As in SQLite, a negative limit is none.
    stop = None if limit is None or limit < 0 else limit
    return cast("list[RunnableConfig]", [*islice(found, stop)])


def _matches(stored: Any, wanted: Mapping[str, Any], serde: SerializerProtocol) -> bool:
    if STUB_MARK in stored:
        return False
    whole = _unsealed(stored, serde) if wanted else {}
    return all(whole.get(key) == value for key, value in wanted.items())


def _sealed(metadata: CheckpointMetadata, serde: SerializerProtocol) -> CheckpointMetadata:
    secret = {key: value for key, value in metadata.items() if key not in READABLE}
    if not secret:
        return metadata
    kind, content = serde.dumps_typed(secret)
    readable = {key: value for key, value in metadata.items() if key in READABLE}
    sealed = {**readable, SEALED: [kind, base64.b64encode(content).decode()]}
    return cast("CheckpointMetadata", sealed)


def _unsealed(metadata: CheckpointMetadata, serde: SerializerProtocol) -> CheckpointMetadata:
    whole: dict[str, Any] = dict(metadata)
    if SEALED in whole:
        kind, content = whole.pop(SEALED)
        whole |= serde.loads_typed((kind, base64.b64decode(content)))
    return cast("CheckpointMetadata", whole)
