"""Branches that work side by side: what each reads, and how their answers are put together."""

import operator
import threading
import time
from collections import defaultdict
from typing import Annotated

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.errors import InvalidUpdateError
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import PatternGraph, create_concurrent, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Member, Policy, everything, prefer
from langgraph_orchestra.state import ConcurrentState, ConfigurationError, InputError

NAMES = ["zeta", "alpha", "mid"]
"""Declared order, which is neither that of the alphabet nor its reverse."""


def says(name, text):
    """A participant that always gives the same answer."""
    return Member(lambda _: text, name=name)


def agent(name, *replies, **settings):
    return Agent(name, f"You are {name}.", model=ScriptedModel(list(replies)), **settings)


class Finish:
    """Makes branches end in a given order, whatever the order in which they begin."""

    def __init__(self, order):
        self._ended = {name: threading.Event() for name in order}
        self._before = dict(zip(order[1:], order, strict=False))

    def branch(self, name, answer=None):
        def speak(view):
            if name in self._before:
                assert self._ended[self._before[name]].wait(10)
            self._ended[name].set()
            return f"{name}'s answer" if answer is None else answer

        return Member(speak, name=name)


def spoken(result):
    """Who said what, without the task."""
    return [(m.name, m.text) for m in result["messages"] if isinstance(m, AIMessage)]


def ends_at_once(call):
    """Whether 100 branches of 100 ms end in a time that neither turns nor a small pool could do.

    On an idle machine they take 150 ms; in a pool of LangGraph's size, 1.7 s on two cores. What
    else the machine does is forgiven twice.
    """

    def seconds():
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return any(seconds() < 1.4 for _ in range(3))


def test_all_branches_start_at_once(run):
    everybody = threading.Barrier(40)

    def meet(view):
        everybody.wait(timeout=10)
        return "met"

    graph = create_concurrent([Member(meet, name=f"m{n}") for n in range(40)])

    result = run(graph.compile())

    assert {r.output for r in result["results"].values()} == {"met"}


def hundred_sleepers(kind):
    if kind == "agents":
        models = [ScriptedModel(lambda _: "done", delay=0.1) for _ in range(100)]
        return [Agent(f"a{n}", "Sleep.", model=model) for n, model in enumerate(models)]

    def sleep(view):
        time.sleep(0.1)
        return "done"

    return [Member(sleep, name=f"f{n}") for n in range(100)]


@pytest.mark.parametrize("kind", ["agents", "functions"])
def test_a_hundred_branches_that_sleep_100_ms_end_in_little_over_100_ms(run, kind):
    app = create_concurrent(hundred_sleepers(kind)).compile()

    assert ends_at_once(lambda: run(app))


def test_a_hundred_branches_that_sleep_100_ms_end_in_little_over_100_ms_when_saved(run, saver):
    app = create_concurrent(hundred_sleepers("agents")).compile(checkpointer=saver)
    threads = iter("abc")

    assert ends_at_once(lambda: run(app, thread=next(threads)))


def test_a_hundred_branches_of_a_nested_team_end_in_little_over_100_ms(run):
    team = create_concurrent(hundred_sleepers("agents")).compile(name="team")
    app = create_sequential([team, says("last", "over")]).compile()

    assert ends_at_once(lambda: run(app))


def test_each_branch_reads_the_task_only(run, saver):
    branches = [agent(name, "one", "two") for name in NAMES]
    app = create_concurrent(branches).compile(checkpointer=saver)

    run(app, "first task", thread="1")
    run(app, "second task", thread="1")

    for branch in branches:
        first, second = branch.model.calls
        prompt = SystemMessage(f"You are {branch.name}.")
        assert [m.content for m in first.messages] == [prompt.content, "first task"]
        assert [m.content for m in second.messages] == [prompt.content, "second task"]


def test_a_branch_never_sees_what_a_sibling_has_done(run):
    finish = Finish(["early", "late"])
    seen = []

    def late(view):
        answer = finish.branch("late").participant(view)
        seen.append((view.task, view.last_text, dict(view.results), view.turns))
        return answer

    app = create_concurrent([finish.branch("early"), Member(late, name="late")]).compile()

    run(app, "the task")

    assert seen == [("the task", "", {}, ())]


