"""What speaks for phishing in an e-mail, by rules on its text, where no model judges it."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import prod
from typing import NamedTuple

from langgraph_orchestra.graphs.templates.reading import listed, matches

__all__ = [
    "SUSPICIOUS",
    "Rules",
    "Signal",
    "link_signals",
    "request_signals",
    "sender_signals",
    "suspicion",
    "wording_signals",
]

SUSPICIOUS = 0.5
"""From how much suspicion on an e-mail is taken for phishing."""


class Signal(NamedTuple):
    """Something that real senders seldom do."""

    weight: float
    """How likely it is phishing, were this all there is; 0 to 1."""

    reason: str


Rules = Callable[[str], Sequence[Signal] | None]
"""From an e-mail to its signals; None where it has nothing that the rules could judge."""

ADDRESS = r"[ \t]*(?P<name>[^<\n@]*?)[ \t]*<?(?P<box>[\w.+-]+)@(?P<domain>[\w.-]*\w)>?"
LINK = re.compile(
    r"\[(?P<shown>[^\]\n]+)\]\((?P<target>https?://[^)\s/]\S*?)\)|(?P<bare>https?://[^\s/)>\]][^\s)>\]]*)",
    re.I,
)
NUMERIC_HOST = re.compile(r"[\d.]+|\[.*")
LOOKALIKE = re.compile(r"[a-z][01345][a-z]")
"""A digit where a letter would be: `n0rvik`."""

SHORTENERS = r"bit\.ly|tinyurl\.com|t\.co|goo\.gl|is\.gd"
FREE_MAIL = r"gmail\.com|outlook\.com|hotmail\.com|yahoo\.com|gmx\.\w+|proton\.me"
OFFICES = frozenset({"bank", "service", "support", "team", "customer", "security", "accounts"})
"""Words of a name that speaks for a company."""

WORDING = (
    (0.4, "puts you under pressure", r"urgent(?:ly)?|immediately|at once|within \d+ hours|today"),
    (
        0.5,
        "threatens",
        r"(?:will be|has been|is) (?:locked|closed|suspended|blocked|deleted)|legal action",
    ),
    (0.5, "promises a gain", r"you(?: have|'ve)? won|prize|lottery|reward|inheritance"),
    (0.3, "does not know your name", r"dear (?:customer|user|client|sir|madam|member)"),
)
SECRETS = (
    r"passwords?|passcodes?|pins?|tans?|card numbers?|cvv|security codes?|credentials|"
    r"one-time codes?"
)
DISCLOSE = (
    r"confirm|enter|verify|send|reply with|provide|update|give us|sign in with|tell us|type in"
)
REQUESTS = (
    (0.8, "It asks for a secret", rf"(?:{DISCLOSE})\b[^.!?]{{0,40}}\b(?:{SECRETS})"),
    (0.8, "It wants gift cards", r"(?:gift|voucher) cards?|gift codes?"),
    (0.7, "Money is to go elsewhere", r"new (?:bank )?(?:account|iban)|changed bank details"),
    (0.6, "It is to stay between you", r"keep this (?:confidential|secret|between us)|tell nobody"),
    (0.6, "The attachment can do harm", r"[\w-]+\.(?:exe|scr|js|iso|zip|html?|docm|xlsm)"),
)
NEVER_ASKED = r"(?:we )?(?:will )?never ask(?:s|ed)?\b[^.!?]*[.!?]?"
"""Warnings of phishing; what they name is not asked for."""


def suspicion(signals: Sequence[Signal]) -> float:
    """How suspicious several signals are together, taken as independent; 0 to 1."""
    return 1 - prod(1 - signal.weight for signal in signals)


def sender_signals(mail: str) -> Sequence[Signal] | None:
    """The name beside the address, lookalikes, and where an answer would go."""
    sender = _address("From", mail)
    if sender is None:
        return None
    domain = sender["domain"].lower()
    return [*_signals_of_name(sender["name"], domain), *_signals_of_reply(mail, domain)]


def link_signals(mail: str) -> Sequence[Signal] | None:
    """Where the links lead: elsewhere than they say, or than the sender is."""
    links, sender = list(LINK.finditer(mail)), _address("From", mail)
    if not links:
        return None
    home = sender["domain"].lower() if sender else ""
    return list(dict.fromkeys(chain.from_iterable(_signals_of_link(one, home) for one in links)))


def wording_signals(mail: str) -> Sequence[Signal]:
    """Pressure, threats, gains, and a greeting without a name."""
    found = ((weight, what, matches(words, mail)) for weight, what, words in WORDING)
    return [
        Signal(weight, f"It {what}: {listed([f'“{one}”' for one in said])}.")
        for weight, what, said in found
        if said
    ]


def request_signals(mail: str) -> Sequence[Signal]:
    """What it wants done: secrets, money, silence, an attachment opened."""
    asking = LINK.sub("", re.sub(NEVER_ASKED, "", mail, flags=re.IGNORECASE))
    found = ((weight, what, matches(words, asking)) for weight, what, words in REQUESTS)
    return [Signal(weight, f"{what}: “{said[0]}”.") for weight, what, said in found if said]


def _address(field: str, mail: str) -> re.Match[str] | None:
    return re.search(rf"^{field}:{ADDRESS}", mail, re.IGNORECASE | re.MULTILINE)


def _signals_of_name(name: str, domain: str) -> Iterator[Signal]:
    if LOOKALIKE.search(domain):
        yield Signal(0.8, f"{domain} has digits where letters would be.")
    words = set(re.findall(r"\w+", name.lower()))
    if not words & OFFICES:  # people write from wherever they work
        return
    if matches(FREE_MAIL, domain):
        yield Signal(0.7, f"“{name}” writes from {domain}, where anybody can.")
    elif words - OFFICES and not any(word in domain for word in words - OFFICES):
        yield Signal(0.6, f"“{name}” writes from {domain}.")


def _signals_of_reply(mail: str, domain: str) -> Iterator[Signal]:
    reply = _address("Reply-To", mail)
    if reply and _site(reply["domain"]) != _site(domain):
        yield Signal(0.7, f"An answer would go to {reply['domain'].lower()}.")


def _signals_of_link(link: re.Match[str], home: str) -> Iterator[Signal]:
    host = _host(link["target"] or link["bare"])
    shown = re.search(r"[\w-]+(?:\.[\w-]+)+", link["shown"] or "")
    if NUMERIC_HOST.fullmatch(host):
        yield Signal(0.8, f"A link leads to a bare number, {host}.")
    elif matches(SHORTENERS, host):
        yield Signal(0.4, f"A link hides behind {host}.")
    elif LOOKALIKE.search(host):
        yield Signal(0.8, f"{host} has digits where letters would be.")
    elif home and _site(host) != _site(home):
        yield Signal(0.4, f"A link leads to {host}, not to {home}.")
    if shown and _site(shown[0].lower()) != _site(host):
        yield Signal(0.7, f"A link says {shown[0]}, and leads to {host}.")


def _host(target: str) -> str:
    """The host of an address, however malformed it is."""
    authority = re.split(r"[/?#]", target.partition("://")[2])[0].lower()
    host = authority.rpartition("@")[2]
    return host if host.startswith("[") else host.partition(":")[0]


def _site(domain: str) -> str:
    """The last two labels of a domain."""
    return ".".join(domain.lower().split(".")[-2:])
