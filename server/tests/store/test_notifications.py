"""What a transaction publishes is told after its commit: to this process, and on PostgreSQL to the others."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from support.pooler import Mode, Pooler, pooler
from terrarium_server.store import Database, Intervals, Notifications, Transaction

PATIENCE = 60.0
# A second is enough for an answer on a busy machine; the others only shorten the tests.
QUICK = Intervals(gather=0.01, answer=1.0, check=0.5, look=0.02, retry=0.1)
# Without looks in between.
QUIET = Intervals(gather=0.01, check=3_600, look=3_600)
THREAD = "terrarium-notifications"
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Heard:
    """A subscriber that keeps what it is told."""

    def __init__(self, notifications: Notifications, topic: str = "plants") -> None:
        self.calls: list[frozenset[str] | None] = []
        self.greetings: list[frozenset[str] | None] = []
        notifications.subscribe(topic, self.calls.append)
        notifications.subscribe("greetings", self.greetings.append)

    @property
    def details(self) -> list[str]:
        return sorted(detail for call in list(self.calls) for detail in call or ())

    @property
    def looks(self) -> int:
        return self.calls.count(None)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_until_connected(heard: Heard, sender: Notifications) -> None:
    """Wait until ``heard`` hears a new greeting of another process; then forget all calls."""
    greeting = str(time.monotonic_ns())

    def is_heard() -> bool:
        sender.publish([("greetings", greeting)])
        return {greeting} in heard.greetings

    wait_until(is_heard)
    heard.calls.clear()


# -- after the commit ---------------------------------------------------------------------------------------


def test_it_is_told_after_the_commit_each_detail_once(database: Database) -> None:
    plants, pots = Heard(database.notifications), Heard(database.notifications, "pots")
    with database.transaction() as tx:
        for detail in ["fern", "moss", "fern"]:
            tx.publish("plants", detail)
        assert plants.calls == []
    assert plants.calls == [{"fern", "moss"}]
    assert pots.calls == []


def test_nothing_is_told_after_a_rollback(database: Database) -> None:
    heard = Heard(database.notifications)
    with pytest.raises(KeyError), database.transaction() as tx:
        tx.publish("plants", "fern")
        raise KeyError
    assert heard.calls == []


def test_nothing_is_told_of_a_commit_that_fails(database: Database) -> None:
    heard = Heard(database.notifications)
    with database.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE pots (id text PRIMARY KEY)"))
        tx.execute(
            sa.text("CREATE TABLE plants (pot text REFERENCES pots (id) DEFERRABLE INITIALLY DEFERRED)")
        )

    def work(tx: Transaction) -> None:
        tx.publish("plants", "fern")
        # The constraint is checked at the commit.
        tx.execute(sa.text("INSERT INTO plants VALUES ('none')"))

    with pytest.raises(IntegrityError), database.transaction() as tx:
        work(tx)
    with pytest.raises(IntegrityError):
        asyncio.run(database.write(work))
    assert heard.calls == []


def test_of_writes_that_commit_together_only_the_good_ones_are_told(database: Database) -> None:
    heard = Heard(database.notifications)

    def work(tx: Transaction, name: str) -> None:
        tx.publish("plants", name)
        if name == "weed":
            raise KeyError(name)

    async def write_all() -> None:
        names = ["fern", "weed", "moss"]
        await asyncio.gather(
            *(database.write(lambda tx, name=name: work(tx, name)) for name in names), return_exceptions=True
        )
        # A caller has its result after the subscribers have been told.
        assert heard.details == ["fern", "moss"]

    asyncio.run(write_all())


def test_a_transaction_that_is_repeated_is_told_once(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        heard = Heard(database.notifications)
        attempts: list[int] = []

        def work(tx: Transaction) -> None:
            attempts.append(len(attempts))
            tx.publish("plants", f"attempt {len(attempts)}")
            tx.execute(sa.text("SELECT 1"))

        asyncio.run(database.write(work))
        with psycopg.connect(postgres_url) as connection:
            connection.execute(TERMINATE)
        asyncio.run(database.write(work))
        assert len(attempts) == 3
        assert heard.calls == [{"attempt 1"}, {"attempt 3"}]


def test_a_subscriber_that_fails_stops_nobody(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_details: object) -> None:
        raise KeyError("a broken subscriber")

    database.notifications.subscribe("plants", fail)
    heard = Heard(database.notifications)
    with database.transaction() as tx:
        tx.publish("plants", "fern")
    asyncio.run(database.write(lambda tx: tx.publish("plants", "moss")))
    assert heard.details == ["fern", "moss"]
    assert [record.message for record in caplog.records] == ["a subscriber of 'plants' failed"] * 2


def test_an_action_that_fails_after_the_commit_hides_nothing(database: Database) -> None:
    def fail() -> None:
        raise KeyError

    heard = Heard(database.notifications)
    with pytest.raises(KeyError), database.transaction() as tx:
        tx.publish("plants", "fern")
        tx.after_commit(fail)
    assert heard.details == ["fern"]


# -- between processes --------------------------------------------------------------------------------------


@pytest.fixture
def sender(postgres_url: str) -> Iterator[Notifications]:
    """Another process's notifications."""
    with closing(Notifications(postgres_url, QUICK)) as notifications:
        notifications.start()
        yield notifications


