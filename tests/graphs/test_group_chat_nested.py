"""Chats in other patterns, and other patterns in chats: order, answers, limits, interrupts."""

import pytest
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_group_chat, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Human, Limits, Member, by_model, mentions, turns
from langgraph_orchestra.nodes.graph import TeamFailed
from langgraph_orchestra.state import GroupChatState
from support.members import ONCE, RECORDED, agent, look_up, named, team, wants
from support.results import asked, calls, comparable, ended, outcomes, spoken, usage
from support.seeds import outputs_by_seed

THREAD = {"configurable": {"thread_id": "1"}}


class Plan(BaseModel):
    """A typed answer."""

    steps: list[str]


class PlannedChat(GroupChatState, total=False):
    plan: Plan


def pair(name, *, words=4, **options):
    """A team of two in sequence, which answers as its second member does."""
    first = agent(f"{name}1", *(f"{name} asks {n}" for n in range(words)))
    second = agent(f"{name}2", *(f"{name} says {n}" for n in range(words)))
    return team(first, second, name=name, **options)


# A chat of teams


def test_teams_take_turns_in_round_robin_and_each_turn_is_one(run, saver):
    app = create_group_chat([pair("red"), pair("blue")], max_turns=3).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert spoken(result) == [
        ("red", "red says 0"),
        ("blue", "blue says 0"),
        ("red", "red says 1"),
    ]
    assert [(turn.path, turn.step) for turn in result["trail"]] == [
        *(("red/red1", 1), ("red/red2", 1)),
        *(("blue/blue1", 2), ("blue/blue2", 2)),
        *(("red/red1", 3), ("red/red2", 3)),
    ]
    assert usage(result) == 6 * 15
    second = run(app, thread="1")
    assert spoken(second)[3][0] == "blue"


def test_teams_are_chosen_by_their_names_and_not_twice_in_a_row(run):
    model = ScriptedModel([{"next_speaker": "blue", "reason": ""}, {"next_speaker": "blue1"}])
    app = create_group_chat(
        [pair("red"), pair("blue")],
        select=by_model(model, attempts=1),
        allow_repeat=False,
        max_turns=2,
    ).compile()
    assert [name for name, _ in spoken(run(app))] == ["blue", "red"]


def test_conditions_count_a_teams_turn_once_and_hear_its_answer(run):
    app = create_group_chat([pair("red"), pair("blue")], stop_when=turns(2)).compile()
    assert ended(run(app)) == ("blue says 0", "terminated")
    app = create_group_chat([pair("red"), pair("blue")], stop_when=mentions("asks")).compile()
    with pytest.raises(Exception, match="used up"):  # no outsider hears what is said inside
        run(app)


def test_a_chat_in_a_chat_counts_each_for_itself(run, saver):
    inner = create_group_chat([agent("x", "X1", "X2"), agent("y", "Y1", "Y2")], max_turns=2)
    members = [inner.compile(name="inner"), agent("z", "Z1", "Z2")]
    app = create_group_chat(members, max_turns=4).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert spoken(result) == [("inner", "Y1"), ("z", "Z1"), ("inner", "Y2"), ("z", "Z2")]
    assert ended(result) == ("Z2", "turn_limit")


def test_an_inner_chats_limit_is_an_answer_and_its_end_without_one_a_failure(run):
    inner = create_group_chat([agent("x", "X")], max_turns=1).compile(name="inner")
    assert ended(run(create_sequential([inner]).compile())) == ("X", "completed")
    broken = agent("x", ValueError("no"), policy=RECORDED)
    out = Member(broken, policy=RECORDED.__class__(retry=None, on_failure="record", breaker=1))
    failing = create_group_chat([out]).compile(name="inner")
    with pytest.raises(TeamFailed, match="inner"):
        run(create_sequential([Member(failing, policy=ONCE)]).compile())


def test_an_outer_budget_ends_an_inner_chat_with_its_best(run):
    inner = create_group_chat([agent("x", "X1", "X2", "X3")]).compile(name="inner")
    app = create_group_chat([inner, agent("z", "never")], limits=Limits(tokens=30)).compile()
    result = run(app)
    assert ended(result) == ("X2", "token_limit")
    assert usage(result) == 30


