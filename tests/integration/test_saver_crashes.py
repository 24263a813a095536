"""What was acknowledged is in the file, wherever the process was when it was killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
KILLS = 250


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("writers", [1, 8], ids=["one writer", "eight writers"])
def test_a_file_outlives_250_kills_with_all_that_was_acknowledged(
    writers: int, tmp_path: Path
) -> None:
    seed = int.from_bytes(os.urandom(4))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "support.saver_crashes", str(tmp_path)),
            *("--kills", str(KILLS), "--writers", str(writers), "--seed", str(seed)),
        ],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    report = json.loads(done.stdout)
    assert report.pop("acknowledged") > KILLS / 2
    assert report == {"kills": KILLS, "lost": 0, "damaged": 0, "torn": 0}, f"seed {seed}"