@pytest.fixture
def receiver(postgres_url: str) -> Iterator[Notifications]:
    with closing(Notifications(postgres_url, QUICK)) as notifications:
        notifications.start()
        yield notifications


@pytest.fixture
def quiet(postgres_url: str) -> Iterator[Notifications]:
    """Notifications that are not started yet; see `start`."""
    with closing(Notifications(postgres_url, QUIET)) as notifications:
        yield notifications


def start(quiet: Notifications, heard: Heard) -> None:
    """Start and wait for the two looks: before and after notifications are known to arrive."""
    quiet.start()
    wait_until(lambda: heard.calls == [None, None])
    heard.calls.clear()


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Pooler]:
    with pooler(postgres_url) as server:
        yield server


@pytest.fixture
def behind_proxy(proxy: Pooler) -> Iterator[Notifications]:
    """Notifications through the proxy, not started yet."""
    with closing(Notifications(proxy.url, QUICK)) as notifications:
        yield notifications


def test_two_processes_hear_each_other_and_nobody_hears_himself(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as here, closing(Database(postgres_url)) as there:
        heard_here, heard_there = Heard(here.notifications), Heard(there.notifications)
        here.notifications.start()
        there.notifications.start()
        wait_until_connected(heard_there, here.notifications)
        wait_until_connected(heard_here, there.notifications)
        heard_there.calls.clear()
        with here.transaction() as tx:
            tx.publish("plants", "fern")
        wait_until(lambda: heard_there.details == ["fern"])
        with there.transaction() as tx:
            tx.publish("plants", "moss")
        # Here the echo of "fern" arrives before "moss".
        wait_until(lambda: heard_here.details == ["fern", "moss"])
        assert heard_there.details == ["fern", "moss"]


def test_many_details_are_told(sender: Notifications, quiet: Notifications) -> None:
    heard = Heard(quiet)
    start(quiet, heard)
    details = [f"plant {number} \N{HERB}" for number in range(3_000)]
    sender.publish([("plants", detail) for detail in details])
    wait_until(lambda: heard.details == sorted(details))
    assert heard.looks == 0


def test_a_detail_that_is_too_long_is_replaced_by_a_look(sender: Notifications, quiet: Notifications) -> None:
    heard = Heard(quiet)
    start(quiet, heard)
    sender.publish([("plants", "f" * 9_000), ("plants", "moss")])
    wait_until(lambda: len(heard.calls) == 2)
    assert heard.details == ["moss"]
    assert heard.looks == 1


def test_too_many_details_are_replaced_by_a_look(
    proxy: Pooler, behind_proxy: Notifications, quiet: Notifications
) -> None:
    heard, pots = Heard(quiet), Heard(quiet, "pots")
    start(quiet, heard)
    proxy.mode = Mode.REFUSE
    behind_proxy.start()
    for first in range(0, 12_000, 100):
        behind_proxy.publish([("plants", str(number)) for number in range(first, first + 100)])
    behind_proxy.publish([("pots", "blue")])
    proxy.mode = Mode.PASS
    wait_until(lambda: bool(heard.calls and pots.details))
    assert heard.calls == [None]
    assert pots.details == ["blue"]


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "garbage",
        '{"version": 2, "sender": "new", "topics": {"plants": ["fern"]}}',
        '{"version": 1, "sender": "new", "topics": {"plants": "fern"}}',
    ],
)
def test_a_payload_that_is_not_understood_makes_subscribers_look(
    postgres_url: str, quiet: Notifications, payload: str
) -> None:
    heard = Heard(quiet)
    start(quiet, heard)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SELECT pg_notify('terrarium', %s)", [payload])
    wait_until(lambda: heard.calls == [None])


