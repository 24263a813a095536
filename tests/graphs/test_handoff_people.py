"""Handoff: the conversation returns to a person, who may also let a run go on."""

import pytest
from langgraph.types import Command
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_handoff
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, HandoffRule, Human, Limits, Policy, mentions
from langgraph_orchestra.state import AnswerError, Handoff
from support.handoffs import records, to, told
from support.members import RECORDED, agent
from support.results import asked, calls, ended, outcomes, readings, spoken

BLANK = ["", "  ", [], {"decisions": []}]


class Form(BaseModel):
    """What a customer fills in."""

    order: int


def desk(saver, *replies, human="user", **options):
    """A front desk that hands over to billing, which gives these replies."""
    triage, billing = agent("triage", to("billing"), "triage again"), agent("billing", *replies)
    graph = create_handoff([triage, billing], human=human, **options)
    return graph.compile(checkpointer=saver), triage, billing


def request(result):
    """What a person is shown: the kind, its arguments and its text."""
    (action,) = asked(result).value["action_requests"]
    return action["name"], action["args"], action["description"]


# The return to the person


def test_an_answer_without_a_handoff_returns_to_the_person(run, saver):
    app, _, _ = desk(saver, "Which invoice?")
    result = run(app, "I was charged twice", thread="1")
    kind, arguments, text = request(result)
    assert kind == "answer"
    assert arguments == {
        "participant": "user",
        "message": "Which invoice?",
        "task": "I was charged twice",
    }
    assert text.endswith("Which invoice?")
    value = asked(result).value
    assert (value["pattern"], value["node"], value["path"]) == ("handoff", "user", "user")
    assert value["review_configs"] == [{"action_name": "answer", "allowed_decisions": ["respond"]}]


def test_the_persons_answer_goes_to_the_same_agent(run, saver):
    app, triage, billing = desk(saver, "Which invoice?", "It is refunded.")
    run(app, "help", thread="1")
    result = run(app, Command(resume="number 7"), thread="1")
    assert spoken(result)[-3:] == [
        ("billing", "Which invoice?"),
        ("user", "number 7"),
        ("billing", "It is refunded."),
    ]
    assert calls(triage, billing) == [1, 2]
    assert readings(billing)[1][-1] == "user: number 7"


def test_the_agent_still_finds_the_payload_where_control_came_to_it(run, saver):
    app, _, billing = desk(saver, "Which invoice?", "It is refunded.")
    run(app, "help", thread="1")
    run(app, Command(resume="number 7"), thread="1")
    note = "triage: Over to you: because"
    assert readings(billing) == [
        ["help", note],
        ["help", note, "Which invoice?", "user: number 7"],
    ]


def test_the_persons_answer_goes_back_to_the_start_if_so_declared(run, saver):
    app, triage, billing = desk(saver, "Which invoice?", after_human="start")
    run(app, "help", thread="1")
    result = run(app, Command(resume="number 7"), thread="1")
    assert spoken(result)[-1] == ("triage", "triage again")
    assert (calls(triage, billing), asked(result).value["node"]) == ([2, 1], "user")
    assert result["active"] == "triage"


@pytest.mark.parametrize("blank", BLANK, ids=repr)
def test_an_empty_answer_ends_the_run_with_the_last_agents_answer(run, saver, blank):
    app, _, _ = desk(saver, "You owe 5.")
    run(app, thread="1")
    result = run(app, Command(resume=blank), thread="1")
    assert (ended(result), result["stop"].by) == (("You owe 5.", "completed"), "user")
    assert outcomes(result) == [("triage", "handed_off"), ("billing", "ok"), ("user", "ok")]
    assert spoken(result)[-1] == ("billing", "You owe 5.")


def test_a_person_with_a_default_says_that_instead_of_nothing(run, saver):
    app, _, _ = desk(saver, "Anything else?", "Bye.", human=Human("user", default="no"))
    run(app, thread="1")
    result = run(app, Command(resume=""), thread="1")
    assert spoken(result)[-2:] == [("user", "no"), ("billing", "Bye.")]


