"""What nodes share while one call of their graph runs is theirs alone, and gone afterwards."""

import threading
import time
from typing import Any, TypedDict

from langgraph.graph import START, StateGraph

from langgraph_orchestra.nodes.driver import Execution, Node, Steps, invoke
from langgraph_orchestra.nodes.invocation import Invocation, Invocations, Usage


class State(TypedDict, total=False):
    """What a graph's nodes have found."""

    given: int
    found: dict[str, Any]


def test_usage_adds_up_and_an_unknown_cost_stays_unknown_until_one_is_known():
    usage = Usage()
    usage.add(10, 5, None)
    assert usage == Usage(10, 5, None)
    usage.add(1, 1, 0.5)
    usage.add_all(Usage(100, 10, 0.25))
    usage.add_all(Usage(1, 0, None))
    assert usage == Usage(112, 16, 0.75)


def test_what_tasks_spend_side_by_side_is_summed_and_the_next_superstep_begins_anew():
    invocation = Invocation()
    invocation.spending("step 1", "a").add(10, 0, 0.5)
    invocation.spending("step 1", "b").add(20, 0, None)
    invocation.spending("step 1", "a").add(1, 0, None)
    assert invocation.being_spent("step 1") == Usage(31, 0, 0.5)
    assert invocation.being_spent("step 2") == Usage()
    invocation.spending("step 2", "c").add(5, 0, None)
    assert invocation.being_spent("step 2") == Usage(5, 0, None)


def test_what_is_settled_is_spent_no_more():
    invocation = Invocation()
    invocation.spending("step 1", "a").add(10, 0, None)
    invocation.settle("a")
    invocation.settle("nobody")
    assert invocation.being_spent("step 1") == Usage()


def test_branches_share_the_moment_when_the_first_one_began(monkeypatch):
    invocation = Invocation()
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", iter([1.0, 2.0]).__next__)
        assert [invocation.begin_branch(name) for name in "ab"] == [1.0, 1.0]


def test_only_the_first_branch_wins_and_it_wins_again_when_asked_again():
    invocation = Invocation()
    assert not invocation.winner.done()
    assert invocation.win("a")
    assert not invocation.win("b")
    assert invocation.win("a")
    assert invocation.winner.result() == "a"


def test_the_first_error_is_that_of_the_first_declared_branch_that_failed():
    invocation = Invocation()
    errors = {name: ValueError(name) for name in "bc"}
    for name in "abc":
        invocation.begin_branch(name)
    invocation.end_branch("a")
    for name, error in errors.items():
        invocation.end_branch(name, error)
    assert invocation.first_error("c", ["a", "b"]) is errors["b"]
    assert invocation.first_error("b", ["a"]) is errors["b"]


def test_an_error_that_is_recorded_is_not_the_one_to_be_raised():
    invocation = Invocation()
    for name in ("first", "second"):
        invocation.begin_branch(name)
    invocation.end_branch("first", recorded=KeyError("recorded"))
    invocation.end_branch("second", error := ValueError("raised"))
    assert invocation.first_error("second", ["first"]) is error


def test_branches_that_begin_anew_leave_nothing_of_an_earlier_round():
    invocation = Invocation()
    for name in ("first", "second"):
        invocation.begin_branch(name)
        invocation.end_branch(name, ValueError(f"{name} of round 1"))
    invocation.begin_branches()
    for name in ("first", "second"):
        invocation.begin_branch(name)
    invocation.end_branch("second", error := ValueError("second of round 2"))
    invocation.end_branch("first")
    assert invocation.first_error("second", ["first"]) is error


def test_a_branch_declared_before_is_waited_for_while_it_runs():
    invocation = Invocation()
    early, late = ValueError("declared first"), ValueError("failed first")
    for name in ("first", "second"):
        invocation.begin_branch(name)
    invocation.end_branch("second", late)
    found = []
    waiting = threading.Thread(
        target=lambda: found.append(invocation.first_error("second", ["first"]))
    )
    waiting.start()
    invocation.end_branch("first", early)
    waiting.join(timeout=10)
    assert found == [early]


def test_a_branch_that_never_begins_is_not_waited_for():
    invocation = Invocation()
    error = ValueError("the only one")
    invocation.begin_branch("second")
    invocation.end_branch("second", error)
    assert invocation.first_error("second", ["first"]) is error


def graph_with(invocations: Invocations, *, inner: Any = None) -> Any:
    """A graph of two nodes that look up their invocation, and of an inner one if given."""

    def look(name: str) -> Any:
        def steps(state: Any, execution: Execution) -> Steps[dict[str, Any]]:
            found = {**state.get("found", {}), name: invocations.of(execution)}
            if inner is not None:
                result = yield invoke(inner, {}, execution.within(name))
                found[f"inner of {name}"] = result["found"]["first"]
            return {"found": found}

        return Node(name, steps)

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("first", look("first")).add_node("second", look("second"))
    graph.add_edge(START, "first").add_edge("first", "second")
    return graph.compile()


def test_nodes_of_one_call_share_an_invocation_and_those_of_another_do_not(run):
    app = graph_with(Invocations())
    one, two = (run(app, {"given": number})["found"] for number in (1, 2))
    assert one["first"] is one["second"]
    assert two["first"] is two["second"]
    assert one["first"] is not two["first"]


def test_each_call_of_an_inner_graph_has_an_invocation_of_its_own(run):
    invocations = Invocations()
    found = run(graph_with(invocations, inner=graph_with(invocations)), {"given": 1})["found"]
    different = [found["first"], found["inner of first"], found["inner of second"]]
    assert len({id(one) for one in different}) == 3


def test_only_the_latest_invocations_are_kept(run):
    app = graph_with(Invocations(capacity=1))
    found = run(app, {"given": 1})["found"]
    assert found["first"] is found["second"]
    assert run(app, {"given": 1})["found"]["first"] is not found["first"]


def test_calls_in_many_threads_never_share_an_invocation():
    app = graph_with(Invocations())
    found: list[dict[str, Any]] = []

    def call() -> None:
        found.append(app.invoke({"given": 1})["found"])

    running = [threading.Thread(target=call) for _ in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(timeout=30)
    assert all(one["first"] is one["second"] for one in found)
    assert len({id(one["first"]) for one in found}) == 8
