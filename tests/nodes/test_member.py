"""Anything becomes a participant, or it is refused with what to do."""

import functools
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Member, Policy, View, everything, task_only
from langgraph_orchestra.nodes.agent import AgentParticipant
from langgraph_orchestra.nodes.function import FunctionParticipant, RunnableParticipant
from langgraph_orchestra.nodes.graph import GraphParticipant
from langgraph_orchestra.nodes.human import HumanParticipant
from langgraph_orchestra.nodes.member import as_participant, as_participants
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.state import ConfigurationError

SCENE = Scene("test", everything())


def writer(view: View) -> str:
    return "written"


async def reader(view: View) -> str:
    return "read"


class Speaker:
    """An object that is called like a function."""

    def __call__(self, view: View) -> str:
        return "spoken"


def users_graph() -> StateGraph[Any, Any, Any, Any]:
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    graph.add_node("reply", lambda state: {"messages": [("ai", "hello")]})
    graph.add_edge(START, "reply")
    return graph


@entrypoint()
def workflow(given: Any) -> str:
    return "worked"


@pytest.mark.parametrize(
    ("given", "kind", "name"),
    [
        (Agent("ada", "Write."), AgentParticipant, "ada"),
        (Human("boss"), HumanParticipant, "boss"),
        (writer, FunctionParticipant, "writer"),
        (reader, FunctionParticipant, "reader"),
        (users_graph().compile(name="team"), GraphParticipant, "team"),
        (create_sequential([writer]).compile(), GraphParticipant, "sequential"),
        (Member(workflow, name="workflow"), GraphParticipant, "workflow"),
        (RunnableLambda(writer), RunnableParticipant, "writer"),
        (RunnableLambda(lambda _: "x", name="short"), RunnableParticipant, "short"),
        (Member(writer, name="ada"), FunctionParticipant, "ada"),
        (Member(lambda view: "x", name="short"), FunctionParticipant, "short"),
        (Member(functools.partial(writer), name="part"), FunctionParticipant, "part"),
        (Member(Speaker(), name="speaker"), FunctionParticipant, "speaker"),
        (Member(users_graph().compile(), name="team"), GraphParticipant, "team"),
        (Member(ScriptedModel(["x"]), name="model"), RunnableParticipant, "model"),
        (Member(Agent("ada", ""), name="bob"), AgentParticipant, "bob"),
    ],
)
def test_everything_that_can_take_part_does_so_under_its_name(given, kind, name):
    participant = as_participant(given, SCENE)
    assert type(participant) is kind
    assert participant.name == name


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (lambda view: "x", r"a lambda .* wrap it in `Member\(function, name="),
        (functools.partial(writer), r"wrap it in `Member\(function, name="),
        (Speaker(), r"wrap it in `Member\(function, name="),
        (users_graph(), r"compile it with a name, `graph\.compile\(name=\"team\"\)`"),
        (users_graph().compile(), r"compile it with `compile\(name=\"team\"\)`, or wrap it in"),
        (RunnableLambda(lambda _: "x"), r"RunnableLambda without a name .*`Member\(runnable"),
        (ScriptedModel(["x"]), r"ScriptedModel without a name .*`Member\(runnable"),
        (users_graph().compile(name="my team"), "try `my_team`"),
        (users_graph().compile(name="join"), "internal node"),
    ],
)
def test_one_without_a_usable_name_is_refused_with_what_to_do(given, told):
    with pytest.raises(ConfigurationError, match=told):
        as_participant(given, SCENE)


@pytest.mark.parametrize(
    "given", [None, 5, "ada", b"ada", {"name": "ada"}, Agent, Speaker, object()]
)
def test_what_cannot_take_part_is_refused_with_what_can(given):
    with pytest.raises(TypeError, match="an `Agent`, a `Human`, a `Member`"):
        as_participant(given, SCENE)


@pytest.mark.parametrize("given", [None, 5, "ada", b"ada", {"ada": writer}, writer])
def test_participants_are_a_list(given):
    with pytest.raises(TypeError, match="`participants` is a list of participants"):
        as_participants(given, SCENE)


def test_participants_may_come_from_a_generator_in_its_order():
    made = as_participants((one for one in (writer, reader)), SCENE)
    assert [participant.name for participant in made] == ["writer", "reader"]


