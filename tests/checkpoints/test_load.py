"""Many processes with many threads on one file that is not there yet."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langgraph_orchestra.checkpoints import OrchestraSqliteSaver, open_checkpointer

PROCESSES = 8
THREADS = 8
EACH = 157

# Four threads call sync methods, four have event loops of their own.
PROCESS = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from langgraph.checkpoint.base import empty_checkpoint
from langgraph_orchestra.checkpoints import open_checkpointer

path, name, threads, each = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def saved(thread, number):
    place = {"configurable": {"thread_id": f"{name}.{thread}", "checkpoint_ns": ""}}
    values = {"number": number, "text": str(number) * 100}
    checkpoint = {**empty_checkpoint(), "id": f"{number:06}", "channel_values": values}
    return place, checkpoint, {"step": number}, {}

def in_sync(thread):
    for number in range(each):
        config = saver.put(*saved(thread, number))
        saver.put_writes(config, [("number", number), ("text", str(number))], "task")
        assert saver.get_tuple(config).metadata["step"] == number

async def in_loop(thread):
    for number in range(each):
        config = await saver.aput(*saved(thread, number))
        await saver.aput_writes(config, [("number", number), ("text", str(number))], "task")
        found = await saver.aget_tuple(config)
        assert found.metadata["step"] == number

def work(thread):
    in_sync(thread) if thread % 2 else asyncio.run(in_loop(thread))

print("ready", flush=True)
sys.stdin.readline()
with open_checkpointer(path) as saver, ThreadPoolExecutor(threads) as pool:
    list(pool.map(work, range(threads)))
print("done", flush=True)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that have imported everything, and wait for a line to begin."""
    started = [start(tmp_path / "runs.db", f"process{number}") for number in range(PROCESSES)]
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(path), name, str(THREADS), str(EACH)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(180)
def test_eight_processes_with_eight_threads_lose_nothing_from_the_first_moment(
    processes: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate()
        assert output == "done\n", errors

    with open_checkpointer(tmp_path / "runs.db") as saver:
        assert isinstance(saver, OrchestraSqliteSaver)
        assert saver.read(lambda cursor: cursor.execute("PRAGMA integrity_check").fetchone()) == (
            "ok",
        )
        counts: Counter[str] = Counter()
        for found in saver.list(None):
            number = found.metadata["step"]
            assert found.checkpoint["channel_values"] == values(number)
            assert found.pending_writes == [
                ("task", "number", number),
                ("task", "text", str(number)),
            ]
            counts[found.config["configurable"]["thread_id"]] += 1
    assert set(counts.values()) == {EACH}
    assert counts.total() == PROCESSES * THREADS * EACH >= 10_000


def values(number: int) -> dict[str, Any]:
    return {"number": number, "text": str(number) * 100}
