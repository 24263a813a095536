"""The commands. What they need is imported when they run, so that `--help` is there at once."""

import io
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langgraph_orchestra.cli.database import DEFAULT_URL, Database
from langgraph_orchestra.cli.errors import ExitCode, RunFailed, reporting

if TYPE_CHECKING:
    from collections.abc import Callable

    from langgraph_orchestra.cli.running import Run
    from langgraph_orchestra.cli.thread import Standing, Thread

__all__ = ["app", "main"]

app = typer.Typer(
    help="Multi-agent patterns for LangGraph: run, watch, answer and look into them.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Db = Annotated[
    str,
    typer.Option(
        "--db",
        metavar="URL",
        help="Where threads are kept: a SQLite file, `postgresql://...`, or `memory://`.",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")]
Answer = Annotated[
    list[str] | None,
    typer.Option(
        "--answer",
        metavar="[NODE=]ANSWER",
        help="Answer a person's request, in text or JSON; may be given several times.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PROVIDER:NAME",
        help="Model for all who have none of their own.",
    ),
]
ThreadId = Annotated[str, typer.Argument(metavar="THREAD", help="Id of a saved thread.")]
TemplateName = Annotated[
    str, typer.Argument(metavar="TEMPLATE", help="Name of a template: see `orchestra list`.")
]


@app.command("list")
def list_templates(as_json: Json = False, debug: Debug = False) -> None:
    """List the templates."""
    with reporting(debug):
        from langgraph_orchestra.cli.catalog import every_template
        from langgraph_orchestra.cli.documents import template_document, write_json
        from langgraph_orchestra.cli.tables import template_table
        from langgraph_orchestra.cli.terminal import results

        templates = every_template().values()
        if as_json:
            write_json([template_document(template) for template in templates])
        else:
            results().print(template_table(templates))


@app.command()
def demo(
    name: Annotated[
        str | None,
        typer.Argument(metavar="TEMPLATE|PATTERN", help="What to run; by default everything."),
    ] = None,
    db: Db = DEFAULT_URL,
    debug: Debug = False,
) -> None:
    """Run the templates on their examples; stand-ins reply, no model."""
    with reporting(debug):
        from langgraph_orchestra.cli.catalog import templates_for
        from langgraph_orchestra.cli.demo import show_templates
        from langgraph_orchestra.cli.terminal import progress, results

        # A model that is set for other runs would take the place of the stand-ins.
        os.environ.pop("ORCHESTRA_MODEL", None)
        code = show_templates(templates_for(name), Database(db), progress(), results())
        raise typer.Exit(code)


@app.command()
def run(
    template: TemplateName,
    task: Annotated[
        str | None, typer.Argument(metavar="TASK", help="The task; else it is read from a pipe.")
    ] = None,
    input_file: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE", help="Read the task from a file; `-` is a pipe."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Take the template's own example as the task.")
    ] = False,
    model: Model = None,
    thread: Annotated[
        str | None,
        typer.Option("--thread", metavar="ID", help="Go on with a thread, or name a new one."),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="On whose behalf the run acts.")
    ] = None,
    answer: Answer = None,
    db: Db = DEFAULT_URL,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Run a template on a task."""
    with reporting(debug):
        from langgraph_orchestra.cli.catalog import template_named
        from langgraph_orchestra.cli.task import task_for
        from langgraph_orchestra.cli.thread import begin

        chosen = template_named(template)
        wanted = task_for(chosen, task, input_file, example=example)
        database = Database(db)
        with database.open() as saver:
            begun = begin(saver, chosen, thread, model=model, user=user)
            _carry_out(begun, database, answer, as_json, lambda work: work.begin(wanted))


@app.command()
def resume(
    thread: ThreadId,
    answer: Answer = None,
    model: Model = None,
    db: Db = DEFAULT_URL,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Continue a run that was stopped or failed, or answer it."""
    with reporting(debug):
        from langgraph_orchestra.cli.thread import find

        database = Database(db)
        with database.open_existing() as saver:
            found = find(saver, thread, model=model)
            _carry_out(found, database, answer, as_json, lambda work: work.resume())


