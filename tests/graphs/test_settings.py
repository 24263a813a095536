"""What a caller may set for one run: prompts and bounds; shown in Studio, effective everywhere."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from langchain.agents.middleware import AgentMiddleware
from langgraph.types import Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_orchestra.graphs import (
    create_concurrent,
    create_group_chat,
    create_magentic,
    create_maker_checker,
    create_map_reduce,
    create_sequential,
)
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Limits,
    Member,
    Policy,
    by_bids,
    by_model,
    synthesise,
)
from langgraph_orchestra.state import Bid, ConfigurationError, OrchestrationContext
from support.chats import finished, talkers
from support.ledgers import ScriptedManager, progress
from support.members import ONCE, agent, look_up, team, wants
from support.patterns import PATTERNS
from support.results import calls, model_of
from support.verdicts import checker, no, writer


class Rating(BaseModel):
    """A typed answer."""

    stars: int


SAID = "Say it in verse."

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "typed": {"output": Rating},
    "with a tool": {"tools": [look_up]},
    "typed, with a tool": {"tools": [look_up], "output": Rating},
}


def member(name: str, kind: str = "plain") -> Agent:
    """An agent of this kind that answers any number of calls."""
    answer: Any = Rating(stars=5) if "typed" in kind else "said"
    if kind == "typed, with a tool":
        answer = wants("Rating", stars=5)
    model = ScriptedModel(lambda _: answer)
    return Agent(name, f"You are {name}.", model=model, **KINDS[kind])


def told(member: Agent) -> list[str]:
    """The system prompts with which an agent's model was called."""
    return [
        "".join(message.text for message in call.messages if message.type == "system")
        for call in model_of(member).calls
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_prompt_of_an_agent_is_the_runs(run, pattern, kind):
    ann = member("ann", kind)
    app = PATTERNS[pattern]([ann]).compile()

    run(app, context={"ann_prompt": SAID})
    run(app)

    assert told(ann) == [SAID, "You are ann."]


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_of_an_agent_three_deep_is_the_runs(run, kind):
    ann, same = member("ann", kind), member("ann", kind)
    core = team(ann, name="core")
    app = create_sequential([create_concurrent([core]).compile(name="team"), same]).compile()

    run(app, context={"team__core__ann_prompt": SAID})

    assert (told(ann), told(same)) == ([SAID], ["You are ann."])


def test_every_item_of_a_map_reduce_has_the_runs_prompt(run):
    worker, inner = member("worker"), member("inner", "with a tool")
    split = str.split
    plain = create_map_reduce(lambda view: split(view.task), worker)
    nested = create_map_reduce(lambda view: split(view.task), team(inner, name="worker"))

    run(plain.compile(), "two items", context={"worker_prompt": SAID})
    run(nested.compile(), "two items", context={"worker__inner_prompt": SAID})

    assert told(worker) == told(inner) == [SAID, SAID]


def test_who_selects_bids_sums_up_or_aggregates_has_the_runs_prompt(run):
    chair = agent("chair", finished("Done."))
    run(
        create_group_chat([member("ann"), member("bob")], select=by_model(chair)).compile(),
        context={"selector_prompt": SAID},
    )
    bidder = agent("ann", Bid(confidence=1.0), "said")
    run(
        create_group_chat([bidder], select=by_bids(), max_turns=1).compile(),
        context={"ann_prompt": SAID},
    )
    scribe, editor = member("scribe"), member("editor")
    run(
        create_group_chat([member("ann")], summary=scribe, max_turns=1).compile(),
        context={"summary_prompt": SAID},
    )
    run(
        create_concurrent([member("ann")], aggregate=synthesise(editor)).compile(),
        context={"aggregate_prompt": SAID},
    )

    for texts in (told(chair), told(bidder), told(scribe), told(editor)):
        assert all(text.startswith(SAID) for text in texts)
        assert texts


def test_a_blank_prompt_is_none(run):
    plain, tooled = member("plain"), member("tooled", "with a tool")
    app = create_sequential([plain, tooled]).compile()

    run(app, context={"plain_prompt": "", "tooled_prompt": ""})

    assert told(plain) == told(tooled) == [""]


class Shouting(AgentMiddleware[Any, Any, Any]):
    """A user's middleware that changes the prompt."""

    def wrap_model_call(self, request, handler):
        return handler(request.override(system_prompt=request.system_prompt.upper()))

    async def awrap_model_call(self, request, handler):
        return await handler(request.override(system_prompt=request.system_prompt.upper()))


def test_middleware_of_the_users_own_sees_the_runs_prompt(run):
    ann = agent("ann", middleware=[Shouting()])

    run(create_sequential([ann]).compile(), context={"ann_prompt": SAID})

    assert told(ann) == [SAID.upper()]


@pytest.mark.parametrize("kind", ["plain", "with a tool"])
def test_an_agent_that_stands_in_for_another_keeps_its_own_prompt(run, kind):
    backup = member("backup", kind)
    failing = agent("ann", ValueError(), policy=Policy(retry=None, fallback=backup))
    app = create_sequential([failing]).compile()

    assert run(app, context={"ann_prompt": SAID})["output"] == "said"
    assert (told(failing), told(backup)) == ([SAID], ["You are backup."])


def test_a_model_that_stands_in_has_the_runs_prompt(run):
    backup = ScriptedModel(["said"])
    failing = agent("ann", ValueError(), policy=Policy(retry=None, fallback=backup))

    run(create_sequential([failing]).compile(), context={"ann_prompt": SAID})

    (call,) = backup.calls
    assert call.messages[0].text == SAID


def test_runs_side_by_side_have_each_its_own_prompt():
    ann = member("ann", "with a tool")
    app = create_sequential([ann]).compile()
    prompts = [f"prompt {number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(app.invoke, {"messages": "go"}, context={"ann_prompt": prompt})
            for prompt in prompts
        ]
        assert all(job.result()["output"] == "said" for job in jobs)

    assert sorted(told(ann)) == sorted(prompts)


@pytest.mark.parametrize("again", [True, False], ids=["given again", "left out"])
def test_a_tool_that_was_asked_about_is_called_on_with_the_prompt_of_the_resume(run, saver, again):
    ann = agent(
        "ann", wants("look_up", word="arm"), "done", tools=[look_up], approve_tools=["look_up"]
    )
    app = create_sequential([team(ann)]).compile(saver)
    context = {"team__ann_prompt": SAID}

    run(app, thread="1", context=context)
    answer = Command(resume={"decisions": [{"type": "approve"}]})
    result = run(app, answer, thread="1", context=context if again else None)

    assert result["output"] == "done"
    assert told(ann) == [SAID, SAID if again else "You are ann."]


# Bounds


@pytest.mark.parametrize(("max_turns", "taken"), [(1, 1), (4, 4)])
def test_fewer_turns_may_be_taken(run, max_turns, taken):
    ann, bob = talkers("ann", "bob")
    app = create_group_chat([ann, bob], max_turns=4).compile()

    result = run(app, context={"max_turns": max_turns})

    assert sum(calls(ann, bob)) == taken
    assert (result["stop"].reason, result["stop"].detail) == (
        "turn_limit",
        f"{taken} of {max_turns} turns taken",
    )


def test_fewer_rounds_may_be_made_also_in_a_team(run):
    maker = writer("one", "two", "three")
    loop = create_maker_checker(maker, checker(no(), no(), no()), max_rounds=3)
    app = create_sequential([loop.compile(name="team")]).compile()

    run(app, context={"team__max_rounds": 2})

    assert calls(maker) == [2]


def test_a_manager_may_be_given_fewer_rounds(run):
    manager = ScriptedManager([progress("ann")] * 4)
    app = create_magentic(talkers("ann"), manager=manager, max_rounds=4).compile()

    result = run(app, context={"max_rounds": 2})

    assert (result["stop"].reason, result["rounds"]) == ("round_limit", 2)


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "more than built": (
        {"max_turns": 5},
        ConfigurationError,
        "`max_turns` is 5; .* from 1 to the 4",
    ),
    "none": ({"max_turns": 0}, ConfigurationError, "`max_turns` is 0"),
    "a bool": ({"max_turns": True}, TypeError, "`max_turns` is an int, not True"),
    "a text": ({"max_turns": "3"}, TypeError, "`max_turns` is an int, not '3'"),
    "no text": ({"ann_prompt": 3}, TypeError, "`ann_prompt` is a str, not 3"),
    "unknown": ({"anne_prompt": "x"}, TypeError, "anne_prompt"),
}


