"""Copying, pruning and deleting threads in the tables of `langgraph-checkpoint-postgres`.

A key on a `DeltaChannel` has its value in few checkpoints; elsewhere it is put together from what
was written since. So the way back to such a value is kept with every checkpoint that is kept: its
ancestors and their writes, up to where each of those keys is stored.

    chosen checkpoint --> parent --> parent --> one that holds the values; what is older goes
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

from langgraph.checkpoint.serde.types import TASKS
from psycopg import Connection
from psycopg.rows import DictRow

from langgraph_orchestra.checkpoints.pruning import Pruning
from langgraph_orchestra.state import CheckpointError

__all__ = ["chooser", "copy_thread", "delete_runs", "delete_threads", "prune_thread"]

FIND_THREAD = "SELECT 1 FROM checkpoints WHERE thread_id = %s LIMIT 1"

FIND_THREADS_OF_RUNS = """
SELECT DISTINCT thread_id FROM checkpoints WHERE metadata ->> 'run_id' = ANY(%s) ORDER BY thread_id
"""

FIND_CHECKPOINTS = """
WITH delta AS (
    SELECT DISTINCT jsonb_object_keys(metadata -> 'counters_since_delta_snapshot') AS key
    FROM checkpoints WHERE thread_id = %(thread)s
)
SELECT
    c.checkpoint_ns,
    c.checkpoint_id,
    c.parent_checkpoint_id,
    c.checkpoint ->> 'ts' AS made,
    (c.checkpoint ->> 'v')::int < 4 AND EXISTS (
        SELECT 1 FROM checkpoint_writes w
        WHERE w.thread_id = c.thread_id
        AND w.checkpoint_ns = c.checkpoint_ns
        AND w.checkpoint_id = c.parent_checkpoint_id
        AND w.channel = %(sends)s
    ) AS needs_parent,
    c.metadata -> 'parents' ->> '' AS root,
    c.metadata ->> 'run_id' AS run,
    c.metadata ? 'delta_writes_versioned' AS by_langgraph_js,
    ARRAY(
        SELECT delta.key FROM delta
        WHERE c.checkpoint -> 'channel_versions' ? delta.key
        AND coalesce(c.checkpoint -> 'channel_values' -> delta.key, 'null') = 'null'
        AND NOT EXISTS (
            SELECT 1 FROM checkpoint_blobs b
            WHERE b.thread_id = c.thread_id
            AND b.checkpoint_ns = c.checkpoint_ns
            AND b.channel = delta.key
            AND b.version = c.checkpoint -> 'channel_versions' ->> delta.key
            AND b.type <> 'empty'
        )
    ) AS open
FROM checkpoints c
WHERE c.thread_id = %(thread)s
ORDER BY c.checkpoint_id DESC
"""

DELETE_THREADS: tuple[LiteralString, ...] = (
    "DELETE FROM checkpoints WHERE thread_id = ANY(%s)",
    "DELETE FROM checkpoint_blobs WHERE thread_id = ANY(%s)",
    "DELETE FROM checkpoint_writes WHERE thread_id = ANY(%s)",
)

# What a deleted checkpoint used and no other does. `EXCEPT` takes both lists once; a join would
# be planned for few rows, and take for ever with the many that are worth pruning.
DELETE_CHECKPOINTS: tuple[LiteralString, ...] = (
    """
WITH gone AS (
    SELECT * FROM unnest(%(namespaces)s::text[], %(ids)s::text[]) AS g(checkpoint_ns, checkpoint_id)
), versions AS (
    SELECT c.checkpoint_ns, v.key, v.value,
        (c.checkpoint_ns, c.checkpoint_id) IN (SELECT * FROM gone) AS is_gone
    FROM checkpoints c
    CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') AS v
    WHERE c.thread_id = %(thread)s
), garbage AS (
    SELECT checkpoint_ns, key, value FROM versions WHERE is_gone
    EXCEPT
    SELECT checkpoint_ns, key, value FROM versions WHERE NOT is_gone
)
DELETE FROM checkpoint_blobs b USING garbage
WHERE b.thread_id = %(thread)s
AND b.checkpoint_ns = garbage.checkpoint_ns
AND b.channel = garbage.key
AND b.version = garbage.value
""",
    """
