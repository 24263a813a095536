"""Running a thread, the same way for every command: watched, answered, stopped and reported."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.runnables import RunnableConfig
from langgraph.errors import is_invalid_resume
from langgraph.types import Command
from pydantic import ValidationError
from rich.console import Console

from langgraph_orchestra.cli.activity import STREAM_MODES
from langgraph_orchestra.cli.answers import Answers
from langgraph_orchestra.cli.asking import Asker
from langgraph_orchestra.cli.database import Database
from langgraph_orchestra.cli.errors import CommandError, ExitCode, RunFailed, one_line
from langgraph_orchestra.cli.live import LiveView
from langgraph_orchestra.cli.result import announce
from langgraph_orchestra.cli.terminal import print_indented
from langgraph_orchestra.cli.thread import Request, Standing, Thread
from langgraph_orchestra.cli.transcript import print_requests
from langgraph_orchestra.cli.wording import as_text, clean
from langgraph_orchestra.models import resolve_model
from langgraph_orchestra.state import AnswerError, ConfigurationError, InputError

__all__ = ["Run", "exit_code_of"]

Advance = Callable[[Any], Standing]
"""Runs a graph on an input until it stops by itself."""


@dataclass(frozen=True)
class Run:
    """One command's work on a thread."""

    thread: Thread
    """What runs."""

    database: Database
    """Where it is kept."""

    console: Console
    """Where it is watched."""

    answers: Answers = field(default_factory=lambda: Answers(()))
    """What is answered without asking."""

    asker: Asker | None = None
    """Asks where no answer was given; None leaves the thread waiting."""

    tells_answers: bool = False
    """Whether to show what people are asked and the answers that were given: who watches has not
    given them."""

    def begin(self, task: str) -> Standing:
        """Run a task, up to its end or until a person is needed.

        Raises:
            CommandError: The thread's run before has not ended.
            RunFailed: The run raised.
        """
        before = self.thread.standing()
        if before.is_due:
            waits = "waits for an answer" if before.requests else "has not ended its run"
            raise CommandError(f"thread `{self.thread.id}` {waits}: {self._continues}")
        with self._watched() as advance:
            return self._answered(advance({"messages": [("user", task)]}), advance)

    def resume(self) -> Standing:
        """Go on where the thread stands, up to its end or until a person is needed.

        Raises:
            CommandError: There is an answer to a thread that has ended.
            RunFailed: The run raised.
        """
        standing = self.thread.standing()
        if standing.is_due:
            with self._watched() as advance:
                return self._answered(standing if standing.requests else advance(None), advance)
        if self.answers.unused:
            raise CommandError(f"thread `{self.thread.id}` waits for no answer: it has ended")
        return standing

    def _answered(self, standing: Standing, advance: Advance) -> Standing:
        """Go on for as long as there are answers to what people are asked."""
        while standing.requests:
            try:
                answers = self._answers_to(standing.requests)
                if not answers:
                    break
                for given in _apart(answers, standing.requests):
                    standing = advance(Command(resume=given))
            except AnswerError as error:
                if self.asker is None:
                    raise
                self.asker.refuse(error)
                standing = self.thread.standing()
        return standing

    def _answers_to(self, requests: Sequence[Request]) -> dict[str, Any]:
        """The answers that were given, else those of the person at the terminal."""
        if given := self.answers.take(requests, self.thread.graph.nodes):
            if self.tells_answers:
                self._tell(given, requests)
            return given
        if self.asker is None:
            return {}
        try:
            return self.asker.ask(requests)
        except EOFError:
            self.console.print()
            return {}

    def _tell(self, answers: Mapping[str, Any], requests: Sequence[Request]) -> None:
        """Show requests, each with its answer."""
        for request in requests:
            if request.id in answers:
                print_requests([request], self.console)
                said = clean(as_text(answers[request.id])) or "(blank)"
                print_indented(self.console, f"> {said}", "bold")

    @contextmanager
    def _watched(self) -> Iterator[Advance]:
        """Give a function that runs the graph until it stops by itself."""
        if self.thread.model is not None:
            resolve_model(self.thread.model)  # now, before there is anything to continue
        announce(self.thread, self.console)
        if self.tells_answers and self.answers.unused:
            print_indented(self.console, "People's answers come with the template, too.", "dim")
        usage = UsageMetadataCallbackHandler()
        view = LiveView(self.console, lambda: _tokens_in(usage))
        config = RunnableConfig(**self.thread.config, callbacks=[usage])
        with self._reported(), _event_loop() as loop:

            def advance(argument: Any) -> Standing:
                # Standard output is for the result, whatever a tool may print.
                with view, redirect_stdout(sys.stderr), _answers_refused():
                    _run(loop, self._stream(argument, config, view))
                return self.thread.standing()

            yield advance

    async def _stream(self, argument: Any, config: RunnableConfig, view: LiveView) -> None:
        async for part in self.thread.graph.astream(
            argument,
            config,
            context=self.thread.context,
            stream_mode=STREAM_MODES,
            subgraphs=True,
            durability="sync",
        ):
            view.follow(part)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Say how the thread can go on, whatever ended its run."""
        try:
            yield
        except KeyboardInterrupt:
            raise CommandError(f"stopped; {self._how_to_go_on()}", code=ExitCode.STOPPED) from None
        except AnswerError as error:
            raise CommandError(f"{one_line(str(error))}; {self._how_to_go_on()}") from error
        except CommandError:
            raise
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> RunFailed:
        if isinstance(error, ConfigurationError | InputError):
            reason, code = one_line(str(error)), ExitCode.USAGE
        else:
            text = one_line(str(error))
            reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
            code = ExitCode.FAILED
        failed = ", ".join(f"`{name}`" for name in self.thread.standing().failed)
        where = f" in {failed}" if failed else ""
        return RunFailed(
            f"the run failed{where}: {reason}; {self._how_to_go_on()}", code=code, reason=reason
        )

    @property
    def _continues(self) -> str:
        return f"`{self.database.command('resume', self.thread.id)}` continues it"

    def _how_to_go_on(self) -> str:
        if not self.database.lasts:
            return "nothing is kept, as the database is in memory"
        return self._continues if self.thread.is_saved else "nothing was saved yet"


@contextmanager
def _answers_refused() -> Iterator[None]:
    """Make one kind of error of answers that cannot be used.

    Raises:
        AnswerError: An interrupt of a user's own has refused its answer.
    """
    try:
        yield
    except ValidationError as invalid:
        if not is_invalid_resume(invalid):
            raise
        said = "; ".join(error["msg"] for error in invalid.errors(include_url=False))
        raise AnswerError(f"the answer cannot be used: {said}") from invalid


def _apart(answers: Mapping[str, Any], requests: Sequence[Request]) -> Iterator[Mapping[str, Any]]:
    """The answers as they are to be sent.

    Were one of the middleware's `per_call` decisions refused, the tools of others that came with it
    might run twice: each goes alone.
    """
    alone = {request.id for request in requests if request.is_one_tool}
    yield from ({id_: given} for id_, given in answers.items() if id_ in alone)
    if together := {id_: given for id_, given in answers.items() if id_ not in alone}:
        yield together


def _tokens_in(usage: UsageMetadataCallbackHandler) -> int:
    return sum(used["total_tokens"] for used in list(usage.usage_metadata.values()))


def exit_code_of(standing: Standing) -> ExitCode:
    """How a command ends whose run stands so."""
    if standing.requests:
        return ExitCode.WAITING
    failed = standing.stop is not None and standing.stop.reason == "failed"
    return ExitCode.FAILED if failed else ExitCode.DONE


@contextmanager
def _event_loop() -> Iterator[asyncio.Runner]:
    """One loop for all that a command runs: the connections of model clients belong to it."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_Workers())
        yield runner


