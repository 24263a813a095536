"""Product description: a writer revises it until a checker lets it go to print.

    intake -> writer -> checker -> END
                ^          |
                +----------+   what is missing, made up, or too much

The checker goes by the brief alone, so that what goes out names the price and the terms that it
gives, and nothing that it does not.
"""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs import PatternGraph, create_maker_checker
from langgraph_orchestra.graphs.templates.description_rules import brief_in, draft_of, flaws_in
from langgraph_orchestra.graphs.templates.reading import said_by, task_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent
from langgraph_orchestra.state import Verdict

__all__ = ["CHECK_PROMPT", "WRITE_PROMPT", "graph"]

WRITE_PROMPT = """\
You write product descriptions for a shop. Write the one that the brief asks for, as one paragraph:
what it is, what the buyer gets from it, then price and terms. Take every figure and every term from
the brief, word for word; add none. No superlatives, no promises. Keep to the length that the brief
gives; if it gives none, stay under 60 words.

If a draft of yours was sent back, write it again, complete: do everything that was asked for since
the first draft, and leave the rest as it is. Give the description alone, without remarks."""

CHECK_PROMPT = """\
You check product descriptions before they go to print. Compare the draft with the brief, and with
nothing else. It can go out if
- it names the product;
- every term of the brief is in it as the brief gives it: price, warranty, delivery and so on;
- every figure and every claim in it is in the brief;
- it has no superlatives and no promises (`best`, `perfect`, `guaranteed`);
- it is not longer than the brief allows, or than 60 words if the brief says nothing.

In your feedback, give each thing that must change as one bullet point `- ...` with the words that
are wrong or missing in quotes, and what to do. Ask for nothing that is a matter of taste. The score
is 10 if nothing must change, and 2 less for each thing that must."""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_maker_checker(
        Agent("writer", WRITE_PROMPT, model=StandIn(write)),
        Agent("checker", CHECK_PROMPT, model=StandIn(check)),
    )


def write(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the writer: the brief in stock sentences, and what was asked for since."""
    return draft_of(brief_in(task_in(messages)), "\n".join(said_by("checker", messages)))


def check(messages: Sequence[BaseMessage]) -> Verdict:
    """Stand in for the checker: compare the draft with the brief, by rules."""
    task, draft = task_in(messages), said_by("writer", messages)[-1]
    flaws = list(flaws_in(draft, brief_in(task), task))
    return Verdict(
        approved=not flaws,
        feedback="\n".join(f"- {flaw}" for flaw in flaws),
        score=max(0, 10 - 2 * len(flaws)),
    )
