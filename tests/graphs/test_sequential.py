"""Sequential: order, what a stage reads, early ends, skipped and failing stages, typed answers."""

from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Limits,
    Member,
    cost,
    everything,
    idle,
    judged,
    last_only,
    mentions,
    own_and_task,
    recent,
    seconds,
    task_and_last,
    task_only,
    tokens,
    turns,
    when,
    within,
)
from langgraph_orchestra.state import ConfigurationError, SequentialState
from support.members import ONCE, RECORDED, agent, look_up, wants
from support.results import outcomes, read_by, spoken


class Verse(BaseModel):
    """A verse."""

    title: str
    lines: int


def edges(graph):
    """The drawn edges, with whether they are conditional."""
    drawn = graph.compile().get_graph()
    return sorted((edge.source, edge.target, edge.conditional) for edge in drawn.edges)


# Order, output and topology


def test_stages_run_in_the_declared_order(run, saver):
    graph = create_sequential([agent("c"), agent("a"), agent("b")])
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert spoken(result) == [("c", "c"), ("a", "a"), ("b", "b")]
    assert [(turn.agent, turn.step, turn.kind) for turn in result["trail"]] == [
        ("c", 1, "agent"),
        ("a", 2, "agent"),
        ("b", 3, "agent"),
    ]


def test_one_participant_is_enough(run):
    result = run(create_sequential([agent("solo", "done")]).compile())
    assert result["output"] == "done"
    assert result["stop"].reason == "completed"


def test_output_is_the_last_answer_alone(run, saver):
    graph = create_sequential([agent("draft", "a draft"), agent("editor", "the text")])
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert result["output"] == "the text"
    assert (result["stop"].reason, result["stop"].by) == ("completed", None)


def test_edges_are_linear_and_there_is_no_hidden_node_but_the_intake():
    graph = create_sequential([agent("a"), agent("b"), agent("c")])
    assert edges(graph) == [
        ("__start__", "intake", False),
        ("a", "b", False),
        ("b", "c", False),
        ("c", "__end__", False),
        ("intake", "a", False),
    ]


def test_limits_and_when_leave_the_plain_chain_as_it_is():
    plain = create_sequential([agent("a"), agent("b")])
    skipping = create_sequential([agent("a"), Member(agent("b"), when=lambda view: True)])
    limited = create_sequential([agent("a"), agent("b")], limits=Limits(turns=1))
    assert edges(skipping) == edges(limited) == edges(plain)


def test_stop_when_draws_the_early_ends_it_adds():
    graph = create_sequential([agent("a"), agent("b"), agent("c")], stop_when=turns(2))
    assert edges(graph) == [
        ("__start__", "intake", False),
        ("a", "__end__", True),
        ("a", "b", True),
        ("b", "__end__", True),
        ("b", "c", True),
        ("c", "__end__", False),
        ("intake", "a", False),
    ]


def test_a_reviewing_person_draws_the_way_back_and_the_early_end():
    graph = create_sequential([agent("a"), Human("boss"), agent("c")])
    assert edges(graph) == [
        ("__start__", "intake", False),
        ("a", "boss", False),
        ("boss", "__end__", True),
        ("boss", "a", True),
        ("boss", "c", True),
        ("c", "__end__", False),
        ("intake", "a", False),
    ]


def test_nodes_carry_the_descriptions_of_their_participants():
    graph = create_sequential(
        [agent("a", description="Writes."), Member(agent("b"), description="Cuts.")]
    )
    drawn = graph.compile().get_graph()
    described = {n.id: n.metadata["description"] for n in drawn.nodes.values() if n.metadata}
    assert {name: described[name] for name in ("a", "b")} == {"a": "Writes.", "b": "Cuts."}


