"""A graph for every place in which a pattern asks a person, and what is asked and answered there.

A pattern that comes later adds its places to `PLACES`; the tests run over all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs import (
    PatternGraph,
    create_concurrent,
    create_group_chat,
    create_handoff,
    create_magentic,
    create_maker_checker,
    create_sequential,
    create_supervisor,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, by_person, question
from langgraph_orchestra.nodes.supervisor.prompts import PLAN_PROMPT
from support.crash_graphs import Diary, NotingManager
from support.handoffs import to
from support.plans import plan, review, reviewed_in

__all__ = ["PEOPLE_GRAPHS", "PLACES", "Place"]


@dataclass(frozen=True)
class Place:
    """Where somebody, called `ada`, is asked once."""

    build: Callable[[Diary], PatternGraph]
    """Makes the graph; its other participants note that they work."""

    pattern: str
    """As the request names it."""

    kind: str
    """Of the request."""

    allowed: Sequence[str]
    """Decisions that are possible."""

    arguments: Mapping[str, Any]
    """Of the request, for the task `Go`."""

    before: Sequence[str]
    """Who has worked when ada is asked."""

    after: Sequence[str]
    """Who works when she has answered."""

    answer: Any
    """One that can be used."""

    output: str
    """Of the run with that answer."""

    forms: Sequence[Any]
    """Other forms of the same answer."""

    bad: Sequence[Any] = field(default=(5, {"type": "shrug"}, {"decisions": [{}, {}]}))
    """Answers that cannot be used."""

    node: str = "ada"
    """Who asks, as the request names them."""

    rejected: Sequence[str] = ()
    """Who works when they reject it without a word, where that ends the run."""


def drafted(diary: Diary) -> PatternGraph:
    """A person reviews the answer of the stage before."""
    return create_sequential([diary.stage("writer"), Human("ada"), diary.stage("printer")])


def checking(diary: Diary) -> PatternGraph:
    """A person checks the drafts of a maker."""
    return create_maker_checker(diary.stage("writer"), Human("ada"))


def branched(diary: Diary) -> PatternGraph:
    """A person in a branch."""
    return create_concurrent([diary.stage("ben"), question("ada", "Well?")])


def seated(diary: Diary) -> PatternGraph:
    """A person in a group chat."""
    return create_group_chat([diary.stage("ben"), Human("ada"), diary.stage("carl")], max_turns=3)


def choosing(diary: Diary) -> PatternGraph:
    """A person gives the floor."""
    stages = [diary.stage("ben"), diary.stage("carl")]
    return create_group_chat(stages, select=by_person("ada"), max_turns=1)


def observing(diary: Diary) -> PatternGraph:
    """A person may speak before a turn."""
    stages = [diary.stage("ben"), diary.stage("carl")]
    return create_group_chat(stages, observer=Human("ada"), max_turns=1)


def returning(diary: Diary) -> PatternGraph:
    """An answer goes back to a person."""
    return create_handoff([diary.agent("ben")], human="ada")


def escalating(diary: Diary) -> PatternGraph:
    """A person is asked about handoffs without an end."""

    def handing(name: str, target: str) -> Agent:
        def reply(_: Sequence[BaseMessage]) -> Any:
            diary.note(name)
            return to(target)

        return Agent(name, f"You are {name}.", model=ScriptedModel(reply))

    return create_handoff(
        [handing("ben", "carl"), handing("carl", "ben")], human="ada", max_handoffs=1
    )


def working(diary: Diary) -> PatternGraph:
    """A person does a step of a plan, on which another is built."""

    def decide(messages: Sequence[BaseMessage]) -> Any:
        if PLAN_PROMPT in messages[0].text:
            return plan("s1 ben", "s2 ada", "s3 carl: s1 s2")
        return review(*reviewed_in(messages[-1].text))

    return create_supervisor(
        [diary.stage("ben"), Human("ada"), diary.stage("carl")],
        model=ScriptedModel(decide),
        synthesis="forward",
    )


def planned(diary: Diary) -> PatternGraph:
    """A person reviews the plan of a manager."""
    return create_magentic(
        [diary.stage("ben")], manager=NotingManager(diary), plan_review="initial"
    )


def permitted(diary: Diary) -> PatternGraph:
    """A person approves what ada is to do."""
    return create_magentic(
        [diary.stage("ada")], manager=NotingManager(diary), approve_before=["ada"]
    )


APPROVALS: Sequence[Any] = (
    True,
    "Yes.",
    "ok",
    {"type": "approve"},
    {"decisions": [{"type": "approve"}]},
    [{"type": "accept", "args": None}],
    {"approved": True},
)
BLANKS: Sequence[Any] = (
    " \n",
    [],
    {"decisions": []},
    {"type": "respond", "message": " "},
)


def words(said: str) -> Sequence[Any]:
    """Words in all the forms that tools send them."""
    return (
        {"type": "respond", "message": said},
        {"type": "respond", "feedback": said},
        {"decisions": [{"type": "respond", "message": said}]},
        [{"type": "response", "args": said}],
        [said],
    )


PLACES: Mapping[str, Place] = {
    "review in a sequence": Place(
        drafted,
        pattern="sequential",
        kind="review_draft",
        allowed=["approve", "edit", "reject"],
        arguments={"participant": "writer", "draft": "answer of writer", "round": 1},
        before=["writer"],
        after=["printer"],
        answer="approve",
        output="answer of printer",
        forms=APPROVALS,
    ),
    "checker": Place(
        checking,
        pattern="maker_checker",
        kind="review_draft",
        allowed=["approve", "edit", "reject"],
        arguments={"participant": "writer", "draft": "answer of writer", "round": 1},
        before=["writer"],
        after=[],
        answer="approve",
        output="answer of writer",
        forms=APPROVALS,
    ),
    "branch": Place(
        branched,
        pattern="concurrent",
        kind="answer",
        allowed=["respond"],
        arguments={"participant": "ada", "message": "Well?", "task": "Go"},
        before=["ben"],
        after=[],
        answer="fine",
        output="## ben\n\nanswer of ben\n\n## ada\n\nfine",
        forms=words("fine"),
    ),
    "seat in a group chat": Place(
        seated,
        pattern="group_chat",
        kind="answer",
        allowed=["respond"],
        arguments={"participant": "ada", "message": "answer of ben", "task": "Go"},
        before=["ben"],
        after=["carl"],
        answer="fine",
        output="answer of carl",
        forms=words("fine"),
    ),
    "chooser": Place(
        choosing,
        pattern="group_chat",
        kind="choose_speaker",
        allowed=["respond"],
        arguments={"candidates": ["ben", "carl"]},
        before=[],
        after=["carl"],
        answer="carl",
        output="answer of carl",
        forms=(*words("carl"), "CARL", "2", 2, {"type": "respond", "message": 2}),
        bad=("zoe", 7, {"type": "approve"}),
    ),
    "observer": Place(
        observing,
        pattern="group_chat",
        kind="observe",
        allowed=["approve", "respond"],
        arguments={"candidates": ["ben", "carl"], "message": "Go"},
        before=[],
        after=["ben"],
        answer="be quick",
        output="answer of ben",
        forms=words("be quick"),
    ),
    "worker": Place(
        working,
        pattern="supervisor",
        kind="answer",
        allowed=["respond"],
        arguments={
            "participant": "ada",
            "message": "Goal: Go\n\nYour step: Do s2.",
            "task": "Go",
        },
        before=["ben"],
        after=["carl"],
        answer="fine",
        output="answer of carl",
        forms=words("fine"),
    ),
    "return of a handoff": Place(
        returning,
        pattern="handoff",
        kind="answer",
        allowed=["respond"],
        arguments={"participant": "ada", "message": "answer of ben", "task": "Go"},
        before=["ben"],
        after=[],
        answer="",
        output="answer of ben",
        forms=(*BLANKS, [{"type": "ignore", "args": None}]),
    ),
    "escalation": Place(
        escalating,
        pattern="handoff",
        kind="escalation",
        allowed=["respond", "reject"],
        arguments={
            "reason": "turn_limit",
            "message": "The conversation does not come to an end: 1 of 1 handoffs taken.",
        },
        before=["ben", "carl"],
        after=[],
        answer="",
        output="",
        forms=BLANKS,
    ),
    "review of a plan": Place(
        planned,
        pattern="magentic",
        kind="plan_review",
        allowed=["approve", "edit", "respond", "reject"],
        arguments={
            "plan": [
                {"id": "s1", "worker": "ben", "task": "do 1", "expected": "", "depends_on": []}
            ],
            "facts": {
                "facts_given": [],
                "facts_to_look_up": [],
                "facts_to_derive": [],
                "guesses": [],
            },
            "attempt": 1,
        },
        before=["plan"],
        after=["assess-0", "ben", "assess-1", "conclude"],
        answer="approve",
        output="answer of ben",
        forms=APPROVALS,
        node="plan_review",
        rejected=["conclude"],
    ),
    "approval of an instruction": Place(
        permitted,
        pattern="magentic",
        kind="ada",
        allowed=["approve", "edit", "reject"],
        arguments={"instruction": "Go"},
        before=["plan", "assess-0"],
        after=["ada", "assess-1", "conclude"],
        answer="approve",
        output="answer of ada",
        forms=APPROVALS,
    ),
}
"""By what somebody is there."""

PEOPLE_GRAPHS: Mapping[str, Callable[[Diary], PatternGraph]] = {
    place.build.__name__: place.build for place in PLACES.values()
}
"""Their graphs, for processes of their own."""
