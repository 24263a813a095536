"""How the results of branches become one answer, and what an aggregator may be."""

import asyncio
import operator
import threading
import time
from collections import Counter
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.types import Command, RetryPolicy
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Human,
    Member,
    Policy,
    View,
    concatenate,
    first,
    majority,
    prefer,
    synthesise,
    weighted,
)
from langgraph_orchestra.state import (
    ConcurrentState,
    ConfigurationError,
    Failure,
    NotEnoughResultsError,
    OrchestrationContext,
    Result,
    Votes,
)

NAMES = ["zeta", "alpha", "mid"]
"""Declared order, which is neither that of the alphabet nor its reverse."""


def says(name, output):
    """A participant that always gives the same answer."""
    return Member(lambda _: output, name=name)


def fails(name, error=None):
    def fail(view):
        raise error or ValueError("no such page")

    return Member(fail, name=name, policy=Policy(retry=None))


def view_of(**outputs):
    """A view of results; an exception is a failure."""
    return View({"results": {name: result_of(name, output) for name, output in outputs.items()}})


def result_of(name, output, index=None):
    if isinstance(output, Exception):
        failure = Failure(agent=name, type=type(output).__name__, message=str(output))
        return Result(name=name, failure=failure, index=index)
    return Result(name=name, output=output, index=index)


def spoken(result):
    """Who said what, without the task."""
    return [(m.name, m.text) for m in result["messages"] if isinstance(m, AIMessage)]


class Guess(BaseModel):
    species: str
    confidence: float = 0.0


class Plain(BaseModel):
    species: str


def test_concatenate_puts_each_answer_under_its_name_in_declared_order():
    view = view_of(zeta="one", alpha="two", mid="three")

    assert concatenate()(view) == "## zeta\n\none\n\n## alpha\n\ntwo\n\n## mid\n\nthree"


def test_concatenate_leaves_failures_out():
    assert concatenate()(view_of(zeta=ValueError("no"), alpha="two")) == "## alpha\n\ntwo"


def test_concatenate_writes_typed_answers_as_json():
    assert concatenate()(view_of(a=Plain(species="squid"))) == '## a\n\n{"species":"squid"}'


def test_concatenate_of_the_items_of_a_map_reduce_names_each_item():
    results = [result_of("worker[0]", "one", 0), result_of("worker[1]", ValueError("no"), 1)]

    assert concatenate()(View({"results": results})) == "## worker[0]\n\none"


@pytest.mark.parametrize("aggregator", [concatenate(), weighted(), prefer(["a"]), first()])
def test_no_success_at_all_is_an_empty_answer(aggregator):
    assert aggregator(view_of(a=ValueError("no"))) == ""
    assert aggregator(View({"results": []})) == ""


def test_majority_without_any_success_is_an_empty_answer():
    assert majority()(view_of(a=ValueError("no")))["output"] == ""


def test_an_aggregator_that_gives_the_conversation_back_takes_nobodys_words_over(run):
    def last_word(view):
        return [*view.messages, AIMessage("in short")]

    app = create_concurrent([says("ann", "yes"), says("bob", "no")], aggregate=last_word).compile()
    result = run(app)

    assert result["output"] == "in short"
    assert spoken(result) == [("ann", "yes"), ("bob", "no"), ("aggregate", "in short")]


def test_majority_takes_the_answer_given_most_often_and_tells_the_votes():
    elected = majority()(view_of(zeta="no", alpha="yes", mid="yes"))

    assert elected["output"] == "yes"
    assert elected["votes"] == Votes(
        winner="yes",
        counts={"no": 1, "yes": 2},
        by={"no": ["zeta"], "yes": ["alpha", "mid"]},
        tied=False,
    )


def test_majority_compares_without_case_and_outer_blanks_and_answers_as_first_given():
    elected = majority()(view_of(zeta="no", alpha=" Yes\n", mid="YES"))

    assert elected["output"] == " Yes\n"
    assert elected["votes"].winner == " Yes\n"
    assert elected["votes"].counts == {"no": 1, " Yes\n": 2}
    assert elected["votes"].by == {"no": ["zeta"], " Yes\n": ["alpha", "mid"]}


def test_a_tie_goes_to_the_answer_declared_first_and_is_told():
    elected = majority()(view_of(zeta="right", alpha="left", mid="Left", last="RIGHT"))

    assert elected["output"] == "right"
    assert elected["votes"].tied
    assert elected["votes"].counts == {"right": 2, "left": 2}


