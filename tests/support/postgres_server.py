"""A PostgreSQL server of the tests' own, started for real on a free port of this machine.

with PostgresServer() as server:
    open_checkpointer(server.new_store())
"""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psycopg

from support.ports import free_port

__all__ = ["PASSWORD", "USER", "PostgresServer", "server_programs"]

USER = "tester"
PASSWORD = "a %41 p@ss/word:1"
"""One that has to be written otherwise in a URL."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
}


def server_programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, which Debian keeps off the path."""
    found = shutil.which("initdb")
    if found and shutil.which("pg_ctl"):
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=_version)


class PostgresServer:
    """A server with an empty cluster, running inside `with`.

    Args:
        programs: Folder of its programs.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._numbers = count(1)
        self._user = _unprivileged_user()

    @property
    def port(self) -> int:
        """Where it is reached, on 127.0.0.1."""
        return self._port

    def url(self, database: str, *, user: str = USER, password: str = PASSWORD) -> str:
        """URL of a database, whether it is there or not."""
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self._port}/{database}"

    def new_store(self) -> str:
        """Make a schema without tables, which costs less than a database, and give its URL."""
        name = f"runs_{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start it, or start it again on the same port."""
        settings = " ".join(f"-c {key}='{value}'" for key, value in SETTINGS.items())
        self._pg_ctl("start", "-o", f"-p {self._port} {settings}")

    def stop(self) -> None:
        """End it at once, and all connections with it."""
        self._pg_ctl("stop", "-m", "immediate")

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if self._user:
            shutil.chown(self._folder, self._user)
        try:
            self._make_cluster()
            self._port = free_port()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._remove()

    def _make_cluster(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            *("initdb", "-D", str(self._folder / "data"), "--no-sync", "--no-instructions"),
            *("-U", USER, "--auth=scram-sha-256", f"--pwfile={password}"),
            *("-E", "UTF8", "--no-locale"),
        )

    def _pg_ctl(self, *arguments: str) -> None:
        data, log = str(self._folder / "data"), str(self._folder / "server.log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-s", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # What a server inherits it keeps: a pipe would never come to its end.
        with (self._folder / f"{program}.log").open("wb") as log:
            done = subprocess.run(
                [str(self._programs / program), *arguments],
                cwd=self._folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            logs = [path.read_text(errors="replace") for path in self._folder.glob("*.log")]
            raise RuntimeError(f"`{program}` failed:\n" + "\n".join(logs))

    def _remove(self) -> None:
        shutil.rmtree(self._folder)


def _version(programs: Path) -> tuple[int, ...]:
    numbers = programs.parent.name.split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def _unprivileged_user() -> Any:
    """Whom a server runs as: it refuses to be run by root."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("there is no user `postgres` or `nobody` to run a server")
