"""What cannot work is refused when the graph is built, with the culprit and the choices."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_orchestra.graphs import (
    create_concurrent,
    create_maker_checker,
    create_map_reduce,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel, resolve
from langgraph_orchestra.nodes import (
    RESERVED_NAMES,
    Agent,
    Human,
    Limits,
    Member,
    Policy,
    approval,
    concatenate,
    everything,
    judged,
    majority,
)
from langgraph_orchestra.state import (
    ConcurrentState,
    ConfigurationError,
    GroupChatState,
    HandoffState,
    MagenticState,
    MakerCheckerState,
    MapReduceState,
    OrchestrationContext,
    SequentialState,
    SupervisorState,
)
from support.members import agent, look_up, named, team
from support.patterns import PATTERNS, SEVERAL, the_task
from support.results import calls


class PlannedLine(SequentialState, total=False):
    plan: str


class PlannedFan(ConcurrentState, total=False):
    plan: str


class PlannedRows(MapReduceState, total=False):
    plan: str


class PlannedDesk(HandoffState, total=False):
    plan: str


class PlannedLoop(MakerCheckerState, total=False):
    plan: str


class PlannedChat(GroupChatState, total=False):
    plan: str


class PlannedTeam(MagenticState, total=False):
    plan: str


PLANNED = {
    "sequential": PlannedLine,
    "concurrent": PlannedFan,
    "map_reduce": PlannedRows,
    "handoff": PlannedDesk,
    "maker_checker": PlannedLoop,
    "group_chat": PlannedChat,
    "supervisor": SupervisorState,  # it has a plan of its own
    "magentic": PlannedTeam,
}


class Plain:
    """No TypedDict."""


class Foreign(TypedDict):
    messages: list[Any]


class Empty(TypedDict):
    pass


class Pydantic(BaseModel):
    messages: list[Any]


@pytest.fixture(params=PATTERNS)
def pattern(request):
    """Each pattern's factory, for graphs of one participant."""
    return PATTERNS[request.param]


@pytest.fixture(params=SEVERAL)
def pattern_of_several(request):
    """Each factory that takes several participants."""
    return SEVERAL[request.param]


# Names


@pytest.mark.parametrize("name", ["a b", "ä", "a/b", "", "a.b", "a[1]", "a\n", " a"])
def test_bad_characters_in_a_name_are_refused(pattern, name):
    allowed = "letters, digits, `_` and `-`"
    with pytest.raises(ConfigurationError, match=allowed):
        pattern([named(name)])
    with pytest.raises(ConfigurationError, match=allowed):
        Agent(name, "")
    with pytest.raises(ConfigurationError, match=allowed):
        Human(name)
    with pytest.raises(ConfigurationError, match=allowed):
        Member(named("a"), name=name)


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_names_of_internal_nodes_are_refused_in_every_pattern(pattern, name):
    with pytest.raises(ConfigurationError, match=f"`{name}` is that of an internal node") as caught:
        pattern([named(name)])
    assert all(f"`{reserved}`" in str(caught.value) for reserved in RESERVED_NAMES)


@pytest.mark.parametrize("name", ["messages", "trail", "output", "stop", "run_info"])
def test_names_of_state_keys_are_refused(pattern, name):
    with pytest.raises(ConfigurationError, match=f"`{name}` is a key of the state"):
        pattern([named(name)])


@pytest.mark.parametrize("kind", PATTERNS)
def test_names_of_custom_state_keys_are_refused(kind):
    with pytest.raises(ConfigurationError, match="`plan` is a key of the state"):
        PATTERNS[kind]([named("plan")], state_schema=PLANNED[kind])


@pytest.mark.parametrize(
    "name", ["__start__", "__end__", "end", "end-user", "style-editor", "_self", "a--b", "-a", "-"]
)
def test_names_that_langgraph_or_mermaid_keep_are_refused(pattern, name):
    with pytest.raises(ConfigurationError, match=f"`{name}` is refused"):
        pattern([named(name)])


def test_duplicate_names_are_refused_with_the_names_that_are_there(pattern_of_several):
    with pytest.raises(ConfigurationError, match="`a` is given 2 times in `a`, `b`, `a`"):
        pattern_of_several([agent("a"), agent("b"), agent("a")])


def test_one_object_takes_part_under_two_names(pattern_of_several, run):
    twice = agent("a", "one", "two")
    graph = pattern_of_several([twice, Member(twice, name="b")])
    result = run(graph.compile())
    assert {"a", "b"} <= graph.nodes.keys()
    agents = {turn.agent for turn in result["trail"] if turn.kind == "agent"}
    assert agents == (
        {"a"} if graph.pattern == "handoff" else {"a", "b"}
    )  # who answers has ended it


# Participants