def test_majority_counts_failures_for_nobody():
    elected = majority()(view_of(zeta=ValueError("no"), alpha="yes", mid=ValueError("no")))

    assert elected["votes"].counts == {"yes": 1}
    assert not elected["votes"].tied


def test_majority_compares_by_key():
    numbers = view_of(zeta="about 8 arms", alpha="eight", mid="8")

    elected = majority(key=lambda text: "8" in text)(numbers)

    assert elected["output"] == "about 8 arms"
    assert elected["votes"].by == {"about 8 arms": ["zeta", "mid"], "eight": ["alpha"]}


def test_majority_over_typed_answers_gives_the_object_first_given():
    squid, clam = Guess(species="squid", confidence=0.2), Plain(species="clam")
    other_squid = Guess(species="squid", confidence=0.9)

    elected = majority(key=lambda guess: guess.species)(
        view_of(zeta=clam, alpha=squid, mid=other_squid)
    )

    assert elected["output"] is squid
    assert elected["votes"].winner == squid.model_dump_json()


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]], ids=" ".join)
def test_a_majority_does_not_depend_on_who_ends_first(run, order):
    ended = {name: threading.Event() for name in order}
    before = dict(zip(order[1:], order, strict=False))
    answers = {"zeta": "right", "alpha": "left", "mid": "neither"}

    def branch(name):
        def speak(view):
            if name in before:
                assert ended[before[name]].wait(10)
            ended[name].set()
            return answers[name]

        return Member(speak, name=name)

    result = run(create_concurrent([branch(n) for n in NAMES], aggregate=majority()).compile())

    assert result["output"] == "right"
    assert result["votes"].by == {"right": ["zeta"], "left": ["alpha"], "neither": ["mid"]}


def test_votes_are_in_the_state_after_a_reload(run, tmp_path):
    branches = [says("zeta", "no"), says("alpha", "yes"), says("mid", "Yes")]
    url = f"sqlite:///{tmp_path}/runs.db"

    with open_checkpointer(url) as saver:
        app = create_concurrent(branches, aggregate=majority()).compile(checkpointer=saver)
        result = run(app, thread="1")
    with open_checkpointer(url) as saver:
        app = create_concurrent(branches, aggregate=majority()).compile(checkpointer=saver)
        state = app.get_state({"configurable": {"thread_id": "1"}}).values

    assert (
        state["votes"]
        == result["votes"]
        == Votes(
            winner="yes", counts={"no": 1, "yes": 2}, by={"no": ["zeta"], "yes": ["alpha", "mid"]}
        )
    )
    assert result["output"] == "yes"


def test_votes_of_an_earlier_run_are_gone_if_nobody_votes(run, saver):
    def breaks_later(view):
        if view.task == "second":
            raise ValueError("no")
        return "yes"

    member = Member(breaks_later, name="a", policy=Policy(retry=None))
    app = create_concurrent([member], aggregate=majority(), min_results=0).compile(
        checkpointer=saver
    )

    assert run(app, "first", thread="1")["votes"].winner == "yes"
    assert run(app, "second", thread="1")["votes"] is None


def test_the_winning_answer_is_not_said_twice(run):
    result = run(create_concurrent([says("a", " Yes ")], aggregate=majority()).compile())

    assert spoken(result) == [("a", " Yes ")]


def test_weighted_takes_the_answer_with_the_most_confidence_summed_over_those_who_agree():
    sure = Guess(species="clam", confidence=0.9)
    one, other = Guess(species="squid", confidence=0.5), Guess(species="squid", confidence=0.45)

    assert weighted()(view_of(zeta=sure, alpha=one, mid=other)) is one
    assert weighted()(view_of(zeta=sure, alpha=one)) is sure


def test_a_missing_confidence_counts_nothing():
    none, some = Plain(species="clam"), Guess(species="squid", confidence=0.1)

    assert weighted()(view_of(zeta=none, alpha=none, mid=some)) is some


def test_equal_weights_go_to_the_answer_declared_first():
    clam, squid = (Guess(species=name, confidence=0.5) for name in ("clam", "squid"))

    assert weighted()(view_of(zeta=squid, alpha=clam)) is squid
    assert weighted()(view_of(zeta="one", alpha="two")) == "one"


