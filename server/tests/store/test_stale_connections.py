"""A database that was restarted: the connections that were kept are dead, and no request is told of it."""

import asyncio

import sqlalchemy as sa

from terrarium_server.store import Database

_END_ALL = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_requests_after_a_restart_find_the_database_again(postgres_url: str) -> None:
    database, other = Database(postgres_url), Database(postgres_url)

    async def ask() -> list[int]:
        asked = [database.read, database.write, database.write_for_worker]
        return [await one(lambda tx: tx.execute(sa.text("SELECT 1")).scalar_one()) for one in asked]

    assert asyncio.run(ask()) == [1, 1, 1]
    with other.transaction() as tx:
        tx.execute(_END_ALL)
    assert asyncio.run(ask()) == [1, 1, 1]
    database.close()
    other.close()
