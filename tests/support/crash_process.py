"""One process of a crash test: it runs a graph, and stops dead where the test is to kill it.

    python -m support.crash_process branches runs.db diary.txt sync --input Go --hold two

It prints `holding` when it has come to the stage to hold at, else the result as JSON.
"""

import argparse
import asyncio
import json
import threading
from pathlib import Path
from typing import Any

from langgraph.types import Command

from langgraph_orchestra.checkpoints import open_checkpointer
from support.crash_graphs import GRAPHS, Diary, Saved
from support.people_graphs import PEOPLE_GRAPHS

EVERY_GRAPH = {**GRAPHS, **PEOPLE_GRAPHS}

CONFIG: Any = {"configurable": {"thread_id": "1"}}


def hold() -> None:
    """Wait to be killed."""
    print("holding", flush=True)
    threading.Event().wait()


def main() -> None:
    options = parsed()
    with open_checkpointer(f"sqlite:///{options.database}") as saver:
        saved = Saved(saver)

        def visit(name: str) -> None:
            if name == options.hold:
                saved.wait_for(options.after)
                hold()

        app = EVERY_GRAPH[options.graph](Diary(options.diary, visit)).compile(checkpointer=saver)
        argument: Any = {"messages": options.input} if options.input else None
        if options.answers:
            argument = Command(resume=json.loads(options.answers))
        if options.mode == "async":
            result = asyncio.run(app.ainvoke(argument, CONFIG, durability="sync"))
        else:
            result = app.invoke(argument, CONFIG, durability="sync")
        print(json.dumps(shown(result)), flush=True)
        if options.hold == "result":
            hold()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("graph", choices=EVERY_GRAPH)
    parser.add_argument("database", type=Path)
    parser.add_argument("diary", type=Path)
    parser.add_argument("mode", choices=["sync", "async"])
    parser.add_argument("--input", help="begin a run; by default, the run on the thread goes on")
    parser.add_argument("--answers", help="what to resume with, as JSON")
    parser.add_argument("--hold", help="stage to stop at; `result` for when the run has returned")
    parser.add_argument("--after", nargs="*", default=[], help="turns that must be stored by then")
    return parser.parse_args()


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """What of a result the test looks at."""
    results = result.get("results") or []
    every = results.values() if isinstance(results, dict) else results
    stop = result.get("stop")
    return {
        "output": result["output"] if isinstance(result["output"], str) else repr(result["output"]),
        "stop": stop.reason if stop else None,
        "messages": [[message.name, message.text] for message in result["messages"]],
        "trail": [
            [turn.path, turn.step, turn.outcome, turn.input_tokens] for turn in result["trail"]
        ],
        "results": [[getattr(one, "name", None) or one.step, one.output] for one in every],
        "interrupts": {
            interrupt.value.get("node", "tool"): interrupt.id
            for interrupt in result.get("__interrupt__", ())
        },
    }


if __name__ == "__main__":
    main()
