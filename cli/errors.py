"""What a user is told when a command cannot go on: one line on stderr, and an exit code."""

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from langgraph_orchestra.reports.text import one_line

__all__ = ["CommandError", "ExitCode", "RunFailed", "one_line", "reporting"]


class ExitCode(IntEnum):
    """How a command ends."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WAITING = 3
    STOPPED = 130


class CommandError(Exception):
    """Ends the command with a line for the user.

    Args:
        message: What is wrong, and what to do; what others have said in it is cut already.
        code: How the command ends.
    """

    def __init__(self, message: str, *, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.code = code


class RunFailed(CommandError):  # noqa: N818 - named for what has happened
    """A run raised.

    Args:
        message: What is wrong, and how the thread goes on.
        code: How the command ends.
        reason: What was raised, in a line.
    """

    def __init__(self, message: str, *, code: ExitCode, reason: str) -> None:
        super().__init__(message, code=code)
        self.reason = reason


@contextmanager
def reporting(debug: bool) -> Iterator[None]:
    """Turn what a user can understand and mend into a line on stderr and an exit code.

    Args:
        debug: Whether to show the traceback too.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise _end("stopped", ExitCode.STOPPED) from None
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:
        code = _code_of(error)
        if debug:
            traceback.print_exception(error)
        if code is None:
            raise
        raise _end(_told(error), code) from None


def _end(message: str, code: ExitCode) -> typer.Exit:
    sys.stdout.flush()
    print(f"orchestra: {message}", file=sys.stderr)
    return typer.Exit(code)


def _code_of(error: Exception) -> ExitCode | None:
    """How the command ends; None for a defect of ours, whose traceback is wanted."""
    # Not at the top: this module is loaded by `orchestra --help`, which needs nothing of it.
    from langgraph_orchestra.state import OrchestrationError

    if isinstance(error, CommandError):
        return error.code
    return ExitCode.USAGE if isinstance(error, OrchestrationError | OSError) else None


def _told(error: Exception) -> str:
    if isinstance(error, CommandError):  # whole: what to do stands at its end
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in errno.errorcode and error.filename:
        return one_line(f"`{error.filename}`: {error.strerror}")
    return one_line(str(error)) or type(error).__name__
