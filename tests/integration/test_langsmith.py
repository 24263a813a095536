"""What LangSmith is told of a run: its real client posts to a server on loopback."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langchain_core.tracers.langchain import LangChainTracer
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, RetryPolicy
from langsmith import traceable

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_maker_checker,
    create_map_reduce,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Policy, View, by_model
from langgraph_orchestra.state import GroupChatState
from support.chats import finished, says, talkers
from support.handoffs import to
from support.members import AT_ONCE, RECORDED, agent, team
from support.runs import WAYS, Run
from support.traces import Traces
from support.verdicts import checker, no, writer, yes


@pytest.fixture(params=[WAYS[0], WAYS[-1]], ids=str)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a graph sync, and streamed async; what is posted takes its time."""
    return Run(request.param)


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    """Everything that LangSmith is told."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Traces() as traces:
        yield traces


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word}: found"


def research(messages: list[BaseMessage]) -> Any:
    if isinstance(messages[-1], ToolMessage):
        return "It has eight arms."
    return AIMessage("", tool_calls=[{"name": "lookup", "args": {"word": "arm"}, "id": "call_1"}])


def names(runs: list[dict[str, Any]]) -> list[str]:
    return [run["name"] for run in runs]


def test_a_run_is_one_trace_with_a_child_for_each_participant(run, traces):
    def publish(view: View) -> str:
        return view.last_text

    graph = create_sequential(
        [
            Agent("researcher", "Look.", model=ScriptedModel(research), tools=[lookup]),
            Agent("writer", "Write.", model=ScriptedModel(["Eight."])),
            publish,
        ]
    )
    with traces.listening():
        run(graph.compile(name="article"), "octopus")

    (root,) = traces.roots
    children = traces.children(root)
    assert root["name"] == "article"
    assert names(children) == ["intake", "researcher", "writer", "publish"]
    models = {c["name"]: [r for r in traces.below(c) if r["run_type"] == "llm"] for c in children}
    assert {name: len(runs) for name, runs in models.items()} == {
        "intake": 0,
        "researcher": 2,
        "writer": 1,
        "publish": 0,
    }
    tools = [r for child in children for r in traces.below(child) if r["run_type"] == "tool"]
    assert names(tools) == ["lookup"]
    assert all(r.get("end_time") for r in (root, *traces.below(root)))


def test_members_of_a_team_stand_below_their_team(run, traces):
    team = create_concurrent(
        [
            Agent("left", "Left.", model=ScriptedModel(["l"])),
            Agent("right", "Right.", model=ScriptedModel(["r"])),
        ]
    ).compile(name="team")
    with traces.listening():
        run(create_sequential([team]).compile(), "octopus")

    (root,) = traces.roots
    (team_run,) = (child for child in traces.children(root) if child["name"] == "team")
    below = names(traces.below(team_run))
    assert names(traces.children(root)) == ["intake", "team"]
    assert {"intake", "left", "right", "join", "aggregate"} <= set(below)


def test_each_attempt_of_a_failing_participant_is_traced_with_its_error(run, traces):
    model = ScriptedModel([ConnectionError("the line is dead"), "Eight."])
    policy = Policy(retry=RetryPolicy(initial_interval=0.001, jitter=False))
    writer = Agent("writer", "Write.", model=model, policy=policy)
    with traces.listening():
        run(create_sequential([writer]).compile(), "octopus")

    (root,) = traces.roots
    errors = [run.get("error") or "" for run in traces.below(root) if run["run_type"] == "llm"]
    assert ["the line is dead" in error for error in errors] == [True, False]
    assert not root.get("error")


def led() -> PatternGraph:
    """A chat in which a model gives the floor."""
    chair = agent("chair", says("bob"), says("ann"), finished("Done."))
    return create_group_chat([agent("ann"), agent("bob")], select=by_model(chair))


GRAPHS: dict[str, tuple[Callable[[], PatternGraph], list[tuple[str, int]]]] = {
    "sequential": (
        lambda: create_sequential([agent("ann"), agent("bob")]),
        [("ann", 1), ("bob", 2)],
    ),
    "concurrent": (
        lambda: create_concurrent([agent("ann"), agent("bob")]),
        [("ann", 1), ("bob", 1), ("join", 1), ("aggregate", 3)],
    ),
    "map_reduce": (
        lambda: create_map_reduce(lambda view: view.task.split(), agent("worker", "a", "b")),
        [("worker", 0), ("worker", 0), ("aggregate", 3)],
    ),
    "group_chat": (
        led,
        [("selector", 1), ("bob", 1), ("selector", 2), ("ann", 2), ("selector", 3)],
    ),
    "maker_checker": (
        lambda: create_maker_checker(writer("one", "two"), checker(no("More."), yes())),
        [("writer", 1), ("boss", 1), ("writer", 2), ("boss", 2)],
    ),
    "handoff": (
        lambda: create_handoff([agent("ann", to("bob")), agent("bob")], routes={"ann": ["bob"]}),
        [("ann", 1), ("bob", 2)],
    ),
}
"""A graph of each pattern, and the steps after its intake with the round each belongs to."""

INTERNAL = {"intake", "selector", "join", "aggregate"}


def about(run: dict[str, Any], *keys: str) -> list[Any]:
    """What a run's metadata says."""
    return [run["extra"]["metadata"].get(key) for key in keys]


