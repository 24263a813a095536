"""Telecom support: triage and three specialists, and a person for what no agent may decide.

    intake -> triage -> technical -> financial -> support_employee
                |           |            |              ^
                +-> account +------------+--------------+      each may answer, and end the run

Control moves wholly: one agent at a time works on the request, and there is one result. What the
tools find out is in the run's `case`, typed, so that the next agent goes by it and not by hearsay.
The next message on the thread is heard by whoever has control: an agent that lacks something asks
for it and waits.
"""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_orchestra.graphs import PatternGraph, create_handoff
from langgraph_orchestra.graphs.templates.acting import calling, handing_over
from langgraph_orchestra.graphs.templates.reading import note_in
from langgraph_orchestra.graphs.templates.telecom_data import (
    CREDIT_LIMIT,
    CUSTOMERS,
    TelecomState,
    case_in,
    credit_for_outage,
    find_billing_errors,
    grant_credit,
    line_status,
    send_reset_link,
)
from langgraph_orchestra.graphs.templates.telecom_rules import (
    area_in,
    customer_in,
    customer_says,
    faq_answer,
    names_invoice,
    wishes_in,
)
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, Human, View

__all__ = [
    "ACCOUNT_PROMPT",
    "FINANCIAL_PROMPT",
    "TECHNICAL_PROMPT",
    "TRIAGE_PROMPT",
    "graph",
]

RULES = """\
You write to the customer: friendly, short, without jargon. Ask for a customer number or an area
that you need and that nobody has given. When you hand over, say in `context` what you have found
out and what the customer still wants, and in `instructions` what is to be done. Hand over only what
you cannot do yourself; if you have solved everything that was asked, answer and hand nothing
over."""

TRIAGE_PROMPT = f"""\
You are the first to read what customers of a telecom company write. Answer common questions
yourself: we are open from 8 to 20 every day; a router is restarted by unplugging it for ten
seconds; those who move tell us three weeks before. Hand lines that do not work to `technical`,
invoices and credits to `financial`, passwords, access and anything stolen to `account`. If several
apply, a line that is down comes first; name the rest in `context`. If it is not clear what they
want, ask.
{RULES}"""

TECHNICAL_PROMPT = f"""\
You are responsible for the lines of a telecom company. Look the area's status up before you say
anything about it. A repair under way: say since when, and that we write when it is done. No fault:
let the customer restart their router; if they have done so already, hand over to
`support_employee`, who can send a technician. A repaired outage for which the customer wants a
credit goes to `financial`, once you have told the customer what happened.
{RULES}"""

FINANCIAL_PROMPT = f"""\
You are responsible for invoices and credits of a telecom company. For an outage, work out the
credit with `credit_for_outage`; for a wrong invoice, use `find_billing_errors`. Then grant what is
due with `grant_credit`. You may grant up to {CREDIT_LIMIT:.0f}; what is more goes to
`support_employee`, with the amount and what it is for. Promise no amount that the tools have not
given.
{RULES}"""

ACCOUNT_PROMPT = f"""\
You are responsible for customers' access to their accounts. A forgotten password: send a reset
link. Never change an address or a number, and tell nobody what is in an account. Where somebody
else may have taken an account or a SIM card over, do nothing yourself: hand over to
`support_employee`, urgent.
{RULES}"""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_handoff(
        [
            Agent("triage", TRIAGE_PROMPT, model=StandIn(triage)),
            Agent(
                "technical",
                TECHNICAL_PROMPT,
                description="lines that are down or slow",
                model=StandIn(technical),
                tools=[line_status],
            ),
            Agent(
                "financial",
                FINANCIAL_PROMPT,
                description="invoices, refunds and credits",
                model=StandIn(financial),
                tools=[credit_for_outage, find_billing_errors, grant_credit],
            ),
            Agent(
                "account",
                ACCOUNT_PROMPT,
                description="passwords, access, stolen accounts",
                model=StandIn(account),
                tools=[send_reset_link],
            ),
            Human(
                "support_employee",
                "A person who may decide what no agent may.",
                ask=what_to_decide,
            ),
        ],
        routes={
            "triage": ["technical", "financial", "account"],
            "technical": ["financial", "support_employee"],
            "financial": ["technical", "support_employee"],
            "account": ["financial", "support_employee"],
        },
        state_schema=TelecomState,
    )


