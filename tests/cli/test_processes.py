"""The command in processes of its own: Ctrl-C, pipes, encodings, exit codes, start-up."""

import os
import signal
import subprocess
import sys

import pytest


def until(running: subprocess.Popen[str], words: str) -> None:
    """Read the standard error of a process until it says something."""
    assert running.stderr is not None
    for line in running.stderr:
        if words in line:
            return
    raise AssertionError(f"`{words}` was never said")


@pytest.mark.parametrize("template", ["slow", "stuck"])
def test_ctrl_c_ends_a_run_at_once_and_the_thread_goes_on_later(started, process, template):
    running = started("run", template, "x", "--thread", "t")
    until(running, "waiting for ever")
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=30)
    assert (running.returncode, stdout) == (130, "")
    assert stderr == "orchestra: stopped; `orchestra resume t` continues it\n"
    resumed = process("resume", "t")
    assert resumed.returncode == 0
    assert resumed.stdout == ("after the first\n" if template == "slow" else "lifted\n")
    assert "✓ first" not in resumed.stderr


def test_ctrl_c_wakes_a_loop_that_is_just_going_to_sleep(process):
    # It did not: one Ctrl-C in some sixty, given while a tool began, was seen only at the next one.
    assert process("run", "woken", "x").stdout == "woken\n"


def test_ctrl_c_ends_a_demo_with_the_thread_it_was_at(started):
    running = started("demo", "slow")
    until(running, "waiting for ever")
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=30)
    assert (running.returncode, stdout) == (130, "")
    assert stderr.startswith("orchestra: stopped; `orchestra resume ")


def test_a_killed_run_loses_at_most_the_turn_in_progress(started, process):
    running = started("run", "slow", "x", "--thread", "t")
    until(running, "waiting for ever")
    running.kill()
    running.communicate(timeout=30)
    assert process("threads").stdout.splitlines()[-1].split()[2] == "unfinished"
    resumed = process("resume", "t")
    assert (resumed.returncode, resumed.stdout) == (0, "after the first\n")
    assert "✓ first" not in resumed.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "article", "x"], 0),
        (["run", "unlucky", "x"], 1),
        (["run", "nobody", "x"], 2),
        (["run", "article", "x", "--model", "openai:gpt-5-mini"], 2),
        (["run", "reviewed", "x"], 3),
        (["nonsense"], 2),
        (["run"], 2),
    ],
)
def test_exit_codes_come_without_a_traceback(process, words, code):
    done = process(*words)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_what_is_piped_has_no_colours_and_no_moving_cursor(process):
    environment = {**os.environ, "TERM": "xterm"}
    ran = process("run", "article", "x", "--thread", "t", env=environment)
    shown = process("show", "t", env=environment)
    assert "\x1b" not in ran.stdout + ran.stderr + shown.stdout


def test_colours_that_are_forced_do_not_make_a_pipe_a_terminal(process):
    done = process("run", "article", "x", env={**os.environ, "FORCE_COLOR": "1"})
    assert "\x1b[32m" in done.stderr
    assert "\x1b[?25l" not in done.stderr


def test_a_piped_table_can_be_cut_short(process):
    process("run", "article", "x", "--thread", "t")
    reader, writer = os.pipe()
    os.close(reader)
    done = process("show", "t", stdout=writer)
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_terminal_that_lacks_signs_is_no_reason_to_fail(process):
    done = process("run", "article", "x", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "? writer" in done.stderr


def test_the_task_is_read_from_a_pipe(process):
    assert process("run", "remembering", input="größer\n").stdout == "größer\n"


def test_nobody_is_asked_where_the_task_came_through_a_pipe(process):
    done = process("run", "reviewed", input="x")
    assert done.returncode == 3
    assert "Answer it: orchestra resume " in done.stderr


def test_libraries_do_not_log_to_the_terminal(process):
    process("run", "opinion", "x", "--thread", "t")
    assert process("threads").stderr == ""
    assert process("show", "t").stderr == ""


def test_help_needs_neither_langgraph_nor_rich():
    script = (
        "import sys; from langgraph_orchestra.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'langgraph', 'langchain_core', 'pydantic', 'rich', 'langgraph_orchestra.state'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines().pop() == "loaded []"


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "langgraph_orchestra.cli", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("Usage: orchestra [OPTIONS] COMMAND")
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "..." not in done.stdout.partition("Commands:")[2]
