from langchain_core.messages import AIMessage

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent


def test_output_is_the_last_stages_answer_alone(run, saver):
    graph = create_sequential(
        [
            Agent("a", "One.", model=ScriptedModel(["first"])),
            Agent("b", "Two.", model=ScriptedModel(["second"])),
        ]
    )
    result = run(graph.compile(checkpointer=saver), "go", thread="1")
    assert result["output"] == "second"
    assert result["stop"].reason == "completed"
    assert [m.name for m in result["messages"] if isinstance(m, AIMessage)] == ["a", "b"]