def test_weighted_reads_the_confidence_of_a_dict():
    low, high = {"species": "clam", "confidence": 0.1}, {"species": "squid", "confidence": 0.2}

    assert weighted()(view_of(zeta=low, alpha=high)) == high


def test_weighted_gives_a_typed_answer_that_stays_typed(run, saver):
    def guesser(name, species, confidence):
        guess = Guess(species=species, confidence=confidence)
        return Agent(name, "Guess.", model=ScriptedModel([guess]), output=Guess)

    graph = create_concurrent(
        [guesser("zeta", "clam", 0.3), guesser("alpha", "squid", 0.8)], aggregate=weighted()
    )
    app = graph.compile(checkpointer=saver)

    result = run(app, thread="1")

    assert result["output"] == Guess(species="squid", confidence=0.8)
    state = app.get_state({"configurable": {"thread_id": "1"}}).values
    assert state["output"] == result["output"]


def test_prefer_takes_the_first_of_its_names_that_succeeded():
    view = view_of(zeta="one", alpha="two", mid=ValueError("no"))

    assert prefer(["mid", "alpha", "zeta"])(view) == "two"


def test_prefer_refuses_names_that_are_not_there():
    with pytest.raises(ConfigurationError, match=r"`prefer` names `nobody`.*`zeta`, `alpha`"):
        create_concurrent([says("zeta", ""), says("alpha", "")], aggregate=prefer(["nobody"]))


@pytest.mark.parametrize("names", [[], "zeta"])
def test_prefer_needs_a_list_of_names(names):
    with pytest.raises(ConfigurationError, match="`prefer` takes a list"):
        prefer(names)


def test_synthesis_reads_the_task_every_named_result_and_who_is_missing(run, saver):
    def typed(view) -> Plain:
        return Plain(species="squid")

    model = ScriptedModel(["in short", "again"])
    writer = Agent("writer", "Write one answer.", model=model)
    graph = create_concurrent(
        [says("zeta", "one"), fails("alpha"), Member(typed, name="mid")],
        aggregate=synthesise(writer),
    )
    app = graph.compile(checkpointer=saver)

    run(app, "first task", thread="1")
    result = run(app, "second task", thread="1")

    for call, task in zip(model.calls, ["first task", "second task"], strict=True):
        assert [(type(m), m.text) for m in call.messages] == [
            (SystemMessage, "Write one answer."),
            (HumanMessage, task),
            (HumanMessage, "zeta: one"),
            (HumanMessage, 'mid: {"species":"squid"}'),
            (HumanMessage, "No result from alpha (ValueError)."),
        ]
    assert result["output"] == "again"
    assert spoken(result)[-1] == ("aggregate", "again")


def test_synthesis_is_one_entry_of_the_trail_with_its_usage(run):
    writer = Agent("writer", "Write.", model=ScriptedModel(["in short"]))
    result = run(create_concurrent([says("a", "x")], aggregate=synthesise(writer)).compile())

    entry = result["trail"][-1]
    assert (entry.agent, entry.path, entry.kind, entry.step) == (
        "aggregate",
        "aggregate",
        "aggregate",
        2,
    )
    assert (entry.model, entry.input_tokens, entry.output_tokens) == ("scripted", 10, 5)


def test_synthesis_of_a_map_reduce_reads_every_item_and_which_are_missing(run):
    def work(view):
        if view.task == "bad":
            raise ValueError("no")
        return view.task.upper()

    model = ScriptedModel(["in short"])
    graph = create_map_reduce(
        lambda view: ["one", "bad", "two"],
        Member(work, name="worker", policy=Policy(retry=None)),
        synthesise(Agent("writer", "Write.", model=model)),
    )

    run(graph.compile(), "the task")

    assert [m.text for m in model.calls[0].messages] == [
        "Write.",
        "the task",
        "worker[0]: ONE",
        "worker[2]: TWO",
        "No result from worker[1] (ValueError).",
    ]


def test_synthesis_takes_a_model_or_the_models_name_of_the_context(run, monkeypatch):
    model = ScriptedModel(["by the model"])
    result = run(create_concurrent([says("a", "x")], aggregate=synthesise(model)).compile())
    assert result["output"] == "by the model"

    by_context = create_concurrent([says("a", "x")], aggregate=synthesise()).compile()
    with pytest.raises(ConfigurationError, match="no model is set"):
        run(by_context)
    context = OrchestrationContext(model="nobody:knows-it")
    with pytest.raises(ConfigurationError, match="nobody:knows-it"):
        run(by_context, context=context)


