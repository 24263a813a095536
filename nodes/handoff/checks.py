"""Single checks of what `create_handoff` is given; each names the culprit and the choices."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langgraph_orchestra.nodes.checks import usable_name
from langgraph_orchestra.nodes.handoff.routes import Accepts
from langgraph_orchestra.nodes.handoff.rule import HandoffRule
from langgraph_orchestra.nodes.human import HumanParticipant
from langgraph_orchestra.nodes.participant import Participant
from langgraph_orchestra.state import ConfigurationError

__all__ = [
    "accepts_by_name",
    "known",
    "listed",
    "one_of",
    "outside_names",
    "refuse_reviewers",
    "rules_in_order",
]


def one_of(name: str, value: Any, valid: Sequence[str]) -> None:
    """Refuse anything but one of a few words."""
    if value not in valid:
        choices = " or ".join(repr(choice) for choice in valid)
        raise ConfigurationError(f"`{name}` is {value!r}; it is {choices}")


def listed(name: str, given: Any) -> list[Any]:
    """Refuse anything but a list."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"`{name}` is a list of {name}, not {given!r}")
    return list(given)


def known(what: str, name: Any, valid: Sequence[str]) -> str:
    """Refuse a name that is not there."""
    if not isinstance(name, str):
        raise TypeError(f"`{what}` is a name, not {name!r}")
    if name not in valid:
        choices = ", ".join(f"`{choice}`" for choice in valid)
        raise ConfigurationError(f"`{what}` is `{name}`, who is not there; valid are {choices}")
    return name


def outside_names(given: Any, inside: Sequence[str]) -> Sequence[str]:
    """Refuse names of the outer graph that stand for somebody inside."""
    if isinstance(given, str):
        raise TypeError(f"`outside` is a list of names, not {given!r}")
    names = [usable_name(name) for name in listed("outside", given)]
    if own := [name for name in names if name in inside]:
        raise ConfigurationError(
            f"`outside` names `{own[0]}`, who takes part here; it names participants of an outer "
            f"graph: rename one of the two"
        )
    return list(dict.fromkeys(names))


def accepts_by_name(given: Any, valid: Sequence[str]) -> Mapping[str, Accepts]:
    """Refuse `accepts` of somebody who is not there, or that is no function."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"`accepts` is a mapping of names to functions, not {given!r}")
    for name, accept in given.items():
        known("accepts", name, valid)
        if not callable(accept):
            raise TypeError(
                f"`accepts[{name!r}]` is a function of a `View` and a `Handoff`, not {accept!r}"
            )
    return dict(given)


def rules_in_order(
    given: Any, names: Sequence[str], targets: Sequence[str]
) -> Sequence[HandoffRule]:
    """Refuse rules from or to somebody who is not there."""
    rules = listed("rules", given)
    for rule in rules:
        if not isinstance(rule, HandoffRule):
            raise TypeError(f"`rules` is a list of `HandoffRule`s, not of {rule!r}")
        known("HandoffRule.target", rule.target, targets)
        if rule.source is not None:
            known("HandoffRule.source", rule.source, names)
        if rule.source == rule.target:
            raise ConfigurationError(
                f"a `HandoffRule` leads from `{rule.source}` to itself; give it another target"
            )
    return rules


def refuse_reviewers(members: Sequence[Participant]) -> None:
    """Refuse a person who reviews: nothing comes before them to be approved."""
    for member in members:
        if isinstance(member, HumanParticipant) and member.reviews:
            raise ConfigurationError(
                f"`{member.name}` reviews, but who is handed over to answers; leave out `role`"
            )
