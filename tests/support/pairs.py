"""Checks every message list that a chat model is sent for complete tool call and result pairs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage


def unpaired(messages: list[BaseMessage]) -> list[str]:
    """Ids of calls without a result and of results without a call; empty if all is well."""
    called = [c["id"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls]
    answered = [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
    return sorted({str(i) for i in called} ^ {str(i) for i in answered})


@contextmanager
def check_pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Watch all chat models while the context is open; fail at its end if a list was wrong."""
    wrong: list[list[str]] = []

    def watched(original: Any) -> Any:
        def generate(self: Any, messages: list[list[BaseMessage]], *args: Any, **named: Any) -> Any:
            wrong.extend(found for one in messages if (found := unpaired(one)))
            return original(self, messages, *args, **named)

        return generate

    for method in ("generate", "agenerate"):
        monkeypatch.setattr(BaseChatModel, method, watched(getattr(BaseChatModel, method)))
    yield
    assert not wrong, f"tool calls and results without their counterpart were sent: {wrong}"
