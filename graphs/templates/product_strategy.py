"""Product strategy: engineering, design, marketing and business decide; a chair gives the floor.

    intake -> selector <-> engineering, design, marketing, business
                 |
                 +-> END, with the decision

The chair is a model that reads the whole conversation: who was asked something speaks next, then
who has not been heard, and when nothing is open the chair ends the meeting with the decision.
"""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs import PatternGraph, create_group_chat
from langgraph_orchestra.graphs.templates.reading import task_in
from langgraph_orchestra.graphs.templates.strategy_rules import (
    DEPARTMENTS,
    contribution_of,
    decision,
    open_questions,
    plan_in,
)
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, by_model, this_run
from langgraph_orchestra.state import SpeakerChoice

__all__ = [
    "BUSINESS_PROMPT",
    "CHAIR_PROMPT",
    "DESIGN_PROMPT",
    "ENGINEERING_PROMPT",
    "MARKETING_PROMPT",
    "graph",
]

RULES = """\
You are in a meeting that decides on a product. Speak for your department alone, in at most five
sentences, with the figures of the task; what you estimate you call an estimate. Answer first what
you were asked. If a colleague's department has to settle something before the meeting can decide,
ask on a line of its own: `Question for <department>: <question>`, with engineering, design,
marketing or business. Ask nothing that has been answered. Object where a colleague's answer does
not work for your department, and say what would."""

ENGINEERING_PROMPT = f"""\
You are engineering: effort, order of the work, technical risk, what fits before the deadline.
{RULES}"""

DESIGN_PROMPT = f"""\
You are design: what those who use it must be able to do, what can wait, what would confuse them.
{RULES}"""

MARKETING_PROMPT = f"""\
You are marketing: who wants it and how many, what competitors offer, what price they would pay.
{RULES}"""

BUSINESS_PROMPT = f"""\
You are business: what it costs, what it earns, when it has paid back, what else the money could do.
{RULES}"""

CHAIR_PROMPT = """\
You chair a meeting that decides on a product. Give the floor to a department that was asked
something and has not answered; else to one that has not spoken and has something to say on this
task; else to one whose figures contradict another's. As soon as nothing that matters is open,
finish with the decision as final answer: begin with `Build`, `Build in part`, `Do not build now` or
`Find out first`, then what exactly, then the reasons with their figures and whose they are, then
risks that were named, then what happens next. Use nothing that was not said in the meeting."""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_group_chat(
        [
            department("engineering", "effort, risk, deadline", ENGINEERING_PROMPT),
            department("design", "what users must be able to do", DESIGN_PROMPT),
            department("marketing", "demand, competitors, price", MARKETING_PROMPT),
            department("business", "cost, income, payback", BUSINESS_PROMPT),
        ],
        select=by_model(
            Agent("chair", CHAIR_PROMPT, model=StandIn(give_floor), history=this_run())
        ),
        allow_repeat=False,
        max_turns=12,
        history=this_run(),
    )


def department(name: str, description: str, prompt: str) -> Agent:
    """A department, and the rules that stand in for its model."""

    def contribute(messages: Sequence[BaseMessage]) -> str:
        said = said_in(messages)
        return contribution_of(
            name,
            plan_in(task_in(messages)),
            open_questions(said).get(name, ()),
            is_first=name not in dict(said),
        )

    return Agent(name, prompt, description=description, model=StandIn(contribute))


def give_floor(messages: Sequence[BaseMessage]) -> SpeakerChoice:
    """Stand in for the chair: whoever was asked, then who has not spoken, then the decision."""
    task, *talk = [message for message in messages if message.type == "human"]
    said = said_in(talk)
    for asked, [question, *_] in open_questions(said).items():
        return SpeakerChoice(next_speaker=asked, reason=f"was asked: {question}")
    for name in DEPARTMENTS:
        if name not in dict(said):
            return SpeakerChoice(next_speaker=name, reason="has not spoken yet")
    return SpeakerChoice(
        next_speaker=None,
        reason="everybody has spoken and nothing is open",
        finished=True,
        final_answer=decision(plan_in(task.text)),
    )


def said_in(messages: Sequence[BaseMessage]) -> list[tuple[str, str]]:
    """Who said what, in order."""
    return [(m.name, m.text.removeprefix(f"{m.name}: ")) for m in messages if m.name in DEPARTMENTS]
