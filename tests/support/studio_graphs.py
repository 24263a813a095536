"""Graphs that the tests serve with `langgraph dev`; each is a function without arguments."""

import time
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_map_reduce,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Limits,
    Member,
    Policy,
    View,
    by_person,
    question,
)
from support.openai_server import Answer, Structured, ToolCall

__all__ = ["CONVERSATIONS", "GRAPHS", "fluent"]


class Rating(BaseModel):
    """A typed answer."""

    stars: int


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    time.sleep(0.001)
    return f"{word}: found"


def research(messages: list[BaseMessage]) -> Any:
    """Call the tool, then answer."""
    if isinstance(messages[-1], ToolMessage):
        return "It has eight arms."
    return AIMessage("", tool_calls=[{"name": "lookup", "args": {"word": "arm"}, "id": "call_1"}])


def fluent(body: dict[str, Any]) -> Any:
    """What the model behind the server answers the agents of the graph `online`."""
    prompt = body["messages"][0]["content"]
    if prompt == "Typed.":
        return Structured({"stars": 5})
    if prompt == "Tooled." and body["messages"][-1]["role"] != "tool":
        return Answer(tool_calls=(ToolCall("lookup", {"word": "arm"}),))
    return Answer(f"answer of {prompt}")


def reviewed() -> PatternGraph:
    """An agent with a tool, a draft that a person reviews, and a plain function."""

    def publish(view: View) -> str:
        time.sleep(0.001)  # a function may block
        return f"published: {view.last_text}"

    return create_sequential(
        [
            Agent("researcher", "Look.", model=ScriptedModel(research), tools=[lookup]),
            Agent("writer", "Write.", model=ScriptedModel(draft)),
            Human("editor", "Reviews the draft."),
            publish,
        ]
    )


def draft(messages: list[BaseMessage]) -> str:
    """A shorter one when the editor wants that."""
    return "Eight." if "shorter" in messages[-1].text else "An octopus has eight arms."


def asked() -> PatternGraph:
    """A person in a branch, beside an agent."""
    return create_concurrent(
        [
            Agent("analyst", "Analyse.", model=ScriptedModel(lambda _: "Buy.")),
            question("broker", "Buy or sell?"),
        ]
    )


def itemised() -> PatternGraph:
    """A worker for each line of the task."""

    def worker(view: View) -> str:
        time.sleep(0.001)
        return view.task.upper()

    return create_map_reduce(lambda view: view.task.splitlines(), worker)


def teamed() -> PatternGraph:
    """A person in a team in a team."""
    core = create_sequential([question("expert", "Is it so?")]).compile(name="core")
    team = create_concurrent([core, Agent("helper", "Help.", model=ScriptedModel(lambda _: "ok"))])
    closer = Agent("closer", "Close.", model=ScriptedModel(lambda _: "Closed."))
    return create_sequential([team.compile(name="team"), closer])


def online() -> PatternGraph:
    """Agents whose model the run names: plain, typed, with a tool, and watched over."""
    return create_sequential(
        [
            Agent("plain", "Plain.", policy=Policy(timeout=30)),
            Agent("typed", "Typed.", output=Rating),
            Agent("tooled", "Tooled.", tools=[lookup]),
        ],
        limits=Limits(cost=1.0, tokens=100_000, seconds=60),
    )


def debated() -> PatternGraph:
    """Two who debate, a person who may say something, and one who gives the floor."""
    return create_group_chat(
        [
            Agent("pro", "Argue for it.", model=ScriptedModel(lambda _: "Because.")),
            Agent("con", "Argue against it.", model=ScriptedModel(lambda _: "Yet.")),
        ],
        select=by_person("chair"),
        observer=Human("audience"),
        max_turns=2,
    )


def supported() -> PatternGraph:
    """Two desks that a request is handed between, and the customer it returns to."""
    over = [{"name": "handoff_to_billing", "args": {"reason": "an invoice"}, "id": "call_1"}]
    return create_handoff(
        [
            Agent(
                "triage", "Route.", model=ScriptedModel(lambda _: AIMessage("", tool_calls=over))
            ),
            Agent("billing", "Solve.", model=ScriptedModel(lambda _: "Which invoice?")),
        ],
        routes={"triage": ["billing"]},
        human="customer",
    )


def quick() -> PatternGraph:
    """One agent that answers at once."""
    return create_sequential([Agent("writer", "Write.", model=ScriptedModel(lambda _: "Eight."))])


def blocking() -> PatternGraph:
    """What the server's detection of blocking calls is there for."""

    async def sleeper(_: View) -> str:
        time.sleep(0.001)  # noqa: ASYNC251 - on purpose
        return "never"

    return create_sequential([Member(sleeper, policy=Policy(retry=None))])


GRAPHS = {
    graph.__name__: f"{__name__}:{graph.__name__}"
    for graph in (reviewed, asked, itemised, teamed, online, quick, blocking)
}
"""The graphs as `langgraph.json` names them."""

CONVERSATIONS = {graph.__name__: f"{__name__}:{graph.__name__}" for graph in (debated, supported)}
"""The conversations as `langgraph.json` names them."""
