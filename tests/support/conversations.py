"""Conversations for the tests of the command: who chooses, hands over, observes and is asked."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import tool
from langgraph.types import interrupt
from pydantic import BaseModel, Field

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_magentic,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel, StandIn
from langgraph_orchestra.nodes import Agent, Human, View, by_bids, by_model, by_person, question
from langgraph_orchestra.state import Bid, SpeakerChoice
from support.handoffs import to
from support.ledgers import ScriptedManager, everybody_once, plan
from support.members import wants

__all__ = ["CONVERSATIONS"]


class Trip(BaseModel):
    """What a traveller fills in."""

    city: str
    nights: int = 1


class Patience(BaseModel):
    """What a user's own request may take."""

    minutes: int = Field(gt=0)


def speaker(name: str, *replies: Any, **options: Any) -> Agent:
    """An agent that says these things in turn; by default, that it agrees."""
    model = ScriptedModel(list(replies)) if replies else StandIn(lambda _: f"{name} agrees.")
    about = f"knows all about {name}"
    return Agent(name, f"You are {name}.", description=about, model=model, **options)


def chosen() -> PatternGraph:
    """A person chooses who speaks."""
    return create_group_chat([speaker("ann"), speaker("bob")], select=by_person(), max_turns=2)


def observed() -> PatternGraph:
    """A person may say something before each turn."""
    return create_group_chat([speaker("ann"), speaker("bob")], observer=Human("coach"), max_turns=2)


def led() -> PatternGraph:
    """A model chooses who speaks, and finishes."""
    choices = [
        SpeakerChoice(next_speaker="bob", reason="he knows the [numbers]"),
        SpeakerChoice(next_speaker="ann", reason="she decides"),
        SpeakerChoice(next_speaker=None, reason="all is said", finished=True, final_answer="Done."),
    ]
    model = ScriptedModel(choices)
    return create_group_chat([speaker("ann"), speaker("bob")], select=by_model(model))


def misled() -> PatternGraph:
    """A model never chooses somebody who takes part."""
    wrong = SpeakerChoice(next_speaker="zoe", reason="she is fun")
    select = by_model(StandIn(lambda _: wrong))
    return create_group_chat([speaker("ann"), speaker("bob")], select=select, max_turns=1)


def auction() -> PatternGraph:
    """They bid for the floor, until nobody wants it."""
    bidders = [
        speaker("ann", *_bids(0.4, 0.1)),
        speaker("bob", _bids(0.9)[0], "Bob agrees.", *_bids(0.2)),
    ]
    return create_group_chat(bidders, select=by_bids())


def _bids(*confidences: float) -> Sequence[Bid]:
    return [Bid(confidence=c, approach=f"{c} sure, with [charts]") for c in confidences]


def helpline() -> PatternGraph:
    """A desk hands over to billing, which talks with the customer."""
    desk = speaker("desk", to("billing", reason="it is about money", context="invoice 7"))
    billing = speaker("billing", "Which [invoice]?", "It is refunded.")
    return create_handoff([desk, billing], human="customer")


def endless() -> PatternGraph:
    """Two hand over to each other until a person says something."""
    ping = speaker("ping", to("pong"), to("pong"), "Ping gives in.")
    return create_handoff(
        [ping, speaker("pong", to("ping"), to("ping"))], human="boss", max_handoffs=2
    )


def crossed() -> PatternGraph:
    """Handoffs that are ignored, refused, and to nobody."""
    desk = speaker(
        "desk", to("nobody", "billing", "sales"), to("sales"), to("billing", priority="urgent")
    )
    return create_handoff(
        [desk, speaker("billing"), speaker("sales")],
        accepts={"sales": lambda view, handoff: "they are at lunch"},
    )


def booked() -> PatternGraph:
    """A person fills in a form."""
    return create_sequential([Human("traveller", role="answer", ask="Where to?", schema=Trip)])


def painted() -> PatternGraph:
    """A person may leave it at the usual."""
    return create_sequential([Human("painter", role="answer", ask="Which colour?", default="blue")])


