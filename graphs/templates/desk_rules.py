"""The rules of a service desk: what moves a request, and which desk takes it, without a model."""

import re
from collections.abc import Mapping, Sequence

from langgraph_orchestra.graphs.templates.reading import NUMBER, listed, matches
from langgraph_orchestra.nodes import HandoffRule, View
from langgraph_orchestra.state import Handoff

__all__ = [
    "ATTEMPTS",
    "DEVICES",
    "RULES",
    "amounts_in",
    "device_in",
    "invoice_in",
    "takes_bills",
    "takes_devices",
    "ticket_number",
]

ATTEMPTS = 3
"""How often the technician tries before it is escalated."""

DEVICES: Mapping[str, str | None] = {
    "A-1042": "reconnected, 94 Mbit/s",
    "B-2077": None,
    "C-3310": "reconnected, 12 Mbit/s",
}
"""What each modem answers to a reconnection; None if it does not answer."""

VIPS = r"gold|platinum|premium (?:customer|contract|member)|vip"
THREATS = r"lawyers?|lawsuit|legal action|sue|court|solicitor|data protection|police"
BREACHES = r"hacked|security (?:breach|hole)|leak(?:ed)?|phishing|stolen"
ANGER = (
    r"furious|angry|outrageous|unacceptable|scandal|ridiculous|disgrace|fed up|worst|third time"
    r"|never again"
)
BILLS = r"bill(?:ed|s|ing)?|invoices?|charged?|refunds?|credit"
LINES = r"internet|modem|connection|line|offline|slow|down"


def threatens(view: View) -> bool:
    """Legal matters and breaches of security are for a person, whoever has the request."""
    return bool(matches(f"{THREATS}|{BREACHES}", view.task))


def is_vip(view: View) -> bool:
    """Gold customers do not wait in line."""
    return bool(matches(VIPS, view.task))


def is_angry(view: View) -> bool:
    """By their words, or by more than one exclamation mark or capitals throughout."""
    shouts = view.task.count("!") > 2 or sum(map(str.isupper, view.task.split())) > 3
    return shouts or bool(matches(ANGER, view.task))


def is_about_bills(view: View) -> bool:
    """A bill or a refund."""
    return bool(matches(BILLS, view.task))


def is_about_lines(view: View) -> bool:
    """A connection that does not work."""
    return bool(matches(LINES, view.task))


def has_given_up(view: View) -> bool:
    """The turn has failed as often as it may be tried."""
    last = view.last
    return last is not None and last.outcome == "failed" and last.attempts >= ATTEMPTS


def always(view: View) -> bool:  # noqa: ARG001 - what no other rule wants
    """Whatever is left."""
    return True


RULES: Sequence[HandoffRule] = (
    HandoffRule("duty_manager", threatens, reason="Legal or security words: for a person."),
    HandoffRule("priority_desk", is_vip, source="reception", reason="A customer with priority."),
    HandoffRule("priority_desk", is_angry, source="reception", reason="An angry customer."),
    HandoffRule("billing", is_about_bills, source="reception", reason="About a bill."),
    HandoffRule("technician", is_about_lines, source="reception", reason="About a connection."),
    HandoffRule(
        "priority_desk",
        has_given_up,
        source="technician",
        reason=f"{ATTEMPTS} attempts to reconnect the modem have failed.",
    ),
    HandoffRule("front_desk", always, source="reception", reason="No other desk is responsible."),
)
"""In the order in which they are looked at: the first that is true, and not refused, wins."""


def takes_bills(view: View, handoff: Handoff) -> bool | str:  # noqa: ARG001 - an `accepts` function
    """Billing takes what has an invoice number."""
    return bool(invoice_in(view.task)) or "There is no invoice number, such as INV-2041."


def takes_devices(view: View, handoff: Handoff) -> bool | str:  # noqa: ARG001
    """The technician takes modems that we know."""
    if device_in(view.task) in DEVICES:
        return True
    named = device_in(view.task)
    known = listed([*DEVICES])
    return f"{named} is none of our modems: {known}." if named else "No modem is named."


def device_in(request: str) -> str:
    """The modem a request names; empty if none."""
    found = re.search(r"\b[A-Z]-\d{4}\b", request)
    return found[0] if found else ""


def invoice_in(request: str) -> str:
    """The invoice a request names; empty if none."""
    found = re.search(r"\bINV-\d+\b", request, re.IGNORECASE)
    return found[0].upper() if found else ""


def amounts_in(request: str) -> list[float]:
    """The amounts in a request, without the digits of numbers of invoices and modems."""
    plain = re.sub(r"\b\w+-\d+\b", "", request)
    return [float(one.replace(",", "")) for one in re.findall(NUMBER, plain)]


def ticket_number(request: str) -> str:
    """A number for a request: the same words have the same."""
    return f"T-{sum(place * ord(letter) for place, letter in enumerate(request, 1)) % 10_000:04d}"
