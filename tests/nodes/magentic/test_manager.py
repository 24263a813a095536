"""What a manager is asked, and what becomes of its answers, whatever they are."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import HumanMessage
from langgraph.graph import START, StateGraph

from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import MagenticPrompts, View
from langgraph_orchestra.nodes.driver import Execution, Node, Steps
from langgraph_orchestra.nodes.magentic.manager import Asked, Lead, ask, lead_from
from langgraph_orchestra.nodes.work import Budget, Work
from langgraph_orchestra.state import ConfigurationError, MagenticState, ProgressLedger
from support.ledgers import ScriptedManager, plan, progress
from support.nonsense import TEAM, Said, something

ABOUT = dict.fromkeys(TEAM, "")


def in_a_node(logic: Callable[[Callable[[], Work]], Steps[None]]) -> None:
    """Run logic in a node of a graph, as it happens in a run.

    Args:
        logic: From a function that begins a question to the steps.
    """

    def steps(state: Any, execution: Execution) -> Steps[dict[str, Any]]:
        view = View(state, ABOUT)
        yield from logic(lambda: Work("manager", view, execution, Budget()))
        return {}

    graph: Any = StateGraph(MagenticState)
    graph.add_node("ask", Node("ask", steps))
    graph.add_edge(START, "ask")
    graph.compile().invoke({"messages": [("user", "Do it.")]})


def asked(lead: Lead, method: str, *more: Any) -> Asked:
    """Ask a lead something once."""
    answers: list[Asked] = []

    def logic(begin: Callable[[], Work]) -> Steps[None]:
        work = begin()
        answers.append((yield from ask(getattr(lead, method)(work, *more), work, lead.policy)))

    in_a_node(logic)
    (answer,) = answers
    return answer


def led_by(model: Any = None, manager: Any = None) -> Lead:
    """The lead of a team of three."""
    return lead_from(model, manager, ABOUT, MagenticPrompts())


def test_of_ten_thousand_answers_those_that_hold_a_ledger_count_and_no_others():
    random, drawn = Random(4), list[Said]()

    def answers() -> Iterator[Any]:
        while True:
            drawn.append(something(random))
            yield drawn[-1].answer

    lead, found = led_by(GenericFakeChatModel(messages=answers())), list[tuple[list[Said], Asked]]()

    def logic(begin: Callable[[], Work]) -> Steps[None]:
        while len(drawn) < 10_000:
            begun, work = len(drawn), begin()
            answered = yield from ask(lead.assess(work), work, lead.policy)
            found.append((drawn[begun:], answered))

    in_a_node(logic)
    for attempts, answered in found:
        *refused, last = attempts
        assert not any(one.ledger for one in refused)
        if last.ledger:
            assert answered == Asked(ProgressLedger.model_validate(last.ledger))
        else:
            assert (len(attempts), answered.answer, answered.outcome) == (3, None, "fallback")
    assert {a.answer.is_request_satisfied.answer for _, a in found if a.answer} == {True, False}


PLANS = {"plan": (), "replan": (None,)}


@pytest.mark.parametrize("method", PLANS)
def test_a_plan_for_somebody_who_is_not_there_is_asked_again_with_the_reason(method):
    model = ScriptedModel([plan("zoe"), plan("ann", "cid")])
    assert asked(led_by(model), method, *PLANS[method]) == Asked(plan("ann", "cid"))
    _, again = model.calls
    assert "`zoe`, who is not there" in again.messages[-1].text


def test_three_plans_that_cannot_be_used_are_none():
    answer = asked(led_by(ScriptedModel([plan("zoe")] * 3)), "plan")
    assert (answer.answer, answer.outcome) == (None, "fallback")
    assert '`zoe`, who is not there; the workers are ["ann", "bob", "cid"]' in answer.detail


def test_an_error_of_a_model_is_a_failure_with_its_text():
    answer = asked(led_by(ScriptedModel([ValueError("no")])), "assess")
    assert answer == Asked(None, "failed", "ValueError: no")


UNUSABLE = [
    None,
    "words",
    7,
    [],
    {},
    progress("zoe"),
    progress(done="false"),
    progress(done=1),
    {**progress(), "is_in_loop": None},
    ProgressLedger.model_construct(**progress(done="true")),
    plan("ann"),
]


@pytest.mark.parametrize("ledger", UNUSABLE, ids=repr)
def test_what_a_manager_of_ones_own_returns_is_checked_as_a_models_answer_is(ledger):
    manager = ScriptedManager([ledger, progress()])
    answer = asked(led_by(manager=manager), "assess")
    assert (answer.answer, answer.outcome, manager.asked) == (None, "fallback", ["assess"])
    assert answer.detail.startswith("no valid decision after 1 attempts: `assess` of the manager: ")


@pytest.mark.parametrize("made", [progress(), ProgressLedger.model_validate(progress())])
def test_a_manager_of_ones_own_gives_a_ledger_or_its_fields(made):
    answer = asked(led_by(manager=ScriptedManager([made])), "assess")
    assert answer == Asked(ProgressLedger.model_validate(progress()))


@pytest.mark.parametrize("final", [None, 7, ["text"], HumanMessage("text")], ids=repr)
def test_a_final_answer_that_is_no_text_is_a_failure(final):
    answer = asked(led_by(manager=ScriptedManager([], final=final)), "conclude")
    assert (answer.outcome, answer.answer) == ("failed", None)
    assert "neither text nor an `AIMessage`" in answer.detail


def test_one_leads_at_the_most():
    with pytest.raises(ConfigurationError, match="`model` would not be used: `manager` leads"):
        led_by(ScriptedModel(["x"]), ScriptedManager([]))


class Halfway:
    """No manager."""

    def plan(self, view: View) -> None:
        """Nothing."""


@pytest.mark.parametrize("manager", [Halfway(), ScriptedManager, "openai:gpt", 7])
def test_what_is_no_manager_is_refused_with_what_one_has(manager):
    with pytest.raises(TypeError, match=r"`manager` is an object with `plan\(view\)`, `assess"):
        led_by(manager=manager)


@pytest.mark.parametrize("prompts", [None, "lead well", {"manager": "lead well"}])
def test_what_are_no_prompts_is_refused(prompts):
    with pytest.raises(TypeError, match="`prompts` is a `MagenticPrompts`"):
        lead_from(None, None, ABOUT, prompts)


def test_a_prompt_that_is_no_text_is_refused_by_its_name():
    with pytest.raises(TypeError, match="`assess` of `MagenticPrompts` is a str, not 7"):
        MagenticPrompts(assess=7)  # type: ignore[arg-type]
