"""Ids of parametrized tests, the same in every worker process."""

import re


def shown(value: object) -> str:
    """A value as its `repr`, without the memory addresses that differ from process to process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
