"""Park planning: three agents debate a park proposal until they agree, with an employee among them.

    intake -> community -> environment -> budget
                  ^                          |
                  +-------- employee <-------+     summary, as soon as all agree

The employee of the parks department has the last seat of each round: they are asked if anything is
open, and their answer or amended figure is what the agents go by in the next round.
"""

from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_group_chat
from langgraph_orchestra.graphs.templates.park_rules import (
    AGENTS,
    findings_of,
    proposal_name,
    reactions_to,
)
from langgraph_orchestra.graphs.templates.reading import said_by, task_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, Human, View, idle, this_run, when

__all__ = [
    "BUDGET_PROMPT",
    "CLOSING_PROMPT",
    "COMMUNITY_PROMPT",
    "ENVIRONMENT_PROMPT",
    "Position",
    "graph",
]

RULES = """\
You are in a debate about a park proposal with the other two agents and with an employee of the
parks department. Judge your own field by the figures in the proposal and by what the employee has
said since: a later figure replaces an earlier one. Estimate none; what is missing you ask for.
Challenge what colleagues ask for where it harms your field, defend your own concerns, and give up a
concern as soon as a figure or an argument has settled it. Do not repeat what you have said before
in other words."""

COMMUNITY_PROMPT = f"""\
You are the community engagement agent: accessibility for everybody, what residents will say, how
the park will be used and by whom, whether access to it is fair.
{RULES}"""

ENVIRONMENT_PROMPT = f"""\
You are the environmental planning agent: wetlands and habitats, trees and native vegetation, sealed
ground, sustainability, environmental regulations.
{RULES}"""

BUDGET_PROMPT = f"""\
You are the budget and operations agent: what it costs to build against the funding, what upkeep
costs against the yearly budget, staff, and what the other agents' demands would add to both.
{RULES}"""

CLOSING_PROMPT = """\
You write the closing summary of a debate about a park proposal, for those who prepare the community
review. Begin with `Consensus on <park>` or `No consensus on <park>`. Then, as bullet points: what
the employee changed or confirmed; what speaks for the proposal, with its figures, one point for
each agent; what is still open, and who raised it. At the end, the question residents are most
likely to ask. Use nothing that was not said in the debate."""


class Position(BaseModel):
    """What an agent makes of the proposal now."""

    supports: bool = Field(description="Whether the proposal can go to community review as it is.")
    statement: str = Field(
        description="What you say to the others: two to four sentences, reacting to them by name."
    )
    concerns: list[str] = Field(
        description="What has to change, one sentence each, with its figure; empty if nothing."
    )
    questions: list[str] = Field(
        description="What only the employee can tell you; empty if you need nothing."
    )

    def __str__(self) -> str:
        points = "\n".join(f"- {point}" for point in self.open_points)
        return "\n".join(filter(None, [self.statement, points]))

    @property
    def open_points(self) -> Sequence[str]:
        """What the employee can do something about."""
        return [*self.concerns, *self.questions]


def graph() -> PatternGraph:
    """Build the graph."""
    return create_group_chat(
        [
            agent("community", "accessibility, residents, usage", COMMUNITY_PROMPT),
            agent("environment", "ecology, vegetation, regulations", ENVIRONMENT_PROMPT),
            agent("budget", "construction, upkeep, staffing", BUDGET_PROMPT),
            Human(
                "employee",
                "Parks department; knows the site, and can amend the proposal.",
                ask=open_points,
                default="Nothing changes.",
            ),
        ],
        select=next_speaker,
        transitions={
            "community": ["environment"],
            "environment": ["budget"],
            "budget": ["employee"],
            "employee": ["community"],
        },
        stop_when=when(consensus) | idle(len(AGENTS)),
        max_turns=16,
        summary=Agent("closing", CLOSING_PROMPT, model=StandIn(sum_up)),
        history=this_run(),
    )


def agent(name: str, description: str, prompt: str) -> Agent:
    """An agent, and the rules that stand in for its model."""

    def take_position(messages: Sequence[BaseMessage]) -> Position:
        concerns = {
            colleague: position.concerns
            for colleague, position in latest_positions(messages).items()
            if colleague != name
        }
        demands = [concern for theirs in concerns.values() for concern in theirs]
        findings = findings_of(name, proposal_in(messages), demands)
        met, open_concerns, questions = (
            [one.text for one in findings if one.kind == kind]
            for kind in ("met", "concern", "question")
        )
        said = [*met, *reactions_to(name, concerns)]
        return Position(
            supports=not open_concerns and not questions,
            statement=" ".join(said) or "I have nothing to add to my concerns.",
            concerns=open_concerns,
            questions=questions,
        )

    return Agent(
        name, prompt, description=description, model=StandIn(take_position), output=Position
    )


def next_speaker(view: View) -> str:
    """The agent who has not spoken in this round yet, else the employee, who ends the round."""
    spoken = this_round(view)
    return next((name for name in AGENTS if name not in spoken), "employee")


def consensus(view: View) -> bool:
    """Whether all agents have spoken since the employee's latest word, and support the proposal."""
    positions = latest_positions(view.answers).values()
    return set(this_round(view)) == set(AGENTS) and all(one.supports for one in positions)


def open_points(view: View) -> str:
    """What the employee is asked: everything that is open, by who has raised it."""
    points = [
        f"- {name}: {point}"
        for name, position in latest_positions(view.answers).items()
        for point in position.open_points
    ]
    return "\n".join(
        [
            f"The agents do not agree yet on {proposal_name(view.task)}. Still open:",
            *points,
            "Answer, or amend the proposal with new figures, such as `Accessible paths: 95%`. "
            "Leave it blank if nothing changes.",
        ]
    )


def this_round(view: View) -> Sequence[str]:
    """Who has spoken since the employee's latest word."""
    names = [turn.agent for turn in view.turns]
    asked = [place for place, name in enumerate(names) if name == "employee"]
    return names[asked[-1] + 1 :] if asked else names


def latest_positions(messages: Sequence[BaseMessage]) -> Mapping[str, Position]:
    """Each agent's latest position, in the order in which they speak."""
    said = {name: said_by(name, messages) for name in AGENTS}
    return {name: Position.model_validate_json(one[-1]) for name, one in said.items() if one}


def proposal_in(messages: Sequence[BaseMessage]) -> Sequence[str]:
    """The proposal, and what the employee has said since."""
    return [task_in(messages), *said_by("employee", messages)]


def sum_up(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the summary: who supports the proposal, what was changed, what is open."""
    proposal, *amendments = proposal_in(messages)
    positions = latest_positions(messages)
    opposed = [name for name, position in positions.items() if not position.supports]
    lines = [f"{'No consensus' if opposed else 'Consensus'} on {proposal_name(proposal)}."]
    lines += [f"- employee: {said}" for said in amendments]
    lines += [f"- {name}: {position.statement}" for name, position in positions.items()]
    open_points = [
        f"- Open, from {name}: {point}" for name in opposed for point in positions[name].open_points
    ]
    return "\n".join([*lines, *open_points])
