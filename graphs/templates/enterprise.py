"""Enterprise: three levels of supervisors; estimates and costs come up to whoever decides.

    chief
      +- engineering
      |    +- backend:  api_developer, data_developer
      |    +- web:      web_developer
      +- quality
           +- testing:  tester

Each supervisor is a worker of the one above: it plans what it was given, has those below do it,
reviews what they bring, and adds it up. What the chief sends back goes all the way down again.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_supervisor
from langgraph_orchestra.graphs.templates.enterprise_rules import (
    DEPARTMENTS,
    EVERYBODY,
    Estimate,
    Line,
    Worker,
    assignment,
    budget_in,
    day_rate_in,
    estimate_of,
    missing_in,
    owner_of,
    parts_in,
    to_cut,
    total,
    tree_of,
    within,
)
from langgraph_orchestra.graphs.templates.managing import (
    Decisions,
    Delivered,
    ManagerStandIn,
    Rule,
    feedback_in,
    goal_in,
    step_in,
    under_review,
)
from langgraph_orchestra.graphs.templates.reading import listed, money, typed_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, Member, this_run
from langgraph_orchestra.state import Plan, PlanStep, Review, StepReview

__all__ = [
    "CHIEF_PROMPT",
    "DECISION_PROMPT",
    "HEAD_PROMPT",
    "SUM_PROMPT",
    "WORKER_PROMPT",
    "Proposal",
    "graph",
]

CHIEF_PROMPT = """\
You lead a company that thinks about a project. Plan one step for each department that has parts of
the project to do: give it the day rate and its parts, word for word, with their days and whether
they are optional. The departments do not depend on each other.

Review their estimates together. Is their sum above the budget, send those departments back that
have optional parts, and name the parts to leave out in quotes: the dearest first, no more than
needed. Else accept them: what cannot be cut is for your decision."""

HEAD_PROMPT = """\
You lead a department or a team. Plan one step for each of your workers that has something to do:
give it the day rate and its parts of your step, word for word, with their days and whether they
are optional. What you were told to leave out goes to nobody. Your workers do not depend on each
other.

