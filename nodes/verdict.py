"""What a checker's answer means: a verdict on a draft, in whichever form it is given."""

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from pydantic import ValidationError

from langgraph_orchestra.state import ConfigurationError, Verdict

__all__ = ["best_draft", "check_keyword", "told", "unusable", "verdict_from", "verdict_in"]


def verdict_from(checker: str, answer: Any, keyword: str | None = None) -> Verdict:
    """The verdict that an answer is.

    Args:
        checker: Who gave it.
        answer: A verdict, or its fields; a bool, which is a verdict without feedback; or a text.
        keyword: What a text says to approve; None takes every text for feedback on a draft that is
            not approved.

    Raises:
        ConfigurationError: It is nothing of that kind.
    """
    if isinstance(answer, Verdict):
        return answer
    if isinstance(answer, bool):
        return Verdict(approved=answer)
    if isinstance(answer, str):
        return verdict_in(answer, keyword)
    if isinstance(answer, Mapping):  # a remote graph's, which has come as JSON
        try:
            return Verdict.model_validate(answer)
        except ValidationError as error:
            raise unusable(checker, answer) from error
    raise unusable(checker, answer)


def verdict_in(text: str, keyword: str | None) -> Verdict:
    """The verdict that a text is: approved if its first or last line is the keyword.

    Upper and lower case matter; punctuation, markdown and emojis around the line, and lines of
    nothing else, do not. What is left of the text is the feedback.
    """
    lines = text.splitlines()
    told = [place for place, line in enumerate(lines) if _bare(line)]
    wanted = _bare(keyword) if keyword else None
    approving = {place for place in (*told[:1], *told[-1:]) if _bare(lines[place]) == wanted}
    rest = "\n".join(line for place, line in enumerate(lines) if place not in approving)
    return Verdict(approved=bool(approving), feedback=rest.strip() if _bare(rest) else "")


def check_keyword(keyword: Any) -> None:
    """Refuse an `approve_on` that no line can be.

    Raises:
        TypeError: It is no text.
        ConfigurationError: It has several lines, or nothing but punctuation.
    """
    if keyword is None:
        return
    if not isinstance(keyword, str):
        raise TypeError(f"`approve_on` is a str or None, not {keyword!r}")
    if not _bare(keyword) or len(keyword.strip().splitlines()) > 1:
        raise ConfigurationError(
            f"`approve_on` is {keyword!r}; it is one line with a letter or a digit, such as "
            f"'APPROVED'"
        )


def unusable(checker: str, answer: Any) -> ConfigurationError:
    """The error for an answer that is no verdict."""
    return ConfigurationError(
        f"checker `{checker}` answered {answer!r}; a checker answers with a "
        f"`Verdict(approved=..., feedback=...)`, a bool, or a text (feedback, unless `approve_on` "
        f"says how a text approves)"
    )


def told(verdict: Verdict) -> str:
    """A verdict in one line of text, for the trail."""
    words = "approved" if verdict.approved else "not approved"
    scored = "" if verdict.score is None else f", score {verdict.score:g}"
    return f"{words}{scored}: {verdict.feedback}" if verdict.feedback else f"{words}{scored}"


def best_draft(drafts: Sequence[Any], verdicts: Sequence[Mapping[str, Verdict]]) -> Any:
    """The best of drafts none of which was approved.

    That is the one with the highest score, of several checkers' the mean, where every draft was
    scored by all who judged it; of equals, and otherwise, the last.

    Args:
        drafts: A run's drafts in order.
        verdicts: What was said of each, by the checker's name; the last draft may have none.

    Returns:
        The draft; `""` if there is none.
    """
    if not drafts:
        return ""
    scores = [[v.score for v in said.values() if v.score is not None] for said in verdicts]
    scored = all(s and len(s) == len(said) for s, said in zip(scores, verdicts, strict=True))
    if not scored or len(verdicts) < len(drafts):
        return drafts[-1]
    means = [fmean(several) for several in scores]
    return drafts[max(range(len(drafts)), key=lambda place: (means[place], place))]


def _bare(line: str) -> str:
    """A line without what is no letter or digit at its ends."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", line)
