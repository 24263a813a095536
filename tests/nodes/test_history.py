"""Each policy picks its part of the conversation, and never half of a tool call."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel, StandIn
from langgraph_orchestra.nodes import (
    Agent,
    History,
    View,
    everything,
    last_only,
    own_and_task,
    recent,
    summarised,
    task_and_last,
    task_only,
    this_run,
    within,
)
from langgraph_orchestra.nodes.driver import Execution, Node, Steps
from langgraph_orchestra.nodes.history import read
from langgraph_orchestra.nodes.prompt import addressed_to
from langgraph_orchestra.nodes.work import Budget, Work
from langgraph_orchestra.state import ConfigurationError, OrchestrationContext, RunInfo
from support.members import agent
from support.results import readings


def call(name: str, *ids: str) -> AIMessage:
    calls = [{"name": "look", "args": {}, "id": one} for one in ids]
    return AIMessage(f"{name} looks", name=name, tool_calls=calls)


def found(call_id: str, text: str = "found") -> ToolMessage:
    return ToolMessage(text, tool_call_id=call_id, name="look")


def said(name: str, text: str) -> AIMessage:
    return AIMessage(text, name=name)


def state_of(
    before: Sequence[AnyMessage], task: Sequence[AnyMessage], now: Sequence[AnyMessage]
) -> dict[str, Any]:
    run_info = RunInfo(first_message=len(before), input_messages=len(task), first_turn=0)
    return {"messages": [*before, *task, *now], "run_info": run_info}


class Request(TypedDict, total=False):
    """What is to be read, by whom and of what; and what was."""

    history: Any
    reader: str
    state: dict[str, Any]
    picked: Sequence[AnyMessage]


def read_on_request(request: Any, execution: Execution) -> Steps[dict[str, Any]]:
    work = Work(request["reader"], View(request["state"]), execution, Budget())
    return {"picked": (yield from read(request["history"], work))}


READER = (
    StateGraph(Request)
    .add_node("read", Node("read", read_on_request))
    .add_edge(START, "read")
    .compile()
)


def picked_by(history: History, state: dict[str, Any], reader: str = "ada") -> list[AnyMessage]:
    """What a policy picks for a reader."""
    request: Request = {"history": history, "reader": reader, "state": state}
    return list(READER.invoke(request)["picked"])


def texts(messages: Sequence[BaseMessage]) -> list[str]:
    return [message.text for message in messages]


TWO_RUNS = state_of(
    [HumanMessage("old task"), said("ada", "old answer")],
    [HumanMessage("background"), HumanMessage("the task")],
    [
        call("ada", "1"),
        found("1", "ada's"),
        said("ada", "first"),
        call("bob", "2"),
        found("2", "bob's"),
        said("bob", "second"),
    ],
)
TASK = ["background", "the task"]
ADAS = ["ada looks", "ada's", "first"]
BOBS = ["bob looks", "bob's", "second"]


@pytest.mark.parametrize(
    ("history", "reader", "read"),
    [
        (everything(), "ada", ["old task", "old answer", *TASK, *ADAS, *BOBS]),
        (task_only(), "ada", TASK),
        (task_and_last(), "ada", [*TASK, *BOBS]),
        (last_only(), "ada", BOBS),
        (own_and_task(), "ada", [*TASK, *ADAS]),
        (own_and_task(), "bob", [*TASK, *BOBS]),
        (own_and_task(), "carl", TASK),
        (recent(1), "ada", ["second"]),
        (recent(2), "ada", BOBS),
        (recent(3), "ada", BOBS),
        (recent(4), "ada", ["first", *BOBS]),
        (recent(5), "ada", [*ADAS, *BOBS]),
        (recent(99), "ada", ["old task", "old answer", *TASK, *ADAS, *BOBS]),
        (within(10_000), "ada", ["old task", "old answer", *TASK, *ADAS, *BOBS]),
        (within(2, counter=len), "ada", ["second"]),
        (within(3, counter=len), "ada", BOBS),
        (lambda view: [view.messages[0], view.last_answer], "ada", ["old task", "second"]),
    ],
)
def test_each_policy_picks_its_part(history, reader, read):
    assert texts(picked_by(history, TWO_RUNS, reader)) == read


@pytest.mark.parametrize(
    ("history", "read"),
    [
        (everything(), ["old task", "old answer", "the task"]),
        (task_only(), ["the task"]),
        (task_and_last(), ["the task"]),
        (last_only(), ["the task"]),
        (own_and_task(), ["the task"]),
        (recent(2), ["old answer", "the task"]),
        (within(1, counter=len), ["the task"]),
    ],
)
def test_before_the_first_answer_of_a_run_there_is_the_task(history, read):
    before: list[AnyMessage] = [HumanMessage("old task"), said("ada", "old answer")]
    assert texts(picked_by(history, state_of(before, [HumanMessage("the task")], []))) == read


def test_images_of_the_task_are_read():
    task = HumanMessage([{"type": "image", "url": "https://example.com/octopus.png"}])
    state = state_of([], [task], [said("ada", "an octopus")])
    assert picked_by(task_only(), state) == [task]
    assert picked_by(task_and_last(), state) == [task, said("ada", "an octopus")]


def test_a_policy_of_ones_own_may_be_async(run):
    async def first(view: View) -> list[AnyMessage]:
        return [view.messages[0]]

    result = run(READER, {"history": first, "reader": "ada", "state": TWO_RUNS})
    assert texts(result["picked"]) == ["old task"]


@pytest.mark.parametrize(
    "torn",
    [
        [call("ada", "1")],
        [found("1")],
        [call("ada", "1", "2"), found("1")],
        [call("ada", "1"), HumanMessage("between"), found("1")],
        [found("1"), call("ada", "1")],
    ],
)
def test_half_a_tool_call_that_a_users_policy_picked_is_left_out(torn):
    task = HumanMessage("the task")
    read = picked_by(lambda _: [task, *torn], TWO_RUNS)
    assert [message.type for message in read if message.text != "between"] == ["human"]


@pytest.mark.parametrize(
    "wrong", ["text", None, 5, [("user", "hi")], ["hi"], {"messages": []}], ids=repr
)
def test_a_policy_that_returns_no_messages_is_refused_by_name(wrong):
    with pytest.raises(ConfigurationError, match=r"policy of `ada` returned .*list of messages"):
        picked_by(lambda _: wrong, TWO_RUNS)


@pytest.mark.parametrize("policy", [everything, task_only, task_and_last, last_only, own_and_task])
def test_an_unknown_choice_of_tools_is_refused(policy):
    with pytest.raises(ConfigurationError, match="`tools` is 'some'; it is 'own', 'all' or 'none'"):
        policy(tools="some")


@pytest.mark.parametrize("policy", [recent, within, lambda n: summarised(keep=n)])
@pytest.mark.parametrize(("number", "error"), [(0, ConfigurationError), (True, TypeError)])
def test_a_length_that_is_no_natural_number_is_refused(policy, number, error):
    with pytest.raises(error, match="at least 1"):
        policy(number)


@pytest.mark.parametrize(
    ("tools", "read"),
    [
        ("own", ["ada looks", "ada's", "first", "bob: second"]),
        ("all", ["ada looks", "ada's", "first", "look returned: bob's", "bob: second"]),
        ("none", ["first", "bob: second"]),
    ],
)
@pytest.mark.parametrize("policy", [everything, lambda tools: recent(6, tools=tools)])
def test_an_agent_reads_the_tools_that_its_policy_says(run, policy, tools, read):
    model = ScriptedModel(["so"])
    app = create_sequential([Agent("ada", "", model=model, history=policy(tools=tools))]).compile()
    run(app, [*TWO_RUNS["messages"][4:], HumanMessage("and?")])
    (sent,) = model.calls
    assert texts(sent.messages)[-len(read) - 1 :] == [*read, "and?"]


def talk(*histories: History | None) -> tuple[Any, list[ScriptedModel]]:
    models = [ScriptedModel([f"answer {n}"] * 3) for n in range(len(histories))]
    agents = [
        Agent(f"agent{n}", "Be brief.", model=model, history=history)
        for n, (model, history) in enumerate(zip(models, histories, strict=True))
    ]
    return create_sequential(agents).compile(), models


def test_a_summary_stands_for_what_is_older_than_the_last_messages(run):
    writer = ScriptedModel(["They spoke of octopuses."])
    app, models = talk(None, None, summarised(writer, keep=1))
    run(app)
    (asked,) = writer.calls
    assert texts(asked.messages)[-1] == "human: the task\n\nagent0: answer 0"
    (read,) = models[2].calls
    assert texts(read.messages) == [
        "Be brief.",
        "Summary of the conversation so far:\nThey spoke of octopuses.",
        "agent1: answer 1",
    ]


def test_nothing_is_summarised_while_all_of_it_is_read(run):
    writer = ScriptedModel(["never asked for"])
    app, models = talk(None, None, summarised(writer, keep=3))
    run(app)
    assert writer.calls == []
    (read,) = models[2].calls
    assert texts(read.messages) == ["Be brief.", "the task", "agent0: answer 0", "agent1: answer 1"]


def test_a_summary_is_not_stored_and_its_tokens_are_its_readers(run):
    app, _ = talk(None, summarised(ScriptedModel(["short"], usage=(100, 7)), keep=1))
    result = run(app)
    assert texts(result["messages"]) == ["the task", "answer 0", "answer 1"]
    assert [(t.agent, t.input_tokens, t.output_tokens) for t in result["trail"]] == [
        ("agent0", 10, 5),
        ("agent1", 110, 12),
    ]


def test_a_summary_is_written_by_the_model_of_the_run_where_none_is_named(run):
    model = ScriptedModel(lambda _: "hello")
    context = OrchestrationContext(model=model)  # type: ignore[arg-type]
    writers = [Agent(name, "", history=summarised(keep=1)) for name in ("ada", "bob")]
    run(create_sequential(writers).compile(), context=context)
    assert len(model.calls) == 3


def test_a_stand_in_that_summarises_gives_way_too(run):
    stand_in = StandIn(lambda _: "scripted")
    model = ScriptedModel(lambda _: "real")
    app, models = talk(None, summarised(stand_in, keep=1))
    run(app, context=OrchestrationContext(model=model))  # type: ignore[arg-type]
    _, (read,) = (one.calls for one in models)
    assert "Summary of the conversation so far:\nreal" in texts(read.messages)


@pytest.mark.parametrize("place", ["agent", "graph", "team"])
def test_a_summary_without_a_model_is_found_out_before_anything_is_spent(run, place):
    model = ScriptedModel(["hello"] * 4)
    own = summarised(keep=1) if place == "agent" else None
    shared = None if place == "agent" else summarised(keep=1)
    app = create_sequential([Agent("ada", "", model=model, history=own)], history=shared).compile()
    if place == "team":
        app = create_sequential([Agent("zoe", "", model=model), app]).compile()
    with pytest.raises(ConfigurationError, match="no model is set"):
        run(app)
    assert model.calls == []


def test_a_summary_that_nobody_reads_needs_no_model(run):
    def ada(view: View) -> str:
        return "hello"

    assert run(create_sequential([ada], history=summarised(keep=1)).compile())["output"] == "hello"


BLOCKS = st.one_of(
    st.just([HumanMessage("asked")]),
    st.sampled_from(["ada", "bob"]).map(lambda name: [said(name, "said")]),
    st.tuples(
        st.sampled_from(["ada", "bob"]), st.lists(st.sampled_from("123"), min_size=1, unique=True)
    ).map(lambda pair: [call(pair[0], *pair[1]), *(found(one) for one in reversed(pair[1]))]),
)
THREADS = st.lists(BLOCKS, max_size=6).map(lambda blocks: [m for block in blocks for m in block])
POLICIES: st.SearchStrategy[Callable[..., History]] = st.one_of(
    st.sampled_from([everything, task_and_last, task_only, last_only, own_and_task]),
    st.integers(1, 12).map(lambda n: lambda **options: recent(n, **options)),
    st.integers(1, 12).map(lambda n: lambda **options: within(n, counter=len, **options)),
    st.lists(st.integers(0, 9), max_size=9).map(lambda places: lambda **_: at_places(places)),
)


def at_places(places: list[int]) -> History:
    """A user's policy: messages picked from anywhere, in any order, some of them twice."""
    return lambda view: [view.messages[p % len(view.messages)] for p in places if view.messages]