def test_an_empty_list_is_refused(pattern_of_several):
    with pytest.raises(ConfigurationError, match="`participants` is empty"):
        pattern_of_several([])


@pytest.mark.parametrize("participants", ["agent", b"agent", {"a": 1}, 7, None])
def test_what_is_no_list_of_participants_is_refused(pattern_of_several, participants):
    with pytest.raises(TypeError, match="`participants` is a list of participants"):
        pattern_of_several(participants)


@pytest.mark.parametrize("thing", [7, None, "agent", Agent, Plain])
def test_what_cannot_take_part_is_refused(pattern, thing):
    with pytest.raises(TypeError, match="cannot take part; a participant is an `Agent`, a `Human`"):
        pattern([thing])


def test_a_lambda_is_refused_unless_a_member_names_it(pattern, run):
    with pytest.raises(ConfigurationError, match=r"a lambda .* cannot take part without a name"):
        pattern([lambda view: "said"])
    result = run(pattern([Member(lambda view: "said", name="lam")]).compile())
    assert "said" in result["output"]


def test_an_uncompiled_graph_is_refused(pattern):
    with pytest.raises(ConfigurationError, match="compile it with a name"):
        pattern([StateGraph(SequentialState)])
    with pytest.raises(ConfigurationError, match="compile it with a name"):
        pattern([create_sequential([agent("a")])])


def test_a_graph_without_a_name_is_refused_unless_a_member_names_it(pattern, run):
    builder = StateGraph(Foreign)
    builder.add_node("say", lambda state: {"messages": [AIMessage("said")]})
    builder.set_entry_point("say")
    nameless = builder.compile()
    with pytest.raises(ConfigurationError, match=r'`compile\(name="team"\)`'):
        pattern([nameless])
    result = run(pattern([Member(nameless, name="team")]).compile())
    assert "said" in result["output"]


def test_a_member_of_a_member_is_refused():
    with pytest.raises(TypeError, match="not another `Member`"):
        Member(Member(agent("a")))


def test_a_reviewing_person_with_nothing_to_review_is_refused():
    with pytest.raises(ConfigurationError, match="`boss` reviews, but no stage stands before it"):
        create_sequential([approval("boss"), agent("a")])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"prompt": None}, TypeError, "`prompt` of agent `a` is a str"),
        ({"prompt": "", "model": 5}, TypeError, "`model` of agent `a`"),
        ({"prompt": "", "output": dict}, TypeError, "`output` of agent `a`"),
        ({"prompt": "", "policy": 3}, TypeError, "`policy` of agent `a`"),
        ({"prompt": "", "approve_tools": ["pay"]}, ConfigurationError, "`pay`; its tools are none"),
        ({"prompt": "", "temperature": 0}, TypeError, "temperature"),
    ],
)
def test_an_agent_that_cannot_work_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        Agent("a", **options)


# Options


@pytest.mark.parametrize("schema", [Plain, Foreign, Empty, Pydantic, dict, 7])
def test_a_state_schema_that_does_not_extend_the_patterns_is_refused(pattern, schema):
    with pytest.raises(ConfigurationError, match=r"`state_schema` of `create_\w+` is a TypedDict"):
        pattern([agent("a")], state_schema=schema)


def test_an_unknown_keyword_is_refused(pattern):
    with pytest.raises(TypeError, match="max_round"):
        pattern([agent("a")], max_round=3)


def test_options_are_not_taken_by_place(pattern_of_several):
    with pytest.raises(TypeError, match="positional"):
        pattern_of_several([agent("a")], everything())


@pytest.mark.parametrize("condition", [7, "DONE", [], Limits(turns=1)])
def test_what_is_no_stop_condition_is_refused(condition):
    with pytest.raises(TypeError, match="`stop_when` is a stop condition or a function"):
        create_sequential([agent("a")], stop_when=condition)


WRONG_LIMITS = [
    ({"turns": 0}, ConfigurationError, r"`Limits\.turns` is 0; it must be at least 1"),
    ({"turns": -1}, ConfigurationError, r"`Limits\.turns` is -1"),
    ({"turns": True}, TypeError, r"`Limits\.turns` is an int of at least 1, not True"),
    ({"turns": 2.0}, TypeError, r"`Limits\.turns` is an int"),
    ({"turns": "2"}, TypeError, r"`Limits\.turns` is an int"),
    ({"tokens": 0}, ConfigurationError, r"`Limits\.tokens` is 0"),
    ({"tokens": 1e6}, TypeError, r"`Limits\.tokens` is an int"),
    ({"cost": 0}, ConfigurationError, r"`Limits\.cost` is 0"),
    ({"cost": -0.1}, ConfigurationError, r"`Limits\.cost` is -0\.1"),
    ({"cost": True}, TypeError, r"`Limits\.cost` is a number"),
    ({"cost": "1 USD"}, TypeError, r"`Limits\.cost` is a number"),
    ({"cost": float("nan")}, ConfigurationError, r"`Limits\.cost` is nan"),
    ({"seconds": 0}, ConfigurationError, r"`Limits\.seconds` is 0"),
    ({"seconds": False}, TypeError, r"`Limits\.seconds` is a number"),
    ({"price": 0.01}, TypeError, r"`Limits\.price` is a function"),
    ({"rounds": 3}, TypeError, "rounds"),
]