def _run(runner: asyncio.Runner, work: Coroutine[Any, Any, None]) -> None:
    """Run something to its end, or until Ctrl-C cancels it.

    Raises:
        KeyboardInterrupt: It was cancelled.
    """
    if not _handles_ctrl_c():
        runner.run(work)
    elif runner.run(_until_ctrl_c(work)):
        raise KeyboardInterrupt


def _handles_ctrl_c() -> bool:
    """Whether Ctrl-C is ours: not in a thread, not where it is ignored, as in a shell's `&`."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return sys.platform != "win32" and in_main_thread and is_default


async def _until_ctrl_c(work: Coroutine[Any, Any, None]) -> bool:
    """Whether Ctrl-C has cancelled the work.

    The runner's own handler does not wake a loop that is just going to sleep: a Ctrl-C at that
    moment would be seen only when something else happens. A handler of the loop does wake it.
    """
    loop, task, pressed = asyncio.get_running_loop(), asyncio.ensure_future(work), asyncio.Event()

    def stop() -> None:
        pressed.set()
        task.cancel()

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not pressed.is_set():
            raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    return pressed.is_set()


class _Workers(ThreadPoolExecutor):
    """Threads of sync tools, which cannot be stopped: after Ctrl-C nobody waits for them."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Take no more work, and leave what is in progress to itself."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
