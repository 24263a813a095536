"""From what a user writes as `model=` to a chat model."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from langgraph_orchestra.state import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

__all__ = ["resolve_model"]

OPENAI_PREFIXES = ("openai:", "gpt-", "o1", "o3", "chatgpt")
"""How names of OpenAI models begin: with their provider, or as LangChain infers it."""


def resolve_model(
    spec: "str | BaseChatModel | None" = None, *, context: object | None = None
) -> "BaseChatModel":
    """Find the chat model a participant or decider talks to.

    A server that speaks OpenAI's protocol is reached as `openai:<its name of the model>` with its
    address in `OPENAI_BASE_URL`. If that is set and `OPENAI_API_KEY` is not, the server is taken
    to need no key and is sent a placeholder. Streams of OpenAI models report their usage, on such
    servers too, so that limits hold in streamed runs; for a server that refuses
    `stream_options`, pass a `ChatOpenAI(stream_usage=False, ...)` of your own.

    Args:
        spec: A chat model, which comes back as it is; a name as `provider:name`, given to
            LangChain's `init_chat_model`; or None for the default of the run, which is the
            context's model, else the environment variable `ORCHESTRA_MODEL`.
        context: The run's context: an `OrchestrationContext`, any object with a `model`
            attribute, a mapping with a `model` key, or None.

    Returns:
        A chat model; one made from a name is new on each call.

    Raises:
        ConfigurationError: No model is set anywhere, or the name cannot be made into a model:
            unknown provider, missing package, missing API key. LangChain's own error is the cause.
        TypeError: `spec`, or the context's model, is neither a name nor a chat model.
    """
    from langchain_core.language_models.chat_models import BaseChatModel

    if isinstance(spec, BaseChatModel):
        return spec
    if isinstance(spec, str):
        return _model_named(spec)
    if spec is not None:
        raise TypeError(
            f"a model must be a `provider:name` string or a `BaseChatModel`, not "
            f"`{type(spec).__name__}`; a model wrapped by `.bind()`, `.with_retry()` and the like "
            "would lose these settings once tools are bound: set them on the model itself"
        )
    default = _model_of(context) or os.environ.get("ORCHESTRA_MODEL")
    if not default:
        raise ConfigurationError(
            "no model is set: give the participant a `model=`, run with "
            "`context=OrchestrationContext(model=...)`, or set the environment variable "
            "`ORCHESTRA_MODEL`, for example to `openai:gpt-5-mini`"
        )
    return resolve_model(default)


def _model_of(context: object | None) -> Any:
    if isinstance(context, Mapping):
        return context.get("model")
    return getattr(context, "model", None)


def _model_named(name: str) -> "BaseChatModel":
    if not name.rpartition(":")[2].strip():
        raise ConfigurationError(
            f"model `{name}` names no model: write `provider:name`, for example `openai:gpt-5-mini`"
        )
    # `langchain` and the provider's package take most of a second to import.
    from langchain.chat_models import init_chat_model

    try:
        return cast("BaseChatModel", init_chat_model(name, **_options(name)))
    except Exception as error:
        # Each provider raises errors of its own, with no base in common.
        raise ConfigurationError(
            f"model `{name}` cannot be used: {_remedy(name, error)}"
        ) from error


def _is_openai(name: str) -> bool:
    return name.lower().startswith(OPENAI_PREFIXES)


def _options(name: str) -> dict[str, Any]:
    if not _is_openai(name):
        return {}
    # LangChain leaves usage out of streams as soon as `OPENAI_BASE_URL` is set.
    options: dict[str, Any] = {"stream_usage": True}
    if os.environ.get("OPENAI_BASE_URL") and not os.environ.get("OPENAI_API_KEY"):
        options["api_key"] = "not-needed"
    return options


def _remedy(name: str, error: Exception) -> str:
    if isinstance(error, ImportError):
        return str(error)
    if "infer model provider" in str(error):
        return (
            "its provider is unknown; write `provider:name`, for example `openai:gpt-5-mini`, or "
            f"`openai:{name}` for a server of yours whose address is in `OPENAI_BASE_URL`"
        )
    if _is_openai(name):
        return f"set `OPENAI_API_KEY`, or `OPENAI_BASE_URL` for a server without a key ({error})"
    return f"check that its provider's API key is set ({error})"
