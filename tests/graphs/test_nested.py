"""Patterns as participants of patterns: answers, trails, interrupts, failures, streams, state."""

import operator
from collections.abc import Iterable
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Human, Limits, Member, Policy, everything
from langgraph_orchestra.state import AnswerError, ConcurrentState, SequentialState
from support.members import AT_ONCE, ONCE, RECORDED, agent, look_up, team, wants
from support.results import asked, ended, read_by, spoken

THREAD = {"configurable": {"thread_id": "1"}}


class Verse(BaseModel):
    """A verse."""

    title: str


class Plan(BaseModel):
    """A plan."""

    steps: list[str]


def paths(result):
    """Where turns were taken, in which step, and how they ended."""
    return [(turn.path, turn.step, turn.outcome) for turn in result["trail"]]


# Answers and trails


def test_a_team_answers_with_its_result_in_one_message_of_its_name(run, saver):
    reader = agent("reader")
    app = create_sequential([team(agent("a"), agent("b", "beta")), reader]).compile(
        checkpointer=saver
    )
    result = run(app, "the task", thread="1")
    assert spoken(result) == [("team", "beta"), ("reader", "reader")]
    assert read_by(reader) == ["the task", "team: beta"]


def test_a_team_answers_with_its_result_not_with_its_limit(run):
    inner = team(agent("a", "alpha"), agent("b"), limits=Limits(turns=1))
    assert ended(run(create_sequential([inner]).compile())) == ("alpha", "completed")


def test_a_team_reads_what_a_stage_in_its_place_would(run):
    member = agent("member")
    run(create_sequential([agent("a", "alpha"), agent("b", "beta"), team(member)]).compile())
    assert read_by(member) == ["the task", "b: beta"]


