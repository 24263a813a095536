"""What holds for every pattern alike: task, threads, errors, usage, and the four ways to run."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from langchain.tools import ToolRuntime
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool
from langgraph.runtime import RunControl
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Limits, Member, Policy
from langgraph_orchestra.state import InputError, OrchestrationContext
from support.members import AT_ONCE, ONCE, RECORDED, agent, echo, look_up, named, team, wants
from support.patterns import FINISHED, PATTERNS, RAISING, SEVERAL
from support.results import calls, comparable, model_of, usage
from support.seeds import outputs_by_seed


class Answer(BaseModel):
    """An answer."""

    text: str


class TeapotError(Exception):
    """An error of the user's own, which cannot be made again from its text."""

    def __init__(self, code, *, why):
        super().__init__(f"{code}: {why}")


@pytest.fixture(params=PATTERNS)
def pattern(request):
    """Each pattern's factory, for graphs of one participant."""
    return PATTERNS[request.param]


@pytest.fixture(params=PATTERNS)
def failing_pattern(request):
    """Each pattern's factory, with errors that are raised."""
    options = RAISING.get(request.param, {})
    return lambda participants: PATTERNS[request.param](participants, **options)


@pytest.fixture(params=SEVERAL)
def pattern_of_several(request):
    """Each factory that takes several participants."""
    return SEVERAL[request.param]


# The task

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
QUESTION = {"type": "text", "text": "What is it?"}

TASKS = {
    "text": ("Write", [("human", "Write")]),
    "pair": (("user", "Write"), [("human", "Write")]),
    "message": (HumanMessage("Write"), [("human", "Write")]),
    "dict": ({"role": "user", "content": "Write"}, [("human", "Write")]),
    "list": (
        [("user", "Hello"), ("assistant", "Hi"), HumanMessage("Write")],
        [("human", "Hello"), ("ai", "Hi"), ("human", "Write")],
    ),
    "texts": (["First", "Second"], [("human", "First"), ("human", "Second")]),
    "image": (HumanMessage([QUESTION, IMAGE]), [("human", [QUESTION, IMAGE])]),
    "image alone": (HumanMessage([IMAGE]), [("human", [IMAGE])]),
    "instruction": (
        [SystemMessage("Be brief"), HumanMessage("Write")],
        [("system", "Be brief"), ("human", "Write")],
    ),
    "named": (HumanMessage("Write", name="ann"), [("human", "Write")]),
}

OUR_OWN = ("aggregate", "manager", "finish", "synthesise")
"""Names of internal nodes that say something."""


@pytest.mark.parametrize("form", TASKS)
def test_a_task_comes_in_any_form_and_keeps_order_roles_and_images(
    pattern_of_several, run, saver, form
):
    task, stored = TASKS[form]
    app = pattern_of_several([agent("a")]).compile(checkpointer=saver)
    result = run(app, {"messages": task}, thread="1")
    given = [m for m in result["messages"] if m.name not in ("a", *OUR_OWN)]
    assert [(m.type, m.content) for m in given] == stored
    assert result["stop"].reason == "completed"


@pytest.mark.parametrize("form", sorted(TASKS.keys() - {"instruction", "named"}))
@pytest.mark.parametrize("kind", sorted(SEVERAL.keys() - {"supervisor"}))
def test_the_participants_read_the_task_as_it_was_given(kind, form):
    task, stored = TASKS[form]
    member = agent("a")
    SEVERAL[kind]([member]).compile().invoke({"messages": task})
    (call,) = model_of(member).calls
    read = [m for m in call.messages if m.type != "system" and m.name not in OUR_OWN]
    assert [(m.type, m.content) for m in read] == stored


def test_the_text_of_the_task_is_the_last_thing_a_person_said(run):
    views = []

    def look(view):
        views.append(view)
        return "seen"

    conversation = [("user", "Hello"), ("user", "Write"), ("assistant", "Gladly")]
    run(create_sequential([look]).compile(), {"messages": conversation})
    (view,) = views
    assert view.task == "Write"
    assert [m.text for m in view.task_messages] == ["Hello", "Write", "Gladly"]
    assert (view.last_text, view.turns) == ("", ())


BLANK = [
    "",
    "  \n ",
    [],
    [""],
    HumanMessage(""),
    [HumanMessage(" "), HumanMessage("")],
    HumanMessage([{"type": "text", "text": " "}]),
]


