"""Feature team: a tech lead plans, four specialists build, and what lacks something goes back.

    intake -> planner -> architect -> backend, frontend -> qa -> synthesise
                              each result is reviewed:
                              accepted, or done over with what must change

Backend and frontend work at once, on the architect's design alone. The tech lead has read the whole
request, and so sees what a specialist has lost sight of.
"""

from collections.abc import Iterator, Sequence

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import PatternGraph, create_supervisor
from langgraph_orchestra.graphs.templates.feature_rules import Request, gaps_in, requested_in
from langgraph_orchestra.graphs.templates.managing import (
    ManagerStandIn,
    feedback_in,
    goal_in,
    step_in,
    under_review,
)
from langgraph_orchestra.graphs.templates.reading import typed_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, this_run
from langgraph_orchestra.state import Plan, PlanStep, Review, StepReview

__all__ = [
    "ARCHITECT_PROMPT",
    "BACKEND_PROMPT",
    "FRONTEND_PROMPT",
    "QA_PROMPT",
    "TECH_LEAD_PROMPT",
    "Checks",
    "Design",
    "Screens",
    "Service",
    "graph",
]

STEPS = ("design", "api", "ui", "tests")
"""Ids of the steps that the stand-in plans."""

RULES = """\
Keep to your step; others do the rest. Give every figure as the step or the design gives it. If your
former answer was sent back, give all of it again, with everything that was asked for."""

TECH_LEAD_PROMPT = """\
You are the tech lead of a team that builds a feature. Plan: `architect` designs first; `backend`
and `frontend` then build from the design, at the same time; `qa` tests what both have built. Leave
the frontend out where no screens are wanted. Copy the lines of the request that a step is about
into its task, word for word, with their figures.

Review against the request, line by line: what of it is missing in the result, or differs? Quote the
missing thing in your feedback. What applies everywhere (rate limits, logging, errors) is forgotten
most easily. Ask for nothing that nobody requested.

In the end, write for whoever asked for the feature: what was built, with its interface, its screens
and its tests, and what had to be corrected on the way or is still missing."""

ARCHITECT_PROMPT = f"""\
You are the architect: you design the interface of a feature. Give each endpoint with its method and
path, and as a policy what holds at every endpoint. Serve each line of your step.
{RULES}"""

BACKEND_PROMPT = f"""\
You are the backend developer: you build the endpoints of a design, in Python. Say for each what it
does and what it answers on bad input, and where each policy of the design is enforced.
{RULES}"""

FRONTEND_PROMPT = f"""\
You are the frontend developer: you build the screens of a feature, in React. Say for each what it
shows, and what users read when the design's endpoints refuse something.
{RULES}"""

QA_PROMPT = f"""\
You are the QA engineer: you write the tests of a feature. For each line of your step, one case that
must work and the most dangerous one that must not; give the figures at which a limit is reached.
{RULES}"""


class Design(BaseModel):
    """The interface of a feature."""

    endpoints: list[str] = Field(description="Each as `METHOD /path`.")
    policies: list[str] = Field(description="What holds at every endpoint, one sentence each.")


class Service(BaseModel):
    """A backend."""

    handlers: list[str] = Field(description="Each as `METHOD /path: what it does and answers`.")
    enforced: list[str] = Field(description="Each policy, and where it is enforced.")


class Screens(BaseModel):
    """A frontend."""

    screens: list[str] = Field(description="What each screen shows.")
    refusals: list[str] = Field(description="What users read when something is refused.")


class Checks(BaseModel):
    """The tests of a feature."""

    cases: list[str] = Field(description="What each test does, and what it expects.")


def graph() -> PatternGraph:
    """Build the graph."""
    return create_supervisor(
        [
            Agent(
                "architect",
                ARCHITECT_PROMPT,
                description="designs interfaces",
                model=StandIn(design),
                output=Design,
            ),
            Agent(
                "backend",
                BACKEND_PROMPT,
                description="builds endpoints from a design, in Python",
                model=StandIn(build_service),
                output=Service,
            ),
            Agent(
                "frontend",
                FRONTEND_PROMPT,
                description="builds screens from a design, in React",
                model=StandIn(build_screens),
                output=Screens,
            ),
            Agent(
                "qa",
                QA_PROMPT,
                description="writes tests",
                model=StandIn(write_tests),
                output=Checks,
            ),
        ],
        model=Agent(
            "tech_lead",
            TECH_LEAD_PROMPT,
            model=ManagerStandIn({Plan: plan, Review: review}, sum_up),
            history=this_run(),
        ),
    )


