"""An agent's model is asked directly, or works with tools; either way its answer is one message."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Policy, View, everything
from langgraph_orchestra.nodes.agent import AgentParticipant, tool_name
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.state import ConfigurationError, DecisionError
from support.ids import shown


class Find(BaseModel):
    """What was found."""

    place: str
    arms: int = 8


def look(place: str) -> str:
    """Look into a place."""
    return f"an octopus in {place}"


async def look_async(place: str) -> str:
    """Look into a place."""
    return look(place)


@tool("look_as_tool")
def look_as_tool(place: str) -> str:
    """Look into a place."""
    return look(place)


def calls(*named: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    made = [{"name": name, "args": args, "id": f"c{n}"} for n, (name, args) in enumerate(named)]
    return AIMessage(text, tool_calls=made)


def seen(messages: Sequence[BaseMessage]) -> list[tuple[str, str | None, str]]:
    return [(message.type, message.name, message.text) for message in messages]


def app_of(*agents: Agent, **options: Any) -> Any:
    return create_sequential(agents, **options).compile()


def test_without_tools_the_model_is_asked_directly(run):
    model = ScriptedModel(["hello"])
    agent = Agent("ada", "You are Ada.", model=model)
    assert AgentParticipant(agent, Scene("test", everything())).inner == ()
    result = run(app_of(agent))
    (call,) = model.calls
    assert call.messages[:1] == [SystemMessage("You are Ada.")]
    assert seen(call.messages) == [("system", None, "You are Ada."), ("human", None, "the task")]
    assert call.tools == []
    assert seen(result["messages"]) == [("human", None, "the task"), ("ai", "ada", "hello")]
    assert result["output"] == "hello"


@pytest.mark.parametrize("tools", [[], [look]], ids=["without tools", "with tools"])
def test_an_empty_prompt_is_not_sent(run, tools):
    model = ScriptedModel(["hello"])
    run(app_of(Agent("ada", "", model=model, tools=tools)))
    (call,) = model.calls
    assert seen(call.messages) == [("human", None, "the task")]


def test_the_answer_keeps_the_id_that_its_model_gave_it(run):
    model = ScriptedModel([AIMessage("hello", id="from-the-model")])
    (_, answer) = run(app_of(Agent("ada", "", model=model)))["messages"]
    assert answer.id == "from-the-model"


def test_an_answer_of_several_blocks_is_text_in_output_and_whole_in_messages(run):
    blocks: list[str | dict[str, Any]] = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "eight"},
    ]
    result = run(app_of(Agent("ada", "", model=ScriptedModel([AIMessage(blocks)]))))
    assert result["output"] == "eight"
    assert [block["type"] for block in result["messages"][-1].content] == ["reasoning", "text"]


@pytest.mark.parametrize("given", [look, look_async, look_as_tool], ids=tool_name)
def test_tools_sync_and_async_are_run_in_every_kind_of_run(run, given):
    name = tool_name(given)
    model = ScriptedModel([calls((name, {"place": "a cave"})), "It lives in a cave."])
    result = run(app_of(Agent("ada", "Look.", model=model, tools=[given])))
    assert seen(result["messages"]) == [
        ("human", None, "the task"),
        ("ai", "ada", ""),
        ("tool", name, "an octopus in a cave"),
        ("ai", "ada", "It lives in a cave."),
    ]
    assert result["output"] == "It lives in a cave."
    first, second = model.calls
    assert [offered["function"]["name"] for offered in first.tools] == [name]
    assert seen(second.messages)[2:] == [("ai", "ada", ""), ("tool", name, "an octopus in a cave")]


def test_several_calls_at_once_are_all_answered(run):
    both = calls(("look", {"place": "a"}), ("look", {"place": "b"}), text="Let me look.")
    model = ScriptedModel([both, "Two."])
    result = run(app_of(Agent("ada", "", model=model, tools=[look])))
    assert seen(result["messages"])[1:] == [
        ("ai", "ada", "Let me look."),
        ("tool", "look", "an octopus in a"),
        ("tool", "look", "an octopus in b"),
        ("ai", "ada", "Two."),
    ]


def test_a_tool_loop_is_one_turn_that_counts_every_call(run):
    looks = [calls(("look", {"place": place})) for place in "ab"]
    model = ScriptedModel([*looks, "Two."], usage=(10, 5))
    result = run(app_of(Agent("ada", "", model=model, tools=[look])))
    (turn,) = result["trail"]
    assert (turn.agent, turn.kind, turn.model) == ("ada", "agent", "scripted")
    assert (turn.input_tokens, turn.output_tokens) == (30, 15)


def test_an_error_of_a_tool_surfaces_with_the_name_of_its_agent(run):
    def broken(place: str) -> str:
        """Break."""
        raise LookupError("no octopus")

    model = ScriptedModel([calls(("broken", {"place": "a"}))])
    with pytest.raises(LookupError, match="no octopus") as failed:
        run(app_of(Agent("ada", "", model=model, tools=[broken])))
    assert any("in participant `ada`" in note for note in failed.value.__notes__)


def test_the_result_of_a_tool_may_be_the_answer(run):
    @tool(return_direct=True)
    def final(place: str) -> str:
        """Answer."""
        return f"It is in {place}."

    model = ScriptedModel([calls(("final", {"place": "a cave"}))])
    result = run(app_of(Agent("ada", "", model=model, tools=[final])))
    assert result["output"] == "It is in a cave."
    assert seen(result["messages"])[1:] == [
        ("ai", "ada", ""),
        ("tool", "final", "It is in a cave."),
        ("ai", "ada", "It is in a cave."),
    ]


def test_a_second_turn_reads_ones_own_calls_and_repeats_nothing(run, saver):
    model = ScriptedModel([calls(("look", {"place": "a"})), "One.", "The same."])
    agent = Agent("ada", "", model=model, tools=[look], history=everything())
    app = create_sequential([agent]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    *_, last = model.calls
    assert seen(last.messages) == [
        ("human", None, "first"),
        ("ai", "ada", ""),
        ("tool", "look", "an octopus in a"),
        ("ai", "ada", "One."),
        ("human", None, "second"),
    ]
    assert [message.text for message in result["messages"]] == [
        "first",
        "",
        "an octopus in a",
        "One.",
        "second",
        "The same.",
    ]


def test_what_a_users_history_puts_into_an_agents_mouth_is_not_stored(run):
    def rewritten(view: View) -> list[AnyMessage]:
        return [HumanMessage("What is it?"), AIMessage("A cave."), HumanMessage(view.task)]

    model = ScriptedModel(["An octopus."])
    agent = Agent("ada", "", model=model, tools=[look], history=rewritten)
    result = run(app_of(agent))
    assert seen(result["messages"]) == [("human", None, "the task"), ("ai", "ada", "An octopus.")]


class Shouting(AgentMiddleware[Any, Any, Any]):
    """Changes what the model is sent, in sync and async runs."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(self._louder(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(self._louder(request))

    def _louder(self, request: Any) -> Any:
        return request.override(system_message=SystemMessage("SHOUT."))


