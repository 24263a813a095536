"""The ways to run a graph: sync or async, plain or streamed. Results must not differ."""

import asyncio
from typing import Any, NamedTuple


class Way(NamedTuple):
    """One of the ways."""

    is_async: bool
    streams: bool

    def __str__(self) -> str:
        return f"{'async' if self.is_async else 'sync'}-{'stream' if self.streams else 'plain'}"


WAYS = [Way(is_async, streams) for is_async in (False, True) for streams in (False, True)]

MODES: Any = ["values", "messages", "updates"]


class Run:
    """Calls a compiled graph in one of the ways; returns what `invoke` returns."""

    def __init__(self, way: Way) -> None:
        self.way = way

    def __call__(
        self,
        app: Any,
        task: Any = "the task",
        thread: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Run `app`.

        Args:
            app: A compiled graph.
            task: A message, messages, a whole input (dict), a `Command`, or None to resume.
            thread: Id of the thread, for a graph with a checkpointer.
            options: Passed on to `invoke` (`context=`, `durability=`, `config=` ...).
        """
        plain = isinstance(task, dict) or not isinstance(task, str | list | tuple)
        argument = task if plain else {"messages": task}
        config = options.pop("config", {})
        if thread is not None:
            configurable = {**config.get("configurable", {}), "thread_id": thread}
            config = {**config, "configurable": configurable}
        if self.way.is_async:
            return asyncio.run(self._arun(app, argument, config, options))
        if not self.way.streams:
            return dict(app.invoke(argument, config, **options))
        last: dict[str, Any] = {}
        for part in app.stream(argument, config, stream_mode=MODES, subgraphs=True, **options):
            last = _kept(last, part, app)
        return last

    async def _arun(self, app: Any, argument: Any, config: Any, options: Any) -> dict[str, Any]:
        if not self.way.streams:
            return dict(await app.ainvoke(argument, config, **options))
        last: dict[str, Any] = {}
        stream = app.astream(argument, config, stream_mode=MODES, subgraphs=True, **options)
        async for part in stream:
            last = _kept(last, part, app)
        return last


def _kept(last: dict[str, Any], part: Any, app: Any) -> dict[str, Any]:
    """The outermost graph's latest values, with its interrupts, without its bookkeeping."""
    namespace, mode, data = part
    if namespace == () and mode == "values":
        outputs = app.builder.schemas[app.builder.output_schema]
        values = {key: value for key, value in data.items() if key in outputs}
        asked = {"__interrupt__": last["__interrupt__"]} if "__interrupt__" in last else {}
        return {**values, **asked}
    if namespace == () and mode == "updates" and "__interrupt__" in data:
        return {**last, "__interrupt__": [*last.get("__interrupt__", ()), *data["__interrupt__"]]}
    return last