def test_users_add_nodes_and_edges_of_their_own(run, saver):
    def audit(state):
        return {"messages": [AIMessage("audited", name="audit")]}

    graph = create_sequential([agent("a", "one", "two"), agent("b", "beta", "gamma")])
    graph.add_node("audit", audit)
    graph.add_edge("b", "audit")
    app = graph.compile(checkpointer=saver)
    result = run(app, thread="1")
    assert (result["output"], result["stop"].reason) == ("beta", "completed")
    assert spoken(result) == [("a", "one"), ("b", "beta"), ("audit", "audited")]
    assert run(app, thread="1")["output"] == "gamma"


def test_an_answer_of_content_blocks_is_text_in_output_and_whole_in_messages(run):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    blocks: list[Any] = [
        {"type": "text", "text": "Look: "},
        {"type": "text", "text": "a squid"},
        image,
    ]
    reader = agent("reader")
    painter = agent("painter", AIMessage(blocks))
    result = run(create_sequential([painter]).compile())
    assert result["output"] == "Look: a squid"
    assert [m.content for m in result["messages"] if m.name] == [blocks]

    run(create_sequential([agent("painter", AIMessage(blocks)), reader]).compile())
    (call,) = reader.model.calls
    shown = [message.content for message in call.messages if message.name == "painter"]
    assert shown == [[{"type": "text", "text": "painter: Look: a squid"}, image]]


# What a stage reads


def test_a_stage_reads_the_task_and_the_previous_answer_only(run):
    last = agent("c")
    run(create_sequential([agent("a", "alpha"), agent("b", "beta"), last]).compile(), "the task")
    assert read_by(last) == ["the task", "b: beta"]


def test_a_stage_never_reads_how_earlier_stages_came_to_their_answers(run):
    researcher = agent("researcher", wants("look_up", word="octopus"), "found it", tools=[look_up])
    writer = agent("writer", "text")
    result = run(create_sequential([researcher, writer]).compile(), "the task")
    assert read_by(writer) == ["the task", "researcher: found it"]
    kept = [m.text for m in result["messages"] if m.type == "tool"]
    assert kept == ["octopus is a mollusc"]


def test_the_first_stage_reads_the_task_without_the_earlier_runs(run, saver):
    first = agent("a", "one", "two")
    app = create_sequential([first]).compile(checkpointer=saver)
    run(app, "first task", thread="1")
    run(app, "second task", thread="1")
    _, second = first.model.calls
    assert [m.text for m in second.messages if m.type != "system"] == ["second task"]


HISTORIES = {
    "task_and_last": (task_and_last(), ["the task", "b: beta"]),
    "task_only": (task_only(), ["the task"]),
    "last_only": (last_only(), ["b: beta"]),
    "own_and_task": (own_and_task(), ["the task"]),
    "everything": (everything(), ["the task", "a: alpha", "b: beta"]),
    "recent": (recent(2), ["a: alpha", "b: beta"]),
    "within": (within(10_000), ["the task", "a: alpha", "b: beta"]),
    "function": (lambda view: [HumanMessage(f"{len(view.turns)} turns")], ["2 turns"]),
}


async def read_later(view):
    return [HumanMessage("read later")]


@pytest.mark.parametrize("policy", HISTORIES)
def test_any_history_policy_holds_for_all_stages(run, policy):
    history, expected = HISTORIES[policy]
    last = agent("c")
    graph = create_sequential([agent("a", "alpha"), agent("b", "beta"), last], history=history)
    run(graph.compile(), "the task")
    assert read_by(last) == expected


@pytest.mark.parametrize("policy", HISTORIES)
def test_any_history_policy_holds_for_one_stage_alone(policy):
    history, expected = HISTORIES[policy]
    before, last = agent("b", "beta"), agent("c", history=history)
    create_sequential([agent("a", "alpha"), before, last]).compile().invoke(
        {"messages": "the task"}
    )
    assert read_by(before) == ["the task", "a: alpha"]
    assert read_by(last) == expected


def test_a_history_policy_may_be_async(run):
    only = agent("a", history=read_later)
    run(create_sequential([only]).compile())
    assert read_by(only) == ["read later"]


