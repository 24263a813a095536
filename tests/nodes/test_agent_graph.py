"""The inner graph of an agent with tools: its model, its state, and whether its steps are saved."""

import functools
import operator
from collections.abc import Callable
from typing import Annotated, Any

import langgraph.types
import pytest
from langchain.agents import AgentState
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain.tools import InjectedToolCallId
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, tool
from langgraph import types
from langgraph.types import Command, interrupt
from langgraph.types import interrupt as pause

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel, StandIn
from langgraph_orchestra.nodes import Agent, everything
from langgraph_orchestra.nodes.agent import AgentParticipant
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.state import ConfigurationError, OrchestrationContext, SequentialState
from support.openai_server import Answer, OpenAIServer


def calling(name: str, **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"{name}-1"}])


def look(place: str) -> str:
    """Look into a place."""
    return f"nothing in {place}"


def saves_its_steps(agent: Agent) -> bool:
    """Whether the inner graph keeps what it has done, so that an answer continues it."""
    graph = AgentParticipant(agent, Scene("test", everything())).graph
    assert graph is not None
    return graph.checkpointer is not False


def asks_directly(city: str) -> str:
    """Ask."""
    return str(interrupt(city))


def asks_by_another_name(city: str) -> str:
    """Ask."""
    return str(pause(city))


def asks_by_module(city: str) -> str:
    """Ask."""
    return str(types.interrupt(city))


def asks_by_path(city: str) -> str:
    """Ask."""
    return str(langgraph.types.interrupt(city))


def asks_by_inner_import(city: str) -> str:
    """Ask."""
    from langgraph.types import interrupt as asking

    return str(asking(city))


def helper(city: str) -> str:
    return asks_directly(city)


def asks_by_helper(city: str) -> str:
    """Ask."""
    return helper(city)


def asks_in_an_inner_function(city: str) -> str:
    """Ask."""

    def ask() -> Any:
        return interrupt(city)

    return str(ask())


def asks_sometimes(city: str) -> str:
    """Ask."""
    return str(interrupt(city)) if city else ""


async def asks_async(city: str) -> str:
    """Ask."""
    return str(interrupt(city))


def asks_by_closure() -> Callable[[str], str]:
    ask = interrupt

    def question(city: str) -> str:
        """Ask."""
        return str(ask(city))

    return question


def decorated() -> Callable[[str], str]:
    def quiet(function: Callable[[str], str]) -> Callable[[str], str]:
        @functools.wraps(function)
        def wrapper(city: str) -> str:
            return function(city)

        return wrapper

    return quiet(asks_directly)


class AskingTool(BaseTool):
    """A tool made as a class."""

    name: str = "ask"
    description: str = "Ask."

    def _run(self, city: str) -> str:
        return str(interrupt(city))


class AskingMiddleware(AgentMiddleware[Any, Any, Any]):
    """Asks before the model is called."""

    def before_model(self, state: Any, runtime: Any) -> None:
        interrupt("May I?")


@pytest.mark.parametrize(
    "given",
    [
        asks_directly,
        asks_by_another_name,
        asks_by_module,
        asks_by_path,
        asks_by_inner_import,
        asks_by_helper,
        asks_in_an_inner_function,
        asks_sometimes,
        asks_async,
        asks_by_closure(),
        decorated(),
        tool(asks_directly),
        StructuredTool.from_function(asks_by_helper),
        StructuredTool.from_function(coroutine=asks_async),
        AskingTool(),
    ],
    ids=lambda given: getattr(given, "__name__", type(given).__name__),
)
def test_an_agent_whose_tool_may_ask_a_person_saves_its_steps(given):
    assert saves_its_steps(Agent("ada", "", tools=[look, given]))


@pytest.mark.parametrize(
    "agent",
    [
        Agent("ada", "", tools=[look], approve_tools=["look"]),
        Agent("ada", "", middleware=[HumanInTheLoopMiddleware({"look": True})]),
        Agent("ada", "", middleware=[AskingMiddleware()]),
        Agent("ada", "", tools=[look], can_interrupt=True),
    ],
    ids=["approval", "approval by middleware", "middleware", "said so"],
)
def test_an_agent_that_asks_a_person_otherwise_saves_its_steps_too(agent):
    assert saves_its_steps(agent)


def talks_of_interrupts(city: str) -> str:
    """Call `interrupt`, or rather do not."""
    return f"interrupt {city}"


def takes_an_interrupt(interrupt: str) -> str:
    """Take it."""
    return interrupt.removeprefix("interrupt")


def uses_the_module_otherwise(city: str) -> str:
    """Use it."""
    return types.Command.__name__ + city


class QuietMiddleware(AgentMiddleware[Any, Any, Any]):
    """Asks nobody."""

    def before_model(self, state: Any, runtime: Any) -> None:
        look("here")


@pytest.mark.parametrize(
    "agent",
    [
        Agent("ada", "", tools=[look]),
        Agent("ada", "", tools=[tool(look)]),
        Agent("ada", "", tools=[talks_of_interrupts, takes_an_interrupt]),
        Agent("ada", "", tools=[uses_the_module_otherwise]),
        Agent("ada", "", tools=[{"type": "function", "function": {"name": "look"}}]),
        Agent("ada", "", middleware=[QuietMiddleware()]),
        Agent("ada", "", tools=[asks_directly], can_interrupt=False),
    ],
    ids=["function", "tool", "words", "module", "schema", "middleware", "said so"],
)
def test_an_agent_that_asks_nobody_does_not_pay_for_saving_its_steps(agent):
    assert not saves_its_steps(agent)


