"""Templates for the tests of the command; run as a script, the command with these templates.

`python stage.py run slow "..."` is `orchestra run slow "..."` in a process of its own.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.tools import tool
from langgraph.types import interrupt
from pydantic import BaseModel

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_map_reduce,
    create_sequential,
    templates,
)
from langgraph_orchestra.graphs.templates import Template
from langgraph_orchestra.models import ScriptedModel, StandIn
from langgraph_orchestra.nodes import Agent, Human, Limits, Policy, View, question
from support.conversations import CONVERSATIONS


class Opinion(BaseModel):
    """A typed answer."""

    good: bool
    why: str


class Letter(BaseModel):
    """A typed answer with words of its own."""

    to: str

    def __str__(self) -> str:
        return f"Dear {self.to},"


class Hesitant(ScriptedModel):
    """Says the first word, and the others when something is written to a pipe."""

    def __init__(self, words: str, pipe: str) -> None:
        super().__init__([words], model_name=pipe)

    async def _astream(self, *args: Any, **options: Any) -> AsyncIterator[ChatGenerationChunk]:
        chunks = super()._astream(*args, **options)
        yield await anext(chunks)
        await asyncio.to_thread(Path(self.model_name).read_text)
        async for chunk in chunks:
            yield chunk


def agent(name: str, reply: Any, **options: Any) -> Agent:
    return Agent(name, f"You are the {name}.", model=StandIn(lambda _: reply), **options)


def article() -> PatternGraph:
    return create_sequential([agent("writer", "A [draft]."), agent("editor", "A [bold] text.")])


def reviewed() -> PatternGraph:
    return create_sequential([agent("writer", "The draft."), Human("boss")])


def panel() -> PatternGraph:
    people = [question("ann", "Yes or no?"), question("bob", "Red or blue?")]
    return create_concurrent([*people, agent("carl", "Carl agrees.")])


def interview() -> PatternGraph:
    return create_sequential([question("first", "And you?"), question("second", "And you?")])


def opinion() -> PatternGraph:
    return create_sequential([agent("judge", Opinion(good=True, why="[sic]"), output=Opinion)])


def letter() -> PatternGraph:
    return create_sequential([agent("clerk", Letter(to="Ada"), output=Letter)])


def nested() -> PatternGraph:
    team = create_concurrent([agent("left", "L"), agent("right", "R")]).compile(name="team")
    return create_sequential([team, agent("closer", "Closed.")])


def items() -> PatternGraph:
    return create_map_reduce(lambda view: view.task.split(), agent("worker", "done"))


def limited() -> PatternGraph:
    stages = [agent("one", "the first"), agent("two", "the second")]
    return create_sequential(stages, limits=Limits(turns=1))


@tool
def pay(amount: int) -> str:
    """Pay somebody."""
    return f"paid {amount}"


def _pays_twice(messages: Sequence[BaseMessage]) -> str | AIMessage:
    if results := [message.text for message in messages if message.type == "tool"]:
        return "; ".join(results)
    calls = [{"name": "pay", "args": {"amount": n}, "id": f"call-{n}"} for n in (1, 2)]
    return AIMessage("", tool_calls=calls)


def payment() -> PatternGraph:
    payer = Agent("payer", "Pay.", model=StandIn(_pays_twice), tools=[pay], approve_tools=("pay",))
    return create_sequential([payer])


def tools() -> PatternGraph:
    return create_sequential([Agent("payer", "Pay.", model=StandIn(_pays_twice), tools=[pay])])


def wondering() -> PatternGraph:
    """Asks in a form of its own."""

    def wonder(view: View) -> str:
        return f"the answer is {interrupt('What is it?')}"

    return create_sequential([wonder])


def noisy() -> PatternGraph:
    def printing(view: View) -> str:
        print("a tool that prints")
        return "quiet words"

    return create_sequential([printing])


def hostile() -> PatternGraph:
    """Would clear the screen and ring the bell."""
    return create_sequential([agent("intruder", "before\x1b[2J\aafter")])


def unlucky() -> PatternGraph:
    """Its second stage fails until there is a file `mended`."""

    def second(view: View) -> str:
        if not Path("mended").exists():
            raise RuntimeError("the [disk] is full\nand so is the other")
        return f"after {view.last_text}"

    return create_sequential([agent("first", "the first"), second])


def verbose() -> PatternGraph:
    """Its only stage fails with a whole page, as some providers do."""

    def talker(view: View) -> str:
        raise RuntimeError("no " * 1000)

    return create_sequential([talker])


def hopeless() -> PatternGraph:
    """Ends `failed` without raising."""
    model = ScriptedModel([RuntimeError("no luck")])
    policy = Policy(retry=None, on_failure="record")
    return create_sequential([Agent("only", "", model=model, policy=policy)])


def remembering() -> PatternGraph:
    """Says on whose behalf it acts, and what was said before."""

    def recall(view: View) -> str:
        return " | ".join(message.text for message in view.messages)

    return create_sequential([recall])


def slow() -> PatternGraph:
    """Its second stage waits for ever, the first time."""

    async def second(view: View) -> str:
        if _is_first_time():
            await asyncio.Event().wait()
        return f"after {view.last_text}"

    return create_sequential([agent("first", "the first"), second])


@tool
def lift() -> str:
    """Lift something; the first time, it never comes down."""
    if _is_first_time():
        threading.Event().wait()
    return "lifted"


def stuck() -> PatternGraph:
    """As `slow`, in a tool that cannot be cancelled."""

    def lifts(messages: Sequence[BaseMessage]) -> str | AIMessage:
        if messages[-1].type == "tool":
            return messages[-1].text
        return AIMessage("", tool_calls=[{"name": "lift", "args": {}, "id": "call"}])

    lifter = Agent("lifter", "Lift.", model=StandIn(lifts), tools=[lift], can_interrupt=True)
    return create_sequential([agent("first", "the first"), lifter])


def _is_first_time() -> bool:
    """Whether nobody has been here; then a line on stderr tells that somebody is."""
    if Path("visited").exists():
        return False
    Path("visited").touch()
    print("waiting for ever", flush=True)
    return True


def woken() -> PatternGraph:
    """Says whether a signal wakes the loop that it runs in."""

    async def sleeper(view: View) -> str:
        descriptor = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(descriptor)
        return "woken" if descriptor >= 0 else "asleep"

    return create_sequential([sleeper])


def poet() -> PatternGraph:
    return create_sequential([Agent("poet", "", model=Hesitant("Roses [are] red.", "muse"))])


def choir() -> PatternGraph:
    voices = {"alto": "Lalala lala.", "bass": "Dumdum dum."}
    return create_concurrent(
        [Agent(name, "", model=Hesitant(song, name)) for name, song in voices.items()]
    )


def _template(build: Callable[[], PatternGraph], pattern: str = "sequential") -> Template:
    return Template(
        name=build.__name__,
        pattern=pattern,
        summary=f"What [{build.__name__}] does.",
        build=build,
        example=f"the example of {build.__name__}",
        offline="fixed replies",
    )


TEMPLATES: Mapping[str, Template] = {
    template.name: template
    for template in (
        _template(article),
        _template(reviewed),
        _template(panel, "concurrent"),
        _template(interview),
        _template(opinion),
        _template(letter),
        _template(nested),
        _template(items, "map_reduce"),
        _template(limited),
        _template(payment),
        _template(tools),
        _template(wondering),
        _template(noisy),
        _template(hostile),
        _template(unlucky),
        _template(verbose),
        _template(hopeless),
        _template(remembering),
        _template(slow),
        _template(stuck),
        _template(woken),
        _template(poet),
        _template(choir, "concurrent"),
        *(_template(build, pattern) for build, pattern in CONVERSATIONS.items()),
    )
}

if __name__ == "__main__":
    from langgraph_orchestra.cli import main

    # A shell has its background jobs ignore Ctrl-C, and so would we if the tests run in one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    templates.TEMPLATES = TEMPLATES
    main()
