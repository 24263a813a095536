"""From what a person typed to what a run is answered."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from langgraph_orchestra.cli.errors import CommandError
from langgraph_orchestra.cli.thread import Request
from langgraph_orchestra.state import AnswerError

__all__ = ["Answers", "answer_to", "parsed"]

_APPROVALS = frozenset({"approve", "yes", "y", "ok"})
_REJECTIONS = frozenset({"reject", "no", "n"})


class Answers:
    """What `--answer` gave; each is used once, in order.

    Args:
        texts: As they were typed: an answer, or `NODE=answer`, `ID=answer`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._left = list(texts)

    @property
    def unused(self) -> Sequence[str]:
        """Those that nobody asked for."""
        return tuple(self._left)

    def take(self, requests: Sequence[Request], nodes: Collection[str]) -> dict[str, Any]:
        """Answers for what is asked now, by id; nothing where none is left.

        Args:
            requests: What is asked now.
            nodes: Everybody in the graph: an answer that names one who does not ask now is kept.

        Raises:
            CommandError: It is not clear what an answer is for.
            AnswerError: An answer cannot be used.
        """
        answers: dict[str, Any] = {}
        for text in list(self._left):
            request, words = _addressee(text, requests)
            if request is not None and request.id not in answers:
                self._left.remove(text)
                answers[request.id] = answer_to(request, parsed(words))
        to_anybody = [text for text in self._left if not _names_one_of(nodes, text)]
        if answers or not to_anybody:
            return answers
        if len(requests) > 1:
            asked = ", ".join(f"`{request.node}={request.id}`" for request in requests)
            raise CommandError(
                f"{len(requests)} answers are awaited: say which one this is, as `--answer "
                f"NODE=...` or `ID=...`, of {asked}"
            )
        [request], [text, *_] = requests, to_anybody
        self._left.remove(text)
        return {request.id: answer_to(request, parsed(text))}


def parsed(text: str) -> Any:
    """A JSON object or list as such, anything else as the text it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict | list) else text


def answer_to(request: Request, given: Any) -> Any:
    """What a run is answered.

    Our own requests check their answer themselves, and stay open if it cannot be used. Others save
    it first, and a thread with a wrong one cannot go on: so it is checked here.

    Raises:
        AnswerError: It cannot be used.
    """
    if given in ({}, None):
        raise AnswerError(f"the answer of `{request.node}` cannot be used: it is empty")
    if not request.asks_for_tools:
        return given
    decisions = _decisions(request, given)
    return decisions[0] if request.is_one_tool else {"decisions": decisions}


def _addressee(text: str, requests: Sequence[Request]) -> tuple[Request | None, str]:
    """Whom an answer names, and the answer."""
    name, separator, words = text.partition("=")
    named = [one for one in requests if separator and name in (one.id, *one.names)]
    if len(named) > 1:
        named = [one for one in named if name == one.node] or named
    if len(named) > 1:
        ids = ", ".join(f"`{request.id}`" for request in named)
        raise CommandError(f"`{name}` asks {len(named)} times: answer by id, of {ids}")
    return (named[0], words) if named else (None, text)


def _names_one_of(nodes: Collection[str], text: str) -> bool:
    """Whether an answer names somebody, perhaps of a team, who has not asked yet."""
    name, separator, _ = text.partition("=")
    return bool(separator) and name.partition("/")[0] in nodes


def _decisions(request: Request, given: Any) -> list[Mapping[str, Any]]:
    """A decision for each tool call that waits for approval."""
    if isinstance(given, Mapping) and "decisions" in given:
        given = given["decisions"]
    decisions = given if isinstance(given, list) else [given]
    if len(decisions) != len(request.actions):
        raise _refused(
            request,
            f"{len(request.actions)} tool calls wait for a decision, {len(decisions)} were given; "
            f'answer with JSON, as [{{"type": "approve"}}, {{"type": "reject", "message": "..."}}]',
        )
    return [_decision(request, *each) for each in zip(request.actions, decisions, strict=True)]


def _decision(request: Request, action: Mapping[str, Any], given: Any) -> Mapping[str, Any]:
    allowed = request.allowed(action)
    decision = _from_words(request, given, allowed) if isinstance(given, str) else given
    if not isinstance(decision, Mapping) or decision.get("type") not in allowed:
        raise _refused(request, f"decide one of {', '.join(f'`{kind}`' for kind in allowed)}")
    if decision["type"] == "edit":
        return {"type": "edit", "edited_action": _edited(request, action, decision)}
    if decision["type"] == "respond" and not isinstance(decision.get("message"), str):
        raise _refused(request, "a `respond` needs a `message`")
    return decision


def _from_words(request: Request, words: str, allowed: Collection[str]) -> Mapping[str, Any]:
    said = words.strip()
    if not said:
        raise _refused(request, "it is blank")
    if said.casefold() in _APPROVALS:
        return {"type": "approve"}
    if said.casefold() in _REJECTIONS and "reject" in allowed:
        return {"type": "reject"}
    if said.casefold() in (*_REJECTIONS, "edit", "respond"):  # a decision, and no words for it
        return {"type": said.casefold()}
    return {"type": "reject" if "reject" in allowed else "respond", "message": words}


def _edited(
    request: Request, action: Mapping[str, Any], decision: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The tool call that replaces the proposed one, from `edited_action` or plain `args`."""
    edited = decision.get("edited_action") or {"args": decision.get("args")}
    if not isinstance(edited, Mapping) or not isinstance(edited.get("args"), Mapping):
        raise _refused(request, "an `edit` needs the tool's new arguments, as `args: {...}`")
    return {"name": edited.get("name", action["name"]), "args": edited["args"]}


def _refused(request: Request, why: str) -> AnswerError:
    return AnswerError(f"the answer of `{request.node}` cannot be used: {why}")