def test_synthesis_may_be_typed(run, saver):
    writer = Agent("w", "Write.", model=ScriptedModel([Plain(species="squid")]), output=Plain)
    app = create_concurrent([says("a", "x")], aggregate=writer).compile(checkpointer=saver)

    result = run(app, thread="1")

    assert result["output"] == Plain(species="squid")
    state = app.get_state({"configurable": {"thread_id": "1"}}).values
    assert state["output"] == Plain(species="squid")


def lookup(what: str) -> str:
    """Look something up."""
    return "one"


def test_tool_calls_of_a_synthesis_keep_their_results_whatever_the_branches_said(run, saver):
    call = AIMessage("", tool_calls=[{"name": "lookup", "args": {"what": "x"}, "id": "call_1"}])
    writer = Agent("writer", "Write.", model=ScriptedModel([call, "one"]), tools=[lookup])
    graph = create_concurrent([says("zeta", "one"), says("alpha", "")], aggregate=writer)

    result = run(graph.compile(checkpointer=saver), thread="1")

    assert result["output"] == "one"
    assert [(m.type, m.text) for m in result["messages"]] == [
        ("human", "the task"),
        ("ai", "one"),
        ("ai", ""),
        ("ai", ""),
        ("tool", "one"),
    ]


def test_a_team_may_aggregate(run, saver):
    model = ScriptedModel(["draft"])
    writer = Agent("writer", "Write.", model=model)
    editor = Agent("editor", "Edit.", model=ScriptedModel(["final"]))
    team = create_sequential([writer, editor]).compile(name="desk")
    app = create_concurrent([says("zeta", "one")], aggregate=team).compile(checkpointer=saver)

    result = run(app, thread="1")

    assert result["output"] == "final"
    assert [m.text for m in model.calls[0].messages] == ["Write.", "the task", "zeta: one"]
    assert [t.path for t in result["trail"]] == ["zeta", "aggregate/writer", "aggregate/editor"]


def test_a_person_may_aggregate(run, saver):
    app = create_concurrent([says("a", "one"), says("b", "two")], aggregate=Human("judge")).compile(
        checkpointer=saver
    )

    [asked] = run(app, thread="1")["__interrupt__"]
    result = run(app, Command(resume="both are right"), thread="1")

    assert asked.value["node"] == "aggregate"
    assert result["output"] == "both are right"


def test_an_aggregator_participant_that_fails_ends_the_run_failed_with_the_best_answer(run, saver):
    writer = Agent(
        "w", "Write.", model=ScriptedModel([ValueError("no")]), policy=Policy(retry=None)
    )
    graph = create_concurrent([says("zeta", "one"), says("alpha", "two")], aggregate=writer)

    result = run(graph.compile(checkpointer=saver), thread="1")

    assert (result["stop"].reason, result["stop"].by) == ("failed", "aggregate")
    assert "ValueError: no" in result["stop"].detail
    assert result["output"] == "two"
    assert (result["trail"][-1].kind, result["trail"][-1].outcome) == ("aggregate", "failed")


def test_an_aggregator_participant_that_fails_raises_where_that_is_wanted(run):
    writer = Agent(
        "w", "Write.", model=ScriptedModel([ValueError("no")]), policy=Policy(retry=None)
    )
    graph = create_concurrent([says("zeta", "one")], aggregate=writer, on_failure="raise")

    with pytest.raises(ValueError, match="no"):
        run(graph.compile())


def test_an_aggregator_participant_is_tried_again_by_its_policy(run):
    retry = RetryPolicy(initial_interval=0.0, jitter=False)
    model = ScriptedModel([ConnectionError("refused"), "in short"])
    writer = Agent("w", "Write.", model=model, policy=Policy(retry=retry))

    result = run(create_concurrent([says("zeta", "one")], aggregate=writer).compile())

    assert result["output"] == "in short"
    assert result["trail"][-1].attempts == 2


