"""Support rules: requests are routed by rules alone, and no model is asked where they go.

    intake -> reception -> front_desk | billing | technician -> priority_desk
                  |                                                  ^
                  +-> duty_manager (a person), priority_desk --------+

The reception is a function, and so is the technician: a modem that does not answer fails its turn,
which is tried three times; then a rule escalates. Desks refuse what they cannot handle, and the
next rule has its turn.
"""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage
from langgraph.types import RetryPolicy

from langgraph_orchestra.graphs import PatternGraph, create_handoff
from langgraph_orchestra.graphs.templates.desk_rules import (
    ATTEMPTS,
    DEVICES,
    RULES,
    amounts_in,
    device_in,
    invoice_in,
    takes_bills,
    takes_devices,
    ticket_number,
)
from langgraph_orchestra.graphs.templates.reading import matches, money, note_in, task_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, Human, Member, Policy, View, this_run

__all__ = ["BILLING_PROMPT", "FRONT_DESK_PROMPT", "PRIORITY_PROMPT", "graph"]

FRONT_DESK_PROMPT = """\
You answer for a service desk what no other desk has taken. Answer what you can in two or three
sentences. If it is about a modem or a bill, another desk has refused it for lack of a number: ask
for the modem's (a letter and four digits) or the invoice's (`INV-` and digits)."""

BILLING_PROMPT = """\
You handle bills for a service desk. Say, with the invoice's number, what will be paid back
according to the amounts in the request; ask for them if they are missing. Promise nothing else."""

PRIORITY_PROMPT = """\
You take over, for a service desk, what must not wait: customers with priority, customers who are
angry, and repairs that have failed. Begin with what happened to them, in their words, not with an
excuse. Then say what you do now and until when: within two hours for customers with priority, today
for all others. After failed repairs, send a technician to them. No discounts, no blame."""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_handoff(
        [
            reception,
            Agent("front_desk", FRONT_DESK_PROMPT, model=StandIn(front_desk)),
            Agent("billing", BILLING_PROMPT, model=StandIn(billing)),
            Member(
                technician,
                policy=Policy(
                    retry=RetryPolicy(
                        initial_interval=0.01, jitter=False, max_attempts=ATTEMPTS, retry_on=OSError
                    ),
                    on_failure="record",
                ),
            ),
            Agent("priority_desk", PRIORITY_PROMPT, model=StandIn(priority_desk)),
            Human(
                "duty_manager",
                "Decides on legal matters and breaches of security.",
                ask=lambda view: f"A customer waits for your answer. They wrote:\n\n{view.task}",
            ),
        ],
        routes={},
        rules=RULES,
        accepts={"billing": takes_bills, "technician": takes_devices},
        resume_at="start",
        history=this_run(),
    )


def reception(view: View) -> str:
    """Give the request a number; the rules say who takes it."""
    return f"Your request has the number {ticket_number(view.task)}."


def technician(view: View) -> str:
    """Reconnect the modem.

    Raises:
        ConnectionError: It does not answer; the turn is tried again.
    """
    device = device_in(view.task)
    answer = DEVICES[device]
    if answer is None:
        raise ConnectionError(f"modem {device} does not answer")
    return f"Modem {device}: {answer}."


def front_desk(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the front desk: ask for the number that a request lacks."""
    request = task_in(messages)
    missing = [
        what
        for what, words in {
            "the number of your invoice (INV-...)": "bill|bills|invoice|charged|refund|credit",
            "the number on your modem (such as A-1042)": "internet|modem|connection|line|slow|down",
        }.items()
        if matches(words, request)
    ]
    if missing:
        return f"Please give us {' and '.join(missing)}."
    return "Thank you for your message. We answer within two working days."


def billing(messages: Sequence[BaseMessage]) -> str:
    """Stand in for billing: twice the same is paid back once, else the difference."""
    request = task_in(messages)
    amounts, invoice = amounts_in(request), invoice_in(request)
    if not amounts:
        return f"{invoice}: how much was charged, and how much should it be?"
    first, *others = amounts
    back = first if matches("twice|double", request) else first - min(others, default=first)
    return f"{invoice}: {money(back)} will be paid back."


def priority_desk(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the priority desk: what happened, and until when it does what."""
    request, reason = task_in(messages), note_in(messages)
    until = "within two hours" if "priority" in reason else "today"
    what = "send a technician to you" if "attempts" in reason else "call you"
    device = f" about modem {device_in(request)}" if device_in(request) else ""
    return f"We {what}{device} {until}. ({reason})"