def test_a_members_history_wins_over_the_agents_and_that_over_the_graphs():
    by_agent = agent("b", "beta", history=task_only())
    by_member = agent("c", history=task_only())
    members = [agent("a", "alpha"), by_agent, Member(by_member, history=everything())]
    graph = create_sequential(members, history=last_only())
    graph.compile().invoke({"messages": "the task"})
    assert read_by(by_agent) == ["the task"]
    assert read_by(by_member) == ["the task", "a: alpha", "b: beta"]


def test_a_stage_with_nothing_but_its_own_answers_to_read_is_asked_to_continue(run, saver):
    only = agent("a", "one", "two", history=lambda view: [m for m in view.messages if m.name])
    app = create_sequential([only]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, thread="1")
    _, second = only.model.calls
    assert [(m.type, m.text) for m in second.messages if m.type != "system"] == [
        ("ai", "one"),
        ("human", "Please continue."),
    ]
    assert "Please continue." not in [message.text for message in result["messages"]]


def test_a_function_stage_sees_the_whole_view(run):
    seen = {}

    def look(view):
        seen.update(
            task=view.task,
            last=view.last.agent,
            last_text=view.last_text,
            turns=[turn.agent for turn in view.turns],
            texts=[message.text for message in view.messages],
            speakers=dict(view.speakers),
        )
        return "looked"

    result = run(create_sequential([agent("a", "alpha", description="First."), look]).compile())
    assert result["output"] == "looked"
    assert seen == {
        "task": "the task",
        "last": "a",
        "last_text": "alpha",
        "turns": ["a"],
        "texts": ["the task", "alpha"],
        "speakers": {"a": "First.", "look": ""},
    }


# `stop_when`

FIRING = {
    "turns": (turns(2), "turns(2)"),
    "mentions": (mentions("beta"), "mentions('beta')"),
    "mentions by": (mentions("beta", by="b"), "mentions('beta', by='b')"),
    "tokens": (tokens(30), "tokens(30)"),
    "cost": (cost(0.00015), "cost(0.00015)"),
    "idle": (idle(1) | mentions("beta"), "mentions('beta')"),
    "when": (when(lambda view: view.last_text == "beta"), "when(<lambda>)"),
    "function": (lambda view: view.last_text == "beta", "when(<lambda>)"),
    "both": (mentions("beta") & turns(2), "mentions('beta') & turns(2)"),
    "either": (mentions("gamma") | turns(2), "turns(2)"),
    "both or": ((mentions("x") & turns(1)) | turns(2), "turns(2)"),
}


@pytest.mark.parametrize("condition", FIRING)
def test_stop_when_ends_with_the_answer_at_hand_and_names_what_fired(run, saver, condition):
    stop_when, by = FIRING[condition]
    model = ScriptedModel(["alpha", "beta"], model_name="gpt-4o")
    stages = [Agent(name, "", model=model) for name in ("a", "b", "c")]
    graph = create_sequential(stages, stop_when=stop_when)
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert result["output"] == "beta"
    assert (result["stop"].reason, result["stop"].by) == ("terminated", by)
    assert outcomes(result) == [("a", "ok"), ("b", "ok")]


def test_seconds_stop_a_run_that_was_at_work_for_so_long(run):
    graph = create_sequential([agent("a"), agent("b")], stop_when=seconds(1e-9))
    result = run(graph.compile())
    assert (result["output"], result["stop"].by) == ("a", "seconds(1e-09)")


def test_idle_fires_after_repeated_and_empty_answers(run):
    stages = [agent("a", "same"), agent("b", "same"), agent("c", ""), agent("d")]
    result = run(create_sequential(stages, stop_when=idle(2)).compile())
    assert (result["stop"].reason, result["stop"].by) == ("terminated", "idle(2)")
    assert outcomes(result) == [("a", "ok"), ("b", "ok"), ("c", "ok")]


def test_a_stop_condition_may_be_an_async_function(run):
    async def is_done(view):
        return view.last_text == "alpha"

    result = run(create_sequential([agent("a", "alpha"), agent("b")], stop_when=is_done).compile())
    assert (result["output"], result["stop"].by) == ("alpha", "when(is_done)")


