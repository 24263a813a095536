"""A checklist of law and of risk for contracts, where no model reviews them; no legal advice."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from langgraph_orchestra.graphs.templates.contract_data import Contract
from langgraph_orchestra.graphs.templates.reading import NUMBER, figure, matches, number

__all__ = ["OPEN", "Breach", "Level", "Risk", "breaches_of", "clause_named", "risks_of"]

OPEN = r"\[([^\[\]]+) to be agreed\]"
"""What stands in a contract for a term that nobody has given."""

Severity = Literal["breach", "check"]
Level = Literal["low", "medium", "high"]


class Breach(NamedTuple):
    """Where a clause is at odds with the law, or may be."""

    clause: str
    severity: Severity
    rule: str
    problem: str
    remedy: str


class Risk(NamedTuple):
    """How much a party risks by a clause."""

    area: str
    level: Level
    clause: str
    reason: str
    language: str
    """Words that would protect it; empty where none are needed."""


class Law(NamedTuple):
    """What the law of a place says on the points of the checklist."""

    unlimitable: str
    """Words of what liability cannot be limited for."""

    limits: str
    limits_rule: str
    data_rule: str
    payment_rule: str = ""
    non_compete_rule: str = ""


LAWS: Mapping[str, Law] = {
    "germany": Law(
        unlimitable=r"intent(?:ion|ional)?|wilful\w*",
        limits="intent",
        limits_rule="§ 276 (3) BGB",
        data_rule="Art. 28 (3) GDPR",
        payment_rule="§ 271a (1) BGB",
    ),
    "england": Law(
        unlimitable=r"death or personal injury",
        limits="death or personal injury caused by negligence",
        limits_rule="Unfair Contract Terms Act 1977, s. 2 (1)",
        data_rule="Art. 28 (3) UK GDPR",
        payment_rule="Late Payment of Commercial Debts (Interest) Act 1998, s. 4",
    ),
    "california": Law(
        unlimitable=r"fraud",
        limits="one's own fraud",
        limits_rule="Civil Code § 1668",
        data_rule="Civil Code § 1798.100 (d)",
        non_compete_rule="Business and Professions Code § 16600",
    ),
}
"""By the word that a clause on the governing law names them with."""

DAYS: Mapping[str, int] = {"day": 1, "week": 7, "month": 30}

LONGEST_TERM = 60
"""Days after which a payment term is one for a lawyer to look at."""

SOON, LATE = 30, 60
"""Days of a payment term: up to the first the risk is low, above the second it is high."""

LEAST_COVER, MOST_COVER = 0.5, 3
"""Cap of liability as a multiple of the fee: below the first and above the second it is unusual."""

LONG_TERM = 36
"""Months after which a contract binds for long."""

CAP = "The liability of each party is limited to [one to two times the fee]."


def clause_named(word: str, contract: Contract) -> tuple[str, str]:
    """Number and heading of the first clause with a word in its heading, and the text; or blank."""
    for place, clause in enumerate(contract.clauses, start=1):
        if word.lower() in clause.heading.lower():
            return f"{place}. {clause.heading}", clause.text
    return "", ""


def breaches_of(contract: Contract) -> Iterator[Breach]:
    """What the checklist of the governing law has against a contract."""
    governing, said = clause_named("law", contract)
    law = next((law for place, law in LAWS.items() if matches(place, said)), None)
    if law is None:
        known = ", ".join(place.capitalize() for place in LAWS)
        problem = f"The checklist has no such law; it has {known}."
        yield Breach(governing, "check", "", problem, "Have a lawyer of that place look at it.")
        return
    yield from _liability_breaches(contract, law)
    yield from _payment_breaches(contract, law)
    yield from _data_breaches(contract, law)
    yield from _competition_breaches(contract, law)


def risks_of(contract: Contract) -> Iterator[Risk]:
    """Who risks what by a contract: one rating for each area."""
    yield _liability_risk(contract)
    if _fees(contract)[0]:
        yield _payment_risk(contract)
    yield from _term_risks(contract)
    yield _disputes_risk(contract)
    yield from _open_points(contract)


def _liability_breaches(contract: Contract, law: Law) -> Iterator[Breach]:
    clause, text = clause_named("liability", contract)
    if matches(r"limited|not liable|excluded", text) and not matches(law.unlimitable, text):
        yield Breach(
            clause,
            "breach",
            law.limits_rule,
            f"Liability for {law.limits} cannot be limited.",
            f"Add: “Nothing limits liability for {law.limits}.”",
        )


def _payment_breaches(contract: Contract, law: Law) -> Iterator[Breach]:
    clause, text = _fees(contract)
    days = _days(text)
    if law.payment_rule and days and days > LONGEST_TERM:
        yield Breach(
            clause,
            "check",
            law.payment_rule,
            f"{number(days)} days to pay hold only if they are agreed expressly and not grossly "
            "unfair.",
            f"Put {LONGEST_TERM} days, or record why more is fair.",
        )


def _data_breaches(contract: Contract, law: Law) -> Iterator[Breach]:
    for place, clause in enumerate(contract.clauses, start=1):
        if matches("personal data", clause.text) and not clause_named("data", contract)[0]:
            yield Breach(
                f"{place}. {clause.heading}",
                "breach",
                law.data_rule,
                "Personal data is handled without terms for it.",
                "Add a clause “Data protection”: purpose, instructions, security, deletion.",
            )


def _competition_breaches(contract: Contract, law: Law) -> Iterator[Breach]:
    clause, _ = clause_named("non-compete", contract)
    if clause and law.non_compete_rule:
        rule, problem = law.non_compete_rule, "The law voids what keeps people from their trade."
        yield Breach(clause, "breach", rule, problem, "Strike it; confidentiality has to do.")


def _liability_risk(contract: Contract) -> Risk:
    clause, text = clause_named("liability", contract)
    cap, fee = figure("limited to", text), _whole_fee(contract)
    if matches("not liable", text):
        reason = "One party bears every loss, whoever has caused it."
        return Risk("liability", "high", clause, reason, CAP)
    if matches("without limit", text) or not text:
        return Risk("liability", "high", clause, "Nobody knows what a mistake may cost.", CAP)
    if cap is None or not fee:
        return Risk("liability", "medium", clause, "The cap cannot be weighed against a fee.", "")
    cover = cap.value / fee
    reason = f"The cap is {number(cover)} times the fee."
    if cover < LEAST_COVER:
        return Risk("liability", "high", clause, f"{reason} The customer bears the rest.", CAP)
    if cover > MOST_COVER:
        return Risk("liability", "medium", clause, f"{reason} The provider risks far more.", CAP)
    return Risk("liability", "low", clause, reason, "")


def _payment_risk(contract: Contract) -> Risk:
    clause, text = _fees(contract)
    days = _days(text)
    if days is None:
        reason = "No clause says when payment is due."
        return Risk("payment", "medium", clause, reason, "Invoices are due within 30 days.")
    reason = f"The provider waits {number(days)} days for its money."
    if days <= SOON:
        return Risk("payment", "low", clause, reason, "")
    language = "Interest runs on late payments, and the Provider may suspend its work."
    return Risk("payment", "high" if days > LATE else "medium", clause, reason, language)


def _term_risks(contract: Contract) -> Iterator[Risk]:
    clause, text = clause_named("term", contract)
    term = figure("runs for", text)
    months = term.value * (12 if term.unit == "year" else 1) if term else 0
    reason = f"It binds for {number(months)} months."
    if months > LONG_TERM:
        language = "Prices and services are reviewed every twelve months."
        yield Risk("term", "medium", clause, reason, language)
    elif months:
        yield Risk("term", "low", clause, reason, "")


def _disputes_risk(contract: Contract) -> Risk:
    clause, text = clause_named("disputes", contract)
    courts, arbitration = matches("courts?", text), matches("arbitration", text)
    if courts and arbitration:
        reason = "Courts and arbitration are both named: who decides is a dispute of its own."
        return Risk("disputes", "high", clause, reason, "Disputes go to arbitration alone.")
    if arbitration and not re.search(r"arbitration in [A-Z]", text):
        language = "Disputes go to arbitration in [place], under the rules of [institution]."
        return Risk("disputes", "medium", clause, "The arbitration has no seat.", language)
    if not courts and not arbitration:
        language = "Disputes go to the courts of [place]."
        return Risk("disputes", "high", clause, "Nobody is named who decides.", language)
    return Risk("disputes", "low", clause, "It is clear who decides.", "")


def _open_points(contract: Contract) -> Iterator[Risk]:
    for place, clause in enumerate(contract.clauses, start=1):
        for point in re.findall(OPEN, clause.text):
            heading = f"{place}. {clause.heading}"
            yield Risk("open point", "high", heading, f"Nobody has given: {point}.", "")


def _fees(contract: Contract) -> tuple[str, str]:
    return clause_named("payment", contract)


def _whole_fee(contract: Contract) -> float | None:
    """The fee for everything; None if it is one for an hour, a day or the like."""
    _, text = _fees(contract)
    found = figure("pays", text)
    rate = re.search(rf"pays {NUMBER}[^,.]*\b(?:an?|per|each|every) \w+", text)
    return None if found is None or rate else found.value


def _days(text: str) -> float | None:
    found = re.search(rf"due within ({NUMBER}) ({'|'.join(DAYS)})s?\b", text)
    return float(found[1].replace(",", "")) * DAYS[found[2]] if found else None
