"""Which template is meant by a name."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from langgraph_orchestra.cli.errors import CommandError

if TYPE_CHECKING:
    from langgraph_orchestra.graphs.templates import Template

__all__ = ["every_template", "template_named", "templates_for"]


def every_template() -> "Mapping[str, Template]":
    """All templates, by name."""
    from langgraph_orchestra.graphs import templates

    return templates.TEMPLATES


def template_named(name: str) -> "Template":
    """The template of a name.

    Raises:
        CommandError: There is none; the message says which there are.
    """
    templates = every_template()
    if name not in templates:
        raise CommandError(_unknown("template", name, templates))
    return templates[name]


def templates_for(name: str | None) -> "Sequence[Template]":
    """The templates to demonstrate.

    Args:
        name: Of a template, or of a pattern, which means all its templates; None means all.

    Raises:
        CommandError: It is neither.
    """
    templates = every_template()
    if name is None:
        return list(templates.values())
    chosen = [one for one in templates.values() if name in (one.name, one.pattern)]
    if not chosen:
        patterns = [template.pattern for template in templates.values()]
        choices = dict.fromkeys([*patterns, *templates])  # one may be called like the other
        raise CommandError(_unknown("template or pattern", name, choices))
    return chosen


def _unknown(kind: str, name: str, choices: Iterable[str]) -> str:
    choices = list(choices)
    close = get_close_matches(name.replace("-", "_").lower(), choices, n=1)
    meant = f"did you mean `{close[0]}`? There are" if close else "there are"
    return f"unknown {kind} `{name}`; {meant} {', '.join(choices)}"
