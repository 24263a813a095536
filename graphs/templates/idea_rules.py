"""Brainstorming by techniques where no model does it: each turns words of the task into an idea."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["PASS", "PERSPECTIVES", "Idea", "idea_in", "next_idea", "support_of", "terms_in"]

PERSPECTIVES = ("customer", "engineer", "marketer", "contrarian")
"""Who takes part."""

PASS = "Pass."  # noqa: S105 - what somebody says who has no more ideas
"""What somebody says who has nothing to add."""

MOST_TERMS = 3
"""Over how many things of the task ideas are made."""


class Technique(NamedTuple):
    """How a word of the task becomes an idea."""

    title: str
    how: str


TECHNIQUES: Mapping[str, Sequence[Technique]] = {
    "customer": (
        Technique("Ask about the {term}", "Ask ten of those it is for what to change first."),
        Technique("A choice for the {term}", "Offer three variants, and keep the one they take."),
        Technique("The {term} on request", "Let them say when and where, and go along with it."),
    ),
    "engineer": (
        Technique(
            "A small trial with the {term}", "Two weeks in one place, counted before and after."
        ),
        Technique("One step less for the {term}", "List what it takes today, and drop one step."),
        Technique("The {term} at a glance", "Show on one screen what is free, and from when."),
    ),
    "marketer": (
        Technique("A friend for the {term}", "Whoever comes brings somebody for free."),
        Technique(
            "The story of the {term}", "One true story a week, told by those who were there."
        ),
        Technique("A name for the {term}", "Give it a name that people can ask for."),
    ),
    "contrarian": (
        Technique("Without the {term}", "Leave it out for a week, and see what is missed."),
        Technique("The {term} the other way round", "Plan for the reverse, then keep what works."),
        Technique("The {term} for others", "Give it to those it was never meant for."),
    ),
}
"""Each perspective's techniques, for the first thing in the task, the second, and so on."""

BUILDS_ON: Mapping[str, Sequence[str]] = {
    "customer": ("contrarian", "marketer"),
    "engineer": ("customer", "contrarian"),
    "marketer": ("customer", "engineer"),
    "contrarian": ("engineer",),
}
"""Whose ideas somebody builds on, the dearest first."""

COMMON = frozenset(
    [
        "about",
        "above",
        "after",
        "again",
        "also",
        "another",
        "around",
        "because",
        "been",
        "before",
        "being",
        "best",
        "better",
        "between",
        "both",
        "bring",
        "come",
        "could",
        "create",
        "does",
        "doing",
        "down",
        "each",
        "even",
        "every",
        "find",
        "first",
        "from",
        "getting",
        "give",
        "going",
        "good",
        "have",
        "help",
        "here",
        "idea",
        "ideas",
        "improve",
        "into",
        "just",
        "keep",
        "less",
        "like",
        "make",
        "many",
        "more",
        "most",
        "much",
        "need",
        "never",
        "next",
        "only",
        "other",
        "over",
        "people",
        "please",
        "should",
        "some",
        "start",
        "such",
        "than",
        "that",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "think",
        "this",
        "those",
        "through",
        "time",
        "under",
        "until",
        "used",
        "uses",
        "using",
        "very",
        "visit",
        "want",
        "ways",
        "well",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "will",
        "with",
        "without",
        "work",
        "would",
        "years",
        "your",
        "brainstorm",
        "increase",
        "reduce",
        "suggest",
        "list",
        "attract",
    ]
)
"""Words that say little of what a task is about."""


class Idea(NamedTuple):
    """An idea, as it was said."""

    by: str
    title: str
    how: str
    builds_on: str
    """Title of the idea it builds on; empty if on none."""

    def __str__(self) -> str:
        return "\n".join([f"Idea: {self.title}", f"How: {self.how}", *self._origin])

    @property
    def _origin(self) -> Sequence[str]:
        return [f"Builds on: {self.builds_on}"] if self.builds_on else []


def idea_in(by: str, text: str) -> Idea | None:
    """The idea in what somebody has said; None if there is none."""
    said = dict(re.findall(r"^\W*(Idea|How|Builds on):\W*(.+?)\**\s*$", text, re.MULTILINE))
    if "Idea" not in said:
        return None
    return Idea(by, said["Idea"], said.get("How", ""), said.get("Builds on", ""))


def next_idea(by: str, task: str, ideas: Sequence[Idea]) -> Idea | None:
    """Somebody's next idea; None if they have no more.

    Args:
        by: Who has it.
        task: What it is to be about.
        ideas: All ideas so far.
    """
    place, terms = sum(idea.by == by for idea in ideas), terms_in(task)
    if place >= len(terms):
        return None
    term, technique = terms[place], TECHNIQUES[by][place]
    near = [idea for idea in reversed(ideas) if term in idea.title]
    built_on = (idea for name in BUILDS_ON[by] for idea in near if idea.by == name)
    origin = next(built_on, None)
    how = f"{technique.how[:-1]}, together with {origin.by}'s idea." if origin else technique.how
    return Idea(by, technique.title.format(term=term), how, origin.title if origin else "")


def support_of(idea: Idea, ideas: Sequence[Idea]) -> int:
    """How many ideas build on one, directly or by way of others."""
    reached = {idea.title}
    for other in ideas:  # an idea stands before those that build on it
        if other.builds_on in reached:
            reached.add(other.title)
    return len(reached) - 1


def terms_in(task: str) -> Sequence[str]:
    """What a task is about: words that say something, two together where they stand so."""
    words = re.findall(r"[^\W\d_][\w'-]*|[.,;:!?]", task)
    terms: list[str] = []
    follows = False
    for word in words:
        telling = len(word) > 3 and word.lower() not in COMMON and not word.istitle()
        if telling and follows and " " not in terms[-1]:
            terms[-1] += f" {word}"
        elif telling:
            terms.append(word)
        follows = telling
    return list(dict.fromkeys(terms))[:MOST_TERMS] or [task.strip().rstrip(".!?").lower()[:40]]
