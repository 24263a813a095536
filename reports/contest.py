"""`Contest`: graphs and tasks, how each graph is given each task, and what has come of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from langsmith import Client, get_current_run_tree, traceable

from langgraph_orchestra.reports.comparison import Comparison
from langgraph_orchestra.reports.judging import WhereItEnded
from langgraph_orchestra.reports.measuring import Measure, ModelCalls, measuring
from langgraph_orchestra.reports.recording import recording_of
from langgraph_orchestra.reports.silence import SilentClient
from langgraph_orchestra.reports.tasks import AsInput, examples_of, runnables_of
from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

__all__ = ["Contest"]


class Contest:
    """The graphs, the tasks, and what has come of them so far."""

    def __init__(
        self,
        graphs: Any,
        examples: Any,
        evaluators: Iterable[Any],
        as_input: AsInput,
        upload_results: bool,
        client: Client | None,
    ) -> None:
        self.graphs = runnables_of(graphs)
        self.examples = examples_of(examples, client)
        self.evaluators = [WhereItEnded(evaluator) for evaluator in evaluators]
        self.as_input = as_input
        self.upload_results = upload_results
        self.client = (client or Client()) if upload_results else SilentClient()
        self._measures: dict[UUID, Measure] = {}
        self._numbers: dict[UUID, int] = {}
        self._runs: list[Mapping[str, Any]] = []

    def settings(self, name: str, metadata: Mapping[str, Any] | None) -> dict[str, Any]:
        """What `evaluate` and `aevaluate` are both told."""
        return {
            "data": self.examples,
            "evaluators": self.evaluators,
            "experiment_prefix": name,
            "metadata": {**(metadata or {}), "orchestration": name},
            "upload_results": self.upload_results,
        }

    def target(self, name: str, graph: "Runnable[Any, Any]") -> Callable[..., Any]:
        """What runs a graph on a task."""

        @traceable(name=name, process_inputs=_inputs)
        def run(inputs: dict[str, Any]) -> Any:
            calls = ModelCalls()
            with measuring(calls, self._measured) as ended:
                return _outputs(ended(graph.invoke(self.as_input(inputs), _config(calls))))

        return run

    def atarget(self, name: str, graph: "Runnable[Any, Any]") -> Callable[..., Any]:
        """The same for an async run."""

        @traceable(name=name, process_inputs=_inputs)
        async def run(inputs: dict[str, Any]) -> Any:
            calls = ModelCalls()
            with measuring(calls, self._measured) as ended:
                return _outputs(ended(await graph.ainvoke(self.as_input(inputs), _config(calls))))

        return run

    def keep(self, name: str, row: Mapping[str, Any]) -> None:
        """Keep what has come of a task."""
        run, example = row["run"], row["example"]
        measure = self._measures[run.id]
        number = self._numbers.setdefault(example.id, len(self._numbers) + 1)
        judged = row["evaluation_results"]["results"]
        outputs = run.outputs or {}
        stop = recording_of(outputs).stop
        self._runs.append(
            {
                "name": name,
                "example": number,
                "inputs": example.inputs,
                "output": outputs.get("output"),
                "stop": stop.reason if stop else None,
                "scores": {one.key: one.score for one in judged},
                "comments": {one.key: one.comment for one in judged if one.comment},
                "model_calls": measure.model_calls,
                "input_tokens": measure.input_tokens,
                "output_tokens": measure.output_tokens,
                "tokens": measure.input_tokens + measure.output_tokens,
                "cost": measure.cost,
                "seconds": measure.seconds,
                "error": measure.error,
            }
        )

    def comparison(self) -> Comparison:
        """All of it."""
        return Comparison(list(self.graphs), self._runs)

    def _measured(self, measure: Measure) -> None:
        if run := get_current_run_tree():  # LangSmith's, of the target that is running
            self._measures[run.id] = measure


def _inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    return dict(given["inputs"])


def _config(calls: ModelCalls) -> "RunnableConfig":
    return {"callbacks": [calls], "configurable": {"thread_id": str(uuid4())}}


def _outputs(result: Any) -> Any:
    """A graph's result with an `output`, as ours have one.

    Raises:
        ConfigurationError: It is not the result of a run that has ended.
    """
    if not isinstance(result, Mapping):
        return {"output": result}
    if result.get("__interrupt__"):
        raise ConfigurationError("it waits for a person: compare graphs that end by themselves")
    if "output" in result:
        return dict(result)
    messages = recording_of(result).messages
    return {**result, "output": messages[-1].text if messages else ""}
