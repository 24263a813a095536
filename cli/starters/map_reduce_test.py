"""The graph, with a scripted model: no key, no network."""

from typing import Any

from langgraph_orchestra.cli.starters.map_reduce import Mood, build
from langgraph_orchestra.models import ScriptedModel


def reply(messages: list[Any]) -> Mood:
    """What the reader says of a line."""
    mood: Any = "happy" if "love" in messages[-1].text else "unhappy"
    return Mood(mood=mood, why="of a word")


def test_each_line_is_read_and_all_are_counted() -> None:
    task = "I love it\n\nIt broke\nIt broke again"
    result = build(ScriptedModel(reply)).compile().invoke({"messages": task})
    assert result["output"] == "1 happy, 2 unhappy; 0 could not be read"
    assert [found.index for found in result["results"]] == [0, 1, 2]
