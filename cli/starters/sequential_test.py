"""The graph, with a scripted model: no key, no network."""

from langgraph_orchestra.cli.starters.sequential import build
from langgraph_orchestra.models import ScriptedModel


def test_each_stage_reads_the_task_and_the_answer_before() -> None:
    model = ScriptedModel(["- three hearts", "It has three hearts.", "Three hearts beat in it."])
    result = build(model).compile().invoke({"messages": "Write about octopuses"})
    assert result["output"] == "Three hearts beat in it."
    assert result["stop"].reason == "completed"
    _, task, draft = model.calls[2].messages
    assert (task.text, draft.text) == ("Write about octopuses", "writer: It has three hearts.")
    model.assert_complete()
