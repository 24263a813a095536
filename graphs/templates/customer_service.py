"""Customer service: a supervisor, look-ups side by side, and specialists who hand over.

    intake -> planner -> lookups      (concurrent: orders, payments, deliveries)
                      -> specialists  (handoff: desk -> billing -> returns <-> service_manager)
              review, synthesise

The supervisor has everything looked up first, in all systems at once; then the specialists solve
the case by what was found. Before a dear replacement is sent, a person decides: the question comes
up from inside the specialists, and the answer goes back there.
"""

import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_handoff,
    create_supervisor,
)
from langgraph_orchestra.graphs.templates import service_data
from langgraph_orchestra.graphs.templates.acting import calling, handing_over
from langgraph_orchestra.graphs.templates.managing import (
    ManagerStandIn,
    goal_in,
    step_in,
    under_review,
)
from langgraph_orchestra.graphs.templates.service_data import (
    GOODWILL_LIMIT,
    MANAGER,
    ServiceState,
    SpecialistState,
    order_number_in,
    refund,
    replace,
)
from langgraph_orchestra.graphs.templates.service_rules import wishes_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, HandoffRule, Human, Member, View, this_run
from langgraph_orchestra.state import Plan, PlanStep, Review, StepReview

__all__ = [
    "BILLING_PROMPT",
    "DESK_PROMPT",
    "RETURNS_PROMPT",
    "SUPERVISOR_PROMPT",
    "graph",
]

SUPERVISOR_PROMPT = """\
You are responsible for the customer service of a web shop. Plan two steps. `lookups`: the number of
the order that the customer writes about; it finds everything in all systems at once. `specialists`,
depending on it: the customer's words, whole. Without an order number there is nothing to look up:
the specialists alone then ask for it.

Accept what the specialists bring if it answers all that the customer wants; else name in quotes
what was left open. In the end write to the customer: by name, friendly, short, what was done and
what happens next. Promise nothing that was not done."""

RULES = """\
Go by what was looked up; it is in your step. Do what you can yourself, then hand over what is left,
with what you have done in `context`. Whoever is the last answers with everything that was done."""

DESK_PROMPT = f"""\
You are the first of the specialists of a shop. Where an order is, you answer yourself. Money that
was charged wrongly is for `billing`, broken or lost goods for `returns`; if it is both, `billing`
comes first. Without a known order, ask for its number.
{RULES}"""

BILLING_PROMPT = f"""\
You are responsible for payments of a shop. If an order was charged too much, give the difference
back with `refund`, once. Broken or lost goods are for `returns`.
{RULES}"""

RETURNS_PROMPT = f"""\
You are responsible for broken and lost goods of a shop. Send the article once more with `replace`.
Above {GOODWILL_LIMIT:.0f} `{MANAGER}` decides: hand over to them, say what for, and use
`replace` when they have answered. If they refuse, say so, and offer a repair.
{RULES}"""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_supervisor(
        [lookups(), specialists()],
        model=Agent(
            "supervisor",
            SUPERVISOR_PROMPT,
            model=ManagerStandIn({Plan: plan, Review: review}, write),
            history=this_run(),
        ),
        state_schema=ServiceState,
    )


def lookups() -> Member:
    """All systems at once; functions look up, so no model is asked."""
    graph = create_concurrent([orders, payments, deliveries])
    about = "looks an order up: what was bought, paid and delivered"
    return Member(graph.compile(name="lookups"), description=about)


def orders(view: View) -> str:
    """What was bought, by whom."""
    return service_data.orders(order_number_in(view.task))


def payments(view: View) -> str:
    """What was paid."""
    return service_data.payments(order_number_in(view.task))


def deliveries(view: View) -> str:
    """Where it is."""
    return service_data.deliveries(order_number_in(view.task))


def specialists() -> Member:
    """Specialists who hand a case over until nothing of it is left."""
    graph = create_handoff(
        [
            Agent("desk", DESK_PROMPT, model=StandIn(desk)),
            Agent(
                "billing",
                BILLING_PROMPT,
                description="money that was charged wrongly",
                model=StandIn(billing),
                tools=[refund],
            ),
            Agent(
                "returns",
                RETURNS_PROMPT,
                description="broken or lost goods",
                model=StandIn(returns),
                tools=[replace],
            ),
            Human(MANAGER, "A person who may decide what no agent may.", ask=what_to_decide),
        ],
        routes={"desk": ["billing", "returns"], "billing": ["returns"], "returns": [MANAGER]},
        rules=[HandoffRule("returns", decided, source=MANAGER, reason="It is decided.")],
        state_schema=SpecialistState,
        resume_at="start",
    )
    about = "solve the customer's case: payments, broken or lost goods, where an order is"
    return Member(graph.compile(name="specialists"), description=about)


def what_to_decide(view: View) -> str:
    """What the manager reads of the case; who hands over and why is added to it."""
    return f"Yes or no?\n\n{step_in(view.task_messages)}"


def decided(_: View) -> bool:
    """Whatever the manager has answered, the agent goes on by it."""
    return True


def plan(messages: Sequence[BaseMessage]) -> Plan:
    """Stand in for the supervisor's plan: look up what can be, then solve it."""
    words = goal_in(messages)
    order, in_one_line = order_number_in(words), " ".join(words.split())
    solve = PlanStep(id="solve", worker="specialists", task=f"The customer writes: {in_one_line}")
    if not order:
        return Plan(steps=[solve])
    look_up = PlanStep(id="look_up", worker="lookups", task=f"Look up order {order}")
    return Plan(steps=[look_up, solve.model_copy(update={"depends_on": ["look_up"]})])


def review(messages: Sequence[BaseMessage]) -> Review:
    """Stand in for the supervisor's review: what has failed is tried once more."""
    _, delivered = under_review(messages, ["look_up", "solve"])
    return Review(
        reviews=[StepReview(step=one.step, accepted=bool(one.result)) for one in delivered]
    )


def write(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the supervisor's letter: whom it is to, and what was done."""
    *_, results = messages
    name = re.search(r"ordered by (.+)\.", results.text)
    *_, solved = results.text.partition("solve by specialists: ")
    answer = solved.partition("\n")[2].strip()
    if answer.startswith("No result: "):
        answer = "We look into it, and write to you."
    return f"Hello{f' {name[1]}' if name else ''},\n{answer}\nYour customer service"


def desk(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for the desk: whose case it is."""
    words = step_in(messages)
    order, wishes = order_number_in(words), wishes_in(words)
    if not order:
        return "Please give us the number of your order, such as A-1007: it is in our e-mail."
    if "money" in wishes:
        return handing_over("billing", "It is about money.")
    if "goods" in wishes:
        return handing_over("returns", "It is about goods.")
    found = re.search(r"^## deliveries\s+(.+)", messages[-1].text, re.MULTILINE)
    return f"Your order {found[1]}" if found else "We look into it, and write to you."


def billing(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for billing: give back what is due, then pass on what is left."""
    words = step_in(messages)
    *_, last = messages
    if last.type != "tool":
        return calling("refund", order=order_number_in(words))
    if "goods" in wishes_in(words):
        return handing_over("returns", "The goods are left.", last.text, context=last.text)
    return last.text


def returns(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for returns: send a new one, and have a person decide where it is dear."""
    order = order_number_in(step_in(messages))
    *_, last = messages
    if last.type != "tool":
        return calling("replace", order=order)
    if "more than" in last.text:
        return handing_over(MANAGER, last.text, priority="high")
    paid_back = re.search(r"refund returned: (.+)", "\n".join(m.text for m in messages))
    return f"{paid_back[1] if paid_back else ''} {last.text}".strip()
