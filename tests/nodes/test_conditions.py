"""Stop conditions look at what was said and done in a run, and name the part that fired."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.graph import START, StateGraph
from pydantic import BaseModel

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import (
    Agent,
    Condition,
    View,
    cost,
    idle,
    judged,
    mentions,
    seconds,
    tokens,
    turns,
    when,
)
from langgraph_orchestra.nodes.conditions import as_condition
from langgraph_orchestra.nodes.driver import Execution, Node, Steps
from langgraph_orchestra.nodes.work import Budget, Work
from langgraph_orchestra.state import (
    ConfigurationError,
    DecisionError,
    OrchestrationContext,
    RunInfo,
    Turn,
)

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Question(TypedDict, total=False):
    """Which condition is asked about which state; and what fired."""

    condition: Condition
    state: dict[str, Any]
    fired: str


def ask(question: Any, execution: Execution) -> Steps[dict[str, Any]]:
    work = Work("stop_when", View(question["state"]), execution, Budget())
    return {"fired": (yield from question["condition"].fired(work))}


ASKER = StateGraph(Question).add_node("ask", Node("ask", ask)).add_edge(START, "ask").compile()


def state_of(
    *said: AnyMessage, trail: list[Turn] | None = None, task: str = "the task", **state: Any
) -> dict[str, Any]:
    run_info = RunInfo(first_message=0, input_messages=1, first_turn=0)
    messages = [HumanMessage(task), *said]
    return {"messages": messages, "trail": trail or [], "run_info": run_info, **state}


def fired(condition: Condition, state: dict[str, Any]) -> str:
    """Name of the part that fires; empty if none does."""
    name: str = ASKER.invoke({"condition": condition, "state": state})["fired"]
    return name


def turn(agent: str, **fields: Any) -> Turn:
    return Turn(agent=agent, path=agent, **fields)


YES = when(lambda _: True)
NO = when(lambda _: False)

TWO_TURNS = [turn("ada", step=1), turn("bob", step=2, outcome="failed")]


@pytest.mark.parametrize(("n", "fires"), [(1, True), (2, True), (3, False)])
def test_turns_counts_the_turns_of_this_run(n, fires):
    others = [turn("x", step=2, kind="decision"), turn("y", step=3, outcome="skipped")]
    state = state_of(trail=[*TWO_TURNS, *others])
    assert fired(turns(n), state) == (f"turns({n})" if fires else "")


def test_turns_of_earlier_runs_do_not_count():
    state = state_of(trail=[*TWO_TURNS, turn("ada", step=1)])
    state["run_info"] = {**state["run_info"], "first_turn": 2}
    assert fired(turns(1), state) == "turns(1)"
    assert fired(turns(2), state) == ""


SAID: list[AnyMessage] = [
    AIMessage("working on it", name="ada"),
    ToolMessage("RESULT", tool_call_id="1", name="look"),
    AIMessage([{"type": "text", "text": "all DONE now"}], name="bob"),
    HumanMessage("THANKS", name="boss"),
]


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        (mentions("DONE"), "mentions('DONE')"),
        (mentions("DONE", by="bob"), "mentions('DONE', by='bob')"),
        (mentions("DONE", by=["ada", "bob"]), "mentions('DONE', by=['ada', 'bob'])"),
        (mentions("THANKS"), "mentions('THANKS')"),
        (mentions("THANKS", by="boss"), "mentions('THANKS', by='boss')"),
        (mentions("RESULT"), "mentions('RESULT')"),
        (mentions("done"), ""),
        (mentions("DONE", by="ada"), ""),
        (mentions("DONE", by=[]), ""),
        (mentions("DONE", by="b"), ""),
        (mentions("TASK"), ""),
    ],
)
def test_mentions_looks_for_the_exact_text_in_what_was_said(condition, name):
    assert fired(condition, state_of(*SAID, task="the TASK")) == name


def test_no_message_of_a_task_of_several_counts():
    state = state_of(HumanMessage("DONE"), AIMessage("DONE"), AIMessage("so", name="ada"))
    state["run_info"] = {**state["run_info"], "input_messages": 3}
    assert fired(mentions("DONE"), state) == ""
    assert fired(mentions("so"), state) == "mentions('so')"


def test_what_was_said_in_an_earlier_run_does_not_count():
    state = state_of(AIMessage("DONE", name="ada"), HumanMessage("once more"))
    state["run_info"] = RunInfo(first_message=2, input_messages=1, first_turn=0)
    assert fired(mentions("DONE"), state) == ""


def spending(**fields: Any) -> dict[str, Any]:
    return state_of(trail=[turn("ada", **fields), turn("pick", kind="decision", **fields)])


@pytest.mark.parametrize(
    ("condition", "state", "name"),
    [
        (tokens(30), spending(input_tokens=10, output_tokens=5), "tokens(30)"),
        (tokens(31), spending(input_tokens=10, output_tokens=5), ""),
        (cost(0.5), spending(cost=0.25), "cost(0.5)"),
        (cost(0.51), spending(cost=0.25), ""),
        (cost(0.01), spending(cost=None), ""),
        (seconds(2), spending(started_at=NINE, seconds=2.0), "seconds(2)"),
        (seconds(2.5), spending(started_at=NINE, seconds=2.0), ""),
    ],
)
def test_what_decisions_have_used_counts_too(condition, state, name):
    assert fired(condition, state) == name


def test_waiting_for_a_person_is_no_time_at_work():
    state = state_of(trail=[turn("boss", kind="human", seconds=3600.0, started_at=NINE)])
    assert fired(seconds(1), state) == ""


def talk(*lines: tuple[str, str | list[str] | None]) -> dict[str, Any]:
    """A state in which these turns were taken: who, and what they said; None if they failed."""
    trail, messages = [], []
    for step, (agent, words) in enumerate(lines, start=1):
        outcome: Any = "failed" if words is None else "ok"
        at = NINE + timedelta(seconds=step)
        trail.append(turn(agent, step=step, outcome=outcome, started_at=at))
        said = [words] if isinstance(words, str) else words or []
        messages += [AIMessage(text, name=agent) for text in said]
    return state_of(*messages, trail=trail)


@pytest.mark.parametrize(
    ("state", "n", "fires"),
    [
        (talk(), 1, False),
        (talk(("a", "new")), 1, False),
        (talk(("a", "")), 1, True),
        (talk(("a", " \n")), 1, True),
        (talk(("a", "x"), ("b", "x")), 1, True),
        (talk(("a", "x"), ("b", " x ")), 1, True),
        (talk(("a", "x"), ("b", "X")), 1, False),
        (talk(("a", "x"), ("b", "x")), 2, False),
        (talk(("a", "x"), ("b", "x"), ("a", "")), 2, True),
        (talk(("a", ""), ("b", "new"), ("a", "")), 2, False),
        (talk(("a", None)), 1, True),
        (talk(("a", None), ("b", "new")), 1, False),
        (talk(("a", None), ("b", None), ("a", "new")), 2, False),
        (talk(("a", None), ("b", None), ("a", "new"), ("b", "newer")), 2, False),
        (talk(("a", "new"), ("b", None), ("a", "")), 2, True),
        (talk(("a", "x"), ("b", None), ("a", "x")), 3, False),
        (talk(("a", []), ("a", "new")), 1, False),
        (talk(("a", "x"), ("b", None), ("a", "x")), 2, True),
        (talk(("a", "new"), ("b", [])), 1, True),
        (talk(("a", []), ("b", "new")), 1, False),
        (talk(("a", "one"), ("b", ["two", "three"])), 2, False),
        (talk(("a", "one"), ("b", ["two", "two"])), 1, True),
    ],
)
def test_idle_counts_turns_in_a_row_that_brought_nothing_new(state, n, fires):
    assert fired(idle(n), state) == (f"idle({n})" if fires else "")


def test_a_persons_approval_or_rejection_is_not_idle():
    state = talk(("a", "draft"))
    approved = turn("boss", step=2, kind="human", detail="approved")
    rejected = turn("boss", step=2, kind="human", outcome="refused", detail="rejected")
    assert fired(idle(1), {**state, "trail": [*state["trail"], approved]}) == ""
    assert fired(idle(1), {**state, "trail": [*state["trail"], rejected]}) == ""


def test_what_others_than_participants_have_written_is_nobodys_turn():
    state = talk(("a", "new"))
    state["messages"] = [*state["messages"], AIMessage("", name="manager")]
    assert fired(idle(1), state) == ""


LINES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "x", "y"])), max_size=8)


@settings(deadline=None)
@given(LINES, st.integers(1, 4))
def test_idle_is_what_it_says_where_every_turn_has_one_answer(lines, n):
    words = [text for _, text in lines]
    idle_ones = [not text or text in words[:place] for place, text in enumerate(words)]
    assert bool(fired(idle(n), talk(*lines))) == (len(words) >= n and all(idle_ones[-n:]))


def wants_more(view: View) -> bool:
    return bool(view.state.get("more"))


async def asks_elsewhere(view: View) -> bool:
    return wants_more(view)


@pytest.mark.parametrize("function", [wants_more, asks_elsewhere])
def test_when_asks_a_function_sync_or_async(run, function):
    for more in (True, False):
        result = run(ASKER, {"condition": when(function), "state": state_of(more=more)})
        assert result["fired"] == (f"when({function.__name__})" if more else "")


def test_a_function_that_raises_ends_the_run_with_its_own_error(run):
    def wrong(view: View) -> bool:
        return bool(view.state["missing"])

    with pytest.raises(KeyError, match="missing"):
        run(ASKER, {"condition": when(wrong), "state": state_of()})


def test_a_bare_function_is_a_condition_and_may_be_combined():
    state = state_of(*SAID, more=True)
    assert fired(as_condition(wants_more), state) == "when(wants_more)"
    assert fired(mentions("DONE") & wants_more, state) == "mentions('DONE') & when(wants_more)"
    assert fired(mentions("nothing") | wants_more, state) == "when(wants_more)"


@pytest.mark.parametrize("wrong", [5, None, "DONE", [turns(1)]])
def test_what_is_neither_a_condition_nor_a_function_is_refused(wrong):
    with pytest.raises(TypeError, match="condition or a function"):
        as_condition(wrong)
    with pytest.raises(TypeError, match="condition or a function"):
        assert turns(1) & wrong


A, B, C = mentions("A"), mentions("B"), turns(1)


@pytest.mark.parametrize(
    ("condition", "text", "name"),
    [
        (A & B, "A B", "mentions('A') & mentions('B')"),
        (A & B, "A", ""),
        (A & B, "B", ""),
        (A | B, "A", "mentions('A')"),
        (A | B, "B", "mentions('B')"),
        (A | B, "A B", "mentions('A')"),
        (A | B, "none", ""),
        (A & B | C, "none", "turns(1)"),
        (A & (B | C), "A", "mentions('A') & turns(1)"),
        ((A | B) & C, "B", "mentions('B') & turns(1)"),
    ],
)
def test_a_combination_names_the_parts_that_fired(condition, text, name):
    assert fired(condition, state_of(AIMessage(text, name="a"), trail=[turn("a", step=1)])) == name


def test_a_combination_asks_no_more_than_it_must():
    model = ScriptedModel(["never asked"])
    expensive = judged(model, "Is it done?")
    assert fired(NO & expensive, state_of()) == ""
    assert fired(YES | expensive, state_of()) == "when(<lambda>)"
    assert model.calls == []


@pytest.mark.parametrize("n", [0, -1])
@pytest.mark.parametrize("make", [turns, tokens, idle, cost, seconds])
def test_a_number_that_would_fire_at_once_is_refused(make, n):
    with pytest.raises(ConfigurationError):
        make(n)


@pytest.mark.parametrize("wrong", [True, None, "3", float("nan")])
@pytest.mark.parametrize("make", [turns, tokens, idle, cost, seconds])
def test_what_is_no_number_is_refused(make, wrong):
    with pytest.raises((TypeError, ConfigurationError)):
        make(wrong)


@pytest.mark.parametrize("make", [turns, tokens, idle])
def test_half_a_turn_is_refused(make):
    with pytest.raises(TypeError, match="is an int"):
        make(1.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mentions(5),  # type: ignore[arg-type]
        lambda: judged(None, 5),  # type: ignore[arg-type]
        lambda: when("DONE"),  # type: ignore[arg-type]
    ],
)
def test_a_condition_made_of_the_wrong_type_is_refused(make):
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize("make", [lambda: mentions(""), lambda: judged(None, "")])
def test_a_condition_about_no_text_is_refused(make):
    with pytest.raises(ConfigurationError):
        make()


class Judgement(BaseModel):
    """What a model may answer; named as the tool it calls."""

    reason: str = ""
    answer: Any = None


def judge(run: Any, *replies: Any) -> tuple[str, ScriptedModel]:
    model = ScriptedModel(replies)
    condition = judged(model, "Is it done?")
    state = state_of(AIMessage("we are DONE", name="ada"), task="say DONE")
    return run(ASKER, {"condition": condition, "state": state})["fired"], model


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (Judgement(reason="it is", answer=True), "judged('Is it done?')"),
        (Judgement(reason="it is not", answer=False), ""),
        (Judgement(answer=True), "judged('Is it done?')"),
        ('{"answer": true}', "judged('Is it done?')"),
        ('I think so: {"answer": false, "reason": "more to do"}', ""),
        ('```json\n{"answer": true}\n```', "judged('Is it done?')"),
    ],
)
def test_a_model_judges_in_every_usual_form(run, reply, name):
    assert judge(run, reply)[0] == name


def test_a_model_judges_what_was_said_but_not_the_task(run):
    _, model = judge(run, Judgement(answer=True))
    (call,) = model.calls
    assert [type(message) for message in call.messages] == [SystemMessage, HumanMessage]
    assert [message.text for message in call.messages] == ["Is it done?", "ada: we are DONE"]


@pytest.mark.parametrize(
    "bad",
    [
        "yes",
        "",
        '{"answer": "false"}',
        '{"answer": 1}',
        '{"reason": "no answer"}',
        '{"answer": true} {"answer": false}',
        '{"answer": tru',
        Judgement(answer="true"),
    ],
)
def test_a_bad_judgement_is_asked_again_and_never_taken_for_a_yes(run, bad):
    name, model = judge(run, bad, Judgement(answer=False))
    assert name == ""
    model.assert_complete()


def test_a_model_that_never_judges_well_is_an_error(run):
    with pytest.raises(DecisionError, match="after 3 attempts"):
        judge(run, "maybe", "perhaps", "who knows")


def stopped_by_judge(run: Any, model: Any, **options: Any) -> dict[str, Any]:
    writers = [Agent(name, "", model=ScriptedModel(["hello"])) for name in ("ada", "bob")]
    app = create_sequential(writers, stop_when=judged(model, "Is it done?")).compile()
    result: dict[str, Any] = run(app, **options)
    return result


def test_a_judge_may_be_the_models_of_the_run(run):
    model = ScriptedModel([Judgement(answer=True)])
    context = OrchestrationContext(model=model)  # type: ignore[arg-type]
    result = stopped_by_judge(run, None, context=context)
    assert (result["stop"].reason, result["stop"].by) == ("terminated", "judged('Is it done?')")


def test_what_a_judge_uses_is_in_the_trail(run):
    result = stopped_by_judge(run, ScriptedModel([Judgement(answer=True)], usage=(100, 7)))
    entries = [(t.agent, t.kind, t.input_tokens, t.output_tokens) for t in result["trail"]]
    assert entries == [("ada", "agent", 10, 5), ("stop_when", "decision", 100, 7)]


def test_why_a_judge_has_decided_so_is_in_the_trail(run):
    verdicts = [Judgement(reason="a part is missing", answer=False), Judgement(answer=False)]
    writers = [Agent(name, "", model=ScriptedModel(["hello"])) for name in ("ada", "bob", "cid")]
    done = judged(ScriptedModel([*verdicts]), "Is it done?")
    app = create_sequential(writers, stop_when=done).compile()
    told = [turn.detail for turn in run(app)["trail"] if turn.kind == "decision"]
    assert told == ["a part is missing", ""]

    result = stopped_by_judge(run, ScriptedModel([Judgement(reason="it is", answer=True)]))
    assert result["trail"][-1].detail == "judged('Is it done?'): it is"
    assert result["stop"].by == "judged('Is it done?')"


def test_a_judge_without_a_model_is_refused_before_anything_is_spent(run):
    writer = ScriptedModel(["hello"])
    graph = create_sequential(
        [Agent("ada", "", model=writer), Agent("bob", "", model=writer)],
        stop_when=judged(None, "Is it done?"),
    )
    with pytest.raises(ConfigurationError, match="no model is set"):
        run(graph.compile())
    assert writer.calls == []
