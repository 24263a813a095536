"""The context of a run is optional in every part."""

from dataclasses import FrozenInstanceError, fields

import pytest

from langgraph_orchestra.state import OrchestrationContext


def test_everything_in_a_context_is_optional():
    assert OrchestrationContext() == OrchestrationContext(model=None, user=None)


def test_a_context_cannot_be_changed_while_a_run_has_it():
    with pytest.raises(FrozenInstanceError):
        OrchestrationContext().model = "openai:gpt-5-mini"  # type: ignore[misc]


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="modell"):
        OrchestrationContext(modell="openai:gpt-5-mini")  # type: ignore[call-arg]


def test_every_setting_says_in_studio_what_it_is_for():
    assert all(setting.metadata["description"] for setting in fields(OrchestrationContext))
