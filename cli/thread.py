"""A thread: the template it belongs to, and how it stands."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.types import StateSnapshot

from langgraph_orchestra.checkpoints import ThreadInfo, ThreadStatus, history, threads
from langgraph_orchestra.checkpoints.serializer import looking_only
from langgraph_orchestra.cli.catalog import every_template, template_named
from langgraph_orchestra.cli.errors import CommandError
from langgraph_orchestra.nodes import View
from langgraph_orchestra.nodes.limits import Spent, spent_in
from langgraph_orchestra.state import OrchestrationContext, OrchestrationState, Stop

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.templates import Template

__all__ = [
    "Request",
    "Standing",
    "Thread",
    "begin",
    "every_thread",
    "find",
    "look_at",
    "unknown_thread",
]


@dataclass(frozen=True)
class Request:
    """Something a person is asked."""

    id: str
    """Of the interrupt, to which the answer goes."""

    node: str
    """Who asks, as the trail names it."""

    value: Any
    """The interrupt's value: of our own form, of LangChain's middleware, or a user's."""

    schema: Mapping[str, Any] = field(default_factory=dict)
    """JSON schema of an answer; empty where nothing is known of it."""

    @property
    def actions(self) -> Sequence[Mapping[str, Any]]:
        """What is to be decided; empty where the value has another form."""
        if not isinstance(self.value, Mapping):
            return ()
        if self.is_one_tool:
            return (self.value,)
        return tuple(self.value.get("action_requests") or ())

    @property
    def asks_for_tools(self) -> bool:
        """Whether these are tool calls that wait for approval: LangChain's middleware asks."""
        return bool(self.actions) and "node" not in self.value

    @property
    def is_one_tool(self) -> bool:
        """Whether it is one tool call of the middleware's `per_call` mode, decided by itself."""
        return isinstance(self.value, Mapping) and self.value.get("type") == "tool_approval"

    @property
    def names(self) -> Sequence[str]:
        """What an answer may call who asks: where they sit, who they are, and their team."""
        return (self.node, self.node.rpartition("/")[2], self.node.partition("/")[0])

    @property
    def blank(self) -> str:
        """What a blank answer means, in a word of `nodes.answers.Blank`; empty if unknown."""
        return str(self.schema.get("x-blank") or "")

    @property
    def default(self) -> str | None:
        """What a blank answer stands for; None if for nothing."""
        return self.schema.get("x-default")

    @property
    def fields(self) -> Sequence[str]:
        """Fields of the object that is asked for; empty where words are."""
        if "x-blank" not in self.schema:  # a user's own
            return tuple(self.schema.get("properties", ()))
        decision = self.schema["$defs"]["Decision"]["properties"]
        return tuple(decision["message"].get("contentSchema", {}).get("properties", ()))

    def allowed(self, action: Mapping[str, Any]) -> Sequence[str]:
        """Decisions that are possible on one of the actions."""
        if self.is_one_tool:
            known = self.schema.get("discriminator", {}).get("mapping") or [
                self.schema.get("properties", {}).get("type", {}).get("const")
            ]
            return tuple(known)
        for config in self.value.get("review_configs") or ():
            if config.get("action_name") == action["name"]:
                return tuple(config["allowed_decisions"])
        return ("approve", "edit", "reject", "respond")


@dataclass(frozen=True)
class Standing:
    """How a thread stands."""

    thread_id: str
    template: str
    pattern: str
    """Names; empty for a thread of another program."""

    values: Mapping[str, Any]
    """The state."""

    requests: Sequence[Request]
    """What people are asked now."""

    failed: Sequence[str]
    """Nodes that raised, and are tried again when the thread is resumed."""

    is_due: bool
    """Whether a node is still to run."""

    @property
    def status(self) -> ThreadStatus:
        """The same in a word."""
        if not self.is_due:
            return "finished"
        if self.requests:
            return "interrupted"
        return "failed" if self.failed else "unfinished"

    @property
    def stop(self) -> Stop | None:
        """Why the latest run ended; None while it has not."""
        return self.values.get("stop")

    @property
    def output(self) -> Any:
        """The latest run's answer."""
        return self.values.get("output", "")

    @cached_property
    def view(self) -> View:
        """The latest run."""
        return View(self.values)

    @property
    def spent(self) -> Spent:
        """What the latest run has used."""
        return spent_in(self.view.trail, len(self.view.turns))


class Thread:
    """A thread that can go on.

    Args:
        saver: Where it is kept.
        thread_id: Its id.
        template: Its graph.
        model: For all participants, in place of their stand-ins; None keeps these.
        user: On whose behalf it acts.
    """

    def __init__(
        self,
        saver: BaseCheckpointSaver[str],
        thread_id: str,
        template: "Template",
        *,
        model: str | None,
        user: str | None,
    ) -> None:
        self.id = thread_id
        self.template = template
        self.model = model
        self.graph = template.build().compile(saver, name=template.name)
        self.context = OrchestrationContext(model=model, user=user)
        # Saved with every checkpoint, so that a later command continues in the same way.
        kept = {"template": template.name, "model": model, "user": user}
        self.config = RunnableConfig(
            configurable={"thread_id": thread_id},
            metadata={name: value for name, value in kept.items() if value is not None},
        )

    def standing(self) -> Standing:
        """How it stands."""
        with looking_only():
            snapshot = self.graph.get_state(self.config)
            standing = _standing(self.id, snapshot, self.template.name, self.template.pattern)
            if not any(request.asks_for_tools for request in standing.requests):
                return standing
            places = dict(_places(self.graph.get_state(self.config, subgraphs=True)))
        requests = [
            replace(request, node=places.get(request.id, request.node))
            if request.asks_for_tools
            else request
            for request in standing.requests
        ]
        return replace(standing, requests=requests)

    @property
    def is_saved(self) -> bool:
        """Whether there is anything to continue."""
        return self.graph.get_state(self.config).created_at is not None


