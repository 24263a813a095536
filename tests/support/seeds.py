"""Programs whose output must not depend on the order in which Python hashes."""

import os
import subprocess
import sys


def outputs_by_seed(program: str) -> set[str]:
    """What a program prints under three hash seeds; one element if they do not matter.

    Args:
        program: Its source; it runs in processes of its own.
    """
    return {_printed(program, seed) for seed in ("0", "1", "4242")}


def _printed(program: str, seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout, "the program prints nothing to compare"
    return done.stdout
