"""Which model is called: the one a user named, or else the one of the run."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langgraph_orchestra.models import is_chat_model, is_stand_in, resolve_model
from langgraph_orchestra.nodes.driver import Execution

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["ModelSource"]


class ModelSource:
    """Finds the model a user named, once for each name.

    Args:
        spec: What the user gave: a model, its name, or None.
    """

    def __init__(self, spec: "str | BaseChatModel | None") -> None:
        self._spec = spec
        self._found: dict[str | None, BaseChatModel] = {}

    def resolve(self, execution: Execution) -> "BaseChatModel":
        """The model to call in this run.

        Raises:
            ConfigurationError: There is none, or it cannot be set up.
        """
        own: Any = None if is_stand_in(self._spec) else self._spec
        if is_chat_model(own):
            return own
        context = execution.context
        wanted = own or _model_of(context) or os.environ.get("ORCHESTRA_MODEL")
        if wanted is None and is_stand_in(self._spec):
            return self._spec  # type: ignore[return-value]  # a stand-in is a model
        if is_chat_model(wanted):
            return wanted
        if wanted not in self._found:
            self._found[wanted] = resolve_model(own, context=context)
        return self._found[wanted]

    def check(self, execution: Execution) -> Sequence[str]:
        """Name of the model to call in this run; that of its class, if it tells none.

        Raises:
            ConfigurationError: There is none, or it cannot be set up.
        """
        model = self.resolve(execution)
        name = getattr(model, "model_name", None) or getattr(model, "model", None)
        return (str(name or type(model).__name__),)


def _model_of(context: Any) -> Any:
    if isinstance(context, Mapping):
        return context.get("model")
    return getattr(context, "model", None)