@pytest.mark.parametrize("pattern", GRAPHS)
def test_each_step_tells_pattern_team_participant_round_and_thread(run, traces, pattern):
    build, steps = GRAPHS[pattern]
    with traces.listening():
        run(build().compile(InMemorySaver(), name="demo"), "two items", thread="7")

    (root,) = traces.roots
    first, *children = traces.children(root)
    assert (root["name"], about(root, "pattern", "team")) == ("demo", [pattern, "demo"])
    assert pattern in root["tags"]
    assert (first["name"], about(first, "participant", "round")) == ("intake", [None, None])
    assert sorted((child["name"], about(child, "round")[0] or 0) for child in children) == sorted(
        steps
    )
    for child in children:
        who = None if child["name"] in INTERNAL else child["name"]
        assert about(child, "participant") == [who]
        for below in (child, *traces.below(child)):
            told = about(below, "pattern", "team", "participant", "thread_id")
            assert told == [pattern, "demo", who, "7"]


@pytest.mark.parametrize("pattern", GRAPHS)
def test_each_run_is_posted_once_and_ended_once(run, traces, pattern):
    build, _ = GRAPHS[pattern]
    with traces.listening():
        run(build().compile(), "two items")

    (root,) = traces.roots
    every = [root, *traces.below(root)]
    assert traces.posts == {(how, one["id"]): 1 for how in ("POST", "PATCH") for one in every}
    assert all(one["end_time"] and not one.get("error") for one in every)


def test_a_team_three_deep_tells_of_itself_at_each_depth(run, traces):
    core = team(agent("expert"), name="core")
    outer = create_concurrent([core, agent("helper")]).compile(name="team")
    with traces.listening():
        run(
            create_sequential([outer, agent("closer")]).compile(InMemorySaver(), name="top"),
            thread="7",
        )

    (root,) = traces.roots
    tree = traces.tree(root, "chain")
    inside = {"intake": {}, "core": {"core": {"intake": {}, "expert": {}}}, "helper": {}}
    assert tree == {
        "intake": {},
        "team": {"team": {**inside, "join": {}, "aggregate": {}}},
        "closer": {},
    }
    assert about(traces.of("expert"), "pattern", "team", "participant", "thread_id") == [
        "sequential",
        "core",
        "expert",
        "7",
    ]
    assert about(traces.of("helper"), "pattern", "team") == ["concurrent", "team"]
    for name, pattern in (("team", "concurrent"), ("core", "sequential")):
        node, graph = traces.all_of(name)
        assert about(graph, "pattern", "team", "participant") == [pattern, name, name]
        assert about(node, "team") != [name]


def outputs(run: dict[str, Any], *keys: str) -> list[Any]:
    """What a step has brought."""
    return [run["outputs"].get(key) for key in keys]


def test_a_choice_of_the_next_speaker_shows_its_reason_and_where_the_run_goes(run, traces):
    with traces.listening():
        run(led().compile())

    choices = [outputs(one, "decisions", "goto") for one in traces.all_of("selector")]
    assert choices == [
        [{"selector": "bob: because"}, "bob"],
        [{"selector": "ann: because"}, "ann"],
        [{"selector": "finished: because"}, "__end__"],
    ]
    questions = [one for step in traces.all_of("selector") for one in traces.children(step)]
    assert names(questions) == ["SpeakerChoice"] * 3


def test_a_handoff_shows_its_reason_at_who_has_handed_over(run, traces):
    members = [agent("ann", to("bob", reason="an invoice")), agent("bob")]
    with traces.listening():
        run(create_handoff(members, routes={"ann": ["bob"]}).compile())

    (handoff,) = traces.of("ann")["outputs"]["handoffs"]
    assert (handoff["target"], handoff["reason"], handoff["outcome"]) == (
        "bob",
        "an invoice",
        "accepted",
    )
    assert outputs(traces.of("ann"), "goto", "active") == ["bob", "bob"]
    assert outputs(traces.of("bob"), "goto", "output", "handoffs") == ["__end__", "bob", None]


