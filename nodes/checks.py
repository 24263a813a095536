"""Single checks of what a user passes in; each names the culprit and the remedy."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langgraph_orchestra.state import ConfigurationError

__all__ = [
    "RESERVED_NAMES",
    "natural_number",
    "positive_number",
    "routes_between",
    "unique_names",
    "usable_name",
]

RESERVED_NAMES = frozenset(
    {
        "intake",
        "selector",
        "manager",
        "planner",
        "review",
        "synthesise",
        "join",
        "aggregate",
        "summary",
        "finish",
        "plan_review",
    }
)
"""Names of internal nodes; no participant may have one, whatever the pattern."""

_LANGGRAPH_NAMES = frozenset({"checkpoint_id", "checkpoint_map", "checkpoint_ns", "configurable"})

_NAME = re.compile(r"[a-zA-Z0-9_-]+")

_UNDRAWABLE = re.compile(
    "(class|classDef|end|flowchart|graph|interpolate|linkStyle|style|subgraph"
    "|_blank|_parent|_self|_top)(-.*)?"  # a hyphen ends a keyword, other characters do not
    "|call|click|default|direction|href"
    "|-.*|.*--.*"  # the beginning of an arrow
)
"""Names that Mermaid cannot draw as a node, tried with Mermaid 11."""


def usable_name(name: Any) -> str:
    """Refuse a name that chat APIs, LangGraph or the drawings cannot bear.

    Chat APIs take letters, digits, `_` and `-` in a message's name; Mermaid takes none of its
    keywords as a node, and no beginning of an arrow.
    """
    if not isinstance(name, str):
        raise TypeError(f"a participant's `name` is a str, not {type(name).__name__}")
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"participant name `{name}` is refused: chat APIs accept letters, digits, `_` and `-` "
            f"only; try `{_offered(name)}`"
        )
    if name in RESERVED_NAMES:
        raise ConfigurationError(
            f"participant name `{name}` is that of an internal node; choose another than "
            f"{_listed(sorted(RESERVED_NAMES))}"
        )
    if name.startswith("__") or name in _LANGGRAPH_NAMES or _UNDRAWABLE.fullmatch(name):
        raise ConfigurationError(
            f"participant name `{name}` is refused: LangGraph or Mermaid, which draws the graph, "
            f"keeps it for itself; try `{_offered(name)}`"
        )
    return name


def _offered(name: str) -> str:
    """A name that can be had in place of one that cannot."""
    better = re.sub("[^a-zA-Z0-9_-]+", "_", name).strip("_-") or "agent"
    if _UNDRAWABLE.fullmatch(better):
        better = re.sub("-+", "_", better)
    taken = better in RESERVED_NAMES | _LANGGRAPH_NAMES or _UNDRAWABLE.fullmatch(better)
    return f"{better}_agent" if taken else better


def unique_names(names: Sequence[str], state_keys: Iterable[str] = ()) -> None:
    """Refuse an empty list, a name given twice and a name that is a key of the state."""
    if not names:
        raise ConfigurationError("`participants` is empty: give at least one participant")
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                f"participant name `{name}` is given {names.count(name)} times in "
                f"{_listed(names)}; names are unique: rename one, or wrap it in "
                f"`Member(..., name=...)`"
            )
    if taken := sorted(set(names) & set(state_keys)):
        raise ConfigurationError(
            f"participant name `{taken[0]}` is a key of the state; choose another than "
            f"{_listed(sorted(state_keys))}"
        )


def routes_between(what: str, given: Any, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Refuse routes of or to somebody who does not take part.

    Args:
        what: Name of the argument.
        given: From a name to the names it leads to.
        names: Everybody.

    Returns:
        A copy, in declared order.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"`{what}` is a mapping of names to lists of names, not {given!r}")
    for source, targets in given.items():
        if isinstance(targets, str) or not isinstance(targets, Sequence):
            raise TypeError(f"`{what}[{source!r}]` is a list of names, not {targets!r}")
        for name in (source, *targets):
            if name not in names:
                raise ConfigurationError(
                    f"`{what}` names {name!r}, who does not take part; the participants are "
                    f"{_listed(names)}"
                )
    return {name: [t for t in names if t in given[name]] for name in names if name in given}


def natural_number(name: str, value: Any, *, least: int = 1, optional: bool = False) -> None:
    """Refuse anything but an int of at least `least`; a bool is no int here."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"`{name}` is an int of at least {least}, not {value!r}")
    if value < least:
        raise ConfigurationError(f"`{name}` is {value}; it must be at least {least}")


def positive_number(name: str, value: Any, *, optional: bool = True) -> None:
    """Refuse anything but a number above zero, or None where it is optional."""
    if value is None and optional:
        return
    or_none = " or None" if optional else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"`{name}` is a number above 0{or_none}, not {value!r}")
    if not value > 0:
        raise ConfigurationError(f"`{name}` is {value}; it must be above 0{or_none}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
