"""Which model is called: the one a user named, or else the one of the run."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langgraph_orchestra.models import is_chat_model, is_stand_in, resolve_model
from langgraph_orchestra.nodes.driver import Execution

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["ModelSource", "name_of"]


class ModelSource:
    """Finds the model a user named, once for each name.

    Args:
        spec: What the user gave: a model, its name, or None.
    """

    def __init__(self, spec: "str | BaseChatModel | None") -> None:
        self._spec = spec
        # Found out once: it is asked in each turn, and a model is slow to say what it lacks.
        self._gives_way = is_stand_in(spec)
        self._fixed = spec if is_chat_model(spec) and not self._gives_way else None
        self._found: dict[str | None, BaseChatModel] = {}
        self._asked: dict[type[BaseModel], tuple[BaseChatModel, Runnable[Any, Any] | None]] = {}

    @property
    def is_of_the_run(self) -> bool:
        """Whether the run may name the model."""
        return self._spec is None or self._gives_way

    def resolve(self, execution: Execution) -> "BaseChatModel":
        """The model to call in this run.

        Raises:
            ConfigurationError: There is none, or it cannot be set up.
        """
        if self._fixed is not None:
            return self._fixed
        own: Any = None if self._gives_way else self._spec
        context = execution.context
        wanted = own or _model_of(context) or os.environ.get("ORCHESTRA_MODEL")
        if wanted is None and self._gives_way:
            return self._spec  # type: ignore[return-value]  # a stand-in is a model
        if is_chat_model(wanted):
            return wanted
        if wanted not in self._found:
            self._found[wanted] = resolve_model(own, context=context)
        return self._found[wanted]

    def check(self, execution: Execution) -> "Sequence[BaseChatModel]":
        """The model to call in this run.

        Raises:
            ConfigurationError: There is none, or it cannot be set up.
        """
        return (self.resolve(execution),)

    def asked_for(self, schema: type[BaseModel], execution: Execution) -> Runnable[Any, Any] | None:
        """The model of this run, bound to answer with an object.

        It is bound once, as long as it stays the same: that takes longer than everything else of
        ours in a decision.

        Args:
            schema: What it is asked for.
            execution: The node that asks.

        Returns:
            The bound model; None if it can neither call tools nor follow a schema.

        Raises:
            ConfigurationError: There is none, or it cannot be set up.
        """
        model, known = self.resolve(execution), self._asked.get(schema)
        if known is None or known[0] is not model:
            known = self._asked[schema] = model, _bound_to(model, schema)
        return known[1]


def _bound_to(model: "BaseChatModel", schema: type[BaseModel]) -> Runnable[Any, Any] | None:
    """A model that answers with an object of `schema`; None if this one cannot."""
    try:
        if not type(model).with_structured_output.__module__.startswith("langchain_openai."):
            return model.with_structured_output(schema, include_raw=True)
        # Given a class, OpenAI's SDK parses the answer itself and raises if it does not fit: answer
        # and usage would be lost, and nothing left to ask again about. Given its schema, it does
        # not.
        from openai import pydantic_function_tool

        strict_schema = pydantic_function_tool(schema)["function"]["parameters"]
        return model.with_structured_output(strict_schema, include_raw=True, strict=True)
    except NotImplementedError:
        return None


def name_of(model: "BaseChatModel") -> str:
    """Name of a model; that of its class, if it tells none."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(name or type(model).__name__)


def _model_of(context: Any) -> Any:
    if isinstance(context, Mapping):
        return context.get("model")
    return getattr(context, "model", None)
