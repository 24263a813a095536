"""The graph, with a scripted model: no key, no network."""

from langgraph_orchestra.cli.starters.magentic import build
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.state import (
    Finding,
    Instruction,
    NextSpeaker,
    PlanStep,
    ProgressLedger,
    TaskLedger,
)

LEDGER = TaskLedger(
    facts_given=["Checkout fails."],
    facts_to_look_up=["The cause."],
    facts_to_derive=[],
    guesses=[],
    plan=[PlanStep(id="s1", worker="operations", task="Restore service.")],
)


def progress(*, done: bool, instruction: str = "") -> ProgressLedger:
    """What the manager finds."""
    return ProgressLedger(
        is_request_satisfied=Finding(reason="It answers.", answer=done),
        is_in_loop=Finding(reason="No.", answer=False),
        is_progress_being_made=Finding(reason="Yes.", answer=True),
        next_speaker=NextSpeaker(reason="They can.", answer="operations"),
        instruction_or_question=Instruction(reason="It is next.", answer=instruction),
    )


def test_the_manager_plans_gives_out_work_and_answers() -> None:
    model = ScriptedModel(
        [
            LEDGER,
            progress(done=False, instruction="Restart it."),
            "Restarted.",
            progress(done=True),
            "Checkout works again.",
        ]
    )
    result = build(model).compile().invoke({"messages": "Checkout is down"})
    assert result["output"] == "Checkout works again."
    assert (result["stop"].reason, result["rounds"]) == ("completed", 1)
    model.assert_complete()
