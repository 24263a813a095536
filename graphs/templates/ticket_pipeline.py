"""Ticket pipeline: what a ticket is about, how urgent it is, who takes it, and their notice.

    intake -> classify -> prioritise -> route -> notify

The route follows from a table, so a function takes it, with or without a model.
"""

from collections.abc import Mapping, Sequence

from langchain_core.messages import AnyMessage, BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_sequential
from langgraph_orchestra.graphs.templates.reading import said_by, sentences, task_in
from langgraph_orchestra.graphs.templates.ticket_rules import Category, Level, category_of, level_of
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, View

__all__ = [
    "CLASSIFY_PROMPT",
    "NOTIFY_PROMPT",
    "PRIORITISE_PROMPT",
    "Classification",
    "Notification",
    "Priority",
    "Route",
    "graph",
]

CLASSIFY_PROMPT = """\
You classify support tickets. Choose the one category that decides who can solve the problem:
- outage: a service is down or unreachable, for the writer or for many;
- technical: something works wrongly: errors, crashes, slowness, integrations, wrong data;
- billing: invoices, charges, refunds, prices, subscriptions;
- account: signing in, passwords, permissions, personal data, security of an account;
- general: anything else.
If several fit, an outage comes first, then what stops the writer's work. Judge by what the ticket
describes, not by the words the writer shouts."""

PRIORITISE_PROMPT = """\
You set the priority of support tickets, from the ticket and its category:
- critical: many customers cannot work, money or data is being lost, or security is breached;
- high: one customer cannot work, or names a deadline that is near;
- normal: an inconvenience with a way around it;
- low: a question, a wish, or something cosmetic.
A writer's tone or wish for speed alone raises nothing. Name in the reason the words you went by."""

NOTIFY_PROMPT = """\
You write the notice to the team that a support ticket was routed to. They read it on a phone. Name
the category, the priority, the team and the time to respond exactly as they were decided. Say what
is wrong in the customer's own words, then why it has this priority, then what is known that helps
to solve it. Add nothing that the ticket does not say. At most 80 words."""


class Classification(BaseModel):
    """What a ticket is about."""

    category: Category = Field(description="The one category that fits best.")
    subject: str = Field(description="The problem in at most ten words, as the customer puts it.")


class Priority(BaseModel):
    """How urgent a ticket is."""

    priority: Level = Field(description="The priority.")
    reason: str = Field(description="Why, in one sentence that quotes the ticket.")


class Route(BaseModel):
    """Who takes a ticket, and by when."""

    team: str
    respond_within: str


class Notification(BaseModel):
    """The notice to the team."""

    team: str = Field(description="The team it goes to, as routed.")
    subject: str = Field(description="Subject line: `[priority category] the problem`.")
    text: str = Field(description="The notice itself.")

    def __str__(self) -> str:
        return f"To: {self.team}\nSubject: {self.subject}\n\n{self.text}"


TEAMS: Mapping[Category, tuple[str, str]] = {
    "outage": ("on-call engineering", "incident response"),
    "technical": ("technical support", "on-call engineering"),
    "billing": ("billing", "billing lead"),
    "account": ("account services", "security desk"),
    "general": ("service desk", "duty manager"),
}
"""Who takes a category, and who takes it when it is critical."""

RESPOND_WITHIN: Mapping[Level, str] = {
    "critical": "15 minutes",
    "high": "1 hour",
    "normal": "1 working day",
    "low": "3 working days",
}


def graph() -> PatternGraph:
    """Build the graph."""
    return create_sequential(
        [
            Agent("classify", CLASSIFY_PROMPT, model=StandIn(classify), output=Classification),
            Agent("prioritise", PRIORITISE_PROMPT, model=StandIn(prioritise), output=Priority),
            route,
            Agent(
                "notify",
                NOTIFY_PROMPT,
                model=StandIn(notify),
                output=Notification,
                history=all_decisions,
            ),
        ]
    )


def all_decisions(view: View) -> Sequence[AnyMessage]:
    """The notice needs the ticket and what every stage has decided, not the last one alone."""
    return view.run_messages


def route(view: View) -> Route:
    """Take the team and the time to respond from the tables."""
    *_, classified = map(Classification.model_validate_json, said_by("classify", view.answers))
    *_, urgency = map(Priority.model_validate_json, said_by("prioritise", view.answers))
    team, critical_team = TEAMS[classified.category]
    return Route(
        team=critical_team if urgency.priority == "critical" else team,
        respond_within=RESPOND_WITHIN[urgency.priority],
    )


def classify(messages: Sequence[BaseMessage]) -> Classification:
    """Stand in for the classification: go by the words of the ticket."""
    ticket = task_in(messages)
    first, *_ = sentences(ticket)
    return Classification(category=category_of(ticket), subject=shortened(first.rstrip(".!")))


def prioritise(messages: Sequence[BaseMessage]) -> Priority:
    """Stand in for the priority: who is hit, what is lost, what the writer says of the hurry."""
    *_, classified = map(Classification.model_validate_json, said_by("classify", messages))
    level, words = level_of(task_in(messages), classified.category)
    quoted = ", ".join(f"“{word}”" for word in words)
    reason = f"The ticket says: {quoted}." if words else "The ticket names no loss and no hurry."
    return Priority(priority=level, reason=reason)


def notify(messages: Sequence[BaseMessage]) -> Notification:
    """Stand in for the notice: put the decisions in a line."""
    *_, classified = map(Classification.model_validate_json, said_by("classify", messages))
    *_, urgency = map(Priority.model_validate_json, said_by("prioritise", messages))
    *_, routed = map(Route.model_validate_json, said_by("route", messages))
    return Notification(
        team=routed.team,
        subject=f"[{urgency.priority} {classified.category}] {classified.subject}",
        text=(
            f"Priority {urgency.priority}, category {classified.category}: "
            f"“{classified.subject}”. For {routed.team}, to respond within "
            f"{routed.respond_within}. {urgency.reason}"
        ),
    )


def shortened(text: str, width: int = 80) -> str:
    """A text cut to one line."""
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
