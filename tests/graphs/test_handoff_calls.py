"""Handoff: several calls in one answer, calls that cannot be used, agents with own tools."""

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelCallLimitMiddleware
from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_handoff
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, handoff_tool
from langgraph_orchestra.state import HandoffState
from support.handoffs import records, to, told
from support.members import ONCE, agent, look_up, wants
from support.results import asked, calls, ended, model_of, outcomes, readings, spoken


class Plan(BaseModel):
    """A plan."""

    steps: list[str]


class Planned(HandoffState, total=False):
    plan: Plan


def boom(word: str) -> str:
    """Fail."""
    raise ValueError(f"no {word}")


def plan(step: str, runtime: ToolRuntime) -> Command[Any]:
    """Write the plan."""
    done = ToolMessage("planned", tool_call_id=runtime.tool_call_id)
    return Command(update={"plan": Plan(steps=[step]), "messages": [done]})


@pytest.fixture(params=["without tools", "with tools"])
def tools(request):
    """An agent is asked directly, or has an inner graph."""
    return [] if request.param == "without tools" else [look_up]


# Several calls in one answer


def test_second_handoff_in_one_answer_is_ignored_and_answered(run, saver, tools):
    triage, billing, tech = (
        agent("triage", to("billing", "tech"), tools=tools),
        agent("billing"),
        agent("tech"),
    )
    app = create_handoff([triage, billing, tech]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert records(result) == [("triage", "billing", "accepted"), ("triage", "tech", "ignored")]
    assert told(result) == [
        ("handoff_to_billing", "Handed off to billing."),
        ("handoff_to_tech", "ignored: control went to `billing` first"),
    ]
    assert calls(triage, billing, tech) == [1, 1, 0]


def test_a_normal_tool_beside_a_handoff_runs_and_its_result_is_kept(run, saver):
    both = to("billing", beside=wants("look_up", word="squid"), text="One moment.")
    triage, billing = agent("triage", both, tools=[look_up]), agent("billing")
    result = run(create_handoff([triage, billing]).compile(checkpointer=saver), thread="1")
    assert told(result) == [
        ("look_up", "squid is a mollusc"),
        ("handoff_to_billing", "Handed off to billing."),
    ]
    assert calls(triage, billing) == [1, 1]
    assert "look_up returned: squid is a mollusc" in readings(billing)[0]
    assert "triage: One moment." in readings(billing)[0]


def test_a_handoff_before_a_normal_tool_waits_for_it(run):
    handoff, lookup = to("billing").tool_calls[0], wants("look_up", word="squid").tool_calls[0]
    triage = agent("triage", AIMessage("", tool_calls=[handoff, lookup]), tools=[look_up])
    result = run(create_handoff([triage, agent("billing")]).compile())
    assert sorted(told(result)) == [
        ("handoff_to_billing", "Handed off to billing."),
        ("look_up", "squid is a mollusc"),
    ]
    assert calls(triage) == [1]


def test_a_tool_that_fails_beside_a_handoff_leaves_its_error_as_its_result(run, saver):
    triage = agent("triage", to("billing", beside=wants("boom", word="tea")), tools=[boom])
    app = create_handoff([triage, agent("billing", "done")]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert told(result)[0] == ("boom", "ValueError: no tea")
    assert ended(result) == ("done", "completed")


def test_a_tool_that_fails_alone_fails_its_agent(run):
    triage = agent("triage", wants("boom", word="tea"), tools=[boom], policy=ONCE)
    with pytest.raises(ValueError, match="no tea"):
        run(create_handoff([triage, agent("billing")]).compile())


def test_an_own_tool_before_a_handoff_keeps_its_pair_too(run):
    triage = agent("triage", wants("look_up", word="squid"), to("billing"), tools=[look_up])
    result = run(create_handoff([triage, agent("billing")]).compile())
    assert told(result) == [
        ("look_up", "squid is a mollusc"),
        ("handoff_to_billing", "Handed off to billing."),
    ]
    assert calls(triage) == [2]


# Names that do not exist


def test_a_handoff_to_a_name_that_does_not_exist_is_answered_with_the_valid_names(
    run, saver, tools
):
    triage = agent("triage", to("nobody"), to("billing"), tools=tools)
    app = create_handoff([triage, agent("billing"), agent("tech")]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert records(result) == [("triage", "nobody", "unknown"), ("triage", "billing", "accepted")]
    (_, answer), _ = told(result)
    assert (
        answer == "unknown: `nobody` cannot be handed over to from here; valid: `billing`, `tech`"
    )
    assert readings(triage)[1][-1] == answer


def test_a_handoff_that_no_route_allows_is_unknown_too(run, tools):
    triage, tech = agent("triage", to("tech"), "done", tools=tools), agent("tech")
    routes = {"triage": ["billing"], "billing": ["tech"]}
    result = run(create_handoff([triage, agent("billing"), tech], routes=routes).compile())
    assert records(result) == [("triage", "tech", "unknown")]
    assert (ended(result), calls(tech)) == (("done", "completed"), [0])


def test_a_handoff_to_oneself_is_unknown(run, tools):
    triage = agent("triage", to("triage"), "done", tools=tools)
    result = run(create_handoff([triage, agent("billing")]).compile())
    assert records(result) == [("triage", "triage", "unknown")]


def test_three_unknown_names_in_one_turn_end_failed(run, saver, tools):
    triage = agent("triage", *[to(f"x{n}") for n in range(9)], tools=tools)
    app = create_handoff([triage, agent("billing")]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert (ended(result), result["stop"].by) == (("", "failed"), "triage")
    assert "`x2`" in result["stop"].detail
    assert (calls(triage), outcomes(result)) == ([3], [("triage", "failed")])
    assert len(result["handoffs"]) == 3


def test_unknown_names_are_counted_afresh_in_each_turn(run):
    a = agent("a", to("x"), to("x"), to("b"), to("x"), to("x"), "done")
    result = run(create_handoff([a, agent("b", to("a"))]).compile())
    assert ended(result) == ("done", "completed")


def test_three_unknown_names_in_one_answer_are_three(run, tools):
    triage = agent("triage", to("x", "y", "z"), tools=tools)
    result = run(create_handoff([triage, agent("billing")]).compile())
    assert ended(result) == ("", "failed")
    assert calls(triage) == [1]


# Nonsense


NONSENSE = [
    {},
    {"reason": None},
    {"reason": 7, "priority": "at once"},
    {"reason": "r", "context": ["a"], "more": 1},
]


@pytest.mark.parametrize("arguments", NONSENSE, ids=repr)
def test_a_handoff_with_odd_arguments_is_taken_without_what_is_wrong(run, tools, arguments):
    call = {"name": "handoff_to_b", "args": arguments, "id": "1"}
    a = agent("a", AIMessage("", tool_calls=[call]), tools=tools)
    result = run(create_handoff([a, agent("b")]).compile())
    assert records(result) == [("a", "b", "accepted")]
    assert result["handoffs"][0].priority == "normal"


def test_a_call_of_a_tool_there_is_none_of_is_answered_and_bounded(run):
    a = agent("a", wants("look_up"), "done")
    result = run(create_handoff([a, agent("b")]).compile())
    assert told(result) == [("look_up", "there is no tool `look_up`; you can hand over to `b`")]
    assert ended(result) == ("done", "completed")
    endless = Agent("a", "", model=ScriptedModel(lambda messages: wants("look_up")))
    result = run(create_handoff([endless, agent("b")]).compile())
    assert (ended(result), calls(endless)) == (("", "failed"), [3])


BROKEN = AIMessage(
    "", invalid_tool_calls=[{"name": "handoff_to_b", "args": "{", "id": "1", "error": None}]
)


def test_a_call_that_is_no_json_is_asked_for_again_and_bounded():
    a = agent("a", BROKEN, to("b"))
    result = create_handoff([a, agent("b")]).compile().invoke({"messages": "go"})
    assert ended(result) == ("b", "completed")
    assert "no JSON" in readings(a)[1][-1]
    endless = Agent("a", "", model=ScriptedModel(lambda messages: BROKEN))
    result = create_handoff([endless, agent("b")]).compile().invoke({"messages": "go"})
    assert (ended(result), calls(endless)) == (("", "failed"), [3])


# Custom state


def test_custom_state_set_by_a_tool_before_the_handoff_is_kept(run, saver):
    triage = agent("triage", wants("plan", step="call"), to("billing"), tools=[plan])
    graph = create_handoff([triage, agent("billing")], state_schema=Planned)
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert result["plan"] == Plan(steps=["call"])


def test_custom_state_set_beside_the_handoff_is_kept(run, saver):
    triage = agent("triage", to("billing", beside=wants("plan", step="call")), tools=[plan])
    graph = create_handoff([triage, agent("billing")], state_schema=Planned)
    app = graph.compile(checkpointer=saver)
    assert run(app, thread="1")["plan"] == Plan(steps=["call"])
    reloaded = app.get_state({"configurable": {"thread_id": "1"}}).values["plan"]
    assert reloaded == Plan(steps=["call"])


def test_custom_state_set_before_a_refused_handoff_is_kept_and_seen_by_who_refuses(run):
    seen = []

    def accept(view, handoff):
        seen.append(view.state.get("plan"))
        return len(seen) > 1

    triage = agent(
        "triage", to("billing", beside=wants("plan", step="call")), to("billing"), tools=[plan]
    )
    graph = create_handoff(
        [triage, agent("billing"), agent("c")], state_schema=Planned, accepts={"billing": accept}
    )
    assert run(graph.compile())["plan"] == Plan(steps=["call"])
    assert seen == [Plan(steps=["call"])] * 2


def test_a_handoff_in_a_message_of_several_blocks_leaves_no_call_in_the_next_prompt(run):
    blocks = [
        {"type": "text", "text": "One moment."},
        {"type": "tool_use", "id": "handoff-0", "name": "handoff_to_b", "input": {}},
    ]
    answer = to("b").model_copy(update={"content": blocks})
    a = agent("a", answer, "bye")
    run(create_handoff([a, agent("b", to("a"))]).compile())
    _, second = model_of(a).calls
    own = [m for m in second.messages if m.type == "ai"]
    assert [m.content for m in own] == [[{"type": "text", "text": "One moment."}]]


# Typed answers


def test_an_agent_with_a_typed_answer_hands_over_or_answers(run, saver):
    a = agent("a", to("b"), output=Plan)
    b = agent("b", Plan(steps=["go"]), output=Plan)
    result = run(create_handoff([a, b]).compile(checkpointer=saver), thread="1")
    assert ended(result) == (Plan(steps=["go"]), "completed")


# Middleware and approvals


class Counting(AgentMiddleware):
    """Counts an agent's runs."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def before_model(self, state, runtime):
        self.seen.append(len(state["messages"]))

    async def abefore_model(self, state, runtime):
        self.seen.append(len(state["messages"]))


def test_an_agents_own_middleware_works_beside_handoffs(run):
    counting = Counting()
    limit = ModelCallLimitMiddleware(run_limit=5)
    a = agent("a", to("b"), middleware=[counting, limit])
    result = run(create_handoff([a, agent("b")]).compile())
    assert ended(result) == ("b", "completed")
    assert counting.seen == [1]


def paying():
    paid = []

    def pay(euros: int) -> str:
        """Pay somebody."""
        paid.append(euros)
        return f"paid {euros}"

    return paid, pay


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_tool_to_be_approved_beside_a_handoff_is_asked_for_and_then_control_moves(
    run, saver, decision
):
    paid, pay = paying()
    answer = to("b", beside=wants("pay", euros=5))
    a = agent("a", answer, tools=[pay], approve_tools=["pay"])
    app = create_handoff([a, agent("b", "done")]).compile(checkpointer=saver)
    waiting = asked(run(app, thread="1"))
    assert waiting.value["action_requests"][0]["name"] == "pay"
    result = run(app, Command(resume={"decisions": [{"type": decision}]}), thread="1")
    assert ended(result) == ("done", "completed")
    assert (paid, calls(a)) == ([5] if decision == "approve" else [], [1])
    assert records(result) == [("a", "b", "accepted")]
    assert result["trail"][0].input_tokens == 10


def test_a_tool_that_asks_a_person_beside_a_handoff_asks_once(run, saver):
    def confirm(what: str) -> str:
        """Ask somebody."""
        return f"answered {interrupt(what)}"

    a = agent("a", to("b", beside=wants("confirm", what="ok?")), tools=[confirm])
    app = create_handoff([a, agent("b", "done")]).compile(checkpointer=saver)
    assert asked(run(app, thread="1")).value == "ok?"
    result = run(app, Command(resume="yes"), thread="1")
    assert told(result)[0] == ("confirm", "answered yes")
    assert (ended(result), calls(a)) == (("done", "completed"), [1])


def test_an_approval_after_a_refused_handoff_is_heeded(run, saver):
    paid, pay = paying()
    a = agent("a", to("b"), wants("pay", euros=5), "paid it", tools=[pay], approve_tools=["pay"])
    accepts = {"b": lambda view, handoff: "closed"}
    app = create_handoff([a, agent("b"), agent("c")], accepts=accepts).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    assert (ended(result), paid, calls(a)) == (("paid it", "completed"), [5], [3])
    assert records(result) == [("a", "b", "refused")]
    assert result["trail"][0].input_tokens == 30


# Agents built elsewhere


def elsewhere(*replies, tools=(), name="elsewhere", **options):
    """An agent's graph as LangChain builds it, with handoff tools of ours."""
    model = ScriptedModel(replies)
    return create_agent(model, [*tools, handoff_tool("billing")], name=name, **options), model


def test_an_agent_built_elsewhere_hands_over_with_our_tool(run, saver):
    graph, model = elsewhere(to("billing", text="One moment."))
    billing = agent("billing", "done")
    result = run(create_handoff([graph, billing]).compile(checkpointer=saver), thread="1")
    assert ended(result) == ("done", "completed")
    assert records(result) == [("elsewhere", "billing", "accepted")]
    assert told(result) == [("handoff_to_billing", "Handed off to billing.")]
    assert ("elsewhere", "One moment.") in spoken(result)
    assert len(model.calls) == 1


def test_an_agent_built_elsewhere_is_told_that_it_was_refused_and_goes_on(run):
    graph, model = elsewhere(to("billing"), "then I answer")
    accepts = {"billing": lambda view, handoff: "closed"}
    app = create_handoff([graph, agent("billing"), agent("c")], accepts=accepts).compile()
    result = run(app)
    assert ended(result) == ("then I answer", "completed")
    assert model.calls[1].messages[-1].text == "refused by `billing`: closed"
    assert result["handoffs"][0].detail == "closed"


def test_a_target_that_an_agent_built_elsewhere_may_not_hand_over_to_is_unknown(run):
    graph, model = elsewhere(to("billing"), "then I answer")
    routes = {"elsewhere": ["c"], "c": ["billing"]}
    result = run(create_handoff([graph, agent("billing"), agent("c")], routes=routes).compile())
    assert records(result) == [("elsewhere", "billing", "unknown")]
    assert "valid: `c`" in model.calls[1].messages[-1].text
    assert ended(result) == ("then I answer", "completed")


def test_a_tool_that_an_agent_built_elsewhere_has_not_is_unknown(run):
    graph, _ = elsewhere(to("nobody"), "then I answer")
    result = run(create_handoff([graph, agent("billing")]).compile())
    assert records(result) == [("elsewhere", "nobody", "unknown")]
    assert ended(result) == ("then I answer", "completed")


def test_an_agent_built_elsewhere_with_a_tool_beside_the_handoff_keeps_both(run):
    both = to("billing", beside=wants("look_up", word="squid"))
    graph, _model = elsewhere(both, "I passed you on", tools=[look_up])
    result = run(create_handoff([graph, agent("billing", "done")]).compile())
    assert told(result) == [
        ("look_up", "squid is a mollusc"),
        ("handoff_to_billing", "Handed off to billing."),
    ]
    assert ended(result) == ("done", "completed")


# Streams


def test_each_message_is_streamed_once_and_attributed():
    members = [agent("a", to("b", text="One moment."), tools=[look_up]), agent("b", "All done.")]
    app = create_handoff(members).compile()
    streamed = app.stream({"messages": "go"}, stream_mode="messages", subgraphs=True)
    texts = {}
    for _, (message, metadata) in streamed:
        if message.text and message.type != "tool":
            texts.setdefault((metadata["langgraph_node"], message.id), []).append(message.text)
    assert sorted("".join(parts) for parts in texts.values()) == ["All done.", "One moment."]


async def test_a_hundred_threads_at_once_never_see_each_other(saver):
    def reply(messages):
        number = messages[1].text.split()[1]
        return to("b", reason=f"number {number}")

    a = Agent("a", "A", model=ScriptedModel(reply))
    b = Agent("b", "B", model=ScriptedModel(lambda messages: messages[-1].text))
    app = create_handoff([a, b]).compile(checkpointer=saver)

    async def one(number):
        config = {"configurable": {"thread_id": str(number)}}
        return await app.ainvoke({"messages": f"task {number}"}, config)

    for number, result in enumerate(await asyncio.gather(*map(one, range(100)))):
        assert result["output"].endswith(f"Over to you: number {number}")
        assert [handoff.reason for handoff in result["handoffs"]] == [f"number {number}"]


def test_a_person_in_the_list_is_handed_over_to_and_their_answer_ends_the_run(run, saver):
    members = [agent("a", to("expert", reason="too hard")), Human("expert", "Knows it all.")]
    app = create_handoff(members).compile(checkpointer=saver)
    waiting = asked(run(app, "why?", thread="1"))
    (request,) = waiting.value["action_requests"]
    assert request["name"] == "answer"
    assert "a: Over to you: too hard" in request["description"]
    result = run(app, Command(resume="because"), thread="1")
    assert ended(result) == ("because", "completed")
