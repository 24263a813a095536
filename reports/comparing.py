"""`compare` and `acompare`: the same tasks for several graphs, judged by the same evaluators."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langgraph_orchestra.reports.comparison import Comparison
from langgraph_orchestra.reports.contest import Contest
from langgraph_orchestra.reports.tasks import AsInput, as_task

if TYPE_CHECKING:
    from langsmith import Client

__all__ = ["acompare", "compare"]


def compare(
    graphs: Mapping[str, Any],
    examples: Any,
    evaluators: Sequence[Any],
    *,
    upload_results: bool = False,
    as_input: AsInput = as_task,
    client: "Client | None" = None,
    max_concurrency: int | None = 0,
    num_repetitions: int = 1,
    metadata: Mapping[str, Any] | None = None,
) -> Comparison:
    """Give several orchestrations the same tasks, and compare quality and effort.

    Each graph is evaluated by `langsmith.Client.evaluate`, one after the other, each task on a
    thread of its own. Nothing leaves this process unless `upload_results` is set.

        def has_the_fact(outputs: dict, reference_outputs: dict) -> bool:
            return reference_outputs["expected"] in outputs["output"]

        comparison = compare(
            {"alone": create_sequential([writer]), "edited": create_sequential([writer, editor])},
            [("Write about octopuses", "three hearts")],
            [has_the_fact],
        )
        rich.print(comparison.table())

    Args:
        graphs: Graphs by the names under which they are compared; compiled or not, ours or any
            other that takes and gives `messages`.
        examples: The tasks: texts; pairs of a text and what is expected (`expected` in
            `reference_outputs`, or a mapping that is them); mappings with `inputs` and `outputs`;
            LangSmith's `Example`s; or the name of a dataset in LangSmith.
        evaluators: As LangSmith takes them: functions of some of `inputs`, `outputs`,
            `reference_outputs`, `run` and `example`, or `RunEvaluator`s. `outputs` are a graph's
            result, with the text of the last message as `output` where the graph gives none.
        upload_results: Whether the experiments go to LangSmith.
        as_input: Makes a graph's input from an example's inputs. The default takes `messages` as
            they are, and an only text as the task.
        client: LangSmith's, where results are uploaded or a dataset is named; None makes one, with
            the settings of the environment.
        max_concurrency: How many tasks run at once; 0 is one after the other, which times best.
        num_repetitions: How often each task is given.
        metadata: Of the experiments.

    Returns:
        The comparison: `table()`, `rows`, `runs`, `plot()`. A graph that raises, or that waits for
        a person, has an `error` instead of scores.

    Raises:
        TypeError: `graphs` or an example is nothing that can be used.
        ConfigurationError: There is no graph, or no task.
    """
    contest = Contest(graphs, examples, evaluators, as_input, upload_results, client)
    with _without_beta_warning():
        for name, graph in contest.graphs.items():
            results = contest.client.evaluate(
                contest.target(name, graph),
                **contest.settings(name, metadata),
                max_concurrency=max_concurrency,
                num_repetitions=num_repetitions,
            )
            for row in results:
                contest.keep(name, row)
    return contest.comparison()


async def acompare(
    graphs: Mapping[str, Any],
    examples: Any,
    evaluators: Sequence[Any],
    *,
    upload_results: bool = False,
    as_input: AsInput = as_task,
    client: "Client | None" = None,
    max_concurrency: int | None = 0,
    num_repetitions: int = 1,
    metadata: Mapping[str, Any] | None = None,
) -> Comparison:
    """Compare as `compare` does, over `aevaluate`; evaluators may be async.

    Args:
        graphs: As `compare` takes them.
        examples: As `compare` takes them.
        evaluators: As `compare` takes them.
        upload_results: Whether the experiments go to LangSmith.
        as_input: Makes a graph's input from an example's inputs.
        client: LangSmith's.
        max_concurrency: How many tasks run at once; 0 is one after the other.
        num_repetitions: How often each task is given.
        metadata: Of the experiments.
    """
    contest = Contest(graphs, examples, evaluators, as_input, upload_results, client)
    with _without_beta_warning():
        for name, graph in contest.graphs.items():
            results = await contest.client.aevaluate(
                contest.atarget(name, graph),
                **contest.settings(name, metadata),
                max_concurrency=max_concurrency,
                num_repetitions=num_repetitions,
            )
            async for row in results:
                contest.keep(name, row)
    return contest.comparison()


@contextmanager
def _without_beta_warning() -> Iterator[None]:
    """Local results are beta in LangSmith, of which its user need not be told by us."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'upload_results' parameter is in beta")
        yield