def test_branches_are_not_run_again_when_the_aggregator_has_failed(run, saver):
    calls = Counter[str]()

    def branch(view):
        calls["branch"] += 1
        return "one"

    def combine(view):
        calls["combine"] += 1
        if calls["combine"] == 1:
            raise ValueError("not yet")
        return "combined"

    app = create_concurrent([branch], aggregate=combine).compile(checkpointer=saver)

    with pytest.raises(ValueError, match="not yet"):
        run(app, thread="1")
    result = run(app, None, thread="1")

    assert result["output"] == "combined"
    assert calls == {"branch": 1, "combine": 2}


def combine(view):
    return f"{len(view.results)} of {len(view.state['results'])}"


async def combine_async(view):
    await asyncio.sleep(0)
    return combine(view)


class Combining:
    def __call__(self, view):
        return combine(view)


@pytest.mark.parametrize(
    "aggregate", [combine, combine_async, Combining(), lambda view: combine(view)]
)
def test_any_function_sync_or_async_may_aggregate(run, aggregate):
    graph = create_concurrent([says("zeta", "one"), fails("alpha")], aggregate=aggregate)

    assert run(graph.compile())["output"] == "1 of 2"


def test_an_aggregator_sees_the_task_the_successes_and_all_results_by_name(run):
    seen: dict[str, Any] = {}

    def look(view):
        seen.update(
            task=view.task,
            successes=list(view.results),
            every=list(view.state["results"]),
            turns=[turn.agent for turn in view.turns],
        )
        return "ok"

    branches = [says("zeta", "one"), fails("alpha"), says("mid", "three")]
    run(create_concurrent(branches, aggregate=look).compile(), "the task")

    assert seen == {
        "task": "the task",
        "successes": ["zeta", "mid"],
        "every": NAMES,
        "turns": NAMES,
    }


def test_an_aggregator_may_return_a_message_with_content_blocks(run):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    message = AIMessage([{"type": "text", "text": "as drawn"}, image])

    result = run(create_concurrent([says("a", "x")], aggregate=lambda view: message).compile())

    assert result["output"] == "as drawn"
    assert result["messages"][-1].content == message.content
    assert result["messages"][-1].name == "aggregate"


def test_an_aggregator_may_return_a_typed_object(run):
    def combined(view) -> Plain:
        return Plain(species="squid")

    result = run(create_concurrent([says("a", "x")], aggregate=combined).compile())

    assert result["output"] == Plain(species="squid")
    assert spoken(result)[-1] == ("aggregate", '{"species":"squid"}')


class Notes(ConcurrentState):
    notes: Annotated[list[str], operator.add]


def test_an_aggregator_may_return_a_dict_of_state_keys(run, saver):
    graph = create_concurrent(
        [says("a", "x")],
        aggregate=lambda view: {"output": "in short", "notes": ["noted"]},
        state_schema=Notes,
    )

    result = run(graph.compile(checkpointer=saver), thread="1")

    assert result["output"] == "in short"
    assert result["notes"] == ["noted"]
    assert spoken(result)[-1] == ("aggregate", "in short")


def test_a_key_that_is_not_in_the_state_is_refused(run):
    graph = create_concurrent([says("a", "x")], aggregate=lambda view: {"nowhere": 1})

    with pytest.raises(ConfigurationError, match="`nowhere`"):
        run(graph.compile())


@pytest.mark.parametrize("min_results", [0, 1])
def test_an_aggregator_that_returns_none_is_an_error(run, min_results):
    def forgets(view):
        view.results.get("a")

    graph = create_concurrent([says("a", "x")], aggregate=forgets, min_results=min_results)

    with pytest.raises(ConfigurationError, match="`forgets` returned None"):
        run(graph.compile())


def test_an_aggregator_participant_that_returns_none_is_an_error(run):
    graph = create_concurrent([says("a", "x")], aggregate=Member(lambda view: None, name="judge"))

    with pytest.raises(ConfigurationError, match="None"):
        run(graph.compile())


@pytest.fixture
def stuck():
    """A function that does not return before the test is over."""
    over = threading.Event()

    def wait(view):
        over.wait(20)
        return "too late"

    yield wait
    over.set()


