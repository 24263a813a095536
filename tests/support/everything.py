"""A result with everything in it that a pattern may write down, said in given words."""

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langgraph_orchestra.state import (
    Failure,
    Finding,
    Handoff,
    Instruction,
    NextSpeaker,
    Plan,
    PlanStep,
    ProgressLedger,
    Result,
    StepResult,
    Stop,
    TaskLedger,
    Verdict,
    Votes,
)
from support.trails import turn


def everything_said(words: str) -> dict[str, Any]:
    """A result in which every text is those words.

    Args:
        words: What everybody is called, says and thinks.
    """
    step = PlanStep(id=words, worker=words, task=words, expected=words, depends_on=[words])
    found = Finding(reason=words, answer=False)
    failure = Failure(agent=words, type=words, message=words)
    ledger = TaskLedger(
        facts_given=[words],
        facts_to_look_up=[words],
        facts_to_derive=[words],
        guesses=[words],
        plan=[step],
    )
    progress = ProgressLedger(
        is_request_satisfied=found,
        is_in_loop=found,
        is_progress_being_made=found,
        next_speaker=NextSpeaker(reason=words, answer=[words]),
        instruction_or_question=Instruction(reason=words, answer=words),
    )
    call = {"name": words, "args": {words: words}, "id": "1"}
    return {
        "messages": [
            HumanMessage(words),
            AIMessage(words, name=words, tool_calls=[call]),
            ToolMessage(words, tool_call_id="1", name=words),
            AIMessage([{"type": words}, {"type": "text", "text": words}], name=words),
            HumanMessage(words * 200, name=words),
        ],
        "trail": [
            turn(words, 1, kind="decision", model=words, detail=words),
            turn(f"{words}/{words}", 2, model=words, detail=words, outcome="failed"),
        ],
        "output": words,
        "stop": Stop(reason="failed", detail=words, by=words),
        "plan": Plan(steps=[step]),
        "task_ledgers": [ledger],
        "progress_ledgers": [progress],
        "results": [
            Result(name=words, output={words: words}),
            Result(name=words, failure=failure),
            StepResult(step=words, worker=words, output=words),
            StepResult(step=words, worker=words, failure=failure),
        ],
        "votes": Votes(winner=words, counts={words: 1}, by={words: [words]}, tied=True),
        "drafts": [words],
        "verdicts": [{words: Verdict(approved=False, feedback=words, score=1.0)}],
        "handoffs": [
            Handoff(
                target=words,
                source=words,
                reason=words,
                context=words,
                instructions=words,
                detail=words,
                outcome="refused",
            )
        ],
        "__interrupt__": [
            {"action_requests": [{"name": words, "description": words}], "path": words},
            {words: words},
            words,
        ],
    }