@pytest.mark.parametrize("ask", [asks_directly, asks_by_helper, asks_by_inner_import])
def test_a_tool_that_asks_a_person_goes_on_where_it_asked(run, saver, ask):
    model = ScriptedModel([calling(ask.__name__, city="Lisbon?"), "We go to Porto."])
    app = create_sequential([Agent("ada", "", model=model, tools=[ask])])
    app = app.compile(checkpointer=saver)
    (asked,) = run(app, thread="1")["__interrupt__"]
    assert asked.value == "Lisbon?"
    result = run(app, Command(resume="Porto"), thread="1")
    assert result["output"] == "We go to Porto."
    (found,) = [m for m in result["messages"] if isinstance(m, ToolMessage)]
    assert found.text == "Porto"
    model.assert_complete()


class PlanState(SequentialState, total=False):
    """A user's own keys."""

    plan: str
    notes: Annotated[list[str], operator.add]


def write_plan(plan: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Write the plan down."""
    done = ToolMessage("written", tool_call_id=tool_call_id)
    return Command(update={"plan": plan, "notes": [plan], "messages": [done]})


def test_a_tool_may_write_the_shared_state(run):
    model = ScriptedModel([calling("write_plan", plan="dive"), "Done."])
    app = create_sequential(
        [Agent("ada", "", model=model, tools=[write_plan])], state_schema=PlanState
    ).compile()
    result = run(app, {"messages": "go", "notes": ["before"]})
    assert (result["plan"], result["notes"]) == ("dive", ["before", "dive"])


class OwnState(AgentState[Any], total=False):
    """The state of an agent that keeps the plan to itself."""

    draft: str


def test_an_agent_with_a_state_of_its_own_does_not_share_it(run):
    seen = []

    class Watching(AgentMiddleware[Any, Any, Any]):
        """Looks at the state of the inner graph."""

        def before_model(self, state: Any, runtime: Any) -> dict[str, Any]:
            seen.append(sorted(state))
            return {"draft": "mine"}

    agent = Agent(
        "ada",
        "",
        model=ScriptedModel(["Done."]),
        middleware=[Watching()],
        state_schema=OwnState,
    )
    app = create_sequential([agent], state_schema=PlanState).compile()
    result = run(app, {"messages": "go", "plan": "dive"})
    assert seen == [["messages"]]
    assert result["plan"] == "dive"


def model_for(text: str) -> ScriptedModel:
    return ScriptedModel(lambda _: text)


def agent_with(kind: str, model: Any) -> Agent:
    """An agent that asks its model directly, or by an inner graph."""
    return Agent("ada", "", model=model, tools=[look] if kind == "with tools" else [])


KINDS = pytest.mark.parametrize("kind", ["without tools", "with tools"])


@KINDS
def test_an_agent_without_a_model_takes_the_one_of_the_context(run, kind):
    app = create_sequential([agent_with(kind, None)]).compile()
    for text in ("one", "two"):
        context = OrchestrationContext(model=model_for(text))  # type: ignore[arg-type]
        assert run(app, context=context)["output"] == text


@KINDS
def test_a_model_of_the_agents_own_is_not_replaced(run, kind):
    app = create_sequential([agent_with(kind, model_for("own"))]).compile()
    context = OrchestrationContext(model=model_for("other"))  # type: ignore[arg-type]
    assert run(app, context=context)["output"] == "own"


@KINDS
def test_a_stand_in_gives_way_to_the_model_of_the_context(run, kind):
    app = create_sequential([agent_with(kind, StandIn(lambda _: "scripted"))]).compile()
    assert run(app)["output"] == "scripted"
    context = OrchestrationContext(model=model_for("real"))  # type: ignore[arg-type]
    assert run(app, context=context)["output"] == "real"


@KINDS
@pytest.mark.parametrize("model", [None, StandIn(lambda _: "scripted")], ids=["none", "stand-in"])
def test_without_a_context_the_environment_names_the_model(run, kind, model, monkeypatch):
    app = create_sequential([agent_with(kind, model)]).compile()
    with OpenAIServer([Answer("from the environment")]) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ORCHESTRA_MODEL", "openai:gpt-5-mini")
        assert run(app)["output"] == "from the environment"
        (request,) = server.requests
        assert request.body["model"] == "gpt-5-mini"


@KINDS
def test_a_models_name_may_stand_in_a_context_of_the_users_own(run, kind, monkeypatch):
    app = create_sequential([agent_with(kind, None)], context_schema=dict).compile()
    with OpenAIServer([Answer("hello")]) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        assert run(app, context={"model": "openai:gpt-5-mini"})["output"] == "hello"


def undescribed(word):
    return word


@pytest.mark.parametrize(
    "given", [5, None, "look_up", Agent("b", "Help.")], ids=["number", "nothing", "name", "agent"]
)
def test_what_is_no_tool_is_refused_by_the_agents_name(given):
    with pytest.raises(TypeError, match=r"`tools` of agent `ada` holds .*`as_tool\(participant\)`"):
        create_sequential([Agent("ada", "", tools=[given])])


@pytest.mark.parametrize("given", [undescribed, lambda word: word], ids=["function", "lambda"])
def test_a_tool_that_does_not_say_what_it_does_is_refused_by_its_name(given):
    with pytest.raises(ConfigurationError, match=f"tool `{given.__name__}` of agent `ada`"):
        create_sequential([Agent("ada", "", tools=[given])])


@pytest.mark.parametrize("given", [5, None, HumanInTheLoopMiddleware], ids=repr)
def test_what_is_no_middleware_is_refused_by_the_agents_name(given):
    with pytest.raises(TypeError, match=r"`middleware` of agent `ada` holds .*`AgentMiddleware`"):
        create_sequential([Agent("ada", "", middleware=[given])])
