"""`PatternGraph`: what every factory returns, an ordinary `StateGraph` that knows its pattern."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, get_type_hints

from langchain_core.runnables import Runnable
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_orchestra.nodes.checks import unique_names
from langgraph_orchestra.nodes.driver import Execution, Node, Steps
from langgraph_orchestra.nodes.intake import models_of
from langgraph_orchestra.nodes.limits import Limits
from langgraph_orchestra.nodes.member import as_participants
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.participant import Participant, Scene
from langgraph_orchestra.nodes.policy import Policy, retry_policy_of
from langgraph_orchestra.nodes.tracing import Tracing
from langgraph_orchestra.nodes.work import Budget
from langgraph_orchestra.state import BOOKKEEPING, ConfigurationError
from langgraph_orchestra.state.context import Setting, context_of
from langgraph_orchestra.state.types import data_types_in, with_members

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["PatternGraph", "check_limits", "custom_keys", "scene_of"]


_LANGGRAPH_SUPERSTEPS = 10_000
"""About as many as LangGraph lets a run take by default; then it raises an error."""

_LANGGRAPH_THREADS = 5
"""As many as LangGraph's own pool of a sync run has at least: four, and one for each core. A bound
that is not needed costs a few hundredths of every step."""

_INTERNAL = {
    "intake": "Begins the run: checks the task, and starts counters, output and stop afresh.",
    "selector": "Decides who is next, and says why.",
    "manager": "Keeps the ledgers of facts, plan and progress, and says who does what.",
    "planner": "Divides the task into steps, and says who does them.",
    "review": "Judges what came of the steps.",
    "synthesise": "Makes one answer of what came of the steps.",
    "join": "Puts together what was done side by side, in declared order.",
    "aggregate": "Makes one answer of the results.",
    "summary": "Sums up the conversation.",
    "finish": "Ends the run.",
    "plan_review": "Shows the plan to a person.",
}
"""What the nodes do that are not participants, for those who look at a graph."""


class PatternGraph(StateGraph[Any, Any, Any, Any]):
    """A pattern's graph, not compiled yet: nodes and edges may be added.

    Args:
        pattern: Name of the pattern; a compiled graph has it unless it is given another.
        state_schema: The state: the pattern's own, or a user's subclass.
        base: The pattern's own state.
        participants: Who takes part.
        deciders: Models that decide between turns.
        outputs: Typed answers that an aggregator may give, besides those of the participants.
        context_schema: The run's context; None makes one with the prompts of the agents and the
            `settings`, which a caller can then change for a run. Another one leaves them fixed.
        settings: What else a caller may set for a run.
        threads: How many nodes may run at once; bound as `max_concurrency` when compiled, if
            LangGraph's own pool of a sync run has too few threads for them.
        supersteps: How many a run may take by its own limits; LangGraph's limit is raised to it.
    """

    def __init__(
        self,
        pattern: str,
        state_schema: type[Any],
        base: type[Any],
        participants: Sequence[Participant],
        *,
        deciders: Sequence[ModelSource] = (),
        outputs: Sequence[type[BaseModel]] = (),
        context_schema: type[Any] | None = None,
        settings: Sequence[Setting] = (),
        threads: int = 1,
        supersteps: int = 0,
    ) -> None:
        if not isinstance(context_schema, type | None):
            raise TypeError(f"`context_schema` is a class or None, not {context_schema!r}")
        typed = [kind for participant in participants for kind in participant.outputs]
        self.outputs = tuple(dict.fromkeys([*typed, *outputs]))
        run_model_nodes = [one.name for one in participants if one.takes_model_of_run]
        self.takes_model_of_run = bool(run_model_nodes)
        of_members = [setting for one in participants for setting in one.settings]
        self.settings = () if context_schema else (*settings, *of_members)
        super().__init__(
            state_schema,
            context_schema
            or context_of(f"{_title(pattern)}Context", self.settings, run_model_nodes),
            input_schema=_input_schema(pattern, state_schema, base),
            output_schema=_output_schema(pattern, state_schema, self.outputs),
        )
        self.pattern = pattern
        self.tracing = Tracing()
        self.own_keys = custom_keys(state_schema, base, pattern)
        self._participants = tuple(participants)
        self.callers: Sequence[Participant | ModelSource] = (*participants, *deciders)
        self.supersteps = supersteps
        self.threads = max([threads, *(participant.threads for participant in participants)])

    def compile(self, checkpointer: Any = None, *, name: str | None = None, **options: Any) -> Any:
        """Compile as `StateGraph.compile` does, under the pattern's name if none is given.

        Args:
            checkpointer: Where threads are saved; None saves nothing.
            name: Name of the compiled graph, and of the team where it takes part in another one.
            options: As `StateGraph.compile` takes them: `store`, `interrupt_before` and so on.
        """
        if isinstance(checkpointer, BaseCheckpointSaver):
            # A strict saver must know them.
            known = {(kind.__module__, kind.__name__) for kind in self.stored_types}
            checkpointer = checkpointer.with_allowlist(known)
        compiled = super().compile(checkpointer, name=name or self.pattern, **options)
        # In the nodes, not in the graph's configuration: that is saved with each checkpoint.
        for node in compiled.nodes.values():
            if node.metadata and "pattern" in node.metadata:
                node.metadata = {**node.metadata, "team": compiled.name}
        # Set, not bound: a bound copy forgets the classes a strict saver is to know.
        if self.threads >= _LANGGRAPH_THREADS:
            # One more than there are nodes: the stream of a sync run waits in a thread of the same
            # pool.
            compiled.config = {"max_concurrency": self.threads + 1}
        if self.supersteps >= _LANGGRAPH_SUPERSTEPS:
            compiled.config = {**(compiled.config or {}), "recursion_limit": self.supersteps + 10}
        return compiled

    def models(self, execution: Execution) -> "Sequence[BaseChatModel]":
        """The models that a run may call, as far as they are known.

        Raises:
            ConfigurationError: A model cannot be found.
        """
        return models_of(self.callers, execution)

    @property
    def stored_types(self) -> Sequence[type[Any]]:
        """Classes that a checkpoint of this graph may hold.

        Compiling tells them to the checkpointer. One that is also read without the graph, as a
        server does, is to be opened with `types=graph.stored_types`.
        """
        fallbacks = [one.fallback for one in self._participants if one.fallback]
        inner = [graph for one in (*self._participants, *fallbacks) for graph in one.inner]
        inside = [kind for graph in inner for kind in _types_in(getattr(graph, "builder", None))]
        own = [*self.outputs, *_types_of(self.state_schema)]
        return list(dict.fromkeys([*with_members(own), *inside]))

    def add_steps(
        self,
        name: str,
        steps: Callable[[Any, Execution], Steps[Any]],
        *,
        policy: Policy | None = None,
        inner: Sequence[Runnable[Any, Any]] = (),
        routes: Sequence[str] | None = None,
        description: str = "",
    ) -> None:
        """Add a node of ours.

        Args:
            name: Its name.
            steps: Its logic, run sync or async.
            policy: Whose retries LangGraph is to make.
            inner: Graphs it may call.
            routes: Where its `Command` may lead; None for a node with plain edges.
            description: For those who look at the graph.
        """
        self.add_node(
            name,
            Node(name, steps, inner, self.tracing),
            retry_policy=retry_policy_of(policy) if policy else None,
            destinations=tuple(routes) if routes else None,
            metadata=self._about(name, description),
            trace_policy=self.tracing.policy(name, self.own_keys, begins=name == "intake"),
        )

    def _about(self, name: str, description: str) -> dict[str, str]:
        """What Studio shows of a node, and LangSmith of all that happens in it."""
        about = {"pattern": self.pattern}
        if name not in _INTERNAL:
            about["participant"] = name
        if description := description or _INTERNAL.get(name, ""):
            about["description"] = description
        return about

    def add_aggregate(
        self,
        steps: Callable[[Any, Execution], Steps[Any]],
        participant: Participant | None,
    ) -> None:
        """Add the node that makes one answer of the results, and ends the run.

        Args:
            steps: Its logic.
            participant: Who aggregates, if a participant does.
        """
        self.add_steps(
            "aggregate",
            steps,
            policy=participant.policy if participant else None,
            inner=participant.inner if participant else (),
        )
        self.add_edge("aggregate", END)


def scene_of(
    pattern: str,
    scene: Scene,
    participants: Any,
    state_schema: type[Any] | None,
    base: type[Any],
) -> tuple[Scene, list[Participant], type[Any]]:
    """What every factory begins with: the state's schema, the scene, and the participants.

    Raises:
        TypeError: An argument has the wrong type.
        ConfigurationError: A name or the schema cannot be used.
    """
    if not callable(scene.history):
        raise TypeError(
            f"`history` is a policy, such as `everything()`, or a function of a `View`, not "
            f"{scene.history!r}"
        )
    schema = base if state_schema is None else state_schema
    scene = replace(scene, shared_keys=custom_keys(schema, base, pattern), state_schema=schema)
    resolved = as_participants(participants, scene)
    unique_names([participant.name for participant in resolved], get_type_hints(schema))
    return scene, resolved, schema


def custom_keys(schema: Any, base: type[Any], pattern: str) -> frozenset[str]:
    """A user's own keys in a state that extends the pattern's.

    Raises:
        ConfigurationError: It does not extend the pattern's state.
    """
    own = get_type_hints(base)
    keys = get_type_hints(schema) if isinstance(schema, type) and issubclass(schema, dict) else {}
    if not own.keys() <= keys.keys():
        raise ConfigurationError(
            f"`state_schema` of `create_{pattern}` is a TypedDict that subclasses "
            f"`{base.__name__}`, not {schema!r}"
        )
    return frozenset(keys.keys() - own.keys())


def check_limits(limits: Any) -> Budget:
    """The budget of a graph.

    Raises:
        TypeError: `limits` is no `Limits`.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"`limits` is a `Limits` or None, not {limits!r}")
    return Budget(limits or Limits())


