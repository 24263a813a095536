"""Errors of the library: everything it raises on purpose derives from `OrchestrationError`."""

__all__ = [
    "AnswerError",
    "CheckpointError",
    "ConfigurationError",
    "DecisionError",
    "InputError",
    "NotEnoughResultsError",
    "OrchestrationError",
    "ScriptExhaustedError",
]


class OrchestrationError(Exception):
    """Base of every error the library raises on purpose."""


class ConfigurationError(OrchestrationError, ValueError):
    """A graph, model or callback is set up wrongly; the message says what to do."""


class InputError(OrchestrationError, ValueError):
    """The task cannot be used: there is no message, or only blank ones."""


class AnswerError(OrchestrationError, ValueError):
    """A person's answer cannot be used; the interrupt stays open and can be answered again."""


class DecisionError(OrchestrationError):
    """A model gave no valid decision.

    Args:
        attempts: How often the model was asked.
        last_error: What was wrong with its last answer.
    """

    def __init__(self, attempts: int, last_error: str) -> None:
        super().__init__(attempts, last_error)
        self.attempts = attempts
        self.last_error = last_error

    def __str__(self) -> str:
        return f"no valid decision after {self.attempts} attempts: {self.last_error}"


class NotEnoughResultsError(OrchestrationError):
    """Fewer branches succeeded than `min_results` asks for; the message holds every cause."""


class CheckpointError(OrchestrationError):
    """A checkpoint store cannot be used; the message names it."""


class ScriptExhaustedError(OrchestrationError):
    """A `ScriptedModel` was called more often than it has replies."""