def test_middleware_works_without_tools_too(run):
    model = ScriptedModel(["HELLO"])
    agent = Agent("ada", "Whisper.", model=model, middleware=[Shouting()])
    assert run(app_of(agent))["output"] == "HELLO"
    (call,) = model.calls
    assert seen(call.messages) == [("system", None, "SHOUT."), ("human", None, "the task")]


@pytest.mark.parametrize(
    "reply", [Find(place="a cave"), '{"place": "a cave"}', {"place": "a cave"}], ids=repr
)
def test_a_typed_answer_is_an_object_in_output_and_json_in_messages(run, reply):
    agent = Agent("ada", "", model=ScriptedModel([reply]), output=Find)
    result = run(app_of(agent))
    assert result["output"] == Find(place="a cave")
    assert seen(result["messages"])[1:] == [("ai", "ada", '{"place":"a cave","arms":8}')]


def test_a_typed_answer_of_an_agent_with_tools_follows_its_tool_calls(run):
    model = ScriptedModel([calls(("look", {"place": "a cave"})), Find(place="a cave")])
    agent = Agent("ada", "", model=model, tools=[look], output=Find)
    result = run(app_of(agent))
    assert result["output"] == Find(place="a cave")
    last = result["messages"][-1]
    assert seen([last]) == [("ai", "ada", '{"place":"a cave","arms":8}')]
    assert not last.tool_calls


