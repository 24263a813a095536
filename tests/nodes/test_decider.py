"""Who decides: a model, its name, or an agent who gives prompt, model and policy."""

import pytest
from langgraph.errors import NodeTimeoutError
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_concurrent
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Policy
from langgraph_orchestra.nodes.decider import decider_from, is_decider
from langgraph_orchestra.state import ConfigurationError
from support.members import look_up, named

MODEL = ScriptedModel(["never called"])


class Shape(BaseModel):
    """A typed answer."""


@pytest.mark.parametrize("given", ["openai:some-model", MODEL, Agent("boss", "", model=MODEL)])
def test_a_name_a_model_and_an_agent_can_decide(given):
    assert is_decider(given)
    assert decider_from(given, "Decide.").prompt == "Decide."


@pytest.mark.parametrize("given", [3, named("boss"), ["openai:some-model"], ScriptedModel])
def test_nobody_else_can(given):
    assert not is_decider(given)
    with pytest.raises(TypeError, match="a chat model, its name, an `Agent` or None"):
        decider_from(given, "Decide.")


def test_none_is_the_model_of_the_run():
    assert not is_decider(None)
    assert decider_from(None, "Decide.").prompt == "Decide."


def test_an_agent_gives_its_prompt_and_policy():
    policy = Policy(retry=None, timeout=3)
    decider = decider_from(Agent("boss", "You are boss.", model=MODEL, policy=policy), "Decide.")
    assert (decider.prompt, decider.policy) == ("You are boss.", policy)


@pytest.mark.parametrize(
    ("brought", "value"), [("tools", [look_up]), ("output", Shape), ("middleware", [object()])]
)
def test_what_an_agent_would_bring_in_vain_is_refused(brought, value):
    agent = Agent("boss", "", model=MODEL)
    vars(agent)[brought] = value
    with pytest.raises(ConfigurationError, match=f"`{brought}` of agent `boss` would not be used"):
        decider_from(agent, "Decide.")


def test_a_fallback_of_an_agent_who_decides_is_refused():
    agent = Agent("boss", "", model=MODEL, policy=Policy(fallback="openai:gpt-5-nano"))
    with pytest.raises(ConfigurationError, match="of agent `boss` would not be used"):
        decider_from(agent, "Decide.")


def test_branches_are_picked_within_the_time_of_the_agent_who_picks_them(run):
    slow = ScriptedModel([{"branches": ["a"], "reason": ""}], delay=2.0)
    boss = Agent("boss", "", model=slow, policy=Policy(timeout=0.05, retry=None))
    app = create_concurrent([named("a"), named("b")], select=boss).compile()
    with pytest.raises(NodeTimeoutError, match="selector"):
        run(app)