def check_pairs(messages: Sequence[AnyMessage]) -> None:
    """Every call is followed by its results, and no result stands elsewhere."""
    waiting: set[str | None] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in waiting
            waiting.remove(message.tool_call_id)
            continue
        assert not waiting
        if isinstance(message, AIMessage):
            waiting = {one["id"] for one in message.tool_calls}
    assert not waiting


@settings(deadline=None)
@given(THREADS, THREADS, THREADS, POLICIES, st.sampled_from(["own", "all", "none"]))
def test_no_policy_ever_tears_a_tool_call_from_its_results(before, task, now, policy, tools):
    read = picked_by(policy(tools=tools), state_of(before, task, now))
    check_pairs(read)
    for reader in ("ada", "bob"):
        check_pairs(addressed_to(reader, read, tools=tools))


@settings(deadline=None)
@given(THREADS, st.integers(1, 12))
def test_recent_messages_are_as_many_as_asked_and_more_only_for_whole_calls(thread, n):
    read = picked_by(recent(n), state_of([], [], thread))
    assert read == thread[-len(read) :] if read else not thread
    assert len(read) >= min(n, len(thread))
    if len(read) > n:
        assert isinstance(thread[-n], ToolMessage)


@settings(deadline=None)
@given(THREADS, st.integers(1, 12))
def test_messages_within_a_budget_never_exceed_it(thread, n):
    assert len(picked_by(within(n, counter=len), state_of([], [], thread))) <= n


def test_this_run_is_its_task_and_what_was_said_since(run):
    ann = agent("ann", "one", "two", history=this_run())
    app = create_sequential([agent("bob", "first", "second"), ann]).compile(InMemorySaver())
    run(app, "the task", thread="1")
    run(app, "another task", thread="1")
    assert readings(ann) == [["the task", "bob: first"], ["another task", "bob: second"]]
