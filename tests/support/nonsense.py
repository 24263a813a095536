"""What managers answer when they are asked for a progress ledger: good answers, and all others.

Whether an answer can be used is known from how it was made, not found out by reading it.
"""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage

from support.ledgers import progress

__all__ = ["Said", "something"]

TEAM = ("ann", "bob", "cid")
LANGUAGES = (
    "Готово, задача решена полностью.",
    "任务已完成。没有剩下的工作。",
    "تم إنجاز المهمة بالكامل",
    "η εργασία ολοκληρώθηκε",
    "완료되었습니다 👍🏽",
    "is_request_satisfied: yes!",
    "Yes, satisfied. true",
)
NO_BOOLEANS = ("false", "true", "yes", "", 0, 1, 1.0, None, [], {}, [True], {"answer": True})


class Said(NamedTuple):
    """One answer."""

    answer: Any
    """As a scripted model gives it."""

    ledger: Mapping[str, Any] | None
    """The ledger that it holds; None where it holds none that can be used."""


def something(random: Random) -> Said:
    """An answer of any kind."""
    return random.choice(KINDS)(random)


def usable(random: Random) -> dict[str, Any]:
    """A ledger that can be used."""
    several = random.sample(TEAM, random.randint(1, len(TEAM)))
    speaker = random.choice([several[0], several])
    words = random.choice(["go on", *LANGUAGES, "{}", '"quoted" {"a": 1}', "x" * 2000])
    flags = {key: random.random() < 0.5 for key in ("loop", "moving")}
    return progress(speaker, words, done=random.random() < 0.2, **flags)


def in_a_form(random: Random, ledger: Any) -> Any:
    """The same as text, in a code fence, among words, or as a tool's call."""
    text = json.dumps(ledger, ensure_ascii=random.random() < 0.5)
    forms = [text, f"```json\n{text}\n```", f"Here it is: {text} Good luck.", called(ledger)]
    return random.choice(forms)


def called(*ledgers: Any) -> AIMessage:
    """A message that calls the tool by which a ledger is given, once for each."""
    calls = [
        {"name": "ProgressLedger", "args": one, "id": f"c{n}"} for n, one in enumerate(ledgers)
    ]
    return AIMessage("", tool_calls=calls)


def good(random: Random) -> Said:
    """A usable one."""
    ledger = usable(random)
    return Said(in_a_form(random, ledger), ledger)


def with_more(random: Random) -> Said:
    """A usable one with keys that nobody asked for."""
    ledger = {**usable(random), "mood": "fine", "plan": [{"id": 1}]}
    return Said(in_a_form(random, ledger), ledger)


def cut_off(random: Random) -> Said:
    """Text that ends in the middle."""
    text = json.dumps(usable(random))
    return Said(text[: random.randrange(len(text))], None)


def wrong_boolean(random: Random) -> Said:
    """One in which a yes or no is none."""
    key = random.choice(["is_request_satisfied", "is_in_loop", "is_progress_being_made"])
    ledger = usable(random)
    ledger[key] = {"reason": "so", "answer": random.choice(NO_BOOLEANS)}
    return Said(in_a_form(random, ledger), None)


def wrong_type(random: Random) -> Said:
    """One in which a whole part has another type."""
    ledger = usable(random)
    ledger[random.choice(list(ledger))] = random.choice([True, False, "yes", 7, None, [], "true"])
    return Said(in_a_form(random, ledger), None)


def missing(random: Random) -> Said:
    """One that lacks a part, or a part of it."""
    ledger = usable(random)
    part = random.choice(list(ledger))
    if random.random() < 0.5:
        del ledger[part]
    else:
        del ledger[part][random.choice(["reason", "answer"])]
    return Said(in_a_form(random, ledger), None)


def unknown_speaker(random: Random) -> Said:
    """One that names somebody who is not there, while there is work to do."""
    ledger = usable(random)
    wrong = random.choice(["zoe", "ANN", "", [], ["ann", "zoe"], "ann, bob", "manager", "ann "])
    ledger["next_speaker"] = {"reason": "so", "answer": wrong}
    ledger["is_request_satisfied"] = {"reason": "not yet", "answer": False}
    return Said(in_a_form(random, ledger), None)


def no_instruction(random: Random) -> Said:
    """One that says nothing to who is to work."""
    ledger = usable(random)
    ledger["instruction_or_question"] = {"reason": "so", "answer": random.choice(["", " \n\t"])}
    ledger["is_request_satisfied"] = {"reason": "not yet", "answer": False}
    return Said(in_a_form(random, ledger), None)


def several(random: Random) -> Said:
    """Several at once."""
    ledgers = [usable(random) for _ in range(random.randint(2, 4))]
    text = random.choice(["\n", ", ", " and then "]).join(map(json.dumps, ledgers))
    return Said(random.choice([text, f"[{text}]", called(*ledgers)]), None)


def words(random: Random) -> Said:
    """No ledger at all."""
    nothing = [
        "",
        " ",
        "\n",
        "null",
        "true",
        "[]",
        "{}",
        '"done"',
        "{",
        "}{",
        "NaN",
        "\x00",
        "\ud800",
    ]
    return Said(random.choice([*nothing, *LANGUAGES]), None)


def huge(random: Random) -> Said:
    """Far too much, or far too deep."""
    deep = random.choice(['{"a":', "["]) * 20_000
    numbers = '{"is_request_satisfied": ' + "9" * 10_000 + "}"
    return Said(random.choice(["x" * 50_000, "{" * 500, deep, numbers]), None)


def broken_call(random: Random) -> Said:
    """A call whose arguments are no JSON."""
    text = json.dumps(usable(random))[: random.randint(1, 60)]
    call = {"name": "ProgressLedger", "args": text, "id": "c", "error": "no JSON"}
    return Said(AIMessage("", invalid_tool_calls=[call]), None)


KINDS: list[Callable[[Random], Said]] = [
    *(good, good, with_more, cut_off, cut_off, wrong_boolean, wrong_boolean, wrong_type, missing),
    *(unknown_speaker, no_instruction, several, words, huge, broken_call),
]