def test_a_human_says_what_they_are_asked(run, saver):
    app, _, _ = desk(saver, "5", human=Human("user", ask=lambda view: f"{view.last_text}?"))
    assert request(run(app, thread="1"))[2] == "5?"


def test_a_persons_answer_may_have_a_type(run, saver):
    app, _, _ = desk(saver, "Which order?", "ok", human=Human("user", schema=Form))
    waiting = asked(run(app, thread="1"))
    with pytest.raises(AnswerError):
        run(app, Command(resume="seven"), thread="1")
    assert asked({"__interrupt__": app.get_state(config("1")).interrupts}).id == waiting.id
    result = run(app, Command(resume={"order": 7}), thread="1")
    assert ("user", '{"order": 7}') in spoken(result)


def config(thread):
    return {"configurable": {"thread_id": thread}}


def test_a_bad_answer_leaves_the_same_interrupt_open(run, saver):
    app, _, _ = desk(saver, "Which?", "done")
    waiting = asked(run(app, thread="1"))
    with pytest.raises(AnswerError, match="`user`"):
        run(app, Command(resume={"decisions": [{"type": "approve"}]}), thread="1")
    result = run(app, Command(resume={waiting.id: "seven"}), thread="1")
    assert ("user", "seven") in spoken(result)


def test_an_agent_is_asked_once_however_often_the_run_is_paused(run, saver):
    app, triage, billing = desk(saver, "one", "two", "three")
    run(app, thread="1")
    for word in ("a", "b"):
        run(app, Command(resume=word), thread="1")
    result = run(app, Command(resume=""), thread="1")
    assert (ended(result), calls(triage, billing)) == (("three", "completed"), [1, 3])
    steps = [turn.step for turn in result["trail"]]
    assert steps == list(range(1, len(steps) + 1))


def test_the_run_goes_on_in_another_process_with_newly_built_objects(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_checkpointer(url) as saver:
        app, _, _ = desk(saver, "Which invoice?")
        run(app, "help", thread="1")
    with open_checkpointer(url) as saver:
        app, triage, billing = desk(saver, "It is refunded.")
        result = run(app, Command(resume="number 7"), thread="1")
    assert spoken(result)[-1] == ("billing", "It is refunded.")
    note = "triage: Over to you: because"
    assert readings(billing) == [["help", note, "Which invoice?", "user: number 7"]]
    assert calls(triage) == [0]


def test_the_agent_may_hand_over_after_the_persons_answer(run, saver):
    members = [agent("a", "Which?", to("b")), agent("b", "done")]
    app = create_handoff(members, human="user").compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="seven"), thread="1")
    assert spoken(result)[-1] == ("b", "done")
    assert result["active"] == "b"


def test_an_agent_may_hand_over_to_the_person_where_routes_say_so(run, saver):
    members = [agent("a", to("user", text="Please sign.", reason="needs a signature"), "thanks")]
    graph = create_handoff(members, routes={"a": ["user"]}, human="user")
    app = graph.compile(checkpointer=saver)
    result = run(app, thread="1")
    kind, _, text = request(result)
    assert kind == "answer"
    assert "Please sign." in text
    assert "Over to you: needs a signature" in text
    result = run(app, Command(resume="signed"), thread="1")
    assert spoken(result)[-1] == ("a", "thanks")
    assert (records(result), result["active"]) == ([("a", "user", "accepted")], "a")


def stands_in(view):
    return Handoff(target="user", reason="she is away")


def signed_outside():
    """A team whose member hands over to the person outside."""
    members = [agent("clerk", to("user", text="Please sign.", reason="too much"))]
    return create_handoff(members, outside=["user"]).compile(name="ann")


