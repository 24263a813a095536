"""Magentic: what a run of a managed team is, from the plan to the final answer."""

from langgraph_orchestra.graphs import create_magentic
from langgraph_orchestra.models import ScriptedModel
from support.ledgers import DONE, counters, plan, progress
from support.members import agent
from support.results import calls, ended, spoken


def test_a_manager_plans_gives_out_work_and_concludes(run, saver):
    manager = ScriptedModel(
        [
            plan("ann", "bob", facts_given=["It is Monday."]),
            progress("ann", "Find it."),
            progress("bob", "Write it."),
            DONE,
            "the final answer",
        ]
    )
    ann, bob = agent("ann", "found"), agent("bob", "written")
    app = create_magentic([ann, bob], model=manager).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert ended(result) == ("the final answer", "completed")
    assert spoken(result) == [
        ("manager", "To ann: Find it."),
        ("ann", "found"),
        ("manager", "To bob: Write it."),
        ("bob", "written"),
        ("finish", "the final answer"),
    ]
    assert counters(result) == (2, 2, 0, 0)
    assert calls(ann, bob) == [1, 1]
    manager.assert_complete()
