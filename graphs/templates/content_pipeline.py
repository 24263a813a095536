"""Content pipeline: notes, then an article, then the finished text.

intake -> research -> write -> edit
"""

import re
from collections.abc import Sequence
from functools import partial

from langchain_core.messages import BaseMessage

from langgraph_orchestra.graphs import PatternGraph, create_sequential
from langgraph_orchestra.graphs.templates.reading import said_by, sentences, task_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent

__all__ = ["EDIT_PROMPT", "RESEARCH_PROMPT", "WRITE_PROMPT", "graph"]

RESEARCH_PROMPT = """\
You are a researcher. Collect what a writer needs for the piece the task asks for.

Begin with the line `Notes on <subject>`. Then give five to ten bullet points, one fact each, the
most important first. Take every fact and figure that the task itself gives, word for word where
figures are concerned. Add from your own knowledge only what you are sure of, and mark it
`(background)`. Never invent names, figures, quotations or sources. Close with one bullet that says
what is missing, if a reader would ask for it. Write notes only, no article."""

WRITE_PROMPT = """\
You are a writer. Write the piece that the task asks for, from the researcher's notes alone.

Begin with a headline as `# Headline`. Say the most important thing in the first sentence, then what
supports it, then what comes next. Use short paragraphs and active verbs. Every fact and figure must
be in the notes; leave out what you cannot support. Keep to the length and the tone the task asks
for; if it names none, stay under 300 words. Give the piece alone, without remarks about it."""

EDIT_PROMPT = """\
You are an editor. Make the writer's piece ready to publish.

Cut filler, repetition and empty adjectives; prefer the short word; correct spelling and grammar.
Keep every fact and figure exactly as it is, and add none. Keep the headline, the order and the
writer's voice. Give the finished piece alone, without a list of your changes."""

REQUEST = re.compile(
    r"(?:please\s+)?(?:write|draft|create|prepare|compose|explain|describe)\b"
    r"(?:.*?\b(?:about|on)\b)?\s*(?P<subject>[^.!?:]+)",
    re.IGNORECASE,
)

PADDING = {
    r"in order to": "to",
    r"due to the fact that": "because",
    r"at this point in time": "now",
    r"a (?:large|great) number of(?! (?:them|us|these|those)\b)": "many",
    r"(?:very|really|quite|basically|actually|extremely) ": "",
}
"""What the stand-in for the editor cuts or shortens."""


def graph() -> PatternGraph:
    """Build the graph."""
    return create_sequential(
        [
            Agent("research", RESEARCH_PROMPT, model=StandIn(take_notes)),
            Agent("write", WRITE_PROMPT, model=StandIn(write_article)),
            Agent("edit", EDIT_PROMPT, model=StandIn(cut_padding)),
        ]
    )


def take_notes(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the researcher: the subject of the task, and the facts it gives."""
    said = [re.sub(r"^facts:\s*", "", s, flags=re.IGNORECASE) for s in sentences(task_in(messages))]
    asked = next((found for sentence in said if (found := REQUEST.match(sentence))), None)
    subject = asked["subject"].strip() if asked else said[0].rstrip(".!?")
    facts = [sentence for sentence in said[not asked :] if not REQUEST.match(sentence)]
    missing = f"Missing: the task gives no facts about {subject}."
    return "\n".join([f"Notes on {subject}", *(f"- {fact}" for fact in facts or [missing])])


def write_article(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the writer: the first fact leads, the others follow."""
    *_, notes = said_by("research", messages)
    heading, *facts = sentences(notes)
    subject = heading.removeprefix("Notes on ")
    lead, *others = facts
    if lead.startswith("Missing: "):
        lead = f"This piece waits for its facts: {lead.removeprefix('Missing: ')}"
    paragraphs = [f"# {subject[:1].upper()}{subject[1:]}", lead, " ".join(others)]
    return "\n\n".join(filter(None, paragraphs))


def cut_padding(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the editor: cut the padding."""
    *_, article = said_by("write", messages)
    for padding, short in PADDING.items():
        found = re.compile(rf"\b{padding}(?P<next>.)", re.IGNORECASE)
        article = found.sub(partial(in_short, short), article)
    return article


def in_short(short: str, padding: re.Match[str]) -> str:
    """What stays of the padding and the letter after it, with a capital where it had one."""
    text = short + padding["next"]
    return text[0].upper() + text[1:] if padding[0][0].isupper() else text
