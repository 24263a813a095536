"""Brainstorm: four perspectives build on each other's ideas until nobody has another one.

    intake -> customer, engineer, marketer, contrarian, in a new order each round -> summary

Everybody speaks once in each round, in an order drawn anew, so that nobody always has the last
word. The summary ranks the ideas.
"""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_group_chat
from langgraph_orchestra.graphs.templates.idea_rules import (
    PASS,
    PERSPECTIVES,
    Idea,
    idea_in,
    next_idea,
    support_of,
)
from langgraph_orchestra.graphs.templates.reading import task_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, idle, rotate_random, this_run

__all__ = [
    "CONTRARIAN_PROMPT",
    "CUSTOMER_PROMPT",
    "ENGINEER_PROMPT",
    "MARKETER_PROMPT",
    "SHORTLIST_PROMPT",
    "RankedIdea",
    "Shortlist",
    "graph",
]

RULES = f"""\
You are in a brainstorm. Give one new idea for the task, in this form:
Idea: <a title of up to eight words>
How: <one or two sentences, concrete enough to begin tomorrow>
Builds on: <the title of a colleague's idea, word for word; leave the line out if it builds on none>

Prefer to take a colleague's idea further, to combine two, or to turn one round; judge none. Never
repeat an idea in other words. If you have no new one, answer with `{PASS}` and nothing else."""

CUSTOMER_PROMPT = f"""\
You think like those whom it is for: what they need, what is in their way, what would delight them.
{RULES}"""

ENGINEER_PROMPT = f"""\
You think like an engineer: what is simple to build, try and measure, what can be left out.
{RULES}"""

MARKETER_PROMPT = f"""\
You think like a marketer: what people tell each other, what it is called, what brings them
back.
{RULES}"""

CONTRARIAN_PROMPT = f"""\
You think the other way round: what everybody takes for granted, what if the opposite were done.
{RULES}"""

SHORTLIST_PROMPT = """\
You rank the ideas of a brainstorm. Take up to five, the best first: those that others have
built on, that fit the task, and that can be begun soon. Keep each title and
who had the idea first, word for word. Join ideas that are the same in other words.
Say in one sentence each why it is where it is. Add no idea of your own."""


class RankedIdea(BaseModel):
    """An idea worth to be followed up."""

    title: str = Field(description="Its title, word for word.")
    by: str = Field(description="Who had it first.")
    how: str = Field(description="How it is done, in one or two sentences.")
    why: str = Field(description="Why it has this rank, in one sentence.")


class Shortlist(BaseModel):
    """What came out of a brainstorm."""

    ideas: list[RankedIdea] = Field(description="Up to five ideas, the best first.")

    def __str__(self) -> str:
        if not self.ideas:
            return "No ideas."
        return "\n".join(
            f"{rank}. {idea.title} ({idea.by})\n   {idea.how} {idea.why}"
            for rank, idea in enumerate(self.ideas, start=1)
        )


MOST_IDEAS = 5
"""Length of the shortlist."""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_group_chat(
        [
            perspective("customer", "those whom it is for", CUSTOMER_PROMPT),
            perspective("engineer", "simple to build and to try", ENGINEER_PROMPT),
            perspective("marketer", "worth talking about", MARKETER_PROMPT),
            perspective("contrarian", "the other way round", CONTRARIAN_PROMPT),
        ],
        select=rotate_random(seed=1),
        allow_repeat=False,
        stop_when=idle(2),
        max_turns=16,
        summary=Agent("shortlist", SHORTLIST_PROMPT, model=StandIn(shortlist), output=Shortlist),
        history=this_run(),
    )


def perspective(name: str, description: str, prompt: str) -> Agent:
    """A perspective, and the technique that stands in for its model."""

    def have_an_idea(messages: Sequence[BaseMessage]) -> str:
        idea = next_idea(name, task_in(messages), ideas_in(messages))
        return str(idea) if idea else PASS

    return Agent(name, prompt, description=description, model=StandIn(have_an_idea))


def shortlist(messages: Sequence[BaseMessage]) -> Shortlist:
    """Stand in for the ranking: the more others have built on an idea, the better it is."""
    ideas = ideas_in(messages)
    support = {idea: support_of(idea, ideas) for idea in ideas}
    ranked = sorted(ideas, key=lambda idea: support[idea], reverse=True)
    return Shortlist(
        ideas=[
            RankedIdea(title=idea.title, by=idea.by, how=idea.how, why=reason(support[idea]))
            for idea in ranked[:MOST_IDEAS]
        ]
    )


def reason(support: int) -> str:
    """Why an idea has its rank."""
    if support == 0:
        return "Nobody has built on it."
    return f"{support} other {'idea builds' if support == 1 else 'ideas build'} on it."


def ideas_in(messages: Sequence[BaseMessage]) -> list[Idea]:
    """The ideas so far, in the order in which they were said."""
    said = [(m.name, m.text.removeprefix(f"{m.name}: ")) for m in messages if m.name]
    ideas = [idea_in(name, text) for name, text in said if name in PERSPECTIVES]
    return [idea for idea in ideas if idea]
