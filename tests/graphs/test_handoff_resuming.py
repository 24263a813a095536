"""Handoff: next runs on a thread, crashes in the middle, the same whatever the process."""

import pytest

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_handoff, create_sequential
from support.handoffs import records, to
from support.members import ONCE, agent
from support.results import calls, comparable, ended, readings, spoken
from support.seeds import outputs_by_seed

THREAD = {"configurable": {"thread_id": "1"}}


def test_the_next_run_starts_where_the_conversation_is(run, saver):
    triage, billing = agent("triage", to("billing")), agent("billing", "one", "two")
    app = create_handoff([triage, billing]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    assert (ended(result), calls(triage, billing)) == (("two", "completed"), [1, 2])
    assert (result["active"], result["handoffs"]) == ("billing", [])
    assert [turn.step for turn in result["trail"]] == [1, 2, 1]


def test_the_next_run_may_start_at_the_start(run, saver):
    triage, billing = agent("triage", to("billing"), "two"), agent("billing", "one")
    app = create_handoff([triage, billing], resume_at="start").compile(checkpointer=saver)
    run(app, "first", thread="1")
    result = run(app, "second", thread="1")
    assert (ended(result), result["active"]) == (("two", "completed"), "triage")


def test_the_payload_belongs_to_its_run(run, saver):
    billing = agent("billing", "one", "two")
    app = create_handoff([agent("triage", to("billing")), billing]).compile(checkpointer=saver)
    run(app, "first", thread="1")
    run(app, "second", thread="1")
    assert readings(billing)[1] == ["first", "one", "second"]


def test_who_has_control_but_takes_no_part_any_more_makes_way_for_the_start(run, saver):
    before = create_handoff([agent("a", to("b")), agent("b", "one")])
    run(before.compile(checkpointer=saver), thread="1")
    after = create_handoff([agent("a", "two"), agent("c")])
    assert ended(run(after.compile(checkpointer=saver), thread="1")) == ("two", "completed")


def test_after_a_crash_only_the_failed_turn_runs_again(run, saver):
    triage = agent("triage", to("billing", context="no. 7"))
    billing = agent("billing", ValueError("down"), "mended", policy=ONCE)
    app = create_handoff([triage, billing]).compile(checkpointer=saver)
    with pytest.raises(ValueError, match="down"):
        run(app, thread="1")
    result = run(app, None, thread="1")
    assert (ended(result), calls(triage, billing)) == (("mended", "completed"), [1, 2])
    assert readings(billing)[0] == readings(billing)[1]
    assert records(result) == [("triage", "billing", "accepted")]


def test_after_a_crash_a_new_process_goes_on_with_newly_built_objects(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as saver:
        members = [agent("a", to("b")), agent("b", ValueError("down"), policy=ONCE)]
        with pytest.raises(ValueError, match="down"):
            run(create_handoff(members).compile(checkpointer=saver), thread="1")
    with open_checkpointer(url) as saver:
        members = [agent("a"), agent("b", "mended")]
        result = run(create_handoff(members).compile(checkpointer=saver), None, thread="1")
    assert ended(result) == ("mended", "completed")
    assert calls(*members) == [0, 1]
    assert records(result) == [("a", "b", "accepted")]


def test_resuming_the_same_checkpoint_three_times_gives_three_times_the_same(saver):
    def build():
        members = [agent("a", to("b", text="So.")), agent("b", to("c")), agent("c", "done")]
        return create_handoff(members).compile(checkpointer=saver)

    build().invoke({"messages": "go"}, THREAD)
    earlier = [s for s in build().get_state_history(THREAD) if s.next == ("b",)]
    results = []
    for _ in range(3):
        members = [agent("a"), agent("b", to("c")), agent("c", "done")]
        app = create_handoff(members).compile(checkpointer=saver)
        results.append(app.invoke(None, earlier[0].config))
        assert calls(*members) == [0, 1, 1]
    assert comparable(results[0]) == comparable(results[1]) == comparable(results[2])
    assert [records(result) for result in results] == [records(results[0])] * 3


def test_a_second_run_that_is_interrupted_by_a_crash_leaves_the_first_ones_record(run, saver):
    a = agent("a", to("b"), policy=ONCE)
    b = agent("b", "one", ValueError("down"), policy=ONCE)
    app = create_handoff([a, b]).compile(checkpointer=saver)
    run(app, thread="1")
    with pytest.raises(ValueError, match="down"):
        run(app, thread="1")
    values = app.get_state(THREAD).values
    assert (values["handoffs"], values["stop"], values["active"]) == ([], None, "b")


def test_a_handoff_team_starts_afresh_on_each_call(run, saver):
    a, b = agent("a", to("b"), to("b")), agent("b", "one", "two")
    inner = create_handoff([a, b]).compile(name="inner")
    app = create_sequential([inner]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, thread="1")
    assert (ended(result), calls(a, b)) == (("two", "completed"), [2, 2])


def test_the_record_survives_a_reload_from_disk(tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    graph = create_handoff([agent("a", to("x"), to("b", "a")), agent("b", "done")])
    with open_checkpointer(url) as saver:
        before = graph.compile(checkpointer=saver).invoke({"messages": "go"}, THREAD)
    with open_checkpointer(url) as saver:
        after = graph.compile(checkpointer=saver).get_state(THREAD).values
    assert after["handoffs"] == before["handoffs"]
    assert spoken(after) == spoken(before)


DETERMINED = """
import json
from langchain_core.messages import AIMessage
from langgraph_orchestra.graphs import create_handoff
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, HandoffRule

def call(*names):
    calls = [{"name": f"handoff_to_{n}", "args": {"reason": n}, "id": n} for n in names]
    return AIMessage("", tool_calls=calls)

def look(word: str) -> str:
    "Look."
    return word

model = ScriptedModel([call("q", "r"), call("x"), call("r"), "end"])
members = [Agent(n, n, model=model, tools=[look] if n == "q" else []) for n in ("p", "q", "r", "s")]
graph = create_handoff(
    members, rules=[HandoffRule("s", lambda view: False)],
    accepts={n: lambda v, h: True for n in "qr"}, fallback="s", outside=("o", "u"),
)
app = graph.compile()
result = app.invoke({"messages": "go"})
print(json.dumps({
    "messages": [[m.type, m.name, m.content] for m in result["messages"]],
    "handoffs": [h.model_dump(mode="json", exclude={"at"}) for h in result["handoffs"]],
    "prompts": [[[m.type, m.content] for m in c.messages] + [c.tools] for c in model.calls],
    "drawing": app.get_graph(xray=True).draw_mermaid(),
    "keys": list(result),
}))
"""


def test_tools_prompts_and_drawing_are_the_same_whatever_the_hash_seed():
    assert len(outputs_by_seed(DETERMINED)) == 1