CALLS_FOR_A_PERSON = {
    "a rule after an answer": (
        lambda: agent("ann", "500 then."),
        "500 then.\n\nann: Over to you: too much",
    ),
    "a rule after a failure": (
        lambda: agent("ann", LookupError("away"), policy=RECORDED),
        "ann: Over to you: too much",
    ),
    "a fallback": (
        lambda: agent("ann", LookupError("away"), policy=Policy(retry=None, fallback=stands_in)),
        "ann: Over to you: she is away",
    ),
    "a team": (signed_outside, "Please sign.\n\nann: Over to you: too much"),
    "the first of two calls": (
        lambda: agent("ann", to("user", "bob", text="Please sign.", reason="too much")),
        "Please sign.\n\nann: Over to you: too much",
    ),
}


@pytest.mark.parametrize("case", CALLS_FOR_A_PERSON)
def test_the_person_reads_what_was_said_last_and_why_however_they_are_called(case, run, saver):
    build, wanted = CALLS_FOR_A_PERSON[case]
    by_rule = HandoffRule("user", lambda view: case.startswith("a rule"), reason="too much")
    graph = create_handoff(
        [build(), agent("bob")], routes={"ann": ["user", "bob"]}, rules=[by_rule], human="user"
    )
    result = run(graph.compile(checkpointer=saver), thread="1")
    _, arguments, text = request(result)
    assert (arguments["message"], text) == (wanted, wanted)


def test_a_person_who_is_handed_over_to_reads_the_task_what_was_said_last_and_why(run, saver):
    members = [
        agent("a", to("boss", text="One moment.", reason="too much")),
        Human("boss", "Pays."),
    ]
    app = create_handoff(members).compile(checkpointer=saver)
    _, _, text = request(run(app, "I want 500 back", thread="1"))
    assert text == "Pays.\n\nI want 500 back\n\nOne moment.\n\na: Over to you: too much"


# Going on alone


def test_an_agent_goes_on_alone_so_many_turns_before_the_person_is_asked(run, saver):
    worker = agent("worker", "one", "two", "three", "four")
    app = create_handoff([worker], human="user", autonomous_turns=2).compile(checkpointer=saver)
    result = run(app, thread="1")
    assert spoken(result) == [("worker", "one"), ("worker", "two"), ("worker", "three")]
    assert readings(worker)[1] == ["the task", "one", "Please continue."]
    assert asked(result).value["node"] == "user"


def test_after_the_persons_answer_an_agent_goes_on_alone_again(run, saver):
    worker = agent("worker", *"12345")
    app = create_handoff([worker], human="user", autonomous_turns=1).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="more"), thread="1")
    assert [text for _, text in spoken(result)] == ["1", "2", "more", "3", "4"]


def test_an_agent_that_goes_on_alone_may_hand_over(run, saver):
    members = [agent("a", "one", to("b")), agent("b", "done", "done")]
    graph = create_handoff(members, human="user", autonomous_turns=1)
    result = run(graph.compile(checkpointer=saver), thread="1")
    assert spoken(result) == [("a", "one"), ("a", ""), ("b", "done"), ("b", "done")]


# Escalation


def ping_pong(saver, human="user", **options):
    """Two agents that hand over to each other for ever."""
    members = [
        Agent("a", "a", model=ScriptedModel(lambda m: to("b", text="a says"))),
        Agent("b", "b", model=ScriptedModel(lambda m: to("a", text="b says"))),
        agent("c"),
    ]
    return create_handoff(members, human=human, **options).compile(checkpointer=saver)


BOUNDS = {
    "cycle": ({}, "cycle", "between `a` and `b`", 6),
    "limit": (
        {"max_handoffs": 3, "cycle_window": None},
        "turn_limit",
        "3 of 3 handoffs taken",
        3,
    ),
}


@pytest.fixture(params=BOUNDS)
def bound(request):
    """The two bounds on handoffs: options, reason, text, and how many are taken before."""
    return BOUNDS[request.param]