def test_a_branch_with_a_history_of_its_own_reads_by_that(run, saver):
    reader = agent("reader", "one", "two", history=everything())
    app = create_concurrent([reader, says("other", "spoken")]).compile(checkpointer=saver)

    run(app, "first", thread="1")
    run(app, "second", thread="1")

    texts = [m.text for m in reader.model.calls[-1].messages]
    assert "other: spoken" in texts
    assert texts.index("first") < texts.index("other: spoken") < texts.index("second")


def test_a_branch_reads_the_images_of_the_task(run):
    reader = agent("reader", "a cat")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    task = [HumanMessage([{"type": "text", "text": "What is this?"}, image])]

    run(create_concurrent([reader]).compile(), task)

    read = reader.model.calls[0].messages
    assert read[-1].content == task[-1].content


@pytest.mark.parametrize("order", [NAMES, sorted(NAMES), NAMES[::-1]], ids=" ".join)
def test_results_are_in_declared_order_whatever_finishes_first(run, saver, order):
    finish = Finish(order)
    app = create_concurrent([finish.branch(name) for name in NAMES]).compile(checkpointer=saver)

    result = run(app, thread="1")

    assert [(name, r.output) for name, r in result["results"].items()] == [
        (name, f"{name}'s answer") for name in NAMES
    ]
    assert [t.agent for t in result["trail"]] == [*NAMES, "aggregate"]
    assert [t.step for t in result["trail"]] == [1, 2, 3, 4]


def test_results_keep_their_declared_order_after_a_reload(saver):
    finish = Finish(sorted(NAMES))
    app = create_concurrent([finish.branch(name) for name in NAMES]).compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}

    app.invoke({"messages": "go"}, config)

    assert list(app.get_state(config).values["results"]) == NAMES


def test_messages_hold_the_answers_in_declared_order_and_then_the_aggregate(run, saver):
    finish = Finish(sorted(NAMES))
    graph = create_concurrent(
        [finish.branch(name) for name in NAMES], aggregate=lambda view: "in short"
    )

    result = run(graph.compile(checkpointer=saver), thread="1")

    answers = [(name, f"{name}'s answer") for name in NAMES]
    assert spoken(result) == [*answers, ("aggregate", "in short")]
    assert result["output"] == "in short"


def test_an_aggregate_that_equals_an_answer_is_not_said_twice(run):
    graph = create_concurrent(
        [says("zeta", "yes"), says("alpha", "no")], aggregate=prefer(["alpha"])
    )

    result = run(graph.compile())

    assert spoken(result) == [("zeta", "yes"), ("alpha", "no")]
    assert result["output"] == "no"


def test_an_aggregate_is_said_again_if_only_an_earlier_run_has_said_it(run, saver):
    replies = iter(["same", "different"])
    graph = create_concurrent(
        [Member(lambda _: next(replies), name="a")], aggregate=lambda view: "same"
    )
    app = graph.compile(checkpointer=saver)

    run(app, "first", thread="1")
    result = run(app, "second", thread="1")

    assert spoken(result) == [("a", "same"), ("a", "different"), ("aggregate", "same")]


def test_result_holds_name_output_and_seconds_of_a_branch(run):
    def slow(view):
        time.sleep(0.2)
        return "slow answer"

    result = run(create_concurrent([slow, says("quick", "quick answer")]).compile())

    slow_one, quick_one = result["results"].values()
    assert (slow_one.name, slow_one.output, slow_one.ok) == ("slow", "slow answer", True)
    assert slow_one.failure is None
    assert slow_one.seconds >= 0.2 > quick_one.seconds


