"""`Participant`: what a node runs, whatever the user handed in.

Each kind of participant (agent, function, graph, person) says in `speak` how it answers; everything
else, such as retries, limits and records, is the same for all and lives in `turn.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langgraph_orchestra.nodes.driver import Execution, Steps
from langgraph_orchestra.nodes.history import History, Reading, read, whole
from langgraph_orchestra.nodes.policy import OnFailure, Policy
from langgraph_orchestra.nodes.prompt import Heard
from langgraph_orchestra.nodes.view import View, is_answer
from langgraph_orchestra.nodes.work import Budget, Work
from langgraph_orchestra.state import (
    ConfigurationError,
    Handoff,
    Stop,
    Turn,
    TurnKind,
    TurnOutcome,
)
from langgraph_orchestra.state.context import Setting

if TYPE_CHECKING:
    from langgraph_orchestra.nodes.handoff.routes import Routes

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "Participant",
    "Reply",
    "Scene",
    "answer_from",
    "answer_text",
    "refuse_when",
    "said_by",
    "speakers",
    "with_answer",
]


@dataclass(frozen=True)
class Scene:
    """What a participant knows of the graph it takes part in."""

    pattern: str
    """Name of the pattern."""

    history: History
    """What participants read unless they say otherwise."""

    budget: Budget = field(default_factory=Budget)
    """The run's limits, and what its nodes share while it runs."""

    on_failure: OnFailure = "raise"
    """What a failure means unless the participant's policy says otherwise."""

    heard: Heard = field(default_factory=Heard)
    """What was said, in the words in which the others read it."""

    shared_keys: frozenset[str] = frozenset()
    """Custom keys of the state: what may be shared with inner graphs."""

    state_schema: type[Any] | None = None
    """Schema of the state, for inner graphs that share custom keys."""

    human_role: str = "answer"
    """What a person does here unless they say otherwise."""

    opening_role: str | None = None
    """What a person does who is the first participant; None is the same as anywhere else."""

    edits_keep_type: bool = False
    """Whether what a person makes of a typed draft is of its type, too; else it is any text."""

    handoffs: "Routes | None" = None
    """To whom participants may hand over; None where the pattern knows no handoffs."""


_NO_CHANGES: Mapping[str, Any] = MappingProxyType({})


class Reply(NamedTuple):
    """What a participant brings back."""

    messages: Sequence[AnyMessage] = ()
    """What is new, for the thread; the answer is the last one."""

    output: Any = ""
    """The answer itself: text, or a typed object."""

    changes: Mapping[str, Any] = _NO_CHANGES
    """Updates of custom state keys."""

    inside: Sequence[Turn] = ()
    """Entries of a nested team's members, which stand in the trail instead of the team's own."""

    called: Sequence[Turn] = ()
    """Entries of those it has called as tools, which stand in the trail after its own."""

    outcome: TurnOutcome = "ok"
    """How the turn ended."""

    detail: str = ""
    """What the trail says about it."""

    decision: str = ""
    """What a person decided: `approve`, `edit`, `reject` or `respond`."""

    handoffs: Sequence[Handoff] = ()
    """The handoffs that were asked for, with what became of them; one at most is accepted."""

    stop: Stop | None = None
    """What the run ends with, where handing over was tried in vain."""


class Participant(ABC):
    """Someone who takes turns in a graph.

    Args:
        name: Unique in its graph.
        description: What it does, for those who choose between participants.
        history: What it reads; None for the graph's own policy.
        policy: What happens when it is slow or fails.
        when: Whether it takes its turn at all; None is always.
        bid: Its bid for the next turn; None asks a model.
        fallback: Who answers when all its attempts failed.
    """

    kind: TurnKind = "agent"

    def __init__(
        self,
        name: str,
        *,
        description: str = "",
        history: History | None = None,
        policy: Policy | None = None,
        when: Callable[[View], bool | Awaitable[bool]] | None = None,
        bid: Callable[[View], Any] | None = None,
        fallback: "Participant | None" = None,
    ) -> None:
        self.name = name
        self.description = description
        self.history = history
        self.policy = policy or Policy()
        self.when = when
        self.bid = bid
        self.fallback = fallback

    @property
    def inner(self) -> Sequence[Runnable[Any, Any]]:
        """Graphs inside, for drawings and the inspection of their state."""
        return ()

    @property
    def threads(self) -> int:
        """How many things it may do at once."""
        return 1

    @property
    def outputs(self) -> Sequence[type[BaseModel]]:
        """Typed answers it may give."""
        return ()

    @property
    def settings(self) -> Sequence[Setting]:
        """What of it may be set for one run."""
        return ()

    @property
    def takes_model_of_run(self) -> bool:
        """Whether the run names its model, or that of somebody inside."""
        return False

    def check(self, execution: Execution) -> "Sequence[BaseChatModel]":  # noqa: ARG002 - for those with models
        """Find out before any model call what would fail later.

        Returns:
            The models it will call, as far as they are known.

        Raises:
            ConfigurationError: No model can be found.
        """
        return ()

    @abstractmethod
    def speak(self, work: Work, scene: Scene) -> Steps[Reply]:
        """Take a turn.

        Args:
            work: The turn in progress.
            scene: The graph it takes part in.
        """

    def reads(self, work: Work, scene: Scene) -> Steps[Sequence[AnyMessage]]:
        """The messages of the thread it reads in this turn."""
        history = self.history or scene.history
        if type(history) is Reading and not work.besides:
            return history.pick(work.view, work.name)
        return (yield from read(history, work))


def refuse_when(participants: Sequence[Participant], instead: str) -> None:
    """Refuse `Member(when=...)` where no turn can be skipped.

    Raises:
        ConfigurationError: A participant has one.
    """
    for participant in participants:
        if participant.when is not None:
            raise ConfigurationError(
                f"`when` of `{participant.name}` is for the stages of a sequence; {instead}"
            )


def said_by(name: str, message: AnyMessage) -> AnyMessage:
    """The message under its speaker's name; it keeps its id, so that a stream shows it once."""
    return message if message.name == name else message.model_copy(update={"name": name})


def answer_text(output: Any) -> str:
    """An answer as text: a typed object as its JSON."""
    return output.model_dump_json() if isinstance(output, BaseModel) else str(output)


def answer_from(name: str, output: Any) -> AIMessage:
    """An answer as a message."""
    return AIMessage(answer_text(output), name=name)


def with_answer(name: str, messages: Sequence[AnyMessage], output: Any) -> list[AnyMessage]:
    """Messages that end with the answer: what a turn stores.

    Tool calls that nobody has answered are left out: no chat API would take them again.
    """
    kept = whole(messages)
    if not (kept and is_answer(kept[-1]) and kept[-1].text == answer_text(output)):
        kept.append(answer_from(name, output))
    return kept


def speakers(participants: Sequence[Participant]) -> Mapping[str, str]:
    """Names and descriptions, in declared order."""
    return {participant.name: participant.description for participant in participants}