def test_a_typed_answer_that_never_fits_is_an_error(run):
    agent = Agent("ada", "", model=ScriptedModel(["I do not know."] * 3), output=Find)
    with pytest.raises(DecisionError, match="after 3 attempts"):
        run(app_of(agent))


@pytest.mark.parametrize("reply", ['In short: {"place": "a cave"}', "In a cave."])
def test_an_agent_with_tools_that_answers_in_words_is_asked_for_its_typed_answer(run, reply):
    """The words were its output, untyped."""
    replies = [calls(("look", {"place": "a cave"})), reply, {"place": "a cave"}]
    model = ScriptedModel(lambda messages: replies[len(model.calls) - 1])
    agent = Agent("ada", "Be brief.", model=model, tools=[look], output=Find)
    result = run(app_of(agent))
    assert result["output"] == Find(place="a cave")
    assert [m.text for m in result["messages"] if m.type == "ai" and not m.tool_calls] == [
        '{"place":"a cave","arms":8}'
    ]
    assert [c.tools[0]["function"]["name"] for c in model.calls[2:]] == (
        [] if "{" in reply else ["Find"]
    )
    assert result["trail"][0].input_tokens == 10 * len(model.calls)


@pytest.mark.parametrize(
    "bad",
    [
        calls(("Find", {"arms": 8})),
        calls(("Find", {"place": "here"}), ("Find", {"place": "there"})),
        "In a cave.",
    ],
    ids=["incomplete", "several", "words"],
)
def test_a_typed_answer_of_an_agent_with_tools_that_never_fits_is_an_error(run, bad):
    """LangChain asks for one without end."""
    model = ScriptedModel(lambda messages: bad.model_copy() if bad != "In a cave." else bad)
    agent = Agent("ada", "", model=model, tools=[look], output=Find)
    with pytest.raises(DecisionError, match="after 3 attempts"):
        run(app_of(agent))
    assert len(model.calls) == 3


def test_an_answer_that_does_not_fit_at_first_is_mended_by_an_agent_with_tools(run):
    model = ScriptedModel(
        [calls(("Find", {"arms": 8})), calls(("look", {"place": "a cave"})), Find(place="a cave")]
    )
    agent = Agent("ada", "", model=model, tools=[look], output=Find)
    assert run(app_of(agent))["output"] == Find(place="a cave")


def test_an_agent_may_take_part_in_two_graphs_and_is_never_changed(run):
    model = ScriptedModel(["one", "two"])
    agent = Agent("ada", "Be brief.", model=model, tools=[look])
    before = repr(agent)
    assert run(app_of(agent))["output"] == "one"
    assert run(app_of(agent))["output"] == "two"
    assert repr(agent) == before


@pytest.mark.parametrize("tools", [[], [look]], ids=["without tools", "with tools"])
def test_an_agent_without_any_model_is_found_out_before_anything_is_spent(run, tools):
    first = ScriptedModel(["hello"])
    app = app_of(Agent("ada", "", model=first), Agent("bob", "", tools=tools))
    with pytest.raises(ConfigurationError, match=r"no model is set.*ORCHESTRA_MODEL"):
        run(app)
    assert first.calls == []