Accept an estimate that has every part and no other. Else name what is missing or too much."""

WORKER_PROMPT = """\
You estimate what parts of a project cost: the days you are given, and a fifth more for what is new,
or moves data from one system to another. The cost is days times the day rate. One line for each
part, with your own name."""

SUM_PROMPT = """\
You add up the estimates of your workers: take every line over as it is, put your own name and a
slash before who it is from, and sum days and costs."""

DECISION_PROMPT = """\
You decide on a project, by the estimates of your departments. `go` if its cost is within the
budget; `no go` if it is above, with nothing left to leave out; `refer` if budget or parts are not
known. Take every line over as it is, with the department and a slash before who it is from."""


Decision = Literal["go", "no go", "refer"]
Level = Literal["department", "team", "worker"]


class Proposal(BaseModel):
    """The decision on a project."""

    decision: Decision = Field(description="What is decided.")
    reason: str = Field(description="Why, with the figures; one sentence.")
    lines: list[Line] = Field(description="Every line of every department.")
    left_out: list[str] = Field(description="Parts of the project that are not done.")

    def __str__(self) -> str:
        left_out = [f"Left out: {', '.join(self.left_out)}"] if self.left_out else []
        return "\n".join(
            [f"{self.decision.upper()}: {self.reason}", *tree_of(self.lines), *left_out]
        )


def graph() -> PatternGraph:
    """Build the graph."""
    return create_supervisor(
        [department(name, teams) for name, teams in DEPARTMENTS.items()],
        model=supervisor("chief", CHIEF_PROMPT, "department", [*DEPARTMENTS], review_departments),
        synthesis=Agent("chief", DECISION_PROMPT, model=StandIn(decide), output=Proposal),
    )


def department(name: str, teams: Mapping[str, Mapping[str, Worker]]) -> Member:
    """A department of teams."""
    field = "; ".join(one.field for members in teams.values() for one in members.values())
    workers = [team(one, members) for one, members in teams.items()]
    return headed(name, field, workers, "team", [*teams])


def team(name: str, members: Mapping[str, Worker]) -> Member:
    """A team of workers."""
    field = "; ".join(one.field for one in members.values())
    workers = [worker(one, about) for one, about in members.items()]
    return headed(name, field, workers, "worker", [*members])


def headed(
    name: str,
    field: str,
    workers: Sequence[Agent | Member],
    level: Level,
    names: Sequence[str],
) -> Member:
    """Workers with a head, who adds up what they bring; together a worker of those above."""

    def add_up(messages: Sequence[BaseMessage]) -> Estimate:
        return within(name, typed_in(Estimate, messages[-1:]))

    prompt = f"You are {name}. {SUM_PROMPT}"
    graph = create_supervisor(
        workers,
        model=supervisor("head", HEAD_PROMPT, level, names, review_estimates),
        synthesis=Agent("head", prompt, model=StandIn(add_up), output=Estimate),
    )
    return Member(graph.compile(name=name), description=field)


def supervisor(name: str, prompt: str, level: Level, names: Sequence[str], review: Rule) -> Agent:
    """Who plans and reviews, and the rules that stand in for their model.

    Args:
        name: Their name.
        prompt: What they are told.
        level: Of whose parts they give to whom.
        names: Those below them.
        review: The rule of their reviews.
    """

    def plan(messages: Sequence[BaseMessage]) -> Plan:
        text = step_in(messages) or goal_in(messages)
        left_out = feedback_in(messages)
        parts = [one for one in parts_in(text) if f"“{one.name}”" not in left_out]
        owned = {one: [p for p in parts if getattr(owner_of(p), level) == one] for one in names}
        busy = {one: theirs for one, theirs in owned.items() if theirs} or {names[0]: []}
        return Plan(
            steps=[
                PlanStep(id=one, worker=one, task=assignment(theirs, day_rate_in(text)))
                for one, theirs in busy.items()
            ]
        )

    rules: Decisions = {Plan: plan, Review: review}
    return Agent(name, prompt, model=ManagerStandIn(rules, nothing_to_say), history=this_run())


def worker(name: str, about: Worker) -> Agent:
    """A worker, and the rules that stand in for its model."""

    def estimate(messages: Sequence[BaseMessage]) -> Estimate:
        step = step_in(messages)
        return estimate_of(parts_in(step), day_rate_in(step), name)

    prompt = f"You are {name}. {WORKER_PROMPT}"
    return Agent(name, prompt, description=about.field, model=StandIn(estimate), output=Estimate)


def review_departments(messages: Sequence[BaseMessage]) -> Review:
    """Stand in for the chief's review: what is above the budget goes back, if it can be cut."""
    goal, delivered = under_review(messages, EVERYBODY)
    brought = {one.step: estimate_in(one) for one in delivered}
    lines = [line for estimate in brought.values() for line in estimate.lines]
    cut = to_cut(lines, budget_in(goal))
    reviews = []
    for step, estimate in brought.items():
        names = [f"“{line.part}”" for line in cut if line in estimate.lines]
        feedback = f"We are above the budget: leave out {listed(names)}." if names else ""
        reviews.append(StepReview(step=step, accepted=not names, feedback=feedback))
    return Review(reviews=reviews)


def review_estimates(messages: Sequence[BaseMessage]) -> Review:
    """Stand in for a head's review: an estimate has every part that was asked for."""
    reviews = []
    _, delivered = under_review(messages, EVERYBODY)
    for one in delivered:
        missing = missing_in(estimate_in(one), parts_in(one.task))
        feedback = f"There is no estimate for {listed(missing)}." if missing else ""
        reviews.append(StepReview(step=one.step, accepted=not missing, feedback=feedback))
    return Review(reviews=reviews)


def estimate_in(brought: Delivered) -> Estimate:
    """The estimate that was brought; an empty one if the step has failed."""
    return next(iter(typed_in(Estimate, [HumanMessage(brought.result)])), total([]))


def decide(messages: Sequence[BaseMessage]) -> Proposal:
    """Stand in for the decision: compare the sum with the budget."""
    task = goal_in(messages)
    brought = typed_in(Estimate, messages[-1:])
    lines = [line for estimate in brought for line in estimate.lines]
    cost, budget = sum(line.cost for line in lines), budget_in(task)
    decision: Decision = "refer"
    if not lines:
        reason = "No part has its days: give them as `Order API: 12 days`."
    elif budget is None:
        reason = f"It costs {money(cost)}; the budget is not known."
    else:
        decision = "go" if cost <= budget else "no go"
        reason = f"It costs {money(cost)} of a budget of {money(budget)}."
    return Proposal(
        decision=decision,
        reason=reason,
        lines=lines,
        left_out=missing_in(total(lines), parts_in(task)),
    )


def nothing_to_say(_: Sequence[BaseMessage]) -> str:
    """Nobody asks a supervisor for words here: what they bring is typed."""
    return ""