@pytest.mark.parametrize("others", [[], ["tone"]], ids=["alone", "side by side"])
def test_a_verdict_shows_its_feedback_at_who_has_judged(run, traces, others):
    bosses = [checker(no("More facts."), yes()), *(checker(yes(), yes(), name=n) for n in others)]
    with traces.listening():
        run(create_maker_checker(writer("one", "two"), bosses).compile())

    first, _ = traces.all_of("boss")
    (turn,) = first["outputs"]["trail"]
    verdict = first["outputs"].get("verdict") or first["outputs"]["verdicts"][0]["boss"]
    assert (turn["agent"], turn["outcome"]) == ("boss", "ok")
    assert (verdict["approved"], verdict["feedback"]) == (False, "More facts.")


def test_a_branch_shows_what_it_has_brought(run, traces):
    with traces.listening():
        run(create_concurrent([agent("ann", "yes"), agent("bob", "no")]).compile())

    for name, answer in (("ann", "yes"), ("bob", "no")):
        result, (message,) = outputs(traces.of(name), "result", "messages")
        assert (result["output"], message["content"]) == (answer, answer)


def test_bookkeeping_is_not_shown(run, traces):
    for pattern, (build, _) in GRAPHS.items():
        with traces.listening():
            run(build().compile(name=pattern), "two items")

    for root in traces.roots:
        for child in traces.children(root):
            shown = {*child["inputs"], *child["outputs"]}
            assert not shown & {"run_info", "branch_records", "handoff_info"}, root["name"]


def shown_to(run: dict[str, Any]) -> list[str]:
    """Texts of the messages that stand in a step's inputs."""
    return [message["content"] for message in run["inputs"]["messages"]]


def test_a_turn_shows_its_task_and_what_is_new_and_the_model_call_all_that_is_read(run, traces):
    members = talkers("ann", "bob", words=20)
    with traces.listening():
        run(create_group_chat(members, max_turns=40).compile(), "debate")

    turns = traces.all_of("bob")
    assert {turn["inputs"]["task"] for turn in turns} == {"debate"}
    assert [shown_to(turn) for turn in turns] == [[f"ann {n + 1}"] for n in range(20)]
    assert [turn["inputs"]["messages_on_thread"] for turn in turns] == list(range(2, 42, 2))
    (call,) = traces.children(turns[-1])
    (prompt,) = call["inputs"]["messages"]
    assert (call["run_type"], len(prompt)) == ("llm", 41)


def test_who_speaks_late_is_shown_the_latest_messages_only(run, traces):
    members = talkers("ann", "bob", words=20)
    late = agent("late")

    def select(view: View) -> str:
        return ("ann", "bob")[len(view.turns) % 2] if len(view.turns) < 30 else "late"

    with traces.listening():
        run(create_group_chat([*members, late], select=select, max_turns=31).compile(), "debate")

    said = [f"{name} {turn}" for turn in range(13, 16) for name in ("ann", "bob")]
    assert shown_to(traces.of("late")) == said
    assert traces.of("late")["inputs"]["messages_on_thread"] == 31


def test_a_second_run_does_not_show_the_first_again(run, saver, traces):
    app = create_sequential([echoing("ann"), echoing("bob")]).compile(saver)
    for task in ("one", "two"):
        with traces.listening():
            run(app, task, thread="1")

    assert [turn["inputs"]["task"] for turn in traces.all_of("bob")] == ["one", "two"]
    assert [shown_to(turn) for turn in traces.all_of("bob")] == [["ann says one"], ["ann says two"]]
    assert ["task" in begun["inputs"] for begun in traces.all_of("intake")] == [False, False]


def echoing(name: str) -> Callable[[View], str]:
    """A function of that name that repeats the task."""

    def says(view: View) -> str:
        return f"{name} says {view.task}"

    says.__name__ = name
    return says


class Case(GroupChatState, total=False):
    """A state with a key of the user's own."""

    ticket: int


def test_keys_of_the_users_own_are_shown_and_an_item_with_its_index(run, traces):
    chat = create_group_chat([agent("ann")], max_turns=1, state_schema=Case)
    items = create_map_reduce(lambda view: view.task.split(), agent("worker", "a", "b"))
    with traces.listening():
        run(chat.compile(), {"messages": "help", "ticket": 7})
        run(items.compile(), "two items")

    assert traces.of("ann")["inputs"]["ticket"] == 7
    given = [(w["inputs"]["index"], w["inputs"]["item"]) for w in traces.all_of("worker")]
    assert sorted(given) == [(0, "two"), (1, "items")]


