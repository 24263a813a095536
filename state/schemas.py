"""State schemas of the patterns: TypedDicts a user may extend by subclassing.

Every pattern's state begins with `OrchestrationState`. Keys under "bookkeeping" belong to the
library; they are saved with the thread but are neither input nor output of a graph.
"""

from typing import Annotated, Any

from langchain_core.messages import AnyMessage
from langgraph.channels.delta import DeltaChannel
from typing_extensions import TypedDict

from langgraph_orchestra.state.decisions import Verdict
from langgraph_orchestra.state.plans import Plan, ProgressLedger, StepResult, TaskLedger
from langgraph_orchestra.state.records import Handoff, Result, Stop, Turn, Votes
from langgraph_orchestra.state.reducers import (
    append_entries,
    append_handoffs,
    append_messages,
    append_turns,
    merge_branches,
    merge_results,
    merge_steps,
)

__all__ = [
    "BOOKKEEPING",
    "ConcurrentState",
    "GroupChatState",
    "HandoffInfo",
    "HandoffState",
    "MagenticInfo",
    "MagenticState",
    "MakerCheckerState",
    "ManagerNote",
    "MapReduceState",
    "OrchestrationState",
    "RunInfo",
    "SequentialState",
    "SupervisorInfo",
    "SupervisorState",
]

SNAPSHOT_EVERY = 250
"""Updates after which a thread's messages, and its trail, are saved whole.

Each snapshot holds everything before it, so they are what makes long threads large: with
LangGraph's 100, they are a third of a chat of 300 turns. Since the last one, a resume replays the
updates, some 20 us for each. Measured at 300 turns: 3.9 kB a turn, and 6.7 ms to resume.
"""

Messages = Annotated[
    list[AnyMessage], DeltaChannel(append_messages, snapshot_frequency=SNAPSHOT_EVERY)
]
"""A thread's messages; what is stored grows with what is new, not with the whole thread."""


class RunInfo(TypedDict, total=False):
    """Where the current run begins on its thread; written when it begins and when it ends."""

    first_message: int
    """Place of the first message of this run's input."""

    input_messages: int
    """How many messages the run was given."""

    first_turn: int
    """Place of this run's first entry in the trail."""

    follow_up: str | None
    """Whose turn is taken and saved, while what follows it is still to be done."""

    goes_on_to: str | None
    """Where the run goes on after that, if that is decided already."""

    last_message: str | None
    """Id of the thread's last message when the run ended; None while it runs."""


class OrchestrationState(TypedDict, total=False):
    """What every pattern shares."""

    messages: Messages
    """The conversation: the thread's whole transcript, over all its runs."""

    trail: Annotated[list[Turn], DeltaChannel(append_turns, snapshot_frequency=SNAPSHOT_EVERY)]
    """Who did what, when and at what cost; the thread's, over all its runs."""

    output: Any
    """The answer of this run: text, or the typed object of who answered."""

    stop: Stop | None
    """Why this run ended; None while it runs."""

    run_info: RunInfo
    """Bookkeeping: where this run begins."""


class SequentialState(OrchestrationState, total=False):
    """State of `create_sequential`; `output` is always the latest stage's answer."""


class ConcurrentState(OrchestrationState, total=False):
    """State of `create_concurrent`."""

    results: dict[str, Result]
    """What each branch brought, in declared order; only the branches that were selected."""

    votes: Votes | None
    """How the majority came about, where `majority()` aggregates."""

    branch_records: Annotated[dict[str, Any], merge_branches]
    """Bookkeeping: what finished branches bring to the join."""


class MapReduceState(OrchestrationState, total=False):
    """State of `create_map_reduce`."""

    results: Annotated[list[Result], merge_results]
    """What came of each item, in the order of the items."""

    votes: Votes | None
    """How the majority came about, where `majority()` reduces."""


class GroupChatState(OrchestrationState, total=False):
    """State of `create_group_chat`."""

    next_speaker: str | None
    """Whom the selector has given the floor; None before a choice, when the chat has ended, and
    where nobody chooses: `round_robin()` and `rotate_random()` only follow an order."""


