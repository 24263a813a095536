"""Creative workshop: a story goes round the table until the editor lets it go to print.

    intake -> storyteller -> researcher -> poet -> editor
                   ^                                  |
                   +-------- `more to be done` -------+-- `READY TO PRINT` --> summary

The summary is the finished story: the last word of such a chat is the editor's, who only judges.
"""

from collections.abc import Iterable, Sequence

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs import PatternGraph, create_group_chat
from langgraph_orchestra.graphs.templates.reading import said_by, task_in
from langgraph_orchestra.graphs.templates.workshop_rules import (
    draft_of,
    edited,
    editor_notes,
    line_edits,
    line_edits_in,
    premise_in,
    researcher_notes,
)
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, mentions, round_robin, this_run

__all__ = [
    "EDITOR_PROMPT",
    "FINAL_COPY_PROMPT",
    "POET_PROMPT",
    "READY",
    "RESEARCHER_PROMPT",
    "STORYTELLER_PROMPT",
    "graph",
]

READY = "READY TO PRINT"
"""With these words the editor ends the workshop."""

STORYTELLER_PROMPT = """\
You are the storyteller in a writing workshop. Write the story that the task asks for: a character
who wants something, a turn, an ending that follows from it. Keep to the length the task gives; if
it gives none, stay under 300 words. If you have written it already, write it again, complete, with
every note of your colleagues since then taken in, and nothing else changed. Give the story
alone."""

RESEARCHER_PROMPT = """\
You are the researcher in a writing workshop. Check the latest draft of the story: facts, dates,
places, what existed when, and whether everything the task demands is there. Give each thing that
has to be changed as one bullet point `- ...`, with what would be right. Judge no style. If all is
right, answer with `The facts hold.`"""

POET_PROMPT = """\
You are the poet in a writing workshop. Find up to three plain or worn phrases in the latest draft
and give each an image that fits the story's tone, one to a line: `“the words as they are” ->
“yours”`. Leave the plot alone, and good lines too. If there is nothing to be gained, answer with
`No changes.`"""

EDITOR_PROMPT = f"""\
You are the editor in a writing workshop, and decide when it ends. Read the latest draft and your
colleagues' notes on it. Give up to four things that must still change, as bullet points `- ...`:
holes in the plot, turns that nothing prepares, filler, length, notes not taken in yet. Say how, in
one sentence each; do not rewrite. If only trifles are left, answer with `{READY}` and nothing else.
Never write these words otherwise."""

FINAL_COPY_PROMPT = """\
You make the final copy of a story from a workshop: the storyteller's latest draft, with the line
edits that the poet has suggested since then. Change nothing else. Give the story alone."""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_group_chat(
        [
            Agent("storyteller", STORYTELLER_PROMPT, model=StandIn(tell)),
            Agent("researcher", RESEARCHER_PROMPT, model=StandIn(check_facts)),
            Agent("poet", POET_PROMPT, model=StandIn(find_images)),
            Agent("editor", EDITOR_PROMPT, model=StandIn(judge)),
        ],
        select=round_robin(),
        stop_when=mentions(READY, by="editor"),
        max_turns=12,
        summary=Agent("final_copy", FINAL_COPY_PROMPT, model=StandIn(final_copy)),
        history=this_run(),
    )


def tell(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the storyteller: put the premise into sentences, and take the notes in."""
    notes = [*said_by("researcher", messages), *said_by("editor", messages)]
    edits = line_edits_in(said_by("poet", messages))
    return draft_of(premise_in(task_in(messages)), notes, edits)


def check_facts(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the researcher: compare the draft with the places and years of the task."""
    notes = researcher_notes(premise_in(task_in(messages)), latest_draft(messages))
    return bullets(notes) or "The facts hold."


def find_images(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the poet: look plain phrases up in a list of images."""
    edits = line_edits(latest_draft(messages))
    return "\n".join(f"“{plain}” -> “{image}”" for plain, image in edits.items()) or "No changes."


def judge(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the editor: measure the draft, and see that the researcher's notes are in."""
    notes = [*editor_notes(premise_in(task_in(messages)), latest_draft(messages))]
    if said_by("researcher", messages)[-1].startswith("- "):
        notes.append("Take the researcher's notes in.")
    return bullets(notes) or READY


def final_copy(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the final copy: the latest draft, with the latest images."""
    return edited(latest_draft(messages), line_edits_in(said_by("poet", messages)[-1:]))


def latest_draft(messages: Sequence[BaseMessage]) -> str:
    """The storyteller's latest draft."""
    return said_by("storyteller", messages)[-1]


def bullets(notes: Iterable[str]) -> str:
    """Notes, one to a line."""
    return "\n".join(f"- {note}" for note in notes)