def plan(messages: Sequence[BaseMessage]) -> Plan:
    """Stand in for the tech lead's plan: design, build, test."""
    request = requested_in(goal_in(messages))
    title, everything = request.title, [one.text for one in request.requirements]
    steps = [
        PlanStep(
            id="design",
            worker="architect",
            task=listing(f"Design {title}", everything),
            expected="endpoints, and what holds at all of them",
        ),
        PlanStep(
            id="api",
            worker="backend",
            task=f"Build the API of {title}",
            expected="every endpoint and policy of the design",
            depends_on=["design"],
        ),
    ]
    if request.has_screens:
        seen = [one.text for one in request.requirements if one.screen or one.policy]
        task = listing(f"Build the screens of {title}", seen)
        steps.append(PlanStep(id="ui", worker="frontend", task=task, depends_on=["design"]))
    task, built = listing(f"Test {title}", everything), [step.id for step in steps[1:]]
    steps.append(PlanStep(id="tests", worker="qa", task=task, depends_on=built))
    return Plan(steps=steps)


def listing(what: str, lines: Sequence[str]) -> str:
    """A step's task, with the lines of the request that it is about."""
    return "\n".join([f"{what}:", *(f"- {line}" for line in lines)])


def design(messages: Sequence[BaseMessage]) -> Design:
    """Stand in for the architect: what each line takes."""
    requirements = requested_in(step_in(messages)).requirements
    return Design(
        endpoints=[endpoint for one in requirements for endpoint in one.endpoints],
        policies=[one.policy for one in requirements if one.policy],
    )


def build_service(messages: Sequence[BaseMessage]) -> Service:
    """Stand in for the backend: endpoint by endpoint.

    What holds at all of them is in no endpoint, and so in no first draft: only in the next, when
    it was asked for.
    """
    [designed, *_] = [*typed_in(Design, messages), Design(endpoints=[], policies=[])]
    asked_for = feedback_in(messages)
    return Service(
        handlers=[f"{one}: answers 422 to bad input" for one in designed.endpoints],
        enforced=[f"{one}: before every handler" for one in designed.policies if one in asked_for],
    )


def build_screens(messages: Sequence[BaseMessage]) -> Screens:
    """Stand in for the frontend: what users see of each line."""
    requirements = requested_in(step_in(messages)).requirements
    return Screens(
        screens=[one.screen for one in requirements if one.screen],
        refusals=[f"a message for: {one.policy}" for one in requirements if one.policy],
    )


def write_tests(messages: Sequence[BaseMessage]) -> Checks:
    """Stand in for QA: the most dangerous case of each line."""
    return Checks(cases=[one.check for one in requested_in(step_in(messages)).requirements])


def review(messages: Sequence[BaseMessage]) -> Review:
    """Stand in for the tech lead's review: compare with the request, line by line."""
    goal, delivered = under_review(messages, STEPS)
    request, verdicts = requested_in(goal), []
    for one in delivered:
        gaps = list(gaps_in(one.result, wanted_of(one.worker, request)))
        verdicts.append(StepReview(step=one.step, accepted=not gaps, feedback=" ".join(gaps)))
    return Review(reviews=verdicts)


def wanted_of(worker: str, request: Request) -> Iterator[str]:
    """What a worker's result must speak of."""
    for one in request.requirements:
        if worker in ("architect", "backend"):
            yield from [*one.endpoints, *filter(None, [one.policy])]
        elif worker == "frontend":
            yield from filter(None, [one.screen])
        else:
            yield one.check


def sum_up(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the tech lead's closing words: what was built, and what is missing."""
    request = requested_in(goal_in(messages))
    services, screens = typed_in(Service, messages), typed_in(Screens, messages)
    tests = typed_in(Checks, messages)
    parts = {
        "Interface": [line for one in services for line in one.handlers],
        "At every endpoint": [line for one in services for line in one.enforced],
        "Screens": [line for one in screens for line in [*one.screens, *one.refusals]],
        "Tests": [line for one in tests for line in one.cases],
    }
    sections = [
        "\n".join([f"{title}:", *(f"- {line}" for line in lines)])
        for title, lines in parts.items()
        if lines
    ]
    return "\n".join([f"Built: {request.title}.", *sections])
