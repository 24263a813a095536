"""`MagenticPrompts`: what the manager of a team is told, and what the team reads from it."""

from dataclasses import dataclass, fields

__all__ = ["MagenticPrompts"]


@dataclass(frozen=True, kw_only=True)
class MagenticPrompts:
    """The words of a managed team, each to be replaced by its name.

    None of them holds a placeholder: names, facts and plans are written after them.

    Raises:
        TypeError: One of them is no text.
    """

    manager: str = (
        "You lead a team. The task is the user's latest request. You plan, say who works next and "
        "watch the progress; the team does the work."
    )
    """The manager's system prompt, where no `Agent` gives another; the team is listed after it."""

    team: str = "Your team:"
    """Heads the list of the team."""

    plan: str = (
        "Take stock before the work begins: what the task gives, what must be looked up and where, "
        "what must be worked out, what is likely. Then plan: as few steps as will do, each for one "
        "of the team."
    )
    """Asks for the first facts and plan."""

    assess: str = (
        "How far is the work? Call it satisfied only if nothing of the task is left. Else choose "
        "who works next and tell them what to do: they read the task, the facts and the plan, the "
        "answers since it was made, and your instruction."
    )
    """Asks how far the work is, and who works next; follows the facts and the plan."""

    replan: str = (
        "The work has stalled. Keep every fact that was found, correct what has proved wrong, and "
        "make a new plan that avoids what went wrong. The team starts afresh: it will read these "
        "facts and the new plan, but nothing that was said before."
    )
    """Asks for new facts and a new plan; follows the old ones."""

    revise: str = "The plan was reviewed before the work on it began. Change it as asked here:"
    """Asks for another plan; follows the one that was reviewed, and the feedback is after it."""

    conclude: str = (
        "Nobody works any more. Write the final answer to the task, for whoever set it, from what "
        "the team has found. Say plainly what is missing or not sure."
    )
    """Asks for the final answer."""

    facts_given: str = "Given:"
    """Heads the facts that the task gives."""

    facts_to_look_up: str = "To look up:"
    """Heads the facts to look up."""

    facts_to_derive: str = "To work out:"
    """Heads the facts to derive."""

    guesses: str = "Guesses:"
    """Heads the guesses."""

    steps: str = "Plan:"
    """Heads the steps of the plan."""

    to: str = "To"
    """Begins an instruction in the thread, before the names of those who are to follow it."""

    failed: str = "failed:"
    """Follows a participant's name, before the error."""

    silent: str = "gave no answer."
    """Follows a participant's name."""

    refused: str = "was not allowed to do this:"
    """Follows a participant's name, before a person's reason."""

    changed: str = "was told this by a person instead:"
    """Follows a participant's name, before the instruction as a person has changed it."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if not isinstance(words := getattr(self, one.name), str):
                raise TypeError(f"`{one.name}` of `MagenticPrompts` is a str, not {words!r}")
