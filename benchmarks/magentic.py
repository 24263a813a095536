"""Magentic: what a round costs, on the clock, in model calls and in prompts."""

import asyncio
import json
import operator
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from measure import (
    ANSWER,
    PROMPT,
    TASK,
    Mark,
    aalternate,
    alternate,
    fake,
    named,
    per_piece,
)

from langgraph_orchestra.graphs import PatternGraph, create_magentic
from langgraph_orchestra.models import ScriptedCall, ScriptedModel
from langgraph_orchestra.nodes import Agent
from langgraph_orchestra.state import ProgressLedger, TaskLedger, Turn

TEAM = ("ann", "bob", "carol")
ROUNDS = 20
LEAD = "You lead a team."
QUESTION = "How far is the work, who works next, and on what?"
PLAN: Mapping[str, Any] = {
    "facts_given": ["The task is given."],
    "facts_to_look_up": [],
    "facts_to_derive": [],
    "guesses": [],
    "plan": [
        {"id": f"s{place}", "worker": name, "task": f"Do part {place}."}
        for place, name in enumerate(TEAM, 1)
    ],
}


def ledger(name: str, *, done: bool = False) -> dict[str, Any]:
    """What a manager finds before a round."""
    return {
        "is_request_satisfied": {"reason": "There is work left.", "answer": done},
        "is_in_loop": {"reason": "No.", "answer": False},
        "is_progress_being_made": {"reason": "Yes.", "answer": True},
        "next_speaker": {"reason": "It is their part.", "answer": name},
        "instruction_or_question": {"reason": "It is due.", "answer": "Do your part."},
    }


def script(rounds: int) -> list[Any]:
    """What the manager answers in a run: its plan, the ledgers, and the final answer."""
    ledgers = [ledger(TEAM[number % len(TEAM)]) for number in range(rounds)]
    return [PLAN, *ledgers, ledger(TEAM[0], done=True), "The end."]


def talking(rounds: int) -> FakeListChatModel:
    """A manager that answers at once, in text: a run after another, for ever."""
    answers = [json.dumps(one) if isinstance(one, Mapping) else one for one in script(rounds)]
    return FakeListChatModel(responses=answers)


def our_team(rounds: int) -> PatternGraph:
    """A manager and three agents, as the library builds them."""
    members = [Agent(name, PROMPT, model=fake()) for name in TEAM]
    return create_magentic(members, model=talking(rounds), max_rounds=rounds + 1)


class TeamState(MessagesState):
    """What a hand-written team keeps; the same as ours, so that the same is written."""

    task_ledgers: Annotated[list[TaskLedger], operator.add]
    progress_ledgers: Annotated[list[ProgressLedger], operator.add]
    trail: Annotated[list[Turn], operator.add]
    rounds: int
    stalls: int
    output: str


def hand_written_team(rounds: int, *, is_async: bool) -> Any:
    """The same team as one writes it with LangGraph: two calls a round, and the same state."""
    graph = StateGraph(TeamState)
    manager = talking(rounds)
    ask = _asked_async if is_async else _asked_sync
    graph.add_node("planner", ask("planner", manager, _plan_prompt, _planned))
    graph.add_node(
        "manager", ask("manager", manager, _ledger_prompt, _managed), destinations=(*TEAM, "finish")
    )
    graph.add_node("finish", ask("finish", manager, _final_prompt, _finished))
    for name in TEAM:
        graph.add_node(name, ask(name, fake(), _member_prompt, _worked(name)))
        graph.add_edge(name, "manager")
    graph.add_edge(START, "planner")
    graph.add_edge("planner", "manager")
    graph.add_edge("finish", END)
    return graph


def _asked_sync(name: str, model: Any, prompt: Any, then: Any) -> Any:
    def node(state: TeamState) -> Any:
        began, clock = datetime.now(UTC), time.perf_counter()
        answer = model.invoke(prompt(state))
        return then(answer, state, _turn(name, answer, state, began, clock))

    return node


def _asked_async(name: str, model: Any, prompt: Any, then: Any) -> Any:
    async def node(state: TeamState) -> Any:
        began, clock = datetime.now(UTC), time.perf_counter()
        answer = await model.ainvoke(prompt(state))
        return then(answer, state, _turn(name, answer, state, began, clock))

    return node


def _turn(name: str, answer: Any, state: TeamState, began: datetime, clock: float) -> Turn:
    used = answer.usage_metadata or {}
    return Turn(
        agent=name,
        path=name,
        step=state.get("rounds", 0) + 1,
        started_at=began,
        seconds=time.perf_counter() - clock,
        input_tokens=used.get("input_tokens", 0),
        output_tokens=used.get("output_tokens", 0),
    )


SCHEMAS = {
    kind: SystemMessage("Answer with one JSON object: " + json.dumps(kind.model_json_schema()))
    for kind in (TaskLedger, ProgressLedger)
}


def _plan_text(state: TeamState) -> str:
    known = state["task_ledgers"][-1]
    steps = [f"{step.id} ({step.worker}): {step.task}" for step in known.plan]
    return "\n".join(["Given:", *known.facts_given, "Plan:", *steps])


def _read(state: TeamState) -> list[Any]:
    return [
        HumanMessage(f"{m.name}: {m.text}", name=m.name) if m.name not in (None, "manager") else m
        for m in state["messages"]
    ]


def _plan_prompt(state: TeamState) -> list[Any]:
    return [SystemMessage(LEAD), *_read(state), HumanMessage("Plan."), SCHEMAS[TaskLedger]]


