"""Measure what orchestration costs, as ratios against hand-written LangGraph in the same run.

make bench
make bench ONLY=chat     # the measurements whose names hold a word
"""

import sys
from collections.abc import Callable

from chain import disk_of_chain, step_async, step_sync
from chat import (
    chat_disk,
    chat_growth,
    chat_prompts,
    chat_resume,
    chat_turn_async,
    chat_turn_sync,
)
from fan_out import fan_out_async, fan_out_saved, fan_out_sync
from handoff import handoff_async, handoff_prompts, handoff_sync
from imports import import_time, import_time_of_a_pattern
from magentic import (
    magentic_calls,
    magentic_prompts,
    magentic_round_async,
    magentic_round_sync,
)
from measure import Mark
from rich.console import Console
from rich.table import Table
from saver import (
    saver_agents_async_1,
    saver_agents_async_10,
    saver_agents_async_100,
    saver_agents_sync_1,
    saver_agents_sync_10,
    saver_async_1,
    saver_async_10,
    saver_async_100,
)
from supervisor import (
    supervisor_async,
    supervisor_calls,
    supervisor_prompts,
    supervisor_sync,
)

MEASUREMENTS: list[Callable[[], Mark]] = [
    step_async,
    step_sync,
    chat_turn_async,
    chat_turn_sync,
    chat_growth,
    chat_prompts,
    handoff_async,
    handoff_sync,
    handoff_prompts,
    supervisor_async,
    supervisor_sync,
    supervisor_calls,
    supervisor_prompts,
    magentic_round_async,
    magentic_round_sync,
    magentic_calls,
    magentic_prompts,
    fan_out_async,
    fan_out_sync,
    fan_out_saved,
    import_time,
    import_time_of_a_pattern,
    disk_of_chain,
    chat_disk,
    chat_resume,
    saver_async_1,
    saver_async_10,
    saver_async_100,
    saver_agents_async_1,
    saver_agents_async_10,
    saver_agents_async_100,
    saver_agents_sync_1,
    saver_agents_sync_10,
]


def main() -> None:
    """Measure everything and print a table."""
    console = Console()
    table = Table("what", "ours", "against", "ratio", "budget", "", title="langgraph-orchestra")
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    for measure in (one for one in MEASUREMENTS if word in one.__name__):
        with console.status(measure.__doc__ or ""):
            mark = measure()
        verdict = "[green]met[/]" if mark.met else "[red]missed[/]"
        table.add_row(
            mark.what, mark.ours, mark.theirs, f"{mark.ratio:.2f}", f"{mark.at_most:.2f}", verdict
        )
    console.print(table)


if __name__ == "__main__":
    main()