@pytest.mark.parametrize("task", BLANK, ids=repr)
def test_a_blank_task_is_refused_before_any_model_call(pattern, task):
    member = agent("a")
    with pytest.raises(InputError, match="the task is empty: give at least one message with text"):
        pattern([member]).compile().invoke({"messages": task})
    assert calls(member) == [0]


def test_a_blank_task_is_refused_in_every_way_to_run_and_the_thread_lives_on(pattern, run, saver):
    app = pattern([agent("a", "one", "two")]).compile(checkpointer=saver)
    run(app, thread="1")
    with pytest.raises(InputError, match=re.escape('`{"messages": [("user", ')):
        run(app, " ", thread="1")
    assert "two" in run(app, "go on", thread="1")["output"]


# Independence


def test_the_same_agent_in_two_graphs_is_independent(pattern, run, saver):
    shared = echo()
    one, two = (pattern([shared]).compile(checkpointer=saver) for _ in range(2))
    first, second = run(one, "one", thread="1"), run(two, "two", thread="2")
    assert ("one" in first["output"], "two" in first["output"]) == (True, False)
    assert ("one" in second["output"], "two" in second["output"]) == (False, True)


def test_one_graph_compiled_twice_is_two_independent_graphs(pattern, run):
    graph = pattern([echo()])
    with open_checkpointer("memory://") as left, open_checkpointer("memory://") as right:
        a, b = graph.compile(checkpointer=left), graph.compile(checkpointer=right, name="other")
        run(a, "one", thread="1")
        result = run(b, "two", thread="1")
    assert "one" not in " ".join(message.text for message in result["messages"])
    assert (a.name, b.name) == (graph.pattern, "other")


def test_participants_are_never_changed(pattern, run):
    member = agent("a", "one", "two", tools=[look_up], description="Works.")
    before = repr(member)
    for _ in range(2):
        run(pattern([member]).compile())
    assert repr(member) == before


def assert_own(result, number):
    """Nothing of another thread's is in a result."""
    texts = [m.text for m in result["messages"]]
    assert {f"task {number}.", f"more {number}."} <= set(texts)
    assert all(f" {number}." in text for text in texts)
    assert f"more {number}." in result["output"]
    assert [turn.step for turn in result["trail"] if turn.agent == "echo"] == [1, 1]


def test_a_hundred_threads_at_once_never_see_each_other(pattern, saver):
    app = pattern([echo()]).compile(checkpointer=saver)

    def converse(number):
        config = {"configurable": {"thread_id": str(number)}}
        app.invoke({"messages": f"task {number}."}, config)
        return app.invoke({"messages": f"more {number}."}, config)

    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(converse, range(100)))
    for number, result in enumerate(results):
        assert_own(result, number)


async def test_a_hundred_threads_in_one_event_loop_never_see_each_other(pattern, saver):
    app = pattern([echo()]).compile(checkpointer=saver)

    async def converse(number):
        config = {"configurable": {"thread_id": str(number)}}
        await app.ainvoke({"messages": f"task {number}."}, config)
        return await app.ainvoke({"messages": f"more {number}."}, config)

    results = await asyncio.gather(*map(converse, range(100)))
    for number, result in enumerate(results):
        assert_own(result, number)


def test_limits_of_runs_at_the_same_time_do_not_add_up(pattern):
    app = pattern([echo()], limits=Limits(tokens=30)).compile()
    with ThreadPoolExecutor(50) as pool:
        results = pool.map(lambda n: app.invoke({"messages": f"task {n}"}), range(50))
        assert {result["stop"].reason for result in results} <= FINISHED


async def test_threads_that_share_a_run_control_do_not_share_their_limits(saver):
    both_have_asked = asyncio.Barrier(2)

    async def look_up_together(word: str) -> str:
        """Look a word up when the other thread is as far."""
        await both_have_asked.wait()
        return "found"

    model = ScriptedModel(lambda messages: wants("look_up_together", word="sea"))
    member = Agent("a", "", model=model, tools=[look_up_together])
    app = create_sequential([member], limits=Limits(tokens=15)).compile(checkpointer=saver)
    control = RunControl()

    def run_thread(name):
        config = {"configurable": {"thread_id": name}}
        return app.ainvoke({"messages": "go"}, config, control=control)

    results = await asyncio.gather(run_thread("1"), run_thread("2"))
    assert [result["stop"].reason for result in results] == ["token_limit", "token_limit"]
    assert len(model.calls) == 2


# Errors