def test_a_model_may_judge_and_its_calls_are_in_the_trail(run, saver):
    judge = ScriptedModel(
        [{"reason": "not yet", "answer": False}, {"reason": "yes", "answer": True}]
    )
    graph = create_sequential(
        [agent("a", "alpha"), agent("b", "beta"), agent("c")], stop_when=judged(judge, "Done?")
    )
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert (result["output"], result["stop"].by) == ("beta", "judged('Done?')")
    judgements = [turn for turn in result["trail"] if turn.kind == "decision"]
    assert [(t.agent, t.input_tokens, t.output_tokens) for t in judgements] == [
        ("stop_when", 10, 5),
        ("stop_when", 10, 5),
    ]
    judge.assert_complete()


def test_conditions_skip_the_text_of_the_task(run):
    graph = create_sequential([agent("a"), agent("b")], stop_when=mentions("DONE"))
    result = run(graph.compile(), "Say DONE when you are done")
    assert (result["output"], result["stop"].reason) == ("b", "completed")


def test_conditions_see_what_people_say(run, saver):
    stages = [Human("ann"), agent("b")]
    app = create_sequential(stages, stop_when=mentions("STOP")).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="STOP"), thread="1")
    assert (result["output"], result["stop"].reason) == ("STOP", "terminated")


def test_conditions_look_at_their_own_run_only(run, saver):
    stages = [agent("a", "DONE", "one"), agent("b", "two")]
    app = create_sequential(stages, stop_when=mentions("DONE") | turns(3)).compile(
        checkpointer=saver
    )
    assert run(app, thread="1")["stop"].reason == "terminated"
    again = run(app, thread="1")
    assert (again["output"], again["stop"].reason) == ("two", "completed")


def test_a_condition_that_fires_with_the_last_stage_gives_completed(run):
    result = run(create_sequential([agent("a"), agent("b")], stop_when=turns(2)).compile())
    assert (result["output"], result["stop"].reason) == ("b", "completed")


def test_conditions_are_not_asked_before_the_first_turn():
    counts = []

    def note(view):
        counts.append(len(view.turns))
        return False

    create_sequential([agent("a"), agent("b"), agent("c")], stop_when=note).compile().invoke(
        {"messages": "go"}
    )
    assert counts == [1, 2]


# `when=`


def only_if_asked(view):
    return "please" in view.task


async def only_if_asked_later(view):
    return "please" in view.task


@pytest.mark.parametrize("asked", [only_if_asked, only_if_asked_later])
def test_when_skips_a_stage_and_the_trail_says_so(run, saver, asked):
    reader = agent("c")
    stages = [agent("a", "alpha"), Member(agent("b"), when=asked), reader]
    result = run(create_sequential(stages).compile(checkpointer=saver), "do it", thread="1")
    assert outcomes(result) == [("a", "ok"), ("b", "skipped"), ("c", "ok")]
    assert read_by(reader) == ["do it", "a: alpha"]
    assert spoken(result) == [("a", "alpha"), ("c", "c")]


def test_when_lets_a_stage_take_its_turn(run):
    stages = [agent("a"), Member(agent("b", "beta"), when=only_if_asked)]
    assert run(create_sequential(stages).compile(), "please do it")["output"] == "beta"


def test_a_skipped_last_stage_leaves_the_answer_before_it(run):
    stages = [agent("a", "alpha"), Member(agent("b"), when=only_if_asked)]
    result = run(create_sequential(stages).compile(), "do it")
    assert (result["output"], result["stop"].reason) == ("alpha", "completed")


def test_a_run_of_skipped_stages_completes_with_an_empty_answer(run):
    stages = [Member(agent("a"), when=only_if_asked), Member(agent("b"), when=only_if_asked)]
    result = run(create_sequential(stages).compile(), "do it")
    assert (result["output"], result["stop"].reason) == ("", "completed")


def test_skipped_stages_are_no_turns(run):
    stages = [Member(agent("a"), when=only_if_asked), agent("b"), agent("c"), agent("d")]
    result = run(create_sequential(stages, stop_when=turns(2)).compile(), "do it")
    assert (result["output"], result["stop"].by) == ("c", "turns(2)")


