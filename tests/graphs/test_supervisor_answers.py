"""Whatever planners, reviewers and workers come up with, a run ends within its bounds."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from langgraph_orchestra.graphs import create_supervisor
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Member, View
from langgraph_orchestra.nodes.supervisor.prompts import PLAN_PROMPT, REVIEW_PROMPT
from support.plans import plan, review, reviewed_in

WORKERS = ["ann", "bob", "carl"]


# Any plan


@st.composite
def plans(draw: Callable[..., Any]) -> dict[str, Any]:
    """Plans whose steps depend on each other without a circle, in any order."""
    count = draw(st.integers(1, 8))
    steps = []
    for number in range(count):
        earlier = st.sets(st.sampled_from(range(number))) if number else st.just(set[int]())
        steps.append(
            {
                "id": f"s{number}",
                "worker": draw(st.sampled_from(WORKERS)),
                "task": f"Do {number}.",
                "depends_on": [f"s{other}" for other in draw(earlier)],
            }
        )
    return {"steps": draw(st.permutations(steps))}


def needs(step: dict[str, Any]) -> Sequence[str]:
    """Ids of the steps it depends on."""
    needed: Sequence[str] = step["depends_on"]
    return needed


@given(plans(), st.booleans())
def test_every_step_is_done_once_after_those_it_depends_on(planned, parallel):
    worked: list[str] = []

    def work(view: View) -> str:
        step = view.state["step"]
        assert set(step.depends_on) <= set(worked)
        assert set(view.results) == set(step.depends_on)
        worked.append(step.id)
        return f"answer of {step.id}"

    def decide(messages: Any) -> Any:
        if PLAN_PROMPT in messages[0].text:
            return planned
        waves.append(reviewed_in(messages[-1].text))
        return review(*waves[-1])

    waves: list[Sequence[str]] = []
    app = create_supervisor(
        [Member(work, name=name) for name in WORKERS],
        model=ScriptedModel(decide),
        parallel=parallel,
        synthesis="forward",
    ).compile()
    result = app.invoke({"messages": "go"})

    ids = [step["id"] for step in planned["steps"]]
    assert Counter(worked) == Counter(ids) == Counter(one for wave in waves for one in wave)
    assert list(result["results"]) == ids
    assert all(r.accepted and r.attempts == 1 for r in result["results"].values())
    assert {step.status for step in result["plan"].steps} == {"done"}
    used = {needed for step in planned["steps"] for needed in needs(step)}
    assert result["output"] == "\n\n".join(f"answer of {one}" for one in ids if one not in used)
    if parallel:
        assert waves == list(expected_waves(planned["steps"]))
    else:
        assert [len(wave) for wave in waves] == [1] * len(ids)


def expected_waves(steps: Sequence[dict[str, Any]]) -> Iterator[Sequence[str]]:
    """Waves as early as they can be."""
    done: set[str] = set()
    while wave := [
        step["id"] for step in steps if step["id"] not in done and done.issuperset(needs(step))
    ]:
        yield wave
        done |= set(wave)


@given(plans(), st.integers(0, 2), st.booleans(), st.integers(0, 10_000))
def test_whatever_fails_or_is_not_accepted_the_run_ends_within_its_bounds(
    planned, max_revisions, parallel, seed
):
    worked: Counter[str] = Counter()

    def drawn(step: str, choices: Sequence[Any]) -> Any:
        return random.Random(f"{seed} {step} {worked[step]}").choice(choices)

    def work(view: View) -> str:
        step = view.state["step"].id
        worked[step] += 1
        if drawn(step, [True, False, False]):
            raise ValueError(step)
        return f"answer {worked[step]} of {step}"

    def decide(messages: Any) -> Any:
        if PLAN_PROMPT in messages[0].text:
            return planned
        said = ["", "", " no", " ann", " bob"]
        return review(*(f"{s}{drawn(s, said)}" for s in reviewed_in(messages[-1].text)))

    app = create_supervisor(
        [Member(work, name=name) for name in WORKERS],
        model=ScriptedModel(decide),
        max_revisions=max_revisions,
        parallel=parallel,
        synthesis="forward",
    ).compile()
    result = app.invoke({"messages": "go"})

    by_id = {step["id"]: step for step in planned["steps"]}
    results, status = result["results"], {s.id: s.status for s in result["plan"].steps}
    assert list(results) == list(by_id)
    assert all(attempts <= 1 + max_revisions for attempts in worked.values())
    assert {step: r.attempts for step, r in results.items()} == {s: worked[s] for s in by_id}
    for step, r in results.items():
        assert status[step] == ("done" if r.ok else "failed")
        assert r.ok or not r.accepted
        cut_off = any(status[needed] == "failed" for needed in needs(by_id[step]))
        assert cut_off == (worked[step] == 0)
    any_answer = any(r.ok for r in results.values())
    assert result["stop"].reason == ("completed" if any_answer else "failed")


# Any answer


def generated(seed: int, valid: dict[str, Any]) -> Any:
    """An answer of a model that has not quite understood, or not at all."""
    rng = random.Random(seed)
    text = json.dumps(valid)
    mangled = json.loads(text)
    [(key, entries)] = mangled.items()
    kind = rng.randrange(16)
    if kind == 0:  # cut off
        return text[: rng.randrange(len(text))]
    if kind == 1:  # several objects
        return f"{text}\n{text}"
    if kind == 2:  # several calls
        calls = [{"name": n, "args": valid, "id": str(i)} for i, n in enumerate(("Plan", "Review"))]
        return AIMessage("", tool_calls=calls)
    if kind == 3:  # a call that is no JSON
        broken = {"name": "Plan", "args": text[:9], "id": "1", "error": None}
        return AIMessage("", invalid_tool_calls=[broken])
    if kind == 4:
        return rng.choice(["", " ", "null", "[]", "{}", "true", "0", '""'])
    if kind == 5:  # huge
        return rng.choice(["x" * 50_000, "[" * 5_000, '{"a":' * 5_000, text * 300])
    if kind == 6:  # other languages
        return rng.choice(
            ["Zuerst Ann, dann Bob.", "首先由安处理", "أولا آن", "Сначала Анна", "🙂"]
        )
    if kind == 7:
        return {key: rng.choice([None, 7, "all", {}, [], [None], [7], ["s1"], [[]], [{}]])}
    if kind == 8:
        return {rng.choice(["step", "plans", "", "Steps"]): entries}
    entry = rng.choice(entries)
    field = rng.choice(sorted(entry))
    if kind == 9:
        del entry[field]
    elif kind == 10:
        entry[field] = rng.choice([None, 7, 1.5, [], {}, ["x"], {"a": 1}, "false", "yes", "\ud83d"])
    elif kind == 11:
        entry[field] = rng.choice(["zoe", "", " ", "ANN", "ann ", "s9", "\x00", "a" * 5_000])
    elif kind == 12:
        entries.append(dict(entry))
    elif kind == 13:
        entries.clear()
    elif kind == 14:
        entries[:] = [dict(entry, **{next(iter(entry)): f"n{n}"}) for n in range(600)]
    else:
        entry["depends_on" if "depends_on" in entry else "reassign_to"] = ["s1", "s2", "s3"]
    return mangled


PLANNED = plan("s1 ann", "s2 bob: s1", "s3 carl")
REVIEWED = review("s1", "s2 no", "s3 bob", s2="more", s3="other")


class Muddled:
    """A supervisor that answers by what it is asked for, and counts how often.

    Args:
        answer: From `plan` or `review`, the number of the run and that of the call in it.
    """

    def __init__(self, answer: Callable[[str, int, int], Any]) -> None:
        self.made: Counter[str] = Counter()
        self._answer = answer
        self._run = 0
        workers = [Member(lambda view: "fine", name=name) for name in WORKERS]
        graph = create_supervisor(workers, model=ScriptedModel(self._decide), synthesis="forward")
        self._app = graph.compile()

    def run(self, number: int) -> Any:
        """Run once."""
        self.made.clear()
        self._run = number
        return self._app.invoke({"messages": "go"})

    def _decide(self, messages: Any) -> Any:
        kind = "review" if REVIEW_PROMPT in messages[0].text else "plan"
        self.made[kind] += 1
        return self._answer(kind, self._run, self.made.total())


@pytest.mark.parametrize("begin", range(0, 1200, 300))
def test_thousands_of_generated_plans_never_crash_and_never_loop(begin):
    reasons: Counter[str] = Counter()
    office = Muddled(
        lambda kind, run, call: generated(3 * run + call, PLANNED if kind == "plan" else REVIEWED)
    )
    for number in range(begin, begin + 300):
        result = office.run(number)
        reasons[result["stop"].reason] += 1
        assert office.made["plan"] <= 3
        assert (result["plan"] is None) == (result["stop"].by == "planner")
    assert reasons["failed"] > 200
    assert reasons.keys() == {"failed", "completed"}


@pytest.mark.parametrize("begin", range(0, 900, 300))
def test_thousands_of_generated_reviews_never_crash_and_never_loop(begin):
    outcomes: Counter[str] = Counter()
    steps = plan("s1 ann", "s2 bob", "s3 carl")
    office = Muddled(
        lambda kind, run, call: steps if kind == "plan" else generated(7 * run + call, REVIEWED)
    )
    for number in range(begin, begin + 300):
        result = office.run(number)
        outcomes.update(turn.outcome for turn in result["trail"] if turn.agent == "review")
        assert (result["stop"].reason, len(result["results"])) == ("completed", 3)
        assert office.made["review"] <= 6  # two waves, three attempts each
    assert outcomes["fallback"] > 150
    assert outcomes.keys() == {"fallback", "ok"}
