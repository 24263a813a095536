"""What a person may answer to an interrupt, in every form that people and their tools send it.

Understood are LangChain's `{"decisions": [{"type": "approve" | "edit" | "reject" | "respond"}]}`
(Agent Chat UI, Studio), Agent Inbox's one-element list, one decision alone, plain text, and a bool.
Validation happens inside `interrupt(response_schema=...)`: an answer refused there is not saved, so
the same interrupt can be answered again.

A blank answer is `""`, blanks, `[]` or `{"decisions": []}`. `{}` and None are none: a
`Command(resume={})` answers nobody.

In a nested team answer by id, `Command(resume={interrupt.id: answer})`: LangGraph keeps a plain
`Command(resume=answer)` with the outermost graph's checkpoint for as long as the team runs, and
gives it to a later question of the same team too, should the one between be answered by id.
"""

import json
import reprlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar, get_args

from langgraph.types import interrupt
from pydantic import (
    BaseModel,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import CoreSchema, ErrorDetails

from langgraph_orchestra.state import AnswerError

__all__ = [
    "Answer",
    "Blank",
    "Decision",
    "DecisionType",
    "answer_type",
    "answered",
    "ask_person",
    "decision_in_words",
]

DecisionType = Literal["approve", "edit", "reject", "respond"]

Blank = Literal["refused", "default", "goes_on", "ends"]
"""What a blank answer means: it is refused, stands for a declared answer, or lets the run go on or
end without a word."""

_APPROVALS = frozenset({"approve", "approved", "accept", "yes", "y", "ok", "okay"})
_REJECTIONS = frozenset({"reject", "rejected", "no", "n"})
_NO_NEW_TEXT = "an `edit` needs the new text, as `args: {'draft': '...'}`"
_INBOX: Mapping[str, DecisionType] = {
    "accept": "approve",
    "ignore": "reject",
    "response": "respond",
}


A = TypeVar("A", bound="Answer")


class Decision(BaseModel):
    """One decision of a person."""

    type: DecisionType
    """What is decided."""

    message: str = ""
    """The words of an answer, or the feedback of a rejection."""

    edited_action: dict[str, Any] | None = None
    """The text that replaces the draft: `{"name": ..., "args": {"draft": ...}}`."""

    value: SkipJsonSchema[Any] = Field(default=None, exclude=True)
    """The answer as the type that was asked for, where one was."""

    @property
    def text(self) -> str:
        """The words: of an edit, the new draft."""
        if self.edited_action is None:
            return self.message
        return _edited({"edited_action": self.edited_action})


class Answer(BaseModel):
    """A person's answer: one decision, or none at all where a blank answer means something."""

    decisions: list[Decision] = Field(max_length=1)

    allowed: ClassVar[Sequence[DecisionType]] = ("approve", "edit", "reject", "respond")
    blank: ClassVar[Blank] = "refused"
    default: ClassVar[str | None] = None
    value_type: ClassVar[type[BaseModel] | None] = None
    choices: ClassVar[Sequence[str]] = ()

    @property
    def decision(self) -> Decision | None:
        """The decision; None if the person left it blank."""
        return self.decisions[0] if self.decisions else None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema that clients see names what is possible here, and nothing else.

        `x-blank` tells what a blank answer means, and `x-default` what it stands for.
        """
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema.update({"x-blank": cls.blank, "x-default": cls.default})
        decisions = schema["properties"]["decisions"]
        if cls.blank == "refused":
            decisions["minItems"] = 1
        decision = handler.resolve_ref_schema(decisions["items"])
        fields = decision["properties"]
        fields["type"]["enum"] = list(cls.allowed)
        if "edit" not in cls.allowed:
            del fields["edited_action"]
        if cls.allowed == ("respond",):
            decision["required"] = ["type", "message"]
            del fields["message"]["default"]
        if cls.choices:
            fields["message"]["enum"] = list(cls.choices)
        if cls.value_type is not None and "respond" in cls.allowed:
            inside = cls.value_type.model_json_schema()
            fields["message"].update(contentMediaType="application/json", contentSchema=inside)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        decision = cls._decision(raw)
        if decision is None:
            if cls.blank == "refused":
                raise ValueError(f"the answer is blank; {cls._wanted()}")
            return {"decisions": []}
        if decision["type"] not in cls.allowed:
            raise ValueError(f"`{decision['type']}` is not possible here; {cls._wanted()}")
        if decision["type"] == "respond":
            cls._check_words(decision)
        if decision["type"] == "edit" and cls.value_type is not None:
            decision["value"] = cls.value_type.model_validate_json(_edited(decision))
        return {"decisions": [decision]}

    @classmethod
    def _decision(cls, raw: Any) -> dict[str, Any] | None:
        """The decision in any of its forms; None for a blank answer."""
        if isinstance(raw, Mapping) and "decisions" in raw:
            raw = raw["decisions"]
        if isinstance(raw, list | tuple):
            if len(raw) > 1:
                raise ValueError(f"{len(raw)} decisions were given; give exactly one")
            raw = raw[0] if raw else ""
        if isinstance(raw, bool):
            return {"type": "approve" if raw else "reject"}
        if isinstance(raw, int) and cls.choices:  # the number of a choice
            raw = str(raw)
        if isinstance(raw, str):
            return decision_in_words(raw, cls.allowed)
        if isinstance(raw, Mapping):
            return cls._from_mapping(raw)
        kind = type(raw).__name__
        raise ValueError(f"an answer is text, a bool or a decision, not {kind}; {cls._wanted()}")

    @classmethod
    def _from_mapping(cls, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        said = raw.get("type")
        kind = _INBOX.get(said, said) if isinstance(said, str) else None
        if kind not in get_args(DecisionType):
            return cls._from_bare_mapping(raw)
        if kind == "edit":
            edited = raw.get("edited_action") or raw.get("args")
            edited = edited if isinstance(edited, Mapping) else {"args": edited}
            edited = edited if cls.value_type is None else _with_json(edited)
            if not _draft_in(edited.get("args", edited)).strip():
                raise ValueError(_NO_NEW_TEXT)
            return {"type": "edit", "edited_action": dict(edited)}
        words = _words(raw)
        if said == "ignore" and "reject" not in cls.allowed:
            return None
        if kind == "respond":
            if not words:
                return None
            if "respond" not in cls.allowed:  # at a review, words are feedback
                kind = "reject"
        return {"type": kind, "message": words}

    @classmethod
    def _from_bare_mapping(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        """An answer that names no decision of ours: the typed answer itself, or an approval."""
        if cls.value_type is not None and "respond" in cls.allowed:
            return {"type": "respond", "message": json.dumps(dict(raw), default=str)}
        if "type" in raw:
            raise ValueError(f"{reprlib.repr(raw['type'])} is not possible here; {cls._wanted()}")
        if isinstance(raw.get("approved"), bool):
            return {"type": "approve" if raw["approved"] else "reject", "message": _words(raw)}
        raise ValueError(f"the answer has no `type`; {cls._wanted()}")

    @classmethod
    def _check_words(cls, decision: dict[str, Any]) -> None:
        if cls.choices:
            decision["message"] = cls._chosen(decision["message"])
        if cls.value_type is not None:
            decision["value"] = cls.value_type.model_validate_json(decision["message"])

    @classmethod
    def _chosen(cls, words: str) -> str:
        """The choice that is meant, by its name or else by its number, from 1.

        Upper and lower case matter only between choices.
        """
        said = words.strip()
        meant = [c for c in cls.choices if c.casefold() == said.casefold()]
        if said in meant or len(meant) == 1:
            return said if said in meant else meant[0]
        numbered = {str(number): c for number, c in enumerate(cls.choices, 1)}
        if said in numbered:
            return numbered[said]
        raise ValueError(f"{reprlib.repr(said)} cannot be chosen; {cls._wanted()}")

    @classmethod
    def _wanted(cls) -> str:
        if cls.choices:
            listed = (f"`{choice}` ({number})" for number, choice in enumerate(cls.choices, 1))
            return f"choose one of {', '.join(listed)}"
        return f"decide one of {', '.join(f'`{kind}`' for kind in cls.allowed)}"


def decision_in_words(words: str, allowed: Collection[str]) -> dict[str, Any] | None:
    """The decision that words stand for.

    Where something can be approved or rejected, `yes` and `no` do so. All other words are what the
    person has to say: an answer where one is possible, else the feedback of a rejection.

    Args:
        words: As they were written.
        allowed: Decisions that are possible.

    Returns:
        The decision, which may still be one that is not possible; None for blank words.

    Raises:
        ValueError: They are `edit` alone.
    """
    if not words.strip():
        return None
    said = words.strip().casefold().strip(".!")
    if "approve" in allowed and said in _APPROVALS:
        return {"type": "approve"}
    if "reject" in allowed and said in _REJECTIONS:
        return {"type": "reject"}
    if "edit" in allowed and said == "edit":
        raise ValueError(_NO_NEW_TEXT)
    return {"type": "respond" if "respond" in allowed else "reject", "message": words}


def answer_type(
    allowed: Sequence[DecisionType],
    *,
    blank: Blank = "refused",
    default: str | None = None,
    value_type: type[BaseModel] | None = None,
    choices: Sequence[str] = (),
) -> type[Answer]:
    """A type of answers that takes only these decisions.

    Args:
        allowed: Decisions that are possible.
        blank: What a blank answer means, where no default is declared.
        default: What a blank answer stands for; None if there is nothing.
        value_type: What the words of a `respond` or an `edit` must be, as JSON; None takes any.
        choices: What the words of a `respond` must be one of; empty takes any words.
    """
    return type(
        "Answer",
        (Answer,),
        {
            "__module__": __name__,
            "__doc__": Answer.__doc__,
            "allowed": tuple(allowed),
            "blank": blank if default is None else "default",
            "default": default,
            "value_type": value_type,
            "choices": tuple(choices),
        },
    )


def ask_person(request: Mapping[str, Any], answers: type[Answer]) -> Decision | None:
    """Interrupt the run and wait for a person.

    Args:
        request: What the person is shown.
        answers: What may be answered.

    Returns:
        The decision; None for a blank answer.

    Raises:
        AnswerError: The answer cannot be used; nothing is saved, and it can be given again.
    """
    return answered(request, answers, request["node"]).decision


def answered(request: Mapping[str, Any], answers: type[A], who: str) -> A:
    """Interrupt the run, and wait for an answer.

    Args:
        request: What the person is shown.
        answers: What may be answered.
        who: Who asks.

    Raises:
        AnswerError: The answer cannot be used; nothing is saved, and it can be given again.
    """
    try:
        return interrupt(dict(request), response_schema=answers)
    except ValidationError as invalid:
        said = "; ".join(
            _told(error) for error in invalid.errors(include_url=False, include_context=False)
        )
        refused = AnswerError(f"the answer of `{who}` cannot be used: {said}")
        # LangGraph marks the exception of a refused answer, so that the other tasks of the step
        # are not cut off by it; the mark goes with the error of ours.
        vars(refused).update(vars(invalid))
        raise refused from invalid


def _told(error: ErrorDetails) -> str:
    """What is wrong with an answer, and where in it."""
    where = ".".join(map(str, error["loc"]))
    return f"{f'`{where}`: ' if where else ''}{error['msg'].removeprefix('Value error, ')}"


def _words(raw: Mapping[str, Any]) -> str:
    """The words of a decision, under the first key that has any; empty where none has."""
    for key in ("message", "feedback", "args"):
        words = raw.get(key) or ""
        words = words if isinstance(words, str) else json.dumps(words, default=str)
        if words.strip():
            return words
    return ""


def _edited(decision: Mapping[str, Any]) -> str:
    """The text that an edit puts in place of the draft."""
    edited = decision["edited_action"]
    return _draft_in(edited.get("args", edited))


def _with_json(edited: Mapping[str, Any]) -> Mapping[str, Any]:
    """An edited action whose draft is an object, with it as JSON."""
    args = edited.get("args", edited)
    draft = args.get("draft") if isinstance(args, Mapping) else None
    if not isinstance(draft, Mapping):
        return edited
    return {**edited, "args": {"draft": json.dumps(dict(draft), default=str)}}


def _draft_in(args: Any) -> str:
    """The text in an edit's arguments, under whichever of its names; empty if there is none."""
    if isinstance(args, str):
        return args
    if isinstance(args, Mapping):
        for key in ("draft", "instruction", "text", "message", "content"):
            if isinstance(args.get(key), str):
                return str(args[key])
    return ""