@app.command("threads")
def list_threads(db: Db = DEFAULT_URL, as_json: Json = False, debug: Debug = False) -> None:
    """List the saved threads, the latest used first."""
    with reporting(debug):
        from langgraph_orchestra.cli.documents import thread_info_document, write_json
        from langgraph_orchestra.cli.tables import thread_table
        from langgraph_orchestra.cli.terminal import progress, results
        from langgraph_orchestra.cli.thread import every_thread

        database = Database(db)
        with database.open_existing() as saver:
            found = every_thread(saver)
        if as_json:
            write_json([thread_info_document(info, template) for info, template in found])
        elif found:
            results().print(thread_table(found))
        else:
            progress().print(f"There are no threads in {database.shown}.")


@app.command()
def show(
    thread: ThreadId, db: Db = DEFAULT_URL, as_json: Json = False, debug: Debug = False
) -> None:
    """Show a thread: what was said, who did what, and how it stands.

    Beside each turn, a bar shows when it was taken: turns side by side ran side by side.
    """
    with reporting(debug):
        from langgraph_orchestra.cli.documents import thread_document, write_json
        from langgraph_orchestra.cli.terminal import results
        from langgraph_orchestra.cli.thread import look_at
        from langgraph_orchestra.cli.transcript import print_thread

        database = Database(db)
        with database.open_existing() as saver:
            standing = look_at(saver, thread)
        if as_json:
            write_json(thread_document(standing))
        else:
            print_thread(standing, database, results())


@app.command()
def fork(
    thread: ThreadId,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="STEP|CHECKPOINT", help="Where the new thread begins."),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option("--as", metavar="ID", help="Id of the new thread; else one is made."),
    ] = None,
    db: Db = DEFAULT_URL,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Go back in time: begin a new thread at a step of another.

    Without `--at`, the steps to choose from are listed. The other thread stays as it is. In the new
    one, what followed the step is to be done again, and questions that were answered are open.
    """
    with reporting(debug):
        from langgraph_orchestra.cli.documents import fork_document, step_document, write_json
        from langgraph_orchestra.cli.tables import step_table
        from langgraph_orchestra.cli.terminal import progress, results
        from langgraph_orchestra.cli.upkeep import fork_thread, steps_of

        database = Database(db)
        with database.open_existing() as saver:
            if at is None:
                steps = steps_of(saver, thread)
                if as_json:
                    write_json([step_document(step) for step in steps])
                else:
                    results().print(step_table(steps))
                    command = database.command("fork", thread, "--at", str(steps[0].number))
                    progress().print(f"Begin a new thread at one of them: {command}")
                return
            made = fork_thread(saver, thread, at, new)
        if as_json:
            write_json(fork_document(made))
        else:
            results().print(
                f"Thread {made.thread_id} begins at step {made.step.number} of {thread}."
            )
            progress().print(made.what_next(database))


@app.command()
def prune(
    threads: Annotated[
        list[str] | None, typer.Argument(metavar="THREAD...", help="Ids of saved threads.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Prune all threads.")] = False,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="N", help="Keep the last N steps; else 1.")
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="AGE", help="Drop steps that are older, such as `30d` or `12h`."
        ),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the threads, with all that is in them.")
    ] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Make the file smaller afterwards.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    db: Db = DEFAULT_URL,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Drop old steps of threads, to which nobody will go back.

    The newest step stays, with all that was said: a thread goes on as before, and open questions
    can be answered. Freed space is used for what comes next; `--vacuum` gives it back.
    """
    with reporting(debug):
        from langgraph_orchestra.cli.documents import pruning_document, write_json
        from langgraph_orchestra.cli.terminal import is_attended, progress, results
        from langgraph_orchestra.cli.upkeep import confirmed, prune_threads, pruning_plan

        database = Database(db)
        console = progress()
        with database.open_existing() as saver:
            plan = pruning_plan(
                saver, threads or (), every=every, keep=keep, age=older_than, delete=delete
            )
            if plan.threads and not (yes or confirmed(plan, console, is_attended(console))):
                console.print("Nothing was dropped.")
                raise typer.Exit(ExitCode.FAILED)
            done = prune_threads(saver, plan, database, vacuum=vacuum)
        if as_json:
            write_json(pruning_document(done))
        else:
            results().print(done.told)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy, a new file.")],
    db: Db = DEFAULT_URL,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Copy the database as it is now, while runs may go on.

    The copy is a database like the other: give it to `--db`. Only its owner can read it.
    """
    with reporting(debug):
        from langgraph_orchestra.cli.documents import write_json
        from langgraph_orchestra.cli.terminal import results
        from langgraph_orchestra.cli.upkeep import back_up

        database = Database(db)
        with database.open_existing() as saver:
            copied = back_up(saver, database, file)
        if as_json:
            write_json({"backup": str(file), "bytes": copied})
        else:
            results().print(f"{file} is a copy of {db}: {copied:,} bytes.")


@app.command()
def report(
    thread: ThreadId,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to a file; else to standard output."
        ),
    ] = None,
    db: Db = DEFAULT_URL,
    debug: Debug = False,
) -> None:
    """Write all of a thread as one page for a browser.

    It shows how the run ended and why, the graph, who worked when, what was said, decided, planned
    and handed over, and what it cost. The page needs no network and runs no script, so that it can
    be sent on: `orchestra report THREAD -o run.html`.
    """
    with reporting(debug):
        from langgraph_orchestra.cli.page import page_of
        from langgraph_orchestra.cli.thread import look_at

        with Database(db).open_existing() as saver:
            page = page_of(look_at(saver, thread))
        if output is None:
            sys.stdout.write(page)
        else:
            output.expanduser().write_text(page, encoding="utf-8")


@app.command()
def draw(
    template: TemplateName,
    xray: Annotated[
        bool, typer.Option("--xray", help="Draw the graphs inside the participants too.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to a file: a picture if it ends in .svg or .png, else Mermaid text.",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Draw a template's graph as Mermaid text, SVG or PNG.

    No network is needed, also for pictures: `orchestra draw stock_analysis --xray -o graph.svg`.
    """
    with reporting(debug):
        from langgraph_orchestra.cli.catalog import template_named
        from langgraph_orchestra.reports import draw

        graph = template_named(template).build()
        if output is None:
            sys.stdout.write(draw(graph, xray=xray))
            return
        path = output.expanduser()
        match path.suffix.lower():
            case ".png":
                path.write_bytes(draw(graph, "png", xray=xray))
            case ".svg":
                path.write_text(draw(graph, "svg", xray=xray), encoding="utf-8")
            case _:
                path.write_text(draw(graph, xray=xray), encoding="utf-8")


