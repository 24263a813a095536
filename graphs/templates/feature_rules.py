"""Features by rules, where no model builds them: what a requirement takes, and what work lacks."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from langgraph_orchestra.graphs.templates.reading import matches

__all__ = [
    "Request",
    "Requirement",
    "gaps_in",
    "requested_in",
    "requirement_of",
]

ATTEMPTS_A_MINUTE = 10
"""What a rate limit allows where the request gives no figure."""

RESET_MINUTES = 30
"""How long a reset link works where the request gives no figure."""

WITHOUT_SCREENS = r"(?:api|backend) only|(?:no|without)(?: an?)? (?:ui|frontend|screens?)"


class Requirement(NamedTuple):
    """What one line of a request takes."""

    text: str
    """The line."""

    endpoints: Sequence[str] = ()
    policy: str = ""
    """What holds at every endpoint; empty if it is about its own."""

    screen: str = ""
    """What users see of it; empty if nothing."""

    check: str = ""
    """What has to be tested."""


class Request(NamedTuple):
    """A feature that is asked for."""

    title: str
    requirements: Sequence[Requirement]
    has_screens: bool


def requested_in(task: str) -> Request:
    """The feature a task asks for: a sentence, then its requirements, one in a line."""
    stripped = (line.strip(" -*•\t") for line in task.splitlines())
    first, *rest = [line for line in stripped if line] or [task.strip()]
    title = re.sub(r"^(?:please )?(?:implement|build|add|write|develop) ", "", first, flags=re.I)
    title, _, listed = title.partition(":") if not rest else (title, "", "")
    inline = [part.strip(" .") for part in re.split(r"[,;]", listed) if part.strip(" .")]
    wanted = [line for line in [*rest, *inline] if not matches(WITHOUT_SCREENS, line)]
    title = re.sub(r"(?: that has| with)?[:.]*$", "", title.strip())
    return Request(
        title=title or first,
        requirements=[requirement_of(one) for one in wanted or [title or first]],
        has_screens=not matches(WITHOUT_SCREENS, task),
    )


def requirement_of(line: str) -> Requirement:
    """What a line of a request takes; what no rule knows is an endpoint with a form of its own."""
    if matches("oauth|single sign-on|sso", line):
        providers = _named_in(line) or ["provider"]
        return Requirement(
            line,
            endpoints=[f"GET /oauth/{one.lower()}/callback" for one in providers],
            screen=f"a button each for {', '.join(providers)}",
            check="a callback with a forged state is refused",
        )
    if matches("rate[- ]limit(?:ing|s)?|throttling", line):
        most = _count_in(line, ATTEMPTS_A_MINUTE)
        return Requirement(
            line,
            policy=f"at most {most} attempts a minute from one address, then 429",
            check=f"attempt {most + 1} within a minute gets 429",
        )
    if matches("audit(?: log)?|log(?:s|ged)?", line):
        return Requirement(
            line,
            policy="every attempt is written to the audit log, without its secrets",
            check="a refused attempt stands in the audit log",
        )
    if matches("reset|forgot(?:ten)?", line):
        minutes = _count_in(line, RESET_MINUTES)
        return Requirement(
            line,
            endpoints=["POST /password/reset-link", "POST /password/reset"],
            screen="a form for a forgotten password",
            check=f"a reset link works once, and not after {minutes} minutes",
        )
    if matches("jwt|tokens?", line):
        return Requirement(
            line,
            endpoints=["POST /token/refresh"],
            check="an expired token is refused with 401",
        )
    if matches("log ?in|sign[- ]?in|email/password", line):
        return Requirement(
            line,
            endpoints=["POST /login"],
            screen="a form to sign in",
            check="a wrong password is refused with 401",
        )
    name = "-".join(re.findall(r"[a-z0-9]+", line.lower())[:4]) or "feature"
    return Requirement(
        line,
        endpoints=[f"POST /{name}"],
        screen=f"a form for {line.rstrip('.')}",
        check=f"{line.rstrip('.')} works, and refuses bad input with 422",
    )


def gaps_in(work: str, wanted: Iterable[str]) -> Iterator[str]:
    """What a piece of work does not speak of, each in quotes and with what to do."""
    for one in wanted:
        if one.casefold() not in work.casefold():
            yield f"It lacks “{one}”: add it."


def _named_in(line: str) -> list[str]:
    """Names in brackets, or after `with`: `OAuth (Google, GitHub)`."""
    listed = re.search(r"\(([^)]+)\)|\b(?:with|via|through|by) ([^.;]+)", line)
    return re.findall(r"\w[\w.]*", re.sub(r"\band\b", "", listed[1] or listed[2])) if listed else []


def _count_in(line: str, default: int) -> int:
    found = re.search(r"\d+", line)
    return int(found[0]) if found else default
