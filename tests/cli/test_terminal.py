"""At a terminal: who is at work is seen while they are, and people are asked."""

import os
from pathlib import Path

import pytest

from .pseudo_terminal import PseudoTerminal


def test_who_is_at_work_and_what_they_say_is_seen_while_they_say_it(terminal):
    os.mkfifo("muse")
    screen = terminal("run", "poet", "x", "--thread", "[t]")
    screen.until("poet · sequential · thread [t]")
    screen.until("poet")
    screen.until("Roses")
    Path("muse").write_text("heard")
    screen.until("✓ poet")
    screen.until("completed · 1 turn · 15 tokens")
    screen.until("Roses [are] red.")
    assert screen.end() == 0


def test_those_who_work_side_by_side_are_seen_together(terminal):
    os.mkfifo("alto")
    os.mkfifo("bass")
    screen = terminal("run", "choir", "x")
    screen.until("Lalala")
    screen.until("Dumdum")
    Path("alto").write_text("heard")
    screen.until("✓ alto")
    Path("bass").write_text("heard")
    screen.until("✓ bass")
    assert screen.end() == 0


def test_the_cursor_is_shown_again_after_the_run(terminal):
    screen = terminal("run", "article", "x")
    assert screen.end() == 0
    assert screen.raw.rfind("\x1b[?25h") > screen.raw.rfind("\x1b[?25l")


def test_no_color_means_no_colours(terminal):
    screen = terminal("run", "article", "x", NO_COLOR="1")
    assert screen.end() == 0
    assert "\x1b[32m" not in screen.raw


def test_a_terminal_gets_colours(terminal):
    screen = terminal("run", "article", "x")
    assert screen.end() == 0
    assert "\x1b[32m" in screen.raw


def test_a_dumb_terminal_gets_lines_only(terminal):
    screen = terminal("run", "article", "x", TERM="dumb")
    assert screen.end() == 0
    assert "\x1b" not in screen.raw
    assert "✓ writer" in screen.text


def test_a_review_is_asked_for_and_a_bad_answer_asked_again(terminal):
    screen = terminal("run", "reviewed", "x")
    screen.until("Approve, edit or reject the draft of writer.")
    screen.until("> ")
    screen.type("")
    screen.until("the answer is blank")
    asked_again = screen.until("> ")
    assert "The draft." not in asked_again
    screen.type("shorter, please")
    screen.until("refused: shorter, please")
    screen.until("Approve, edit or reject the draft of writer.")
    screen.until("> ")
    screen.type("approve")
    screen.until("completed")
    assert screen.end() == 0


def test_an_edit_is_typed_in_lines(terminal):
    screen = terminal("run", "reviewed", "x", "--thread", "t")
    screen.until("> ")
    screen.type("edit")
    screen.until("The new text")
    screen.type("My own", "", "[text]", ".")
    screen.until("completed")
    screen.until("My own\n\n[text]\n")
    assert screen.end() == 0


def test_a_plan_is_read_and_edited_in_a_line(terminal):
    screen = terminal("run", "planned", "x")
    screen.until("Given:\n- It is Monday.\nPlan:\ns1 (ann): Look.")
    screen.until("> ")
    screen.type("edit")
    screen.until('[{"id": "s1", "worker": "ann", "task": "Look."')
    screen.until("> ")
    screen.type('[{"id": "s1", "worker": "zoe", "task": "Ask."}]')
    screen.until("step `s1` is for `zoe`, who is not")
    screen.until("> ")
    screen.type("edit")
    screen.until("> ")
    screen.type('[{"id": "s1", "worker": "ann", "task": "Ask."}]')
    screen.until("completed")
    assert screen.end() == 0


def test_an_instruction_is_edited_in_lines(terminal):
    screen = terminal("run", "permitted", "Roll back.")
    screen.until("Approve, edit or reject what ann is to do.\n\nRoll back.")
    screen.until("> ")
    screen.type("edit")
    screen.until("The new text")
    screen.type("Only", "Europe.", ".")
    screen.until("completed")
    assert screen.end() == 0
    assert "edited: Only" in screen.text


def test_several_people_are_asked_one_after_another(terminal):
    screen = terminal("run", "panel", "x")
    screen.until("Yes or no?")
    screen.until("> ")
    screen.type("yes")
    screen.until("Red or blue?")
    screen.until("> ")
    screen.type("blue")
    screen.until("completed")
    screen.until("## bob\n\nblue")
    assert screen.end() == 0


def test_each_tool_call_is_asked_about(terminal):
    screen = terminal("run", "payment", "x")
    screen.until('{"amount": 1}')
    screen.until("> ")
    screen.type("edit")
    screen.until("> ")
    screen.type('{"amount": 7}')
    screen.until('{"amount": 2}')
    screen.until("> ")
    screen.type("too much")
    screen.until("completed")
    assert screen.end() == 0
    assert "paid 7" in screen.text
    assert "paid 2" not in screen.text
    assert "reason: too much" in screen.text


@pytest.mark.parametrize(
    ("press", "code"), [(PseudoTerminal.press_ctrl_d, 3), (PseudoTerminal.press_ctrl_c, 130)]
)
def test_who_does_not_want_to_answer_now_can_do_so_later(terminal, orchestra, press, code):
    screen = terminal("run", "reviewed", "x", "--thread", "t")
    screen.until("> ")
    screen.press_until(press, "orchestra resume t")
    assert screen.end() == code
    assert orchestra("resume", "t", "--answer", "approve").stdout == "The draft.\n"


