"""Telling chat models apart without loading them.

LangChain's chat models take longer to import than all of a graph's own code, and what has not been
imported cannot have been passed in.
"""

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["is_chat_model", "is_stand_in"]


def is_chat_model(value: Any) -> "TypeGuard[BaseChatModel]":
    """Whether it is a chat model."""
    loaded = sys.modules.get("langchain_core.language_models.chat_models")
    return loaded is not None and isinstance(value, loaded.BaseChatModel)


def is_stand_in(value: Any) -> bool:
    """Whether it is a model that gives way to the one the run names."""
    return is_chat_model(value) and bool(getattr(value, "gives_way", False))
