"""Where threads are kept: the stores that `--db` may name."""

from urllib.parse import quote

from support.postgres_server import PASSWORD, PostgresServer


def test_every_command_finds_its_threads_in_a_postgresql_database(
    orchestra, postgres: PostgresServer
):
    place = ("--db", postgres.new_store())
    orchestra("run", "reviewed", "x", "--thread", "t", *place)

    assert "reviewed" in orchestra("threads", *place).stdout
    assert "The draft." in orchestra("show", "t", *place).stdout
    assert orchestra("resume", "t", "--answer", "yes", *place).stdout == "The draft.\n"
    assert orchestra("prune", "t", "--yes", *place).stdout.startswith("Dropped ")


def test_the_password_of_a_database_is_not_printed(orchestra, postgres: PostgresServer):
    place = ("--db", postgres.new_store())
    empty = orchestra("threads", *place)
    waiting = orchestra("run", "reviewed", "x", "--thread", "t", *place)
    copied = orchestra("backup", "copy.db", *place)

    assert "postgresql://***@127.0.0.1:" in empty.stderr
    assert "orchestra resume t --db 'postgresql://***@127.0.0.1:" in waiting.stderr
    assert copied.exit_code == 2
    assert copied.stderr.endswith("is no SQLite file; use its own tools\n")
    for done in (empty, waiting, copied):
        assert quote(PASSWORD, safe="") not in done.output