def test_an_inner_limit_ends_the_inner_chat_alone(run):
    x = agent("x", "X1", "X2", "X3")
    inner = create_group_chat([x], limits=Limits(tokens=30)).compile(name="inner")
    app = create_group_chat([inner, agent("z", "Z")], max_turns=2).compile()
    assert ended(run(app)) == ("Z", "turn_limit")
    assert calls(x) == [2]


def test_an_outer_limit_holds_for_an_inner_selector(run):
    model = ScriptedModel(lambda messages: {"next_speaker": "x", "reason": ""})
    inner = create_group_chat([agent("x", "X1", "X2"), agent("y")], select=by_model(model))
    app = create_sequential([inner.compile(name="inner")], limits=Limits(tokens=45)).compile()
    result = run(app)
    assert ended(result) == ("X1", "token_limit")
    assert usage(result) == 45


# Three levels


def deep(saver):
    """A chat in a sequence in a concurrent; a person sits in the chat."""
    ann = agent("ann", "Which colour?", "Blue it is.")
    chat = create_group_chat([ann, Human("bob")], max_turns=3).compile(name="chat")
    line = create_sequential([agent("draft", "Drawn."), chat]).compile(name="line")
    other = agent("other", "Elsewhere.")
    app = create_concurrent([line, other]).compile(checkpointer=saver)
    return app, (ann, other)


