"""Names to chat models, and a scripted model for offline runs and tests."""

from typing import TYPE_CHECKING

from langgraph_orchestra.models.resolve import resolve_model

if TYPE_CHECKING:
    from langgraph_orchestra.models.scripted import ScriptedCall, ScriptedModel

__all__ = ["ScriptedCall", "ScriptedModel", "resolve_model"]


def __getattr__(name: str) -> object:
    # `BaseChatModel` costs 30 ms to import, which graphs without a script need not pay.
    if name in {"ScriptedCall", "ScriptedModel"}:
        from langgraph_orchestra.models import scripted

        return getattr(scripted, name)
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
