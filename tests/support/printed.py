"""Python code printed in a Markdown page: found, run, and compared with what it says it prints."""

import re
from pathlib import Path
from typing import Any


def blocks_in(page: Path) -> list[str]:
    """The Python blocks of a page, in order."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def run_block(block: str, page: str, names: dict[str, Any] | None = None) -> None:
    """Run a block, with the names that earlier blocks of its page have defined."""
    names = {} if names is None else names
    names.setdefault("__name__", "page")
    exec(compile(block, page, "exec"), names)


def promised_by(block: str) -> list[str]:
    """What comments beside and below its `print` calls say that a block prints."""
    beside = re.findall(r"^ *print\([^\n]*\)  # ([^\n]*)$", block, flags=re.MULTILINE)
    below = re.findall(r"^ *print\([^\n#]*\)\n((?:# [^\n]*\n)+)", block, flags=re.MULTILINE)
    lines = [line.removeprefix("# ") for comment in below for line in comment.splitlines()]
    return [*beside, *lines]
