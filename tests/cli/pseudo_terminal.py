"""A process at a terminal: what it shows can be waited for, and lines can be typed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

PATIENCE = 60.0
"""Seconds after which what is waited for will not come."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\a]*\a")


class PseudoTerminal:
    """Runs a command at a terminal of 24 lines.

    Args:
        command: The command and its arguments.
        environment: Its environment.
        columns: Of the terminal.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int = 80
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=dict(environment),
            start_new_session=True,
        )
        os.close(theirs)
        self.raw = ""
        self._read_up_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def text(self) -> str:
        """All that was shown, without colours and movements of the cursor."""
        return _ESCAPES.sub("", self.raw).replace("\r", "")

    def until(self, words: str) -> str:
        """Wait until words are shown that were not waited for before.

        Returns:
            What was shown since then, up to these words.
        """
        deadline = time.monotonic() + PATIENCE
        while (found := self.text.find(words, self._read_up_to)) < 0:
            assert self._read(deadline), f"`{words}` was never shown, but\n{self.text}"
        start, self._read_up_to = self._read_up_to, found + len(words)
        return self.text[start : self._read_up_to]

    def press_until(self, press: Callable[["PseudoTerminal"], None], words: str) -> None:
        """Press a key until words are shown, as somebody would.

        Python misses a signal that comes just before it begins to wait for a line.
        """
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < deadline, f"`{words}` was never shown, but\n{self.text}"
            press(self)
            soon = time.monotonic() + 2
            while words not in self.text and self._read(soon):
                pass

    def type(self, *lines: str) -> None:
        """Type lines, each with the enter key."""
        for line in lines:
            os.write(self._ours, f"{line}\n".encode())

    def press_ctrl_d(self) -> None:
        """Say that no more will be typed."""
        os.write(self._ours, b"\x04")

    def press_ctrl_c(self) -> None:
        """Interrupt the process, as the terminal would."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Wait for the end of the process; return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.process.wait(PATIENCE)

    def _read(self, deadline: float) -> bool:
        """Read what is shown next; false if nothing more comes."""
        ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            shown = os.read(self._ours, 65536)
        except OSError:  # the process has ended, and nobody holds the other end
            return False
        self.raw += shown.decode()
        return bool(shown)
