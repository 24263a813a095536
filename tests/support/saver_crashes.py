"""Kills processes that write to a checkpoint file, and looks what is left of their work.

    python -m support.saver_crashes folder --kills 250 --writers 8 --seed 1

It forks each process, which then needs no time to start, and works through its rounds: a process
writes and reports what the saver has acknowledged, is killed at a random moment, and the file is
checked. Several rounds have the same file, and what the dead have left beside it. The result is
printed as JSON.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from langgraph.checkpoint.base import Checkpoint, empty_checkpoint

from langgraph_orchestra.checkpoints import open_checkpointer

ROUNDS_PER_FILE = 25
LATEST_KILL = 0.025
PATIENCE = 30.0
SAVED = "SELECT thread_id, checkpoint_id FROM checkpoints NATURAL JOIN writes"

Acknowledged = set[tuple[str, str]]
"""Thread and checkpoint of what was saved together with a write."""


class Report(NamedTuple):
    """What was found after all kills."""

    kills: int
    acknowledged: int
    lost: int
    """Acknowledged and not in the file."""

    damaged: int
    """Kills after which the file did not pass its check."""

    torn: int
    """Checkpoints that are not what was put."""


def main() -> None:
    options = parsed()
    chance = random.Random(options.seed)
    acknowledged = lost = damaged = torn = 0
    for number in range(options.kills // ROUNDS_PER_FILE):
        path = options.folder / f"runs{number}.db"
        saved: Acknowledged = set()
        for round_number in range(ROUNDS_PER_FILE):
            saved |= killed(path, f"round{round_number}", options.writers, chance)
            is_sound, found = looked_at(path)
            damaged += not is_sound
            lost += len(saved - found)
        acknowledged += len(saved)
        torn += torn_in(path)
    report = Report(options.kills, acknowledged, lost, damaged, torn)
    print(json.dumps(report._asdict()))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, help=f"a multiple of {ROUNDS_PER_FILE}")
    parser.add_argument("--writers", type=int)
    parser.add_argument("--seed", type=int)
    return parser.parse_args()


def killed(path: Path, name: str, writers: int, chance: random.Random) -> Acknowledged:
    """Let a process write until it is killed, and return what it had been assured of."""
    is_async, is_working = chance.random() < 0.5, chance.random() < 0.7
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            write_for_ever(path, name, writers, writing, is_async=is_async)
        finally:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    # Some die while they open the file, most while they write.
    if is_working:
        select.select([reading], [], [], PATIENCE)
    time.sleep(chance.uniform(0, LATEST_KILL))
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, f"it ended by itself: {status}"
    with os.fdopen(reading, encoding="utf-8") as pipe:
        lines = pipe.read().splitlines()
    assert lines or not is_working, f"nothing was written in {PATIENCE} s"
    return {(thread_id, checkpoint_id) for thread_id, checkpoint_id in map(str.split, lines)}


def write_for_ever(path: Path, name: str, writers: int, report: int, *, is_async: bool) -> None:
    with open_checkpointer(path) as saver:
        if is_async:
            asyncio.run(write_in_tasks(saver, name, writers, report))
        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(lambda n: write_in_thread(saver, f"{name}.{n}", report), range(writers)))


def write_in_thread(saver: Any, thread_id: str, report: int) -> None:
    for number in itertools.count():
        saved = saver.put(place(thread_id), checkpoint(number), {"step": number}, {})
        saver.put_writes(saved, [("number", number)], "task")
        os.write(report, f"{thread_id} {number:06}\n".encode())


async def write_in_tasks(saver: Any, name: str, writers: int, report: int) -> None:
    async def write(thread_id: str) -> None:
        for number in itertools.count():
            saved = await saver.aput(place(thread_id), checkpoint(number), {"step": number}, {})
            await saver.aput_writes(saved, [("number", number)], "task")
            os.write(report, f"{thread_id} {number:06}\n".encode())

    await asyncio.gather(*(write(f"{name}.{n}") for n in range(writers)))


def place(thread_id: str) -> Any:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}


def checkpoint(number: int) -> Checkpoint:
    values = {"number": number, "text": str(number) * 500}
    return {**empty_checkpoint(), "id": f"{number:06}", "channel_values": values}


def looked_at(path: Path) -> tuple[bool, Acknowledged]:
    """Whether the file is sound, and what is in it.

    That is seen in a copy, so that the next process meets the file as the dead one left it.
    """
    copy = path.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, copy)
    with closing(sqlite3.connect(copy / path.name)) as conn:
        [(answer,)] = conn.execute("PRAGMA integrity_check")
        tables = conn.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
        rows = conn.execute(SAVED).fetchall() if tables == (2,) else []
    return answer == "ok", set(rows)


def torn_in(path: Path) -> int:
    with open_checkpointer(path) as saver:
        return sum(
            item.checkpoint["channel_values"] != checkpoint(item.metadata["step"])["channel_values"]
            for item in saver.list(None)
        )


if __name__ == "__main__":
    main()
