"""Transactions: all or nothing, with actions after the commit, concurrent without errors."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from terrarium_server.store import Database, Transaction

COUNT = sa.text("SELECT count(*) FROM plants")


@pytest.fixture
def garden(database: Database) -> Database:
    with database.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE plants (name text PRIMARY KEY)"))
    return database


def plant(tx: Transaction, name: str) -> None:
    tx.execute(sa.text("INSERT INTO plants VALUES (:name)"), {"name": name})


def count(database: Database) -> int:
    with database.transaction() as tx:
        return tx.execute(COUNT).scalar_one()


def test_all_of_a_transaction_or_nothing(garden: Database) -> None:
    with garden.transaction() as tx:
        plant(tx, "fern")
        plant(tx, "moss")
    with pytest.raises(KeyError), garden.transaction() as tx:
        plant(tx, "ivy")
        raise KeyError
    assert count(garden) == 2


def test_actions_after_a_commit_run_only_after_it(garden: Database) -> None:
    counts: list[int] = []
    with garden.transaction() as tx:
        plant(tx, "fern")
        tx.after_commit(lambda: counts.append(count(garden)))
        assert counts == []
    assert counts == [1]
    with pytest.raises(KeyError), garden.transaction() as tx:
        tx.after_commit(lambda: counts.append(-1))
        raise KeyError
    assert counts == [1]


def test_many_concurrent_writers_all_succeed(garden: Database) -> None:
    async def write_many() -> None:
        await asyncio.gather(
            *(garden.write(lambda tx, number=number: plant(tx, f"plant {number}")) for number in range(60))
        )

    asyncio.run(write_many())
    assert count(garden) == 60


def test_one_that_fails_undoes_no_other(garden: Database) -> None:
    committed: list[str] = []

    def work(tx: Transaction, name: str) -> str:
        plant(tx, name)
        tx.after_commit(lambda: committed.append(name))
        if name == "weed":
            raise KeyError(name)
        return name.upper()

    async def write_all() -> list[object]:
        names = ["fern", "weed", "fern", "moss"]
        return await asyncio.gather(
            *(garden.write(lambda tx, name=name: work(tx, name)) for name in names), return_exceptions=True
        )

    results = asyncio.run(write_all())
    assert isinstance(results[1], KeyError)
    # Either of the two ferns may come first.
    assert sum(isinstance(result, IntegrityError) for result in results) == 1
    assert results[3] == "MOSS"
    assert sorted(committed) == ["fern", "moss"]
    assert count(garden) == 2


def test_writing_continues_after_a_short_lack_of_memory(
    garden: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shortage = [True]

    def log(*_: object) -> None:
        if shortage.pop():
            raise MemoryError

    monkeypatch.setattr("terrarium_server.store._group_commit._log.exception", log)

    def fails_afterwards(tx: Transaction) -> None:
        plant(tx, "fern")
        tx.after_commit(lambda: shortage[5])  # pyright: ignore[reportArgumentType]

    async def write() -> None:
        if garden.is_sqlite:
            await garden.write(fails_afterwards)
        await garden.write(lambda tx: plant(tx, "moss"))

    asyncio.run(asyncio.wait_for(write(), 60))
    assert count(garden) == (2 if garden.is_sqlite else 1)


def test_a_read_sees_what_was_written(garden: Database) -> None:
    async def write_then_read() -> int:
        await garden.write(lambda tx: plant(tx, "fern"))
        return await garden.read(lambda tx: tx.execute(COUNT).scalar_one())

    assert asyncio.run(write_then_read()) == 1


def test_the_time_of_a_transaction_is_read_from_its_clock(migrated_url: str) -> None:
    database = Database(migrated_url, clock_ms=lambda: 42)
    with database.transaction() as tx:
        assert tx.now_ms == 42
        assert tx.dialect == ("sqlite" if database.is_sqlite else "postgresql")
    database.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_schemes_of_postgresql_are_accepted(scheme: str) -> None:
    database = Database(f"{scheme}://nobody@127.0.0.1/none")
    assert database.engine.dialect.name == "postgresql"
    assert not database.is_sqlite
    database.close()
