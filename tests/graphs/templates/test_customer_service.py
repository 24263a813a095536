from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langgraph_orchestra.graphs.templates import TEMPLATES, customer_service
from langgraph_orchestra.graphs.templates.acting import calling, handing_over
from langgraph_orchestra.graphs.templates.customer_service import (
    BILLING_PROMPT,
    DESK_PROMPT,
    RETURNS_PROMPT,
    SUPERVISOR_PROMPT,
)
from langgraph_orchestra.graphs.templates.service_data import Remedy, agrees, order_number_in
from langgraph_orchestra.graphs.templates.service_rules import wishes_in
from langgraph_orchestra.state import Plan, PlanStep, Review, StepReview

TEMPLATE = TEMPLATES["customer_service"]
REFUND = Remedy(order="A-1007", what="refund", amount=489)
REPLACEMENT = Remedy(order="A-1007", what="replacement", amount=489)


def specialists(result) -> list[str]:
    paths = [turn.path.split("/") for turn in result["trail"]]
    return [name for team, *names in paths if team == "specialists" for name in names]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("Order A-1007.", "A-1007"),
        ("a-1012, not A-1007", "A-1007"),
        ("A-9999 or a-1012", "A-1012"),
        ("A-9999", ""),
        ("1007", ""),
    ],
)
def test_the_order_is_the_one_named_last_that_we_know(text, order):
    assert order_number_in(text) == order


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("Charged twice, and it is broken", ["money", "goods"]),
        ("It never arrived", ["goods"]),
        ("Where is it?", ["news"]),
        ("Hello", []),
    ],
)
def test_words_of_the_customer_say_what_they_want(text, wishes):
    assert wishes_in(text) == wishes


def test_looked_up_at_once_then_handed_over_until_nothing_is_left(ask):
    result = ask("customer_service", TEMPLATE.example, *TEMPLATE.answers)
    lookups = [turn.path for turn in result["trail"] if turn.path.startswith("lookups/")]
    assert lookups == [
        f"lookups/{one}" for one in ("orders", "payments", "deliveries", "aggregate")
    ]
    assert specialists(result) == ["desk", "billing", "returns", "service_manager", "returns"]
    assert result["remedies"] == [REFUND, REPLACEMENT]
    assert result["output"] == (
        "Hello Ida Berg,\n489.00 for A-1007 go back to the card. A new espresso machine for A-1007 "
        "leaves tomorrow.\nYour customer service"
    )


def test_the_question_of_a_specialist_comes_up_before_anything_dear_is_sent(ask):
    result = ask("customer_service", TEMPLATE.example)
    [interrupt] = result["__interrupt__"]
    [action] = interrupt.value["action_requests"]
    assert interrupt.value["path"] == "specialists/service_manager"
    assert "A replacement worth 489.00 is more than the 200.00" in action["description"]
    assert result.get("remedies", []) == []


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [("Yes", True), ("OK, approved.", True), ("No", False), ("Yes? No!", False), ("Hm.", False)],
)
def test_only_a_clear_yes_is_one(answer, agreed):
    assert agrees(answer) == agreed


@pytest.mark.parametrize("answer", ["No.", "Offer her a repair first."])
def test_what_is_refused_is_not_sent_but_what_is_due_is_paid_back(ask, answer):
    result = ask("customer_service", TEMPLATE.example, answer)
    assert result["remedies"] == [REFUND]
    assert "489.00 for A-1007 go back" in result["output"]
    assert "No replacement for A-1007; we offer to repair it." in result["output"]


@pytest.mark.parametrize(
    ("task", "who", "answer"),
    [
        ("My kettle is broken, A-1012.", ["desk", "returns"], "A new kettle for A-1012 leaves"),
        ("I was charged twice, A-1020.", ["desk", "billing"], "79.00 for A-1020 go back"),
        ("I was charged twice, A-1012.", ["desk", "billing"], "Nothing more is due for A-1012."),
        ("Where is my order A-1020?", ["desk"], "Your order A-1020: with the carrier"),
        ("Where is my order?", ["desk"], "Please give us the number of your order"),
    ],
)
def test_case_goes_to_those_it_concerns(ask, task, who, answer):
    result = ask("customer_service", task)
    assert specialists(result) == who
    assert answer in result["output"]


def test_nothing_is_looked_up_without_an_order(ask):
    result = ask("customer_service", "Where is my order A-9999?")
    assert [step.worker for step in result["plan"].steps] == ["specialists"]


def test_what_was_done_is_typed_after_a_reload(run_example, saver):
    run_example(TEMPLATE, TEMPLATE.build().compile(checkpointer=saver))
    reloaded = TEMPLATE.build().compile(checkpointer=saver)
    values = reloaded.get_state({"configurable": {"thread_id": "1"}}).values
    assert values["remedies"] == [REFUND, REPLACEMENT]
    assert values["plan"].steps[0].status == "done"


def test_nothing_is_paid_back_or_sent_twice_on_a_thread(run, run_example):
    app = TEMPLATE.build().compile(checkpointer=InMemorySaver())
    first = run_example(TEMPLATE, app)
    again = run(app, TEMPLATE.example, thread="1")
    assert again["remedies"] == first["remedies"]
    assert "Nothing more is due for A-1007." in again["output"]
    assert "A replacement for A-1007 is on its way already." in again["output"]


def test_a_named_model_acts_through_all_levels(playing_all):
    steps = [
        PlanStep(id="a", worker="lookups", task="Look up A-1020."),
        PlanStep(id="b", worker="specialists", task="Solve it.", depends_on=["a"]),
    ]
    scripts: dict[str, list[Any]] = {
        SUPERVISOR_PROMPT: [
            Plan(steps=steps),
            Review(reviews=[StepReview(step="a", accepted=True)]),
            Review(reviews=[StepReview(step="b", accepted=True)]),
            "Dear customer.",
        ],
        DESK_PROMPT: [handing_over("billing", "Money.")],
        BILLING_PROMPT: [calling("refund", order="A-1020"), handing_over("returns", "Goods.")],
        RETURNS_PROMPT: [
            calling("replace", order="A-1007"),
            handing_over("service_manager", "Dear."),
            calling("replace", order="A-1007"),
            "Done.",
        ],
    }
    context, model = playing_all(scripts)
    app = TEMPLATE.build().compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    app.invoke({"messages": "Help"}, thread, context=context)
    result = app.invoke(Command(resume="yes"), thread, context=context)
    assert result["output"] == "Dear customer."
    assert [one.what for one in result["remedies"]] == ["refund", "replacement"]
    desk = next(call for call in model.calls if call.messages[0].text.startswith(DESK_PROMPT))
    assert "A-1020: charged 79.00 and 79.00, 79.00 too much." in desk.messages[1].text


def test_a_failure_of_the_specialists_is_tried_once_more_and_kept_from_the_customer(
    ask, monkeypatch
):
    calls = []

    def broken(text: str) -> list[str]:
        calls.append(text)
        raise OSError("no disk")

    monkeypatch.setattr(customer_service, "wishes_in", broken)
    result = ask("customer_service", "My kettle is broken, A-1012.")
    assert result["results"]["solve"].failure.type == "OSError"
    assert len(calls) == 2
    assert "We look into it, and write to you." in result["output"]
    assert "OSError" not in result["output"]
