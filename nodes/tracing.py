"""What a trace of a run shows: of each step its task, what is new to it, and what came of it.

LangGraph records a node's whole state, so that a chat of 300 turns would be sent 300 times. The
model calls below a step show what was really read.
"""

from collections.abc import Collection, Mapping
from contextvars import ContextVar
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tracers import LangChainTracer
from langgraph.types import Command, Overwrite, Send, TracePolicy
from langsmith import get_current_run_tree
from langsmith.utils import tracing_is_enabled

from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import BOOKKEEPING, RunInfo

__all__ = ["Tracing"]

_ABOUT_A_GRAPH = ("pattern", "team")
_NEWEST = 6  # messages that a step shows at most
_OF_AN_ITEM = frozenset({"item", "index"})  # what a worker is sent, instead of the state

_IS_TRACED: ContextVar[bool] = ContextVar("_IS_TRACED", default=False)
"""Whether the step that is under way is; from when its inputs are recorded to its outputs."""


class Tracing:
    """How the runs of one graph are traced.

    LangGraph asks what to record in every step of every run. Whether anybody listens takes
    microseconds to find out, so that is asked once in a run: all its steps share their `run_info`.
    """

    def __init__(self) -> None:
        self._latest: tuple[RunInfo | None, bool] = None, False

    def policy(self, name: str, own_keys: Collection[str], *, begins: bool = False) -> TracePolicy:
        """What the steps of a node record, where they are traced.

        Args:
            name: The node's name.
            own_keys: The user's own keys of the state, which are shown as they are.
            begins: Whether a run begins here, so that the state tells of the one before.
        """
        shown = _OF_AN_ITEM.union(own_keys)

        def inputs(state: Mapping[str, Any]) -> Any:
            is_traced = self._is_on(state.get("run_info"))
            _IS_TRACED.set(is_traced)
            return _read(name, shown, begins, state) if is_traced else state

        def outputs(result: Any) -> Any:
            return _brought(result) if _IS_TRACED.get() else result

        return TracePolicy(process_inputs=inputs, process_outputs=outputs)

    def note(self, state: Mapping[str, Any], config: RunnableConfig) -> None:
        """Complete the metadata of a step, and that of its graph, if they are traced.

        The step's `round` is the pattern's where it counts rounds, and otherwise the number of the
        turn. The graph has the `pattern` and `team` of its nodes, and the pattern as a tag: given
        in the graph's configuration, tags would be merged in every step, whether traced or not.
        """
        callbacks = config.get("callbacks")
        handlers = getattr(callbacks, "handlers", None)
        if not handlers:  # nobody listens, as in most runs
            return
        step = get_current_run_tree()
        # It is one further out, where this graph itself is not traced.
        if step is None or step.id != getattr(callbacks, "parent_run_id", None):
            return
        for tracer in handlers:
            if isinstance(tracer, LangChainTracer) and step.parent_run_id:
                graph = tracer.run_map.get(str(step.parent_run_id))
                if graph is not None:
                    graph.add_metadata({key: step.metadata.get(key) for key in _ABOUT_A_GRAPH})
                    graph.add_tags([step.metadata["pattern"]])
        if run_info := state.get("run_info"):
            self._latest = run_info, True  # also by a tracer that was handed in as a callback
            rounds = state.get("rounds")
            number = View(state).turn_number if rounds is None else rounds
            step.add_metadata({"round": number + 1})

    def _is_on(self, run: RunInfo | None) -> bool:
        latest, is_on = self._latest
        if run is None or run is not latest:
            is_on = bool(tracing_is_enabled())
            self._latest = run, is_on
        return is_on


def _read(name: str, shown: Collection[str], begins: bool, state: Mapping[str, Any]) -> Any:
    """What a step reads that is new: since its participant's own last word in this run."""
    view = View(state)
    said = view.messages if begins else view.said
    own = [place for place, message in enumerate(said) if message.name == name]
    new = said[own[-1] + 1 :] if own else said
    task = {} if begins else {"task": view.task}
    messages = {"messages": list(new[-_NEWEST:]), "messages_on_thread": len(view.messages)}
    return {**task, **messages, **{key: state[key] for key in shown if key in state}}


def _brought(result: Any) -> Any:
    """What a step has written, without bookkeeping; its decisions; and where the run goes on."""
    update = (result.update or {}) if isinstance(result, Command) else result
    written = {key: _plain(value) for key, value in update.items() if key not in BOOKKEEPING}
    for record in (_plain(update.get("branch_records")) or {}).values():
        written.update(record)
    decided = [entry for entry in written.get("trail") or () if entry.kind == "decision"]
    if decided:
        written["decisions"] = {entry.path: entry.detail for entry in decided}
    if isinstance(result, Command) and result.goto:
        written["goto"] = _names(result.goto)
    return written


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Overwrite) else value


def _names(goto: Any) -> Any:
    """The nodes a run goes on to, by name."""
    if isinstance(goto, str | Send):
        return goto if isinstance(goto, str) else goto.node
    return [_names(one) for one in goto]