def test_the_trail_has_the_members_of_teams_under_their_paths(run, saver):
    inner = team(agent("x"), team(agent("y"), name="core"), agent("z"))
    app = create_sequential([agent("a"), inner, agent("b")]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert paths(result) == [
        ("a", 1, "ok"),
        ("team/x", 2, "ok"),
        ("team/core/y", 2, "ok"),
        ("team/z", 2, "ok"),
        ("b", 3, "ok"),
    ]


def test_a_team_with_a_failure_inside_that_was_recorded_has_answered(run):
    inner = team(agent("x", "fine"), agent("y", ValueError("no"), policy=RECORDED))
    result = run(create_sequential([inner]).compile())
    assert ended(result) == ("fine", "completed")
    assert paths(result) == [("team/x", 1, "ok"), ("team/y", 1, "failed")]


def test_a_teams_typed_answer_stays_typed(run, saver):
    inner = team(agent("poet", Verse(title="Sea"), output=Verse))
    reader = agent("reader")
    app = create_sequential([inner]).compile(checkpointer=saver)
    assert ended(run(app, thread="1")) == (Verse(title="Sea"), "completed")
    run(create_sequential([inner_of_verse(), reader]).compile())
    assert read_by(reader) == ["the task", 'team: {"title":"Sea"}']


def inner_of_verse():
    """A team that answers with a verse."""
    return team(agent("poet", Verse(title="Sea"), output=Verse))


def test_a_teams_typed_answer_is_typed_after_a_reload_from_disk(tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as saver:
        app = create_sequential([team(inner_of_verse(), name="outer")]).compile(checkpointer=saver)
        app.invoke({"messages": "go"}, THREAD)
    with open_checkpointer(url) as saver:
        app = create_sequential([team(inner_of_verse(), name="outer")]).compile(checkpointer=saver)
        assert app.get_state(THREAD).values["output"] == Verse(title="Sea")


def test_a_team_starts_afresh_in_each_run_and_on_each_call(run, saver):
    member = agent("member", "one", "two")
    app = create_sequential([team(member)]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    _, second = member.model.calls
    assert [m.text for m in second.messages if m.type != "system"] == ["second"]
    assert ended(result) == ("two", "completed")


def test_one_team_may_take_part_under_two_names(run):
    shared = team(agent("member", "one", "two"))
    result = run(create_sequential([shared, Member(shared, name="again")]).compile())
    assert paths(result) == [("team/member", 1, "ok"), ("again/member", 2, "ok")]
    assert spoken(result) == [("team", "one"), ("again", "two")]


def test_every_pattern_is_a_participant_of_every_other(run, saver):
    def text(view):
        return ["one", "two"]

    def teams(level):
        if level == 0:
            return [agent("x"), agent("y")]
        return [
            create_sequential(teams(level - 1)).compile(name="line"),
            create_concurrent(teams(level - 1)).compile(name="fan"),
            create_map_reduce(text, Member(says, name="row")).compile(name="rows"),
        ]

    app = create_sequential(teams(2)).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert result["stop"].reason == "completed"
    agents = {turn.path for turn in result["trail"] if turn.kind == "agent"}
    assert agents == {
        *(f"line/{inner}/{name}" for inner in ("line", "fan") for name in "xy"),
        *(f"fan/{inner}/{name}" for inner in ("line", "fan") for name in "xy"),
    }
    rows = [turn.path for turn in result["trail"] if turn.agent == "row"]
    assert rows == [
        *(f"line/rows/row[{n}]" for n in (0, 1)),
        *(f"fan/rows/row[{n}]" for n in (0, 1)),
        *(f"rows/row[{n}]" for n in (0, 1)),
    ]


def says(view):
    return f"row {view.task}"


# Graphs built elsewhere


def elsewhere(*replies, name="elsewhere", **options):
    """An agent's graph as LangChain builds it."""
    return create_agent(ScriptedModel(replies or [name]), [look_up], name=name, **options)


def test_an_agent_built_elsewhere_takes_part(run, saver):
    reader = agent("reader")
    stages = [elsewhere(wants("look_up", word="octopus"), "found it"), reader]
    app = create_sequential(stages).compile(checkpointer=saver)
    result = run(app, "the task", thread="1")
    assert spoken(result) == [("elsewhere", ""), ("elsewhere", "found it"), ("reader", "reader")]
    assert read_by(reader) == ["the task", "elsewhere: found it"]
    assert [(t.path, t.input_tokens) for t in result["trail"]] == [
        ("elsewhere", 20),
        ("reader", 10),
    ]


def test_an_agent_with_a_memory_of_its_own_says_only_what_is_new(run, saver):
    member = elsewhere("one", wants("look_up", word="octopus"), "two", checkpointer=True)
    app = create_sequential([member]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    assert [m.text for m in result["messages"]] == [
        "first",
        "one",
        "second",
        "",
        "octopus is a mollusc",
        "two",
    ]
    assert [turn.input_tokens for turn in result["trail"]] == [10, 20]


def test_a_team_with_a_memory_of_its_own_says_only_what_is_new(run, saver):
    inner = create_sequential([agent("member", "one", "two", history=everything())])
    member = inner.compile(name="team", checkpointer=True)
    app = create_sequential([member]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    assert spoken(result) == [("team", "one"), ("team", "two")]
    assert paths(result) == [("team/member", 1, "ok"), ("team/member", 1, "ok")]


def test_a_graph_without_messages_takes_part_by_its_keys(run):
    class Mood(TypedDict, total=False):
        mood: str
        output: str

    class Shared(SequentialState, total=False):
        mood: str

    builder = StateGraph(Mood)
    builder.add_node("feel", lambda state: {"mood": state["mood"] + "!", "output": "felt"})
    builder.set_entry_point("feel")

    def glad(view):
        return {"mood": "glad", "messages": [AIMessage("I am glad")]}

    stages = [glad, builder.compile(name="feeler")]
    result = run(create_sequential(stages, state_schema=Shared).compile())
    assert (result["output"], result["mood"]) == ("felt", "glad!")


def test_a_chat_model_or_runnable_takes_part(run):
    from langchain_core.runnables import RunnableLambda

    model = ScriptedModel(["a model's words"])
    shout = RunnableLambda(lambda messages: messages[-1].text.upper())
    stages = [Member(model, name="bare"), Member(shout, name="shout")]
    result = run(create_sequential(stages).compile())
    assert spoken(result) == [("bare", "a model's words"), ("shout", "BARE: A MODEL'S WORDS")]
    assert [turn.input_tokens for turn in result["trail"]] == [10, 0]


# Interrupts


def three_levels(*replies):
    """A person in the innermost of three sequences."""
    inner = team(agent("draft", *replies), Human("boss"), agent("clean"), name="inner")
    middle = team(agent("before"), inner, agent("after"), name="middle")
    return create_sequential([agent("first"), middle, agent("last")])


def test_an_interrupt_three_levels_deep_surfaces_and_its_answer_reaches_its_node(run, saver):
    app = three_levels().compile(checkpointer=saver)
    waiting = asked(run(app, "the task", thread="1"))
    assert waiting.id
    assert (waiting.value["node"], waiting.value["path"]) == ("boss", "middle/inner/boss")
    assert waiting.value["pattern"] == "sequential"
    result = run(app, Command(resume={waiting.id: "approve"}), thread="1")
    assert ended(result) == ("last", "completed")
    assert paths(result) == [
        ("first", 1, "ok"),
        ("middle/before", 2, "ok"),
        ("middle/inner/draft", 2, "ok"),
        ("middle/inner/boss", 2, "ok"),
        ("middle/inner/clean", 2, "ok"),
        ("middle/after", 2, "ok"),
        ("last", 3, "ok"),
    ]


def test_an_interrupt_three_levels_deep_is_answered_in_a_new_process(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as saver:
        waiting = asked(run(three_levels().compile(checkpointer=saver), thread="1"))
    with open_checkpointer(url) as saver:
        app = three_levels("shorter").compile(checkpointer=saver)
        again = asked(run(app, Command(resume={waiting.id: "shorten it"}), thread="1"))
        assert again.value["action_requests"][0]["args"]["draft"] == "shorter"
    with open_checkpointer(url) as saver:
        app = three_levels().compile(checkpointer=saver)
        result = run(app, Command(resume="yes"), thread="1")
    assert ended(result) == ("last", "completed")
    innermost = [(path, outcome) for path, _, outcome in paths(result) if "inner" in path]
    assert innermost == [
        ("middle/inner/draft", "ok"),
        ("middle/inner/boss", "refused"),
        ("middle/inner/draft", "ok"),
        ("middle/inner/boss", "ok"),
        ("middle/inner/clean", "ok"),
    ]


def test_a_bad_answer_three_levels_deep_can_be_given_again(run, saver):
    app = three_levels().compile(checkpointer=saver)
    waiting = asked(run(app, thread="1"))
    with pytest.raises(AnswerError, match="`boss`"):
        run(app, Command(resume={"type": "fly"}), thread="1")
    assert [i.id for i in app.get_state(THREAD).interrupts] == [waiting.id]
    assert ended(run(app, Command(resume=True), thread="1")) == ("last", "completed")


def test_people_in_two_branches_are_answered_one_by_one(run, saver):
    branches = [team(Human("ann"), name="left"), team(Human("bob"), name="right"), agent("c")]
    research = create_concurrent(branches).compile(name="research")
    app = create_sequential([research, agent("last")]).compile(checkpointer=saver)
    waiting = run(app, thread="1")["__interrupt__"]
    by_path = {one.value["path"]: one.id for one in waiting}
    assert set(by_path) == {"research/left/ann", "research/right/bob"}
    left = run(app, Command(resume={by_path["research/right/bob"]: "from bob"}), thread="1")
    assert [one.id for one in left["__interrupt__"]] == [by_path["research/left/ann"]]
    result = run(app, Command(resume={by_path["research/left/ann"]: "from ann"}), thread="1")
    assert ended(result) == ("last", "completed")
    said = [(turn.agent, turn.kind) for turn in result["trail"] if turn.kind != "aggregate"]
    assert said == [("ann", "human"), ("bob", "human"), ("c", "agent"), ("last", "agent")]
    assert len(branches[2].model.calls) == 1


def test_finished_members_do_not_run_again_after_an_interrupt(run, saver):
    before, after = agent("before"), agent("after")
    app = create_sequential([team(before, Human("boss"), after)]).compile(checkpointer=saver)
    run(app, thread="1")
    run(app, Command(resume="yes"), thread="1")
    assert [len(one.model.calls) for one in (before, after)] == [1, 1]


def test_a_tool_of_an_agent_in_a_team_may_ask_a_person(run, saver):
    bought = []

    def buy(thing: str) -> str:
        """Buy something."""
        answer = interrupt(f"Buy {thing}?")
        bought.append(thing)
        return f"bought after {answer}"

    call = {"name": "buy", "args": {"thing": "ink"}, "id": "call-1"}
    buyer = agent("buyer", AIMessage("", tool_calls=[call]), "done", tools=[buy])
    app = create_sequential([team(buyer), agent("last")]).compile(checkpointer=saver)
    assert asked(run(app, thread="1")).value == "Buy ink?"
    result = run(app, Command(resume="yes"), thread="1")
    assert (bought, ended(result)) == (["ink"], ("last", "completed"))
    assert len(buyer.model.calls) == 2


def test_a_user_of_the_graph_sees_the_state_of_the_waiting_team(saver):
    app = create_sequential([team(agent("a"), Human("boss"))]).compile(checkpointer=saver)
    app.invoke({"messages": "go"}, THREAD)
    (task,) = app.get_state(THREAD, subgraphs=True).tasks
    assert task.name == "team"
    assert task.state.next == ("boss",)


# Failures


def test_a_failure_inside_is_a_failure_of_the_outer_participant(run, saver):
    inner = team(agent("x", ValueError("no"), policy=RECORDED))
    reader = agent("reader")
    stages = [agent("a", "alpha"), Member(inner, policy=RECORDED), reader]
    app = create_sequential(stages).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert read_by(reader) == ["the task", "a: alpha"]
    (failed,) = [turn for turn in result["trail"] if turn.outcome == "failed"]
    assert (failed.path, failed.agent) == ("team", "team")
    assert failed.detail == "TeamFailed: team `team` ended `failed`: ValueError: no"


def test_a_rejection_inside_is_a_failure_of_the_outer_participant(run, saver):
    inner = team(agent("x"), Human("boss"))
    fan = create_concurrent([inner, agent("y")]).compile(checkpointer=saver)
    run(fan, thread="1")
    result = run(fan, Command(resume="no"), thread="1")
    failure = result["results"]["team"].failure
    assert (failure.type, result["results"]["y"].ok) == ("TeamFailed", True)
    assert "ended `rejected`" in failure.message


def test_an_exception_inside_surfaces_with_its_type_and_every_name(run):
    inner = team(agent("x", KeyError("no"), policy=ONCE))
    with pytest.raises(KeyError) as caught:
        run(create_sequential([team(inner, name="outer")]).compile())
    notes = [note for note in caught.value.__notes__ if note.startswith("in participant")]
    assert [note.partition(" of ")[0] for note in notes] == [
        "in participant `x`",
        "in participant `team`",
        "in participant `outer`",
    ]


def test_after_a_crash_inside_a_team_only_the_failed_member_and_the_rest_run(run, saver):
    a, c = agent("a"), agent("c")
    b = agent("b", ValueError("down"), "beta", policy=ONCE)
    app = create_sequential([team(a, b, c), agent("last")]).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="down"):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert ended(result) == ("last", "completed")
    assert [len(one.model.calls) for one in (a, b, c)] == [1, 2, 1]


def test_a_team_that_is_tried_again_goes_on_where_it_failed(run, saver):
    a, b = agent("a"), agent("b", ConnectionError("down"), "beta", policy=ONCE)
    app = create_sequential([Member(team(a, b), policy=Policy(retry=AT_ONCE))]).compile(
        checkpointer=saver
    )
    result = run(app, thread="1")
    assert ended(result) == ("beta", "completed")
    assert [len(one.model.calls) for one in (a, b)] == [1, 2]
    assert paths(result) == [("team/a", 1, "ok"), ("team/b", 1, "ok")]


def test_a_team_steps_in_as_a_fallback(run):
    broken = agent("a", ValueError("no"), policy=Policy(retry=None, fallback=team(agent("x"))))
    result = run(create_sequential([broken]).compile())
    assert ended(result) == ("x", "completed")
    assert spoken(result) == [("a", "x")]


# Streams of tokens


def streamed(app, task="go", **options):
    """Whole messages of a token stream, by id: who said them, and their text."""
    return _put_together(
        app.stream({"messages": task}, stream_mode="messages", subgraphs=True, **options)
    )


def _put_together(stream: Iterable[Any]) -> dict[str, tuple[Any, str, int]]:
    whole: dict[str, Any] = {}
    ends: dict[str, int] = {}
    speakers: dict[str, Any] = {}
    for _, (message, metadata) in stream:
        if message.id in whole and type(message).__name__.endswith("Chunk"):
            whole[message.id] += message
        else:
            ends[message.id] = ends.get(message.id, 0) + 1
            whole[message.id] = message
            speakers[message.id] = metadata["langgraph_node"]
    return {i: (speakers[i], whole[i].text, ends[i]) for i in whole}


def test_each_message_is_streamed_once_and_attributed_at_any_depth():
    inner = team(agent("x", "from x"), team(agent("y", "from y"), name="core"))
    stages = [agent("a", "from a"), inner, lambda_named("f", "from f"), agent("b", "from b")]
    seen = streamed(create_sequential(stages).compile())
    assert sorted(seen.values()) == [
        ("a", "from a", 1),
        ("b", "from b", 1),
        ("f", "from f", 1),
        ("x", "from x", 1),
        ("y", "from y", 1),
    ]


async def test_each_message_is_streamed_once_in_an_event_loop_too():
    inner = team(agent("x", "from x"), team(agent("y", "from y"), name="core"))
    app = create_sequential([agent("a", "from a"), inner]).compile()
    stream = app.astream({"messages": "go"}, stream_mode="messages", subgraphs=True)
    seen = _put_together([part async for part in stream])
    assert sorted(seen.values()) == [
        ("a", "from a", 1),
        ("x", "from x", 1),
        ("y", "from y", 1),
    ]


def lambda_named(name, text):
    """A function that says a text."""
    return Member(lambda view: text, name=name)


def test_streamed_messages_have_the_ids_that_are_stored():
    inner = team(agent("x", "from x"))
    app = create_sequential([inner, agent("b", "from b"), lambda_named("f", "from f")]).compile()
    ids = set()
    for mode, part in app.stream({"messages": "go"}, stream_mode=["messages", "values"]):
        if mode == "messages":
            ids.add(part[0].id)
        else:
            result = part
    stored = {m.id: m.text for m in result["messages"] if m.name}
    assert set(stored) <= ids
    assert sorted(stored.values()) == ["from b", "from f", "from x"]


def test_an_agents_tool_loop_is_streamed_under_its_name_in_the_metadata():
    member = agent("researcher", wants("look_up", word="octopus"), "found it", tools=[look_up])
    app = create_sequential([team(member)]).compile()
    stream = app.stream({"messages": "go"}, stream_mode="messages", subgraphs=True)
    said = [(ns, m, meta) for ns, (m, meta) in stream if m.text == "found " or m.text == "found it"]
    assert said
    for namespace, _, metadata in said:
        assert namespace[0].startswith("team:")
        assert namespace[1].startswith("researcher:")
        assert metadata["lc_agent_name"] == "researcher"


def test_what_is_no_speech_is_not_streamed():
    from langgraph_orchestra.nodes import judged

    judge = ScriptedModel([{"reason": "secret", "answer": False}])
    app = create_sequential(
        [agent("a", "aloud"), agent("b")], stop_when=judged(judge, "?")
    ).compile()
    assert sorted(text for _, text, _ in streamed(app).values()) == ["aloud", "b"]


# Custom state keys


def remember(thing: str, runtime: ToolRuntime) -> "Command[Any]":
    """Remember something."""
    return Command(
        update={
            "notes": [thing],
            "messages": [ToolMessage("remembered", tool_call_id=runtime.tool_call_id)],
        }
    )


def script(*things):
    """What a model says that remembers things, one after another."""
    calls = [{"name": "remember", "args": {"thing": thing}, "id": thing} for thing in things]
    return [*(AIMessage("", tool_calls=[call]) for call in calls), "done"]


def remembering(name, *things):
    """An agent that remembers things by its tool."""
    return agent(name, *script(*things), tools=[remember])


class Noted(SequentialState, total=False):
    """A state with a reducer, a plain key and a typed one."""

    notes: Annotated[list[str], operator.add]
    mood: str
    plan: Plan


class NotedFan(ConcurrentState, total=False):
    notes: Annotated[list[str], operator.add]


def test_a_tools_update_of_a_custom_key_reaches_the_shared_state(run, saver):
    app = create_sequential([remembering("a", "one", "two")], state_schema=Noted).compile(
        checkpointer=saver
    )
    assert run(app, thread="1")["notes"] == ["one", "two"]


def test_reducers_are_not_applied_twice(run, saver):
    inner = team(remembering("x", "two"), remembering("y", "three"), state_schema=Noted)
    stages = [remembering("a", "one"), inner, remembering("b", "four")]
    app = create_sequential(stages, state_schema=Noted).compile(checkpointer=saver)
    assert run(app, thread="1")["notes"] == ["one", "two", "three", "four"]


def test_custom_keys_are_kept_over_runs(run, saver):
    app = create_sequential([remembering("a", "one")], state_schema=Noted).compile(
        checkpointer=saver
    )
    run(app, thread="1")
    again = create_sequential([remembering("a", "two")], state_schema=Noted).compile(
        checkpointer=saver
    )
    assert run(again, thread="1")["notes"] == ["one", "two"]


def test_custom_keys_may_be_given_with_the_task(run):
    seen = []

    def look(view):
        seen.append((view.state["mood"], view.state["notes"]))
        return "seen"

    app = create_sequential([look], state_schema=Noted).compile()
    result = run(app, {"messages": "go", "mood": "glad", "notes": ["given"]})
    assert seen == [("glad", ["given"])]
    assert (result["mood"], result["notes"]) == ("glad", ["given"])


def higher(old: int, new: int) -> int:
    """A reducer that keeps the higher number."""
    return max(old, new)


def append_one(old: list[str], new: str) -> list[str]:
    """A reducer that takes one thing at a time."""
    return [*old, new]


class Counted(SequentialState, total=False):
    """Reducers that are no concatenation."""

    count: Annotated[int, operator.add]
    best: Annotated[int, higher]
    things: Annotated[list[str], append_one]
    unique: Annotated[list[str], lambda old, new: sorted({*old, *new})]
    talk: Annotated[list[Any], add_messages]


def test_reducers_of_any_kind_are_not_applied_twice(run, saver):
    def change(view):
        return {
            "count": 1,
            "best": 5,
            "things": "thing",
            "unique": ["b"],
            "talk": [HumanMessage("psst", id=f"m{len(view.state.get('talk') or [])}")],
        }

    def again(view):
        return {"count": 2, "best": 3, "things": "other", "unique": ["a"]}

    inner = team(Member(change, name="x"), Member(again, name="y"), state_schema=Counted)
    stages = [Member(change, name="f"), inner, Member(again, name="g")]
    app = create_sequential(stages, state_schema=Counted).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert (result["count"], result["best"]) == (6, 5)
    assert result["things"] == ["thing", "thing", "other", "other"]
    assert result["unique"] == ["a", "b"]
    assert [m.text for m in result["talk"]] == ["psst", "psst"]


def test_reducers_are_not_applied_twice_in_a_team_with_a_memory_of_its_own(run, saver):
    member = agent("x", *script("one"), *script("two"), tools=[remember])
    inner = create_sequential([member], state_schema=Noted).compile(name="team", checkpointer=True)
    app = create_sequential([inner], state_schema=Noted).compile(checkpointer=saver)
    run(app, thread="1")
    assert run(app, thread="1")["notes"] == ["one", "two"]


def test_custom_keys_hold_pydantic_values_also_after_a_restart(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"

    def stages():
        def planning(view):
            return {"plan": Plan(steps=["one"]), "messages": [AIMessage("planned")]}

        def execute(view):
            return f"did {view.state['plan'].steps}"

        return [team(planning, state_schema=Noted), Human("boss"), execute]

    with open_checkpointer(url) as saver:
        run(create_sequential(stages(), state_schema=Noted).compile(checkpointer=saver), thread="1")
    with open_checkpointer(url) as saver:
        app = create_sequential(stages(), state_schema=Noted).compile(checkpointer=saver)
        result = run(app, Command(resume="yes"), thread="1")
    assert (result["output"], result["plan"]) == ("did ['one']", Plan(steps=["one"]))


def test_parallel_branches_add_to_one_key(run, saver):
    branches = [remembering("a", "one"), team(remembering("b", "two"), state_schema=Noted)]
    app = create_concurrent(branches, state_schema=NotedFan).compile(checkpointer=saver)
    result = run(app, {"messages": "go", "notes": ["zero"]}, thread="1")
    assert result["notes"] == ["zero", "one", "two"]


def test_a_team_without_the_key_leaves_it_alone(run):
    def set_mood(view):
        return {"mood": "glad", "messages": [AIMessage("set")]}

    app = create_sequential([set_mood, team(agent("x"))], state_schema=Noted).compile()
    assert run(app)["mood"] == "glad"


def test_a_team_never_shares_its_messages_trail_or_results(run):
    fan = create_concurrent([agent("x"), agent("y")]).compile(name="fan")
    result = run(create_concurrent([fan, agent("z")]).compile())
    assert list(result["results"]) == ["fan", "z"]
    assert [name for name, _ in spoken(result)] == ["fan", "z", "aggregate"]


# Drawing


def test_a_drawing_shows_the_inside_of_teams_and_agents():
    member = agent("researcher", tools=[look_up])
    app = create_sequential([team(agent("x"), member)]).compile()
    nodes = set(app.get_graph(xray=True).nodes)
    assert {"team:x", "team:researcher:model", "team:researcher:tools"} <= nodes