def test_a_bound_asks_the_person_before_it_ends_the_run(run, saver, bound):
    options, reason, text, taken = bound
    result = run(ping_pong(saver, **options), thread="1")
    kind, arguments, description = request(result)
    assert (kind, arguments["reason"]) == ("escalation", reason)
    assert text in arguments["message"]
    assert text in description
    (review,) = asked(result).value["review_configs"]
    assert review["allowed_decisions"] == ["respond", "reject"]
    assert [h.outcome for h in result["handoffs"]].count("accepted") == taken


@pytest.mark.parametrize("blank", BLANK, ids=repr)
def test_a_blank_answer_lets_the_bound_end_the_run(run, saver, bound, blank):
    options, reason, _, _ = bound
    app = ping_pong(saver, **options)
    run(app, thread="1")
    result = run(app, Command(resume=blank), thread="1")
    assert result["stop"].reason == reason
    assert result["output"] in ("a says", "b says")


def test_a_rejection_ends_the_run_rejected(run, saver, bound):
    app = ping_pong(saver, **bound[0])
    run(app, thread="1")
    reject = {"decisions": [{"type": "reject", "message": "enough"}]}
    result = run(app, Command(resume=reject), thread="1")
    stop = result["stop"]
    assert (stop.reason, stop.by, stop.detail) == ("rejected", "user", "enough")


def test_a_response_goes_on_and_the_bound_counts_afresh(run, saver, bound):
    options, reason, _, taken = bound
    app = ping_pong(saver, **options)
    run(app, thread="1")
    result = run(app, Command(resume="go on"), thread="1")
    assert ("user", "go on") in spoken(result)
    assert request(result)[1]["reason"] == reason
    assert [h.outcome for h in result["handoffs"]].count("accepted") == 2 * taken
    assert run(app, Command(resume=""), thread="1")["stop"].reason == reason


def test_the_agents_read_what_the_person_said_at_the_escalation(run, saver):
    a = agent("a", to("b"), "then I answer")
    app = create_handoff(
        [a, agent("b", to("c")), agent("c", to("a"))], human="user", max_handoffs=2
    )
    app = app.compile(checkpointer=saver)
    result = run(app, thread="1")
    assert told(result)[-1] == ("handoff_to_a", "limit reached: 2 of 2 handoffs taken")
    assert result["active"] == "c"


def test_after_an_escalation_the_ordinary_return_is_an_answer_again(run, saver):
    members = [agent("a", to("b"), "I answer"), agent("b", to("a"), to("a"))]
    graph = create_handoff(members, human="user", max_handoffs=1)
    app = graph.compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume="you may"), thread="1")
    assert request(result)[:2] == (
        "answer",
        {"participant": "user", "message": "I answer", "task": "the task"},
    )


# Limits


def test_a_limit_ends_the_run_before_the_person_is_asked(run, saver):
    app, _, _ = desk(saver, "You owe 5.", limits=Limits(turns=2))
    assert ended(run(app, thread="1")) == ("You owe 5.", "turn_limit")


def test_the_output_at_a_limit_is_an_answer_and_not_the_persons(run, saver):
    app, _, _ = desk(saver, "You owe 5.", "never", limits=Limits(turns=3))
    run(app, thread="1")
    result = run(app, Command(resume="why?"), thread="1")
    assert ended(result) == ("You owe 5.", "turn_limit")


def test_a_stop_condition_ends_the_run_before_the_person_is_asked(run, saver):
    app, _, _ = desk(saver, "All DONE", stop_when=mentions("DONE"))
    result = run(app, thread="1")
    assert (ended(result), result["stop"].by) == (("All DONE", "terminated"), "mentions('DONE')")


def test_a_stop_condition_on_the_persons_words_ends_the_run(run, saver):
    app, _, _ = desk(saver, "Anything else?", stop_when=mentions("bye", by="user"))
    run(app, thread="1")
    assert ended(run(app, Command(resume="bye"), thread="1")) == ("Anything else?", "terminated")