def test_an_interrupt_three_levels_deep_surfaces_and_only_its_node_hears_the_answer(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as saver:
        app, members = deep(saver)
        waiting = asked(run(app, thread="1"))
        assert (waiting.value["path"], waiting.value["pattern"]) == ("line/chat/bob", "group_chat")
        assert calls(*members) == [1, 1]
    with open_checkpointer(url) as saver:
        app, members = deep(saver)
        ann, _ = members
        ann.model.invoke("drop the first reply")
        result = run(app, Command(resume={waiting.id: "Blue."}), thread="1")
        assert result["results"]["line"].output == "Blue it is."
        assert calls(*members) == [2, 0]
        paths = sorted(turn.path for turn in result["trail"])
        assert paths == [
            *("aggregate", "line/chat/ann", "line/chat/ann", "line/chat/bob"),
            *("line/draft", "other"),
        ]


def test_a_failure_three_levels_deep_is_one_of_the_outermost_branch(run):
    chat = create_group_chat([agent("x", ValueError("down"), policy=ONCE)]).compile(name="chat")
    line = create_sequential([Member(chat, policy=ONCE)]).compile(name="line")
    result = run(create_concurrent([Member(line, policy=ONCE), agent("other")]).compile())
    assert result["results"]["line"].failure.message.startswith("down")
    assert result["results"]["other"].output == "other"


# Typed answers, custom keys, drawings


def test_a_typed_answer_of_an_inner_chat_stays_typed(run, saver):
    planner = agent("p", Plan(steps=["a"]), output=Plan)
    inner = create_group_chat([planner], max_turns=1).compile(name="inner")
    app = create_group_chat([inner], max_turns=1).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert result["output"] == Plan(steps=["a"])
    assert app.get_state(THREAD).values["output"] == Plan(steps=["a"])


def test_custom_keys_with_models_pass_through_an_inner_chat_and_a_reload(run, saver):
    def planning(view):
        return {"plan": Plan(steps=["b"])}

    def tell(view):
        return ",".join(view.state["plan"].steps)

    inner = create_group_chat([planning], max_turns=1, state_schema=PlannedChat).compile(
        name="inner"
    )
    app = create_group_chat([inner, tell], max_turns=2, state_schema=PlannedChat)
    app = app.compile(checkpointer=saver)
    assert run(app, thread="1")["output"] == "b"
    assert app.get_state(THREAD).values["plan"] == Plan(steps=["b"])


def test_each_token_of_a_nested_chat_streams_once_under_its_speaker():
    inner = create_group_chat([agent("x", "one two"), agent("y", "three")], max_turns=2)
    app = create_sequential([inner.compile(name="inner"), agent("z", "four five")]).compile()
    words: dict[str, str] = {}
    stream = app.stream({"messages": "go"}, stream_mode="messages", subgraphs=True)
    for _, (chunk, meta) in stream:
        node = meta["langgraph_node"]
        words[node] = words.get(node, "") + chunk.text
    assert {name: words[name] for name in "xyz"} == {
        "x": "one two",
        "y": "three",
        "z": "four five",
    }


def test_tool_loops_in_a_chat_leave_complete_pairs_and_are_not_read_by_others(run):
    a = agent("a", wants("look_up", word="sea"), "A1", "A2", tools=[look_up])
    b = agent("b", "B1")
    result = run(create_group_chat([a, b], max_turns=3).compile())
    assert [m.type for m in result["messages"]] == ["human", "ai", "tool", "ai", "ai", "ai"]
    assert ended(result) == ("A2", "turn_limit")


DETERMINED = """
import json
from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Member, by_bids, by_model, rotate_random

def words(messages):
    return f"{len(messages)} read"

def people():
    return [Agent(n, f"You are {n}.", model=ScriptedModel(words)) for n in ("p", "q", "r", "s")]

told = []
def choose(messages):
    told.append([[m.type, m.content] for m in messages])
    return {"next_speaker": "r", "reason": "so"}

selectors = [
    rotate_random(7),
    by_model(ScriptedModel(choose)),
    by_bids(model=ScriptedModel(lambda m: {"confidence": len(m[0].content) % 7 / 7})),
]
for select in selectors:
    app = create_group_chat(people(), select=select, max_turns=9).compile()
    result = app.invoke({"messages": "go"})
    print(json.dumps([
        [[m.type, m.name, m.content] for m in result["messages"]],
        [t.model_dump(mode="json", exclude={"started_at", "seconds"}) for t in result["trail"]],
        app.get_graph().draw_mermaid(), told,
    ]))
"""


def test_two_chats_are_identical_whatever_the_hash_seed():
    assert len(outputs_by_seed(DETERMINED)) == 1


def everything_at_once(saver):
    """A chat with all that could differ between the ways to run."""
    choices = ["typed", "inner", "nobody", "nobody", "nobody", "broken", "quick"]
    model = ScriptedModel(
        [{"next_speaker": name, "reason": "so"} for name in choices]
        + [{"next_speaker": None, "reason": "done", "finished": True, "final_answer": "The end."}]
    )
    members = [
        agent("typed", "no JSON", Plan(steps=["a"]), output=Plan),
        pair("inner"),
        agent("tooled", wants("look_up", word="sea"), "seen", tools=[look_up]),
        agent("broken", RuntimeError("no"), policy=RECORDED),
        named("quick"),
    ]
    graph = create_group_chat(
        members, select=by_model(model), stop_when=mentions("never"), summary=agent("s", "In all.")
    )
    return graph.compile(checkpointer=saver)


def test_the_four_ways_to_run_a_chat_give_equal_results(run, saver):
    with open_checkpointer("memory://") as other:
        reference = everything_at_once(other).invoke({"messages": "the task"}, THREAD)
    result = run(everything_at_once(saver), "the task", thread="1")
    assert comparable(result) == comparable(reference)
    assert ended(result) == ("In all.", "completed")
    assert [o for o in outcomes(result) if o[1] != "ok"] == [
        ("selector", "fallback"),
        ("broken", "failed"),
    ]


def test_what_a_namesake_in_a_team_has_edited_makes_no_draft_of_a_persons_words(run, saver):
    desk = team(agent("writer", "draft"), Human("boss"), name="desk")
    app = create_group_chat([desk, Human("boss")], max_turns=2).compile(checkpointer=saver)
    edit = {"type": "edit", "args": {"draft": "better draft"}}
    waiting = run(app, Command(resume={asked(run(app, thread="1")).id: edit}), thread="1")
    result = run(app, Command(resume={asked(waiting).id: "Thank you all."}), thread="1")
    assert spoken(result) == [("desk", "better draft"), ("boss", "Thank you all.")]
    assert ended(result) == ("better draft", "turn_limit")