DELETE FROM checkpoint_writes w
USING unnest(%(namespaces)s::text[], %(ids)s::text[]) AS g(checkpoint_ns, checkpoint_id)
WHERE w.thread_id = %(thread)s
AND w.checkpoint_ns = g.checkpoint_ns AND w.checkpoint_id = g.checkpoint_id
""",
    """
DELETE FROM checkpoints c
USING unnest(%(namespaces)s::text[], %(ids)s::text[]) AS g(checkpoint_ns, checkpoint_id)
WHERE c.thread_id = %(thread)s
AND c.checkpoint_ns = g.checkpoint_ns AND c.checkpoint_id = g.checkpoint_id
""",
    """
UPDATE checkpoints c SET parent_checkpoint_id = NULL
FROM unnest(%(namespaces)s::text[], %(ids)s::text[]) AS g(checkpoint_ns, checkpoint_id)
WHERE c.thread_id = %(thread)s
AND c.checkpoint_ns = g.checkpoint_ns AND c.parent_checkpoint_id = g.checkpoint_id
""",
)

# One statement, so that all three tables are seen as they were at one moment.
COPY_THREAD = """
WITH blobs AS (
    INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
    SELECT %(target)s, checkpoint_ns, channel, version, type, blob
    FROM checkpoint_blobs WHERE thread_id = %(source)s
), writes AS (
    INSERT INTO checkpoint_writes (
        thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob
    )
    SELECT
        %(target)s, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob
    FROM checkpoint_writes WHERE thread_id = %(source)s
)
INSERT INTO checkpoints (
    thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata
)
SELECT
    %(target)s, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint,
    CASE WHEN metadata ? 'thread_id'
        THEN jsonb_set(metadata, '{thread_id}', to_jsonb(%(target)s::text)) ELSE metadata END
FROM checkpoints WHERE thread_id = %(source)s
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint as it stands in the database, without its values."""

    namespace: str
    """Empty for the graph itself, else the path of the nested graph."""

    id: str
    """Ids grow with time."""

    parent: str | None
    """Id of the checkpoint before it."""

    made: datetime
    """When it was made."""

    root: str | None
    """Id of the outermost graph's checkpoint from which this nested graph was run."""

    run: str | None
    """Id of the run that made it."""

    open: frozenset[str]
    """Keys whose values are put together from the writes of its ancestors."""

    needs_parent: bool
    """Whether it is so old that it has its `Send`s from its parent."""


Choice = Callable[[list[Stored]], list[Stored]]
"""Chooses from the checkpoints of one namespace, newest first."""

Kept = set[tuple[str, str]]
"""Namespaces and ids of checkpoints."""


def chooser(pruning: Pruning) -> Choice:
    """Give the function that chooses what stays of a namespace, from newest to oldest.

    Args:
        pruning: What shall stay; of `younger_than`, the newest in any case.
    """
    if pruning.age is not None:
        since = datetime.now(UTC) - pruning.age
        return lambda items: [item for item in items if item.made >= since] or items[:1]
    number = {"keep_latest": 1, "keep_last": pruning.keep, "delete": 0}[pruning.strategy]
    return lambda items: items[:number]


def copy_thread(connection: Connection[DictRow], source: str, target: str) -> None:
    """Copy all that is stored of a thread; nothing if there is no such thread.

    Raises:
        ValueError: If there is a thread of the target's name already.
    """
    with connection.transaction():
        _lock(connection, target)
        if connection.execute(FIND_THREAD, [target]).fetchone():
            raise ValueError(f"thread `{target}` is there already; name a new one, or delete it")
        connection.execute(COPY_THREAD, {"source": source, "target": target})


def delete_threads(connection: Connection[DictRow], thread_ids: Sequence[str]) -> None:
    """Delete all that is stored of some threads."""
    with connection.transaction():
        for statement in DELETE_THREADS:
            connection.execute(statement, [thread_ids])


