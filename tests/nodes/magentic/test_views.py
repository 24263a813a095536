"""What is read in a managed team: facts, plan, instructions and notes in words."""

from langchain_core.messages import AIMessage, HumanMessage

from langgraph_orchestra.nodes import MagenticPrompts, View
from langgraph_orchestra.nodes.magentic.views import Briefing, best_turn, directed, with_notes
from langgraph_orchestra.state import PlanStep
from support.ledgers import plan

TASK, ASKED, SAID = (
    HumanMessage("go", id="1"),
    AIMessage("To ann: look", name="manager", id="2"),
    AIMessage("seen", name="ann", id="3"),
)


def view(*messages, **state):
    """A run with these messages, the first of which is the task."""
    run_info = {"first_message": 0, "input_messages": 1, "first_turn": 0}
    return View({"messages": list(messages), "run_info": run_info, **state}, {"ann": ""})


def test_a_step_is_told_with_all_that_is_known_of_it_and_nothing_else():
    steps = [
        PlanStep(id="a", worker="ann", task="look"),
        PlanStep(id="b", worker="bob", task="write", expected="a page", depends_on=["a"]),
        PlanStep(id="c", worker="ann", task="send", depends_on=["a", "b"], status="running"),
    ]
    ledger = plan("ann").model_copy(update={"plan": steps})
    assert Briefing(MagenticPrompts()).facts_and_plan(ledger) == (
        "Plan:\na (ann): look\nb (bob, after a): write -> a page\n"
        "c (ann, after a, b, running): send"
    )


def test_facts_are_told_by_kind_and_kinds_without_any_are_left_out():
    ledger = plan("ann: look", facts_given=["a", "b"], facts_to_derive=["c"])
    assert Briefing(MagenticPrompts()).facts_and_plan(ledger) == (
        "Given:\n- a\n- b\nTo work out:\n- c\nPlan:\ns1 (ann): look"
    )


def test_an_instruction_is_stored_with_whom_it_is_for():
    message = Briefing(MagenticPrompts()).instruction(["ann", "bob"], "Look.")
    assert (message.text, message.name) == ("To ann, bob: Look.", "manager")


def test_who_is_to_work_finds_the_instruction_alone_in_place_of_the_stored_message():
    seen = directed(view(TASK, ASKED), "look twice")
    assert (seen.last_text, seen.task) == ("look twice", "go")
    assert [m.id for m in seen.messages] == ["1", "2"]


def test_notes_stand_where_they_were_made_also_between_messages_that_are_not_read():
    notes = [{"after": 2, "text": "ann failed"}, {"after": 3, "text": "bob failed"}]
    run = view(TASK, ASKED, SAID, manager_notes=notes)
    read = [message.text for message in with_notes(run.messages, run)]
    assert read == ["go", "To ann: look", "ann failed", "seen", "bob failed"]
    only_said = [message.text for message in with_notes([SAID], run)]
    assert only_said == ["ann failed", "seen", "bob failed"]


def test_the_best_turn_is_nobodys_instruction():
    assert best_turn(view(TASK, ASKED)) == ""
    assert best_turn(view(TASK, ASKED, SAID, ASKED.model_copy(update={"id": "4"}))) == "seen"
