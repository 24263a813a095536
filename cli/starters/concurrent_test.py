"""The graph, with a scripted model: no key, no network."""

from typing import Any

from langgraph_orchestra.cli.starters.concurrent import build
from langgraph_orchestra.models import ScriptedModel


def reply(messages: list[Any]) -> str:
    """What each of them says, told apart by its prompt."""
    prompt = messages[0].text
    if "lawyer" in prompt:
        raise PermissionError("the library of laws is down")
    if "Weigh" in prompt:
        return "Build it."
    return "I like it."


def test_one_view_may_fail_and_the_others_are_weighed() -> None:
    model = ScriptedModel(reply)
    result = build(model).compile().invoke({"messages": "An app for octopuses?"})
    assert result["output"] == "Build it."
    assert [name for name, view in result["results"].items() if view.ok] == ["customer", "engineer"]
    assert result["results"]["lawyer"].failure.message == "the library of laws is down"