def test_subscribers_look_now_and_then(receiver: Notifications, sender: Notifications) -> None:
    heard = Heard(receiver)
    wait_until_connected(heard, sender)
    wait_until(lambda: heard.looks >= 2)


# -- failures -----------------------------------------------------------------------------------------------


def test_after_a_lost_connection_subscribers_look_and_hear_again(
    proxy: Pooler, behind_proxy: Notifications, sender: Notifications
) -> None:
    heard = Heard(behind_proxy)
    behind_proxy.start()
    wait_until_connected(heard, sender)
    proxy.mode = Mode.REFUSE
    proxy.cut()
    sender.publish([("plants", "fern")])
    wait_until(lambda: heard.looks > 0)
    assert heard.details == []
    behind_proxy.publish([("plants", "ivy")])
    proxy.mode = Mode.PASS
    heard.calls.clear()
    there = Heard(sender)
    wait_until_connected(heard, sender)
    # What was published in the meantime is sent.
    wait_until(lambda: "ivy" in there.details)


def test_a_connection_that_fell_silent_is_noticed(
    proxy: Pooler, behind_proxy: Notifications, sender: Notifications
) -> None:
    heard = Heard(behind_proxy)
    behind_proxy.start()
    wait_until_connected(heard, sender)
    connections = proxy.accepted
    proxy.mode = Mode.HANG
    wait_until(lambda: proxy.accepted > connections)
    proxy.mode = Mode.PASS
    wait_until_connected(heard, sender)


def test_behind_a_pooler_that_swallows_notifications_subscribers_look(
    proxy: Pooler, behind_proxy: Notifications, sender: Notifications, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="terrarium_server")
    heard = Heard(behind_proxy)
    proxy.mode = Mode.SWALLOW
    behind_proxy.start()
    wait_until(lambda: "TERRARIUM_DATABASE_URL" in caplog.text)
    connections, looks = proxy.accepted, heard.looks
    # It tries again and again, and says so once.
    wait_until(lambda: proxy.accepted >= connections + 2 and heard.looks > looks)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert heard.details == []
    # What it publishes itself arrives.
    there = Heard(sender)
    behind_proxy.publish([("plants", "ivy")])
    wait_until(lambda: "ivy" in there.details)
    heard.calls.clear()
    proxy.mode = Mode.PASS
    wait_until(lambda: "arrive again" in caplog.text)
    wait_until_connected(heard, sender)


# -- the end ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.HANG])
def test_closing_does_not_wait_for_a_database_that_is_away(
    proxy: Pooler, behind_proxy: Notifications, sender: Notifications, mode: Mode
) -> None:
    heard = Heard(behind_proxy)
    sender.close()
    wait_until(lambda: THREAD not in {thread.name for thread in threading.enumerate()})
    behind_proxy.start()
    wait_until(lambda: heard.looks > 0 and proxy.accepted == 2)
    proxy.mode = mode
    if mode is Mode.REFUSE:
        proxy.cut()
    behind_proxy.publish([("plants", "fern")])
    behind_proxy.close()
    assert THREAD not in {thread.name for thread in threading.enumerate()}


def test_what_was_published_just_before_the_end_is_sent(
    postgres_url: str, receiver: Notifications, sender: Notifications
) -> None:
    heard = Heard(receiver)
    wait_until_connected(heard, sender)
    with closing(Database(postgres_url)) as database:
        database.notifications.start()
        wait_until_connected(heard, database.notifications)
        for number in range(50):
            asyncio.run(database.write(lambda tx, number=number: tx.publish("plants", f"plant {number}")))
    wait_until(lambda: len(heard.details) == 50)
    with psycopg.connect(postgres_url) as connection:
        # Nothing of a closed process is left: these are the connections of the others, and this one.
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        wait_until(lambda: connection.execute(others).fetchone() == (5,))


def test_publishing_after_the_end_is_told_here(receiver: Notifications) -> None:
    heard = Heard(receiver)
    receiver.close()
    heard.calls.clear()
    receiver.publish([("plants", "fern")])
    assert heard.calls == [{"fern"}]