@pytest.mark.parametrize(("context", "kind", "error"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_set_is_refused_before_a_model_is_called(run, context, kind, error):
    ann = member("ann")
    app = create_group_chat([ann], max_turns=4).compile()

    with pytest.raises(kind, match=error):
        run(app, context=context)
    assert calls(ann) == [0]


# What the form shows


def form(graph: Any) -> dict[str, Any]:
    """The fields of a graph's context, as Studio is shown them."""
    fields: dict[str, Any] = graph.compile().get_context_jsonschema()["properties"]
    return fields


def test_the_form_shows_prompts_on_their_nodes_bounds_model_and_user():
    members = [member("ann"), Agent("bob", "You are bob.")]
    fields = form(create_group_chat(members, select=by_model("openai:gpt-5-mini"), max_turns=9))

    assert set(fields) == {
        "model",
        "user",
        "max_turns",
        "selector_prompt",
        "ann_prompt",
        "bob_prompt",
    }
    ann = fields["ann_prompt"]
    assert (ann["default"], ann["langgraph_nodes"]) == ("You are ann.", ["ann"])
    assert (ann["type"], ann["langgraph_type"]) == ("string", "prompt")
    assert fields["selector_prompt"]["langgraph_nodes"] == ["selector"]
    assert [fields["max_turns"][key] for key in ("default", "minimum", "maximum")] == [9, 1, 9]
    assert fields["model"]["langgraph_nodes"] == ["bob"]
    assert all(field["description"] for field in fields.values())


def test_the_form_shows_the_members_of_a_team_on_its_node():
    inner = team(Agent("ann", "You are ann."), name="core")
    fields = form(create_sequential([create_concurrent([inner]).compile(name="team")]))

    field = fields["team__core__ann_prompt"]
    assert (field["default"], field["langgraph_nodes"]) == ("You are ann.", ["team"])
    assert field["description"] == "System prompt of `ann`. In `team/core`."
    assert fields["model"]["langgraph_nodes"] == ["team"]


def test_a_smaller_limit_of_turns_is_the_bound_that_is_shown():
    fields = form(create_group_chat([member("ann")], max_turns=9, limits=Limits(turns=3)))

    assert fields["max_turns"]["maximum"] == 3


@pytest.mark.parametrize(
    ("name", "field"),
    [("a-b", "a_b_prompt"), ("7up", "n7up_prompt"), ("_x", "x_prompt"), ("model", "model_prompt")],
)
def test_any_name_of_a_participant_has_a_field(run, name, field):
    ann = member(name, "with a tool")
    graph = create_sequential([ann])

    run(graph.compile(), context={field: SAID})

    assert (told(ann), field in form(graph)) == ([SAID], True)


def test_of_two_that_would_share_a_field_neither_can_be_set(run):
    members = [member("a-b"), member("a_b"), member("c")]
    graph = create_sequential(members)

    run(graph.compile(), context={"c_prompt": SAID})

    assert set(form(graph)) == {"model", "user", "c_prompt"}
    assert [told(one) for one in members] == [["You are a-b."], ["You are a_b."], [SAID]]


# Contexts of the user's own


@dataclass(frozen=True)
class Own:
    """Means something else by a field."""

    ann_prompt: str = "for the user's own middleware"


class OwnDict(TypedDict, total=False):
    """The same as a TypedDict."""

    ann_prompt: str


@pytest.mark.parametrize("schema", [Own, OwnDict, OrchestrationContext])
def test_a_context_schema_of_the_users_own_stays_as_it_is_and_fixes_the_prompts(run, schema):
    ann = member("ann")
    graph = create_sequential([ann], context_schema=schema)
    app = create_sequential([Member(team(ann), name="sub")], context_schema=schema).compile()
    context: Any = {} if schema is OrchestrationContext else {"ann_prompt": SAID}

    run(graph.compile(), context=context)
    run(app, context=context)

    assert graph.context_schema is schema
    assert told(ann) == ["You are ann."] * 2


def test_a_team_with_a_context_schema_of_its_own_keeps_its_prompts(run):
    fixed = create_sequential([member("ann")], context_schema=Own).compile(name="team")

    assert set(form(create_sequential([fixed]))) == {"model", "user"}


@pytest.mark.parametrize("context", [None, OrchestrationContext(user="eve"), {"user": "eve"}])
def test_what_is_not_set_is_as_it_was_built(run, context):
    ann = member("ann", "with a tool")
    app = create_group_chat([ann], max_turns=2).compile()

    result = run(app, context=context)

    assert told(ann) == ["You are ann."] * 2
    assert {turn.user for turn in result["trail"]} == {context and "eve"}


def test_a_model_itself_may_be_given_in_code(run):
    model = ScriptedModel(["said"])
    app = create_sequential([Agent("ann", "You are ann.", policy=ONCE)]).compile()

    assert run(app, context={"model": model})["output"] == "said"
