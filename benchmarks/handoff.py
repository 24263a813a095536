"""Handoffs: what one costs, and how much its readers have to read."""

import asyncio
from collections.abc import Sequence
from itertools import count, pairwise
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from measure import ANSWER, PROMPT, TASK, Mark, aalternate, alternate, named, per_piece

from langgraph_orchestra.graphs import PatternGraph, create_handoff
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent

HANDOFFS = 20
REASON = "The next part is theirs."
PARTNERS = {"ann": "bob", "bob": "ann"}


class Caller(BaseChatModel):
    """A model that answers at once with a text and a handoff."""

    target: str
    numbers: Any = None

    @property
    def _llm_type(self) -> str:
        return "fake"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Runnable[Any, Any]:
        """Take tools as real models do."""
        return self.bind(tools=list(tools))

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        args = {"reason": REASON}
        call = ToolCall(name=f"handoff_to_{self.target}", args=args, id=f"{next(self.numbers)}")
        return ChatResult(
            generations=[ChatGeneration(message=AIMessage(ANSWER, tool_calls=[call]))]
        )


def caller(target: str) -> Caller:
    """A model that hands over to somebody."""
    return Caller(target=target, numbers=count())


def our_handoffs() -> PatternGraph:
    """Two agents who hand over to each other, as the library builds them."""
    agents = [Agent(name, PROMPT, model=caller(other)) for name, other in PARTNERS.items()]
    return create_handoff(agents, max_handoffs=HANDOFFS - 1, cycle_window=None)


class CountedState(MessagesState):
    """What a hand-written graph keeps."""

    handoffs: int


def hand_written_handoffs(*, is_async: bool) -> Any:
    """Two agents who hand over to each other, as one writes them with LangGraph."""
    graph = StateGraph(CountedState)
    for name, other in PARTNERS.items():
        agent = _async_agent(name, other) if is_async else _sync_agent(name, other)
        graph.add_node(name, agent, destinations=(other, END))
    graph.add_edge(START, "ann")
    return graph


def _bound(target: str) -> Runnable[Any, Any]:
    @tool(f"handoff_to_{target}")
    def hand_over(reason: str) -> str:
        """Hand over."""
        return reason

    return caller(target).bind_tools([hand_over])


def _sync_agent(name: str, other: str) -> Any:
    model = _bound(other)

    def agent(state: CountedState) -> Command[Any]:
        answer = model.invoke([SystemMessage(PROMPT), *state["messages"]])
        return _handed_over(name, answer, state, other)

    return agent


def _async_agent(name: str, other: str) -> Any:
    model = _bound(other)

    async def agent(state: CountedState) -> Command[Any]:
        answer = await model.ainvoke([SystemMessage(PROMPT), *state["messages"]])
        return _handed_over(name, answer, state, other)

    return agent


def _handed_over(name: str, answer: Any, state: CountedState, other: str) -> Command[Any]:
    result = ToolMessage(f"Handed off to {other}.", tool_call_id=answer.tool_calls[0]["id"])
    taken = state.get("handoffs", 0) + 1
    update = {"messages": [named(name, answer), result], "handoffs": taken}
    return Command(update=update, goto=END if taken >= HANDOFFS else other)


def handoff_sync(rounds: int = 40) -> Mark:
    """One of 20 handoffs, sync."""
    ours, theirs = our_handoffs().compile(), hand_written_handoffs(is_async=False).compile()
    times = alternate(lambda: ours.invoke(TASK), lambda: theirs.invoke(TASK), rounds)
    return per_piece("a handoff, sync", *times, 1.15, pieces=HANDOFFS)


def handoff_async(rounds: int = 40) -> Mark:
    """One of 20 handoffs, async."""
    ours, theirs = our_handoffs().compile(), hand_written_handoffs(is_async=True).compile()

    async def measure() -> tuple[float, float]:
        return await aalternate(lambda: ours.ainvoke(TASK), lambda: theirs.ainvoke(TASK), rounds)

    return per_piece("a handoff, async", *asyncio.run(measure()), 1.15, pieces=HANDOFFS)


def handoff_prompts() -> Mark:
    """Characters in the prompts of 3 handoffs, against the words that must be read."""
    chain = ["triage", "technical", "financial", "closing"]
    replies = [
        AIMessage(
            ANSWER,
            tool_calls=[
                ToolCall(name=f"handoff_to_{after}", args={"reason": REASON}, id=f"call-{after}")
            ],
        )
        for after in chain[1:]
    ]
    model = ScriptedModel([*replies, ANSWER])
    routes = {before: [after] for before, after in pairwise(chain)}
    create_handoff(
        [Agent(name, PROMPT, model=model) for name in chain], routes=routes
    ).compile().invoke(TASK)
    ours = sum(len(message.text) for call in model.calls for message in call.messages)
    spoken = sum(range(len(chain))) * len(ANSWER) + (len(chain) - 1) * len(REASON)
    needed = len(chain) * (len(PROMPT) + len("The task.")) + spoken
    return Mark("prompt characters, 3 handoffs", f"{ours:,}", f"{needed:,}", ours / needed, 1.05)
