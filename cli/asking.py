"""Asking a person in the terminal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from langgraph_orchestra.cli.answers import answer_to, parsed
from langgraph_orchestra.cli.hints import how_to
from langgraph_orchestra.cli.thread import Request
from langgraph_orchestra.cli.wording import as_text, clean
from langgraph_orchestra.state import AnswerError

__all__ = ["Asker", "shown"]

PROMPT = "> "
END_OF_TEXT = "."


class Asker:
    """Asks what a run wants to know, one request after another.

    Args:
        console: Where the person reads; they type on standard input.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_last: tuple[str, str] | None = None
        self._has_left = False

    def ask(self, requests: Sequence[Request]) -> dict[str, Any]:
        """Ask until every request has an answer that looks usable, or the person has had enough.

        Returns:
            The answers, by the ids of the requests; those that were given before the person left.

        Raises:
            EOFError: The person does not want to answer now.
        """
        answers: dict[str, Any] = {}
        while not self._has_left and len(answers) < len(requests):
            request = requests[len(answers)]
            try:
                answers[request.id] = self._ask(request)
            except EOFError:
                self._has_left = True
        if not answers:
            raise EOFError
        return answers

    def refuse(self, error: AnswerError) -> None:
        """Say that an answer cannot be used."""
        self._console.print(Text(clean(str(error)), style="yellow"))

    def _ask(self, request: Request) -> Any:
        self._console.print()
        self._console.print(Rule(Text(request.node, style="bold"), align="left", style="dim"))
        while True:
            try:
                return answer_to(request, self._answer(request))
            except AnswerError as error:
                self.refuse(error)

    def _answer(self, request: Request) -> Any:
        if not request.actions:
            self._say(request, shown(request))
            self._hint(request)
            return parsed(self._read(PROMPT))
        answers = [self._decide(request, action) for action in request.actions]
        return answers if request.asks_for_tools else answers[0]

    def _decide(self, request: Request, action: Mapping[str, Any]) -> Any:
        allowed = request.allowed(action)
        self._say(request, _description_of(action))
        self._hint(request, action)
        typed = self._read(PROMPT)
        word = typed.strip().casefold()
        if word == "edit" and "edit" in allowed:
            return self._edit(action)
        if word == "respond" and "respond" in allowed and request.asks_for_tools:
            self._console.print(Text("What the tool is said to have returned:", style="dim"))
            return {"type": "respond", "message": self._read(PROMPT)}
        return parsed(typed)

    def _edit(self, action: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new draft or instruction as text; other things as JSON."""
        args = action.get("args", {})
        if text := next((key for key in ("draft", "instruction") if key in args), None):
            self._console.print(
                Text(f"The new text, up to a line with only `{END_OF_TEXT}`:", style="dim")
            )
            lines = iter(lambda: self._read(""), END_OF_TEXT)
            return {"type": "edit", "args": {text: "\n".join(lines)}}
        if action["name"] == "plan_review":
            steps = clean(json.dumps(args["plan"], ensure_ascii=False))
            self._console.print(Text(steps), soft_wrap=True)  # one line, to be copied as it is
            self._console.print(Text("The new steps, as a JSON list in one line:", style="dim"))
            return {"type": "edit", "args": {"plan": parsed(self._read(PROMPT))}}
        self._console.print(Text("The new arguments, as a JSON object in one line:", style="dim"))
        return {"type": "edit", "args": parsed(self._read(PROMPT))}

    def _hint(self, request: Request, action: Mapping[str, Any] | None = None) -> None:
        hint = clean(how_to(request, action))
        self._console.print(Text(f"{hint[:1].upper()}{hint[1:]}:", style="dim"))

    def _say(self, request: Request, text: str) -> None:
        """Tell what is asked, unless it was told last: after a refused answer it is still there."""
        if self._said_last != (request.id, text):
            self._said_last = (request.id, text)
            self._console.print(Text(f"{text}\n"))

    def _read(self, prompt: str) -> str:
        return self._console.input(prompt, markup=False)


def shown(request: Request) -> str:
    """What a request asks, for a reader."""
    if not request.actions:
        return clean(as_text(request.value))
    return "\n\n".join(_description_of(action) for action in request.actions)


def _description_of(action: Mapping[str, Any]) -> str:
    return clean(str(action.get("description") or action["name"]))
