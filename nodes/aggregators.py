"""How the results of parallel branches become one answer.

An aggregator is a function of a `View`, sync or async, that reads `view.results` (the successes) or
`view.state["results"]` (all); or a participant. What a function returns is the answer (text or a
typed object), a message, or a dict of state keys.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from langgraph_orchestra.nodes.agent import Agent
from langgraph_orchestra.nodes.participant import answer_text
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConfigurationError, Result, Votes

__all__ = ["Race", "concatenate", "first", "majority", "prefer", "synthesise", "weighted"]

Aggregator = Callable[[View], Any]

SYNTHESIS_PROMPT = (
    "Several colleagues have worked on the task independently. Write one answer from what they "
    "found: keep what they agree on, say where they differ, and add nothing of your own."
)
"""Prompt of the agent behind `synthesise` where only a model is given."""


def concatenate() -> Aggregator:
    """Put the answers under one another, each under its name, in declared order."""

    def concatenated(view: View) -> str:
        return "\n\n".join(f"## {r.name}\n\n{answer_text(r.output)}" for r in _successes(view))

    return concatenated


def majority(*, key: Callable[[Any], Hashable] | None = None) -> Aggregator:
    """Take the answer that most branches gave; a tie goes to the one declared first.

    The votes are in the state's `votes`.

    Args:
        key: What of an answer is compared; None compares its text, upper and lower case alike and
            blanks at its ends left out.
    """
    compared = key or (lambda output: answer_text(output).strip().casefold())

    def elected(view: View) -> dict[str, Any]:
        first_given: dict[Hashable, Any] = {}
        voters: dict[Hashable, list[str]] = {}
        for result in _successes(view):
            vote = compared(result.output)
            first_given.setdefault(vote, result.output)
            voters.setdefault(vote, []).append(result.name)
        if not voters:
            return {"output": ""}
        most = max(len(names) for names in voters.values())
        leaders = [vote for vote, names in voters.items() if len(names) == most]
        winner = first_given[leaders[0]]
        named = {vote: answer_text(output) for vote, output in first_given.items()}
        votes = Votes(
            winner=named[leaders[0]],
            counts={named[vote]: len(names) for vote, names in voters.items()},
            by={named[vote]: names for vote, names in voters.items()},
            tied=len(leaders) > 1,
        )
        return {"output": winner, "votes": votes}

    return elected


def weighted() -> Aggregator:
    """Take the answer with the most stated confidence, summed over those who agree.

    The confidence is an answer's field `confidence`; an answer without one counts 0. Answers agree
    when they are equal apart from it. A tie goes to the one declared first.
    """

    def most_trusted(view: View) -> Any:
        weights: dict[str, float] = {}
        first_given: dict[str, Any] = {}
        for result in _successes(view):
            claim, confidence = _claim_and_confidence(result.output)
            first_given.setdefault(claim, result.output)
            weights[claim] = weights.get(claim, 0.0) + confidence
        return first_given[max(weights, key=lambda claim: weights[claim])] if weights else ""

    return most_trusted


def prefer(names: Sequence[str]) -> Aggregator:
    """Take the answer of the first of these participants that succeeded.

    Args:
        names: Participants, the most trusted first.
    """
    if isinstance(names, str) or not names:
        raise ConfigurationError("`prefer` takes a list of participants' names")

    def preferred(view: View) -> Any:
        by_name = {result.name: result for result in _successes(view)}
        return next((by_name[name].output for name in names if name in by_name), "")

    preferred.names = tuple(names)  # type: ignore[attr-defined]
    return preferred


def synthesise(agent: Any = None) -> Agent:
    """Let a model write one answer from all of them; it sees every result under its name.

    Args:
        agent: An `Agent` with a prompt of its own, a chat model, a model's name, or None for the
            context's model.
    """
    if isinstance(agent, Agent):
        return agent
    return Agent("synthesis", SYNTHESIS_PROMPT, model=agent)


@dataclass(frozen=True)
class Race:
    """The aggregator `first`: the branches race, and the losers are cancelled."""

    def __call__(self, view: View) -> Any:
        """The winner's answer."""
        return next((result.output for result in _successes(view)), "")


def first() -> Race:
    """Take the first success, and cancel the other branches; failures do not win."""
    return Race()


def _successes(view: View) -> Sequence[Result]:
    results = view.results
    return list(results.values()) if isinstance(results, Mapping) else list(results)


def _claim_and_confidence(output: Any) -> tuple[str, float]:
    if isinstance(output, BaseModel):
        confidence = getattr(output, "confidence", None)
        claim = output.model_dump_json(exclude={"confidence"})
    elif isinstance(output, Mapping):
        confidence = output.get("confidence")
        claim = repr({k: v for k, v in sorted(output.items()) if k != "confidence"})
    else:
        confidence, claim = None, str(output)
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    return claim, float(confidence) if number else 0.0  # type: ignore[arg-type]
