"""Context of a run: what the caller sets once, for every participant; a form in Studio."""

from dataclasses import dataclass, field

__all__ = ["OrchestrationContext"]


@dataclass(frozen=True, kw_only=True)
class OrchestrationContext:
    """What the caller sets for one run; `runtime.context is None` means the defaults.

    Pass it as `graph.invoke(..., context=OrchestrationContext(model="openai:gpt-5-mini"))`.
    """

    model: str | None = field(
        default=None,
        metadata={
            "description": (
                "Model for every participant without one of its own, as `provider:name`. "
                "Empty: the environment variable `ORCHESTRA_MODEL`."
            )
        },
    )
    """Model for every participant without one of its own; None means `ORCHESTRA_MODEL`."""

    user: str | None = field(
        default=None,
        metadata={"description": "On whose behalf the run acts; stands in every turn."},
    )
    """On whose behalf the run acts; recorded in every `Turn`."""
