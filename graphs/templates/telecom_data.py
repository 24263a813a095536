"""The offline systems of a telecom company: lines, customers and invoices, and the tools on them.

The tools compute from these tables whether a real model calls them or a stand-in. What they find
out is kept in the run's `Case`, so that the next agent need not take a colleague's word for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from langchain_core.messages import ToolMessage
from langgraph.prebuilt import ToolRuntime
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs.templates.reading import listed, number
from langgraph_orchestra.state import HandoffState

__all__ = [
    "AREAS",
    "CREDIT_LIMIT",
    "CUSTOMERS",
    "Case",
    "TelecomState",
    "case_in",
    "credit_for_outage",
    "find_billing_errors",
    "grant_credit",
    "line_status",
    "send_reset_link",
]

CREDIT_LIMIT = 50.0
"""What an agent may credit; more is for a person to decide."""

HOURS_OF_A_MONTH = 30 * 24


class Case(BaseModel):
    """What is known for certain about a customer's case: only tools write here."""

    customer: str = ""
    area: str = ""
    outage_hours: float | None = None
    """How long the line was down; None if it was not, or still is."""
    credit_due: float = 0
    reason: str = ""
    """What the credit is for."""
    credited: dict[str, float] = {}
    """What has been credited in this conversation, by reason."""

    def __str__(self) -> str:
        facts = {
            "Customer": self.customer,
            "Area": self.area,
            "Outage": f"{number(self.outage_hours)} hours" if self.outage_hours else "",
            "Credit due": f"{self.credit_due:.2f} for {self.reason}" if self.credit_due else "",
            "Credited": ", ".join(f"{due:.2f} for {why}" for why, due in self.credited.items()),
        }
        return "\n".join(f"{name}: {fact}" for name, fact in facts.items() if fact)


class TelecomState(HandoffState, total=False):
    """The state of the conversation, with the case."""

    case: Case


class Fault(NamedTuple):
    """Why a line is down, and for how long."""

    what: str
    since: datetime
    until: datetime | None
    """None if it is not repaired yet."""


class Customer(NamedTuple):
    """Who has a contract, and what for."""

    name: str
    area: str
    plan: str
    fee: float
    """For a month."""
    invoice: Sequence[tuple[str, float]]
    """The lines of the latest invoice."""


def _at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


AREAS: Mapping[str, Fault | None] = {
    "Harbour": Fault("a cut fibre", _at(2, 6), _at(6, 2)),
    "Hilltop": None,
    "Station": Fault("a power failure in the exchange", _at(9, 14), None),
}
CUSTOMERS: Mapping[str, Customer] = {
    "4711": Customer("Nordlys Bakery", "Harbour", "Business", 480, [("Business", 480)]),
    "1020": Customer("R. Lind", "Harbour", "Home", 39, [("Home", 39)]),
    "2210": Customer("A. Moe", "Hilltop", "Home", 39, [("Home", 39), ("Home", 39)]),
    "3055": Customer("Elm Hotel", "Hilltop", "Business", 480, [("Business", 480)] * 2),
    "6120": Customer("J. Berg", "Station", "Home", 39, [("Home", 39), ("Late fee", 15)]),
}


def line_status(area: str, runtime: ToolRuntime[Any, Any]) -> Command[Any]:
    """Look up whether the lines of an area are down, and for how long they were."""
    fault = AREAS.get(area)
    if area not in AREAS:
        return _found(runtime, f"There is no area {area}; the areas are {listed([*AREAS])}.")
    if fault is None:
        return _found(runtime, f"{area}: no fault in the last 30 days.", area=area)
    if fault.until is None:
        text = f"{area}: down since {fault.since:%d %B, %H:%M}, {fault.what}; repair is under way."
        return _found(runtime, text, area=area)
    hours = (fault.until - fault.since).total_seconds() / 3600
    text = (
        f"{area}: {fault.what}, down for {number(hours)} hours, repaired on "
        f"{fault.until:%d %B, %H:%M}."
    )
    return _found(runtime, text, area=area, outage_hours=hours)


def credit_for_outage(customer: str, runtime: ToolRuntime[Any, Any]) -> Command[Any]:
    """Work out what a customer is due for the outage that the line status has shown."""
    case, known = case_in(runtime.state), CUSTOMERS.get(customer)
    if known is None:
        return _found(runtime, f"There is no customer {customer}.")
    if not case.outage_hours or case.area != known.area:
        text = f"No outage has been confirmed for {customer}, whose line is in {known.area}."
        return _found(runtime, text, customer=customer)
    due = round(known.fee * case.outage_hours / HOURS_OF_A_MONTH, 2)
    hours = number(case.outage_hours)
    text = (
        f"{customer} ({known.name}) is due {due:.2f}: {hours} hours of {number(known.fee)} a month."
    )
    reason = f"{hours} hours without service"
    return _found(runtime, text, customer=customer, credit_due=due, reason=reason)


def find_billing_errors(customer: str, runtime: ToolRuntime[Any, Any]) -> Command[Any]:
    """Look for lines that stand on a customer's latest invoice more often than once."""
    known = CUSTOMERS.get(customer)
    if known is None:
        return _found(runtime, f"There is no customer {customer}.")
    lines = Counter(known.invoice)
    twice = [(what, amount, count - 1) for (what, amount), count in lines.items() if count > 1]
    due = sum(amount * extra for _, amount, extra in twice)
    billed = ", ".join(f"{what} {amount:.2f}" for what, amount in known.invoice)
    if not due:
        return _found(runtime, f"Invoice of {customer}: {billed}. No error.", customer=customer)
    reason = f"{listed([what for what, _, _ in twice])} charged more than once"
    text = f"Invoice of {customer}: {billed}. {reason}: {due:.2f} too much."
    return _found(runtime, text, customer=customer, credit_due=due, reason=reason)


def grant_credit(runtime: ToolRuntime[Any, Any]) -> Command[Any]:
    """Credit what is due to the customer's next invoice, up to the limit of agents."""
    case = case_in(runtime.state)
    if not case.credit_due:
        return _found(runtime, "Nothing is due.")
    why = f"{case.reason}, {case.customer}"
    if why in case.credited:
        return _found(runtime, "It has been credited already.", credit_due=0)
    if case.credit_due > CREDIT_LIMIT:
        text = f"{case.credit_due:.2f} is more than the {CREDIT_LIMIT:.2f} an agent may grant."
        return _found(runtime, text)
    text = f"{case.credit_due:.2f} will be taken off the next invoice of {case.customer}."
    return _found(runtime, text, credited={**case.credited, why: case.credit_due}, credit_due=0)


def send_reset_link(customer: str, runtime: ToolRuntime[Any, Any]) -> Command[Any]:
    """Send a customer a link to set a new password, to the address we know."""
    known = CUSTOMERS.get(customer)
    if known is None:
        return _found(runtime, f"There is no customer {customer}.")
    text = f"A link was sent to the address of {known.name}; it holds for one hour."
    return _found(runtime, text, customer=customer)


def case_in(state: Mapping[str, Any]) -> Case:
    """The case so far."""
    return state.get("case") or Case()


def _found(runtime: ToolRuntime[Any, Any], text: str, **facts: Any) -> Command[Any]:
    """What a tool answers, and what it has found out for the case."""
    case = case_in(runtime.state).model_copy(update=facts)
    answer = ToolMessage(text, tool_call_id=runtime.tool_call_id or "")
    return Command(update={"case": case, "messages": [answer]})