def test_the_first_success_wins_and_the_others_are_cancelled(run, saver, stuck):
    graph = create_concurrent(
        [Member(stuck, name="zeta"), says("alpha", "quick"), Member(stuck, name="mid")],
        aggregate=first(),
    )
    app = graph.compile(checkpointer=saver)

    began = time.perf_counter()
    result = run(app, thread="1")

    assert time.perf_counter() - began < 5
    assert result["output"] == "quick"
    assert list(result["results"]) == NAMES
    assert [r.failure and r.failure.type for r in result["results"].values()] == [
        "Cancelled",
        None,
        "Cancelled",
    ]
    assert [(t.agent, t.outcome) for t in result["trail"]] == [
        ("zeta", "cancelled"),
        ("alpha", "ok"),
        ("mid", "cancelled"),
        ("aggregate", "ok"),
    ]
    assert spoken(result) == [("alpha", "quick")]
    assert result["stop"].reason == "completed"


@pytest.mark.parametrize("kind", ["agent", "agent with tools", "team"])
def test_whatever_kind_of_participant_loses_is_cancelled(run, stuck, kind):
    slow = ScriptedModel(["too late"], delay=3)
    loser = {
        "agent": lambda: Agent("loser", "Wait.", model=slow),
        "agent with tools": lambda: Agent("loser", "Wait.", model=slow, tools=[lookup]),
        "team": lambda: create_sequential([Member(stuck, name="inner")]).compile(name="loser"),
    }[kind]()
    app = create_concurrent([loser, says("winner", "quick")], aggregate=first()).compile()

    began = time.perf_counter()
    result = run(app)

    assert time.perf_counter() - began < 2
    assert result["output"] == "quick"
    assert result["results"]["loser"].failure.type == "Cancelled"


async def test_async_losers_see_the_cancellation():
    cancelled = []

    async def waits(view):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("waits")
            raise

    app = create_concurrent([waits, says("winner", "quick")], aggregate=first()).compile()

    result = await asyncio.wait_for(app.ainvoke({"messages": "go"}), 5)

    assert cancelled == ["waits"]
    assert result["output"] == "quick"


def test_failures_do_not_win(run):
    failed = threading.Event()

    def fail(view):
        failed.set()
        raise ValueError("no")

    def later(view):
        assert failed.wait(5)
        return "second but sound"

    graph = create_concurrent(
        [Member(fail, policy=Policy(retry=None)), Member(later, name="later")], aggregate=first()
    )

    result = run(graph.compile())

    assert result["output"] == "second but sound"
    assert result["results"]["fail"].failure.type == "ValueError"
    assert [t.outcome for t in result["trail"]] == ["failed", "ok", "ok"]


def test_a_race_that_all_lose_is_an_error_with_every_cause(run):
    errors = [ValueError("no such page"), KeyError("species")]
    graph = create_concurrent(
        [fails("zeta", errors[0]), fails("alpha", errors[1])], aggregate=first()
    )

    with pytest.raises(NotEnoughResultsError, match=r"no such page.*species") as raised:
        run(graph.compile())
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert raised.value.__cause__.exceptions == tuple(errors)


def test_of_several_that_succeed_at_the_same_time_exactly_one_wins(run):
    together = threading.Barrier(8)

    def finish(view):
        together.wait(10)
        return "me"

    graph = create_concurrent([Member(finish, name=f"m{n}") for n in range(8)], aggregate=first())

    result = run(graph.compile())

    assert [r.ok for r in result["results"].values()].count(True) == 1
    assert [t.outcome for t in result["trail"] if t.kind == "function"].count("ok") == 1
    assert len(spoken(result)) == 1


def test_a_race_has_one_winner_even_if_a_loser_had_to_ask_a_person(run, saver):
    call = AIMessage("", tool_calls=[{"name": "lookup", "args": {"what": "x"}, "id": "call_1"}])
    asks = Agent(
        "asks",
        "Ask.",
        model=ScriptedModel([call, "too late"]),
        tools=[lookup],
        approve_tools=["lookup"],
    )
    asked = threading.Event()

    def quick(view):
        asked.wait(0.2)
        return "quick"

    app = create_concurrent([asks, quick], aggregate=first()).compile(checkpointer=saver)

    result = run(app, thread="1")
    if "__interrupt__" in result:
        yes = {"decisions": [{"type": "approve"}]}
        result = run(app, Command(resume=yes), thread="1")

    assert result["output"] == "quick"
    assert result["results"]["asks"].failure.type == "Cancelled"
    assert [(t.agent, t.outcome) for t in result["trail"]][:2] == [
        ("asks", "cancelled"),
        ("quick", "ok"),
    ]
