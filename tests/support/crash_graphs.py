"""Graphs for crash tests: every stage notes in a file that it runs, and can be stopped there.

The graphs are built anew in each process. What they note outlives the process, so the notes of all
processes together tell what ran how often.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_magentic,
    create_maker_checker,
    create_map_reduce,
    create_sequential,
    create_supervisor,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, View, as_tool, by_model, question
from langgraph_orchestra.nodes.supervisor.prompts import PLAN_PROMPT, REVIEW_PROMPT
from langgraph_orchestra.state import Verdict
from support.ledgers import DONE, ScriptedManager, everybody_once, progress, stuck
from support.plans import plan, review, reviewed_in

__all__ = ["GRAPHS", "Diary", "NotingManager", "Saved"]

Stage = Callable[[View], Any]


class Rating(BaseModel):
    """A typed answer."""

    stars: int


class Diary:
    """Where the stages of a graph note that they run.

    Args:
        path: The file.
        visit: Called with the name of a stage once it has been noted, and again with the name and
            `:end` when its work is done.
    """

    def __init__(self, path: Path, visit: Callable[[str], None] = lambda _: None) -> None:
        self.path = path
        self.visit = visit

    def note(self, name: str) -> None:
        """Note that a stage has begun."""
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, f"{name}\n".encode())
        os.close(file)
        self.visit(name)

    @property
    def names(self) -> list[str]:
        """The stages that have run, in order, over all processes."""
        return self.path.read_text().split() if self.path.exists() else []

    def stage(self, name: str) -> Stage:
        """A participant that notes and answers."""

        def run(_: View) -> str:
            self.note(name)
            self.visit(f"{name}:end")
            return f"answer of {name}"

        run.__name__ = name
        return run

    def agent(self, name: str, answer: Any = None, **options: Any) -> Agent:
        """An agent whose model notes and answers, however often it is asked."""

        def reply(_: list[BaseMessage]) -> Any:
            self.note(name)
            return f"answer of {name}" if answer is None else answer

        return Agent(name, f"You are {name}.", model=ScriptedModel(reply), **options)

    def caller(self, name: str, tool_name: str) -> ScriptedModel:
        """A model that notes, calls a tool, and answers when it has the result."""

        def reply(messages: list[BaseMessage]) -> Any:
            self.note(name)
            if isinstance(messages[-1], ToolMessage):
                return f"answer of {name}"
            call = {"name": tool_name, "args": {"word": "arm"}, "id": f"call_{len(messages)}"}
            return AIMessage("", tool_calls=[call])

        return ScriptedModel(reply)


class NotingManager(ScriptedManager):
    """Notes what it is asked; asks each of the team once, unless it is given other ledgers.

    Args:
        diary: Where it notes.
        ledgers: By how many it has given before; what is not there is made of the team.
    """

    def __init__(self, diary: Diary, ledgers: Mapping[int, Any] | None = None) -> None:
        self.diary = diary
        self.ledgers = ledgers or {}
        super().__init__(self.noted, final=lambda view: view.last_text)

    def plan(self, view: View) -> Any:
        """The first plan."""
        self.diary.note("plan")
        return super().plan(view)

    def replan(self, view: View) -> Any:
        """Another plan."""
        self.diary.note("replan")
        return super().replan(view)

    def conclude(self, view: View) -> Any:
        """The last answer."""
        self.diary.note("conclude")
        return super().conclude(view)

    def noted(self, view: View) -> Any:
        """The ledger that is due."""
        number = len(view.state["progress_ledgers"])
        self.diary.note(f"assess-{number}")
        return self.ledgers.get(number) or everybody_once(view)


class Saved:
    """What a checkpointer has stored of finished turns, by their names.

    Args:
        saver: The checkpointer; its `put_writes` and `aput_writes` are watched.
    """

    def __init__(self, saver: Any) -> None:
        self._names: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._put_writes, self._aput_writes = saver.put_writes, saver.aput_writes
        saver.put_writes, saver.aput_writes = self._watched, self._awatched

    def wait_for(self, names: Collection[str]) -> None:
        """Wait until all of these are stored; a name given twice, as often."""
        with self._changed:
            self._changed.wait_for(lambda: Counter(names) <= self._names)

    def _watched(self, config: Any, writes: Any, *place: Any) -> None:
        self._put_writes(config, writes, *place)
        self._note(writes)

    async def _awatched(self, config: Any, writes: Any, *place: Any) -> None:
        await self._aput_writes(config, writes, *place)
        self._note(writes)

    def _note(self, writes: Any) -> None:
        with self._changed:
            for channel, value in writes:
                self._names.update(_turns_in(channel, value))
            self._changed.notify_all()


def _turns_in(channel: str, value: Any) -> Collection[str]:
    if channel == "branch_records" and isinstance(value, dict):
        return list(value)
    if channel == "results" and isinstance(value, list):
        return [result.name for result in value]
    return []


def sequence(diary: Diary) -> PatternGraph:
    """A function, a plain agent, one with a tool, and one with a typed answer."""

    @tool
    def lookup(word: str) -> str:
        """Look a word up."""
        diary.note("lookup")
        return f"{word}: found"

    return create_sequential(
        [
            diary.stage("gather"),
            diary.agent("write"),
            Agent("check", "You check.", model=diary.caller("check", "lookup"), tools=[lookup]),
            diary.agent("rate", Rating(stars=5), output=Rating),
        ]
    )


def branches(diary: Diary) -> PatternGraph:
    """Three branches, one of them an agent, and a noting aggregator."""

    def total(view: View) -> str:
        diary.note("total")
        return " + ".join(view.results)

    return create_concurrent(
        [diary.stage("one"), diary.stage("two"), diary.agent("three")], aggregate=total
    )


def teams(diary: Diary) -> PatternGraph:
    """A team in a team, between two stages."""
    core = create_sequential([diary.stage("deep"), diary.agent("deeper")]).compile(name="core")
    team = create_sequential([diary.stage("enter"), core, diary.stage("leave")])
    return create_sequential(
        [diary.stage("before"), team.compile(name="team"), diary.stage("after")]
    )


def fan_in_team(diary: Diary) -> PatternGraph:
    """Branches in a team, between two stages."""
    return create_sequential(
        [diary.stage("before"), branches(diary).compile(name="team"), diary.stage("after")]
    )


def items(diary: Diary) -> PatternGraph:
    """Five items, each noted under its number."""

    def worker(view: View) -> str:
        return str(diary.stage(f"item-{view.state['index']}")(view))

    return create_map_reduce(lambda _: ["a", "b", "c", "d", "e"], worker)


def reviewed(diary: Diary) -> PatternGraph:
    """A draft that a person reviews before it goes out."""
    return create_sequential([diary.agent("write"), Human("editor"), diary.stage("publish")])


def asked(diary: Diary) -> PatternGraph:
    """Two people in branches, beside one that needs nobody."""
    return create_concurrent(
        [question("ann", "Red?"), diary.stage("one"), question("ben", "Blue?")]
    )


def approved(diary: Diary) -> PatternGraph:
    """A tool that a person must approve."""

    @tool
    def pay(word: str) -> str:
        """Pay for something."""
        diary.note("pay")
        return f"{word}: paid"

    clerk = Agent(
        "clerk",
        "You pay.",
        model=diary.caller("clerk", "pay"),
        tools=[pay],
        approve_tools=("pay",),
    )
    return create_sequential([clerk, diary.stage("publish")])


def handed(diary: Diary) -> PatternGraph:
    """An agent with a tool hands over to one without, and that one to a third."""

    @tool
    def lookup(word: str) -> str:
        """Look a word up."""
        diary.note("lookup")
        return f"{word}: found"

    def handing(name: str, target: str, *beside: str) -> ScriptedModel:
        def reply(messages: list[BaseMessage]) -> Any:
            diary.note(name)
            calls = [*(("lookup", {"word": "arm"}) for _ in beside), (f"handoff_to_{target}", {})]
            named = [{"name": n, "args": a, "id": f"{name}-{i}"} for i, (n, a) in enumerate(calls)]
            return AIMessage(f"words of {name}", tool_calls=named)

        return ScriptedModel(reply)

    return create_handoff(
        [
            Agent("desk", "You sort.", model=handing("desk", "clerk", "lookup"), tools=[lookup]),
            Agent("clerk", "You note.", model=handing("clerk", "boss")),
            diary.agent("boss"),
        ]
    )


def chat(diary: Diary) -> PatternGraph:
    """A model gives the floor to two agents in turn, ends the chat, and somebody sums it up."""

    def choose(messages: list[BaseMessage]) -> Any:
        diary.note("leader")
        said = [message.name for message in messages if message.name]
        name = {0: "ann", 1: "bob"}.get(len(said))
        final = "" if name else "42"
        return {
            "next_speaker": name,
            "reason": "because",
            "finished": name is None,
            "final_answer": final,
        }

    return create_group_chat(
        [diary.agent("ann"), diary.agent("bob")],
        select=by_model(ScriptedModel(choose)),
        summary=diary.agent("closing"),
    )


def checked(diary: Diary) -> PatternGraph:
    """Drafts that two check side by side: both object to the first, and approve the second."""

    def draft(view: View) -> str:
        return str(diary.stage(f"draft-{view.state['rounds'] + 1}")(view))

    def checker(name: str) -> Stage:
        def check(view: View) -> Verdict:
            round_ = view.state["rounds"] + 1
            feedback = diary.stage(f"{name}-{round_}")(view)
            return Verdict(approved=round_ == 2, feedback=feedback)

        check.__name__ = name
        return check

    return create_maker_checker(draft, [checker("facts"), checker("rules")])


def delegated(diary: Diary) -> PatternGraph:
    """Two steps at once, one of which is revised beside a third, and one that needs them all."""

    def decide(messages: list[BaseMessage]) -> Any:
        told = messages[0].text
        if PLAN_PROMPT in told:
            diary.note("planner")
            return plan("s1 one", "s2 two", "s3 three: s1", "s4 one: s2 s3")
        if REVIEW_PROMPT in told:
            steps = reviewed_in(messages[-1].text)
            diary.note(f"review-{'-'.join(steps)}")
            revised = "To be changed" in messages[-1].text
            return review(*(f"{s} no" if s == "s2" and not revised else s for s in steps))
        diary.note("synthesis")
        return "answer of all"

    def worker(name: str) -> Stage:
        def work(view: View) -> str:
            assignment = view.state["assignment"]
            return str(diary.stage(f"{name}-{view.state['step'].id}-{assignment['attempt']}")(view))

        work.__name__ = name
        return work

    return create_supervisor(
        [worker("one"), worker("two"), diary.agent("three")], model=ScriptedModel(decide)
    )


def consulted(diary: Diary) -> PatternGraph:
    """Two people with a step each, beside a worker who needs nobody."""
    people = [question("ann", "Red?"), question("ben", "Blue?")]

    def decide(messages: list[BaseMessage]) -> Any:
        if PLAN_PROMPT in messages[0].text:
            diary.note("planner")
            return plan("s1 ann", "s2 ben", "s3 one")
        diary.note("review")
        return review(*reviewed_in(messages[-1].text))

    return create_supervisor(
        [*people, diary.stage("one")], model=ScriptedModel(decide), synthesis="forward"
    )


def assisted(diary: Diary) -> PatternGraph:
    """An agent that calls a participant as a tool, and then asks a person by another."""

    def reply(messages: list[BaseMessage]) -> Any:
        diary.note("boss")
        done = [message.name for message in messages if isinstance(message, ToolMessage)]
        for name in ("clerk", "ada"):
            if name not in done:
                call = {"name": name, "args": {"task": f"Help, {name}"}, "id": f"call-{name}"}
                return AIMessage("", tool_calls=[call])
        return "answer of boss"

    tools = [as_tool(diary.agent("clerk")), as_tool(Human("ada"))]
    return create_sequential([Agent("boss", "", model=ScriptedModel(reply), tools=tools)])


def led(diary: Diary) -> PatternGraph:
    """One works, the work stalls, two work at once by another plan, and the task is done."""
    ledgers = {0: progress("ann"), 1: stuck(), 2: progress(["bob", "cid"]), 3: DONE}
    members = [diary.stage("ann"), diary.stage("bob"), diary.agent("cid")]
    return create_magentic(members, manager=NotingManager(diary, ledgers), max_stalls=0)


GRAPHS: dict[str, Callable[[Diary], PatternGraph]] = {
    graph.__name__: graph
    for graph in (
        *(sequence, branches, teams, fan_in_team, items),
        *(reviewed, asked, approved, handed, chat, checked, led),
        *(delegated, consulted, assisted),
    )
}
"""The graphs by name."""