def test_who_leaves_after_some_answers_has_given_these(terminal, orchestra):
    screen = terminal("run", "panel", "x", "--thread", "t")
    screen.until("Yes or no?")
    screen.until("> ")
    screen.type("yes")
    screen.until("Red or blue?")
    screen.until("> ")
    screen.press_ctrl_d()
    screen.until("orchestra resume t")
    assert screen.end() == 3
    done = orchestra("resume", "t", "--answer", "blue")
    assert "## ann\n\nyes\n\n## bob\n\nblue" in done.stdout


def test_resume_asks_what_was_not_answered(terminal, orchestra):
    orchestra("run", "panel", "x", "--thread", "t")
    screen = terminal("resume", "t", "--answer", "ann=yes")
    screen.until("Red or blue?")
    screen.until("> ")
    screen.type("blue")
    screen.until("completed")
    assert screen.end() == 0
    assert "Yes or no?" not in screen.text


def test_a_task_that_is_not_given_is_not_waited_for(terminal):
    screen = terminal("run", "article")
    screen.until("there is no task")
    assert screen.end() == 2


def test_json_is_never_interactive(terminal):
    screen = terminal("run", "reviewed", "x", "--json")
    assert screen.end() == 3
    assert screen.text.startswith("{\n")


def test_a_speaker_is_chosen_by_name_or_number_and_a_wrong_one_asked_again(terminal):
    screen = terminal("run", "chosen", "x")
    screen.until("1. ann: knows all about ann\n2. bob: knows all about bob\n")
    screen.until("A name or its number; a blank line ends the conversation:")
    screen.until("> ")
    screen.type("zoe")
    screen.until("'zoe' cannot be chosen")
    asked_again = screen.until("> ")
    assert "1. ann" not in asked_again
    screen.type("2")
    screen.until("chose bob")
    screen.until("1. ann")
    screen.until("> ")
    screen.type("Ann")
    screen.until("chose ann")
    assert screen.end() == 0


def test_an_observer_says_something_or_lets_it_go_on(terminal):
    screen = terminal("run", "observed", "x")
    screen.until("Approve; other words are said to everybody; a blank line goes on:")
    screen.until("> ")
    screen.type("be quick")
    screen.until("✓ ann")
    screen.until("> ")
    screen.type("")
    screen.until("went on")
    screen.until("✓ bob")
    assert screen.end() == 0


def test_who_has_control_asks_the_person_until_they_have_nothing_to_add(terminal):
    screen = terminal("run", "helpline", "x")
    screen.until("→ desk")
    screen.until("Which [invoice]?")
    screen.until("Your answer; a blank line ends the conversation:")
    screen.until("> ")
    screen.type("number 7")
    screen.until("It is refunded.")
    screen.until("> ")
    screen.type("")
    screen.until("completed")
    assert screen.end() == 0


def test_a_run_that_does_not_come_to_an_end_goes_on_or_is_rejected(terminal):
    screen = terminal("run", "endless", "x")
    screen.until("2 of 2 handoffs taken")
    screen.until("Reject, which ends the run; other words let it go on;")
    screen.until("> ")
    screen.type("go on")
    screen.until("Ping gives in.")
    screen.until("> ")
    screen.type("")
    screen.until("completed")
    assert screen.end() == 0


def test_a_tool_is_answered_in_its_place(terminal):
    screen = terminal("run", "bank", "x")
    screen.until("> ")
    screen.type("respond")
    screen.until("What the tool is said to have returned:")
    screen.until("> ")
    screen.type("wired by hand")
    screen.until("completed")
    screen.until("wired by hand")
    assert screen.end() == 0


def test_tool_calls_with_a_request_each_are_decided_one_by_one(terminal):
    screen = terminal("run", "teller", "x")
    screen.until("Args: {'amount': ")
    screen.until("Approve, edit or reject; other words reject it and say why;")
    screen.until("> ")
    screen.type("edit")
    screen.until("> ")
    screen.type('{"amount": "a lot"}')
    screen.until("Args: {'amount': ")
    screen.until("> ")
    screen.type("approve")
    screen.until("the answer cannot be used: Input should be a valid integer")
    screen.until("> ")
    screen.type("no money")
    screen.until("> ")
    screen.type("approve")
    screen.until("completed")
    assert screen.end() == 0
    assert "no money" in screen.text
    assert screen.text.count("wired") == 1


def test_a_request_of_a_users_own_that_refuses_an_answer_is_asked_again(terminal):
    screen = terminal("run", "impatient", "x")
    screen.until("Your answer, as a JSON object with `minutes`:")
    screen.until("> ")
    screen.type('{"minutes": -1}')
    screen.until("Input should be greater than 0")
    screen.until("> ")
    screen.type('{"minutes": 5}')
    screen.until("waited 5")
    assert screen.end() == 0


def test_a_selector_is_seen_while_it_chooses(terminal):
    os.mkfifo("choice")
    screen = terminal("run", "slow_choice", "x")
    screen.until("chooses who speaks next")
    Path("choice").write_text("now")
    screen.until("✓ selector")
    screen.until("bob: he is quick")
    assert screen.end() == 0


@pytest.mark.parametrize(("columns", "lines"), [(80, 2), (200, 1)])
def test_the_reason_of_a_choice_stands_below_it_where_it_does_not_fit(terminal, columns, lines):
    screen = terminal("run", "misled", "x", columns=columns)
    assert screen.end() == 0
    told = "fallback: ann: no valid decision after 3 attempts"
    [line] = [line for line in screen.text.splitlines() if told in line]
    assert ("selector" in line) is (lines == 1)
