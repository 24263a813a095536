"""What a client has negotiated, by rules on the words of the request, where no model reads it."""

import re
from collections.abc import Mapping

from langgraph_orchestra.graphs.templates.contract_data import BLANK, Clause, Contract
from langgraph_orchestra.graphs.templates.reading import NUMBER, matches

__all__ = ["customised", "template_for", "terms_in"]

KINDS: Mapping[str, str] = {
    "non-disclosure agreement": r"non-disclosure|nda|confidentiality agreement",
    "supply agreement": r"supply|delivery|sales? of goods|purchase",
    "services agreement": r"services?|consulting|consultancy|maintenance|development",
}
"""By which words a template fits."""

REQUESTED = r"\b(?:contract|agreement|type|draft|prepare)\b[^\n]*"

LABELS: Mapping[str, str] = {
    "provider": r"provider|supplier|seller|contractor|discloser|first party",
    "customer": r"customer|client|buyer|recipient|second party",
    "jurisdiction": r"jurisdiction|governing law|law",
    "scope": r"scope|services|goods|purpose|subject",
    "fee": r"fees?|price|value",
    "payment": r"payment schedule|payment|instal+ments",
    "payment term": r"payment term|payment terms|due",
    "liability": r"liability cap|liability limit|liability",
    "term": r"term|duration",
    "notice": r"notice|notice period",
    "disputes": r"disputes?|dispute resolution",
    "personal data": r"personal data",
    "data protection": r"data protection",
    "non-compete": r"non-compete",
}
"""What clients call the terms, in front of a colon."""

PLACES: Mapping[str, str] = {
    "Germany": "german(?:y)?",
    "England and Wales": "england(?: and wales)?|english",
    "California": "californian?",
}

HOUSE_TERMS: Mapping[str, str] = {
    "payment": "after delivery",
    "payment term": "30 days",
    "notice": "three months",
}
"""What the firm puts where the client has negotiated nothing."""

ADDED: Mapping[str, str] = {
    "data protection": "These terms hold for personal data: {data protection}.",
    "non-compete": "The Provider does not work for competitors of the Customer for {non-compete}.",
}
"""Clauses that a contract has if they were negotiated."""

NO_LIABILITY = "The Provider is not liable for any loss, whatever its cause."
FULL_LIABILITY = "Each party is liable without limit."


def terms_in(request: str) -> Mapping[str, str]:
    """The terms that a request gives: `Label: value`, one to a line or parted by `;`."""
    terms = {}
    for part in re.split(r"[\n;]|(?<=\.)\s+(?=[A-Z][\w -]{2,24}:)", request):
        label, _, value = part.partition(":")
        for term, names in LABELS.items():
            if value.strip() and re.fullmatch(rf"\W*(?:{names})\W*", label, re.IGNORECASE):
                terms[term] = value.strip().rstrip(".")
    between = re.search(r"\bbetween (.+?) and (.+?)(?=[,.\n]| (?:under|for|in) |\Z)", request)
    if between:
        terms.setdefault("provider", between[1])
        terms.setdefault("customer", between[2])
    for place, words in PLACES.items():
        if matches(words, terms.get("jurisdiction", request)):
            terms["jurisdiction"] = place
    return terms


def template_for(request: str) -> str:
    """The template that fits what a request asks for; empty if none does."""
    asked = re.search(REQUESTED, request, re.IGNORECASE)
    where = asked[0] if asked else request
    return next((kind for kind, words in KINDS.items() if matches(words, where)), "")


def customised(template: Contract, terms: Mapping[str, str]) -> Contract:
    """A template with what was negotiated in it, and what was not marked as to be agreed."""
    clauses = [Clause(heading=c.heading, text=_wording(c, terms)) for c in template.clauses]
    if "personal data" in terms:
        scope = clauses[1]
        handled = f" Personal data is handled: {terms['personal data']}."
        clauses[1] = Clause(heading=scope.heading, text=scope.text + handled)
    clauses += [
        Clause(heading=name.capitalize(), text=text)
        for name, text in ADDED.items()
        if name in terms
    ]
    known = _with_house_terms(terms)
    filled = [Clause(heading=c.heading, text=_filled(c.text, known)) for c in clauses]
    return Contract(title=template.title, clauses=filled)


def _wording(clause: Clause, terms: Mapping[str, str]) -> str:
    """The wording that goes with what was negotiated."""
    if clause.heading == "Liability":
        asked = terms.get("liability", "")
        if matches("excluded|no liability|not liable", asked):
            return NO_LIABILITY
        if matches("unlimited|no limit|no cap|without limit", asked):
            return FULL_LIABILITY
    return clause.text


def _filled(text: str, terms: Mapping[str, str]) -> str:
    return re.sub(BLANK, lambda blank: terms.get(blank[1], f"[{blank[1]} to be agreed]"), text)


def _with_house_terms(terms: Mapping[str, str]) -> Mapping[str, str]:
    """The terms as they stand in clauses, and the firm's own for those that are not given."""
    known = {**HOUSE_TERMS, **terms}
    known.setdefault("liability", terms.get("fee", "the loss that was foreseeable"))
    if "jurisdiction" in terms:
        known.setdefault("disputes", f"the courts of {terms['jurisdiction']}")
    if days := re.fullmatch(rf"(?:net )?({NUMBER})", known["payment term"], re.IGNORECASE):
        known["payment term"] = f"{days[1]} days"
    known["liability"] = re.sub(r"^(?:capped at|limited to|up to) ", "", known["liability"])
    if known["liability"].lower() == "none":  # no cap, or no liability at all?
        del known["liability"]
    return known
