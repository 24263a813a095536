"""Behaviour of `resolve_model`: where a model comes from and what is said if there is none."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from openai import OpenAIError

import langgraph_orchestra.models
from langgraph_orchestra.models import ScriptedModel, resolve_model
from langgraph_orchestra.state import ConfigurationError, OrchestrationContext

LOCAL_SERVER = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ORCHESTRA_MODEL",
        "OPENAI_API_KEY",
        "OPENAI_ADMIN_KEY",
        "OPENAI_API_BASE",
        "OPENAI_BASE_URL",
        "LANGSMITH_API_KEY",
        "LANGSMITH_GATEWAY",
        "LANGSMITH_GATEWAY_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return "sk-test"


def name_and_key(model: Any) -> tuple[str, str]:
    assert isinstance(model, ChatOpenAI)
    return model.model_name, model.root_client.api_key


def test_a_model_comes_back_as_it_is() -> None:
    model = ScriptedModel(["x"])

    assert resolve_model(model) is model


@pytest.mark.parametrize("name", ["openai:octopus-1", "gpt-octopus"])
def test_a_name_becomes_a_model(name: str, key: str) -> None:
    assert name_and_key(resolve_model(name)) == (name.removeprefix("openai:"), key)


@pytest.mark.parametrize(
    "context",
    [
        OrchestrationContext(model="openai:of-context"),
        SimpleNamespace(model="openai:of-context"),
        {"model": "openai:of-context"},
    ],
    ids=["OrchestrationContext", "object", "mapping"],
)
def test_the_context_gives_the_default(
    context: object, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_MODEL", "openai:of-environment")

    assert name_and_key(resolve_model(context=context)) == ("of-context", key)


def test_the_context_may_hold_a_model_itself() -> None:
    model = ScriptedModel(["x"])

    assert resolve_model(context=SimpleNamespace(model=model)) is model


def test_a_model_of_ones_own_wins_over_the_context(key: str) -> None:
    context = OrchestrationContext(model="openai:of-context")

    assert name_and_key(resolve_model("openai:own", context=context)) == ("own", key)


@pytest.mark.parametrize(
    "context",
    [None, OrchestrationContext(), OrchestrationContext(model=""), {}, {"model": None}, object()],
)
def test_the_environment_gives_the_default_where_the_context_has_none(
    context: object, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_MODEL", "openai:of-environment")

    assert name_and_key(resolve_model(context=context)) == ("of-environment", key)


@pytest.mark.parametrize("in_environment", [None, ""])
def test_no_model_anywhere_says_what_to_set(
    in_environment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_environment is not None:
        monkeypatch.setenv("ORCHESTRA_MODEL", in_environment)

    with pytest.raises(ConfigurationError) as caught:
        resolve_model()

    for remedy in ("`model=`", "`context=OrchestrationContext(model=...)`", "`ORCHESTRA_MODEL`"):
        assert remedy in str(caught.value)


@pytest.mark.parametrize("name", ["octopus-1", "nowhere:octopus-1"])
def test_a_name_of_no_known_provider_says_how_to_write_it(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"`{name}`.*`provider:name`") as caught:
        resolve_model(name)

    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("name", ["", "  ", "openai:", "openai: "])
def test_a_name_without_a_model_is_refused(name: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match="names no model"):
        resolve_model(name)


def test_a_missing_provider_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_xai", None)

    with pytest.raises(
        ConfigurationError,
        match=r"`xai:grok` cannot be used: Initializing.*pip install langchain-xai",
    ) as caught:
        resolve_model("xai:grok")

    assert isinstance(caught.value.__cause__, ImportError)


@pytest.mark.parametrize("name", ["openai:gpt-5-mini", "gpt-5-mini"])
def test_a_missing_key_says_which_variable_to_set(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"`{name}`.*set `OPENAI_API_KEY`") as caught:
        resolve_model(name)

    assert isinstance(caught.value.__cause__, OpenAIError)


def test_a_missing_key_of_another_provider_keeps_the_words_of_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_key(_: str) -> None:
        raise KeyError("MISTRAL_API_KEY")

    monkeypatch.setattr("langchain.chat_models.init_chat_model", without_key)

    with pytest.raises(ConfigurationError, match=r"`mistralai:small`.*API key.*MISTRAL_API_KEY"):
        resolve_model("mistralai:small")


@pytest.mark.parametrize("name", ["openai:octopus-1", "gpt-octopus", "GPT-octopus"])
def test_a_server_of_ones_own_needs_no_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL_SERVER)

    model = resolve_model(name)

    assert isinstance(model, ChatOpenAI)
    assert str(model.root_client.base_url) == f"{LOCAL_SERVER}/"
    assert str(model.root_async_client.base_url) == f"{LOCAL_SERVER}/"
    assert model.root_client.api_key == "not-needed"


def test_a_server_of_ones_own_is_sent_the_key_that_is_set(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL_SERVER)

    assert name_and_key(resolve_model("openai:octopus-1")) == ("octopus-1", key)


def test_streams_report_usage_on_a_server_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL_SERVER)

    model = resolve_model("openai:octopus-1")

    assert isinstance(model, ChatOpenAI)
    assert model.stream_usage is True


@pytest.mark.parametrize("spec", [3, b"openai:x", ScriptedModel, object()])
def test_what_is_neither_a_name_nor_a_model_is_refused(spec: Any) -> None:
    with pytest.raises(TypeError, match="`provider:name` string or a `BaseChatModel`"):
        resolve_model(spec)


@pytest.mark.parametrize(
    "wrapped", [ScriptedModel(["x"]).bind(stop=["."]), ScriptedModel(["x"]).with_retry()]
)
def test_a_wrapped_model_is_refused_since_its_settings_would_be_lost(wrapped: Any) -> None:
    with pytest.raises(TypeError, match="set them on the model itself"):
        resolve_model(wrapped)


def test_a_context_with_something_else_as_model_is_refused() -> None:
    with pytest.raises(TypeError, match="`int`"):
        resolve_model(context=SimpleNamespace(model=3))


def test_importing_the_package_imports_neither_langchain_nor_chat_models() -> None:
    code = (
        "import sys, langgraph_orchestra.models as models; "
        "names = ['langchain', 'langchain_openai', 'langchain_core.language_models.chat_models']; "
        "print([name for name in names if name in sys.modules], models.ScriptedModel.__name__)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[] ScriptedModel"


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="`ScriptModel`"):
        langgraph_orchestra.models.ScriptModel  # noqa: B018
