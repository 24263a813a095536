"""The graph, with a scripted model: no key, no network."""

from langgraph_orchestra.cli.starters.maker_checker import build
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import Verdict


def test_what_is_too_long_is_written_again() -> None:
    model = ScriptedModel(["word " * 41, Verdict(approved=True), "A lamp.", Verdict(approved=True)])
    result = build(model).compile().invoke({"messages": "The Aurora lamp"})
    assert result["output"] == "A lamp."
    assert (result["stop"].reason, result["rounds"]) == ("approved", 2)
    assert result["verdicts"][0]["length"].feedback == "41 words; at most 40 are allowed."
