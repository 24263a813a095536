"""How a stock's figures, prices and headlines are judged where no model does it."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from langgraph_orchestra.graphs.templates.reading import (
    NUMBER,
    figure,
    matches,
    number,
    percent,
    sentences,
)

__all__ = [
    "Finding",
    "Sign",
    "compared",
    "competitive_findings",
    "esg_findings",
    "financial_findings",
    "news_findings",
    "price_findings",
]

Sign = Literal[-1, 0, 1]


class Finding(NamedTuple):
    """What a figure or headline says."""

    sign: Sign
    """1 where it speaks for the stock, -1 where it speaks against it."""

    evidence: str


class Measure(NamedTuple):
    """How a figure is judged: from `good` on it speaks for the stock, from `bad` on against it."""

    name: str
    label: str
    good: float
    bad: float
    unit: str = "%"


FINANCIALS = (
    Measure("Revenue growth", "(?:revenue|sales) growth|growth of (?:revenue|sales)", 10, 0),
    Measure("Net margin", "(?:net |profit )?margin", 10, 3),
    Measure("Debt to equity", "debt[- ]to[- ]equity|debt ?/ ?equity|d/e", 1, 2, unit=""),
)
ESG = (
    Measure("Emissions", "emissions", -3, 3),
    Measure("Board independence", "board independence|independent (?:board|directors)", 60, 40),
    Measure("Controversies", "controvers(?:y|ies)", 0, 3, unit=""),
)
GRADES = {1: "good", 0: "fair", -1: "poor"}

GOOD_NEWS = r"beats?|record|upgrades?|wins?|raises?|expands?|strong|launch(?:es)?|surges?"
BAD_NEWS = r"probe|lawsuit|sued|recalls?|miss(?:es)?|downgrades?|cuts?|falls?|weak|fraud|strike"
HEADLINES = r"\b(?:headlines|news):(?P<listed>.+?)(?=\n\s*\n|\n[\w /]+:|\Z)"

MOVING_AVERAGE = 5
"""Over how many prices the average moves."""


def financial_findings(text: str) -> Iterator[Finding]:
    """Valuation against the sector, growth, margin and debt."""
    price, sector = figure("p/e", text), figure(r"p/e[^\n;]{0,24}?sector|sector p/e", text)
    if price and sector:
        sign = compared(price.value, sector.value, 1.3 * sector.value)
        value, bar = number(price.value), number(sector.value)
        yield Finding(sign, f"P/E: {value}, {GRADES[sign]} (sector: {bar}).")
    yield from measured(FINANCIALS, text)


def competitive_findings(text: str) -> Iterator[Finding]:
    """Where the market share is going."""
    share = figure("market share", text)
    before = figure(r"market share[^\n;]{0,24}?(?:last year|before|from)", text)
    if share and before:
        change = share.value - before.value
        moved = f"{change:+.1f} points to {number(share.value)}%"
        yield Finding(compared(change, 0.5, -0.5), f"Market share has moved by {moved}.")


def price_findings(text: str) -> Iterator[Finding]:
    """The trend of the prices, and the last one against its moving average."""
    prices = prices_in(text)
    if len(prices) < 2:
        return
    first, *_, last = prices
    change = last / first - 1
    moved = f"{percent(change, signed=True)} over {len(prices)} prices, to {number(last)}"
    yield Finding(compared(change, 0.02, -0.02), f"The price has moved {moved}.")
    recent = prices[-MOVING_AVERAGE:]
    distance = last * len(recent) / sum(recent) - 1
    away = f"{percent(distance, signed=True)} from the average of the last {len(recent)}"
    yield Finding(compared(distance, 0.01, -0.01), f"It is {away}.")


def news_findings(text: str) -> Iterator[Finding]:
    """The headlines, by their words."""
    if found := re.search(HEADLINES, text, re.IGNORECASE | re.DOTALL):
        for headline in sentences(found["listed"].replace(";", "\n")):
            good, bad = matches(GOOD_NEWS, headline), matches(BAD_NEWS, headline)
            sign = compared(len(good) - len(bad), 1, -1)
            kind = {1: "good", 0: "neutral", -1: "bad"}[sign]
            yield Finding(sign, f"“{headline.rstrip('.')}” is {kind} news.")


def esg_findings(text: str) -> Iterator[Finding]:
    """Emissions, the board and controversies."""
    yield from measured(ESG, text)


def measured(measures: Sequence[Measure], text: str) -> Iterator[Finding]:
    """What the measures make of the figures in a text."""
    for measure in measures:
        if found := figure(measure.label, text):
            sign = compared(found.value, measure.good, measure.bad)
            value, bar = (f"{number(n)}{measure.unit}" for n in (found.value, measure.good))
            yield Finding(sign, f"{measure.name}: {value}, {GRADES[sign]} (bar: {bar}).")


def compared(value: float, good: float, bad: float) -> Sign:
    """1 from `good` on, -1 from `bad` on, 0 between them; `good` may be the lower one."""
    direction = 1 if good > bad else -1
    if (value - good) * direction >= 0:
        return 1
    return -1 if (value - bad) * direction <= 0 else 0


def prices_in(text: str) -> list[float]:
    """The prices: those of lines that begin with a date, else the list after `Prices:`."""
    prices = re.findall(rf"^\W*\d{{4}}-\d\d(?:-\d\d)?[\s,;|]+({NUMBER})", text, re.MULTILINE)
    if not prices:
        label = r"\b(?:prices?|closes?|closing)\b[^\d\n]{0,40}"
        found = re.search(rf"{label}([\d.,;| \t]*\d)", text, re.IGNORECASE)
        listed = found[1] if found else ""
        blanks = r"[,;|]?\s+" if re.search(r"\s", listed) else r"[,;|]"
        prices = [price for price in re.split(blanks, listed) if price]
    return [float(price.replace(",", "")) for price in prices]
