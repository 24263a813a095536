"""Which branches work on a task: picked by a function, a model or an agent."""

import asyncio
import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langgraph_orchestra.graphs import create_concurrent
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Member
from langgraph_orchestra.state import (
    ConfigurationError,
    DecisionError,
    OrchestrationContext,
    SpeakerChoice,
)

NAMES = ["zeta", "alpha", "mid"]
"""Declared order, which is neither that of the alphabet nor its reverse."""


def panel(select, **options):
    """Three branches, of which some are picked."""
    branches = [
        Member(lambda _, name=name: f"{name}'s answer", name=name, description=f"knows {name}")
        for name in NAMES
    ]
    return create_concurrent(branches, select=select, **options).compile()


def choice(*names, reason="they know"):
    return {"branches": list(names), "reason": reason}


def picks(view):
    return ["mid", "zeta"]


async def picks_async(view):
    await asyncio.sleep(0)
    return ["mid", "zeta"]


class Picking:
    def __call__(self, view):
        return ("mid", "zeta")


@pytest.mark.parametrize(
    "select", [picks, picks_async, Picking(), lambda view: ["mid", "zeta", "mid"]]
)
def test_a_function_sync_or_async_picks_the_branches(run, select):
    result = run(panel(select))

    assert list(result["results"]) == ["zeta", "mid"]
    assert result["output"] == "## zeta\n\nzeta's answer\n\n## mid\n\nmid's answer"
    assert [t.agent for t in result["trail"]] == ["zeta", "mid", "aggregate"]


def test_a_function_picks_by_the_task_and_the_branches_there_are(run):
    seen: dict[str, Any] = {}

    def look(view):
        seen.update(task=view.task, speakers=dict(view.speakers), results=dict(view.results))
        return [name for name in view.speakers if name in view.task]

    result = run(panel(look), "ask alpha, please")

    assert list(result["results"]) == ["alpha"]
    assert seen == {
        "task": "ask alpha, please",
        "speakers": {name: f"knows {name}" for name in NAMES},
        "results": {},
    }


def test_each_run_on_a_thread_picks_anew(run, saver):
    branches = [Member(lambda _, n=name: n, name=name) for name in NAMES]
    graph = create_concurrent(branches, select=lambda view: view.task.split())
    app = graph.compile(checkpointer=saver)

    assert list(run(app, "alpha mid", thread="1")["results"]) == ["alpha", "mid"]
    assert list(run(app, "zeta", thread="1")["results"]) == ["zeta"]


def test_a_function_that_picks_nobody_is_a_clear_error(run):
    with pytest.raises(ConfigurationError, match=r'picked nobody; .*"zeta", "alpha", "mid"'):
        run(panel(lambda view: []))


def test_a_function_that_picks_somebody_unknown_is_a_clear_error(run):
    with pytest.raises(ConfigurationError, match=r'`nobody`.*"zeta", "alpha", "mid"'):
        run(panel(lambda view: ["zeta", "nobody"]))


@pytest.mark.parametrize(
    "returned", ["zeta", None, {"zeta": True}, {"zeta"}, 3, [None], [["zeta"]]]
)
def test_a_function_that_returns_no_list_of_names_is_a_clear_error(run, returned):
    with pytest.raises(ConfigurationError, match="`select`"):
        run(panel(lambda view: returned))


def test_what_a_selecting_function_raises_surfaces(run):
    def breaks(view):
        raise KeyError("species")

    with pytest.raises(KeyError, match="species"):
        run(panel(breaks))


def test_a_model_picks_the_branches(run, saver):
    model = ScriptedModel([choice("mid", "zeta")])
    branches = [Member(lambda _, n=name: n, name=name) for name in NAMES]
    app = create_concurrent(branches, select=model).compile(checkpointer=saver)

    result = run(app, thread="1")

    assert list(result["results"]) == ["zeta", "mid"]
    decision, *turns = result["trail"]
    assert (decision.agent, decision.kind, decision.outcome) == ("selector", "decision", "ok")
    assert decision.detail == "zeta, mid: they know"
    assert (decision.input_tokens, decision.output_tokens, decision.step) == (10, 5, 1)
    assert [(t.agent, t.step) for t in turns] == [("zeta", 2), ("mid", 3), ("aggregate", 4)]


