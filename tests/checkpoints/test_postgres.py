"""PostgreSQL: the official conformance suite, and what our saver adds to the official ones."""

from langgraph.checkpoint.conformance import checkpointer_test, validate

from langgraph_orchestra.checkpoints import aopen_checkpointer
from support.postgres_server import PostgresServer


async def test_it_conforms_in_all_that_a_checkpointer_must_and_may_do(
    postgres: PostgresServer,
) -> None:
    @checkpointer_test(name="postgres")
    async def fresh():
        async with aopen_checkpointer(postgres.new_database()) as saver:
            yield saver

    report = await validate(fresh)

    assert report.passed_all(), [r.failures for r in report.results.values()]