def test_original_exceptions_surface_with_their_type_and_the_participants_name(
    failing_pattern, run, saver
):
    error = TeapotError(418, why="short and stout")

    def brew(view):
        raise error

    app = failing_pattern([Member(brew, policy=ONCE)]).compile(checkpointer=saver)
    with pytest.raises(TeapotError) as caught:
        run(app, thread="1")
    assert caught.value is error
    assert any(note.startswith("in participant `brew") for note in error.__notes__)


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_and_exit_are_never_swallowed(pattern, signal):
    def interrupted(view):
        raise signal

    app = pattern([Member(interrupted, policy=Policy(on_failure="record"))]).compile()
    with pytest.raises(signal):
        app.invoke({"messages": "go"})


def test_a_tool_that_raises_fails_its_agent(run):
    def boil(what: str) -> str:
        """Boil something."""
        raise TeapotError(418, why=what)

    member = agent("a", wants("boil", what="tea"), tools=[boil], policy=ONCE)
    with pytest.raises(TeapotError, match="418: tea") as caught:
        run(create_sequential([member]).compile())
    assert "in participant `a` of `sequential`, attempt 1" in caught.value.__notes__


def test_an_agent_is_told_what_is_wrong_with_its_tools_arguments(run):
    asked = [wants("look_up", "call-1", wrod="squid"), wants("look_up", "call-2", word="squid")]
    member = agent("a", *asked, "done", tools=[look_up])
    result = run(create_sequential([member]).compile())
    assert result["output"] == "done"
    refused, looked_up = (m.text for m in result["messages"] if m.type == "tool")
    assert "word" in refused
    assert looked_up == "squid is a mollusc"


# Sync, async, streamed and plain


async def later(view):
    return "an async function"


def everything_at_once(saver):
    """A graph with all that could differ between the ways to run."""
    research = create_concurrent(
        [
            agent("x", wants("look_up", word="sea"), "with a tool", tools=[look_up]),
            agent("y", ValueError("broken"), policy=ONCE),
            Member(later, name="z"),
        ]
    )
    rows = create_map_reduce(lambda view: ["1", "2"], echo("row"))
    return create_sequential(
        [
            research.compile(name="research"),
            agent("typed", "no JSON", Answer(text="fine"), output=Answer),
            Member(agent("never"), when=lambda view: False),
            rows.compile(name="rows"),
            agent("d", TimeoutError("slow"), policy=Policy(retry=None, fallback=agent("e"))),
            agent("f", RuntimeError("no"), policy=RECORDED),
        ]
    ).compile(checkpointer=saver)


def test_the_four_ways_to_run_give_equal_results(run, saver):
    with open_checkpointer("memory://") as other:
        config = {"configurable": {"thread_id": "1"}}
        reference = everything_at_once(other).invoke({"messages": "the task"}, config)
    result = run(everything_at_once(saver), "the task", thread="1")
    assert comparable(result) == comparable(reference)
    assert set(result) == set(reference)
    assert result["output"] == "e"


ERRORS = {
    "stage": lambda: create_sequential([agent("a", ValueError("no"), policy=ONCE)]),
    "too few": lambda: create_concurrent(
        [agent("a", ValueError("no"), policy=ONCE), agent("b", KeyError("k"), policy=ONCE)]
    ),
    "team": lambda: create_sequential([team(agent("a", ValueError("no"), policy=ONCE))]),
    "return": lambda: create_sequential([named("f"), Member(lambda view: 7, name="g")]),
    "decision": lambda: create_sequential([agent("a", "1", "2", "3", output=Answer)]),
    "model": lambda: create_sequential([Agent("a", "", model="nobody:nothing")]),
}


@pytest.mark.parametrize("place", ERRORS)
def test_the_four_ways_to_run_give_equal_errors(run, place):
    def caught(call):
        with pytest.raises(Exception) as raised:
            call(ERRORS[place]().compile())
        notes = [n for n in getattr(raised.value, "__notes__", ()) if n.startswith("in ")]
        return type(raised.value), str(raised.value), notes

    assert caught(run) == caught(lambda app: app.invoke({"messages": "the task"}))


async def ask_later(word: str, runtime: ToolRuntime) -> str:
    """Ask somebody who takes a while."""
    await asyncio.sleep(0)
    return f"{word} later, for {runtime.tool_call_id}"


@pytest.mark.parametrize("given", [ask_later, tool(ask_later)], ids=["function", "tool"])
def test_an_async_only_tool_works_in_every_way_to_run(run, given):
    member = agent("a", wants("ask_later", word="sea"), "done", tools=[given])
    result = run(create_sequential([member]).compile())
    assert [m.text for m in result["messages"] if m.type == "tool"] == ["sea later, for call-1"]
    assert result["output"] == "done"


