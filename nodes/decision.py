"""Decisions of a model: one typed object, asked for, validated, asked for again."""

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from pydantic import BaseModel, ValidationError

from langgraph_orchestra.nodes.driver import Steps
from langgraph_orchestra.nodes.model_source import ModelSource
from langgraph_orchestra.nodes.work import Work
from langgraph_orchestra.state import DecisionError

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

__all__ = ["ATTEMPTS", "decide"]

M = TypeVar("M", bound=BaseModel)

ATTEMPTS = 3
"""How often a model is asked for a valid decision before it counts as failed."""


def decide(
    work: Work,
    model: ModelSource,
    schema: type[M],
    messages: Sequence[AnyMessage],
    *,
    check: Callable[[M], str | None] = lambda _: None,
    attempts: int = ATTEMPTS,
    given: AIMessage | None = None,
) -> Steps[M]:
    """Ask a model for an object of `schema` until it is valid.

    No tokens are streamed: a refused answer is nobody's speech.

    Args:
        work: The turn the question belongs to.
        model: Who decides.
        schema: What is asked for; its docstring and fields describe it to the model.
        messages: What the model reads.
        check: What else must hold; returns what is wrong, or None.
        attempts: How often it is asked at the most.
        given: What the model has answered already; it counts as the first attempt.

    Returns:
        The valid object.

    Raises:
        ConfigurationError: There is no model.
        DecisionError: No answer was valid, however often the model was asked.
    """
    asked = list(messages)
    config: RunnableConfig = {**work.quietly(), "run_name": schema.__name__}  # in traces
    question = model.asked_for(schema, work.execution)
    if question is None:  # a model without tool calling: it is told the schema instead
        question = model.resolve(work.execution)
        asked.append(SystemMessage(_JSON_PROMPT + _schema_text(schema)))
    error = ""
    for _ in range(attempts):
        answer = given or (yield from work.ask(question, asked, config))
        given = None
        raw, parsed = (answer, None) if isinstance(answer, BaseMessage) else _parts(answer)
        value, error = _valid(schema, raw, parsed)
        if value is not None and not (error := check(value) or ""):
            return value
        asked = [*asked, *_sent_back(raw, error)]  # a trace may still hold the list before
    raise DecisionError(attempts, error)


_JSON_PROMPT = "Answer with exactly one JSON object of this schema, and nothing else: "


@lru_cache(maxsize=64)
def _schema_text(schema: type[BaseModel]) -> str:
    """A class's JSON schema; pydantic takes milliseconds to make it, each time anew."""
    return json.dumps(schema.model_json_schema())


def _parts(answer: dict[str, Any]) -> tuple[AIMessage, Any]:
    return answer["raw"], answer["parsed"] or answer["parsing_error"]


def _valid(schema: type[M], raw: BaseMessage, parsed: Any) -> tuple[M | None, str]:
    """The object an answer holds, or what is wrong with it."""
    calls = [*raw.tool_calls, *raw.invalid_tool_calls] if isinstance(raw, AIMessage) else []
    if len(calls) > 1:
        return None, f"{len(calls)} answers were given; give exactly one"
    if isinstance(parsed, schema):
        return parsed, ""
    try:
        found = calls[0]["args"] if calls else _only_object(raw.text)
        # As JSON, which is what came: a strict schema takes text for a date or a choice then.
        text = found if isinstance(found, str) else json.dumps(found)
        return schema.model_validate_json(text), ""
    except ValidationError as wrong:
        return None, "; ".join(
            f"`{'.'.join(map(str, e['loc'])) or schema.__name__}`: {e['msg']}"
            for e in wrong.errors(include_url=False)
        )
    except ValueError as wrong:
        return None, str(wrong)


_LAST_WORD = re.compile(r"[\w.+-]*\s*")  # of a text: all that is left where JSON was cut off


_DECODER = json.JSONDecoder()


def _only_object(text: str) -> str:
    """The one JSON object in a text, also between other words or in a code fence, as it stands.

    Raises:
        ValueError: There is none, or more than one.
    """
    decoder, found, place = _DECODER, list[str](), text.find("{")
    while place >= 0:
        try:
            _, end = decoder.raw_decode(text, place)
            found.append(text[place:end])
        except RecursionError:
            raise ValueError("the answer's JSON is nested too deep") from None
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated") or _LAST_WORD.fullmatch(text, error.pos):
                raise ValueError("the answer's JSON object is cut off") from None
            end = place + 1
        place = text.find("{", end)
    if len(found) != 1:
        raise ValueError(f"the answer holds {len(found) or 'no'} JSON objects; give exactly one")
    return found[0]


def _sent_back(raw: BaseMessage, error: str) -> list[AnyMessage]:
    """The refused answer and why; a refused tool call is answered, as chat APIs demand."""
    reason = f"That answer cannot be used: {error}. Answer again."
    if isinstance(raw, AIMessage) and raw.tool_calls and not raw.invalid_tool_calls:
        results = [ToolMessage(reason, tool_call_id=call["id"] or "") for call in raw.tool_calls]
        return [raw, *results]
    # Of a call with broken arguments, only the text: chat APIs would wait for its result. A plain
    # `str`, since pydantic refuses one of LangChain's own kind that has a broken surrogate.
    return [*([AIMessage(str(raw.text))] if raw.text else []), HumanMessage(reason)]