def test_a_model_reads_the_task_and_who_there_is_to_pick(run):
    model = ScriptedModel([choice("zeta")])

    run(panel(model), "Describe the octopus")

    [call] = model.calls
    system, task = call.messages
    assert isinstance(system, SystemMessage)
    assert all(f"- {name}: knows {name}" in system.text for name in NAMES)
    assert (type(task), task.text) == (HumanMessage, "Describe the octopus")


def test_a_models_choice_leaves_no_message(run):
    result = run(panel(ScriptedModel([choice("zeta")])))

    assert [m.name for m in result["messages"] if isinstance(m, AIMessage)] == ["zeta", "aggregate"]


def test_an_agent_gives_prompt_and_model_of_the_choice(run):
    model = ScriptedModel([choice("alpha")])
    chooser = Agent("chooser", "Pick whoever is cheapest.", model=model)

    result = run(panel(chooser))

    assert list(result["results"]) == ["alpha"]
    assert model.calls[0].messages[0].text.startswith("Pick whoever is cheapest.")


@pytest.mark.parametrize(
    "select", [Agent("chooser", "Pick."), "nobody:knows-it"], ids=["agent", "name"]
)
def test_a_missing_model_is_found_before_any_branch_runs(run, select):
    with pytest.raises(ConfigurationError, match="model"):
        run(panel(select))


def test_an_agent_without_a_model_takes_that_of_the_context(run):
    with pytest.raises(ConfigurationError, match="nobody:knows-it"):
        run(
            panel(Agent("chooser", "Pick.")),
            context=OrchestrationContext(model="nobody:knows-it"),
        )


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (choice("nobody"), "`nobody`"),
        (choice(), "picked nobody"),
        ({"reason": "no branches given"}, "`branches`"),
        ("I would ask zeta.", "no JSON object"),
    ],
    ids=["unknown", "nobody", "missing", "no JSON"],
)
def test_an_unusable_choice_is_asked_again_with_the_reason(run, bad, why):
    model = ScriptedModel([bad, choice("zeta")])

    result = run(panel(model))

    assert list(result["results"]) == ["zeta"]
    first, second = model.calls
    assert len(second.messages) > len(first.messages)
    assert why in second.messages[-1].text
    assert result["trail"][0].input_tokens == 20


def test_a_refused_name_is_told_the_valid_ones(run):
    model = ScriptedModel([choice("zeta", "nobody"), choice("zeta")])

    run(panel(model))

    assert '["zeta", "alpha", "mid"]' in model.calls[1].messages[-1].text


def test_three_unusable_choices_raise_a_decision_error(run):
    model = ScriptedModel([choice("nobody"), choice(), choice("somebody")])

    with pytest.raises(DecisionError, match=r"after 3 attempts.*`somebody`") as raised:
        run(panel(model))
    assert raised.value.attempts == 3
    assert "somebody" in raised.value.last_error
    model.assert_complete()


def test_a_choice_written_as_text_is_understood(run):
    model = ScriptedModel([f"I think: ```json\n{json.dumps(choice('mid'))}\n```"])

    assert list(run(panel(model))["results"]) == ["mid"]


@pytest.mark.parametrize(
    "answer", [{"branches": "mid"}, SpeakerChoice(next_speaker="mid", reason="it knows")], ids=str
)
def test_a_single_name_is_a_choice_of_one(run, answer):
    assert list(run(panel(ScriptedModel([answer])))["results"]) == ["mid"]


def test_what_the_selecting_model_raises_surfaces(run):
    with pytest.raises(ValueError, match="out of order"):
        run(panel(ScriptedModel([ValueError("out of order")])))


def edges(app):
    return {(edge.source, edge.target) for edge in app.get_graph().edges}


def test_a_function_picks_in_the_intake_and_a_model_in_a_node_of_its_own():
    by_function, by_model = panel(picks), panel(ScriptedModel([choice("mid")]))

    assert {("intake", name) for name in NAMES} < edges(by_function)
    assert "selector" not in by_function.get_graph().nodes
    assert {("intake", "selector"), *(("selector", name) for name in NAMES)} < edges(by_model)
    assert not {("intake", name) for name in NAMES} & edges(by_model)
    assert ("selector", "__end__") not in edges(by_model)
