"""Where control may go in a handoff graph, and on what terms."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langgraph_orchestra.nodes.handoff.tool import (
    handoff_tool,
    is_handoff_tool,
    is_handoff_tool_name,
    target_of,
)
from langgraph_orchestra.nodes.view import View
from langgraph_orchestra.state import ConfigurationError, Handoff

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["Accepts", "Routes", "refuse_unreachable", "targets_from"]

Accepts = Callable[[View, Handoff], bool | str | Awaitable[bool | str]]
"""Whether a target takes a handoff; a text is why it does not."""


@dataclass(frozen=True)
class Routes:
    """To whom each participant may hand over."""

    targets: Mapping[str, Sequence[str]]
    """For each participant the names it may hand over to, in order."""

    descriptions: Mapping[str, str] = field(default_factory=dict)
    """What the targets do."""

    accepts: Mapping[str, Accepts] = field(default_factory=dict)
    """What targets say to a handoff; who is not in it takes all."""

    max_handoffs: int = 10
    """How many handoffs are taken in a run."""

    def from_(self, source: str) -> Sequence[str]:
        """To whom a participant may hand over."""
        return self.targets.get(source, ())

    def may_be_refused(self, source: str) -> bool:
        """Whether somebody a participant may hand over to may refuse."""
        return any(target in self.accepts for target in self.from_(source))

    def tools_for(self, source: str, own: Sequence[Any] = ()) -> Sequence["BaseTool"]:
        """The handoff tools to give a participant: none if it brings one of its own.

        Args:
            source: The participant.
            own: Its own tools.

        Raises:
            ConfigurationError: A tool of its own has the name of a handoff.
        """
        _refuse_clash(source, own)
        if any(is_handoff_tool(tool) for tool in own):
            return ()
        return [handoff_tool(target, self._told_of(target)) for target in self.from_(source)]

    def _told_of(self, target: str) -> str:
        about = self.descriptions.get(target)
        return f"Hand the conversation over to `{target}`{f': {about}' if about else '.'}"


def _refuse_clash(source: str, own: Sequence[Any]) -> None:
    """Refuse a tool that is named as handoffs are: its calls would be taken for one.

    Raises:
        ConfigurationError: There is one.
    """
    from langgraph_orchestra.nodes.agent import tool_name

    for tool in own:
        name = tool_name(tool)
        if is_handoff_tool_name(name) and not is_handoff_tool(tool):
            raise ConfigurationError(
                f"tool `{name}` of `{source}` has the name of a handoff: rename the tool, or make "
                f"it with `handoff_tool({target_of(name)!r})`"
            )


def targets_from(
    routes: Any, names: Sequence[str], *, outside: Sequence[str] = (), person: str | None = None
) -> Mapping[str, Sequence[str]]:
    """To whom each participant may hand over, from what the user gave.

    Without `routes`, to everybody else. Names of the outer graph are open to all, or, where
    `routes` has one of them, to those who list it.

    Args:
        routes: Names by name, or None.
        names: The participants.
        outside: Participants of an outer graph.
        person: The person whom the conversation returns to; only `routes` lead to them.

    Raises:
        TypeError: It is no mapping of lists of names.
        ConfigurationError: A name is not there, or a participant would hand over to itself.
    """
    if routes is None:
        return {name: [*(n for n in names if n != name), *outside] for name in names}
    if not isinstance(routes, Mapping):
        raise TypeError(f"`routes` is a mapping of names to lists of names, not {routes!r}")
    valid = [*names, *outside, *([person] if person else [])]
    for source, targets in routes.items():
        _known("`routes` has the key", source, names)
        if isinstance(targets, str) or not isinstance(targets, Sequence):
            raise TypeError(f"`routes[{source!r}]` is a list of names, not {targets!r}")
        for target in targets:
            _known(f"`routes[{source!r}]` names", target, valid)
            if target == source:
                raise ConfigurationError(
                    f"`routes[{source!r}]` names `{source}` itself; it may hand over to "
                    f"{_listed(name for name in valid if name != source)}"
                )
    listed = {target for targets in routes.values() for target in targets}
    open_to_all = [name for name in outside if name not in listed]
    return {name: [*dict.fromkeys(routes.get(name, ())), *open_to_all] for name in names}


def refuse_unreachable(
    start: str, names: Sequence[str], successors: Callable[[str], Iterable[str]]
) -> None:
    """Refuse a participant that can never have control.

    Args:
        start: Who has it first.
        names: The participants.
        successors: Where control may go from each.

    Raises:
        ConfigurationError: There is one.
    """
    reached, waiting = {start}, [start]
    while waiting:
        new = [name for name in successors(waiting.pop()) if name in names and name not in reached]
        reached.update(new)
        waiting += new
    if lost := [name for name in names if name not in reached]:
        raise ConfigurationError(
            f"{_listed(lost)} cannot be reached from `{start}`: let `routes` of "
            f"{_listed(name for name in names if name in reached)} name "
            f"{'it' if len(lost) == 1 else 'them'}, or a `HandoffRule` lead there"
        )


def _known(what: str, name: Any, valid: Iterable[str]) -> None:
    if name not in (valid := list(valid)):
        raise ConfigurationError(f"{what} `{name}`, who is not there; valid are {_listed(valid)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