class MakerCheckerState(OrchestrationState, total=False):
    """State of `create_maker_checker`."""

    drafts: Annotated[list[Any], DeltaChannel(append_entries)]
    """This run's drafts in order, as text or typed objects; not what a reviewing person edited."""

    rounds: int
    """How many drafts have been checked in this run."""

    verdicts: Annotated[list[dict[str, Verdict]], DeltaChannel(append_entries)]
    """What was said of each draft, by the checker's name; one entry for each round."""

    branch_records: Annotated[dict[str, Any], merge_branches]
    """Bookkeeping: what checkers who work side by side bring to the join."""


class HandoffInfo(TypedDict, total=False):
    """How control has come to who has it."""

    control_by: int | None
    """Place of the handoff that brought it in `handoffs`; None if none did."""

    control_began: int
    """How many messages the thread had by then."""

    counted_from: int
    """Place of the first handoff that counts for the limits, since a person let the run go on."""

    escalation: Stop | None
    """What the run will end with unless a person lets it go on."""

    undecided: dict[str, Any] | None
    """What a saved turn asks for, while it is open where control goes after it."""


class HandoffState(OrchestrationState, total=False):
    """State of `create_handoff`."""

    active: str | None
    """Who has control; None before the first run."""

    handoffs: Annotated[list[Handoff], DeltaChannel(append_handoffs)]
    """This run's handoffs in order, those refused and ignored included."""

    handoff_info: HandoffInfo
    """Bookkeeping: since when who has control, and since when the limits count."""


class MagenticInfo(TypedDict, total=False):
    """What a manager works with, besides the counters."""

    plan_began: int
    """How many messages the thread had when the current plan was made."""

    revisions: int
    """How often a person has sent that plan back."""

    feedback: str | None
    """What they have said of it last, until another one is made."""


class ManagerNote(TypedDict):
    """Something the manager is to know that nobody has said: a failure, a refusal, a change."""

    after: int
    """How many messages the thread had by then."""

    text: str
    """What the manager reads."""


class MagenticState(OrchestrationState, total=False):
    """State of `create_magentic`."""

    task_ledgers: Annotated[list[TaskLedger], DeltaChannel(append_entries)]
    """All versions of this run's facts and plan, the newest last."""

    progress_ledgers: Annotated[list[ProgressLedger], DeltaChannel(append_entries)]
    """What the manager has found of the progress in this run, the newest last."""

    rounds: int
    """How often somebody has worked as the manager asked, in this run."""

    stalls: int
    """Rounds without progress: one more for each, one less for each with progress."""

    resets: int
    """How often facts and plan were rewritten since the work stalled."""

    magentic_info: MagenticInfo
    """Bookkeeping: since when the plan holds, and how its review stands."""

    manager_notes: Annotated[list[ManagerNote], DeltaChannel(append_entries)]
    """Bookkeeping: what the manager reads between the messages."""

    branch_records: Annotated[dict[str, Any], merge_branches]
    """Bookkeeping: what several who work at once bring to the manager."""


class SupervisorInfo(TypedDict, total=False):
    """What belongs to the steps of a plan besides their results."""

    objections: dict[str, str]
    """What the latest review wants changed, by the step's id; of steps it has not accepted only."""

    answers: dict[str, AnyMessage]
    """The message with the answer of the last step, by its id, where it is to be forwarded."""


class SupervisorState(OrchestrationState, total=False):
    """State of `create_supervisor`."""

    plan: Plan | None
    """This run's plan, with the status of its steps; None before there is one."""

    results: Annotated[dict[str, StepResult], DeltaChannel(merge_steps)]
    """What came of each step, by its id, in the order of the plan; the latest good answer, where a
    revision has failed."""

    branch_records: Annotated[dict[str, Any], merge_branches]
    """Bookkeeping: what finished steps bring to the review, by their ids."""

    supervisor_info: SupervisorInfo
    """Bookkeeping: what was said of results, and the messages to forward."""


BOOKKEEPING = frozenset(
    {
        "run_info",
        "branch_records",
        "handoff_info",
        "magentic_info",
        "manager_notes",
        "supervisor_info",
    }
)
"""Keys that are neither input nor output of a graph."""
