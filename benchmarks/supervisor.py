"""A supervisor of three independent workers: what it costs, and how much is read for it."""

import asyncio
from collections.abc import Sequence
from operator import or_
from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.tool import ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Send
from measure import ANSWER, PROMPT, Mark, aalternate, alternate, per_piece

from langgraph_orchestra.graphs import PatternGraph, create_supervisor
from langgraph_orchestra.nodes import Agent
from langgraph_orchestra.state import Plan, Review

WORKERS = ("researcher", "analyst", "writer")
TASK_TEXT = "Compare the three sites for the new park, and say which one the city should buy."
TASK = {"messages": [("user", TASK_TEXT)]}
STEPS = [
    {
        "id": f"s{number}",
        "worker": worker,
        "task": f"Describe site {number}: its size, its price, who lives near it.",
        "expected": "Figures with their sources.",
    }
    for number, worker in enumerate(WORKERS, 1)
]
DECISIONS = {
    "Plan": {"steps": STEPS},
    "Review": {"reviews": [{"step": step["id"], "accepted": True} for step in STEPS]},
}
CALLS = 2 * len(WORKERS)
HAND_WRITTEN = 5_479
"""Characters of the prompts in the same run, as it was first written by hand with LangGraph."""


class Lead(BaseChatModel):
    """A model that plans, reviews and answers at once; it counts what it is sent."""

    sent: list[int]

    @property
    def _llm_type(self) -> str:
        return "fake"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Runnable[Any, Any]:
        """Take schemas as real models do."""
        return self.bind(decision=tools[0].__name__)

    def _generate(
        self, messages: list[BaseMessage], *_: Any, decision: str = "", **__: Any
    ) -> ChatResult:
        self.sent.append(sum(len(message.text) for message in messages))
        answer = AIMessage(ANSWER)
        if decision:
            call = ToolCall(name=decision, args=DECISIONS[decision], id="call-1")
            answer = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=answer)])


def our_office(model: Lead) -> PatternGraph:
    """The office as the library builds it."""
    workers = [
        Agent(name, PROMPT, model=model, description=f"The {name} of the city.") for name in WORKERS
    ]
    return create_supervisor(workers, model=model)


class OfficeState(MessagesState):
    """What a hand-written graph keeps."""

    plan: Plan
    answers: Annotated[dict[str, str], or_]


def hand_written_office(model: Lead, *, is_async: bool) -> Any:
    """The same office, as one writes it with LangGraph."""
    graph = StateGraph(OfficeState)
    steps = _Async(model) if is_async else _Sync(model)
    for node in ("planner", *WORKERS, "review", "synthesise"):
        work = steps.work if node in WORKERS else getattr(steps, node)
        graph.add_node(node, work)
    graph.add_edge(START, "planner")
    graph.add_conditional_edges("planner", _sends, list(WORKERS))
    for worker in WORKERS:
        graph.add_edge(worker, "review")
    graph.add_edge("review", "synthesise")
    graph.add_edge("synthesise", END)
    return graph


def _sends(state: OfficeState) -> list[Send]:
    task = state["messages"][0].text
    return [Send(s.worker, {"task": task, "step": s}) for s in state["plan"].steps]


def _for_worker(state: Any) -> list[BaseMessage]:
    step = state["step"]
    text = f"Goal: {state['task']}\n\nYour step: {step.task}\nExpected: {step.expected}"
    return [SystemMessage(PROMPT), HumanMessage(text)]


def _of_results(state: OfficeState, told: str) -> list[BaseMessage]:
    answers = state["answers"]
    results = "\n\n".join(f"{s.id}: {s.task}\n{answers[s.id]}" for s in state["plan"].steps)
    return [SystemMessage(told), *state["messages"], HumanMessage(results)]


class _Sync:
    def __init__(self, model: Lead) -> None:
        self.model = model
        self.planning = model.with_structured_output(Plan, include_raw=True)
        self.reviewing = model.with_structured_output(Review, include_raw=True)

    def planner(self, state: OfficeState) -> Any:
        answer: Any = self.planning.invoke([SystemMessage("Plan."), *state["messages"]])
        return {"plan": answer["parsed"]}

    def work(self, state: Any) -> Any:
        answer = self.model.invoke(_for_worker(state))
        return {"answers": {state["step"].id: answer.text}}

    def review(self, state: OfficeState) -> Any:
        self.reviewing.invoke(_of_results(state, "Review."))
        return {}

    def synthesise(self, state: OfficeState) -> Any:
        return {"messages": [self.model.invoke(_of_results(state, "Answer."))]}


class _Async(_Sync):
    async def planner(self, state: OfficeState) -> Any:
        answer: Any = await self.planning.ainvoke([SystemMessage("Plan."), *state["messages"]])
        return {"plan": answer["parsed"]}

    async def work(self, state: Any) -> Any:
        answer = await self.model.ainvoke(_for_worker(state))
        return {"answers": {state["step"].id: answer.text}}

    async def review(self, state: OfficeState) -> Any:
        await self.reviewing.ainvoke(_of_results(state, "Review."))
        return {}

    async def synthesise(self, state: OfficeState) -> Any:
        return {"messages": [await self.model.ainvoke(_of_results(state, "Answer."))]}


def supervisor_sync(rounds: int = 60) -> Mark:
    """A supervisor of three workers, sync."""
    ours = our_office(Lead(sent=[])).compile()
    theirs = hand_written_office(Lead(sent=[]), is_async=False).compile()
    times = alternate(lambda: ours.invoke(TASK), lambda: theirs.invoke(TASK), rounds)
    return per_piece("a supervisor's model call, sync", *times, 1.15, pieces=CALLS)


def supervisor_async(rounds: int = 60) -> Mark:
    """A supervisor of three workers, async."""
    ours = our_office(Lead(sent=[])).compile()
    theirs = hand_written_office(Lead(sent=[]), is_async=True).compile()

    async def measure() -> tuple[float, float]:
        return await aalternate(lambda: ours.ainvoke(TASK), lambda: theirs.ainvoke(TASK), rounds)

    return per_piece(
        "a supervisor's model call, async", *asyncio.run(measure()), 1.15, pieces=CALLS
    )


def supervisor_calls() -> Mark:
    """Model calls of a supervisor of three independent workers."""
    model = Lead(sent=[])
    our_office(model).compile().invoke(TASK)
    made = len(model.sent)
    return Mark("model calls, 3 workers", f"{made}", f"{CALLS}", made / CALLS, 1.0)


def supervisor_prompts() -> Mark:
    """Characters in the prompts of a supervisor of three independent workers."""
    model = Lead(sent=[])
    our_office(model).compile().invoke(TASK)
    ours = sum(model.sent)
    return Mark(
        "prompt characters, 3 workers",
        f"{ours:,}",
        f"{HAND_WRITTEN:,}",
        ours / HAND_WRITTEN,
        5_500 / HAND_WRITTEN,
    )
