"""`PatternGraph`: what every factory returns, an ordinary `StateGraph` that knows its pattern."""

from collections.abc import Callable, Mapping, Sequence
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
from langgraph_orchestra.nodes.work import Budget
from langgraph_orchestra.state import BOOKKEEPING, ConfigurationError, OrchestrationContext
from langgraph_orchestra.state.types import data_types_in, with_members

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["PatternGraph", "check_limits", "custom_keys", "scene_of"]


_LANGGRAPH_SUPERSTEPS = 10_000
"""About as many as LangGraph lets a run take by default; then it raises an error."""


class PatternGraph(StateGraph[Any, Any, Any, Any]):
    """A pattern's graph, not compiled yet: nodes and edges may be added.

    Args:
        pattern: Name of the pattern; a compiled graph has it unless it is given another.
        state_schema: The state: the pattern's own, or a user's subclass.
        base: The pattern's own state.
        participants: Who takes part.
        deciders: Models that decide between turns.
        outputs: Typed answers that an aggregator may give, besides those of the participants.
        context_schema: The run's context; None is `OrchestrationContext`.
        threads: How many nodes may run at once; bound as `max_concurrency` when compiled, since
            LangGraph's own pool of a sync run has only a few threads.
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
        threads: int = 1,
        supersteps: int = 0,
    ) -> None:
        if not isinstance(context_schema, type | None):
            raise TypeError(f"`context_schema` is a class or None, not {context_schema!r}")
        typed = [kind for participant in participants for kind in participant.outputs]
        self.outputs = tuple(dict.fromkeys([*typed, *outputs]))
        super().__init__(
            state_schema,
            context_schema or OrchestrationContext,
            input_schema=_input_schema(pattern, state_schema, base),
            output_schema=_output_schema(pattern, state_schema, self.outputs),
        )
        self.pattern = pattern
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
            checkpointer = checkpointer.with_allowlist(self._stored_types())
        compiled = super().compile(checkpointer, name=name or self.pattern, **options)
        # Set, not bound: a bound copy forgets the classes a strict saver is to know.
        if self.threads > 1:
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

    def _stored_types(self) -> set[tuple[str, ...]]:
        """Classes that a checkpoint of this graph holds: a strict saver must know them."""
        hints = get_type_hints(self.state_schema, include_extras=True).values()
        classes = with_members([*self.outputs, *(t for h in hints for t in data_types_in(h))])
        return {(kind.__module__, kind.__name__) for kind in classes}

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
            Node(name, steps, inner),
            retry_policy=retry_policy_of(policy) if policy else None,
            destinations=tuple(routes) if routes else None,
            metadata={"description": description} if description else None,
        )

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