def begin(
    saver: BaseCheckpointSaver[str],
    template: "Template",
    thread_id: str | None,
    *,
    model: str | None,
    user: str | None,
) -> Thread:
    """The thread for a new run.

    Args:
        saver: Where it is kept.
        template: What to run.
        thread_id: A thread to go on with, or the id of a new one; None makes an id.
        model: For all participants; None takes that of the thread's run before, else
            `ORCHESTRA_MODEL`.
        user: On whose behalf it acts; None takes that of the run before.

    Raises:
        CommandError: The thread belongs to another template.
    """
    if thread_id is not None and not thread_id.strip():
        raise CommandError("`--thread` is empty")
    thread_id = thread_id or uuid4().hex[:8]
    before = _metadata(saver, thread_id)
    if before is not None and before.get("template") != template.name:
        whose = f"template `{before['template']}`" if "template" in before else "another program"
        raise CommandError(f"thread `{thread_id}` belongs to {whose}")
    return _thread(saver, thread_id, template, before or {}, model=model, user=user)


def find(saver: BaseCheckpointSaver[str], thread_id: str, *, model: str | None = None) -> Thread:
    """A saved thread.

    Raises:
        CommandError: There is none, or it cannot go on here.
    """
    before = _existing(saver, thread_id)
    if "template" not in before:
        raise CommandError(
            f"thread `{thread_id}` was not begun by `orchestra`: continue it in its own program"
        )
    template = template_named(before["template"])
    return _thread(saver, thread_id, template, before, model=model, user=None)


def look_at(saver: BaseCheckpointSaver[str], thread_id: str) -> Standing:
    """How a saved thread stands, also one of another program.

    Raises:
        CommandError: There is none.
    """
    before = _existing(saver, thread_id)
    if before.get("template") in every_template():
        return find(saver, thread_id).standing()
    with looking_only():
        snapshot = _reader(saver).get_state({"configurable": {"thread_id": thread_id}})
    return _standing(thread_id, snapshot, "", "")


def every_thread(saver: BaseCheckpointSaver[str]) -> list[tuple[ThreadInfo, str]]:
    """All saved threads, the latest used first, each with its template's name."""
    return [
        (info, (_metadata(saver, info.thread_id) or {}).get("template", ""))
        for info in threads(saver)
    ]


def _reader(saver: BaseCheckpointSaver[str]) -> Any:
    """A graph that reads what the threads of all patterns have in common."""
    graph = StateGraph(OrchestrationState)
    graph.add_node("nobody", lambda _: {})
    graph.add_edge(START, "nobody")
    return graph.compile(saver)


def _thread(
    saver: BaseCheckpointSaver[str],
    thread_id: str,
    template: "Template",
    before: Mapping[str, Any],
    *,
    model: str | None,
    user: str | None,
) -> Thread:
    model = model or before.get("model") or os.environ.get("ORCHESTRA_MODEL")
    return Thread(saver, thread_id, template, model=model, user=user or before.get("user"))


def _existing(saver: BaseCheckpointSaver[str], thread_id: str) -> Mapping[str, Any]:
    metadata = _metadata(saver, thread_id)
    if metadata is None:
        raise unknown_thread(thread_id)
    return metadata


def unknown_thread(thread_id: str) -> CommandError:
    """What a user is told who names a thread that is not there."""
    return CommandError(f"there is no thread `{thread_id}`; `orchestra threads` lists them")


def _metadata(saver: BaseCheckpointSaver[str], thread_id: str) -> Mapping[str, Any] | None:
    """What was saved with the newest checkpoint; None if there is none."""
    newest = history(saver, thread_id, limit=1)
    return dict(newest[0].metadata) if newest else None


def _standing(thread_id: str, snapshot: StateSnapshot, template: str, pattern: str) -> Standing:
    requests = [
        Request(
            interrupt.id,
            _asker(interrupt.value) or task.name,
            interrupt.value,
            interrupt.response_schema if isinstance(interrupt.response_schema, dict) else {},
        )
        for task in snapshot.tasks
        for interrupt in task.interrupts
    ]
    return Standing(
        thread_id=thread_id,
        template=template,
        pattern=pattern,
        values=snapshot.values,
        requests=requests,
        failed=[task.name for task in snapshot.tasks if task.error],
        is_due=bool(snapshot.next),
    )


def _places(snapshot: StateSnapshot, teams: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Who asks for approval of a tool, by the ids of the interrupts.

    The request of LangChain's middleware does not say; the agent is the one in whose own graph it
    was raised.
    """
    for task in snapshot.tasks:
        path = (*teams, task.name)
        if isinstance(task.state, StateSnapshot) and task.state.interrupts:
            yield from _places(task.state, path)
            continue
        for interrupt in task.interrupts:
            yield interrupt.id, "/".join(teams or path)


def _asker(value: Any) -> str:
    return str(value.get("path", "")) if isinstance(value, Mapping) else ""
