"""The graph, with a scripted model: no key, no network."""

from langgraph_orchestra.cli.starters.group_chat import build
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import SpeakerChoice


def test_the_chair_gives_the_floor_until_somebody_agrees() -> None:
    model = ScriptedModel(
        [
            SpeakerChoice(next_speaker="dreamer", reason="Begins."),
            "An opera house.",
            SpeakerChoice(next_speaker="realist", reason="The cost is open."),
            "AGREED, as a tent.",
        ]
    )
    result = build(model).compile().invoke({"messages": "What shall we build?"})
    assert result["output"] == "AGREED, as a tent."
    assert result["stop"].reason == "terminated"
    decided = [entry.detail for entry in result["trail"] if entry.kind == "decision"]
    assert decided == ["dreamer: Begins.", "realist: The cost is open."]
