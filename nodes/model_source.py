"""Which model is called: the one a user named, or else the one of the run."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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


def name_of(model: "BaseChatModel") -> str:
    """Name of a model; that of its class, if it tells none."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(name or type(model).__name__)


def _model_of(context: Any) -> Any:
    if isinstance(context, Mapping):
        return context.get("model")
    return getattr(context, "model", None)
