"""Where a task comes from: the command line, a file, a pipe, or the template's example."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from langgraph_orchestra.cli.errors import CommandError, one_line

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.templates import Template

__all__ = ["task_for"]

PIPE = "-"


def task_for(template: "Template", argument: str | None, file: str | None, *, example: bool) -> str:
    """The task of a run.

    Args:
        template: Whose task it is.
        argument: The task itself, from the command line.
        file: Path of a text file, `-` for standard input.
        example: Whether to take the template's own.

    Raises:
        CommandError: There is none, more than one, or it cannot be read.
    """
    given = [argument is not None, file is not None, example]
    if sum(given) > 1:
        raise CommandError("give one task: as an argument, with `--input`, or with `--example`")
    if example:
        return template.example
    if argument is None and file is None and sys.stdin.isatty():
        raise CommandError(_how_to_give_one(template))
    task = argument if argument is not None else _read(file or PIPE)
    if not task.strip():
        asked = argument is not None or file is not None
        raise CommandError("the task is empty" if asked else _how_to_give_one(template))
    return task


def _how_to_give_one(template: "Template") -> str:
    return (
        f'there is no task: give one as `orchestra run {template.name} "..."`, with `--input`, '
        f"through a pipe, or with `--example`: {one_line(template.example, 80)}"
    )


def _read(file: str) -> str:
    source = "standard input" if file == PIPE else f"`{file}`"
    try:
        if file == PIPE:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(file).expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"cannot read the task from {source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"cannot read the task from {source}: it is not UTF-8 text") from error
