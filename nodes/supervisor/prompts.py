"""What the model of a supervisor is told; the prompt of its `Agent`, if it is one, comes first."""

__all__ = ["PLAN_PROMPT", "REVIEW_PROMPT", "SYNTHESIS_PROMPT", "WITHOUT_A_REASON"]

PLAN_PROMPT = (
    "Plan how these workers do the task. A worker reads its own step and the results it depends "
    "on, nothing else; steps that do not depend on each other are done at once. Plan no step that "
    "is not needed."
)
"""How to plan; the workers' names and descriptions follow."""

REVIEW_PROMPT = (
    "Review each of these results. Accept what can be used; else say what must change. Have "
    "another worker do it over only if the same one cannot. To accept a failed step is to give it "
    "up."
)
"""How to review; the workers' names and descriptions follow, where there are several."""

SYNTHESIS_PROMPT = (
    "Write the answer to the task from the results of your workers. Keep what they found, and add "
    "nothing of your own."
)
"""How to write the final answer."""

WITHOUT_A_REASON = "It was not accepted; nobody said why. Do it better."
"""What a worker reads where the review has said nothing else."""
