"""After a restart of the database the pooled connections are dead, and no request fails for that."""

import asyncio

import sqlalchemy as sa

from terrarium_server.store import Database

_END_ALL = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_requests_after_a_restart_succeed(postgres_url: str) -> None:
    database, other = Database(postgres_url), Database(postgres_url)

    async def query() -> list[int]:
        methods = [database.read, database.write, database.write_for_worker]
        return [await method(lambda tx: tx.execute(sa.text("SELECT 1")).scalar_one()) for method in methods]

    assert asyncio.run(query()) == [1, 1, 1]
    with other.transaction() as tx:
        tx.execute(_END_ALL)
    assert asyncio.run(query()) == [1, 1, 1]
    database.close()
    other.close()