def test_async_callbacks_work_in_every_way_to_run(run):
    async def wanted(view):
        return True

    async def read(view):
        return view.messages

    stages = [Member(later, name="f", when=wanted), agent("b", history=read)]
    result = run(create_sequential(stages, stop_when=wanted).compile())
    assert (result["output"], result["stop"].by) == ("an async function", "when(wanted)")


async def test_an_async_function_works_in_a_sync_run_inside_a_running_loop():
    app = create_sequential([Member(later, name="f")]).compile()
    assert app.invoke({"messages": "go"})["output"] == "an async function"


# Usage


def test_usage_counts_each_model_call_once_with_one_model_for_all(run, saver):
    model = ScriptedModel(lambda messages: f"answer {len(messages)}", usage=(7, 3))
    fan = create_concurrent([Agent(n, "", model=model) for n in ("x", "y")]).compile(name="fan")
    outer = team(fan, Agent("b", "", model=model, tools=[look_up]))
    app = create_sequential([Agent("a", "", model=model), outer]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert usage(result) == 10 * len(model.calls) == 40
    again = run(app, thread="1")
    assert usage(again) == 10 * len(model.calls) == 80


@pytest.mark.parametrize("approved", [(), ("pay",)], ids=["in memory", "saving its steps"])
def test_usage_counts_each_call_once_over_attempts(run, saver, approved):
    attempts = []

    def flaky() -> str:
        """Fail at first."""
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionError("down")
        return "up"

    def pay() -> str:
        """Pay."""
        return "paid"

    model = ScriptedModel(lambda m: "done" if m[-1].type == "tool" else wants("flaky"))
    retried = Policy(retry=AT_ONCE)
    member = Agent("a", "", model=model, tools=[flaky, pay], policy=retried, approve_tools=approved)
    result = run(create_sequential([member]).compile(checkpointer=saver), thread="1")
    (turn,) = result["trail"]
    assert (turn.outcome, turn.attempts) == ("ok", 2)
    assert usage(result) == 15 * len(model.calls)


def test_usage_counts_refused_answers_and_fallbacks(run):
    typed = agent("typed", "no JSON", Answer(text="x"), output=Answer)
    saved = agent(
        "saved", "1", "2", "3", output=Answer, policy=Policy(retry=None, fallback=agent("other"))
    )
    result = run(create_sequential([typed, saved]).compile())
    spent = {turn.agent: turn.input_tokens + turn.output_tokens for turn in result["trail"]}
    assert spent == {"typed": 30, "saved": 60}
    assert [turn.outcome for turn in result["trail"]] == ["ok", "fallback"]


def test_every_turn_says_who_when_where_and_with_which_model(pattern, run):
    result = run(pattern([team(agent("inner"))]).compile())
    (turn,) = (turn for turn in result["trail"] if turn.agent == "inner")
    assert turn.path in ("team/inner", "team[0]/inner")
    assert (turn.model, turn.input_tokens, turn.output_tokens) == ("scripted", 10, 5)
    assert turn.started_at.utcoffset().total_seconds() == 0
    assert 0 <= turn.seconds < 60


def test_the_user_of_the_context_stands_in_every_turn(pattern, run):
    result = run(
        pattern([team(agent("inner"))]).compile(), context=OrchestrationContext(user="ann")
    )
    assert {turn.user for turn in result["trail"]} == {"ann"}


class Tenancy(TypedDict, total=False):
    """A context of the user's own, as a dict."""

    user: str
    tenant: str


@dataclass
class Tenant:
    """A context of the user's own, without a user or a model."""

    tenant: str = "acme"


def test_a_context_of_the_users_own_reaches_every_level(pattern, run):
    inner = create_sequential([agent("inner")], context_schema=Tenancy).compile(name="team")
    app = pattern([inner], context_schema=Tenancy).compile()
    assert {turn.user for turn in run(app, context={"user": "ann"})["trail"]} == {"ann"}


def test_a_context_needs_neither_user_nor_model(pattern, run):
    app = pattern([agent("a")], context_schema=Tenant).compile()
    assert {turn.user for turn in run(app, context=Tenant())["trail"]} == {None}


# Determinism

DETERMINED = """
import json
from langchain_core.messages import AIMessage
from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, everything
from langgraph_orchestra.state import SequentialState

class State(SequentialState, total=False):
    alpha: str
    beta: str
    gamma: str

def tool(name):
    def function(word: str) -> str:
        return word
    function.__name__, function.__doc__ = name, f"Tool {name}."
    return function

def keys(view):
    return {"gamma": "3", "alpha": "1", "beta": "2", "messages": [AIMessage("set")]}

call = AIMessage("", tool_calls=[{"name": "t2", "args": {"word": "x"}, "id": "1"}])
model = ScriptedModel(["x", call, "tools", "end"])
tools = [tool(f"t{n}") for n in range(6)]
branches = create_concurrent([Agent(n, n, model=ScriptedModel([n])) for n in ("p", "q", "r")])
team = create_sequential(
    [branches.compile(name="branches"), Agent("w", "w", model=model, tools=tools)],
    state_schema=State, history=everything(),
).compile(name="team")
rows = create_map_reduce(
    lambda view: ["1", "2"], Agent("row", "", model=ScriptedModel(lambda m: m[-1].text))
).compile(name="rows")
app = create_sequential(
    [Agent("a", "a", model=model), keys, team, rows, Agent("z", "z", model=model)],
    state_schema=State, history=everything(),
).compile()
result = app.invoke({"messages": "go"})
model.assert_complete()
print(json.dumps({
    "messages": [[m.type, m.name, m.content] for m in result["messages"]],
    "trail": [
        t.model_dump(mode="json", exclude={"started_at", "seconds"}) for t in result["trail"]
    ],
    "prompts": [[[m.type, m.content] for m in c.messages] + [c.tools] for c in model.calls],
    "drawing": app.get_graph(xray=True).draw_mermaid(),
    "keys": list(result),
}))
"""


def test_two_runs_are_identical_whatever_the_hash_seed():
    assert len(outputs_by_seed(DETERMINED)) == 1


# Drawing


def drawn(app):
    """Edges of a drawing."""
    return {(edge.source, edge.target) for edge in app.get_graph().edges}


def test_a_drawing_shows_exactly_the_routes(pattern):
    expected = {
        "sequential": {("__start__", "intake"), ("intake", "a"), ("a", "__end__")},
        "concurrent": {
            ("__start__", "intake"),
            ("intake", "a"),
            ("a", "join"),
            ("join", "aggregate"),
            ("aggregate", "__end__"),
        },
        "map_reduce": {
            ("__start__", "intake"),
            ("intake", "a"),
            ("intake", "aggregate"),
            ("a", "aggregate"),
            ("aggregate", "__end__"),
        },
        "handoff": {("__start__", "intake"), ("intake", "a"), ("a", "__end__")},
        "maker_checker": {
            ("__start__", "intake"),
            ("intake", "a"),
            ("a", "approving"),
            ("approving", "a"),
            ("approving", "__end__"),
        },
        "group_chat": {
            ("__start__", "intake"),
            ("intake", "a"),
            ("intake", "__end__"),
            ("a", "a"),
            ("a", "__end__"),
        },
        "supervisor": {
            ("__start__", "intake"),
            ("intake", "planner"),
            ("planner", "a"),
            ("planner", "__end__"),
            ("a", "review"),
            ("review", "a"),
            ("review", "synthesise"),
            ("review", "__end__"),
            ("synthesise", "__end__"),
        },
        "magentic": {
            ("__start__", "intake"),
            ("intake", "planner"),
            ("planner", "manager"),
            ("planner", "__end__"),
            ("manager", "a"),
            ("manager", "manager"),
            ("manager", "planner"),
            ("manager", "finish"),
            ("manager", "__end__"),
            ("a", "manager"),
            ("finish", "__end__"),
        },
    }
    graph = pattern([agent("a")])
    assert drawn(graph.compile()) == expected[graph.pattern]


# What Mermaid's grammar takes for a node, and how it draws an edge.
NODE = r"(?!(?:class|end|graph|style|subgraph)\b)\w(?:\w|-(?![->.]))*"
EDGE = re.compile(rf"({NODE}) (?:-->|-\.->) ({NODE});")


@pytest.mark.parametrize(
    "name", ["a", "A-b_c", "1", "0-0", "_", "End", "end_user", "x-", "o", "TB"]
)
def test_mermaid_of_any_legal_name_is_valid(pattern, name):
    app = pattern([Member(named("f"), name=name)]).compile()
    lines = [line.strip() for line in app.get_graph().draw_mermaid().splitlines()]
    arrows = [line for line in lines if "->" in line]
    parsed = [edge.groups() for edge in map(EDGE.fullmatch, arrows) if edge]
    assert len(parsed) == len(arrows)
    assert set(parsed) == drawn(app)
