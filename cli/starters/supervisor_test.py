"""The graph, with a scripted model: no key, no network."""

from langgraph_orchestra.cli.starters.supervisor import build
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import Plan, PlanStep, Review, StepReview

PLAN = Plan(steps=[PlanStep(id="s1", worker="developer", task="Write the export.")])
TOO_LITTLE = Review(reviews=[StepReview(step="s1", accepted=False, feedback="Name the columns.")])
GOOD = Review(reviews=[StepReview(step="s1", accepted=True)])


def test_a_result_is_revised_until_the_lead_accepts_it() -> None:
    model = ScriptedModel([PLAN, "export()", TOO_LITTLE, "export(columns)", GOOD, "Done."])
    result = build(model).compile().invoke({"messages": "Add an export"})
    assert result["output"] == "Done."
    step = result["results"]["s1"]
    assert (step.output, step.attempts, step.accepted) == ("export(columns)", 2, True)
    assert "What must change: Name the columns." in model.calls[3].messages[-1].text
    model.assert_complete()