def test_the_first_participant_may_have_a_role_of_its_own():
    scene = Scene("test", everything(), human_role="review", opening_role="answer")
    first, second = as_participants([Human("ann"), Human("ben")], scene)
    assert isinstance(first, HumanParticipant)
    assert isinstance(second, HumanParticipant)
    assert (first.reviews, second.reviews) == (False, True)


def test_what_a_member_sets_wins_and_the_rest_stays_as_the_participant_has_it():
    own, other = Policy(timeout=1.0), Policy(timeout=2.0)
    agent = Agent("ada", "", description="writes", history=task_only(), policy=own)
    kept = as_participant(Member(agent), SCENE)
    assert (kept.name, kept.description) == ("ada", "writes")
    assert (kept.history, kept.policy) == (agent.history, own)
    history = everything()
    changed = as_participant(
        Member(agent, name="bob", description="reads", history=history, policy=other), SCENE
    )
    assert (changed.name, changed.description) == ("bob", "reads")
    assert (changed.history, changed.policy) == (history, other)
    assert (agent.name, agent.description) == ("ada", "writes")


@pytest.mark.parametrize(
    "given", [writer, Agent("ada", ""), Human("boss"), users_graph().compile(name="team")]
)
def test_a_member_decides_whether_anybody_takes_their_turn(given):
    def never(view: View) -> bool:
        return False

    assert as_participant(Member(given, when=never), SCENE).when is never


def test_one_object_may_take_part_under_two_names(run):
    app = create_sequential([writer, Member(writer, name="again")]).compile()
    assert [turn.agent for turn in run(app)["trail"]] == ["writer", "again"]


@pytest.mark.parametrize(
    ("settings", "error", "told"),
    [
        ({"name": "the boss"}, ConfigurationError, "try `the_boss`"),
        ({"name": 5}, TypeError, "`name` is a str"),
        ({"participant": Member(writer)}, TypeError, "not another `Member`"),
        ({"policy": 3}, TypeError, "`policy` of a `Member`"),
        ({"history": "everything"}, TypeError, "`history` of a `Member`"),
        ({"when": True}, TypeError, "`when` of a `Member`"),
        ({"bid": 0.5}, TypeError, "`bid` of a `Member`"),
        ({"description": 5}, TypeError, "`description` of a `Member`"),
        ({"mood": "good"}, TypeError, "mood"),
    ],
    ids=lambda value: next(iter(value), None) if isinstance(value, dict) else None,
)
def test_a_member_that_cannot_be_is_refused(settings, error, told):
    with pytest.raises(error, match=told):
        Member(**{"participant": writer, **settings})


@pytest.mark.parametrize(
    "fallback",
    [Agent("stand_in", "", model=ScriptedModel(lambda _: "saved")), lambda view: "saved", Human],
    ids=["agent", "function", "wrong"],
)
def test_a_fallback_is_any_participant_and_needs_no_name(run, fallback):
    def fail(view: View) -> str:
        raise ValueError("no")

    member = Member(fail, policy=Policy(fallback=fallback))
    if fallback is Human:
        with pytest.raises(TypeError, match="cannot take part"):
            as_participant(member, SCENE)
        return
    result = run(create_sequential([member]).compile())
    assert result["output"] == "saved"
    (turn,) = result["trail"]
    assert (turn.agent, turn.outcome) == ("fail", "fallback")


def test_a_fallback_model_keeps_the_prompt_of_its_agent(run):
    model = ScriptedModel(["saved"])
    agent = Agent(
        "ada",
        "Write well.",
        model=ScriptedModel([ValueError("no")]),
        policy=Policy(fallback=model),
    )
    assert run(create_sequential([agent]).compile())["output"] == "saved"
    (call,) = model.calls
    assert [message.text for message in call.messages] == ["Write well.", "the task"]


@pytest.mark.parametrize("model", ["openai:gpt-5-mini", ScriptedModel(["x"])])
def test_a_fallback_model_for_one_without_a_prompt_is_refused(model):
    with pytest.raises(
        ConfigurationError, match=r"`Policy\(fallback=...\)` of `writer` is a model"
    ):
        as_participant(Member(writer, policy=Policy(fallback=model)), SCENE)
