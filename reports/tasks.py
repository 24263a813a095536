"""Tasks to compare orchestrations on, and how a graph is given one of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langgraph.graph import StateGraph

from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable
    from langsmith import Client
    from langsmith.schemas import Example

__all__ = ["AsInput", "as_task", "examples_of", "runnables_of"]

AsInput = Callable[[Mapping[str, Any]], Any]
"""Makes the input of a graph from the inputs of an example."""


def runnables_of(graphs: Any) -> "Mapping[str, Runnable[Any, Any]]":
    """The graphs, compiled.

    Raises:
        TypeError: `graphs` is no mapping of names to graphs.
        ConfigurationError: There is none.
    """
    from langchain_core.runnables import Runnable

    if not isinstance(graphs, Mapping):
        raise TypeError(
            f"`graphs` is a mapping of names to graphs, such as "
            f"`{{'one by one': create_sequential(...)}}`, not `{type(graphs).__name__}`"
        )
    if not graphs:
        raise ConfigurationError("`graphs` is empty: give at least one graph to look at")
    compiled: dict[str, Runnable[Any, Any]] = {}
    for name, graph in graphs.items():
        ready = graph.compile() if isinstance(graph, StateGraph) else graph
        if not isinstance(ready, Runnable):
            raise TypeError(f"graph `{name}` is a graph, compiled or not, not {graph!r}")
        compiled[str(name)] = ready
    return compiled


def examples_of(examples: Any, client: "Client | None" = None) -> "Sequence[Example]":
    """The tasks as LangSmith takes them.

    Args:
        examples: Tasks in any of their forms, or the name of a dataset.
        client: Reads the dataset; None makes one, with the settings of the environment.

    Raises:
        TypeError: One of them is nothing that a task can be made of.
        ConfigurationError: There is none.
    """
    if isinstance(examples, str):
        from langsmith import Client

        made = list((client or Client()).list_examples(dataset_name=examples))
    elif isinstance(examples, Iterable):
        made = [_example(example) for example in examples]
    else:
        raise TypeError(f"`examples` is a sequence of tasks or the name of a dataset: {examples!r}")
    if not made:
        raise ConfigurationError("`examples` is empty: give at least one task")
    return made


def as_task(inputs: Mapping[str, Any]) -> Any:
    """The input of a graph: messages as they are, or the only text as the task.

    Raises:
        ConfigurationError: It cannot be told which of the inputs is the task.
    """
    if "messages" in inputs:
        return dict(inputs)
    texts = [text for text in inputs.values() if isinstance(text, str)]
    if len(texts) != 1 or len(inputs) != 1:
        raise ConfigurationError(
            f"the inputs of an example have `messages`, or one text that is the task; for "
            f"{sorted(inputs)} pass `as_input=lambda inputs: ...`, which makes a graph's input"
        )
    return {"messages": [("user", texts[0])]}


def _example(example: Any) -> "Example":
    from langsmith.schemas import Example

    inputs: dict[str, Any]
    outputs: Any
    match example:
        case Example():
            return example
        case str():
            inputs, outputs = {"task": example}, None
        case (str() as task, expected):
            inputs = {"task": task}
            outputs = dict(expected) if isinstance(expected, Mapping) else {"expected": expected}
        case {"inputs": dict() as inputs, **rest}:
            outputs = rest.get("outputs")
        case _:
            raise TypeError(
                f"an example is a task, a pair of a task and what is expected, a mapping with "
                f"`inputs` and `outputs`, or a LangSmith `Example`, not {example!r}"
            )
    return Example(
        id=uuid4(),
        dataset_id=uuid4(),
        inputs=inputs,
        outputs=outputs,
        created_at=datetime.now(UTC),
    )