def test_a_skipped_person_is_not_asked(run, saver):
    stages = [agent("a"), Member(Human("boss"), when=only_if_asked), agent("c")]
    result = run(create_sequential(stages).compile(checkpointer=saver), "do it", thread="1")
    assert (result["output"], result["stop"].reason) == ("c", "completed")


def test_an_error_in_when_surfaces_and_names_the_stage(run):
    def broken(view):
        raise KeyError("no such thing")

    graph = create_sequential([agent("a"), Member(agent("b"), when=broken)])
    with pytest.raises(KeyError, match="no such thing") as caught:
        run(graph.compile())
    assert "b" in "".join(caught.value.__notes__)


# A stage that fails


def test_a_failing_stage_raises_its_own_error_and_the_note_names_it(run):
    graph = create_sequential([agent("a"), agent("writer", ValueError("no ink"), policy=ONCE)])
    with pytest.raises(ValueError, match="no ink") as caught:
        run(graph.compile())
    assert "in participant `writer` of `sequential`, attempt 1" in caught.value.__notes__


def test_results_before_a_failing_stage_are_kept_and_resume_runs_the_rest_only(run, saver):
    first, last = agent("a", "alpha"), agent("c", "gamma")
    broken = agent("b", ValueError("no ink"), "beta", policy=ONCE)
    app = create_sequential([first, broken, last]).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="no ink"):
        run(app, thread="1")
    kept = app.get_state({"configurable": {"thread_id": "1"}})
    assert spoken(kept.values) == [("a", "alpha")]
    assert kept.next == ("b",)
    result = run(app, None, thread="1")
    assert (result["output"], result["stop"].reason) == ("gamma", "completed")
    assert outcomes(result) == [("a", "ok"), ("b", "ok"), ("c", "ok")]
    assert [len(one.model.calls) for one in (first, broken, last)] == [1, 2, 1]


def test_after_a_recorded_failure_the_next_stage_reads_the_last_good_answer(run, saver):
    last = agent("c", "gamma")
    failing = agent("b", ValueError("no ink"), policy=RECORDED)
    app = create_sequential([agent("a", "alpha"), failing, last]).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert read_by(last) == ["the task", "a: alpha"]
    assert (result["output"], result["stop"].reason) == ("gamma", "completed")
    assert outcomes(result) == [("a", "ok"), ("b", "failed"), ("c", "ok")]
    (failed,) = [turn for turn in result["trail"] if turn.outcome == "failed"]
    assert failed.detail == "ValueError: no ink"
    assert spoken(result) == [("a", "alpha"), ("c", "gamma")]


def test_a_recorded_failure_of_the_last_stage_leaves_the_last_good_answer(run):
    failing = agent("b", ValueError("no ink"), policy=RECORDED)
    result = run(create_sequential([agent("a", "alpha"), failing]).compile())
    assert (result["output"], result["stop"].reason) == ("alpha", "completed")


def test_a_run_in_which_every_stage_fails_ends_failed(run):
    stages = [agent(n, ValueError(f"{n} broke"), policy=RECORDED) for n in ("a", "b")]
    result = run(create_sequential(stages).compile())
    assert result["output"] == ""
    assert (result["stop"].reason, result["stop"].by) == ("failed", "b")
    assert result["stop"].detail == "ValueError: b broke"


# Typed answers


def test_a_typed_answer_reaches_the_next_stage_as_json_and_stays_typed_in_output(run, saver):
    verse = Verse(title="Sea", lines=4)
    poet = agent("poet", verse, output=Verse)
    reader = agent("reader", "read")
    app = create_sequential([poet, reader]).compile(checkpointer=saver)
    run(app, thread="1")
    assert read_by(reader) == ["the task", 'poet: {"title":"Sea","lines":4}']

    alone = create_sequential([agent("poet", verse, output=Verse)]).compile(checkpointer=saver)
    assert run(alone, thread="2")["output"] == verse
    assert alone.get_state({"configurable": {"thread_id": "2"}}).values["output"] == verse