def what_to_decide(view: View) -> str:
    """What the employee reads of the case; who hands over and why is added to it."""
    parts = ["A customer waits for your answer. They wrote:", view.task, str(case_in(view.state))]
    return "\n\n".join(filter(None, parts))


def triage(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for triage: go by the customer's words."""
    said = customer_says(messages)
    wishes = wishes_in(said[-1])
    if not wishes:
        return faq_answer(said[-1]) or (
            "I am glad to help. Is it about your line, an invoice, or access to your account? "
            "Please give your customer number, too."
        )
    target = {"network": "technical", "money": "financial"}.get(wishes[0], "account")
    number = customer_in(said)
    known = f"Customer {number or 'unknown'}, area {area_in(said) or 'unknown'}."
    is_business = bool(number) and CUSTOMERS[number].plan == "Business"
    return handing_over(
        target,
        f"It is about {wishes[0]}.",
        context=f"{known} Also about: {', '.join(wishes[1:]) or 'nothing else'}.",
        priority="high" if is_business else "normal",
    )


def technical(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for the technical agent: look the line up, and go by what it says."""
    said = customer_says(messages)
    *_, last = messages
    if last.type != "tool":
        area = area_in(said)
        return calling("line_status", area=area) if area else "In which area is your line?"
    found, wishes = last.text, wishes_in(said[-1])
    if "repaired" in found and "money" in wishes:
        return handing_over(
            "financial",
            "The customer wants a credit for an outage.",
            text=f"{found} I pass you on to a colleague about the credit.",
            context=found,
            instructions="Work out the credit for the outage.",
        )
    if "no fault" in found and "restart" in said[-1].lower():
        return handing_over("support_employee", "A restart did not help.", context=found)
    advice = (
        "" if "under way" in found else " If it does not work: unplug the router for 10 seconds."
    )
    later = " We write to you as soon as it is repaired." if "under way" in found else ""
    return f"{found}{advice}{later}"


def financial(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for the financial agent: work out what is due, and grant it if it may."""
    said = customer_says(messages)
    *_, before, last = messages
    if last.type != "tool":
        number = customer_in(said)
        is_sent_here = bool(note_in(messages[-1:], "Instructions"))
        if "network" in wishes_in(said[-1]) and not is_sent_here:
            return handing_over("technical", "The customer's line is down.")
        if not number:
            return "Please give me your customer number: it has four digits."
        was_down = any(
            "line_status returned: " in m.text and "repaired" in m.text for m in messages
        )
        is_for_outage = is_sent_here or (was_down and not names_invoice(said[-1]))
        tool = "credit_for_outage" if is_for_outage else "find_billing_errors"
        return calling(tool, customer=number)
    asked = getattr(before, "tool_calls", [])[-1]["name"]
    if asked != "grant_credit":
        is_due = "is due" in last.text or "too much" in last.text
        return calling("grant_credit", text=last.text) if is_due else last.text
    if "more than" in last.text:
        return handing_over(
            "support_employee",
            last.text,
            text="I ask a colleague who may decide about this amount.",
            context=before.text,
            priority="high",
        )
    return f"{before.text} {last.text}"


def account(messages: Sequence[BaseMessage]) -> str | AIMessage:
    """Stand in for the account agent: send a link, or call a person where something is stolen."""
    said = customer_says(messages)
    *_, last = messages
    if last.type == "tool":
        wants_more = "money" in wishes_in(said[-1])
        return handing_over("financial", "And an invoice.", last.text) if wants_more else last.text
    if "stolen" in wishes_in(said[-1]):
        return handing_over(
            "support_employee",
            "The account may have been taken over.",
            text="I have a colleague look at this at once. Do not click on any links until then.",
            priority="urgent",
        )
    number = customer_in(said)
    return (
        calling("send_reset_link", customer=number) if number else "What is your customer number?"
    )