@pytest.mark.parametrize(
    ("settings", "error", "told"),
    [
        ({"name": "the writer"}, ConfigurationError, "try `the_writer`"),
        ({"name": "manager"}, ConfigurationError, "internal node"),
        ({"name": None}, TypeError, "`name` is a str"),
        ({"prompt": None}, TypeError, "`prompt` of agent `ada` is a str, not None"),
        ({"prompt": SystemMessage("x")}, TypeError, "`prompt` of agent `ada`"),
        ({"description": 5}, TypeError, "`description` of agent `ada`"),
        ({"model": 5}, TypeError, "`model` of agent `ada` is a chat model, its name, or None"),
        ({"model": look}, TypeError, "`model` of agent `ada`"),
        ({"output": dict}, TypeError, "`output` of agent `ada` is a pydantic model class"),
        ({"output": Find(place="x")}, TypeError, "`output` of agent `ada`"),
        ({"policy": 3}, TypeError, "`policy` of agent `ada` is a Policy"),
        ({"policy": None}, TypeError, "`policy` of agent `ada` is a Policy"),
        ({"history": "everything"}, TypeError, "`history` of agent `ada` is a function"),
        ({"state_schema": 5}, TypeError, "`state_schema` of agent `ada` is a class or None"),
        ({"tools": look}, TypeError, "`tools` of agent `ada` is a list"),
        ({"tools": "look"}, TypeError, "`tools` of agent `ada` is a list"),
        ({"middleware": Shouting()}, TypeError, "`middleware` of agent `ada` is a list"),
        ({"approve_tools": ["pay"]}, ConfigurationError, "`pay`; its tools are none"),
        (
            {"approve_tools": ["pay"], "tools": [look, look_as_tool]},
            ConfigurationError,
            "`pay`; its tools are `look`, `look_as_tool`",
        ),
        ({"approve_tools": "look", "tools": [look]}, TypeError, "`approve_tools` of agent `ada`"),
        ({"mood": "good"}, TypeError, "mood"),
    ],
    ids=shown,
)
def test_an_agent_that_cannot_be_is_refused(settings, error, told):
    with pytest.raises(error, match=told):
        Agent(**{"name": "ada", "prompt": "", **settings})


def test_only_name_and_prompt_go_by_place():
    with pytest.raises(TypeError):
        Agent("ada", "", ScriptedModel(["x"]))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (look, "look"),
        (look_async, "look_async"),
        (look_as_tool, "look_as_tool"),
        ({"type": "function", "function": {"name": "search"}}, "search"),
        ({"name": "search"}, "search"),
        ({"type": "web_search"}, ""),
    ],
)
def test_a_tool_has_its_name_however_it_is_given(given, name):
    assert tool_name(given) == name


def test_an_agent_that_fails_is_tried_again_and_both_attempts_count(run):
    model = ScriptedModel([calls(("look", {"place": "a"})), ConnectionError("lost"), "hello"])
    policy = Policy(retry=RetryPolicy(initial_interval=0, jitter=False))
    agent = Agent("ada", "", model=model, tools=[look], policy=policy)
    (turn,) = run(app_of(agent))["trail"]
    assert (turn.attempts, turn.input_tokens) == (2, 20)


def test_tool_results_are_paired_in_what_is_stored(run):
    model = ScriptedModel([calls(("look", {"place": "a"})), "One."])
    result = run(app_of(Agent("ada", "", model=model, tools=[look])))
    called = [c["id"] for m in result["messages"] if isinstance(m, AIMessage) for c in m.tool_calls]
    answered = [m.tool_call_id for m in result["messages"] if isinstance(m, ToolMessage)]
    assert called == answered == ["c0"]


def test_two_tools_of_the_same_name_are_refused():
    def look_up(word: str) -> str:
        """Look a word up."""
        return word

    with pytest.raises(ConfigurationError, match="`a` has 2 tools named `look_up`"):
        Agent("a", "Work.", tools=[look_up, look_up])