def _ledger_prompt(state: TeamState) -> list[Any]:
    question = HumanMessage(f"{_plan_text(state)}\n\n{QUESTION}")
    return [SystemMessage(LEAD), *_read(state), question, SCHEMAS[ProgressLedger]]


def _final_prompt(state: TeamState) -> list[Any]:
    return [SystemMessage(LEAD), *_read(state), HumanMessage("Write the final answer.")]


def _member_prompt(state: TeamState) -> list[Any]:
    task, *said = _read(state)
    answers = [m for m in said if m.name != "manager"]
    return [SystemMessage(PROMPT), task, HumanMessage(_plan_text(state)), *answers, said[-1]]


def _planned(answer: Any, _: TeamState, turn: Turn) -> Any:
    plan = TaskLedger.model_validate_json(answer.text)
    return {"task_ledgers": [plan], "trail": [turn], "rounds": 0, "stalls": 0}


def _managed(answer: Any, state: TeamState, turn: Turn) -> Command[Any]:
    found = ProgressLedger.model_validate_json(answer.text)
    kept = {"progress_ledgers": [found], "trail": [turn]}
    if found.is_request_satisfied.answer:
        return Command(update=kept, goto="finish")
    name, words = found.next_speaker.answer, found.instruction_or_question.answer
    told = AIMessage(f"To {name}: {words}", name="manager")
    update = {**kept, "messages": [told], "rounds": state["rounds"] + 1}
    return Command(update=update, goto=name)


def _worked(name: str) -> Any:
    def then(answer: Any, _: TeamState, turn: Turn) -> Any:
        return {"messages": [named(name, answer)], "trail": [turn]}

    return then


def _finished(answer: Any, _: TeamState, turn: Turn) -> Any:
    return {"messages": [named("finish", answer)], "output": answer.text, "trail": [turn]}


def magentic_round_sync(rounds: int = 30) -> Mark:
    """One round of a run of 20 rounds, sync."""
    ours, theirs = our_team(ROUNDS).compile(), hand_written_team(ROUNDS, is_async=False).compile()
    times = alternate(lambda: ours.invoke(TASK), lambda: theirs.invoke(TASK), rounds)
    return per_piece(f"magentic round, {ROUNDS} rounds, sync", *times, 1.15, pieces=ROUNDS)


def magentic_round_async(rounds: int = 30) -> Mark:
    """One round of a run of 20 rounds, async."""
    ours, theirs = our_team(ROUNDS).compile(), hand_written_team(ROUNDS, is_async=True).compile()

    async def measure() -> tuple[float, float]:
        return await aalternate(lambda: ours.ainvoke(TASK), lambda: theirs.ainvoke(TASK), rounds)

    times = asyncio.run(measure())
    return per_piece(f"magentic round, {ROUNDS} rounds, async", *times, 1.15, pieces=ROUNDS)


SHORT = 3
TEMPLATES = {"facts": 1208, "plan": 347, "ledger": 221, "progress": 1784, "final": 304}
"""Characters of Magentic-One's prompts in AutoGen 0.7, without what is filled in."""


def magentic_calls() -> Mark:
    """Model calls of a run of three rounds, against two a round and three besides."""
    made, allowed = len(_calls()), 2 * SHORT + 3
    return Mark(f"magentic calls, {SHORT} rounds", str(made), str(allowed), made / allowed, 1.0)


def magentic_prompts() -> Mark:
    """Characters in the prompts of a run of three rounds, schemas included, against AutoGen's."""
    read = [message.text for call in _calls() for message in call.messages]
    schemas = [json.dumps(tool) for call in _calls() for tool in call.tools]
    ours, theirs = len("".join(read + schemas)), _autogen()
    what = f"magentic prompt characters, {SHORT} rounds"
    return Mark(what, f"{ours:,}", f"{theirs:,}", ours / theirs, 1.0)


def _calls() -> list[ScriptedCall]:
    """Every model call of a short run."""
    model = ScriptedModel(script(SHORT))
    worker = ScriptedModel([ANSWER] * SHORT)
    members = [Agent(name, PROMPT, model=worker) for name in TEAM]
    create_magentic(members, model=model).compile().invoke(TASK)
    return [*model.calls, *worker.calls]


def _autogen() -> int:
    """The same run as AutoGen's Magentic-One puts it into prompts.

    Facts and plan are asked one after the other. Each later prompt of the manager holds the ledger,
    with task and team, and what was said since; the question repeats task and team. Each agent
    reads its own prompt, the ledger, and what was said.
    """
    task, team = len("The task."), sum(len(name) + 3 for name in TEAM)
    facts = sum(map(len, PLAN["facts_given"]))
    plan = sum(len(f"{step['worker']}: {step['task']}") for step in PLAN["plan"])
    names, said = 2 * sum(len(name) + 2 for name in TEAM), len("Do your part.") + len(ANSWER)
    before = 2 * (TEMPLATES["facts"] + task) + facts + TEMPLATES["plan"] + team
    ledger = TEMPLATES["ledger"] + task + team + facts + plan
    progress = TEMPLATES["progress"] + task + team + names
    asked = sum(ledger + number * said + progress for number in range(SHORT + 1))
    worked = sum(
        len(PROMPT) + ledger + number * said + len("Do your part.") for number in range(SHORT)
    )
    final = ledger + SHORT * said + TEMPLATES["final"] + task
    return before + asked + worked + final