def _types_in(builder: Any) -> Iterable[type[Any]]:
    """Classes that the checkpoints of an inner graph hold, which go to the outer one's saver."""
    if isinstance(builder, PatternGraph):
        return builder.stored_types
    schemas = getattr(builder, "schemas", None) or ()
    return with_members(kind for schema in schemas for kind in _types_of(schema))


def _types_of(schema: Any) -> Iterable[type[Any]]:
    """Classes that the keys of a state hold."""
    hints = get_type_hints(schema, include_extras=True).values()
    return [kind for hint in hints for kind in data_types_in(hint)]


def _input_schema(pattern: str, schema: type[Any], base: type[Any]) -> type[Any]:
    """What a graph takes: messages, so that Studio shows a chat, and the user's own keys."""
    hints = get_type_hints(schema, include_extras=True)
    own = custom_keys(schema, base, pattern)
    return _typed_dict(
        f"{_title(pattern)}Input",
        {key: hint for key, hint in hints.items() if key == "messages" or key in own},
    )


def _output_schema(
    pattern: str, schema: type[Any], outputs: Sequence[type[BaseModel]]
) -> type[Any]:
    """What a graph gives: all but the bookkeeping; the typed answers that may come are named."""
    hints = get_type_hints(schema, include_extras=True)
    kinds: Sequence[Any] = outputs
    hints["output"] = reduce(or_, kinds, str)
    return _typed_dict(
        f"{_title(pattern)}Output",
        {key: hint for key, hint in hints.items() if key not in BOOKKEEPING},
    )


def _typed_dict(name: str, hints: Mapping[str, Any]) -> type[Any]:
    return TypedDict(name, dict(hints), total=False)  # type: ignore[operator,no-any-return]


def _title(pattern: str) -> str:
    return pattern.title().replace("_", "")