def test_a_question_and_its_answer_are_two_traces_of_one_thread(run, saver, traces):
    app = create_sequential([agent("ann"), Human("editor"), agent("bob")]).compile(saver, name="a")
    with traces.listening():
        run(app, "write", thread="9")
        run(app, Command(resume="approve"), thread="9")

    first, second = sorted(traces.roots, key=lambda root: str(root["start_time"]))
    assert names(traces.children(first)) == ["intake", "ann", "editor"]
    assert names(traces.children(second)) == ["editor", "bob"]
    assert about(first, "thread_id") == about(second, "thread_id") == ["9"]
    asked, answered = traces.all_of("editor")
    assert "review_draft" in asked["error"]
    assert not answered.get("error")
    (turn,) = answered["outputs"]["trail"]
    assert (turn["kind"], turn["agent"]) == ("human", "editor")
    assert shown_to(asked) == shown_to(answered) == ["ann"]
    every = [one for root in (first, second) for one in (root, *traces.below(root))]
    assert traces.posts == {(how, one["id"]): 1 for how in ("POST", "PATCH") for one in every}


def test_each_attempt_is_a_step_of_its_own_and_the_last_error_stands_at_the_run(run, traces):
    model = ScriptedModel([ConnectionError("dead")] * 3)
    failing = Agent("ann", "Write.", model=model, policy=Policy(retry=AT_ONCE))
    with traces.listening(), pytest.raises(ConnectionError):
        run(create_sequential([failing]).compile())

    (root,) = traces.roots
    attempts = traces.all_of("ann")
    assert ["dead" in (attempt["error"] or "") for attempt in attempts] == [True] * 3
    assert [about(attempt, "participant", "round") for attempt in attempts] == [["ann", 1]] * 3
    assert "dead" in root["error"]


def test_a_failure_that_is_recorded_is_no_error_of_its_step(run, traces):
    failing = agent("ann", ValueError("no such word"), policy=RECORDED)
    with traces.listening():
        run(create_sequential([failing, agent("bob")]).compile())

    step = traces.of("ann")
    (call,) = traces.children(step)
    (turn,) = step["outputs"]["trail"]
    assert not step.get("error")
    assert "no such word" in call["error"]
    assert (turn["outcome"], turn["detail"]) == ("failed", "ValueError: no such word")


def test_a_tracer_that_is_handed_in_is_shown_what_is_new_too(run, traces):
    members = talkers("ann", "bob", words=20)
    app = create_group_chat(members, max_turns=40).compile()
    with traces.client() as client:
        run(app, "debate", config={"callbacks": [LangChainTracer(client=client)]})

    *_, last = traces.all_of("bob")
    assert shown_to(last) == ["ann 20"]
    assert about(last, "round") == [40]
    assert outputs(last, "goto", "output") == ["__end__", "bob 20"]


def test_a_run_inside_a_traced_function_is_part_of_its_trace(run, traces):
    app = create_sequential([agent("ann")]).compile(name="article")

    @traceable(name="request")
    def handle(task: str) -> Any:
        return run(app, task)["output"]

    with traces.listening():
        handle("write")

    (root,) = traces.roots
    assert names([root, *traces.children(root)]) == ["request", "article"]
    assert about(root, "round") == [None]
    assert about(traces.of("ann"), "round", "pattern") == [1, "sequential"]


def test_untraced_runs_send_nothing_whether_traced_ones_came_before_or_come_after(run, traces):
    app = create_sequential([echoing("ann"), echoing("bob")]).compile()
    results = [run(app, "write")]
    with traces.listening():
        results.append(run(app, "write"))
    sent = sum(traces.posts.values())
    results.append(run(app, "write"))

    assert {result["output"] for result in results} == {"bob says write"}
    assert (len(traces.roots), sum(traces.posts.values())) == (1, sent)
    assert shown_to(traces.of("bob")) == ["ann says write"]


def test_runs_side_by_side_are_each_shown_as_they_are(traces):
    app = create_sequential([echoing("ann"), echoing("bob")]).compile()
    tasks = [f"task {number}" for number in range(12)]
    with traces.listening():
        with ThreadPoolExecutor(6) as pool:
            contexts = [copy_context() for _ in tasks]
            jobs = [
                pool.submit(context.run, app.invoke, {"messages": task})
                for context, task in zip(contexts, tasks, strict=True)
            ]
        assert all(job.result()["stop"].reason == "completed" for job in jobs)

    assert len(traces.roots) == len(tasks)
    shown = {step["inputs"]["task"]: shown_to(step) for step in traces.all_of("bob")}
    assert shown == {task: [f"ann says {task}"] for task in tasks}
