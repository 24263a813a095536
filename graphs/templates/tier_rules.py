"""What each tier of a support line can do about a ticket, by its words and figures."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from langgraph_orchestra.graphs.templates.reading import (
    NUMBER,
    matches,
    money,
    number,
    sentences,
)

__all__ = [
    "RATE_LIMIT",
    "Diagnosis",
    "affected_in",
    "diagnosis_of",
    "first_sentence",
    "is_about_money",
    "known_solution",
    "overcharged",
    "severity_of",
    "version_in",
]

MONEY = r"bill(?:ed|ing)?|invoiced?|invoices?|charged?|charges|refunds?|subscription|pric(?:e|ing)"

KNOWN: Mapping[str, str] = {
    r"(?:forg[oe]t\w*|reset|lost|new) (?:\w+ )?password|password (?:reset|forgotten)": (
        "Choose “Forgot password” on the sign-in page. The link in the mail holds for one hour."
    ),
    r"two-factor|2fa|authenticator": (
        "Sign in with a backup code, then pair the new phone under Settings > Security."
    ),
    r"change (?:my |the )?(?:e-?mail|address|name|language)": (
        "You find it under Settings > Profile; a changed address has to be confirmed by mail."
    ),
    r"invite|add (?:a |another |new )?(?:user|colleague|member)s?": (
        "An administrator adds people under Settings > Team > Invite."
    ),
    r"export (?:\w+ ){0,3}(?:to|as) (?:csv|pdf|excel)": (
        "Open the report and choose Share > Export."
    ),
}
"""What the first tier knows how to solve."""

COMPLEX = (
    r"api|webhooks?|sso|saml|ssl|certificates?|integration|sync\w*|timeouts?|crash\w*|migration"
)
THINGS = r"(?:data|files?|records?|entries|orders|projects)"
LOST = (
    rf"{THINGS} (?:\w+ )?(?:lost|gone|missing|deleted|corrupt\w*)|data loss|corrupt(?:ed|ion)"
    rf"|los(?:t|ing) (?:\w+ )?{THINGS}"
)
MANY = r"everyone|everybody|all (?:of )?(?:our |the )?(?:users|customers|teams?)|nobody|no one"

RATE_LIMIT = 600
"""Requests a minute that the API answers."""

CODES: Mapping[str, str] = {
    "401": "The token is not valid any more: create a new one under Settings > API.",
    "403": "The token lacks a permission: give it the scope that the call needs.",
    "404": "The address is from the old API: calls begin with `/v2/` now.",
    "413": "The upload is too big: send it in parts of up to 25 MB.",
}
SYMPTOMS: Mapping[str, str] = {
    "ssl|certificates?": "Your server's clock or root certificates are out of date.",
    r"sync\w*": "Two devices have changed the same entry. Settings > Sync > Conflicts shows both.",
    "webhooks?": "A webhook is switched off after ten failures: switch it on under Settings > API.",
    "sso|saml": "The identity provider's certificate was renewed: upload its new metadata.",
}
"""What the second tier knows the cause of."""


class Diagnosis(NamedTuple):
    """What the second tier makes of a ticket."""

    kind: Literal["solved", "defect", "unclear"]
    text: str


def is_about_money(ticket: str) -> bool:
    """Whether a ticket is about a bill."""
    return bool(matches(MONEY, ticket))


def known_solution(ticket: str) -> str:
    """What the first tier answers; empty if it knows no solution, or something is lost."""
    if matches(f"{COMPLEX}|{LOST}", ticket):
        return ""
    return next((solution for words, solution in KNOWN.items() if matches(words, ticket)), "")


def diagnosis_of(ticket: str) -> Diagnosis:
    """What is wrong, by error codes and symptoms."""
    if lost := matches(LOST, ticket):
        return Diagnosis("defect", f"Data is lost: “{lost[0]}”.")
    [code] = re.findall(r"\b[45]\d\d\b", ticket)[:1] or [""]
    if code == "429":
        found = re.search(rf"({NUMBER}) (?:requests|calls) (?:a|per|each) minute", ticket)
        sent = float(found[1].replace(",", "")) if found else 0
        if sent <= RATE_LIMIT:
            return Diagnosis("solved", f"Send up to {RATE_LIMIT} requests a minute.")
        times = number(round(sent / RATE_LIMIT, 1))
        text = f"{number(sent)} requests a minute are {times} times what is allowed: {RATE_LIMIT}."
        return Diagnosis("solved", f"{text} Spread them, or ask for several entries at once.")
    if code in CODES:
        return Diagnosis("solved", f"{code}: {CODES[code]}")
    crash = matches(r"crash\w*", ticket)
    if code.startswith("5") or crash:
        return Diagnosis("defect", f"Our side fails: {code or crash[0]}.")
    for words, cause in SYMPTOMS.items():
        if matches(words, ticket):
            return Diagnosis("solved", cause)
    return Diagnosis("unclear", "Which error code or message do you see, and in which version?")


def overcharged(ticket: str) -> str:
    """What billing works out from the amounts in a ticket."""
    amounts = [
        float(one.replace(",", ""))
        for one in re.findall(rf"[$€£]? ?({NUMBER})(?![\d-]*(?:/|\.\d|-\d))", ticket)
    ]
    if matches("twice|two times|double|doubly", ticket) and amounts:
        return (
            f"You were charged {money(amounts[0])} once too often: we pay {money(amounts[0])} back."
        )
    if len(amounts) >= 2 and amounts[0] > amounts[1]:
        back = money(amounts[0] - amounts[1])
        return f"{money(amounts[0])} instead of {money(amounts[1])}: we pay {back} back."
    return "Please give the invoice's amount, and what you think it should be."


def severity_of(ticket: str) -> Literal["sev1", "sev2"]:
    """How grave a defect is."""
    return "sev1" if matches(f"{LOST}|{MANY}", ticket) else "sev2"


def version_in(ticket: str) -> str:
    """The version a ticket names; empty if none."""
    found = re.search(r"\b(?:version|v\.?|release) ?(\d+(?:\.\d+)+)", ticket, re.IGNORECASE)
    return found[1] if found else ""


def affected_in(ticket: str) -> str:
    """Who is affected, in the ticket's words."""
    return (matches(MANY, ticket) or ["the writer"])[0]


def first_sentence(ticket: str) -> str:
    """What the ticket begins with."""
    return sentences(ticket)[0]
