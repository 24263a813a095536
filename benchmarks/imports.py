"""What importing costs: our own files, not the garbage that LangGraph's import has left.

A collection of all that takes some 45 ms, and falls into whatever is imported next.
"""

import os
import statistics
import subprocess
import sys

from measure import Mark


def import_time() -> Mark:
    """What `import langgraph_orchestra.graphs` adds to `import langgraph.graph`."""
    return _added("import over langgraph.graph", "import langgraph_orchestra.graphs")


def import_time_of_a_pattern() -> Mark:
    """What one pattern with its agents adds to `import langgraph.graph`."""
    code = (
        "from langgraph_orchestra.graphs import create_sequential; "
        "from langgraph_orchestra.nodes import Agent"
    )
    return _added("the same, with a pattern and agents", code)


def _added(what: str, code: str, rounds: int = 9) -> Mark:
    timed = (
        f"import gc, time, langgraph.graph; gc.collect(); began = time.perf_counter(); {code}; "
        "print(time.perf_counter() - began)"
    )
    # With compiled files, as an installation has them; the first of the rounds may write them.
    env = {key: v for key, v in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    seconds = statistics.median(
        float(
            subprocess.run(  # noqa: S603 - our own code
                [sys.executable, "-c", timed], capture_output=True, check=True, env=env
            ).stdout
        )
        for _ in range(rounds)
    )
    return Mark(what, f"{seconds * 1e3:.0f} ms", "50 ms", seconds / 0.05, 1.0)
