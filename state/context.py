"""Context of a run: what the caller sets once, for every participant; a form in Studio.

Every graph has a context of its own, an `OrchestrationContext` with a field for each `Setting` that
a caller may change for a run: the prompt of an agent, a bound of a loop.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

from langgraph_orchestra.state.errors import ConfigurationError

__all__ = ["OrchestrationContext", "Setting", "context_of", "prompt_of", "set_in"]

T = TypeVar("T")


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


class Setting(NamedTuple):
    """Something that a caller may set for one run."""

    name: str
    """Its name, as `ann_prompt` or `max_turns`; below teams a path, as `team/ann_prompt`."""

    built: str | int
    """What the graph was built with: a prompt, or a bound, which a caller can only lower."""

    description: str
    """What it is, for those who fill in the form."""

    nodes: Sequence[str] = ()
    """The nodes that it belongs to; empty for the whole graph."""

    def inside(self, team: str) -> "Setting":
        """The same, seen from the graph in which its own takes part as a team."""
        return self._replace(name=f"{team}/{self.name}", nodes=(team,))


@dataclass(frozen=True, kw_only=True)
class _WithSettings(OrchestrationContext):
    """A context made for a graph; in one of the user's own, a field may mean something else.

    It holds for one call, as `model` does: a resume is given it again.

    Raises:
        TypeError: A setting has the wrong type.
        ConfigurationError: A bound is not positive, or higher than the graph was built with.
    """

    built: ClassVar[Mapping[str, str | int]] = MappingProxyType({})
    """What the graph was built with, by field."""

    def __post_init__(self) -> None:
        for name, built in self.built.items():
            value = getattr(self, name)
            if type(value) is not type(built):
                raise TypeError(f"`{name}` is {_KINDS[type(built)]}, not {value!r}")
            if isinstance(built, int) and value not in range(1, built + 1):
                raise ConfigurationError(
                    f"`{name}` is {value}; for one run it is from 1 to the {built} that the graph "
                    f"was built with"
                )


_KINDS = {str: "a str", int: "an int"}


def context_of(
    title: str, settings: Sequence[Setting], run_model_nodes: Sequence[str]
) -> type[OrchestrationContext]:
    """The context of a graph.

    Args:
        title: Its name.
        settings: What may be set besides model and user. Of those whose names become the same as a
            field's, none can be.
        run_model_nodes: The nodes that take the run's model.
    """
    count = Counter(_field(setting.name) for setting in settings)
    by_field = {_field(s.name): s for s in settings if count[_field(s.name)] == 1}
    described = OrchestrationContext.__dataclass_fields__["model"].metadata
    model = {**described, "json_schema_extra": _placed(run_model_nodes)}
    made: type[OrchestrationContext] = make_dataclass(
        title,
        [
            ("model", str | None, field(default=None, metadata=model)),
            *((name, *_form(setting)) for name, setting in by_field.items()),
        ],
        bases=(_WithSettings,),
        namespace={"built": {name: setting.built for name, setting in by_field.items()}},
        frozen=True,
        kw_only=True,
    )
    return made


def prompt_of(name: str) -> str:
    """Name of the setting for the prompt of a node."""
    return f"{name}_prompt"


def set_in(context: Any, name: str, built: T) -> T:
    """What a setting is in a run.

    Args:
        context: The context of the run.
        name: The setting's name, as a path from the outermost graph.
        built: What the graph was built with. Where the context was made for something else of that
            name, such as an agent that another one stands in for, this holds.
    """
    if not isinstance(context, _WithSettings):
        return built
    field_name = _field(name)
    value: T = getattr(context, field_name) if context.built.get(field_name) == built else built
    return value


def _form(setting: Setting) -> tuple[Any, Any]:
    """Type and field of a setting."""
    shown, built = _placed(setting.nodes), setting.built
    if isinstance(built, str):
        shown["langgraph_type"] = "prompt"
    else:
        shown |= {"minimum": 1, "maximum": built}
    team = setting.name.rpartition("/")[0]
    about = f"{setting.description} In `{team}`." if team else setting.description
    metadata = {"description": about, "json_schema_extra": shown}
    return type(built), field(default=built, metadata=metadata)


def _placed(nodes: Sequence[str]) -> dict[str, Any]:
    """The nodes at whose panels Studio shows a field."""
    return {"langgraph_nodes": list(nodes)} if nodes else {}


def _field(name: str) -> str:
    """The field of a setting: an identifier. All items of a map-reduce share theirs."""
    path = re.sub(r"\[\d+\]", "", name).replace("/", "__")
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", path).lstrip("_")
    return f"n{plain}" if plain[:1].isdigit() else plain
