"""A template asked offline, and one whose stand-ins give way to a named model."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import OrchestrationContext

Ask = Callable[[str, str], dict[str, Any]]
AskModel = Callable[..., tuple[dict[str, Any], ScriptedModel]]


@pytest.fixture
def ask() -> Ask:
    """Runs a template on a task, without a model."""

    def ask(template: str, task: str) -> dict[str, Any]:
        result: dict[str, Any] = (
            TEMPLATES[template].build().compile().invoke({"messages": [("user", task)]})
        )
        return result

    return ask


@pytest.fixture
def ask_model() -> AskModel:
    """Runs a template on a task with a model that answers each prompt as it is told."""

    def ask_model(template: str, task: str, replies: Mapping[str, Any]) -> Any:
        model = ScriptedModel(lambda messages: replies[messages[0].text])
        context = OrchestrationContext(model=model)  # type: ignore[arg-type]  # a model works too
        app = TEMPLATES[template].build().compile()
        return app.invoke({"messages": [("user", task)]}, context=context), model

    return ask_model
