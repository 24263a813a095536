"""What importing costs."""

import statistics
import subprocess
import sys

from measure import Mark


def import_time(rounds: int = 9) -> Mark:
    """What `import langgraph_orchestra.graphs` adds to `import langgraph.graph`."""
    code = (
        "import time, langgraph.graph; began = time.perf_counter(); "
        "import langgraph_orchestra.graphs; print(time.perf_counter() - began)"
    )
    seconds = statistics.median(
        float(
            subprocess.run(  # noqa: S603 - our own code
                [sys.executable, "-c", code], capture_output=True, check=True
            ).stdout
        )
        for _ in range(rounds)
    )
    shown = f"{seconds * 1e3:.0f} ms"
    return Mark("import over langgraph.graph", shown, "50 ms", seconds / 0.05, 1.0)
