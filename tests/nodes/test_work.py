"""A turn in progress asks models within the limits, and counts each of their answers once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Limits, Member, View
from langgraph_orchestra.nodes.driver import Execution, Node, Steps, invoke
from langgraph_orchestra.nodes.work import Budget, BudgetSpent, Work
from langgraph_orchestra.state import Turn

QUESTION = [HumanMessage("How many arms?")]


class State(TypedDict, total=False):
    """What is found out about the work in a node."""

    given: Any
    found: Any


def at_work(
    run: Any, steps: Callable[[Work], Steps[Any]], limits: Limits | None = None, **state: Any
) -> Any:
    """What these steps find out in a node of a graph."""
    budget = Budget(limits or Limits())

    def logic(given: Any, execution: Execution) -> Steps[dict[str, Any]]:
        return {"found": (yield from steps(Work("ada", View(state), execution, budget)))}

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("work", Node("work", logic)).add_edge(START, "work")
    return run(graph.compile(), {"given": 1})["found"]


def answer(tokens: int, message_id: str | None = None, **fields: Any) -> AIMessage:
    used: Any = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
    return AIMessage("eight", id=message_id, usage_metadata=used, **fields)


def counted(run: Any, *messages: Any) -> tuple[int, int, str]:
    """What work has used when it has counted these messages."""

    def steps(work: Work) -> Steps[Any]:
        yield from ()
        for message in messages:
            work.count(message)
        used = work.used()
        return used.input_tokens, used.output_tokens, work.model

    found: tuple[int, int, str] = at_work(run, steps)
    return found


def test_an_answer_counts_once_however_often_it_is_seen(run):
    assert counted(run, answer(10, "1"), answer(10, "1"), answer(20, "2")) == (30, 2, "")


def test_answers_without_an_id_count_each(run):
    assert counted(run, answer(10), answer(10)) == (20, 2, "")


def test_what_models_did_not_say_does_not_count(run):
    assert counted(run, HumanMessage("hi"), AIMessage("no usage", id="1")) == (0, 0, "")


def test_the_model_is_the_one_that_answered_last(run):
    first = answer(1, "1", response_metadata={"model_name": "gpt-4o"})
    last = answer(1, "2", response_metadata={"model_name": "gpt-5-mini"})
    assert counted(run, first, last, answer(1, "3")) == (3, 3, "gpt-5-mini")


def test_asking_a_model_counts_its_answer(run):
    model = ScriptedModel(["eight"], usage=(10, 5), model_name="gpt-4o")

    def steps(work: Work) -> Steps[Any]:
        said = yield from work.ask(model, QUESTION)
        used = work.used()
        return said.text, used.input_tokens, used.output_tokens, used.cost is not None, work.model

    assert at_work(run, steps) == ("eight", 10, 5, True, "gpt-4o")


def spent(**fields: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return {"trail": [Turn(agent="zoe", path="zoe", step=1, started_at=at, **fields)]}


REACHED = [
    (Limits(turns=1), spent(), "turn_limit"),
    (Limits(tokens=15), spent(input_tokens=10, output_tokens=5), "token_limit"),
    (Limits(cost=0.5), spent(cost=0.5), "cost_limit"),
    (Limits(seconds=2), spent(seconds=2.0), "time_limit"),
]


@pytest.mark.parametrize(("limits", "state", "reason"), REACHED)
def test_a_model_is_not_called_once_a_limit_is_reached(run, limits, state, reason):
    model = ScriptedModel(["eight"])

    def steps(work: Work) -> Steps[Any]:
        try:
            yield from work.ask(model, QUESTION)
        except BudgetSpent as error:
            return error.stop.reason, error.work is work, str(error)

    reached, is_own, told = at_work(run, steps, limits, **state)
    assert (reached, is_own) == (reason, True)
    assert " of " in told
    assert model.calls == []


@pytest.mark.parametrize(("limits", "state", "reason"), REACHED)
def test_a_budget_tells_between_two_turns_which_limit_is_reached(limits, state, reason):
    stop = Budget(limits).reached(View(state))
    assert stop is not None
    assert stop.reason == reason
    assert Budget(limits).reached(View({})) is None
    assert Budget().reached(View(state)) is None


def test_what_a_turn_has_used_itself_counts_before_its_next_call(run):
    model = ScriptedModel(["one", "two", "three"], usage=(10, 5))

    def steps(work: Work) -> Steps[Any]:
        said = []
        try:
            while True:
                said.append((yield from work.ask(model, QUESTION)).text)
        except BudgetSpent as error:
            return [*said, error.stop.reason]

    assert at_work(run, steps, Limits(tokens=30)) == ["one", "two", "token_limit"]


def test_model_calls_inside_a_graph_are_counted_and_limited(run):
    model = ScriptedModel(["one", "two", "three"], usage=(10, 5))
    thrice: RunnableLambda[Any, Any] = RunnableLambda(
        lambda question: [model.invoke(question) for _ in range(3)]
    )

    def steps(work: Work) -> Steps[Any]:
        config = work.metered(work.execution.within("inner"))
        try:
            yield invoke(thrice, QUESTION, config)
        except BudgetSpent as error:
            return error.stop.reason, work.used().input_tokens
        return "all", work.used().input_tokens

    assert at_work(run, steps, Limits(tokens=30)) == ("token_limit", 20)
    model = ScriptedModel(["one", "two", "three"], usage=(10, 5))
    assert at_work(run, steps) == ("all", 30)


def test_one_model_shared_by_many_is_counted_once_for_each_call(run):
    model = ScriptedModel(lambda _: "hello", usage=(10, 5))
    team = create_sequential([Agent("ada", "", model=model), Member(model, name="bob")])
    app = create_sequential([team.compile(name="team"), Agent("carl", "", model=model)]).compile()
    result = run(app)
    assert len(model.calls) == 3
    assert sum(turn.input_tokens for turn in result["trail"]) == 30
    assert [turn.path for turn in result["trail"]] == ["team/ada", "team/bob", "carl"]
