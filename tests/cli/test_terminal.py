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
    screen.until("Args: {'amount': 1}")
    screen.until("> ")
    screen.type("edit")
    screen.until("> ")
    screen.type('{"amount": 7}')
    screen.until("Args: {'amount': 2}")
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
    press(screen)
    screen.until("orchestra resume t")
    assert screen.end() == code
    assert orchestra("resume", "t", "--answer", "approve").stdout == "The draft.\n"


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
