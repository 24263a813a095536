"""Threads that belong to somebody: nobody else reads, resumes, lists, forks or deletes them.

    with open_checkpointer("runs.db") as saver:
        app = graph.compile(checkpointer=OwnedThreads(saver))
        app.invoke(task, {"configurable": {"thread_id": "1", "owner": "ann"}})

The owner stands in the metadata of each checkpoint, where LangGraph copies what `configurable`
holds. Use it where thread ids come from outside, and the owner from who has proved to be it. The
saver inside knows no owners: it is for whoever looks after all threads. Who runs one through it
names its owner too: by its newest checkpoint a thread is somebody's, and without one everybody's.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    get_checkpoint_id,
)

from langgraph_orchestra.checkpoints.calls import Call, Work, ado, do
from langgraph_orchestra.state import CheckpointError, ConfigurationError

__all__ = ["OWNER", "OwnedThreads"]

OWNER = "owner"
"""Key of `configurable`, and so of metadata, that names the owner."""


class OwnedThreads(BaseCheckpointSaver[Any]):
    """A view of a saver in which threads are their owners' alone.

    The first who saves under a name makes a thread theirs. A thread without an owner is
    everybody's. Each run reads its thread before it writes, and is refused there.

    Args:
        saver: Any checkpointer.
        owner: Who calls where `configurable` names nobody, as with `history(view, thread_id)`;
            None means nobody.

    Raises:
        ConfigurationError: If the owner is an empty text.
        TypeError: If it is no text.
    """

    def __init__(self, saver: BaseCheckpointSaver[Any], owner: str | None = None) -> None:
        super().__init__(serde=saver.serde)
        self._saver = saver
        self._owner = None if owner is None else _checked(owner)

    @property
    def config_specs(self) -> list[Any]:
        """Those of the saver inside."""
        return self._saver.config_specs

    def get_next_version(self, current: Any, channel: None = None) -> Any:
        """That of the saver inside."""
        return self._saver.get_next_version(current, channel)

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> "OwnedThreads":
        """The same view of the saver inside with more types, as `compile` asks for it."""
        return OwnedThreads(self._saver.with_allowlist(extra_allowlist), self._owner)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Get a checkpoint.

        Raises:
            CheckpointError: If it is another's.
        """
        return do(self._saver, self._get_tuple(config))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Get a checkpoint, as `get_tuple` does."""
        return await ado(self._saver, self._get_tuple(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """List checkpoints: of a thread, or of all that are not another's.

        Raises:
            CheckpointError: If it is another's thread.
        """
        return iter(do(self._saver, self._list(config, filter, before, limit)))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """List checkpoints, as `list` does."""
        for found in await ado(self._saver, self._list(config, filter, before, limit)):
            yield found

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint as the caller's."""
        owner = self._caller(config)
        saved = self._saver.put(_saving(config, owner), checkpoint, metadata, new_versions)
        return _named(saved, owner)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, as `put` does."""
        owner = self._caller(config)
        saved = await self._saver.aput(_saving(config, owner), checkpoint, metadata, new_versions)
        return _named(saved, owner)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task has written."""
        self._saver.put_writes(config, writes, task_id, task_path)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task has written."""
        await self._saver.aput_writes(config, writes, task_id, task_path)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Get what `DeltaChannel`s are put together from.

        Raises:
            CheckpointError: If it is another's thread.
        """
        return do(self._saver, self._get_delta_channel_history(config, channels))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Get what `DeltaChannel`s are put together from, as `get_delta_channel_history` does."""
        return await ado(self._saver, self._get_delta_channel_history(config, channels))

    def delete_thread(self, thread_id: str) -> None:
        """Delete a thread.

        Raises:
            CheckpointError: If it is another's.
        """
        do(self._saver, self._changing("delete_thread", [thread_id], thread_id))

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete a thread, as `delete_thread` does."""
        await ado(self._saver, self._changing("delete_thread", [thread_id], thread_id))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread, if the saver inside can.

        Raises:
            CheckpointError: If it is another's.
        """
        both = (source_thread_id, target_thread_id)
        do(self._saver, self._changing("copy_thread", both, *both))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread, as `copy_thread` does."""
        both = (source_thread_id, target_thread_id)
        await ado(self._saver, self._changing("copy_thread", both, *both))

    def prune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest", **options: Any
    ) -> None:
        """Prune threads, if the saver inside can.

        Raises:
            CheckpointError: If one is another's; then none is pruned.
        """
        how = {"strategy": strategy, **options}
        do(self._saver, self._changing("prune", thread_ids, thread_ids, **how))

    async def aprune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest", **options: Any
    ) -> None:
        """Prune threads, as `prune` does."""
        how = {"strategy": strategy, **options}
        await ado(self._saver, self._changing("prune", thread_ids, thread_ids, **how))

    def _get_tuple(self, config: RunnableConfig) -> Work[CheckpointTuple | None]:
        found = yield Call("get_tuple", (config,))
        if not _asks_for_newest(config) and (found is None or _owner_of(found) is None):
            # It may be of the time before the thread had an owner, or nothing that is there: but
            # whoever is told so begins anew in the thread, which would then be theirs.
            yield from self._check([config["configurable"]["thread_id"]], self._caller(config))
        return None if found is None else self._seen(found, self._caller(config))

    def _list(
        self,
        config: RunnableConfig | None,
        metadata: dict[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> Work[Sequence[CheckpointTuple]]:
        options = (("filter", metadata), ("before", before))
        if config is None:
            found = yield Call("list", (None,), options)
            mine = yield from self._mine(found, limit)
            return [self._seen(item, self._owner) for item in mine]
        yield from self._check([config["configurable"]["thread_id"]], self._caller(config))
        found = yield Call("list", (config,), (*options, ("limit", limit)))
        return [self._seen(item, self._caller(config)) for item in found]

    def _mine(
        self, found: Sequence[CheckpointTuple], limit: int | None
    ) -> Work[Sequence[CheckpointTuple]]:
        """The first of the checkpoints whose threads are nobody else's."""
        owners: dict[str, Any] = {}
        mine: list[CheckpointTuple] = []
        for item in found:
            if len(mine) == limit:
                break
            owner = _owner_of(item)
            if owner is None:
                # It may be of the time before the thread had an owner.
                thread_id = item.config["configurable"]["thread_id"]
                if thread_id not in owners:
                    newest = yield Call("get_tuple", (_newest_of(thread_id),))
                    owners[thread_id] = newest and _owner_of(newest)
                owner = owners[thread_id]
            if owner in (None, self._owner):
                mine.append(item)
        return mine

    def _get_delta_channel_history(
        self, config: RunnableConfig, channels: Sequence[str]
    ) -> Work[Mapping[str, DeltaChannelHistory]]:
        yield from self._get_tuple(config)
        histories: Mapping[str, DeltaChannelHistory] = yield Call(
            "get_delta_channel_history", (), (("config", config), ("channels", channels))
        )
        return histories

    def _changing(
        self, method: str, thread_ids: Sequence[str], *arguments: Any, **options: Any
    ) -> Work[None]:
        yield from self._check(thread_ids, self._owner)
        yield Call(method, arguments, tuple(options.items()))

    def _check(self, thread_ids: Sequence[str], owner: str | None) -> Work[None]:
        for thread_id in thread_ids:
            newest = yield Call("get_tuple", (_newest_of(thread_id),))
            if newest is not None:
                self._seen(newest, owner)

    def _seen(self, found: CheckpointTuple, caller: str | None) -> CheckpointTuple:
        """The checkpoint, if the caller may see it, with configs that name the caller."""
        if _owner_of(found) not in (None, caller):
            thread_id = found.config["configurable"]["thread_id"]
            raise CheckpointError(
                f"thread `{thread_id}` belongs to another owner"
                if caller is not None
                else f"thread `{thread_id}` belongs to an owner: name who calls, as "
                f"`configurable={{'{OWNER}': ...}}` or `OwnedThreads(saver, owner)`"
            )
        parent = found.parent_config
        return found._replace(
            config=_named(found.config, caller),
            parent_config=None if parent is None else _named(parent, caller),
        )

    def _caller(self, config: RunnableConfig) -> str | None:
        named = config["configurable"].get(OWNER)
        return self._owner if named is None else _checked(named)


def _newest_of(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}


def _asks_for_newest(config: RunnableConfig) -> bool:
    """Whether it names no checkpoint, and no namespace of a nested graph."""
    return not get_checkpoint_id(config) and not config["configurable"].get("checkpoint_ns")


def _owner_of(found: CheckpointTuple) -> Any:
    return dict(found.metadata).get(OWNER)


def _named(config: RunnableConfig, owner: str | None) -> RunnableConfig:
    if owner is None:
        return config
    return {**config, "configurable": {**config["configurable"], OWNER: owner}}


def _saving(config: RunnableConfig, owner: str | None) -> RunnableConfig:
    """The config under which is saved: an `owner` that its own metadata has means something else.

    It would be saved in place of who calls.
    """
    metadata = {key: value for key, value in config.get("metadata", {}).items() if key != OWNER}
    return {**_named(config, owner), "metadata": metadata}


def _checked(owner: Any) -> str:
    if not isinstance(owner, str):
        raise TypeError(f"`{OWNER}` is a text, not `{owner!r}`")
    if not owner:
        raise ConfigurationError(f"`{OWNER}` is empty; leave it out for nobody")
    return owner
