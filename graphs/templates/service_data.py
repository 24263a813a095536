"""The offline systems of a shop: orders, payments and deliveries, and what may be done about them.

The look-ups and tools compute from these tables whether a real model works on a case or a stand-in.
"""

import re
from collections.abc import Mapping, Sequence
from operator import add
from typing import Annotated, Any, NamedTuple

from langchain_core.messages import ToolMessage
from langgraph.prebuilt import ToolRuntime
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.graphs.templates.reading import REASON, listed, matches, said_by
from langgraph_orchestra.state import HandoffState, SupervisorState

__all__ = [
    "GOODWILL_LIMIT",
    "MANAGER",
    "ORDERS",
    "Remedy",
    "ServiceState",
    "SpecialistState",
    "agrees",
    "deliveries",
    "order_number_in",
    "orders",
    "payments",
    "refund",
    "replace",
]

GOODWILL_LIMIT = 200.0
"""Up to which price an agent may send a replacement; more is for a person to decide."""

MANAGER = "service_manager"
"""Who that is."""


class Remedy(BaseModel):
    """What was done for a customer."""

    order: str
    what: str
    amount: float


class ServiceState(SupervisorState, total=False):
    """The supervisor's state, with what was done for the customer; only tools write it."""

    remedies: Annotated[list[Remedy], add]


class SpecialistState(HandoffState, total=False):
    """The specialists' state; what they do is known to the supervisor, too."""

    remedies: Annotated[list[Remedy], add]


class Order(NamedTuple):
    """What was bought."""

    customer: str
    article: str
    price: float
    charges: Sequence[float]
    """What the customer's card was charged."""

    delivery: str
    """Where it is."""

    is_delivered: bool


ORDERS: Mapping[str, Order] = {
    "A-1007": Order(
        "Ida Berg", "espresso machine", 489, [489, 489], "delivered on 3 March", is_delivered=True
    ),
    "A-1012": Order("Tom Nygård", "kettle", 49, [49], "delivered on 1 March", is_delivered=True),
    "A-1020": Order(
        "Mia Sand",
        "bread knife",
        79,
        [79, 79],
        "with the carrier since 5 March",
        is_delivered=False,
    ),
    "A-1033": Order(
        "Per Lie", "stand mixer", 629, [629], "lost by the carrier on 2 March", is_delivered=False
    ),
}


def order_number_in(text: str) -> str:
    """The order a text is about; empty if it gives none that we know."""
    numbers = [found.upper() for found in re.findall(r"\b[A-Z]-\d{4}\b", text, re.IGNORECASE)]
    return next((one for one in reversed(numbers) if one in ORDERS), "")


def orders(number: str) -> str:
    """What the order system knows of an order."""
    order = ORDERS.get(number)
    if order is None:
        return _unknown(number)
    return f"{number}: {order.article} for {order.price:.2f}, ordered by {order.customer}."


def payments(number: str) -> str:
    """What the payment system knows of an order."""
    order = ORDERS.get(number)
    if order is None:
        return _unknown(number)
    charged = listed([f"{charge:.2f}" for charge in order.charges])
    over = sum(order.charges) - order.price
    return f"{number}: charged {charged}{f', {over:.2f} too much' if over > 0 else ''}."


def deliveries(number: str) -> str:
    """What the carriers know of an order."""
    order = ORDERS.get(number)
    return f"{number}: {order.delivery}." if order else _unknown(number)


def refund(order: str, runtime: ToolRuntime[Any, Any]) -> str | Command[Any]:
    """Give back what was charged too much for an order."""
    known = ORDERS.get(order)
    if known is None:
        return _unknown(order)
    over = sum(known.charges) - known.price
    if over <= 0 or _is_done(runtime, order, "refund"):
        return f"Nothing more is due for {order}."
    return _done(runtime, order, "refund", over, f"{over:.2f} for {order} go back to the card.")


def replace(order: str, runtime: ToolRuntime[Any, Any]) -> str | Command[Any]:
    """Send an order's article once more; above the limit, only if `service_manager` agrees."""
    known = ORDERS.get(order)
    if known is None:
        return _unknown(order)
    if _is_done(runtime, order, "replacement"):
        return f"A replacement for {order} is on its way already."
    if known.price > GOODWILL_LIMIT:
        said = said_by(MANAGER, runtime.state["messages"])
        decided = [text for text in said if not text.startswith(REASON)]
        if not decided:
            return (
                f"A replacement worth {known.price:.2f} is more than the {GOODWILL_LIMIT:.2f} an "
                f"agent may decide on: {MANAGER} has to."
            )
        if not agrees(decided[-1]):
            return f"No replacement for {order}; we offer to repair it."
    text = f"A new {known.article} for {order} leaves tomorrow."
    return _done(runtime, order, "replacement", known.price, text)


def agrees(answer: str) -> bool:
    """Whether a person's answer is a yes."""
    return bool(matches("yes|ok(?:ay)?|approved?|agreed?", answer)) and not matches(
        "no|not|don't|never", answer
    )


def _is_done(runtime: ToolRuntime[Any, Any], order: str, what: str) -> bool:
    done: Sequence[Remedy] = runtime.state.get("remedies") or ()
    return any((one.order, one.what) == (order, what) for one in done)


def _done(
    runtime: ToolRuntime[Any, Any], order: str, what: str, amount: float, text: str
) -> Command[Any]:
    remedy = Remedy(order=order, what=what, amount=amount)
    answer = ToolMessage(text, tool_call_id=runtime.tool_call_id or "")
    return Command(update={"remedies": [remedy], "messages": [answer]})


def _unknown(order: str) -> str:
    return f"There is no order {order}." if order else "No order that we know is named."