def prune_thread(connection: Connection[DictRow], thread_id: str, choose: Choice) -> None:
    """Delete the checkpoints of a thread but those chosen, and those that they are made from."""
    with connection.transaction():
        _lock(connection, thread_id)
        found = _stored(connection, thread_id)
        _delete(connection, thread_id, found, _with_ancestors(found, _chosen(found, choose)))


def delete_runs(connection: Connection[DictRow], run_ids: Sequence[str]) -> None:
    """Delete the checkpoints of some runs but those that later ones are made from."""
    rows = connection.execute(FIND_THREADS_OF_RUNS, [run_ids]).fetchall()
    for thread_id in (row["thread_id"] for row in rows):
        with connection.transaction():
            _lock(connection, thread_id)
            found = _stored(connection, thread_id)
            others = [item for item in found if item.run not in run_ids]
            _delete(connection, thread_id, found, _with_ancestors(found, others))


def _chosen(found: Sequence[Stored], choose: Choice) -> list[Stored]:
    """What is kept of each namespace for its own sake."""
    namespaces: dict[str, list[Stored]] = defaultdict(list)
    for item in found:
        namespaces[item.namespace].append(item)
    saved = {item.id for item in namespaces[""]}
    roots = choose(namespaces.pop(""))
    chosen = [*roots]
    for namespace, items in namespaces.items():
        if ":" not in namespace and roots:
            chosen += _since(items, roots[-1].id)
        # One call of a nested graph goes with the checkpoint from which it was called, once that
        # is saved: the call's own may be there first.
        elif items[0].root not in saved or items[0].root in {root.id for root in roots}:
            chosen += choose(items)
    return chosen


def _since(items: Sequence[Stored], root: str) -> list[Stored]:
    """How a nested graph that keeps its state stood at a moment, and all that came later."""
    before = [item for item in items if item.id < root]
    return [item for item in items if item.id >= root] + before[:1]


def _with_ancestors(found: Iterable[Stored], chosen: Iterable[Stored]) -> Kept:
    """The chosen ones, and those from whose writes their values are put together."""
    by_place = {(item.namespace, item.id): item for item in found}
    kept: Kept = set()
    for item in chosen:
        kept.add((item.namespace, item.id))
        wanted, parent = item.open, by_place.get((item.namespace, item.parent or ""))
        if item.needs_parent and parent:
            kept.add((parent.namespace, parent.id))
        while wanted and parent:
            kept.add((parent.namespace, parent.id))
            wanted &= parent.open
            parent = by_place.get((parent.namespace, parent.parent or ""))
    return kept


def _stored(connection: Connection[DictRow], thread_id: str) -> list[Stored]:
    """All checkpoints of a thread, newest first."""
    parameters = {"thread": thread_id, "sends": TASKS}
    rows = connection.execute(FIND_CHECKPOINTS, parameters, prepare=False).fetchall()
    if any(row["by_langgraph_js"] for row in rows):
        raise CheckpointError(
            f"thread `{thread_id}` was written by LangGraph.js in a way that cannot be pruned here"
        )
    return [
        Stored(
            namespace=row["checkpoint_ns"],
            id=row["checkpoint_id"],
            parent=row["parent_checkpoint_id"],
            made=datetime.fromisoformat(row["made"]),
            root=row["root"],
            run=row["run"],
            open=frozenset(row["open"]),
            needs_parent=row["needs_parent"],
        )
        for row in rows
    ]


def _delete(
    connection: Connection[DictRow], thread_id: str, found: Iterable[Stored], kept: Kept
) -> None:
    """Delete those found and not kept; what a run adds meanwhile is in neither."""
    gone = [(item.namespace, item.id) for item in found if (item.namespace, item.id) not in kept]
    if not gone:
        return
    namespaces, ids = zip(*gone, strict=True)
    parameters: Mapping[str, Any] = {
        "thread": thread_id,
        "namespaces": [*namespaces],
        "ids": [*ids],
    }
    for statement in DELETE_CHECKPOINTS:
        connection.execute(statement, parameters, prepare=False)


def _lock(connection: Connection[DictRow], thread_id: str) -> None:
    """Let no other process prune the thread until the transaction ends; runs go on."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [thread_id])
