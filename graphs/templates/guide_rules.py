"""Guides by rules, where no model writes them: notes, drafts, what they lack, and who knows it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from langgraph_orchestra.graphs.templates.reading import listed, matches

__all__ = [
    "QUESTION",
    "Brief",
    "answer_to",
    "answers_in",
    "brief_in",
    "draft_of",
    "flaws_in",
    "notes_on",
    "questions_on",
]

QUESTION = "Question for researcher: "
"""What the critic puts before what only the researcher can find."""

UNKNOWN = "the task does not say"
STEPS, RESULT = "What are the steps?", "How can readers tell that it has worked?"

REQUEST = re.compile(
    r"^(?:please )?(?:write|prepare|draft|make|notes)\b[^\n]*?\b(?:on|about|to) ", re.I
)
AUDIENCE = re.compile(r",? for (?P<who>[^.,\n]+)")
LABELS: Mapping[str, str] = {
    "needs": r"needs?|you need|tools",
    "steps": "steps?|procedure",
    "warnings": "warnings?|careful|risks?",
    "terms": "terms?|glossary",
    "result": "done when|result|success",
}
"""What stands before a part of the task, on a line of its own."""

VAGUE = "properly|correctly|appropriately|as needed|if necessary|etc|somehow"
ABBREVIATION = re.compile(r"\b[A-Z]{2,}s?\b")
DOING = (
    "add|ask|call|change|check|close|connect|copy|delete|enter|label|load|note|open|plug|remove|"
    "restart|save|start|stop|switch|test|turn|unplug|wait|write"
)
"""Words that begin an action."""

TWO_ACTIONS = re.compile(rf",? and (?:then |(?=(?:{DOING})\b))", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])(?=\s|$)")
NOTED_STEP = re.compile(r"^\d+\. (.+)$", re.MULTILINE)


class Brief(NamedTuple):
    """What a guide is to be about, as far as the task says it."""

    topic: str
    audience: str
    needs: Sequence[str]
    steps: Sequence[str]
    warnings: Sequence[str]
    terms: Mapping[str, str]
    """What abbreviations mean."""

    result: str
    """How one can tell that it has worked; empty if the task does not say."""


def brief_in(task: str) -> Brief:
    """Take the brief from a task: its first line, and the parts under their labels."""
    request, *_ = task.strip().splitlines() or [""]
    audience = AUDIENCE.search(request)
    parts = _parts(task)
    terms = (re.split(r"\s*(?:=|: )\s*", term, maxsplit=1) for term in parts.get("terms", ()))
    return Brief(
        topic=REQUEST.sub("", AUDIENCE.sub("", request)).rstrip(" .!:"),
        audience=audience["who"].strip() if audience else "everybody",
        needs=parts.get("needs", ()),
        steps=parts.get("steps", ()),
        warnings=parts.get("warnings", ()),
        terms={term[0]: term[1] for term in terms if len(term) == 2},
        result=" ".join(parts.get("result", ())),
    )


def notes_on(brief: Brief) -> str:
    """What a researcher notes at first: what to do, with what, and where to be careful."""
    lines = [f"Notes on {brief.topic}, for {brief.audience}"]
    for title, items in (
        ("Needs", brief.needs),
        ("Steps", brief.steps),
        ("Warnings", brief.warnings),
    ):
        lines += [f"{title}:", *(f"- {item}" for item in items)] if items else []
    return "\n".join(lines)


def answer_to(question: str, brief: Brief) -> str:
    """What a researcher finds in the task on a question."""
    term = re.search(r"“(.+)”", question)
    found = brief.terms.get(term[1].removesuffix("s"), "") if term else ""
    if question == RESULT:
        found = brief.result
    return f"{question} -> {found or UNKNOWN}"


def answers_in(said: Sequence[str]) -> Mapping[str, str]:
    """The answers in what a researcher has said, by their questions; unknown ones are empty."""
    answers = re.findall(r"^(.+?\?) -> (.+)$", "\n".join(said), re.MULTILINE)
    return {question: "" if found == UNKNOWN else found for question, found in answers}


def draft_of(brief: Brief, notes: str, answers: Mapping[str, str]) -> str:
    """A draft: of the brief at first, then with what was noted and answered since.

    Args:
        brief: What it is to be about.
        notes: What the critic has said of earlier drafts.
        answers: What the researcher has answered, by the question.
    """
    steps = _steps(brief, notes)
    moved = "Move the warning" in notes
    late = "\n".join(f"- {warning}" for warning in brief.warnings)
    told = {
        "Before you begin": f"You need {listed(brief.needs)}." if brief.needs else "",
        "Terms": "\n".join(f"- {_term(q)}: {a}" for q, a in answers.items() if a and _term(q)),
        "Steps": "\n".join(_with_warnings(steps, brief.warnings if moved else ())),
        "Warnings": "" if moved else late,
        "You are done when": answers.get(RESULT, ""),
        "Open questions": "\n".join(f"- {q}" for q, answer in answers.items() if not answer),
    }
    heading = f"# {_sentence(brief.topic)}\n\nA guide for {brief.audience}."
    return "\n\n".join(
        [heading, *(f"## {title}\n\n{text}" for title, text in told.items() if text)]
    )


def flaws_in(draft: str) -> Iterator[str]:
    """What the writer has to change in a draft."""
    steps = NOTED_STEP.findall(draft)
    for step in steps:
        if TWO_ACTIONS.search(step):
            yield f"Split “{step}”: it asks for two things at once."
    for vague in matches(VAGUE, " ".join(steps)):
        yield f"Strike “{vague}”: nobody can tell what it means."
    if "## Warnings" in draft:
        yield "Move the warnings before the steps that they are about: here they come too late."


def questions_on(draft: str) -> Iterator[str]:
    """What the draft leaves open, and only a researcher can find."""
    if not NOTED_STEP.search(draft) and STEPS not in draft:
        yield STEPS
    for term in dict.fromkeys(ABBREVIATION.findall(draft)):
        if f"- {term}: " not in draft and f"“{term}”" not in draft:
            yield f"What does “{term}” mean?"
    if "## You are done when" not in draft and RESULT not in draft:
        yield RESULT


def _parts(task: str) -> Mapping[str, Sequence[str]]:
    """The items under each label, in the same line or below it; a blank line ends them."""
    parts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in task.splitlines():
        part, items = _labelled(line)
        if part:
            current = parts.setdefault(part, [])
        elif not items:
            current = []
        current += items
    return parts


def _labelled(line: str) -> tuple[str, list[str]]:
    """The part that a line begins, empty if none, and the items in it."""
    label, _, rest = line.partition(":")
    named = (part for part, names in LABELS.items() if re.fullmatch(names, label.strip(), re.I))
    part = next(named, "") if ":" in line else ""
    items = (
        _BULLET.sub("", item).strip().rstrip(".") for item in (rest if part else line).split(";")
    )
    return part, [item for item in items if item]


def _steps(brief: Brief, notes: str) -> list[str]:
    """The steps, split and without vague words as far as the notes ask for it."""
    vague = re.compile(rf",? ?\b({VAGUE})\b", re.IGNORECASE)
    steps: list[str] = []
    for step in map(_sentence, brief.steps):
        struck = _sentence(vague.sub(lambda v: "" if f"“{v[1]}”" in notes else v[0], step))
        is_split = any(f"Split “{one}”" in notes for one in (step, struck))
        steps += map(_sentence, TWO_ACTIONS.split(struck) if is_split else [struck])
    return steps


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]


def _with_warnings(steps: Sequence[str], warnings: Sequence[str]) -> Iterator[str]:
    """The numbered steps, each after the warnings that it is nearest to."""
    places = {
        warning: max(range(len(steps)), key=lambda n: _nearness(steps[n], warning), default=0)
        for warning in warnings
    }
    for place, step in enumerate(steps or [""]):
        yield from (f"> Careful: {one}" for one, before in places.items() if before == place)
        if step:
            yield f"{place + 1}. {step}"


def _nearness(step: str, warning: str) -> int:
    """How many words two texts share; what is done counts more than with what."""
    action, *_ = step.split() or [""]
    return len(_stems(step) & _stems(warning)) + 2 * len(_stems(action) & _stems(warning))


def _stems(text: str) -> set[str]:
    """Beginnings of the longer words: `unplug` and `unplugged` are alike."""
    return {word[:4] for word in re.findall(r"\w{4,}", text.lower())}


def _term(question: str) -> str:
    """The abbreviation that a question is about; empty if it is about none."""
    found = re.search(r"“(.+)”", question)
    return found[1] if found else ""
