"""A template asked offline, and one whose stand-ins give way to a named model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langgraph_orchestra.graphs.templates import TEMPLATES, Template
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import OrchestrationContext
from support.runs import Run

Ask = Callable[..., dict[str, Any]]
Example = Callable[..., dict[str, Any]]
PlayingAll = Callable[[Mapping[str, Sequence[Any]]], tuple[Any, ScriptedModel]]
AskModel = Callable[..., tuple[dict[str, Any], ScriptedModel]]


@pytest.fixture
def ask() -> Ask:
    """Runs a template on a task, without a model, with the answers of a person if one is asked."""

    def ask(template: str, task: str, *answers: Any) -> dict[str, Any]:
        app = TEMPLATES[template].build().compile(checkpointer=InMemorySaver())
        thread: Any = {"configurable": {"thread_id": "1"}}
        result: dict[str, Any] = app.invoke({"messages": [("user", task)]}, thread)
        for answer in answers:
            assert "__interrupt__" in result, result["stop"]
            result = app.invoke(Command(resume=answer), thread)
        return result

    return ask


@pytest.fixture
def run_example(run: Run) -> Example:
    """Runs a template's example to its end, with the answers that it suggests."""

    def run_example(template: Template, app: Any, thread: str = "1") -> dict[str, Any]:
        result = run(app, template.example, thread=thread)
        for answer in template.answers:
            assert "__interrupt__" in result, result["stop"]
            result = run(app, Command(resume=answer), thread=thread)
        return result

    return run_example


@pytest.fixture
def playing_all() -> PlayingAll:
    """A run's context with one model in all roles: each has its answers in order, by its prompt."""

    def playing_all(scripts: Mapping[str, Sequence[Any]]) -> tuple[Any, ScriptedModel]:
        left = {prompt: iter(answers) for prompt, answers in scripts.items()}

        def reply(messages: Sequence[BaseMessage]) -> Any:
            return next(next(left[one] for one in left if messages[0].text.startswith(one)))

        model = ScriptedModel(reply)
        return OrchestrationContext(model=model), model  # type: ignore[arg-type]  # works too

    return playing_all


@pytest.fixture
def ask_model() -> AskModel:
    """Runs a template on a task with a model that answers each prompt as it is told."""

    def ask_model(template: str, task: str, replies: Mapping[str, Any]) -> Any:
        model = ScriptedModel(lambda messages: replies[messages[0].text])
        context = OrchestrationContext(model=model)  # type: ignore[arg-type]  # a model works too
        app = TEMPLATES[template].build().compile()
        return app.invoke({"messages": [("user", task)]}, context=context), model

    return ask_model