def test_a_typed_answer_is_typed_after_a_reload_from_disk(run, tmp_path):
    verse = Verse(title="Sea", lines=4)
    url = f"sqlite:///{tmp_path}/runs.db"

    def stages():
        return [
            agent("poet", verse, output=Verse),
            agent("critic", ValueError("asleep"), "fine", policy=ONCE),
        ]

    with open_checkpointer(url) as saver, pytest.raises(ValueError, match="asleep"):
        run(create_sequential(stages()).compile(checkpointer=saver), thread="1")
    with open_checkpointer(url) as saver:
        app = create_sequential(stages()).compile(checkpointer=saver)
        assert app.get_state({"configurable": {"thread_id": "1"}}).values["output"] == verse


def test_an_agent_with_tools_answers_typed(run):
    def count(word: str) -> int:
        """Count letters."""
        return len(word)

    verse = Verse(title="Sea", lines=3)
    poet = agent("poet", wants("count", word="sea"), verse, tools=[count], output=Verse)
    reader = agent("reader")
    result = run(create_sequential([poet, reader]).compile())
    assert read_by(reader) == ["the task", 'poet: {"title":"Sea","lines":3}']
    assert result["output"] == "reader"


def test_a_malformed_typed_answer_is_asked_for_again(run):
    poet = agent("poet", '{"title": "Sea"}', '{"title": "Sea", "lines": 4}', output=Verse)
    result = run(create_sequential([poet]).compile())
    assert result["output"] == Verse(title="Sea", lines=4)
    (turn,) = result["trail"]
    assert (turn.input_tokens, turn.output_tokens) == (20, 10)


# What plain functions return


class Noted(SequentialState, total=False):
    notes: Annotated[list[str], lambda old, new: old + new]
    mood: str


def says_text(view):
    return "said"


def says_message(view):
    return AIMessage("said")


def says_messages(view):
    return [AIMessage("thinking"), AIMessage("said")]


def says_keys(view):
    return {"messages": [AIMessage("said")], "mood": "good"}


def says_output(view):
    return {"output": "said", "mood": "good"}


async def says_later(view):
    return "said"


@pytest.mark.parametrize(
    "function", [says_text, says_message, says_messages, says_keys, says_output, says_later]
)
def test_a_function_answers_in_any_of_its_forms(run, saver, function):
    graph = create_sequential([agent("a"), function], state_schema=Noted)
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert result["output"] == "said"
    *_, last = spoken(result)
    assert last == (function.__name__, "said")
    (turn,) = [turn for turn in result["trail"] if turn.kind == "function"]
    assert (turn.agent, turn.outcome) == (function.__name__, "ok")


def test_a_function_with_nothing_to_say_leaves_an_empty_answer(run):
    def silent(view):
        return ""

    result = run(create_sequential([silent]).compile())
    assert (result["output"], result["stop"].reason) == ("", "completed")


def test_a_function_that_only_changes_state_passes_the_answer_before_it_on(run):
    def annotate(view):
        return {"notes": ["seen"]}

    reader = agent("c")
    stages = [agent("a", "alpha"), annotate, reader]
    result = run(create_sequential(stages, state_schema=Noted).compile())
    assert read_by(reader) == ["the task", "a: alpha"]
    assert result["notes"] == ["seen"]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "participant `wrong` returned None"),
        (42, "participant `wrong` returned 42"),
        (
            {"moood": 1},
            "returned the key `moood`; it may return `messages`, `mood`, `notes`, `output`",
        ),
        ({"trail": []}, "returned the key `trail`"),
        ({"messages": [3]}, "returned `messages` that are neither messages nor texts"),
    ],
)
def test_what_a_function_may_not_return_is_refused_by_name(run, returned, message):
    def wrong(view):
        return returned

    graph = create_sequential([wrong], state_schema=Noted)
    with pytest.raises(ConfigurationError, match=message):
        run(graph.compile())