def test_trail_tells_who_did_what_at_what_cost(run):
    app = create_concurrent([agent("zeta", "one"), agent("alpha", "two")]).compile()

    result = run(app)

    told = [(t.path, t.kind, t.outcome, t.input_tokens, t.output_tokens) for t in result["trail"]]
    assert told == [
        ("zeta", "agent", "ok", 10, 5),
        ("alpha", "agent", "ok", 10, 5),
        ("aggregate", "aggregate", "ok", 0, 0),
    ]
    assert result["stop"].reason == "completed"


def test_second_run_on_a_thread_has_only_its_own_results(run, saver):
    def picks(view):
        return ["alpha"] if view.task == "second" else NAMES

    finish = [agent(name, "one", "two") for name in NAMES]
    app = create_concurrent(finish, select=picks).compile(checkpointer=saver)

    run(app, "first", thread="1")
    result = run(app, "second", thread="1")

    assert {name: r.output for name, r in result["results"].items()} == {"alpha": "two"}
    assert result["output"] == "## alpha\n\ntwo"
    assert [(t.agent, t.step) for t in result["trail"]][-2:] == [("alpha", 1), ("aggregate", 2)]


def lookup(what: str) -> str:
    """Look something up."""
    return f"found {what}"


def calls_lookup(what):
    return AIMessage("", tool_calls=[{"name": "lookup", "args": {"what": what}, "id": "call_1"}])


def test_tool_calls_of_a_branch_stay_with_their_results_before_its_answer(run):
    branches = [
        agent("zeta", calls_lookup("squid"), "squid it is", tools=[lookup]),
        agent("alpha", calls_lookup("clam"), "clam it is", tools=[lookup]),
    ]

    result = run(create_concurrent(branches).compile())

    kinds = [(m.type, m.text) for m in result["messages"]]
    assert kinds == [
        ("human", "the task"),
        ("ai", ""),
        ("tool", "found squid"),
        ("ai", "squid it is"),
        ("ai", ""),
        ("tool", "found clam"),
        ("ai", "clam it is"),
        ("ai", "## zeta\n\nsquid it is\n\n## alpha\n\nclam it is"),
    ]


class Notes(ConcurrentState):
    notes: Annotated[list[str], operator.add]


def test_custom_keys_written_by_two_branches_are_merged_by_their_reducer(run, saver):
    def writes(note):
        return lambda view: {"output": note, "notes": [note]}

    graph = create_concurrent(
        [Member(writes("from zeta"), name="zeta"), Member(writes("from alpha"), name="alpha")],
        state_schema=Notes,
    )

    result = run(
        graph.compile(checkpointer=saver), {"messages": "go", "notes": ["given"]}, thread="1"
    )

    assert sorted(result["notes"]) == ["from alpha", "from zeta", "given"]
    assert {name: r.output for name, r in result["results"].items()} == {
        "zeta": "from zeta",
        "alpha": "from alpha",
    }


def test_custom_keys_are_merged_in_the_same_order_whatever_finishes_first(run):
    def merged(order):
        finish = Finish(order)

        def writes(name):
            wait = finish.branch(name).participant
            return Member(lambda view: {"output": wait(view), "notes": [name]}, name=name)

        graph = create_concurrent([writes(name) for name in NAMES], state_schema=Notes)
        return run(graph.compile())["notes"]

    assert merged(NAMES) == merged(NAMES[::-1])


class Single(ConcurrentState):
    verdict: str


def test_a_custom_key_without_a_reducer_that_two_branches_write_is_a_clear_error(run):
    def writes(view):
        return {"output": "x", "verdict": "guilty"}

    graph = create_concurrent(
        [Member(writes, name="a"), Member(writes, name="b")], state_schema=Single
    )

    with pytest.raises(InvalidUpdateError, match="verdict"):
        run(graph.compile())


class Find(BaseModel):
    species: str
    arms: int


