"""Names to chat models, and a scripted model for offline runs and tests."""

from typing import TYPE_CHECKING

from langgraph_orchestra.models.kinds import is_chat_model, is_stand_in
from langgraph_orchestra.models.resolve import resolve_model

if TYPE_CHECKING:
    from langgraph_orchestra.models.scripted import ScriptedCall, ScriptedModel
    from langgraph_orchestra.models.stand_in import StandIn

__all__ = [
    "ScriptedCall",
    "ScriptedModel",
    "StandIn",
    "is_chat_model",
    "is_stand_in",
    "resolve_model",
]


def __getattr__(name: str) -> object:
    # `BaseChatModel` costs 30 ms to import, which graphs without a script need not pay.
    if name in {"ScriptedCall", "ScriptedModel"}:
        from langgraph_orchestra.models import scripted

        return getattr(scripted, name)
    if name == "StandIn":
        from langgraph_orchestra.models.stand_in import StandIn

        return StandIn
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
