"""Runs on a Studio server: what a client of it does and sees."""

from collections.abc import Sequence
from typing import Any

from langgraph_sdk.client import LangGraphClient


async def assistant_of(client: LangGraphClient, graph: str) -> str:
    (assistant,) = await client.assistants.search(graph_id=graph)
    return str(assistant["assistant_id"])


class RunError(Exception):
    """A run on the server ended with an error."""


async def result_of(
    client: LangGraphClient, thread: str | None, graph: str, **options: Any
) -> dict[str, Any]:
    """What a run ends with; streamed, since a plain `runs.wait` takes a second at least."""
    values: dict[str, Any] = {}
    async for part in client.runs.stream(thread, graph, stream_mode="values", **options):
        data: Any = part.data
        if part.event == "error":
            raise RunError(f"{data['error']}: {data['message']}")
        if part.event == "values":
            values = data
    return values


async def begun(client: LangGraphClient, graph: str) -> str:
    """A thread on which a graph has run as far as it goes."""
    thread = str((await client.threads.create())["thread_id"])
    await result_of(client, thread, graph, input=chat("octopus"))
    return thread


async def interrupts_of(client: LangGraphClient, thread: str) -> dict[str, dict[str, Any]]:
    """The open questions of a thread, by node."""
    state = await client.threads.get_state(thread)
    every = [i for task in state["tasks"] for i in task["interrupts"]]
    return {interrupt["value"]["node"]: dict(interrupt) for interrupt in every}


def chat(task: str) -> dict[str, Any]:
    """Input as Studio sends it."""
    return {"messages": [{"role": "user", "content": task}]}


async def edges_of(client: LangGraphClient, graph: str) -> set[str]:
    """The drawn edges, `a>b`, or `a?b` where the node chooses."""
    drawn = await client.assistants.get_graph(await assistant_of(client, graph))
    return {
        f"{edge['source']}{'?' if edge.get('conditional') else '>'}{edge['target']}"
        for edge in drawn["edges"]
    }


async def history_of(client: LangGraphClient, thread: str) -> list[Any]:
    """All states that a thread has had, the newest first."""
    return list(await client.threads.get_history(thread, limit=1000))


async def paused(client: LangGraphClient, thread: str) -> list[str]:
    """The nodes that are to run next."""
    return sorted(set((await client.threads.get_state(thread))["next"]))


async def finished(
    client: LangGraphClient, thread: str, graph: str, answers: Sequence[str]
) -> dict[str, Any]:
    """The state of a thread that is at the end of its run, whoever is asked on the way.

    Args:
        client: A client of the server.
        thread: The thread; its run has begun.
        graph: The graph.
        answers: What is answered, in order; the last one as often as somebody is asked.
    """
    left = list(answers)
    while (await client.threads.get_state(thread))["next"]:
        given: dict[str, Any] = {}
        if await interrupts_of(client, thread):
            given = {"command": {"resume": left.pop(0) if len(left) > 1 else left[0]}}
        await result_of(client, thread, graph, **given)
    values: Any = (await client.threads.get_state(thread))["values"]
    return dict(values)