def test_typed_answers_stay_typed_in_the_results_after_a_reload(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    find = Find(species="octopus", arms=8)

    def app(opened):
        branches = [agent("zeta", find, output=Find), agent("alpha", "text")]
        return create_concurrent(branches).compile(checkpointer=opened)

    with open_checkpointer(url, types=(Find,)) as saver:
        result = run(app(saver), thread="1")
    with open_checkpointer(url, types=(Find,)) as saver:
        state = app(saver).get_state({"configurable": {"thread_id": "1"}}).values

    assert result["results"]["zeta"].output == find
    assert state["results"]["zeta"].output == find
    assert state["results"] == result["results"]
    assert ("zeta", find.model_dump_json()) in spoken(result)


def test_failure_of_a_nested_team_is_the_failure_of_its_branch(run):
    def breaks(view):
        raise ValueError("no such document")

    team = create_sequential([says("drafter", "a draft"), breaks]).compile(name="team")

    result = run(create_concurrent([team, says("solo", "fine")]).compile())

    failure = result["results"]["team"].failure
    assert (failure.agent, failure.type, failure.message) == (
        "team",
        "ValueError",
        "no such document",
    )
    assert result["output"] == "## solo\n\nfine"


def test_a_team_that_ends_failed_is_a_failure_of_its_branch(run):
    def breaks(view):
        raise ValueError("no such document")

    recorded = Member(breaks, policy=Policy(retry=None, on_failure="record"))
    team = create_sequential([recorded]).compile(name="team")

    result = run(create_concurrent([team, says("solo", "fine")]).compile())

    failure = result["results"]["team"].failure
    assert "`team` ended `failed`" in failure.message
    assert "no such document" in failure.message
    assert result["output"] == "## solo\n\nfine"


def test_a_team_whose_draft_a_person_rejects_is_a_failure_of_its_branch(run, saver):
    team = create_sequential([says("drafter", "a draft"), Human("editor")]).compile(name="team")
    app = create_concurrent([team, says("solo", "fine")]).compile(checkpointer=saver)

    run(app, thread="1")
    result = run(app, Command(resume=False), thread="1")

    assert "`team` ended `rejected`" in result["results"]["team"].failure.message
    assert result["stop"].reason == "completed"


def test_members_of_a_nested_team_stand_in_the_trail_under_its_name(run, saver):
    team = create_sequential([agent("drafter", "draft"), agent("editor", "final")])
    graph = create_concurrent([team.compile(name="team"), agent("solo", "alone")])

    result = run(graph.compile(checkpointer=saver), thread="1")

    assert [(t.path, t.step) for t in result["trail"]] == [
        ("team/drafter", 1),
        ("team/editor", 1),
        ("solo", 2),
        ("aggregate", 3),
    ]
    assert result["results"]["team"].output == "final"
    assert spoken(result)[0] == ("team", "final")


def test_a_team_of_branches_inside_a_branch_keeps_its_state_to_itself(run, saver):
    inner = create_concurrent([says("alpha", "inner"), says("mid", "inner too")])
    outer = create_concurrent([says("zeta", "outer"), inner.compile(name="team")])

    result = run(outer.compile(checkpointer=saver), thread="1")

    assert list(result["results"]) == ["zeta", "team"]
    assert result["results"]["team"].output == "## alpha\n\ninner\n\n## mid\n\ninner too"
    assert [t.path for t in result["trail"]] == [
        "zeta",
        "team/alpha",
        "team/mid",
        "team/aggregate",
        "aggregate",
    ]


def streamed(app):
    """The text of each message of a token stream, and who said it, by its id."""
    texts, names = defaultdict(str), {}
    for _, (message, metadata) in app.stream(
        {"messages": "go"}, stream_mode="messages", subgraphs=True
    ):
        texts[message.id] += message.text
        names[message.id] = message.name or metadata["langgraph_node"]
    return [(names[id_], text) for id_, text in texts.items()]


def test_each_answer_is_streamed_once():
    team = create_sequential([agent("drafter", "a draft"), agent("editor", "the final text")])
    graph = create_concurrent(
        [
            agent("zeta", "zeta speaks"),
            says("alpha", "alpha speaks"),
            agent("mid", Find(species="octopus", arms=8), output=Find),
            team.compile(name="team"),
        ],
        aggregate=agent("writer", "in short"),
    )

    assert sorted(streamed(graph.compile())) == [
        ("aggregate", "in short"),
        ("alpha", "alpha speaks"),
        ("drafter", "a draft"),
        ("editor", "the final text"),
        ("mid", '{"species":"octopus","arms":8}'),
        ("zeta", "zeta speaks"),
    ]


class Peak:
    """Counts how many are at work at the same time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._now = 0
        self.reached = 0

    def __call__(self, view):
        with self._lock:
            self._now += 1
            self.reached = max(self.reached, self._now)
        time.sleep(0.01)
        with self._lock:
            self._now -= 1
        return "ok"


@pytest.mark.parametrize("most", [2, 5])
def test_max_concurrency_of_the_caller_is_respected(run, most):
    peak = Peak()
    app = create_concurrent([Member(peak, name=f"m{n}") for n in range(20)]).compile()

    result = run(app, config={"max_concurrency": most})

    assert 1 <= peak.reached <= most
    assert len(result["results"]) == 20


def test_max_concurrency_of_the_caller_reaches_a_nested_team(run):
    peak = Peak()
    team = create_concurrent([Member(peak, name=f"m{n}") for n in range(20)]).compile(name="team")

    run(create_sequential([team]).compile(), config={"max_concurrency": 3})

    assert 1 <= peak.reached <= 3


def test_nothing_said_by_anybody_is_an_empty_output(run):
    result = run(create_concurrent([says("a", "")], aggregate=lambda view: "").compile())

    assert result["output"] == ""
    assert result["stop"].reason == "completed"


def test_a_blank_task_is_refused_before_any_model_is_called(run):
    silent = agent("silent", "never asked")

    with pytest.raises(InputError, match="the task is empty"):
        run(create_concurrent([silent]).compile(), "  ")
    assert silent.model.calls == []


@pytest.mark.parametrize(
    ("participants", "options", "told"),
    [
        ([], {}, "`participants` is empty"),
        ([says("a", ""), says("a", "")], {}, "`a` is given 2 times"),
        ([says("results", "")], {}, "`results` is a key of the state"),
        ([says("a", "")], {"min_results": 2}, "`min_results` is 2"),
        ([says("a", "")], {"min_results": -1}, "`min_results` is -1"),
        ([says("a", "")], {"deadline": 0}, "`deadline` is 0"),
        ([says("a", "")], {"on_failure": "ignore"}, "'ignore'"),
        ([says("a", "")], {"state_schema": dict}, "`ConcurrentState`"),
    ],
)
def test_misuse_is_refused_at_construction(participants, options, told):
    with pytest.raises(ConfigurationError, match=told):
        create_concurrent(participants, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"min_results": True},
        {"min_results": 1.0},
        {"deadline": "soon"},
        {"deadline": True},
        {"limits": 3},
        {"aggregate": 7},
        {"select": 7},
        {"no_such_option": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_arguments_of_the_wrong_type_are_refused(options):
    with pytest.raises(TypeError):
        create_concurrent([says("a", "")], **options)


def edges(graph):
    return {(edge.source, edge.target) for edge in graph.compile().get_graph().edges}


def test_drawing_shows_branches_side_by_side_between_intake_and_join():
    graph = create_concurrent([says("zeta", ""), says("alpha", "")])

    assert isinstance(graph, PatternGraph)
    assert edges(graph) == {
        ("__start__", "intake"),
        ("intake", "zeta"),
        ("intake", "alpha"),
        ("zeta", "join"),
        ("alpha", "join"),
        ("join", "aggregate"),
        ("aggregate", "__end__"),
    }


def test_compiled_graph_is_named_after_its_pattern_unless_it_is_given_a_name():
    graph = create_concurrent([says("a", "")])

    assert graph.compile().get_name() == "concurrent"
    assert graph.compile(name="panel").get_name() == "panel"


def test_participants_may_take_part_in_two_graphs(run):
    shared = agent("shared", "first", "second")
    one, other = create_concurrent([shared]), create_concurrent([shared, says("b", "x")])

    assert run(one.compile())["results"]["shared"].output == "first"
    assert run(other.compile())["results"]["shared"].output == "second"
