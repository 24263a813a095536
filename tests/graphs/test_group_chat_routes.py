"""Group chat: whatever its rules, a run takes drawn routes only, keeps the rules, and ends."""

import itertools
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.types import Command

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Member,
    Policy,
    by_bids,
    by_model,
    rotate_random,
    round_robin,
)
from support.chats import bids, edges, finished, order, says
from support.results import comparable

NAMES = ["ann", "bob", "cid"]
SOME = st.lists(st.sampled_from(NAMES), unique=True)
KINDS = ["round_robin", "rotate_random", "function", "model", "bids"]


def scripted(values, default):
    """A function of anything that gives these values one after another, then the default."""
    left = iter(values)
    return lambda _: next(left, default)


def obeying(data):
    """A selector's function: anybody who may speak by the rules that it knows of, or nobody."""
    wanted = data.draw(st.lists(st.sampled_from([*NAMES, None]), min_size=1, max_size=4))

    def select(view):
        return wanted[len(view.turns) % len(wanted)]

    return select


def talking(name, fails):
    """A function that speaks, or fails where it is due to."""
    due = iter(fails)

    def function(view):
        if next(due, False):
            raise LookupError("out")
        return f"{name} {len(view.turns)}"

    function.__name__ = name
    return function


def selector(kind, data):
    """A selector of a kind."""
    if kind == "model":
        choices: Any = st.sampled_from([*(says(name) for name in [*NAMES, "eve"]), finished("42")])
        script = data.draw(st.lists(choices, max_size=8))
        return by_model(ScriptedModel(scripted(script, finished("done"))))
    if kind == "function":
        return obeying(data)
    return {"round_robin": round_robin, "rotate_random": rotate_random, "bids": by_bids}[kind]()


def build(kind, data):
    """A chat by drawn rules, which are given back."""
    rules = {
        "transitions": data.draw(
            st.none() | st.dictionaries(st.sampled_from(NAMES), SOME, max_size=3)
        ),
        "allow_repeat": kind == "function" or data.draw(st.booleans()),
        "max_turns": data.draw(st.integers(1, 6)),
    }
    if kind == "function":
        rules["transitions"] = None  # it obeys no rules, and would be refused
    members = []
    for name in NAMES:
        policy = Policy(retry=None, on_failure="record", breaker=data.draw(st.none() | st.just(1)))
        if kind == "function":
            policy = Policy(retry=None, on_failure="record")
        fails = data.draw(st.lists(st.booleans(), max_size=3))
        offer = data.draw(st.sampled_from([0.0, 0.3, 0.9]))
        members.append(Member(talking(name, fails), policy=policy, bid=bids(offer)))
    observer = data.draw(st.sampled_from([None, Human("guide")]))
    graph = create_group_chat(members, select=selector(kind, data), observer=observer, **rules)
    return graph, rules


def steps_of(app, config):
    """The nodes that a run goes through, with approvals of whoever observes."""
    nodes: list[str] = []
    task: Any = {"messages": "the task"}
    while task is not None:
        given, task = task, None
        for part in app.stream(given, config, stream_mode="updates"):
            if "__interrupt__" in part:
                task = Command(resume={part["__interrupt__"][0].id: "approve"})
            else:
                nodes.extend(part)
    return nodes


@settings(max_examples=60)
@given(kind=st.sampled_from(KINDS), data=st.data())
def test_a_run_takes_drawn_routes_only_keeps_the_rules_and_ends_with_a_reason(kind, data):
    graph, rules = build(kind, data)
    with open_checkpointer("memory://") as saver:
        app = graph.compile(checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "1"}}
        nodes = ["__start__", *steps_of(app, config), "__end__"]
        result = app.get_state(config).values
    assert set(pairwise(nodes)) <= edges(graph)

    spoke = order(result)
    assert len(spoke) <= rules["max_turns"]
    after = rules["transitions"]
    assert after is None or all(two in after.get(one, ()) for one, two in pairwise(spoke))
    assert rules["allow_repeat"] or all(one != two for one, two in pairwise(spoke))
    reason = result["stop"].reason
    assert reason in ("completed", "turn_limit", "quiescent", "failed")
    assert (reason == "turn_limit") == (len(spoke) == rules["max_turns"])
    assert comparable(result)["output"] is not None


class Crashing:
    """Callbacks that share a count of their calls; one of the calls crashes."""

    def __init__(self, crash_at):
        self.calls = itertools.count()
        self.crash_at = crash_at

    def __call__(self, work):
        """The same callback, which may crash."""

        def function(given):
            if next(self.calls) == self.crash_at:
                raise ValueError("crash")
            return work(given)

        function.__name__ = getattr(work, "__name__", "function")
        return function


def follows(view):
    """A selector's function: bob, cid, cid, and round again."""
    return ("bob", "cid", "cid")[len(view.turns) % 3]


def leads(messages):
    """A model's choice by what was said last, and a wrong one of each three."""
    said = len([message for message in messages if message.name])
    refused = "cannot be used" in messages[-1].text
    return says("eve" if said % 3 == 2 and not refused else NAMES[said % 2])


SELECTS = {
    "round_robin": lambda crashing: round_robin(),
    "rotate_random": lambda crashing: rotate_random(7),
    "function": lambda crashing: crashing(follows),
    "model": lambda crashing: by_model(ScriptedModel(crashing(leads))),
}


def crashing_chat(kind, crash_at, *, is_observed, sums_up):
    """A chat of which one call of anything crashes."""
    crashing = Crashing(crash_at)
    closing = Agent("closing", "", model=ScriptedModel(crashing(lambda messages: "in short")))
    return create_group_chat(
        [crashing(talking(name, [])) for name in NAMES],
        select=SELECTS[kind](crashing),
        candidates=crashing(lambda view: NAMES),
        stop_when=crashing(lambda view: view.last_text == "bob 5"),
        observer=Human("guide", ask=crashing(lambda view: "Well?")) if is_observed else None,
        summary=closing if sums_up else None,
        max_turns=5,
    )


def run_to_its_end(graph):
    """Run, approve whatever is asked, and go on after a crash."""
    config: Any = {"configurable": {"thread_id": "1"}}
    with open_checkpointer("memory://") as saver:
        app = graph.compile(checkpointer=saver)
        task: Any = {"messages": "the task"}
        for _ in range(20):
            try:
                result = app.invoke(task, config)
            except ValueError:
                # What crashed before anything was saved has to be asked again.
                task = None if app.get_state(config).values else {"messages": "the task"}
                continue
            if "__interrupt__" not in result:
                return comparable(result)
            task = Command(resume={result["__interrupt__"][0].id: "approve"})
    raise AssertionError("the chat did not end")


@settings(max_examples=60)
@given(
    kind=st.sampled_from(list(SELECTS)),
    crash_at=st.integers(0, 30),
    is_observed=st.booleans(),
    sums_up=st.booleans(),
)
def test_a_chat_that_has_crashed_anywhere_ends_as_if_it_had_not(
    kind, crash_at, is_observed, sums_up
):
    options = {"is_observed": is_observed, "sums_up": sums_up}
    whole = run_to_its_end(crashing_chat(kind, None, **options))
    assert run_to_its_end(crashing_chat(kind, crash_at, **options)) == whole