@tool
def wire(amount: int) -> str:
    """Wire money."""
    return f"wired {amount}"


def _wires(messages: Sequence[BaseMessage]) -> Any:
    return messages[-1].text if messages[-1].type == "tool" else wants("wire", amount=5)


def _bank(*allowed: Literal["approve", "edit", "reject", "respond"]) -> PatternGraph:
    approvals = HumanInTheLoopMiddleware({"wire": {"allowed_decisions": list(allowed)}})
    model = StandIn(_wires)
    clerk = Agent("clerk", "", model=model, tools=[wire], middleware=[approvals])
    return create_sequential([clerk])


def bank() -> PatternGraph:
    """A tool call on which everything may be decided."""
    return _bank("approve", "edit", "reject", "respond")


def counter() -> PatternGraph:
    """A tool call that can be approved, or answered in its place."""
    return _bank("approve", "respond")


def branches() -> PatternGraph:
    """A tool call in each branch of a team."""
    clerks = [
        Agent(name, "", model=StandIn(_wires), tools=[wire], approve_tools=("wire",))
        for name in ("left", "right")
    ]
    return create_sequential([create_concurrent(clerks).compile(name="team")])


def teller() -> PatternGraph:
    """Two tool calls that are approved one by one, each with a request of its own."""

    def wires(messages: Sequence[BaseMessage]) -> Any:
        if done := [message.text for message in messages if message.type == "tool"]:
            return "; ".join(done)
        calls = [{"name": "wire", "args": {"amount": n}, "id": f"call-{n}"} for n in (1, 2)]
        return AIMessage("", tool_calls=calls)

    approvals = HumanInTheLoopMiddleware(
        {"wire": {"allowed_decisions": ["approve", "edit", "reject"]}}, interrupt_mode="per_call"
    )
    model = StandIn(wires)
    return create_sequential(
        [Agent("clerk", "", model=model, tools=[wire], middleware=[approvals])]
    )


def impatient() -> PatternGraph:
    """Asks in a form of its own, and checks the answer."""

    def wait(view: View) -> str:
        patience = interrupt("How long?", response_schema=Patience)
        return f"waited {patience.minutes}"

    return create_sequential([wait])


def houses() -> PatternGraph:
    """In each of two teams somebody is asked, both of the same name."""
    teams = [create_sequential([question("boss", f"{n}?")]).compile(name=n) for n in ("red", "sea")]
    return create_concurrent(teams)


def lazy_team() -> PatternGraph:
    """A team asks after a person who is not in one."""
    team = create_sequential([speaker("ann"), question("boss", "Well?")]).compile(name="team")
    return create_sequential([question("first", "And?"), team])


def slow_choice() -> PatternGraph:
    """A model chooses when something is written to a pipe."""

    def choose(_: Sequence[BaseMessage]) -> SpeakerChoice:
        Path("choice").read_text()
        return SpeakerChoice(next_speaker="bob", reason="he is quick")

    select = by_model(StandIn(choose))
    return create_group_chat([speaker("ann"), speaker("bob")], select=select, max_turns=1)


def planned() -> PatternGraph:
    """A person reviews a manager's plan."""
    manager = ScriptedManager(everybody_once, [plan("ann: Look.", facts_given=["It is Monday."])])
    return create_magentic([speaker("ann")], manager=manager, plan_review="initial")


def permitted() -> PatternGraph:
    """A person approves what ann is to do."""
    manager = ScriptedManager(everybody_once)
    return create_magentic([speaker("ann")], manager=manager, approve_before=["ann"])


CONVERSATIONS: Mapping[Callable[[], PatternGraph], str] = {
    **dict.fromkeys((chosen, observed, led, misled, auction, slow_choice), "group_chat"),
    **dict.fromkeys((helpline, endless, crossed), "handoff"),
    **dict.fromkeys(
        (booked, painted, bank, counter, branches, teller, impatient, lazy_team), "sequential"
    ),
    houses: "concurrent",
    **dict.fromkeys((planned, permitted), "magentic"),
}
"""The pattern of each."""
