"""The database's clock, named locks, and connections of workers that requests cannot block."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from terrarium_server.store import UNAVAILABLE, Database, Transaction

ON_POSTGRES = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
PATIENCE = 60.0
READ = sa.text("SELECT count(*) FROM plants")


@pytest.fixture
def garden(database: Database) -> Database:
    with database.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE plants (name text PRIMARY KEY)"))
        plant(tx, "fern")
    return database


@pytest.fixture
def impatient(garden: Database) -> Iterator[Database]:
    """The same database with a short lock timeout for workers."""
    opened = Database(garden.url, lock_timeout=0.1)
    yield opened
    opened.close()


def plant(tx: Transaction, name: str) -> None:
    tx.execute(sa.text("INSERT INTO plants VALUES (:name)"), {"name": name})


def water(tx: Transaction) -> None:
    """Change the one row, which locks it."""
    tx.execute(sa.text("UPDATE plants SET name = name WHERE name = 'fern'"))


def waiting_for_a_lock(database: Database) -> int:
    with database.transaction() as tx:
        return tx.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# -- the clock ----------------------------------------------------------------------------------------------


def test_the_databases_clock_is_in_milliseconds_and_advances_within_a_transaction(database: Database) -> None:
    with database.transaction() as tx:
        first = tx.execute(sa.select(tx.clock)).scalar_one()
        time.sleep(0.02)
        second = tx.execute(sa.select(tx.clock)).scalar_one()
    assert isinstance(first, int) and first < second
    # Both clocks are this machine's.
    assert abs(second - time.time() * 1000) < 60_000


def test_the_clock_can_be_replaced(migrated_url: str) -> None:
    database = Database(migrated_url, clock=lambda: sa.literal(42, sa.BigInteger))
    with database.transaction() as tx:
        assert tx.execute(sa.select(tx.clock + 1)).scalar_one() == 43
    database.close()


def test_a_renewal_is_a_normal_transaction(garden: Database) -> None:
    with garden.renewal() as tx:
        plant(tx, "moss")
    with pytest.raises(KeyError), garden.renewal() as tx:
        plant(tx, "ivy")
        raise KeyError
    with garden.renewal() as tx:
        assert tx.execute(READ).scalar_one() == 2


def test_a_worker_writes_in_a_normal_transaction(garden: Database) -> None:
    async def write() -> None:
        await garden.write_for_worker(lambda tx: plant(tx, "moss"))
        with pytest.raises(IntegrityError):
            await garden.write_for_worker(lambda tx: plant(tx, "moss"))
        assert await garden.write_for_worker(lambda tx: tx.execute(READ).scalar_one()) == 2

    asyncio.run(write())


# -- locks --------------------------------------------------------------------------------------------------


@ON_POSTGRES
def test_a_named_lock_is_held_by_one_transaction_until_its_end(garden: Database) -> None:
    order: list[str] = []

    def second() -> None:
        with garden.transaction() as tx:
            tx.lock("the shed")
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with garden.transaction() as tx:
            tx.lock("the shed")
            tx.lock("the shed")
            follower = pool.submit(second)
            wait_until(lambda: waiting_for_a_lock(garden) == 1)
            with garden.transaction() as other:
                # A lock of another name is another lock.
                other.lock("the greenhouse")
            order.append("first")
        follower.result(PATIENCE)
    assert order == ["first", "second"]


def test_a_transaction_may_take_a_lock_twice(database: Database) -> None:
    with database.transaction() as tx:
        tx.lock("the shed")
        tx.lock("the shed")


# -- requests and workers -----------------------------------------------------------------------------------


@ON_POSTGRES
def test_waiting_requests_block_no_worker(garden: Database) -> None:
    """Reads, workers' writes and renewals succeed however many requests wait in the database."""

    async def with_many_waiting(may_end: Callable[[], None]) -> None:
        waiting = [asyncio.create_task(garden.write(water)) for _ in range(60)]
        await asyncio.to_thread(wait_until, lambda: waiting_for_a_lock(garden) > 0)
        await garden.write_for_worker(lambda tx: plant(tx, "moss"))
        assert await garden.read(lambda tx: tx.execute(READ).scalar_one()) == 2
        with garden.renewal() as tx:
            plant(tx, "ivy")
        assert not any(one.done() for one in waiting)
        may_end()
        await asyncio.gather(*waiting)

    held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with garden.transaction() as tx:
            water(tx)
            held.set()
            assert may_end.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        try:
            assert held.wait(PATIENCE)
            asyncio.run(with_many_waiting(may_end.set))
        finally:
            may_end.set()
        holder.result(PATIENCE)


@ON_POSTGRES
def test_a_worker_waits_for_a_lock_until_its_timeout_and_a_request_until_it_is_free(
    garden: Database, impatient: Database
) -> None:
    async def both(may_end: Callable[[], None]) -> None:
        request = asyncio.create_task(impatient.write(water))
        with pytest.raises(UNAVAILABLE):
            await impatient.write_for_worker(water)
        with pytest.raises(UNAVAILABLE), impatient.renewal() as tx:
            water(tx)
        assert not request.done()
        may_end()
        await request
        # A write that failed can be repeated.
        await impatient.write_for_worker(water)

    with garden.engine.connect() as connection:
        connection.execute(sa.text("UPDATE plants SET name = name WHERE name = 'fern'"))
        asyncio.run(both(connection.commit))