@pytest.mark.parametrize(("limits", "error", "message"), WRONG_LIMITS, ids=repr)
def test_zero_negative_bool_and_float_limits_are_refused(limits, error, message):
    with pytest.raises(error, match=message):
        Limits(**limits)


@pytest.mark.parametrize("limits", [5, {"turns": 1}, "2"])
def test_limits_of_the_wrong_type_are_refused(pattern, limits):
    with pytest.raises(TypeError, match="`limits` is a `Limits` or None"):
        pattern([agent("a")], limits=limits)


@pytest.mark.parametrize("aggregate", [concatenate, majority, lambda: "the answer"])
def test_an_aggregator_that_takes_no_view_is_refused(aggregate):
    with pytest.raises(TypeError, match=r"is called with a `View`, and takes `\(.*called first"):
        create_concurrent([agent("a")], aggregate=aggregate)


def test_configuration_errors_are_value_errors():
    with pytest.raises(ValueError, match="at least 1"):
        Limits(turns=0)


# Models

NEEDS_A_MODEL = {
    "agent": lambda a: create_sequential([a, Agent("b", "")]),
    "agent with tools": lambda a: create_sequential([a, Agent("b", "", tools=[look_up])]),
    "fallback": lambda a: create_sequential([Member(a, policy=Policy(fallback=Agent("b", "")))]),
    "judge": lambda a: create_sequential([a, agent("b")], stop_when=judged(None, "Done?")),
    "member of a team": lambda a: create_sequential([a, team(Agent("b", ""))]),
    "fallback in a team": lambda a: create_sequential(
        [a, team(agent("c", policy=Policy(fallback=Agent("b", ""))))]
    ),
    "judge in a team": lambda a: create_sequential(
        [a, team(agent("b"), agent("c"), stop_when=judged(None, "Done?"))]
    ),
    "branch": lambda a: create_concurrent([a, Agent("b", "")]),
    "aggregator": lambda a: create_concurrent([a], aggregate=Agent("b", "")),
    "selector": lambda a: create_concurrent([a], select=Agent("b", "")),
    "worker": lambda a: create_map_reduce(the_task, Agent("b", ""), a),
    "reducer": lambda a: create_map_reduce(the_task, a, Agent("b", "")),
    "maker": lambda a: create_maker_checker(Agent("b", ""), a),
    "checker": lambda a: create_maker_checker(a, Agent("b", "")),
    "one of several checkers": lambda a: create_maker_checker(a, [agent("c"), Agent("b", "")]),
    "fallback of a checker": lambda a: create_maker_checker(
        a, agent("c", policy=Policy(fallback=Agent("b", "")))
    ),
}


@pytest.mark.parametrize("place", NEEDS_A_MODEL)
def test_a_missing_model_is_found_before_any_call(run, place):
    member = agent("a")
    app = NEEDS_A_MODEL[place](member).compile()
    with pytest.raises(ConfigurationError, match="`ORCHESTRA_MODEL`"):
        run(app)
    assert calls(member) == [0]


def test_a_model_named_in_the_context_serves_all_who_have_none(run, monkeypatch):
    chosen = ScriptedModel(["one", "two"])
    monkeypatch.setattr(resolve, "_model_named", {"any:model": chosen}.__getitem__)
    app = create_sequential([Agent("a", ""), Agent("b", "", tools=[look_up])]).compile()
    result = run(app, context=OrchestrationContext(model="any:model"))
    assert result["output"] == "two"


def test_a_stage_that_may_be_skipped_is_refused_where_there_are_no_stages():
    perhaps = Member(Agent("perhaps", "Say."), when=lambda view: True)
    with pytest.raises(ConfigurationError, match="`select=` picks the branches"):
        create_concurrent([perhaps])
    with pytest.raises(ConfigurationError, match="every draft is made and checked"):
        create_maker_checker(agent("maker"), perhaps)
    with pytest.raises(ConfigurationError, match="`split` decides which items"):
        create_map_reduce(lambda view: [], perhaps)


@pytest.mark.parametrize("argument", ["history", "context_schema"])
def test_a_wrong_kind_of_history_or_context_is_refused(pattern, argument):
    with pytest.raises(TypeError, match=f"`{argument}` is a .*, not 3"):
        pattern([named("a")], **{argument: 3})
