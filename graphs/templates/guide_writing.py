"""Guide writing: a researcher, a critic and a writer talk until the critic lets the guide go out.

    intake -> selector <-> researcher, critic, writer
                  |
                  +-- `READY TO PUBLISH`, by the critic --> summary

A chair reads the conversation and gives the floor: what is missing goes to the researcher, what is
unclear to the writer. The summary is the latest draft, by a function: nobody types it again.
"""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs import PatternGraph, create_group_chat
from langgraph_orchestra.graphs.templates.guide_rules import (
    QUESTION,
    answer_to,
    answers_in,
    brief_in,
    draft_of,
    flaws_in,
    notes_on,
    questions_on,
)
from langgraph_orchestra.graphs.templates.reading import said_by, task_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, View, by_model, mentions, this_run
from langgraph_orchestra.state import SpeakerChoice

__all__ = [
    "CHAIR_PROMPT",
    "CRITIC_PROMPT",
    "READY",
    "RESEARCHER_PROMPT",
    "WRITER_PROMPT",
    "graph",
]

READY = "READY TO PUBLISH"
"""With these words the critic ends the work."""

RESEARCHER_PROMPT = f"""\
You are the researcher of a guide. At first, note what the writer needs: for whom it is, what they
need, every step in its order, and what can go wrong at which step. Take everything from the task;
add from your own knowledge only what you are sure of, and mark it `(background)`. Later, answer
what the critic has asked behind `{QUESTION.strip()}`, one line each; where you do not know, say so:
it becomes an open question of the guide. Write no prose."""

CRITIC_PROMPT = f"""\
You are the critic of a guide. Read the latest draft as somebody who does what it says for the first
time. Give what must change as bullet points `- ...`: steps that ask for two things, words nobody
can check (`properly`), warnings that come after the step, terms that are not explained, no way to
tell that it has worked. What only research can settle, ask as `{QUESTION}...`, on a line of its
own. What stands among the open questions is no flaw. Do not rewrite. If only trifles are left,
answer with `{READY}` and nothing else. Never write these words otherwise."""

WRITER_PROMPT = """\
You are the writer of a guide. Write it from the researcher's notes and answers alone: a heading,
for whom it is, what they need before they begin, the terms, then numbered steps that ask for one
thing each, with every warning before the step that it is about, and at the end how to tell that it
has worked. What nobody knows goes under `Open questions`. If you have written it already, write it
again, complete, with every note of the critic taken in. Give the guide alone."""

CHAIR_PROMPT = """\
You give the floor in a conversation that makes a guide. The researcher begins. Whenever there are
new notes or answers, the writer is next; whenever there is a new draft, the critic. When the critic
has asked the researcher something, the researcher is next; when the critic has only notes on the
text, the writer. Say why in one sentence."""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_group_chat(
        [
            Agent(
                "researcher",
                RESEARCHER_PROMPT,
                description="finds out facts",
                model=StandIn(research),
            ),
            Agent(
                "critic",
                CRITIC_PROMPT,
                description="finds what is wrong with a draft",
                model=StandIn(criticise),
            ),
            Agent("writer", WRITER_PROMPT, description="writes the draft", model=StandIn(write)),
        ],
        select=by_model(
            Agent("chair", CHAIR_PROMPT, model=StandIn(give_floor), history=this_run()),
            may_finish=False,
        ),
        allow_repeat=False,
        stop_when=mentions(READY, by="critic"),
        max_turns=12,
        summary=latest_draft,
        history=this_run(),
    )


def latest_draft(view: View) -> str:
    """The guide as the writer has left it."""
    return next(reversed(said_by("writer", view.answers)), "No draft was written.")


def research(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the researcher: what the task gives, and no more."""
    brief = brief_in(task_in(messages))
    questions = questions_in(said_by("critic", messages)[-1:])
    return "\n".join(answer_to(question, brief) for question in questions) or notes_on(brief)


def criticise(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the critic: measure the latest draft."""
    *_, draft = said_by("writer", messages)
    notes = [f"- {flaw}" for flaw in flaws_in(draft)]
    return "\n".join([*notes, *(f"{QUESTION}{one}" for one in questions_on(draft))]) or READY


def write(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the writer: put the notes into the form of a guide."""
    notes, *answers = said_by("researcher", messages)
    criticism = "\n".join(said_by("critic", messages))
    return draft_of(brief_in(notes), criticism, answers_in(answers))


def give_floor(messages: Sequence[BaseMessage]) -> SpeakerChoice:
    """Stand in for the chair: go by who spoke last, and what the critic asks for."""
    spoken = [message.name for message in messages if message.name in SUCCESSORS]
    latest = spoken[-1] if spoken else None
    asked = questions_in(said_by("critic", messages)[-1:])
    if latest == "critic" and asked:
        return SpeakerChoice(next_speaker="researcher", reason=f"was asked: {asked[0]}")
    successor, reason = SUCCESSORS[latest] if latest else ("researcher", "nothing is known yet")
    return SpeakerChoice(next_speaker=successor, reason=reason)


SUCCESSORS = {
    "researcher": ("writer", "there is something new to write from"),
    "writer": ("critic", "there is a new draft"),
    "critic": ("writer", "the text has to change"),
}
"""Who speaks after whom, where nothing is asked, and why."""


def questions_in(said: Sequence[str]) -> list[str]:
    """What the critic asks the researcher."""
    lines = (line for text in said for line in text.splitlines())
    return [line.removeprefix(QUESTION) for line in lines if line.startswith(QUESTION)]