@app.command()
def new(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where to begin; its name is the project's.")
    ],
    pattern: Annotated[
        str, typer.Option("--pattern", metavar="PATTERN", help="Which pattern to begin with.")
    ] = "sequential",
    debug: Debug = False,
) -> None:
    """Begin a project of your own: a graph, and a test of it."""
    with reporting(debug):
        from langgraph_orchestra.cli.new import begin_project

        folder = folder.expanduser()
        for path in begin_project(folder, pattern):
            print(path)
        print(f'\nNext: cd {folder} && pip install -e ".[dev]" && pytest')


def main() -> None:
    """Run the command that the process was given."""
    # What libraries have to say about their inner workings is not for the user of a command.
    logging.getLogger().addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a sign gets a `?`
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="orchestra")
    except SystemExit as end:
        if end.code == ExitCode.STOPPED:
            # A tool in a thread cannot be stopped, and Python would wait for it.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ExitCode.STOPPED)
        raise


def _carry_out(
    thread: "Thread",
    database: Database,
    answers: list[str] | None,
    as_json: bool,
    go_on: "Callable[[Run], Standing]",
) -> None:
    """Run a thread, and end the command with what came of it."""
    from langgraph_orchestra.cli.answers import Answers
    from langgraph_orchestra.cli.asking import Asker
    from langgraph_orchestra.cli.documents import run_document, write_json
    from langgraph_orchestra.cli.result import conclude
    from langgraph_orchestra.cli.running import Run, exit_code_of
    from langgraph_orchestra.cli.terminal import is_attended, progress

    console = progress(quiet=as_json)
    asker = Asker(console) if is_attended(console) else None
    work = Run(thread, database, console, Answers(answers or ()), asker)
    try:
        standing = go_on(work)
    except RunFailed as error:
        if as_json:
            write_json(run_document(thread.standing(), error=error.reason))
        raise
    if as_json:
        write_json(run_document(standing))
    else:
        conclude(standing, database, console)
    for unused in work.answers.unused:
        console.print(f"Nobody asked for the answer `{unused}`.")
    raise typer.Exit(exit_code_of(standing))
